/** Exists to declare the calls that ask about the machine and the process: uname, sysinfo, limits, usage, random bytes. */
import { CAP, capable } from '../capabilities.ts'
import { fillRandom } from '../../base/random.ts'
import {
  asU64,
  flags,
  int,
  number,
  offered,
  oneOf,
  setI64,
  size,
  structIn,
  structOut,
  timevalText,
  u64At,
} from '../arguments.ts'
import { syscall, type ArgType, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { gather } from '../fs/segments.ts'
import { MACHINE } from '../identity.ts'
import type { Kernel } from '../kernel.ts'
import type { Process, Task } from '../state.ts'
import { pointerText } from '../strace.ts'
import { GETRANDOM_FLAGS, RLIMITS, RUSAGE_WHO } from '../table-flags.ts'
import { cpuNs } from '../timers.ts'
import { split } from '../user.ts'

const UTS_FIELD = 65

function uname(k: Kernel, t: Task, args: number[]): number {
  const bytes = new Uint8Array(6 * UTS_FIELD)
  const fields = [
    MACHINE.sysname,
    MACHINE.nodename,
    MACHINE.release,
    MACHINE.version,
    MACHINE.machine,
    MACHINE.domainname,
  ]
  fields.forEach((text, i) => bytes.set(new TextEncoder().encode(text), i * UTS_FIELD))
  return k.space(t).write(args[0]!, bytes) ? 0 : -ERRNO.EFAULT
}

const utsOut = structOut(6 * UTS_FIELD, (view) => {
  const text = (at: number): string => {
    let name = ''
    for (let i = at; view.getUint8(i) !== 0; i++) name += String.fromCharCode(view.getUint8(i))
    return name
  }
  return `{sysname="${text(0)}", nodename="${text(UTS_FIELD)}", ...}`
})

/** Bytes of struct sysinfo. */
const SYSINFO_SIZE = 112

function sysinfo(k: Kernel, t: Task, args: number[]): number {
  const bytes = new Uint8Array(SYSINFO_SIZE)
  const view = new DataView(bytes.buffer)
  const total = k.state.constants.memoryBytes
  let used = 0
  for (const map of k.state.spaces.values()) used += map.total
  setI64(view, 0, split(k.now()).seconds)
  setI64(view, 32, total)
  setI64(view, 40, Math.max(0, total - used))
  view.setUint16(80, k.state.tasks.size, true)
  view.setUint32(104, 1, true)
  return k.space(t).write(args[0]!, bytes) ? 0 : -ERRNO.EFAULT
}

const sysinfoOut = structOut(SYSINFO_SIZE, (view) => {
  const n = (at: number): number => u64At(view, at)
  return (
    `{uptime=${n(0)}, loads=[${n(8)}, ${n(16)}, ${n(24)}], totalram=${n(32)}, freeram=${n(40)}, sharedram=${n(48)}, bufferram=${n(56)}, ` +
    `totalswap=${n(64)}, freeswap=${n(72)}, procs=${view.getUint16(80, true)}, totalhigh=${n(88)}, freehigh=${n(96)}, mem_unit=${view.getUint32(104, true)}}`
  )
})

/** Limits that are Infinity are RLIM_INFINITY, all bits set. */
const INFINITE = 0xffff_ffff_ffff_ffffn
const NOFILE = 7
const NR_OPEN = 1048576

function limitBytes([soft, hard]: readonly [number, number]): Uint8Array {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  for (const [i, limit] of [soft, hard].entries())
    view.setBigUint64(i * 8, limit === Infinity ? INFINITE : BigInt(limit), true)
  return bytes
}

function limits(k: Kernel, t: Task, process: Process, resource: number, next: number, old: number): number {
  const limit = process.rlimits[resource]
  if (!limit) return -ERRNO.EINVAL
  const before = limitBytes(limit)
  if (next !== 0) {
    const bytes = k.space(t).read(next, 16)
    if (bytes === null) return -ERRNO.EFAULT
    const view = new DataView(bytes.buffer, bytes.byteOffset, 16)
    const [soft, hard] = [0, 8].map((at) => {
      const value = view.getBigUint64(at, true)
      return value === INFINITE ? Infinity : Number(value)
    }) as [number, number]
    if (soft > hard) return -ERRNO.EINVAL
    const privileged = capable(t, CAP.sysResource)
    if (hard > limit[1] && !privileged) return -ERRNO.EPERM
    if (resource === NOFILE && hard > NR_OPEN) return -ERRNO.EPERM
    process.rlimits[resource] = [soft, hard]
    // A limit on CPU time is watched from now on.
    k.attention = true
  }
  return old === 0 || k.space(t).write(old, before) ? 0 : -ERRNO.EFAULT
}

function prlimit64(k: Kernel, t: Task, args: number[]): number {
  const [pid, resource, next, old] = args as [number, number, number, number]
  const process = pid === 0 ? k.process(t) : k.state.processes.get(k.state.tasks.get(pid)?.pid ?? pid)
  return process ? limits(k, t, process, resource, next, old) : -ERRNO.ESRCH
}

const one = (value: bigint): string => {
  if (value === INFINITE) return 'RLIM64_INFINITY'
  return value > 1024n && value % 1024n === 0n ? `${value / 1024n}*1024` : String(value)
}
const limitText = (view: DataView): string =>
  `{rlim_cur=${one(view.getBigUint64(0, true))}, rlim_max=${one(view.getBigUint64(8, true))}}`
const limitIn = structIn(16, limitText)
const limitOut = structOut(16, limitText)
const resource = oneOf(RLIMITS, 'RLIMIT_???')

const RUSAGE_SIZE = 144
const WHO = { self: 0, children: -1, thread: 1 } as const

function getrusage(k: Kernel, t: Task, args: number[]): number {
  const [who, buffer] = args as [number, number]
  if (who !== WHO.self && who !== WHO.children && who !== WHO.thread) return -ERRNO.EINVAL
  const bytes = new Uint8Array(RUSAGE_SIZE)
  const view = new DataView(bytes.buffer)
  const ns =
    who === WHO.children
      ? k.process(t).childrenCount * k.state.constants.nsPerInstruction
      : who === WHO.thread
        ? t.count * k.state.constants.nsPerInstruction
        : cpuNs(k, k.process(t))
  const time = split(ns)
  setI64(view, 0, time.seconds)
  setI64(view, 8, Math.floor(time.ns / 1000))
  if (who !== WHO.children) setI64(view, 32, Math.floor((k.state.spaces.get(k.process(t).spaceId)?.total ?? 0) / 1024))
  return k.space(t).write(buffer, bytes) ? 0 : -ERRNO.EFAULT
}

const rusageOut = structOut(
  RUSAGE_SIZE,
  (view) => `{ru_utime=${timevalText(view, 0)}, ru_stime=${timevalText(view, 16)}, ...}`,
)

/** Bytes that one call gives at most (Linux: 32 MiB less one). */
const RANDOM_MAX = 33554431

function getrandom(k: Kernel, t: Task, args: number[]): number {
  const [buffer, length, how] = args as [number, number, number]
  if (how & ~7 || (how & 6) === 6) return -ERRNO.EINVAL
  const bytes = new Uint8Array(Math.min(length, RANDOM_MAX))
  if (gather(k.space(t), [{ start: buffer, length: bytes.length }]).length < bytes.length) return -ERRNO.EFAULT
  fillRandom(k.state.random.getrandom, bytes)
  return k.space(t).write(buffer, bytes) ? bytes.length : -ERRNO.EFAULT
}

/** Random bytes are shown in hexadecimal. */
const randomOut: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, { space, result }) => {
    const bytes = result === null || result < 0 ? null : space.read(value, Math.min(result, 33))
    if (bytes === null) return pointerText(value)
    const shown = Array.from(bytes.subarray(0, 32), (byte) => `\\x${byte.toString(16).padStart(2, '0')}`)
    return `"${shown.join('')}"${bytes.length > 32 ? '...' : ''}`
  },
  writes: (value, { result }) => [{ start: value, length: result ?? 0 }],
}

export const infoCalls: Declaration[] = [
  syscall(63, 'uname', [['buf', utsOut]], number, uname),
  syscall(99, 'sysinfo', [['info', sysinfoOut]], number, sysinfo),
  syscall(
    97,
    'getrlimit',
    [
      ['resource', resource],
      ['rlim', limitOut],
    ],
    number,
    (k, t, a) => (a[1] === 0 ? -ERRNO.EFAULT : limits(k, t, k.process(t), a[0]!, 0, a[1]!)),
  ),
  syscall(
    160,
    'setrlimit',
    [
      ['resource', resource],
      ['rlim', limitIn],
    ],
    number,
    (k, t, a) => (a[1] === 0 ? -ERRNO.EFAULT : limits(k, t, k.process(t), a[0]!, a[1]!, 0)),
  ),
  syscall(
    302,
    'prlimit64',
    [
      ['pid', int],
      ['resource', resource],
      ['new_limit', limitIn],
      ['old_limit', limitOut],
    ],
    number,
    prlimit64,
  ),
  syscall(
    98,
    'getrusage',
    [
      ['who', oneOf(RUSAGE_WHO, 'RUSAGE_???')],
      ['usage', rusageOut],
    ],
    number,
    getrusage,
    {
      support: 'partial: CPU time and maximum size only; ended children count nothing',
    },
  ),
  syscall(
    318,
    'getrandom',
    [
      ['buf', offered(randomOut, 1)],
      ['buflen', size],
      ['flags', flags(GETRANDOM_FLAGS, 'GRND_???')],
    ],
    number,
    getrandom,
  ),
]
