/** Exists to compute the arithmetic flags of a lazy record outside translated code: for signal frames, hashes and reports. */
import { FLAG, FLAG_KIND } from '../ir/flags.ts'

const EVEN_PARITY = new Uint8Array(256).map((_, i) => {
  let bits = 0
  for (let x = i; x !== 0; x >>= 1) bits += x & 1
  return bits % 2 === 0 ? 1 : 0
})

/** CF, PF, AF, ZF, SF, OF in EFLAGS positions; `record` is kind·4 + size code, operands are unsigned 64-bit (see ir/flags.ts). */
export function arithmeticFlags(record: number, a: bigint, b: bigint): number {
  const kind = record >>> 2
  if (kind === FLAG_KIND.explicit) return Number(a & 0xffffn)
  const width = 8 << (record & 3)
  const x = BigInt.asUintN(width, a)
  const y = BigInt.asUintN(width, b)
  const sign = 1n << BigInt(width - 1)
  let result = x
  let flags = 0
  switch (kind) {
    case FLAG_KIND.add:
      result = BigInt.asUintN(width, x + y)
      if (result < x) flags |= FLAG.cf
      if (((x ^ result) & (y ^ result) & sign) !== 0n) flags |= FLAG.of
      if (((x ^ y ^ result) & 16n) !== 0n) flags |= FLAG.af
      break
    case FLAG_KIND.sub:
      result = BigInt.asUintN(width, x - y)
      if (x < y) flags |= FLAG.cf
      if (((x ^ y) & (x ^ result) & sign) !== 0n) flags |= FLAG.of
      if (((x ^ y ^ result) & 16n) !== 0n) flags |= FLAG.af
      break
    case FLAG_KIND.result:
      flags |= Number(b & BigInt(FLAG.cf | FLAG.of | FLAG.af))
      break
    case FLAG_KIND.inc:
      flags |= Number(b & 1n)
      if (x === sign) flags |= FLAG.of
      if ((x & 15n) === 0n) flags |= FLAG.af
      break
    default:
      flags |= Number(b & 1n)
      if (x === sign - 1n) flags |= FLAG.of
      if ((x & 15n) === 15n) flags |= FLAG.af
  }
  if (result === 0n) flags |= FLAG.zf
  if ((result & sign) !== 0n) flags |= FLAG.sf
  if (EVEN_PARITY[Number(result & 255n)] === 1) flags |= FLAG.pf
  return flags
}
