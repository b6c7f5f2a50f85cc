/** Exists to move the structures that several calls share between guest memory and numbers. */
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
  return [Number(space.view.getBigInt64(address, true)), Number(space.view.getBigInt64(address + 8, true))]
}

function writePair(k: Kernel, t: Task, address: number, first: number, second: number): number {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  view.setBigInt64(0, BigInt(first), true)
  view.setBigInt64(8, BigInt(second), true)
  return k.space(t).write(address, bytes) ? 0 : -ERRNO.EFAULT
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
