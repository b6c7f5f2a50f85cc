/** Exists to read and write RFLAGS outside translated code, which keeps them as a lazy record: for signal frames, hashes and reports. */
import { ARITHMETIC_FLAGS, FLAG, FLAG_KIND } from '../ir/flags.ts'
import { REG, registers, STATE } from '../ir/registers.ts'

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

/** RFLAGS of a CPU state. */
export function readFlags(v: DataView): number {
  const kind = v.getUint32(registers[REG.flagKind]!.offset, true)
  const arithmetic = arithmeticFlags(
    kind,
    v.getBigUint64(registers[REG.flagA]!.offset, true),
    v.getBigUint64(registers[REG.flagB]!.offset, true),
  )
  const direction = v.getUint32(registers[REG.direction]!.offset, true) !== 0 ? 0x400 : 0
  return (arithmetic | direction | v.getUint32(STATE.systemFlags, true) | 0x202) >>> 0
}

/** Sets RFLAGS of a CPU state. */
export function writeFlags(v: DataView, flags: number): void {
  v.setUint32(registers[REG.flagKind]!.offset, 0, true)
  v.setBigUint64(registers[REG.flagA]!.offset, BigInt(flags & ARITHMETIC_FLAGS), true)
  v.setBigUint64(registers[REG.flagB]!.offset, 0n, true)
  v.setUint32(registers[REG.direction]!.offset, (flags & 0x400) !== 0 ? 1 : 0, true)
  v.setUint32(STATE.systemFlags, flags & 0x254100, true)
}
