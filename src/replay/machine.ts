/** Exists to start the machine that inputs describe, and to show it to sessions as a Subject. */
import { CpuState } from '../engine/cpu-state.ts'
import { firstUnaddressable } from '../engine/addressable.ts'
import { definednessOf } from '../engine/definedness.ts'
import type { StoredTranslations } from '../engine/library.ts'
import { memoryOperand, memoryRead } from '../engine/operand.ts'
import { Engine, type TranslationSource } from '../engine/run.ts'
import { GuardedHeap } from '../heap/guarded.ts'
import type { World } from '../host/host.ts'
import { REG, registers } from '../ir/registers.ts'
import { monotonicNs } from '../linux/clock.ts'
import { waitText } from '../linux/dispatch.ts'
import { privateLayer, type LayerEntry } from '../linux/fs/layer.ts'
import { createMachine, FIRST_PID, type Machine } from '../linux/machine.ts'
import { fxsave } from '../linux/signal-frame.ts'
import { signalName } from '../linux/signal-names.ts'
import { codeName } from '../linux/signal-text.ts'
import { MAP } from '../linux/mm.ts'
import { placesOf } from '../linux/scheduler/choices.ts'
import { visitedBy } from '../linux/scheduler/guided.ts'
import { logged, scheduleOf, type Schedule } from '../linux/scheduler/turns.ts'
import type { Ending, MemoryMap, Task, Wait } from '../linux/state.ts'
import type { HeapBlock, Observer } from '../tool/observer.ts'
import type { PowerLoss } from '../tool/power-loss.ts'
import type { RunEnd, RunEnding, RunInputs } from './recording.ts'
import { Timeline, type TimelineOptions } from './timeline.ts'
import type { ChildCrash, MappedFile, MappedRange, ProcessDetails, ProcessView, Subject, TaskView } from './subject.ts'

/**
 * Guest calls that may be nested wasm calls. A frame of unoptimised code takes up to about a kilobyte, and the thread has 64 MiB; what is
 * deeper unwinds to the run loop and goes on from there.
 */
const CALL_DEPTH = 20_000

const PROT_EXEC = 4

/** One for all machines of the thread: what it has translated for one run serves the next. */
const engine = new Engine({ callDepth: CALL_DEPTH })

export type { Schedule, StoredTranslations, TranslationSource }
export { scheduleOf }

/** Tells the machines of this thread, before the first one, where the translations are that earlier ones have left. */
export function provideTranslations(source: TranslationSource): void {
  engine.provide(source)
}

/** What a machine is made with that does not change what it does. */
export interface Instruments {
  /** It is known which bits are defined: observers hear of what depends on others. */
  definedness?: boolean
  /** Gets the schedule of the run as it goes. */
  schedule?: Schedule
}

/** A machine at the first instruction of the program. Throws a LemmingError that says why the program cannot be run. */
export function startMachine(inputs: RunInputs, world: World, instruments: Instruments = {}): Subject {
  const machine = makeMachine(inputs, world, instruments)
  const { kernel } = machine
  if (instruments.schedule !== undefined) kernel.strategy = logged(kernel.strategy, instruments.schedule)
  return new MachineSubject(machine, engine)
}

/** The machine itself, at the first instruction of the program. */
export function makeMachine(inputs: RunInputs, world: World, { definedness }: Instruments = {}): Machine {
  const { path, argv, env, cwd, seed, options } = inputs
  const { strategy, cpus, clockRate, epoch, memory, uid, gid, umask } = options
  return createMachine({
    path,
    argv,
    env,
    cwd,
    seed,
    world,
    processor: engine,
    strategy,
    cpus,
    clockRate,
    epoch,
    memory,
    uid,
    gid,
    umask,
    ownHeap: ownHeapOf(inputs) ?? undefined,
    mounts: options.mounts,
    memoryLimit: options.memoryLimit,
    branches: options.branches,
    powerLoss: options.powerLoss,
    definedness,
  })
}

/** The machine's own heap, if it is to have one. */
export function ownHeapOf({ options }: RunInputs): GuardedHeap | null {
  const { heap, quarantine = 0, allocators } = options
  return heap === 'guarded' ? new GuardedHeap({ quarantine, custom: allocators }) : null
}

/** A machine as a Subject. `giveBack` gets it when it is released, and otherwise what it holds goes back to the processor; not if an error has stopped it. */
export function subjectOf(machine: Machine, giveBack: (machine: Machine) => void): Subject {
  return new MachineSubject(machine, engine, giveBack)
}

class MachineSubject implements Subject {
  /** Another one after a timeline has gone back. */
  machine: Machine
  private readonly engine: Engine
  private giveBack: ((machine: Machine) => void) | null

  constructor(machine: Machine, engine: Engine, giveBack: ((machine: Machine) => void) | null = null) {
    this.machine = machine
    this.engine = engine
    this.giveBack = giveBack
  }

  translations(): Map<number, StoredTranslations> {
    return this.engine.translations()
  }

  release(): void {
    if (this.giveBack === null) this.machine.release()
    else this.giveBack(this.machine)
  }

  get count(): number {
    return this.machine.state.count
  }

  get elapsed(): number {
    const { state } = this.machine
    return monotonicNs(state) - state.constants.bootNs
  }

  get tasksStarted(): number {
    return this.machine.state.nextTid - FIRST_PID
  }

  get steps(): number {
    return this.machine.state.passed.points
  }

  choicePlaces(): ReturnType<Subject['choicePlaces']> {
    const noted = placesOf(this.machine.state.strategy)
    return noted && { places: noted.places.map((place) => ({ ...place })), isCut: noted.isCut }
  }

  visited(): ReturnType<Subject['visited']> {
    return visitedBy(this.machine.state.strategy)
  }

  get fileChanges(): number {
    return this.machine.state.fs.disk?.events ?? 0
  }

  powerLoss(): PowerLoss | null {
    return structuredClone(this.machine.state.fs.disk?.loss ?? null)
  }

  get currentTid(): number {
    return this.machine.state.turn.tid
  }

  advance(limit: number): void {
    try {
      this.machine.advance(limit)
    } catch (error) {
      this.giveBack = null
      throw error
    }
  }

  ending(): RunEnding | null {
    const { ended } = this.machine.state
    return ended === null ? null : plainEnding(ended)
  }

  hash(): string {
    return this.machine.hash()
  }

  tasks(): TaskView[] {
    return [...this.machine.state.tasks.values()].toSorted((a, b) => a.tid - b.tid).map((t) => this.view(t))
  }

  task(tid: number): TaskView | undefined {
    const t = this.machine.state.tasks.get(tid)
    return t && this.view(t)
  }

  private view(t: Task): TaskView {
    const { kernel } = this.machine
    const cpu = new CpuState(kernel.registers(t).slice())
    return {
      pid: t.pid,
      tid: t.tid,
      name: t.name,
      count: t.count,
      state: cpu.bytes,
      registers: [...Array.from({ length: 16 }, (_, i) => cpu.gpr(i)), cpu.rip],
      flags: this.engine.readFlags(cpu),
      fsBase: cpu.view.getBigUint64(registers[REG.fsBase]!.offset, true),
      waiting: t.wait === null ? null : waitText(kernel, t),
      wait: t.wait === null ? null : waitOf(t.wait),
    }
  }

  processes(): ProcessView[] {
    return [...this.machine.state.processes.values()]
      .filter(({ tids }) => tids.length > 0)
      .map(({ pid, argv }) => ({ pid, argv: [...argv] }))
      .toSorted((a, b) => a.pid - b.pid)
  }

  tellLeaks(): void {
    const { kernel, state } = this.machine
    for (const { tids } of [...state.processes.values()].toSorted((a, b) => a.pid - b.pid)) {
      const task = tids.length === 0 ? undefined : state.tasks.get(Math.min(...tids))
      if (task !== undefined) kernel.heap?.leaks(kernel, task)
    }
  }

  crashes(): ChildCrash[] {
    return this.machine.state.crashes.map(({ moment, pid, argv, ...signal }) => ({
      moment,
      process: { pid, argv: [...argv] },
      ending: signalEnding({ kind: 'signal', ...signal }),
    }))
  }

  mappedFiles(pid: number): MappedFile[] {
    const mappings = this.map(pid)?.mappings ?? []
    return mappings.flatMap(({ start, end, prot, file }) =>
      file === null ? [] : [{ path: file.path, start, end, offset: file.offset, executable: (prot & PROT_EXEC) !== 0 }],
    )
  }

  private map(pid: number): MemoryMap | undefined {
    const { state } = this.machine
    const process = state.processes.get(pid)
    return process && state.spaces.get(process.spaceId)
  }

  mappings(pid: number): MappedRange[] {
    return (this.map(pid)?.mappings ?? []).map(({ start, end, prot, flags, file, name }) => ({
      start,
      end,
      prot,
      growsDown: (flags & MAP.growsDown) !== 0,
      shared: (flags & MAP.shared) !== 0,
      offset: file?.offset ?? 0,
      name: file === null ? name : file.path,
    }))
  }

  brk(pid: number): { start: number; end: number } {
    const map = this.map(pid)
    return { start: map?.brkStart ?? 0, end: map?.brk ?? 0 }
  }

  details(pid: number): ProcessDetails | null {
    const process = this.machine.state.processes.get(pid)
    if (process === undefined) return null
    const { ppid, pgid, sid, argv, exe, auxv, credentials } = process
    const pairs = auxv.map(([type, value]): [number, number] => [type, value])
    return { pid, ppid, pgid, sid, uid: credentials.uid[1], gid: credentials.gid[1], argv: [...argv], exe, auxv: pairs }
  }

  floatingPoint(tid: number): Uint8Array | null {
    const task = this.machine.state.tasks.get(tid)
    if (task === undefined) return null
    const image = new Uint8Array(512)
    fxsave(new CpuState(this.machine.kernel.registers(task).slice()), image)
    return image
  }

  undefinedBits(pid: number, address: number, length: number): Uint8Array | null {
    const { state, kernel } = this.machine
    const process = state.processes.get(pid)
    const space = process && kernel.memories.get(process.spaceId)?.space
    if (space === undefined || space.read(address, length) === null) return null
    return definednessOf(space, address, length)
  }

  block(pid: number, address: number): HeapBlock | null {
    const { state, kernel } = this.machine
    const task = [...state.tasks.values()].find((t) => t.pid === pid)
    return task === undefined ? null : (kernel.heap?.lookup(kernel, task, address) ?? null)
  }

  isAddressable(pid: number, address: number): boolean {
    const { state, kernel } = this.machine
    const process = state.processes.get(pid)
    const space = process && kernel.memories.get(process.spaceId)?.space
    return space === undefined || firstUnaddressable(space, address, 1) < 0
  }

  conditions(tid: number): { flags: number; rcx: bigint } {
    const { state, kernel } = this.machine
    const cpu = new CpuState(kernel.registers(state.tasks.get(tid)!))
    return { flags: this.engine.readFlags(cpu), rcx: cpu.gpr(REG.rcx) }
  }

  reads(tid: number): { address: number; size: number } | null {
    const { state, kernel } = this.machine
    const task = state.tasks.get(tid)
    return task === undefined ? null : memoryRead(kernel.space(task), new CpuState(kernel.registers(task).slice()))
  }

  writes(tid: number): { address: number; size: number } | null {
    const { state, kernel } = this.machine
    const task = state.tasks.get(tid)
    if (task === undefined) return null
    const operand = memoryOperand(kernel.space(task), new CpuState(kernel.registers(task).slice()))
    return operand?.store === true ? operand : null
  }

  read(pid: number, address: number, length: number): Uint8Array | null {
    return this.machine.kernel.readMemory({ pid, tid: pid, name: '' }, address, length)
  }

  unknownCalls(): { text: string; answer: string; times: number }[] {
    return this.machine.state.unknownCalls.map(({ text, answer, times }) => ({ text, answer, times }))
  }

  privateLayer(): LayerEntry[] {
    return privateLayer(this.machine.kernel)
  }

  statistics(): Record<string, number> {
    return { ...this.engine.statistics() }
  }

  addObserver(observer: Observer): void {
    this.machine.addObserver(observer)
  }
}

/** What a report needs of a wait. */
function waitOf({ nr, since, kind, args }: Wait): NonNullable<TaskView['wait']> {
  return { nr, since, futex: kind === 'futex' ? args[0]! : null, expected: args[2] ?? 0 }
}

function plainEnding(ended: Ending): RunEnding {
  return ended.kind === 'signal' ? signalEnding(ended) : ended
}

function signalEnding(ended: Extract<Ending, { kind: 'signal' }>): ChildCrash['ending'] {
  const { signal, code, address, tid, sent } = ended
  const hex = `0x${address.toString(16)}`
  return {
    kind: 'signal',
    signal,
    name: signalName(signal),
    code,
    codeName: codeName(signal, code),
    address: hex,
    tid,
    sent,
  }
}

/** A timeline over the run that inputs describe, at its first moment; `end` is where the recorded run ended. What the program writes goes to Timeline.wrote. */
export function startTimeline(inputs: RunInputs, world: World, end: RunEnd, options: TimelineOptions): Timeline {
  return timelineOf(makeMachine(inputs, world), engine, end, options)
}

/** A timeline over the run of a machine that stands before its first instruction. */
export function timelineOf(machine: Machine, processor: Engine, end: RunEnd, options: TimelineOptions): Timeline {
  return new Timeline(new MachineSubject(machine, processor), end, options)
}
