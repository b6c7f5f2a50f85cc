/** Exists to name and connect sockets of AF_INET and AF_INET6 (ip(7), tcp(7), udp(7)): the machine's network is its loopback device and nothing else. */
import { CAP, capable } from '../capabilities.ts'
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import {
  endpointOf,
  familyOf,
  INET,
  INET6,
  internetAddress,
  isLoopback,
  isWildcard,
  sameBytes,
  unmapped,
  type Endpoint,
} from './address.ts'
import { option } from './options.ts'
import { addSocket, AF, SOCK, stir } from './socket.ts'
import { FIRST_PORT, LAST_PORT, type Socket } from './state.ts'

/** Ports below this one are root's. */
const PRIVILEGED = 1024

/** 127.0.0.1 and ::1. */
const LOOPBACK4 = Uint8Array.of(127, 0, 0, 1)
const LOOPBACK6 = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)

/** An address of the socket's family, or the errno of bind and connect for what is none. */
function endpoint(socket: Socket, address: Uint8Array, tooShort: number): Endpoint | number {
  const family = familyOf(address)
  if (socket.family === AF.inet) {
    if (address.length < INET.size) return tooShort
    return family === AF.inet ? endpointOf(address) : -ERRNO.EAFNOSUPPORT
  }
  if (address.length < INET6.size - 4) return tooShort
  return family === AF.inet6 ? endpointOf(address) : -ERRNO.EAFNOSUPPORT
}

/** bind(2). */
export function bindInet(k: Kernel, t: Task, socket: Socket, address: Uint8Array): number {
  let wanted = endpoint(socket, address, -ERRNO.EINVAL)
  if (wanted === -ERRNO.EAFNOSUPPORT && socket.family === AF.inet && familyOf(address) === AF.unspec) {
    // AF_UNSPEC with INADDR_ANY is taken for AF_INET, for old programs.
    wanted = endpointOf(address)
    if (!isWildcard(wanted.address)) return -ERRNO.EAFNOSUPPORT
  }
  if (typeof wanted === 'number') return wanted
  if (!isWildcard(wanted.address) && !isLoopback(wanted.address)) return -ERRNO.EADDRNOTAVAIL
  if (wanted.port !== 0 && wanted.port < PRIVILEGED && !capable(t, CAP.netBindService)) return -ERRNO.EACCES
  if (socket.local !== null || socket.stage !== 'closed') return -ERRNO.EINVAL
  return take(k, socket, wanted)
}

/** Gives the socket an address and a port: the one that it wants, or a free one for 0. */
function take(k: Kernel, socket: Socket, { address, port }: Endpoint): number {
  const net = k.state.fs.net
  const free = (candidate: number): boolean =>
    [...net.sockets.values()].every((other) => !collide(socket, other, { address, port: candidate }))
  if (port !== 0) {
    if (!free(port)) return -ERRNO.EADDRINUSE
    socket.local = internetAddress(socket.family, { address, port })
    return 0
  }
  for (let tried = FIRST_PORT; tried <= LAST_PORT; tried++) {
    const candidate = net.nextPort
    net.nextPort = candidate === LAST_PORT ? FIRST_PORT : candidate + 1
    if (!free(candidate)) continue
    socket.local = internetAddress(socket.family, { address, port: candidate })
    return 0
  }
  return -ERRNO.EADDRINUSE
}

/** Whether `other` keeps `socket` from having an endpoint. */
function collide(socket: Socket, other: Socket, wanted: Endpoint): boolean {
  if (other === socket || other.local === null || other.type !== socket.type || !isInet(other)) return false
  const theirs = endpointOf(other.local)
  if (theirs.port !== wanted.port || !overlap(socket, wanted.address, other, theirs.address)) return false
  if (option(socket, 'SO_REUSEPORT') !== 0 && option(other, 'SO_REUSEPORT') !== 0) return false
  if (option(socket, 'SO_REUSEADDR') === 0 || option(other, 'SO_REUSEADDR') === 0) return true
  return other.stage === 'listening'
}

function overlap(a: Socket, mine: Uint8Array, b: Socket, theirs: Uint8Array): boolean {
  const covers = (socket: Socket, address: Uint8Array, other: Uint8Array): boolean => {
    if (!isWildcard(address)) return sameBytes(unmapped(address), unmapped(other))
    if (socket.family === AF.inet) return unmapped(other).length === 4
    return unmapped(other).length === 16 || option(socket, 'IPV6_V6ONLY') === 0
  }
  return covers(a, mine, theirs) || covers(b, theirs, mine)
}

const isInet = (socket: Socket): boolean => socket.family === AF.inet || socket.family === AF.inet6

/** Gives an unbound socket a port, as connect, listen and sendto do. */
export function bindAny(k: Kernel, socket: Socket): number {
  if (socket.local !== null) return 0
  return take(k, socket, { address: new Uint8Array(socket.family === AF.inet ? 4 : 16), port: 0 })
}

/**
 * Where a packet to `address` goes: the destination with INADDR_ANY replaced, and the address it comes from. -ENETUNREACH for everything outside of
 * the machine, which is noted as `call`.
 */
function route(
  k: Kernel,
  t: Task,
  call: string,
  socket: Socket,
  wanted: Endpoint,
): { to: Endpoint; from: Uint8Array } | number {
  const four = unmapped(wanted.address).length === 4
  const loopback = four && socket.family === AF.inet ? LOOPBACK4 : four ? mapped(LOOPBACK4) : LOOPBACK6
  const address = isWildcard(wanted.address) ? loopback : wanted.address
  if (!isLoopback(address)) {
    k.noteUnanswered(t, call, 'ENETUNREACH')
    return -ERRNO.ENETUNREACH
  }
  const own = socket.local === null ? null : endpointOf(socket.local).address
  return { to: { address, port: wanted.port }, from: own === null || isWildcard(own) ? loopback : own }
}

function mapped(four: Uint8Array): Uint8Array {
  return endpointOf(internetAddress(AF.inet6, { address: four, port: 0 })).address
}

/** The socket that gets what is sent to an endpoint: a connection's own before one that is bound to the address, before one that is bound to all. */
function receiver(k: Kernel, type: number, to: Endpoint, from: Endpoint): Socket | undefined {
  let best: Socket | undefined
  let bestRank = 0
  for (const other of k.state.fs.net.sockets.values()) {
    if (other.type !== type || !isInet(other) || other.local === null) continue
    if (type === SOCK.stream && other.stage !== 'listening') continue
    const local = endpointOf(other.local)
    if (local.port !== to.port) continue
    const four = unmapped(to.address).length === 4
    if (four && other.family === AF.inet6 && option(other, 'IPV6_V6ONLY') !== 0) continue
    if (!four && other.family === AF.inet) continue
    const exact = sameBytes(unmapped(local.address), unmapped(to.address))
    if (!exact && !isWildcard(local.address)) continue
    let rank = exact ? 2 : 1
    if (type === SOCK.dgram && other.remote !== null) {
      const remote = endpointOf(other.remote)
      if (remote.port !== from.port || !sameBytes(unmapped(remote.address), unmapped(from.address))) continue
      rank += 2
    }
    if (rank > bestRank) [best, bestRank] = [other, rank]
  }
  return best
}

/** connect(2) of a datagram socket. */
export function connectUdp(k: Kernel, t: Task, call: string, socket: Socket, address: Uint8Array): number {
  if (familyOf(address) === AF.unspec && address.length >= 2) {
    socket.remote = null
    socket.stage = 'closed'
    return 0
  }
  const wanted = endpoint(socket, address, -ERRNO.EINVAL)
  if (typeof wanted === 'number') return wanted
  const path = route(k, t, call, socket, wanted)
  if (typeof path === 'number') return path
  const bound = bindAny(k, socket)
  if (bound !== 0) return bound
  socket.local = internetAddress(socket.family, { address: path.from, port: endpointOf(socket.local!).port })
  socket.remote = internetAddress(socket.family, path.to)
  socket.stage = 'connected'
  return 0
}

/** Where a datagram to `address` goes and from whom it comes, or an errno. `socket` is undefined when nobody is there. */
export function routeDatagram(
  k: Kernel,
  t: Task,
  call: string,
  socket: Socket,
  address: Uint8Array,
): { from: (receiver: Socket) => Uint8Array; socket: Socket | undefined } | number {
  const wanted = endpoint(socket, address, -ERRNO.EINVAL)
  if (typeof wanted === 'number') return wanted
  if (wanted.port === 0) return -ERRNO.EINVAL
  const path = route(k, t, call, socket, wanted)
  if (typeof path === 'number') return path
  const bound = bindAny(k, socket)
  if (bound !== 0) return bound
  const from = { address: path.from, port: endpointOf(socket.local!).port }
  return {
    socket: receiver(k, SOCK.dgram, path.to, from),
    from: ({ family }) =>
      internetAddress(family, family === AF.inet ? { ...from, address: unmapped(from.address) } : from),
  }
}

/** connect(2) of a stream: 0, or an errno. */
export function connectTcp(k: Kernel, t: Task, call: string, socket: Socket, address: Uint8Array): number {
  const wanted = endpoint(socket, address, -ERRNO.EINVAL)
  if (typeof wanted === 'number') return wanted
  const path = route(k, t, call, socket, wanted)
  if (typeof path === 'number') return path
  const own = socket.local
  const bound = bindAny(k, socket)
  if (bound !== 0) return bound
  const from = { address: path.from, port: endpointOf(socket.local!).port }
  const listener = receiver(k, SOCK.stream, path.to, from)
  if (listener === undefined) {
    // The port that it had for this attempt only is given back.
    socket.local = own
    return -ERRNO.ECONNREFUSED
  }
  const server = addSocket(k, listener.family, SOCK.stream, listener.protocol)
  const plain = ({ address: bytes, port }: Endpoint): Endpoint =>
    listener.family === AF.inet ? { address: unmapped(bytes), port } : { address: bytes, port }
  server.local = internetAddress(server.family, plain(path.to))
  server.remote = internetAddress(server.family, plain(from))
  server.options = new Map(listener.options)
  socket.local = internetAddress(socket.family, from)
  socket.remote = internetAddress(socket.family, path.to)
  socket.peer = server.id
  server.peer = socket.id
  socket.stage = server.stage = 'connected'
  listener.pending.push(server.id)
  stir(k, listener, 'read')
  return 0
}
