/** Exists to read, write and cut the bytes of regular files: private chunks that shadow the host's content, which is never changed. */
import { powerOfTwoFrom } from '../../base/powers.ts'
import type { World } from '../../host/host.ts'
import { errnoOf } from '../errno.ts'
import type { FileContent } from './state.ts'

/** Bytes per private chunk. */
export const CHUNK = 32768

/** Host contents by world and path: only a cache, since a world gives the same answer again. */
const hostContents = new WeakMap<World, Map<string, Uint8Array | number>>()

/** The host's bytes of a file, or a negative errno. The caller does not change them. */
export function hostBytes(world: World, path: string): Uint8Array | number {
  let known = hostContents.get(world)
  if (known === undefined) {
    known = new Map()
    hostContents.set(world, known)
  }
  let found = known.get(path)
  if (found === undefined) {
    const answer = world.content(path)
    found = typeof answer === 'string' ? -errnoOf(answer) : answer
    known.set(path, found)
  }
  return found
}

/** An empty private file. */
export function emptyContent(): FileContent {
  return { size: 0, host: null, hostLimit: 0, chunks: new Map() }
}

/** The host's content of a file as far as it shows through. */
function base(world: World, file: FileContent): Uint8Array {
  if (file.host === null || file.hostLimit === 0) return new Uint8Array(0)
  const bytes = hostBytes(world, file.host)
  return typeof bytes === 'number' ? new Uint8Array(0) : bytes.subarray(0, file.hostLimit)
}

/** Copies bytes from `offset` on into `out`; returns how many there were (0 at the end of the file). */
export function readContent(world: World, file: FileContent, offset: number, out: Uint8Array): number {
  const length = Math.min(out.length, file.size - offset)
  if (length <= 0) return 0
  const host = base(world, file)
  let done = 0
  while (done < length) {
    const at = offset + done
    const index = Math.floor(at / CHUNK)
    const within = at - index * CHUNK
    const count = Math.min(CHUNK - within, length - done)
    const chunk = file.chunks.get(index)
    const source = chunk ? chunk.subarray(within, within + count) : host.subarray(at, at + count)
    out.set(source, done)
    if (source.length < count) out.fill(0, done + source.length, done + count)
    done += count
  }
  return length
}

/** Stores `data` at `offset`, growing the file as needed; a gap reads as zeros. */
export function writeContent(world: World, file: FileContent, offset: number, data: Uint8Array): void {
  let done = 0
  while (done < data.length) {
    const at = offset + done
    const index = Math.floor(at / CHUNK)
    const within = at - index * CHUNK
    const count = Math.min(CHUNK - within, data.length - done)
    privateChunk(world, file, index, within + count).set(data.subarray(done, done + count), within)
    done += count
  }
  if (data.length > 0) file.size = Math.max(file.size, offset + data.length)
}

/** Sets the size: what lies behind a smaller one is lost, a larger one reads as zeros. */
export function truncateContent(file: FileContent, size: number): void {
  if (size < file.size) {
    const last = Math.floor(size / CHUNK)
    for (const index of file.chunks.keys()) if (index > last) file.chunks.delete(index)
    file.chunks.get(last)?.fill(0, size - last * CHUNK)
    file.hostLimit = Math.min(file.hostLimit, size)
  }
  file.size = size
}

/** Makes `[start, end)` read as zeros without changing the size (fallocate's FALLOC_FL_PUNCH_HOLE, ZERO_RANGE). */
export function zeroContent(world: World, file: FileContent, start: number, end: number): void {
  const stop = Math.min(end, file.size)
  for (let at = start; at < stop;) {
    const index = Math.floor(at / CHUNK)
    const next = Math.min(stop, (index + 1) * CHUNK)
    if (file.chunks.has(index) || at < file.hostLimit)
      privateChunk(world, file, index, next - index * CHUNK).fill(0, at - index * CHUNK, next - index * CHUNK)
    at = next
  }
}

/** The chunk `index`, made private and at least `length` bytes long. */
function privateChunk(world: World, file: FileContent, index: number, length: number): Uint8Array {
  const old = file.chunks.get(index)
  if (old !== undefined && old.length >= length) return old
  const source = old ?? base(world, file).subarray(index * CHUNK, (index + 1) * CHUNK)
  const wanted = Math.max(length, source.length)
  const chunk = new Uint8Array(Math.min(CHUNK, powerOfTwoFrom(Math.max(256, wanted))))
  chunk.set(source)
  file.chunks.set(index, chunk)
  return chunk
}

/** What SEEK_DATA and SEEK_HOLE tell apart, in bytes. */
const HOLE_UNIT = 4096

/** Whether the unit of the file that begins at `at` is a hole: nobody has stored anything but zeros there. */
function isHole(file: FileContent, at: number): boolean {
  const chunk = file.chunks.get(Math.floor(at / CHUNK))
  if (chunk === undefined) return at >= file.hostLimit
  const within = at % CHUNK
  return chunk.subarray(within, within + HOLE_UNIT).every((byte) => byte === 0)
}

/** The first byte at or behind `from` that lies in data (or, for `hole`, in a hole); null when there is none before the end of the file. */
export function seekContent(file: FileContent, from: number, hole: boolean): number | null {
  for (let at = from - (from % HOLE_UNIT); at < file.size;) {
    if (isHole(file, at) === hole) return Math.max(from, at)
    const index = Math.floor(at / CHUNK)
    const isBlank = !hole && !file.chunks.has(index) && at >= file.hostLimit
    at = isBlank ? nextChunk(file, index) * CHUNK : at + HOLE_UNIT
  }
  return null
}

/** The first chunk behind `index`; Infinity for none. */
function nextChunk(file: FileContent, index: number): number {
  let next = Infinity
  for (const other of file.chunks.keys()) if (other > index && other < next) next = other
  return next
}

/** Blocks of 512 bytes that the file takes, as st_blocks counts them. */
export function blocksOf(file: FileContent): number {
  let bytes = 0
  const hostChunks = Math.ceil(file.hostLimit / CHUNK)
  for (const [index, chunk] of file.chunks) {
    if (index < hostChunks) continue
    // A chunk has room to grow; what lies behind the end of the file takes nothing.
    const left = file.size - index * CHUNK
    bytes += Math.ceil((left > 0 ? Math.min(chunk.length, left) : chunk.length) / 4096) * 4096
  }
  return (Math.ceil(Math.min(file.hostLimit, file.size) / 4096) * 4096 + bytes) / 512
}
