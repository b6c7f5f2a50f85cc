/** Exists to state what the kernel may ask of the engine: run a task's code for a number of instructions and say why it stopped. */
import type { AddressSpace } from './address-space.ts'
import type { CpuState } from './cpu-state.ts'

/** Why translated code stopped: an EXIT number (ir/exits.ts) and how many instructions were executed since `run` was called. */
export interface Stop {
  reason: number
  /** Instructions completed; the faulting one does not count. */
  executed: number
  /** With EXIT.point: what was about to be done, and to which address (POINT in ir/passes/points.ts). */
  point?: { kind: number; address: number }
}

/** What one instruction did to traced bytes. */
export interface TracedAccess {
  address: number
  bytes: number
  store: boolean
  /** The instruction; of a write of the kernel's the one behind the call. */
  pc: number
}

/** Whether an access to bytes that are not addressable means no harm: it may go on with what is undefined, or with what counts as defined. */
export const EXCUSE = { none: 0, undefined: 1, defined: 2 } as const

/** One of EXCUSE. */
export type Excuse = (typeof EXCUSE)[keyof typeof EXCUSE]

/** Implemented by the kernel: what translated code calls at a SYSCALL instruction. */
export interface KernelEntry {
  /**
   * Performs the system call in the running task's state (`processor.state`): rip is the address after the SYSCALL, which itself has been counted;
   * `executed` is the number of instructions since `run` began. True: completed, result in rax, the same task goes on. False: stop with EXIT.unwind.
   */
  systemCall(executed: number): boolean
  /**
   * At the entry of a function in AddressSpace.intercepts, before any of it: rip is its address. Answers with the address at which the task goes on (also in rip)
   * when the function is over; this counts one instruction, which `executed` includes. 0: over, and stop with EXIT.unwind. -1: its own code is to run.
   * -2: stop with EXIT.unwind before it, and nothing has been counted.
   */
  intercept?(executed: number): number
  /**
   * An instruction has accessed bytes that are traced (AddressSpace.setTraces); `executed` includes it. True: stop with EXIT.fuel before the next one.
   */
  traced?(executed: number, accesses: readonly TracedAccess[]): boolean
  /** Is an access to bytes that are not addressable, by the instruction at `pc`, one that means no harm? */
  excuses?(pc: number, address: number, bytes: number, store: boolean): Excuse
  /** The instruction at rip is about to make such an access; `executed` are those before it. It is executed afterwards. */
  unaddressable?(executed: number, address: number, bytes: number, store: boolean): void
  /**
   * Scheduling points that the running task may pass in `run` before it stops with EXIT.point at the next one; negative where nobody asks for any. `run` takes off
   * what was passed. A PAUSE sets `paused`: then the next point stops, however many are left.
   */
  points?: number
  /** How many were passed. */
  passed?: number
  paused?: boolean
  /**
   * Hears of the accesses that threads may share, in their order: entries of four words (address, POINT, pc, fuel). `origin` less the fuel is the number of
   * instructions that `run` had executed before. To be looked at at once.
   */
  accesses?: ((log: Uint32Array, origin: number) => void) | null
  /** Are those to the own frame, at places that instructions name by the stack pointer, among them? */
  frames?: boolean
  /** The instruction at rip is about to depend on undefined bits, in the way that `use` says (USE in ir/exits.ts); `executed` are those before it. It is executed afterwards. */
  undefined?(executed: number, use: number): void
  /** Time-stamp counter for RDTSC at that point, as (lo, hi) pair in a number below 2^53. */
  timestamp(executed: number): number
}

/** A processor runs one task at a time. The running task's registers live in the linear memory of its address space. */
export interface Processor {
  /** An empty address space, in which definedness is checked or not: a new one, or one that has been given back. */
  createSpace(checked?: boolean): AddressSpace
  /** Takes back a space that no machine uses any more, so that what has been translated for it can serve the next. */
  releaseSpace(space: AddressSpace): void
  /** The registers of the running task in `space`. Valid during `run`'s callbacks and after it. */
  stateOf(space: AddressSpace): CpuState
  /**
   * Executes at most `limit` instructions from `stateOf(space).rip` and stops exactly: EXIT.fuel when the limit is reached,
   * EXIT.unwind when a system call said so, or a fault with rip at the faulting instruction and nothing of it executed.
   */
  run(space: AddressSpace, limit: number, kernel: KernelEntry): Stop
  /** Bytes of the access by which `run` stopped with a fault; for observers, no part of the state. */
  faultSize?(): number
  /** RFLAGS of a state (arithmetic flags computed from the lazy record, DF, system flags, reserved bit 1). */
  readFlags(state: CpuState): number
  writeFlags(state: CpuState, flags: number): void
}
