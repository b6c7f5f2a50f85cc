/** Exists to hold the parts of a machine that are not data beside the data, and to be what translated code calls at a SYSCALL. */
import { ERRNO } from './errno.ts'
import { assert } from '../base/errors.ts'
import { PROT, type AddressSpace } from '../engine/address-space.ts'
import { CpuState } from '../engine/cpu-state.ts'
import { definednessOf, defineRegisters, defineScratch } from '../engine/definedness.ts'
import { memoryOperand } from '../engine/operand.ts'
import type { Excuse, KernelEntry, Processor, TracedAccess } from '../engine/processor.ts'
import type { World } from '../host/host.ts'
import { USE } from '../ir/exits.ts'
import { REG } from '../ir/registers.ts'
import type { MachineView, Observer, TaskInfo, UndefinedEvent } from '../tool/observer.ts'
import { monotonicNs } from './clock.ts'
import { isHarmlessJump } from './definedness.ts'
import { systemCall, type Entered } from './dispatch.ts'
import type { Heap } from './heap.ts'
import { LibraryCalls } from './library-calls.ts'
import type { Memory } from './mm.ts'
import { strategyNamed } from './scheduler/strategies.ts'
import type { Strategy } from './scheduler/strategy.ts'
import type { Traps } from './traps.ts'
import type { KernelState, Process, Task } from './state.ts'

/**
 * A machine's kernel. All that a run depends on is in `state` and in the bytes of the memories; the rest are the means to run it.
 * Functions of this folder take it as `k`.
 */
export class Kernel implements KernelEntry, MachineView {
  state: KernelState
  /** Layout, bytes and free room of each address space, by KernelState.spaces' ids. */
  readonly memories = new Map<number, Memory>()
  readonly world: World
  readonly processor: Processor
  readonly observers: Observer[] = []
  /** Observers that hear system calls, mappings and signals: kept apart so that silence costs one test of a length. */
  syscallObservers: Observer[] = []
  mappingObservers: Observer[] = []
  heapObservers: Observer[] = []
  sharedObservers: Observer[] = []
  /** Processes that have had several threads; for those observers. */
  readonly threaded = new Set<number>()
  /** The machine's own heap; null when the program's allocators run as they are. */
  heap: Heap | null = null
  /** Do its address spaces know which bits are defined? Not part of the machine: executions are the same with and without. */
  readonly definedness: boolean
  undefinedObservers: Observer[] = []
  /** Those who want to hear of calls of the C library's functions; null while there are none. */
  libraryCalls: LibraryCalls | null = null
  /** The task on the processor while `advance` runs, with its registers in `cpu`. */
  current: Task | null = null
  /** The memory of the running task. */
  loaded: Memory | null = null
  /** The process of the running task; by itself, since its last thread may end while it runs. */
  running: Process | null = null
  /** Registers of the running task, in the memory of its address space. */
  cpu: CpuState
  /** Instructions that had been executed by the machine, the running task and its process when the processor's `run` was entered. */
  countBefore = 0
  taskCountBefore = 0
  processCountBefore = 0
  /** What traces keep of calls under way, by tid; no part of the machine. */
  readonly entered = new Map<number, Entered>()
  strategy: Strategy
  /** Those who look on at instructions and memory; they change nothing. */
  traps: Traps | null = null
  /** Of the latest fault: an access to what is no address, of which the signal says nothing (#GP). */
  refused: { address: bigint; access: 'read' | 'write' | 'execute' } | null = null
  /** The traps have asked to stop here: `advance` returns. */
  halted = false
  /** A goal of `advance` besides its limit: that a task has executed so many instructions. */
  goal: { tid: number; count: number } | null = null
  /** 1 while what happens belongs to an instruction that has been counted. */
  private inside = 0
  /** For the processor: see KernelEntry. */
  points = -1
  passed = 0
  paused = false
  accesses: ((log: Uint32Array, origin: number) => void) | null = null
  frames = false
  /** Set by whatever makes the plan of the running turn wrong: another task became runnable, an earlier event, a signal. */
  attention = false

  constructor(state: KernelState, world: World, processor: Processor, definedness = false) {
    this.state = state
    this.world = world
    this.processor = processor
    this.definedness = definedness
    this.cpu = new CpuState()
    this.strategy = strategyNamed(state.strategy.name)
  }

  get moment(): number {
    return this.state.count
  }

  /** CLOCK_MONOTONIC in nanoseconds; exact inside system calls. */
  now(): number {
    return monotonicNs(this.state)
  }

  process(t: Task): Process {
    return this.state.processes.get(t.pid)!
  }

  memory(t: Task): Memory {
    return this.memories.get(this.state.processes.get(t.pid)!.spaceId)!
  }

  /** The bytes that the task's addresses mean. */
  space(t: Task): AddressSpace {
    return this.memory(t).space
  }

  /** The task as observers see it. */
  info(t: Task): TaskInfo {
    return { pid: t.pid, tid: t.tid, name: t.name }
  }

  /** The registers of a task, wherever they are now. Read and write them at once, never keep them. */
  registers(t: Task): Uint8Array {
    return t === this.current ? this.cpu.bytes : t.cpu
  }

  addObserver(observer: Observer): void {
    this.observers.push(observer)
    if (observer.syscall) this.syscallObservers.push(observer)
    if (observer.mapping) this.mappingObservers.push(observer)
    if (observer.heap) this.heapObservers.push(observer)
    if (observer.shared) this.sharedObservers.push(observer)
    this.frames ||= observer.frames === true
    if (observer.undefined) this.undefinedObservers.push(observer)
    if (observer.accesses === true) this.heap?.watch(this)
    if (observer.functions !== undefined) (this.libraryCalls ??= new LibraryCalls(this)).add(observer)
  }

  removeObserver(observer: Observer): void {
    const without = (list: Observer[]): Observer[] => list.filter((other) => other !== observer)
    this.observers.splice(0, this.observers.length, ...without(this.observers))
    this.syscallObservers = without(this.syscallObservers)
    this.mappingObservers = without(this.mappingObservers)
    this.heapObservers = without(this.heapObservers)
    this.sharedObservers = without(this.sharedObservers)
    this.frames = this.observers.some(({ frames }) => frames === true)
    this.undefinedObservers = without(this.undefinedObservers)
    this.libraryCalls?.remove(observer)
  }

  /** Tells the observers that `[start, start + length)` of the task's address space changed; `prot` -1 for gone. */
  tellMapping(t: Task, start: number, length: number, prot: number, name: string): void {
    this.heap?.changed(this.memory(t), start, length)
    if (this.heap !== null && prot > 0 && (prot & PROT.exec) !== 0) this.heap.mapped(this, t, start)
    if (prot > 0) this.libraryCalls?.mapped(this.memory(t), this.memory(t).at(start))
    if (this.mappingObservers.length === 0) return
    const event = { task: this.info(t), start, length, prot, name }
    for (const observer of this.mappingObservers) observer.mapping!(event, this)
  }

  readMemory(task: TaskInfo, address: number, length: number): Uint8Array | null {
    const process = this.state.processes.get(task.pid)
    const memory = process && this.memories.get(process.spaceId)
    return memory?.space.read(address, length)?.slice() ?? null
  }

  readUndefined(task: TaskInfo, address: number, length: number): Uint8Array | null {
    const process = this.state.processes.get(task.pid)
    const space = process && this.memories.get(process.spaceId)?.space
    return space?.checked === true ? definednessOf(space, address, length) : null
  }

  /** Notes once, for the report, that the machine answered `answer` to something that it does not have; `text` is the call in strace's form. */
  noteUnanswered(t: Task, text: string, answer: string, nr = -1): void {
    const known = this.state.unknownCalls.find((other) => (nr < 0 ? other.text === text : other.nr === nr))
    if (known !== undefined) known.times++
    else this.state.unknownCalls.push({ nr, moment: this.state.count, tid: t.tid, text, answer, times: 1 })
  }

  /** Answers what lemming does not have as a kernel without it would, and takes note. */
  refuse(t: Task, text: string, answer: 'EINVAL' | 'EPERM' | 'ENOTTY' | 'EOPNOTSUPP' | 'ENOPROTOOPT'): number {
    this.noteUnanswered(t, text, answer)
    return -ERRNO[answer]
  }

  /** Takes note that the running task has executed so many instructions since the processor's `run` was entered. */
  account(t: Task, executed: number): void {
    this.state.count = this.countBefore + executed
    t.count = this.taskCountBefore + executed
    this.running!.count = this.processCountBefore + executed
  }

  systemCall(executed: number): boolean {
    const t = this.current
    assert(t !== null, 'a system call outside a turn')
    this.account(t, executed)
    this.inside = 1
    const goesOn = systemCall(this, t)
    this.inside = 0
    return goesOn && !this.halted
  }

  /** The kernel writes into traced memory, on behalf of the running task: it shows one instruction later than `moment`. */
  wroteTraced(address: number, length: number): void {
    if (this.traps === null) return
    const pc = this.current === null ? 0 : Number(this.cpu.rip)
    const access = { address, bytes: length, store: true, pc }
    if (this.traps.accessed(this.current, this.before, [access], true)) this.halted = true
  }

  /** The moment before whatever happens now: an instruction under way has been counted. */
  get before(): number {
    return this.state.count - this.inside
  }

  /** Shows an address space that came into being to those who look on. */
  watchSpace(space: AddressSpace, id: number): void {
    if (this.traps === null) return
    space.onKernelWrite = (address, length) => this.wroteTraced(address, length)
    this.traps.space(space, id)
  }

  traced(executed: number, accesses: readonly TracedAccess[]): boolean {
    const t = this.current!
    this.account(t, executed)
    if (this.traps!.accessed(t, this.countBefore + executed - 1, accesses, false)) this.halted = true
    return this.halted
  }

  /** For the observers of shared memory. */
  readonly tellShared = (entries: Uint32Array, origin: number): void => {
    const log = { task: this.info(this.current!), entries, origin: this.countBefore + origin }
    for (const observer of this.sharedObservers) observer.shared!(log, this)
  }

  intercept(executed: number): number {
    const t = this.current
    assert(t !== null, 'an intercepted function outside a turn')
    if (this.traps !== null && this.loaded!.space.isStop(Number(this.cpu.rip))) {
      this.account(t, executed - 1)
      if (this.traps.arrived(t, Number(this.cpu.rip))) {
        this.halted = true
        return -2
      }
    }
    if (this.libraryCalls !== null) {
      this.account(t, executed - 1)
      if (!this.libraryCalls.arrived(t)) return -2
    }
    if (this.heap === null) return -1
    this.account(t, executed)
    this.inside = 1
    const answer = this.heap.call(this, t)
    this.inside = 0
    if (this.definedness && answer >= 0) defineRegisters(this.cpu.view, (1 << REG.rax) | (1 << REG.rdi))
    if (answer < 0) this.account(t, executed - 1)
    return this.halted && answer > 0 ? 0 : answer
  }

  excuses(pc: number, address: number, bytes: number, store: boolean): Excuse {
    return this.heap!.excuses(this, this.current!, pc, address, bytes, store)
  }

  unaddressable(executed: number, address: number, bytes: number, store: boolean): void {
    this.account(this.current!, executed)
    this.heap!.unaddressable(this, this.current!, address, bytes, store)
  }

  undefined(executed: number, use: number): void {
    const t = this.current!
    this.account(t, executed)
    if (this.undefinedObservers.length === 0) return
    const { space } = this.loaded!
    if (use === USE.below) {
      const operand = memoryOperand(space, this.cpu)
      if (operand !== null) this.heap?.unaddressable(this, t, operand.address, operand.size, operand.store)
      return
    }
    const explained = this.heap?.explains(this, t) ?? null
    if (explained === true) return
    if (explained === null && use === USE.jump && isHarmlessJump(space, this.cpu)) {
      // What it makes of the vectors is right in the end.
      defineScratch(this.cpu.view)
      return
    }
    const kind = use === USE.jump ? 'jump' : use === USE.target ? 'target' : 'address'
    const certain = explained === false
    const pc = Number(this.cpu.rip)
    this.tellUndefined(t, { pc, kind, by: '', argument: -1, certain, address: 0, start: 0, length: 0 })
  }

  /** Tells the observers that the task depends on undefined bits. */
  tellUndefined(t: Task, use: Omit<UndefinedEvent, 'task' | 'moment' | 'stack'>): void {
    if (this.heap?.silences(this, t) === true) return
    const stack = this.cpu.gprNumber(REG.rsp)
    const event: UndefinedEvent = { task: this.info(t), moment: this.state.count, stack, ...use }
    for (const observer of this.undefinedObservers) observer.undefined!(event, this)
  }

  /** One tick per nanosecond: a processor of 1 GHz whose counter started at boot. */
  timestamp(executed: number): number {
    return monotonicNs(this.state, this.countBefore + executed)
  }
}
