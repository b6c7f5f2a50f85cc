/** Exists to say what is looked for in a run, and what is found: the words of timelines and of those who ask them. */
import type { TracedAccess } from '../engine/processor.ts'
import type { MappingEvent } from '../tool/observer.ts'

/** What is looked for in the run. Hits are moments before the instruction that does it. */
export interface Search {
  /** Addresses of instructions: a hit before each execution of one, in any process. */
  stops?: ReadonlySet<number>
  /** Bytes of the address space of process `pid`: a hit for each instruction that stores into them, and with `reads` also for those that read them. */
  traces?: { pid: number; ranges: readonly { start: number; end: number }[]; reads: boolean }
  /** A hit for each change of the running thread, or each system call that is over. */
  switches?: boolean
  calls?: boolean
  /** A hit for each signal that is about to be delivered. */
  signals?: boolean
  /** A hit for each mapping that came, changed or went. */
  mappings?: boolean
  /** Which hits count; asked while the machine stands at it. All, when it is absent. */
  accept?: (hit: Hit) => boolean
  /** Going forwards also ends where this thread has executed so many instructions. */
  task?: { tid: number; count: number }
  /** Going forwards ends here, and not at the end of the run. */
  limit?: number
}

/** Something that was looked for. */
export interface Hit {
  kind: 'stop' | 'access' | 'switch' | 'call' | 'mapping' | 'signal'
  /** The moment before the instruction that is at the stop, makes the access, ends the call: what it does shows one moment later. */
  moment: number
  /** Who; 0 for a write of the kernel's on nobody's behalf. */
  pid: number
  tid: number
  /** The instruction, of a stop, and how many its thread had executed before. */
  pc: number
  count: number
  accesses: readonly TracedAccess[]
  /** An access of the kernel's, and not of an instruction. */
  byKernel: boolean
  /** A system call in strace's form; a signal's name. */
  text: string
  /** Its number, of a system call. */
  call?: number
  mapping?: MappingEvent
  /** Its number, and its siginfo_t. */
  signal?: { signal: number; info: Uint8Array }
}

/** Where going forwards or backwards has ended. */
export type Reached =
  | { why: 'hit'; hit: Hit }
  /** The thread of `task`, the limit, the run's end or start; or somebody asked to stop. */
  | { why: 'task' | 'limit' | 'end' | 'start' | 'interrupted' }

/** Output of the program, with the moment at which it was written. */
export interface Written {
  moment: number
  fd: 1 | 2
  bytes: Uint8Array
}
