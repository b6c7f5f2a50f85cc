/** Exists to hold the parts of a machine that are not data beside the data, and to be what translated code calls at a SYSCALL. */
import { assert } from '../base/errors.ts'
import { PROT, type AddressSpace } from '../engine/address-space.ts'
import { CpuState } from '../engine/cpu-state.ts'
import type { KernelEntry, Processor } from '../engine/processor.ts'
import type { World } from '../host/host.ts'
import type { MachineView, Observer, TaskInfo } from '../tool/observer.ts'
import { monotonicNs } from './clock.ts'
import { systemCall, type Entered } from './dispatch.ts'
import type { Heap } from './heap.ts'
import type { Memory } from './mm.ts'
import { strategyNamed } from './scheduler/strategies.ts'
import type { Strategy } from './scheduler/strategy.ts'
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
  /** The machine's own heap; null when the program's allocators run as they are. */
  heap: Heap | null = null
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
  readonly strategy: Strategy
  /** Set by whatever makes the plan of the running turn wrong: another task became runnable, an earlier event, a signal. */
  attention = false

  constructor(state: KernelState, world: World, processor: Processor) {
    this.state = state
    this.world = world
    this.processor = processor
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
    if (observer.accesses === true) this.heap?.watch(this)
  }

  removeObserver(observer: Observer): void {
    const without = (list: Observer[]): Observer[] => list.filter((other) => other !== observer)
    this.observers.splice(0, this.observers.length, ...without(this.observers))
    this.syscallObservers = without(this.syscallObservers)
    this.mappingObservers = without(this.mappingObservers)
    this.heapObservers = without(this.heapObservers)
  }

  /** Tells the observers that `[start, start + length)` of the task's address space changed; `prot` -1 for gone. */
  tellMapping(t: Task, start: number, length: number, prot: number, name: string): void {
    if (this.heap !== null && prot > 0 && (prot & PROT.exec) !== 0) this.heap.mapped(this, t, start)
    if (this.mappingObservers.length === 0) return
    const event = { task: this.info(t), start, length, prot, name }
    for (const observer of this.mappingObservers) observer.mapping!(event, this)
  }

  readMemory(task: TaskInfo, address: number, length: number): Uint8Array | null {
    const process = this.state.processes.get(task.pid)
    const memory = process && this.memories.get(process.spaceId)
    return memory?.space.read(address, length)?.slice() ?? null
  }

  /** Notes once, for the report, that the machine answered `answer` to something that it does not have; `text` is the call in strace's form. */
  noteUnanswered(t: Task, text: string, answer: string, nr = -1): void {
    const known = this.state.unknownCalls.find((other) => (nr < 0 ? other.text === text : other.nr === nr))
    if (known !== undefined) known.times++
    else this.state.unknownCalls.push({ nr, moment: this.state.count, tid: t.tid, text, answer, times: 1 })
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
    return systemCall(this, t)
  }

  intercept(executed: number): number {
    const t = this.current
    assert(t !== null && this.heap !== null, 'an intercepted function without a heap')
    this.account(t, executed)
    return this.heap.call(this, t)
  }

  excuses(pc: number, address: number, bytes: number, store: boolean): boolean {
    return this.heap!.excuses(this, this.current!, pc, address, bytes, store)
  }

  unaddressable(executed: number, address: number, bytes: number, store: boolean): void {
    this.account(this.current!, executed)
    this.heap!.unaddressable(this, this.current!, address, bytes, store)
  }

  /** One tick per nanosecond: a processor of 1 GHz whose counter started at boot. */
  timestamp(executed: number): number {
    return monotonicNs(this.state, this.countBefore + executed)
  }
}
