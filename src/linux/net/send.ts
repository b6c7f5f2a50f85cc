/** Exists to put what a program sends into the queue of the socket that gets it, or to say why not; waiting is data as everywhere. */
import { BLOCKED } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { gather, MAX_TRANSFER, totalLength, type Segment } from '../fs/segments.ts'
import type { Description } from '../fs/state.ts'
import type { Kernel } from '../kernel.ts'
import { CODE, SIG } from '../signal-names.ts'
import { sendToTask, userSignal } from '../signals.ts'
import type { Task } from '../state.ts'
import { newWait } from '../tasks.ts'
import { routeDatagram } from './inet.ts'
import { answerNetlink } from './netlink.ts'
import { option } from './options.ts'
import { AF, credentialsOf, SHUT, SOCK, socketById, socketOf, stir, takeError } from './socket.ts'
import type { Socket, SocketCredentials, SocketMessage } from './state.ts'
import { costOf, findUnix, PIECE } from './unix.ts'

/** Flags of send and recv (bits/socket.h). */
export const MSG = {
  oob: 0x1,
  peek: 0x2,
  ctrunc: 0x8,
  trunc: 0x20,
  dontwait: 0x40,
  waitall: 0x100,
  errqueue: 0x2000,
  nosignal: 0x4000,
  waitforone: 0x1_0000,
  fastopen: 0x2000_0000,
  cmsgCloexec: 0x4000_0000,
} as const

/** Ancillary data of a sendmsg: descriptions, each with a reference of its own, and credentials if they were given. */
export interface Ancillary {
  files: number[]
  credentials: SocketCredentials | null
}

/** What is to be sent. */
export interface Sending {
  segments: readonly Segment[]
  /** Bytes that the kernel itself sends, in place of segments. */
  data?: Uint8Array
  /** MSG_* bits. */
  flags: number
  /** Destination, or null for the socket's own. */
  to: Uint8Array | null
  /** Goes with the first bytes; null once it is gone. */
  ancillary: Ancillary | null
  /** As the call is named when something is not there. */
  call: string
}

const lengthOf = ({ data, segments }: Sending): number => data?.length ?? totalLength(segments)

/** At most `max` bytes of what is sent, from byte `skip` on. */
function bytesOf(k: Kernel, t: Task, { data, segments }: Sending, skip = 0, max = Number.MAX_SAFE_INTEGER): Uint8Array {
  return data === undefined
    ? gather(k.space(t), segments, skip, Math.min(max, MAX_TRANSFER))
    : data.slice(skip, skip + max)
}

/** Longest datagram over IP: 65535 less the headers. */
const UDP_MAX = 65507
/** Bytes of a connection over IP that are on their way at most. */
const TCP_ROOM = 2_626_560
/** /proc/sys/net/unix/max_dgram_qlen. */
const QUEUE_LENGTH = 10

/** Sends; the count, an errno, or BLOCKED with the wait set. `nr` and `args` as the call has to be made again. */
export function send(k: Kernel, t: Task, nr: number, args: number[], d: Description, what: Sending): number {
  const socket = socketOf(k, d)
  if (what.flags & (MSG.oob | MSG.fastopen))
    return k.refuse(t, `${what.call}(${what.flags & MSG.oob ? 'MSG_OOB' : 'MSG_FASTOPEN'})`, 'EOPNOTSUPP')
  const outcome = t.wait?.outcome
  const done = t.wait?.progress ?? 0
  const result =
    socket.family === AF.netlink
      ? answerNetlink(k, socket, bytesOf(k, t, what))
      : socket.type === SOCK.stream
        ? sendStream(k, t, socket, what, done)
        : sendDatagram(k, t, socket, what)
  if (typeof result === 'number') return result
  const dontWait = (d.flags & SOCK.nonblock) !== 0 || (what.flags & MSG.dontwait) !== 0
  if (dontWait || outcome === 'timeout') return result.done > 0 ? result.done : -ERRNO.EAGAIN
  t.wait = newWait({
    nr,
    args,
    kind: 'fd',
    // The destination of a datagram makes room by reading, and tells the sender.
    fds: [{ id: d.id, events: 'write' }],
    deadline: t.wait?.deadline ?? (socket.sendTimeout > 0 ? k.now() + socket.sendTimeout : null),
    restart: socket.sendTimeout > 0 ? 'eintr' : 'restart',
    progress: result.done,
  })
  return BLOCKED
}

/** `done` bytes are sent, and the rest has to wait. */
interface Full {
  done: number
}

function brokenPipe(k: Kernel, t: Task, flags: number): number {
  if (!(flags & MSG.nosignal)) sendToTask(k, t, userSignal(t, SIG.pipe, CODE.user))
  return -ERRNO.EPIPE
}

function sendStream(k: Kernel, t: Task, socket: Socket, what: Sending, before: number): number | Full {
  const wanted = lengthOf(what)
  let done = before
  const stopped = (error: number): number => (done > 0 ? done : error)
  const inUnix = socket.family === AF.unix
  if (what.to !== null && inUnix) return socket.stage === 'connected' ? -ERRNO.EISCONN : -ERRNO.EOPNOTSUPP
  if (socket.stage === 'closed' || socket.stage === 'listening')
    return inUnix ? -ERRNO.ENOTCONN : brokenPipe(k, t, what.flags)
  const limit = inUnix ? option(socket, 'SO_SNDBUF') : TCP_ROOM
  for (;;) {
    if (!inUnix && socket.error !== 0) {
      const error = takeError(socket)
      return stopped(error === -ERRNO.EPIPE ? brokenPipe(k, t, what.flags) : error)
    }
    const peer = socketById(k, socket.peer)
    if (socket.shut & SHUT.send) return done > 0 ? done : brokenPipe(k, t, what.flags)
    if (inUnix && socket.error !== 0) return stopped(takeError(socket))
    if (inUnix && (peer === undefined || peer.shut & SHUT.receive))
      return done > 0 ? done : brokenPipe(k, t, what.flags)
    if (done >= wanted) return done
    if (socket.sent >= limit) return { done }
    const piece = bytesOf(k, t, what, done, inUnix ? PIECE : Math.min(1 << 20, limit - socket.sent))
    if (piece.length === 0) return stopped(-ERRNO.EFAULT)
    if (peer === undefined) {
      // The other end answers data with a reset.
      socket.error = ERRNO.EPIPE
      socket.shut = SHUT.both
      return done + piece.length
    }
    if (peer.shut & SHUT.receive) {
      // Whoever shut down reading over IP lets data come and nobody sees them.
      done += piece.length
      continue
    }
    const cost = inUnix ? costOf(piece.length) : piece.length
    put(k, peer, message(t, socket, peer, piece, cost, inUnix ? socket.local : null, what))
    done += piece.length
  }
}

function message(
  t: Task,
  sender: Socket,
  receiver: Socket,
  bytes: Uint8Array,
  cost: number,
  from: Uint8Array | null,
  what: Sending,
): SocketMessage {
  const ancillary = what.ancillary
  what.ancillary = null
  const wanted = option(sender, 'SO_PASSCRED') !== 0 || option(receiver, 'SO_PASSCRED') !== 0
  const credentials = ancillary?.credentials ?? (wanted && sender.family === AF.unix ? credentialsOf(t) : null)
  sender.sent += cost
  return { bytes, from, files: ancillary?.files ?? [], credentials, sender: sender.id, cost }
}

function put(k: Kernel, receiver: Socket, arrived: SocketMessage): void {
  receiver.queue.push(arrived)
  receiver.queued += arrived.bytes.length
  stir(k, receiver, 'read')
}

function sendDatagram(k: Kernel, t: Task, socket: Socket, what: Sending): number | Full {
  const length = lengthOf(what)
  return socket.family === AF.unix ? sendUnix(k, t, socket, what, length) : sendUdp(k, t, socket, what, length)
}

function sendUnix(k: Kernel, t: Task, socket: Socket, what: Sending, length: number): number | Full {
  const to = socket.type === SOCK.seqpacket ? null : what.to
  if (socket.type === SOCK.seqpacket) {
    if (socket.error !== 0) return takeError(socket)
    if (socket.stage !== 'connected' && socket.stage !== 'lost') return -ERRNO.ENOTCONN
  }
  if (to === null && socket.peer === 0 && socket.type === SOCK.dgram) return -ERRNO.ENOTCONN
  if (length > option(socket, 'SO_SNDBUF') - 32) return -ERRNO.EMSGSIZE
  const failed = takeError(socket)
  if (failed !== 0) return failed
  if (socket.shut & SHUT.send) return -ERRNO.EPIPE
  if (socket.sent >= option(socket, 'SO_SNDBUF')) return { done: 0 }
  const bytes = bytesOf(k, t, what)
  if (bytes.length < length) return -ERRNO.EFAULT
  const other = to === null ? socketById(k, socket.peer) : findUnix(k, t, to, socket.type)
  if (typeof other === 'number') return other
  if (other === undefined) {
    if (socket.type === SOCK.seqpacket) return -ERRNO.EPIPE
    socket.peer = 0
    socket.stage = 'closed'
    return -ERRNO.ECONNREFUSED
  }
  if (other.type === SOCK.dgram && other.peer !== 0 && other.peer !== socket.id) return -ERRNO.EPERM
  if (other.shut & SHUT.receive) return -ERRNO.EPIPE
  if (other.peer !== socket.id && other.queue.length > QUEUE_LENGTH) return { done: 0 }
  put(k, other, message(t, socket, other, bytes, costOf(length), socket.local, what))
  return length
}

function sendUdp(k: Kernel, t: Task, socket: Socket, what: Sending, length: number): number {
  if (what.to === null && socket.remote === null) return -ERRNO.EDESTADDRREQ
  if (length > UDP_MAX) return -ERRNO.EMSGSIZE
  const failed = takeError(socket)
  if (failed !== 0) return failed
  if (socket.shut & SHUT.send) return brokenPipe(k, t, what.flags)
  const path = routeDatagram(k, t, what.call, socket, what.to ?? socket.remote!)
  if (typeof path === 'number') return path
  const bytes = bytesOf(k, t, what)
  if (bytes.length < length) return -ERRNO.EFAULT
  const other = path.socket
  if (other === undefined) {
    // The answer that nobody is there reaches who is connected.
    if (what.to === null) {
      socket.error = ERRNO.ECONNREFUSED
      stir(k, socket, 'both')
    }
    return length
  }
  // What finds no room is lost, as on any network.
  if (other.queued >= option(other, 'SO_RCVBUF')) return length
  const arrived = message(t, socket, other, bytes, 0, path.from(other), what)
  put(k, other, arrived)
  return length
}
