/** Exists because ELF and DWARF are read everywhere in the same way: little-endian, sequentially, with one clear error at the end of the data. */

import { LemmingError } from '../base/errors.ts'

/** `hi:lo` (two unsigned 32-bit halves) as a number; exact below 2^53, rounded above, which no user-space address reaches. */
export function joinU64(lo: number, hi: number): number {
  return (hi >>> 0) * 0x100000000 + (lo >>> 0)
}

/**
 * A cursor over little-endian bytes. Offsets are relative to `bytes`. Reading past `end` throws `truncated-data`, naming `what`.
 * 64-bit reads return numbers (see {@link joinU64}).
 */
export class ByteReader {
  readonly bytes: Uint8Array
  readonly what: string
  readonly end: number
  offset: number
  private readonly view: DataView

  constructor(bytes: Uint8Array, what: string, offset = 0, end = bytes.length) {
    this.bytes = bytes
    this.what = what
    this.offset = offset
    this.end = Math.min(end, bytes.length)
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** True when everything up to `end` has been read. */
  get done(): boolean {
    return this.offset >= this.end
  }

  /** Advances by `count` bytes and returns the offset before. */
  take(count: number): number {
    const at = this.offset
    if (!(at >= 0 && count >= 0 && at + count <= this.end)) throw truncated(this.what, at, count)
    this.offset = at + count
    return at
  }

  u8(): number {
    return this.view.getUint8(this.take(1))
  }

  i8(): number {
    return this.view.getInt8(this.take(1))
  }

  u16(): number {
    return this.view.getUint16(this.take(2), true)
  }

  i16(): number {
    return this.view.getInt16(this.take(2), true)
  }

  u24(): number {
    const at = this.take(3)
    return this.view.getUint16(at, true) | (this.view.getUint8(at + 2) << 16)
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true)
  }

  i32(): number {
    return this.view.getInt32(this.take(4), true)
  }

  u64(): number {
    const at = this.take(8)
    return this.view.getUint32(at + 4, true) * 0x100000000 + this.view.getUint32(at, true)
  }

  i64(): number {
    const at = this.take(8)
    return this.view.getInt32(at + 4, true) * 0x100000000 + this.view.getUint32(at, true)
  }

  /** Unsigned LEB128 (DWARF 5, 7.6). */
  uleb(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.u8()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 0x80
    }
  }

  /** Signed LEB128 (DWARF 5, 7.6). */
  sleb(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.u8()
      value += (byte & 0x7f) * scale
      scale *= 0x80
      if (byte < 0x80) return (byte & 0x40) !== 0 ? value - scale : value
    }
  }

  /** Steps over one LEB128 of either sign. */
  skipLeb(): void {
    while (this.u8() >= 0x80);
  }

  /** A NUL-terminated string; the cursor moves behind the NUL. */
  cstring(): string {
    const start = this.offset
    this.skipCstring()
    return decodeText(this.bytes, start, this.offset - 1)
  }

  /** Steps over a NUL-terminated string. */
  skipCstring(): void {
    const stop = this.bytes.indexOf(0, this.offset)
    if (stop < 0 || stop >= this.end) throw truncated(this.what, this.offset, 1)
    this.offset = stop + 1
  }

  /** The next `count` bytes, not copied. */
  slice(count: number): Uint8Array {
    const at = this.take(count)
    return this.bytes.subarray(at, at + count)
  }
}

function truncated(what: string, at: number, count: number): LemmingError {
  return new LemmingError(
    'truncated-data',
    `${what} is truncated: ${count} byte(s) wanted at offset 0x${at.toString(16)}`,
  )
}

const utf8 = new TextDecoder()

/** Bytes `start` to `end` as UTF-8. Most names are short and ASCII, which is several times faster without the decoder. */
export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > 200) return utf8.decode(bytes.subarray(start, end))
  let text = ''
  for (let i = start; i < end; i++) {
    const byte = bytes[i]
    if (byte >= 0x80) return utf8.decode(bytes.subarray(start, end))
    text += String.fromCharCode(byte)
  }
  return text
}

/** The NUL-terminated string at `offset` of a string table; empty when the offset lies outside. */
export function stringAt(bytes: Uint8Array, offset: number): string {
  if (offset >= bytes.length) return ''
  const stop = bytes.indexOf(0, offset)
  return decodeText(bytes, offset, stop < 0 ? bytes.length : stop)
}
