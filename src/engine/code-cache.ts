/** Exists to run translations in one address space: which address is where, what must go when a page changes, and what may come back unchanged. */
import { assert } from '../base/errors.ts'
import { EXIT } from '../ir/exits.ts'
import { STATE } from '../ir/registers.ts'
import { ANSWERED } from '../ir/strings.ts'
import {
  UNIT_SLOTS,
  PAGE_SHIFT,
  STATE_BASE,
  JUMP_CACHE_BASE,
  JUMP_CACHE_ENTRIES,
  JUMPS_BASE,
  JUMPS_ENTRIES,
} from './layout.ts'
import type { AddressSpace, CodeListener } from './address-space.ts'
import { OPERATION_COUNT, UNIT } from '../wasm/bytecode-ops.ts'
import { holds, moduleOf, type Library, type Translation } from './library.ts'
import { canExecute } from './region.ts'
import type { Bytecode, Unit } from './units.ts'
import { addressOf, FULL, unitTableOf } from './variant.ts'
import { Deopts } from './deopts.ts'
import { interpreterOf, sharedModules, UNIT_VISITS, unitsBase } from './modules.ts'
import { isClean, unsettle } from './definedness.ts'
import { knowString, type StringImports, stringFunctions } from './string-words.ts'
import { conditionUndefined } from './undefined-flags.ts'
import { jumpIndex, largeJumpIndex } from '../wasm/runtime-jumps.ts'
import { runtimeFunctions } from '../wasm/runtime.ts'

type RegionFunction = (code: number, fuel: number, depth: number) => [number, number]

/** A straight translation and the bytes it was made from. */
interface Step {
  code: number
  source: Uint8Array
  intercepted: boolean
  quiet: boolean
}

/** The engine's side of the functions that translated code imports. */
export interface EngineImports {
  systemCall(fuel: number): number
  access(kind: number): number
  helper(id: number, a: number, b: number): number
  intercept(fuel: number): number
  undefined(what: number, refund: number, pc: number): number
  guarded(address: number, what: number, pc: number): number
}

/** Slots by which the function table grows. */
const TABLE_GROWTH = 4096

/** Bytes of code in a region that another one goes to rather than containing it, too; of one that is hot. */
const NEIGHBOUR = 150
const HOT_NEIGHBOUR = 300

/** Doubts of a region within a round, some microseconds each, from which on it asks instead; and the age of a round. */
const MANY_DOUBTS = 50
const DOUBT_ROUND = 64

/** Visits after which a unit is taken into the regions that it is reached from. */
const WARM_VISITS = 50

/** The translations that one address space uses of a library, valid as long as memory holds the bytes they were made from. */
export class CodeCache implements CodeListener {
  readonly space: AddressSpace
  readonly library: Library
  /** (code, fuel, depth) -> pc; fuel left at STATE.fuelLeft. */
  readonly enter: (code: number, fuel: number, depth: number) => number
  private readonly table: WebAssembly.Table
  private readonly stub: RegionFunction
  /** What stands in the slots of units; they are by slot in `units`, as addresses of bytecode. Of length 0 where none are used. */
  private readonly interpreter: RegionFunction
  private readonly units: Int32Array
  /** Of the room for bytecode. */
  private generation = 0
  /** Bytecode that is in memory, by address. */
  private readonly placed = new Map<number, Bytecode>()
  private readonly imports: Record<string, WebAssembly.ImportValue>
  /** What is in the table, by slot; all others hold the stub. */
  private readonly active = new Map<number, Translation | Unit>()
  /** What was in the table last, by slot. */
  private readonly latest = new Map<number, Translation>()
  /** Functions of translations in this space, in the table or not. */
  private readonly functions = new Map<Translation, RegionFunction>()
  /** Functions of bundles, in this space. */
  private readonly shelves = new Map<object, WebAssembly.Table>()
  /** Entry code of every address at which execution can enter a valid translation. */
  private readonly entries = new Map<number, number>()
  /** Slots translated from each page, and those of them that are regions. */
  private readonly byPage = new Map<number, Set<number>>()
  private readonly regionsByPage = new Map<number, Set<number>>()
  private readonly steps = new Map<number, Step>()
  /** AddressSpace.interceptsVersion that `steps` were made for. */
  private stepsVersion = 0
  private readonly jumpCache: Int32Array
  private readonly jumps: Int32Array
  private readonly deopts: Deopts
  /** Doubts (EXIT.doubt) by slot, since the counts were last halved. */
  private readonly doubts = new Map<number, number>()
  private doubtsAge = 0
  /** Set when translations, or pages that translated code relies on, went away: frames of translated code below must not be resumed. */
  dropped = false

  constructor(space: AddressSpace, engine: EngineImports, library: Library) {
    this.space = space
    this.library = library
    this.deopts = new Deopts(library.statistics)
    this.jumpCache = new Int32Array(space.memory.buffer, JUMP_CACHE_BASE, JUMP_CACHE_ENTRIES * 2)
    this.jumps = new Int32Array(space.memory.buffer, JUMPS_BASE, JUMPS_ENTRIES * 2)
    this.table = new WebAssembly.Table({ element: 'anyfunc', initial: 0 })
    const base = { memory: space.memory, table: this.table }
    const access = (kind: number): number => engine.access(kind)
    const rezone = (low: number): void => space.rezone(low >>> 0)
    const resolve = (pc: number): number => this.unlessDropped(this.resolve(pc), -1)
    const shared = sharedModules()
    const runtime = new WebAssembly.Instance(shared.runtime, {
      l: { ...base, access, rezone, conditionUndefined, resolve },
    })
    const enter = runtime.exports.enter as CodeCache['enter']
    const leaveClean = runtime.exports.leaveClean as () => void
    /** Translated code has been left, perhaps clean code: what that knows of the registers goes to the mirrors. */
    const settled = (): void => {
      if (space.checked && isClean(space)) leaveClean()
    }
    this.enter = (code, fuel, depth) => {
      unsettle(space)
      const pc = enter(code, fuel, depth)
      if (space.checked) this.countStretch(pc, fuel)
      settled()
      return pc
    }
    const js: Record<string, WebAssembly.ImportValue> = {
      revive: (code: number) => this.revive(code),
      systemCall: (fuel: number) => {
        settled()
        return engine.systemCall(fuel)
      },
      access,
      rezone,
      helper: (id: number, a: number, b: number) => engine.helper(id, a, b),
      intercept: (fuel: number) => {
        settled()
        return engine.intercept(fuel)
      },
      undefined: (what: number, refund: number, pc: number) => engine.undefined(what, refund, pc),
      guarded: (address: number, what: number, pc: number) => engine.guarded(address, what, pc),
      deopt: (what: number, from: number) => this.deopt(what, from),
    }
    js.promote = (code: number) => this.promote(code)
    if (space.checked) {
      const { intercept, guarded } = js as unknown as StringImports
      const answer = (fuel: number): number => engine.intercept(fuel)
      const asked = (fuel: number): number => {
        const pc = space.view.getUint32(STATE_BASE + STATE.rip, true)
        const back = intercept(fuel)
        if (back > 0) knowString(space, pc, ANSWERED)
        return back
      }
      const checkClean = runtime.exports.checkClean as StringImports['checkClean']
      Object.assign(js, stringFunctions(space, { intercept: asked, guarded, answer, checkClean }))
    }
    this.imports = { ...base, promote: js.promote! }
    for (const f of runtimeFunctions)
      this.imports[f.name] = js[f.name] ?? (runtime.exports[f.name] as WebAssembly.ImportValue)
    this.stub = this.instantiate(shared.stub)
    const table = unitTableOf(library.variant)
    this.units = table < 0 ? new Int32Array(0) : new Int32Array(space.memory.buffer, unitsBase(table), UNIT_SLOTS)
    this.interpreter = table < 0 ? this.stub : this.instantiateInterpreter(table)
    library.gather()
    space.listen(this)
  }

  /** Which code this is. */
  get variant(): number {
    return this.library.variant
  }

  /** Gives up all units that are not of this generation of the room for bytecode. */
  renew(generation: number): void {
    if (this.generation === generation) return
    this.generation = generation
    this.forgetJumps()
    this.placed.clear()
    this.steps.clear()
    for (const [slot, code] of this.active) {
      if (!('bytecode' in code)) continue
      this.entries.delete(code.place)
      this.active.delete(slot)
      this.table.set(slot, this.stub)
      this.units[slot] = 0
    }
  }

  /** To be called when another cache of the space has been used since: they share the jump cache. */
  takeOver(): void {
    this.forgetJumps()
  }

  /** Entry code for a guest address where a translation can be entered, or -1. */
  lookup(pc: number): number {
    return this.entries.get(pc) ?? -1
  }

  /** Entry code for `pc`, translated now if need be; -1 when the page cannot be executed. Enters it into the jump cache. */
  resolve(pc: number): number {
    let code = this.entries.get(pc) ?? -1
    if (code < 0) {
      if (!canExecute(this.space, addressOf(pc))) return -1
      code = this.translate(pc)
    }
    if (pc >= FULL) return code
    const index = jumpIndex(pc, JUMP_CACHE_ENTRIES) * 2
    this.jumpCache[index] = pc
    this.jumpCache[index + 1] = code
    const place = largeJumpIndex(pc, JUMPS_ENTRIES) * 2
    this.jumps[place] = pc
    this.jumps[place + 1] = code
    return code
  }

  private countStretch(pc: number, fuel: number): void {
    const { space } = this
    if (pc !== 0 || space.view.getUint32(STATE_BASE + STATE.exitReason, true) !== EXIT.fuel) return
    this.library.statistics.sampled += fuel
    if (isClean(space)) return
    const code = this.entries.get(space.view.getUint32(STATE_BASE + STATE.rip, true)) ?? -1
    const known = this.active.get(code >>> 8)
    const isCold = known !== undefined && 'bytecode' in known
    this.library.statistics[isCold ? 'cold' : 'full'] += fuel
  }

  private forgetJumps(): void {
    this.jumpCache.fill(0)
    this.jumps.fill(0)
  }

  /** For the stub: where an entry code went, or the complement of its address. */
  private revive(code: number): number {
    const label = code & 255
    const slot = code >>> 8
    const pc = label === 0 ? this.library.slots[slot] : this.latest.get(slot)?.entryPcs[label]
    assert(pc !== undefined, 'a stub was entered at a label that its region never had')
    // Code that goes to an inner entry of a region often deserves a region that starts there.
    const inner = (this.entries.get(pc) ?? 0) & 255
    const fresh = inner !== 0 && label === 0 ? this.translate(pc) : this.resolve(pc)
    return fresh < 0 ? ~pc : this.unlessDropped(fresh, ~pc)
  }

  /** The answer to translated code; `unwind` instead when translating has taken from its callers what they rely on. */
  private unlessDropped(code: number, unwind: number): number {
    const { dropped } = this
    this.dropped = false
    return dropped ? unwind : code
  }

  // Translation.

  private translate(pc: number): number {
    const slot = this.library.slotFor(pc)
    const active = this.active.get(slot)
    // A region is translated again because its address shall be entered at its first block.
    const known = active === undefined || 'bytecode' in active ? this.known(slot) : undefined
    if (known !== undefined) {
      this.library.statistics.revived++
      this.activate(known)
      return slot << 8
    }
    const unit = active === undefined ? this.library.unit(this.space, pc, this.isGood) : null
    if (unit !== null) {
      this.activateUnit(unit)
      return slot << 8
    }
    const { translation, volatile } = this.library.translate(this.space, pc, (at) => this.isWarm(at))
    this.activate(translation)
    if (volatile) this.entries.delete(pc)
    return slot << 8
  }

  /**
   * Is the code at `pc` worth a place in the region at hand? What has been executed now and then only is left to the interpreter, which will tell when that changes;
   * and what starts a region of more than `neighbour` bytes is left to that one, or else regions that overlap would hold the same code many times.
   */
  private isWarm(pc: number, neighbour = NEIGHBOUR): boolean {
    if (this.library.interpreted !== 'cold') return true
    const code = this.entries.get(pc) ?? -1
    const known = this.active.get(code >>> 8)
    if (known === undefined) return false
    if (!('bytecode' in known)) return (code & 255) !== 0 || known.source.length <= neighbour
    return this.space.view.getUint32(known.address + UNIT.visits, true) >= WARM_VISITS
  }

  /** Which code of the function at `target` is warm, if any. */
  private warmIn(target: number): ((pc: number) => boolean) | null {
    const code = this.entries.get(target) ?? -1
    const known = this.active.get(code >>> 8)
    if (known === undefined || !this.isWarm(target, Infinity)) return null
    const ranges: [number, number][] = 'bytecode' in known ? [[known.pc, known.end]] : known.ranges
    return (pc) => covers(ranges, pc) || this.isWarm(pc, 0)
  }

  /** For the interpreter: a unit has been visited often. Its entry code, now of a region, or the complement of its address. */
  private promote(code: number): number {
    const pc = this.library.slots[code >>> 8]!
    return this.unlessDropped(this.translate(pc), ~pc)
  }

  /**
   * For clean code that cannot go on: the entry code of full code, or a negative number to go on by way of the run loop. It is at the entry with the code `what`, of which this is the
   * complement of the address; or, in the region with the code `from`, at the address `what`.
   */
  private deopt(what: number, from: number): number {
    const slot = (from < 0 ? what : from) >>> 8
    const pc = from >= 0 ? what : this.addressOf(what)
    if (from >= 0) this.space.onDeopt(pc)
    if (this.deopts.count(slot)) {
      this.library.giveUpClean(this.library.slots[slot]!)
      this.retranslate(slot)
    }
    return this.unlessDropped(this.resolve(pc + FULL), ~pc)
  }

  /** The address of an entry code. */
  addressOf(code: number): number {
    return (code & 255) === 0 ? this.library.slots[code >>> 8]! : this.latest.get(code >>> 8)!.entryPcs[code & 255]!
  }

  /**
   * The region in a slot has left an instruction to the engine: those that do so often become more careful. `age` grows with the instructions executed: what happens rarely in
   * the long run is no reason. Only while no translated code is being executed.
   */
  doubt(slot: number, age: number): void {
    if (age - this.doubtsAge >= DOUBT_ROUND) {
      this.doubtsAge = age
      for (const [each, times] of this.doubts) this.doubts.set(each, times >> 1)
    }
    const times = (this.doubts.get(slot) ?? 0) + 1
    this.doubts.set(slot, times)
    if (times < MANY_DOUBTS || !this.active.has(slot)) return
    this.doubts.delete(slot)
    this.library.beCareful(this.library.slots[slot]!)
    this.retranslate(slot)
  }

  /** A translation of the slot's address that is good for what memory holds now. */
  private known(slot: number): Translation | undefined {
    return this.library.translationsOf(slot).find((translation) => this.matches(translation))
  }

  /** Gives the regions that contain `pc` more room. Only while no translated code is being executed. */
  heat(pc: number): void {
    if (this.library.interpreted === 'always') return
    for (const slot of this.regionsByPage.get(pc >>> PAGE_SHIFT) ?? []) {
      const cool = this.active.get(slot)
      if (cool === undefined || 'bytecode' in cool || !covers(cool.ranges, pc)) continue
      if (this.library.heat(cool.entryPcs[0]!)) this.retranslate(slot)
    }
  }

  private retranslate(slot: number): void {
    const cool = this.active.get(slot)
    if (cool === undefined || 'bytecode' in cool) return
    const { translation, volatile } = this.library.translate(
      this.space,
      cool.entryPcs[0]!,
      (at) => this.isWarm(at, HOT_NEIGHBOUR) || covers(cool.ranges, at),
      (target) => this.warmIn(target),
    )
    if (volatile) return
    for (const at of cool.entryPcs) if (this.entries.get(at)! >>> 8 === slot) this.entries.delete(at)
    this.forgetJumps()
    this.activate(translation)
  }

  private activate(translation: Translation): void {
    const { slot, entryPcs, ranges } = translation
    const f = this.functionOf(translation)
    this.makeRoom()
    this.table.set(slot, f)
    if (this.library.interpreted !== 'never' && slot < UNIT_SLOTS) this.units[slot] = 0
    this.active.set(slot, translation)
    const before = this.latest.get(slot)
    // What the library has given up is not asked for again.
    if (before !== undefined && before !== translation && !this.library.translationsOf(slot).includes(before))
      this.functions.delete(before)
    this.latest.set(slot, translation)
    entryPcs.forEach((pc, label) => {
      if (label === 0 || !this.entries.has(pc)) this.entries.set(pc, (slot << 8) | label)
    })
    this.mark(slot, ranges, this.regionsByPage)
    this.mark(slot, ranges)
  }

  private activateUnit(unit: Unit): void {
    const { slot } = unit
    this.makeRoom()
    this.place(slot, unit)
    if (this.library.interpreted === 'always') setVisits(this.space, unit.address, UNIT_VISITS + 1)
    else if (this.library.interpreted === 'soon') setVisits(this.space, unit.address, UNIT_VISITS - 2)
    this.active.set(slot, unit)
    this.entries.set(unit.place, slot << 8)
    this.markRange(slot, unit.pc, unit.end, this.byPage)
  }

  /** Puts bytecode where the interpreter finds it. */
  private place(slot: number, unit: Bytecode): void {
    const { address } = unit
    if (this.placed.get(address) !== unit) {
      this.space.bytes.set(unit.bytecode, address)
      this.placed.set(address, unit)
    }
    this.units[slot] = address
    this.table.set(slot, this.interpreter)
  }

  /** Remembers the pages that code is made from. */
  private mark(slot: number, ranges: readonly [number, number][], byPage = this.byPage): void {
    for (const [start, end] of ranges) this.markRange(slot, start, end, byPage)
  }

  private markRange(slot: number, start: number, end: number, byPage: Map<number, Set<number>>): void {
    for (let page = start >>> PAGE_SHIFT; page <= (end - 1) >>> PAGE_SHIFT; page++) {
      const slots = byPage.get(page)
      if (slots === undefined) byPage.set(page, new Set([slot]))
      else slots.add(slot)
      this.space.markCode(page << PAGE_SHIFT)
    }
  }

  /** The table holds at least the stub for every slot that code may refer to. */
  private makeRoom(): void {
    const missing = this.library.slots.length - this.table.length
    if (missing > 0) this.table.grow(Math.ceil(missing / TABLE_GROWTH) * TABLE_GROWTH, this.stub)
  }

  private functionOf(translation: Translation): RegionFunction {
    let f = this.functions.get(translation)
    if (f === undefined) {
      const { bundle } = translation
      f =
        bundle === null
          ? this.instantiate(moduleOf(translation))
          : (this.shelf(bundle.bundle).get(bundle.index) as RegionFunction)
      this.functions.set(translation, f)
    }
    return f
  }

  private shelf(bundle: NonNullable<Translation['bundle']>['bundle']): WebAssembly.Table {
    let shelf = this.shelves.get(bundle)
    if (shelf === undefined) {
      shelf = new WebAssembly.Table({ element: 'anyfunc', initial: bundle.size })
      new WebAssembly.Instance(moduleOf(bundle), { l: { ...this.imports, shelf } })
      this.shelves.set(bundle, shelf)
    }
    return shelf
  }

  private instantiate(module: WebAssembly.Module): RegionFunction {
    return new WebAssembly.Instance(module, { l: this.imports }).exports.f as RegionFunction
  }

  private instantiateInterpreter(table: number): RegionFunction {
    const operations = new WebAssembly.Table({ element: 'anyfunc', initial: OPERATION_COUNT })
    const { exports } = new WebAssembly.Instance(interpreterOf(table), { l: { ...this.imports, operations } })
    return exports.f as RegionFunction
  }

  private matches({ ranges, source, intercepts, quiet, entryPcs }: Translation): boolean {
    if (this.library.isQuiet(this.space, entryPcs[0]!) !== quiet) return false
    let at = 0
    for (const [start, end] of ranges) {
      if (!this.holdsCode(start, end, source, at)) return false
      at += end - start
    }
    return isSame(this.space.interceptedIn(ranges), intercepts)
  }

  private readonly isGood = ({ place, pc, end, source, intercepts, quiet }: Unit): boolean => {
    const { space } = this
    if (this.library.isQuiet(space, place) !== quiet || !this.holdsCode(pc, end, source, 0)) return false
    return space.intercepts.size === 0 ? intercepts.length === 0 : isSame(space.interceptedIn([[pc, end]]), intercepts)
  }

  /** Are the bytes at [start, end) executable, and those of `source` from `at` on? */
  private holdsCode(start: number, end: number, source: Uint8Array, at: number): boolean {
    const { space } = this
    const { bytes } = space
    for (let page = start >>> PAGE_SHIFT; page <= (end - 1) >>> PAGE_SHIFT; page++)
      if (!canExecute(space, page << PAGE_SHIFT)) return false
    for (let i = start, from = at; i < end; i++, from++) if (bytes[i] !== source[from]) return false
    return true
  }

  plainLost(): void {
    this.dropped = true
  }

  /** Pages changed: their translations leave the table. Their functions are kept in case the same bytes come back. */
  invalidate(first: number, count: number): void {
    const gone = new Set<number>()
    const drop = (page: number, list: ReadonlySet<number>): void => {
      for (const slot of list) if (this.active.has(slot)) gone.add(slot)
      this.byPage.delete(page)
      this.regionsByPage.delete(page)
    }
    if (count > this.byPage.size) {
      for (const [page, list] of this.byPage) if (page >= first && page < first + count) drop(page, list)
    } else {
      for (let page = first; page < first + count; page++) {
        const list = this.byPage.get(page)
        if (list !== undefined) drop(page, list)
      }
    }
    if (gone.size === 0) return
    this.dropped = true
    this.forgetJumps()
    for (const slot of gone) {
      const code = this.active.get(slot)!
      for (const pc of 'bytecode' in code ? [code.place] : code.entryPcs)
        if (this.entries.get(pc)! >>> 8 === slot) this.entries.delete(pc)
      this.active.delete(slot)
      this.table.set(slot, this.stub)
      if (this.library.interpreted !== 'never' && slot < UNIT_SLOTS) this.units[slot] = 0
    }
  }

  /** Entry code of the straight translation at `pc`, for as many instructions as there is fuel; -1 when the page cannot be executed. */
  step(pc: number): number {
    if (!this.space.isExecutable(pc)) return -1
    if (this.stepsVersion !== this.space.interceptsVersion) {
      this.stepsVersion = this.space.interceptsVersion
      this.steps.clear()
    }
    const known = this.steps.get(pc)
    const same =
      known !== undefined &&
      known.intercepted === this.space.intercepts.has(pc) &&
      known.quiet === this.library.isQuiet(this.space, pc)
    if (same && known.source.length > 0 && holds(this.space, pc, known.source)) return known.code
    const step = this.library.step(this.space, pc)
    this.makeRoom()
    if (step.unit === null) this.table.set(step.slot, this.instantiate(moduleOf(step)))
    else this.place(step.slot, step.unit)
    const { source, intercepted, quiet } = step
    this.steps.set(pc, { code: step.slot << 8, source, intercepted, quiet })
    return step.slot << 8
  }
}

/** How often the unit at `address` has been visited. */
function setVisits(space: AddressSpace, address: number, visits: number): void {
  space.view.setUint32(address + UNIT.visits, visits, true)
}

function isSame(some: readonly number[], others: readonly number[]): boolean {
  return some.length === others.length && some.every((each, i) => each === others[i])
}

/** Is the address in one of the ranges? Asked for all code of a page each time that execution is looked at. */
function covers(ranges: readonly [number, number][], pc: number): boolean {
  for (let i = 0; i < ranges.length; i++) if (pc >= ranges[i]![0] && pc < ranges[i]![1]) return true
  return false
}
