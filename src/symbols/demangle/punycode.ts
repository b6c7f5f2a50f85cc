/** Exists because Rust writes identifiers that are not ASCII in punycode (RFC 3492), with `_` where the RFC has `-`. */

const BASE = 36
const T_MIN = 1
const T_MAX = 26
const SKEW = 38
const DAMP = 700

/** The text that `encoded` stands for; undefined if it is malformed. */
export function decodePunycode(encoded: string): string | undefined {
  const separator = encoded.lastIndexOf('_')
  const points = Array.from(separator < 0 ? '' : encoded.slice(0, separator), (c) => c.charCodeAt(0))
  const rest = encoded.slice(separator + 1)
  let point = 128
  let index = 0
  let bias = 72
  let at = 0
  while (at < rest.length) {
    const before = index
    for (let weight = 1, k = BASE; ; k += BASE) {
      const digit = '0123456789'.includes(rest[at]) ? rest.charCodeAt(at) - 22 : (rest[at]?.charCodeAt(0) ?? 0) - 97
      at++
      if (!(digit >= 0 && digit < BASE)) return undefined
      index += digit * weight
      const threshold = Math.min(Math.max(k - bias, T_MIN), T_MAX)
      if (digit < threshold) break
      weight *= BASE - threshold
      if (at >= rest.length) return undefined
    }
    const length = points.length + 1
    bias = adapt(index - before, length, before === 0)
    point += Math.floor(index / length)
    index %= length
    if (point > 0x10ffff) return undefined
    points.splice(index, 0, point)
    index++
  }
  return String.fromCodePoint(...points)
}

function adapt(delta: number, length: number, isFirst: boolean): number {
  let value = isFirst ? Math.floor(delta / DAMP) : Math.floor(delta / 2)
  value += Math.floor(value / length)
  let k = 0
  while (value > ((BASE - T_MIN) * T_MAX) / 2) {
    value = Math.floor(value / (BASE - T_MIN))
    k += BASE
  }
  return k + Math.floor(((BASE - T_MIN + 1) * value) / (value + SKEW))
}
