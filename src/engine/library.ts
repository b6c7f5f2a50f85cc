/** Exists to keep translations apart from the address spaces that use them: what one process has had translated, every other one that holds the same bytes can run. */
import { assert } from '../base/errors.ts'
import type { EncodedFunction } from '../wasm/encode.ts'
import { storedModule, straightBlocks, translateRegion, translateStraight } from './translate.ts'
import type { AddressSpace } from './address-space.ts'
import { type Copied, isAskedOnce } from './region.ts'
import { Slots } from './slots.ts'
import { packUnits, type PackedUnits, StoredUnits } from './stored-units.ts'
import { makeUnit, straightUnit, type BytecodeRoom, type Bytecode, type Unit } from './units.ts'
import { addressOf, unitTableOf, VARIANT } from './variant.ts'

/** Many translations in one module, which is validated lazily: what a store has kept. Function `i` lies at index `i` of the shelf that it is instantiated with. */
interface Bundle {
  size: number
  bytes: Uint8Array<ArrayBuffer>
  module: WebAssembly.Module | null
}

/** A region translated. It is good wherever memory holds `source`, page by page executable, in `ranges`. */
export interface Translation {
  slot: number
  entryPcs: number[]
  ranges: [number, number][]
  /** The bytes that were translated, all ranges in a row. */
  source: Uint8Array
  /** Addresses in `ranges` at which it asks the kernel (AddressSpace.intercepts): it is good only where they are the same. */
  intercepts: number[]
  /** AddressSpace.isQuiet of where it starts, if the variant asks. */
  quiet: boolean
  /** What a store keeps. */
  code: EncodedFunction
  /** Compiled from `bytes` when it is first used; exports the function as `f`. */
  module: WebAssembly.Module | null
  bytes: Uint8Array<ArrayBuffer>
  /** Where the function is instead, when it comes from a store. */
  bundle: { bundle: Bundle; index: number } | null
}

/** A straight translation, at the address that it was made for. */
export interface StepTranslation {
  slot: number
  source: Uint8Array
  /** Asks the kernel first. */
  intercepted: boolean
  quiet: boolean
  /** As bytecode, or as a module. */
  unit: Bytecode | null
  bytes: Uint8Array<ArrayBuffer>
  module: WebAssembly.Module | null
}

/** A region as a store keeps it; see Translation. */
interface StoredRegion {
  slot: number
  entryPcs: number[]
  ranges: [number, number][]
  source: Uint8Array
  intercepts: number[]
  quiet: boolean
  bytes: Uint8Array
  hints: readonly number[]
}

/** The translations of a library as plain data. */
export interface StoredTranslations {
  variant: number
  /** Guest address of each slot; -1 for slots that are not to be found by address. */
  slots: number[]
  regions: StoredRegion[]
  units: PackedUnits
  /** Where regions start that are large. */
  hot: number[]
}

/** Counters for `--stats`: they depend on nothing but the run, and nothing depends on them. */
export interface TranslationStatistics {
  modules: number
  regions: number
  instructions: number
  bytes: number
  steps: number
  /** Blocks made into bytecode. */
  units: number
  /** Regions and units that an address space took over, from this library or from its own past, without translating. */
  revived: number
  /** How often clean code went on in full code. */
  deopts: number
  /** Of checked code: instructions of stretches that ended for lack of fuel, which are a sample of all; of those that ended in code that is interpreted, since it is cold, with V bits; of those in other full code. */
  sampled: number
  cold: number
  full: number
}

/** Fresh regions that are worth being stored, however many there are already: each costs milliseconds. */
const STORED_REGIONS = 8

/** More slots than this are not stored. */
const STORED_SLOTS = 0x4_0000
/** Translations of one address that are kept: a program that writes its code again and again must not fill the memory. */
const MAX_VARIANTS = 8

/** Guest instructions in one region. */
const COLD_INSTRUCTIONS = 100
/** In code that is executed often; more make V8's optimising compiler superlinear (design measurements: 0.5-1.3 s for 1,500). */
const HOT_INSTRUCTIONS = 200
const HOT = 2

/** Translations with modules of their own from which on they are put together for a new address space: instantiating each costs more. */
const LOOSE_TRANSLATIONS = 200

const NO_BYTES = new Uint8Array(0)

/**
 * All translations of one VARIANT of code. A slot is a number for a guest address, the same in every address space;
 * code refers to other code by slots, so it does not matter which translation an address space has put there.
 */
export class Library {
  readonly variant: number
  /** What is interpreted; see EngineOptions. */
  readonly interpreted: 'cold' | 'soon' | 'always' | 'never'
  /** Of guest addresses; steps have slots without one. */
  private readonly numbers = new Slots()
  readonly statistics: TranslationStatistics = {
    modules: 0,
    regions: 0,
    instructions: 0,
    bytes: 0,
    steps: 0,
    units: 0,
    revived: 0,
    deopts: 0,
    sampled: 0,
    cold: 0,
    full: 0,
  }
  private readonly variants = new Map<number, Translation[]>()
  /** By slot. */
  private readonly units: (Unit[] | undefined)[] = []
  /** Units of a store; those of slots in `units` are there, too. */
  stored: StoredUnits | null = null
  private readonly room: BytecodeRoom
  private readonly singles = new Map<number, StepTranslation[]>()
  /** Where code is hardly ever clean. */
  private readonly neverClean = new Set<number>()
  /** Where regions start that look at edges, or are careful (RegionInput). */
  private readonly edges = new Set<number>()
  private readonly careful = new Set<number>()
  /** How often execution was met in the region that starts at an address; from HOT times on it is a large one. */
  private readonly heats = new Map<number, number>()

  /** `room`: shared by all libraries whose bytecode may be in one memory. */
  constructor(variant: number, interpreted: 'cold' | 'soon' | 'always' | 'never', room: BytecodeRoom) {
    this.variant = variant
    this.interpreted = unitTableOf(variant) < 0 ? 'never' : interpreted
    this.room = room
  }

  /** The slot of a guest address. */
  slotFor(pc: number): number {
    return this.numbers.of(pc)
  }

  /** The slot of a guest address, or -1. */
  findSlot(pc: number): number {
    return this.numbers.find(pc)
  }

  /** Guest address of each slot; -1 for steps. */
  get slots(): readonly number[] {
    return this.numbers.places
  }

  /** Execution was met in the region that starts at `pc`: is it to be translated again, as a large one? */
  heat(pc: number): boolean {
    const heat = (this.heats.get(pc) ?? 0) + 1
    this.heats.set(pc, heat)
    return heat === HOT
  }

  /** The region at `pc` is to be full code from now on. */
  giveUpClean(pc: number): void {
    this.neverClean.add(pc)
    this.variants.delete(this.slotFor(pc))
  }

  /** The region at a place, which often leaves instructions to the engine, is to look at edges from now on, or if it does already, to be careful. */
  beCareful(place: number): void {
    if (this.edges.has(place)) this.careful.add(place)
    this.edges.add(place)
    this.variants.delete(this.slotFor(place))
  }

  /** What has been translated from the slot's address so far, the latest first. */
  translationsOf(slot: number): readonly Translation[] {
    return this.variants.get(slot) ?? []
  }

  /**
   * Translates the region at a place (variant.ts), which must be executable, from the bytes of `space`. `volatile`: good for this one time. For `isWarm` see
   * `discover`.
   */
  translate(
    space: AddressSpace,
    place: number,
    isWarm: (pc: number) => boolean,
    copied: Copied | null = null,
  ): { translation: Translation; volatile: boolean } {
    const pc = addressOf(place)
    const clean =
      this.variant === VARIANT.checked &&
      place === pc &&
      !this.neverClean.has(pc) &&
      isAskedOnce(space, pc, this.variant)
    const { region, code, bytes } = translateRegion(
      space,
      pc,
      (to) => this.slotFor(to),
      (this.heats.get(place) ?? 0) >= HOT ? HOT_INSTRUCTIONS : COLD_INSTRUCTIONS,
      this.variant,
      isWarm,
      clean,
      (this.variant & (VARIANT.checked | VARIANT.logged)) !== 0 || this.careful.has(place),
      this.edges.has(place),
      copied,
    )
    const translation: Translation = {
      slot: this.slotFor(place),
      entryPcs: region.entryPcs.map((at) => at + place - pc),
      ranges: region.ranges,
      source: sourceOf(space, region.ranges),
      intercepts: space.interceptedIn(region.ranges),
      quiet: this.isQuiet(space, pc),
      code,
      module: null,
      bytes,
      bundle: null,
    }
    const { statistics } = this
    statistics.modules++
    statistics.bytes += bytes.length
    statistics.regions++
    statistics.instructions += region.instructions
    if (!region.volatile) this.add(translation)
    return { translation, volatile: region.volatile }
  }

  /** Whether code is quiet, where that makes a difference. */
  isQuiet(space: AddressSpace, pc: number): boolean {
    return (this.variant & VARIANT.points) !== 0 && space.isQuiet(pc)
  }

  /** Bytecode for the block at a place, for which `isGood`; null when the code there is to be translated at once. */
  unit(space: AddressSpace, place: number, slot: number, isGood: (unit: Unit) => boolean): Unit | null {
    if (this.interpreted === 'never') return null
    const known = this.unitsOf(slot)
    for (const unit of known) {
      if (!isGood(unit)) continue
      this.statistics.revived++
      return unit
    }
    // The oldest one makes room: an address space runs one unit of a slot at a time.
    const given = known.length < MAX_VARIANTS ? null : known.pop()!
    const unit = makeUnit(
      space,
      place,
      (to) => this.slotFor(to),
      this.variant,
      this.room,
      given,
      this.isQuiet(space, place),
    )
    if (unit === null) return null
    known.unshift(unit)
    this.statistics.units++
    return unit
  }

  /** Gives up all bytecode, because there is no more room for it. */
  forgetUnits(): void {
    this.units.length = 0
    this.stored = null
    this.singles.clear()
  }

  private unitsOf(slot: number): Unit[] {
    while (this.units.length < this.slots.length) this.units.push(undefined)
    return (this.units[slot] ??= this.stored?.of(slot) ?? [])
  }

  private add(translation: Translation): void {
    const known = this.variants.get(translation.slot)
    if (known === undefined) {
      this.variants.set(translation.slot, [translation])
      return
    }
    known.unshift(translation)
    if (known.length > MAX_VARIANTS) known.pop()
  }

  /** The straight translation (translate.ts) at `pc` from the bytes of `space`. */
  step(space: AddressSpace, pc: number): StepTranslation {
    const known = this.singles.get(pc)
    const asks = space.intercepts.has(pc)
    const quiet = this.isQuiet(space, pc)
    const found = known?.find(
      (step) =>
        step.intercepted === asks &&
        step.quiet === quiet &&
        holds(space, pc, step.source) &&
        space.interceptedIn([[pc + 1, pc + step.source.length]]).length === 0,
    )
    if (found !== undefined) return found
    const slot = this.numbers.add(-1)
    const { blocks, length } = straightBlocks(space, pc, this.variant)
    const unit = this.interpreted === 'never' ? null : straightUnit(blocks, slot, this.variant, this.room)
    this.statistics.steps++
    const step: StepTranslation = {
      slot,
      source: space.bytes.slice(pc, pc + length),
      intercepted: asks,
      quiet,
      unit,
      bytes: unit === null ? translateStraight(blocks, this.variant) : NO_BYTES,
      module: null,
    }
    // An instruction that could not be fetched may be another one the next time.
    if (length === 0) return step
    if (known === undefined) this.singles.set(pc, [step])
    else {
      known.unshift(step)
      if (known.length > MAX_VARIANTS) known.pop()
    }
    return step
  }

  /** To be called for a new address space: what has been translated one by one becomes one module, so that the space needs one instance of it. */
  gather(): void {
    const all = [...this.variants.values()].flat()
    const loose = all.filter(({ bundle }) => bundle === null)
    if (loose.length < Math.max(LOOSE_TRANSLATIONS, all.length / 4)) return
    const bundle: Bundle = { size: loose.length, bytes: storedModule(loose.map(({ code }) => code)), module: null }
    loose.forEach((translation, index) => {
      translation.bundle = { bundle, index }
      translation.module = null
      translation.bytes = NO_BYTES
    })
  }

  /** All translations, for `restore` of a later library; null when that would say nothing that the last `restore` did not. */
  store(): StoredTranslations | null {
    const fresh = this.statistics.regions + this.statistics.units
    const much = this.statistics.regions >= STORED_REGIONS || fresh * 50 > this.slots.length
    if (!much || this.slots.length > STORED_SLOTS) return null
    const regions: StoredRegion[] = []
    for (const list of this.variants.values()) {
      for (const { slot, entryPcs, ranges, source, intercepts, quiet, code } of list.toReversed())
        regions.push({ slot, entryPcs, ranges, source, intercepts, quiet, bytes: code.bytes, hints: code.hints })
    }
    const hot = [...this.heats].flatMap(([pc, heat]) => (heat >= HOT ? [pc] : []))
    const stored = this.stored?.all() ?? []
    const others = this.units.flatMap((list) => list?.filter((unit) => !unit.stored).toReversed() ?? [])
    return {
      variant: this.variant,
      slots: [...this.slots],
      regions,
      units: packUnits([...stored, ...others]),
      hot,
    }
  }

  /** Takes over the translations of an earlier library. Each is used only where memory holds the bytes that it was made from. Only for an empty one. */
  restore({ slots, regions, units, hot }: StoredTranslations): void {
    assert(this.slots.length === 0, 'translations can be restored only into an empty library')
    for (const pc of slots) this.numbers.add(pc)
    for (const pc of hot) this.heats.set(pc, HOT)
    this.stored = new StoredUnits(units, this.slots, this.room)
    const codes = regions.map(({ bytes, hints }): EncodedFunction => ({ bytes, hints }))
    const bundle: Bundle = { size: regions.length, bytes: storedModule(codes), module: null }
    regions.forEach(({ slot, entryPcs, ranges, source, intercepts, quiet }, index) => {
      this.add({
        slot,
        entryPcs,
        ranges,
        source,
        intercepts,
        quiet,
        code: codes[index]!,
        module: null,
        bytes: NO_BYTES,
        bundle: { bundle, index },
      })
    })
  }
}

/** The module of a translation, a step or a bundle, compiled when it is first wanted. */
export function moduleOf(of: {
  bytes: Uint8Array<ArrayBuffer>
  module: WebAssembly.Module | null
}): WebAssembly.Module {
  if (of.module === null) {
    of.module = new WebAssembly.Module(of.bytes)
    of.bytes = NO_BYTES
  }
  return of.module
}

function sourceOf(space: AddressSpace, ranges: readonly [number, number][]): Uint8Array {
  const length = ranges.reduce((sum, [start, end]) => sum + end - start, 0)
  const source = new Uint8Array(length)
  let at = 0
  for (const [start, end] of ranges) {
    source.set(space.bytes.subarray(start, end), at)
    at += end - start
  }
  return source
}

/** Does memory hold these bytes at `pc`? */
export function holds(space: AddressSpace, pc: number, source: Uint8Array): boolean {
  const { bytes } = space
  for (let i = 0; i < source.length; i++) if (bytes[pc + i] !== source[i]) return false
  return true
}
