/** Exists to keep the two queues of an io_uring in the memory that it shares with its program (io_uring(7)). */
import { stir } from '../fs/activity.ts'
import { writeEventfd } from '../fs/event-files.ts'
import { inodeOf } from '../fs/inode.ts'
import { readFile, writeFile } from '../fs/mapping.ts'
import type { Description } from '../fs/state.ts'
import type { Kernel } from '../kernel.ts'
import type { Ring } from './state.ts'

/** Bytes of an entry and of a completion. */
export const SQE_SIZE = 64
const CQE_SIZE = 16

/** Where things are in the file of the rings; the array of indices follows the completions. */
export const AT = {
  sqHead: 0,
  sqTail: 4,
  cqHead: 8,
  cqTail: 12,
  sqMask: 16,
  cqMask: 20,
  sqEntries: 24,
  cqEntries: 28,
  dropped: 32,
  sqFlags: 36,
  cqFlags: 40,
  cqOverflow: 44,
  cqes: 64,
} as const

const SETUP_NO_ARRAY = 0x1_0000
const CQ_OVERFLOW = 2
const EVENTFD_DISABLED = 1

/** Where the array of indices begins. */
export const arrayAt = (ring: { completions: number }): number => AT.cqes + ring.completions * CQE_SIZE

/** Bytes of the rings. */
export const ringsSize = (ring: { entries: number; completions: number }): number => arrayAt(ring) + 4 * ring.entries

function readWord(k: Kernel, ring: Ring, at: number): number {
  const bytes = readFile(k, inodeOf(k.state.fs, ring.rings), at, 4)
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true)
}

export function writeWord(k: Kernel, ring: Ring, at: number, value: number): void {
  writeFile(k, inodeOf(k.state.fs, ring.rings), at, new Uint8Array(new Uint32Array([value]).buffer))
}

/** How many completions the program has not taken yet, those without room included. */
export function waiting(k: Kernel, ring: Ring): number {
  return ((ring.posted - readWord(k, ring, AT.cqHead)) >>> 0) + ring.overflow.length
}

/** What poll(2) says of it: completions to be taken, room for entries. */
export function ringMask(k: Kernel, ring: Ring): number {
  const full = offered(k, ring) >= ring.entries
  return (waiting(k, ring) > 0 ? 0x41 : 0) | (full ? 0 : 0x104)
}

/** How many entries have been put into the queue and not been taken. */
export function offered(k: Kernel, ring: Ring): number {
  return (readWord(k, ring, AT.sqTail) - ring.taken) >>> 0
}

/** The next entry as it is now; null for an index that there is not, which is dropped. */
export function takeEntry(k: Kernel, ring: Ring): Uint8Array | null {
  const slot = ring.taken & (ring.entries - 1)
  const index = ring.flags & SETUP_NO_ARRAY ? slot : readWord(k, ring, arrayAt(ring) + 4 * slot)
  ring.taken = (ring.taken + 1) >>> 0
  if (index >= ring.entries) {
    writeWord(k, ring, AT.dropped, readWord(k, ring, AT.dropped) + 1)
    return null
  }
  return readFile(k, inodeOf(k.state.fs, ring.sqes), index * SQE_SIZE, SQE_SIZE).slice()
}

/** Tells the program how far its entries have been taken. */
export function publishHead(k: Kernel, ring: Ring): void {
  writeWord(k, ring, AT.sqHead, ring.taken)
}

/** An operation has ended: its completion goes into the queue, or waits until there is room. */
export function post(k: Kernel, d: Description, data: bigint, result: number, flags: number, later: boolean): void {
  const ring = d.ring!
  if (ring.overflow.length > 0 || !put(k, ring, data, result, flags)) {
    ring.overflow.push([data, result, flags])
    writeWord(k, ring, AT.sqFlags, readWord(k, ring, AT.sqFlags) | CQ_OVERFLOW)
  }
  stir(k, d.id, 'read')
  const told =
    ring.eventfd === 0 || (ring.eventfdAsync && !later) ? undefined : k.state.fs.descriptions.get(ring.eventfd)
  if (told !== undefined && !(readWord(k, ring, AT.cqFlags) & EVENTFD_DISABLED)) writeEventfd(k, told, 1n)
}

function put(k: Kernel, ring: Ring, data: bigint, result: number, flags: number): boolean {
  if ((ring.posted - readWord(k, ring, AT.cqHead)) >>> 0 >= ring.completions) return false
  const bytes = new Uint8Array(CQE_SIZE)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, data, true)
  view.setInt32(8, result, true)
  view.setUint32(12, flags, true)
  const slot = ring.posted & (ring.completions - 1)
  writeFile(k, inodeOf(k.state.fs, ring.rings), AT.cqes + slot * CQE_SIZE, bytes)
  ring.posted = (ring.posted + 1) >>> 0
  writeWord(k, ring, AT.cqTail, ring.posted)
  return true
}

/** Completions that found no room go into the queue as far as there is some now. */
export function flushOverflow(k: Kernel, ring: Ring): void {
  if (ring.overflow.length === 0) return
  while (ring.overflow.length > 0 && put(k, ring, ...ring.overflow[0]!)) ring.overflow.shift()
  if (ring.overflow.length === 0) writeWord(k, ring, AT.sqFlags, readWord(k, ring, AT.sqFlags) & ~CQ_OVERFLOW)
}
