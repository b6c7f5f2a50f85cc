/** Exists because the host's `fill` takes longer to be called than to fill the few bytes that it is mostly called for. */

/** From so many bytes on the host's is faster. */
const FEW = 96

/** Puts `value` into bytes [from, to). */
export function fillBytes(bytes: Uint8Array, value: number, from: number, to: number): void {
  if (to - from > FEW) bytes.fill(value, from, to)
  else for (let at = from; at < to; at++) bytes[at] = value
}
