/** Exists to move bytes between guest memory and files by the rules of readv(2): a list of ranges, the first bad page ends the transfer. */
import type { AddressSpace } from '../../engine/address-space.ts'
import { ATTRIBUTE } from '../../engine/layout.ts'
import { ERRNO } from '../errno.ts'
import { u64At } from '../arguments.ts'

/** A range of guest memory that a call names. */
export interface Segment {
  start: number
  length: number
}

/** Bytes that one call transfers at most (MAX_RW_COUNT: INT_MAX rounded down to a page). */
export const MAX_TRANSFER = 0x7fff_f000
/** End of the addresses that a program can have at all (TASK_SIZE_MAX). */
const TASK_END = 0x7fff_ffff_f000
/** UIO_MAXIOV. */
const IOV_MAX = 1024

/** The segments of a struct iovec array, or -EFAULT, -EINVAL. */
export function readIovec(space: AddressSpace, address: number, count: number): Segment[] | number {
  if (count < 0 || count > IOV_MAX) return -ERRNO.EINVAL
  const bytes = space.read(address, count * 16)
  if (bytes === null) return -ERRNO.EFAULT
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const segments: Segment[] = []
  let total = 0
  for (let i = 0; i < count; i++) {
    const length = u64At(view, i * 16 + 8)
    if (view.getInt32(i * 16 + 12, true) < 0) return -ERRNO.EINVAL
    const start = u64At(view, i * 16)
    if (count > 1 && start + length > TASK_END) return -ERRNO.EFAULT
    segments.push({ start, length: Math.min(length, MAX_TRANSFER - total) })
    total += segments[i]!.length
  }
  return segments
}

export function totalLength(segments: readonly Segment[]): number {
  return segments.reduce((sum, { length }) => sum + length, 0)
}

/** How many bytes of the segments can be transferred before the first page that forbids it (attribute bits), at most `max`. */
function reachable(space: AddressSpace, segments: readonly Segment[], forbidden: number, max: number): number {
  let total = 0
  for (const { start, length } of segments) {
    const wanted = Math.min(length, max - total)
    const count = wanted === 0 ? 0 : space.accessible(start, wanted, forbidden)
    total += count
    if (count < wanted || total === max) break
  }
  return total
}

/** Bytes that can be stored into the segments, at most `max`. */
export const writable = (space: AddressSpace, segments: readonly Segment[], max: number): number =>
  reachable(space, segments, ATTRIBUTE.noWrite, max)

/** Stores `data`, for which there is room, into the segments in order. */
export function scatter(space: AddressSpace, segments: readonly Segment[], data: Uint8Array): void {
  let done = 0
  for (const { start, length } of segments) {
    const count = Math.min(length, data.length - done)
    if (count > 0) space.poke(start, data.subarray(done, done + count))
    done += count
    if (done === data.length) return
  }
}

/** A copy of the segments' bytes from `skip` on, up to the first unreadable page; at most `max` bytes. */
export function gather(space: AddressSpace, segments: readonly Segment[], skip = 0, max = MAX_TRANSFER): Uint8Array {
  const count = Math.max(0, reachable(space, segments, ATTRIBUTE.noRead, skip + max) - skip)
  const data = new Uint8Array(count)
  let at = -skip
  for (const { start, length } of segments) {
    const from = Math.max(0, -at)
    const size = Math.min(length - from, count - Math.max(0, at))
    if (size > 0) data.set(space.bytes.subarray(start + from, start + from + size), at + from)
    at += length
    if (at >= count) break
  }
  return data
}
