/** Exists to compute the checksum of CRC32 (Intel SDM vol. 2; the polynomial is Castagnoli's, 11EDC6F41). */

/** The polynomial with its bits reversed, as the instruction takes bits: lowest first. */
const POLYNOMIAL = 0x82f63b78

/** What each value of a byte does to the checksum. */
const table = new Int32Array(256)
for (let byte = 0; byte < 256; byte++) {
  let sum = byte
  for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ ((sum & 1) === 0 ? 0 : POLYNOMIAL)
  table[byte] = sum
}

/** `sum` after the low `count` bytes of `data`, as an i32. */
export function crc32(sum: number, data: number, count: number): number {
  let mixed = sum ^ data
  if (count < 4) mixed = sum ^ (data & ((1 << (8 * count)) - 1))
  for (let i = 0; i < count; i++) mixed = (mixed >>> 8) ^ table[mixed & 0xff]!
  return mixed
}
