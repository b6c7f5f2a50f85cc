/** Exists to hold what poll, select and epoll_wait share: time limits, temporary signal masks, and waiting for any of several descriptions. */
import { ERRNO } from '../errno.ts'
import { BLOCKED } from '../declare.ts'
import type { Kernel } from '../kernel.ts'
import { setSignalMask } from '../signals.ts'
import type { FdInterest, Task } from '../state.ts'
import { newWait } from '../tasks.ts'
import { timerExpiry } from './event-files.ts'

/** How long a call may wait: 0 not at all, Infinity for ever, else until this moment of CLOCK_MONOTONIC in ns. */
export type Limit = number

/** The limit of a call that may wait `ns` from now; negative for ever. Once it waits, the limit it began with. */
export function limitOf(k: Kernel, t: Task, ns: number): Limit {
  const before = t.wait?.detail as { limit: Limit } | undefined
  if (before) return before.limit
  return ns < 0 ? Infinity : ns === 0 ? 0 : k.now() + ns
}

/** Whether the time is up. */
export function isOver(k: Kernel, limit: Limit): boolean {
  return limit === 0 || k.now() >= limit
}

/** Nanoseconds left, 0 when it is over. */
export function left(k: Kernel, limit: Limit): number {
  return limit === 0 ? 0 : Math.max(0, limit - k.now())
}

/** Waits until one of the descriptions has news or the time is up; timers among them end the wait as well. */
export function waitForAny(
  k: Kernel,
  t: Task,
  nr: number,
  args: number[],
  fds: FdInterest[],
  limit: Limit,
): typeof BLOCKED {
  let deadline = limit
  for (const { id } of fds) deadline = Math.min(deadline, nextExpiry(k, id, 0))
  t.wait = newWait({
    nr,
    args,
    kind: 'fd',
    restart: 'eintr',
    deadline: deadline === Infinity ? null : deadline,
    fds,
    detail: { limit },
  })
  return BLOCKED
}

/** When a timer among what a description watches expires next; those that have expired wake by being readable. */
function nextExpiry(k: Kernel, id: number, depth: number): number {
  const d = k.state.fs.descriptions.get(id)
  if (!d) return Infinity
  let next = Infinity
  const at = d.type === 'timerfd' ? timerExpiry(d) : null
  if (at !== null) {
    const { interval } = d.timer!
    const now = k.now()
    // An expiration that is already past has been seen: only the next one is news.
    next = at > now ? at : interval > 0 ? at + (Math.floor((now - at) / interval) + 1) * interval : Infinity
  }
  if (depth < 5) for (const item of d.items?.values() ?? []) next = Math.min(next, nextExpiry(k, item.id, depth + 1))
  return next
}

/** Sets the mask of ppoll, pselect6 and epoll_pwait for as long as the call lasts: 0, -EFAULT or -EINVAL. */
export function applyMask(k: Kernel, t: Task, address: number, size: number): number {
  if (address === 0 || t.wait !== null) return 0
  if (size !== 8) return -ERRNO.EINVAL
  const mask = k.space(t).readU64(address)
  if (mask === null) return -ERRNO.EFAULT
  t.savedMask = t.signalMask
  setSignalMask(k, t, mask)
  return 0
}
