/** A machine that is no machine: counts, and ends where it is told to. Shows what sessions ask, and how often. */
import type { StoredTranslations } from '../../src/replay/machine.ts'
import type { ReportWorld } from '../../src/replay/recording-world.ts'
import type { RunEnding, RunInputs } from '../../src/replay/recording.ts'
import type { Subject, TaskView } from '../../src/replay/subject.ts'

export function fakeInputs(timeLimit: number | null): RunInputs {
  const options = { strategy: 'random', cpus: 1, clockRate: 10, uid: 0, gid: 0, timeLimit }
  return { path: '/prog', argv: ['prog'], env: [], cwd: '/', seed: 7, options }
}

/** Ends at instruction `endsAt`; its clock runs 10 ns an instruction and jumps by `jump` ns whenever it is advanced. */
export class FakeMachine implements Subject {
  count = 0
  jumped = 0
  readonly currentTid = 1000
  readonly steps = 0
  readonly fileChanges = 0
  readonly tasksStarted = 1
  readonly limits: number[] = []
  private readonly endsAt: number
  private readonly how: RunEnding
  private readonly jump: number

  constructor(endsAt: number, how: RunEnding, jump = 0) {
    this.endsAt = endsAt
    this.how = how
    this.jump = jump
  }

  get elapsed(): number {
    return this.count * 10 + this.jumped
  }

  advance(limit: number): void {
    this.limits.push(limit)
    this.count = Math.min(limit, this.endsAt)
    this.jumped += this.jump
  }

  ending(): RunEnding | null {
    return this.count >= this.endsAt ? this.how : null
  }

  powerLoss(): null {
    return null
  }

  visited(): null {
    return null
  }

  choicePlaces(): null {
    return null
  }

  hash(): string {
    return `state-${this.count}`
  }

  tasks(): TaskView[] {
    const registers = Array.from({ length: 17 }, (_, i) => BigInt(i) * 0x1111n)
    const state = new Uint8Array(0)
    return [
      {
        pid: 1000,
        tid: 1000,
        name: 'prog',
        count: 1,
        state,
        registers,
        flags: 0x246,
        fsBase: 0n,
        waiting: null,
        wait: null,
      },
    ]
  }

  task(tid: number): TaskView | undefined {
    return this.tasks().find((one) => one.tid === tid)
  }

  mappedFiles(): [] {
    return []
  }

  mappings(): [] {
    return []
  }

  brk(): { start: number; end: number } {
    return { start: 0, end: 0 }
  }

  details(): null {
    return null
  }

  floatingPoint(): null {
    return null
  }

  undefinedBits(): null {
    return null
  }

  block(): null {
    return null
  }

  isAddressable(): boolean {
    return true
  }

  conditions(): { flags: number; rcx: bigint } {
    return { flags: 2, rcx: 0n }
  }

  reads(): null {
    return null
  }

  writes(): null {
    return null
  }

  read(): null {
    return null
  }

  unknownCalls(): { text: string; answer: string; times: number }[] {
    return [{ text: 'frob(0x1)', answer: 'ENOSYS', times: 2 }]
  }

  privateLayer(): [] {
    return []
  }

  statistics(): Record<string, number> {
    return {}
  }

  processes(): [] {
    return []
  }

  tellLeaks(): void {}

  crashes(): [] {
    return []
  }

  translations(): Map<number, StoredTranslations> {
    return new Map()
  }

  release(): void {}

  addObserver(): void {}
}

/** A world without files. */
export const emptyWorld: ReportWorld = {
  lstat: () => 'ENOENT',
  readlink: () => 'ENOENT',
  list: () => 'ENOENT',
  content: () => 'ENOENT',
  readInput: () => new Uint8Array(0),
  writeOutput: () => {},
  look: () => undefined,
  changedAt: () => undefined,
}
