/** Exists to turn the instruction count into the time that the guest reads, and timed waits into instruction counts. */
import type { KernelState, TimedEvent } from './state.ts'

export const NS_PER_SECOND = 1_000_000_000

/** CLOCK_MONOTONIC at `count` executed instructions, in nanoseconds. Exact: below 2^53 for more than a hundred days. */
export function monotonicNs(state: KernelState, count: number = state.count): number {
  return state.constants.bootNs + state.clock.jumpedNs + count * state.constants.nsPerInstruction
}

/** A time as seconds and nanoseconds below 10^9, as in struct timespec. */
export interface TimeOfDay {
  seconds: number
  ns: number
}

/** CLOCK_REALTIME now. */
export function realtime(state: KernelState): TimeOfDay {
  const since = monotonicNs(state) - state.constants.bootNs
  const seconds = Math.floor(since / NS_PER_SECOND)
  return { seconds: state.constants.epochSeconds + seconds, ns: since - seconds * NS_PER_SECOND }
}

/** What CLOCK_REALTIME has that CLOCK_MONOTONIC has not, as (seconds, ns): constant, since nobody sets the clock. */
export function realtimeToMonotonicNs(state: KernelState, seconds: number, ns: number): number {
  return (seconds - state.constants.epochSeconds) * NS_PER_SECOND + ns + state.constants.bootNs
}

/** The first instruction count at which CLOCK_MONOTONIC has reached `at`. */
export function countAt(state: KernelState, at: number): number {
  const { bootNs, nsPerInstruction } = state.constants
  return Math.ceil((at - bootNs - state.clock.jumpedNs) / nsPerInstruction)
}

/** Lets time pass without instructions until `at`, which lies not in the past: every task waits. */
export function jumpTo(state: KernelState, at: number): void {
  const now = monotonicNs(state)
  if (at > now) state.clock.jumpedNs += at - now
}

/** Adds an event; equal times stay in the order in which they were added. */
export function addEvent(state: KernelState, at: number, kind: TimedEvent['kind'], id: number, timer = 0): void {
  const events = state.events
  let low = 0
  let high = events.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (events[middle]!.at <= at) low = middle + 1
    else high = middle
  }
  events.splice(low, 0, { at, order: state.nextOrder++, kind, id, timer })
}

/** Removes the event of this kind and owner, if there is one. */
export function removeEvent(state: KernelState, kind: TimedEvent['kind'], id: number, timer = 0): void {
  const index = state.events.findIndex((event) => event.kind === kind && event.id === id && event.timer === timer)
  if (index >= 0) state.events.splice(index, 1)
}
