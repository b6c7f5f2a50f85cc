/** Exists to list branches, calls, returns and the stack. */
import { CC } from '../../ir/flags.ts'
import * as flow from '../semantics/control.ts'
import * as move from '../semantics/move.ts'
import * as stack from '../semantics/stack.ts'
import type { InsnRow } from './types.ts'

/** The conditions in the order of their encoding, as the manual spells them in Jcc, SETcc and CMOVcc. */
const CONDITIONS = ['O', 'NO', 'B', 'AE', 'E', 'NE', 'BE', 'A', 'S', 'NS', 'P', 'NP', 'L', 'GE', 'LE', 'G']
const hex = (value: number): string => value.toString(16).toUpperCase()

const conditional: InsnRow[] = CONDITIONS.flatMap((name, code) => {
  const cc = code as (typeof CC)[keyof typeof CC]
  return [
    { op: hex(0x70 + code), mnemonic: `J${name}`, operands: 'Jb', lift: flow.jcc(cc), f64: true },
    { op: `0F ${hex(0x80 + code)}`, mnemonic: `J${name}`, operands: 'Jz', lift: flow.jcc(cc), f64: true },
    { op: `0F ${hex(0x90 + code)}`, mnemonic: `SET${name}`, operands: 'Eb', lift: move.setcc(cc) },
    { op: `0F ${hex(0x40 + code)}`, mnemonic: `CMOV${name}`, operands: 'Gv,Ev', lift: move.cmovcc(cc) },
  ] satisfies InsnRow[]
})

/** Rows of this file. */
export const control: readonly InsnRow[] = [
  ...conditional,
  { op: 'EB', mnemonic: 'JMP', operands: 'Jb', lift: flow.jmp, f64: true },
  { op: 'E9', mnemonic: 'JMP', operands: 'Jz', lift: flow.jmp, f64: true },
  { op: 'FF /4', mnemonic: 'JMP', operands: 'Ev', lift: flow.jmpIndirect, f64: true },
  { op: 'E8', mnemonic: 'CALL', operands: 'Jz', lift: flow.call, f64: true },
  { op: 'FF /2', mnemonic: 'CALL', operands: 'Ev', lift: flow.callIndirect, f64: true },
  { op: 'C3', mnemonic: 'RET', operands: '', lift: flow.ret, f64: true },
  { op: 'C2', mnemonic: 'RET', operands: 'Iw', lift: flow.ret, f64: true },
  { op: 'E0', mnemonic: 'LOOPNE', operands: 'Jb', lift: flow.loop(CC.ne), f64: true },
  { op: 'E1', mnemonic: 'LOOPE', operands: 'Jb', lift: flow.loop(CC.e), f64: true },
  { op: 'E2', mnemonic: 'LOOP', operands: 'Jb', lift: flow.loop(null), f64: true },
  { op: 'E3', mnemonic: 'JRCXZ', operands: 'Jb', lift: flow.jrcxz, f64: true },

  { op: '50+r', mnemonic: 'PUSH', operands: 'Zv', lift: stack.push, d64: true },
  { op: '58+r', mnemonic: 'POP', operands: 'Zv', lift: stack.pop, d64: true },
  { op: '68', mnemonic: 'PUSH', operands: 'Iz', lift: stack.push, d64: true },
  { op: '6A', mnemonic: 'PUSH', operands: 'sIb', lift: stack.push, d64: true },
  { op: 'FF /6', mnemonic: 'PUSH', operands: 'Ev', lift: stack.push, d64: true },
  { op: '8F /0', mnemonic: 'POP', operands: 'Ev', lift: stack.pop, d64: true },
  { op: '0F A0', mnemonic: 'PUSH', operands: 'FS', lift: stack.pushSegment, d64: true },
  { op: '0F A8', mnemonic: 'PUSH', operands: 'GS', lift: stack.pushSegment, d64: true },
  { op: '9C', mnemonic: 'PUSHFQ', operands: '', lift: stack.pushf, d64: true },
  { op: 'o16 9C', mnemonic: 'PUSHF', operands: '', lift: stack.pushf, d64: true },
  { op: '9D', mnemonic: 'POPFQ', operands: '', lift: stack.popf, d64: true },
  { op: 'o16 9D', mnemonic: 'POPF', operands: '', lift: stack.popf, d64: true },
  { op: 'C8', mnemonic: 'ENTER', operands: 'Iw,Ib', lift: stack.enter, d64: true },
  { op: 'C9', mnemonic: 'LEAVE', operands: '', lift: stack.leave, d64: true },
]
