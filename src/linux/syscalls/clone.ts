/** Exists to declare the calls that make processes and threads. */
import { asU64, asUint, number, shown, size, u64At } from '../arguments.ts'
import { BLOCKED, syscall, type ArgType, type CallView, type Declaration, type Range } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { openPidFd, reserveFd } from '../fs/pidfd.ts'
import type { Kernel } from '../kernel.ts'
import { addProcess } from '../processes.ts'
import { SIG, SIGNAL_MAX, signalName } from '../signal-names.ts'
import type { Task } from '../state.ts'
import { flagsText, hex, pointerText } from '../strace.ts'
import { CLONE_FLAGS } from '../table-task-flags.ts'
import { newWait } from '../tasks.ts'
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
  parent: 0x8000,
  ptrace: 0x2000,
  detached: 0x400000,
  untraced: 0x800000,
  childSetTid: 0x1000000,
  io: 0x8000_0000,
} as const
/** clone3 only: the child has no handlers. */
const CLEAR_SIGHAND = 0x1_0000_0000
/** Namespaces: only root may make them. */
const NAMESPACES = 0x7e02_0000
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
  CLONE.io |
  CLONE.detached
/** Flags that a process may have. */
const PROCESS_FLAGS =
  CLONE.vm |
  CLONE.fs |
  CLONE.files |
  CLONE.sigHand |
  CLONE.pidFd |
  CLONE.ptrace |
  CLONE.vfork |
  CLONE.parent |
  CLONE.sysvSem |
  CLONE.setTls |
  CLONE.parentSetTid |
  CLONE.childClearTid |
  CLONE.childSetTid |
  CLONE.detached |
  CLONE.untraced |
  CLONE.io
/** What threads of one process share. */
const SHARED = CLONE.vm | CLONE.fs | CLONE.files | CLONE.sigHand | CLONE.thread
/** /proc/sys/kernel/threads-max. */
const MAX_TASKS = 31_000

/** RLIMIT_NPROC's index in Process.rlimits. */
const RLIMIT_NPROC = 6

interface CloneRequest {
  nr: number
  args: number[]
  name: string
  flags: number
  clearsHandlers: boolean
  exitSignal: number
  pidFd: number
  stack: number
  parentTid: number
  childTid: number
  tls: number
}

function makeTask(k: Kernel, t: Task, request: CloneRequest): number {
  const { flags, name } = request
  if (flags & CLONE.sigHand && !(flags & CLONE.vm)) return -ERRNO.EINVAL
  if (flags & CLONE.thread && !(flags & CLONE.sigHand)) return -ERRNO.EINVAL
  if (request.clearsHandlers && flags & CLONE.sigHand) return -ERRNO.EINVAL
  const limit = k.process(t).rlimits[RLIMIT_NPROC]![0]
  const most = t.credentials.uid[0] === 0 ? MAX_TASKS : Math.min(limit, MAX_TASKS)
  if (k.state.tasks.size >= most) return -ERRNO.EAGAIN
  if (!(flags & CLONE.thread)) return makeProcess(k, t, request)
  if ((flags & SHARED) !== SHARED)
    return k.refuse(t, `${name}: a thread with a directory or descriptors of its own`, 'EINVAL')
  const other = flags & ~(THREAD_FLAGS | 0xff)
  if (other !== 0) return k.refuse(t, `${name}(${flagsText(other, CLONE_FLAGS, 'CLONE_???')})`, 'EINVAL')
  const { stack, parentTid, childTid, tls } = request
  const space = k.space(t)
  const child = addThread(k, t, stack, flags & CLONE.setTls ? tls : null)
  // As in Linux, a bad address for the child's tid is nobody's error.
  if (flags & CLONE.parentSetTid) space.writeU32(parentTid, child.tid)
  if (flags & CLONE.childSetTid) space.writeU32(childTid, child.tid)
  if (flags & CLONE.childClearTid) child.clearTid = childTid
  return child.tid
}

function makeProcess(k: Kernel, t: Task, request: CloneRequest): number {
  const { flags, name } = request
  if (flags & CLONE.fs && flags & (0x2_0000 | 0x1000_0000)) return -ERRNO.EINVAL
  // As unshare has it: nobody may make namespaces.
  if (flags & NAMESPACES) return -ERRNO.EPERM
  const other = flags & ~(PROCESS_FLAGS | 0xff)
  if (other !== 0) return k.refuse(t, `${name}(${flagsText(other, CLONE_FLAGS, 'CLONE_???')})`, 'EINVAL')
  const descriptor = flags & CLONE.pidFd ? reserveFd(k, t) : 0
  if (descriptor < 0) return descriptor
  const { stack, parentTid, childTid, tls, exitSignal, clearsHandlers } = request
  const child = addProcess(k, t, {
    stack,
    tls: flags & CLONE.setTls ? tls : null,
    sharesMemory: (flags & CLONE.vm) !== 0,
    sharesFiles: (flags & CLONE.files) !== 0,
    sharesDirectory: (flags & CLONE.fs) !== 0,
    sharesHandlers: (flags & CLONE.sigHand) !== 0,
    vfork: (flags & CLONE.vfork) !== 0,
    sibling: (flags & CLONE.parent) !== 0,
    clearsHandlers,
    exitSignal,
  })
  if (flags & CLONE.parentSetTid) k.space(t).writeU32(parentTid, child.tid)
  if (flags & CLONE.childSetTid) k.space(child).writeU32(childTid, child.tid)
  if (flags & CLONE.childClearTid) child.clearTid = childTid
  if (flags & CLONE.pidFd) k.space(t).writeU32(request.pidFd, openPidFd(k, t, child.pid, 0))
  if (!(flags & CLONE.vfork)) return child.pid
  t.wait = newWait({ nr: request.nr, args: request.args, kind: 'vfork', detail: child.pid })
  return BLOCKED
}

/** For the caller of vfork: the child's pid, once it has memory of its own. */
function afterVfork(t: Task): number {
  return t.wait!.detail as number
}

function vfork(k: Kernel, t: Task): number {
  if (t.wait !== null) return afterVfork(t)
  return makeTask(k, t, { ...PLAIN, nr: 58, name: 'vfork', flags: CLONE.vm | CLONE.vfork })
}

const PLAIN = {
  args: [],
  clearsHandlers: false,
  exitSignal: SIG.chld,
  pidFd: 0,
  stack: 0,
  parentTid: 0,
  childTid: 0,
  tls: 0,
}

function clone(k: Kernel, t: Task, args: number[]): number {
  if (t.wait !== null) return afterVfork(t)
  const [flags, stack, parentTid, childTid, tls] = args as [number, number, number, number, number]
  const exitSignal = flags & 0xff
  if (exitSignal > SIGNAL_MAX) return -ERRNO.EINVAL
  if (flags & CLONE.pidFd && flags & CLONE.parentSetTid) return -ERRNO.EINVAL
  const common = { ...PLAIN, nr: 56, args, name: 'clone', flags: flags | 0, exitSignal }
  return makeTask(k, t, { ...common, pidFd: parentTid, stack, parentTid, childTid, tls })
}

/** Sizes of struct clone_args that exist (CLONE_ARGS_SIZE_VER0 and the current one). */
const CLONE_ARGS = { least: 64, now: 88 }

function clone3(k: Kernel, t: Task, args: number[]): number {
  if (t.wait !== null) return afterVfork(t)
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
  if (field(64) !== 0 || field(72) !== 0) return k.refuse(t, 'clone3 with set_tid', 'EPERM')
  if (flags >= 0x2_0000_0000) return k.refuse(t, `clone3 with flags ${hex(flags)}`, 'EINVAL')
  if (exitSignal > SIGNAL_MAX || flags & 0xff || flags & CLONE.detached) return -ERRNO.EINVAL
  if (flags & (CLONE.thread | CLONE.parent) && exitSignal !== 0) return -ERRNO.EINVAL
  if ((stack === 0) !== (stackSize === 0)) return -ERRNO.EINVAL
  return makeTask(k, t, {
    nr: 435,
    args,
    name: 'clone3',
    flags: flags | 0,
    clearsHandlers: flags >= CLEAR_SIGHAND,
    exitSignal,
    pidFd: field(8),
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
    const parts = [`flags=${cloneFlagsText(flags - (flags % 256))}`]
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

const support = 'partial: nobody may make namespaces (EPERM); threads share descriptors and directory'

export const cloneCalls: readonly Declaration[] = [
  syscall(56, 'clone', cloneArgs, number, clone, { support }),
  syscall(57, 'fork', [], number, (k, t) => makeTask(k, t, { ...PLAIN, nr: 57, name: 'fork', flags: 0 })),
  syscall(58, 'vfork', [], number, vfork),
  syscall(
    435,
    'clone3',
    [
      ['cl_args', cloneStruct],
      ['size', size],
    ],
    number,
    clone3,
    { support },
  ),
]
