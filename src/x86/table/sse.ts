/** Exists to list SSE: single-precision floating point, and the instructions on caches and state that came with it (Intel SDM vol. 1, chapter 10). */
import { ops } from '../../ir/ops.ts'
import * as convert from '../semantics/sse-convert.ts'
import * as float from '../semantics/sse-float.ts'
import * as move from '../semantics/sse-move.ts'
import { packed, packedUnary } from '../semantics/sse-operands.ts'
import * as shuffle from '../semantics/sse-shuffle.ts'
import * as state from '../semantics/sse-state.ts'
import type { InsnRow } from './types.ts'

/** The relative error that the manual allows RCPPS and RSQRTPS. */
const APPROXIMATION = 1.5 * 2 ** -12

/** Rows of SSE. */
export const sse: readonly InsnRow[] = [
  // Moves.
  { op: 'NP 0F 10', mnemonic: 'MOVUPS', operands: 'Vps,Wps', lift: move.moveUnaligned, feature: 'sse' },
  { op: 'NP 0F 11', mnemonic: 'MOVUPS', operands: 'Wps,Vps', lift: move.moveUnaligned, feature: 'sse' },
  { op: 'F3 0F 10', mnemonic: 'MOVSS', operands: 'Vss,Wss', lift: move.moveSingle, feature: 'sse' },
  { op: 'F3 0F 11', mnemonic: 'MOVSS', operands: 'Wss,Vss', lift: move.moveSingle, feature: 'sse' },
  { op: 'NP 0F 12', mnemonic: 'MOVLPS', operands: 'Vq,Mq', lift: move.moveHalf(0), feature: 'sse' },
  { op: 'NP 0F 12', mnemonic: 'MOVHLPS', operands: 'Vq,Uq', lift: shuffle.moveHighToLow, feature: 'sse' },
  { op: 'NP 0F 13', mnemonic: 'MOVLPS', operands: 'Mq,Vq', lift: move.moveHalf(0), feature: 'sse' },
  { op: 'NP 0F 16', mnemonic: 'MOVHPS', operands: 'Vq,Mq', lift: move.moveHalf(1), feature: 'sse' },
  { op: 'NP 0F 16', mnemonic: 'MOVLHPS', operands: 'Vq,Uq', lift: shuffle.moveLowToHigh, feature: 'sse' },
  { op: 'NP 0F 17', mnemonic: 'MOVHPS', operands: 'Mq,Vq', lift: move.moveHalf(1), feature: 'sse' },
  { op: 'NP 0F 28', mnemonic: 'MOVAPS', operands: 'Vps,Wps', lift: move.moveAligned, feature: 'sse' },
  { op: 'NP 0F 29', mnemonic: 'MOVAPS', operands: 'Wps,Vps', lift: move.moveAligned, feature: 'sse' },
  { op: 'NP 0F 2B', mnemonic: 'MOVNTPS', operands: 'Mps,Vps', lift: move.moveAligned, feature: 'sse' },
  { op: 'NP 0F 50', mnemonic: 'MOVMSKPS', operands: 'Gd,Ups', lift: move.moveMask(ops.i32x4_bitmask), feature: 'sse' },

  // Logic and interleaving.
  { op: 'NP 0F 54', mnemonic: 'ANDPS', operands: 'Vps,Wps', lift: packed(ops.v128_and), feature: 'sse' },
  { op: 'NP 0F 55', mnemonic: 'ANDNPS', operands: 'Vps,Wps', lift: float.andNot, feature: 'sse' },
  { op: 'NP 0F 56', mnemonic: 'ORPS', operands: 'Vps,Wps', lift: packed(ops.v128_or), feature: 'sse' },
  { op: 'NP 0F 57', mnemonic: 'XORPS', operands: 'Vps,Wps', lift: packed(ops.v128_xor), feature: 'sse' },
  { op: 'NP 0F 14', mnemonic: 'UNPCKLPS', operands: 'Vps,Wps', lift: shuffle.interleaveLow(4), feature: 'sse' },
  { op: 'NP 0F 15', mnemonic: 'UNPCKHPS', operands: 'Vps,Wps', lift: shuffle.interleaveHigh(4), feature: 'sse' },
  { op: 'NP 0F C6', mnemonic: 'SHUFPS', operands: 'Vps,Wps,Ib', lift: shuffle.shuffleSingles, feature: 'sse' },

  // Arithmetic.
  { op: 'NP 0F 58', mnemonic: 'ADDPS', operands: 'Vps,Wps', lift: packed(ops.f32x4_add), feature: 'sse' },
  { op: 'F3 0F 58', mnemonic: 'ADDSS', operands: 'Vss,Wss', lift: float.scalarSingle(ops.f32_add), feature: 'sse' },
  { op: 'NP 0F 59', mnemonic: 'MULPS', operands: 'Vps,Wps', lift: packed(ops.f32x4_mul), feature: 'sse' },
  { op: 'F3 0F 59', mnemonic: 'MULSS', operands: 'Vss,Wss', lift: float.scalarSingle(ops.f32_mul), feature: 'sse' },
  { op: 'NP 0F 5C', mnemonic: 'SUBPS', operands: 'Vps,Wps', lift: packed(ops.f32x4_sub), feature: 'sse' },
  { op: 'F3 0F 5C', mnemonic: 'SUBSS', operands: 'Vss,Wss', lift: float.scalarSingle(ops.f32_sub), feature: 'sse' },
  { op: 'NP 0F 5D', mnemonic: 'MINPS', operands: 'Vps,Wps', lift: packed(ops.f32x4_min), feature: 'sse' },
  { op: 'F3 0F 5D', mnemonic: 'MINSS', operands: 'Vss,Wss', lift: float.scalarSingle(ops.f32_min), feature: 'sse' },
  { op: 'NP 0F 5E', mnemonic: 'DIVPS', operands: 'Vps,Wps', lift: packed(ops.f32x4_div), feature: 'sse' },
  { op: 'F3 0F 5E', mnemonic: 'DIVSS', operands: 'Vss,Wss', lift: float.scalarSingle(ops.f32_div), feature: 'sse' },
  { op: 'NP 0F 5F', mnemonic: 'MAXPS', operands: 'Vps,Wps', lift: packed(ops.f32x4_max), feature: 'sse' },
  { op: 'F3 0F 5F', mnemonic: 'MAXSS', operands: 'Vss,Wss', lift: float.scalarSingle(ops.f32_max), feature: 'sse' },
  { op: 'NP 0F 51', mnemonic: 'SQRTPS', operands: 'Vps,Wps', lift: packedUnary(ops.f32x4_sqrt), feature: 'sse' },
  { op: 'F3 0F 51', mnemonic: 'SQRTSS', operands: 'Vss,Wss', lift: float.sqrtSingle, feature: 'sse' },
  { op: 'NP 0F 52', mnemonic: 'RSQRTPS', operands: 'Vps,Wps', lift: float.reciprocalSqrtPacked, feature: 'sse', approximate: APPROXIMATION },
  { op: 'F3 0F 52', mnemonic: 'RSQRTSS', operands: 'Vss,Wss', lift: float.reciprocalSqrtScalar, feature: 'sse', approximate: APPROXIMATION },
  { op: 'NP 0F 53', mnemonic: 'RCPPS', operands: 'Vps,Wps', lift: float.reciprocalPacked, feature: 'sse', approximate: APPROXIMATION },
  { op: 'F3 0F 53', mnemonic: 'RCPSS', operands: 'Vss,Wss', lift: float.reciprocalScalar, feature: 'sse', approximate: APPROXIMATION },

  // Comparisons.
  { op: 'NP 0F C2', mnemonic: 'CMPPS', operands: 'Vps,Wps,Ib', lift: float.comparePackedSingle, feature: 'sse' },
  { op: 'F3 0F C2', mnemonic: 'CMPSS', operands: 'Vss,Wss,Ib', lift: float.compareScalarSingle, feature: 'sse' },
  { op: 'NP 0F 2E', mnemonic: 'UCOMISS', operands: 'Vss,Wss', lift: float.compareToFlagsSingle(false), feature: 'sse' },
  { op: 'NP 0F 2F', mnemonic: 'COMISS', operands: 'Vss,Wss', lift: float.compareToFlagsSingle(true), feature: 'sse' },

  // Conversions.
  { op: 'F3 0F 2A', mnemonic: 'CVTSI2SS', operands: 'Vss,Ey', lift: convert.integerToSingle, feature: 'sse' },
  { op: 'F3 0F 2C', mnemonic: 'CVTTSS2SI', operands: 'Gy,Wss', lift: convert.singleToInteger(ops.i32_trunc_f32, ops.i64_trunc_f32), feature: 'sse' },
  { op: 'F3 0F 2D', mnemonic: 'CVTSS2SI', operands: 'Gy,Wss', lift: convert.singleToInteger(ops.i32_round_f32, ops.i64_round_f32), feature: 'sse' },

  // State, caches, ordering.
  { op: 'NP 0F AE /0', mnemonic: 'FXSAVE', operands: 'M', lift: state.fxsave, feature: 'fxsr' },
  { op: 'NP REX.W 0F AE /0', mnemonic: 'FXSAVE64', operands: 'M', lift: state.fxsave, feature: 'fxsr' },
  { op: 'NP 0F AE /1', mnemonic: 'FXRSTOR', operands: 'M', lift: state.fxrstor, feature: 'fxsr' },
  { op: 'NP REX.W 0F AE /1', mnemonic: 'FXRSTOR64', operands: 'M', lift: state.fxrstor, feature: 'fxsr' },
  { op: 'NP 0F AE /4', mnemonic: 'XSAVE', operands: 'M', lift: state.xsave, feature: 'xsave' },
  { op: 'NP REX.W 0F AE /4', mnemonic: 'XSAVE64', operands: 'M', lift: state.xsave, feature: 'xsave' },
  { op: 'NP 0F AE /5', mnemonic: 'XRSTOR', operands: 'M', lift: state.xrstor, feature: 'xsave' },
  { op: 'NP REX.W 0F AE /5', mnemonic: 'XRSTOR64', operands: 'M', lift: state.xrstor, feature: 'xsave' },
  { op: 'NP 0F AE /2', mnemonic: 'LDMXCSR', operands: 'Md', lift: state.loadMxcsr, feature: 'sse' },
  { op: 'NP 0F AE /3', mnemonic: 'STMXCSR', operands: 'Md', lift: state.storeMxcsr, feature: 'sse' },
  { op: 'NP 0F AE F8+i', mnemonic: 'SFENCE', operands: '', lift: state.noEffect, feature: 'sse' },
]
