/** Exists to hold what eventfd(2) and timerfd_create(2) descriptors count. */
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import { realtimeToMonotonicNs } from '../clock.ts'
import { signalActivity } from './description.ts'
import type { Description } from './state.ts'

/** EFD_SEMAPHORE, kept among the description's flags where no O_* flag is. */
export const SEMAPHORE = 0x4000_0000
/** Highest value of an eventfd's counter. */
const COUNTER_MAX = 0xffff_ffff_ffff_fffen

/** The counter's value, which becomes 0 (or 1 less, in semaphore mode); -EAGAIN when it is 0. */
export function readEventfd(k: Kernel, d: Description): bigint | number {
  if (d.counter === 0n) return -ERRNO.EAGAIN
  const value = d.flags & SEMAPHORE ? 1n : d.counter
  d.counter -= value
  signalActivity(k, d.id, 'write')
  return value
}

/** Adds to the counter; -EAGAIN when it would overflow. */
export function writeEventfd(k: Kernel, d: Description, value: bigint): number {
  if (value > COUNTER_MAX) return -ERRNO.EINVAL
  if (d.counter + value > COUNTER_MAX) return -ERRNO.EAGAIN
  d.counter += value
  signalActivity(k, d.id, 'read')
  return 8
}

/** Whether a counter takes at least 1 more. */
export function eventfdWritable(d: Description): boolean {
  return d.counter < COUNTER_MAX
}

/** CLOCK_MONOTONIC ns of a timer's next expiration, or null while it is not armed. */
export function timerExpiry(d: Description): number | null {
  return d.timer !== null && d.timer.at !== 0 ? d.timer.at : null
}

/** How often a timer has expired since it was last read. */
export function timerTicks(k: Kernel, d: Description): number {
  const at = timerExpiry(d)
  const now = k.now()
  if (at === null || now < at) return 0
  return d.timer!.interval === 0 ? 1 : 1 + Math.floor((now - at) / d.timer!.interval)
}

/** The number of expirations, which starts again from 0; -EAGAIN when there was none. */
export function readTimerfd(k: Kernel, d: Description): bigint | number {
  const ticks = timerTicks(k, d)
  if (ticks === 0) return -ERRNO.EAGAIN
  const timer = d.timer!
  // Expirations that were read stay counted, so that the next one is told apart from them.
  d.activity += ticks
  timer.at = timer.interval === 0 ? 0 : timer.at + ticks * timer.interval
  return BigInt(ticks)
}

/** Whether a clock of timerfd_create counts from 1970. */
function isRealtime(clock: number): boolean {
  return clock === 0 || clock === 8
}

/** An absolute time of the timer's clock as CLOCK_MONOTONIC ns. */
export function toMonotonic(k: Kernel, clock: number, seconds: number, ns: number): number {
  return isRealtime(clock) ? realtimeToMonotonicNs(k.state, seconds, ns) : seconds * 1e9 + ns
}
