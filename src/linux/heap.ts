/** Exists to state what the kernel asks of a heap that is an option of the machine: one that answers the C library's allocation functions itself. */
import type { Excuse } from '../engine/processor.ts'
import type { Range } from './declare.ts'
import type { Kernel } from './kernel.ts'
import type { Memory } from './mm.ts'
import type { Task } from './state.ts'
import type { HeapBlock } from '../tool/observer.ts'

/** A heap of the machine's own. What it remembers is plain data in MemoryMap.heap, so that it is copied, saved and hashed with the address space. */
export interface Heap {
  /** A program is about to be loaded into an empty address space. */
  begin(k: Kernel, memory: Memory): void
  /** A file has been mapped so that it can be executed: its allocation functions are answered from now on. */
  mapped(k: Kernel, t: Task, start: number): void
  /** An address space came back from plain data, or is a copy of another one. */
  resume(memory: Memory): void
  /** The running task is at the entry of an intercepted function; see KernelEntry.intercept. */
  call(k: Kernel, t: Task): number
  /** From now on accesses to what is no block are told to the observers. */
  watch(k: Kernel): void
  /** KernelEntry.excuses for the running task. */
  excuses(k: Kernel, t: Task, pc: number, address: number, bytes: number, store: boolean): Excuse
  /** The running task's next instruction depends on undefined bits, and may be a string function's. True: nothing is wrong, or it was told as what it is; false: it is wrong; null: that is not known. */
  explains(k: Kernel, t: Task): boolean | null
  /** The running task is about to access bytes that belong to no live block. */
  unaddressable(k: Kernel, t: Task, address: number, bytes: number, store: boolean): void
  /** The system call `name` makes the kernel read these ranges, or (`store`) has made it write them. Only called when somebody listens. */
  passed(k: Kernel, t: Task, name: string, ranges: readonly Range[], store: boolean): void
  /** The call has failed with EFAULT, by an address that cannot be read (`store`: written). Only called when somebody listens. */
  faulted(k: Kernel, t: Task, name: string, address: number, store: boolean): void
  /** brk(2) has given the program memory: nothing is in it. */
  claimed(memory: Memory, start: number, length: number): void
  /** A mapping has come, gone or changed. */
  changed(memory: Memory, start: number, length: number): void
  /** Does the program want that nothing is told of the task's errors? */
  silences(k: Kernel, t: Task): boolean
  /** The block at or next to an address where an access has failed, or the one that was there before its memory was given back; null for none. */
  lookup(k: Kernel, t: Task, address: number): HeapBlock | null
  /** The task is about to end its process by itself: the last moment at which its memory can be looked at. Only called when somebody listens. */
  exiting(k: Kernel, t: Task): void
  /** Tells the observers what the task's process has not freed, and how that can be reached now. */
  leaks(k: Kernel, t: Task): void
}
