/** Exists to name the little that sessions ask of a running machine, so that they know no kernel and no engine, and tests can put anything in its place. */
import type { StoredTranslations } from '../engine/library.ts'
import type { LayerEntry } from '../linux/fs/layer.ts'
import type { ChoicePlace } from '../linux/scheduler/choices.ts'
import type { Visited } from '../linux/scheduler/guided.ts'
import type { HeapBlock, Observer } from '../tool/observer.ts'
import type { PowerLoss } from '../tool/power-loss.ts'
import type { RunEnding } from './recording.ts'

export type { LayerEntry }

/** A task as it stands. */
export interface TaskView {
  pid: number
  tid: number
  name: string
  /** Instructions that it has executed. */
  count: number
  /** All of its registers as the machine keeps them (ir/registers.ts). */
  state: Uint8Array
  /** rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15, rip: 17 values in the order of their x86 encodings. */
  registers: bigint[]
  /** RFLAGS. */
  flags: number
  /** fs base, the thread pointer. */
  fsBase: bigint
  /** The system call in which it waits, in strace's form; null while it could run. */
  waiting: string | null
  /** Number of the call, since when it waits, in instructions executed by all, and for which futex to change from which value; null while it could run. */
  wait: { nr: number; since: number; futex: number | null; expected: number } | null
}

/** A process as it stands. */
export interface ProcessView {
  pid: number
  /** Its program's arguments. */
  argv: string[]
}

/** What /proc and a core file tell of a process. */
export interface ProcessDetails {
  pid: number
  ppid: number
  pgid: number
  sid: number
  uid: number
  gid: number
  argv: string[]
  /** Absolute path of its program. */
  exe: string
  /** Pairs of the auxiliary vector. */
  auxv: [number, number][]
}

/** A fatal fault or abort of a process other than the first: the run went on. */
export interface ChildCrash {
  /** The moment at which it can be looked at. */
  moment: number
  process: ProcessView
  ending: Extract<RunEnding, { kind: 'signal' }>
}

/** A piece of a file in a process' memory. Addresses are guest addresses, `offset` is in bytes of the file. */
export interface MappedFile {
  path: string
  start: number
  end: number
  offset: number
  executable: boolean
}

/** A range of a process' address space with equal rights. */
export interface MappedRange {
  start: number
  /** First address behind it. */
  end: number
  /** PROT_* bits. */
  prot: number
  /** A stack that grows by itself. */
  growsDown: boolean
  /** Others see what is stored there. */
  shared: boolean
  /** Bytes of the file behind it that lie before it; 0 without a file. */
  offset: number
  /** Path of the file behind it, a name in brackets as in /proc/PID/maps, or ''. */
  name: string
}

/** A machine in the middle of a run. Everything is synchronous. */
export interface Subject {
  /** What is worth keeping of the translations, by variant of code, for `provideTranslations` of a later process. */
  translations(): Map<number, StoredTranslations>
  /** Gives back what the machine holds; the subject must not be used afterwards. */
  release(): void
  /** Instructions executed by all tasks: the moment. */
  readonly count: number
  /** Virtual nanoseconds since the start. */
  readonly elapsed: number
  /** Task that has the turn, or 0. */
  readonly currentTid: number
  /** Scheduling points that threads have passed, where the strategy counts them. */
  readonly steps: number
  /** Where the schedule had a choice, if the strategy notes it (scheduler/choices.ts). */
  choicePlaces(): { places: ChoicePlace[]; isCut: boolean } | null
  /** Where the run came by, if its strategy notes it (scheduler/guided.ts). */
  visited(): Visited | null
  /** System calls so far that changed files or synced them; counted where power is to be lost. */
  readonly fileChanges: number
  /** What a loss of power has left of the files; null while there was none. */
  powerLoss(): PowerLoss | null
  /** Threads and processes that were started so far, the first one included. */
  readonly tasksStarted: number
  /** Runs until `limit` instructions have been executed since the start, or until the end. */
  advance(limit: number): void
  /** How the run ended by itself, or null. */
  ending(): RunEnding | null
  /** Hash of the whole state: equal for equal machines. */
  hash(): string
  /** Ascending by tid. */
  tasks(): TaskView[]
  /** One of them; cheaper where there are many. */
  task(tid: number): TaskView | undefined
  /** Ascending by pid; those without threads left out. */
  processes(): ProcessView[]
  /** Tells the observers what each process has not freed by now; nobody is told of a heap that is not guarded. */
  tellLeaks(): void
  /** In order of time; the first few. */
  crashes(): ChildCrash[]
  /** Ascending by address. */
  mappedFiles(pid: number): MappedFile[]
  /** Everything that is mapped, ascending by address. */
  mappings(pid: number): MappedRange[]
  /** Where the process' brk(2) heap begins and ends, in bytes: nothing is below or behind it by right. */
  brk(pid: number): { start: number; end: number }
  /** What /proc and a core file tell of a process. */
  details(pid: number): ProcessDetails | null
  /** x87 and SSE registers of a task as FXSAVE has them (512 bytes). */
  floatingPoint(tid: number): Uint8Array | null
  /** V bits of guest memory (1 for an undefined bit), in a machine that keeps them; all defined in others. Null where nothing is mapped. */
  undefinedBits(pid: number, address: number, length: number): Uint8Array | null
  /** The block of a guarded heap at or next to an address, live or freed; null for none. */
  block(pid: number, address: number): HeapBlock | null
  /** May the byte be accessed, as far as that is known (where accesses are looked at)? */
  isAddressable(pid: number, address: number): boolean
  /** Flags and rcx of a task, on which its next instruction may depend; cheap, also in the middle of `advance`. */
  conditions(tid: number): { flags: number; rcx: bigint }
  /** The memory that a task's next instruction reads; null for none. */
  reads(tid: number): { address: number; size: number } | null
  /** The memory that the instruction writes which a task is about to execute, if it names some that it only writes. */
  writes(tid: number): { address: number; size: number } | null
  /** A copy of guest memory, or null where it cannot be read. */
  read(pid: number, address: number, length: number): Uint8Array | null
  /** System calls that are not there, as they were first called, and how often. */
  unknownCalls(): { text: string; answer: string; times: number }[]
  /** What it has made of its files so far, besides writable mounts. */
  privateLayer(): LayerEntry[]
  /** Counters for people. */
  statistics(): Record<string, number>
  addObserver(observer: Observer): void
}
