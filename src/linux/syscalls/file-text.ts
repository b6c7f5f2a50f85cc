/** Exists to print the structures of the file calls as strace does: stat, statx, statfs, iovec, times, locks. */
import {
  asI64,
  asU64,
  bufferText,
  i64At,
  structIn,
  structOut,
  structText,
  timespecText,
  timevalText,
  u64At,
} from '../arguments.ts'
import type { ArgType, CallView, Range } from '../declare.ts'
import { STATFS_SIZE, STATX_SIZE, STAT_SIZE } from '../fs/stat.ts'
import { flagsText, hex, pointerText, quoted, valueText } from '../strace.ts'
import { AT_FLAGS, STATFS_FLAGS, STATFS_TYPES, STATX_MASK, STATX_SYNC } from '../table-flags.ts'

const TYPES = new Map([
  [0o010000, 'S_IFIFO'],
  [0o020000, 'S_IFCHR'],
  [0o040000, 'S_IFDIR'],
  [0o060000, 'S_IFBLK'],
  [0o100000, 'S_IFREG'],
  [0o120000, 'S_IFLNK'],
  [0o140000, 'S_IFSOCK'],
])

/** `S_IFREG|0644`; set-id bits by name before the rest. */
export function modeText(mode: number): string {
  const type = TYPES.get(mode & 0o170000)
  const bits = `0${(mode & (type === undefined ? 0o7777777 : 0o777)).toString(8).padStart(type === undefined ? 2 : 3, '0')}`
  if (type === undefined) return bits
  const special = `${mode & 0o4000 ? '|S_ISUID' : ''}${mode & 0o2000 ? '|S_ISGID' : ''}${mode & 0o1000 ? '|S_ISVTX' : ''}`
  return `${type}${special}|${bits}`
}

/** `makedev(0x1, 0x3)`. */
export function deviceText(device: number): string {
  const major = ((device >>> 8) & 0xfff) + Math.floor(device / 0x1_0000_0000) * 0x1000
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00)
  return `makedev(0x${major.toString(16)}, 0x${minor.toString(16)})`
}

export const statOut: ArgType = structOut(STAT_SIZE, (view) => {
  const mode = view.getUint32(24, true)
  const type = mode & 0o170000
  const detail =
    type === 0o020000 || type === 0o060000 ? `st_rdev=${deviceText(u64At(view, 40))}` : `st_size=${u64At(view, 48)}`
  return `{st_mode=${modeText(mode)}, ${detail}, ...}`
})

export const statxMask = flagsText32(STATX_MASK, 'STATX_???')
function flagsText32(table: typeof STATX_MASK, unknown: string): ArgType {
  return { decode: (lo) => lo, when: 'in', text: (value) => flagsText(value, table, unknown) }
}

export const statxFlags: ArgType = {
  decode: (lo) => lo,
  when: 'in',
  text: (value) => {
    const sync = flagsText(value & 0x6000, STATX_SYNC, 'AT_STATX_???')
    const rest = (value & ~0x6000) >>> 0
    return rest === 0 ? sync : `${sync}|${flagsText(rest, AT_FLAGS, 'AT_???').replace(/ \/\* .*$/, '')}`
  },
}

export const statxOut: ArgType = structOut(STATX_SIZE, (view) => {
  const mask = flagsText(view.getUint32(0, true), STATX_MASK, 'STATX_???')
  return `{stx_mask=${mask}, stx_attributes=${hex(u64At(view, 8))}, stx_mode=${modeText(view.getUint16(28, true))}, stx_size=${u64At(view, 40)}, ...}`
})

export const statfsOut: ArgType = structOut(STATFS_SIZE, (view) => {
  const numbers = ['f_bsize', 'f_blocks', 'f_bfree', 'f_bavail', 'f_files', 'f_ffree'].map(
    (name, i) => `${name}=${u64At(view, 8 + 8 * i)}`,
  )
  const type = valueText(u64At(view, 0), STATFS_TYPES, '???').replace(/ \/\* .*$/, '')
  const id = `f_fsid={val=[${hex(view.getUint32(56, true))}, ${hex(view.getUint32(60, true))}]}`
  const flags = flagsText(u64At(view, 80), STATFS_FLAGS, 'ST_???')
  return `{f_type=${type}, ${numbers.join(', ')}, ${id}, f_namelen=${u64At(view, 64)}, f_frsize=${u64At(view, 72)}, f_flags=${flags}}`
})

/** A struct iovec array whose buffers the kernel reads ('in': shown whole) or fills ('out': as many bytes as the call returned). Argument `count` is its length. */
export function iovec(when: 'in' | 'out', count: number): ArgType {
  return {
    decode: asU64,
    when,
    text: (value, call) => iovecText(value, call.args[count]!, when === 'in' ? Infinity : (call.result ?? -1), call),
    reads: (value, call) => {
      // Of an array that the kernel refuses because it is too long strace shows the beginning all the same.
      const entries = call.args[count]!
      const shown = isCount(entries) ? entries : entries < 2 ** 31 ? SHOWN : 0
      const array = { start: value, length: shown * 16 }
      return when === 'in' ? [array, ...iovecRanges(value, call.args[count]!, Infinity, call)] : [array]
    },
    writes: (value, call) => (when === 'in' ? [] : iovecRanges(value, call.args[count]!, call.result ?? 0, call)),
    ...(when === 'out' && { offers: (value, call) => iovecRanges(value, call.args[count]!, Infinity, call) }),
  }
}

/** Is it a length that the kernel takes for an array of struct iovec (UIO_MAXIOV)? */
const isCount = (count: number): boolean => count >= 0 && count <= 1024

/** The buffers of a struct iovec array, as far as `total` bytes go. */
export function iovecRanges(address: number, count: number, total: number, { space }: CallView): Range[] {
  const view = isCount(count) ? bytesAt(space.read(address, count * 16)) : null
  const ranges: Range[] = []
  let left = total
  for (let i = 0; view !== null && i < count; i++) {
    const length = Math.min(u64At(view, i * 16 + 8), left)
    ranges.push({ start: u64At(view, i * 16), length })
    left -= length
  }
  return ranges
}

function bytesAt(bytes: Uint8Array | null): DataView | null {
  return bytes && new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** strace shows 32 elements at most. */
const SHOWN = 32

/** The text of a struct iovec array of which `total` bytes are shown: Infinity for all, -1 for addresses only. */
export function iovecText(address: number, count: number, total: number, call: CallView): string {
  if (address === 0 || count < 0) return pointerText(address)
  const view = bytesAt(call.space.read(address, count * 16))
  if (view === null) return pointerText(address)
  let left = total
  const items: string[] = []
  for (let i = 0; i < count; i++) {
    if (i === SHOWN) {
      items.push('...')
      break
    }
    const base = u64At(view, i * 16)
    const length = u64At(view, i * 16 + 8)
    const text = left < 0 ? pointerText(base) : bufferText(call.space, base, Math.min(length, left))
    items.push(`{iov_base=${text}, iov_len=${length}}`)
    if (left >= 0) left = Math.max(0, left - length)
  }
  return `[${items.join(', ')}]`
}

/** The offset of preadv and pwritev: x86-64 takes it whole from the first of two registers. */
export const offset: ArgType = { decode: asI64, when: 'in', text: String }
/** The second register of that offset, which strace does not show. */
export const offsetHigh: ArgType = { decode: asI64, when: 'in', text: () => null }

/** `1970-01-01T00:00:01+0000` with a fraction of `digits` digits unless it is 0. Civil date from days as in H. Hinnant, "chrono-compatible low-level date algorithms". */
function dateText(seconds: number, fraction: number, digits: number): string {
  const days = Math.floor(seconds / 86400)
  const rest = seconds - days * 86400
  const z = days + 719468
  const era = Math.floor(z / 146097)
  const dayOfEra = z - era * 146097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shifted = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1
  const month = shifted < 10 ? shifted + 3 : shifted - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  const two = (n: number): string => String(n).padStart(2, '0')
  const time = `${two(Math.floor(rest / 3600))}:${two(Math.floor(rest / 60) % 60)}:${two(rest % 60)}`
  const part = fraction === 0 ? '' : `.${String(fraction).padStart(digits, '0')}`
  return `${year}-${two(month)}-${two(day)}T${time}${part}+0000`
}

const UTIME_NOW = 0x3fff_ffff
const UTIME_OMIT = 0x3fff_fffe

/** The two timespecs of utimensat. */
export const utimes: ArgType = structIn(32, (view) => {
  const one = (at: number): string => {
    const ns = i64At(view, at + 8)
    if (ns === UTIME_NOW) return 'UTIME_NOW'
    if (ns === UTIME_OMIT) return 'UTIME_OMIT'
    return `${timespecText(view, at)}${commentedDate(i64At(view, at), ns, 9)}`
  }
  return `[${one(0)}, ${one(16)}]`
})

/** The two timevals of utimes and futimesat. */
export const timevals: ArgType = structIn(32, (view) => {
  const one = (at: number): string =>
    `${timevalText(view, at)}${commentedDate(i64At(view, at), i64At(view, at + 8), 6)}`
  return `[${one(0)}, ${one(16)}]`
})

/** struct utimbuf. */
export const utimbuf: ArgType = structIn(16, (view) => {
  const one = (at: number): string => `${i64At(view, at)}${commentedDate(i64At(view, at), 0, 9)}`
  return `{actime=${one(0)}, modtime=${one(8)}}`
})

function commentedDate(seconds: number, fraction: number, digits: number): string {
  return (seconds === 0 && fraction === 0) || fraction < 0 || fraction >= 10 ** digits
    ? ''
    : ` /* ${dateText(seconds, fraction, digits)} */`
}

/** What readlink filled: as many bytes as it returned, shown whole. */
export const linkOut: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, { space, result }) => {
    const bytes = result === null || result < 0 ? null : space.read(value, result)
    return bytes === null ? pointerText(value) : quoted(bytes, 4096)
  },
  writes: (value, { result }) => [{ start: value, length: result ?? 0 }],
}

/** Directory entries: their number only. */
export const direntsOut: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, { space, result }) => {
    if (result === null || result < 0) return pointerText(value)
    const view = bytesAt(space.read(value, result))
    let count = 0
    for (let at = 0; view !== null && at < result; at += view.getUint16(at + 16, true)) count++
    return `${pointerText(value)} /* ${count} entries */`
  },
  writes: (value, { result }) => [{ start: value, length: result ?? 0 }],
}

const LOCKS = ['F_RDLCK', 'F_WRLCK', 'F_UNLCK']
const WHENCES = ['SEEK_SET', 'SEEK_CUR', 'SEEK_END']

/** struct flock; `withPid` for F_GETLK. */
export function flockText(address: number, withPid: boolean, call: CallView): string {
  return structText(
    address,
    32,
    (view) => {
      const type = LOCKS[view.getInt16(0, true)] ?? `${hex(view.getUint16(0, true))} /* F_??? */`
      const whence = WHENCES[view.getInt16(2, true)] ?? `${hex(view.getUint16(2, true))} /* SEEK_??? */`
      const pid = withPid ? `, l_pid=${view.getInt32(24, true)}` : ''
      return `{l_type=${type}, l_whence=${whence}, l_start=${i64At(view, 8)}, l_len=${i64At(view, 16)}${pid}}`
    },
    call,
  )
}

/** A 64-bit number in brackets that the kernel reads and changes (copy_file_range). */
export const offsetIn: ArgType = {
  decode: asU64,
  when: 'in',
  text: (value, call) => structText(value, 8, (view) => `[${view.getBigUint64(0, true)}]`, call),
  reads: (value) => [{ start: value, length: 8 }],
  writes: (value) => [{ start: value, length: 8 }],
}

/** As offsetIn, also as it is afterwards: `[3] => [13]` (sendfile). */
export const offsetInOut: ArgType = {
  ...offsetIn,
  after: (value, call) => (value === 0 ? '' : ` => ${offsetIn.text(value, call)}`),
}
