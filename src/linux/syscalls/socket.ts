/** Exists to declare the calls that make, name and connect sockets; those that move data are in messages.ts, options in socket-options.ts. */
import { ATTRIBUTE } from '../../engine/layout.ts'
import { asInt, fd, int, number, oneOf, shown } from '../arguments.ts'
import { BLOCKED, syscall, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { closeFd, descriptionOf, installFd, installOrDrop, isFull, signalActivity } from '../fs/description.ts'
import type { Description } from '../fs/state.ts'
import type { Kernel } from '../kernel.ts'
import { familyOf, readAddress, UNNAMED, writeAddress } from '../net/address.ts'
import { bindAny, bindInet, connectTcp, connectUdp } from '../net/inet.ts'
import { netlinkAddress } from '../net/netlink.ts'
import {
  addSocket,
  AF,
  credentialsOf,
  isConnectionBased,
  openSocket,
  SHUT,
  SOCK,
  socketAt,
  socketById,
  stir,
  takeError,
} from '../net/socket.ts'
import type { Socket } from '../net/state.ts'
import { bindUnix, connectDatagram, connectUnix, pairOf, unixType } from '../net/unix.ts'
import type { Task } from '../state.ts'
import { flagsText } from '../strace.ts'
import { SHUT_HOW, SOCKET_FLAGS } from '../table-socket.ts'
import { newWait } from '../tasks.ts'
import {
  addressIn,
  addressLength,
  addressOut,
  addressText,
  family,
  pairOut,
  protocol,
  socketType,
} from './socket-text.ts'

const FLAG_BITS = SOCK.nonblock | SOCK.cloexec
/** /proc/sys/net/core/somaxconn. */
const MOST_PENDING = 4096
const IPPROTO = { icmp: 1, tcp: 6, udp: 17, icmp6: 58 } as const

/** Type and protocol that socket(2) makes of what it is asked for, or an errno. */
function kindOf(
  k: Kernel,
  t: Task,
  call: string,
  domain: number,
  type: number,
  wanted: number,
): { type: number; protocol: number } | number {
  if (domain < 0 || domain >= 46) return -ERRNO.EAFNOSUPPORT
  if (type < 0 || type >= 11) return -ERRNO.EINVAL
  if (domain === AF.unix) {
    if (wanted !== 0 && wanted !== AF.unix) return -ERRNO.EPROTONOSUPPORT
    const made = unixType(type)
    return made === undefined ? -ERRNO.ESOCKTNOSUPPORT : { type: made, protocol: 0 }
  }
  if (domain === AF.netlink) {
    if (type !== SOCK.raw && type !== SOCK.dgram) return -ERRNO.ESOCKTNOSUPPORT
    return wanted === 0 ? { type, protocol: 0 } : -ERRNO.EPROTONOSUPPORT
  }
  if (domain !== AF.inet && domain !== AF.inet6) return -ERRNO.EAFNOSUPPORT
  if (wanted < 0 || wanted >= 263) return -ERRNO.EINVAL
  if (type === SOCK.raw) {
    if (t.credentials.uid[1] === 0) k.noteUnanswered(t, `${call}(SOCK_RAW)`, 'EPERM')
    return -ERRNO.EPERM
  }
  const own = type === SOCK.stream ? IPPROTO.tcp : type === SOCK.dgram ? IPPROTO.udp : 0
  if (own === 0) return -ERRNO.ESOCKTNOSUPPORT
  if (wanted === 0 || wanted === own) return { type, protocol: own }
  // As for those who may not send pings.
  if (type === SOCK.dgram && wanted === (domain === AF.inet ? IPPROTO.icmp : IPPROTO.icmp6)) return -ERRNO.EACCES
  return -ERRNO.EPROTONOSUPPORT
}

function socket(k: Kernel, t: Task, [domain, how, wanted]: number[]): number {
  if (how! & ~FLAG_BITS & ~0xf) return -ERRNO.EINVAL
  const kind = kindOf(k, t, 'socket', domain!, how! & 0xf, wanted!)
  if (typeof kind === 'number') return kind
  const made = addSocket(k, domain!, kind.type, kind.protocol)
  return installOrDrop(k, t, openSocket(k, t, made, (how! & SOCK.nonblock) !== 0), (how! & SOCK.cloexec) !== 0)
}

function socketpair(k: Kernel, t: Task, [domain, how, wanted, address]: number[]): number {
  if (how! & ~FLAG_BITS & ~0xf) return -ERRNO.EINVAL
  const files = k.process(t).files
  const limit = k.process(t).rlimits[7]![0]
  let [first, second] = [0, 0]
  while (files.has(first)) first++
  for (second = first + 1; files.has(second);) second++
  if (second >= limit) return -ERRNO.EMFILE
  const pair = new Uint8Array(Int32Array.of(first, second).buffer)
  if (k.space(t).accessible(address!, 8, ATTRIBUTE.noWrite) < 8) return -ERRNO.EFAULT
  const kind = kindOf(k, t, 'socketpair', domain!, how! & 0xf, wanted!)
  if (typeof kind === 'number') return kind
  if (domain !== AF.unix) return -ERRNO.EOPNOTSUPP
  k.space(t).write(address!, pair)
  for (const made of pairOf(k, t, kind.type))
    installOrDrop(k, t, openSocket(k, t, made, (how! & SOCK.nonblock) !== 0), (how! & SOCK.cloexec) !== 0)
  return 0
}

function bind(k: Kernel, t: Task, [number, pointer, length]: number[]): number {
  const at = socketAt(k, t, number!)
  if (typeof at === 'number') return at
  const address = readAddress(k, t, pointer!, length!)
  if (typeof address === 'number') return address
  const { socket: s } = at
  if (s.family === AF.unix) return bindUnix(k, t, s, address)
  if (s.family !== AF.netlink) return bindInet(k, t, s, address)
  if (address.length < 12 || familyOf(address) !== AF.netlink) return -ERRNO.EINVAL
  const port = new DataView(address.buffer).getUint32(4, true)
  s.local = netlinkAddress(port === 0 ? t.pid : port)
  return 0
}

function listen(k: Kernel, t: Task, [number, backlog]: number[]): number {
  const at = socketAt(k, t, number!)
  if (typeof at === 'number') return at
  const { socket: s } = at
  if (!isConnectionBased(s)) return -ERRNO.EOPNOTSUPP
  if (s.stage !== 'closed' && s.stage !== 'listening') return -ERRNO.EINVAL
  if (s.local === null) {
    if (s.family === AF.unix) return -ERRNO.EINVAL
    const bound = bindAny(k, s)
    if (bound !== 0) return bound
  }
  s.stage = 'listening'
  s.backlog = Math.min(backlog! >>> 0, MOST_PENDING)
  s.ownCredentials = credentialsOf(t)
  return 0
}

function accept(k: Kernel, t: Task, nr: number, args: number[], how: number): number {
  const [number, pointer, lengthPointer] = args as [number, number, number]
  if (how & ~FLAG_BITS) return -ERRNO.EINVAL
  if (descriptionOf(k, t, number) !== undefined && isFull(k.process(t))) return -ERRNO.EMFILE
  const at = socketAt(k, t, number)
  if (typeof at === 'number') return at
  const { d, socket: s } = at
  if (!isConnectionBased(s)) return -ERRNO.EOPNOTSUPP
  if (s.stage !== 'listening') return -ERRNO.EINVAL
  const next = s.pending[0]
  if (next === undefined) {
    if (s.shut & SHUT.receive) return -ERRNO.EINVAL
    if (d.flags & SOCK.nonblock || t.wait?.outcome === 'timeout') return -ERRNO.EAGAIN
    const deadline = t.wait?.deadline ?? (s.receiveTimeout > 0 ? k.now() + s.receiveTimeout : null)
    const restart = s.receiveTimeout > 0 ? 'eintr' : 'restart'
    t.wait = newWait({ nr, args, kind: 'fd', fds: [{ id: d.id, events: 'read' }], deadline, restart })
    return BLOCKED
  }
  const accepted = socketById(k, next)!
  const opened = openSocket(k, t, accepted, (how & SOCK.nonblock) !== 0)
  opened.refs++
  const fd = installFd(k, t, opened, (how & SOCK.cloexec) !== 0)
  if (fd < 0) {
    // The connection stays where it was: only its description goes.
    k.state.fs.descriptions.delete(opened.id)
    accepted.description = 0
    return fd
  }
  opened.refs--
  s.pending.shift()
  // Others may wait for a place in the queue.
  signalActivity(k, d.id, 'write')
  if (pointer === 0) return fd
  const failed = writeAddress(k, t, remoteOf(k, accepted), pointer, lengthPointer)
  if (failed === 0) return fd
  closeFd(k, k.process(t), fd)
  return failed
}

/** The address of the other end. */
function remoteOf(k: Kernel, s: Socket): Uint8Array {
  if (s.family !== AF.unix) return s.remote!
  return socketById(k, s.peer)?.local ?? s.remote ?? UNNAMED
}

function connect(k: Kernel, t: Task, args: number[]): number {
  const at = socketAt(k, t, args[0]!)
  if (typeof at === 'number') return at
  const address = readAddress(k, t, args[1]!, args[2]!)
  if (typeof address === 'number') return address
  const { d, socket: s } = at
  const call = `connect(${args[0]}, ${addressText(address, args[1]!)}, ${args[2]})`
  if (s.family === AF.netlink) return 0
  if (!isConnectionBased(s))
    return s.family === AF.unix ? connectDatagram(k, t, s, address) : connectUdp(k, t, call, s, address)
  if (s.family === AF.unix) return connectLocal(k, t, args, d, s, address)
  if (address.length < 2) return -ERRNO.EINVAL
  if (s.stage === 'connecting') {
    const failed = takeError(s)
    if (failed === 0) s.stage = 'connected'
    return failed
  }
  if (s.stage !== 'closed') return -ERRNO.EISCONN
  const result = connectTcp(k, t, call, s, address)
  if (!(d.flags & SOCK.nonblock) || (result !== 0 && result !== -ERRNO.ECONNREFUSED)) return result
  s.stage = 'connecting'
  s.error = -result
  stir(k, s, 'both')
  return -ERRNO.EINPROGRESS
}

function connectLocal(k: Kernel, t: Task, args: number[], d: Description, s: Socket, address: Uint8Array): number {
  const result = connectUnix(k, t, s, address)
  if (typeof result === 'number') return result
  if (d.flags & SOCK.nonblock || t.wait?.outcome === 'timeout') return -ERRNO.EAGAIN
  const deadline = t.wait?.deadline ?? (s.sendTimeout > 0 ? k.now() + s.sendTimeout : null)
  const fds = [
    { id: d.id, events: 'write' as const },
    { id: result.wait.description, events: 'write' as const },
  ]
  t.wait = newWait({ nr: 42, args, kind: 'fd', fds, deadline, restart: s.sendTimeout > 0 ? 'eintr' : 'restart' })
  return BLOCKED
}

function getsockname(k: Kernel, t: Task, [number, pointer, length]: number[]): number {
  const at = socketAt(k, t, number!)
  if (typeof at === 'number') return at
  const { socket: s } = at
  return writeAddress(k, t, s.local ?? unbound(s.family), pointer!, length!)
}

function unbound(kind: number): Uint8Array {
  if (kind === AF.unix) return UNNAMED
  if (kind === AF.netlink) return netlinkAddress(0)
  const bytes = new Uint8Array(kind === AF.inet ? 16 : 28)
  bytes[0] = kind
  return bytes
}

function getpeername(k: Kernel, t: Task, [number, pointer, length]: number[]): number {
  const at = socketAt(k, t, number!)
  if (typeof at === 'number') return at
  const { socket: s } = at
  if (s.family === AF.netlink) return writeAddress(k, t, netlinkAddress(0), pointer!, length!)
  if (s.stage === 'closed' || s.stage === 'listening' || (s.remote === null && s.family !== AF.unix))
    return -ERRNO.ENOTCONN
  return writeAddress(k, t, remoteOf(k, s), pointer!, length!)
}

function shutdown(k: Kernel, t: Task, [number, how]: number[]): number {
  const at = socketAt(k, t, number!)
  if (typeof at === 'number') return at
  const { socket: s } = at
  if (s.family === AF.netlink) return -ERRNO.EOPNOTSUPP
  if (how! < 0 || how! > 2) return -ERRNO.EINVAL
  const bits = how! + 1
  const inUnix = s.family === AF.unix
  if (!inUnix && s.stage === 'listening') {
    // Who waits for connections is told that there will be none.
    if (bits & SHUT.receive) s.stage = 'closed'
    stir(k, s, 'both')
    return 0
  }
  s.shut |= bits
  if (!inUnix && s.stage === 'closed') return -ERRNO.ENOTCONN
  const peer = isConnectionBased(s) ? socketById(k, s.peer) : undefined
  if (peer !== undefined) {
    if (bits & SHUT.send) peer.shut |= SHUT.receive
    if (inUnix && bits & SHUT.receive) peer.shut |= SHUT.send
    stir(k, peer, 'both')
  }
  stir(k, s, 'both')
  return 0
}

const acceptFlags = shown(asInt, (value) => flagsText(value, SOCKET_FLAGS, 'SOCK_???'))

/** Their declarations. */
export const socketCalls: readonly Declaration[] = [
  syscall(
    41,
    'socket',
    [
      ['domain', family],
      ['type', socketType],
      ['protocol', protocol],
    ],
    number,
    socket,
    {
      support:
        'partial: AF_UNIX, AF_INET and AF_INET6 on the loopback device, NETLINK_ROUTE for lists of links and addresses',
    },
  ),
  syscall(
    42,
    'connect',
    [
      ['fd', fd],
      ['addr', addressIn(2)],
      ['addrlen', int],
    ],
    number,
    connect,
    { support: 'partial: to addresses of the machine itself; all others are ENETUNREACH and reported' },
  ),
  syscall(
    43,
    'accept',
    [
      ['fd', fd],
      ['addr', addressOut(2)],
      ['addrlen', addressLength],
    ],
    number,
    (k, t, a) => accept(k, t, 43, a, 0),
  ),
  syscall(
    288,
    'accept4',
    [
      ['fd', fd],
      ['addr', addressOut(2)],
      ['addrlen', addressLength],
      ['flags', acceptFlags],
    ],
    number,
    (k, t, a) => accept(k, t, 288, a, a[3]!),
  ),
  syscall(
    48,
    'shutdown',
    [
      ['fd', fd],
      ['how', oneOf(SHUT_HOW, 'SHUT_???')],
    ],
    number,
    shutdown,
  ),
  syscall(
    49,
    'bind',
    [
      ['fd', fd],
      ['addr', addressIn(2)],
      ['addrlen', int],
    ],
    number,
    bind,
  ),
  syscall(
    50,
    'listen',
    [
      ['fd', fd],
      ['backlog', int],
    ],
    number,
    listen,
  ),
  syscall(
    51,
    'getsockname',
    [
      ['fd', fd],
      ['addr', addressOut(2)],
      ['addrlen', addressLength],
    ],
    number,
    getsockname,
  ),
  syscall(
    52,
    'getpeername',
    [
      ['fd', fd],
      ['addr', addressOut(2)],
      ['addrlen', addressLength],
    ],
    number,
    getpeername,
  ),
  syscall(
    53,
    'socketpair',
    [
      ['domain', family],
      ['type', socketType],
      ['protocol', int],
      ['sv', pairOut],
    ],
    number,
    socketpair,
  ),
]
