/** Exists to declare the calls that move bytes from file to file inside the kernel. */
import { fd, flags, number, size, setI64, i64At, uint } from '../arguments.ts'
import { BLOCKED, syscall, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { descriptionOf } from '../fs/description.ts'
import { inodeOf } from '../fs/inode.ts'
import { readFile } from '../fs/mapping.ts'
import { type Description } from '../fs/state.ts'
import { writeBytes } from '../fs/transfer.ts'
import { peekPipe, putIntoPipe, roomInPipe, takeFromPipe } from '../fs/pipe.ts'
import type { Kernel } from '../kernel.ts'
import { takeBytes } from '../net/receive.ts'
import { send } from '../net/send.ts'
import { socketOf } from '../net/socket.ts'
import { CODE, SIG } from '../signal-names.ts'
import { sendToTask, userSignal } from '../signals.ts'
import type { Task } from '../state.ts'
import { newWait } from '../tasks.ts'
import { printBytes } from '../tty/discipline.ts'
import { ttyOf } from '../tty/tty.ts'
import { SPLICE_FLAGS } from '../table-flags.ts'
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
  if (offsetAddress !== 0 && (from.type === 'pipe' || from.type === 'socket')) return -ERRNO.ESPIPE
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
  const done = data.length === 0 ? 0 : emit(k, t, out, data, 40, args)
  if (done <= 0) return done
  if (given === null) from.offset = at + done
  else if (!storeOffset(k, t, offsetAddress, at + done)) return -ERRNO.EFAULT
  return done
}

/** Gives bytes to a description from inside the kernel; BLOCKED when a socket has no room. */
function emit(k: Kernel, t: Task, out: Description, data: Uint8Array, nr: number, args: number[]): number {
  switch (out.type) {
    case 'file':
      return writeBytes(k, t, out, data, null)
    case 'socket':
      return send(k, t, nr, args, out, { segments: [], data, flags: 0, to: null, ancillary: null, call: 'sendfile' })
    case 'stdout':
    case 'stderr':
      k.world.writeOutput(out.type === 'stdout' ? 1 : 2, data)
      break
    case 'tty':
      printBytes(k, ttyOf(k, out), data)
      break
    case 'pipe':
      putIntoPipe(k, k.state.fs.pipes.get(out.pipe)!, data)
      break
    case 'null':
      break
    default:
      return -ERRNO.EINVAL
  }
  return data.length
}

const SPLICE = { nonblock: 2, all: 0xf } as const

/** Waits for one end of a pipe or a socket, or says that the call must not. */
function waitForPipe(
  t: Task,
  nr: number,
  args: number[],
  d: Description,
  events: 'read' | 'write',
  flags: number,
): number {
  if (d.flags & NONBLOCK || flags & SPLICE.nonblock) return -ERRNO.EAGAIN
  t.wait = newWait({ nr, args, kind: 'fd', fds: [{ id: d.id, events }] })
  return BLOCKED
}

/** How many bytes of the pipe `d` can be read: 0 at its end, an errno, or BLOCKED. */
function filled(k: Kernel, t: Task, nr: number, args: number[], d: Description, flags: number): number {
  const pipe = k.state.fs.pipes.get(d.pipe)!
  if (pipe.used > 0) return pipe.used
  return pipe.writers === 0 ? 0 : waitForPipe(t, nr, args, d, 'read', flags)
}

/** How many bytes can be put into the pipe `d`: an errno or BLOCKED when there is no room. */
function room(k: Kernel, t: Task, nr: number, args: number[], d: Description, flags: number): number {
  const pipe = k.state.fs.pipes.get(d.pipe)!
  if (pipe.readers === 0) {
    sendToTask(k, t, userSignal(t, SIG.pipe, CODE.user))
    return -ERRNO.EPIPE
  }
  return roomInPipe(pipe) > 0 ? roomInPipe(pipe) : waitForPipe(t, nr, args, d, 'write', flags)
}

function splice(k: Kernel, t: Task, args: number[]): number {
  const [inNumber, inAddress, outNumber, outAddress, length, flags] = args as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  if (flags & ~SPLICE.all) return -ERRNO.EINVAL
  if (length === 0) return 0
  const from = descriptionOf(k, t, inNumber)
  const to = descriptionOf(k, t, outNumber)
  if (!from || !to || from.type === 'path' || to.type === 'path') return -ERRNO.EBADF
  if ((from.type === 'pipe' && inAddress !== 0) || (to.type === 'pipe' && outAddress !== 0)) return -ERRNO.ESPIPE
  if ((from.flags & 3) === 1 || (to.flags & 3) === 0) return -ERRNO.EBADF
  if (from.type !== 'pipe' && to.type !== 'pipe') return -ERRNO.EINVAL
  if (from.type === 'pipe' && to.type === 'pipe' && from.pipe === to.pipe) return -ERRNO.EINVAL
  const inGiven = offsetAt(k, t, inAddress)
  const outGiven = offsetAt(k, t, outAddress)
  if (inGiven === 'fault' || outGiven === 'fault') return -ERRNO.EFAULT
  let most = Math.min(length, SENDFILE_MAX)
  for (const limit of [
    from.type === 'pipe' ? filled(k, t, 275, args, from, flags) : most,
    to.type === 'pipe' ? room(k, t, 275, args, to, flags) : most,
  ]) {
    if (limit <= 0) return limit
    most = Math.min(most, limit)
  }
  t.wait = null
  if (from.type === 'pipe') {
    // What cannot be taken whole at the other side is looked at first.
    const data = peekPipe(k.state.fs.pipes.get(from.pipe)!, most)
    if (to.flags & 0o2000) return -ERRNO.EINVAL
    const done = to.type === 'file' ? writeBytes(k, t, to, data, outGiven) : emit(k, t, to, data, 275, args)
    if (done > 0) takeFromPipe(k, k.state.fs.pipes.get(from.pipe)!, done)
    if (done > 0 && outGiven !== null && !storeOffset(k, t, outAddress, outGiven + done)) return -ERRNO.EFAULT
    return done
  }
  const data = contentOf(k, t, args, from, inGiven, most)
  if (typeof data === 'number') return data
  if (data.length > 0) putIntoPipe(k, k.state.fs.pipes.get(to.pipe)!, data)
  if (inGiven === null) from.offset += data.length
  else if (!storeOffset(k, t, inAddress, inGiven + data.length)) return -ERRNO.EFAULT
  return data.length
}

/** Bytes of something that is no pipe, for a pipe; an errno, or BLOCKED. */
function contentOf(
  k: Kernel,
  t: Task,
  args: number[],
  from: Description,
  at: number | null,
  most: number,
): Uint8Array | number {
  const start = at ?? from.offset
  if (start < 0) return -ERRNO.EINVAL
  switch (from.type) {
    case 'file':
      return readFile(k, inodeOf(k.state.fs, from.inode), start, most)
    case 'generated':
      return from.bytes!.slice(start, start + most)
    case 'zero':
    case 'full':
      return new Uint8Array(most)
    case 'stdin':
      return k.world.readInput(most, k.state.fs.inputReads++).slice()
    case 'socket': {
      const bytes = takeBytes(k, socketOf(k, from), most)
      return bytes ?? waitForPipe(t, 275, args, from, 'read', args[5]!)
    }
    default:
      return -ERRNO.EINVAL
  }
}

function tee(k: Kernel, t: Task, args: number[]): number {
  const [inNumber, outNumber, length, flags] = args as [number, number, number, number]
  if (flags & ~SPLICE.all) return -ERRNO.EINVAL
  if (length === 0) return 0
  const from = descriptionOf(k, t, inNumber)
  const to = descriptionOf(k, t, outNumber)
  if (!from || !to || from.type === 'path' || to.type === 'path') return -ERRNO.EBADF
  if ((from.flags & 3) === 1 || (to.flags & 3) === 0) return -ERRNO.EBADF
  if (from.type !== 'pipe' || to.type !== 'pipe' || from.pipe === to.pipe) return -ERRNO.EINVAL
  const there = filled(k, t, 276, args, from, flags)
  if (there <= 0) return there
  const space = room(k, t, 276, args, to, flags)
  if (space <= 0) return space
  t.wait = null
  const data = peekPipe(k.state.fs.pipes.get(from.pipe)!, Math.min(length, there, space))
  putIntoPipe(k, k.state.fs.pipes.get(to.pipe)!, data)
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
  syscall(
    275,
    'splice',
    [
      ['fd_in', fd],
      ['off_in', offsetIn],
      ['fd_out', fd],
      ['off_out', offsetIn],
      ['len', size],
      ['flags', flags(SPLICE_FLAGS, 'SPLICE_F_???')],
    ],
    number,
    splice,
  ),
  syscall(
    276,
    'tee',
    [
      ['fd_in', fd],
      ['fd_out', fd],
      ['len', size],
      ['flags', flags(SPLICE_FLAGS, 'SPLICE_F_???')],
    ],
    number,
    tee,
  ),
]
