/** Exists to say which arithmetic flags of a lazy record are defined, where translated code does not know the record's kind: the same rules as ir/passes/definedness has for known ones. */
import { ALL_FLAGS, FLAG, FLAG_KIND } from '../ir/flags.ts'
import { arithmeticFlags } from './flags.ts'

interface Operand {
  value: bigint
  undefined: bigint
}

/** The least and the greatest unsigned value. */
const least = ({ value, undefined: v }: Operand): bigint => value & ~v
const greatest = ({ value, undefined: v }: Operand): bigint => value | v

/** Undefined only if no defined bit says that the value is not zero. */
const zeroUndefined = ({ value, undefined: v }: Operand): boolean => v !== 0n && (value & ~v) === 0n

/** Of an order of two numbers: do the ends of their ranges disagree? */
function orderUndefined(x: Operand, y: Operand, sign: bigint, holds: (x: bigint, y: bigint) => boolean): boolean {
  // With the sign bits turned, signed numbers are ordered as unsigned ones.
  const turned = ({ value, undefined: v }: Operand): Operand => ({ value: value ^ sign, undefined: v })
  const [a, b] = [turned(x), turned(y)]
  return holds(least(a), greatest(b)) !== holds(greatest(a), least(b))
}

const LESS = (x: bigint, y: bigint): boolean => x < y
const NOT_MORE = (x: bigint, y: bigint): boolean => x <= y

/** The result of a record's operation. */
function resultOf(kind: number, width: number, x: Operand, y: Operand): Operand {
  if (kind !== FLAG_KIND.add && kind !== FLAG_KIND.sub) return x
  const add = kind === FLAG_KIND.add
  const cut = (value: bigint): bigint => BigInt.asUintN(width, value)
  const low = add ? least(x) + least(y) : least(x) - greatest(y)
  const high = add ? greatest(x) + greatest(y) : greatest(x) - least(y)
  return {
    value: cut(add ? x.value + y.value : x.value - y.value),
    undefined: cut(low ^ high) | x.undefined | y.undefined,
  }
}

/** The undefined ones among the arithmetic flags, in EFLAGS positions. */
function undefinedFlags(kind: number, width: number, x: Operand, y: Operand): number {
  if (kind === FLAG_KIND.explicit) return Number(x.undefined & 0x8d5n)
  const result = resultOf(kind, width, x, y)
  const sign = 1n << BigInt(width - 1)
  let bits = 0
  if (kind === FLAG_KIND.sub ? zeroUndefined(differing(x, y)) : zeroUndefined(result)) bits |= FLAG.zf
  if ((result.undefined & sign) !== 0n) bits |= FLAG.sf
  if ((result.undefined & 255n) !== 0n) bits |= FLAG.pf
  const either = x.undefined | y.undefined
  switch (kind) {
    case FLAG_KIND.add:
      if ((least(x) + least(y)) >> BigInt(width) !== (greatest(x) + greatest(y)) >> BigInt(width)) bits |= FLAG.cf
      if (((result.undefined | either) & sign) !== 0n) bits |= FLAG.of
      if (((result.undefined | either) & 16n) !== 0n) bits |= FLAG.af
      break
    case FLAG_KIND.sub:
      if (orderUndefined(x, y, 0n, LESS)) bits |= FLAG.cf
      if (((result.undefined | either) & sign) !== 0n) bits |= FLAG.of
      if (((result.undefined | either) & 16n) !== 0n) bits |= FLAG.af
      break
    case FLAG_KIND.result:
      bits |= Number(y.undefined & BigInt(FLAG.cf | FLAG.of | FLAG.af))
      break
    default: {
      bits |= Number(y.undefined & 1n)
      const edge = kind === FLAG_KIND.inc ? sign : sign - 1n
      if (zeroUndefined({ value: x.value ^ edge, undefined: x.undefined })) bits |= FLAG.of
      if ((x.undefined & 15n) !== 0n) bits |= FLAG.af
    }
  }
  return bits
}

const differing = (x: Operand, y: Operand): Operand => ({
  value: x.value ^ y.value,
  undefined: x.undefined | y.undefined,
})

/**
 * Is condition `cc` of a record (kind·4 + size code, A, B) undefined, whose operands have these V bits: 0 or 1. For ALL_FLAGS the flags that are, in EFLAGS
 * positions.
 */
export function conditionUndefined(
  cc: number,
  record: number,
  a: bigint,
  b: bigint,
  undefinedA: bigint,
  undefinedB: bigint,
): number {
  const kind = record >>> 2
  const width = kind === FLAG_KIND.explicit ? 64 : 8 << (record & 3)
  const cut = (value: bigint): bigint => BigInt.asUintN(width, value)
  const x = { value: cut(a), undefined: cut(undefinedA) }
  // Except for sums and differences, B holds flags.
  const y =
    kind === FLAG_KIND.result ? { value: b, undefined: undefinedB } : { value: cut(b), undefined: cut(undefinedB) }
  const sign = 1n << BigInt(width - 1)
  if (kind === FLAG_KIND.sub) {
    if (cc >> 1 === 3) return Number(orderUndefined(x, y, 0n, NOT_MORE))
    if (cc >> 1 === 6) return Number(orderUndefined(x, y, sign, LESS))
    if (cc >> 1 === 7) return Number(orderUndefined(x, y, sign, NOT_MORE))
  }
  const v = undefinedFlags(kind, width, x, y)
  if (cc === ALL_FLAGS) return v
  const flags = arithmeticFlags(record, BigInt.asUintN(64, a), BigInt.asUintN(64, b))
  const any = (mask: number): number => Number((v & mask) !== 0)
  /** Is a flag surely set? */
  const set = (flag: number): boolean => (flags & ~v & flag) !== 0
  switch (cc >> 1) {
    case 0:
      return any(FLAG.of)
    case 1:
      return any(FLAG.cf)
    case 2:
      return any(FLAG.zf)
    case 3:
      return set(FLAG.cf) || set(FLAG.zf) ? 0 : any(FLAG.cf | FLAG.zf)
    case 4:
      return any(FLAG.sf)
    case 5:
      return any(FLAG.pf)
    case 6:
      return any(FLAG.sf | FLAG.of)
    default: {
      const differs = any(FLAG.sf | FLAG.of) === 0 && ((flags & FLAG.sf) !== 0) !== ((flags & FLAG.of) !== 0)
      return set(FLAG.zf) || differs ? 0 : any(FLAG.zf | FLAG.sf | FLAG.of)
    }
  }
}
