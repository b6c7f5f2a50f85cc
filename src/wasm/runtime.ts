/** Exists to build the small wasm module of functions that all translated code shares: NaN fix-ups, wide products, flag records, and the way in from the engine. */
import { EXIT } from '../ir/exits.ts'
import { far } from './runtime-far.ts'
import { FLAG_KIND } from '../ir/flags.ts'
import { STATE } from '../ir/registers.ts'
import {
  BLOCK_VOID,
  F32,
  F64,
  FunctionBody,
  I32,
  I64,
  ModuleBuilder,
  V128,
  blockResult,
  type ValueType,
} from './encode.ts'
import * as OP from './opcodes.ts'

/** A function that translated modules import: name and signature. `js` ones are the engine's, the others live in the runtime module. */
export interface RuntimeFunction {
  readonly name: string
  readonly parameters: readonly ValueType[]
  readonly results: readonly ValueType[]
  readonly js: boolean
}

const js = (name: string, parameters: ValueType[], results: ValueType[]): RuntimeFunction => ({
  name,
  parameters,
  results,
  js: true,
})
const wasm = (name: string, parameters: ValueType[], results: ValueType[]): RuntimeFunction => ({
  name,
  parameters,
  results,
  js: false,
})

/** The second parameter of `check` and the parameter of `access`, besides the size in bytes. */
export const ACCESS = { store: 256, refundShift: 9 } as const

/** Says to `far` that the window is written to; its low bits are the size in bytes, at most 4096. */
export const FAR_STORE = 0x1_0000

/** In import order: the index of a function is its position. */
export const runtimeFunctions: readonly RuntimeFunction[] = [
  /** (guest pc) -> entry code: slot << 8 | entry, or -1 when no code can be there. Translates when need be. */
  js('resolve', [I32], [I32]),
  /** (entry code of an empty slot) -> entry code, or the complement of the guest address when no code can be there. */
  js('revive', [I32], [I32]),
  /** (fuel left) -> 0 to go on in place, 1 to unwind. */
  js('systemCall', [I32], [I32]),
  /** (size | ACCESS.store); address in STATE.faultAddress -> 0 when the access may proceed, else an EXIT reason. */
  js('access', [I32], [I32]),
  /** (low word of an address in a plain page): makes the plain pages around it the stack zone. */
  js('rezone', [I32], []),
  /** (helper, a, b) -> result. */
  js('helper', [I32, I32, I32], [I32]),
  /** (address, size | ACCESS.store | refund << ACCESS.refundShift, pc) -> 0 when the access may proceed; else 1, and everything about the stop is in the CPU state. */
  wasm('check', [I64, I32, I32], [I32]),
  /** (reason, refund, pc): notes a stop. */
  wasm('stop', [I32, I32, I32], []),
  /** (address): notes a stop with rip where no code can be. */
  wasm('wild', [I64], []),
  /**
   * (address, bytes | FAR_STORE, zone start, zone room) -> (bad, zone start, zone room): a window that does not lie in its remembered zone. Bad when one of its
   * pages cannot be accessed plainly; otherwise often a new zone, whose room is the number of
   * addresses at which the window may start: 0 before there is a zone.
   */
  wasm('far', [I64, I32, I64, I64], [I32, I64, I64]),
  /** (address, bytes) -> 0 when all pages of a stack window are plain, else 1. */
  wasm('zone', [I64, I32], [I32]),
  wasm('nanF64', [F64, F64], [F64]),
  wasm('nanF32', [F32, F32], [F32]),
  wasm('nanF64x2', [V128, V128, V128], [V128]),
  wasm('nanF32x4', [V128, V128, V128], [V128]),
  wasm('mulhiU', [I64, I64], [I64]),
  wasm('mulhiS', [I64, I64], [I64]),
  wasm('materialize', [I32, I64, I64], [I32]),
  wasm('nanDemote', [F64], [F32]),
  wasm('nanPromote', [F32], [F64]),
  wasm('truncF32x4', [V128], [V128]),
  wasm('truncF64x2', [V128], [V128]),
  wasm('demoteF64x2', [V128], [V128]),
  wasm('promoteF32x4', [V128], [V128]),
]

/** Import index of a runtime function by name. */
export const RUNTIME: Readonly<Record<string, number>> = Object.fromEntries(runtimeFunctions.map((f, i) => [f.name, i]))

/** The type of every translated region: (label, fuel, depth) -> (pc, fuel). */
export const REGION_PARAMETERS: readonly ValueType[] = [I32, I32, I32]
export const REGION_RESULTS: readonly ValueType[] = [I32, I32]

/** Declares memory, table and the runtime imports in a module builder, in the fixed order. */
export function importRuntime(m: ModuleBuilder, memoryPages: number): void {
  m.importMemory('l', 'memory', memoryPages, memoryPages)
  m.importTable('l', 'table', 0)
  for (const f of runtimeFunctions) m.importFunction('l', f.name, m.type(f.parameters, f.results))
}

type Emit = (f: FunctionBody) => void

/** The bytes of the runtime module: exports every function that is not the engine's, and `enter(code, fuel, depth) -> pc`, which leaves the fuel at STATE.fuelLeft. */
export function runtimeModule(memoryPages: number, stateBase: number, attributesBase: number, refundBase: number, missesBase: number): Uint8Array<ArrayBuffer> {
  const m = new ModuleBuilder()
  m.importMemory('l', 'memory', memoryPages, memoryPages)
  m.importTable('l', 'table', 0)
  m.importFunction('l', 'access', m.type([I32], [I32]))
  m.importFunction('l', 'rezone', m.type([I32], []))
  const region = m.type(REGION_PARAMETERS, REGION_RESULTS)
  const define = (name: string, parameters: readonly ValueType[], results: readonly ValueType[], emit: Emit): void => {
    const f = new FunctionBody(parameters.length)
    emit(f)
    m.exportFunction(name, m.add(m.type(parameters, results), f))
  }
  const runtime = (name: string, emit: Emit): void => {
    const { parameters, results } = runtimeFunctions[RUNTIME[name]!]!
    define(name, parameters, results, emit)
  }
  runtime('check', (f) => check(f, stateBase, attributesBase))
  runtime('stop', (f) => stop(f, stateBase, refundBase))
  runtime('wild', (f) => wild(f, stateBase))
  runtime('far', (f) => far(f, attributesBase, missesBase))
  runtime('zone', (f) => zone(f, attributesBase))
  runtime('nanF64', (f) => scalarNan(f, true))
  runtime('nanF32', (f) => scalarNan(f, false))
  runtime('nanF64x2', (f) => vectorNan(f, true))
  runtime('nanF32x4', (f) => vectorNan(f, false))
  runtime('mulhiU', mulhiU)
  runtime('mulhiS', mulhiS)
  runtime('materialize', materialize)
  runtime('nanDemote', nanDemote)
  runtime('nanPromote', nanPromote)
  runtime('truncF32x4', truncF32x4)
  runtime('truncF64x2', truncF64x2)
  runtime('demoteF64x2', (f) => lanewise(f, 'demote'))
  runtime('promoteF32x4', (f) => lanewise(f, 'promote'))
  define('enter', [I32, I32, I32], [I32], (f) => {
    const fuel = f.local(I32)
    const pc = f.local(I32)
    f.localGet(0)
    f.i32Const(255)
    f.op(OP.i32_and)
    f.localGet(1)
    f.localGet(2)
    f.localGet(0)
    f.i32Const(8)
    f.op(OP.i32_shr_u)
    f.callIndirect(region, 0)
    f.localSet(fuel)
    f.localSet(pc)
    f.i32Const(0)
    f.localGet(fuel)
    f.opMemory(OP.i32_store, 2, stateBase + STATE.fuelLeft)
    f.localGet(pc)
  })
  return m.finish()
}

/** Quiet NaN of the first NaN operand, else the default NaN: negative, quiet, no payload (Intel SDM vol. 1, 4.8.3.5). */
function scalarNan(f: FunctionBody, wide: boolean): void {
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
function vectorNan(f: FunctionBody, wide: boolean): void {
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
function mulhiU(f: FunctionBody): void {
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
function mulhiS(f: FunctionBody): void {
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

/** Function indices inside the runtime module: its imports, then definition order. */
const RUNTIME_LOCAL = { access: 0, rezone: 1, stop: 3, mulhiU: 11, nanDemote: 14, nanPromote: 15 } as const

/** A stack window outside of the zone: plain pages make a new zone; others are for the single accesses to find out about. */
function zone(f: FunctionBody, attributesBase: number): void {
  const low = f.local(I32)
  f.localGet(0)
  f.i64Const(32, 0)
  f.op(OP.i64_shr_u)
  f.i64Const(0, 0)
  f.op(OP.i64_ne)
  f.opBlock(OP.if, BLOCK_VOID)
  f.i32Const(1)
  f.op(OP.return)
  f.op(OP.end)
  f.localGet(0)
  f.op(OP.i32_wrap_i64)
  f.localTee(low)
  f.i32Const(12)
  f.op(OP.i32_shr_u)
  f.opMemory(OP.i32_load8_u, 0, attributesBase)
  f.localGet(low)
  f.localGet(1)
  f.op(OP.i32_add)
  f.i32Const(1)
  f.op(OP.i32_sub)
  f.i32Const(12)
  f.op(OP.i32_shr_u)
  f.opMemory(OP.i32_load8_u, 0, attributesBase)
  f.op(OP.i32_or)
  f.opBlock(OP.if, BLOCK_VOID)
  f.i32Const(1)
  f.op(OP.return)
  f.op(OP.end)
  f.localGet(low)
  f.opIndex(OP.call, RUNTIME_LOCAL.rezone)
  f.i32Const(0)
}

/** An access that the fast path did not allow: both pages may be plain after all; otherwise the engine decides. */
function check(f: FunctionBody, stateBase: number, attributesBase: number): void {
  const low = f.local(I32)
  f.localGet(0)
  f.i64Const(32, 0)
  f.op(OP.i64_shr_u)
  f.op(OP.i64_eqz)
  f.opBlock(OP.if, BLOCK_VOID)
  f.localGet(0)
  f.op(OP.i32_wrap_i64)
  f.localTee(low)
  f.i32Const(12)
  f.op(OP.i32_shr_u)
  f.opMemory(OP.i32_load8_u, 0, attributesBase)
  f.localGet(low)
  f.localGet(1)
  f.i32Const(255)
  f.op(OP.i32_and)
  f.op(OP.i32_add)
  f.i32Const(1)
  f.op(OP.i32_sub)
  f.i32Const(12)
  f.op(OP.i32_shr_u)
  f.opMemory(OP.i32_load8_u, 0, attributesBase)
  f.op(OP.i32_or)
  // A load asks for one bit, a store for all.
  f.i32Const(255)
  f.i32Const(1)
  f.localGet(1)
  f.i32Const(ACCESS.store)
  f.op(OP.i32_and)
  f.op(OP.select)
  f.op(OP.i32_and)
  f.op(OP.i32_eqz)
  f.opBlock(OP.if, BLOCK_VOID)
  f.i32Const(0)
  f.op(OP.return)
  f.op(OP.end)
  f.op(OP.end)
  f.i32Const(0)
  f.localGet(0)
  f.opMemory(OP.i64_store, 3, stateBase + STATE.faultAddress)
  f.localGet(1)
  f.i32Const((1 << ACCESS.refundShift) - 1)
  f.op(OP.i32_and)
  f.opIndex(OP.call, RUNTIME_LOCAL.access)
  f.localTee(low)
  f.opBlock(OP.if, blockResult(I32))
  f.localGet(low)
  f.localGet(1)
  f.i32Const(ACCESS.refundShift)
  f.op(OP.i32_shr_u)
  f.localGet(2)
  f.opIndex(OP.call, RUNTIME_LOCAL.stop)
  f.i32Const(1)
  f.op(OP.else)
  f.i32Const(0)
  f.op(OP.end)
}

/** Parameters reason, refund, pc. */
function stop(f: FunctionBody, stateBase: number, refundBase: number): void {
  f.i32Const(0)
  f.localGet(0)
  f.opMemory(OP.i32_store, 2, stateBase + STATE.exitReason)
  f.i32Const(0)
  f.localGet(1)
  f.opMemory(OP.i32_store, 2, refundBase)
  f.i32Const(0)
  f.localGet(2)
  f.op(OP.i64_extend_i32_u)
  f.opMemory(OP.i64_store, 3, stateBase + STATE.rip)
}

function wild(f: FunctionBody, stateBase: number): void {
  f.i32Const(0)
  f.localGet(0)
  f.opMemory(OP.i64_store, 3, stateBase + STATE.rip)
  f.i32Const(0)
  f.i32Const(EXIT.fetchFault)
  f.opMemory(OP.i32_store, 2, stateBase + STATE.exitReason)
}

/** Arithmetic flags in EFLAGS positions from a record (kind, A, B); see ir/flags.ts. */
function materialize(f: FunctionBody): void {
  const [kind, shift, result, sign, bits] = [f.local(I32), f.local(I64), f.local(I64), f.local(I64), f.local(I32)]
  f.localGet(0)
  f.i32Const(2)
  f.op(OP.i32_shr_u)
  f.localTee(kind!)
  f.op(OP.i32_eqz)
  f.opBlock(OP.if, BLOCK_VOID)
  f.localGet(1)
  f.op(OP.i32_wrap_i64)
  f.op(OP.return)
  f.op(OP.end)
  // shift = 64 - width, so that everything is compared at the top of 64 bits.
  f.i64Const(64, 0)
  f.i64Const(8, 0)
  f.localGet(0)
  f.i32Const(3)
  f.op(OP.i32_and)
  f.op(OP.i64_extend_i32_u)
  f.op(OP.i64_shl)
  f.op(OP.i64_sub)
  f.localSet(shift!)
  const isKind = (k: number): void => {
    f.localGet(kind!)
    f.i32Const(k)
    f.op(OP.i32_eq)
  }
  const orBits = (emit: () => void, position: number): void => {
    f.localGet(bits!)
    emit()
    f.i32Const(position)
    f.op(OP.i32_shl)
    f.op(OP.i32_or)
    f.localSet(bits!)
  }
  /** (x << shift) < 0 as i32, of the value in local x. */
  const negative = (x: number): void => {
    f.localGet(x)
    f.localGet(shift!)
    f.op(OP.i64_shl)
    f.i64Const(0, 0)
    f.op(OP.i64_lt_s)
  }
  f.localGet(1)
  f.localSet(result!)
  for (const [k, op] of [
    [FLAG_KIND.add, OP.i64_add],
    [FLAG_KIND.sub, OP.i64_sub],
  ] as const) {
    isKind(k)
    f.opBlock(OP.if, BLOCK_VOID)
    f.localGet(1)
    f.localGet(2)
    f.op(op)
    f.localSet(result!)
    // Carry: unsigned result below a (add), a below b (sub), at the operand's width.
    orBits(() => {
      if (k === FLAG_KIND.add) {
        f.localGet(result!)
        f.localGet(shift!)
        f.op(OP.i64_shl)
        f.localGet(1)
      } else {
        f.localGet(1)
        f.localGet(shift!)
        f.op(OP.i64_shl)
        f.localGet(2)
      }
      f.localGet(shift!)
      f.op(OP.i64_shl)
      f.op(OP.i64_lt_u)
    }, 0)
    // Overflow: add (a^r)&(b^r), sub (a^b)&(a^r).
    f.localGet(1)
    f.localGet(result!)
    f.op(OP.i64_xor)
    f.localGet(k === FLAG_KIND.add ? 2 : 1)
    f.localGet(k === FLAG_KIND.add ? result! : 2)
    f.op(OP.i64_xor)
    f.op(OP.i64_and)
    f.localSet(sign!)
    orBits(() => negative(sign!), 11)
    // Auxiliary carry: bit 4 of a ^ b ^ r.
    orBits(() => {
      f.localGet(1)
      f.localGet(2)
      f.op(OP.i64_xor)
      f.localGet(result!)
      f.op(OP.i64_xor)
      f.op(OP.i32_wrap_i64)
      f.i32Const(4)
      f.op(OP.i32_shr_u)
      f.i32Const(1)
      f.op(OP.i32_and)
    }, 4)
    f.op(OP.end)
  }
  isKind(FLAG_KIND.result)
  f.opBlock(OP.if, BLOCK_VOID)
  f.localGet(2)
  f.op(OP.i32_wrap_i64)
  f.localSet(bits!)
  f.op(OP.end)
  for (const k of [FLAG_KIND.inc, FLAG_KIND.dec]) {
    isKind(k)
    f.opBlock(OP.if, BLOCK_VOID)
    f.localGet(2)
    f.op(OP.i32_wrap_i64)
    f.i32Const(1)
    f.op(OP.i32_and)
    f.localSet(bits!)
    // inc overflows to the minimum, dec to the maximum: shifted, the minimum is 1 << 63 and ~maximum likewise.
    orBits(() => {
      f.localGet(1)
      if (k === FLAG_KIND.dec) {
        f.i64Const(1, 0)
        f.op(OP.i64_add)
      }
      f.localGet(shift!)
      f.op(OP.i64_shl)
      f.i64Const(0, 0x80000000)
      f.op(OP.i64_eq)
    }, 11)
    orBits(() => {
      f.localGet(1)
      f.op(OP.i32_wrap_i64)
      f.i32Const(15)
      f.op(OP.i32_and)
      f.i32Const(k === FLAG_KIND.inc ? 0 : 15)
      f.op(OP.i32_eq)
    }, 4)
    f.op(OP.end)
  }
  orBits(() => negative(result!), 7)
  orBits(() => {
    f.localGet(result!)
    f.localGet(shift!)
    f.op(OP.i64_shl)
    f.op(OP.i64_eqz)
  }, 6)
  orBits(() => {
    f.localGet(result!)
    f.op(OP.i32_wrap_i64)
    f.i32Const(255)
    f.op(OP.i32_and)
    f.op(OP.i32_popcnt)
    f.i32Const(1)
    f.op(OP.i32_and)
    f.op(OP.i32_eqz)
  }, 2)
  f.localGet(bits!)
}

/** CVTSD2SS of a NaN: sign and the upper payload bits kept, quiet. */
function nanDemote(f: FunctionBody): void {
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
function nanPromote(f: FunctionBody): void {
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
function truncF32x4(f: FunctionBody): void {
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
function truncF64x2(f: FunctionBody): void {
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
function lanewise(f: FunctionBody, kind: 'demote' | 'promote'): void {
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
