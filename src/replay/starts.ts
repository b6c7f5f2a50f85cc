/**
 * Exists because the runs of a hunt begin in the same way: what a program does before anything depends on the seed (dynamic linking above all) is executed once, and every later run goes on
 * from there. It is the run that it would be without: nothing is saved of what the seed decides, and what a seed does differently from the beginning on is not saved at all.
 */
import { randomFrom } from '../base/random.ts'
import type { Processor } from '../engine/processor.ts'
import { forgetStrings } from '../engine/string-words.ts'
import { CLASSES } from '../heap/allocator.ts'
import { newHeap, type HeapState } from '../heap/state.ts'
import { Checkpoints, type Checkpoint } from '../linux/checkpoint.ts'
import { Kernel } from '../linux/kernel.ts'
import { startOf } from '../linux/loader.ts'
import { Machine } from '../linux/machine.ts'
import { createDisk } from '../linux/power/pending.ts'
import { startStrategy, strategyNamed } from '../linux/scheduler/strategies.ts'
import type { Strategy } from '../linux/scheduler/strategy.ts'
import type { KernelState, StrategyState, Turn } from '../linux/state.ts'
import type { Observer } from '../tool/observer.ts'
import { makeMachine, ownHeapOf, subjectOf, type Instruments } from './machine.ts'
import type { FileAnswers, RecordingWorld } from './recording-world.ts'
import type { RunInputs } from './recording.ts'
import type { Subject } from './subject.ts'

/** What the strategy was asked, with the turn as it was then. */
interface Asked {
  runnable: number[]
  turn: Turn
  yielded: boolean
  now: number
}

/** A machine where all runs with one beginning come by. */
interface Prepared {
  checkpoint: Checkpoint
  answers: FileAnswers
  output: [1 | 2, Uint8Array][]
  picks: Asked[]
  processor: Processor
  /** What the observers knew, in their order. */
  heard: unknown[]
}

/** Runs that differ by their seeds and schedules alone. */
interface Kind {
  /** How far all of them come before anything depends on more than their beginning; null: not known yet, 0: nowhere. */
  moment: number | null
  /** By beginning; null: it does not come so far. */
  prepared: Map<number, Prepared | null>
  /** Pages of checkpoints by number, and their bytes: beginnings differ in few. */
  pages: Map<number, Uint8Array[]>
  bytes: number
}

/** Instructions after which is looked whether anything depends on the seed by now: so many at least, and a part of those executed. */
const LEAST_STEP = 1024
const STEP_PART = 64
/** Beginnings are as good as equally long. */
const MARGIN = 256
/** A program that goes on alone for so long has begun its work. */
const LONGEST = 100_000_000
/** Instructions that are worth it. */
const SHORTEST = 10_000
/** Kinds that are kept, and bytes of pages of one. */
const MOST_KINDS = 8
const MOST_BYTES = 64 << 20

/** Starts the machines of a hunt, in one thread. At most one of them at a time is in use. */
export class Starts {
  private readonly kinds = new Map<string, Kind>()
  private readonly keeper = new Checkpoints()
  /** The machine that was released last: its address spaces are as good as prepared. */
  private idle: Machine | null = null

  /** As `startMachine`, but perhaps further on: where every run of this kind comes by. `observers` are told from the run's first instruction on. */
  start(inputs: RunInputs, world: RecordingWorld, instruments: Instruments, observers: readonly Observer[]): Subject {
    const plain = (): Machine => watched(makeMachine(inputs, world, instruments), observers)
    const number = startOf(inputs.seed)
    const isFit =
      number !== null &&
      instruments.schedule === undefined &&
      inputs.options.branches === undefined &&
      inputs.checks?.leakAt === undefined &&
      observers.every((one) => one.save !== undefined && one.restore !== undefined)
    if (!isFit) return subjectOf(plain(), (machine) => this.take(machine))
    const kind = this.kindOf(inputs, instruments)
    const known = kind.prepared.get(number)
    const prepared = known && this.continued(inputs, world, known, observers)
    if (prepared) return subjectOf(prepared, (machine) => this.take(machine))
    const machine = plain()
    try {
      if (kind.moment === null) kind.moment = this.explore(machine, inputs, world)
      else if (known === undefined && kind.moment > 0)
        kind.prepared.set(number, this.prepare(machine, inputs, world, kind, observers))
    } catch (error) {
      machine.release()
      throw error
    }
    return subjectOf(machine, (one) => this.take(one))
  }

  private take(machine: Machine): void {
    for (const { space } of machine.kernel.memories.values()) space.endLife()
    this.idle?.release()
    this.idle = machine
  }

  private kindOf(inputs: RunInputs, { definedness }: Instruments): Kind {
    const { seed: _, options, ...rest } = inputs
    const key = JSON.stringify([rest, { ...options, strategy: '' }, definedness])
    let kind = this.kinds.get(key)
    if (kind === undefined) {
      const oldest = this.kinds.keys().next()
      if (this.kinds.size >= MOST_KINDS) this.kinds.delete(oldest.value!)
      kind = { moment: null, prepared: new Map(), pages: new Map(), bytes: 0 }
      this.kinds.set(key, kind)
    }
    return kind
  }

  /** Executes a run to the first moment behind which something depends on the seed, about; the moment to which runs of its kind can be prepared. */
  private explore(machine: Machine, inputs: RunInputs, world: RecordingWorld): number {
    const { instructionLimit = LONGEST } = inputs.options
    const last = Math.min(LONGEST, instructionLimit)
    let common = 0
    while (common < last) {
      machine.advance(Math.min(last, common + Math.max(LEAST_STEP, Math.floor(common / STEP_PART))))
      if (!isCommon(machine, inputs, world)) break
      common = machine.state.count
    }
    return common < SHORTEST ? 0 : common - MARGIN
  }

  private prepare(
    { kernel }: Machine,
    inputs: RunInputs,
    world: RecordingWorld,
    kind: Kind,
    observers: readonly Observer[],
  ): Prepared | null {
    const picks: Asked[] = []
    const output: [1 | 2, Uint8Array][] = []
    const { strategy } = kernel
    kernel.strategy = noting(strategy, picks)
    world.heed((fd, bytes) => output.push([fd, bytes.slice()]))
    const machine = new Machine(kernel)
    machine.advance(kind.moment!)
    kernel.strategy = strategy
    world.heed(null)
    const answers = world.fileAnswers()
    const { state } = kernel
    if (kind.bytes > MOST_BYTES || answers === null || !isCommon(machine, inputs, world)) return null
    const checkpoint = this.keeper.take(kernel)
    for (const { numbers, pages } of checkpoint.spaces.values())
      pages.forEach((bytes, i) => (pages[i] = shared(kind, numbers[i]!, bytes)))
    const { processor } = kernel
    const prepared = { checkpoint, answers, output, picks, processor, heard: observers.map((each) => each.save!()) }
    // Without this the strategies are not what they are taken for.
    const replayed = decided(inputs, prepared)
    return replayed !== null && isEqual(replayed, { strategy: state.strategy, turn: state.turn }) ? prepared : null
  }

  private continued(
    inputs: RunInputs,
    world: RecordingWorld,
    prepared: Prepared,
    observers: readonly Observer[],
  ): Machine | null {
    const { checkpoint } = prepared
    const decisions = decided(inputs, prepared)
    if (decisions === null || !world.adopt(prepared.answers)) return null
    for (const [fd, bytes] of prepared.output) world.writeOutput(fd, bytes)
    const { seed } = inputs
    const { constants, spaces, fs } = checkpoint.state
    const state: KernelState = {
      ...checkpoint.state,
      ...decisions,
      constants: { ...constants, seed },
      random: streams(seed),
      ...(fs.disk && { fs: { ...fs, disk: createDisk(seed, fs.disk.plan, fs.disk.start) } }),
      spaces: new Map(
        [...spaces].map(([id, map]) => [
          id,
          { ...map, ...(map.heap && { heap: { ...map.heap, ...drawnFor(inputs) } }) },
        ]),
      ),
    }
    const { idle } = this
    this.idle = null
    const isChecked = checkpoint.definedness !== null
    let old = idle?.kernel
    if (old === undefined || old.definedness !== isChecked) {
      idle?.release()
      old = new Kernel({ ...state, spaces: new Map() }, world, prepared.processor, isChecked)
    }
    const kernel = this.keeper.restore(old, { ...checkpoint, state }, { world, heap: ownHeapOf(inputs) })
    for (const { space } of kernel.memories.values()) forgetStrings(space, true)
    observers.forEach((observer, i) => observer.restore!(prepared.heard[i]))
    return watched(new Machine(kernel), observers)
  }
}

function watched(machine: Machine, observers: readonly Observer[]): Machine {
  for (const observer of observers) machine.addObserver(observer)
  return machine
}

/** Notes what a strategy is asked. */
function noting(inner: Strategy, picks: Asked[]): Strategy {
  return {
    ...inner,
    pick(strategy, runnable, turn, yielded, now) {
      picks.push({ runnable: [...runnable], turn: { ...turn }, yielded, now })
      inner.pick(strategy, runnable, turn, yielded, now)
    },
  }
}

/** What another run's strategy has decided by then; null if not the same. */
function decided(
  { seed, options }: RunInputs,
  { picks, checkpoint }: Prepared,
): { strategy: StrategyState; turn: Turn } | null {
  const strategy = startStrategy(options.strategy, seed)
  const decider = strategyNamed(strategy.name)
  const reached = checkpoint.state.turn
  let { points } = picks[0]?.turn ?? reached
  for (const { runnable, turn: before, yielded, now } of picks) {
    const turn = { ...before, points }
    decider.pick(strategy, runnable, turn, yielded, now)
    // Alone, and without an end.
    if (turn.tid !== reached.tid || turn.left !== reached.left || turn.split === true) return null
    ;({ points } = turn)
  }
  return { strategy, turn: { ...reached, points } }
}

/** The streams of random numbers of a run that has drawn none. */
function streams(seed: number): KernelState['random'] {
  return { layout: randomFrom(seed, 'layout'), getrandom: randomFrom(seed, 'getrandom') }
}

/** Has nothing happened yet that depends on more than the beginning? */
function isCommon({ kernel }: Machine, inputs: RunInputs, world: RecordingWorld): boolean {
  const { state } = kernel
  const { tasks, processes, initPid, nextTid, random, turn, ended, fs } = state
  const isAlone = tasks.size === 1 && processes.size === 1 && nextTid === initPid + 1 && ended === null
  return (
    isAlone &&
    turn.tid === initPid &&
    turn.left === Infinity &&
    // A limit of time is looked at after so many instructions, and after others where the clock has jumped.
    state.clock.jumpedNs === 0 &&
    isEqual(random, streams(inputs.seed)) &&
    (fs.disk === undefined || (fs.disk.nextId === 1 && fs.disk.events === 0)) &&
    [...state.spaces.values()].every(({ heap }) => heap === undefined || isUnused(heap as HeapState, inputs)) &&
    (kernel.libraryCalls === null || kernel.libraryCalls.isIdle) &&
    world.fileAnswers() !== null
  )
}

/** What is drawn when a heap is made. */
type Drawn = Pick<HeapState, 'random' | 'reuse' | 'fresh' | 'quarantine'>

function drawnFor({ seed, options }: RunInputs): Drawn {
  const { random, reuse, fresh, quarantine } = newHeap(seed, options.quarantine ?? 0, CLASSES, [])
  return { random, reuse, fresh, quarantine }
}

function isUnused({ spans, pending, random, reuse, fresh, quarantine }: HeapState, inputs: RunInputs): boolean {
  return spans.length === 0 && pending.length === 0 && isEqual({ random, reuse, fresh, quarantine }, drawnFor(inputs))
}

/** The bytes of a page, or those of another checkpoint that are the same. */
function shared(kind: Kind, number: number, bytes: Uint8Array): Uint8Array {
  const known = kind.pages.get(number) ?? []
  const words = new Int32Array(bytes.buffer)
  const same = known.find((other) => isSame(new Int32Array(other.buffer), words))
  if (same !== undefined) return same
  kind.bytes += bytes.length
  kind.pages.set(number, [...known, bytes])
  return bytes
}

function isSame(a: Int32Array, b: Int32Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Of plain data without maps or sets. */
function isEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
