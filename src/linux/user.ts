/** Exists to move the structures that several calls share between guest memory and numbers. */
import { ATTRIBUTE } from '../engine/layout.ts'
import { i64At, setI64 } from './arguments.ts'
import { ERRNO } from './errno.ts'
import { NS_PER_SECOND, type TimeOfDay } from './clock.ts'
import type { Kernel } from './kernel.ts'
import type { Task } from './state.ts'

/** Seconds and nanoseconds of a number of nanoseconds. */
export function split(ns: number): TimeOfDay {
  const seconds = Math.floor(ns / NS_PER_SECOND)
  return { seconds, ns: ns - seconds * NS_PER_SECOND }
}

/** Two 64-bit integers at `address`, or null (EFAULT). */
function readPair(k: Kernel, t: Task, address: number): [number, number] | null {
  const space = k.space(t)
  if (space.read(address, 16) === null) return null
  return [i64At(space.view, address), i64At(space.view, address + 8)]
}

function writePair(k: Kernel, t: Task, address: number, first: number, second: number): number {
  const space = k.space(t)
  if (space.accessible(address, 16, ATTRIBUTE.noWrite) < 16) return -ERRNO.EFAULT
  space.willWrite(address, 16)
  setI64(space.view, address, first)
  setI64(space.view, address + 8, second)
  return 0
}

/** A struct timespec; -EFAULT, or -EINVAL when it is negative or has too many nanoseconds. */
export function readTimespec(k: Kernel, t: Task, address: number): TimeOfDay | number {
  const pair = readPair(k, t, address)
  if (pair === null) return -ERRNO.EFAULT
  const [seconds, ns] = pair
  return seconds < 0 || ns < 0 || ns >= NS_PER_SECOND ? -ERRNO.EINVAL : { seconds, ns }
}

/** Writes a struct timespec; 0 or -EFAULT. */
export function writeTimespec(k: Kernel, t: Task, address: number, { seconds, ns }: TimeOfDay): number {
  return writePair(k, t, address, seconds, ns)
}

/** A struct timeval in nanoseconds; -EFAULT or -EINVAL as for readTimespec. */
export function readTimeval(k: Kernel, t: Task, address: number): TimeOfDay | number {
  const pair = readPair(k, t, address)
  if (pair === null) return -ERRNO.EFAULT
  const [seconds, us] = pair
  return seconds < 0 || us < 0 || us >= 1_000_000 ? -ERRNO.EINVAL : { seconds, ns: us * 1000 }
}

/** Writes a struct timeval, rounding down to microseconds; 0 or -EFAULT. */
export function writeTimeval(k: Kernel, t: Task, address: number, { seconds, ns }: TimeOfDay): number {
  return writePair(k, t, address, seconds, Math.floor(ns / 1000))
}
