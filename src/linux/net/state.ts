/** Exists to define everything the kernel knows about sockets as plain data. */

/** A process as SO_PEERCRED and SCM_CREDENTIALS show it (struct ucred). */
export interface SocketCredentials {
  pid: number
  uid: number
  gid: number
}

/** What one send has put into a receive queue: a datagram, or a stretch of a stream. */
export interface SocketMessage {
  /** What is left of it. */
  bytes: Uint8Array
  /** Address of the sender as recvfrom shows it; null for one without name. */
  from: Uint8Array | null
  /** SCM_RIGHTS: descriptions on their way, each held by the message. */
  files: number[]
  /** SCM_CREDENTIALS, if the sender or the receiver wanted them when it was sent. */
  credentials: SocketCredentials | null
  /** Socket that sent it, whose send buffer `cost` bytes of it fill until it has been received. */
  sender: number
  cost: number
}

/** A socket. */
export interface Socket {
  id: number
  /** AF_UNIX 1, AF_INET 2, AF_INET6 10, AF_NETLINK 16. */
  family: number
  /** SOCK_STREAM 1, SOCK_DGRAM 2, SOCK_RAW 3, SOCK_SEQPACKET 5. */
  type: number
  protocol: number
  /** The description that is open on it; 0 while it waits to be accepted. */
  description: number
  /**
   * 'closed': not connected. 'connecting': a non-blocking connect that has succeeded or failed (`error`) without its caller knowing. 'lost': its peer is gone.
   */
  stage: 'closed' | 'listening' | 'connecting' | 'connected' | 'lost'
  /** struct sockaddr that it is bound to; null for none. */
  local: Uint8Array | null
  /** struct sockaddr of the other end; null for none. */
  remote: Uint8Array | null
  /** AF_UNIX: inode of the path it is bound to, held by it; 0 for none. */
  inode: number
  /** Socket at the other end; 0 for none. */
  peer: number
  /** Arrived and not yet received, oldest first; `queued` bytes. */
  queue: SocketMessage[]
  queued: number
  /** What it has sent and nobody has received: cost in bytes of its send buffer. */
  sent: number
  /** listen(2)'s limit, and connections that wait for accept, oldest first. */
  backlog: number
  pending: number[]
  /** RCV_SHUTDOWN 1 and SEND_SHUTDOWN 2. */
  shut: number
  /** Error that the next call reports and forgets (SO_ERROR). */
  error: number
  /** SO_PEERCRED. */
  peerCredentials: SocketCredentials | null
  /** Who called listen: what SO_PEERCRED says at the other end. */
  ownCredentials: SocketCredentials | null
  /** SO_RCVTIMEO and SO_SNDTIMEO in ns; 0 for none. */
  receiveTimeout: number
  sendTimeout: number
  /** SO_LINGER as its two words; only kept. */
  linger: [number, number]
  /** Options that have been set, by level × 65536 + name. */
  options: Map<number, number>
}

/** All of them. */
export interface NetState {
  sockets: Map<number, Socket>
  nextSocket: number
  /** Sockets by abstract name: its bytes as a string of Latin-1. */
  abstract: Map<string, number>
  /** The next name of an autobind, and the next ephemeral port. */
  nextName: number
  nextPort: number
}

/** A network with nothing in it. */
export function createNet(): NetState {
  return { sockets: new Map(), nextSocket: 1, abstract: new Map(), nextName: 0, nextPort: FIRST_PORT }
}

/** /proc/sys/net/ipv4/ip_local_port_range. */
export const FIRST_PORT = 32768
export const LAST_PORT = 60999
