/** Exists to declare the calls that move bytes from file to file inside the kernel. */
import { fd, number, size, setI64, i64At, uint } from '../arguments.ts'
import { BLOCKED, syscall, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { descriptionOf } from '../fs/description.ts'
import { inodeOf } from '../fs/inode.ts'
import { readFile } from '../fs/mapping.ts'
import { type Description } from '../fs/state.ts'
import { writeBytes } from '../fs/transfer.ts'
import { roomInPipe, putIntoPipe } from '../fs/pipe.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { newWait } from '../tasks.ts'
import { offsetIn, offsetInOut } from './file-text.ts'

const NONBLOCK = 0o4000

/** A 64-bit offset in guest memory; null for a null pointer, which means the description's own. */
function offsetAt(k: Kernel, t: Task, address: number): number | null | 'fault' {
  if (address === 0) return null
  const bytes = k.space(t).read(address, 8)
  return bytes === null ? 'fault' : i64At(new DataView(bytes.buffer, bytes.byteOffset, 8), 0)
}

function storeOffset(k: Kernel, t: Task, address: number, value: number): boolean {
  const bytes = new Uint8Array(8)
  setI64(new DataView(bytes.buffer), 0, value)
  return k.space(t).write(address, bytes)
}

/** Longest piece that sendfile moves at once: the rest is a short count, which its callers must expect. */
const SENDFILE_MAX = 1 << 26

function sendfile(k: Kernel, t: Task, args: number[]): number {
  const [outNumber, inNumber, offsetAddress, count] = args as [number, number, number, number]
  const from = descriptionOf(k, t, inNumber)
  const waited = t.wait?.fds?.[0]?.id
  const out = waited === undefined ? descriptionOf(k, t, outNumber) : k.state.fs.descriptions.get(waited)
  if (!from || !out || (from.flags & 3) === 1 || (out.flags & 3) === 0) return -ERRNO.EBADF
  if (from.type !== 'file' && from.type !== 'generated') return -ERRNO.EINVAL
  if (out.flags & 0o2000) return -ERRNO.EINVAL
  const given = offsetAt(k, t, offsetAddress)
  if (given === 'fault') return -ERRNO.EFAULT
  const at = given ?? from.offset
  if (at < 0) return -ERRNO.EINVAL
  const room = out.type === 'pipe' ? roomInPipe(k.state.fs.pipes.get(out.pipe)!) : SENDFILE_MAX
  const wanted = Math.min(count, room, SENDFILE_MAX)
  const data = from.bytes
    ? from.bytes.subarray(at, at + wanted)
    : readFile(k, inodeOf(k.state.fs, from.inode), at, wanted)
  if (out.type === 'pipe' && room === 0 && count > 0) {
    if (out.flags & NONBLOCK) return -ERRNO.EAGAIN
    t.wait = newWait({ nr: 40, args, kind: 'fd', fds: [{ id: out.id, events: 'write' }] })
    return BLOCKED
  }
  const done = data.length === 0 ? 0 : emit(k, t, out, data)
  if (done <= 0) return done
  if (given === null) from.offset = at + done
  else if (!storeOffset(k, t, offsetAddress, at + done)) return -ERRNO.EFAULT
  return done
}

/** Gives bytes to a description from inside the kernel. */
function emit(k: Kernel, t: Task, out: Description, data: Uint8Array): number {
  if (out.type === 'file') return writeBytes(k, t, out, data, null)
  if (out.type === 'stdout' || out.type === 'stderr') k.world.writeOutput(out.type === 'stdout' ? 1 : 2, data)
  else if (out.type === 'pipe') putIntoPipe(k, k.state.fs.pipes.get(out.pipe)!, data)
  else if (out.type !== 'null') return -ERRNO.EINVAL
  return data.length
}

function copyFileRange(k: Kernel, t: Task, args: number[]): number {
  const [inNumber, inAddress, outNumber, outAddress, length, rest] = args as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  if (rest !== 0) return -ERRNO.EINVAL
  const from = descriptionOf(k, t, inNumber)
  const to = descriptionOf(k, t, outNumber)
  if (!from || !to) return -ERRNO.EBADF
  if (from.type === 'dir' || to.type === 'dir') return -ERRNO.EISDIR
  if ((from.flags & 3) === 1 || (to.flags & 3) === 0 || to.flags & 0o2000) return -ERRNO.EBADF
  if (from.type !== 'file' || to.type !== 'file') return -ERRNO.EINVAL
  const inGiven = offsetAt(k, t, inAddress)
  const outGiven = offsetAt(k, t, outAddress)
  if (inGiven === 'fault' || outGiven === 'fault') return -ERRNO.EFAULT
  const inAt = inGiven ?? from.offset
  const outAt = outGiven ?? to.offset
  if (inAt < 0 || outAt < 0) return -ERRNO.EINVAL
  const wanted = Math.min(length, SENDFILE_MAX)
  if (from.inode === to.inode && inAt < outAt + wanted && outAt < inAt + wanted) return -ERRNO.EINVAL
  const data = readFile(k, inodeOf(k.state.fs, from.inode), inAt, wanted)
  const done = writeBytes(k, t, to, data, outAt)
  if (done <= 0) return done
  if (inGiven === null) from.offset = inAt + done
  else storeOffset(k, t, inAddress, inAt + done)
  if (outGiven === null) to.offset = outAt + done
  else storeOffset(k, t, outAddress, outAt + done)
  return done
}

export const copyCalls: Declaration[] = [
  syscall(
    40,
    'sendfile',
    [
      ['out_fd', fd],
      ['in_fd', fd],
      ['offset', offsetInOut],
      ['count', size],
    ],
    number,
    sendfile,
  ),
  syscall(
    326,
    'copy_file_range',
    [
      ['fd_in', fd],
      ['off_in', offsetIn],
      ['fd_out', fd],
      ['off_out', offsetIn],
      ['len', size],
      ['flags', uint],
    ],
    number,
    copyFileRange,
  ),
]
