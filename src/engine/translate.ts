/** Exists as THE pipeline from guest bytes to a wasm module: discover, lift, optimise, lower, encode. Everything that is translated passes here. */
import { makeBlock } from '../ir/builder.ts'
import { encodeFunction, type EncodedFunction, FunctionBody, ModuleBuilder } from '../wasm/encode.ts'
import { RegionLowering, type MemoryLayout } from '../wasm/lower-region.ts'
import * as OP from '../wasm/opcodes.ts'
import { REGION_PARAMETERS, REGION_RESULTS, RUNTIME, importRuntime } from '../wasm/runtime.ts'
import { liftBlock } from '../x86/block.ts'
import type { AddressSpace } from './address-space.ts'
import {
  ATTRIBUTES_BASE,
  GUEST_LIMIT,
  GUEST_MIN,
  JUMP_CACHE_BASE,
  JUMP_CACHE_ENTRIES,
  MEMORY_WASM_PAGES,
  STATE_BASE,
  ZONE_BASE,
} from './layout.ts'
import { REGION_INSTRUCTIONS, canExecute, codeReader, discover, type Region } from './region.ts'

const memoryLayout: MemoryLayout = {
  stateBase: STATE_BASE,
  attributesBase: ATTRIBUTES_BASE,
  zoneBase: ZONE_BASE,
  jumpCacheBase: JUMP_CACHE_BASE,
  jumpCacheEntries: JUMP_CACHE_ENTRIES,
  guestLimit: GUEST_LIMIT,
  guestMin: GUEST_MIN,
}

/** Regions and guest instructions that one module may hold: batching makes instantiation cheap, translating ahead of need must not cost much. */
const BATCH_REGIONS = 1
const BATCH_INSTRUCTIONS = 200

/** Numbers table slots and remembers which address each is for; implemented by the code cache. */
export interface SlotAllocator {
  /** Entry code for control that goes to `pc`; `fresh` receives the slot when it has never been filled and needs a stub. */
  codeFor(pc: number, fresh: number[]): number
  /** The slot for a region that starts at `pc`. */
  slotFor(pc: number): number
  /** Is there a translation that starts at `pc`? */
  has(pc: number): boolean
}

/** A translated region, not yet installed. */
export interface TranslatedRegion {
  region: Region
  slot: number
  code: EncodedFunction
}

/** One module's worth of translation. */
export interface Batch {
  bytes: Uint8Array<ArrayBuffer>
  regions: TranslatedRegion[]
}

const lowering = new RegionLowering(memoryLayout)
const builder = new ModuleBuilder()
const stubBody = new FunctionBody(3)

/** Translates the region at `pc` and regions that it calls, ahead of need. `pc` must be executable; `exact` as for liftBlock. */
export function translateBatch(space: AddressSpace, pc: number, slots: SlotAllocator, exact: boolean): Batch {
  const m = builder
  m.reset()
  const regionType = m.type(REGION_PARAMETERS, REGION_RESULTS)
  importRuntime(m, MEMORY_WASM_PAGES)
  const regions: TranslatedRegion[] = []
  const done = new Set<number>()
  const queue = [pc]
  const functions = new Map<number, number>()
  let fresh: number[] = []
  let instructions = 0
  while (queue.length > 0 && regions.length < BATCH_REGIONS && instructions < BATCH_INSTRUCTIONS) {
    const at = queue.shift()!
    if (done.has(at) || (at !== pc && slots.has(at)) || !canExecute(space, at)) continue
    done.add(at)
    const region = discover(space, at, REGION_INSTRUCTIONS, exact)
    const slot = slots.slotFor(at)
    lowering.lower({
      blocks: region.blocks,
      entries: region.entries,
      regionType,
      codeFor: (to) => slots.codeFor(to, fresh),
      chain: true,
    })
    const code = encodeFunction(lowering.body)
    functions.set(slot, m.addEncoded(regionType, code))
    regions.push({ region, slot, code })
    instructions += region.instructions
    queue.push(...region.callees)
  }
  fresh = fresh.filter((slot) => !functions.has(slot))
  for (const slot of fresh) functions.set(slot, addStub(m, regionType, slot))
  for (const [slot, index] of functions) m.element(slot, [index])
  return { bytes: m.finish(), regions }
}

/** A module of stubs only: what the slots of invalidated regions get. */
export function stubModule(slots: readonly number[]): Uint8Array<ArrayBuffer> {
  const m = builder
  m.reset()
  const regionType = m.type(REGION_PARAMETERS, REGION_RESULTS)
  importRuntime(m, MEMORY_WASM_PAGES)
  for (const slot of slots) m.element(slot, [addStub(m, regionType, slot)])
  return m.finish()
}

/** A module of everything that a store has kept: a stub in every slot, and the regions apart from them, from table index `apart` on, until they are found valid. */
export function storedModule(
  slots: number,
  regions: ReadonlyMap<number, EncodedFunction>,
  apart: number,
): Uint8Array<ArrayBuffer> {
  const m = builder
  m.reset()
  const regionType = m.type(REGION_PARAMETERS, REGION_RESULTS)
  importRuntime(m, MEMORY_WASM_PAGES)
  const stubs: number[] = []
  for (let slot = 0; slot < slots; slot++) stubs.push(addStub(m, regionType, slot))
  m.element(0, stubs)
  m.element(
    apart,
    stubs.map((stub, slot) => (regions.has(slot) ? m.addEncoded(regionType, regions.get(slot)!) : stub)),
  )
  return m.finish()
}

/** A function that asks the engine for the translation of (slot, label) and goes there; without one it returns the address to the engine. */
function addStub(m: ModuleBuilder, regionType: number, slot: number): number {
  const f = stubBody
  f.reset(3)
  const code = f.local(0x7f)
  f.i32Const(slot << 8)
  f.localGet(0)
  f.op(OP.i32_or)
  f.opIndex(OP.call, RUNTIME.revive!)
  f.localTee(code)
  f.i32Const(0)
  f.op(OP.i32_lt_s)
  f.opBlock(OP.if, -0x40)
  // No code can be there: the engine's answer is the complement of the address.
  f.localGet(code)
  f.i32Const(-1)
  f.op(OP.i32_xor)
  f.localGet(1)
  f.op(OP.return)
  f.op(OP.end)
  f.localGet(code)
  f.i32Const(255)
  f.op(OP.i32_and)
  f.localGet(1)
  f.localGet(2)
  f.localGet(code)
  f.i32Const(8)
  f.op(OP.i32_shr_u)
  f.returnCallIndirect(regionType, 0)
  return m.add(regionType, f)
}

/** Translates the single instruction at `pc` into slot `slot`: it transfers control to nobody. `length` is its length in bytes. */
export function translateStep(
  space: AddressSpace,
  pc: number,
  slot: number,
  exact: boolean,
): { bytes: Uint8Array<ArrayBuffer>; length: number } {
  const blocks = liftBlock(codeReader(space), pc, 1, exact)
  const length = blocks[0]!.insns.at(-1)?.length ?? 0
  const reachable = blocks.length > 0 ? blocks : [makeBlock(pc, false)]
  const m = builder
  m.reset()
  const regionType = m.type(REGION_PARAMETERS, REGION_RESULTS)
  importRuntime(m, MEMORY_WASM_PAGES)
  lowering.lower({ blocks: reachable, entries: [0], regionType, codeFor: () => -1, chain: false })
  m.element(slot, [m.add(regionType, lowering.body)])
  return { bytes: m.finish(), length }
}
