/** Exists to list the integer half of SSE2 (Intel SDM vol. 1, 11.4.2). */
import { ops } from '../../ir/ops.ts'
import { andNot } from '../semantics/sse-float.ts'
import * as integer from '../semantics/sse-integer.ts'
import * as move from '../semantics/sse-move.ts'
import { packed } from '../semantics/sse-operands.ts'
import * as shuffle from '../semantics/sse-shuffle.ts'
import type { InsnRow } from './types.ts'

/** Rows of SSE2 on packed integers. */
export const sse2Integer: readonly InsnRow[] = [
  // Moves.
  { op: '66 0F 6E', mnemonic: 'MOVD', operands: 'Vd,Ed', lift: move.moveFromGeneral, feature: 'sse2' },
  { op: '66 REX.W 0F 6E', mnemonic: 'MOVQ', operands: 'Vq,Eq', lift: move.moveFromGeneral, feature: 'sse2' },
  { op: '66 0F 7E', mnemonic: 'MOVD', operands: 'Ed,Vd', lift: move.moveToGeneral, feature: 'sse2' },
  { op: '66 REX.W 0F 7E', mnemonic: 'MOVQ', operands: 'Eq,Vq', lift: move.moveToGeneral, feature: 'sse2' },
  { op: 'F3 0F 7E', mnemonic: 'MOVQ', operands: 'Vq,Wq', lift: move.moveQuad, feature: 'sse2' },
  { op: '66 0F D6', mnemonic: 'MOVQ', operands: 'Wq,Vq', lift: move.moveQuad, feature: 'sse2' },
  { op: '66 0F 6F', mnemonic: 'MOVDQA', operands: 'Vdq,Wdq', lift: move.moveAligned, feature: 'sse2' },
  { op: '66 0F 7F', mnemonic: 'MOVDQA', operands: 'Wdq,Vdq', lift: move.moveAligned, feature: 'sse2' },
  { op: 'F3 0F 6F', mnemonic: 'MOVDQU', operands: 'Vdq,Wdq', lift: move.moveUnaligned, feature: 'sse2' },
  { op: 'F3 0F 7F', mnemonic: 'MOVDQU', operands: 'Wdq,Vdq', lift: move.moveUnaligned, feature: 'sse2' },
  { op: '66 0F E7', mnemonic: 'MOVNTDQ', operands: 'Mdq,Vdq', lift: move.moveAligned, feature: 'sse2' },
  { op: '66 0F F7', mnemonic: 'MASKMOVDQU', operands: 'Vdq,Udq', lift: move.maskMove, feature: 'sse2' },
  { op: '66 0F D7', mnemonic: 'PMOVMSKB', operands: 'Gd,Udq', lift: move.moveMask(ops.i8x16_bitmask), feature: 'sse2' },
  { op: '66 0F C4', mnemonic: 'PINSRW', operands: 'Vdq,Rd/Mw,Ib', lift: move.insertWord, feature: 'sse2' },
  { op: '66 0F C5', mnemonic: 'PEXTRW', operands: 'Gd,Udq,Ib', lift: move.extractWord, feature: 'sse2' },

  // Interleaving, packing and shuffles.
  { op: '66 0F 60', mnemonic: 'PUNPCKLBW', operands: 'Vdq,Wdq', lift: shuffle.interleaveLow(1), feature: 'sse2' },
  { op: '66 0F 61', mnemonic: 'PUNPCKLWD', operands: 'Vdq,Wdq', lift: shuffle.interleaveLow(2), feature: 'sse2' },
  { op: '66 0F 62', mnemonic: 'PUNPCKLDQ', operands: 'Vdq,Wdq', lift: shuffle.interleaveLow(4), feature: 'sse2' },
  { op: '66 0F 6C', mnemonic: 'PUNPCKLQDQ', operands: 'Vdq,Wdq', lift: shuffle.interleaveLow(8), feature: 'sse2' },
  { op: '66 0F 68', mnemonic: 'PUNPCKHBW', operands: 'Vdq,Wdq', lift: shuffle.interleaveHigh(1), feature: 'sse2' },
  { op: '66 0F 69', mnemonic: 'PUNPCKHWD', operands: 'Vdq,Wdq', lift: shuffle.interleaveHigh(2), feature: 'sse2' },
  { op: '66 0F 6A', mnemonic: 'PUNPCKHDQ', operands: 'Vdq,Wdq', lift: shuffle.interleaveHigh(4), feature: 'sse2' },
  { op: '66 0F 6D', mnemonic: 'PUNPCKHQDQ', operands: 'Vdq,Wdq', lift: shuffle.interleaveHigh(8), feature: 'sse2' },
  { op: '66 0F 63', mnemonic: 'PACKSSWB', operands: 'Vdq,Wdq', lift: packed(ops.i8x16_narrow_i16x8_s), feature: 'sse2' },
  { op: '66 0F 67', mnemonic: 'PACKUSWB', operands: 'Vdq,Wdq', lift: packed(ops.i8x16_narrow_i16x8_u), feature: 'sse2' },
  { op: '66 0F 6B', mnemonic: 'PACKSSDW', operands: 'Vdq,Wdq', lift: packed(ops.i16x8_narrow_i32x4_s), feature: 'sse2' },
  { op: '66 0F 70', mnemonic: 'PSHUFD', operands: 'Vdq,Wdq,Ib', lift: shuffle.shuffleDoublewords, feature: 'sse2' },
  { op: 'F2 0F 70', mnemonic: 'PSHUFLW', operands: 'Vdq,Wdq,Ib', lift: shuffle.shuffleWords(0), feature: 'sse2' },
  { op: 'F3 0F 70', mnemonic: 'PSHUFHW', operands: 'Vdq,Wdq,Ib', lift: shuffle.shuffleWords(4), feature: 'sse2' },

  // Logic and comparisons.
  { op: '66 0F DB', mnemonic: 'PAND', operands: 'Vdq,Wdq', lift: packed(ops.v128_and), feature: 'sse2' },
  { op: '66 0F DF', mnemonic: 'PANDN', operands: 'Vdq,Wdq', lift: andNot, feature: 'sse2' },
  { op: '66 0F EB', mnemonic: 'POR', operands: 'Vdq,Wdq', lift: packed(ops.v128_or), feature: 'sse2' },
  { op: '66 0F EF', mnemonic: 'PXOR', operands: 'Vdq,Wdq', lift: packed(ops.v128_xor), feature: 'sse2' },
  { op: '66 0F 74', mnemonic: 'PCMPEQB', operands: 'Vdq,Wdq', lift: packed(ops.i8x16_eq), feature: 'sse2' },
  { op: '66 0F 75', mnemonic: 'PCMPEQW', operands: 'Vdq,Wdq', lift: packed(ops.i16x8_eq), feature: 'sse2' },
  { op: '66 0F 76', mnemonic: 'PCMPEQD', operands: 'Vdq,Wdq', lift: packed(ops.i32x4_eq), feature: 'sse2' },
  { op: '66 0F 64', mnemonic: 'PCMPGTB', operands: 'Vdq,Wdq', lift: packed(ops.i8x16_gt_s), feature: 'sse2' },
  { op: '66 0F 65', mnemonic: 'PCMPGTW', operands: 'Vdq,Wdq', lift: packed(ops.i16x8_gt_s), feature: 'sse2' },
  { op: '66 0F 66', mnemonic: 'PCMPGTD', operands: 'Vdq,Wdq', lift: packed(ops.i32x4_gt_s), feature: 'sse2' },

  // Arithmetic.
  { op: '66 0F FC', mnemonic: 'PADDB', operands: 'Vdq,Wdq', lift: packed(ops.i8x16_add), feature: 'sse2' },
  { op: '66 0F FD', mnemonic: 'PADDW', operands: 'Vdq,Wdq', lift: packed(ops.i16x8_add), feature: 'sse2' },
  { op: '66 0F FE', mnemonic: 'PADDD', operands: 'Vdq,Wdq', lift: packed(ops.i32x4_add), feature: 'sse2' },
  { op: '66 0F D4', mnemonic: 'PADDQ', operands: 'Vdq,Wdq', lift: packed(ops.i64x2_add), feature: 'sse2' },
  { op: '66 0F EC', mnemonic: 'PADDSB', operands: 'Vdq,Wdq', lift: packed(ops.i8x16_add_sat_s), feature: 'sse2' },
  { op: '66 0F ED', mnemonic: 'PADDSW', operands: 'Vdq,Wdq', lift: packed(ops.i16x8_add_sat_s), feature: 'sse2' },
  { op: '66 0F DC', mnemonic: 'PADDUSB', operands: 'Vdq,Wdq', lift: packed(ops.i8x16_add_sat_u), feature: 'sse2' },
  { op: '66 0F DD', mnemonic: 'PADDUSW', operands: 'Vdq,Wdq', lift: packed(ops.i16x8_add_sat_u), feature: 'sse2' },
  { op: '66 0F F8', mnemonic: 'PSUBB', operands: 'Vdq,Wdq', lift: packed(ops.i8x16_sub), feature: 'sse2' },
  { op: '66 0F F9', mnemonic: 'PSUBW', operands: 'Vdq,Wdq', lift: packed(ops.i16x8_sub), feature: 'sse2' },
  { op: '66 0F FA', mnemonic: 'PSUBD', operands: 'Vdq,Wdq', lift: packed(ops.i32x4_sub), feature: 'sse2' },
  { op: '66 0F FB', mnemonic: 'PSUBQ', operands: 'Vdq,Wdq', lift: packed(ops.i64x2_sub), feature: 'sse2' },
  { op: '66 0F E8', mnemonic: 'PSUBSB', operands: 'Vdq,Wdq', lift: packed(ops.i8x16_sub_sat_s), feature: 'sse2' },
  { op: '66 0F E9', mnemonic: 'PSUBSW', operands: 'Vdq,Wdq', lift: packed(ops.i16x8_sub_sat_s), feature: 'sse2' },
  { op: '66 0F D8', mnemonic: 'PSUBUSB', operands: 'Vdq,Wdq', lift: packed(ops.i8x16_sub_sat_u), feature: 'sse2' },
  { op: '66 0F D9', mnemonic: 'PSUBUSW', operands: 'Vdq,Wdq', lift: packed(ops.i16x8_sub_sat_u), feature: 'sse2' },
  { op: '66 0F DA', mnemonic: 'PMINUB', operands: 'Vdq,Wdq', lift: packed(ops.i8x16_min_u), feature: 'sse2' },
  { op: '66 0F DE', mnemonic: 'PMAXUB', operands: 'Vdq,Wdq', lift: packed(ops.i8x16_max_u), feature: 'sse2' },
  { op: '66 0F EA', mnemonic: 'PMINSW', operands: 'Vdq,Wdq', lift: packed(ops.i16x8_min_s), feature: 'sse2' },
  { op: '66 0F EE', mnemonic: 'PMAXSW', operands: 'Vdq,Wdq', lift: packed(ops.i16x8_max_s), feature: 'sse2' },
  { op: '66 0F E0', mnemonic: 'PAVGB', operands: 'Vdq,Wdq', lift: packed(ops.i8x16_avgr_u), feature: 'sse2' },
  { op: '66 0F E3', mnemonic: 'PAVGW', operands: 'Vdq,Wdq', lift: packed(ops.i16x8_avgr_u), feature: 'sse2' },
  { op: '66 0F D5', mnemonic: 'PMULLW', operands: 'Vdq,Wdq', lift: packed(ops.i16x8_mul), feature: 'sse2' },
  { op: '66 0F F5', mnemonic: 'PMADDWD', operands: 'Vdq,Wdq', lift: packed(ops.i32x4_dot_i16x8_s), feature: 'sse2' },
  { op: '66 0F E5', mnemonic: 'PMULHW', operands: 'Vdq,Wdq', lift: integer.multiplyHigh(ops.i32x4_extmul_low_i16x8_s, ops.i32x4_extmul_high_i16x8_s), feature: 'sse2' },
  { op: '66 0F E4', mnemonic: 'PMULHUW', operands: 'Vdq,Wdq', lift: integer.multiplyHigh(ops.i32x4_extmul_low_i16x8_u, ops.i32x4_extmul_high_i16x8_u), feature: 'sse2' },
  { op: '66 0F F4', mnemonic: 'PMULUDQ', operands: 'Vdq,Wdq', lift: integer.multiplyEven, feature: 'sse2' },
  { op: '66 0F F6', mnemonic: 'PSADBW', operands: 'Vdq,Wdq', lift: integer.sumOfDifferences, feature: 'sse2' },

  // Shifts by a vector.
  { op: '66 0F D1', mnemonic: 'PSRLW', operands: 'Vdq,Wdq', lift: integer.shiftVector(ops.i16x8_shr_u, 16), feature: 'sse2' },
  { op: '66 0F D2', mnemonic: 'PSRLD', operands: 'Vdq,Wdq', lift: integer.shiftVector(ops.i32x4_shr_u, 32), feature: 'sse2' },
  { op: '66 0F D3', mnemonic: 'PSRLQ', operands: 'Vdq,Wdq', lift: integer.shiftVector(ops.i64x2_shr_u, 64), feature: 'sse2' },
  { op: '66 0F E1', mnemonic: 'PSRAW', operands: 'Vdq,Wdq', lift: integer.shiftSignedVector(ops.i16x8_shr_s, 16), feature: 'sse2' },
  { op: '66 0F E2', mnemonic: 'PSRAD', operands: 'Vdq,Wdq', lift: integer.shiftSignedVector(ops.i32x4_shr_s, 32), feature: 'sse2' },
  { op: '66 0F F1', mnemonic: 'PSLLW', operands: 'Vdq,Wdq', lift: integer.shiftVector(ops.i16x8_shl, 16), feature: 'sse2' },
  { op: '66 0F F2', mnemonic: 'PSLLD', operands: 'Vdq,Wdq', lift: integer.shiftVector(ops.i32x4_shl, 32), feature: 'sse2' },
  { op: '66 0F F3', mnemonic: 'PSLLQ', operands: 'Vdq,Wdq', lift: integer.shiftVector(ops.i64x2_shl, 64), feature: 'sse2' },

  // Shifts by an immediate.
  { op: '66 0F 71 /2', mnemonic: 'PSRLW', operands: 'Udq,Ib', lift: integer.shiftImmediate(ops.i16x8_shr_u, 16), feature: 'sse2' },
  { op: '66 0F 72 /2', mnemonic: 'PSRLD', operands: 'Udq,Ib', lift: integer.shiftImmediate(ops.i32x4_shr_u, 32), feature: 'sse2' },
  { op: '66 0F 73 /2', mnemonic: 'PSRLQ', operands: 'Udq,Ib', lift: integer.shiftImmediate(ops.i64x2_shr_u, 64), feature: 'sse2' },
  { op: '66 0F 71 /4', mnemonic: 'PSRAW', operands: 'Udq,Ib', lift: integer.shiftSignedImmediate(ops.i16x8_shr_s, 16), feature: 'sse2' },
  { op: '66 0F 72 /4', mnemonic: 'PSRAD', operands: 'Udq,Ib', lift: integer.shiftSignedImmediate(ops.i32x4_shr_s, 32), feature: 'sse2' },
  { op: '66 0F 71 /6', mnemonic: 'PSLLW', operands: 'Udq,Ib', lift: integer.shiftImmediate(ops.i16x8_shl, 16), feature: 'sse2' },
  { op: '66 0F 72 /6', mnemonic: 'PSLLD', operands: 'Udq,Ib', lift: integer.shiftImmediate(ops.i32x4_shl, 32), feature: 'sse2' },
  { op: '66 0F 73 /6', mnemonic: 'PSLLQ', operands: 'Udq,Ib', lift: integer.shiftImmediate(ops.i64x2_shl, 64), feature: 'sse2' },
  { op: '66 0F 73 /3', mnemonic: 'PSRLDQ', operands: 'Udq,Ib', lift: integer.shiftBytesRight, feature: 'sse2' },
  { op: '66 0F 73 /7', mnemonic: 'PSLLDQ', operands: 'Udq,Ib', lift: integer.shiftBytesLeft, feature: 'sse2' },
]
