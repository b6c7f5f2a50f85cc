/** Exists to make the process that a computer starts with when it is switched on. */
import { initialCpuState } from '../engine/cpu-state.ts'
import type { World } from '../host/host.ts'
import { setDirectory } from './fs/change.ts'
import { standardFiles } from './fs/init.ts'
import { holdInode } from './fs/inode.ts'
import type { FsState, Timespec } from './fs/state.ts'
import { AT_FDCWD, walk } from './fs/walk.ts'
import type { Kernel } from './kernel.ts'
import { emptyMap, loadProgram, prepareProgram } from './loader.ts'
import type { Start } from './power/state.ts'
import { byPath } from './program-file.ts'
import { defaultActions } from './signals.ts'
import { addMemory } from './spaces.ts'
import type { Process, Task } from './state.ts'
import { makeRunnable } from './tasks.ts'
import { newTask } from './threads.ts'

/** The process `pid`, without a program, and its thread; what it believes to be its parent, the leader of its session, is `session`. */
export function firstProcess(
  { pid, session, spaceId, startNs }: { pid: number; session: number; spaceId: number; startNs: number },
  start: Start,
  fs: FsState,
  world: World,
  time: Timespec,
): { process: Process; task: Task } {
  const { uid, gid } = start
  const process: Process = {
    pid,
    ppid: session,
    pgid: pid,
    sid: session,
    tids: [pid],
    children: [],
    spaceId,
    credentials: { uid: [uid, uid, uid, uid], gid: [gid, gid, gid, gid], groups: [gid] },
    files: standardFiles(fs, { uid, gid, session, group: pid }, world.terminal?.() ?? null, time),
    where: { cwd: 0, root: fs.root, umask: start.umask },
    actions: defaultActions(),
    pending: [],
    rlimits: defaultLimits(start.stackLimit, start.memoryLimit),
    itimers: { real: { at: 0, interval: 0 }, virtual: { at: 0, interval: 0 }, prof: { at: 0, interval: 0 } },
    timers: [],
    nextTimer: 0,
    exe: '',
    exeInode: 0,
    hasExecuted: false,
    argv: [],
    environ: [],
    auxv: [],
    startNs,
    dumpable: 1,
    thpDisable: false,
    keepCaps: false,
    oomScoreAdj: 0,
    personality: 0,
    barriers: 0,
    io: { read: 0, written: 0, reads: 0, writes: 0 },
    count: 0,
    childrenCount: 0,
    exitStatus: null,
    exitSignal: 17,
    lastName: '',
    stopSignal: 0,
    unreported: null,
    subreaper: false,
    vforkWaiter: 0,
  }
  const task = newTask(pid, pid, '', initialCpuState(), process.credentials)
  return { process, task }
}

/** Gives the first process, which the state knows, its address space, directory and program. Throws a LemmingError that says why the program cannot be run. */
export function startFirst(k: Kernel, process: Process, task: Task, start: Start): void {
  const { state } = k
  task.affinity = (1n << BigInt(state.constants.cpus)) - 1n
  const directory = walk(k, task, AT_FDCWD, start.cwd, true)
  if (typeof directory !== 'number' && directory.inode?.kind === 'dir') setDirectory(k, process, directory.inode)
  makeRunnable(state, task)
  const program = prepareProgram(k, task, byPath(start.path, start.argv), start.env)
  process.exeInode = program.file.inode
  holdInode(state.fs, process.exeInode)
  loadProgram(k, task, program, start.env)
}

/** The empty address space that the first process is loaded into. */
export function addFirstMemory(k: Kernel, process: Process, { stackLimit }: Start): void {
  addMemory(k, emptyMap(process.spaceId, stackLimit))
}

/** By RLIMIT_* number, as a login on Debian has them: CPU, FSIZE, DATA, STACK, CORE, RSS, NPROC, NOFILE, MEMLOCK, AS, LOCKS, SIGPENDING, MSGQUEUE, NICE, RTPRIO, RTTIME. */
function defaultLimits(stack: number, addressSpace: number): [number, number][] {
  const none: [number, number] = [Infinity, Infinity]
  const processes: [number, number] = [31_000, 31_000]
  return [
    none,
    none,
    none,
    [stack, Infinity],
    [0, Infinity],
    none,
    processes,
    [1024, 1_048_576],
    [8_388_608, 8_388_608],
    [addressSpace, addressSpace],
    none,
    processes,
    [819_200, 819_200],
    [0, 0],
    [0, 0],
    none,
  ].map(([soft, hard]): [number, number] => [soft!, hard!])
}
