/** Exists to list MMX, and what SSE and SSE2 added to it (Intel SDM vol. 1, chapter 9, 10.4.4 and 11.4.2). */
import { ops } from '../../ir/ops.ts'
import * as mmx from '../semantics/mmx.ts'
import { half } from '../semantics/mmx.ts'
import { andNot } from '../semantics/sse-float.ts'
import * as integer from '../semantics/sse-integer.ts'
import { packed } from '../semantics/sse-operands.ts'
import { interleaveLow } from '../semantics/sse-shuffle.ts'
import type { InsnRow } from './types.ts'

/** Rows on MMX registers. */
export const mmxRows: readonly InsnRow[] = [
  // Moves.
  { op: 'NP 0F 6E', mnemonic: 'MOVD', operands: 'Pq,Ed', lift: mmx.moveFromGeneral, feature: 'mmx' },
  { op: 'NP REX.W 0F 6E', mnemonic: 'MOVQ', operands: 'Pq,Eq', lift: mmx.moveFromGeneral, feature: 'mmx' },
  { op: 'NP 0F 7E', mnemonic: 'MOVD', operands: 'Ed,Pq', lift: mmx.moveToGeneral, feature: 'mmx' },
  { op: 'NP REX.W 0F 7E', mnemonic: 'MOVQ', operands: 'Eq,Pq', lift: mmx.moveToGeneral, feature: 'mmx' },
  { op: 'NP 0F 6F', mnemonic: 'MOVQ', operands: 'Pq,Qq', lift: mmx.moveQuad, feature: 'mmx' },
  { op: 'NP 0F 7F', mnemonic: 'MOVQ', operands: 'Qq,Pq', lift: mmx.moveQuad, feature: 'mmx' },
  { op: 'NP 0F E7', mnemonic: 'MOVNTQ', operands: 'Mq,Pq', lift: mmx.moveQuad, feature: 'sse' },
  { op: 'NP 0F F7', mnemonic: 'MASKMOVQ', operands: 'Pq,Nq', lift: mmx.maskMove, feature: 'sse' },
  { op: 'F3 0F D6', mnemonic: 'MOVQ2DQ', operands: 'Vdq,Nq', lift: mmx.moveToVector, feature: 'sse2' },
  { op: 'F2 0F D6', mnemonic: 'MOVDQ2Q', operands: 'Pq,Uq', lift: mmx.moveFromVector, feature: 'sse2' },
  { op: 'NP 0F D7', mnemonic: 'PMOVMSKB', operands: 'Gd,Nq', lift: mmx.moveMask, feature: 'sse' },
  { op: 'NP 0F C4', mnemonic: 'PINSRW', operands: 'Pq,Rd/Mw,Ib', lift: mmx.insertWord, feature: 'sse' },
  { op: 'NP 0F C5', mnemonic: 'PEXTRW', operands: 'Gd,Nq,Ib', lift: mmx.extractWord, feature: 'sse' },
  { op: 'NP 0F 77', mnemonic: 'EMMS', operands: '', lift: mmx.empty, feature: 'mmx' },

  // Interleaving, packing and shuffles.
  { op: 'NP 0F 60', mnemonic: 'PUNPCKLBW', operands: 'Pq,Qd', lift: half(interleaveLow(1)), feature: 'mmx' },
  { op: 'NP 0F 61', mnemonic: 'PUNPCKLWD', operands: 'Pq,Qd', lift: half(interleaveLow(2)), feature: 'mmx' },
  { op: 'NP 0F 62', mnemonic: 'PUNPCKLDQ', operands: 'Pq,Qd', lift: half(interleaveLow(4)), feature: 'mmx' },
  { op: 'NP 0F 68', mnemonic: 'PUNPCKHBW', operands: 'Pq,Qq', lift: mmx.interleaveHigh(1), feature: 'mmx' },
  { op: 'NP 0F 69', mnemonic: 'PUNPCKHWD', operands: 'Pq,Qq', lift: mmx.interleaveHigh(2), feature: 'mmx' },
  { op: 'NP 0F 6A', mnemonic: 'PUNPCKHDQ', operands: 'Pq,Qq', lift: mmx.interleaveHigh(4), feature: 'mmx' },
  { op: 'NP 0F 63', mnemonic: 'PACKSSWB', operands: 'Pq,Qq', lift: mmx.narrow(ops.i8x16_narrow_i16x8_s), feature: 'mmx' },
  { op: 'NP 0F 67', mnemonic: 'PACKUSWB', operands: 'Pq,Qq', lift: mmx.narrow(ops.i8x16_narrow_i16x8_u), feature: 'mmx' },
  { op: 'NP 0F 6B', mnemonic: 'PACKSSDW', operands: 'Pq,Qq', lift: mmx.narrow(ops.i16x8_narrow_i32x4_s), feature: 'mmx' },
  { op: 'NP 0F 70', mnemonic: 'PSHUFW', operands: 'Pq,Qq,Ib', lift: mmx.shuffleWords, feature: 'sse' },

  // Logic and comparisons.
  { op: 'NP 0F DB', mnemonic: 'PAND', operands: 'Pq,Qq', lift: half(packed(ops.v128_and)), feature: 'mmx' },
  { op: 'NP 0F DF', mnemonic: 'PANDN', operands: 'Pq,Qq', lift: half(andNot), feature: 'mmx' },
  { op: 'NP 0F EB', mnemonic: 'POR', operands: 'Pq,Qq', lift: half(packed(ops.v128_or)), feature: 'mmx' },
  { op: 'NP 0F EF', mnemonic: 'PXOR', operands: 'Pq,Qq', lift: half(packed(ops.v128_xor)), feature: 'mmx' },
  { op: 'NP 0F 74', mnemonic: 'PCMPEQB', operands: 'Pq,Qq', lift: half(packed(ops.i8x16_eq)), feature: 'mmx' },
  { op: 'NP 0F 75', mnemonic: 'PCMPEQW', operands: 'Pq,Qq', lift: half(packed(ops.i16x8_eq)), feature: 'mmx' },
  { op: 'NP 0F 76', mnemonic: 'PCMPEQD', operands: 'Pq,Qq', lift: half(packed(ops.i32x4_eq)), feature: 'mmx' },
  { op: 'NP 0F 64', mnemonic: 'PCMPGTB', operands: 'Pq,Qq', lift: half(packed(ops.i8x16_gt_s)), feature: 'mmx' },
  { op: 'NP 0F 65', mnemonic: 'PCMPGTW', operands: 'Pq,Qq', lift: half(packed(ops.i16x8_gt_s)), feature: 'mmx' },
  { op: 'NP 0F 66', mnemonic: 'PCMPGTD', operands: 'Pq,Qq', lift: half(packed(ops.i32x4_gt_s)), feature: 'mmx' },

  // Arithmetic.
  { op: 'NP 0F FC', mnemonic: 'PADDB', operands: 'Pq,Qq', lift: half(packed(ops.i8x16_add)), feature: 'mmx' },
  { op: 'NP 0F FD', mnemonic: 'PADDW', operands: 'Pq,Qq', lift: half(packed(ops.i16x8_add)), feature: 'mmx' },
  { op: 'NP 0F FE', mnemonic: 'PADDD', operands: 'Pq,Qq', lift: half(packed(ops.i32x4_add)), feature: 'mmx' },
  { op: 'NP 0F D4', mnemonic: 'PADDQ', operands: 'Pq,Qq', lift: half(packed(ops.i64x2_add)), feature: 'sse2' },
  { op: 'NP 0F EC', mnemonic: 'PADDSB', operands: 'Pq,Qq', lift: half(packed(ops.i8x16_add_sat_s)), feature: 'mmx' },
  { op: 'NP 0F ED', mnemonic: 'PADDSW', operands: 'Pq,Qq', lift: half(packed(ops.i16x8_add_sat_s)), feature: 'mmx' },
  { op: 'NP 0F DC', mnemonic: 'PADDUSB', operands: 'Pq,Qq', lift: half(packed(ops.i8x16_add_sat_u)), feature: 'mmx' },
  { op: 'NP 0F DD', mnemonic: 'PADDUSW', operands: 'Pq,Qq', lift: half(packed(ops.i16x8_add_sat_u)), feature: 'mmx' },
  { op: 'NP 0F F8', mnemonic: 'PSUBB', operands: 'Pq,Qq', lift: half(packed(ops.i8x16_sub)), feature: 'mmx' },
  { op: 'NP 0F F9', mnemonic: 'PSUBW', operands: 'Pq,Qq', lift: half(packed(ops.i16x8_sub)), feature: 'mmx' },
  { op: 'NP 0F FA', mnemonic: 'PSUBD', operands: 'Pq,Qq', lift: half(packed(ops.i32x4_sub)), feature: 'mmx' },
  { op: 'NP 0F FB', mnemonic: 'PSUBQ', operands: 'Pq,Qq', lift: half(packed(ops.i64x2_sub)), feature: 'sse2' },
  { op: 'NP 0F E8', mnemonic: 'PSUBSB', operands: 'Pq,Qq', lift: half(packed(ops.i8x16_sub_sat_s)), feature: 'mmx' },
  { op: 'NP 0F E9', mnemonic: 'PSUBSW', operands: 'Pq,Qq', lift: half(packed(ops.i16x8_sub_sat_s)), feature: 'mmx' },
  { op: 'NP 0F D8', mnemonic: 'PSUBUSB', operands: 'Pq,Qq', lift: half(packed(ops.i8x16_sub_sat_u)), feature: 'mmx' },
  { op: 'NP 0F D9', mnemonic: 'PSUBUSW', operands: 'Pq,Qq', lift: half(packed(ops.i16x8_sub_sat_u)), feature: 'mmx' },
  { op: 'NP 0F DA', mnemonic: 'PMINUB', operands: 'Pq,Qq', lift: half(packed(ops.i8x16_min_u)), feature: 'sse' },
  { op: 'NP 0F DE', mnemonic: 'PMAXUB', operands: 'Pq,Qq', lift: half(packed(ops.i8x16_max_u)), feature: 'sse' },
  { op: 'NP 0F EA', mnemonic: 'PMINSW', operands: 'Pq,Qq', lift: half(packed(ops.i16x8_min_s)), feature: 'sse' },
  { op: 'NP 0F EE', mnemonic: 'PMAXSW', operands: 'Pq,Qq', lift: half(packed(ops.i16x8_max_s)), feature: 'sse' },
  { op: 'NP 0F E0', mnemonic: 'PAVGB', operands: 'Pq,Qq', lift: half(packed(ops.i8x16_avgr_u)), feature: 'sse' },
  { op: 'NP 0F E3', mnemonic: 'PAVGW', operands: 'Pq,Qq', lift: half(packed(ops.i16x8_avgr_u)), feature: 'sse' },
  { op: 'NP 0F D5', mnemonic: 'PMULLW', operands: 'Pq,Qq', lift: half(packed(ops.i16x8_mul)), feature: 'mmx' },
  { op: 'NP 0F F5', mnemonic: 'PMADDWD', operands: 'Pq,Qq', lift: half(packed(ops.i32x4_dot_i16x8_s)), feature: 'mmx' },
  { op: 'NP 0F E5', mnemonic: 'PMULHW', operands: 'Pq,Qq', lift: half(integer.multiplyHigh(ops.i32x4_extmul_low_i16x8_s, ops.i32x4_extmul_high_i16x8_s)), feature: 'mmx' },
  { op: 'NP 0F E4', mnemonic: 'PMULHUW', operands: 'Pq,Qq', lift: half(integer.multiplyHigh(ops.i32x4_extmul_low_i16x8_u, ops.i32x4_extmul_high_i16x8_u)), feature: 'sse' },
  { op: 'NP 0F F4', mnemonic: 'PMULUDQ', operands: 'Pq,Qq', lift: half(integer.multiplyEven), feature: 'sse2' },
  { op: 'NP 0F F6', mnemonic: 'PSADBW', operands: 'Pq,Qq', lift: half(integer.sumOfDifferences), feature: 'sse' },

  // Shifts.
  { op: 'NP 0F D1', mnemonic: 'PSRLW', operands: 'Pq,Qq', lift: half(integer.shiftVector(ops.i16x8_shr_u, 16)), feature: 'mmx' },
  { op: 'NP 0F D2', mnemonic: 'PSRLD', operands: 'Pq,Qq', lift: half(integer.shiftVector(ops.i32x4_shr_u, 32)), feature: 'mmx' },
  { op: 'NP 0F D3', mnemonic: 'PSRLQ', operands: 'Pq,Qq', lift: half(integer.shiftVector(ops.i64x2_shr_u, 64)), feature: 'mmx' },
  { op: 'NP 0F E1', mnemonic: 'PSRAW', operands: 'Pq,Qq', lift: half(integer.shiftSignedVector(ops.i16x8_shr_s, 16)), feature: 'mmx' },
  { op: 'NP 0F E2', mnemonic: 'PSRAD', operands: 'Pq,Qq', lift: half(integer.shiftSignedVector(ops.i32x4_shr_s, 32)), feature: 'mmx' },
  { op: 'NP 0F F1', mnemonic: 'PSLLW', operands: 'Pq,Qq', lift: half(integer.shiftVector(ops.i16x8_shl, 16)), feature: 'mmx' },
  { op: 'NP 0F F2', mnemonic: 'PSLLD', operands: 'Pq,Qq', lift: half(integer.shiftVector(ops.i32x4_shl, 32)), feature: 'mmx' },
  { op: 'NP 0F F3', mnemonic: 'PSLLQ', operands: 'Pq,Qq', lift: half(integer.shiftVector(ops.i64x2_shl, 64)), feature: 'mmx' },
  { op: 'NP 0F 71 /2', mnemonic: 'PSRLW', operands: 'Nq,Ib', lift: half(integer.shiftImmediate(ops.i16x8_shr_u, 16)), feature: 'mmx' },
  { op: 'NP 0F 72 /2', mnemonic: 'PSRLD', operands: 'Nq,Ib', lift: half(integer.shiftImmediate(ops.i32x4_shr_u, 32)), feature: 'mmx' },
  { op: 'NP 0F 73 /2', mnemonic: 'PSRLQ', operands: 'Nq,Ib', lift: half(integer.shiftImmediate(ops.i64x2_shr_u, 64)), feature: 'mmx' },
  { op: 'NP 0F 71 /4', mnemonic: 'PSRAW', operands: 'Nq,Ib', lift: half(integer.shiftSignedImmediate(ops.i16x8_shr_s, 16)), feature: 'mmx' },
  { op: 'NP 0F 72 /4', mnemonic: 'PSRAD', operands: 'Nq,Ib', lift: half(integer.shiftSignedImmediate(ops.i32x4_shr_s, 32)), feature: 'mmx' },
  { op: 'NP 0F 71 /6', mnemonic: 'PSLLW', operands: 'Nq,Ib', lift: half(integer.shiftImmediate(ops.i16x8_shl, 16)), feature: 'mmx' },
  { op: 'NP 0F 72 /6', mnemonic: 'PSLLD', operands: 'Nq,Ib', lift: half(integer.shiftImmediate(ops.i32x4_shl, 32)), feature: 'mmx' },
  { op: 'NP 0F 73 /6', mnemonic: 'PSLLQ', operands: 'Nq,Ib', lift: half(integer.shiftImmediate(ops.i64x2_shl, 64)), feature: 'mmx' },

  // Conversions.
  { op: 'NP 0F 2A', mnemonic: 'CVTPI2PS', operands: 'Vps,Qq', lift: mmx.integersToSingles, feature: 'sse' },
  { op: '66 0F 2A', mnemonic: 'CVTPI2PD', operands: 'Vpd,Qq', lift: mmx.integersToDoubles, feature: 'sse2' },
  { op: 'NP 0F 2C', mnemonic: 'CVTTPS2PI', operands: 'Pq,Wq', lift: mmx.singlesToIntegers(ops.i32x4_trunc_f32x4), feature: 'sse' },
  { op: 'NP 0F 2D', mnemonic: 'CVTPS2PI', operands: 'Pq,Wq', lift: mmx.singlesToIntegers(ops.i32x4_round_f32x4), feature: 'sse' },
  { op: '66 0F 2C', mnemonic: 'CVTTPD2PI', operands: 'Pq,Wpd', lift: mmx.doublesToIntegers(ops.i32x4_trunc_f64x2), feature: 'sse2' },
  { op: '66 0F 2D', mnemonic: 'CVTPD2PI', operands: 'Pq,Wpd', lift: mmx.doublesToIntegers(ops.i32x4_round_f64x2), feature: 'sse2' },
]
