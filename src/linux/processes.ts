/** Exists to make processes: the child of fork(2), vfork(2) and clone(2), with everything that it inherits. */
import { CpuState } from '../engine/cpu-state.ts'
import { REG, registers } from '../ir/registers.ts'
import { copyFdTable } from './fs/description.ts'
import { holdInode } from './fs/inode.ts'
import type { Kernel } from './kernel.ts'
import { SIG_DFL, SIG_IGN, SS } from './signal-names.ts'
import { defaultActions } from './signals.ts'
import { copySpace } from './spaces.ts'
import type { Process, SignalAction, Task } from './state.ts'
import { makeRunnable } from './tasks.ts'
import { newTask } from './threads.ts'

/** What clone(2) chooses about a new process. */
export interface ProcessRequest {
  /** Where its stack is, or 0 for where the parent's is. */
  stack: number
  /** Thread-local storage, or null for the parent's. */
  tls: number | null
  /** CLONE_VM: it lives in the parent's address space. */
  sharesMemory: boolean
  /** The table of descriptors, the current directory and umask, and the handlers of signals can be one with the parent's, too. */
  sharesFiles: boolean
  sharesDirectory: boolean
  sharesHandlers: boolean
  /** CLONE_VFORK: the parent waits until it does no longer. */
  vfork: boolean
  /** CLONE_PARENT: a sibling. */
  sibling: boolean
  /** CLONE_CLEAR_SIGHAND. */
  clearsHandlers: boolean
  exitSignal: number
}

/** Adds a process: a copy of the caller that returns 0 from its call. Its task can run at once. */
export function addProcess(k: Kernel, parent: Task, request: ProcessRequest): Task {
  const { state } = k
  const from = k.process(parent)
  const pid = state.nextTid++
  if (request.sharesMemory) state.spaces.get(from.spaceId)!.users++
  const credentials = structuredClone(parent.credentials)
  const process: Process = {
    pid,
    ppid: request.sibling ? from.ppid : from.pid,
    pgid: from.pgid,
    sid: from.sid,
    tids: [pid],
    children: [],
    spaceId: request.sharesMemory ? from.spaceId : copySpace(k, from),
    credentials,
    files: request.sharesFiles ? from.files : copyFdTable(state.fs, from.files),
    where: request.sharesDirectory ? from.where : { ...from.where },
    actions: request.sharesHandlers
      ? from.actions
      : request.clearsHandlers
        ? withoutHandlers(from.actions)
        : from.actions.map((action) => ({ ...action })),
    pending: [],
    rlimits: from.rlimits.map(([soft, hard]) => [soft, hard]),
    itimers: { real: { at: 0, interval: 0 }, virtual: { at: 0, interval: 0 }, prof: { at: 0, interval: 0 } },
    timers: [],
    nextTimer: 0,
    exe: from.exe,
    exeInode: from.exeInode,
    hasExecuted: false,
    argv: from.argv,
    environ: from.environ,
    auxv: from.auxv,
    startNs: k.now(),
    dumpable: from.dumpable,
    thpDisable: from.thpDisable,
    keepCaps: from.keepCaps,
    oomScoreAdj: from.oomScoreAdj,
    personality: from.personality,
    barriers: from.barriers,
    io: { read: 0, written: 0, reads: 0, writes: 0 },
    count: 0,
    childrenCount: 0,
    exitStatus: null,
    exitSignal: request.sibling ? from.exitSignal : request.exitSignal,
    lastName: '',
    stopSignal: 0,
    unreported: null,
    subreaper: false,
    vforkWaiter: request.vfork ? parent.tid : 0,
  }
  if (process.exeInode !== 0) holdInode(state.fs, process.exeInode)
  if (!request.sharesDirectory) for (const held of [process.where.cwd, process.where.root]) holdInode(state.fs, held)
  state.processes.set(pid, process)
  state.processes.get(process.ppid)?.children.push(pid)

  const t = newTask(pid, pid, parent.name, k.registers(parent).slice(), credentials)
  const cpu = new CpuState(t.cpu)
  cpu.setGpr(REG.rax, 0n)
  if (request.stack !== 0) cpu.setGpr(REG.rsp, BigInt(request.stack))
  if (request.tls !== null) cpu.view.setBigUint64(registers[REG.fsBase]!.offset, BigInt(request.tls), true)
  const { affinity, cpuNumber, nice, policy, priority, timerSlackNs, ioPriority, noNewPrivileges, signalMask } = parent
  Object.assign(t, {
    affinity,
    cpuNumber,
    nice,
    policy,
    priority,
    timerSlackNs,
    ioPriority,
    noNewPrivileges,
    signalMask,
  })
  if (parent.seccomp !== undefined) t.seccomp = parent.seccomp
  if (parent.memoryPolicy !== undefined) t.memoryPolicy = parent.memoryPolicy
  if (request.sharesMemory && !request.vfork) t.altStack.flags = SS.disable
  else t.altStack = { ...parent.altStack }
  state.tasks.set(pid, t)
  makeRunnable(state, t)
  k.attention = true
  for (const observer of k.observers) observer.taskStart?.(k.info(t), k)
  return t
}

/** Actions with those that have a handler set to SIG_DFL: what execve(2) does, too. */
export function withoutHandlers(actions: readonly SignalAction[]): SignalAction[] {
  const fresh = defaultActions()
  actions.forEach(({ handler }, signal) => (fresh[signal]!.handler = handler === SIG_IGN ? SIG_IGN : SIG_DFL))
  return fresh
}
