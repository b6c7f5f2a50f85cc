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
import { OPERATION_COUNT } from '../wasm/bytecode-ops.ts'
import { holds, moduleOf, type Library, type Translation } from './library.ts'
import { canExecute } from './region.ts'
import type { Bytecode, Unit } from './units.ts'
import { CHUNK_SHIFT } from './stored-units.ts'
import { addressOf, FULL, unitTableOf } from './variant.ts'
import { Deopts } from './deopts.ts'
import { interpreterOf, sharedModules, UNIT_VISITS, unitsBase } from './modules.ts'
import { isClean, unsettle } from './definedness.ts'
import { knowString, type StringImports, stringFunctions } from './string-words.ts'
import { conditionUndefined } from './undefined-flags.ts'
import { jumpIndex, largeJumpIndex } from '../wasm/runtime-jumps.ts'
import { runtimeFunctions } from '../wasm/runtime.ts'
import { isUnit, setVisits, Visits, visitsOf } from './visits.ts'

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
  /** What stands in the slots of units, and is the stub of all slots that may have one; they are by slot in `units`, as addresses of bytecode. Of length 0 where none are used. */
  private readonly interpreter: RegionFunction
  private readonly units: Int32Array
  /** Of the room for bytecode. */
  private generation = 0
  /** Bytecode that was last put into memory for a slot; and which chunks of a store's are there (CHUNK_SHIFT). */
  private readonly placed: (Bytecode | undefined)[] = []
  private readonly chunks: boolean[] = []
  private readonly imports: Record<string, WebAssembly.ImportValue>
  /** What is entered by each slot; undefined where that is to be asked. As long as the table. */
  private readonly active: (Translation | Unit | undefined)[] = []
  /** What was in the table last, by slot. */
  private readonly latest = new Map<number, Translation>()
  /** Functions of translations in this space, in the table or not. */
  private readonly functions = new Map<Translation, RegionFunction>()
  /** Functions of bundles, in this space. */
  private readonly shelves = new Map<object, WebAssembly.Table>()
  /** Entry code of every address at which execution can enter a region elsewhere than at its start. */
  private readonly inner = new Map<number, number>()
  /** Slots of regions that are good for one time. */
  private readonly volatile = new Set<number>()
  /** Slots translated from each page, some twice, and those of them that are regions. */
  private readonly byPage = new Map<number, number[]>()
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
  private readonly visits = new Visits()
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
    this.placed.length = 0
    this.chunks.length = 0
    this.steps.clear()
    this.active.forEach((code, slot) => {
      if (code !== undefined && isUnit(code)) this.empty(slot, code)
    })
  }

  /** From now on it is asked what a slot is entered by. */
  private empty(slot: number, code: Translation | Unit): void {
    this.active[slot] = undefined
    // Where a unit was the interpreter stands, which is the stub.
    if (!isUnit(code)) this.table.set(slot, this.stubOf(slot))
    if (slot < this.units.length) this.units[slot] = 0
  }

  private stubOf(slot: number): RegionFunction {
    return slot < UNIT_SLOTS ? this.interpreter : this.stub
  }

  /** A run in this space is over; another one may begin in it. */
  endLife(): void {
    this.visits.endLife(this.space, this.active)
  }

  /** To be called when another cache of the space has been used since: they share the jump cache. */
  takeOver(): void {
    this.forgetJumps()
  }

  /** Entry code for a guest address where a translation can be entered, or -1. */
  lookup(pc: number): number {
    const slot = this.library.findSlot(pc)
    if (slot >= 0 && this.active[slot] !== undefined && !this.volatile.has(slot)) return slot << 8
    return this.inner.get(pc) ?? -1
  }

  /** Entry code for `pc`, translated now if need be; -1 when the page cannot be executed. Enters it into the jump cache. */
  resolve(pc: number): number {
    let code = this.lookup(pc)
    if (code < 0) {
      if (!canExecute(this.space, addressOf(pc))) return -1
      code = this.translate(pc)
    }
    if (pc < FULL) this.rememberJump(pc, code)
    return code
  }

  private rememberJump(pc: number, code: number): void {
    const index = jumpIndex(pc, JUMP_CACHE_ENTRIES) * 2
    this.jumpCache[index] = pc
    this.jumpCache[index + 1] = code
    const place = largeJumpIndex(pc, JUMPS_ENTRIES) * 2
    this.jumps[place] = pc
    this.jumps[place + 1] = code
  }

  private countStretch(pc: number, fuel: number): void {
    const { space } = this
    if (pc !== 0 || space.view.getUint32(STATE_BASE + STATE.exitReason, true) !== EXIT.fuel) return
    this.library.statistics.sampled += fuel
    if (isClean(space)) return
    const known = this.active[this.lookup(space.view.getUint32(STATE_BASE + STATE.rip, true)) >>> 8]
    const isCold = known !== undefined && isUnit(known)
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
    const fresh = label === 0 && this.inner.has(pc) ? this.translate(pc) : this.resolve(pc)
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
    const active = this.active[slot]
    // A region is translated again because its address shall be entered at its first block.
    const known = active === undefined || isUnit(active) ? this.known(slot) : undefined
    if (known !== undefined) {
      this.library.statistics.revived++
      this.activate(known)
      return slot << 8
    }
    const unit = active === undefined ? this.library.unit(this.space, pc, slot, this.isGood) : null
    if (unit !== null) {
      this.activateUnit(unit)
      return slot << 8
    }
    const { translation, volatile } = this.library.translate(this.space, pc, (at) => this.isWarm(at))
    this.activate(translation)
    if (volatile) this.volatile.add(slot)
    return slot << 8
  }

  /**
   * Is the code at `pc` worth a place in the region at hand? What has been executed now and then only is left to the interpreter, which will tell when that changes;
   * and what starts a region of more than `neighbour` bytes is left to that one, or else regions that overlap would hold the same code many times.
   */
  private isWarm(pc: number, neighbour = NEIGHBOUR): boolean {
    if (this.library.interpreted !== 'cold') return true
    const code = this.lookup(pc)
    const known = this.active[code >>> 8]
    if (known === undefined) return false
    if (!isUnit(known)) return (code & 255) !== 0 || known.source.length <= neighbour
    return visitsOf(this.space, known.address) >= WARM_VISITS
  }

  /** Which code of the function at `target` is warm, if any. */
  private warmIn(target: number): ((pc: number) => boolean) | null {
    const known = this.active[this.lookup(target) >>> 8]
    if (known === undefined || !this.isWarm(target, Infinity)) return null
    const ranges: [number, number][] = isUnit(known) ? [[known.pc, known.end]] : known.ranges
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
    if (times < MANY_DOUBTS || this.active[slot] === undefined) return
    this.doubts.delete(slot)
    this.library.beCareful(this.library.slots[slot]!)
    this.retranslate(slot)
  }

  /** A translation of the slot's address that is good for what memory holds now. */
  private known(slot: number): Translation | undefined {
    for (const translation of this.library.translationsOf(slot)) if (this.matches(translation)) return translation
    return undefined
  }

  /** Gives the regions that contain `pc` more room. Only while no translated code is being executed. */
  heat(pc: number): void {
    if (this.library.interpreted === 'always') return
    for (const slot of this.regionsByPage.get(pc >>> PAGE_SHIFT) ?? []) {
      const cool = this.active[slot]
      if (cool === undefined || isUnit(cool) || !covers(cool.ranges, pc)) continue
      if (this.library.heat(cool.entryPcs[0]!)) this.retranslate(slot)
    }
  }

  private retranslate(slot: number): void {
    const cool = this.active[slot]
    if (cool === undefined || isUnit(cool)) return
    const { translation, volatile } = this.library.translate(
      this.space,
      cool.entryPcs[0]!,
      (at) => this.isWarm(at, HOT_NEIGHBOUR) || covers(cool.ranges, at),
      (target) => this.warmIn(target),
    )
    if (volatile) return
    this.forgetEntries(slot, cool)
    this.forgetJumps()
    this.activate(translation)
  }

  private activate(translation: Translation): void {
    const { slot, entryPcs, ranges } = translation
    const f = this.functionOf(translation)
    this.makeRoom()
    this.table.set(slot, f)
    if (slot < this.units.length) this.units[slot] = 0
    this.active[slot] = translation
    this.volatile.delete(slot)
    const before = this.latest.get(slot)
    // What the library has given up is not asked for again.
    if (before !== undefined && before !== translation && !this.library.translationsOf(slot).includes(before))
      this.functions.delete(before)
    this.latest.set(slot, translation)
    entryPcs.forEach((pc, label) => {
      if (label !== 0 && !this.inner.has(pc)) this.inner.set(pc, (slot << 8) | label)
    })
    for (const [start, end] of ranges) {
      this.markRange(slot, start, end)
      for (let page = start >>> PAGE_SHIFT; page <= (end - 1) >>> PAGE_SHIFT; page++) {
        const slots = this.regionsByPage.get(page)
        if (slots === undefined) this.regionsByPage.set(page, new Set([slot]))
        else slots.add(slot)
      }
    }
  }

  private forgetEntries(slot: number, { entryPcs }: Translation): void {
    for (const pc of entryPcs) if (this.inner.get(pc)! >>> 8 === slot) this.inner.delete(pc)
  }

  private activateUnit(unit: Unit): void {
    const { slot } = unit
    this.makeRoom()
    this.place(slot, unit)
    if (this.library.interpreted === 'always') setVisits(this.space, unit.address, UNIT_VISITS + 1)
    else if (this.library.interpreted === 'soon') setVisits(this.space, unit.address, UNIT_VISITS - 2)
    this.active[slot] = unit
    this.markRange(slot, unit.pc, unit.end)
  }

  /** Puts bytecode where the interpreter finds it. In its slot stands the interpreter already, or a region, to which nobody goes while there is a unit. */
  private place(slot: number, unit: Bytecode): void {
    const { address, length, bytecodes, bytecodeAt } = unit
    if (unit.stored) {
      for (let i = bytecodeAt >>> CHUNK_SHIFT; i <= (bytecodeAt + length - 1) >>> CHUNK_SHIFT; i++)
        if (this.chunks[i] !== true) this.placeChunk(i, bytecodes, address - bytecodeAt)
    } else if (this.placed[slot] !== unit) {
      this.space.bytes.set(bytecodes, address)
      this.placed[slot] = unit
    }
    this.units[slot] = address
  }

  /** Remembers the pages that code is made from. */
  private markRange(slot: number, start: number, end: number): void {
    for (let page = start >>> PAGE_SHIFT; page <= (end - 1) >>> PAGE_SHIFT; page++) {
      const slots = this.byPage.get(page)
      if (slots === undefined) this.byPage.set(page, [slot])
      else slots.push(slot)
      this.space.markCode(page << PAGE_SHIFT)
    }
  }

  private placeChunk(i: number, bytecodes: Uint8Array, base: number): void {
    const start = i << CHUNK_SHIFT
    this.space.bytes.set(bytecodes.subarray(start, start + (1 << CHUNK_SHIFT)), base + start)
    this.chunks[i] = true
  }

  /** The table holds at least the stub for every slot that code may refer to. */
  private makeRoom(): void {
    const { length } = this.library.slots
    if (length <= this.active.length) return
    const end = Math.ceil(length / TABLE_GROWTH) * TABLE_GROWTH
    // The slots that may have units end where the table has grown to.
    while (this.active.length < end) {
      this.table.grow(TABLE_GROWTH, this.stubOf(this.active.length))
      for (let i = 0; i < TABLE_GROWTH; i++) this.active.push(undefined)
    }
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

  private readonly isGood = ({ place, pc, end, sources, sourceAt, intercepts, quiet }: Unit): boolean => {
    const { space } = this
    if (this.library.isQuiet(space, place) !== quiet || !this.holdsCode(pc, end, sources, sourceAt)) return false
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
    const drop = (page: number, list: readonly number[]): void => {
      for (const slot of list) if (this.active[slot] !== undefined) gone.add(slot)
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
      const code = this.active[slot]!
      if (!isUnit(code)) this.forgetEntries(slot, code)
      this.empty(slot, code)
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

function isSame(some: readonly number[], others: readonly number[]): boolean {
  return some.length === others.length && some.every((each, i) => each === others[i])
}

/** Is the address in one of the ranges? Asked for all code of a page each time that execution is looked at. */
function covers(ranges: readonly [number, number][], pc: number): boolean {
  for (let i = 0; i < ranges.length; i++) if (pc >= ranges[i]![0] && pc < ranges[i]![1]) return true
  return false
}
