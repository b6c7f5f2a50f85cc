/** Exists to declare the calls that ask who and where one is: uname, sysinfo, limits, usage, user and group ids, random bytes. */
import { fillRandom } from '../../base/random.ts'
import { asU64, flags, int, number, oneOf, setI64, size, structIn, structOut, structText, timevalText, u64At } from '../arguments.ts'
import { syscall, type ArgType, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { gather } from '../fs/segments.ts'
import { MACHINE } from '../identity.ts'
import type { Kernel } from '../kernel.ts'
import type { Credentials, Process, Task } from '../state.ts'
import { pointerText } from '../strace.ts'
import { GETRANDOM_FLAGS, RLIMITS, RUSAGE_WHO } from '../table-flags.ts'
import { cpuNs } from '../timers.ts'
import { split } from '../user.ts'

const UTS_FIELD = 65

function uname(k: Kernel, t: Task, args: number[]): number {
  const bytes = new Uint8Array(6 * UTS_FIELD)
  const fields = [MACHINE.sysname, MACHINE.nodename, MACHINE.release, MACHINE.version, MACHINE.machine, MACHINE.domainname]
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
  for (const [i, limit] of [soft, hard].entries()) view.setBigUint64(i * 8, limit === Infinity ? INFINITE : BigInt(limit), true)
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
    const privileged = k.process(t).credentials.uid[1] === 0
    if (hard > limit[1] && !privileged) return -ERRNO.EPERM
    if (resource === NOFILE && hard > NR_OPEN) return -ERRNO.EPERM
    process.rlimits[resource] = [soft, hard]
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
  const ns = who === WHO.children ? 0 : who === WHO.thread ? t.count * k.state.constants.nsPerInstruction : cpuNs(k, k.process(t))
  const time = split(ns)
  setI64(view, 0, time.seconds)
  setI64(view, 8, Math.floor(time.ns / 1000))
  if (who !== WHO.children) setI64(view, 32, Math.floor((k.state.spaces.get(k.process(t).spaceId)?.total ?? 0) / 1024))
  return k.space(t).write(buffer, bytes) ? 0 : -ERRNO.EFAULT
}

const rusageOut = structOut(RUSAGE_SIZE, (view) => `{ru_utime=${timevalText(view, 0)}, ru_stime=${timevalText(view, 16)}, ...}`)

type Ids = Credentials['uid']

const ids = (k: Kernel, t: Task, which: 'uid' | 'gid'): Ids => k.process(t).credentials[which]

/** Whether the process may take any id (CAP_SETUID, CAP_SETGID: effective uid 0). */
const mayChange = (k: Kernel, t: Task): boolean => ids(k, t, 'uid')[1] === 0

/** setuid and setgid. */
function setId(k: Kernel, t: Task, which: 'uid' | 'gid', id: number): number {
  if (id === -1) return -ERRNO.EINVAL
  const own = ids(k, t, which)
  if (mayChange(k, t)) k.process(t).credentials[which] = [id, id, id, id]
  else if (id === own[0] || id === own[2]) k.process(t).credentials[which] = [own[0], id, own[2], id]
  else return -ERRNO.EPERM
  return 0
}

/** setreuid and setregid: -1 leaves one as it is. */
function setReal(k: Kernel, t: Task, which: 'uid' | 'gid', real: number, effective: number): number {
  const own = ids(k, t, which)
  const may = mayChange(k, t)
  if (!may && real !== -1 && real !== own[0] && real !== own[1]) return -ERRNO.EPERM
  if (!may && effective !== -1 && !own.slice(0, 3).includes(effective)) return -ERRNO.EPERM
  const newReal = real === -1 ? own[0] : real
  const newEffective = effective === -1 ? own[1] : effective
  const saved = real !== -1 || (effective !== -1 && effective !== own[0]) ? newEffective : own[2]
  k.process(t).credentials[which] = [newReal, newEffective, saved, newEffective]
  return 0
}

/** setresuid and setresgid. */
function setAll(k: Kernel, t: Task, which: 'uid' | 'gid', wanted: number[]): number {
  const own = ids(k, t, which)
  if (!mayChange(k, t) && wanted.some((id) => id !== -1 && !own.slice(0, 3).includes(id))) return -ERRNO.EPERM
  const next = wanted.map((id, i) => (id === -1 ? own[i]! : id)) as [number, number, number]
  k.process(t).credentials[which] = [...next, next[1]]
  return 0
}

/** setfsuid and setfsgid: the old value, whether or not it changed. */
function setFile(k: Kernel, t: Task, which: 'uid' | 'gid', id: number): number {
  const own = ids(k, t, which)
  const before = own[3]
  if (id !== -1 && (mayChange(k, t) || own.includes(id))) k.process(t).credentials[which] = [own[0], own[1], own[2], id]
  return before
}

function getAll(k: Kernel, t: Task, which: 'uid' | 'gid', addresses: number[]): number {
  const own = ids(k, t, which)
  return addresses.every((address, i) => k.space(t).writeU32(address, own[i]! >>> 0)) ? 0 : -ERRNO.EFAULT
}

function getgroups(k: Kernel, t: Task, args: number[]): number {
  const [count, address] = args as [number, number]
  const { groups } = k.process(t).credentials
  if (count < 0) return -ERRNO.EINVAL
  if (count === 0) return groups.length
  if (count < groups.length) return -ERRNO.EINVAL
  return k.space(t).write(address, new Uint8Array(Uint32Array.from(groups).buffer)) ? groups.length : -ERRNO.EFAULT
}

function setgroups(k: Kernel, t: Task, args: number[]): number {
  const [count, address] = args as [number, number]
  if (!mayChange(k, t)) return -ERRNO.EPERM
  if (count < 0 || count > 65536) return -ERRNO.EINVAL
  const bytes = k.space(t).read(address, count * 4)
  if (bytes === null && count > 0) return -ERRNO.EFAULT
  k.process(t).credentials.groups = count === 0 ? [] : [...new Uint32Array(bytes!.slice().buffer)].sort((a, b) => a - b)
  return 0
}

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

const CAPABILITY_V3 = 0x20080522
const CAPABILITY_V1 = 0x19980330
const ALL_CAPABILITIES = [0xffff_ffff, 0x1ff]

function capget(k: Kernel, t: Task, args: number[]): number {
  const [header, data] = args as [number, number]
  const space = k.space(t)
  const version = space.readU32(header)
  if (version === null) return -ERRNO.EFAULT
  const words = version === CAPABILITY_V3 || version === 0x20071026 ? 2 : version === CAPABILITY_V1 ? 1 : 0
  if (words === 0) {
    if (!space.writeU32(header, CAPABILITY_V3)) return -ERRNO.EFAULT
    return data === 0 ? 0 : -ERRNO.EINVAL
  }
  const pid = (space.readU32(header + 4) ?? 0) | 0
  const process = pid === 0 ? k.process(t) : k.state.processes.get(pid)
  if (!process) return -ERRNO.ESRCH
  const all = process.credentials.uid[1] === 0
  const bytes = new Uint8Array(words * 12)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < words && all; i++) {
    view.setUint32(i * 12, ALL_CAPABILITIES[i]!, true)
    view.setUint32(i * 12 + 4, ALL_CAPABILITIES[i]!, true)
  }
  return space.write(data, bytes) ? 0 : -ERRNO.EFAULT
}

const VERSIONS = new Map([
  [CAPABILITY_V1, '_LINUX_CAPABILITY_VERSION_1'],
  [0x20071026, '_LINUX_CAPABILITY_VERSION_2'],
  [CAPABILITY_V3, '_LINUX_CAPABILITY_VERSION_3'],
])
/** The version is written back when it is not known. */
const capHeader = structIn(8, (view) => {
  const version = view.getUint32(0, true)
  const name = VERSIONS.get(version) ?? `${version === 0 ? '0' : `0x${version.toString(16)}`} /* _LINUX_CAPABILITY_VERSION_??? */`
  return `{version=${name}, pid=${view.getInt32(4, true)}}`
})
const capData: ArgType = {
  decode: asU64,
  when: 'out',
  text: pointerText,
  writes: (value, { args, space }) => [{ start: value, length: space.readU32(args[0]!) === CAPABILITY_V1 ? 12 : 24 }],
}

const idOut: ArgType = structOut(4, (view) => `[${view.getUint32(0, true)}]`)

const groupList = (when: 'in' | 'out'): ArgType => ({
  decode: asU64,
  when,
  reads: (value, { args }) => (when === 'in' ? [{ start: value, length: args[0]! * 4 }] : []),
  writes: (value, { result }) => (when === 'out' ? [{ start: value, length: (result ?? 0) * 4 }] : []),
  text: (value, call) => {
    const count = when === 'in' ? call.args[0]! : (call.result ?? -1)
    if (value === 0 || count < 0) return pointerText(value)
    return structText(
      value,
      count * 4,
      (view) => `[${Array.from({ length: count }, (_, i) => view.getUint32(i * 4, true)).join(', ')}]`,
      call,
    )
  },
})

/** An id; strace shows 2^32-1 as -1. */
const id = int

export const infoCalls: Declaration[] = [
  syscall(63, 'uname', [['buf', utsOut]], number, uname),
  syscall(99, 'sysinfo', [['info', sysinfoOut]], number, sysinfo),
  syscall(97, 'getrlimit', [['resource', resource], ['rlim', limitOut]], number, (k, t, a) => (a[1] === 0 ? -ERRNO.EFAULT : limits(k, t, k.process(t), a[0]!, 0, a[1]!))),
  syscall(160, 'setrlimit', [['resource', resource], ['rlim', limitIn]], number, (k, t, a) => (a[1] === 0 ? -ERRNO.EFAULT : limits(k, t, k.process(t), a[0]!, a[1]!, 0))),
  syscall(302, 'prlimit64', [['pid', int], ['resource', resource], ['new_limit', limitIn], ['old_limit', limitOut]], number, prlimit64),
  syscall(98, 'getrusage', [['who', oneOf(RUSAGE_WHO, 'RUSAGE_???')], ['usage', rusageOut]], number, getrusage, {
    support: 'partial: CPU time and maximum size only; ended children count nothing',
  }),
  syscall(318, 'getrandom', [['buf', randomOut], ['buflen', size], ['flags', flags(GETRANDOM_FLAGS, 'GRND_???')]], number, getrandom),
  syscall(102, 'getuid', [], number, (k, t) => ids(k, t, 'uid')[0]),
  syscall(107, 'geteuid', [], number, (k, t) => ids(k, t, 'uid')[1]),
  syscall(104, 'getgid', [], number, (k, t) => ids(k, t, 'gid')[0]),
  syscall(108, 'getegid', [], number, (k, t) => ids(k, t, 'gid')[1]),
  syscall(118, 'getresuid', [['ruid', idOut], ['euid', idOut], ['suid', idOut]], number, (k, t, a) => getAll(k, t, 'uid', a)),
  syscall(120, 'getresgid', [['rgid', idOut], ['egid', idOut], ['sgid', idOut]], number, (k, t, a) => getAll(k, t, 'gid', a)),
  syscall(105, 'setuid', [['uid', id]], number, (k, t, a) => setId(k, t, 'uid', a[0]!)),
  syscall(106, 'setgid', [['gid', id]], number, (k, t, a) => setId(k, t, 'gid', a[0]!)),
  syscall(113, 'setreuid', [['ruid', id], ['euid', id]], number, (k, t, a) => setReal(k, t, 'uid', a[0]!, a[1]!)),
  syscall(114, 'setregid', [['rgid', id], ['egid', id]], number, (k, t, a) => setReal(k, t, 'gid', a[0]!, a[1]!)),
  syscall(117, 'setresuid', [['ruid', id], ['euid', id], ['suid', id]], number, (k, t, a) => setAll(k, t, 'uid', a)),
  syscall(119, 'setresgid', [['rgid', id], ['egid', id], ['sgid', id]], number, (k, t, a) => setAll(k, t, 'gid', a)),
  syscall(122, 'setfsuid', [['fsuid', id]], number, (k, t, a) => setFile(k, t, 'uid', a[0]!)),
  syscall(123, 'setfsgid', [['fsgid', id]], number, (k, t, a) => setFile(k, t, 'gid', a[0]!)),
  syscall(115, 'getgroups', [['size', int], ['list', groupList('out')]], number, getgroups),
  syscall(116, 'setgroups', [['size', int], ['list', groupList('in')]], number, setgroups),
  syscall(125, 'capget', [['hdrp', capHeader], ['datap', capData]], number, capget),
]
