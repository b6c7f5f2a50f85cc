/** Exists to define the contract between a machine and those who watch it: engine and kernel know observers only through this. */

import type { PowerLoss } from './power-loss.ts'

/** A task as observers see it. */
export interface TaskInfo {
  pid: number
  tid: number
  name: string
}

/** A system call as it was entered and left. Numbers are exact below 2^53; pointers are guest addresses. */
export interface SyscallEvent {
  task: TaskInfo
  /** Instructions executed by the machine when the call was entered. */
  moment: number
  nr: number
  name: string
  /** Raw 64-bit argument registers. */
  args: readonly bigint[]
  /** Result (negative errno on failure), or null for a call that does not return. */
  result: number | null
  /** The call in strace's format, without pid prefix; computed only when an observer asks for it. */
  text(): string
  /** Memory that the kernel has read for the call, or written; computed only when an observer asks for it. */
  touched: (written: boolean) => readonly { start: number; length: number }[]
}

/** A mapping that came, changed or went. `prot` is -1 for an unmapping. */
export interface MappingEvent {
  task: TaskInfo
  start: number
  length: number
  prot: number
  /** File that backs it, or a name in brackets as in /proc/PID/maps, or ''. */
  name: string
}

/** The access by which an instruction raised a signal. */
export interface FaultAccess {
  /** `unknown`: the processor does not say (a general protection fault). */
  access: 'read' | 'write' | 'execute' | 'unknown'
  /** What is no address of the processor, so that the signal does not tell it. */
  refused?: bigint
  /** Bytes; 0 where they are not known. */
  size: number
  /** The instruction, and the stack pointer there. */
  pc: bigint
  stack: bigint
  /** The block of a guarded heap that was at the address, is next to it, or was there until its memory was given back. */
  block: HeapBlock | null
}

/** A signal about to be delivered to a task, or one that ends it. */
export interface SignalEvent {
  task: TaskInfo
  moment: number
  signal: number
  code: number
  address: bigint
  disposition: 'handler' | 'ignore' | 'terminate' | 'stop' | 'continue'
  /** For a SIGSEGV or SIGBUS that an access to memory raised; null for all others. */
  fault: FaultAccess | null
  /** Its siginfo in strace's format; computed only when an observer asks for it. */
  text(): string
  /** Its siginfo_t, 128 bytes. */
  info(): Uint8Array
}

/** A block of a guarded heap. */
export interface HeapBlock {
  address: number
  size: number
  state: 'live' | 'freed'
  /** Functions by the names that reports use: `malloc`, `operator new[]`. */
  madeBy: string
  freedBy: string
  /** Moments, the call of the function included, and the tasks that called. */
  madeAt: number
  madeTid: number
  freedAt: number
  freedTid: number
}

/** A call of an allocation or copying function that is wrong, or what one found. */
export interface HeapEvent {
  task: TaskInfo
  /** The call itself included. */
  moment: number
  kind:
    | 'double-free'
    | 'invalid-free'
    | 'invalid-realloc'
    | 'mismatched-free'
    | 'mismatched-size'
    | 'mismatched-alignment'
    | 'realloc-zero'
    | 'absurd-size'
    | 'overlap'
    | 'redzone'
    | 'invalid-read'
    | 'invalid-write'
    | 'syscall-read'
    | 'syscall-write'
    | 'overlapping-block'
    | 'invalid-pool'
    | 'client-check'
    | 'syscall-fault'
  /** The function, system call or client request (VALGRIND_…); '' for an access by the program's own code. */
  by: string
  /** Where it was called from, and the stack pointer there. */
  site: number
  stack: number
  /** The address that it is about. */
  address: number
  /** The block that it is about: the one at or around the address. */
  block: HeapBlock | null
  /** Numbers by name, as the kind needs them. Sizes are in bytes. */
  numbers: Record<string, number>
}

/** Something that depends on undefined bits. */
export interface UndefinedEvent {
  task: TaskInfo
  /** Instructions executed before the one at `pc`; a system call counts itself. */
  moment: number
  pc: number
  /** The stack pointer there. */
  stack: number
  /** An argument of an allocation function, a conditional jump, where a jump goes, where memory is accessed, an argument of a system call, or memory that a system call reads or a client request asks for. */
  kind: 'argument' | 'jump' | 'target' | 'address' | 'syscall-register' | 'syscall-memory' | 'request'
  /** The function, system call or client request; '' for instructions. */
  by: string
  /** Which argument of the function or system call, from 0 on; -1 is its number. */
  argument: number
  /** It is known that the bytes count. Otherwise a string function may have read them beyond a block, which was told or means no harm. */
  certain?: boolean
  /** For `syscall-memory` and `request` the first undefined byte, and the range that is read. */
  address: number
  start: number
  length: number
}

/** How a block that was not freed can still be reached. */
export type LeakState = 'reachable' | 'possible' | 'indirect' | 'definite'

/** A block that a process did not free. */
export interface LeakedBlock {
  block: HeapBlock
  state: LeakState
  /** For a definitely lost block: bytes and number of the blocks that are only lost because it is. */
  indirectBytes: number
  indirectBlocks: number
  /** The lost block because of which this one is indirectly lost; -1 for others. Index in the list. */
  leader: number
  site: number
}

/** Which blocks are to be told: all, or those that no earlier search of the process has found so (`added`), or as lost as now (`changed`). */
export type LeakCheck = 'all' | 'added' | 'changed' | 'moment'

/** What a process leaves behind when it ends by itself, or has at a moment at which it asks for that. */
export interface LeakEvent {
  /** null: it ends. */
  asked: LeakCheck | null
  task: TaskInfo
  moment: number
  blocks: LeakedBlock[]
}

/** Accesses of one task in their order, since the last such log. To be looked at at once. */
export interface SharedLog {
  task: TaskInfo
  /** Four words each: address, kind (SHARED), address of the instruction, and a number for `origin`. */
  entries: Uint32Array
  /** `origin` less an entry's fourth word is the moment right before its instruction. */
  origin: number
}

/** A function of the C library that is entered or has returned. */
export interface CallEvent {
  task: TaskInfo
  /** Instructions executed before the function's first one, or before the one to which it returned. */
  moment: number
  name: string
  /** The first six arguments as they were at the entry, exact below 2^53. */
  args: readonly number[]
  /** Where it was called from: the address of return, and the stack pointer at the entry. */
  site: number
  stack: number
  /** It was called by a system library's own code. */
  quiet: boolean
  /** What RAX holds; null at the entry. */
  result: number | null
  /** The library is musl, which keeps other things in memory than glibc. */
  isMusl: boolean
}

/** Kinds of logged accesses: the low byte is the size, 0 for what is no access; the rest are flags. */
export { POINT as SHARED } from '../ir/passes/points.ts'

/** What an observer may look at when it is told something; it never changes the machine. */
export interface MachineView {
  /** Instructions executed so far by all tasks together. */
  readonly moment: number
  /** Bytes of guest memory of a task's address space, or null where they are not readable. */
  readMemory(task: TaskInfo, address: number, length: number): Uint8Array | null
  /** Their V bits, 1 for undefined ones; null in machines that do not know. */
  readUndefined?(task: TaskInfo, address: number, length: number): Uint8Array | null
}

/**
 * One who watches. Every method is optional; a machine without observers pays nothing. An observer must not change the execution:
 * instruction count and state hash are the same with and without it. Its own state is plain data through `save` and `restore`.
 */
export interface Observer {
  readonly name: string
  /** Wants to hear, by `heap`, of accesses to what is no block of a guarded heap. */
  readonly accesses?: boolean
  /** Functions of the C library of which it wants to hear, by `call`. */
  readonly functions?: readonly string[]
  /** Of musl's too, which keeps other things in memory than glibc. */
  readonly functionsOfMusl?: boolean
  call?(event: CallEvent, view: MachineView): void
  syscall?(event: SyscallEvent, view: MachineView): void
  mapping?(event: MappingEvent, view: MachineView): void
  signal?(event: SignalEvent, view: MachineView): void
  heap?(event: HeapEvent, view: MachineView): void
  leaks?(event: LeakEvent, view: MachineView): void
  /** Only in machines that were made to know which bits are defined. */
  undefined?(event: UndefinedEvent, view: MachineView): void
  /** Accesses that threads may share, of a process that has several. */
  shared?(log: SharedLog, view: MachineView): void
  /** Does `shared` want to know of what threads do in their own frames, too? That is most of what they do. */
  readonly frames?: boolean
  /** The kernel clears and wakes the word by which others know that the thread has ended. */
  threadEnd?(task: TaskInfo, word: number, view: MachineView): void
  taskStart?(task: TaskInfo, view: MachineView): void
  taskSwitch?(from: TaskInfo | null, to: TaskInfo, view: MachineView): void
  taskExit?(task: TaskInfo, status: number, view: MachineView): void
  /** Power was lost and has come back; the tasks of before have exited. */
  powerLoss?(loss: PowerLoss, view: MachineView): void
  save?(): unknown
  restore?(data: unknown): void
}

/** Watches nothing: the measure that observers cost nothing. */
export const nullObserver: Observer = { name: 'null' }
