/** Exists to read and write ancillary data of messages (cmsg(3)): descriptors and credentials on AF_UNIX sockets. */
import { CAP, capable } from '../capabilities.ts'
import { i64At, setI64, u64At } from '../arguments.ts'
import { ERRNO } from '../errno.ts'
import { descriptionOf, installFd, releaseDescription } from '../fs/description.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { option, SOL } from './options.ts'
import type { Received } from './receive.ts'
import { MSG, type Ancillary } from './send.ts'
import { AF } from './socket.ts'
import type { Socket } from './state.ts'

const SCM = { rights: 1, credentials: 2 } as const
/** Bytes of struct cmsghdr. */
const HEADER = 16
/** SCM_MAX_FD. */
const MOST_FILES = 253

/** What the control buffer of a sendmsg holds, or an errno; descriptions in it have a reference more. */
export function readControl(
  k: Kernel,
  t: Task,
  socket: Socket,
  address: number,
  length: number,
  call: string,
): Ancillary | number {
  const found: Ancillary = { files: [], credentials: null }
  if (length < HEADER) return found
  const bytes = k.space(t).read(address, length)?.slice()
  if (!bytes) return -ERRNO.EFAULT
  const view = new DataView(bytes.buffer)
  const ids: number[] = []
  for (let at = 0; at + HEADER <= length;) {
    const size = u64At(view, at)
    if (size < HEADER || at + size > length) return -ERRNO.EINVAL
    const [level, type] = [view.getInt32(at + 8, true), view.getInt32(at + 12, true)]
    if (socket.family !== AF.unix && socket.family !== AF.netlink)
      return k.refuse(t, `${call} with ancillary data of level ${level} and type ${type}`, 'EINVAL')
    if (level === SOL.socket) {
      if (type === SCM.rights) {
        const count = Math.floor((size - HEADER) / 4)
        if (ids.length + count > MOST_FILES) return -ERRNO.EINVAL
        for (let i = 0; i < count; i++) {
          const d = descriptionOf(k, t, view.getInt32(at + HEADER + 4 * i, true))
          if (!d || d.type === 'path') return -ERRNO.EBADF
          if (d.type === 'ring') return -ERRNO.EINVAL
          ids.push(d.id)
        }
      } else if (type === SCM.credentials) {
        if (size !== HEADER + 12) return -ERRNO.EINVAL
        const [pid, uid, gid] = [16, 20, 24].map((offset) => view.getUint32(at + offset, true)) as [
          number,
          number,
          number,
        ]
        const own = t.credentials
        const mayPid = pid === t.pid || capable(t, CAP.sysAdmin)
        const mayUid = own.uid.slice(0, 3).includes(uid) || capable(t, CAP.setuid)
        const mayGid = own.gid.slice(0, 3).includes(gid) || capable(t, CAP.setgid)
        if (!mayPid || !mayUid || !mayGid) return -ERRNO.EPERM
        if (!k.state.processes.has(pid)) return -ERRNO.ESRCH
        found.credentials = { pid, uid, gid }
      } else return -ERRNO.EINVAL
    }
    at += Math.ceil(size / 8) * 8
  }
  for (const id of ids) k.state.fs.descriptions.get(id)!.refs++
  found.files = ids
  return found
}

/** Lets go of what a message would have carried that was not sent. */
export function dropAncillary(k: Kernel, ancillary: Ancillary | null): void {
  for (const id of ancillary?.files ?? []) releaseDescription(k, id)
}

/** Lets go of descriptors that nobody took out of a message. */
export function dropFiles(k: Kernel, received: Received): void {
  for (const id of received.files) releaseDescription(k, id)
  received.files = []
}

/**
 * Puts what came with a message into the control buffer: credentials if they were asked for, then new descriptors. The bytes used; `received.flags`
 * gets MSG_CTRUNC when there was too little room. -EFAULT when it cannot be written.
 */
export function writeControl(
  k: Kernel,
  t: Task,
  socket: Socket,
  received: Received,
  address: number,
  room: number,
  flags: number,
): number {
  const space = k.space(t)
  let used = 0
  /** Writes one structure, cut to the room that is left; false when nothing of it fits. */
  const put = (type: number, data: Uint8Array): boolean => {
    if (room - used < HEADER) {
      received.flags |= MSG.ctrunc
      return false
    }
    const size = Math.min(HEADER + data.length, room - used)
    if (size < HEADER + data.length) received.flags |= MSG.ctrunc
    const bytes = new Uint8Array(size)
    const view = new DataView(bytes.buffer)
    setI64(view, 0, size)
    view.setInt32(8, SOL.socket, true)
    view.setInt32(12, type, true)
    bytes.set(data.subarray(0, size - HEADER), HEADER)
    if (!space.write(address + used, bytes)) return false
    used += Math.min(Math.ceil(size / 8) * 8, room - used)
    return true
  }
  if (option(socket, 'SO_PASSCRED') !== 0 && (socket.family === AF.unix || socket.family === AF.netlink)) {
    // Of what was sent before anybody asked, nobody knows who sent it: overflow ids.
    const { pid, uid, gid } = received.credentials ?? { pid: 0, uid: 65534, gid: 65534 }
    put(SCM.credentials, new Uint8Array(Uint32Array.of(pid, uid, gid).buffer))
  }
  if (received.files.length > 0) {
    const fits = Math.max(0, Math.floor((room - used - HEADER) / 4))
    const fds: number[] = []
    for (const id of received.files.slice(0, fits)) {
      const fd = installFd(k, t, k.state.fs.descriptions.get(id)!, (flags & MSG.cmsgCloexec) !== 0)
      if (fd < 0) break
      fds.push(fd)
    }
    if (fds.length < received.files.length) received.flags |= MSG.ctrunc
    if (fds.length > 0) put(SCM.rights, new Uint8Array(Int32Array.from(fds).buffer))
    // The descriptors hold what the message held.
    dropFiles(k, received)
  }
  return used
}

/** struct msghdr, decoded. */
export interface MessageHeader {
  name: number
  nameLength: number
  iov: number
  iovLength: number
  control: number
  controlLength: number
  flags: number
}

/** Bytes of struct msghdr. */
export const MSGHDR_SIZE = 56

/** The structure at `address`, or -EFAULT. */
export function readHeader(k: Kernel, t: Task, address: number): MessageHeader | number {
  const bytes = k.space(t).read(address, MSGHDR_SIZE)
  if (bytes === null) return -ERRNO.EFAULT
  const view = new DataView(bytes.buffer, bytes.byteOffset, MSGHDR_SIZE)
  return {
    name: u64At(view, 0),
    nameLength: view.getInt32(8, true),
    iov: u64At(view, 16),
    iovLength: i64At(view, 24),
    control: u64At(view, 32),
    controlLength: u64At(view, 40),
    flags: view.getInt32(48, true),
  }
}
