/** Exists to declare prctl(2): one call with an option for everything that found no other place. */
import { asInt, asU64, number, shown } from '../arguments.ts'
import { syscall, unsupported, type ArgType, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { bytesFromName, nameFromBytes } from '../fs/names.ts'
import type { Kernel } from '../kernel.ts'
import { SIGNAL_MAX, signalName } from '../signal-names.ts'
import type { Task } from '../state.ts'
import { hex, pointerText, quoted } from '../strace.ts'

const PR = {
  setPdeathsig: 1, getPdeathsig: 2, getDumpable: 3, setDumpable: 4, getKeepcaps: 7, setKeepcaps: 8, setName: 15, getName: 16, getSeccomp: 21,
  capbsetRead: 23, getTsc: 25, setTimerslack: 29, getTimerslack: 30, setNoNewPrivs: 38, getNoNewPrivs: 39, getThpDisable: 42, setVma: 0x53564d41,
} as const

/** Options by number; those that lemming does not have are named when they stop the run. */
const NAMES = new Map<number, string>([
  [1, 'PR_SET_PDEATHSIG'], [2, 'PR_GET_PDEATHSIG'], [3, 'PR_GET_DUMPABLE'], [4, 'PR_SET_DUMPABLE'], [5, 'PR_GET_UNALIGN'], [6, 'PR_SET_UNALIGN'],
  [7, 'PR_GET_KEEPCAPS'], [8, 'PR_SET_KEEPCAPS'], [9, 'PR_GET_FPEMU'], [10, 'PR_SET_FPEMU'], [11, 'PR_GET_FPEXC'], [12, 'PR_SET_FPEXC'],
  [13, 'PR_GET_TIMING'], [14, 'PR_SET_TIMING'], [15, 'PR_SET_NAME'], [16, 'PR_GET_NAME'], [19, 'PR_GET_ENDIAN'], [20, 'PR_SET_ENDIAN'],
  [21, 'PR_GET_SECCOMP'], [22, 'PR_SET_SECCOMP'], [23, 'PR_CAPBSET_READ'], [24, 'PR_CAPBSET_DROP'], [25, 'PR_GET_TSC'], [26, 'PR_SET_TSC'],
  [27, 'PR_GET_SECUREBITS'], [28, 'PR_SET_SECUREBITS'], [29, 'PR_SET_TIMERSLACK'], [30, 'PR_GET_TIMERSLACK'], [31, 'PR_TASK_PERF_EVENTS_DISABLE'],
  [32, 'PR_TASK_PERF_EVENTS_ENABLE'], [33, 'PR_MCE_KILL'], [34, 'PR_MCE_KILL_GET'], [35, 'PR_SET_MM'], [36, 'PR_SET_CHILD_SUBREAPER'],
  [37, 'PR_GET_CHILD_SUBREAPER'], [38, 'PR_SET_NO_NEW_PRIVS'], [39, 'PR_GET_NO_NEW_PRIVS'], [40, 'PR_GET_TID_ADDRESS'], [41, 'PR_SET_THP_DISABLE'],
  [42, 'PR_GET_THP_DISABLE'], [47, 'PR_CAP_AMBIENT'], [52, 'PR_GET_SPECULATION_CTRL'], [53, 'PR_SET_SPECULATION_CTRL'], [57, 'PR_SET_IO_FLUSHER'],
  [58, 'PR_GET_IO_FLUSHER'], [59, 'PR_SET_SYSCALL_USER_DISPATCH'], [62, 'PR_SCHED_CORE'], [0x53564d41, 'PR_SET_VMA'], [0x59616d61, 'PR_SET_PTRACER'],
])

/** Highest capability number of Linux 6.1 (CAP_CHECKPOINT_RESTORE). */
const CAP_LAST = 40
/** Options of other processors, and those of features that the kernel was built without. */
const INVALID: readonly number[] = [5, 6, 9, 10, 11, 12, 14, 19, 20, PR.setVma, 0x59616d61]

function prctl(k: Kernel, t: Task, args: number[]): number {
  const [option, value] = args as [number, number]
  const process = k.process(t)
  const space = k.space(t)
  switch (option) {
    case PR.setPdeathsig:
      if (value > SIGNAL_MAX) return -ERRNO.EINVAL
      t.parentDeathSignal = value
      return 0
    case PR.getPdeathsig:
      return space.writeU32(value, t.parentDeathSignal) ? 0 : -ERRNO.EFAULT
    case PR.getDumpable:
      return process.dumpable
    case PR.setDumpable:
      if (value > 1) return -ERRNO.EINVAL
      process.dumpable = value
      return 0
    case PR.setName: {
      const bytes = space.readString(value, 16) ?? space.read(value, 15)
      if (bytes === null) return -ERRNO.EFAULT
      t.name = nameFromBytes(bytes.subarray(0, 15))
      return 0
    }
    case PR.getName: {
      const bytes = new Uint8Array(16)
      bytes.set(bytesFromName(t.name).subarray(0, 15))
      return space.write(value, bytes) ? 0 : -ERRNO.EFAULT
    }
    case PR.getKeepcaps:
    case PR.getSeccomp:
    case PR.getThpDisable:
      return 0
    case PR.setKeepcaps:
      return value > 1 ? -ERRNO.EINVAL : 0
    case PR.capbsetRead:
      return value > CAP_LAST ? -ERRNO.EINVAL : 1
    case PR.getTsc:
      // PR_TSC_ENABLE.
      return space.writeU32(value, 1) ? 0 : -ERRNO.EFAULT
    case PR.setTimerslack:
      t.timerSlackNs = value === 0 ? 50_000 : value
      return 0
    case PR.getTimerslack:
      return t.timerSlackNs
    case PR.setNoNewPrivs:
      if (value !== 1 || args[2] !== 0 || args[3] !== 0 || args[4] !== 0) return -ERRNO.EINVAL
      t.noNewPrivileges = true
      return 0
    case PR.getNoNewPrivs:
      return value !== 0 || args[2] !== 0 || args[3] !== 0 || args[4] !== 0 ? -ERRNO.EINVAL : t.noNewPrivileges ? 1 : 0
    default: {
      const name = NAMES.get(option)
      if (name === undefined || INVALID.includes(option)) return -ERRNO.EINVAL
      return unsupported('prctl', name)
    }
  }
}

/** The second argument, whose meaning the option decides. */
const second: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, { args, space, result }) => {
    const option = args[0]
    if (option === PR.setName || (option === PR.getName && result === 0)) {
      const bytes = space.readString(value, 16)
      return bytes === null ? pointerText(value) : quoted(bytes, 15)
    }
    if (option === PR.setPdeathsig) return value === 0 ? '0' : signalName(value)
    if (option === PR.getDumpable || option === PR.getNoNewPrivs || option === PR.getTimerslack || option === PR.getSeccomp) return null
    return hex(value)
  },
}

const rest = shown(asU64, (value, { args }) => (args[0] === PR.setNoNewPrivs || args[0] === PR.setVma ? hex(value) : null))

export const prctlCalls: readonly Declaration[] = [
  syscall(
    157,
    'prctl',
    [['option', shown(asInt, (value) => NAMES.get(value) ?? `${hex(value >>> 0)} /* PR_??? */`)], ['arg2', second], ['arg3', rest], ['arg4', rest], ['arg5', rest]],
    number,
    prctl,
    { support: 'partial: an option that lemming does not have stops the run by name' },
  ),
]
