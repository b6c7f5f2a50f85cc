/**
 * For every op that computes a value: which bits of its result are defined. The measure is the op itself, executed for all values that undefined operand bits may
 * have. A bit that is called defined must be the same for all of them; of the exact ops, a bit that is the same for all of them must be called defined.
 */
import { describe, expect, test } from 'vitest'
import { nextBelow, randomFrom } from '../../src/base/random.ts'
import { ARITHMETIC_FLAGS, FLAG } from '../../src/ir/flags.ts'
import { ops, type OpRow } from '../../src/ir/ops.ts'
import { missingRules } from '../../src/ir/passes/definedness/table.ts'
import type { Type } from '../../src/ir/types.ts'
import { Evaluator, type Case } from './evaluate.ts'

const WIDTH: Record<Type, number> = { i32: 32, i64: 64, f32: 32, f64: 64, v128: 128 }

/** Ops whose rules give exactly the bits that can vary, whatever is undefined. */
const EXACT = [
  /^i(32|64)\.(add|sub|and|or|xor|eqz?|ne|[lg][te]_[su]|popcnt)$/,
  /^i(32|64)\.(extend\d+_s|wrap_i64|extend_i32_[su]|reinterpret_f\d+)$/,
  /^f(32|64)\.reinterpret_i\d+$/,
  /^v128\.(not|and|andnot|or|xor|any_true|bitselect)$/,
  /^[if]\d+x\d+\.(splat|(extract|replace)_lane(_[su])?)$/,
  /^i\d+x\d+\.(add|sub|neg|eq|ne|[lg][te]_[su]|bitmask|all_true|extend_(low|high)_\w+)$/,
  /^i8x16\.shuffle$/,
  /^(i32|i64|v128)\.select$/,
]
/** Ops whose rules are exact while the second operand, a count or a choice, is defined. */
const EXACT_IN_FIRST = [/\.(shl|shr_[su]|rotl|rotr)$/, /^i8x16\.swizzle$/]
/** Ops whose rules are exact about whether there is an undefined bit. */
const EXACT_AT_ALL = [/^i(32|64)\.(clz|ctz)$/]

const matches = (list: RegExp[], op: OpRow): boolean => list.some((pattern) => pattern.test(op.name))

const computing = Object.values(ops).filter(
  (op: OpRow) =>
    op.effect === 'pure' && op.args.length > 0 && op !== ops.flags_undefined && !op.name.startsWith('guarded'),
) as OpRow[]

/** An op with each immediate that is worth a look. */
function casesOf(op: OpRow): Case[] {
  const lanes = /x(\d+)\./.exec(op.name)
  if (/lane/.test(op.name)) return [0, Number(lanes![1]) - 1].map((imm) => ({ op, imm, bytes: null }))
  if (op === ops.i8x16_shuffle)
    return [{ op, imm: 0, bytes: Uint8Array.from({ length: 16 }, (_, i) => (i * 7 + 3) & 31) }]
  if (op === ops.flags_cond) return Array.from({ length: 16 }, (_, imm) => ({ op, imm, bytes: null }))
  return [{ op, imm: 0, bytes: null }]
}

const cases = computing.flatMap(casesOf)
const evaluator = new Evaluator(cases)
const random = randomFrom(1, 'definedness')

const word = (): bigint => BigInt(nextBelow(random, 0x1_0000)) * 0x1_0000n + BigInt(nextBelow(random, 0x1_0000))

/** A value of the kinds on which rules depend: small, large, repeated, anything. */
function sample(type: Type): bigint {
  const bits = BigInt(WIDTH[type])
  const all = (1n << bits) - 1n
  switch (nextBelow(random, 6)) {
    case 0:
      return BigInt(nextBelow(random, 4))
    case 1:
      return all ^ BigInt(nextBelow(random, 4))
    case 2:
      return 1n << BigInt(nextBelow(random, WIDTH[type]))
    case 3: {
      const byte = BigInt(nextBelow(random, 256))
      return (byte * 0x0101_0101_0101_0101_0101_0101_0101_0101n) & all
    }
    default:
      return (word() | (word() << 32n) | (word() << 64n) | (word() << 96n)) & all
  }
}

/** A record's kind must exist; it is never undefined. */
const isRecord = (op: OpRow): boolean => op === ops.flags_cond || op === ops.flags_materialize

/** The bits that a record's operands can have. */
function recordMasks(kind: number): [bigint, bigint, bigint] {
  const width = 8 << (kind & 3)
  const all = (1n << BigInt(width)) - 1n
  if (kind < 4) return [0n, BigInt(ARITHMETIC_FLAGS), 0n]
  if (kind < 12) return [0n, all, all]
  return [0n, all, kind < 16 ? BigInt(FLAG.cf | FLAG.af | FLAG.of) : 1n]
}

function operandsOf(op: OpRow): bigint[] {
  const operands = op.args.map(sample)
  if (op.args.length > 1 && op.args[0] === op.args[1] && nextBelow(random, 3) === 0) operands[1] = operands[0]!
  if (!isRecord(op)) return operands
  const kind = nextBelow(random, 24)
  const masks = recordMasks(kind)
  return [BigInt(kind), operands[1]! & masks[1], operands[2]! & masks[2]]
}

/** Operand bits that may be undefined, as [operand, bit]. */
function places(op: OpRow, operands: readonly bigint[]): [number, number][] {
  const masks = isRecord(op)
    ? recordMasks(Number(operands[0]))
    : op.args.map((type) => (1n << BigInt(WIDTH[type])) - 1n)
  return masks.flatMap((mask, i) =>
    Array.from({ length: 128 }, (_, bit): [number, number] => [i, bit]).filter(([, bit]) => (mask >> BigInt(bit)) & 1n),
  )
}

/** Conditions other than overflow and parity are exact for a comparison. */
const isComparison = (op: OpRow, imm: number, operands: readonly bigint[]): boolean =>
  op === ops.flags_cond && imm > 1 && imm >> 1 !== 5 && operands[0]! >= 8n && operands[0]! < 12n

/** Holds a rule against all values that the undefined bits may have, unless the op traps for one of them: says what is wrong, or null. */
function check(i: number, operands: readonly bigint[], undefinedBits: readonly [number, number][]): string | null {
  const { op, imm } = cases[i]!
  const bits = op.args.map(() => 0n)
  for (const [operand, bit] of undefinedBits) bits[operand]! |= 1n << BigInt(bit)
  let varying = 0n
  let first: bigint | null = null
  for (let assignment = 0; assignment < 1 << undefinedBits.length; assignment++) {
    const values = operands.map((value, k) => value & ~bits[k]!)
    undefinedBits.forEach(([operand, bit], k) => {
      if ((assignment >> k) & 1) values[operand]! |= 1n << BigInt(bit)
    })
    const result = evaluator.value(i, values)
    if (result === null) return null
    first ??= result
    varying |= first ^ result
  }
  const found = evaluator.undefinedBits(i, operands, bits)
  const hex = (list: readonly bigint[]): string => list.map((x) => x.toString(16)).join()
  const what = (): string =>
    `${op.name} ${imm} of ${hex(operands)} with ${hex(bits)} undefined: ${found.toString(16)}, varying ${varying.toString(16)}`
  if ((varying & ~found) !== 0n) return `called defined: ${what()}`
  const exact = matches(EXACT, op) || (matches(EXACT_IN_FIRST, op) && bits[1] === 0n)
  const exactAtAll = matches(EXACT_AT_ALL, op) || isComparison(op, imm, operands)
  const imprecise = (exact && found !== varying) || (exactAtAll && found !== 0n && varying === 0n)
  return imprecise ? `called undefined: ${what()}` : null
}

test('every op that computes a value has a rule', () => {
  expect(missingRules()).toEqual([])
  expect(computing.length).toBeGreaterThan(250)
})

describe.each([...new Set(computing.map(({ name }) => name.split('.')[0]!))])('%s', (group) => {
  const mine = cases.flatMap(({ op }, i) => (op.name.split('.')[0] === group ? [i] : []))

  test('one undefined bit, in every place', () => {
    const wrong = mine.flatMap((i) => {
      const operands = operandsOf(cases[i]!.op)
      return places(cases[i]!.op, operands).map((place) => check(i, operands, [place]))
    })
    expect(wrong.length).toBeGreaterThan(30)
    expect(wrong.filter((text) => text !== null)).toEqual([])
  })

  test('some undefined bits', () => {
    const wrong: (string | null)[] = []
    for (const i of mine) {
      for (let round = 0; round < 60; round++) {
        const operands = operandsOf(cases[i]!.op)
        const all = places(cases[i]!.op, operands)
        if (all.length === 0) continue
        // Near each other, so that carries and lanes meet.
        const start = nextBelow(random, all.length)
        const reach = [2, 4, 8, 40, all.length][nextBelow(random, 5)]!
        const chosen = new Map<number, [number, number]>()
        for (let k = 1 + nextBelow(random, 4); k > 0; k--) {
          const at = (start + nextBelow(random, reach)) % all.length
          chosen.set(at, all[at]!)
        }
        wrong.push(check(i, operands, [...chosen.values()]))
      }
    }
    expect(wrong.length).toBeGreaterThan(100)
    expect(wrong.filter((text) => text !== null)).toEqual([])
  })
})
