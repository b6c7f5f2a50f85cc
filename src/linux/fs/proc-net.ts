/** Exists to hold the files of /proc/net: the sockets of the machine, and its one network device. */
import type { Kernel } from '../kernel.ts'
import { AF, SOCK } from '../net/socket.ts'
import type { Socket } from '../net/state.ts'
import { nameFromBytes } from './names.ts'
import type { SystemFile } from './proc-system.ts'

const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0')

/** Sockets of a family and type, in order of their making. */
function socketsOf(k: Kernel, family: number, type: number | null): Socket[] {
  return [...k.state.fs.net.sockets.values()].filter(
    (socket) => socket.family === family && (type === null || socket.type === type),
  )
}

/** Inode number that fstat shows for a socket; 0 for one that nobody has open. */
function inodeNumber(k: Kernel, socket: Socket): number {
  const description = k.state.fs.descriptions.get(socket.description)
  return k.state.fs.inodes.get(description?.inode ?? 0)?.ino ?? 0
}

/** Flags (SO_ACCEPTCON) and states (SS_UNCONNECTED, SS_CONNECTED) of AF_UNIX. */
function unix(k: Kernel): string {
  const rows = socketsOf(k, AF.unix, null).map((socket) => {
    const listens = socket.stage === 'listening'
    const state = socket.stage === 'connected' ? 3 : 1
    const words = [hex(2, 8), hex(0, 8), hex(listens ? 0x10000 : 0, 8), hex(socket.type, 4), hex(state, 2)]
    const path = socket.local === null ? '' : pathOf(socket.local.subarray(2))
    return `0000000000000000: ${words.join(' ')} ${inodeNumber(k, socket)}${path === '' ? '' : ` ${path}`}\n`
  })
  return `Num       RefCount Protocol Flags    Type St Inode Path\n${rows.join('')}`
}

/** A name of AF_UNIX: abstract ones begin with @, and have one for each NUL. */
function pathOf(bytes: Uint8Array): string {
  if (bytes[0] === 0) return `@${nameFromBytes(bytes.subarray(1)).replaceAll('\0', '@')}`
  const end = bytes.indexOf(0)
  return nameFromBytes(end < 0 ? bytes : bytes.subarray(0, end))
}

/** Address and port of a struct sockaddr_in or sockaddr_in6 as words of the processor in hexadecimal. */
function endpoint(address: Uint8Array | null, words: number): string {
  if (address === null || address.length < 8) return `${hex(0, words * 8)}:0000`
  const view = new DataView(address.buffer, address.byteOffset, address.length)
  const from = words === 1 ? 4 : 8
  const parts = Array.from({ length: words }, (_, i) => hex(view.getUint32(from + 4 * i, true), 8))
  return `${parts.join('')}:${hex(view.getUint16(2, false), 4)}`
}

/** TCP_ESTABLISHED, TCP_CLOSE_WAIT, TCP_CLOSE, TCP_LISTEN. */
function tcpState({ stage, shut }: Socket): number {
  if (stage === 'listening') return 10
  if (stage === 'connected') return shut & 1 ? 8 : 1
  return 7
}

const inet =
  (family: number, type: number): SystemFile['text'] =>
  (k) => {
    const words = family === AF.inet ? 1 : 4
    const tcp = type === SOCK.stream
    const bound = socketsOf(k, family, type).filter(({ local }) => local !== null)
    const rows = bound.map((socket, i) => {
      const state = hex(tcp ? tcpState(socket) : socket.remote === null ? 7 : 1, 2)
      const queues = `${hex(socket.sent, 8)}:${hex(socket.stage === 'listening' ? socket.pending.length : socket.queued, 8)}`
      const ends = `${endpoint(socket.local, words)} ${endpoint(socket.remote, words)}`
      const inode = inodeNumber(k, socket)
      return `${String(i).padStart(4)}: ${ends} ${state} ${queues} 00:00000000 00000000     0        0 ${inode} 2 0000000000000000 0\n`
    })
    const remote = words === 1 ? 'rem_address' : 'remote_address'
    return `  sl  local_address ${remote}   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n${rows.join('')}`
  }

const DEVICES = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
`
const ROUTES = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n'

/** By absolute path. */
export const netFiles: readonly (readonly [string, SystemFile])[] = [
  ['/proc/net/unix', { text: unix }],
  ['/proc/net/tcp', { text: inet(AF.inet, SOCK.stream) }],
  ['/proc/net/tcp6', { text: inet(AF.inet6, SOCK.stream) }],
  ['/proc/net/udp', { text: inet(AF.inet, SOCK.dgram) }],
  ['/proc/net/udp6', { text: inet(AF.inet6, SOCK.dgram) }],
  ['/proc/net/dev', { text: () => DEVICES }],
  ['/proc/net/route', { text: () => ROUTES }],
  ['/proc/net/if_inet6', { text: () => '00000000000000000000000000000001 01 80 10 80       lo\n' }],
]
