/** Exists to run another program in a process, as execve(2) does: what is checked before, what goes, and what stays. */
import { capabilitiesAtExec } from './capabilities.ts'
import { LemmingError } from '../base/errors.ts'
import { STATE } from '../ir/registers.ts'
import { removeEvent } from './clock.ts'
import { ERRNO } from './errno.ts'
import { dropTask, endVfork, releaseMemoryOf } from './exit.ts'
import { closeFd } from './fs/description.ts'
import { holdInode, releaseInode } from './fs/inode.ts'
import { ownDirectory, ownFiles } from './shared.ts'
import type { Kernel } from './kernel.ts'
import { emptyMap, loadProgram, prepareProgram } from './loader.ts'
import { withoutHandlers } from './processes.ts'
import { ExecRefusal, openProgram, type ProgramRequest } from './program-file.ts'
import { SIG, SS } from './signal-names.ts'
import { forceSignal, signalInfo } from './signals.ts'
import { addMemory, leaveSpace } from './spaces.ts'
import type { Task } from './state.ts'
import { tasksOf } from './tasks.ts'

/** RLIMIT_STACK's index in Process.rlimits. */
const RLIMIT_STACK = 3

/** Whether the file can be executed as far as its permissions go: 0 or a negative errno. */
export function mayExecute(k: Kernel, t: Task, request: ProgramRequest): number {
  return refusing(() => {
    openProgram(k, t, request)
    return 0
  })
}

/** Replaces the program of the task's process. 0, or a negative errno with nothing changed. */
export function execute(k: Kernel, t: Task, request: ProgramRequest, environ: readonly string[]): number {
  const program = refusing(() => prepareProgram(k, t, request, environ))
  if (typeof program === 'number') return program
  const { state } = k
  const process = k.process(t)

  for (const other of tasksOf(state, t.pid)) if (other !== t) dropTask(k, other, 0)
  if (t.tid !== t.pid) becomeLeader(k, t)
  releaseMemoryOf(k, t)
  // The new address space is there before the old one goes: translated code that made this call is still on its way out of that one.
  const map = emptyMap(state.nextSpace++, process.rlimits[RLIMIT_STACK]![0])
  const memory = addMemory(k, map)
  leaveSpace(k, process)
  process.spaceId = map.id
  if (process.vforkWaiter !== 0) endVfork(k, process)

  ownFiles(k, process)
  ownDirectory(k, process)
  const descriptors = [...process.files].sort(([a], [b]) => a - b)
  for (const [fd, { closeOnExec }] of descriptors) if (closeOnExec) closeFd(k, process, fd)
  process.actions = withoutHandlers(process.actions)
  for (const timer of process.timers) removeEvent(state, 'timer', process.pid, timer.id)
  process.timers = []
  delete process.aio
  capabilitiesAtExec(t.credentials)
  process.keepCaps = false
  process.exitSignal = SIG.chld
  process.hasExecuted = true
  process.barriers = 0
  process.dumpable = 1
  t.altStack = { base: 0, size: 0, flags: SS.disable }
  t.robustList = 0
  t.rseq = { address: 0, length: 0, signature: 0 }
  if (process.exeInode !== 0) releaseInode(state.fs, process.exeInode)
  process.exeInode = program.file.inode
  holdInode(state.fs, process.exeInode)

  k.loaded = memory
  k.cpu = memory.cpu
  k.attention = true
  const loaded = refusing(() => {
    loadProgram(k, t, program, environ)
    return 0
  })
  k.cpu.bytes.set(t.cpu)
  k.cpu.view.setUint32(STATE.processor, t.cpuNumber, true)
  // Behind the point of no return what fails ends the process.
  if (loaded !== 0) forceSignal(k, t, signalInfo(SIG.kill, 0x80))
  return 0
}

/** The errno of what the loader refuses, or what `action` returns. */
function refusing<T>(action: () => T): T | number {
  try {
    return action()
  } catch (error) {
    if (error instanceof ExecRefusal) return -error.errno
    if (!(error instanceof LemmingError)) throw error
    if (error.code.startsWith('elf-')) return -ERRNO.ENOEXEC
    if (error.code === 'program-does-not-fit') return -ERRNO.ENOMEM
    throw error
  }
}

/** The thread that executes a program takes the place, and the id, of the first one. */
function becomeLeader(k: Kernel, t: Task): void {
  const { tasks, turn, runnable } = k.state
  tasks.delete(t.tid)
  k.strategy.gone?.(k.state.strategy, t.tid)
  const entered = k.entered.get(t.tid)
  k.entered.delete(t.tid)
  if (entered !== undefined) k.entered.set(t.pid, entered)
  if (turn.tid === t.tid) turn.tid = t.pid
  if (turn.last === t.tid) turn.last = t.pid
  t.tid = t.pid
  tasks.set(t.tid, t)
  if (t.runIndex >= 0) runnable[t.runIndex] = t.tid
  k.process(t).tids = [t.tid]
  k.process(t).credentials = t.credentials
}
