/** Exists to say what a check, or a crash, reports: values only, from which every form of a report is derived. They are JSON as they stand. */

import type { DurabilityModel, FileChange } from './power-loss.ts'

/** Is it something wrong, and not only told: as for Valgrind, blocks that are indirectly lost or still reachable are none. */
export function countsAsError({ kind }: Finding): boolean {
  return kind !== 'leak-indirect' && kind !== 'leak-reachable'
}

/** Whether a finding makes a run of a hunt a failure. A pointer into the middle of a block may be all that its owner wants to keep. */
export function isFailure(finding: Finding): boolean {
  return countsAsError(finding) && finding.kind !== 'leak-possible'
}

/** A place in code or data. Addresses are hexadecimal (`0x…`). */
export interface Place {
  address: string
  /** Path of the object that holds it, and the offset in that object's addresses. */
  module?: string
  moduleOffset?: string
  /** Demangled. */
  function?: string
  /** Bytes from the start of the function's symbol. */
  offset?: number
  file?: string
  line?: number
  column?: number
}

/** One line of a stack. */
export interface Frame extends Place {
  /** The linker's name of the function that holds the code, as suppressions have it. */
  symbol?: string
  /** Inlined into the frame behind it. */
  inlined: boolean
  /** Made by the kernel to call a signal handler. */
  signal: boolean
  /** Found without unwind tables: probable, not certain. */
  guessed: boolean
  /** The source line, without its indentation. */
  text?: string
}

/** The frames of a thread, innermost first. */
export interface Stack {
  frames: Frame[]
  /** Why there are no more: `outermost` means that these are all. */
  end: string
}

/** A thread at the moment of a finding. */
export interface ThreadState {
  pid: number
  tid: number
  name: string
  /** The system call in which it waits, in strace's form; null while it could run. */
  waiting: string | null
  /** The same in the C library's terms, where it waits for other threads. */
  waitsFor?: WaitReport
  stack: Stack
}

/** What a thread waits for. */
export interface WaitReport {
  kind: 'mutex' | 'thread' | 'condition' | 'rwlock' | 'barrier' | 'semaphore' | 'futex'
  /** `mutex balance_lock (0x40c0)`. */
  what: string
  /** Of the futex. */
  address: string
  /** Instructions executed by all threads when it began to wait. */
  since: number
  /** Threads that have it, or that it waits for; they would have to act. */
  holders: number[]
}

/** Lines around a source line. */
export interface SourceExcerpt {
  file: string
  /** The line that it is about; lines count from 1. */
  line: number
  first: number
  lines: string[]
  /** The source was changed after the program was built, so the lines may be others. */
  newer: boolean
}

/** A call that made or freed a block: when, by whom, from where. */
export interface BlockCall {
  /** The function called: `malloc`, `operator delete[]`. */
  by: string
  moment: number
  tid: number
  /** Absent where it was not looked for. */
  stack?: Stack
}

/** The block of a heap that a finding is about. */
export interface BlockReport {
  address: string
  size: number
  state: 'live' | 'freed'
  /** Bytes from its start to the address in question; negative before it. */
  offset?: number
  allocated: BlockCall
  freed?: BlockCall
  /** What is in memory around the address in question. */
  dump?: BlockDump
}

/** Bytes in and around a block, rows of 16. Offsets are from the block's start. */
export interface BlockDump {
  /** Of the first byte; a multiple of 16. */
  from: number
  /** Two hexadecimal digits each; `--` for what lies outside of the block, `··` for what is undefined. */
  bytes: string[]
  /** What was accessed. */
  at: number
  length: number
  /** What to say of the first of these bytes; absent for their number. */
  mark?: string
}

/** What is at an address that could not be accessed. */
export interface MemoryReport {
  address: string
  /**
   * `null`: close to 0. `hole`: nothing is mapped there, and nothing was. `unmapped`: what was mapped there has been unmapped. `beyond-brk`: behind the end of the
   * brk heap. `stack`: below a stack that cannot grow any more, or its guard page, and the thread itself ran into it. `guard`: the guard page of a thread's
   * stack. `protected`: mapped, without the right that was needed. `file-end`: of a mapped file that does not reach that far. `non-canonical`: no address of
   * this processor. `kernel`: the half of the address space that belongs to the kernel. `data`: where a jump went that is no code.
   */
  kind:
    | 'null'
    | 'hole'
    | 'unmapped'
    | 'beyond-brk'
    | 'stack'
    | 'guard'
    | 'protected'
    | 'file-end'
    | 'non-canonical'
    | 'kernel'
    | 'data'
  /** The same in words, for people. */
  what: string
  /** The mapping at the address, or the stack or heap that it is next to. */
  mapping?: { start: string; end: string; rights: string; name: string }
  /** Who unmapped what was there. */
  removed?: BlockCall
}

/** Where an undefined value came from, as far as that was found out. */
export interface OriginReport {
  /** What made it: a block of the heap, a function's frame on the stack, or other memory. */
  kind: 'heap' | 'stack' | 'memory'
  /** In words, for people. */
  what: string
  /** The bytes from which it was read, or which a system call would read, and how many of them are undefined. */
  address: string
  bytes: number
  undefined: number
  /** Where it was read, if that was another instruction. */
  read?: Place & { moment: number }
  /** The bytes and what is around them, where no block of the heap is shown; offsets are from their start. */
  dump?: BlockDump
}

/** One of two accesses that nothing orders. */
export interface RaceSide {
  /** `plain write of 4 bytes`. */
  what: string
  tid: number
  /** Instructions executed before it. */
  moment: number
  /** Address of the instruction. */
  pc: string
  atomic: boolean
  write: boolean
  bytes: number
  /** Mutexes that the thread held. */
  locks: string[]
  thread?: ThreadState
}

/** A thread that took a mutex while it held another. */
export interface LockSide {
  tid: number
  /** Instructions executed before it. */
  moment: number
  lock: string
  held: string
  thread?: ThreadState
}

/** A data race. */
export interface RaceReport {
  address: string
  /** What is there, in words. */
  location: string
  later: RaceSide
  earlier: RaceSide
}

/** A change of files that had not been synced when power was lost, and where the program made it. */
export interface MissingChange extends FileChange {
  /** The innermost place of the program's own. */
  place?: Frame
  /** Without it missing, the recovery would have ended otherwise: one of a smallest set. */
  isNeeded: boolean
}

/** What a loss of power has to do with a finding. */
export interface PowerLossReport {
  model: DurabilityModel
  moment: number
  /** The program had ended by itself. */
  ended: boolean
  /** Who executed last; absent when the program had ended. */
  thread?: ThreadState
  /** Changes that had not been synced, and how many of them are wholly on the disk. */
  unsynced: number
  kept: number
  /** Those that are not; the first few. */
  missing: MissingChange[]
  /** Whether the run would have ended so with all changes on the disk; null where that was not found out. */
  anyway: boolean | null
  /** Whether `isNeeded` was found out. */
  reduced: boolean
  recovery: string[]
}

/** Blocks of one origin that were not freed. */
export interface LeakReport {
  bytes: number
  blocks: number
  /** Lost only because these are lost. */
  indirectBytes: number
  indirectBlocks: number
}

/** Bytes and blocks that were not freed, by how they can still be reached. */
export type LeakSummary = Record<
  'definite' | 'indirect' | 'possible' | 'reachable' | 'suppressed',
  { bytes: number; blocks: number }
>

/** What was wrong, when, where, and in which state. */
export interface Finding {
  /** `crash`, `deadlock`, `time-limit`, or the kind that a check gives it. */
  kind: string
  /** One line: what happened. */
  what: string
  /** The name that Valgrind's memcheck has for such a thing. */
  valgrind?: string
  /** How often it happened at this place, when more than once; the first time is told. */
  times?: number
  /** Of an invalid access: how many bytes it is of. */
  bytes?: number
  block?: BlockReport
  leak?: LeakReport
  /** Of an access that the processor refused: what is at the address. */
  memory?: MemoryReport
  /** Of the use of an undefined value. */
  origin?: OriginReport
  race?: RaceReport
  /** Power was lost before. */
  powerLoss?: PowerLossReport
  /** Of mutexes that are taken in two orders. */
  order?: { later: LockSide; earlier: LockSide }
  /** Instructions executed until then. */
  moment: number
  seed: number
  /** Of a fatal signal: its number and name, si_code with its name, and si_addr. */
  signal?: { number: number; name: string; code: number; codeName: string; address: string; sent: boolean }
  /** The process that it happened to, where there were several. */
  process?: { pid: number; command: string[] }
  /** The thread that it happened to; absent when it happened to all (deadlock, time limit). */
  thread?: ThreadState
  source?: SourceExcerpt
  /** Registers of that thread by name, 16 hexadecimal digits each. */
  registers?: Record<string, string>
  /** The other threads. */
  others: ThreadState[]
  /** Whatever could not be found out, one line each. */
  remarks: string[]
}

const NO_ROUTE = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'EAI_AGAIN', 'ENODEV'])

/** What the machine lacks when it answers a call so, because of itself and not of the program. */
export function whatIsMissing(answer: string): string {
  if (answer === 'ENOSYS') return 'unknown system call'
  if (answer === 'ENOMEM') return 'no such room in the machine'
  return NO_ROUTE.has(answer) ? 'no such network in the machine' : 'not to be had in the machine'
}
