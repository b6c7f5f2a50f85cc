/** Exists to keep an io_uring to what was said before it was enabled (IORING_REGISTER_RESTRICTIONS): which operations and registrations there are. */
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { LAST, type Entry } from './operations.ts'
import type { Restrictions, Ring } from './state.ts'

/** IORING_RESTRICTION_*. */
const KIND = { registration: 0, operation: 1, flagsAllowed: 2, flagsRequired: 3 } as const
/** IORING_REGISTER_LAST of the kernel that has the operations up to LAST. */
const REGISTRATIONS = 33
const MOST = 4 + REGISTRATIONS + LAST
/** Bytes of a struct io_uring_restriction. */
const SIZE = 16

export function registerRestrictions(k: Kernel, t: Task, ring: Ring, address: number, count: number): number {
  if (!ring.disabled) return -ERRNO.EBADFD
  if (ring.restrictions !== null) return -ERRNO.EBUSY
  if (address === 0 || count > MOST) return -ERRNO.EINVAL
  const bytes = k.space(t).read(address, count * SIZE)
  if (bytes === null) return -ERRNO.EFAULT
  const found: Restrictions = { registrations: [], operations: [], allowed: 0, required: 0 }
  for (let at = 0; at < bytes.length; at += SIZE) {
    const kind = bytes[at]! | (bytes[at + 1]! << 8)
    const value = bytes[at + 2]!
    if (kind === KIND.registration && value < REGISTRATIONS) found.registrations.push(value)
    else if (kind === KIND.operation && value < LAST) found.operations.push(value)
    else if (kind === KIND.flagsAllowed) found.allowed = value
    else if (kind === KIND.flagsRequired) found.required = value
    else return -ERRNO.EINVAL
  }
  ring.restrictions = found
  return 0
}

/** Whether an enabled ring takes this registration. */
export function mayRegister(ring: Ring, opcode: number): boolean {
  return ring.disabled || ring.restrictions === null || ring.restrictions.registrations.includes(opcode)
}

/** Whether it takes this entry. */
export function mayOperate({ restrictions }: Ring, e: Entry): boolean {
  if (restrictions === null) return true
  const { operations, allowed, required } = restrictions
  return operations.includes(e.opcode) && (e.flags & required) === required && (e.flags & ~(allowed | required)) === 0
}
