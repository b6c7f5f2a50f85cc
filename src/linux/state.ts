/**
 * Exists to define everything the kernel knows as plain data: what is cloned, saved, compared and hashed when a machine is.
 * Behaviour lives in functions over these types; nothing here holds a class instance, a closure or a promise.
 */
import type { RandomState } from '../base/random.ts'
import type { FdTable, FsState } from './fs/state.ts'
import type { IpcState } from './ipc/state.ts'

/** Values that a machine was made with and that its execution depends on; constant during a run. */
interface MachineConstants {
  seed: number
  /** Virtual nanoseconds that one instruction takes. */
  nsPerInstruction: number
  /** CLOCK_REALTIME when the machine starts, in whole seconds since 1970. */
  epochSeconds: number
  /** CLOCK_MONOTONIC when the machine starts, in nanoseconds. */
  bootNs: number
  /** Processors that the guest believes in. */
  cpus: number
  /** Bytes of memory that the guest believes in. */
  memoryBytes: number
}

/** The clock beside the instruction count: how far it jumped while every task waited. */
interface ClockState {
  jumpedNs: number
}

/** A moment at which the kernel must act, in CLOCK_MONOTONIC nanoseconds; kept sorted by (at, order). */
export interface TimedEvent {
  at: number
  /** Unique and ascending: equal times happen in the order in which they were set. */
  order: number
  /** 'wait': the wait of task `id` ends. 'itimer': ITIMER_REAL of process `id` expires. 'timer': POSIX timer `timer` of process `id` expires. 'ring': operation `timer` of the io_uring `id` has timed out, or (0) those that wait are looked after. */
  kind: 'wait' | 'itimer' | 'timer' | 'ring'
  id: number
  timer: number
}

/** Key of a futex: a number for private ones (space id × 2^32 + address), a string for memory shared between processes. */
export type FutexKey = number | string

/** What has happened to a wait; null while nothing has. */
export type WaitOutcome = 'ready' | 'timeout' | 'signal'

/** What to do when a signal handler interrupts a wait (Linux: ERESTARTSYS, EINTR/ERESTARTNOHAND, ERESTART_RESTARTBLOCK). */
type RestartRule = 'restart' | 'eintr' | 'restart_block'

/** File description `id` (fs/state.ts) must become readable or writable. */
export interface FdInterest {
  id: number
  events: 'read' | 'write' | 'both'
}

/**
 * A blocked system call as data. A handler sets `t.wait` and returns BLOCKED; when the wait has an outcome the same handler is called again with
 * `t.wait` still set, and completes by returning a number or waits on by returning BLOCKED.
 */
export interface Wait {
  nr: number
  /** Decoded arguments as the handler gets them. */
  args: number[]
  /** Instructions executed by all tasks when it began. */
  since: number
  kind: 'futex' | 'time' | 'fd' | 'child' | 'vfork' | 'signal' | 'exit' | 'ipc' | 'cpu'
  /** CLOCK_MONOTONIC nanoseconds at which the wait ends by itself, or null. */
  deadline: number | null
  restart: RestartRule
  /** Units done so far (bytes of a partial write); returned instead of EINTR when it is not 0. */
  progress: number
  outcome: WaitOutcome | null
  /** kind 'futex'. */
  futex?: {
    key: FutexKey
    bitset: number
    /** All that it waits on, where these are several (futex_waitv(2)): `key` is the first. */
    all?: FutexKey[]
  }
  /** kind 'fd': fulfilled when any of them is. */
  fds?: FdInterest[]
  /** kind 'signal': the set that rt_sigtimedwait accepts; absent for pause and sigsuspend, which only a handler ends. */
  signals?: bigint
  /** A file description that lives by the wait, besides its other holders: let go when the task ends in the wait. */
  holds?: number
  /** Whatever the handler needs to go on, as plain data. */
  detail?: unknown
}

/** siginfo_t as data; which fields matter depends on `signal` and `code` (sigaction(2)). */
export interface SignalInfo {
  signal: number
  /** SI_USER 0, SI_KERNEL 0x80, SI_QUEUE -1, SI_TIMER -2, SI_TKILL -6, or positive per signal (SEGV_MAPERR 1 …). */
  code: number
  errno: number
  pid: number
  uid: number
  /** si_status of SIGCHLD. */
  status: number
  /** si_value, or si_timerid << 32 … raw 64 bits where the layout has them. */
  value: bigint
  /** si_addr of faults. */
  address: bigint
  /** si_timerid and si_overrun of SI_TIMER. */
  timer: number
  overrun: number
  /** Page-fault error code and vector for the ucontext of a fault; 0 otherwise. */
  trap: number
  errorCode: number
}

/** What sigaction(2) set for one signal: kernel's struct, `handler` 0 is SIG_DFL and 1 SIG_IGN. */
export interface SignalAction {
  handler: number
  flags: number
  restorer: number
  mask: bigint
}

/** sigaltstack(2): `flags` SS_DISABLE 2, SS_AUTODISARM 0x80000000. */
export interface AltStack {
  base: number
  size: number
  flags: number
}

/** A thread. */
export interface Task {
  tid: number
  /** What the instruction at `pc`, its next one, has loaded already from where it will store; null while no instruction is halfway. */
  loaded: { pc: number; address: number; bytes: number[] } | null
  pid: number
  /** Users and groups are a thread's own; the C library keeps those of a process equal. */
  credentials: Credentials
  /** comm, at most 15 bytes. */
  name: string
  /** STATE_SIZE bytes (ir/registers.ts). Up to date whenever the machine is not inside `advance`. */
  cpu: Uint8Array
  /** Its index in KernelState.runnable, or -1 while it waits. */
  runIndex: number
  wait: Wait | null
  /** Blocked signals: bit n-1 for signal n. */
  signalMask: bigint
  /** The mask to return to after a call with a temporary one (sigsuspend, ppoll, pselect6, epoll_pwait), or null. */
  savedMask: bigint | null
  /** Signals sent to this very thread, oldest first. */
  pending: SignalInfo[]
  /** True when a signal is pending, here or for the process, that the mask does not block. Kept by signals.ts. */
  interrupted: boolean
  altStack: AltStack
  /** CLONE_CHILD_CLEARTID / set_tid_address: cleared and futex-woken at exit; 0 for none. */
  clearTid: number
  robustList: number
  /** rseq area registered by the C library: address and signature; 0 for none. */
  rseq: { address: number; length: number; signature: number }
  /** Instructions that this task has executed: its CPU time. */
  count: number
  /** Processor it is shown to run on. */
  cpuNumber: number
  /** Allowed processors, bit n for processor n. */
  affinity: bigint
  nice: number
  policy: number
  priority: number
  /** prctl(PR_SET_PDEATHSIG). */
  parentDeathSignal: number
  timerSlackNs: number
  /** ioprio_set(2): class × 8192 + level; 0 for none. */
  ioPriority: number
  noNewPrivileges: boolean
  /** Mode and nodes of set_mempolicy(2); absent for the default. */
  memoryPolicy?: [number, bigint]
  /** What it may not call (seccomp(2)); absent while it may call everything. */
  seccomp?: { strict: boolean; filters: readonly SeccompFilter[] }
}

/** A context of asynchronous operations (io_setup(2)). */
export interface AioContext {
  /** Address of the page by which the program knows it. */
  id: number
  /** Events that it was made for. */
  room: number
  /** Those not fetched yet: the program's own number, address of its struct iocb, result. */
  events: [data: bigint, object: number, result: number][]
}

/** A program that decides about system calls: four numbers per instruction; tasks that have the same one know it by its number. */
export interface SeccompFilter {
  id: number
  program: readonly number[]
}

/** User and group ids, in the order real, effective, saved, file system. */
export interface Credentials {
  uid: [number, number, number, number]
  gid: [number, number, number, number]
  groups: number[]
  /** What it may do beyond that, where it is not what the ids give it (capabilities.ts). */
  capabilities?: CapabilitySets
}

/** Sets of capabilities: bit n for capability n. */
export interface CapabilitySets {
  effective: bigint
  permitted: bigint
  inheritable: bigint
  bounding: bigint
  ambient: bigint
}

/** An interval timer of setitimer(2): CLOCK_MONOTONIC ns (real) or ns of the process' CPU time (virtual, prof); 0 when not armed. */
export interface IntervalTimer {
  at: number
  interval: number
}

/** A POSIX timer (timer_create(2)). */
export interface PosixTimer {
  id: number
  clock: number
  /** SIGEV_SIGNAL 0, SIGEV_NONE 1, SIGEV_THREAD_ID 4. */
  notify: number
  signal: number
  tid: number
  value: bigint
  /** On CLOCK_MONOTONIC, or on the CPU clock that it measures. */
  at: number
  interval: number
  overrun: number
  /** The CPU time that it measures: a process' (its id), a thread's (minus its id), or 0 for none. */
  cpuOf: number
}

/** A task that waits for CPU time to pass (clock_nanosleep(2)). */
interface CpuSleep {
  tid: number
  /** As PosixTimer.cpuOf. */
  cpuOf: number
  /** Nanoseconds of that clock. */
  at: number
}

/** The current directory, root and umask of a process. */
export interface Whereabouts {
  /** Inode of the directory, which the object holds; 0 when the machine was started in a directory that is not there. */
  cwd: number
  /** Inode of what it takes for `/`, held as well. */
  root: number
  umask: number
}

/** A thread group. */
export interface Process {
  pid: number
  ppid: number
  pgid: number
  sid: number
  /** Threads alive, in order of creation. */
  tids: number[]
  children: number[]
  /** Which of KernelState.spaces it lives in. */
  spaceId: number
  /** Those of its main thread: the same object. */
  credentials: Credentials
  files: FdTable
  /** Where it is in the tree: one object for processes that share it (CLONE_FS). */
  where: Whereabouts
  /** By signal number; [0] unused. */
  actions: SignalAction[]
  /** Signals sent to the process as a whole, oldest first. */
  pending: SignalInfo[]
  /** [soft, hard] by RLIMIT_* number; Infinity is RLIM_INFINITY. */
  rlimits: [number, number][]
  itimers: { real: IntervalTimer; virtual: IntervalTimer; prof: IntervalTimer }
  timers: PosixTimer[]
  nextTimer: number
  /** Absolute path of the program, as /proc/self/exe shows it. */
  exe: string
  /** Its inode, which nobody can open for writing meanwhile; held. 0 for none. */
  exeInode: number
  /** It has executed a program since it was made: its parent cannot move it to another group any more. */
  hasExecuted: boolean
  argv: string[]
  environ: string[]
  /** Pairs of the auxiliary vector, as /proc/self/auxv shows them. */
  auxv: [number, number][]
  /** CLOCK_MONOTONIC nanoseconds of its start. */
  startNs: number
  dumpable: number
  /** prctl(PR_SET_THP_DISABLE), prctl(PR_SET_KEEPCAPS). */
  thpDisable: boolean
  keepCaps: boolean
  /** /proc/PID/oom_score_adj. */
  oomScoreAdj: number
  personality: number
  /** Expedited barriers that it may ask for: the commands of membarrier(2) by which it has registered. */
  barriers: number
  /** Characters read and written, and calls that did it, as /proc/PID/io shows them. */
  io: { read: number; written: number; reads: number; writes: number }
  /** Instructions executed by all its threads, ended ones included: its CPU time. */
  count: number
  /** The same of the children that it has waited for, and theirs. */
  childrenCount: number
  /** Set once exit_group or a fatal signal is under way or done: the status as wait4 reports it. Without threads: a zombie. */
  exitStatus: number | null
  /** Signal sent to the parent at exit. */
  exitSignal: number
  /** comm of its last thread: what a zombie is called. */
  lastName: string
  /** The signal that stopped it, or 0 while it is not stopped. */
  stopSignal: number
  /** What wait4 with WUNTRACED or WCONTINUED has not reported yet. */
  unreported: 'stopped' | 'continued' | null
  /** prctl(PR_SET_CHILD_SUBREAPER): orphans among its descendants become its children. */
  subreaper: boolean
  /** Task that waits (vfork) until this process executes a program or ends; 0 for none. */
  vforkWaiter: number
  /** Contexts of io_setup(2); absent while there are none. */
  aio?: AioContext[]
}

/** A process other than the first one that a fault or abort ended: what a hunt reports, although the run went on. */
export interface Crash {
  /** Instructions executed by all tasks until then. */
  moment: number
  pid: number
  tid: number
  name: string
  argv: string[]
  signal: number
  code: number
  address: bigint
  sent: boolean
}

/** What backs a mapping, beyond anonymous memory. */
export interface FileBacking {
  /** Absolute path as /proc/self/maps shows it. */
  path: string
  inode: number
  /** Bytes into the file of the mapping's first page. */
  offset: number
  /** Whether mprotect may make it writable: false for a shared mapping of a file opened for reading only. */
  mayWrite: boolean
}

/** A range of pages with equal properties (vm_area_struct). Never overlap; ascending by `start` in a MemoryMap. */
export interface Mapping {
  start: number
  /** First address behind it. */
  end: number
  /** PROT_* bits. */
  prot: number
  /** MAP_SHARED (1) or MAP_PRIVATE (2), with MAP_GROWSDOWN, MAP_NORESERVE, MAP_LOCKED kept as they were given. */
  flags: number
  file: FileBacking | null
  /** '[heap]', '[stack]', or '' — a file's path is in `file`. */
  name: string
  /** Anonymous and never accessible so far: its bytes are surely zero. */
  untouched: boolean
  /** madvise(MADV_DONTFORK / MADV_WIPEONFORK). */
  onFork: 'copy' | 'drop' | 'wipe'
}

/** The layout of one address space; its bytes are in Kernel.spaces under the same id. */
export interface MemoryMap {
  id: number
  /** Processes that live in it. */
  users: number
  mappings: Mapping[]
  /** Bytes of all mappings together. */
  total: number
  brkStart: number
  brk: number
  /** Top of the area in which mmap looks for room, downwards. */
  mmapTop: number
  mmapBottom: number
  stackTop: number
  /** Where the main program lies, for /proc and symbols. */
  codeStart: number
  codeEnd: number
  /** What a heap of the machine's own remembers (heap.ts); absent when the program's allocators run as they are. */
  heap?: object
  /** The last reservation at an address that there is not, and how many like it were asked for in a row, each a page higher; absent while there was none. */
  insisted?: { hint: number; length: number; times: number }
}

/** A slice of execution given to one task. */
export interface Turn {
  /** Task on the processor, or 0 for none. */
  tid: number
  /** Task that executed last, whatever has happened to it since; 0 at the start. */
  last: number
  /** Instructions left before the strategy is asked again; Infinity while only one task can run. */
  left: number
  /** Scheduling points that the task may pass before the strategy is asked again; counts only for strategies that ask for points, while several threads live. */
  points: number
  /** The point at which the turn ended, what is about to be done there, to which address, by which instruction, and whether that is a system library's; null: not at a point. */
  at: { kind: number; address: number; pc: number; quiet: boolean } | null
  /** The task gave its turn away (sched_yield), or will at its next point (PAUSE). */
  yielded: boolean
  paused: boolean
  /** Another task can run since the turn began, and the strategy wants to know. */
  woken: boolean
  /** Whoever loses the turn has executed the load of its next instruction, which loads and stores, but not the store. */
  split: boolean
}

/** Why a task waits, for the report of a deadlock. */
interface Waiting {
  tid: number
  text: string
}

/** How a run ended. */
export type Ending =
  | { kind: 'exit'; code: number }
  | {
      kind: 'signal'
      signal: number
      code: number
      /** si_addr. */
      address: bigint
      /** Thread that got it. */
      tid: number
      /** Sent by a call (kill, abort) and not raised by an instruction. */
      sent: boolean
    }
  | { kind: 'deadlock'; waiting: Waiting[] }

/** A call that asked for what the machine does not have: one without declaration, or one to a network outside of it. */
interface UnknownCall {
  /** Number of a call without declaration; -1 for others. */
  nr: number
  /** Of the first such call. */
  moment: number
  tid: number
  text: string
  /** Errno that it got. */
  answer: string
  times: number
}

/** Everything. A machine is this, the bytes of its address spaces, and nothing else. */
export interface KernelState {
  constants: MachineConstants
  /** Instructions executed by all tasks together: the moment. */
  count: number
  clock: ClockState
  /** The first process, whose end is the end of the run. */
  initPid: number
  nextTid: number
  nextSpace: number
  nextOrder: number
  processes: Map<number, Process>
  tasks: Map<number, Task>
  spaces: Map<number, MemoryMap>
  turn: Turn
  /** Tasks that could run, the running one included; in an order that only determinism gives a meaning. */
  runnable: number[]
  events: TimedEvent[]
  /** Waiters per futex, longest waiting first. */
  futexes: Map<FutexKey, number[]>
  cpuSleeps: CpuSleep[]
  /** Scheduling points passed, and instructions executed, while several threads lived; counted for strategies that ask for points. */
  passed: { points: number; instructions: number }
  /** What the scheduling strategy remembers (scheduler/strategy.ts); tagged by the strategy's name. */
  strategy: StrategyState
  /** One stream per purpose, so that a draw for one does not disturb another. */
  random: { layout: RandomState; getrandom: RandomState }
  /** System calls that lemming does not have, or whose answer lies outside of the machine: each once, with its first arguments. */
  unknownCalls: UnknownCall[]
  fs: FsState
  ipc: IpcState
  /** In order of time; the first few. */
  crashes: Crash[]
  /** Moments still to come at which the schedule goes on with another seed, ascending; absent in runs without any. */
  branches?: Branch[]
  ended: Ending | null
}

/** From a moment on, the strategy goes on as if it had been started with `seed` (null: as it would have), and what `set` says is changed. */
export interface Branch {
  moment: number
  seed: number | null
  set?: Change[]
}

/** Bytes of a process' memory, or a register of a task (general ones by their x86 numbers, 16: rip, 32 to 47: xmm), with its value as text (`0x1f`). */
export type Change =
  | { pid: number; address: number; bytes: number[] }
  | { tid: number; register: number; value: string }

/** Plain data of a scheduling strategy; its fields belong to the strategy that `name` names. */
export interface StrategyState {
  name: string
  random: RandomState
  [field: string]: unknown
}
