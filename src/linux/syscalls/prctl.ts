/** Exists to declare prctl(2): one call with an option for everything that found no other place. */
import { CAP, CAP_LAST, capabilitiesOf, capable, setCapabilities } from '../capabilities.ts'
import { asInt, asU64, shown } from '../arguments.ts'
import { syscall, type ArgType, type CallView, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { bytesFromName, nameFromBytes } from '../fs/names.ts'
import type { Kernel } from '../kernel.ts'
import { SIGNAL_MAX, signalName } from '../signal-names.ts'
import type { Task } from '../state.ts'
import { hex, pointerText, quoted, valueText, type FlagTable } from '../strace.ts'
import { CAPABILITIES, DUMPABLE, PRCTL_NAMES } from '../table-task-flags.ts'
import { addFilter, programRanges, programText, SECCOMP_MODE, setStrict } from './seccomp.ts'

const PR = {
  setPdeathsig: 1,
  getPdeathsig: 2,
  getDumpable: 3,
  setDumpable: 4,
  getKeepcaps: 7,
  setKeepcaps: 8,
  setName: 15,
  getName: 16,
  getSeccomp: 21,
  setSeccomp: 22,
  capbsetRead: 23,
  getTsc: 25,
  setTsc: 26,
  getTiming: 13,
  setTiming: 14,
  capbsetDrop: 24,
  setTimerslack: 29,
  getTimerslack: 30,
  setNoNewPrivs: 38,
  getNoNewPrivs: 39,
  setChildSubreaper: 36,
  getChildSubreaper: 37,
  getSecurebits: 27,
  setSecurebits: 28,
  perfDisable: 31,
  perfEnable: 32,
  mceKill: 33,
  mceKillGet: 34,
  getTidAddress: 40,
  setThpDisable: 41,
  getThpDisable: 42,
  capAmbient: 47,
  getSpeculation: 52,
  setSpeculation: 53,
  setVma: 0x53564d41,
} as const

/** Options of other processors, and those of features that the kernel was built without. */
const INVALID: readonly number[] = [5, 6, 9, 10, 11, 12, PR.setTiming, 19, 20, PR.setVma, 0x59616d61]

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
    case PR.setChildSubreaper:
      process.subreaper = value !== 0
      return 0
    case PR.getChildSubreaper:
      return space.writeU32(value, process.subreaper ? 1 : 0) ? 0 : -ERRNO.EFAULT
    case PR.getSeccomp:
      return t.seccomp === undefined ? 0 : SECCOMP_MODE.filter
    case PR.setSeccomp:
      if (value === SECCOMP_MODE.strict) return setStrict(t)
      return value === SECCOMP_MODE.filter ? addFilter(k, t, 0, args[2]!) : -ERRNO.EINVAL
    case PR.getSecurebits:
    case PR.getTiming:
    case PR.perfDisable:
    case PR.perfEnable:
      return 0
    case PR.setSecurebits:
      if (!capable(t, CAP.setpcap)) return -ERRNO.EPERM
      if (value !== 0) k.noteUnanswered(t, `prctl(PR_SET_SECUREBITS, ${hex(value)})`, 'EPERM')
      return value === 0 ? 0 : -ERRNO.EPERM
    case PR.mceKill:
      return args[3] === 0 && args[4] === 0 && value <= 1 ? 0 : -ERRNO.EINVAL
    case PR.mceKillGet:
      // PR_MCE_KILL_DEFAULT.
      return value === 0 && args[2] === 0 ? 2 : -ERRNO.EINVAL
    case PR.getTidAddress:
      return space.writeU64(value, BigInt(t.clearTid)) ? 0 : -ERRNO.EFAULT
    case PR.getThpDisable:
    case PR.setThpDisable: {
      const rest = option === PR.getThpDisable ? args.slice(1) : args.slice(2)
      if (rest.some((word) => word !== 0)) return -ERRNO.EINVAL
      if (option === PR.getThpDisable) return process.thpDisable ? 1 : 0
      process.thpDisable = value !== 0
      return 0
    }
    case PR.capAmbient:
      return ambient(t, args)
    case PR.getSpeculation:
      // PR_SPEC_NOT_AFFECTED.
      return args[2] !== 0 || args[3] !== 0 || args[4] !== 0 ? -ERRNO.EINVAL : value <= 2 ? 0 : -ERRNO.ENODEV
    case PR.setSpeculation:
      return args[3] !== 0 || args[4] !== 0 ? -ERRNO.EINVAL : value <= 2 ? -ERRNO.ENXIO : -ERRNO.ENODEV
    case PR.getKeepcaps:
      return process.keepCaps ? 1 : 0
    case PR.setKeepcaps:
      if (value > 1) return -ERRNO.EINVAL
      process.keepCaps = value === 1
      return 0
    case PR.capbsetRead:
      return value > CAP_LAST ? -ERRNO.EINVAL : has(capabilitiesOf(t.credentials).bounding, value)
    case PR.capbsetDrop: {
      if (!capable(t, CAP.setpcap)) return -ERRNO.EPERM
      if (value > CAP_LAST) return -ERRNO.EINVAL
      const sets = capabilitiesOf(t.credentials)
      setCapabilities(t.credentials, { ...sets, bounding: sets.bounding & ~(1n << BigInt(value)) })
      return 0
    }
    case PR.setTsc:
      if (value === 2) k.noteUnanswered(t, 'prctl(PR_SET_TSC, PR_TSC_SIGSEGV)', 'EINVAL')
      return value === 1 ? 0 : -ERRNO.EINVAL
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
      const name = PRCTL_NAMES.get(option)
      if (name === undefined || INVALID.includes(option)) return -ERRNO.EINVAL
      // As a kernel without it.
      k.noteUnanswered(t, `prctl(${name})`, 'EINVAL')
      return -ERRNO.EINVAL
    }
  }
}

const has = (set: bigint, capability: number): number => Number((set >> BigInt(capability)) & 1n)

/** Ambient capabilities: those that are permitted and can be inherited can be raised (capabilities(7)). */
function ambient(t: Task, args: number[]): number {
  const [, command, capability] = args as [number, number, number]
  const AMBIENT = { isSet: 1, raise: 2, lower: 3, clearAll: 4 }
  if (args[3] !== 0 || args[4] !== 0) return -ERRNO.EINVAL
  const sets = capabilitiesOf(t.credentials)
  if (command === AMBIENT.clearAll) {
    if (capability !== 0) return -ERRNO.EINVAL
    setCapabilities(t.credentials, { ...sets, ambient: 0n })
    return 0
  }
  if (command < AMBIENT.isSet || command > AMBIENT.lower || capability > CAP_LAST) return -ERRNO.EINVAL
  if (command === AMBIENT.isSet) return has(sets.ambient, capability)
  const bit = 1n << BigInt(capability)
  if (command === AMBIENT.raise && (sets.permitted & sets.inheritable & bit) === 0n) return -ERRNO.EPERM
  const next = command === AMBIENT.raise ? sets.ambient | bit : sets.ambient & ~bit
  setCapabilities(t.credentials, { ...sets, ambient: next })
  return 0
}

/** Options without a second argument. */
const BARE: readonly number[] = [
  PR.getDumpable,
  PR.getTimerslack,
  PR.getSeccomp,
  PR.getKeepcaps,
  PR.getSecurebits,
  PR.perfDisable,
  PR.perfEnable,
]
/** Options that show all five. */
const FULL: readonly number[] = [
  PR.setNoNewPrivs,
  PR.getNoNewPrivs,
  PR.setVma,
  PR.getThpDisable,
  PR.setThpDisable,
  PR.capAmbient,
]

const MODES: FlagTable = [
  [0, 'SECCOMP_MODE_DISABLED'],
  [SECCOMP_MODE.strict, 'SECCOMP_MODE_STRICT'],
  [SECCOMP_MODE.filter, 'SECCOMP_MODE_FILTER'],
]

/** Bytes that an option stores at its second argument. */
const STORES = new Map<number, number>([
  [PR.getName, 16],
  [PR.getPdeathsig, 4],
  [PR.getTsc, 4],
  [PR.getTidAddress, 8],
  [PR.getChildSubreaper, 4],
])

/** The second argument, whose meaning the option decides. */
const second: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, { args, space, result }) => {
    const option = args[0]!
    if (BARE.includes(option)) return null
    switch (option) {
      case PR.setName:
      case PR.getName: {
        if (option === PR.getName && result !== 0) return pointerText(value)
        const bytes = space.readString(value, 16) ?? space.read(value, 16)
        return bytes === null ? pointerText(value) : quoted(bytes, 15)
      }
      case PR.setPdeathsig:
        return value === 0 ? '0' : signalName(value)
      case PR.getPdeathsig: {
        const signal = result === 0 ? space.readU32(value) : null
        return signal === null ? pointerText(value) : `[${signal === 0 ? 0 : signalName(signal)}]`
      }
      case PR.setDumpable:
        return valueText(value, DUMPABLE, 'SUID_DUMP_???')
      case PR.setTimerslack:
      case PR.setChildSubreaper:
        return String(value)
      case PR.getChildSubreaper: {
        const on = result === 0 ? space.readU32(value) : null
        return on === null ? pointerText(value) : `[${on}]`
      }
      case PR.capbsetRead:
        return value <= CAP_LAST ? `CAP_${CAPABILITIES[value]}` : `${hex(value)} /* CAP_??? */`
      case PR.setNoNewPrivs:
        return String(value)
      case PR.setSeccomp:
        return valueText(value, MODES, 'SECCOMP_MODE_???')
      default:
        return hex(value)
    }
  },
  reads: (value, { args, space }) => {
    if (args[0] !== PR.setName) return []
    // One byte more than is kept tells whether the name was cut.
    return [{ start: value, length: (space.readString(value, 16)?.length ?? 15) + 1 }]
  },
  writes: (value, { args }) => [{ start: value, length: STORES.get(args[0]!) ?? 0 }],
}

const rest = shown(asU64, (value, { args }) => (FULL.includes(args[0]!) ? hex(value) : null))

/** The third argument: the filter of PR_SET_SECCOMP. */
const third: ArgType = {
  ...rest,
  text: (value, call) => (isFilter(call) ? programText(value, call) : rest.text(value, call)),
  reads: (value, call) => (isFilter(call) ? programRanges(value, call) : []),
}

const isFilter = ({ args }: CallView): boolean => args[0] === PR.setSeccomp && args[1] === SECCOMP_MODE.filter

function resultText(result: number, { args }: CallView): string {
  return args[0] === PR.getDumpable ? `${result} (${valueText(result, DUMPABLE, 'SUID_DUMP_???')})` : String(result)
}

export const prctlCalls: readonly Declaration[] = [
  syscall(
    157,
    'prctl',
    [
      ['option', shown(asInt, (value) => PRCTL_NAMES.get(value) ?? `${hex(value >>> 0)} /* PR_??? */`)],
      ['arg2', second],
      ['arg3', third],
      ['arg4', rest],
      ['arg5', rest],
    ],
    resultText,
    prctl,
    { support: 'partial: an option that lemming does not have is EINVAL and reported' },
  ),
]
