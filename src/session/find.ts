/** Exists to find byte patterns in a process' memory, and to say what they may be. */
import type { AddressInfo, Debuggee, FoundInfo } from './protocol.ts'

/** Bytes read at once. */
const CHUNK = 1 << 20

/** Addresses in ranges, ascending, at which `pattern` lies; the first `most` of them. Matches may overlap, and do not reach over the end of a range. */
export function firstMatches(
  ranges: readonly { start: number; end: number }[],
  read: (address: number, length: number) => Uint8Array,
  pattern: Uint8Array,
  most: number,
): number[] {
  const found: number[] = []
  if (pattern.length === 0) return found
  for (const { start, end } of ranges) {
    for (let at = start; at < end; at += CHUNK) {
      const bytes = read(at, Math.min(CHUNK + pattern.length - 1, end - at))
      for (let i = bytes.indexOf(pattern[0]!); i >= 0; i = bytes.indexOf(pattern[0]!, i + 1)) {
        if (i >= CHUNK || i + pattern.length > bytes.length) break
        if (!pattern.every((byte, j) => bytes[i + j] === byte)) continue
        found.push(at + i)
        if (found.length === most) return found
      }
      if (bytes.length === 0) break
    }
  }
  return found
}

/** What an explanation asks of the run. */
type Asked = Pick<Debuggee, 'who' | 'memory' | 'instructions'>

/** Bytes on either side of a match that are looked at. */
const AROUND = 32
const PROT_EXEC = 4
/** Bytes on either side that must look like a bitmap, too. */
const BITMAP = 16
/** Characters that make a text, at least. */
const LETTERS = 4

/** Where a match lies, and what it seems to be: code, a text, a pointer to something, a bitmap, or a number. */
export function classify(asked: Asked, pid: number, address: number, length: number): FoundInfo {
  const info = asked.who(pid, address)
  return { address, where: whereText(info, address), what: whatText(asked, pid, info, address, length) }
}

/** `items+32`, `the stack of thread 1001`, `8 bytes into a live block of 100 bytes`. */
function whereText({ place, stackOf, block, mapping }: AddressInfo, address: number): string {
  if (block !== null) {
    const offset = address - block.address
    return `${offset} bytes into a ${block.state} block of ${block.size} bytes at 0x${block.address.toString(16)}`
  }
  if (place?.function !== undefined) return place.offset ? `${place.function}+${place.offset}` : place.function
  if (stackOf.length > 0) return `the stack of thread ${stackOf.join(' or ')}`
  return mapping === null || mapping.name === '' ? 'anonymous memory' : mapping.name
}

function whatText(asked: Asked, pid: number, info: AddressInfo, address: number, length: number): string {
  if (info.mapping !== null && (info.mapping.prot & PROT_EXEC) !== 0) {
    const start = address - (info.place?.offset ?? 0)
    const code = asked.instructions(pid, start, Math.min(4096, address - start + 1))
    const within = code.findLast((one) => one.address <= address)
    return within === undefined ? 'code' : `code: ${within.text}`
  }
  const first = Math.max(info.mapping?.start ?? address, address - AROUND)
  const around = asked.memory(pid, first, address - first + length + AROUND)
  const text = textAround(around, address - first, length)
  if (text !== null) return `text ${JSON.stringify(text)}`
  const slot = address - (address % 8)
  const bytes = asked.memory(pid, slot, 8)
  const word = bytes.length < 8 ? 0n : new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)
  if (word > 0xffffn && word < 1n << 47n) {
    const value = Number(word)
    const target = asked.who(pid, value)
    if (target.mapping !== null) return `pointer to 0x${value.toString(16)}, ${whereText(target, value)}`
  }
  const near = address - first
  if (isBitmap(around.subarray(Math.max(0, near - BITMAP), near + length + BITMAP))) return 'bitmap'
  return `number ${word} (0x${word.toString(16)})`
}

/** The printable characters around a match that is printable itself; null where there are too few. */
function textAround(bytes: Uint8Array, at: number, length: number): string | null {
  const isPrintable = (i: number): boolean => bytes[i]! >= 0x20 && bytes[i]! < 0x7f
  for (let i = at; i < at + length; i++) if (!isPrintable(i) && bytes[i] !== 0) return null
  if (!isPrintable(at)) return null
  let [from, to] = [at, at]
  while (from > 0 && isPrintable(from - 1)) from--
  while (to < bytes.length && isPrintable(to)) to++
  return to - from < LETTERS ? null : new TextDecoder().decode(bytes.subarray(from, to))
}

/** Do bytes look like bits that are set and cleared in runs? Most of them are all or nothing, and some are not 0. */
function isBitmap(bytes: Uint8Array): boolean {
  const plain = bytes.filter((byte) => byte === 0 || byte === 255).length
  const runs = bytes.filter((byte) => byte !== 0 && byte !== 255 && isRun(byte)).length
  const full = bytes.filter((byte) => byte === 255).length
  return full >= 4 && plain + runs === bytes.length
}

/** Is a byte one run of ones at either end? */
function isRun(byte: number): boolean {
  return ((byte + 1) & byte) === 0 || (~byte & 255 & ((~byte & 255) + 1)) === 0
}
