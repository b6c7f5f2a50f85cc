/** Exists to take what has arrived out of a socket's queue: datagrams one at a time, streams by bytes. */
import { BLOCKED } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { releaseDescription } from '../fs/description.ts'
import { scatter, totalLength, writable, type Segment } from '../fs/segments.ts'
import type { Description } from '../fs/state.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { newWait } from '../tasks.ts'
import { MSG } from './send.ts'
import { AF, SHUT, SOCK, socketById, socketOf, stir, takeError } from './socket.ts'
import type { Socket, SocketCredentials, SocketMessage } from './state.ts'

/** What a receive has come to. */
export interface Received {
  /** What the call returns: bytes, with MSG_TRUNC the length of the whole datagram. */
  result: number
  /** MSG_* bits for msg_flags. */
  flags: number
  from: Uint8Array | null
  /** SCM_RIGHTS: descriptions, each with a reference that is the caller's now. */
  files: number[]
  credentials: SocketCredentials | null
}

const nothing = (result: number): Received => ({ result, flags: 0, from: null, files: [], credentials: null })

/** Receives into the segments; a negative errno, or BLOCKED with the wait set. */
export function receive(
  k: Kernel,
  t: Task,
  nr: number,
  args: number[],
  d: Description,
  segments: readonly Segment[],
  flags: number,
): Received | number {
  const socket = socketOf(k, d)
  // Nobody can have sent any.
  if (flags & MSG.oob) return socket.type === SOCK.stream ? -ERRNO.EINVAL : -ERRNO.EOPNOTSUPP
  if (flags & MSG.errqueue) return -ERRNO.EAGAIN
  const stream = socket.type === SOCK.stream
  const refused = refuses(socket)
  if (refused !== 0) return refused
  const before = t.wait?.progress ?? 0
  const outcome = t.wait?.outcome
  const dontWait = (d.flags & SOCK.nonblock) !== 0 || (flags & MSG.dontwait) !== 0
  const found = stream
    ? takeStream(k, t, socket, segments, flags, before)
    : takeDatagram(k, t, socket, segments, flags, dontWait)
  if (found !== null && !(typeof found === 'object' && 'more' in found)) return found
  const done = found === null ? 0 : found.more
  if (dontWait || outcome === 'timeout') return done > 0 ? nothing(done) : -ERRNO.EAGAIN
  t.wait = newWait({
    nr,
    args,
    kind: 'fd',
    fds: [{ id: d.id, events: 'read' }],
    deadline: t.wait?.deadline ?? (socket.receiveTimeout > 0 ? k.now() + socket.receiveTimeout : null),
    restart: socket.receiveTimeout > 0 ? 'eintr' : 'restart',
    progress: done,
  })
  return BLOCKED
}

/** Why nothing can be received from a socket at all. */
function refuses(socket: Socket): number {
  const open = socket.stage === 'closed' || socket.stage === 'listening'
  if (!open) return 0
  if (socket.type === SOCK.stream) return socket.family === AF.unix ? -ERRNO.EINVAL : -ERRNO.ENOTCONN
  return socket.type === SOCK.seqpacket ? -ERRNO.ENOTCONN : 0
}

function takeStream(
  k: Kernel,
  t: Task,
  socket: Socket,
  segments: readonly Segment[],
  flags: number,
  before: number,
): Received | number | { more: number } | null {
  const wanted = totalLength(segments)
  const peek = (flags & MSG.peek) !== 0
  // TCP discards what MSG_TRUNC asks for; AF_UNIX does not know it here.
  const discard = (flags & MSG.trunc) !== 0 && socket.family !== AF.unix
  const space = k.space(t)
  const room = discard ? wanted : writable(space, segments, wanted)
  let result: Received | null = null
  let done = before
  let index = 0
  while (done < wanted || (wanted === 0 && result === null)) {
    const next = socket.queue[index]
    if (next === undefined) break
    // Bytes of different senders, and bytes behind descriptors, are not put together.
    if (result !== null && !sameOrigin(result, next)) break
    const count = Math.min(next.bytes.length, room - done)
    if (count <= 0 && wanted > 0) return done > before ? { ...result!, result: done } : -ERRNO.EFAULT
    if (!discard) scatter(space, skip(segments, done), next.bytes.subarray(0, count))
    done += count
    const files = next.files
    result ??= { ...nothing(0), from: nameOf(k, next), credentials: next.credentials }
    if (peek) {
      for (const id of files) k.state.fs.descriptions.get(id)!.refs++
      index++
    } else {
      next.files = []
      consume(k, socket, next, count)
    }
    result.files = files
    if (files.length > 0 || wanted === 0) break
  }
  if (result !== null) {
    result.result = done
    const all = (flags & MSG.waitall) !== 0 && !peek && result.files.length === 0 && done < wanted
    if (all && socket.error === 0 && !(socket.shut & SHUT.receive)) return { more: done }
    return result
  }
  if (done > 0 && (socket.error !== 0 || socket.shut & SHUT.receive)) return nothing(done)
  const failed = takeError(socket)
  if (failed !== 0) return failed
  if (socket.shut & SHUT.receive) return nothing(0)
  if (wanted === 0 && socket.family !== AF.unix) return nothing(0)
  return done > 0 ? { more: done } : null
}

/** The sender's address as it is now; as it was when it sent, if it is gone. */
function nameOf(k: Kernel, message: SocketMessage): Uint8Array | null {
  const sender = socketById(k, message.sender)
  return sender?.family === AF.unix ? sender.local : message.from
}

function sameOrigin(before: Received, next: SocketMessage): boolean {
  const [a, b] = [before.credentials, next.credentials]
  if (a === null || b === null) return a === b
  return a.pid === b.pid && a.uid === b.uid && a.gid === b.gid
}

/** Takes `count` bytes from the front of the oldest message; the whole of it makes room in its sender's buffer. */
function consume(k: Kernel, socket: Socket, next: SocketMessage, count: number): void {
  socket.queued -= count
  next.bytes = next.bytes.slice(count)
  const whole = next.bytes.length === 0
  const sender = socketById(k, next.sender)
  // Over IP every byte is acknowledged; the kernel frees memory of AF_UNIX by whole pieces.
  const freed = whole ? next.cost : socket.family === AF.unix ? 0 : count
  next.cost -= freed
  if (sender !== undefined && freed > 0) {
    sender.sent -= freed
    stir(k, sender, 'write')
  }
  if (whole) socket.queue.shift()
}

/** Takes at most `most` bytes that have come to a stream, with what came with them dropped; null when there is nothing yet. */
export function takeBytes(k: Kernel, socket: Socket, most: number): Uint8Array | number | null {
  if (socket.type !== SOCK.stream) return -ERRNO.EINVAL
  const refused = refuses(socket)
  if (refused !== 0) return refused
  const next = socket.queue[0]
  if (next === undefined) {
    const failed = takeError(socket)
    return failed !== 0 ? failed : socket.shut & SHUT.receive ? new Uint8Array(0) : null
  }
  const bytes = next.bytes.slice(0, most)
  for (const id of next.files) releaseDescription(k, id)
  next.files = []
  consume(k, socket, next, bytes.length)
  return bytes
}

function takeDatagram(
  k: Kernel,
  t: Task,
  socket: Socket,
  segments: readonly Segment[],
  flags: number,
  dontWait: boolean,
): Received | number | null {
  const failed = takeError(socket)
  if (failed !== 0) return failed
  const next = socket.queue[0]
  if (next === undefined) {
    const end = socket.shut & SHUT.receive && (socket.type === SOCK.seqpacket || !dontWait)
    return end ? nothing(0) : null
  }
  const wanted = totalLength(segments)
  const length = next.bytes.length
  const count = Math.min(wanted, length)
  if (writable(k.space(t), segments, count) < count) return -ERRNO.EFAULT
  scatter(k.space(t), segments, next.bytes.subarray(0, count))
  const received: Received = {
    result: flags & MSG.trunc ? length : count,
    flags: count < length ? MSG.trunc : 0,
    from: nameOf(k, next),
    files: next.files,
    credentials: next.credentials,
  }
  if (flags & MSG.peek) for (const id of next.files) k.state.fs.descriptions.get(id)!.refs++
  else {
    socket.queue.shift()
    socket.queued -= length
    const sender = socketById(k, next.sender)
    if (sender !== undefined) sender.sent -= next.cost
    stir(k, sender, 'write')
    // Others may wait for a place in this queue.
    for (const other of k.state.fs.net.sockets.values()) {
      if (other !== sender && other.peer === socket.id) stir(k, other, 'write')
    }
  }
  return received
}

/** The segments without their first `count` bytes. */
function skip(segments: readonly Segment[], count: number): Segment[] {
  const rest: Segment[] = []
  let left = count
  for (const { start, length } of segments) {
    const gone = Math.min(left, length)
    left -= gone
    if (length > gone) rest.push({ start: start + gone, length: length - gone })
  }
  return rest
}
