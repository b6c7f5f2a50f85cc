/** Exists to define what front ends say to a run that can be walked both ways, and what they hear: plain data in and out, so that the run may live in a worker. */
import type { Frame, Place } from '../tool/finding.ts'
import type { CustomFunction } from '../tool/allocator-spec.ts'
import type { HeapBlock } from '../tool/observer.ts'
import type { PowerLoss } from '../tool/power-loss.ts'
import type { Change, RunEnding } from '../replay/recording.ts'
import type { MappedRange, ProcessDetails } from '../replay/subject.ts'

export type { Change, MappedRange, ProcessDetails }

/** Where a stop wants the run to stand still. */
export interface StopPoint {
  address: number
  /** Only in this process, only for this thread. */
  pid?: number
  tid?: number
  /** Only where this expression is not 0, in the innermost frame of the thread. */
  condition?: string
}

/** Bytes whose accesses are to stop the run. All of one request lie in the same process. */
export interface WatchPoint {
  address: number
  size: number
  kind: 'write' | 'read' | 'access'
  condition?: string
  /** Not memory is meant but a register, when it changes. */
  register?: RegisterSpot
}

/** A general register of a thread, by its x86 number (16: rip). */
export interface RegisterSpot {
  tid: number
  register: number
  /** It is what is meant only while this code is executed: that of the function whose variable it holds. */
  within?: { start: number; end: number }
}

/** How `print` writes values. */
export interface PrintOptions {
  /** One member a line. */
  pretty?: boolean
  /** Elements of an array or characters of a string at most; 200 by default. */
  limit?: number
  /** Objects of C++ as what they are, and not as what the pointer says. */
  object?: boolean
}

/** System calls (in strace's form, when they are over) or signals (by name, before they are delivered) that are to stop the run. */
export interface CatchPoint {
  kind: 'call' | 'signal'
  /** Which: a regular expression. */
  pattern: string
  /** System calls by their numbers; absent for all that match. */
  calls?: readonly number[]
  /** Those of one process. */
  pid?: number
  condition?: string
}

/** How far a step goes: an instruction, a source line (into calls or over them), out of the function, to the end of a system call, to another thread's turn. */
export type StepUnit = 'instruction' | 'instruction-over' | 'line' | 'line-over' | 'out' | 'call' | 'switch'

/** Why the run stands where it stands. */
export interface Stop {
  why: 'moment' | 'step' | 'stop' | 'watch' | 'call' | 'signal' | 'switch' | 'start' | 'end' | 'interrupted'
  moment: number
  /** The thread that it is about; 0 when there is none. */
  pid: number
  tid: number
  /** Index of the StopPoint, WatchPoint or CatchPoint in the request. */
  index?: number
  /** Of a watch: the bytes before and after; absent where they cannot be read. */
  before?: Uint8Array
  after?: Uint8Array
  /** A write by the kernel, and not by an instruction of the program's. */
  byKernel?: boolean
  /** Why the condition could not be decided, and the run stands here for that. */
  trouble?: string
  /** A system call in strace's form; the name of a signal. */
  text?: string
  /** The number of that call. */
  call?: number
  /** Of that signal: number and siginfo_t. */
  signal?: { signal: number; info: Uint8Array }
  /** With `end`: how the run ended. */
  ending?: RunEnding
}

export interface Position {
  moment: number
  /** The last moment, and how the run ended there. */
  end: number
  ending: RunEnding
  /** Virtual nanoseconds since the start. */
  elapsed: number
  /** The thread that has the turn, or 0. */
  tid: number
  seed: number
  /** What the run's loss of power has left of files; null where there was none. */
  powerLoss: PowerLoss | null
}

export interface ThreadInfo {
  pid: number
  tid: number
  name: string
  /** Instructions it has executed. */
  count: number
  /** The system call in which it waits, in strace's form; null while it could run. */
  waiting: string | null
  /** Where it is: innermost first, inlined calls included. */
  places: Place[]
}

export interface StackInfo {
  frames: Frame[]
  /** Of each frame: the stack pointer of its caller at the call, or null. */
  cfa: (number | null)[]
  end: string
}

/** A register by gdb's name: its bytes, little-endian. */
export interface Register {
  name: string
  bytes: Uint8Array
}

/** Who wrote a piece of memory last. */
export interface Writer {
  /** Shows the new value; the moment before it still has the old one. */
  moment: number
  pid: number
  tid: number
  name: string
  byKernel: boolean
  before: Uint8Array | null
  after: Uint8Array | null
  stack: StackInfo
  /** Moments in which stores that left the bytes as they were have not been looked for; null: there was none. */
  unseen: { from: number; to: number } | null
}

/** What an address is. */
export interface AddressInfo {
  mapping: MappedRange | null
  place: Place | null
  /** Threads in whose stack it lies. */
  stackOf: number[]
  /** The block of a guarded heap at or next to it. */
  block: HeapBlock | null
}

/** A match of a byte pattern. */
export interface FoundInfo {
  address: number
  /** The object, block, stack or mapping that it lies in. */
  where: string
  /** What it seems to be: code, text, a pointer to something, a bitmap, a number. */
  what: string
}

/** Output of the program. */
export interface OutputInfo {
  moment: number
  fd: 1 | 2
  bytes: Uint8Array
}

/** A piece of the interleaving: a thread ran from a moment on. */
export interface TurnInfo {
  from: number
  to: number
  tid: number
  /** Where it was when the turn began. */
  place: Place
}

/** A loaded object. */
export interface LibraryInfo {
  path: string
  bias: number
  start: number
  end: number
}

/** A frame as gdb numbers them: inlined calls are frames of their own. */
export interface FrameInfo {
  level: number
  pc: number
  /** The stack pointer of its caller at the call, where that is known. */
  cfa: number | null
  function: string | null
  file: string | null
  line: number | null
  /** As gdb's backtrace has it, arguments included. */
  text: string
}

/** A variable with its value in gdb's form. */
export interface VariableInfo {
  name: string
  text: string
}

/** A value that can be opened: a structure, an array, a pointer to something. */
export interface ValueInfo {
  name: string
  text: string
  type: string
  /** `parts` opens it, until the run moves; 0 for what has no parts. */
  handle: number
  /** Of an array; 0 for others. */
  elements: number
  /** Where it is, if that is in whole bytes of memory. */
  address: number | null
  /** In bytes. */
  size: number
  /** An expression that means it. */
  expression: string | null
}

/** Where the value of an expression is. */
export interface PlaceInfo {
  /** In memory; otherwise `address` is the value itself: of a register, or of something that lies nowhere, such as a number. */
  kind: 'memory' | 'register' | 'value'
  address: number
  /** Bytes; 0 where it is not in memory. */
  size: number
  type: string
  /** The register of the innermost frame in which it is. */
  spot?: RegisterSpot
}

export interface Instruction {
  address: number
  /** In bytes. */
  length: number
  text: string
  /** `main+4`, or null. */
  symbol: string | null
  /** The source line that it belongs to. */
  file?: string
  line?: number
}

/** Something with a name, the source file of its unit, and the line that declares it. */
export interface NameInfo {
  name: string
  file?: string
  line?: number
}

/** An instruction at which to stop, for what somebody wrote. */
export interface CodePlace {
  address: number
  function?: string
  file?: string
  line?: number
}

/** A place in the source. The file is absent where it is the one that is spoken of. */
export interface SourceSpot {
  file?: string
  line?: number
  column?: number
}

/** A conditional jump, and how often it went which way. Places lack the file where it is the line's own. */
export interface BranchInfo {
  address: number
  mnemonic: string
  taken: number
  passed: number
  /** Where it leads when it is taken, and when it is not. */
  to: SourceSpot
  next: SourceSpot
}

/** How often a source line was executed. Lines without code are not listed. */
export interface LineInfo {
  line: number
  times: number
  threads: { tid: number; times: number }[]
  branches: BranchInfo[]
}

export interface LinesInfo {
  file: string
  pid: number
  from: number
  to: number
  /** The moment up to which was counted. */
  until: number
  lines: LineInfo[]
}

/** An access to some bytes. */
export interface AccessInfo {
  /** Shows what was written; the moment before it still has what was there. */
  moment: number
  pid: number
  tid: number
  name: string
  store: boolean
  byKernel: boolean
  address: number
  bytes: number
  place: Place
  /** The source line. */
  text: string | null
  /** Functions from the innermost one out, at most a few. */
  calls: string[]
  /** The bytes of the range it touches. */
  before: Uint8Array | null
  after: Uint8Array | null
}

/** Instructions that accessed some bytes, those of one source line (or of one address without lines) together. */
export interface SiteInfo {
  place: Place
  text: string | null
  reads: number
  writes: number
  threads: { tid: number; reads: number; writes: number }[]
  /** Moments before the first and the last one. */
  first: number
  last: number
}

export interface AccessesInfo {
  ranges: { address: number; size: number }[]
  type: string
  reads: number
  writes: number
  /** The moment up to which was looked. */
  until: number
  /** The most frequent first. */
  sites: SiteInfo[]
  /** The last ones, in the order of time. */
  shown: AccessInfo[]
}

/** A step on the way of a value, from where it was found back to where it came from. */
export interface WhyStep {
  kind: 'fault' | 'load' | 'store' | 'constant' | 'computed' | 'system-call' | 'origin'
  /** Before the instruction. */
  moment: number
  pid: number
  tid: number
  what: string
  /** The value there, hexadecimal. */
  value: string | null
  place: Place
  /** The source line. */
  text: string | null
  instruction: string | null
}

/** What happened to memory as a whole: a mapping, or a block of an allocator. */
export interface OwnerInfo {
  kind: 'mapped' | 'unmapped' | 'protected' | 'allocated' | 'freed'
  moment: number
  tid: number
  /** The range or the block. */
  address: number
  size: number
  /** The name and the rights of a mapping; the function of a block. */
  by: string
  /** Functions from the innermost caller out. */
  calls: string[]
}

/** Bytes and number of blocks. */
export interface HeapSum {
  bytes: number
  blocks: number
}

/** A caller of an allocation function. */
export interface HeapFrame {
  place: Place
  /** The source line. */
  text: string | null
  /** Its function was inlined into that of the next frame. */
  inlined: boolean
}

/** What is asked of a heap: `by` orders the stacks, `depth` callers tell them apart, `most` of them are told. */
export interface HeapRequest {
  by: 'live' | 'peak' | 'total' | 'blocks'
  depth: number
  most: number
  allocators?: CustomFunction[]
}

/** What one stack has allocated: live at the moment that was asked about, at the peak, and over the whole run allocated and freed. */
export interface HeapStack {
  /** The allocation function. */
  by: string
  /** Its callers, the innermost first. */
  frames: HeapFrame[]
  live: HeapSum
  peak: HeapSum
  total: HeapSum
  freed: HeapSum
}

/** What a process has allocated, by stack. A forked one begins with what its parent had allocated. */
export interface HeapInfo {
  pid: number
  program: string
  /** The moment for which `live` is. */
  until: number
  /** The first moment at which most bytes were live. */
  peakAt: number
  by: HeapRequest['by']
  /** Of all stacks. */
  sums: Pick<HeapStack, 'live' | 'peak' | 'total' | 'freed'>
  /** How many stacks are not told. */
  left: number
  stacks: HeapStack[]
}

/** What became of a clone that was sent on with another schedule. */
export interface Fate {
  /** null: the schedule of the run. */
  seed: number | null
  /** Where it ended, or where nobody waited for it any longer. */
  moment: number
  /** null: it had not ended. */
  ending: RunEnding | null
  /** Why it could not go on, such as a question that the recorded run did not ask. */
  error: string | null
  hash: string
  /** Where the thread that it is about was. */
  place: Place | null
}

/** The questions. Every front end speaks only these. */
export interface Debuggee {
  position(): Position
  seek(moment: number): Stop
  /** Goes on to the first stop or watch, or backwards to the last one. */
  go(request: {
    back: boolean
    pid: number
    tid: number
    stops: StopPoint[]
    watches: WatchPoint[]
    catches?: CatchPoint[]
  }): Stop
  step(request: { tid: number; unit: StepUnit; back: boolean; stops?: StopPoint[] }): Stop
  threads(): ThreadInfo[]
  stack(tid: number, limit: number): StackInfo
  /** In gdb's order; [] for a thread that is not there. */
  registers(tid: number): Register[]
  /** As much as can be read from the address on. */
  memory(pid: number, address: number, length: number): Uint8Array
  mappings(pid: number): MappedRange[]
  process(pid: number): ProcessDetails | null
  libraries(pid: number): LibraryInfo[]
  /** The last write before this moment; null when nobody has written there. `exact`: however long it takes to see writes that changed nothing. */
  lastWrite(request: { pid: number; address: number; size: number; exact?: boolean }): Writer | null
  who(pid: number, address: number): AddressInfo
  /** A byte pattern in readable memory, the first so many matches. */
  find(pid: number, pattern: Uint8Array, most: number): FoundInfo[]
  output(): OutputInfo[]
  /** The last turns before this moment, at most so many. */
  turns(most: number): TurnInfo[]
  /** How often lines of a file were executed before this moment; `condition` decides which executions count. */
  lines(request: { tid: number; file: string; from: number; to: number; condition?: string }): LinesInfo
  /** The lines of a function's code: for `lines`. */
  extent(tid: number, name: string): { file: string; from: number; to: number }
  /** All accesses to an expression's bytes before this moment (`[*]` stands for all elements of an array), and details of the last `most` ones. */
  accesses(request: {
    tid: number
    level: number
    text: string
    size?: number
    reads: boolean
    most: number
  }): AccessesInfo
  /** What was mapped at an address before this moment, and which blocks of its allocators were there. */
  owners(request: { pid: number; address: number; allocators?: CustomFunction[]; most: number }): OwnerInfo[]
  /** What the process allocates in the whole run, and what is live at this moment. */
  heap(request: HeapRequest & { pid: number }): HeapInfo
  /** Where a value came from; without an expression the address of the access that failed at the end, or that a finding is about. */
  why(tid: number, level: number, text: string | null, finding?: { moment: number; what: string }): WhyStep[]
  /** Content of a file as the run saw it, or as a report needed it; null when it was not recorded. */
  file(path: string): Uint8Array | null
  /** Lines of a source file, or null when it is not there. */
  source(file: string): string[] | null
  /** An ELF core of a process at this moment. */
  core(pid: number): Uint8Array
  frames(tid: number, limit: number): { frames: FrameInfo[]; end: string }
  /** `print`: the text, with its number in the history of values. Expressions may throw `expression-*`. */
  print(tid: number, level: number, text: string, how?: PrintOptions): string
  /** The type of an expression, in short or written out. */
  whatis(tid: number, level: number, text: string, whole: boolean): string
  place(tid: number, level: number, text: string): PlaceInfo
  variables(tid: number, level: number, which: 'locals' | 'args', how?: PrintOptions): VariableInfo[]
  /** The value of an expression. */
  value(tid: number, level: number, text: string, hex: boolean): ValueInfo
  /** The same as `variables`, to be opened. */
  values(tid: number, level: number, which: 'locals' | 'args', hex: boolean): ValueInfo[]
  /** What a value consists of; of an array `count` elements from `start` on. */
  parts(handle: number, start: number, count: number, hex: boolean): ValueInfo[]
  /** `FUNCTION`, `FILE:LINE`, `LINE`, `*EXPRESSION`. */
  code(tid: number, level: number, text: string): CodePlace[]
  /** The variables that can be seen where a breakpoint at `text` would be, innermost first, with type and bytes. */
  scope(tid: number, level: number, text: string): { name: string; type: string; size: number }[]
  /** Declares types in C; their names. */
  declare(pid: number, text: string): string[]
  complete(tid: number, level: number, prefix: string): string[]
  /** Functions, variables or types whose name a regular expression fits (ECMAScript's), at most `most`. Throws `expression-syntax` for what is none. */
  names(pid: number, pattern: string, kind: 'functions' | 'variables' | 'types', most: number): NameInfo[]
  symbolic(pid: number, address: number): string | null
  instructions(pid: number, address: number, count: number): Instruction[]
  /** Sends a clone on from this moment, with changes; the run stays where it is. `limit` instructions in all; the seed null: scheduled as the run was. */
  branch(seed: number | null, limit: number, set?: Change[]): Fate
  /** What `LEFT = RIGHT` changes: memory or a register. */
  change(tid: number, level: number, text: string): Change
  /** State hash: equal for equal machines. */
  hash(): string
}

/** The same, asked from elsewhere. */
export type Remote = {
  [K in keyof Debuggee]: (...args: Parameters<Debuggee[K]>) => Promise<ReturnType<Debuggee[K]>>
}
