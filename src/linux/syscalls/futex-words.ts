/** Exists to declare what Linux 6.7 made of futex(2): a call each for waiting, waking and requeueing, with the size of the word among the flags. */
import { asUint, hexU64, hexUint, int, number, ptr, shown, structText, timespecText, u64At } from '../arguments.ts'
import { NS_PER_SECOND, realtimeToMonotonicNs } from '../clock.ts'
import { BLOCKED, syscall, type ArgType, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { checkAddress, enqueue, futexKey, requeueFutex, wakeFutex } from '../futex.ts'
import type { Kernel } from '../kernel.ts'
import type { FutexKey, Task } from '../state.ts'
import { flagsText, hex } from '../strace.ts'
import { newWait } from '../tasks.ts'
import { readTimespec } from '../user.ts'

const WAIT_NR = 455
/** struct futex_waitv: value, address, flags, and 32 bits that must be 0. */
const WAITER_SIZE = 24
const SIZE_32 = 2
const PRIVATE = 128

/** The key of a word, or a negative errno. */
function keyOf(k: Kernel, t: Task, address: number, how: number): { key: FutexKey } | number {
  // FUTEX2_NUMA and FUTEX2_MPOL came later still; words of other sizes are not there yet.
  if ((how & ~PRIVATE) !== SIZE_32) return -ERRNO.EINVAL
  const bad = checkAddress(address)
  if (bad !== 0) return bad
  const shared = (how & PRIVATE) === 0
  if (shared && k.space(t).readU32(address) === null) return -ERRNO.EFAULT
  return { key: futexKey(k, t, address, shared) }
}

/** A set of bits that waiters and wakers have in common: 32 of them, and not none. */
const isSet = (mask: number): boolean => mask > 0 && mask <= 0xffff_ffff

function futexWake(k: Kernel, t: Task, [address, mask, count, how]: number[]): number {
  if ((how! & ~PRIVATE) !== SIZE_32 || !isSet(mask!)) return -ERRNO.EINVAL
  const found = keyOf(k, t, address!, how!)
  if (typeof found === 'number') return found
  return count! <= 0 ? 0 : wakeFutex(k, found.key, count!, mask! | 0)
}

function futexWait(k: Kernel, t: Task, args: number[]): number {
  const [address, value, mask, how, timeout, clock] = args as [number, number, number, number, number, number]
  const waited = t.wait
  if (waited !== null) {
    if (waited.outcome === 'ready') return 0
    if (waited.outcome === 'timeout') return -ERRNO.ETIMEDOUT
    if (waited.outcome === 'signal') return BLOCKED
    t.wait = null
  }
  if ((how & ~PRIVATE) !== SIZE_32 || value > 0xffff_ffff || !isSet(mask)) return -ERRNO.EINVAL
  let deadline: number | null = null
  if (timeout !== 0) {
    if (clock !== 0 && clock !== 1) return -ERRNO.EINVAL
    const time = readTimespec(k, t, timeout)
    if (typeof time === 'number') return time
    deadline =
      clock === 1
        ? time.seconds * NS_PER_SECOND + time.ns
        : Math.max(0, realtimeToMonotonicNs(k.state, time.seconds, time.ns))
  }
  const found = keyOf(k, t, address, how)
  if (typeof found === 'number') return found
  const now = k.space(t).readU32(address)
  if (now === null) return -ERRNO.EFAULT
  if (now !== value) return -ERRNO.EAGAIN
  t.wait = newWait({ nr: WAIT_NR, args, kind: 'futex', deadline, futex: { key: found.key, bitset: mask | 0 } })
  enqueue(k, t, found.key)
  return BLOCKED
}

function futexRequeue(k: Kernel, t: Task, [list, given, wake, move]: number[]): number {
  if (given !== 0 || list === 0) return -ERRNO.EINVAL
  const space = k.space(t)
  const bytes = space.read(list!, 2 * WAITER_SIZE)
  if (bytes === null) return -ERRNO.EFAULT
  const view = new DataView(bytes.buffer, bytes.byteOffset, 2 * WAITER_SIZE)
  const words = [0, WAITER_SIZE].map((at) => ({ address: u64At(view, at + 8), how: view.getUint32(at + 16, true) }))
  if (view.getUint32(20, true) !== 0 || view.getUint32(WAITER_SIZE + 20, true) !== 0) return -ERRNO.EINVAL
  if (words.some(({ how }) => (how & ~PRIVATE) !== SIZE_32) || wake! < 0 || move! < 0) return -ERRNO.EINVAL
  const [from, to] = words.map(({ address, how }) => keyOf(k, t, address, how))
  if (typeof from === 'number') return from
  if (typeof to === 'number') return to
  const now = space.readU32(words[0]!.address)
  if (now === null) return -ERRNO.EFAULT
  if (now !== view.getUint32(0, true)) return -ERRNO.EAGAIN
  return requeueFutex(k, from!.key, to!.key, wake!, move!)
}

const word: ArgType = { ...ptr, reads: (value) => [{ start: value, length: 4 }] }
const how = shown(asUint, (value) =>
  flagsText(
    value,
    [
      [PRIVATE | SIZE_32, 'FUTEX2_PRIVATE|FUTEX2_SIZE_U32'],
      [SIZE_32, 'FUTEX2_SIZE_U32'],
      [PRIVATE, 'FUTEX2_PRIVATE'],
    ],
    'FUTEX2_???',
  ),
)
const limit: ArgType = {
  ...ptr,
  text: (value, call) => structText(value, 16, (view) => timespecText(view), call),
  reads: (value) => (value === 0 ? [] : [{ start: value, length: 16 }]),
}
const clockName = shown(asUint, (value) => ['CLOCK_REALTIME', 'CLOCK_MONOTONIC'][value] ?? hex(value))

export const wordFutexCalls: readonly Declaration[] = [
  syscall(
    454,
    'futex_wake',
    [
      ['uaddr', ptr],
      ['mask', hexU64],
      ['nr', int],
      ['flags', how],
    ],
    number,
    futexWake,
  ),
  syscall(
    WAIT_NR,
    'futex_wait',
    [
      ['uaddr', word],
      ['val', hexU64],
      ['mask', hexU64],
      ['flags', how],
      ['timeout', limit],
      ['clockid', clockName],
    ],
    number,
    futexWait,
  ),
  syscall(
    456,
    'futex_requeue',
    [
      ['waiters', { ...ptr, reads: (value) => [{ start: value, length: 2 * WAITER_SIZE }] }],
      ['flags', hexUint],
      ['nr_wake', int],
      ['nr_requeue', int],
    ],
    number,
    futexRequeue,
  ),
]
