/** Exists as THE pipeline from guest bytes to a wasm module: discover, lift, optimise, lower, encode. Everything that is translated passes here. */
import { encodeFunction, type EncodedFunction, FunctionBody, ModuleBuilder } from '../wasm/encode.ts'
import type { MemoryLayout } from '../wasm/lower-input.ts'
import { RegionLowering } from '../wasm/lower-region.ts'
import * as OP from '../wasm/opcodes.ts'
import { REGION_PARAMETERS, REGION_RESULTS, RUNTIME, importRuntime } from '../wasm/runtime.ts'
import { insertDefinedness } from '../ir/passes/definedness/insert.ts'
import type { Block } from '../ir/types.ts'
import type { AddressSpace } from './address-space.ts'
import {
  ATTRIBUTES_BASE,
  CLEAN_BASE,
  DOUBTER_BASE,
  GUEST_LIMIT,
  GUEST_MIN,
  JUMP_CACHE_BASE,
  JUMP_CACHE_ENTRIES,
  MEMORY_WASM_PAGES,
  MISSES_BASE,
  PAGE_SHIFT,
  PAIRS_BASE,
  POINTS_BASE,
  SHADOW_DISPLACEMENT,
  STATE_BASE,
  TARGETS_BASE,
  UNADDRESSABLE_BASE,
  ZONE_BASE,
  ZONES_BASE,
} from './layout.ts'
import { type Copied, codeReader, discover, liftAt, type Region } from './region.ts'
import { VARIANT } from './variant.ts'

/** Where translated code finds things in every address space. */
export const memoryLayout: MemoryLayout = {
  stateBase: STATE_BASE,
  attributesBase: ATTRIBUTES_BASE,
  pairsBase: PAIRS_BASE,
  shadowDisplacement: SHADOW_DISPLACEMENT,
  unaddressableBase: UNADDRESSABLE_BASE,
  cleanBase: CLEAN_BASE,
  zoneBase: ZONE_BASE,
  zonesBase: ZONES_BASE,
  missesBase: MISSES_BASE,
  doubterBase: DOUBTER_BASE,
  pointsBase: POINTS_BASE,
  targetsBase: TARGETS_BASE,
  jumpCacheBase: JUMP_CACHE_BASE,
  jumpCacheEntries: JUMP_CACHE_ENTRIES,
  guestLimit: GUEST_LIMIT,
  guestMin: GUEST_MIN,
}

/** One region's translation, as a module that exports its function as `f`. */
interface TranslatedRegion {
  bytes: Uint8Array<ArrayBuffer>
  region: Region
  code: EncodedFunction
}

const lowering = new RegionLowering(memoryLayout)
// All modules have the same types and imports.
const builder = new ModuleBuilder()
const regionType = builder.type(REGION_PARAMETERS, REGION_RESULTS)
importRuntime(builder, MEMORY_WASM_PAGES)

/** Translates the region at `pc`, which must be executable; `slotFor` numbers the addresses that it refers to; the region has at most about so many `instructions`; `variant` is a VARIANT; for `isWarm` see `discover`; `clean` code of a
 * checked variant computes no V bits (wasm/lower-clean.ts). */
export function translateRegion(
  space: AddressSpace,
  pc: number,
  slotFor: (pc: number) => number,
  instructions: number,
  variant: number,
  isWarm: (pc: number) => boolean,
  clean: boolean,
  careful: boolean,
  edges: boolean,
  copied: Copied | null,
): TranslatedRegion {
  const m = builder
  m.resetFunctions()
  const region = discover(space, pc, instructions, variant, isWarm, clean, copied)
  lowering.lower({
    blocks: region.blocks,
    entries: region.entries,
    regionType,
    // Only a region's first entry may be built into code: others get other numbers when the region is translated again.
    codeFor: (to) => slotFor(to) << 8,
    chain: true,
    checked: (variant & VARIANT.checked) !== 0,
    careful,
    edges,
    noting: copied === null && (variant & ~VARIANT.exact) === 0,
    clean: clean ? slotFor(pc) << 8 : -1,
    code: slotFor(pc) << 8,
  })
  const code = encodeFunction(lowering.body)
  m.exportFunction('f', m.addEncoded(regionType, code))
  return { bytes: m.finish(), region, code }
}

/** A module of everything that a store has kept: function `i` goes to index `i` of table `shelf`, until it is found valid. */
export function storedModule(regions: readonly EncodedFunction[]): Uint8Array<ArrayBuffer> {
  const m = new ModuleBuilder()
  const type = m.type(REGION_PARAMETERS, REGION_RESULTS)
  importRuntime(m, MEMORY_WASM_PAGES)
  const shelf = m.importTable('l', 'shelf', regions.length)
  m.element(
    0,
    regions.map((region) => m.addEncoded(type, region)),
    shelf,
  )
  return m.finish()
}

/**
 * The module of the one function `f` that stands in every slot without a translation: it asks the engine for the translation of its entry code and
 * goes there; without one it returns the address to the engine.
 */
export function stubModule(): Uint8Array<ArrayBuffer> {
  const m = builder
  m.resetFunctions()
  const f = new FunctionBody(3)
  const code = f.local(0x7f)
  f.localGet(0)
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
  f.localGet(1)
  f.localGet(2)
  f.localGet(code)
  f.i32Const(8)
  f.op(OP.i32_shr_u)
  f.returnCallIndirect(regionType, 0)
  m.exportFunction('f', m.add(regionType, f))
  return m.finish()
}

/** Instructions that a straight translation holds at most. */
const STRAIGHT_INSTRUCTIONS = 16

/** A straight translation: straight blocks as function `f` of a module: they transfer control to nobody. */
export function translateStraight(blocks: readonly Block[], variant: number): Uint8Array<ArrayBuffer> {
  const m = builder
  m.resetFunctions()
  const checked = (variant & VARIANT.checked) !== 0
  lowering.lower({
    blocks,
    entries: [0],
    regionType,
    codeFor: () => -1,
    chain: false,
    checked,
    careful: true,
    edges: true,
    noting: false,
    clean: -1,
    code: -1,
  })
  m.exportFunction('f', m.add(regionType, lowering.body))
  return m.finish()
}

/**
 * The instructions from `pc` on, each a block of its own, for execution of as many of them as there is fuel. They end behind the first store, which might change what
 * follows, at the end of the page, and before an intercepted address. `length` is their length in bytes.
 */
export function straightBlocks(space: AddressSpace, pc: number, variant: number): { blocks: Block[]; length: number } {
  const reader = codeReader(space)
  const blocks = liftAt(space, reader, pc, 1, variant)
  const first = blocks[0]!
  let last = first.term.kind === 'intercept' ? first.term.native : first
  let rest = blocks
  for (let count = 1; count < STRAIGHT_INSTRUCTIONS && goesOn(rest); count++) {
    const next = last.pc + last.insns[0]!.length
    if (next >>> PAGE_SHIFT !== pc >>> PAGE_SHIFT || space.intercepts.has(next)) break
    rest = liftAt(space, reader, next, 1, variant)
    if (rest[0]!.term.kind === 'fault') break
    last = rest[0]!
    blocks.push(...rest)
  }
  if ((variant & VARIANT.checked) !== 0) blocks.forEach(insertDefinedness)
  const end = last.insns.at(-1)
  return { blocks, length: end === undefined ? 0 : end.pc + end.length - pc }
}

/** Does the one instruction of these blocks do nothing but compute, and then the next one comes? */
function goesOn(blocks: readonly Block[]): boolean {
  const { term, insns, ops } = blocks[0]!
  return (
    blocks.length === 1 &&
    insns.length === 1 &&
    term.kind === 'jump' &&
    term.target === insns[0]!.pc + insns[0]!.length &&
    ops.every((node) => node.op.effect !== 'store')
  )
}
