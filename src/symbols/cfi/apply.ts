/** Exists to step from a frame to its caller by the rules of the unwind tables. */

import type { ReadMemory } from './expression.ts'
import { evaluateExpression, UnreadableMemory } from './expression.ts'
import type { RegisterFile } from './registers.ts'
import { DWARF_REGISTER, register, REGISTER_COUNT, setRegister } from './registers.ts'
import type { Row, Rule } from './row.ts'

/** The registers of a caller, and the canonical frame address of the callee (the caller's rsp at the call). */
export interface Caller {
  readonly registers: RegisterFile
  /** Bit per DWARF register: its value is lost. */
  readonly unknown: number
  readonly cfa: number
  /** False when the tables say that there is no caller. */
  readonly exists: boolean
}

/**
 * The caller of the frame with `registers` (of which those in the bit set `unknown` are lost), where `row` holds. A saved register that
 * cannot be read is lost as well; throws `unwind-memory` when that is the return address or something the canonical frame address needs.
 */
export function applyRow(row: Row, registers: RegisterFile, unknown: number, readMemory: ReadMemory): Caller {
  const cfa =
    'register' in row.cfa
      ? register(registers, row.cfa.register) + row.cfa.offset
      : evaluateExpression(row.cfa.expression, registers, undefined, readMemory)
  const caller = registers.slice()
  setRegister(caller, DWARF_REGISTER.rsp, cfa)
  let lost = unknown & ~(1 << DWARF_REGISTER.rsp)
  for (let number = 0; number < REGISTER_COUNT; number++) {
    const rule = row.rules[number]
    if (rule.kind === 'same') continue
    try {
      applyRule(rule, number, cfa, registers, caller, readMemory)
      lost &= ~(1 << number)
      if (rule.kind === 'undefined' || (rule.kind === 'register' && (unknown & (1 << rule.register)) !== 0))
        lost |= 1 << number
    } catch (error) {
      // Compilers leave rules in force that an epilogue has made meaningless.
      if (!(error instanceof UnreadableMemory) || number === row.returnRegister) throw error
      setRegister(caller, number, 0)
      lost |= 1 << number
    }
  }
  const returnRule = row.rules[row.returnRegister]
  if (row.returnRegister !== DWARF_REGISTER.rip)
    setRegister(caller, DWARF_REGISTER.rip, register(caller, row.returnRegister))
  const exists = returnRule !== undefined && returnRule.kind !== 'undefined' && returnRule.kind !== 'same'
  return { registers: caller, unknown: lost, cfa, exists }
}

function applyRule(
  rule: Rule,
  number: number,
  cfa: number,
  registers: RegisterFile,
  caller: RegisterFile,
  readMemory: ReadMemory,
): void {
  switch (rule.kind) {
    case 'same':
      break
    case 'undefined':
      setRegister(caller, number, 0)
      break
    case 'offset':
      load(caller, number, cfa + rule.offset, readMemory)
      break
    case 'value-offset':
      setRegister(caller, number, cfa + rule.offset)
      break
    case 'register':
      if (rule.register < REGISTER_COUNT) copyRegister(caller, number, registers, rule.register)
      break
    case 'expression':
      load(caller, number, evaluateExpression(rule.expression, registers, cfa, readMemory), readMemory)
      break
    case 'value-expression':
      setRegister(caller, number, evaluateExpression(rule.expression, registers, cfa, readMemory))
      break
  }
}

function copyRegister(to: RegisterFile, number: number, from: RegisterFile, source: number): void {
  to[number * 2] = from[source * 2]
  to[number * 2 + 1] = from[source * 2 + 1]
}

/** Sets a register to the 8 bytes at `address`. Throws `unwind-memory`. */
export function load(registers: RegisterFile, number: number, address: number, readMemory: ReadMemory): void {
  const bytes = readMemory(address, 8)
  if (bytes === undefined) throw new UnreadableMemory(address)
  registers[number * 2] = bytes[0] | (bytes[1] << 8) | (bytes[2] << 16) | (bytes[3] << 24)
  registers[number * 2 + 1] = bytes[4] | (bytes[5] << 8) | (bytes[6] << 16) | (bytes[7] << 24)
}
