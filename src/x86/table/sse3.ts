/** Exists to list SSE3 and SSSE3, the latter for XMM and MMX registers (Intel SDM vol. 1, 12.3 to 12.7). */
import { ops, type OpRow } from '../../ir/ops.ts'
import { half } from '../semantics/mmx.ts'
import * as float from '../semantics/sse-horizontal.ts'
import { DOUBLES, SINGLES } from '../semantics/sse-horizontal.ts'
import * as move from '../semantics/sse-move.ts'
import { packedUnary } from '../semantics/sse-operands.ts'
import * as shuffle from '../semantics/sse-shuffle.ts'
import * as integer from '../semantics/ssse3.ts'
import type { InsnRow, Lifter } from './types.ts'

/** Rows of SSE3; FISTTP is in the x87 table. */
const sse3Rows: readonly InsnRow[] = [
  { op: 'F2 0F D0', mnemonic: 'ADDSUBPS', operands: 'Vps,Wps', lift: float.addSubtract(SINGLES), feature: 'sse3' },
  { op: '66 0F D0', mnemonic: 'ADDSUBPD', operands: 'Vpd,Wpd', lift: float.addSubtract(DOUBLES), feature: 'sse3' },
  { op: 'F2 0F 7C', mnemonic: 'HADDPS', operands: 'Vps,Wps', lift: float.horizontal(SINGLES, 'add'), feature: 'sse3' },
  { op: '66 0F 7C', mnemonic: 'HADDPD', operands: 'Vpd,Wpd', lift: float.horizontal(DOUBLES, 'add'), feature: 'sse3' },
  { op: 'F2 0F 7D', mnemonic: 'HSUBPS', operands: 'Vps,Wps', lift: float.horizontal(SINGLES, 'sub'), feature: 'sse3' },
  { op: '66 0F 7D', mnemonic: 'HSUBPD', operands: 'Vpd,Wpd', lift: float.horizontal(DOUBLES, 'sub'), feature: 'sse3' },
  { op: 'F2 0F 12', mnemonic: 'MOVDDUP', operands: 'Vdq,Wq', lift: move.duplicateDouble, feature: 'sse3' },
  { op: 'F3 0F 12', mnemonic: 'MOVSLDUP', operands: 'Vps,Wps', lift: shuffle.duplicateSingles(0), feature: 'sse3' },
  { op: 'F3 0F 16', mnemonic: 'MOVSHDUP', operands: 'Vps,Wps', lift: shuffle.duplicateSingles(1), feature: 'sse3' },
  { op: 'F2 0F F0', mnemonic: 'LDDQU', operands: 'Vdq,Mdq', lift: move.moveUnaligned, feature: 'sse3' },
]

/** One row on XMM and one on MMX registers, which share the opcode. */
function both(opcode: string, mnemonic: string, lift: Lifter, lower: Lifter, immediate = ''): InsnRow[] {
  return [
    { op: `66 ${opcode}`, mnemonic, operands: `Vdq,Wdq${immediate}`, lift, feature: 'ssse3' },
    { op: `NP ${opcode}`, mnemonic, operands: `Pq,Qq${immediate}`, lift: lower, feature: 'ssse3' },
  ]
}
const lanewise = (opcode: string, mnemonic: string, lift: Lifter): InsnRow[] => both(opcode, mnemonic, lift, half(lift))
const neighbours = (opcode: string, mnemonic: string, op: OpRow, size: number): InsnRow[] =>
  both(opcode, mnemonic, integer.horizontal(op, size), integer.horizontalHalf(op, size))

/** Rows of SSE3 and SSSE3. */
export const sse3: readonly InsnRow[] = [
  ...sse3Rows,
  ...both('0F 38 00', 'PSHUFB', integer.shuffleByVector, integer.shuffleByHalf),
  ...neighbours('0F 38 01', 'PHADDW', ops.i16x8_add, 2),
  ...neighbours('0F 38 02', 'PHADDD', ops.i32x4_add, 4),
  ...neighbours('0F 38 03', 'PHADDSW', ops.i16x8_add_sat_s, 2),
  ...lanewise('0F 38 04', 'PMADDUBSW', integer.multiplyAddBytes),
  ...neighbours('0F 38 05', 'PHSUBW', ops.i16x8_sub, 2),
  ...neighbours('0F 38 06', 'PHSUBD', ops.i32x4_sub, 4),
  ...neighbours('0F 38 07', 'PHSUBSW', ops.i16x8_sub_sat_s, 2),
  ...lanewise('0F 38 08', 'PSIGNB', integer.sign(ops.i8x16_sub, ops.i8x16_gt_s, ops.i8x16_eq)),
  ...lanewise('0F 38 09', 'PSIGNW', integer.sign(ops.i16x8_sub, ops.i16x8_gt_s, ops.i16x8_eq)),
  ...lanewise('0F 38 0A', 'PSIGND', integer.sign(ops.i32x4_sub, ops.i32x4_gt_s, ops.i32x4_eq)),
  ...lanewise('0F 38 0B', 'PMULHRSW', integer.multiplyHighRounded),
  ...lanewise('0F 38 1C', 'PABSB', packedUnary(ops.i8x16_abs)),
  ...lanewise('0F 38 1D', 'PABSW', packedUnary(ops.i16x8_abs)),
  ...lanewise('0F 38 1E', 'PABSD', packedUnary(ops.i32x4_abs)),
  ...both('0F 3A 0F', 'PALIGNR', integer.alignRight, integer.alignRightHalf, ',Ib'),
]
