/** Exists to move bytes through pipes and FIFOs (pipe(7)): a ring of bytes with readers and writers. */
import { powerOfTwoFrom } from '../../base/powers.ts'
import type { Kernel } from '../kernel.ts'
import { signalActivity } from './description.ts'
import type { Description, FsState, Pipe } from './state.ts'

/** Writes of up to this many bytes are atomic (pipe(7)). */
export const PIPE_BUF = 4096
/** Capacity of a new pipe. */
const PIPE_SIZE = 65536
/** /proc/sys/fs/pipe-max-size. */
export const PIPE_MAX = 1048576

export function addPipe(fs: FsState, packets = false): Pipe {
  const pipe: Pipe = {
    id: fs.nextPipe++,
    buffer: new Uint8Array(PIPE_SIZE),
    packets: packets ? [] : null,
    start: 0,
    used: 0,
    readers: 0,
    writers: 0,
    readerOpens: 0,
    writerOpens: 0,
    ends: [],
  }
  fs.pipes.set(pipe.id, pipe)
  return pipe
}

/** Counts a description as an end of its pipe. */
export function joinPipe(k: Kernel, description: Description): void {
  const pipe = k.state.fs.pipes.get(description.pipe)!
  const access = description.flags & 3
  if (access !== 1) {
    pipe.readers++
    pipe.readerOpens++
  }
  if (access !== 0) {
    pipe.writers++
    pipe.writerOpens++
  }
  pipe.ends.push(description.id)
  for (const end of pipe.ends) if (end !== description.id) signalActivity(k, end, 'both')
}

/** Takes the oldest bytes out, at most `max`; writers hear of the room. */
export function takeFromPipe(k: Kernel, pipe: Pipe, max: number): Uint8Array {
  const out = peekPipe(pipe, max)
  // What does not fit of a packet is lost.
  const count = pipe.packets?.shift() ?? out.length
  pipe.start = (pipe.start + count) % pipe.buffer.length
  pipe.used -= count
  if (count > 0) tellEnds(k, pipe, 'write')
  return out
}

/** A copy of the oldest bytes, at most `max`, which stay where they are. */
export function peekPipe(pipe: Pipe, max: number): Uint8Array {
  const count = Math.min(max, pipe.packets?.[0] ?? pipe.used)
  const out = new Uint8Array(count)
  const first = Math.min(count, pipe.buffer.length - pipe.start)
  out.set(pipe.buffer.subarray(pipe.start, pipe.start + first))
  out.set(pipe.buffer.subarray(0, count - first), first)
  return out
}

/** Appends bytes, which must fit; readers hear of them. */
export function putIntoPipe(k: Kernel, pipe: Pipe, data: Uint8Array): void {
  const end = (pipe.start + pipe.used) % pipe.buffer.length
  const first = Math.min(data.length, pipe.buffer.length - end)
  pipe.buffer.set(data.subarray(0, first), end)
  pipe.buffer.set(data.subarray(first), 0)
  pipe.used += data.length
  if (pipe.packets !== null && data.length > 0) pipe.packets.push(data.length)
  if (data.length > 0) tellEnds(k, pipe, 'read')
}

function tellEnds(k: Kernel, pipe: Pipe, events: 'read' | 'write'): void {
  for (const id of pipe.ends) {
    const access = k.state.fs.descriptions.get(id)!.flags & 3
    if (access === 2 || (events === 'read' ? access === 0 : access === 1)) signalActivity(k, id, events)
  }
}

/** Bytes that can be put into it now. */
export function roomInPipe(pipe: Pipe): number {
  if (pipe.packets !== null && pipe.packets.length * PIPE_BUF >= pipe.buffer.length) return 0
  return pipe.buffer.length - pipe.used
}

/** F_SETPIPE_SZ: the next power of two of pages; false when what is in it does not fit. */
export function resizePipe(pipe: Pipe, bytes: number): boolean {
  const capacity = powerOfTwoFrom(Math.max(4096, bytes))
  if (pipe.used > capacity) return false
  const buffer = new Uint8Array(capacity)
  const first = Math.min(pipe.used, pipe.buffer.length - pipe.start)
  buffer.set(pipe.buffer.subarray(pipe.start, pipe.start + first))
  buffer.set(pipe.buffer.subarray(0, pipe.used - first), first)
  pipe.buffer = buffer
  pipe.start = 0
  return true
}
