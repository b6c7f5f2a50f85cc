/** Exists as the engine's side of scheduling points: hands translated code what it counts with, and takes away what it has counted and logged. */
import { ASK, CALLS, LOG_ENTRIES, LOG_ENTRY, POINTS } from '../wasm/runtime-points.ts'
import type { AddressSpace } from './address-space.ts'
import { LOG_BASE, POINTS_BASE } from './layout.ts'
import type { KernelEntry } from './processor.ts'

const word = (offset: number): number => (POINTS_BASE + offset) / 4

/** Points that nobody counts. */
const NO_LIMIT = ASK - 1

/**
 * System calls that other threads do not notice, by number: mmap, mprotect, munmap, brk, rt_sigaction, rt_sigprocmask, mremap, madvise, getpid, clone (the new task is
 * noticed by itself), exit, sigaltstack, arch_prctl, gettid, set_tid_address, clock_gettime, set_robust_list, prlimit64, rseq, clone3.
 */
const silentCalls = new Uint8Array(CALLS)
for (const nr of [9, 10, 11, 12, 13, 14, 25, 28, 39, 56, 60, 131, 158, 186, 218, 228, 273, 302, 334, 435])
  silentCalls[nr] = 1

/** Does anybody want to hear of accesses? */
export function isHeard({ accesses }: KernelEntry): boolean {
  return accesses !== undefined && accesses !== null
}

/** The words of one address space. */
export class PointWords {
  private readonly words: Uint32Array
  private readonly log: Uint32Array

  constructor(space: AddressSpace) {
    this.words = new Uint32Array(space.memory.buffer, 0, POINTS_BASE / 4 + 8)
    new Uint8Array(space.memory.buffer, POINTS_BASE + POINTS.calls, CALLS).set(silentCalls)
    this.log = new Uint32Array(space.memory.buffer, LOG_BASE, (LOG_ENTRIES * LOG_ENTRY) / 4)
  }

  /** To be called before the running task executes anything: what the kernel wants counted and logged. */
  open(kernel: KernelEntry): void {
    const { words } = this
    const points = kernel.points ?? -1
    words[word(POINTS.left)] = points < 0 ? NO_LIMIT : kernel.paused === true ? 0 : Math.min(points, NO_LIMIT)
    words[word(POINTS.paused)] = 0
    words[word(POINTS.passed)] = 0
    words[word(POINTS.logged)] = 0
    words[word(POINTS.logging)] = isHeard(kernel) ? 1 : 0
  }

  /** To be called afterwards: tells the kernel what was counted. */
  close(kernel: KernelEntry): void {
    const { points } = kernel
    if (points === undefined || points < 0) return
    const { words } = this
    const lost = words[word(POINTS.paused)]! % ASK
    const given = kernel.paused === true ? 0 : Math.min(points, NO_LIMIT)
    kernel.passed = given - (words[word(POINTS.left)]! % ASK) - lost
    kernel.points = points - kernel.passed
    if (lost > 0) kernel.paused = true
  }

  /** Hands over the log; `origin` as in KernelEntry.accesses. */
  drain(kernel: KernelEntry, origin: number): void {
    const count = this.words[word(POINTS.logged)]!
    if (count === 0) return
    this.words[word(POINTS.logged)] = 0
    kernel.accesses?.(this.log.subarray(0, count * (LOG_ENTRY / 4)), origin)
  }

  /** The point that stopped. */
  get stopped(): { kind: number; address: number } {
    return { kind: this.words[word(POINTS.kind)]!, address: this.words[word(POINTS.address)]! }
  }

  /** The instruction at `pc` is executed once more; its points have been passed. 0: no longer. */
  pass(pc: number): void {
    this.words[word(POINTS.passed)] = pc
    const left = this.words[word(POINTS.left)]! % ASK
    this.words[word(POINTS.left)] = pc === 0 ? left : left + ASK
  }
}
