/** Exists to list addition, subtraction, bitwise operations, multiplication, division, shifts and rotates. */
import { ARITHMETIC_FLAGS, FLAG } from '../../ir/flags.ts'
import * as alu from '../semantics/arithmetic.ts'
import * as multiply from '../semantics/multiply.ts'
import * as shift from '../semantics/shift.ts'
import type { InsnRow, Lifter } from './types.ts'

const hex = (value: number): string => value.toString(16).toUpperCase().padStart(2, '0')

/** ADD, OR, ADC, SBB, AND, SUB, XOR, CMP: six opcodes each at 8·n, and digit n of the immediate group. */
const EIGHT: [mnemonic: string, lift: Lifter, flags: number][] = [
  ['ADD', alu.add, 0],
  ['OR', alu.or, FLAG.af],
  ['ADC', alu.adc, 0],
  ['SBB', alu.sbb, 0],
  ['AND', alu.and, FLAG.af],
  ['SUB', alu.sub, 0],
  ['XOR', alu.xor, FLAG.af],
  ['CMP', alu.cmp, 0],
]
const EIGHT_FORMS: [op: number, operands: string][] = [[0, 'Eb,Gb'], [1, 'Ev,Gv'], [2, 'Gb,Eb'], [3, 'Gv,Ev'], [4, 'AL,Ib'], [5, 'rAX,Iz']]
const GROUP1_FORMS: [op: string, operands: string][] = [['80', 'Eb,Ib'], ['81', 'Ev,Iz'], ['83', 'Ev,sIb']]

const eight: InsnRow[] = EIGHT.flatMap(([mnemonic, lift, flags], n) => {
  const lock = mnemonic === 'CMP' ? {} : { lock: true as const }
  const common = { mnemonic, lift, undefined: flags }
  return [
    ...EIGHT_FORMS.map(([op, operands]): InsnRow => ({ op: hex(8 * n + op), operands, ...common, ...(op < 2 ? lock : {}) })),
    ...GROUP1_FORMS.map(([op, operands]): InsnRow => ({ op: `${op} /${n}`, operands, ...common, ...lock })),
  ]
})

/** Group 2: the digit selects the shift; the operand is 1, CL or an immediate. SHL has a second digit. */
const SHIFTS: [digit: number, mnemonic: string, lift: Lifter, flags: number, unlessOne: number][] = [
  [0, 'ROL', shift.rol, 0, FLAG.of],
  [1, 'ROR', shift.ror, 0, FLAG.of],
  [2, 'RCL', shift.rcl, 0, FLAG.of],
  [3, 'RCR', shift.rcr, 0, FLAG.of],
  [4, 'SHL', shift.shl, FLAG.af, FLAG.of],
  [5, 'SHR', shift.shr, FLAG.af, FLAG.of],
  [6, 'SHL', shift.shl, FLAG.af, FLAG.of],
  [7, 'SAR', shift.sar, FLAG.af, FLAG.of],
]
const SHIFT_FORMS: [op: string, operands: string][] = [['C0', 'Eb,Ib'], ['C1', 'Ev,Ib'], ['D0', 'Eb,1'], ['D1', 'Ev,1'], ['D2', 'Eb,CL'], ['D3', 'Ev,CL']]

const shifts: InsnRow[] = SHIFTS.flatMap(([digit, mnemonic, lift, flags, undefinedUnlessOne]) =>
  SHIFT_FORMS.map(([op, operands]): InsnRow => ({ op: `${op} /${digit}`, mnemonic, operands, lift, undefined: flags, undefinedUnlessOne })),
)

const MULTIPLY_UNDEFINED = FLAG.sf | FLAG.zf | FLAG.af | FLAG.pf

/** Rows of this file. */
export const arithmetic: readonly InsnRow[] = [
  ...eight,
  ...shifts,
  { op: '0F A4', mnemonic: 'SHLD', operands: 'Ev,Gv,Ib', lift: shift.shld, undefined: FLAG.af, undefinedUnlessOne: FLAG.of },
  { op: '0F A5', mnemonic: 'SHLD', operands: 'Ev,Gv,CL', lift: shift.shld, undefined: FLAG.af, undefinedUnlessOne: FLAG.of },
  { op: '0F AC', mnemonic: 'SHRD', operands: 'Ev,Gv,Ib', lift: shift.shrd, undefined: FLAG.af, undefinedUnlessOne: FLAG.of },
  { op: '0F AD', mnemonic: 'SHRD', operands: 'Ev,Gv,CL', lift: shift.shrd, undefined: FLAG.af, undefinedUnlessOne: FLAG.of },

  { op: '84', mnemonic: 'TEST', operands: 'Eb,Gb', lift: alu.test, undefined: FLAG.af },
  { op: '85', mnemonic: 'TEST', operands: 'Ev,Gv', lift: alu.test, undefined: FLAG.af },
  { op: 'A8', mnemonic: 'TEST', operands: 'AL,Ib', lift: alu.test, undefined: FLAG.af },
  { op: 'A9', mnemonic: 'TEST', operands: 'rAX,Iz', lift: alu.test, undefined: FLAG.af },
  { op: 'F6 /0', mnemonic: 'TEST', operands: 'Eb,Ib', lift: alu.test, undefined: FLAG.af },
  { op: 'F6 /1', mnemonic: 'TEST', operands: 'Eb,Ib', lift: alu.test, undefined: FLAG.af },
  { op: 'F7 /0', mnemonic: 'TEST', operands: 'Ev,Iz', lift: alu.test, undefined: FLAG.af },
  { op: 'F7 /1', mnemonic: 'TEST', operands: 'Ev,Iz', lift: alu.test, undefined: FLAG.af },
  { op: 'F6 /2', mnemonic: 'NOT', operands: 'Eb', lift: alu.not, lock: true },
  { op: 'F7 /2', mnemonic: 'NOT', operands: 'Ev', lift: alu.not, lock: true },
  { op: 'F6 /3', mnemonic: 'NEG', operands: 'Eb', lift: alu.neg, lock: true },
  { op: 'F7 /3', mnemonic: 'NEG', operands: 'Ev', lift: alu.neg, lock: true },
  { op: 'FE /0', mnemonic: 'INC', operands: 'Eb', lift: alu.inc, lock: true },
  { op: 'FF /0', mnemonic: 'INC', operands: 'Ev', lift: alu.inc, lock: true },
  { op: 'FE /1', mnemonic: 'DEC', operands: 'Eb', lift: alu.dec, lock: true },
  { op: 'FF /1', mnemonic: 'DEC', operands: 'Ev', lift: alu.dec, lock: true },

  { op: 'F6 /4', mnemonic: 'MUL', operands: 'Eb', lift: multiply.mul, undefined: MULTIPLY_UNDEFINED },
  { op: 'F7 /4', mnemonic: 'MUL', operands: 'Ev', lift: multiply.mul, undefined: MULTIPLY_UNDEFINED },
  { op: 'F6 /5', mnemonic: 'IMUL', operands: 'Eb', lift: multiply.imul1, undefined: MULTIPLY_UNDEFINED },
  { op: 'F7 /5', mnemonic: 'IMUL', operands: 'Ev', lift: multiply.imul1, undefined: MULTIPLY_UNDEFINED },
  { op: '0F AF', mnemonic: 'IMUL', operands: 'Gv,Ev', lift: multiply.imul2, undefined: MULTIPLY_UNDEFINED },
  { op: '69', mnemonic: 'IMUL', operands: 'Gv,Ev,Iz', lift: multiply.imul3, undefined: MULTIPLY_UNDEFINED },
  { op: '6B', mnemonic: 'IMUL', operands: 'Gv,Ev,sIb', lift: multiply.imul3, undefined: MULTIPLY_UNDEFINED },
  { op: 'F6 /6', mnemonic: 'DIV', operands: 'Eb', lift: multiply.div, undefined: ARITHMETIC_FLAGS },
  { op: 'F7 /6', mnemonic: 'DIV', operands: 'Ev', lift: multiply.div, undefined: ARITHMETIC_FLAGS },
  { op: 'F6 /7', mnemonic: 'IDIV', operands: 'Eb', lift: multiply.idiv, undefined: ARITHMETIC_FLAGS },
  { op: 'F7 /7', mnemonic: 'IDIV', operands: 'Ev', lift: multiply.idiv, undefined: ARITHMETIC_FLAGS },
]
