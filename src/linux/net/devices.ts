/** Exists to answer the ioctls that ask for network devices (netdevice(7)): there is `lo`, and nobody may change it. */
import { ERRNO } from '../errno.ts'
import { bytesFromName } from '../fs/names.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { u64At } from '../arguments.ts'

const SIOC = {
  name: 0x8910,
  configuration: 0x8912,
  flags: 0x8913,
  address: 0x8915,
  peerAddress: 0x8917,
  broadcast: 0x8919,
  netmask: 0x891b,
  metric: 0x891d,
  mtu: 0x8921,
  hardware: 0x8927,
  index: 0x8933,
  queue: 0x8942,
} as const

/** Requests that change a device. */
const SETTERS: readonly number[] = [0x8914, 0x8916, 0x8918, 0x891a, 0x891c, 0x891e, 0x8922, 0x8923, 0x8924, 0x8943]

/** Bytes of struct ifreq and its name; what is asked for stands behind that. */
const REQUEST = 40
const NAME = 16
const LOOPBACK = {
  name: 'lo',
  index: 1,
  flags: 0x49,
  mtu: 65536,
  address: 0x7f00_0001,
  netmask: 0xff00_0000,
  hardware: 772,
}

/** Answers a request about network devices; null for what is none. */
export function deviceIoctl(k: Kernel, t: Task, request: number, at: number): number | null {
  if (request === SIOC.configuration) return configuration(k, t, at)
  if (SETTERS.includes(request)) {
    if (t.credentials.uid[1] === 0) k.noteUnanswered(t, 'ioctl that changes a network device', 'EPERM')
    return -ERRNO.EPERM
  }
  if (!(Object.values(SIOC) as number[]).includes(request)) return null
  const bytes = k.space(t).read(at, REQUEST)?.slice()
  if (bytes === undefined) return -ERRNO.EFAULT
  const view = new DataView(bytes.buffer)
  const end = bytes.indexOf(0)
  const name = String.fromCharCode(...bytes.subarray(0, end < 0 || end > NAME ? NAME : end))
  if (request === SIOC.name) {
    if (view.getInt32(NAME, true) !== LOOPBACK.index) return -ERRNO.ENODEV
    bytes.set(bytesFromName(LOOPBACK.name))
    bytes[LOOPBACK.name.length] = 0
    return k.space(t).write(at, bytes) ? 0 : -ERRNO.EFAULT
  }
  if (name !== LOOPBACK.name) return -ERRNO.ENODEV
  bytes.fill(0, NAME)
  switch (request) {
    case SIOC.flags:
      view.setInt16(NAME, LOOPBACK.flags, true)
      break
    case SIOC.mtu:
      view.setInt32(NAME, LOOPBACK.mtu, true)
      break
    case SIOC.index:
      view.setInt32(NAME, LOOPBACK.index, true)
      break
    case SIOC.queue:
      view.setInt32(NAME, 1000, true)
      break
    case SIOC.hardware:
      view.setUint16(NAME, LOOPBACK.hardware, true)
      break
    case SIOC.metric:
      break
    default:
      internetAddress(
        view,
        NAME,
        request === SIOC.netmask ? LOOPBACK.netmask : request === SIOC.broadcast ? 0 : LOOPBACK.address,
      )
  }
  return k.space(t).write(at, bytes) ? 0 : -ERRNO.EFAULT
}

/** A struct sockaddr_in without port. */
function internetAddress(view: DataView, offset: number, address: number): void {
  view.setUint16(offset, 2, true)
  view.setUint32(offset + 4, address, false)
}

/** SIOCGIFCONF: the devices that have an address; how many bytes that takes when there is no buffer. */
function configuration(k: Kernel, t: Task, at: number): number {
  const space = k.space(t)
  const header = space.read(at, 16)
  if (header === null) return -ERRNO.EFAULT
  const view = new DataView(header.buffer, header.byteOffset, 16)
  const buffer = u64At(view, 8)
  const length = view.getInt32(0, true)
  if (buffer === 0) return space.writeU32(at, REQUEST) ? 0 : -ERRNO.EFAULT
  if (length < REQUEST) return space.writeU32(at, 0) ? 0 : -ERRNO.EFAULT
  const row = new Uint8Array(REQUEST)
  row.set(bytesFromName(LOOPBACK.name))
  internetAddress(new DataView(row.buffer), NAME, LOOPBACK.address)
  return space.write(buffer, row) && space.writeU32(at, REQUEST) ? 0 : -ERRNO.EFAULT
}
