/** Exists to compare every x87 instruction with the processor: all classes of numbers, all rounding and precision modes, masked and unmasked exceptions. */
import { describe, expect, test } from 'vitest'
import { randomFrom } from '../../src/base/random.ts'
import { EXIT } from '../../src/ir/exits.ts'
import type { InsnRow } from '../../src/x86/table/types.ts'
import { x87Rows } from '../../src/x86/table/x87.ts'
import { type Case, encodings, type Exceptions, makeCase } from './cases.ts'
import { native, type Outcome, ours } from './oracle.ts'

const C1 = 0x200
const PRECISION = 0x20

/** Value vectors per encoding. */
const MASKED = 200
const UNMASKED = 60
const PENDING = 10

/** Intel's manual clears C1 in these; AMD's processors, and we, leave it alone. */
const keepsC1 = (row: InsnRow): boolean => /^F(U?COMI|CMOV)/.test(row.mnemonic)

/** Exponent fields of ST(0) from which on the manual leaves the result undefined. */
const UNDEFINED_FROM: Record<string, number> = { F2XM1: 0x3fff, FYL2XP1: 0x3ffd }

/** Is the instruction defined for this operand? */
function isDefined(row: InsnRow, c: Case): boolean {
  const limit = UNDEFINED_FROM[row.mnemonic]
  const exponent = (c.fx[40]! | (c.fx[41]! << 8)) & 0x7fff
  return limit === undefined || exponent < limit || exponent === 0x7fff
}

/** A register as an integer that counts representable numbers, so that one unit in the last place is a difference of one. */
function ordinal(register: string): bigint {
  const [high, mantissa] = register.split(':')
  const signed = parseInt(high!, 16)
  const magnitude = (BigInt(signed & 0x7fff) << 63n) + BigInt.asUintN(63, BigInt(`0x${mantissa}`))
  return signed >= 0x8000 ? -magnitude : magnitude
}

const isClose = (x: string, y: string): boolean => {
  const distance = ordinal(x) - ordinal(y)
  return distance >= -1n && distance <= 1n
}

/** What of an outcome is compared: registers in use, and the status bits that the row defines. */
function essence(row: InsnRow, outcome: Outcome, other: Outcome): unknown {
  const loose = row.approximate === undefined ? (keepsC1(row) ? C1 : 0) : C1 | PRECISION
  const top = (outcome.status >> 11) & 7
  const registers = outcome.registers.map((register, i) => {
    if (((outcome.tag >> ((top + i) & 7)) & 1) === 0) return 'empty'
    return row.approximate !== undefined && isClose(register, other.registers[i]!) ? 'close' : register
  })
  return {
    ...outcome,
    status: (outcome.status & ~loose).toString(16),
    registers,
    memory: Array.from(outcome.memory).join(' '),
  }
}

/** The operands of a case, for messages. */
function describeCase(row: InsnRow, c: Case): string {
  const hex = (bytes: Uint8Array): string => Array.from(bytes, (x) => x.toString(16).padStart(2, '0')).join('')
  return `${row.mnemonic} ${hex(c.code)} control+status+tag ${hex(c.fx.subarray(0, 5))} st0 ${hex(c.fx.subarray(32, 42))} st1 ${hex(c.fx.subarray(48, 58))} memory ${hex(c.memory.subarray(0, 10))}`
}

/** Hands `count` cases of every encoding of a row, with both results, to `compare`. */
function forEachCase(
  row: InsnRow,
  count: number,
  exceptions: Exceptions,
  compare: (c: Case, mine: Outcome, processor: Outcome) => void,
): void {
  for (const code of encodings(row)) {
    const random = randomFrom(87, `${row.op} ${code.join()} ${exceptions}`)
    const cases = Array.from({ length: count }, () => makeCase(code, random, exceptions)).filter((c) =>
      isDefined(row, c),
    )
    const results = native(cases)
    cases.forEach((c, i) => compare(c, ours(c), results[i]!))
  }
}

/** Compares the states afterwards; returns how many were compared. */
function compareStates(row: InsnRow, count: number, exceptions: Exceptions): number {
  let compared = 0
  forEachCase(row, count, exceptions, (c, mine, processor) => {
    // What an unmasked exception keeps from being stored or from reaching EFLAGS stops the run instead.
    if (exceptions === 'unmasked' && mine.fault === EXIT.unsupported) return
    compared++
    expect(essence(row, mine, processor), describeCase(row, c)).toEqual(essence(row, processor, mine))
  })
  return compared
}

describe('x87 instructions behave as on the processor', () => {
  for (const row of x87Rows) {
    test(`${row.mnemonic} ${row.operands} (${row.op})`, () => {
      expect(compareStates(row, MASKED, 'masked')).toBeGreaterThan(MASKED / 3)
      expect(compareStates(row, UNMASKED, 'unmasked')).toBeGreaterThan(0)
      // A pending exception is raised by the instructions that wait, and by no other; signal delivery hides the rest of the state.
      forEachCase(row, PENDING, 'pending', (c, mine, processor) =>
        expect(mine.fault, describeCase(row, c)).toBe(processor.fault),
      )
    })
  }
})
