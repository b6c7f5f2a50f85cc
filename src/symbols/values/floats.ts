/** Exists because floating-point numbers come in formats that the host does not have: 80-bit and half precision. */

const scratch = new DataView(new ArrayBuffer(8))

/** The number in a float of 2, 4, 8 bytes or an x87 extended one (10, 12, 16 bytes), rounded to a double where it is wider. */
export function bytesToNumber(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  switch (bytes.length) {
    case 2: {
      const half = view.getUint16(0, true)
      const sign = half & 0x8000 ? -1 : 1
      const exponent = (half >> 10) & 31
      const fraction = half & 0x3ff
      if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
      return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15))
    }
    case 4:
      return view.getFloat32(0, true)
    case 8:
      return view.getFloat64(0, true)
    default: {
      const { sign, exponent, fraction } = extendedParts(bytes)
      if (exponent === 0x7fff) return BigInt.asUintN(63, fraction) === 0n ? sign * Infinity : NaN
      // Two steps: the fraction alone is rounded once, and the scale is a power of two.
      return sign * scaled(Number(fraction), exponent - 16383 - 63)
    }
  }
}

function scaled(value: number, exponent: number): number {
  let result = value
  let left = exponent
  for (; left > 1000; left -= 1000) result *= 2 ** 1000
  for (; left < -1000; left += 1000) result *= 2 ** -1000
  return result * 2 ** left
}

/** Sign, biased exponent and the 64 bits of the significand of an x87 number. */
export function extendedParts(bytes: Uint8Array): { sign: 1 | -1; exponent: number; fraction: bigint } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const top = view.getUint16(8, true)
  return { sign: top & 0x8000 ? -1 : 1, exponent: top & 0x7fff, fraction: view.getBigUint64(0, true) }
}

/** A float of `size` bytes with the value `number`; x87 numbers are padded with zeros. */
export function numberToBytes(number: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  if (size === 4) view.setFloat32(0, number, true)
  else if (size === 8) view.setFloat64(0, number, true)
  else if (size >= 10) {
    scratch.setFloat64(0, number)
    const high = scratch.getUint32(0)
    const exponent = (high >>> 20) & 0x7ff
    const fraction = scratch.getBigUint64(0) & 0xfffffffffffffn
    let extended = 0
    let significand = 0n
    if (exponent === 0x7ff) {
      extended = 0x7fff
      significand = (1n << 63n) | (fraction << 11n)
    } else if (exponent > 0) {
      extended = exponent - 1023 + 16383
      significand = (1n << 63n) | (fraction << 11n)
    } else if (fraction > 0n) {
      const shift = 63 - (fraction.toString(2).length - 1)
      extended = 16383 - 1022 - 52 + 63 - shift
      significand = fraction << BigInt(shift)
    }
    view.setBigUint64(0, significand, true)
    view.setUint16(8, extended | (high >>> 31 ? 0x8000 : 0), true)
  }
  return bytes
}
