/** Exists because Linux names files by bytes and the host by strings: the two forms, convertible without loss. */

/** Added to a byte that is no UTF-8, so that it survives as a lone surrogate and comes back as the same byte. */
const STRAY = 0xdc00

/** Bytes of a path as a string: UTF-8, bytes that are not valid UTF-8 as lone surrogates. */
export function nameFromBytes(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length;) {
    const byte = bytes[i]!
    if (byte < 0x80) {
      text += String.fromCharCode(byte)
      i++
      continue
    }
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
    const point = byte < 0xc2 || byte > 0xf4 ? -1 : decodePoint(bytes, i, length)
    if (point < 0) {
      text += String.fromCharCode(STRAY + byte)
      i++
    } else {
      text += String.fromCodePoint(point)
      i += length
    }
  }
  return text
}

/** The code point whose `length` bytes begin at `i`, or -1 when they are no well-formed UTF-8. */
function decodePoint(bytes: Uint8Array, i: number, length: number): number {
  if (i + length > bytes.length) return -1
  let point = bytes[i]! & (0x7f >> length)
  for (let k = 1; k < length; k++) {
    const next = bytes[i + k]!
    if ((next & 0xc0) !== 0x80) return -1
    point = (point << 6) | (next & 0x3f)
  }
  const least = length === 2 ? 0x80 : length === 3 ? 0x800 : 0x10000
  if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return -1
  return point
}

/** The reverse of nameFromBytes. */
export function bytesFromName(name: string): Uint8Array {
  const bytes: number[] = []
  for (const character of name) {
    const point = character.codePointAt(0)!
    if (point < 0x80) bytes.push(point)
    else if (point >= STRAY + 0x80 && point <= STRAY + 0xff) bytes.push(point - STRAY)
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 0x3f))
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f))
    else
      bytes.push(
        0xf0 | (point >> 18),
        0x80 | ((point >> 12) & 0x3f),
        0x80 | ((point >> 6) & 0x3f),
        0x80 | (point & 0x3f),
      )
  }
  return Uint8Array.from(bytes)
}
