/** Exists to hold the argument types of the socket calls: how addresses, messages and options are printed, and which memory they are. */
import { asInt, asU64, bufferText, shown, u64At } from '../arguments.ts'
import type { ArgType, CallView, Range } from '../declare.ts'
import { endpointOf, familyOf, INET, INET6 } from '../net/address.ts'
import { MSGHDR_SIZE } from '../net/control.ts'
import { AF } from '../net/socket.ts'
import { errnoName } from '../errno.ts'
import { flagsText, hex, pointerText, quoted, valueText } from '../strace.ts'
import {
  FAMILIES,
  LEVELS,
  MSG_FLAGS,
  NETLINK_PROTOCOLS,
  OPTION_NAMES,
  PROTOCOLS,
  SOCKET_FLAGS,
  SOCKET_TYPES,
} from '../table-socket.ts'
import { iovecRanges, iovecText } from './file-text.ts'

export const family: ArgType = shown(asInt, (value) => valueText(value, FAMILIES, 'AF_???'))

/** SOCK_TYPE_MASK. */
const TYPE_MASK = 0xf

export const socketType: ArgType = shown(asInt, (value) => {
  const type = valueText(value & TYPE_MASK, SOCKET_TYPES, 'SOCK_???')
  const rest = value & ~TYPE_MASK
  return rest === 0 ? type : `${type}|${flagsText(rest, SOCKET_FLAGS, 'SOCK_???')}`
})

export const protocol: ArgType = {
  decode: asInt,
  when: 'in',
  text: (value, { args }) => {
    if (args[0] === AF.inet || args[0] === AF.inet6) return valueText(value, PROTOCOLS, 'IPPROTO_???')
    if (args[0] === AF.netlink) return valueText(value, NETLINK_PROTOCOLS, 'NETLINK_???')
    return String(value)
  },
}

export const msgFlags: ArgType = shown(asInt, (value) => flagsText(value, MSG_FLAGS, 'MSG_???'))

/** The text of an address's bytes as strace shows it; the address of what is too short. */
export function addressText(bytes: Uint8Array, pointer: number): string {
  if (bytes.length < 2) return pointerText(pointer)
  const kind = familyOf(bytes)
  const name = valueText(kind, FAMILIES, 'AF_???')
  if (kind === AF.unix) {
    if (bytes.length === 2) return `{sa_family=${name}}`
    const path = bytes.subarray(2, 110)
    if (path[0] === 0) return `{sa_family=${name}, sun_path=@${quoted(path.subarray(1), 110)}}`
    const end = path.indexOf(0)
    return `{sa_family=${name}, sun_path=${quoted(end < 0 ? path : path.subarray(0, end), 110)}}`
  }
  if (kind === AF.inet && bytes.length >= INET.size) {
    const { address, port } = endpointOf(bytes)
    return `{sa_family=${name}, sin_port=htons(${port}), sin_addr=inet_addr("${address.join('.')}")}`
  }
  if (kind === AF.inet6 && bytes.length >= INET6.size - 4) {
    const { address, port } = endpointOf(bytes)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const scope = bytes.length >= INET6.size ? `, sin6_scope_id=${view.getUint32(24, true)}` : ''
    return `{sa_family=${name}, sin6_port=htons(${port}), sin6_flowinfo=htonl(${view.getUint32(4)}), inet_pton(AF_INET6, "${inet6Text(address)}", &sin6_addr)${scope}}`
  }
  if (kind === AF.netlink && bytes.length >= 12) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const groups = view.getUint32(8, true)
    return `{sa_family=${name}, nl_pid=${view.getInt32(4, true)}, nl_groups=${groups === 0 ? '00000000' : hex(groups)}}`
  }
  if (bytes.length === 2) return `{sa_family=${name}}`
  return `{sa_family=${name}, sa_data=${quoted(bytes.subarray(2), 128)}}`
}

/** An IPv6 address as inet_ntop writes it (RFC 5952, with dotted IPv4 parts). */
function inet6Text(address: Uint8Array): string {
  const view = new DataView(address.buffer, address.byteOffset, 16)
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(i * 2))
  let best = { at: -1, length: 1 }
  for (let i = 0; i < 8; i++) {
    let length = 0
    while (i + length < 8 && groups[i + length] === 0) length++
    if (length > best.length) best = { at: i, length }
  }
  const dotted = best.at === 0 && (best.length === 6 || (best.length === 5 && groups[5] === 0xffff))
  const words = groups.map((group) => group.toString(16))
  if (dotted) words.splice(6, 2, address.subarray(12).join('.'))
  if (best.at < 0) return words.join(':')
  return `${words.slice(0, best.at).join(':')}::${words.slice(best.at + best.length).join(':')}`
}

/** An address that the kernel reads; argument number `length` says how long it is. */
export function addressIn(length: number): ArgType {
  return {
    decode: asU64,
    when: 'in',
    text: (value, { space, args }) => {
      const size = args[length]!
      const bytes = value === 0 || size < 0 || size > 128 ? null : space.read(value, size)
      return bytes === null ? pointerText(value) : addressText(bytes, value)
    },
    reads: (value, { args }) =>
      args[length]! > 0 && args[length]! <= 128 ? [{ start: value, length: args[length]! }] : [],
  }
}

/** The length at a pointer, or null when it cannot be read. */
function lengthAt(pointer: number, { space }: CallView): number | null {
  const word = pointer === 0 ? null : space.readU32(pointer)
  return word === null ? null : word | 0
}

/** An address that the kernel fills; argument number `length` points at its length. */
export function addressOut(length: number): ArgType {
  return {
    decode: asU64,
    when: 'out',
    text: (value, call) => {
      const size = lengthAt(call.args[length]!, call)
      if (call.result === null || call.result < 0 || value === 0 || size === null) return pointerText(value)
      const bytes = call.space.read(value, Math.min(size, 128))
      return bytes === null ? pointerText(value) : addressText(bytes, value)
    },
    writes: (value, call) => {
      const size = lengthAt(call.args[length]!, call)
      return size === null || value === 0 ? [] : [{ start: value, length: Math.min(size, 128) }]
    },
  }
}

/** The length of an address, given and returned: `[128 => 16]`, or `[16]` when they are equal. */
export const addressLength: ArgType = {
  decode: asU64,
  when: 'in',
  text: (value, call) => {
    const length = lengthAt(value, call)
    return length === null ? pointerText(value) : `[${length}]`
  },
  merged: (entry, value, call) => {
    const length = lengthAt(value, call)
    return length === null || entry === `[${length}]` ? entry : entry.replace(']', ` => ${length}]`)
  },
  reads: (value) => [{ start: value, length: 4 }],
  writes: (value) => [{ start: value, length: 4 }],
}

export const level: ArgType = shown(asInt, (value) => valueText(value, LEVELS, 'SOL_??'))

const UNKNOWN_OPTION: Readonly<Record<number, string>> = {
  0: 'IP_???',
  1: 'SO_???',
  6: 'TCP_???',
  17: 'UDP_???',
  41: 'IPV6_???',
  270: 'NETLINK_???',
}

export const optionName: ArgType = {
  decode: asInt,
  when: 'in',
  text: (value, { args }) => {
    const names = OPTION_NAMES[args[1]!]
    return names === undefined ? String(value) : valueText(value, names, UNKNOWN_OPTION[args[1]!]!)
  },
}

/** An option's value by level and name; `length` bytes of it are there. */
function optionText(call: CallView, pointer: number, length: number): string {
  const [, at, name] = call.args as [number, number, number]
  if (pointer === 0 || length < 0) return pointerText(pointer)
  const bytes = call.space.read(pointer, Math.min(length, 64))
  if (bytes === null) return pointerText(pointer)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (at === 1 && name === 13 && length >= 8)
    return `{l_onoff=${view.getInt32(0, true)}, l_linger=${view.getInt32(4, true)}}`
  // strace decodes the new forms of these two only.
  if (at === 1 && (name === 20 || name === 21)) return quoted(bytes)
  if (at === 1 && name === 13) return pointerText(pointer)
  if (at === 1 && name === 17 && length >= 12)
    return `{pid=${view.getInt32(0, true)}, uid=${view.getInt32(4, true)}, gid=${view.getInt32(8, true)}}`
  if (length === 4) {
    const word = view.getInt32(0, true)
    return `[${(at === 1 && name === 4 && call.args.length === 5 && call.result !== null && errnoName(word)) || word}]`
  }
  return length < 4 && at !== 1 ? quoted(bytes) : length === 0 ? '""' : pointerText(pointer)
}

export const optionIn: ArgType = {
  decode: asU64,
  when: 'in',
  text: (value, call) => (call.args[4]! < 4 ? pointerText(value) : optionText(call, value, call.args[4]!)),
  reads: (value, { args }) => (args[4]! > 0 ? [{ start: value, length: args[4]! }] : []),
}

export const optionOut: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, call) => {
    const length = lengthAt(call.args[4]!, call)
    return call.result === 0 && length !== null ? optionText(call, value, length) : pointerText(value)
  },
  writes: (value, call) => {
    const length = lengthAt(call.args[4]!, call)
    return length === null ? [] : [{ start: value, length }]
  },
}

/** Bytes that a receive fills: what it returns may be the length of a datagram that was longer than the buffer. Argument 2 is its length. */
export const bytesReceived: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, { space, args, result }) =>
    result === null || result < 0 ? pointerText(value) : bufferText(space, value, Math.min(result, args[2]!)),
  writes: (value, { args, result }) => [{ start: value, length: Math.min(result ?? 0, args[2]!) }],
  offers: (value, { args }) => [{ start: value, length: args[2]! }],
}

/** The two descriptors of socketpair. */
export const pairOut: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, { space, result }) => {
    const bytes = result === 0 ? space.read(value, 8) : null
    if (bytes === null) return pointerText(value)
    const view = new DataView(bytes.buffer, bytes.byteOffset, 8)
    return `[${view.getInt32(0, true)}, ${view.getInt32(4, true)}]`
  },
  writes: (value) => [{ start: value, length: 8 }],
}

/** strace's text of control messages. */
function controlText(call: CallView, pointer: number, length: number): string {
  const bytes = call.space.read(pointer, length)
  if (bytes === null || length === 0) return pointerText(pointer)
  const view = new DataView(bytes.buffer, bytes.byteOffset, length)
  const parts: string[] = []
  for (let at = 0; at + 16 <= length;) {
    const size = u64At(view, at)
    const [where, type] = [view.getInt32(at + 8, true), view.getInt32(at + 12, true)]
    const known =
      where === 1 ? (['', 'SCM_RIGHTS', 'SCM_CREDENTIALS'][type] ?? `${hex(type)} /* SCM_??? */`) : hex(type)
    let data = ''
    const end = Math.min(at + size, length)
    if (where === 1 && type === 1) {
      const fds: number[] = []
      for (let i = at + 16; i + 4 <= end; i += 4) fds.push(view.getInt32(i, true))
      data = `, cmsg_data=[${fds.join(', ')}]`
    } else if (where === 1 && type === 2 && end - at >= 28) {
      data = `, cmsg_data={pid=${view.getInt32(at + 16, true)}, uid=${view.getInt32(at + 20, true)}, gid=${view.getInt32(at + 24, true)}}`
    }
    parts.push(`{cmsg_len=${size}, cmsg_level=${valueText(where, LEVELS, 'SOL_??')}, cmsg_type=${known}${data}}`)
    if (size < 16) break
    at += Math.ceil(size / 8) * 8
  }
  return `[${parts.join(', ')}]`
}

/** A struct msghdr at `pointer` whose data the kernel reads (`room` null) or has filled with `count` bytes; `room`: msg_namelen as it was given. */
function messageText(call: CallView, pointer: number, count: number | null, room: number | null): string {
  const bytes = pointer === 0 ? null : call.space.read(pointer, MSGHDR_SIZE)
  if (bytes === null) return pointerText(pointer)
  const view = new DataView(bytes.buffer, bytes.byteOffset, MSGHDR_SIZE)
  const [name, nameLength] = [u64At(view, 0), view.getInt32(8, true)]
  const shownName = room === null ? nameLength : Math.min(nameLength, room)
  const where = name === 0 || shownName <= 0 ? null : call.space.read(name, Math.min(shownName, 128))
  const who = where === null ? pointerText(name) : addressText(where, name)
  const lengths = room !== null && room !== nameLength && name !== 0 ? `${room} => ${nameLength}` : String(nameLength)
  const iov = iovecText(u64At(view, 16), u64At(view, 24), count ?? Infinity, call)
  const controlLength = u64At(view, 40)
  const control = controlLength === 0 ? '' : `msg_control=${controlText(call, u64At(view, 32), controlLength)}, `
  const flags = flagsText(view.getInt32(48, true), MSG_FLAGS, 'MSG_???')
  return `{msg_name=${who}, msg_namelen=${lengths}, msg_iov=${iov}, msg_iovlen=${u64At(view, 24)}, ${control}msg_controllen=${controlLength}, msg_flags=${flags}}`
}

function messageReads(call: CallView, pointer: number, sending: boolean): Range[] {
  const bytes = call.space.read(pointer, MSGHDR_SIZE)
  if (bytes === null) return [{ start: pointer, length: MSGHDR_SIZE }]
  const view = new DataView(bytes.buffer, bytes.byteOffset, MSGHDR_SIZE)
  const ranges = [
    { start: pointer, length: MSGHDR_SIZE },
    ...iovecRanges(u64At(view, 16), u64At(view, 24), sending ? Infinity : 0, call),
  ]
  ranges.push({ start: u64At(view, 16), length: u64At(view, 24) * 16 })
  if (sending) {
    if (u64At(view, 0) !== 0) ranges.push({ start: u64At(view, 0), length: Math.max(0, view.getInt32(8, true)) })
    if (u64At(view, 32) !== 0) ranges.push({ start: u64At(view, 32), length: u64At(view, 40) })
  }
  return ranges
}

function messageWrites(call: CallView, pointer: number, count: number): Range[] {
  const bytes = call.space.read(pointer, MSGHDR_SIZE)
  if (bytes === null) return []
  const view = new DataView(bytes.buffer, bytes.byteOffset, MSGHDR_SIZE)
  const ranges = iovecRanges(u64At(view, 16), u64At(view, 24), count, call)
  ranges.push({ start: pointer, length: MSGHDR_SIZE })
  if (u64At(view, 0) !== 0) ranges.push({ start: u64At(view, 0), length: 128 })
  if (u64At(view, 32) !== 0) ranges.push({ start: u64At(view, 32), length: u64At(view, 40) })
  return ranges
}

export const messageIn: ArgType = {
  decode: asU64,
  when: 'in',
  text: (value, call) => messageText(call, value, null, null),
  reads: (value, call) => messageReads(call, value, true),
}

export const messageOut: ArgType = {
  decode: asU64,
  when: 'in',
  text: (value, { space }) => {
    const bytes = value === 0 ? null : space.read(value, MSGHDR_SIZE)
    if (bytes === null) return pointerText(value)
    return `{msg_namelen=${new DataView(bytes.buffer, bytes.byteOffset, MSGHDR_SIZE).getInt32(8, true)}}`
  },
  merged: (entry, value, call) => messageText(call, value, call.result, Number(/=(-?\d+)/.exec(entry)?.[1] ?? 0)),
  reads: (value, call) => messageReads(call, value, false),
  writes: (value, call) => messageWrites(call, value, call.result ?? 0),
}

/** Bytes of struct mmsghdr. */
export const MMSGHDR_SIZE = 64

/** The messages of sendmmsg and recvmmsg; argument 2 is their number. */
export function messages(sending: boolean): ArgType {
  return {
    decode: asU64,
    when: 'out',
    text: (value, call) => {
      const done = call.result ?? -1
      if (done < 0) return pointerText(value)
      const parts: string[] = []
      for (let i = 0; i < done; i++) {
        const at = value + i * MMSGHDR_SIZE
        const length = call.space.readU32(at + MSGHDR_SIZE) ?? 0
        parts.push(`{msg_hdr=${messageText(call, at, sending ? null : length, null)}, msg_len=${length}}`)
      }
      return `[${parts.join(', ')}]`
    },
    reads: (value, call) => {
      const ranges: Range[] = [{ start: value, length: call.args[2]! * MMSGHDR_SIZE }]
      for (let i = 0; i < call.args[2]!; i++) ranges.push(...messageReads(call, value + i * MMSGHDR_SIZE, sending))
      return ranges
    },
    writes: (value, call) => {
      const ranges: Range[] = []
      for (let i = 0; i < (call.result ?? 0); i++) {
        const at = value + i * MMSGHDR_SIZE
        ranges.push({ start: at + MSGHDR_SIZE, length: 4 })
        if (!sending) ranges.push(...messageWrites(call, at, call.space.readU32(at + MSGHDR_SIZE) ?? 0))
      }
      return ranges
    },
  }
}
