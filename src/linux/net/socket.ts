/** Exists to make sockets, to find them behind descriptors, and to take them apart when the last descriptor is closed. */
import { ERRNO } from '../errno.ts'
import { addDescription, descriptionOf, signalActivity } from '../fs/description.ts'
import { addInode, timeNow } from '../fs/inode.ts'
import type { Description } from '../fs/state.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import type { Socket, SocketCredentials } from './state.ts'

export const AF = { unspec: 0, unix: 1, inet: 2, inet6: 10, netlink: 16 } as const
export const SOCK = { stream: 1, dgram: 2, raw: 3, seqpacket: 5, nonblock: 0o4000, cloexec: 0o2000000 } as const
/** Bits of Socket.shut. */
export const SHUT = { receive: 1, send: 2, both: 3 } as const

/** A new socket that nobody has opened yet. */
export function addSocket(k: Kernel, family: number, type: number, protocol: number): Socket {
  const net = k.state.fs.net
  const socket: Socket = {
    id: net.nextSocket++,
    family,
    type,
    protocol,
    description: 0,
    stage: 'closed',
    local: null,
    remote: null,
    inode: 0,
    peer: 0,
    queue: [],
    queued: 0,
    sent: 0,
    backlog: 0,
    pending: [],
    shut: 0,
    error: 0,
    peerCredentials: null,
    ownCredentials: null,
    receiveTimeout: 0,
    sendTimeout: 0,
    linger: [0, 0],
    options: new Map(),
  }
  net.sockets.set(socket.id, socket)
  return socket
}

/** Opens a description on a socket. */
export function openSocket(k: Kernel, t: Task, socket: Socket, nonblock: boolean): Description {
  const { uid, gid } = t.credentials
  const inode = addInode(k.state.fs, { kind: 'socket', mode: 0o777, uid: uid[3], gid: gid[3] }, timeNow(k))
  const flags = 2 | (nonblock ? SOCK.nonblock : 0)
  const d = addDescription(k.state.fs, 'socket', flags, inode, { socket: socket.id })
  socket.description = d.id
  return d
}

/** The socket behind a descriptor, or -EBADF, -ENOTSOCK. While a call waits: the one it began with. */
export function socketAt(k: Kernel, t: Task, fd: number): { d: Description; socket: Socket } | number {
  const waited = t.wait?.fds?.[0]?.id
  const d = waited === undefined ? descriptionOf(k, t, fd) : k.state.fs.descriptions.get(waited)
  if (!d || d.type === 'path') return -ERRNO.EBADF
  return d.type === 'socket' ? { d, socket: socketOf(k, d) } : -ERRNO.ENOTSOCK
}

/** The socket of a description of type 'socket'. */
export function socketOf(k: Kernel, d: Description): Socket {
  return k.state.fs.net.sockets.get(d.socket)!
}

/** The socket with this id, or undefined: it is gone. */
export function socketById(k: Kernel, id: number): Socket | undefined {
  return k.state.fs.net.sockets.get(id)
}

/** Whether it carries a connection: streams and sequenced packets. */
export function isConnectionBased(socket: Socket): boolean {
  return socket.type === SOCK.stream || socket.type === SOCK.seqpacket
}

/** Tells those who wait for a socket that something happened. */
export function stir(k: Kernel, socket: Socket | undefined, events: 'read' | 'write' | 'both'): void {
  if (socket !== undefined && socket.description !== 0) signalActivity(k, socket.description, events)
}

/** The error that waits on a socket, negative, which is thereby reported; 0 for none. */
export function takeError(socket: Socket): number {
  const error = socket.error
  socket.error = 0
  // A connect that did not wait has failed, and now its caller knows.
  if (error !== 0 && socket.stage === 'connecting' && socket.peer === 0) socket.stage = 'closed'
  return error === 0 ? 0 : -error
}

/** The task's process as its peers see it. */
export function credentialsOf(t: Task): SocketCredentials {
  const { uid, gid } = t.credentials
  return { pid: t.pid, uid: uid[1], gid: gid[1] }
}
