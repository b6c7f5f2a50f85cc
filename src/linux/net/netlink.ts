/** Exists to answer what the C library asks of rtnetlink(7) for getifaddrs and getaddrinfo: the machine has the loopback device and its two addresses. */
import { ERRNO } from '../errno.ts'
import { signalActivity } from '../fs/async.ts'
import type { Kernel } from '../kernel.ts'
import type { Socket } from './state.ts'

/** Message types (linux/netlink.h, linux/rtnetlink.h). */
const NLMSG = { error: 2, done: 3 } as const
const RTM = { newlink: 16, getlink: 18, newaddr: 20, getaddr: 22, getroute: 26 } as const
const NLM_F_MULTI = 2
const NLM_F_DUMP = 0x300
/** Bytes of struct nlmsghdr. */
const HEADER = 16

/** struct sockaddr_nl; the kernel's own is that with port 0. */
export function netlinkAddress(port: number): Uint8Array {
  const bytes = new Uint8Array(12)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, 16, true)
  view.setUint32(4, port, true)
  return bytes
}

const LINK = Uint8Array.of(0, 0, 0x04, 0x03, 1, 0, 0, 0, 0x49, 0, 1, 0, 0, 0, 0, 0)
const NAME = attribute(3, Uint8Array.of(0x6c, 0x6f, 0))
const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)
const ONE4 = Uint8Array.of(127, 0, 0, 1)
const ONE6 = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)

/** IFA_FLAGS (permanent) and IFA_CACHEINFO: valid and preferred without end. */
const FOR_EVER = [attribute(8, u32(0x80)), attribute(6, joined(u32(0xffff_ffff), u32(0xffff_ffff), u32(0), u32(0)))]

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0))
}

function attribute(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + Math.ceil(value.length / 4) * 4)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, 4 + value.length, true)
  view.setUint16(2, type, true)
  bytes.set(value, 4)
  return bytes
}

function joined(...parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function links(): Uint8Array[] {
  const ethernet = new Uint8Array(6)
  return [
    joined(
      LINK,
      NAME,
      attribute(13, u32(1000)),
      attribute(4, u32(65536)),
      attribute(1, ethernet),
      attribute(2, ethernet),
      // Queueing discipline, state (unknown), link mode, group.
      attribute(6, latin1('noqueue\0')),
      attribute(16, Uint8Array.of(0)),
      attribute(17, Uint8Array.of(0)),
      attribute(27, u32(0)),
    ),
  ]
}

/** Addresses of a family; all for AF_UNSPEC. */
function addresses(family: number): Uint8Array[] {
  const found: Uint8Array[] = []
  if (family === 0 || family === 2) {
    const head = Uint8Array.of(2, 8, 0x80, 254, 1, 0, 0, 0)
    found.push(joined(head, attribute(1, ONE4), attribute(2, ONE4), NAME, ...FOR_EVER))
  }
  if (family === 0 || family === 10)
    found.push(joined(Uint8Array.of(10, 128, 0x80, 254, 1, 0, 0, 0), attribute(1, ONE6), ...FOR_EVER))
  return found
}

/** Takes the requests in `bytes` and queues the answers; the number of bytes. */
export function answerNetlink(k: Kernel, socket: Socket, bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at + HEADER <= bytes.length;) {
    const length = view.getUint32(at, true)
    if (length < HEADER || at + length > bytes.length) break
    const [type, flags, seq] = [
      view.getUint16(at + 4, true),
      view.getUint16(at + 6, true),
      view.getUint32(at + 8, true),
    ]
    const family = length > HEADER ? bytes[at + HEADER]! : 0
    const dump = (flags & NLM_F_DUMP) === NLM_F_DUMP
    const known = dump && (type === RTM.getlink || type === RTM.getaddr || type === RTM.getroute)
    if (!known) {
      const request = bytes.subarray(at, at + length)
      const one = type === RTM.getlink && !dump ? namesLoopback(request) : null
      if (one === true) reply(k, socket, [answer(socket, RTM.newlink, 0, seq, links()[0]!)])
      else {
        const error = one === null ? ERRNO.EOPNOTSUPP : ERRNO.ENODEV
        reply(k, socket, [answer(socket, NLMSG.error, 0, seq, refusal(request.subarray(0, HEADER), error))])
      }
    } else {
      const found = type === RTM.getlink ? links() : type === RTM.getaddr ? addresses(family) : []
      const reported = type === RTM.getlink ? RTM.newlink : RTM.newaddr
      const parts = found.map((part) => answer(socket, reported, NLM_F_MULTI, seq, part))
      if (parts.length > 0) reply(k, socket, parts)
      reply(k, socket, [answer(socket, NLMSG.done, NLM_F_MULTI, seq, u32(0))])
    }
    at += Math.ceil(length / 4) * 4
  }
  return bytes.length
}

/** Bytes of struct ifinfomsg, and the attributes IFLA_IFNAME and IFLA_ALT_IFNAME. */
const LINK_HEADER = 16
const NAMES: readonly number[] = [3, 53]

/** Whether RTM_GETLINK asks for the loopback device, by its number or name. */
function namesLoopback(request: Uint8Array): boolean {
  const view = new DataView(request.buffer, request.byteOffset, request.length)
  const body = HEADER + LINK_HEADER
  if (request.length < body) return false
  if (view.getInt32(HEADER + 4, true) !== 0) return view.getInt32(HEADER + 4, true) === 1
  for (let at = body; at + 4 <= request.length;) {
    const length = view.getUint16(at, true)
    if (length < 4) break
    const value = String.fromCharCode(...request.subarray(at + 4, at + length)).replace(/\0.*$/s, '')
    if (NAMES.includes(view.getUint16(at + 2, true) & 0x3fff)) return value === 'lo'
    at += Math.ceil(length / 4) * 4
  }
  return false
}

/** struct nlmsgerr: the error, and the header of the request. */
function refusal(header: Uint8Array, error: number): Uint8Array {
  return joined(u32(-error), header)
}

function answer(socket: Socket, type: number, flags: number, seq: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER + Math.ceil(body.length / 4) * 4)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, HEADER + body.length, true)
  view.setUint16(4, type, true)
  view.setUint16(6, flags, true)
  view.setUint32(8, seq, true)
  view.setUint32(12, portOf(socket), true)
  bytes.set(body, HEADER)
  return bytes
}

function portOf({ local }: Socket): number {
  return local === null ? 0 : new DataView(local.buffer, local.byteOffset).getUint32(4, true)
}

/** Puts bytes of the kernel's own into a socket's queue, as mq_notify(2) has it done; nothing when the socket is gone. */
export function deliverCookie(k: Kernel, id: number, bytes: Uint8Array): void {
  const socket = k.state.fs.net.sockets.get(id)
  if (socket !== undefined) reply(k, socket, [bytes])
}

function reply(k: Kernel, socket: Socket, parts: Uint8Array[]): void {
  const bytes = joined(...parts)
  socket.queue.push({
    bytes,
    from: netlinkAddress(0),
    files: [],
    credentials: { pid: 0, uid: 0, gid: 0 },
    sender: 0,
    cost: 0,
  })
  socket.queued += bytes.length
  if (socket.description !== 0) signalActivity(k, socket.description, 'read')
}
