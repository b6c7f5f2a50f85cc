/** Exists as the front of the emulated computer: make one, run it to an instruction count, save, restore and hash it. */
import { randomFrom } from '../base/random.ts'
import type { Processor } from '../engine/processor.ts'
import type { World } from '../host/host.ts'
import type { Observer } from '../tool/observer.ts'
import { EPOCH, MEMORY } from './defaults.ts'
import { addMount } from './fs/add-mount.ts'
import { addFirstMemory, firstProcess, startFirst } from './first-process.ts'
import { createFs } from './fs/init.ts'
import { emptyIpc } from './ipc/state.ts'
import type { Heap } from './heap.ts'
import { Kernel } from './kernel.ts'
import { createDisk } from './power/pending.ts'
import type { PowerLossPlan, Start } from './power/state.ts'
import { advance } from './run.ts'
import { startStrategy } from './scheduler/strategies.ts'
import { hashMachine, kernelFrom, takeSnapshot, type Snapshot } from './snapshot.ts'
import type { Branch, Ending, KernelState } from './state.ts'

/** The first process' id; what it believes to be its parent, the leader of its session, is one less. */
export const FIRST_PID = 1000

/** Everything that a run is a function of, besides the answers of `world`. */
export interface MachineOptions {
  /** The program: absolute, or relative to `cwd`. */
  path: string
  argv: readonly string[]
  /** `NAME=value` each. */
  env: readonly string[]
  /** Absolute. */
  cwd: string
  seed: number
  world: World
  processor: Processor
  /** Name of a scheduling strategy (scheduler/strategies.ts). */
  strategy?: string
  /** Virtual nanoseconds per instruction; 10 by default. */
  clockRate?: number
  /** CLOCK_REALTIME at the start, in seconds since 1970. */
  epoch?: number
  /** Processors that the program is shown. */
  cpus?: number
  /** Bytes of memory that the program is shown. */
  memory?: number
  /** RLIMIT_AS of the first process, soft and hard, in bytes. */
  memoryLimit?: number
  /** Moments at which the schedule goes on with another seed, ascending. */
  branches?: readonly Branch[]
  /** Directories and files of the host that are mounted: absolute paths there and here. */
  mounts?: readonly { host: string; guest: string; writable: boolean }[]
  /** Power is lost once, and what is to be done then. */
  powerLoss?: PowerLossPlan
  uid?: number
  gid?: number
  /** Permissions that files do not get when they are made; 022 by default. */
  umask?: number
  /** RLIMIT_STACK, soft, in bytes. */
  stackLimit?: number
  /** A heap that answers the allocation functions itself; without one they run as they are. */
  ownHeap?: Heap
  /** Is it to be known which bits are defined? Changes nothing else. */
  definedness?: boolean
}

/** Why `advance` returned. */
export interface MachineStop {
  /** Instructions executed since the machine was made. */
  count: number
  /** null: the limit was reached. */
  ended: Ending | null
}

/** An emulated computer. All of it is in `state` and in the bytes of its address spaces. */
export class Machine {
  readonly kernel: Kernel

  constructor(kernel: Kernel) {
    this.kernel = kernel
  }

  get state(): KernelState {
    return this.kernel.state
  }

  /**
   * Runs until `limit` instructions have been executed since the machine was made (not since this call), or until the run ends.
   * The execution is the same whatever the limits are. Throws a LemmingError for what lemming does not support, at that very instruction.
   */
  advance(limit: number): MachineStop {
    advance(this.kernel, limit)
    return { count: this.state.count, ended: this.state.ended }
  }

  /** A copy of the machine as plain data. Observers are no part of it. */
  save(): Snapshot {
    return takeSnapshot(this.kernel)
  }

  /** 16 hexadecimal digits over everything that the execution depends on. */
  hash(): string {
    return hashMachine(this.kernel)
  }

  /** Gives the address spaces back to the processor; the machine must not be used afterwards. */
  release(): void {
    for (const memory of this.kernel.memories.values()) this.kernel.processor.releaseSpace(memory.space)
    this.kernel.memories.clear()
  }

  addObserver(observer: Observer): void {
    this.kernel.addObserver(observer)
  }

  removeObserver(observer: Observer): void {
    this.kernel.removeObserver(observer)
  }
}

/** A machine with the program loaded, before its first instruction. Throws a LemmingError that says why the program cannot be run. */
export function createMachine(options: MachineOptions): Machine {
  const { seed, world, processor, uid = 1000, gid = 1000, stackLimit = 0x80_0000 } = options
  const epochSeconds = options.epoch ?? EPOCH
  const time: [number, number] = [epochSeconds, 0]
  const fs = createFs(world, time)
  const start: Start = {
    path: options.path,
    argv: [...options.argv],
    env: [...options.env],
    cwd: options.cwd,
    uid,
    gid,
    umask: options.umask ?? 0o022,
    stackLimit,
    memoryLimit: options.memoryLimit ?? Infinity,
  }
  // A computer that was started some time ago: programs compare with 0.
  const bootNs = 1_000_000_000_000
  const identity = { pid: FIRST_PID, session: FIRST_PID - 1, spaceId: 1, startNs: bootNs }
  const { process, task } = firstProcess(identity, start, fs, world, time)
  const constants = {
    seed,
    nsPerInstruction: options.clockRate ?? 10,
    epochSeconds,
    bootNs,
    cpus: options.cpus ?? 4,
    memoryBytes: options.memory ?? MEMORY,
  }
  const state: KernelState = {
    constants,
    count: 0,
    clock: { jumpedNs: 0 },
    initPid: FIRST_PID,
    nextTid: FIRST_PID + 1,
    nextSpace: 2,
    nextOrder: 1,
    processes: new Map([[process.pid, process]]),
    tasks: new Map([[task.tid, task]]),
    spaces: new Map(),
    turn: { tid: 0, last: 0, left: 0, points: 0, at: null, yielded: false, paused: false, woken: false, split: false },
    runnable: [],
    events: [],
    futexes: new Map(),
    cpuSleeps: [],
    passed: { points: 0, instructions: 0 },
    strategy: startStrategy(options.strategy ?? 'random', seed),
    random: { layout: randomFrom(seed, 'layout'), getrandom: randomFrom(seed, 'getrandom') },
    unknownCalls: [],
    fs,
    ipc: emptyIpc(),
    crashes: [],
    ended: null,
  }
  if (options.branches !== undefined) state.branches = options.branches.map((branch) => ({ ...branch }))
  const kernel = new Kernel(state, world, processor, options.definedness)
  kernel.heap = options.ownHeap ?? null
  addFirstMemory(kernel, process, start)
  for (const mount of options.mounts ?? []) addMount(kernel, task, mount)
  startFirst(kernel, process, task, start)
  if (options.powerLoss !== undefined) fs.disk = createDisk(seed, options.powerLoss, start)
  return new Machine(kernel)
}

/** A machine that goes on where `snapshot` was taken; `world` must give the answers that the original one would have got. */
export function restoreMachine(
  snapshot: Snapshot,
  parts: { world: World; processor: Processor; ownHeap?: Heap },
): Machine {
  const kernel = kernelFrom(snapshot, parts.world, parts.processor)
  kernel.heap = parts.ownHeap ?? null
  for (const memory of kernel.memories.values()) kernel.heap?.resume(memory)
  return new Machine(kernel)
}
