/** Exists to give floating-point ops x86 results on every host: WebAssembly leaves NaN payloads and out-of-range conversions to others. */
import { ops, type OpRow } from '../ir/ops.ts'
import type { Node } from '../ir/types.ts'
import { F32, F64, V128, blockResult, type ValueType } from './encode.ts'
import type { ValueLowering } from './lower-value.ts'
import * as OP from './opcodes.ts'
import { RUNTIME } from './runtime.ts'

type Special = (v: ValueLowering, node: Node) => void

/** Ops lowered here. */
export const specials = new Map<OpRow, Special>()

interface FloatType {
  type: ValueType
  ne: number
  nan: number
}
const f64: FloatType = { type: F64, ne: OP.f64_ne, nan: RUNTIME.nanF64! }
const f32: FloatType = { type: F32, ne: OP.f32_ne, nan: RUNTIME.nanF32! }
const f64x2: FloatType = { type: V128, ne: OP.f64x2_ne, nan: RUNTIME.nanF64x2! }
const f32x4: FloatType = { type: V128, ne: OP.f32x4_ne, nan: RUNTIME.nanF32x4! }

/** The value of `node` in a local, however it is held. */
function operand(v: ValueLowering, node: Node): number {
  return v.localOf(node)
}

/** r = op(operands); where r is NaN, the x86 NaN of the operands instead. */
function withNan(t: FloatType, opcode: number, unary: boolean): Special {
  return (v, node) => {
    const f = v.region.body
    const a = operand(v, node.a!)
    const b = unary ? a : operand(v, node.b!)
    const r = v.local(t.type)
    f.localGet(a)
    if (!unary) f.localGet(b)
    f.op(opcode)
    f.localTee(r)
    f.localGet(r)
    f.op(t.ne)
    if (t.type === V128) f.op(t === f64x2 ? OP.i64x2_bitmask : OP.i32x4_bitmask)
    f.hint(false)
    f.opBlock(OP.if, blockResult(t.type))
    f.localGet(a)
    f.localGet(b)
    if (t.type === V128) f.localGet(r)
    f.opIndex(OP.call, t.nan)
    f.op(OP.else)
    f.localGet(r)
    f.op(OP.end)
  }
}

/** For looking opcodes up by name. */
const opcodes = { ...OP }

for (const [t, name] of [
  [f64, 'f64'],
  [f32, 'f32'],
  [f64x2, 'f64x2'],
  [f32x4, 'f32x4'],
] as const) {
  for (const op of ['add', 'sub', 'mul', 'div'] as const)
    specials.set(ops[`${name}_${op}`], withNan(t, opcodes[`${name}_${op}`], false))
  specials.set(ops[`${name}_sqrt`], withNan(t, opcodes[`${name}_sqrt`], true))
  for (const op of ['nearest', 'ceil', 'floor', 'trunc'] as const)
    specials.set(ops[`${name}_${op}`], withNan(t, opcodes[`${name}_${op}`], true))
}

/** MINSx: a < b ? a : b, so that NaN and equal zeros give b. */
function scalarMinMax(compare: number): Special {
  return (v, node) => {
    const f = v.region.body
    const a = operand(v, node.a!)
    const b = operand(v, node.b!)
    f.localGet(a)
    f.localGet(b)
    f.localGet(a)
    f.localGet(b)
    f.op(compare)
    f.op(OP.select)
  }
}
specials.set(ops.f64_min, scalarMinMax(OP.f64_lt))
specials.set(ops.f64_max, scalarMinMax(OP.f64_gt))
specials.set(ops.f32_min, scalarMinMax(OP.f32_lt))
specials.set(ops.f32_max, scalarMinMax(OP.f32_gt))

/** Wasm's pseudo-minimum is MINPx with its operands exchanged. */
function vectorMinMax(opcode: number): Special {
  return (v, node) => {
    v.emit(node.b!)
    v.emit(node.a!)
    v.region.body.op(opcode)
  }
}
// Operands may be inlined only in program order, which is immaterial here: they are pure.
specials.set(ops.f64x2_min, vectorMinMax(OP.f64x2_pmin))
specials.set(ops.f64x2_max, vectorMinMax(OP.f64x2_pmax))
specials.set(ops.f32x4_min, vectorMinMax(OP.f32x4_pmin))
specials.set(ops.f32x4_max, vectorMinMax(OP.f32x4_pmax))

interface Range {
  /** Pushes the bounds; a value is in range when low < x (or low <= x where inclusive) and x < high. */
  low: (v: ValueLowering) => void
  high: (v: ValueLowering) => void
  above: number
  below: number
}

function toInteger(t: FloatType, wide: boolean, round: boolean): Special {
  const is64 = t === f64
  const range: Range = is64
    ? {
        low: (v) => (wide ? v.region.body.f64Const(0, 0xc3e00000) : v.region.body.f64Const(0x00200000, 0xc1e00000)),
        high: (v) => (wide ? v.region.body.f64Const(0, 0x43e00000) : v.region.body.f64Const(0, 0x41e00000)),
        above: wide ? OP.f64_ge : OP.f64_gt,
        below: OP.f64_lt,
      }
    : {
        low: (v) => v.region.body.f32Const(wide ? 0xdf000000 : 0xcf000000),
        high: (v) => v.region.body.f32Const(wide ? 0x5f000000 : 0x4f000000),
        above: OP.f32_ge,
        below: OP.f32_lt,
      }
  const trunc = is64
    ? wide
      ? OP.i64_trunc_sat_f64_s
      : OP.i32_trunc_sat_f64_s
    : wide
      ? OP.i64_trunc_sat_f32_s
      : OP.i32_trunc_sat_f32_s
  return (v, node) => {
    const f = v.region.body
    let a: number
    if (round) {
      a = v.local(t.type)
      v.emit(node.a!)
      f.op(is64 ? OP.f64_nearest : OP.f32_nearest)
      f.localSet(a)
    } else a = operand(v, node.a!)
    f.localGet(a)
    f.op(trunc)
    if (wide) f.i64Const(0, 0x80000000)
    else f.i32Const(0x80000000)
    f.localGet(a)
    range.low(v)
    f.op(range.above)
    f.localGet(a)
    range.high(v)
    f.op(range.below)
    f.op(OP.i32_and)
    f.op(OP.select)
  }
}
specials.set(ops.i32_trunc_f64, toInteger(f64, false, false))
specials.set(ops.i64_trunc_f64, toInteger(f64, true, false))
specials.set(ops.i32_trunc_f32, toInteger(f32, false, false))
specials.set(ops.i64_trunc_f32, toInteger(f32, true, false))
specials.set(ops.i32_round_f64, toInteger(f64, false, true))
specials.set(ops.i64_round_f64, toInteger(f64, true, true))
specials.set(ops.i32_round_f32, toInteger(f32, false, true))
specials.set(ops.i64_round_f32, toInteger(f32, true, true))

/** Between f32 and f64: a NaN keeps sign and payload, quieted. */
function convert(from: FloatType, to: FloatType, opcode: number, nan: number): Special {
  return (v, node) => {
    const f = v.region.body
    const a = operand(v, node.a!)
    f.localGet(a)
    f.localGet(a)
    f.op(from.ne)
    f.hint(false)
    f.opBlock(OP.if, blockResult(to.type))
    f.localGet(a)
    f.opIndex(OP.call, nan)
    f.op(OP.else)
    f.localGet(a)
    f.op(opcode)
    f.op(OP.end)
  }
}
specials.set(ops.f32_demote_f64, convert(f64, f32, OP.f32_demote_f64, RUNTIME.nanDemote!))
specials.set(ops.f64_promote_f32, convert(f32, f64, OP.f64_promote_f32, RUNTIME.nanPromote!))

function byCall(index: number, before: number | null): Special {
  return (v, node) => {
    v.emit(node.a!)
    if (before !== null) v.region.body.op(before)
    v.region.body.opIndex(OP.call, index)
  }
}
specials.set(ops.i32x4_trunc_f32x4, byCall(RUNTIME.truncF32x4!, null))
specials.set(ops.i32x4_round_f32x4, byCall(RUNTIME.truncF32x4!, OP.f32x4_nearest))
specials.set(ops.i32x4_trunc_f64x2, byCall(RUNTIME.truncF64x2!, null))
specials.set(ops.i32x4_round_f64x2, byCall(RUNTIME.truncF64x2!, OP.f64x2_nearest))
specials.set(ops.f32x4_demote_f64x2, byCall(RUNTIME.demoteF64x2!, null))
specials.set(ops.f64x2_promote_low_f32x4, byCall(RUNTIME.promoteF32x4!, null))

/** Pushes the value of an op of `specials`. */
export function emitSpecial(v: ValueLowering, node: Node): void {
  specials.get(node.op)!(v, node)
}
