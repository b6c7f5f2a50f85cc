/** Exists to declare the calls that name a process by a descriptor. */
import { CAP, capable } from '../capabilities.ts'
import { fd, flags, hexUint, int, number, uint } from '../arguments.ts'
import { syscall, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { describe, installFd } from '../fs/description.ts'
import { openPidFd, pidOfFd } from '../fs/pidfd.ts'
import type { Kernel } from '../kernel.ts'
import { CODE, SIGNAL_MAX } from '../signal-names.ts'
import { maySignal, sendToProcess, userSignal } from '../signals.ts'
import type { Task } from '../state.ts'
import { readInfo, signalArg, infoIn } from './signal.ts'

const O_NONBLOCK = 0o4000

function pidfdOpen(k: Kernel, t: Task, [pid, given]: number[]): number {
  if (given! & ~O_NONBLOCK || pid! <= 0) return -ERRNO.EINVAL
  if (!k.state.processes.has(pid!)) return k.state.tasks.has(pid!) ? -ERRNO.EINVAL : -ERRNO.ESRCH
  return openPidFd(k, t, pid!, given!)
}

function pidfdSendSignal(k: Kernel, t: Task, args: number[]): number {
  const [descriptor, signal, address, given] = args as [number, number, number, number]
  if (given !== 0) return -ERRNO.EINVAL
  const pid = pidOfFd(k, t, descriptor)
  if (pid < 0) return pid
  let info = userSignal(t, signal, CODE.user)
  if (address !== 0) {
    const read = readInfo(k, t, address, signal, pid === t.pid)
    if (typeof read === 'number') return read
    if (new DataView(k.space(t).read(address, 4)!.slice().buffer).getInt32(0, true) !== signal) return -ERRNO.EINVAL
    info = read
  }
  const process = k.state.processes.get(pid)
  if (process === undefined) return -ERRNO.ESRCH
  if (signal < 0 || signal > SIGNAL_MAX) return -ERRNO.EINVAL
  if (!maySignal(k, t, process, signal)) return -ERRNO.EPERM
  if (signal !== 0) sendToProcess(k, process, info)
  return 0
}

/** Another descriptor for what the process has open under a number; whoever may trace it may do that. */
function pidfdGetfd(k: Kernel, t: Task, [descriptor, number, given]: number[]): number {
  if (given !== 0) return -ERRNO.EINVAL
  const pid = pidOfFd(k, t, descriptor!)
  if (pid < 0) return pid
  const process = k.state.processes.get(pid)
  if (process === undefined || process.tids.length === 0) return -ERRNO.ESRCH
  const { uid } = t.credentials
  if (!capable(t, CAP.sysPtrace) && process.credentials.uid.some((id) => id !== uid[0])) return -ERRNO.EPERM
  const d = describe(k.state.fs, process, number!)
  return d === undefined ? -ERRNO.EBADF : installFd(k, t, d, true)
}

export const pidfdCalls: readonly Declaration[] = [
  syscall(
    424,
    'pidfd_send_signal',
    [
      ['pidfd', fd],
      ['sig', signalArg],
      ['info', infoIn],
      ['flags', hexUint],
    ],
    number,
    pidfdSendSignal,
  ),
  syscall(
    434,
    'pidfd_open',
    [
      ['pid', int],
      ['flags', flags([[O_NONBLOCK, 'PIDFD_NONBLOCK']], 'PIDFD_???')],
    ],
    number,
    pidfdOpen,
  ),
  syscall(
    438,
    'pidfd_getfd',
    [
      ['pidfd', fd],
      ['targetfd', fd],
      ['flags', uint],
    ],
    number,
    pidfdGetfd,
  ),
]
