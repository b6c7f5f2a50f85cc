/** Exists to declare getsockopt and setsockopt. */
import { fd, int, number, setI64, i64At } from '../arguments.ts'
import { syscall, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import { isInRange, optionRow, setOption, SOL, valueOf } from '../net/options.ts'
import { AF, socketAt, takeError } from '../net/socket.ts'
import type { Socket } from '../net/state.ts'
import type { Task } from '../state.ts'
import { OPTION_NAMES } from '../table-socket.ts'
import { addressLength, level, optionIn, optionName, optionOut } from './socket-text.ts'

/** Options of SOL_SOCKET that are no int. */
const SO = {
  error: 4,
  linger: 13,
  peercred: 17,
  rcvtimeo: 20,
  sndtimeo: 21,
  bindToDevice: 25,
  peersec: 31,
  peergroups: 59,
  peerpidfd: 77,
} as const
/** Options of TCP that are no int. */
const TCP = { info: 11, congestion: 13 } as const
/** /proc/sys/net/ipv4/tcp_available_congestion_control; the first one is that of every new socket. */
const CONGESTION = ['cubic', 'reno']
const CONGESTION_ROOM = 16
const MICROSECOND = 1000

/** Why a socket has no such option, or a stop that names it. */
function missing(k: Kernel, t: Task, call: string, socket: Socket, at: number, name: number): number {
  const wrongFamily =
    at !== SOL.socket && (socket.family === AF.unix || socket.family === AF.netlink)
      ? -ERRNO.EOPNOTSUPP
      : call === 'getsockopt' &&
          socket.family === AF.inet &&
          at !== SOL.socket &&
          at !== SOL.ip &&
          (at !== SOL.tcp || socket.type !== 1)
        ? -ERRNO.EOPNOTSUPP
        : -ERRNO.ENOPROTOOPT
  if (wrongFamily === -ERRNO.EOPNOTSUPP || (at === SOL.tcp && socket.type !== 1)) return wrongFamily
  if (at === SOL.ipv6 && socket.family !== AF.inet6) return wrongFamily
  if (at === SOL.socket && (name === SO.peersec || name === SO.peergroups || name === SO.peerpidfd))
    return -ERRNO.ENOPROTOOPT
  const known = OPTION_NAMES[at]?.find(([value]) => value === name)
  return known === undefined ? -ERRNO.ENOPROTOOPT : k.refuse(t, `${call}(${known[1]})`, 'ENOPROTOOPT')
}

function getsockopt(k: Kernel, t: Task, [number, at, name, address, lengthAddress]: number[]): number {
  const found = socketAt(k, t, number!)
  if (typeof found === 'number') return found
  const { socket } = found
  const space = k.space(t)
  const room = space.readU32(lengthAddress!)
  if (room === null) return -ERRNO.EFAULT
  if ((room | 0) < 0) return -ERRNO.EINVAL
  const value = bytesOf(k, t, socket, at!, name!)
  if (typeof value === 'number') return value
  const part = value.subarray(0, room)
  if (part.length > 0 && !space.write(address!, part)) return -ERRNO.EFAULT
  return space.writeU32(lengthAddress!, part.length) ? 0 : -ERRNO.EFAULT
}

function bytesOf(k: Kernel, t: Task, socket: Socket, at: number, name: number): Uint8Array | number {
  if (at === SOL.socket) {
    switch (name) {
      case SO.error:
        return words(-takeError(socket))
      case SO.linger:
        return words(...socket.linger)
      case SO.rcvtimeo:
        return timeval(socket.receiveTimeout)
      case SO.sndtimeo:
        return timeval(socket.sendTimeout)
      case SO.peercred: {
        const { pid, uid, gid } = socket.peerCredentials ?? socket.ownCredentials ?? { pid: 0, uid: -1, gid: -1 }
        return words(pid, uid, gid)
      }
      case SO.bindToDevice:
        return new Uint8Array(0)
    }
  }
  if (at === SOL.tcp && isTcp(socket)) {
    if (name === TCP.info) return tcpInfo(socket)
    if (name === TCP.congestion) {
      const bytes = new Uint8Array(CONGESTION_ROOM)
      bytes.set(Array.from(CONGESTION[congestionOf(socket)]!, (char) => char.charCodeAt(0)))
      return bytes
    }
  }
  const row = optionRow(socket, at, name)
  return row === undefined ? missing(k, t, 'getsockopt', socket, at, name) : words(valueOf(socket, row))
}

const isTcp = ({ family, type }: Socket): boolean => (family === AF.inet || family === AF.inet6) && type === 1

const CONGESTION_KEY = SOL.tcp * 65536 + TCP.congestion
const congestionOf = ({ options }: Socket): number => options.get(CONGESTION_KEY) ?? 0

/** TCP_CONGESTION: by name; -ENOENT for one that there is not. */
function setCongestion(k: Kernel, t: Task, socket: Socket, address: number, length: number): number {
  if (length < 1) return -ERRNO.EINVAL
  const bytes = k.space(t).read(address, Math.min(length, CONGESTION_ROOM - 1))
  if (bytes === null) return -ERRNO.EFAULT
  const index = CONGESTION.indexOf(String.fromCharCode(...bytes).replace(/\0.*$/s, ''))
  if (index < 0) return -ERRNO.ENOENT
  socket.options.set(CONGESTION_KEY, index)
  return 0
}

/** Bytes of struct tcp_info in Linux 6.1. */
const TCP_INFO_SIZE = 232
/** TCP_ESTABLISHED and its kin. */
const TCP_STATES = { closed: 7, listening: 10, connecting: 2, connected: 1, lost: 8 } as const
/** The loopback device: 65,536 bytes less the headers. */
const SEGMENT = 65_483

/** struct tcp_info of a connection over the loopback device, on which nothing is lost or late. */
function tcpInfo(socket: Socket): Uint8Array {
  const bytes = new Uint8Array(TCP_INFO_SIZE)
  const view = new DataView(bytes.buffer)
  const connected = socket.stage === 'connected'
  const put = (offset: number, value: number): void => view.setUint32(offset, value, true)
  bytes[0] = TCP_STATES[socket.stage]
  // Congestion window and reordering.
  put(80, 10)
  put(88, 3)
  if (socket.stage === 'listening') return bytes
  // Timestamps, selective acknowledgements, and a window scale of 7 on both sides.
  if (connected) bytes.set([7, 0x77], 5)
  // Microseconds until something is sent again; largest segments, and of the path.
  put(8, connected ? 200_000 : 1_000_000)
  put(16, connected ? 32_741 : 536)
  put(20, connected ? 536 : 0)
  put(60, connected ? 65_535 : 0)
  // Round trip and its variance, slow start's threshold, announced segment.
  put(68, connected ? 20 : 0)
  put(72, connected ? 10 : 250_000)
  put(76, 0x7fff_ffff)
  put(84, connected ? SEGMENT : 0)
  put(96, connected ? SEGMENT + 12 : 0)
  // No limit of the rate.
  put(112, 0xffff_ffff)
  put(116, 0xffff_ffff)
  return bytes
}

const words = (...values: number[]): Uint8Array => new Uint8Array(Int32Array.from(values).buffer)

function timeval(ns: number): Uint8Array {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  setI64(view, 0, Math.floor(ns / 1e9))
  setI64(view, 8, Math.floor((ns % 1e9) / MICROSECOND))
  return bytes
}

function setsockopt(k: Kernel, t: Task, [number, at, name, address, length]: number[]): number {
  if (length! < 0) return -ERRNO.EINVAL
  const found = socketAt(k, t, number!)
  if (typeof found === 'number') return found
  const { socket } = found
  if (at === SOL.tcp && name === TCP.congestion && isTcp(socket)) return setCongestion(k, t, socket, address!, length!)
  const inSocket = at === SOL.socket
  const timed = inSocket && (name === SO.rcvtimeo || name === SO.sndtimeo)
  const row = optionRow(socket, at!, name!)
  const wanted = timed ? 16 : inSocket && name === SO.linger ? 8 : 4
  if ((inSocket && name !== SO.bindToDevice) || row !== undefined) {
    if (length! < 4) return -ERRNO.EINVAL
    if (k.space(t).read(address!, 4) === null) return -ERRNO.EFAULT
  }
  if (inSocket && (name === SO.error || name === SO.peercred)) return -ERRNO.ENOPROTOOPT
  if (inSocket && name === SO.bindToDevice) return bindToDevice(k, t, address!, length!)
  if (!timed && !(inSocket && name === SO.linger)) {
    if (row === undefined) return missing(k, t, 'setsockopt', socket, at!, name!)
    if (row.kind === 'fixed') return -ERRNO.ENOPROTOOPT
  }
  if (length! < wanted) return -ERRNO.EINVAL
  const bytes = k.space(t).read(address!, wanted)
  if (bytes === null) return -ERRNO.EFAULT
  const view = new DataView(bytes.buffer, bytes.byteOffset, wanted)
  if (timed) {
    const [seconds, us] = [i64At(view, 0), i64At(view, 8)]
    if (us < 0 || us >= 1_000_000) return -ERRNO.EDOM
    const ns = seconds < 0 ? 0 : seconds * 1e9 + us * MICROSECOND
    if (name === SO.rcvtimeo) socket.receiveTimeout = ns
    else socket.sendTimeout = ns
  } else if (row === undefined)
    socket.linger = view.getInt32(0, true) === 0 ? [0, socket.linger[1]] : [1, view.getInt32(4, true)]
  else {
    const value = view.getInt32(0, true)
    if (!isInRange(row, value)) return -ERRNO.EINVAL
    setOption(socket, row, value)
  }
  return 0
}

/** SO_BINDTODEVICE: to `lo`, where all sockets are, or to none. */
function bindToDevice(k: Kernel, t: Task, address: number, length: number): number {
  const bytes = k.space(t).read(address, Math.min(length, 15))
  if (bytes === null) return -ERRNO.EFAULT
  const name = String.fromCharCode(...bytes).replace(/\0.*$/s, '')
  return name === '' || name === 'lo' ? 0 : -ERRNO.ENODEV
}

const PARTIAL =
  'partial: the options of src/linux/net/options.ts, SO_ERROR, SO_LINGER, SO_PEERCRED, SO_RCVTIMEO, SO_SNDTIMEO, TCP_CONGESTION, TCP_INFO'

/** Their declarations. */
export const socketOptionCalls: readonly Declaration[] = [
  syscall(
    54,
    'setsockopt',
    [
      ['fd', fd],
      ['level', level],
      ['optname', optionName],
      ['optval', optionIn],
      ['optlen', int],
    ],
    number,
    setsockopt,
    { support: PARTIAL },
  ),
  syscall(
    55,
    'getsockopt',
    [
      ['fd', fd],
      ['level', level],
      ['optname', optionName],
      ['optval', optionOut],
      ['optlen', addressLength],
    ],
    number,
    getsockopt,
    { support: PARTIAL },
  ),
]
