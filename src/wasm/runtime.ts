/** Exists to build the small wasm module of functions that all translated code shares: NaN fix-ups, wide products, flag records, and the way in from the engine. */
import { far } from './runtime-far.ts'
import { STATE } from '../ir/registers.ts'
import { F32, F64, FunctionBody, I32, I64, ModuleBuilder, V128, type ValueType } from './encode.ts'
import * as OP from './opcodes.ts'
import { point } from './runtime-points.ts'
import { claim, flagsUndefined, moved, type Shadow } from './runtime-shadow.ts'
import { checkClean, enterClean, leaveClean } from './runtime-clean.ts'
import { type Addressable, check, stop, wild, zone } from './runtime-access.ts'
import { materialize } from './runtime-flags.ts'
import {
  lanewise,
  mulhiS,
  mulhiU,
  nanDemote,
  nanPromote,
  scalarNan,
  truncF32x4,
  truncF64x2,
  vectorNan,
} from './runtime-float.ts'
import { resolve, type JumpCaches } from './runtime-jumps.ts'

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

/** The second parameter of `far`, besides the window's size in bytes (at most 4096): is it written to, and the bytes that windows of its zone may span. */
export const FAR = { store: 0x8000, reachShift: 16 } as const

/** In import order: the index of a function is its position. */
export const runtimeFunctions: readonly RuntimeFunction[] = [
  /** (guest pc) -> entry code: slot << 8 | entry, or -1 when no code can be there. Translates when need be. */
  wasm('resolve', [I32], [I32]),
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
   * (address, bytes | FAR.store | reach << FAR.reachShift, address of the zone): makes what lies around a window that can be accessed plainly its zone.
   */
  wasm('far', [I64, I32, I32], []),
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
  /** (fuel left), at the entry of an intercepted function -> the address to go on at, 0 to unwind, or -1: not answered. */
  js('intercept', [I32], [I32]),
  /** (address, stack pointer, POINT | refund << POINT.refundShift, pc, fuel left) -> 0 to go on, or 1 to stop: the task has used up its points, or the log is full. */
  wasm('point', [I64, I64, I32, I32, I32], [I32]),
  /** (USE | registers << USE_SHIFT, refund, pc) -> 0 to go on, 1 to stop: something depends on undefined bits. */
  js('undefined', [I32, I32, I32], [I32]),
  /** (address, size | ACCESS.store | refund << ACCESS.refundShift, pc), of an access to guarded bytes -> 0 to go on, 1 to stop, 2 to go on with what is defined. */
  js('guarded', [I32, I32, I32], [I32]),
  /** (stack pointer, bytes): that many bytes from 128 below it on become undefined. */
  wasm('claim', [I64, I32], []),
  /** (stack pointer before, now): the same for what it was lowered by, unless that was too far to be meant as room. */
  wasm('moved', [I64, I64], []),
  /** (kind, operands, V bits, condition) of a flag record -> what is undefined of the condition; see ops.flags_undefined. */
  wasm('flagsUndefined', [I32, V128, V128, I32], [I32]),
  /** (guest pc, entry code of the clean region that cannot go on there) -> entry code of full code, or a negative number to leave for the run loop. */
  js('deopt', [I32, I32], [I32]),
  /** () -> the word of registers that may be undefined (ir/clean.ts), from their mirrors if need be: for clean code that is entered. */
  wasm('enterClean', [], [I64]),
  /** Full code is entered: the mirrors become exact. */
  wasm('leaveClean', [], []),
  /** As `check`, for clean code: 1, too, if what is loaded is undefined or what is written guarded, and it goes on in full code (ir/clean.ts). What is written becomes defined. */
  wasm('checkClean', [I64, I32, I32], [I32]),
]

/** Where the set of registers begins in the first parameter of `undefined`. */
export const USE_SHIFT = 4

/** Import index of a runtime function by name. */
export const RUNTIME: Readonly<Record<string, number>> = Object.fromEntries(runtimeFunctions.map((f, i) => [f.name, i]))

/** The type of every translated region: (entry code, fuel, depth) -> (pc, fuel). */
export const REGION_PARAMETERS: readonly ValueType[] = [I32, I32, I32]
export const REGION_RESULTS: readonly ValueType[] = [I32, I32]

/** Declares memory, table and the runtime imports in a module builder, in the fixed order. */
export function importRuntime(m: ModuleBuilder, memoryPages: number): void {
  m.importMemory('l', 'memory', memoryPages, MOST_PAGES)
  m.importTable('l', 'table', 0)
  for (const f of runtimeFunctions) m.importFunction('l', f.name, m.type(f.parameters, f.results))
}

/** No memory is larger. Those that check definedness are larger than others, and all use the same modules. */
export const MOST_PAGES = 0x1_0000

/** Where the runtime's functions find things in linear memory. */
export interface RuntimeLayout {
  /** Of 64 KiB, at least. */
  memoryPages: number
  stateBase: number
  attributesBase: number
  refundBase: number
  /** The stack zone, and the list of the zones of windows. */
  zoneBase: number
  zoneListBase: number
  addressable: Addressable
  pointsBase: number
  logBase: number
  shadow: Shadow
  jumps: JumpCaches
}

type Emit = (f: FunctionBody) => void

/** The bytes of the runtime module: exports every function that is not the engine's, and `enter(code, fuel, depth) -> pc`, which leaves the fuel at STATE.fuelLeft. */
export function runtimeModule(layout: RuntimeLayout): Uint8Array<ArrayBuffer> {
  const { memoryPages, stateBase, attributesBase, refundBase, zoneBase, zoneListBase } = layout
  const { addressable, pointsBase, logBase, shadow, jumps } = layout
  const m = new ModuleBuilder()
  m.importMemory('l', 'memory', memoryPages, MOST_PAGES)
  m.importTable('l', 'table', 0)
  m.importFunction('l', 'access', m.type([I32], [I32]))
  m.importFunction('l', 'rezone', m.type([I32], []))
  m.importFunction('l', 'conditionUndefined', m.type([I32, I32, I64, I64, I64, I64], [I32]))
  m.importFunction('l', 'resolve', m.type([I32], [I32]))
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
  runtime('resolve', (f) => resolve(f, jumps))
  runtime('check', (f) => check(f, stateBase, attributesBase, addressable))
  runtime('stop', (f) => stop(f, stateBase, refundBase))
  runtime('wild', (f) => wild(f, stateBase))
  runtime('far', (f) => far(f, attributesBase, zoneListBase, FAR))
  runtime('zone', (f) => zone(f, attributesBase, zoneBase))
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
  runtime('point', (f) => point(f, pointsBase, logBase))
  runtime('claim', (f) => claim(f, shadow))
  runtime('moved', (f) => moved(f, shadow))
  runtime('flagsUndefined', flagsUndefined)
  runtime('enterClean', (f) => enterClean(f, stateBase, shadow))
  runtime('leaveClean', (f) => leaveClean(f, stateBase, shadow))
  runtime('checkClean', (f) => checkClean(f, shadow))
  define('enter', [I32, I32, I32], [I32], (f) => {
    const fuel = f.local(I32)
    const pc = f.local(I32)
    f.localGet(0)
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
