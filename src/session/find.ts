/** Exists to find byte patterns in a process' memory. */

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
