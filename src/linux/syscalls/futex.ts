/** Exists to declare futex(2) and the robust list calls. */
import { asInt, asU64, asUint, int, number, ptr, shown, size, structText, timespecText } from '../arguments.ts'
import { BLOCKED, syscall, type ArgType, type CallView, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import {
  ANY_BITSET,
  checkAddress,
  enqueue,
  futexKey,
  passOn,
  requeueFutex,
  requeueToPi,
  wakeFutex,
  WORD,
} from '../futex.ts'
import { NS_PER_SECOND, realtimeToMonotonicNs } from '../clock.ts'
import type { Kernel } from '../kernel.ts'
import type { FutexKey, Task } from '../state.ts'
import { hex, pointerText } from '../strace.ts'
import { FUTEX_COMMANDS, FUTEX_COMPARISONS, FUTEX_OPERATIONS } from '../table-task-flags.ts'
import { newWait } from '../tasks.ts'
import { readTimespec } from '../user.ts'

const NR = 202

/** Commands and option bits of futex(2). */
const OP = {
  wait: 0,
  wake: 1,
  requeue: 3,
  cmpRequeue: 4,
  wakeOp: 5,
  lockPi: 6,
  unlockPi: 7,
  trylockPi: 8,
  waitBitset: 9,
  wakeBitset: 10,
  waitRequeuePi: 11,
  cmpRequeuePi: 12,
  lockPi2: 13,
} as const
const PRIVATE = 128
const CLOCK_REALTIME = 256

const commandOf = (op: number): number => op & ~(PRIVATE | CLOCK_REALTIME)

function opText(op: number): string {
  const name = FUTEX_COMMANDS[commandOf(op)]
  if (name === undefined) return `${hex(op >>> 0)} /* FUTEX_??? */`
  return `${name}${op & PRIVATE ? '_PRIVATE' : ''}${op & CLOCK_REALTIME ? '|FUTEX_CLOCK_REALTIME' : ''}`
}

const TIMED: readonly number[] = [OP.wait, OP.lockPi, OP.lockPi2, OP.waitBitset, OP.waitRequeuePi]
const TWO: readonly number[] = [OP.requeue, OP.cmpRequeue, OP.wakeOp, OP.waitRequeuePi, OP.cmpRequeuePi]

/** An argument that only some commands have; a command that nobody knows is shown with all. */
function only(
  decode: ArgType['decode'],
  commands: readonly number[],
  text: (value: number, call: CallView) => string,
): ArgType {
  return shown(decode, (value, call) => {
    const command = commandOf(call.args[1]!)
    return FUTEX_COMMANDS[command] === undefined || commands.includes(command) ? text(value, call) : null
  })
}

/** The fourth argument's low 32 bits: its value as a count. */
const countOf = (value: number): number => (value < 0 ? -value - 1 : value % 0x1_0000_0000) | 0

/** A timespec's address, or a count of which the upper half may be anything: beyond 2^53, where no address is valid, the low half survives as -1 - value. */
const timeoutOrCount: ArgType = {
  decode: (lo, hi) => (hi < 0x20_0000 ? asU64(lo, hi) : -1 - lo),
  when: 'in',
  text: (value, call) => {
    const command = commandOf(call.args[1]!)
    if (TIMED.includes(command)) return structText(value, 16, (view) => timespecText(view), call)
    if (FUTEX_COMMANDS[command] === undefined) return pointerText(value)
    return TWO.includes(command) ? String(countOf(value) >>> 0) : null
  },
  reads: (value, call) => (TIMED.includes(commandOf(call.args[1]!)) ? [{ start: value, length: 16 }] : []),
}

const value3 = only(
  asUint,
  [OP.cmpRequeue, OP.wakeOp, OP.waitBitset, OP.wakeBitset, OP.cmpRequeuePi],
  (word, { args }) => {
    const command = commandOf(args[1]!)
    if (command === OP.wakeOp) return wakeOpText(word)
    if (command === OP.cmpRequeue || command === OP.cmpRequeuePi) return String(word)
    if (FUTEX_COMMANDS[command] === undefined) return hex(word)
    return word === ANY_BITSET ? 'FUTEX_BITSET_MATCH_ANY' : hex(word)
  },
)

function wakeOpText(word: number): string {
  const operation = FUTEX_OPERATIONS[(word >>> 28) & 7] ?? '0x5'
  const shift = word >>> 31 ? 'FUTEX_OP_OPARG_SHIFT<<28|' : ''
  const comparison = FUTEX_COMPARISONS[(word >>> 24) & 15] ?? hex((word >>> 24) & 15)
  return `${shift}${operation}<<28|${hex((word >>> 12) & 0xfff)}<<12|${comparison}<<24|${hex(word & 0xfff)}`
}

/** When a wait ends: null for never, or a negative errno. */
function deadlineOf(k: Kernel, t: Task, op: number, timeout: number): number | null {
  if (timeout === 0) return null
  const time = readTimespec(k, t, timeout)
  if (typeof time === 'number') return time
  const command = commandOf(op)
  if (command === OP.wait) return k.now() + time.seconds * NS_PER_SECOND + time.ns
  // A moment before the machine started is past: that is all that matters.
  if (command === OP.lockPi || op & CLOCK_REALTIME)
    return Math.max(0, realtimeToMonotonicNs(k.state, time.seconds, time.ns))
  return time.seconds * NS_PER_SECOND + time.ns
}

function futex(k: Kernel, t: Task, args: number[]): number {
  const [address, op, value, timeout, address2, word3] = args as [number, number, number, number, number, number]
  if (t.wait !== null) return resume(k, t)
  const command = commandOf(op)
  const shared = (op & PRIVATE) === 0
  const deadline = TIMED.includes(command) ? deadlineOf(k, t, op, timeout) : null
  if (deadline !== null && deadline < 0) return deadline
  if (op & CLOCK_REALTIME && command !== OP.waitBitset && command !== OP.waitRequeuePi && command !== OP.lockPi2)
    return -ERRNO.ENOSYS
  if (command >= FUTEX_COMMANDS.length || command === 2) return -ERRNO.ENOSYS
  const bad = checkAddress(address) || (TWO.includes(command) ? checkAddress(address2) : 0)
  if (bad !== 0) return bad
  // A word that processes share is known by its page.
  if (shared && k.space(t).readU32(address) === null) return -ERRNO.EFAULT
  const key = futexKey(k, t, address, shared)
  switch (command) {
    case OP.wait:
    case OP.waitBitset: {
      const bitset = command === OP.wait ? ANY_BITSET : word3
      if (bitset === 0) return -ERRNO.EINVAL
      return wait(k, t, args, key, bitset, value, deadline)
    }
    case OP.wake:
      return wakeFutex(k, key, value | 0, ANY_BITSET)
    case OP.wakeBitset:
      return word3 === 0 ? -ERRNO.EINVAL : wakeFutex(k, key, value | 0, word3)
    case OP.requeue:
    case OP.cmpRequeue: {
      const move = countOf(timeout)
      if ((value | 0) < 0 || move < 0) return -ERRNO.EINVAL
      if (command === OP.cmpRequeue) {
        const now = k.space(t).readU32(address)
        if (now === null) return -ERRNO.EFAULT
        if (now !== word3) return -ERRNO.EAGAIN
      }
      return requeueFutex(k, key, futexKey(k, t, address2, shared), value | 0, move)
    }
    case OP.wakeOp:
      return wakeOp(k, t, key, value | 0, countOf(timeout), address2, futexKey(k, t, address2, shared), word3)
    case OP.waitRequeuePi: {
      if (address === address2) return -ERRNO.EINVAL
      return waitToLock(k, t, args, key, deadline)
    }
    case OP.cmpRequeuePi: {
      const move = countOf(timeout)
      if (address === address2 || value !== 1 || move < 0) return -ERRNO.EINVAL
      const now = k.space(t).readU32(address)
      if (now === null) return -ERRNO.EFAULT
      if (now !== word3) return -ERRNO.EAGAIN
      return requeueToPi(k, t, key, futexKey(k, t, address2, shared), address2, move)
    }
    case OP.unlockPi:
      return unlockPi(k, t, address, key)
    default:
      return lockPi(k, t, args, key, deadline, command === OP.trylockPi)
  }
}

function wait(
  k: Kernel,
  t: Task,
  args: number[],
  key: FutexKey,
  bitset: number,
  value: number,
  deadline: number | null,
): number {
  const now = k.space(t).readU32(args[0]!)
  if (now === null) return -ERRNO.EFAULT
  if (now !== value) return -ERRNO.EAGAIN
  const restart = deadline === null ? 'restart' : 'restart_block'
  t.wait = newWait({ nr: NR, args, kind: 'futex', deadline, restart, futex: { key, bitset } })
  enqueue(k, t, key)
  return BLOCKED
}

/** FUTEX_WAIT_REQUEUE_PI: waits until FUTEX_CMP_REQUEUE_PI makes it wait for the lock at the second address, and for that. */
function waitToLock(k: Kernel, t: Task, args: number[], key: FutexKey, deadline: number | null): number {
  const result = wait(k, t, args, key, ANY_BITSET, args[2]!, deadline)
  if (result === BLOCKED) {
    t.wait!.detail = { inheriting: args[4]! }
    t.wait!.restart = 'restart'
  }
  return result
}

/** Called when a wait has ended, or must begin again because a signal without handler ended it. */
function resume(k: Kernel, t: Task): number {
  const { outcome, futex, deadline, args, detail } = t.wait!
  if (outcome === 'ready') return 0
  if (outcome === 'timeout') return -ERRNO.ETIMEDOUT
  if (outcome === 'signal') return BLOCKED
  t.wait = null
  const command = commandOf(args[1]!)
  if (command === OP.lockPi || command === OP.lockPi2) return lockPi(k, t, args, futex!.key, deadline, false)
  if (command === OP.waitRequeuePi) {
    // Who waits for the lock already cannot begin again: the word that he waited on has changed.
    const requeued = (detail as { requeued?: boolean } | undefined)?.requeued === true
    return requeued ? -ERRNO.EAGAIN : waitToLock(k, t, args, futex!.key, deadline)
  }
  return wait(k, t, args, futex!.key, futex!.bitset, args[2]!, deadline)
}

/** FUTEX_WAKE_OP: changes the second word, wakes on the first, and on the second if its old value compares. */
function wakeOp(
  k: Kernel,
  t: Task,
  key: FutexKey,
  count: number,
  count2: number,
  address2: number,
  key2: FutexKey,
  code: number,
): number {
  const space = k.space(t)
  const old = space.readU32(address2)
  if (old === null) return -ERRNO.EFAULT
  let operand = (((code >>> 12) & 0xfff) << 20) >> 20
  const compared = ((code & 0xfff) << 20) >> 20
  if (code >>> 31) operand = 1 << (operand & 31)
  const operation = (code >>> 28) & 7
  const results = [operand, old + operand, old | operand, old & ~operand, old ^ operand]
  const comparison = (code >>> 24) & 15
  if (operation >= results.length || comparison >= FUTEX_COMPARISONS.length) return -ERRNO.ENOSYS
  if (!space.writeU32(address2, results[operation]! >>> 0)) return -ERRNO.EFAULT
  const before = old | 0
  const holds = [
    before === compared,
    before !== compared,
    before < compared,
    before <= compared,
    before > compared,
    before >= compared,
  ][comparison]!
  const woken = wakeFutex(k, key, count, ANY_BITSET)
  return holds ? woken + wakeFutex(k, key2, count2, ANY_BITSET) : woken
}

function lockPi(k: Kernel, t: Task, args: number[], key: FutexKey, deadline: number | null, once: boolean): number {
  const address = args[0]!
  const space = k.space(t)
  const word = space.readU32(address)
  if (word === null) return -ERRNO.EFAULT
  const owner = word & WORD.tid
  if (owner === t.tid) return -ERRNO.EDEADLK
  if (owner === 0) {
    const waiters = k.state.futexes.has(key) ? WORD.waiters : 0
    return space.writeU32(address, (t.tid | waiters | (word & WORD.ownerDied)) >>> 0) ? 0 : -ERRNO.EFAULT
  }
  if (!k.state.tasks.has(owner)) return -ERRNO.ESRCH
  if (once) return -ERRNO.EAGAIN
  if (!space.writeU32(address, (word | WORD.waiters) >>> 0)) return -ERRNO.EFAULT
  t.wait = newWait({ nr: NR, args, kind: 'futex', deadline, futex: { key, bitset: ANY_BITSET } })
  enqueue(k, t, key)
  return BLOCKED
}

function unlockPi(k: Kernel, t: Task, address: number, key: FutexKey): number {
  const word = k.space(t).readU32(address)
  if (word === null) return -ERRNO.EFAULT
  if ((word & WORD.tid) !== t.tid) return -ERRNO.EPERM
  if (!passOn(k, t, address, key, 0)) k.space(t).writeU32(address, 0)
  return 0
}

function getRobustList(k: Kernel, t: Task, [pid, head, length]: number[]): number {
  const target = pid === 0 ? t : k.state.tasks.get(pid!)
  if (target === undefined) return -ERRNO.ESRCH
  const space = k.space(t)
  if (!space.writeU64(length!, 24n) || !space.writeU64(head!, BigInt(target.robustList))) return -ERRNO.EFAULT
  return 0
}

const PI: readonly number[] = [OP.lockPi, OP.lockPi2, OP.unlockPi, OP.trylockPi]
/** Commands that only look for waiters of the address, and not at the word. */
const BLIND: readonly number[] = [OP.wake, OP.wakeBitset, OP.requeue, OP.wakeOp]

const firstWord: ArgType = {
  ...ptr,
  reads: (value, { args }) => (BLIND.includes(commandOf(args[1]!)) ? [] : [{ start: value, length: 4 }]),
  writes: (value, { args }) => (PI.includes(commandOf(args[1]!)) ? [{ start: value, length: 4 }] : []),
}
const secondWord: ArgType = {
  ...only(asU64, TWO, pointerText),
  reads: (value, { args }) => (commandOf(args[1]!) === OP.wakeOp ? [{ start: value, length: 4 }] : []),
  writes: (value, { args }) => (commandOf(args[1]!) === OP.wakeOp ? [{ start: value, length: 4 }] : []),
}
const wordOut: ArgType = { ...ptr, writes: (value) => [{ start: value, length: 8 }] }

export const futexCalls: readonly Declaration[] = [
  syscall(
    NR,
    'futex',
    [
      ['uaddr', firstWord],
      ['op', shown(asInt, opText)],
      [
        'val',
        shown(asUint, (value, { args }) =>
          commandOf(args[1]!) === OP.lockPi ||
          commandOf(args[1]!) === OP.unlockPi ||
          commandOf(args[1]!) === OP.trylockPi
            ? null
            : String(value),
        ),
      ],
      ['timeout', timeoutOrCount],
      ['uaddr2', secondWord],
      ['val3', value3],
    ],
    number,
    futex,
    {
      support:
        'partial: FUTEX_FD is ENOSYS, as in Linux since 2.6.26; priorities are not inherited, since turns are given by the strategy',
    },
  ),
  syscall(
    273,
    'set_robust_list',
    [
      ['head', ptr],
      ['len', size],
    ],
    number,
    (_k, t, [head, length]) => {
      if (length !== 24) return -ERRNO.EINVAL
      t.robustList = head!
      return 0
    },
  ),
  syscall(
    274,
    'get_robust_list',
    [
      ['pid', int],
      ['head_ptr', wordOut],
      ['len_ptr', wordOut],
    ],
    number,
    getRobustList,
  ),
]
