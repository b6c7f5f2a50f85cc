/** Exists to let operations of an io_uring choose where they put what they receive, when there is something (IOSQE_BUFFER_SELECT). */
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { Entry } from './operations.ts'
import type { BufferGroup, Ring } from './state.ts'

/** Highest number of a buffer, and most in a group. */
const MAX_BUFFERS = 65_535
const BUFFER_SIZE = 16
/** Offset of the tail in a ring of buffers: where the first one has a reserved field. */
const TAIL = 14

/** The entry as it is with the buffer that is next. */
export interface Chosen {
  entry: Entry
  number: number
}

const groupOf = (ring: Ring, id: number): BufferGroup | undefined => ring.groups.find((group) => group.id === id)

/** The next buffer of an entry's group; undefined when there is none. */
export function chooseBuffer(k: Kernel, t: Task, ring: Ring, e: Entry): Chosen | undefined {
  const group = groupOf(ring, e.bufIndex)
  const next = group === undefined ? undefined : group.ring === null ? group.list[0] : nextInRing(k, t, group)
  if (next === undefined) return undefined
  const bytes = e.bytes.slice()
  const view = new DataView(bytes.buffer)
  view.setBigUint64(16, BigInt(next.address), true)
  view.setUint32(24, e.len === 0 ? next.length : Math.min(e.len, next.length), true)
  return { entry: new Entry(bytes), number: next.number }
}

function nextInRing(k: Kernel, t: Task, group: BufferGroup): BufferGroup['list'][number] | undefined {
  const { address, entries, head } = group.ring!
  const space = k.space(t)
  const tail = space.read(address + TAIL, 2)
  if (tail === null || (tail[0]! | (tail[1]! << 8)) === head) return undefined
  const bytes = space.read(address + (head & (entries - 1)) * BUFFER_SIZE, BUFFER_SIZE)
  if (bytes === null) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, BUFFER_SIZE)
  return {
    address: Number(view.getBigUint64(0, true)),
    length: view.getUint32(8, true),
    number: view.getUint16(12, true),
  }
}

/** The buffer that was chosen has been filled: it is the program's. */
export function takeBuffer(ring: Ring, id: number): void {
  const group = groupOf(ring, id)!
  if (group.ring === null) group.list.shift()
  else group.ring.head = (group.ring.head + 1) & 0xffff
}

/** IORING_OP_PROVIDE_BUFFERS: `fd` buffers of `len` bytes each from `addr` on, numbered from `off` on. */
export function provide(ring: Ring, e: Entry): number {
  const [count, first] = [e.fd, e.off]
  if (count <= 0 || count > MAX_BUFFERS) return -ERRNO.E2BIG
  if (e.len === 0) return -ERRNO.EINVAL
  if (first > 0xffff) return -ERRNO.E2BIG
  if (first + count - 1 > 0xffff) return -ERRNO.EINVAL
  let group = groupOf(ring, e.bufIndex)
  if (group?.ring) return -ERRNO.EINVAL
  if (group === undefined) ring.groups.push((group = { id: e.bufIndex, list: [], ring: null }))
  for (let i = 0; i < count; i++)
    group.list.push({ address: e.addr + i * e.len, length: e.len, number: (first + i) & 0xffff })
  return 0
}

export function removeBuffers(ring: Ring, id: number, count: number): number {
  if (count <= 0 || count > MAX_BUFFERS) return -ERRNO.EINVAL
  const group = groupOf(ring, id)
  if (group === undefined) return -ERRNO.ENOENT
  if (group.ring !== null) return -ERRNO.EINVAL
  return group.list.splice(0, count).length
}

/** IORING_REGISTER_PBUF_RING: a ring that the program fills with buffers. */
export function registerBufferRing(ring: Ring, id: number, address: number, entries: number): number {
  const group = groupOf(ring, id)
  if (group !== undefined && (group.ring !== null || group.list.length > 0)) return -ERRNO.EEXIST
  if (group !== undefined) group.ring = { address, entries, head: 0 }
  else ring.groups.push({ id, list: [], ring: { address, entries, head: 0 } })
  return 0
}

export function unregisterBufferRing(ring: Ring, id: number): number {
  const index = ring.groups.findIndex((group) => group.id === id)
  if (index < 0) return -ERRNO.ENOENT
  if (ring.groups[index]!.ring === null) return -ERRNO.EINVAL
  ring.groups.splice(index, 1)
  return 0
}
