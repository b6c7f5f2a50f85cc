/** Exists to say what poll(2) says of a socket. */
import type { Socket } from './state.ts'
import { BUFFER, option } from './options.ts'

/** Events of poll(2) that sockets have. */
const POLL = { in: 0x41, out: 0x104, wrband: 0x200, err: 0x8, hup: 0x10, rdhup: 0x2000 } as const
const AF_UNIX = 1
const SOCK_STREAM = 1
const SOCK_DGRAM = 2
const TCP_ROOM = 2_626_560

/** POLL bits that hold now. */
export function socketMask(socket: Socket): number {
  const inUnix = socket.family === AF_UNIX
  if (socket.stage === 'listening') return socket.pending.length > 0 ? POLL.in : 0
  let mask = socket.error !== 0 ? POLL.err : 0
  if (socket.shut === 3) mask |= POLL.hup
  if (socket.shut & 1) mask |= POLL.rdhup | POLL.in
  if (socket.queue.length > 0) mask |= POLL.in
  const closed = socket.stage === 'closed' || (socket.stage === 'connecting' && socket.error !== 0)
  if (closed && socket.type !== SOCK_DGRAM && socket.family !== 16) mask |= POLL.hup
  if (inUnix || socket.type !== SOCK_STREAM) {
    const room = inUnix ? option(socket, 'SO_SNDBUF') : BUFFER
    if (socket.sent * 4 <= room) mask |= POLL.out | POLL.wrband
  } else if (socket.shut & 2 || closed || socket.sent * 3 <= TCP_ROOM * 2) mask |= POLL.out
  if (!inUnix && socket.stage === 'connecting' && socket.error !== 0) mask |= POLL.in | POLL.rdhup
  return mask
}
