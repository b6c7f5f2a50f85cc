/** Exists to keep the files that are registered with an io_uring, which operations name by index instead of descriptor. */
import { ERRNO } from '../errno.ts'
import { closeFd, describe, descriptionOf, releaseDescription } from '../fs/description.ts'
import type { Description } from '../fs/state.ts'
import type { Kernel } from '../kernel.ts'
import type { Process, Task } from '../state.ts'
import type { Ring } from './state.ts'

/** In lists of descriptors: no file, and leave what is there. */
const NONE = -1
const SKIP = -2
/** file_index: any free place. */
const ANY = -1

export function fixedFile(k: Kernel, ring: Ring, index: number): Description | undefined {
  return k.state.fs.descriptions.get(ring.files?.[index] ?? 0)
}

/** Puts a description at the place that file_index names: its number if any place would do, else 0, or a negative errno. */
function place(k: Kernel, ring: Ring, found: Description, wanted: number): number {
  if (ring.files === null) return -ERRNO.ENXIO
  const [start, end] = ring.range ?? [0, ring.files.length]
  const free = ring.files.indexOf(0, start)
  const index = wanted === ANY ? (free < end ? free : -1) : wanted - 1
  if (index < 0) return -ERRNO.ENFILE
  if (index >= ring.files.length) return -ERRNO.EINVAL
  found.refs++
  const before = ring.files[index]!
  ring.files[index] = found.id
  if (before !== 0) releaseDescription(k, before)
  return wanted === ANY ? index : 0
}

/** A descriptor that an operation has made becomes a registered file. */
export function moveToFixed(k: Kernel, process: Process, ring: Ring, fd: number, wanted: number): number {
  const result = place(k, ring, describe(k.state.fs, process, fd)!, wanted)
  closeFd(k, process, fd)
  return result
}

/** Registers a file of one ring with another. */
export function passFixed(k: Kernel, from: Ring, index: number, to: Ring, wanted: number): number {
  const found = fixedFile(k, from, index)
  return found === undefined ? -ERRNO.EBADF : place(k, to, found, wanted)
}

/** The list of `count` descriptors at `address`; null for EFAULT. */
export function readDescriptors(k: Kernel, t: Task, address: number, count: number): number[] | null {
  const bytes = k.space(t).read(address, count * 4)
  if (bytes === null) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from({ length: count }, (_, i) => view.getInt32(i * 4, true))
}

/** Registers descriptors for the first time. */
export function registerFiles(k: Kernel, t: Task, ring: Ring, numbers: number[] | null): number {
  if (ring.files !== null) return -ERRNO.EBUSY
  if (numbers === null) return -ERRNO.EFAULT
  if (numbers.length === 0) return -ERRNO.EINVAL
  const found = numbers.map((number) => (number === NONE ? null : descriptionOf(k, t, number)))
  if (found.includes(undefined) || found.some((d) => d?.type === 'ring')) return -ERRNO.EBADF
  ring.files = found.map((d) => {
    if (d === null) return 0
    d!.refs++
    return d!.id
  })
  return 0
}

export function unregisterFiles(k: Kernel, ring: Ring): number {
  if (ring.files === null) return -ERRNO.ENXIO
  const held = ring.files
  ring.files = null
  for (const id of held) if (id !== 0) releaseDescription(k, id)
  return 0
}

/** Puts other descriptors where registered ones are; how many, or a negative errno if there was none. */
export function updateFiles(k: Kernel, t: Task, ring: Ring, start: number, address: number, count: number): number {
  if (ring.files === null) return -ERRNO.ENXIO
  if (start + count > ring.files.length) return -ERRNO.EINVAL
  const numbers = readDescriptors(k, t, address, count)
  if (numbers === null) return -ERRNO.EFAULT
  for (let i = 0; i < count; i++) {
    const number = numbers[i]!
    if (number === SKIP) continue
    const d = number === NONE ? null : descriptionOf(k, t, number)
    if (d === undefined || d?.type === 'ring') return i > 0 ? i : -ERRNO.EBADF
    const before = ring.files[start + i]!
    if (d !== null) d.refs++
    ring.files[start + i] = d?.id ?? 0
    if (before !== 0) releaseDescription(k, before)
  }
  return count
}

/** Registers descriptors wherever there is room, and puts the indices where they were listed (IORING_FILE_INDEX_ALLOC). */
export function placeFiles(k: Kernel, t: Task, ring: Ring, address: number, count: number): number {
  if (ring.files === null) return -ERRNO.ENXIO
  const numbers = readDescriptors(k, t, address, count)
  if (numbers === null) return -ERRNO.EFAULT
  for (let i = 0; i < count; i++) {
    const d = descriptionOf(k, t, numbers[i]!)
    const index = d === undefined ? -ERRNO.EBADF : place(k, ring, d, ANY)
    if (index < 0) return i > 0 ? i : index
    k.space(t).writeU32(address + 4 * i, index)
  }
  return count
}
