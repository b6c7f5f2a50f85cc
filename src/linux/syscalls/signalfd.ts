/** Exists to declare signalfd: descriptors from which signals are read. */
import { asU64, fd, flags, number } from '../arguments.ts'
import { syscall, type ArgType, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { addDescription, descriptionOf, installOrDrop, signalActivity } from '../fs/description.ts'
import type { Kernel } from '../kernel.ts'
import { UNBLOCKABLE } from '../signal-names.ts'
import { maskText } from '../signal-text.ts'
import type { Task } from '../state.ts'
import { pointerText, type FlagTable } from '../strace.ts'

const SFD = { nonblock: 0o4000, cloexec: 0o2000000 } as const
const SFD_FLAGS: FlagTable = [
  [SFD.cloexec, 'SFD_CLOEXEC'],
  [SFD.nonblock, 'SFD_NONBLOCK'],
]

function signalfd(k: Kernel, t: Task, args: number[], how: number): number {
  const [given, address, length] = args as [number, number, number]
  if (length !== 8) return -ERRNO.EINVAL
  const mask = k.space(t).readU64(address)
  if (mask === null) return -ERRNO.EFAULT
  if (how & ~(SFD.nonblock | SFD.cloexec)) return -ERRNO.EINVAL
  const wanted = mask & ~UNBLOCKABLE
  if (given !== -1) {
    const d = descriptionOf(k, t, given)
    if (!d) return -ERRNO.EBADF
    if (d.type !== 'signalfd') return -ERRNO.EINVAL
    d.counter = wanted
    signalActivity(k, d.id, 'read')
    return given
  }
  const d = addDescription(k.state.fs, 'signalfd', 2 | (how & SFD.nonblock), null, { counter: wanted })
  return installOrDrop(k, t, d, (how & SFD.cloexec) !== 0)
}

const mask: ArgType = {
  decode: asU64,
  when: 'in',
  text: (value, call) => (call.args[2] === 8 ? maskText(value, call) : pointerText(value)),
  reads: (value) => [{ start: value, length: 8 }],
}
const maskSize: ArgType = { decode: asU64, when: 'in', text: String }

/** Their declarations. */
export const signalfdCalls: readonly Declaration[] = [
  syscall(
    282,
    'signalfd',
    [
      ['fd', fd],
      ['mask', mask],
      ['sizemask', maskSize],
    ],
    number,
    (k, t, a) => signalfd(k, t, a, 0),
  ),
  syscall(
    289,
    'signalfd4',
    [
      ['fd', fd],
      ['mask', mask],
      ['sizemask', maskSize],
      ['flags', flags(SFD_FLAGS, 'SFD_???')],
    ],
    number,
    (k, t, a) => signalfd(k, t, a, a[3]!),
  ),
]
