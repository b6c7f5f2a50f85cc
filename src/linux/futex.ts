/** Exists to implement futexes on plain data: queues of waiting tasks per key, and what a dying thread leaves behind (futex(2), get_robust_list(2)). */
import { ERRNO } from './errno.ts'
import type { Kernel } from './kernel.ts'
import { MAP } from './mm.ts'
import type { FutexKey, Task } from './state.ts'
import { leaveFutex, wake } from './tasks.ts'

/** Bits of a futex word that the kernel shares with the C library (priority-inheriting and robust ones). */
export const WORD = { waiters: 0x8000_0000, ownerDied: 0x4000_0000, tid: 0x3fff_ffff } as const

export const ANY_BITSET = 0xffff_ffff

/** Longest robust list that is followed (ROBUST_LIST_LIMIT). */
const ROBUST_LIST_LIMIT = 2048

/**
 * The key of the futex at `address`, or a negative errno. A private one is its place in the address space. One that may be shared is the file's
 * page if it lies in a shared file mapping; in private memory it is told apart from the private one of the same place, as Linux does.
 */
export function futexKey(k: Kernel, t: Task, address: number, shared: boolean): FutexKey {
  const id = k.process(t).spaceId
  if (!shared) return id * 0x1_0000_0000 + address
  const mapping = k.memory(t).at(address)
  if (mapping?.file && mapping.flags & MAP.shared)
    return `${mapping.file.inode}:${mapping.file.offset + address - mapping.start}`
  return id * 0x1_0000_0000 + address + 1
}

/** Why a futex address cannot be one: -EINVAL when misaligned, -EFAULT outside user space, else 0. */
export function checkAddress(address: number): number {
  if (address % 4 !== 0) return -ERRNO.EINVAL
  return address < 0x8000_0000_0000 ? 0 : -ERRNO.EFAULT
}

/** Puts a task at the end of a queue. */
export function enqueue(k: Kernel, t: Task, key: FutexKey): void {
  const queue = k.state.futexes.get(key)
  if (queue === undefined) k.state.futexes.set(key, [t.tid])
  else queue.push(t.tid)
}

/** Takes one waiter whose bitset meets `bitset` from the queue, the strategy choosing which; it does not wake it. Undefined when there is none. */
function takeWaiter(k: Kernel, key: FutexKey, bitset: number): Task | undefined {
  const queue = k.state.futexes.get(key)
  if (queue === undefined) return undefined
  const { tasks, strategy } = k.state
  const matching = queue.filter((tid) => (tasks.get(tid)!.wait!.futex!.bitset & bitset) !== 0)
  if (matching.length === 0) return undefined
  const t = tasks.get(matching[k.strategy.choose(strategy, matching.length)]!)!
  leaveFutex(k.state, t, key)
  const { all } = t.wait!.futex!
  if (all !== undefined) t.wait!.detail = { woken: all.indexOf(key) }
  return t
}

/** Wakes up to `count` waiters, but at least one (as Linux does even for 0); returns how many. */
export function wakeFutex(k: Kernel, key: FutexKey, count: number, bitset: number): number {
  let woken = 0
  do {
    const t = takeWaiter(k, key, bitset)
    if (t === undefined) break
    wake(k, t, 'ready')
    woken++
  } while (woken < count)
  return woken
}

/** Wakes up to `count` waiters of `from` and moves up to `move` others to `to`; returns how many of both. */
export function requeueFutex(k: Kernel, from: FutexKey, to: FutexKey, count: number, move: number): number {
  let done = 0
  while (done < count + move) {
    const t = takeWaiter(k, from, ANY_BITSET)
    if (t === undefined) break
    if (done < count) wake(k, t, 'ready')
    else {
      const waiting = t.wait!.futex!
      if (waiting.all === undefined) waiting.key = to
      else waiting.all[waiting.all.indexOf(from)] = to
      enqueue(k, t, to)
    }
    done++
  }
  return done
}

/**
 * Gives a priority-inheriting futex whose owner lets go to a waiter of the strategy's choice: `flags` (OWNER_DIED or 0) go into the word with
 * the new owner. False when nobody waits.
 */
export function passOn(k: Kernel, t: Task, address: number, key: FutexKey, flags: number): boolean {
  const next = takeWaiter(k, key, ANY_BITSET)
  if (next === undefined) return false
  const more = k.state.futexes.has(key) ? WORD.waiters : 0
  k.space(t).writeU32(address, (next.tid | more | flags) >>> 0)
  wake(k, next, 'ready')
  return true
}

/**
 * Gives one waiter of `from` the priority-inheriting futex `to` at `address` if it is free, and makes up to `move` others (or all but that one) wait for it.
 * How many of both; -EINVAL when somebody among them did not say that he would wait for that futex, -EFAULT.
 */
export function requeueToPi(k: Kernel, t: Task, from: FutexKey, to: FutexKey, address: number, move: number): number {
  const space = k.space(t)
  let done = 0
  while (done < 1 + move) {
    const word = space.readU32(address)
    if (word === null) return -ERRNO.EFAULT
    const next = takeWaiter(k, from, ANY_BITSET)
    if (next === undefined) break
    if ((next.wait!.detail as { inheriting?: number } | undefined)?.inheriting !== address) {
      enqueue(k, next, from)
      return -ERRNO.EINVAL
    }
    if ((word & WORD.tid) === 0 && !k.state.futexes.has(to)) {
      space.writeU32(address, (next.tid | (word & WORD.ownerDied)) >>> 0)
      wake(k, next, 'ready')
    } else {
      space.writeU32(address, (word | WORD.waiters) >>> 0)
      next.wait!.futex!.key = to
      next.wait!.detail = { inheriting: address, requeued: true }
      enqueue(k, next, to)
    }
    done++
  }
  return done
}

/** Marks the robust futexes that a dying thread holds and wakes a waiter of each; a list that cannot be read ends there. */
export function exitRobustList(k: Kernel, t: Task): void {
  const space = k.space(t)
  const head = t.robustList
  t.robustList = 0
  const rawOffset = space.readU64(head + 8)
  const pending = address(space.readU64(head + 16))
  let entry = address(space.readU64(head))
  if (rawOffset === null || pending === null) return
  // From a list entry to its futex word; usually negative.
  const offset = Number(BigInt.asIntN(64, rawOffset))
  for (let i = 0; entry !== null && entry - (entry % 2) !== head && i < ROBUST_LIST_LIMIT; i++) {
    // The next one is read first: who is woken may free the entry.
    const at = entry - (entry % 2)
    const next = address(space.readU64(at))
    if (entry !== pending) releaseDead(k, t, at + offset, entry % 2 === 1, false)
    entry = next
  }
  if (pending !== 0) releaseDead(k, t, pending - (pending % 2) + offset, pending % 2 === 1, true)
}

/** One futex of a dying thread: becomes OWNER_DIED when it really holds it. */
function releaseDead(k: Kernel, t: Task, at: number, inheriting: boolean, pending: boolean): void {
  const space = k.space(t)
  const word = at % 4 === 0 ? space.readU32(at) : null
  if (word === null) return
  const key = futexKey(k, t, at, true)
  if (pending && !inheriting && word === 0) {
    wakeFutex(k, key, 1, ANY_BITSET)
    return
  }
  if ((word & WORD.tid) !== t.tid) return
  if (inheriting && passOn(k, t, at, key, WORD.ownerDied)) return
  space.writeU32(at, ((word & WORD.waiters) | WORD.ownerDied) >>> 0)
  if (!inheriting && word & WORD.waiters) wakeFutex(k, key, 1, ANY_BITSET)
}

function address(value: bigint | null): number | null {
  return value === null ? null : Number(value)
}
