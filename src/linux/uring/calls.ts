/** Exists to make the system calls that operations of an io_uring are, in the name of a task that may be doing something else. */
import { i64At } from '../arguments.ts'
import { ERRNO } from '../errno.ts'
import { descriptionOf, releaseDescription } from '../fs/description.ts'
import type { Description } from '../fs/state.ts'
import type { Kernel } from '../kernel.ts'
import { MSG } from '../net/send.ts'
import type { Task } from '../state.ts'
import { fixedFile, passFixed } from './files.ts'
import { handlerOf, OP, type Call, type Entry } from './operations.ts'
import { post } from './ring.ts'
import type { Ring } from './state.ts'

const NONBLOCK = 0o4000
/** No descriptor has this number: it stands for an operation's description while its call is made. */
const STAND_IN = 0x7fff_fff0

/** A completion for another ring (IORING_MSG_DATA), with one of this ring's files (IORING_MSG_SEND_FD). */
export function message(k: Kernel, d: Description, e: Entry, other: Description): number {
  const ring = other.ring
  if (ring === undefined) return -ERRNO.EBADFD
  if (e.addr > 1 || ring.disabled) return ring.disabled ? -ERRNO.EBADFD : -ERRNO.EINVAL
  let result = 0
  if (e.addr === 1) {
    if (other === d) return -ERRNO.EINVAL
    result = passFixed(k, d.ring!, e.addr3, ring, e.fileIndex)
    if (result < 0) return result
  }
  const silent = e.addr === 1 && (e.how & 1) !== 0
  if (!silent) post(k, other, e.view.getBigUint64(8, true), e.addr === 1 ? result : e.len | 0, 0, true)
  return result
}

/** Whether reading and writing it has places. */
export const isPlaced = (file: Description): boolean =>
  ['file', 'dir', 'generated', 'null', 'zero', 'full', 'random'].includes(file.type)

/** Whether an entry's memory lies in the registered buffer that it names. */
export function isRegistered(ring: Ring, e: Entry): boolean {
  const buffer = ring.buffers?.[e.bufIndex]
  return (
    buffer !== undefined &&
    buffer !== null &&
    e.addr >= buffer.address &&
    e.addr + e.len <= buffer.address + buffer.length
  )
}

/** Lets go of a registered file. */
export function closeFixed(k: Kernel, ring: Ring, index: number): number {
  const id = ring.files?.[index]
  if (id === undefined) return ring.files === null ? -ERRNO.ENXIO : -ERRNO.EINVAL
  if (id === 0) return -ERRNO.EBADF
  ring.files![index] = 0
  releaseDescription(k, id)
  return 0
}

/** Reading and writing heeds O_NONBLOCK, messages MSG_DONTWAIT, connections IORING_ACCEPT_DONTWAIT. */
export function refusesToWait(file: Description, e: Entry, { nr }: Call): boolean {
  if (nr >= 44 && nr <= 47) return (e.how & MSG.dontwait) !== 0
  if (e.opcode === OP.accept) return (e.ioprio & 2) !== 0
  return (file.flags & NONBLOCK) !== 0 && e.opcode !== OP.connect
}

/** Makes a call in the name of a task, whatever that one waits for at the moment. */
export function make(k: Kernel, t: Task, call: Call, e: Entry, file: Description | undefined, ring: Ring): number {
  const { files } = k.process(t)
  const { wait, credentials } = t
  const personality = ring.personalities.find(({ id }) => id === e.personality)
  if (personality !== undefined) t.credentials = personality.credentials
  const flags = file?.flags ?? 0
  if (file !== undefined) {
    // A connection that is refused is to be known at once.
    file.flags = e.opcode === OP.connect ? flags & ~NONBLOCK : flags | NONBLOCK
    files.set(STAND_IN, { id: file.id, closeOnExec: false })
  }
  t.wait = null
  const args = call.args(e, file === undefined ? e.fd : STAND_IN)
  const result =
    e.opcode === OP.splice || e.opcode === OP.tee
      ? splice(k, t, ring, call, args, e, file!)
      : handlerOf(call.nr)(k, t, args)
  t.wait = wait
  t.credentials = credentials
  if (file !== undefined) files.delete(STAND_IN)
  if (file !== undefined) file.flags = (file.flags & ~NONBLOCK) | (flags & NONBLOCK)
  return result
}

const isPipe = ({ type }: Description): boolean => type === 'pipe'

/** Splicing has its places in the entry, where the call has addresses of them. */
function splice(k: Kernel, t: Task, ring: Ring, call: Call, args: number[], e: Entry, to: Description): number {
  const { files } = k.process(t)
  const fixed = e.how >>> 31 === 1
  const from = fixed ? fixedFile(k, ring, e.fileIndex) : descriptionOf(k, t, e.fileIndex)
  if (from === undefined) return -ERRNO.EBADF
  if (fixed) {
    files.set(STAND_IN + 1, { id: from.id, closeOnExec: false })
    args[0] = STAND_IN + 1
  }
  const places = [from.offset, to.offset] as const
  const [start, end] = [i64At(e.view, 16), e.signedOff]
  const placed = e.opcode === OP.splice
  if (placed && e.len === 0) return 0
  if (placed && ((isPipe(from) && start !== -1) || (isPipe(to) && end !== -1))) return -ERRNO.ESPIPE
  if (placed && start !== -1) from.offset = start
  if (placed && end !== -1) to.offset = end
  const result = handlerOf(call.nr)(k, t, args)
  if (placed && start !== -1) from.offset = places[0]
  if (placed && end !== -1) to.offset = places[1]
  if (fixed) files.delete(STAND_IN + 1)
  return result
}
