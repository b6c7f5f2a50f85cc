/** Exists to list the double-precision half of SSE2 and the instructions on caches that came with it (Intel SDM vol. 1, chapter 11). */
import { ops } from '../../ir/ops.ts'
import * as convert from '../semantics/sse-convert.ts'
import * as float from '../semantics/sse-float.ts'
import * as move from '../semantics/sse-move.ts'
import { packed, packedUnary } from '../semantics/sse-operands.ts'
import * as shuffle from '../semantics/sse-shuffle.ts'
import * as state from '../semantics/sse-state.ts'
import type { InsnRow } from './types.ts'

/** Rows of SSE2 on doubles, and its conversions. */
export const sse2Float: readonly InsnRow[] = [
  // Moves.
  { op: '66 0F 10', mnemonic: 'MOVUPD', operands: 'Vpd,Wpd', lift: move.moveUnaligned, feature: 'sse2' },
  { op: '66 0F 11', mnemonic: 'MOVUPD', operands: 'Wpd,Vpd', lift: move.moveUnaligned, feature: 'sse2' },
  { op: 'F2 0F 10', mnemonic: 'MOVSD', operands: 'Vsd,Wsd', lift: move.moveDouble, feature: 'sse2' },
  { op: 'F2 0F 11', mnemonic: 'MOVSD', operands: 'Wsd,Vsd', lift: move.moveDouble, feature: 'sse2' },
  { op: '66 0F 12', mnemonic: 'MOVLPD', operands: 'Vq,Mq', lift: move.moveHalf(0), feature: 'sse2' },
  { op: '66 0F 13', mnemonic: 'MOVLPD', operands: 'Mq,Vq', lift: move.moveHalf(0), feature: 'sse2' },
  { op: '66 0F 16', mnemonic: 'MOVHPD', operands: 'Vq,Mq', lift: move.moveHalf(1), feature: 'sse2' },
  { op: '66 0F 17', mnemonic: 'MOVHPD', operands: 'Mq,Vq', lift: move.moveHalf(1), feature: 'sse2' },
  { op: '66 0F 28', mnemonic: 'MOVAPD', operands: 'Vpd,Wpd', lift: move.moveAligned, feature: 'sse2' },
  { op: '66 0F 29', mnemonic: 'MOVAPD', operands: 'Wpd,Vpd', lift: move.moveAligned, feature: 'sse2' },
  { op: '66 0F 2B', mnemonic: 'MOVNTPD', operands: 'Mpd,Vpd', lift: move.moveAligned, feature: 'sse2' },
  { op: '66 0F 50', mnemonic: 'MOVMSKPD', operands: 'Gd,Upd', lift: move.moveMask(ops.i64x2_bitmask), feature: 'sse2' },

  // Logic and interleaving.
  { op: '66 0F 54', mnemonic: 'ANDPD', operands: 'Vpd,Wpd', lift: packed(ops.v128_and), feature: 'sse2' },
  { op: '66 0F 55', mnemonic: 'ANDNPD', operands: 'Vpd,Wpd', lift: float.andNot, feature: 'sse2' },
  { op: '66 0F 56', mnemonic: 'ORPD', operands: 'Vpd,Wpd', lift: packed(ops.v128_or), feature: 'sse2' },
  { op: '66 0F 57', mnemonic: 'XORPD', operands: 'Vpd,Wpd', lift: packed(ops.v128_xor), feature: 'sse2' },
  { op: '66 0F 14', mnemonic: 'UNPCKLPD', operands: 'Vpd,Wpd', lift: shuffle.interleaveLow(8), feature: 'sse2' },
  { op: '66 0F 15', mnemonic: 'UNPCKHPD', operands: 'Vpd,Wpd', lift: shuffle.interleaveHigh(8), feature: 'sse2' },
  { op: '66 0F C6', mnemonic: 'SHUFPD', operands: 'Vpd,Wpd,Ib', lift: shuffle.shuffleDoubles, feature: 'sse2' },

  // Arithmetic.
  { op: '66 0F 58', mnemonic: 'ADDPD', operands: 'Vpd,Wpd', lift: packed(ops.f64x2_add), feature: 'sse2' },
  { op: 'F2 0F 58', mnemonic: 'ADDSD', operands: 'Vsd,Wsd', lift: float.scalarDouble(ops.f64_add), feature: 'sse2' },
  { op: '66 0F 59', mnemonic: 'MULPD', operands: 'Vpd,Wpd', lift: packed(ops.f64x2_mul), feature: 'sse2' },
  { op: 'F2 0F 59', mnemonic: 'MULSD', operands: 'Vsd,Wsd', lift: float.scalarDouble(ops.f64_mul), feature: 'sse2' },
  { op: '66 0F 5C', mnemonic: 'SUBPD', operands: 'Vpd,Wpd', lift: packed(ops.f64x2_sub), feature: 'sse2' },
  { op: 'F2 0F 5C', mnemonic: 'SUBSD', operands: 'Vsd,Wsd', lift: float.scalarDouble(ops.f64_sub), feature: 'sse2' },
  { op: '66 0F 5D', mnemonic: 'MINPD', operands: 'Vpd,Wpd', lift: packed(ops.f64x2_min), feature: 'sse2' },
  { op: 'F2 0F 5D', mnemonic: 'MINSD', operands: 'Vsd,Wsd', lift: float.scalarDouble(ops.f64_min), feature: 'sse2' },
  { op: '66 0F 5E', mnemonic: 'DIVPD', operands: 'Vpd,Wpd', lift: packed(ops.f64x2_div), feature: 'sse2' },
  { op: 'F2 0F 5E', mnemonic: 'DIVSD', operands: 'Vsd,Wsd', lift: float.scalarDouble(ops.f64_div), feature: 'sse2' },
  { op: '66 0F 5F', mnemonic: 'MAXPD', operands: 'Vpd,Wpd', lift: packed(ops.f64x2_max), feature: 'sse2' },
  { op: 'F2 0F 5F', mnemonic: 'MAXSD', operands: 'Vsd,Wsd', lift: float.scalarDouble(ops.f64_max), feature: 'sse2' },
  { op: '66 0F 51', mnemonic: 'SQRTPD', operands: 'Vpd,Wpd', lift: packedUnary(ops.f64x2_sqrt), feature: 'sse2' },
  { op: 'F2 0F 51', mnemonic: 'SQRTSD', operands: 'Vsd,Wsd', lift: float.sqrtDouble, feature: 'sse2' },

  // Comparisons.
  { op: '66 0F C2', mnemonic: 'CMPPD', operands: 'Vpd,Wpd,Ib', lift: float.comparePackedDouble, feature: 'sse2' },
  { op: 'F2 0F C2', mnemonic: 'CMPSD', operands: 'Vsd,Wsd,Ib', lift: float.compareScalarDouble, feature: 'sse2' },
  { op: '66 0F 2E', mnemonic: 'UCOMISD', operands: 'Vsd,Wsd', lift: float.compareToFlagsDouble(false), feature: 'sse2' },
  { op: '66 0F 2F', mnemonic: 'COMISD', operands: 'Vsd,Wsd', lift: float.compareToFlagsDouble(true), feature: 'sse2' },

  // Conversions.
  { op: 'F2 0F 2A', mnemonic: 'CVTSI2SD', operands: 'Vsd,Ey', lift: convert.integerToDouble, feature: 'sse2' },
  { op: 'F2 0F 2C', mnemonic: 'CVTTSD2SI', operands: 'Gy,Wsd', lift: convert.doubleToInteger(ops.i32_trunc_f64, ops.i64_trunc_f64), feature: 'sse2' },
  { op: 'F2 0F 2D', mnemonic: 'CVTSD2SI', operands: 'Gy,Wsd', lift: convert.doubleToInteger(ops.i32_round_f64, ops.i64_round_f64), feature: 'sse2' },
  { op: 'NP 0F 5A', mnemonic: 'CVTPS2PD', operands: 'Vpd,Wq', lift: convert.convertLowHalf(ops.f64x2_promote_low_f32x4), feature: 'sse2' },
  { op: '66 0F 5A', mnemonic: 'CVTPD2PS', operands: 'Vps,Wpd', lift: convert.convertPacked(ops.f32x4_demote_f64x2), feature: 'sse2' },
  { op: 'F3 0F 5A', mnemonic: 'CVTSS2SD', operands: 'Vsd,Wss', lift: convert.singleToDouble, feature: 'sse2' },
  { op: 'F2 0F 5A', mnemonic: 'CVTSD2SS', operands: 'Vss,Wsd', lift: convert.doubleToSingle, feature: 'sse2' },
  { op: 'NP 0F 5B', mnemonic: 'CVTDQ2PS', operands: 'Vps,Wdq', lift: convert.convertPacked(ops.f32x4_convert_i32x4_s), feature: 'sse2' },
  { op: '66 0F 5B', mnemonic: 'CVTPS2DQ', operands: 'Vdq,Wps', lift: convert.convertPacked(ops.i32x4_round_f32x4), feature: 'sse2' },
  { op: 'F3 0F 5B', mnemonic: 'CVTTPS2DQ', operands: 'Vdq,Wps', lift: convert.convertPacked(ops.i32x4_trunc_f32x4), feature: 'sse2' },
  { op: '66 0F E6', mnemonic: 'CVTTPD2DQ', operands: 'Vdq,Wpd', lift: convert.convertPacked(ops.i32x4_trunc_f64x2), feature: 'sse2' },
  { op: 'F2 0F E6', mnemonic: 'CVTPD2DQ', operands: 'Vdq,Wpd', lift: convert.convertPacked(ops.i32x4_round_f64x2), feature: 'sse2' },
  { op: 'F3 0F E6', mnemonic: 'CVTDQ2PD', operands: 'Vpd,Wq', lift: convert.convertLowHalf(ops.f64x2_convert_low_i32x4_s), feature: 'sse2' },

  // Caches and ordering.
  { op: 'NP 0F AE E8+i', mnemonic: 'LFENCE', operands: '', lift: state.noEffect, feature: 'sse2' },
  { op: 'NP 0F AE F0+i', mnemonic: 'MFENCE', operands: '', lift: state.noEffect, feature: 'sse2' },
  { op: 'NP 0F AE /7', mnemonic: 'CLFLUSH', operands: 'Mb', lift: state.flushLine, feature: 'sse2' },
  { op: '66 0F AE /7', mnemonic: 'CLFLUSHOPT', operands: 'Mb', lift: state.flushLine, feature: 'clflushopt' },
  { op: '66 0F AE /6', mnemonic: 'CLWB', operands: 'Mb', lift: state.flushLine, feature: 'clwb' },
  { op: 'NP 0F C3', mnemonic: 'MOVNTI', operands: 'My,Gy', lift: move.moveGeneralNonTemporal, feature: 'sse2' },
]
