/** Exists so that tests compute what an op and the rule for its V bits give, by translated code, for any operands. */
import { conditionUndefined } from '../../src/engine/undefined-flags.ts'
import { Builder, makeBlock } from '../../src/ir/builder.ts'
import { ops, type OpRow } from '../../src/ir/ops.ts'
import { Bits, bitsType } from '../../src/ir/passes/definedness/bits.ts'
import { rules } from '../../src/ir/passes/definedness/table.ts'
import type { Block, Node, Type } from '../../src/ir/types.ts'
import { encodeFunction, ModuleBuilder } from '../../src/wasm/encode.ts'
import { RegionLowering } from '../../src/wasm/lower-region.ts'
import {
  importRuntime,
  MOST_PAGES,
  REGION_PARAMETERS,
  REGION_RESULTS,
  runtimeFunctions,
  runtimeModule,
} from '../../src/wasm/runtime.ts'

/** Where operands, their V bits and the results are in the memory: 16 bytes each. */
const PLACE = { operands: 0x100, bits: 0x140, result: 0x180 } as const

const BASE = 0x1000
const layout = {
  stateBase: BASE,
  attributesBase: 0x8000,
  shadowDisplacement: 0x1_0000,
  cleanBase: 0x3600,
  unaddressableBase: 0x1_0000,
  pairsBase: 0,
  zonesBase: 0x2000,
  doubterBase: 0,
  pointsBase: 0,
  targetsBase: 0,
  missesBase: 0x3000,
  zoneBase: 0x3100,
  jumpCacheBase: 0x4000,
  jumpCacheEntries: 16,
  guestLimit: 0x1_0000,
  guestMin: 0x1000,
}

/** An op with its immediates. */
export interface Case {
  op: OpRow
  imm: number
  bytes: Uint8Array | null
}

function load(b: Builder, type: Type, at: number): Node {
  if (type === 'v128') return b.stateLoad(128, at)
  if (type === 'i64') return b.stateLoad(64, at)
  if (type === 'f64') return b.emit(ops.f64_reinterpret_i64, b.stateLoad(64, at))
  return type === 'i32' ? b.stateLoad(32, at) : b.emit(ops.f32_reinterpret_i32, b.stateLoad(32, at))
}

function store(b: Builder, x: Node): void {
  if (x.type === 'v128') b.stateStore(128, PLACE.result, x)
  else if (x.type === 'i64') b.stateStore(64, PLACE.result, x)
  else if (x.type === 'f64') b.stateStore(64, PLACE.result, b.emit(ops.i64_reinterpret_f64, x))
  else if (x.type === 'f32') b.stateStore(32, PLACE.result, b.emit(ops.i32_reinterpret_f32, x))
  else b.stateStore(32, PLACE.result, x)
}

/** The op as a block, or the rule for its V bits. */
function blockOf({ op, imm, bytes }: Case, rule: boolean): Block {
  const block = makeBlock(0x2000, true)
  const b = new Builder(block)
  const args = op.args.map((type, i) => load(b, type, PLACE.operands + 16 * i))
  const node = b.emit(op, args[0], args[1] ?? null, args[2] ?? null, imm, 0, bytes)
  if (rule) {
    const v = op.args.map((type, i) => load(b, bitsType(type), PLACE.bits + 16 * i))
    store(b, rules.get(op)!(new Bits(b), node, v[0]!, v[1] ?? null, v[2] ?? null))
  } else store(b, node)
  b.terminate({ kind: 'leave', pc: 0x2000 })
  return block
}

/** Executes cases: all of them are compiled together. */
export class Evaluator {
  private readonly memory = new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES })
  private readonly view = new DataView(this.memory.buffer)
  private readonly exports: Record<string, (code: number, fuel: number, depth: number) => unknown>
  private readonly cases: readonly Case[]

  constructor(cases: readonly Case[]) {
    this.cases = cases
    const m = new ModuleBuilder()
    const regionType = m.type(REGION_PARAMETERS, REGION_RESULTS)
    importRuntime(m, 1)
    const lowering = new RegionLowering(layout)
    cases.forEach((one, i) => {
      for (const rule of [false, true]) {
        const blocks = [blockOf(one, rule)]
        lowering.lower({
          blocks,
          entries: [0],
          regionType,
          codeFor: () => -1,
          chain: false,
          checked: false,
          careful: true,
          edges: true,
          noting: false,
          clean: -1,
          code: -1,
        })
        m.exportFunction(`${rule ? 'v' : 'x'}${i}`, m.addEncoded(regionType, encodeFunction(lowering.body)))
      }
    })
    const base = { memory: this.memory, table: new WebAssembly.Table({ element: 'anyfunc', initial: 0 }) }
    const never = (): number => {
      throw new Error('not to be called')
    }
    const runtime = new WebAssembly.Instance(
      new WebAssembly.Module(
        runtimeModule({
          memoryPages: 1,
          stateBase: BASE,
          attributesBase: 0x8000,
          refundBase: 0x3200,
          zoneBase: 0x3280,
          zoneListBase: 0x3300,
          addressable: { base: 0, watched: 64, plain: 67 },
          pointsBase: 0x3400,
          logBase: 0x3500,
          shadow: {
            displacement: 0x1_0000,
            guestLimit: 0x1_0000,
            attributesBase: 0x8000,
            unaddressableBase: 0,
            cleanBase: 0x3600,
          },
          jumps: { base: 0x4000, entries: 2, largeBase: 0x4100, largeEntries: 2 },
        }),
      ),
      { l: { ...base, access: never, rezone: never, conditionUndefined, resolve: never } },
    )
    const imports: Record<string, WebAssembly.ImportValue> = { ...base }
    for (const f of runtimeFunctions)
      imports[f.name] = f.js ? never : (runtime.exports[f.name] as WebAssembly.ImportValue)
    const instance = new WebAssembly.Instance(new WebAssembly.Module(m.finish()), { l: imports })
    this.exports = instance.exports as typeof this.exports
  }

  private run(name: string, result: Type): bigint {
    this.view.setBigUint64(BASE + PLACE.result, 0n, true)
    this.view.setBigUint64(BASE + PLACE.result + 8, 0n, true)
    this.exports[name]!(0, 1, 0)
    return this.read(PLACE.result, result)
  }

  private read(at: number, type: Type): bigint {
    const low = this.view.getBigUint64(BASE + at, true)
    if (type === 'i32' || type === 'f32') return low & 0xffff_ffffn
    return type === 'v128' ? low | (this.view.getBigUint64(BASE + at + 8, true) << 64n) : low
  }

  private write(at: number, values: readonly bigint[]): void {
    values.forEach((value, i) => {
      this.view.setBigUint64(BASE + at + 16 * i, value & 0xffff_ffff_ffff_ffffn, true)
      this.view.setBigUint64(BASE + at + 16 * i + 8, value >> 64n, true)
    })
  }

  /** The result's bits, or null where the op traps. */
  value(i: number, operands: readonly bigint[]): bigint | null {
    this.write(PLACE.operands, operands)
    try {
      return this.run(`x${i}`, this.cases[i]!.op.result!)
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) return null
      throw error
    }
  }

  /** The V bits that the rule gives; null where it traps. */
  undefinedBits(i: number, operands: readonly bigint[], bits: readonly bigint[]): bigint {
    this.write(PLACE.operands, operands)
    this.write(PLACE.bits, bits)
    return this.run(`v${i}`, bitsType(this.cases[i]!.op.result!))
  }
}
