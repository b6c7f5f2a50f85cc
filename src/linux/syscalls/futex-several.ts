/** Exists to declare futex_waitv(2): a wait on several futexes at once. */
import { asUint, number, ptr, shown, structText, timespecText, uint, u64At } from '../arguments.ts'
import { NS_PER_SECOND, realtimeToMonotonicNs } from '../clock.ts'
import { BLOCKED, syscall, type ArgType, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { ANY_BITSET, checkAddress, enqueue, futexKey } from '../futex.ts'
import type { Kernel } from '../kernel.ts'
import type { FutexKey, Task } from '../state.ts'
import { hex } from '../strace.ts'
import { newWait } from '../tasks.ts'
import { readTimespec } from '../user.ts'

const NR = 449
/** FUTEX_WAITV_MAX. */
const MOST = 128
/** struct futex_waitv: value, address, flags, and 32 bits that must be 0. */
const WAITER_SIZE = 24
const FUTEX_32 = 2
const PRIVATE = 128
const CLOCK = { realtime: 0, monotonic: 1 } as const

/** Waits until one of the words is woken; which one. */
function futexWaitv(k: Kernel, t: Task, args: number[]): number {
  const waited = t.wait
  if (waited !== null) {
    if (waited.outcome === 'ready') return (waited.detail as { woken: number }).woken
    if (waited.outcome === 'timeout') return -ERRNO.ETIMEDOUT
    if (waited.outcome === 'signal') return BLOCKED
    // A signal without handler ended the wait: it begins again.
    t.wait = null
  }
  const [list, count, given, timeout, clock] = args as [number, number, number, number, number]
  if (given !== 0 || count === 0 || count > MOST || list === 0) return -ERRNO.EINVAL
  let deadline: number | null = null
  if (timeout !== 0) {
    if (clock !== CLOCK.realtime && clock !== CLOCK.monotonic) return -ERRNO.EINVAL
    const time = readTimespec(k, t, timeout)
    if (typeof time === 'number') return time
    deadline =
      clock === CLOCK.monotonic
        ? time.seconds * NS_PER_SECOND + time.ns
        : Math.max(0, realtimeToMonotonicNs(k.state, time.seconds, time.ns))
  }
  const space = k.space(t)
  const waiters: { address: number; value: number; shared: boolean }[] = []
  for (let i = 0; i < count; i++) {
    const bytes = space.read(list + i * WAITER_SIZE, WAITER_SIZE)
    if (bytes === null) return -ERRNO.EFAULT
    const view = new DataView(bytes.buffer, bytes.byteOffset, WAITER_SIZE)
    const how = view.getUint32(16, true)
    if (how & ~(FUTEX_32 | PRIVATE) || view.getUint32(20, true) !== 0 || !(how & FUTEX_32)) return -ERRNO.EINVAL
    waiters.push({ address: u64At(view, 8), value: view.getUint32(0, true), shared: !(how & PRIVATE) })
  }
  const all: FutexKey[] = []
  for (const { address, shared } of waiters) {
    const bad = checkAddress(address)
    if (bad !== 0) return bad
    if (shared && space.readU32(address) === null) return -ERRNO.EFAULT
    all.push(futexKey(k, t, address, shared))
  }
  for (const { address, value } of waiters) {
    const now = space.readU32(address)
    if (now === null) return -ERRNO.EFAULT
    if (now !== value) return -ERRNO.EAGAIN
  }
  t.wait = newWait({ nr: NR, args, kind: 'futex', deadline, futex: { key: all[0]!, bitset: ANY_BITSET, all } })
  for (const key of all) enqueue(k, t, key)
  return BLOCKED
}

const waiterList: ArgType = {
  ...ptr,
  reads: (value, { args }) => [{ start: value, length: WAITER_SIZE * Math.min(args[1]!, MOST) }],
}
const limit: ArgType = {
  ...ptr,
  text: (value, call) => structText(value, 16, (view) => timespecText(view), call),
  reads: (value) => (value === 0 ? [] : [{ start: value, length: 16 }]),
}
const clockName = shown(asUint, (value) => ['CLOCK_REALTIME', 'CLOCK_MONOTONIC'][value] ?? hex(value))

export const severalFutexCalls: readonly Declaration[] = [
  syscall(
    NR,
    'futex_waitv',
    [
      ['waiters', waiterList],
      ['nr_futexes', uint],
      ['flags', uint],
      ['timeout', limit],
      ['clockid', clockName],
    ],
    number,
    futexWaitv,
  ),
]
