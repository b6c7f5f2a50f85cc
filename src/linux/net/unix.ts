/** Exists to name and connect sockets of the AF_UNIX family (unix(7)): by a path of the machine's files, by an abstract name, or without name. */
import { ERRNO } from '../errno.ts'
import { createAt } from '../fs/open.ts'
import { holdInode } from '../fs/inode.ts'
import { nameFromBytes } from '../fs/names.ts'
import { checkAccess, MAY } from '../fs/permission.ts'
import { AT_FDCWD, walk } from '../fs/walk.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { familyOf, UNNAMED } from './address.ts'
import { addSocket, AF, credentialsOf, SOCK, socketById, stir } from './socket.ts'
import type { Socket } from './state.ts'

/** Bytes of struct sockaddr_un. */
const LONGEST = 110

/** The part of an address behind its family, in the kernel's form: abstract names as they are, paths up to their NUL. */
function nameOf(address: Uint8Array): { abstract: boolean; name: Uint8Array } {
  const rest = address.subarray(2)
  if (rest[0] === 0) return { abstract: true, name: rest }
  const end = rest.indexOf(0)
  return { abstract: false, name: end < 0 ? rest : rest.subarray(0, end) }
}

const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes)

/** bind(2). */
export function bindUnix(k: Kernel, t: Task, socket: Socket, address: Uint8Array): number {
  if (familyOf(address) !== AF.unix || address.length < 2 || address.length > LONGEST) return -ERRNO.EINVAL
  if (address.length === 2) return autobind(k, socket)
  const { abstract, name } = nameOf(address)
  if (abstract) {
    if (socket.local !== null) return -ERRNO.EINVAL
    const net = k.state.fs.net
    if (net.abstract.has(latin1(name))) return -ERRNO.EADDRINUSE
    net.abstract.set(latin1(name), socket.id)
    socket.local = address
    return 0
  }
  const place = walk(k, t, AT_FDCWD, nameFromBytes(name), false)
  if (typeof place === 'number') return place
  if (place.inode !== null) return -ERRNO.EADDRINUSE
  if (place.slash) return -ERRNO.ENOENT
  if (socket.local !== null) return -ERRNO.EINVAL
  const mode = 0o777 & ~k.process(t).where.umask
  const inode = createAt(k, t, place, { kind: 'socket', mode })
  if (typeof inode === 'number') return inode
  socket.inode = inode.id
  holdInode(k.state.fs, inode.id)
  // The kernel shows a path with its NUL.
  socket.local = new Uint8Array(2 + name.length + 1)
  socket.local.set(address.subarray(0, 2 + name.length))
  return 0
}

/** An abstract name of five hexadecimal digits, as the kernel gives to who binds to no name. */
function autobind(k: Kernel, socket: Socket): number {
  if (socket.local !== null) return 0
  const net = k.state.fs.net
  for (;;) {
    const name = `\0${(net.nextName++ & 0xfffff).toString(16).padStart(5, '0')}`
    if (net.abstract.has(name)) continue
    net.abstract.set(name, socket.id)
    socket.local = Uint8Array.of(AF.unix, 0, ...Array.from(name, (character) => character.charCodeAt(0)))
    return 0
  }
}

/** The socket that is bound to an address, of the type that the caller has; or the errno of connect(2). */
export function findUnix(k: Kernel, t: Task, address: Uint8Array, type: number): Socket | number {
  if (address.length < 2 || address.length > LONGEST || familyOf(address) !== AF.unix) return -ERRNO.EINVAL
  if (address.length === 2) return -ERRNO.EINVAL
  const { abstract, name } = nameOf(address)
  let found: Socket | undefined
  if (abstract) found = socketById(k, k.state.fs.net.abstract.get(latin1(name)) ?? 0)
  else {
    const place = walk(k, t, AT_FDCWD, nameFromBytes(name), true)
    if (typeof place === 'number') return place
    if (place.inode === null) return -ERRNO.ENOENT
    const denied = checkAccess(k, t, place.inode, MAY.write)
    if (denied !== 0) return denied
    // A socket of the host is a file that nobody of the machine listens at.
    const inode = place.inode.id
    found = [...k.state.fs.net.sockets.values()].find((other) => other.inode === inode)
  }
  if (found === undefined) return -ERRNO.ECONNREFUSED
  return found.type === type ? found : -ERRNO.EPROTOTYPE
}

/** connect(2) of a datagram socket: from now on it sends to, and hears from, that address only. */
export function connectDatagram(k: Kernel, t: Task, socket: Socket, address: Uint8Array): number {
  if (familyOf(address) === AF.unspec) {
    socket.peer = 0
    socket.remote = null
    socket.stage = 'closed'
    return 0
  }
  const other = findUnix(k, t, address, socket.type)
  if (typeof other === 'number') return other
  // Nobody may send to a socket that is connected to somebody else.
  if (other.peer !== 0 && other.peer !== socket.id) return -ERRNO.EPERM
  socket.peer = other.id
  socket.remote = other.local
  socket.stage = 'connected'
  return 0
}

/** connect(2) of a stream or of sequenced packets: 0, an errno, or `wait`: the listener that has no room for it now. */
export function connectUnix(k: Kernel, t: Task, socket: Socket, address: Uint8Array): number | { wait: Socket } {
  const listener = findUnix(k, t, address, socket.type)
  if (typeof listener === 'number') return listener
  if (listener.stage !== 'listening' || listener.shut & 1) return -ERRNO.ECONNREFUSED
  if (listener.pending.length > listener.backlog) return { wait: listener }
  if (socket.stage === 'listening') return -ERRNO.EINVAL
  if (socket.stage !== 'closed') return -ERRNO.EISCONN
  const server = addSocket(k, AF.unix, socket.type, 0)
  server.local = listener.local
  server.peerCredentials = credentialsOf(t)
  socket.peerCredentials = listener.ownCredentials
  join(socket, server)
  listener.pending.push(server.id)
  stir(k, listener, 'read')
  return 0
}

/** Makes two sockets the ends of one connection (socketpair, connect). */
function join(a: Socket, b: Socket): void {
  for (const [socket, other] of [
    [a, b],
    [b, a],
  ] as const) {
    socket.peer = other.id
    socket.stage = 'connected'
    socket.remote = other.local ?? UNNAMED
  }
}

/** The two sockets of socketpair(2). */
export function pairOf(k: Kernel, t: Task, type: number): [Socket, Socket] {
  const a = addSocket(k, AF.unix, type, 0)
  const b = addSocket(k, AF.unix, type, 0)
  join(a, b)
  a.peerCredentials = b.peerCredentials = credentialsOf(t)
  return [a, b]
}

/** What a chunk of a stream, or a datagram, costs of a send buffer of AF_UNIX: the kernel's struct sk_buff and its memory. */
export function costOf(length: number): number {
  const linear = Math.min(length, MAX_LINEAR)
  let size = 512
  while (size < linear + HEADROOM) size *= 2
  return SK_BUFF + (linear + HEADROOM <= 4096 ? size : 4096) + Math.ceil((length - linear) / 4096) * 4096
}

const SK_BUFF = 256
const HEADROOM = 320
const MAX_LINEAR = 4096 - HEADROOM
/** Most that one piece of a stream carries. */
export const PIECE = MAX_LINEAR + 32768

/** Whether a socket type may be asked for in AF_UNIX; SOCK_RAW stands for SOCK_DGRAM there. */
export function unixType(type: number): number | undefined {
  if (type === SOCK.raw) return SOCK.dgram
  return type === SOCK.stream || type === SOCK.dgram || type === SOCK.seqpacket ? type : undefined
}
