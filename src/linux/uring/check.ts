/** Exists to say what an entry of an io_uring asks for that cannot be, before anything is begun. */
import { NS_PER_SECOND, realtimeToMonotonicNs } from '../clock.ts'
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { readTimespec } from '../user.ts'
import { isKnown, OP, TRANSFERS, type Entry } from './operations.ts'
import { mayOperate } from './restrictions.ts'
import type { Operation, Ring } from './state.ts'

/** IOSQE_*. */
export const FLAG = { fixedFile: 1, drain: 2, link: 4, hardLink: 8, selectBuffer: 32, skipSuccess: 64 } as const
const ALL_FLAGS = 0x7f
/** IORING_TIMEOUT_*. */
export const TIMEOUT = {
  absolute: 1,
  update: 2,
  boot: 4,
  realtime: 8,
  linkUpdate: 16,
  success: 32,
  multishot: 64,
} as const

/** What is wrong with an entry as such: 0, or a negative errno. */
export function check(k: Kernel, t: Task, e: Entry, ring: Ring, operation: Operation, before: Entry | null): number {
  if (!isKnown(e.opcode) || e.flags & ~ALL_FLAGS) return -ERRNO.EINVAL
  if (!mayOperate(ring, e)) return -ERRNO.EACCES
  if (e.personality !== 0 && !ring.personalities.some(({ id }) => id === e.personality)) return -ERRNO.EINVAL
  if (e.ioprio !== 0 && !HAS_PRIORITY.includes(e.opcode)) return -ERRNO.EINVAL
  if (TRANSFERS.includes(e.opcode) && e.ioprio >>> 13 > 3) return -ERRNO.EINVAL
  // Polled operations need a driver that polls.
  if (ring.flags & IOPOLL && !POLLED.includes(e.opcode)) return -ERRNO.EINVAL
  if (e.opcode === OP.timeout || e.opcode === OP.linkTimeout) {
    const linked = e.opcode === OP.linkTimeout
    if (e.len !== 1 || (linked && (e.off !== 0 || before === null || before.opcode === e.opcode))) return -ERRNO.EINVAL
    operation.at = timeOf(k, t, e.addr, e.how)
    if (operation.at < 0) return operation.at
  }
  const repeated = isRepeated(e)
  if (repeated && e.opcode === OP.accept && e.fileIndex !== 0 && e.fileIndex !== -1) return -ERRNO.EINVAL
  if (repeated && e.opcode === OP.recv && !(e.flags & FLAG.selectBuffer)) return -ERRNO.EINVAL
  if (e.opcode === OP.tee && (e.addr !== 0 || e.off !== 0)) return -ERRNO.EINVAL
  if (e.flags & FLAG.selectBuffer && e.opcode !== OP.read && e.opcode !== OP.recv)
    return k.refuse(t, `IOSQE_BUFFER_SELECT of io_uring's operation ${e.opcode}`, 'EOPNOTSUPP')
  return 0
}

/** Operations whose ioprio field means something: priorities, or flags of their own. */
const HAS_PRIORITY: readonly number[] = [...TRANSFERS, OP.accept, 9, OP.recvmsg, 26, OP.recv, OP.sendZc]

/** IORING_SETUP_IOPOLL. */
export const IOPOLL = 1
const POLLED: readonly number[] = [
  ...TRANSFERS,
  OP.nop,
  OP.filesUpdate,
  OP.provideBuffers,
  OP.removeBuffers,
  OP.msgRing,
]

/** IORING_ACCEPT_MULTISHOT, IORING_RECV_MULTISHOT. */
export function isRepeated(e: Entry): boolean {
  return (e.opcode === OP.accept && (e.ioprio & 1) !== 0) || (e.opcode === OP.recv && (e.ioprio & 2) !== 0)
}

/** Nanoseconds of the struct timespec at `address`, or a negative errno. */
export function timeOf(k: Kernel, t: Task, address: number, how: number): number {
  const time = readTimespec(k, t, address)
  if (typeof time === 'number') return time
  return how & TIMEOUT.absolute && how & TIMEOUT.realtime
    ? Math.max(0, realtimeToMonotonicNs(k.state, time.seconds, time.ns))
    : time.seconds * NS_PER_SECOND + time.ns
}
