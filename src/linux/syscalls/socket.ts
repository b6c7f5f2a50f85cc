/** Exists to declare the calls by which programs find out whether a descriptor is a socket: none is, since there are no sockets yet. */
import { asU64, fd, number, ptr } from '../arguments.ts'
import { syscall, type ArgType, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { descriptionOf } from '../fs/description.ts'
import type { Kernel } from '../kernel.ts'
import { pointerText } from '../strace.ts'
import type { Task } from '../state.ts'

/** The length of an address, in memory. */
const addressLength: ArgType = {
  decode: asU64,
  when: 'in',
  text: (value, { space }) => {
    const length = space.read(value, 4) === null ? null : space.view.getInt32(value, true)
    return length === null ? pointerText(value) : `[${length}]`
  },
  reads: (value) => [{ start: value, length: 4 }],
}

function notSocket(k: Kernel, t: Task, args: number[]): number {
  const description = descriptionOf(k, t, args[0]!)
  return description === undefined || description.type === 'path' ? -ERRNO.EBADF : -ERRNO.ENOTSOCK
}

const arguments_: Declaration['args'] = [
  ['fd', fd],
  ['addr', ptr],
  ['addrlen', addressLength],
]

/** Their declarations. */
export const socketCalls: readonly Declaration[] = [
  syscall(51, 'getsockname', arguments_, number, notSocket),
  syscall(52, 'getpeername', arguments_, number, notSocket),
]
