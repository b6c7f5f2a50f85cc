/** Exists to declare the calls about processors, priorities and scheduling classes; the real schedule is the strategy's. */
import { CAP, capable } from '../capabilities.ts'
import {
  asInt,
  asU64,
  asUint,
  flags,
  hexUint,
  int,
  number,
  offered,
  oneOf,
  ptr,
  shown,
  size,
  structIn,
  structOut,
  timespecOut,
  uint,
} from '../arguments.ts'
import { STATE } from '../../ir/registers.ts'
import { syscall, type ArgType, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { pointerText, valueText } from '../strace.ts'
import { MEMBARRIERS, SCHED_POLICIES } from '../table-task-flags.ts'
import { tasksOf } from '../tasks.ts'
import { writeTimespec } from '../user.ts'

/** Bytes of a cpumask as the kernel returns it: a multiple of 8 that holds every processor. */
function maskBytes(k: Kernel): number {
  return Math.ceil(k.state.constants.cpus / 64) * 8
}

function taskOf(k: Kernel, t: Task, tid: number): Task | undefined {
  return tid === 0 ? t : k.state.tasks.get(tid)
}

/** Whether the caller may say how another task is scheduled: as root or as its user. */
function mayChange(t: Task, target: Task): boolean {
  const effective = t.credentials.uid[1]
  return capable(t, CAP.sysNice) || target.credentials.uid.slice(0, 2).includes(effective)
}

function schedYield(k: Kernel, _t: Task): number {
  const turn = k.state.turn
  if (k.state.runnable.length > 1) {
    turn.left = 0
    turn.yielded = true
    k.attention = true
  }
  return 0
}

function schedGetaffinity(k: Kernel, t: Task, args: number[]): number {
  const [tid, length, address] = args as [number, number, number]
  const bytes = maskBytes(k)
  if (length * 8 < k.state.constants.cpus || length % 8 !== 0) return -ERRNO.EINVAL
  const target = taskOf(k, t, tid)
  if (target === undefined) return -ERRNO.ESRCH
  const count = Math.min(length, bytes)
  return k.space(t).write(address, maskToBytes(target.affinity, count)) ? count : -ERRNO.EFAULT
}

function schedSetaffinity(k: Kernel, t: Task, args: number[]): number {
  const [tid, length, address] = args as [number, number, number]
  const bytes = k.space(t).read(address, Math.min(length, maskBytes(k)))
  if (bytes === null) return -ERRNO.EFAULT
  const target = taskOf(k, t, tid)
  if (target === undefined) return -ERRNO.ESRCH
  if (!mayChange(t, target)) return -ERRNO.EPERM
  let mask = 0n
  bytes.forEach((byte, i) => (mask |= BigInt(byte) << BigInt(8 * i)))
  mask &= (1n << BigInt(k.state.constants.cpus)) - 1n
  if (mask === 0n) return -ERRNO.EINVAL
  target.affinity = mask
  if (!((mask >> BigInt(target.cpuNumber)) & 1n)) target.cpuNumber = lowestBit(mask)
  if (target === k.current) k.cpu.view.setUint32(STATE.processor, target.cpuNumber, true)
  return 0
}

function maskToBytes(mask: bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Number((mask >> BigInt(8 * i)) & 0xffn))
}

function lowestBit(mask: bigint): number {
  let bit = 0
  while (!((mask >> BigInt(bit)) & 1n)) bit++
  return bit
}

function getcpu(k: Kernel, t: Task, [cpu, node]: number[]): number {
  const space = k.space(t)
  if (cpu !== 0 && !space.writeU32(cpu!, t.cpuNumber)) return -ERRNO.EFAULT
  if (node !== 0 && !space.writeU32(node!, 0)) return -ERRNO.EFAULT
  return 0
}

const POLICY = { other: 0, fifo: 1, rr: 2, batch: 3, idle: 5, deadline: 6 } as const
const RESET_ON_FORK = 0x4000_0000

function isRealtime(policy: number): boolean {
  return policy === POLICY.fifo || policy === POLICY.rr
}

/** 0, or why a task may not have this policy and priority: real-time needs a privilege that the program does not have. */
function checkPolicy(t: Task, policy: number, priority: number): number {
  // Its parameters come by sched_setattr alone, and nobody gets them.
  if (policy === POLICY.deadline) return capable(t, CAP.sysNice) ? -ERRNO.EINVAL : -ERRNO.EPERM
  if (policy < 0 || policy > POLICY.idle || policy === 4) return -ERRNO.EINVAL
  if (isRealtime(policy) ? priority < 1 || priority > 99 : priority !== 0) return -ERRNO.EINVAL
  return isRealtime(policy) && !capable(t, CAP.sysNice) ? -ERRNO.EPERM : 0
}

function schedSetscheduler(k: Kernel, t: Task, args: number[]): number {
  const [tid, given, address] = args as [number, number, number]
  const policy = given & ~RESET_ON_FORK
  if (policy < 0 || tid < 0 || address === 0) return -ERRNO.EINVAL
  const priority = k.space(t).readU32(address)
  if (priority === null) return -ERRNO.EFAULT
  const target = taskOf(k, t, tid)
  if (target === undefined) return -ERRNO.ESRCH
  const bad = checkPolicy(t, policy, priority | 0)
  if (bad !== 0) return bad
  if (!mayChange(t, target)) return -ERRNO.EPERM
  target.policy = policy
  target.priority = priority
  return 0
}

function schedSetparam(k: Kernel, t: Task, args: number[]): number {
  const target = taskOf(k, t, args[0]!)
  if (target === undefined) return -ERRNO.ESRCH
  return schedSetscheduler(k, t, [args[0]!, target.policy, args[1]!])
}

function schedGetparam(k: Kernel, t: Task, [tid, address]: number[]): number {
  if (tid! < 0 || address === 0) return -ERRNO.EINVAL
  const target = taskOf(k, t, tid!)
  if (target === undefined) return -ERRNO.ESRCH
  return k.space(t).writeU32(address!, target.priority) ? 0 : -ERRNO.EFAULT
}

function schedGetscheduler(k: Kernel, t: Task, tid: number): number {
  return tid < 0 ? -ERRNO.EINVAL : (taskOf(k, t, tid)?.policy ?? -ERRNO.ESRCH)
}

function priorityLimit(policy: number, realtime: number): number {
  if (isRealtime(policy)) return realtime
  return policy === POLICY.other || policy === POLICY.batch || policy === POLICY.idle || policy === POLICY.deadline
    ? 0
    : -ERRNO.EINVAL
}

function schedRrGetInterval(k: Kernel, t: Task, [tid, address]: number[]): number {
  if (tid! < 0) return -ERRNO.EINVAL
  const target = taskOf(k, t, tid!)
  if (target === undefined) return -ERRNO.ESRCH
  return writeTimespec(k, t, address!, {
    seconds: 0,
    ns: target.policy === POLICY.fifo ? 0 : target.policy === POLICY.rr ? 100_000_000 : 4_000_000,
  })
}

/** struct sched_attr, version 0. */
const ATTR_SIZE = 48

function schedGetattr(k: Kernel, t: Task, args: number[]): number {
  const [tid, address, length, given] = args as [number, number, number, number]
  if (tid < 0 || given !== 0 || length < ATTR_SIZE || length > 4096) return -ERRNO.EINVAL
  const target = taskOf(k, t, tid)
  if (target === undefined) return -ERRNO.ESRCH
  const view = new DataView(new ArrayBuffer(ATTR_SIZE))
  view.setUint32(0, ATTR_SIZE, true)
  view.setUint32(4, target.policy, true)
  view.setInt32(16, isRealtime(target.policy) ? 0 : target.nice, true)
  view.setUint32(20, target.priority, true)
  return k.space(t).write(address, new Uint8Array(view.buffer)) ? 0 : -ERRNO.EFAULT
}

function schedSetattr(k: Kernel, t: Task, args: number[]): number {
  const [tid, address, given] = args as [number, number, number]
  if (tid < 0 || given !== 0 || address === 0) return -ERRNO.EINVAL
  const bytes = k.space(t).read(address, ATTR_SIZE)
  if (bytes === null) return -ERRNO.EFAULT
  const view = new DataView(bytes.buffer, bytes.byteOffset, ATTR_SIZE)
  const target = taskOf(k, t, tid)
  if (target === undefined) return -ERRNO.ESRCH
  const flagBits = view.getUint32(8, true) & ~1
  if (flagBits !== 0) return k.refuse(t, `sched_setattr with flags 0x${flagBits.toString(16)}`, 'EINVAL')
  const policy = view.getUint32(4, true)
  const bad = checkPolicy(t, policy, view.getUint32(20, true))
  if (bad !== 0) return bad
  if (!mayChange(t, target)) return -ERRNO.EPERM
  const nice = view.getInt32(16, true)
  if (nice < target.nice && !capable(t, CAP.sysNice)) return -ERRNO.EPERM
  target.policy = policy
  target.priority = view.getUint32(20, true)
  target.nice = nice
  return 0
}

const PRIO = { process: 0, group: 1, user: 2 }

/** The tasks that getpriority's `which` and `who` mean. */
function prioritized(k: Kernel, t: Task, which: number, who: number): Task[] | number {
  if (which < PRIO.process || which > PRIO.user) return -ERRNO.EINVAL
  const own = k.process(t)
  const found: Task[] = []
  if (which === PRIO.process) {
    const target = taskOf(k, t, who)
    if (target !== undefined) found.push(target)
  } else {
    for (const process of k.state.processes.values()) {
      const meant =
        which === PRIO.group
          ? process.pgid === (who === 0 ? own.pgid : who)
          : process.credentials.uid[0] === (who === 0 ? t.credentials.uid[0] : who)
      if (meant) found.push(...tasksOf(k.state, process.pid))
    }
  }
  return found.length === 0 ? -ERRNO.ESRCH : found
}

/** The kernel's own result is 20 - nice, so that it is never negative. */
function getpriority(k: Kernel, t: Task, [which, who]: number[]): number {
  const found = prioritized(k, t, which!, who!)
  return typeof found === 'number' ? found : 20 - Math.min(...found.map(({ nice }) => nice))
}

function setpriority(k: Kernel, t: Task, args: number[]): number {
  const found = prioritized(k, t, args[0]!, args[1]!)
  if (typeof found === 'number') return found
  const nice = Math.max(-20, Math.min(19, args[2]!))
  if (!capable(t, CAP.sysNice) && found.some((target) => nice < target.nice)) return -ERRNO.EACCES
  for (const target of found) target.nice = nice
  return 0
}

const MEMBARRIER = {
  query: 0,
  global: 1,
  globalExpedited: 2,
  registerGlobalExpedited: 4,
  privateExpedited: 8,
  registerPrivateExpedited: 16,
  privateSync: 32,
  registerPrivateSync: 64,
}
const MEMBARRIER_ALL = 127

/** Tasks run one at a time and see each other's stores at once: every barrier holds already. */
function membarrier(k: Kernel, t: Task, [command, given]: number[]): number {
  if (given !== 0) return -ERRNO.EINVAL
  const process = k.process(t)
  switch (command) {
    case MEMBARRIER.query:
      return MEMBARRIER_ALL
    case MEMBARRIER.registerGlobalExpedited:
    case MEMBARRIER.registerPrivateExpedited:
    case MEMBARRIER.registerPrivateSync:
      process.barriers |= command
      return 0
    case MEMBARRIER.privateExpedited:
    case MEMBARRIER.privateSync:
      // Registering is the next command.
      return process.barriers & (command << 1) ? 0 : -ERRNO.EPERM
    case MEMBARRIER.global:
    case MEMBARRIER.globalExpedited:
      return 0
    default:
      return -ERRNO.EINVAL
  }
}

const policyArg = oneOf(SCHED_POLICIES, 'SCHED_???')
const param = (view: DataView): string => `[${view.getInt32(0, true)}]`
const prioWhich = oneOf(
  [
    [0, 'PRIO_PROCESS'],
    [1, 'PRIO_PGRP'],
    [2, 'PRIO_USER'],
  ],
  'PRIO_???',
)

/** `[0 1 2 3]`: the processors of a mask. */
function cpuSetText(bytes: Uint8Array): string {
  const cpus: number[] = []
  bytes.forEach((byte, i) => {
    for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) cpus.push(8 * i + bit)
  })
  return `[${cpus.join(' ')}]`
}

const cpuSetIn: ArgType = {
  decode: asU64,
  when: 'in',
  text: (value, { space, args }) => {
    const bytes = space.read(value, Math.min(args[1]!, 128))
    return bytes === null ? pointerText(value) : cpuSetText(bytes)
  },
  reads: (value, { args }) => [{ start: value, length: args[1]! }],
}
const cpuSetOut: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, { space, result }) => {
    const bytes = result !== null && result > 0 ? space.read(value, result) : null
    return bytes === null ? pointerText(value) : cpuSetText(bytes)
  },
  writes: (value, { result }) => [{ start: value, length: result ?? 0 }],
}
const cpuOut = structOut(4, (view) => `[${view.getUint32(0, true)}]`)
const cpuSetSize = { ...uint, decode: asUint }
const attrText = (view: DataView): string =>
  `{size=${view.getUint32(0, true)}, sched_policy=${valueText(view.getUint32(4, true), SCHED_POLICIES, 'SCHED_???')}, sched_flags=${view.getUint32(8, true)}, sched_nice=${view.getInt32(16, true)}, sched_priority=${view.getUint32(20, true)}}`

export const schedCalls: readonly Declaration[] = [
  syscall(24, 'sched_yield', [], number, schedYield),
  syscall(
    140,
    'getpriority',
    [
      ['which', prioWhich],
      ['who', int],
    ],
    number,
    getpriority,
  ),
  syscall(
    141,
    'setpriority',
    [
      ['which', prioWhich],
      ['who', int],
      ['prio', int],
    ],
    number,
    setpriority,
  ),
  syscall(
    142,
    'sched_setparam',
    [
      ['pid', int],
      ['param', structIn(4, param)],
    ],
    number,
    schedSetparam,
  ),
  syscall(
    143,
    'sched_getparam',
    [
      ['pid', int],
      ['param', structOut(4, param)],
    ],
    number,
    schedGetparam,
  ),
  syscall(
    144,
    'sched_setscheduler',
    [
      ['pid', int],
      ['policy', policyArg],
      ['param', structIn(4, param)],
    ],
    number,
    schedSetscheduler,
  ),
  syscall(
    145,
    'sched_getscheduler',
    [['pid', int]],
    (result) => `${result} (${valueText(result, SCHED_POLICIES, 'SCHED_???')})`,
    (k, t, [tid]) => schedGetscheduler(k, t, tid!),
  ),
  syscall(146, 'sched_get_priority_max', [['policy', policyArg]], number, (_k, _t, [policy]) =>
    priorityLimit(policy!, 99),
  ),
  syscall(147, 'sched_get_priority_min', [['policy', policyArg]], number, (_k, _t, [policy]) =>
    priorityLimit(policy!, 1),
  ),
  syscall(
    148,
    'sched_rr_get_interval',
    [
      ['pid', int],
      ['tp', timespecOut],
    ],
    number,
    schedRrGetInterval,
  ),
  syscall(
    203,
    'sched_setaffinity',
    [
      ['pid', int],
      ['cpusetsize', cpuSetSize],
      ['mask', cpuSetIn],
    ],
    number,
    schedSetaffinity,
  ),
  syscall(
    204,
    'sched_getaffinity',
    [
      ['pid', int],
      ['cpusetsize', cpuSetSize],
      ['mask', offered(cpuSetOut, 1)],
    ],
    number,
    schedGetaffinity,
  ),
  syscall(
    309,
    'getcpu',
    [
      ['cpu', cpuOut],
      ['node', cpuOut],
      ['tcache', ptr],
    ],
    number,
    getcpu,
  ),
  syscall(
    314,
    'sched_setattr',
    [
      ['pid', int],
      ['attr', structIn(ATTR_SIZE, attrText)],
      ['flags', hexUint],
    ],
    number,
    schedSetattr,
  ),
  syscall(
    315,
    'sched_getattr',
    [
      ['pid', int],
      ['attr', structOut(ATTR_SIZE, attrText)],
      ['size', size],
      ['flags', hexUint],
    ],
    number,
    schedGetattr,
  ),
  syscall(
    324,
    'membarrier',
    [
      ['cmd', oneOf(MEMBARRIERS, 'MEMBARRIER_CMD_???')],
      ['flags', flags([[1, 'MEMBARRIER_CMD_FLAG_CPU']], 'MEMBARRIER_CMD_FLAG_???')],
      ['cpu_id', shown(asInt, (value, { args }) => (args[1]! & 1 ? String(value) : null))],
    ],
    number,
    membarrier,
  ),
]
