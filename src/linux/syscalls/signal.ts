/** Exists to declare the calls that send, block, await and handle signals. */
import { REG } from '../../ir/registers.ts'
import {
  asInt,
  asU64,
  i64At,
  int,
  number,
  oneOf,
  shown,
  size,
  structIn,
  structOut,
  structText,
  timespecIn,
  u64At,
} from '../arguments.ts'
import { NS_PER_SECOND } from '../clock.ts'
import { BLOCKED, syscall, type ArgType, type CallView, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import { altStackFlags, popFrame, writeInfo } from '../signal-frame.ts'
import {
  bit,
  CODE,
  defaultAction,
  SIG,
  SIG_DFL,
  SIG_IGN,
  SIGNAL_MAX,
  SS,
  signalName,
  UNBLOCKABLE,
} from '../signal-names.ts'
import { actionText, infoText, maskText, sigset } from '../signal-text.ts'
import {
  dequeue,
  dropPending,
  forceSignal,
  maySignal,
  pendingSet,
  reconsider,
  sendToProcess,
  sendToTask,
  setSignalMask,
  signalInfo,
  userSignal,
} from '../signals.ts'
import type { AltStack, SignalInfo, Task } from '../state.ts'
import { flagsText, hex, pointerText, type FlagTable } from '../strace.ts'
import { NO_RESULT, newWait } from '../tasks.ts'
import { readTimespec } from '../user.ts'

const SIGSET_SIZE = 8
const ACTION_SIZE = 32

function rtSigaction(k: Kernel, t: Task, args: number[]): number {
  const [signal, newAction, oldAction, setSize] = args as [number, number, number, number]
  if (setSize !== SIGSET_SIZE) return -ERRNO.EINVAL
  const space = k.space(t)
  const given = newAction === 0 ? undefined : space.read(newAction, ACTION_SIZE)?.slice()
  if (newAction !== 0 && given === undefined) return -ERRNO.EFAULT
  if (signal < 1 || signal > SIGNAL_MAX || (given && (bit(signal) & UNBLOCKABLE) !== 0n)) return -ERRNO.EINVAL
  const process = k.process(t)
  const action = process.actions[signal]!
  const before = new DataView(new ArrayBuffer(ACTION_SIZE))
  before.setBigUint64(0, BigInt(action.handler), true)
  before.setBigUint64(8, BigInt(action.flags), true)
  before.setBigUint64(16, BigInt(action.restorer), true)
  before.setBigUint64(24, action.mask, true)
  if (given) {
    const view = new DataView(given.buffer)
    action.handler = u64At(view, 0)
    action.flags = view.getUint32(8, true)
    action.restorer = u64At(view, 16)
    action.mask = view.getBigUint64(24, true) & ~UNBLOCKABLE
    const effect = defaultAction(signal)
    const ignored =
      action.handler === SIG_IGN || (action.handler === SIG_DFL && (effect === 'ignore' || effect === 'continue'))
    // Ignoring a signal forgets one that is pending, blocked or not (POSIX, sigaction).
    if (ignored) dropPending(k.state, process, bit(signal))
  }
  if (oldAction !== 0 && !space.write(oldAction, new Uint8Array(before.buffer))) return -ERRNO.EFAULT
  return 0
}

function readSet(k: Kernel, t: Task, address: number): bigint | null {
  return k.space(t).readU64(address)
}

const HOW = { block: 0, unblock: 1, setMask: 2 }

function rtSigprocmask(k: Kernel, t: Task, args: number[]): number {
  const [how, setAddress, oldAddress, setSize] = args as [number, number, number, number]
  if (setSize !== SIGSET_SIZE) return -ERRNO.EINVAL
  const before = t.signalMask
  if (setAddress !== 0) {
    const set = readSet(k, t, setAddress)
    if (set === null) return -ERRNO.EFAULT
    if (how === HOW.block) setSignalMask(k, t, before | set)
    else if (how === HOW.unblock) setSignalMask(k, t, before & ~set)
    else if (how === HOW.setMask) setSignalMask(k, t, set)
    else return -ERRNO.EINVAL
  }
  if (oldAddress !== 0 && !k.space(t).writeU64(oldAddress, before)) return -ERRNO.EFAULT
  return 0
}

function rtSigpending(k: Kernel, t: Task, [address, setSize]: number[]): number {
  if (setSize! > SIGSET_SIZE) return -ERRNO.EINVAL
  const set = (pendingSet(t.pending) | pendingSet(k.process(t).pending)) & t.signalMask
  const bytes = new Uint8Array(new BigUint64Array([set]).buffer).subarray(0, setSize)
  return k.space(t).write(address!, bytes) ? 0 : -ERRNO.EFAULT
}

function rtSigsuspend(k: Kernel, t: Task, args: number[]): number {
  if (t.wait !== null) return BLOCKED
  if (args[1] !== SIGSET_SIZE) return -ERRNO.EINVAL
  const set = readSet(k, t, args[0]!)
  if (set === null) return -ERRNO.EFAULT
  t.savedMask = t.signalMask
  setSignalMask(k, t, set)
  t.wait = newWait({ nr: 130, args, kind: 'signal', restart: 'eintr' })
  return BLOCKED
}

function pause(_k: Kernel, t: Task, args: number[]): number {
  t.wait ??= newWait({ nr: 34, args, kind: 'signal', restart: 'eintr' })
  return BLOCKED
}

function rtSigtimedwait(k: Kernel, t: Task, args: number[]): number {
  const [setAddress, infoAddress, timeout, setSize] = args as [number, number, number, number]
  if (setSize !== SIGSET_SIZE) return -ERRNO.EINVAL
  let wanted = t.wait?.signals
  let deadline = t.wait?.deadline ?? null
  if (wanted === undefined) {
    const set = readSet(k, t, setAddress)
    if (set === null) return -ERRNO.EFAULT
    wanted = set & ~UNBLOCKABLE
    if (timeout !== 0) {
      const time = readTimespec(k, t, timeout)
      if (typeof time === 'number') return time
      deadline = k.now() + time.seconds * NS_PER_SECOND + time.ns
    }
  }
  const process = k.process(t)
  const info = dequeue(t, process, wanted)
  if (info !== null) {
    reconsider(t, process)
    if (infoAddress === 0) return info.signal
    const bytes = new Uint8Array(128)
    writeInfo(bytes, info)
    return k.space(t).write(infoAddress, bytes) ? info.signal : -ERRNO.EFAULT
  }
  if (deadline !== null && deadline <= k.now()) return -ERRNO.EAGAIN
  t.wait = newWait({ nr: 128, args, kind: 'signal', deadline, restart: 'eintr', signals: wanted })
  return BLOCKED
}

function kill(k: Kernel, t: Task, args: number[]): number {
  const [pid, signal] = args as [number, number]
  const { processes, tasks } = k.state
  const own = k.process(t)
  const group = pid === 0 ? own.pgid : -pid
  // A thread's id stands for its process.
  const named = pid > 0 ? (tasks.get(pid)?.pid ?? pid) : 0
  const targets = [...processes.values()].filter((process) =>
    pid > 0 ? process.pid === named : pid === -1 ? process !== own : process.pgid === group,
  )
  if (targets.length === 0) return -ERRNO.ESRCH
  if (signal < 0 || signal > SIGNAL_MAX) return -ERRNO.EINVAL
  // Signal 0 and those to zombies have no effect, but succeed.
  const allowed = targets.filter((process) => maySignal(k, t, process, signal))
  if (allowed.length === 0) return -ERRNO.EPERM
  if (signal !== 0) for (const process of allowed) sendToProcess(k, process, userSignal(t, signal, CODE.user))
  return 0
}

/** The thread of tgkill and its kin; `pid` null for any process. Undefined is ESRCH. */
function threadOf(k: Kernel, pid: number | null, tid: number): Task | undefined {
  const target = k.state.tasks.get(tid)
  return target !== undefined && (pid === null || target.pid === pid) ? target : undefined
}

function tgkill(k: Kernel, t: Task, pid: number | null, tid: number, signal: number): number {
  if (tid <= 0 || (pid !== null && pid <= 0)) return -ERRNO.EINVAL
  const target = threadOf(k, pid, tid)
  if (target === undefined) return -ERRNO.ESRCH
  if (signal < 0 || signal > SIGNAL_MAX) return -ERRNO.EINVAL
  if (signal !== 0) sendToTask(k, target, userSignal(t, signal, CODE.tkill))
  return 0
}

/** A siginfo that the program made itself; -EPERM for a code that only the kernel may use towards others. */
export function readInfo(k: Kernel, t: Task, address: number, signal: number, toSelf: boolean): SignalInfo | number {
  const bytes = k.space(t).read(address, 128)
  if (bytes === null) return -ERRNO.EFAULT
  const view = new DataView(bytes.buffer, bytes.byteOffset, 128)
  const code = view.getInt32(8, true)
  if ((code >= 0 || code === CODE.tkill) && !toSelf) return -ERRNO.EPERM
  const value = view.getBigUint64(24, true)
  const info = signalInfo(signal, code, {
    errno: view.getInt32(4, true),
    pid: view.getInt32(16, true),
    uid: view.getUint32(20, true),
    value,
  })
  if (code > 0) info.address = view.getBigUint64(16, true)
  return info
}

function rtSigqueueinfo(k: Kernel, t: Task, args: number[]): number {
  const [pid, signal, address] = args as [number, number, number]
  const info = readInfo(k, t, address, signal, pid === t.pid)
  if (typeof info === 'number') return info
  const process = k.state.processes.get(pid)
  if (process === undefined) return -ERRNO.ESRCH
  if (signal < 0 || signal > SIGNAL_MAX) return -ERRNO.EINVAL
  if (signal !== 0) sendToProcess(k, process, info)
  return 0
}

function rtTgsigqueueinfo(k: Kernel, t: Task, args: number[]): number {
  const [pid, tid, signal, address] = args as [number, number, number, number]
  if (pid <= 0 || tid <= 0) return -ERRNO.EINVAL
  const info = readInfo(k, t, address, signal, tid === t.tid)
  if (typeof info === 'number') return info
  const target = threadOf(k, pid, tid)
  if (target === undefined) return -ERRNO.ESRCH
  if (signal < 0 || signal > SIGNAL_MAX) return -ERRNO.EINVAL
  if (signal !== 0) sendToTask(k, target, info)
  return 0
}

/** MINSIGSTKSZ as the kernel checks it on a processor without AVX. */
const MIN_STACK = 2048

function sigaltstack(k: Kernel, t: Task, [newAddress, oldAddress]: number[]): number {
  const space = k.space(t)
  const rsp = k.cpu.gpr(REG.rsp)
  const now = t.altStack
  const before = new DataView(new ArrayBuffer(24))
  before.setBigUint64(0, BigInt(now.base), true)
  before.setUint32(8, (altStackFlags(now, rsp) | (now.flags & SS.autoDisarm)) >>> 0, true)
  before.setBigUint64(16, BigInt(now.size), true)
  if (newAddress !== 0) {
    const bytes = space.read(newAddress!, 24)
    if (bytes === null) return -ERRNO.EFAULT
    const view = new DataView(bytes.buffer, bytes.byteOffset, 24)
    const result = setAltStack(t, { base: u64At(view, 0), flags: view.getUint32(8, true), size: u64At(view, 16) }, rsp)
    if (result !== 0) return result
  }
  if (oldAddress !== 0 && !space.write(oldAddress!, new Uint8Array(before.buffer))) return -ERRNO.EFAULT
  return 0
}

/** do_sigaltstack: 0 or a negative errno. */
function setAltStack(t: Task, stack: AltStack, rsp: bigint): number {
  if (altStackFlags(t.altStack, rsp) === SS.onStack) return -ERRNO.EPERM
  const mode = (stack.flags & ~SS.autoDisarm) >>> 0
  if (mode !== 0 && mode !== SS.disable && mode !== SS.onStack) return -ERRNO.EINVAL
  if (mode === SS.disable) {
    t.altStack = { base: 0, size: 0, flags: stack.flags }
    return 0
  }
  if (stack.size < MIN_STACK) return -ERRNO.ENOMEM
  t.altStack = stack
  return 0
}

function rtSigreturn(k: Kernel, t: Task): number {
  const frame = popFrame(k, t)
  if (frame === null) {
    forceSignal(k, t, signalInfo(SIG.segv, CODE.kernel))
    return NO_RESULT
  }
  setSignalMask(k, t, frame.mask)
  // Errors are nobody's: the frame may hold what the handler wrote.
  setAltStack(t, frame.stack, k.cpu.gpr(REG.rsp))
  return NO_RESULT
}

export const signalArg = shown(asInt, (value) => signalName(value))

const actionArg = structIn(ACTION_SIZE, (view) => actionText(view))
/** A set's signals; only its address when the call's last argument, the set's size, is not the kernel's. */
const setText: ArgType['text'] = (value, call) =>
  call.args.at(-1) === SIGSET_SIZE ? maskText(value, call) : pointerText(value)
const setIn: ArgType = {
  decode: asU64,
  when: 'in',
  text: setText,
  reads: (value) => [{ start: value, length: SIGSET_SIZE }],
}
const setOut: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, call) => (call.result === null || call.result < 0 ? pointerText(value) : setText(value, call)),
  writes: (value) => [{ start: value, length: SIGSET_SIZE }],
}

const STACK_FLAGS: FlagTable = [
  [SS.onStack, 'SS_ONSTACK'],
  [SS.disable, 'SS_DISABLE'],
  [SS.autoDisarm, 'SS_AUTODISARM'],
]

function stackText(view: DataView): string {
  const mode = flagsText(view.getUint32(8, true), STACK_FLAGS, 'SS_???')
  return `{ss_sp=${pointerText(u64At(view, 0))}, ss_flags=${mode}, ss_size=${i64At(view, 16)}}`
}

export const infoIn = structIn(128, (view) => infoText(view))
const infoOut: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, call: CallView) =>
    call.result === null || call.result < 0
      ? pointerText(value)
      : structText(value, 128, (view) => infoText(view), call),
  writes: (value) => [{ start: value, length: 128 }],
}
const setSizeArg = ['sigsetsize', size] as const

export const signalCalls: readonly Declaration[] = [
  syscall(
    13,
    'rt_sigaction',
    [
      ['signum', signalArg],
      ['act', actionArg],
      ['oldact', structOut(ACTION_SIZE, (view) => actionText(view))],
      setSizeArg,
    ],
    number,
    rtSigaction,
  ),
  syscall(
    14,
    'rt_sigprocmask',
    [
      [
        'how',
        oneOf(
          [
            [0, 'SIG_BLOCK'],
            [1, 'SIG_UNBLOCK'],
            [2, 'SIG_SETMASK'],
          ],
          'SIG_???',
        ),
      ],
      ['set', setIn],
      ['oldset', setOut],
      setSizeArg,
    ],
    number,
    rtSigprocmask,
  ),
  syscall(
    15,
    'rt_sigreturn',
    [
      [
        'frame',
        {
          decode: () => 0,
          when: 'in',
          text: (_value, { k, t, space }) => {
            const rsp = new DataView(k.registers(t).buffer, k.registers(t).byteOffset).getBigUint64(REG.rsp * 8, true)
            const mask = space.readU64(Number(rsp) + 296)
            return mask === null ? hex(Number(rsp)) : `{mask=${sigset(mask)}}`
          },
        },
      ],
    ],
    number,
    rtSigreturn,
  ),
  syscall(34, 'pause', [], number, pause),
  syscall(
    62,
    'kill',
    [
      ['pid', int],
      ['sig', signalArg],
    ],
    number,
    kill,
  ),
  syscall(127, 'rt_sigpending', [['set', setOut], setSizeArg], number, rtSigpending),
  syscall(
    128,
    'rt_sigtimedwait',
    [['uthese', setIn], ['uinfo', infoOut], ['uts', timespecIn], setSizeArg],
    (result) => `${result} (${signalName(result)})`,
    rtSigtimedwait,
  ),
  syscall(
    129,
    'rt_sigqueueinfo',
    [
      ['tgid', int],
      ['sig', signalArg],
      ['uinfo', infoIn],
    ],
    number,
    rtSigqueueinfo,
  ),
  syscall(130, 'rt_sigsuspend', [['mask', setIn], setSizeArg], number, rtSigsuspend),
  syscall(
    131,
    'sigaltstack',
    [
      ['ss', structIn(24, stackText)],
      ['old_ss', structOut(24, stackText)],
    ],
    number,
    sigaltstack,
  ),
  syscall(
    200,
    'tkill',
    [
      ['tid', int],
      ['sig', signalArg],
    ],
    number,
    (k, t, [tid, signal]) => tgkill(k, t, null, tid!, signal!),
  ),
  syscall(
    234,
    'tgkill',
    [
      ['tgid', int],
      ['tid', int],
      ['sig', signalArg],
    ],
    number,
    (k, t, [pid, tid, signal]) => tgkill(k, t, pid!, tid!, signal!),
  ),
  syscall(
    297,
    'rt_tgsigqueueinfo',
    [
      ['tgid', int],
      ['tid', int],
      ['sig', signalArg],
      ['uinfo', infoIn],
    ],
    number,
    rtTgsigqueueinfo,
  ),
]
