/** Exists to keep what has been translated for one address space: which address is where, what must go when a page changes, and what may come back unchanged. */
import { assert } from '../base/errors.ts'
import {
  ATTRIBUTES_BASE,
  REFUND_BASE,
  MISSES_BASE,
  MEMORY_WASM_PAGES,
  PAGE_SHIFT,
  STATE_BASE,
  JUMP_CACHE_BASE,
  JUMP_CACHE_ENTRIES,
} from './layout.ts'
import type { AddressSpace, CodeListener } from './address-space.ts'
import { canExecute } from './region.ts'
import {
  storedModule,
  stubModule,
  translateBatch,
  translateStep,
  type SlotAllocator,
  type TranslatedRegion,
} from './translate.ts'
import type { EncodedFunction } from '../wasm/encode.ts'
import { runtimeFunctions, runtimeModule } from '../wasm/runtime.ts'

/** A table slot: the region that lives or lived there. */
interface SlotRow {
  pc: number
  /** Guest address of every entry; [pc] alone while nothing has been translated. */
  entryPcs: number[]
  ranges: [number, number][]
  /** The bytes that were translated, all ranges in a row. */
  source: Uint8Array
  /** Translated and matching the guest's memory. */
  valid: boolean
  /** The region's function while a stub has its place in the table, or the table index at which it is kept. */
  parked: unknown
  /** What a store keeps; null while nothing has been translated, and for single steps. */
  code: EncodedFunction | null
}

/** A region as a store keeps it; see SlotRow. */
export interface StoredRegion {
  slot: number
  entryPcs: number[]
  ranges: [number, number][]
  source: Uint8Array
  bytes: Uint8Array
  hints: readonly number[]
}

/** The translations of a code cache as plain data. */
export interface StoredTranslations {
  /** Guest address of each slot; -1 for slots that are not to be found by address. */
  slots: number[]
  regions: StoredRegion[]
}

/** A single-instruction translation and the bytes it was made from. */
interface Step {
  code: number
  source: Uint8Array
}

/** The engine's side of the functions that translated code imports. */
export interface EngineImports {
  systemCall(fuel: number): number
  access(kind: number): number
  helper(id: number, a: number, b: number): number
}

const NO_BYTES = new Uint8Array(0)

/** Table index from which on stored regions are kept until they are found valid; more slots than that are not stored. */
const STORED_BASE = 0x8000

/** Slots by which the function table grows. */
const TABLE_GROWTH = 4096

/** Translations for one address space and one variant, valid as long as the bytes they were made from. */
export class CodeCache implements SlotAllocator, CodeListener {
  readonly space: AddressSpace
  /** Is this the code whose floating point follows MXCSR exactly? */
  readonly exact: boolean
  /** (code, fuel, depth) -> pc; fuel left at STATE.fuelLeft. */
  readonly enter: (code: number, fuel: number, depth: number) => number
  private readonly table: WebAssembly.Table
  private readonly imports: Record<string, WebAssembly.ImportValue>
  private readonly slots: SlotRow[] = []
  private readonly slotOf = new Map<number, number>()
  /** Entry code of every address at which execution can enter a valid translation. */
  private readonly entries = new Map<number, number>()
  /** Slots translated from each page. */
  private readonly byPage = new Map<number, number[]>()
  private readonly steps = new Map<number, Step>()
  private readonly jumpCache: Int32Array
  /** Counters for `--stats`: they depend on nothing but the run, and nothing depends on them. */
  readonly statistics = { modules: 0, regions: 0, instructions: 0, bytes: 0, steps: 0, revived: 0 }
  /** Set when translations, or pages that translated code relies on, went away: frames of translated code below must not be resumed. */
  dropped = false

  constructor(space: AddressSpace, engine: EngineImports, exact: boolean) {
    this.space = space
    this.exact = exact
    this.table = new WebAssembly.Table({ element: 'anyfunc', initial: TABLE_GROWTH })
    this.jumpCache = new Int32Array(space.memory.buffer, JUMP_CACHE_BASE, JUMP_CACHE_ENTRIES * 2)
    const base = { memory: space.memory, table: this.table }
    const access = (kind: number): number => engine.access(kind)
    const rezone = (low: number): void => space.rezone(low >>> 0)
    const runtime = instantiate(
      runtimeModule(MEMORY_WASM_PAGES, STATE_BASE, ATTRIBUTES_BASE, REFUND_BASE, MISSES_BASE),
      { ...base, access, rezone },
    )
    this.enter = runtime.exports.enter as (code: number, fuel: number, depth: number) => number
    const js: Record<string, WebAssembly.ImportValue> = {
      resolve: (pc: number) => this.unlessDropped(this.resolve(pc), -1),
      revive: (code: number) => this.revive(code),
      systemCall: (fuel: number) => engine.systemCall(fuel),
      access,
      rezone,
      helper: (id: number, a: number, b: number) => engine.helper(id, a, b),
    }
    this.imports = { ...base }
    for (const f of runtimeFunctions)
      this.imports[f.name] = f.js ? js[f.name]! : (runtime.exports[f.name] as WebAssembly.ImportValue)
    space.listen(this)
  }

  /** To be called when another cache of the space has been used since: they share the jump cache. */
  takeOver(): void {
    this.jumpCache.fill(0)
  }

  /** Entry code for a guest address where a translation can be entered, or -1. */
  lookup(pc: number): number {
    return this.entries.get(pc) ?? -1
  }

  /** Entry code for `pc`, translated now if need be; -1 when the page cannot be executed. Enters it into the jump cache. */
  resolve(pc: number): number {
    let code = this.entries.get(pc) ?? -1
    if (code < 0) {
      if (!canExecute(this.space, pc)) return -1
      code = this.translate(pc)
    }
    const index = ((pc ^ (pc >>> 7)) & (JUMP_CACHE_ENTRIES - 1)) * 2
    this.jumpCache[index] = pc
    this.jumpCache[index + 1] = code
    return code
  }

  /** For stubs: where (slot, label) went, or the complement of its address. */
  private revive(code: number): number {
    const row = this.slots[code >>> 8]!
    const pc = row.entryPcs[code & 255]
    assert(pc !== undefined, 'a stub was entered at a label that its region never had')
    // Code that goes to an inner entry of a region often deserves a region that starts there.
    const inner = (this.entries.get(pc) ?? 0) & 255
    const fresh = inner !== 0 && (code & 255) === 0 ? this.translate(pc) : this.resolve(pc)
    return fresh < 0 ? ~pc : this.unlessDropped(fresh, ~pc)
  }

  /** The answer to translated code; `unwind` instead when translating has taken from its callers what they rely on. */
  private unlessDropped(code: number, unwind: number): number {
    const { dropped } = this
    this.dropped = false
    return dropped ? unwind : code
  }

  // SlotAllocator.

  has(pc: number): boolean {
    return this.entries.has(pc)
  }

  slotFor(pc: number): number {
    let slot = this.slotOf.get(pc)
    if (slot === undefined) {
      slot = this.slots.length
      this.slotOf.set(pc, slot)
      this.slots.push({ pc, entryPcs: [pc], ranges: [], source: NO_BYTES, valid: false, parked: null, code: null })
      if (slot >= this.table.length) this.table.grow(TABLE_GROWTH)
    }
    return slot
  }

  codeFor(pc: number, fresh: number[]): number {
    // Only a region's first entry may be built into code: others get other numbers when the region is translated again.
    const known = this.entries.get(pc)
    if (known !== undefined && (known & 255) === 0) return known
    const before = this.slots.length
    const slot = this.slotFor(pc)
    if (slot === before) fresh.push(slot)
    return slot << 8
  }

  // Translation.

  private translate(pc: number): number {
    const parked = this.reinstate(pc)
    if (parked >= 0) return parked
    const batch = translateBatch(this.space, pc, this, this.exact)
    instantiate(batch.bytes, this.imports)
    this.statistics.modules++
    this.statistics.bytes += batch.bytes.length
    for (const translated of batch.regions) this.install(translated)
    const first = batch.regions[0]!
    if (first.region.volatile) this.entries.delete(pc)
    return first.slot << 8
  }

  private install({ region, slot, code }: TranslatedRegion): void {
    const row = this.slots[slot]!
    row.entryPcs = region.entryPcs
    row.ranges = region.ranges
    row.source = this.sourceOf(region.ranges)
    row.parked = null
    row.code = region.volatile ? null : code
    this.statistics.regions++
    this.statistics.instructions += region.instructions
    this.enterPages(slot)
    this.activate(slot)
  }

  private enterPages(slot: number): void {
    for (const [start, end] of this.slots[slot]!.ranges) {
      for (let page = start >>> PAGE_SHIFT; page <= (end - 1) >>> PAGE_SHIFT; page++) {
        const list = this.byPage.get(page)
        if (list === undefined) this.byPage.set(page, [slot])
        else if (!list.includes(slot)) list.push(slot)
      }
    }
  }

  private activate(slot: number): void {
    const row = this.slots[slot]!
    row.valid = true
    row.entryPcs.forEach((pc, label) => {
      if (label === 0 || !this.entries.has(pc)) this.entries.set(pc, (slot << 8) | label)
    })
    for (const [start, end] of row.ranges)
      for (let page = start >>> PAGE_SHIFT; page <= (end - 1) >>> PAGE_SHIFT; page++)
        this.space.markCode(page << PAGE_SHIFT)
  }

  private sourceOf(ranges: readonly [number, number][]): Uint8Array {
    const length = ranges.reduce((sum, [start, end]) => sum + end - start, 0)
    const source = new Uint8Array(length)
    let at = 0
    for (const [start, end] of ranges) {
      source.set(this.space.bytes.subarray(start, end), at)
      at += end - start
    }
    return source
  }

  /** Puts a region that was dropped back in place when memory holds the same bytes again. */
  private reinstate(pc: number): number {
    const slot = this.slotOf.get(pc)
    if (slot === undefined) return -1
    const row = this.slots[slot]!
    if (row.valid || row.parked === null || !this.matches(row)) return -1
    this.table.set(slot, typeof row.parked === 'number' ? this.table.get(row.parked) : row.parked)
    row.parked = null
    this.statistics.revived++
    this.activate(slot)
    return slot << 8
  }

  private matches(row: SlotRow): boolean {
    let at = 0
    for (const [start, end] of row.ranges) {
      for (let page = start >>> PAGE_SHIFT; page <= (end - 1) >>> PAGE_SHIFT; page++)
        if (!canExecute(this.space, page << PAGE_SHIFT)) return false
      for (let i = start; i < end; i++) if (this.space.bytes[i] !== row.source[at++]) return false
    }
    return true
  }

  plainLost(): void {
    this.dropped = true
  }

  /** Pages changed: their translations leave the table. They are kept aside in case the same bytes come back. */
  invalidate(first: number, count: number): void {
    const gone: number[] = []
    const drop = (list: readonly number[]): void => {
      for (const slot of list) {
        const row = this.slots[slot]!
        if (row.valid) gone.push(slot)
        row.valid = false
      }
    }
    if (count > this.byPage.size) {
      for (const [page, list] of this.byPage) if (page >= first && page < first + count) drop(list)
    } else {
      for (let page = first; page < first + count; page++) drop(this.byPage.get(page) ?? [])
    }
    if (gone.length === 0) return
    this.dropped = true
    this.jumpCache.fill(0)
    for (const slot of gone) {
      const row = this.slots[slot]!
      row.parked = this.table.get(slot)
      for (const pc of row.entryPcs) if (this.entries.get(pc)! >>> 8 === slot) this.entries.delete(pc)
    }
    instantiate(stubModule(gone), this.imports)
  }

  // Storing.

  /** All translations, for `restore` of a later cache; null when that would say nothing that the last `restore` did not. */
  store(): StoredTranslations | null {
    if (this.statistics.regions * 50 <= this.slots.length || this.slots.length > STORED_BASE) return null
    const regions: StoredRegion[] = []
    this.slots.forEach(({ entryPcs, ranges, source, code }, slot) => {
      if (code !== null) regions.push({ slot, entryPcs, ranges, source, bytes: code.bytes, hints: code.hints })
    })
    return { slots: this.slots.map(({ pc }, slot) => (this.slotOf.get(pc) === slot ? pc : -1)), regions }
  }

  /** Takes over the translations of an earlier cache. Each is used only once the guest's memory holds the bytes that it was made from. Only for an empty cache. */
  restore({ slots, regions }: StoredTranslations): void {
    assert(this.slots.length === 0, 'translations can be restored only into an empty cache')
    this.slots.push(
      ...slots.map((pc): SlotRow => ({
        pc,
        entryPcs: [pc],
        ranges: [],
        source: NO_BYTES,
        valid: false,
        parked: null,
        code: null,
      })),
    )
    slots.forEach((pc, slot) => pc >= 0 && this.slotOf.set(pc, slot))
    const code = new Map<number, EncodedFunction>()
    for (const { slot, entryPcs, ranges, source, bytes, hints } of regions) {
      code.set(slot, { bytes, hints })
      Object.assign(this.slots[slot]!, { entryPcs, ranges, source, code: { bytes, hints }, parked: STORED_BASE + slot })
      this.enterPages(slot)
    }
    this.table.grow(Math.max(0, STORED_BASE + slots.length - this.table.length))
    instantiate(storedModule(slots.length, code, STORED_BASE), this.imports)
  }

  /** Does memory hold these bytes at `pc`? */
  private holds(pc: number, source: Uint8Array): boolean {
    const { bytes } = this.space
    for (let i = 0; i < source.length; i++) if (bytes[pc + i] !== source[i]) return false
    return true
  }

  /** Entry code of a translation of the single instruction at `pc`; -1 when the page cannot be executed. */
  step(pc: number): number {
    if (!this.space.isExecutable(pc)) return -1
    const known = this.steps.get(pc)
    if (known !== undefined && this.holds(pc, known.source)) return known.code
    const slot = this.slots.length
    this.slots.push({ pc, entryPcs: [pc], ranges: [], source: NO_BYTES, valid: false, parked: null, code: null })
    if (slot >= this.table.length) this.table.grow(TABLE_GROWTH)
    const { bytes, length } = translateStep(this.space, pc, slot, this.exact)
    instantiate(bytes, this.imports)
    this.statistics.steps++
    this.steps.set(pc, { code: slot << 8, source: this.space.bytes.slice(pc, pc + length) })
    return slot << 8
  }
}

function instantiate(
  bytes: Uint8Array<ArrayBuffer>,
  imports: Record<string, WebAssembly.ImportValue>,
): WebAssembly.Instance {
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { l: imports })
}
