/** Exists to declare the calls that make and end processes and threads, and that give them their ids. */
import { REG, registers } from '../../ir/registers.ts'
import { asU64, asUint, hexU64, int, number, path, ptr, shown, size, u64At } from '../arguments.ts'
import { syscall, unsupported, type ArgType, type CallView, type Declaration, type Range } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { exitGroup, exitTask } from '../exit.ts'
import type { Kernel } from '../kernel.ts'
import { signalName } from '../signal-names.ts'
import type { Task } from '../state.ts'
import { flagsText, hex, pointerText } from '../strace.ts'
import { ARCH_PRCTL_NAMES, CLONE_FLAGS } from '../table-task-flags.ts'
import { NO_RESULT } from '../tasks.ts'
import { addThread } from '../threads.ts'

const CLONE = {
  vm: 0x100,
  fs: 0x200,
  files: 0x400,
  sigHand: 0x800,
  pidFd: 0x1000,
  vfork: 0x4000,
  thread: 0x10000,
  sysvSem: 0x40000,
  setTls: 0x80000,
  parentSetTid: 0x100000,
  childClearTid: 0x200000,
  childSetTid: 0x1000000,
} as const
/** Flags that a thread may have; CLONE_DETACHED has meant nothing for long. */
const THREAD_FLAGS =
  CLONE.vm |
  CLONE.fs |
  CLONE.files |
  CLONE.sigHand |
  CLONE.thread |
  CLONE.sysvSem |
  CLONE.setTls |
  CLONE.parentSetTid |
  CLONE.childClearTid |
  CLONE.childSetTid |
  0x400000
/** What threads of one process share. */
const SHARED = CLONE.vm | CLONE.fs | CLONE.files | CLONE.sigHand | CLONE.thread
/** /proc/sys/kernel/threads-max. */
const MAX_TASKS = 31_000

interface CloneRequest {
  flags: number
  stack: number
  parentTid: number
  childTid: number
  tls: number
}

function makeThread(k: Kernel, t: Task, name: string, request: CloneRequest): number {
  const { flags, stack, parentTid, childTid, tls } = request
  if (flags & CLONE.sigHand && !(flags & CLONE.vm)) return -ERRNO.EINVAL
  if (flags & CLONE.thread && !(flags & CLONE.sigHand)) return -ERRNO.EINVAL
  if (!(flags & CLONE.thread)) return unsupported(name, 'making a process (fork, vfork, posix_spawn, system, popen)')
  if ((flags & SHARED) !== SHARED)
    return unsupported(
      name,
      `a thread with a working directory or descriptors of its own (flags ${flagsText(flags, CLONE_FLAGS, 'CLONE_???')})`,
    )
  const other = flags & ~(THREAD_FLAGS | 0xff)
  if (other !== 0) return unsupported(name, `flag ${flagsText(other, CLONE_FLAGS, 'CLONE_???')}`)
  if (k.state.tasks.size >= MAX_TASKS) return -ERRNO.EAGAIN
  const space = k.space(t)
  const child = addThread(k, t, stack, flags & CLONE.setTls ? tls : null)
  // As in Linux, a bad address for the child's tid is nobody's error.
  if (flags & CLONE.parentSetTid) space.writeU32(parentTid, child.tid)
  if (flags & CLONE.childSetTid) space.writeU32(childTid, child.tid)
  if (flags & CLONE.childClearTid) child.clearTid = childTid
  return child.tid
}

function clone(k: Kernel, t: Task, args: number[]): number {
  const [flags, stack, parentTid, childTid, tls] = args as [number, number, number, number, number]
  return makeThread(k, t, 'clone', { flags: flags | 0, stack, parentTid, childTid, tls })
}

/** Sizes of struct clone_args that exist (CLONE_ARGS_SIZE_VER0 and the current one). */
const CLONE_ARGS = { least: 64, now: 88 }

function clone3(k: Kernel, t: Task, args: number[]): number {
  const [address, length] = args as [number, number]
  if (length > 4096) return -ERRNO.E2BIG
  if (length < CLONE_ARGS.least) return -ERRNO.EINVAL
  const bytes = k.space(t).read(address, length)
  if (bytes === null) return -ERRNO.EFAULT
  if (bytes.subarray(CLONE_ARGS.now).some((byte) => byte !== 0)) return -ERRNO.E2BIG
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const field = (offset: number): number => (offset + 8 <= length ? u64At(view, offset) : 0)
  const flags = field(0)
  const exitSignal = field(32)
  const stack = field(40)
  const stackSize = field(48)
  if (field(64) !== 0 || field(72) !== 0) return unsupported('clone3', 'choosing the new tid (set_tid)')
  if (flags >= 0x1_0000_0000) return unsupported('clone3', `flags ${hex(flags)}`)
  if (exitSignal > 64 || flags & 0xff || flags & 0x400000) return -ERRNO.EINVAL
  if (flags & (CLONE.thread | 0x8000) && exitSignal !== 0) return -ERRNO.EINVAL
  if ((stack === 0) !== (stackSize === 0)) return -ERRNO.EINVAL
  return makeThread(k, t, 'clone3', {
    flags: flags | 0,
    stack: stack + stackSize,
    parentTid: field(24),
    childTid: field(16),
    tls: field(56),
  })
}

function tidList(call: CallView, address: number): string {
  const tid = call.space.readU32(address)
  return tid === null ? pointerText(address) : `[${tid}]`
}

/** clone's arguments by name and in strace's order, which is not that of the registers. */
const cloneArgs: readonly (readonly [string, ArgType])[] = [
  ['flags', shown(asUint, (_value, { args }) => `child_stack=${pointerText(args[1]!)}`)],
  ['stack', shown(asU64, (_value, { args }) => `flags=${cloneFlagsText(args[0]!)}`)],
  [
    'parent_tid',
    {
      ...shown(asU64, (value, call) =>
        call.args[0]! & CLONE.parentSetTid
          ? `parent_tid=${call.result === null || call.result < 0 ? pointerText(value) : tidList(call, value)}`
          : null,
      ),
      when: 'out',
      writes: (value, { args }) => tidRanges(args[0]!, value, args[3]!),
    },
  ],
  ['child_tid', shown(asU64, (_value, { args }) => (args[0]! & CLONE.setTls ? `tls=${hex(args[4]!)}` : null))],
  [
    'tls',
    shown(asU64, (_value, { args }) =>
      args[0]! & (CLONE.childSetTid | CLONE.childClearTid) ? `child_tidptr=${pointerText(args[3]!)}` : null,
    ),
  ],
]

function cloneFlagsText(flags: number): string {
  const signal = flags & 0xff
  const rest = (flags & ~0xff) >>> 0
  const names = rest === 0 ? [] : [flagsText(rest, CLONE_FLAGS, 'CLONE_???')]
  if (signal !== 0) names.push(signalName(signal))
  return names.length === 0 ? '0' : names.join('|')
}

const cloneStruct: ArgType = {
  decode: asU64,
  when: 'out',
  text: (address, call) => {
    const bytes = call.space.read(address, Math.min(call.args[1]!, CLONE_ARGS.now))
    if (bytes === null || bytes.length < CLONE_ARGS.least) return pointerText(address)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const flags = u64At(view, 0)
    const parts = [`flags=${flagsText(flags, CLONE_FLAGS, 'CLONE_???')}`]
    if (flags & (CLONE.childSetTid | CLONE.childClearTid)) parts.push(`child_tid=${pointerText(u64At(view, 16))}`)
    if (flags & CLONE.parentSetTid) parts.push(`parent_tid=${pointerText(u64At(view, 24))}`)
    const signal = u64At(view, 32)
    parts.push(
      `exit_signal=${signal === 0 ? 0 : signalName(signal)}`,
      `stack=${pointerText(u64At(view, 40))}`,
      `stack_size=${hex(u64At(view, 48))}`,
    )
    if (flags & CLONE.setTls) parts.push(`tls=${hex(u64At(view, 56))}`)
    const after =
      flags & CLONE.parentSetTid && call.result !== null && call.result > 0
        ? ` => {parent_tid=${tidList(call, u64At(view, 24))}}`
        : ''
    return `{${parts.join(', ')}}${after}`
  },
  reads: (value, { args }) => [{ start: value, length: args[1]! }],
  writes: (value, { space }) => {
    const bytes = space.read(value, CLONE_ARGS.least)
    if (bytes === null) return []
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    return tidRanges(u64At(view, 0), u64At(view, 24), u64At(view, 16))
  },
}

/** Where clone stores the new tid. */
function tidRanges(flags: number, parentTid: number, childTid: number): Range[] {
  const ranges: Range[] = []
  if (flags & CLONE.parentSetTid) ranges.push({ start: parentTid, length: 4 })
  if (flags & CLONE.childSetTid) ranges.push({ start: childTid, length: 4 })
  return ranges
}

const ARCH = { setGs: 0x1001, setFs: 0x1002, getFs: 0x1003, getGs: 0x1004, getCpuid: 0x1011, setCpuid: 0x1012 }

const archAddress: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, { args, space, result }) => {
    if (args[0] !== ARCH.getFs && args[0] !== ARCH.getGs) return hex(value)
    const base = result === 0 ? space.readU64(value) : null
    return base === null ? hex(value) : `[${base === 0n ? '0' : `0x${base.toString(16)}`}]`
  },
  writes: (value, { args }) => (args[0] === ARCH.getFs || args[0] === ARCH.getGs ? [{ start: value, length: 8 }] : []),
}

function archPrctl(k: Kernel, t: Task, args: number[]): number {
  const [code, value] = args as [number, number]
  const fs = registers[REG.fsBase]!.offset
  const gs = registers[REG.gsBase]!.offset
  switch (code) {
    case ARCH.setFs:
    case ARCH.setGs:
      if (value >= 0x7fff_ffff_f000) return -ERRNO.EPERM
      k.cpu.view.setBigUint64(code === ARCH.setFs ? fs : gs, BigInt(value), true)
      return 0
    case ARCH.getFs:
    case ARCH.getGs:
      return k.space(t).writeU64(value, k.cpu.view.getBigUint64(code === ARCH.getFs ? fs : gs, true))
        ? 0
        : -ERRNO.EFAULT
    case ARCH.getCpuid:
      return 1
    case ARCH.setCpuid:
      return value === 0 ? -ERRNO.ENODEV : 0
    default:
      return -ERRNO.EINVAL
  }
}

function getpgid(k: Kernel, t: Task, pid: number): number {
  return k.state.processes.get(pid === 0 ? t.pid : pid)?.pgid ?? -ERRNO.ESRCH
}

function setpgid(k: Kernel, t: Task, [pid, group]: number[]): number {
  if (group! < 0) return -ERRNO.EINVAL
  const process = k.state.processes.get(pid === 0 ? t.pid : pid!)
  if (process === undefined) return -ERRNO.ESRCH
  if (process.sid === process.pid) return -ERRNO.EPERM
  const wanted = group === 0 ? process.pid : group!
  const exists =
    wanted === process.pid ||
    [...k.state.processes.values()].some((other) => other.pgid === wanted && other.sid === process.sid)
  if (!exists) return -ERRNO.EPERM
  process.pgid = wanted
  return 0
}

function setsid(k: Kernel, t: Task): number {
  const process = k.process(t)
  if ([...k.state.processes.values()].some((other) => other.pgid === process.pid)) return -ERRNO.EPERM
  process.sid = process.pgid = process.pid
  return process.pid
}

const noProcesses = { support: 'partial: stops the run; lemming cannot make processes yet' } as const
const noChildren = { support: 'partial: there are no children, so ECHILD' } as const
const unused = shown(asU64, () => null)

export const processCalls: readonly Declaration[] = [
  syscall(39, 'getpid', [], number, (_k, t) => t.pid),
  syscall(56, 'clone', cloneArgs, number, clone, { support: 'partial: threads only' }),
  syscall(57, 'fork', [], number, () => unsupported('fork', 'making a process'), noProcesses),
  syscall(58, 'vfork', [], number, () => unsupported('vfork', 'making a process'), noProcesses),
  syscall(
    59,
    'execve',
    [
      ['pathname', path],
      ['argv', ptr],
      ['envp', ptr],
    ],
    number,
    () => unsupported('execve', 'running another program'),
    noProcesses,
  ),
  syscall(60, 'exit', [['status', int]], number, (k, t, [status]) => {
    exitTask(k, t, (status! & 0xff) << 8)
    return NO_RESULT
  }),
  syscall(
    61,
    'wait4',
    [
      ['pid', int],
      ['wstatus', ptr],
      ['options', int],
      ['rusage', ptr],
    ],
    number,
    () => -ERRNO.ECHILD,
    noChildren,
  ),
  syscall(
    109,
    'setpgid',
    [
      ['pid', int],
      ['pgid', int],
    ],
    number,
    setpgid,
  ),
  syscall(110, 'getppid', [], number, (k, t) => k.process(t).ppid),
  syscall(111, 'getpgrp', [], number, (k, t) => k.process(t).pgid),
  syscall(112, 'setsid', [], number, setsid),
  syscall(121, 'getpgid', [['pid', int]], number, (k, t, [pid]) => getpgid(k, t, pid!)),
  syscall(
    124,
    'getsid',
    [['pid', int]],
    number,
    (k, t, [pid]) => k.state.processes.get(pid === 0 ? t.pid : pid!)?.sid ?? -ERRNO.ESRCH,
  ),
  syscall(
    158,
    'arch_prctl',
    [
      [
        'code',
        shown(
          (lo) => lo | 0,
          (value) => ARCH_PRCTL_NAMES.get(value) ?? `${hex(value >>> 0)} /* ARCH_??? */`,
        ),
      ],
      ['addr', archAddress],
    ],
    number,
    archPrctl,
  ),
  syscall(186, 'gettid', [], number, (_k, t) => t.tid),
  syscall(218, 'set_tid_address', [['tidptr', ptr]], number, (_k, t, [address]) => {
    t.clearTid = address!
    return t.tid
  }),
  syscall(231, 'exit_group', [['status', int]], number, (k, t, [status]) => {
    exitGroup(k, t, (status! & 0xff) << 8)
    return NO_RESULT
  }),
  syscall(
    247,
    'waitid',
    [
      ['idtype', int],
      ['id', int],
      ['infop', ptr],
      ['options', int],
      ['rusage', unused],
    ],
    number,
    () => -ERRNO.ECHILD,
    noChildren,
  ),
  syscall(
    322,
    'execveat',
    [
      ['dirfd', int],
      ['pathname', path],
      ['argv', ptr],
      ['envp', ptr],
      ['flags', int],
    ],
    number,
    () => unsupported('execveat', 'running another program'),
    noProcesses,
  ),
  syscall(
    334,
    'rseq',
    [
      ['rseq', ptr],
      ['rseq_len', size],
      ['flags', int],
      ['sig', hexU64],
    ],
    number,
    () => -ERRNO.ENOSYS,
    {
      support: 'partial: restartable sequences are not offered (ENOSYS, as from a kernel without them)',
    },
  ),
  syscall(
    435,
    'clone3',
    [
      ['cl_args', cloneStruct],
      ['size', size],
    ],
    number,
    clone3,
    { support: 'partial: threads only' },
  ),
]
