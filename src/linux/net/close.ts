/** Exists to take a socket apart when the last descriptor of it is closed; apart from sockets' other affairs, since closing descriptions needs it. */
import { ERRNO } from '../errno.ts'
import type { NetState, Socket } from './state.ts'

/** What is left to do for whoever closes a socket. */
export interface Closed {
  /** Descriptions for which something has changed. */
  stirred: number[]
  /** Descriptions that the messages in its queue held. */
  released: number[]
  /** Inode of the path that it was bound to, no longer held by it; 0 for none. */
  inode: number
}

const AF_UNIX = 1
const SOCK_DGRAM = 2

/** Removes a socket and what it still had: connections that nobody accepted, messages that nobody received, its name. */
export function closeSocket(net: NetState, id: number): Closed {
  const closed: Closed = { stirred: [], released: [], inode: 0 }
  const socket = net.sockets.get(id)
  if (socket === undefined) return closed
  close(net, socket, closed)
  closed.inode = socket.inode
  return closed
}

function close(net: NetState, socket: Socket, closed: Closed): void {
  net.sockets.delete(socket.id)
  for (const [name, id] of net.abstract) if (id === socket.id) net.abstract.delete(name)
  const unread = socket.queue.length > 0
  for (const message of socket.queue) {
    closed.released.push(...message.files)
    const sender = net.sockets.get(message.sender)
    if (sender === undefined) continue
    sender.sent -= message.cost
    if (sender.description !== 0) closed.stirred.push(sender.description)
  }
  for (const id of socket.pending) {
    const waiting = net.sockets.get(id)
    if (waiting !== undefined) abandon(net, waiting, closed)
  }
  const peer = net.sockets.get(socket.peer)
  if (peer === undefined || peer.peer !== socket.id) return
  // Who is connected to a datagram socket hears of its end when it sends.
  if (socket.type === SOCK_DGRAM) return
  if (unread) peer.error = ERRNO.ECONNRESET
  peer.shut |= socket.family === AF_UNIX || unread ? 3 : 1
  peer.stage = 'lost'
  peer.peer = 0
  if (peer.description !== 0) closed.stirred.push(peer.description)
}

/** A connection that was never accepted is reset. */
function abandon(net: NetState, socket: Socket, closed: Closed): void {
  const peer = net.sockets.get(socket.peer)
  close(net, socket, closed)
  if (peer === undefined) return
  peer.error = ERRNO.ECONNRESET
  peer.shut = 3
}
