/** Exists to make threads: the new task of clone(2) with everything that it inherits. */
import { CpuState } from '../engine/cpu-state.ts'
import { REG, registers } from '../ir/registers.ts'
import type { Kernel } from './kernel.ts'
import { SS } from './signal-names.ts'
import { reconsider } from './signals.ts'
import type { Credentials, Task } from './state.ts'
import { makeRunnable, tellRunnable } from './tasks.ts'

/** A task with nothing set but its identity; the first one of a process. */
export function newTask(tid: number, pid: number, name: string, cpu: Uint8Array, credentials: Credentials): Task {
  return {
    tid,
    pid,
    credentials,
    name,
    cpu,
    runIndex: -1,
    wait: null,
    signalMask: 0n,
    savedMask: null,
    pending: [],
    interrupted: false,
    altStack: { base: 0, size: 0, flags: 0 },
    clearTid: 0,
    robustList: 0,
    rseq: { address: 0, length: 0, signature: 0 },
    count: 0,
    cpuNumber: 0,
    affinity: 0n,
    nice: 0,
    policy: 0,
    priority: 0,
    parentDeathSignal: 0,
    timerSlackNs: 50_000,
    ioPriority: 0,
    noNewPrivileges: false,
    loaded: null,
  }
}

/** Adds a thread to the caller's process: a copy of the caller that returns 0 from its call, with a stack and, unless null, thread-local storage of its own. */
export function addThread(k: Kernel, parent: Task, stack: number, tls: number | null): Task {
  const { state } = k
  const process = k.process(parent)
  const t = newTask(
    state.nextTid++,
    parent.pid,
    parent.name,
    k.registers(parent).slice(),
    structuredClone(parent.credentials),
  )
  const cpu = new CpuState(t.cpu)
  cpu.setGpr(REG.rax, 0n)
  if (stack !== 0) cpu.setGpr(REG.rsp, BigInt(stack))
  if (tls !== null) cpu.view.setBigUint64(registers[REG.fsBase]!.offset, BigInt(tls), true)
  t.signalMask = parent.signalMask
  t.altStack.flags = SS.disable
  t.affinity = parent.affinity
  t.cpuNumber = nextCpu(k, parent)
  t.nice = parent.nice
  t.policy = parent.policy
  t.priority = parent.priority
  t.timerSlackNs = parent.timerSlackNs
  t.ioPriority = parent.ioPriority
  t.noNewPrivileges = parent.noNewPrivileges
  if (parent.seccomp !== undefined) t.seccomp = parent.seccomp
  if (parent.memoryPolicy !== undefined) t.memoryPolicy = parent.memoryPolicy
  process.tids.push(t.tid)
  state.tasks.set(t.tid, t)
  reconsider(t, process)
  makeRunnable(state, t)
  k.attention = true
  tellRunnable(k)
  for (const observer of k.observers) observer.taskStart?.(k.info(t), k)
  return t
}

/** The allowed processor after the parent's: threads are shown spread over the processors, which changes nothing about when they run. */
function nextCpu(k: Kernel, parent: Task): number {
  const cpus = k.state.constants.cpus
  for (let i = 1; i <= cpus; i++) {
    const cpu = (parent.cpuNumber + i) % cpus
    if ((parent.affinity >> BigInt(cpu)) & 1n) return cpu
  }
  return parent.cpuNumber
}
