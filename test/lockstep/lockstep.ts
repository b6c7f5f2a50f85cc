/** Exists to run a program on this machine's processor and on the engine side by side, and to name the first instruction after which they differ. */
import { PAGE_SIZE } from '../../src/engine/layout.ts'
import type { AddressSpace } from '../../src/engine/address-space.ts'
import type { CpuState } from '../../src/engine/cpu-state.ts'
import type { KernelEntry, Processor, Stop } from '../../src/engine/processor.ts'
import { EXIT } from '../../src/ir/exits.ts'
import { DECODED, decoderFor } from '../../src/x86/decode.ts'
import { disassemble } from '../../src/x86/disassemble.ts'
import { CodeReader } from '../../src/x86/fetch.ts'
import { Insn, PREFIX } from '../../src/x86/insn.ts'
import { GuestMemory, type Saved } from './memory.ts'
import { NativeProgram, RECORD, type Result, STOP, type Steps } from './native.ts'
import { type Difference, differences, followExceptions, generalRecord, loadState } from './registers.ts'

/** How to run. */
export interface Options {
  argv: readonly string[]
  processor: Processor
  /** Instructions between comparisons; the engine executes them as it would in any run. */
  batch?: number
  /** Give up after so many instructions. */
  limit?: number
  /** From this count on memory is compared after every batch, not only at system calls. */
  memoryFrom?: number
}

/** Where the two differ. */
export interface Mismatch {
  /**
   * `instruction`: the instruction alone gives another result. `region`: alone it gives the right result, but not when executed together with what
   * precedes it. `stop`: one side faults, calls the kernel or goes on where the other does not. `memory`: the contents differ although the registers did not.
   */
  kind: 'instruction' | 'region' | 'stop' | 'memory'
  /** Instructions after which the difference shows, the last one included. For `memory` it arose after `since` of them. */
  count: number
  since: number
  pc: number
  text: string
  differences: Difference[]
  detail: string
}

/** What became of a run. */
export interface Outcome {
  /** Instructions that both executed and agreed on. */
  executed: number
  /** Flags and approximations that the manual leaves open, and in which the engine followed the processor. */
  followed: number
  systemCalls: number
  /** wait(2)'s status when the program ended. */
  status: number | null
  mismatch: Mismatch | null
}

/** Signals that a faulting instruction raises, by EXIT reason. */
const SIGNALS: Partial<Record<number, number>> = {
  [EXIT.readFault]: 11,
  [EXIT.writeFault]: 11,
  [EXIT.fetchFault]: 11,
  [EXIT.generalProtection]: 11,
  [EXIT.softwareInterrupt]: 11,
  [EXIT.divideError]: 8,
  [EXIT.floatingPoint]: 8,
  [EXIT.invalidOpcode]: 4,
  [EXIT.breakpoint]: 5,
  [EXIT.debugTrap]: 5,
}
/** SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV with an si_code above 0 come from the instruction at hand. */
const FAULTS = new Set([4, 5, 7, 8, 11])

/** The two sides of one run. */
class Pair implements KernelEntry {
  private readonly processor: Processor
  private readonly space: AddressSpace
  private readonly state: CpuState
  private readonly guest: GuestMemory
  private readonly native: NativeProgram
  private readonly insn = new Insn()
  private readonly reader: CodeReader
  private readonly decoder = decoderFor()
  private called = false
  private memoryAgreed = 0
  readonly outcome: Outcome = { executed: 0, followed: 0, systemCalls: 0, status: null, mismatch: null }

  constructor(options: Options) {
    this.processor = options.processor
    this.space = options.processor.createSpace()
    this.state = options.processor.stateOf(this.space)
    this.guest = new GuestMemory(this.space)
    this.native = new NativeProgram(options.argv)
    this.reader = new CodeReader(this.space.bytes, (pc) => this.space.isExecutable(pc))
  }

  systemCall(): boolean {
    this.called = true
    return false
  }

  timestamp(executed: number): number {
    return this.outcome.executed + executed
  }

  async run(options: Options): Promise<Outcome> {
    const { batch = 5000, limit = Infinity, memoryFrom = Infinity } = options
    const { outcome } = this
    try {
      if (!this.follow(await this.native.start())) return outcome
      while (outcome.executed < limit) {
        const steps = await this.native.run(Math.min(batch, limit - outcome.executed))
        outcome.mismatch = this.check(steps.states, 0, steps.count)
        if (outcome.mismatch !== null) return outcome
        if (steps.count > 0) followExceptions(this.state, steps.states.subarray((steps.count - 1) * RECORD))
        outcome.executed += steps.count
        if (steps.stop === STOP.syscall || outcome.executed >= memoryFrom) outcome.mismatch = await this.checkMemory()
        if (outcome.mismatch !== null || !(await this.event(steps))) return outcome
      }
      return outcome
    } finally {
      this.native.close()
      this.processor.releaseSpace(this.space)
    }
  }

  /** Makes the engine's side what the native one is now; false when that ended. */
  private follow(result: Result): boolean {
    if (result.ended) {
      this.outcome.status = result.status
      return false
    }
    loadState(this.processor, this.state, result.state)
    this.guest.update(result.memory)
    return true
  }

  /** What stopped the stepper happens on both sides; false when the program ended or they differ. */
  private async event(steps: Steps): Promise<boolean> {
    const { outcome, native } = this
    const pc = Number(this.state.rip)
    if (steps.stop === STOP.limit) return true
    if (steps.stop === STOP.signal && !(FAULTS.has(steps.signal) && steps.code > 0))
      return this.follow(await native.deliver())
    this.called = false
    const stop = this.step(1)
    const wrong = (detail: string): false => {
      outcome.mismatch = { ...this.place('stop', pc, 0), detail }
      return false
    }
    switch (steps.stop) {
      case STOP.syscall:
        if (!this.called) return wrong(`the engine made no system call: ${describe(stop)}`)
        outcome.systemCalls++
        outcome.executed++
        return this.follow(await native.systemCall())
      case STOP.special:
        if (stop.reason !== EXIT.fuel) return wrong(`the engine does not execute it: ${describe(stop)}`)
        outcome.executed++
        native.write(generalRecord(this.processor, this.state))
        return true
      case STOP.signal:
        if (stop.executed !== 0 || SIGNALS[stop.reason] !== steps.signal)
          return wrong(`the processor raised signal ${steps.signal}, the engine: ${describe(stop)}`)
        return this.follow(await native.deliver())
      default:
        return wrong('the native program is gone')
    }
  }

  private step(count: number): Stop {
    return this.processor.run(this.space, count, this)
  }

  /** Executes `count` instructions and compares with `record`; null when all is as it should be. */
  private advance(count: number, record: Uint8Array): { stop: Stop; differences: Difference[] } | null {
    const stop = this.step(count)
    if (stop.reason === EXIT.fuel && stop.executed === count) {
      const found = differences(this.processor, this.state, record)
      return found.length === 0 ? null : { stop, differences: found }
    }
    return { stop, differences: [] }
  }

  /** Executes the instructions whose results are states[from, to): together, and when that goes wrong, one by one. */
  private check(states: Uint8Array, start: number, to: number): Mismatch | null {
    const record = (i: number): Uint8Array => states.subarray(i * RECORD, (i + 1) * RECORD)
    let from = start
    while (from < to) {
      let at = from
      if (to - from > 1) {
        const saved = this.guest.save(this.state)
        const together = this.advance(to - from, record(to - 1))
        if (together === null) return null
        this.guest.restore(saved, this.state)
        if (together.differences.length === 1 && together.differences[0]!.name === 'rflags') {
          // Most often flags that the manual leaves open are what remains.
          let open = 0
          for (; at < to; at++) {
            const result = this.single(record(at), at)
            if (result.mismatch !== null) return result.mismatch
            open |= result.open
          }
          return (together.differences[0]!.bits & ~open) === 0 ? null : this.bisect(saved, record, from, to)
        }
        while (at < to && this.advance(1, record(at)) === null) at++
        if (at === to) return this.bisect(saved, record, from, to)
        // Once more together up to the instruction that is wrong alone.
        this.guest.restore(saved, this.state)
        if (at > from && this.advance(at - from, record(at - 1)) !== null) return this.bisect(saved, record, from, at)
      }
      const { mismatch } = this.single(record(at), at)
      if (mismatch !== null) return mismatch
      from = at + 1
    }
    return null
  }

  /** Executes the instruction at hand alone and follows the processor in what the manual leaves open; `open`: the flags among that. */
  private single(record: Uint8Array, index: number): { mismatch: Mismatch | null; open: number } {
    const pc = Number(this.state.rip)
    const wrong = this.advance(1, record)
    if (wrong === null) return { mismatch: null, open: 0 }
    if (!this.isOpen(pc, wrong.differences)) {
      const detail = wrong.differences.length === 0 ? `the engine stopped: ${describe(wrong.stop)}` : ''
      return {
        mismatch: { ...this.place('instruction', pc, index + 1), differences: wrong.differences, detail },
        open: 0,
      }
    }
    loadState(this.processor, this.state, record)
    this.outcome.followed++
    return { mismatch: null, open: wrong.differences.reduce((bits, d) => bits | d.bits, 0) }
  }

  /** Alone every instruction is right: finds the shortest run from `from` that is not. */
  private bisect(saved: Saved, record: (i: number) => Uint8Array, from: number, to: number): Mismatch {
    const attempt = (count: number): Difference[] | null => {
      this.guest.restore(saved, this.state)
      const wrong = this.advance(count, record(from + count - 1))
      return wrong === null ? null : wrong.differences
    }
    let right = 0
    let wrong = to - from
    while (wrong - right > 1) {
      const middle = (right + wrong) >> 1
      if (attempt(middle) === null) right = middle
      else wrong = middle
    }
    const found = attempt(wrong) ?? []
    const pcs: number[] = []
    for (let i = Math.max(from, from + wrong - 24); i < from + wrong; i++) pcs.push(i === 0 ? -1 : pcOf(record(i - 1)))
    const lines = pcs.filter((pc) => pc >= 0).map((pc) => `  ${pc.toString(16)}  ${this.text(pc)}`)
    const detail = `alone it is right; wrong after ${wrong} instructions at a stretch, the last of which are\n${lines.join('\n')}`
    return { ...this.place('region', pcs.at(-1)!, from + wrong), differences: found, detail }
  }

  /** Does the manual leave open all that differs? */
  private isOpen(pc: number, found: readonly Difference[]): boolean {
    if (found.length === 0 || this.reader.decode(this.decoder, pc, this.insn) !== DECODED.ok) return false
    const { row } = this.insn.form
    // With an F3 prefix they are TZCNT and LZCNT on processors that have those; who writes it for both does not look at the flags.
    if (/^BS[FR]$/.test(row.mnemonic) && (this.insn.prefixes & PREFIX.rep) !== 0)
      return found.every((d) => d.name === 'rflags')
    const flags = (row.undefined ?? 0) | (row.undefinedUnlessOne ?? 0)
    return found.every((d) =>
      d.name === 'rflags' ? (d.bits & ~flags) === 0 : row.approximate !== undefined && /^(xmm|st)/.test(d.name),
    )
  }

  private async checkMemory(): Promise<Mismatch | null> {
    const since = this.memoryAgreed
    for (const [address, sum] of await this.native.checksums()) {
      if (this.guest.checksum(address) === sum) continue
      const theirs = await this.native.page(address)
      const ours = this.space.bytes.subarray(address, address + PAGE_SIZE)
      const at = theirs.findIndex((byte, i) => byte !== ours[i]) & ~7
      const detail = `at ${(address + at).toString(16)}: native ${hex(theirs, at)}, engine ${hex(ours, at)}`
      return { ...this.place('memory', Number(this.state.rip), 0), since, detail }
    }
    this.memoryAgreed = this.outcome.executed
    return null
  }

  private place(kind: Mismatch['kind'], pc: number, index: number): Mismatch {
    const count = this.outcome.executed + index
    return { kind, count, since: count - 1, pc, text: this.text(pc), differences: [], detail: '' }
  }

  private text(pc: number): string {
    const result = this.reader.decode(this.decoder, pc, this.insn)
    const bytes = hex(this.space.bytes.subarray(pc, pc + Math.max(1, this.insn.length)), 0, 15)
    return result === DECODED.ok ? `${disassemble(this.insn)}  (${bytes})` : `not decoded (${bytes})`
  }
}

const hex = (bytes: Uint8Array, at: number, length = 8): string =>
  Array.from(bytes.subarray(at, at + length), (byte) => byte.toString(16).padStart(2, '0')).join(' ')

const pcOf = (record: Uint8Array): number =>
  Number(new DataView(record.buffer, record.byteOffset, record.length).getBigUint64(128, true))

function describe(stop: Stop): string {
  const name = Object.entries(EXIT).find(([, value]) => value === stop.reason)?.[0]
  return `${name ?? stop.reason} after ${stop.executed} instructions`
}

/** Runs a static program at fixed addresses on both sides until it ends, they differ, or `limit` instructions are done. */
export function lockstep(options: Options): Promise<Outcome> {
  return new Pair(options).run(options)
}
