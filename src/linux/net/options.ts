/** Exists to hold the options of sockets (socket(7), ip(7), tcp(7), ipv6(7)): which there are, what they are at first, and what setting them means. */
import type { Socket } from './state.ts'

/** Levels of setsockopt. */
export const SOL = { ip: 0, socket: 1, tcp: 6, udp: 17, ipv6: 41 } as const

/** An option whose value is an int. */
export interface OptionRow {
  level: number
  number: number
  name: string
  /** Value at first: for every socket, or by socket. */
  initial: number | ((socket: Socket) => number)
  /** 'flag': 0 or 1. 'int': any. 'size': a buffer's, which the kernel doubles. 'fixed': cannot be set. */
  kind: 'flag' | 'int' | 'size' | 'fixed'
}

const isStream = (socket: Socket): boolean => socket.type === 1
/** What a fresh TCP socket says of its buffers. */
const TCP_SEND = 16384
const TCP_RECEIVE = 131072
/** /proc/sys/net/core/rmem_default and its kin. */
export const BUFFER = 212992

const buffer =
  (tcp: number) =>
  (socket: Socket): number =>
    isStream(socket) && socket.family !== 1 ? tcp : BUFFER

const rows: readonly (readonly [number, number, string, OptionRow['kind'], OptionRow['initial']])[] = [
  [1, 1, 'SO_DEBUG', 'flag', 0],
  [1, 2, 'SO_REUSEADDR', 'flag', 0],
  [1, 3, 'SO_TYPE', 'fixed', (socket) => socket.type],
  [1, 5, 'SO_DONTROUTE', 'flag', 0],
  [1, 6, 'SO_BROADCAST', 'flag', 0],
  [1, 7, 'SO_SNDBUF', 'size', buffer(TCP_SEND)],
  [1, 8, 'SO_RCVBUF', 'size', buffer(TCP_RECEIVE)],
  [1, 9, 'SO_KEEPALIVE', 'flag', 0],
  [1, 10, 'SO_OOBINLINE', 'flag', 0],
  [1, 11, 'SO_NO_CHECK', 'flag', 0],
  [1, 12, 'SO_PRIORITY', 'int', 0],
  [1, 15, 'SO_REUSEPORT', 'flag', 0],
  [1, 16, 'SO_PASSCRED', 'flag', 0],
  [1, 18, 'SO_RCVLOWAT', 'int', 1],
  [1, 19, 'SO_SNDLOWAT', 'fixed', 1],
  [1, 29, 'SO_TIMESTAMP', 'flag', 0],
  [1, 30, 'SO_ACCEPTCONN', 'fixed', (socket) => (socket.stage === 'listening' ? 1 : 0)],
  [1, 36, 'SO_MARK', 'int', 0],
  [1, 38, 'SO_PROTOCOL', 'fixed', (socket) => socket.protocol],
  [1, 39, 'SO_DOMAIN', 'fixed', (socket) => socket.family],
  [1, 40, 'SO_RXQ_OVFL', 'flag', 0],
  [1, 46, 'SO_BUSY_POLL', 'int', 0],
  [1, 49, 'SO_INCOMING_CPU', 'int', -1],
  [1, 60, 'SO_ZEROCOPY', 'flag', 0],
  [0, 1, 'IP_TOS', 'int', 0],
  [0, 2, 'IP_TTL', 'int', 64],
  [0, 8, 'IP_PKTINFO', 'flag', 0],
  [0, 10, 'IP_MTU_DISCOVER', 'int', 1],
  [0, 11, 'IP_RECVERR', 'flag', 0],
  [0, 12, 'IP_RECVTTL', 'flag', 0],
  [0, 13, 'IP_RECVTOS', 'flag', 0],
  [0, 15, 'IP_FREEBIND', 'flag', 0],
  [0, 19, 'IP_TRANSPARENT', 'flag', 0],
  [0, 24, 'IP_BIND_ADDRESS_NO_PORT', 'flag', 0],
  [0, 33, 'IP_MULTICAST_TTL', 'int', 1],
  [0, 34, 'IP_MULTICAST_LOOP', 'flag', 1],
  [6, 1, 'TCP_NODELAY', 'flag', 0],
  [6, 2, 'TCP_MAXSEG', 'int', 536],
  [6, 3, 'TCP_CORK', 'flag', 0],
  [6, 4, 'TCP_KEEPIDLE', 'int', 7200],
  [6, 5, 'TCP_KEEPINTVL', 'int', 75],
  [6, 6, 'TCP_KEEPCNT', 'int', 9],
  [6, 7, 'TCP_SYNCNT', 'int', 6],
  [6, 8, 'TCP_LINGER2', 'int', 60],
  [6, 9, 'TCP_DEFER_ACCEPT', 'int', 0],
  [6, 12, 'TCP_QUICKACK', 'flag', 1],
  [6, 18, 'TCP_USER_TIMEOUT', 'int', 0],
  [6, 23, 'TCP_FASTOPEN', 'int', 0],
  [41, 16, 'IPV6_UNICAST_HOPS', 'int', 64],
  [41, 18, 'IPV6_MULTICAST_HOPS', 'int', 1],
  [41, 25, 'IPV6_RECVERR', 'flag', 0],
  [41, 26, 'IPV6_V6ONLY', 'flag', 0],
  [41, 67, 'IPV6_TCLASS', 'int', 0],
]

/** All of them by level × 65536 + number. */
const table: ReadonlyMap<number, OptionRow> = new Map(
  rows.map(([level, number, name, kind, initial]) => [level * 65536 + number, { level, number, name, kind, initial }]),
)
const byName: ReadonlyMap<string, OptionRow> = new Map([...table.values()].map((row) => [row.name, row]))

/** The row of an option that sockets of this kind have, or undefined. */
export function optionRow(socket: Socket, level: number, number: number): OptionRow | undefined {
  const family = socket.family
  if (level === SOL.tcp && (family === 1 || socket.type !== 1)) return undefined
  if (level === SOL.ip && family !== 2 && family !== 10) return undefined
  if (level === SOL.ipv6 && family !== 10) return undefined
  return table.get(level * 65536 + number)
}

/** An option's value. */
export function valueOf(socket: Socket, row: OptionRow): number {
  const { level, number, initial } = row
  const value = row.kind === 'fixed' ? undefined : socket.options.get(level * 65536 + number)
  return value ?? (typeof initial === 'number' ? initial : initial(socket))
}

/** An option's value by name. */
export function option(socket: Socket, name: string): number {
  return valueOf(socket, byName.get(name)!)
}

/** Sets an option to what the kernel makes of `value`. */
export function setOption(socket: Socket, row: OptionRow, value: number): void {
  socket.options.set(row.level * 65536 + row.number, kept(row, value))
}

/** Least and highest values of options that have such. */
const RANGES: Readonly<Record<string, readonly [least: number, most: number]>> = {
  IP_TTL: [1, 255],
  TCP_KEEPIDLE: [1, 32767],
  TCP_KEEPINTVL: [1, 32767],
  TCP_KEEPCNT: [1, 127],
  TCP_SYNCNT: [1, 127],
}

/** Whether the option can have the value; -1 asks for the usual time to live. */
export function isInRange({ name }: OptionRow, value: number): boolean {
  const range = RANGES[name]
  return range === undefined || (value === -1 && name === 'IP_TTL') || (value >= range[0] && value <= range[1])
}

/** Smallest buffers: SOCK_MIN_SNDBUF, SOCK_MIN_RCVBUF. */
const LEAST: Readonly<Record<string, number>> = { SO_SNDBUF: 4608, SO_RCVBUF: 2304 }

function kept({ kind, name }: OptionRow, value: number): number {
  if (name === 'IP_TTL' && value === -1) return 64
  if (kind === 'flag') return value === 0 ? 0 : 1
  if (kind === 'size') return Math.max(LEAST[name]!, 2 * Math.min(value >>> 0, BUFFER))
  return value | 0
}
