/** Exists to start the machine that inputs describe, and to show it to sessions as a Subject. */
import { CpuState } from '../engine/cpu-state.ts'
import type { StoredTranslations } from '../engine/library.ts'
import { Engine } from '../engine/run.ts'
import { GuardedHeap } from '../heap/guarded.ts'
import type { World } from '../host/host.ts'
import { REG, registers } from '../ir/registers.ts'
import { monotonicNs } from '../linux/clock.ts'
import { waitText } from '../linux/dispatch.ts'
import { privateLayer, type LayerEntry } from '../linux/fs/layer.ts'
import { createMachine, type Machine } from '../linux/machine.ts'
import { signalName } from '../linux/signal-names.ts'
import { codeName } from '../linux/signal-text.ts'
import type { Ending } from '../linux/state.ts'
import type { Observer } from '../tool/observer.ts'
import type { RunEnding, RunInputs } from './recording.ts'
import type { ChildCrash, MappedFile, ProcessView, Subject, TaskView } from './subject.ts'

/**
 * Guest calls that may be nested wasm calls. A frame of unoptimised code takes up to about a kilobyte, and the thread has 64 MiB; what is
 * deeper unwinds to the run loop and goes on from there.
 */
const CALL_DEPTH = 20_000

const PROT_EXEC = 4

/** One for all machines of the thread: what it has translated for one run serves the next. */
const engine = new Engine({ callDepth: CALL_DEPTH })

export type { StoredTranslations }

/** Gives the first machine of this thread the translations that an earlier one has left. */
export function provideTranslations(stored: StoredTranslations): void {
  engine.provide(stored)
}

/** A machine at the first instruction of the program. Throws a LemmingError that says why the program cannot be run. */
export function startMachine(inputs: RunInputs, world: World): Subject {
  const { path, argv, env, cwd, seed, options } = inputs
  const { strategy, cpus, clockRate, uid, gid, quarantine = 0 } = options
  const ownHeap = options.heap === 'guarded' ? new GuardedHeap({ quarantine }) : undefined
  return new MachineSubject(
    createMachine({
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
      uid,
      gid,
      ownHeap,
      mounts: options.mounts,
      memoryLimit: options.memoryLimit,
    }),
    engine,
  )
}

class MachineSubject implements Subject {
  private readonly machine: Machine
  private readonly engine: Engine

  constructor(machine: Machine, engine: Engine) {
    this.machine = machine
    this.engine = engine
  }

  translations(): StoredTranslations | null {
    return this.engine.translations()
  }

  release(): void {
    this.machine.release()
  }

  get count(): number {
    return this.machine.state.count
  }

  get elapsed(): number {
    const { state } = this.machine
    return monotonicNs(state) - state.constants.bootNs
  }

  get currentTid(): number {
    return this.machine.state.turn.tid
  }

  advance(limit: number): void {
    this.machine.advance(limit)
  }

  ending(): RunEnding | null {
    const { ended } = this.machine.state
    return ended === null ? null : plainEnding(ended)
  }

  hash(): string {
    return this.machine.hash()
  }

  tasks(): TaskView[] {
    const { kernel, state } = this.machine
    return [...state.tasks.values()]
      .toSorted((a, b) => a.tid - b.tid)
      .map((t) => {
        const cpu = new CpuState(t.cpu.slice())
        return {
          pid: t.pid,
          tid: t.tid,
          name: t.name,
          registers: [...Array.from({ length: 16 }, (_, i) => cpu.gpr(i)), cpu.rip],
          flags: this.engine.readFlags(cpu),
          fsBase: cpu.view.getBigUint64(registers[REG.fsBase]!.offset, true),
          waiting: t.wait === null ? null : waitText(kernel, t),
        }
      })
  }

  processes(): ProcessView[] {
    return [...this.machine.state.processes.values()]
      .filter(({ tids }) => tids.length > 0)
      .map(({ pid, argv }) => ({ pid, argv: [...argv] }))
      .toSorted((a, b) => a.pid - b.pid)
  }

  crashes(): ChildCrash[] {
    return this.machine.state.crashes.map(({ moment, pid, argv, ...signal }) => ({
      moment,
      process: { pid, argv: [...argv] },
      ending: signalEnding({ kind: 'signal', ...signal }),
    }))
  }

  mappedFiles(pid: number): MappedFile[] {
    const { state } = this.machine
    const process = state.processes.get(pid)
    const mappings = (process && state.spaces.get(process.spaceId)?.mappings) ?? []
    return mappings.flatMap(({ start, end, prot, file }) =>
      file === null ? [] : [{ path: file.path, start, end, offset: file.offset, executable: (prot & PROT_EXEC) !== 0 }],
    )
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
