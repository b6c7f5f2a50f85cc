/** Exists to define what those who look on at single instructions and bytes (breakpoints, watchpoints) are asked: they see the machine stand still and change nothing of it. */
import type { AddressSpace } from '../engine/address-space.ts'
import type { TracedAccess } from '../engine/processor.ts'
import type { Task } from './state.ts'

/** Told in the middle of `advance`; Kernel.registers has the registers of the running task. */
export interface Traps {
  /** Address space `id` came into being, or came back: it gets its stops and traces (AddressSpace.setStops, setTraces). */
  space(space: AddressSpace, id: number): void
  /** The running task is about to execute the instruction at a stop. True: `advance` returns before it. */
  arrived(t: Task, pc: number): boolean
  /**
   * Traced bytes were accessed: what is stored shows one instruction after `moment`. The task is null when the kernel did it for nobody that has the turn.
   * `byKernel`: not by an instruction. True: `advance` returns as soon as the instruction is over.
   */
  accessed(t: Task | null, moment: number, accesses: readonly TracedAccess[], byKernel: boolean): boolean
}
