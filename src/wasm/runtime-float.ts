/** Exists to build the runtime functions that give floating point and wide products x86's results where WebAssembly has none. */
import { BLOCK_VOID, F32, F64, type FunctionBody, I64, blockResult } from './encode.ts'
import * as OP from './opcodes.ts'
import { RUNTIME_LOCAL } from './runtime-index.ts'

/** Quiet NaN of the first NaN operand, else the default NaN: negative, quiet, no payload (Intel SDM vol. 1, 4.8.3.5). */
export function scalarNan(f: FunctionBody, wide: boolean): void {
  const [ne, reinterpret, back, or] = wide
    ? [OP.f64_ne, OP.i64_reinterpret_f64, OP.f64_reinterpret_i64, OP.i64_or]
    : [OP.f32_ne, OP.i32_reinterpret_f32, OP.f32_reinterpret_i32, OP.i32_or]
  const quietBit = (): void => (wide ? f.i64Const(0, 0x80000) : f.i32Const(0x400000))
  for (const operand of [0, 1]) {
    f.localGet(operand)
    f.localGet(operand)
    f.op(ne)
    f.opBlock(OP.if, BLOCK_VOID)
    f.localGet(operand)
    f.op(reinterpret)
    quietBit()
    f.op(or)
    f.op(back)
    f.op(OP.return)
    f.op(OP.end)
  }
  if (wide) f.f64Const(0, 0xfff80000)
  else f.f32Const(0xffc00000)
}

/** Lane by lane: result where it is a number, else as `scalarNan`. Parameters a, b, r. */
export function vectorNan(f: FunctionBody, wide: boolean): void {
  const eq = wide ? OP.f64x2_eq : OP.f32x4_eq
  const quiet = (): void =>
    wide ? f.v128Const(0, 0x80000, 0, 0x80000) : f.v128Const(0x400000, 0x400000, 0x400000, 0x400000)
  const defaults = (): void =>
    wide ? f.v128Const(0, 0xfff80000, 0, 0xfff80000) : f.v128Const(0xffc00000, 0xffc00000, 0xffc00000, 0xffc00000)
  const isNumber = (x: number): void => {
    f.localGet(x)
    f.localGet(x)
    f.op(eq)
  }
  const quieted = (x: number): void => {
    f.localGet(x)
    quiet()
    f.op(OP.v128_or)
  }
  // bitselect(r, bitselect(bitselect(default, quiet b, b == b), quiet a, a == a), r == r)
  f.localGet(2)
  defaults()
  quieted(1)
  isNumber(1)
  f.op(OP.v128_bitselect)
  quieted(0)
  isNumber(0)
  f.op(OP.v128_bitselect)
  isNumber(2)
  f.op(OP.v128_bitselect)
}

/** High 64 bits of the unsigned 128-bit product by four 32-bit products. */
export function mulhiU(f: FunctionBody): void {
  const [al, ah, bl, bh, t, u] = [f.local(I64), f.local(I64), f.local(I64), f.local(I64), f.local(I64), f.local(I64)]
  const low = (from: number, to: number): void => {
    f.localGet(from)
    f.i64Const(-1, 0)
    f.op(OP.i64_and)
    f.localSet(to)
  }
  const high = (from: number): void => {
    f.localGet(from)
    f.i64Const(32, 0)
    f.op(OP.i64_shr_u)
  }
  low(0, al!)
  low(1, bl!)
  high(0)
  f.localSet(ah!)
  high(1)
  f.localSet(bh!)
  const product = (x: number, y: number): void => {
    f.localGet(x)
    f.localGet(y)
    f.op(OP.i64_mul)
  }
  // t = ah*bl + (al*bl >> 32); u = al*bh + low(t); result = ah*bh + (t >> 32) + (u >> 32)
  product(ah!, bl!)
  product(al!, bl!)
  f.i64Const(32, 0)
  f.op(OP.i64_shr_u)
  f.op(OP.i64_add)
  f.localSet(t!)
  product(al!, bh!)
  f.localGet(t!)
  f.i64Const(-1, 0)
  f.op(OP.i64_and)
  f.op(OP.i64_add)
  f.localSet(u!)
  product(ah!, bh!)
  high(t!)
  f.op(OP.i64_add)
  high(u!)
  f.op(OP.i64_add)
}

/** Signed from unsigned: subtract the other factor for each negative one. */
export function mulhiS(f: FunctionBody): void {
  f.localGet(0)
  f.localGet(1)
  f.opIndex(OP.call, RUNTIME_LOCAL.mulhiU)
  for (const [sign, other] of [
    [0, 1],
    [1, 0],
  ] as const) {
    f.localGet(sign)
    f.i64Const(63, 0)
    f.op(OP.i64_shr_s)
    f.localGet(other)
    f.op(OP.i64_and)
    f.op(OP.i64_sub)
  }
}

/** CVTSD2SS of a NaN: sign and the upper payload bits kept, quiet. */
export function nanDemote(f: FunctionBody): void {
  const bits = f.local(I64)
  f.localGet(0)
  f.op(OP.i64_reinterpret_f64)
  f.localTee(bits)
  f.i64Const(32, 0)
  f.op(OP.i64_shr_u)
  f.op(OP.i32_wrap_i64)
  f.i32Const(0x80000000)
  f.op(OP.i32_and)
  f.localGet(bits)
  f.i64Const(29, 0)
  f.op(OP.i64_shr_u)
  f.op(OP.i32_wrap_i64)
  f.i32Const(0x3fffff)
  f.op(OP.i32_and)
  f.op(OP.i32_or)
  f.i32Const(0x7fc00000)
  f.op(OP.i32_or)
  f.op(OP.f32_reinterpret_i32)
}

/** CVTSS2SD of a NaN: sign and payload kept, quiet. */
export function nanPromote(f: FunctionBody): void {
  const bits = f.local(I64)
  f.localGet(0)
  f.op(OP.i32_reinterpret_f32)
  f.op(OP.i64_extend_i32_u)
  f.localTee(bits)
  f.i64Const(0x80000000, 0)
  f.op(OP.i64_and)
  f.i64Const(32, 0)
  f.op(OP.i64_shl)
  f.localGet(bits)
  f.i64Const(0x3fffff, 0)
  f.op(OP.i64_and)
  f.i64Const(29, 0)
  f.op(OP.i64_shl)
  f.op(OP.i64_or)
  f.i64Const(0, 0x7ff80000)
  f.op(OP.i64_or)
  f.op(OP.f64_reinterpret_i64)
}

/** CVTTPS2DQ: lanes out of range, and NaN, give 0x80000000. */
export function truncF32x4(f: FunctionBody): void {
  f.localGet(0)
  f.op(OP.i32x4_trunc_sat_f32x4_s)
  f.v128Const(0x80000000, 0x80000000, 0x80000000, 0x80000000)
  f.localGet(0)
  f.v128Const(0xcf000000, 0xcf000000, 0xcf000000, 0xcf000000)
  f.op(OP.f32x4_ge)
  f.localGet(0)
  f.v128Const(0x4f000000, 0x4f000000, 0x4f000000, 0x4f000000)
  f.op(OP.f32x4_lt)
  f.op(OP.v128_and)
  f.op(OP.v128_bitselect)
}

/** CVTTPD2DQ: two results in the low lanes, the high lanes zero. */
export function truncF64x2(f: FunctionBody): void {
  f.localGet(0)
  f.op(OP.i32x4_trunc_sat_f64x2_s_zero)
  f.v128Const(0x80000000, 0x80000000, 0, 0)
  f.localGet(0)
  f.v128Const(0x00200000, 0xc1e00000, 0x00200000, 0xc1e00000)
  f.op(OP.f64x2_gt)
  f.localGet(0)
  f.v128Const(0, 0x41e00000, 0, 0x41e00000)
  f.op(OP.f64x2_lt)
  f.op(OP.v128_and)
  f.v128Const(0, 0, 0, 0)
  f.shuffle([0, 1, 2, 3, 8, 9, 10, 11, 16, 16, 16, 16, 16, 16, 16, 16])
  f.op(OP.v128_bitselect)
}

/** CVTPD2PS and CVTPS2PD with x86 NaNs, one lane after the other. */
export function lanewise(f: FunctionBody, kind: 'demote' | 'promote'): void {
  const value = f.local(kind === 'demote' ? F64 : F32)
  f.v128Const(0, 0, 0, 0)
  for (const lane of [0, 1]) {
    f.localGet(0)
    f.opLane(kind === 'demote' ? OP.f64x2_extract_lane : OP.f32x4_extract_lane, lane)
    f.localTee(value)
    f.localGet(value)
    f.op(kind === 'demote' ? OP.f64_eq : OP.f32_eq)
    f.opBlock(OP.if, blockResult(kind === 'demote' ? F32 : F64))
    f.localGet(value)
    f.op(kind === 'demote' ? OP.f32_demote_f64 : OP.f64_promote_f32)
    f.op(OP.else)
    f.localGet(value)
    f.opIndex(OP.call, kind === 'demote' ? RUNTIME_LOCAL.nanDemote : RUNTIME_LOCAL.nanPromote)
    f.op(OP.end)
    f.opLane(kind === 'demote' ? OP.f32x4_replace_lane : OP.f64x2_replace_lane, lane)
  }
}
