/** Exists to declare the calls that end threads and processes, and that give them their ids and groups. */
import { REG, registers } from '../../ir/registers.ts'
import { asU64, hexU64, int, number, ptr, shown, size } from '../arguments.ts'
import { syscall, type ArgType, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { exitGroup, exitTask } from '../exit.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { hex } from '../strace.ts'
import { ARCH_PRCTL_NAMES } from '../table-task-flags.ts'
import { NO_RESULT } from '../tasks.ts'

const ARCH = { setGs: 0x1001, setFs: 0x1002, getFs: 0x1003, getGs: 0x1004, getCpuid: 0x1011, setCpuid: 0x1012 }

const archAddress: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, { args, space, result }) => {
    if (args[0] !== ARCH.getFs && args[0] !== ARCH.getGs) return hex(value)
    const base = result === 0 ? space.readU64(value) : null
    return base === null ? hex(value) : `[${base === 0n ? '0' : `0x${base.toString(16)}`}]`
  },
  writes: (value, { args }) => (args[0] === ARCH.getFs || args[0] === ARCH.getGs ? [{ start: value, length: 8 }] : []),
}

function archPrctl(k: Kernel, t: Task, args: number[]): number {
  const [code, value] = args as [number, number]
  const fs = registers[REG.fsBase]!.offset
  const gs = registers[REG.gsBase]!.offset
  switch (code) {
    case ARCH.setFs:
    case ARCH.setGs:
      if (value >= 0x7fff_ffff_f000) return -ERRNO.EPERM
      k.cpu.view.setBigUint64(code === ARCH.setFs ? fs : gs, BigInt(value), true)
      return 0
    case ARCH.getFs:
    case ARCH.getGs:
      return k.space(t).writeU64(value, k.cpu.view.getBigUint64(code === ARCH.getFs ? fs : gs, true))
        ? 0
        : -ERRNO.EFAULT
    case ARCH.getCpuid:
      return 1
    case ARCH.setCpuid:
      return value === 0 ? -ERRNO.ENODEV : 0
    default:
      return -ERRNO.EINVAL
  }
}

function getpgid(k: Kernel, t: Task, pid: number): number {
  return k.state.processes.get(pid === 0 ? t.pid : pid)?.pgid ?? -ERRNO.ESRCH
}

function setpgid(k: Kernel, t: Task, [pid, group]: number[]): number {
  if (group! < 0) return -ERRNO.EINVAL
  const own = k.process(t)
  const process = k.state.processes.get(pid === 0 ? t.pid : pid!)
  if (process === undefined || (process !== own && process.ppid !== own.pid)) return -ERRNO.ESRCH
  if (process !== own) {
    if (process.sid !== own.sid) return -ERRNO.EPERM
    if (process.hasExecuted) return -ERRNO.EACCES
  }
  if (process.sid === process.pid) return -ERRNO.EPERM
  const wanted = group === 0 ? process.pid : group!
  const exists =
    wanted === process.pid ||
    [...k.state.processes.values()].some((other) => other.pgid === wanted && other.sid === own.sid)
  if (!exists) return -ERRNO.EPERM
  process.pgid = wanted
  return 0
}

function setsid(k: Kernel, t: Task): number {
  const process = k.process(t)
  if ([...k.state.processes.values()].some((other) => other.pgid === process.pid)) return -ERRNO.EPERM
  process.sid = process.pgid = process.pid
  return process.pid
}

export const processCalls: readonly Declaration[] = [
  syscall(39, 'getpid', [], number, (_k, t) => t.pid),
  syscall(60, 'exit', [['status', int]], number, (k, t, [status]) => {
    exitTask(k, t, (status! & 0xff) << 8)
    return NO_RESULT
  }),
  syscall(
    109,
    'setpgid',
    [
      ['pid', int],
      ['pgid', int],
    ],
    number,
    setpgid,
  ),
  syscall(110, 'getppid', [], number, (k, t) => k.process(t).ppid),
  syscall(111, 'getpgrp', [], number, (k, t) => k.process(t).pgid),
  syscall(112, 'setsid', [], number, setsid),
  syscall(121, 'getpgid', [['pid', int]], number, (k, t, [pid]) => getpgid(k, t, pid!)),
  syscall(
    124,
    'getsid',
    [['pid', int]],
    number,
    (k, t, [pid]) => k.state.processes.get(pid === 0 ? t.pid : pid!)?.sid ?? -ERRNO.ESRCH,
  ),
  syscall(
    158,
    'arch_prctl',
    [
      [
        'code',
        shown(
          (lo) => lo | 0,
          (value) => ARCH_PRCTL_NAMES.get(value) ?? `${hex(value >>> 0)} /* ARCH_??? */`,
        ),
      ],
      ['addr', archAddress],
    ],
    number,
    archPrctl,
  ),
  syscall(186, 'gettid', [], number, (_k, t) => t.tid),
  syscall(218, 'set_tid_address', [['tidptr', ptr]], number, (_k, t, [address]) => {
    t.clearTid = address!
    return t.tid
  }),
  syscall(231, 'exit_group', [['status', int]], number, (k, t, [status]) => {
    exitGroup(k, t, (status! & 0xff) << 8)
    return NO_RESULT
  }),
  syscall(
    334,
    'rseq',
    [
      ['rseq', ptr],
      ['rseq_len', size],
      ['flags', int],
      ['sig', hexU64],
    ],
    number,
    () => -ERRNO.ENOSYS,
    {
      support: 'partial: restartable sequences are not offered (ENOSYS, as from a kernel without them)',
    },
  ),
]
