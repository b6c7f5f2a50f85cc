/** Exists as the run loop: enters translated code, hears why it came back, and stops exactly where it was told to. */
import { EXIT } from '../ir/exits.ts'
import { STATE, STATE_SIZE } from '../ir/registers.ts'
import { ATTRIBUTE, DOUBTER_BASE, GUEST_LIMIT, GUEST_MIN, PAGE_SHIFT, REFUND_BASE, STATE_BASE } from './layout.ts'
import { readFlags, writeFlags } from './flags.ts'
import { AddressSpace } from './address-space.ts'
import { firstUnaddressable, keepGuarded } from './addressable.ts'
import { CodeCache } from './code-cache.ts'
import { Library, type StoredTranslations, type TranslationStatistics } from './library.ts'
import { CpuState, setRip } from './cpu-state.ts'
import { ACCESS } from '../wasm/runtime-index.ts'
import { BytecodeRoom } from './units.ts'
import { VARIANT } from './variant.ts'
import { PcCounts } from './pc-counts.ts'
import { isHeard, PointWords } from './point-words.ts'
import { runHelper } from './helpers/index.ts'
import { isExact } from './helpers/sse.ts'
import { defineRegisters } from './definedness.ts'
import { USE_SHIFT } from '../wasm/runtime.ts'
import { EXCUSE, type KernelEntry, type Processor, type Stop, type TracedAccess } from './processor.ts'

/** Gives what an earlier engine has translated of a VARIANT, or null. */
export type TranslationSource = (variant: number) => StoredTranslations | null

/** Nested guest calls that may become nested wasm calls before everything unwinds to the run loop; the stack of the thread must hold them. */
export interface EngineOptions {
  callDepth: number
  /** What is interpreted instead of being translated: code that is executed rarely (the default), or at first, all of it, or none. For tests: it makes no difference but for time. */
  interpret?: 'cold' | 'soon' | 'always' | 'never'
  /** Bytes of bytecode that are kept at most, for tests; as many as there is room for. */
  bytecodeBytes?: number
}

/**
 * Instructions for which translated code is entered at most. The host's optimising compiler replaces a function only when it is entered anew, so a loop must be
 * left now and then to get its optimised code.
 */
const FUEL_LIMIT = 1_000_000

/** The same for the first stretches of a run, which show soon which code is hot. */
const EARLY_FUEL_LIMIT = 100_000
const EARLY_STRETCHES = 200

/** Instructions after which the place at hand is taken for hot, however often the turn changed meanwhile. */
const SAMPLE_DISTANCE = 250_000

/** Straight translations executed after a resumption before a region of its own is translated for the place. */
const STEP_LIMIT = 64

/** Instructions that straight translations execute where a region cannot be entered. */
const ENTRY_STEPS = 16

/** Reasons for which translated code leaves an instruction to the engine. */
const LEFT_TO_US: number[] = [EXIT.doubt, EXIT.entryDoubt, EXIT.unaddressable, EXIT.undefined, EXIT.selfModify]

/** Resumptions that come to a place before it gets a region of its own. */
const ARRIVALS = 16

/** Released address spaces that are kept for the next process, and the most that one of them may have touched: their translations are at hand. */
const KEPT_SPACES = 6
const KEPT_BYTES = 0x2000_0000
/** The most that all of them together may have touched. */
const KEPT_TOGETHER = 0x4000_0000

/** KernelEntry.intercept's answer that stops before the instruction. */
const STOP_BEFORE = -2

interface SpaceEntry {
  /** The code that is used now: of the VARIANT that the task's state and the kernel ask for. */
  cache: CodeCache
  plain: CodeCache
  /** What scheduling points are counted with. */
  points: PointWords
  /** By VARIANT; made when first used. */
  caches: CodeCache[]
  state: CpuState
}

/** Stops for one instruction that depends on undefined bits; for more of them they would only take time. */
const MOST_TOLD = 1000

/** The translating processor. One instance serves all address spaces of a machine. */
export class Engine implements Processor {
  private readonly options: EngineOptions
  private readonly spaces = new WeakMap<AddressSpace, SpaceEntry>()
  private space: AddressSpace | null = null
  private kernel: KernelEntry | null = null
  /** Instructions executed in this `run` before translated code was last entered, and the fuel it was entered with. */
  private before = 0
  private fuel = 0
  /** Addresses inside blocks at which execution stopped for lack of fuel: resumed by straight translations, not by regions of their own. */
  private readonly interior = new PcCounts()
  /** Stretches of translated code that ended for lack of fuel so far, and instructions since a place was last taken for hot. */
  private stretches = 0
  private unsampled = 0
  /** How often straight translations have come to an address where no region can be entered. */
  private readonly arrivals = new PcCounts()
  private readonly released: AddressSpace[] = []
  /** VARIANT bits that the kernel asks for. */
  private wanted = 0
  private logging = false
  /** All that has been translated, for whichever space. */
  private readonly rooms: Record<'plain' | 'checked', BytecodeRoom>
  private readonly plain: Library
  private readonly libraries: (Library | undefined)[]
  private source: TranslationSource = () => null
  /** The plain library has not been asked for yet: machines that check something have no use for it. */
  private plainIsToCome = false

  constructor(options: EngineOptions) {
    this.options = options
    const { bytecodeBytes } = options
    this.rooms = { plain: new BytecodeRoom(false, bytecodeBytes), checked: new BytecodeRoom(true, bytecodeBytes) }
    this.plain = this.makeLibrary(0)
    this.libraries = [this.plain]
  }

  private entryOf(space: AddressSpace): SpaceEntry {
    let entry = this.spaces.get(space)
    if (entry === undefined) {
      const plain = this.makeCache(space, this.plain)
      entry = {
        cache: plain,
        plain,
        points: new PointWords(space),
        caches: [plain],
        state: new CpuState(space.bytes.subarray(STATE_BASE, STATE_BASE + STATE_SIZE)),
      }
      this.spaces.set(space, entry)
    }
    return entry
  }

  private makeLibrary(variant: number): Library {
    const library = new Library(variant, this.options.interpret ?? 'cold', this.roomOf(variant))
    this.restore(library)
    return library
  }

  private roomOf(variant: number): BytecodeRoom {
    return (variant & VARIANT.checked) !== 0 ? this.rooms.checked : this.rooms.plain
  }

  private makeCache(space: AddressSpace, library: Library): CodeCache {
    const imports = {
      systemCall: (fuel: number) => this.systemCall(fuel),
      access: (kind: number) => this.access(kind),
      helper: (id: number, a: number, b: number) => this.helper(id, a, b),
      intercept: (fuel: number) => this.intercept(fuel),
      undefined: (what: number, refund: number, pc: number) => this.undefined(what, refund, pc),
      guarded: (address: number, what: number, pc: number) => this.guarded(address >>> 0, what, pc >>> 0),
    }
    return new CodeCache(space, imports, library)
  }

  /** The code that the task's state asks for. Only while none is being executed. */
  private chooseCache(entry: SpaceEntry): CodeCache {
    const variant = this.wanted | (isExact(entry.state.view) ? VARIANT.exact : 0)
    if (variant === 0 && this.plainIsToCome) {
      this.plainIsToCome = false
      this.restore(this.plain)
    }
    const room = this.roomOf(variant)
    if (room.full) {
      room.empty()
      for (const library of this.libraries)
        if (library !== undefined && this.roomOf(library.variant) === room) library.forgetUnits()
    }
    if (entry.cache.variant !== variant) {
      this.libraries[variant] ??= this.makeLibrary(variant)
      entry.caches[variant] ??= this.makeCache(entry.plain.space, this.libraries[variant])
      entry.cache = entry.caches[variant]
      entry.cache.takeOver()
    }
    entry.cache.renew(room.generation)
    return entry.cache
  }

  createSpace(checked = false): AddressSpace {
    const at = this.released.findLastIndex((space) => space.checked === checked)
    const [space] = at < 0 ? [] : this.released.splice(at, 1)
    if (space === undefined) return new AddressSpace(checked)
    space.clear()
    this.stateOf(space).bytes.fill(0)
    return space
  }

  /** Where the translations of an earlier engine are to be asked for, when a variant is used for the first time; to be called before anything is translated. */
  provide(source: TranslationSource): void {
    this.source = source
    this.plainIsToCome = true
  }

  private restore(library: Library): void {
    const stored = this.source(library.variant)
    if (stored?.variant === library.variant) library.restore(stored)
  }

  /** What is worth keeping of the translations, by variant. */
  translations(): Map<number, StoredTranslations> {
    const found = new Map<number, StoredTranslations>()
    for (const library of this.libraries) {
      const stored = library?.store() ?? null
      if (stored !== null) found.set(library!.variant, stored)
    }
    return found
  }

  releaseSpace(space: AddressSpace): void {
    space.endLife()
    // A space keeps the pages that were ever touched: one that was large goes back to the host. The newest are kept, since a run that is executed again may want the other kind.
    if (space.touchedBytes() > KEPT_BYTES) return
    this.released.push(space)
    const kept = (): number => this.released.reduce((sum, other) => sum + other.touchedBytes(), 0)
    while (this.released.length > KEPT_SPACES || kept() > KEPT_TOGETHER) this.released.shift()
  }

  stateOf(space: AddressSpace): CpuState {
    return this.entryOf(space).state
  }

  /** Counters of all translations so far. */
  statistics(): TranslationStatistics {
    const sum = { ...this.plain.statistics }
    for (const library of this.libraries) {
      if (library === undefined || library === this.plain) continue
      for (const name of Object.keys(sum) as (keyof TranslationStatistics)[]) sum[name] += library.statistics[name]
    }
    return sum
  }

  run(space: AddressSpace, limit: number, kernel: KernelEntry): Stop {
    const entry = this.entryOf(space)
    this.space = space
    this.kernel = kernel
    const points = (kernel.points ?? -1) >= 0 || isHeard(kernel)
    const logged = isHeard(kernel) ? VARIANT.logged | (kernel.frames === true ? VARIANT.frames : 0) : 0
    this.wanted = (points ? VARIANT.points : 0) | logged | (space.checked ? VARIANT.checked : 0)
    this.logging = logged !== 0
    if (!points) return this.execute(entry, limit)
    entry.points.open(kernel)
    const stop = this.execute(entry, limit)
    entry.points.close(kernel)
    if (stop.reason === EXIT.point) stop.point = entry.points.stopped
    return stop
  }

  private execute(entry: SpaceEntry, limit: number): Stop {
    const { space } = entry.plain
    const { view } = entry.state
    let executed = 0
    let resuming = true
    let steps = 0
    while (executed < limit) {
      if (view.getUint32(STATE.rip + 4, true) !== 0) return { reason: EXIT.fetchFault, executed }
      const pc = view.getUint32(STATE.rip, true)
      const cache = this.chooseCache(entry)
      let code = cache.lookup(pc)
      const stretch = this.stretches < EARLY_STRETCHES ? EARLY_FUEL_LIMIT : FUEL_LIMIT
      const fuel = Math.min(limit - executed, stretch)
      let stepping = false
      if (code < 0) {
        if (resuming && steps < STEP_LIMIT && this.interior.get(pc) === 1) {
          code = cache.step(pc)
          steps++
          stepping = true
        } else {
          code = cache.resolve(pc)
          resuming = false
        }
        if (code < 0) return { reason: EXIT.fetchFault, executed }
      } else resuming = false
      this.before = executed
      this.fuel = fuel
      view.setUint32(STATE.exitReason, EXIT.none, true)
      const ret = cache.enter(code, fuel, this.options.callDepth)
      if (this.logging) this.drain(entry)
      executed += fuel - this.fuelLeft(space)
      if (ret !== 0) {
        setRip(view, ret)
        if (stepping) this.arrive(ret >>> 0)
        continue
      }
      const reason = view.getUint32(STATE.exitReason, true)
      if (reason === EXIT.none) continue
      if (reason === EXIT.fuel) {
        if (stepping) continue
        this.sample(cache, fuel, view.getUint32(STATE.rip, true))
        if (fuel === stretch && executed < limit) {
          this.stretches++
          this.interior.set(view.getUint32(STATE.rip, true), 1)
          resuming = true
          steps = 0
          continue
        }
        executed = this.finish(entry, executed, limit)
        if (this.pending !== EXIT.none) return { reason: this.pending, executed }
        continue
      }
      if (reason !== EXIT.point && reason !== EXIT.logFull) {
        if (!LEFT_TO_US.includes(reason)) return { reason, executed }
        executed = this.executeInstead(entry, reason, executed, limit)
        if (this.pending !== EXIT.none) return { reason: this.pending, executed }
        if (reason !== EXIT.doubt && reason !== EXIT.entryDoubt) continue
      }
      this.interior.set(view.getUint32(STATE.rip, true), 1)
      if (reason === EXIT.point) return { reason, executed }
      resuming = true
      steps = 0
    }
    return { reason: EXIT.fuel, executed }
  }

  /** Translated code has stopped before an instruction that it does not execute itself. Returns the instructions executed by now; leaves in `pending` why it stopped before. */
  private executeInstead(entry: SpaceEntry, reason: number, executed: number, limit: number): number {
    const [view, space] = [entry.state.view, entry.plain.space]
    if (reason === EXIT.doubt || reason === EXIT.entryDoubt) {
      const code = reason === EXIT.doubt ? space.view.getUint32(DOUBTER_BASE, true) : view.getUint32(STATE.rip, true)
      if (reason === EXIT.entryDoubt) setRip(view, entry.cache.addressOf(code))
      entry.cache.doubt(code >>> 8, this.stretches)
      if (reason === EXIT.doubt) return this.stepAgain(entry, executed, Math.min(limit, executed + 1))
      return this.steps(entry, executed, Math.min(limit, executed + ENTRY_STEPS))
    }
    if (reason === EXIT.unaddressable) this.tellUnaddressable(space, view, executed)
    else if (reason === EXIT.undefined) this.tellUndefined(view, executed)
    else this.dropWritten(space, view)
    return this.stepAgain(entry, executed, reason === EXIT.selfModify ? Math.min(limit, executed + 1) : executed + 1)
  }

  /** Fuel not used by the translated code that just returned: what its last block gives back included. */
  private fuelLeft(space: AddressSpace): number {
    const left = space.view.getInt32(STATE_BASE + STATE.fuelLeft, true) + space.view.getInt32(REFUND_BASE, true)
    space.view.setInt32(REFUND_BASE, 0, true)
    return left
  }

  /** Execution has come to `pc` within `fuel` instructions: now and then that makes the code there hot. */
  private sample(cache: CodeCache, fuel: number, pc: number): void {
    this.unsampled += fuel
    if (fuel !== EARLY_FUEL_LIMIT && this.unsampled < SAMPLE_DISTANCE) return
    this.unsampled = 0
    cache.heat(pc)
  }

  private pending: number = EXIT.none

  /** A straight translation has come to `pc`, most often the head of a block: one that is met again and again gets a region. */
  private arrive(pc: number): void {
    const times = Math.min(this.arrivals.get(pc) + 1, ARRIVALS)
    this.arrivals.set(pc, times)
    this.interior.set(pc, times < ARRIVALS ? 1 : 0)
  }

  /** The block at hand is longer than the fuel: straight translations execute the part of it that is left. */
  private finish(entry: SpaceEntry, executed: number, limit: number): number {
    const done = this.steps(entry, executed, limit)
    this.interior.set(entry.state.view.getUint32(STATE.rip, true), 1)
    return done
  }

  /** Tells the kernel of the accesses that were logged since translated code was last entered, or since the last call. */
  private drain(entry: SpaceEntry): void {
    entry.points.drain(this.kernel!, this.before + this.fuel)
  }

  /** `steps` for an instruction that stopped behind its scheduling points. */
  private stepAgain(entry: SpaceEntry, executed: number, until: number): number {
    entry.points.pass(entry.state.view.getUint32(STATE.rip, true))
    const done = this.steps(entry, executed, until)
    entry.points.pass(0)
    return done
  }

  /** Executes straight translations until `until` instructions have been executed in this run; leaves in `pending` why it stopped before. */
  private steps(entry: SpaceEntry, executed: number, until: number): number {
    const { space } = entry.plain
    const { view } = entry.state
    this.pending = EXIT.none
    while (executed < until) {
      const cache = this.chooseCache(entry)
      const pc = view.getUint32(STATE.rip, true)
      const code = view.getUint32(STATE.rip + 4, true) !== 0 ? -1 : cache.step(pc)
      if (code < 0) {
        this.pending = EXIT.fetchFault
        return executed
      }
      this.before = executed
      const allowing = this.allowing || this.usesUndefined
      const fuel = allowing ? 1 : until - executed
      this.fuel = fuel
      view.setUint32(STATE.exitReason, EXIT.none, true)
      const ret = cache.enter(code, fuel, 0)
      if (this.logging) this.drain(entry)
      const used = fuel - this.fuelLeft(space)
      executed += used
      if (used > 0) entry.points.pass(0)
      if (allowing && used > 0) this.endAllowing(space)
      if (this.traced.length > 0 && this.tellTraced(executed, used)) {
        this.pending = EXIT.fuel
        if (ret !== 0) setRip(view, ret)
        return executed
      }
      if (ret !== 0) {
        setRip(view, ret)
        continue
      }
      const reason = view.getUint32(STATE.exitReason, true)
      if (reason === EXIT.selfModify || reason === EXIT.unaddressable || reason === EXIT.undefined) {
        entry.points.pass(view.getUint32(STATE.rip, true))
        if (reason === EXIT.selfModify) this.dropWritten(space, view)
        else if (reason === EXIT.undefined) this.tellUndefined(view, executed)
        else this.tellUnaddressable(space, view, executed)
      } else if (reason !== EXIT.none && reason !== EXIT.logFull && (reason !== EXIT.fuel || used === 0)) {
        this.pending = reason
        this.allowing = this.usesUndefined = false
        return executed
      }
    }
    return executed
  }

  /** A store hit a page with translations: they go before it is executed again. */
  private dropWritten(space: AddressSpace, view: DataView): void {
    space.clearMarks(view.getUint32(STATE.faultAddress, true), 16)
  }

  /** The next instruction may access what is not addressable: it has been told. */
  private allowing = false
  /** Size and kind (ACCESS.store) of the access for which translated code stopped. */
  private accessKind = 0

  faultSize(): number {
    return this.accessKind & 255
  }

  /** What the instruction that is allowed has accessed of traced bytes. */
  private readonly traced: TracedAccess[] = []

  /** The instruction for which translated code stopped is over (`used` 1), or has failed: true when the kernel wants to stop behind it. */
  private tellTraced(executed: number, used: number): boolean {
    const accesses = this.traced.splice(0)
    return used > 0 && this.kernel!.traced!(executed, accesses)
  }

  private tellUnaddressable(space: AddressSpace, view: DataView, executed: number): void {
    const address = view.getUint32(STATE.faultAddress, true)
    if (space.touchesTraces(address, this.accessKind & 255)) {
      this.allowing = true
      return
    }
    this.kernel!.unaddressable!(executed, address, this.accessKind & 255, (this.accessKind & ACCESS.store) !== 0)
    this.allowing = true
  }

  /** The next instruction may depend on undefined bits: it has been told. */
  private usesUndefined = false
  /** What for (USE), and the registers that are taken for defined afterwards. */
  private use = 0
  /** How often it has been told of each instruction, by machine. */
  private readonly usesTold = new WeakMap<KernelEntry, Map<number, number>>()

  /** Where an instruction that was allowed to has written to guarded bytes. */
  private trespassed: { address: number; bytes: number } | null = null

  /** The instruction that was allowed what it had been told of is over. */
  private endAllowing(space: AddressSpace): void {
    this.allowing = this.usesUndefined = false
    if (this.trespassed === null) return
    keepGuarded(space, this.trespassed.address, this.trespassed.bytes)
    this.trespassed = null
  }

  private tellUndefined(view: DataView, executed: number): void {
    const pc = view.getUint32(STATE.rip, true)
    let told = this.usesTold.get(this.kernel!)
    if (told === undefined) this.usesTold.set(this.kernel!, (told = new Map()))
    told.set(pc, (told.get(pc) ?? 0) + 1)
    this.kernel!.undefined!(executed, this.use & ((1 << USE_SHIFT) - 1))
    defineRegisters(view, this.use >>> USE_SHIFT)
    this.usesUndefined = true
  }

  // What translated code calls.

  /** Something depends on undefined bits: 1 to stop before the instruction, and everything about the stop is in the CPU state. */
  private undefined(what: number, refund: number, pc: number): number {
    if (this.usesUndefined || (this.usesTold.get(this.kernel!)?.get(pc >>> 0) ?? 0) >= MOST_TOLD) return 0
    this.use = what
    const { view } = this.entryOf(this.space!).state
    this.stopBefore(view, EXIT.undefined, pc, refund)
    return 1
  }

  /** An access to bytes of which some may not be accessed, at `address`. */
  private guarded(address: number, what: number, pc: number): number {
    const space = this.space!
    const store = (what & ACCESS.store) !== 0
    if (this.allowing) {
      if (store) this.trespassed = { address, bytes: what & 255 }
      return 2
    }
    const excuse = this.kernel!.excuses!(pc, address, what & 255, store)
    if (excuse !== EXCUSE.none) return excuse === EXCUSE.defined ? 2 : 0
    this.accessKind = what & ((1 << ACCESS.refundShift) - 1)
    const { view } = this.entryOf(space).state
    view.setBigUint64(STATE.faultAddress, BigInt(address), true)
    this.stopBefore(view, EXIT.unaddressable, pc, what >>> ACCESS.refundShift)
    return 1
  }

  private stopBefore(view: DataView, reason: number, pc: number, refund: number): void {
    view.setUint32(STATE.exitReason, reason, true)
    setRip(view, pc)
    this.space!.view.setInt32(REFUND_BASE, refund, true)
  }

  private systemCall(fuel: number): number {
    if (this.logging) this.drain(this.entryOf(this.space!))
    const cache = this.entryOf(this.space!).cache
    cache.dropped = false
    const view = this.entryOf(this.space!).state.view
    if (!this.kernel!.systemCall(this.before + this.fuel - fuel)) {
      view.setUint32(STATE.exitReason, EXIT.unwind, true)
      return 1
    }
    return cache.dropped ? 1 : 0
  }

  private intercept(fuel: number): number {
    const entry = this.entryOf(this.space!)
    entry.cache.dropped = false
    const { view } = entry.state
    if (this.logging) this.drain(entry)
    const pc = this.kernel!.intercept!(this.before + this.fuel - fuel)
    if (pc === STOP_BEFORE) {
      this.space!.view.setInt32(REFUND_BASE, 1, true)
      view.setUint32(STATE.exitReason, EXIT.unwind, true)
      return 0
    }
    if (pc === 0) view.setUint32(STATE.exitReason, EXIT.unwind, true)
    // Callers must not go on in code that has gone; rip is where to go on.
    return pc > 0 && entry.cache.dropped ? 0 : pc
  }

  /** The slow path of an access: 0 when it may proceed, else an EXIT reason. Moves the fault address to the first bad byte. */
  private access(kind: number): number {
    this.accessKind = kind
    const space = this.space!
    const view = this.entryOf(space).state.view
    const store = (kind & ACCESS.store) !== 0
    const bytes = kind & 255
    const low = view.getUint32(STATE.faultAddress, true)
    const fault = store ? EXIT.writeFault : EXIT.readFault
    if (view.getUint32(STATE.faultAddress + 4, true) !== 0) return fault
    const forbidden = store ? ATTRIBUTE.noWrite : ATTRIBUTE.noRead
    let modify = false
    let watched = 0
    for (let at = low; at < low + bytes; at = (at & ~4095) + 4096) {
      const attribute = at < GUEST_MIN || at >= GUEST_LIMIT ? forbidden : space.attributes[at >>> PAGE_SHIFT]!
      watched |= attribute & ATTRIBUTE.watched
      const isBarred = (attribute & ATTRIBUTE.watched) === 0 || (store && space.isReadOnly(at))
      if ((attribute & forbidden) !== 0 && isBarred) {
        view.setUint32(STATE.faultAddress, at, true)
        return fault
      }
      if ((at & ~4095) + 4096 < 0) break
      if (store) {
        if ((space.attributes[at >>> PAGE_SHIFT]! & ATTRIBUTE.code) !== 0) modify = true
        space.dirty(at >>> PAGE_SHIFT)
      }
    }
    if (watched !== 0 && !modify && firstUnaddressable(space, low, bytes) >= 0) {
      const isTraced = space.isTraced(low, bytes, store)
      if (this.allowing && isTraced)
        this.traced.push({ address: low, bytes, store, pc: view.getUint32(STATE.rip, true) })
      if (this.allowing) return EXIT.none
      if (isTraced) return EXIT.unaddressable
      if (space.touchesTraces(low, bytes)) return EXIT.none
      if (this.kernel!.excuses!(view.getUint32(STATE.rip, true), low, bytes, store) === EXCUSE.none)
        return EXIT.unaddressable
    }
    return modify ? EXIT.selfModify : 0
  }

  private helper(id: number, a: number, b: number): number {
    const { state } = this.entryOf(this.space!)
    return runHelper(state.view, id, a, b, () =>
      this.kernel!.timestamp(this.before + this.fuel - state.view.getInt32(STATE.fuelLeft, true)),
    )
  }

  readFlags(state: CpuState): number {
    return readFlags(state.view)
  }

  writeFlags(state: CpuState, flags: number): void {
    writeFlags(state.view, flags)
  }
}
