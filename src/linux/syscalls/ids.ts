/** Exists to declare the calls about users, groups and capabilities (credentials(7)). */
import { CAP, capabilitiesOf, capable, changeUser } from '../capabilities.ts'
import { asU64, int, number, structIn, structOut, structText } from '../arguments.ts'
import { syscall, type ArgType, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import type { Credentials, Task } from '../state.ts'
import { pointerText } from '../strace.ts'

type Ids = Credentials['uid']

const ids = (t: Task, which: 'uid' | 'gid'): Ids => t.credentials[which]

/** Whether the task may take any id. */
const mayChange = (t: Task, which: 'uid' | 'gid'): boolean => capable(t, which === 'uid' ? CAP.setuid : CAP.setgid)

function change(k: Kernel, t: Task, which: 'uid' | 'gid', next: Ids): void {
  if (which === 'uid') changeUser(t, next, k.process(t).keepCaps)
  else t.credentials.gid = next
}

/** setuid and setgid. */
function setId(k: Kernel, t: Task, which: 'uid' | 'gid', id: number): number {
  if (id === -1) return -ERRNO.EINVAL
  const own = ids(t, which)
  if (mayChange(t, which)) change(k, t, which, [id, id, id, id])
  else if (id === own[0] || id === own[2]) change(k, t, which, [own[0], id, own[2], id])
  else return -ERRNO.EPERM
  return 0
}

/** setreuid and setregid: -1 leaves one as it is. */
function setReal(k: Kernel, t: Task, which: 'uid' | 'gid', real: number, effective: number): number {
  const own = ids(t, which)
  const may = mayChange(t, which)
  if (!may && real !== -1 && real !== own[0] && real !== own[1]) return -ERRNO.EPERM
  if (!may && effective !== -1 && !own.slice(0, 3).includes(effective)) return -ERRNO.EPERM
  const newReal = real === -1 ? own[0] : real
  const newEffective = effective === -1 ? own[1] : effective
  const saved = real !== -1 || (effective !== -1 && effective !== own[0]) ? newEffective : own[2]
  change(k, t, which, [newReal, newEffective, saved, newEffective])
  return 0
}

/** setresuid and setresgid. */
function setAll(k: Kernel, t: Task, which: 'uid' | 'gid', wanted: number[]): number {
  const own = ids(t, which)
  if (!mayChange(t, which) && wanted.some((id) => id !== -1 && !own.slice(0, 3).includes(id))) return -ERRNO.EPERM
  const next = wanted.map((id, i) => (id === -1 ? own[i]! : id)) as [number, number, number]
  change(k, t, which, [...next, next[1]])
  return 0
}

/** setfsuid and setfsgid: the old value, whether or not it changed. */
function setFile(k: Kernel, t: Task, which: 'uid' | 'gid', id: number): number {
  const own = ids(t, which)
  const before = own[3]
  if (id !== -1 && (mayChange(t, which) || own.includes(id))) change(k, t, which, [own[0], own[1], own[2], id])
  return before
}

function getAll(k: Kernel, t: Task, which: 'uid' | 'gid', addresses: number[]): number {
  const own = ids(t, which)
  return addresses.every((address, i) => k.space(t).writeU32(address, own[i]! >>> 0)) ? 0 : -ERRNO.EFAULT
}

function getgroups(k: Kernel, t: Task, args: number[]): number {
  const [count, address] = args as [number, number]
  const { groups } = t.credentials
  if (count < 0) return -ERRNO.EINVAL
  if (count === 0) return groups.length
  if (count < groups.length) return -ERRNO.EINVAL
  return k.space(t).write(address, new Uint8Array(Uint32Array.from(groups).buffer)) ? groups.length : -ERRNO.EFAULT
}

function setgroups(k: Kernel, t: Task, args: number[]): number {
  const [count, address] = args as [number, number]
  if (!mayChange(t, 'gid')) return -ERRNO.EPERM
  if (count < 0 || count > 65536) return -ERRNO.EINVAL
  const bytes = k.space(t).read(address, count * 4)
  if (bytes === null && count > 0) return -ERRNO.EFAULT
  t.credentials.groups = count === 0 ? [] : [...new Uint32Array(bytes!.slice().buffer)].sort((a, b) => a - b)
  return 0
}

const CAPABILITY_V3 = 0x20080522
const CAPABILITY_V1 = 0x19980330

/** How many words of each set the version of a capability header has; for a version that is not known the right one is stored, and the answer is -EINVAL. */
export function capabilityWords(k: Kernel, t: Task, header: number): number {
  const space = k.space(t)
  const version = space.readU32(header)
  if (version === null || space.readU32(header + 4) === null) return -ERRNO.EFAULT
  if (version === CAPABILITY_V1) return 1
  if (version === CAPABILITY_V3 || version === 0x20071026) return 2
  return space.writeU32(header, CAPABILITY_V3) ? -ERRNO.EINVAL : -ERRNO.EFAULT
}

function capget(k: Kernel, t: Task, args: number[]): number {
  const [header, data] = args as [number, number]
  const space = k.space(t)
  const words = capabilityWords(k, t, header)
  if (words < 0) return words === -ERRNO.EINVAL && data === 0 ? 0 : words
  const pid = (space.readU32(header + 4) ?? 0) | 0
  if (pid < 0) return -ERRNO.EINVAL
  const task = pid === 0 ? t : k.state.tasks.get(pid)
  if (task === undefined) return -ERRNO.ESRCH
  const { effective, permitted, inheritable } = capabilitiesOf(task.credentials)
  const bytes = new Uint8Array(words * 12)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < words; i++)
    [effective, permitted, inheritable].forEach((set, j) =>
      view.setUint32(i * 12 + j * 4, Number((set >> BigInt(32 * i)) & 0xffff_ffffn), true),
    )
  return space.write(data, bytes) ? 0 : -ERRNO.EFAULT
}

const VERSIONS = new Map([
  [CAPABILITY_V1, '_LINUX_CAPABILITY_VERSION_1'],
  [0x20071026, '_LINUX_CAPABILITY_VERSION_2'],
  [CAPABILITY_V3, '_LINUX_CAPABILITY_VERSION_3'],
])
/** The version is written back when it is not known. */
export const capHeader = structIn(8, (view) => {
  const version = view.getUint32(0, true)
  const name =
    VERSIONS.get(version) ?? `${version === 0 ? '0' : `0x${version.toString(16)}`} /* _LINUX_CAPABILITY_VERSION_??? */`
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

export const idCalls: Declaration[] = [
  syscall(102, 'getuid', [], number, (_, t) => ids(t, 'uid')[0]),
  syscall(107, 'geteuid', [], number, (_, t) => ids(t, 'uid')[1]),
  syscall(104, 'getgid', [], number, (_, t) => ids(t, 'gid')[0]),
  syscall(108, 'getegid', [], number, (_, t) => ids(t, 'gid')[1]),
  syscall(
    118,
    'getresuid',
    [
      ['ruid', idOut],
      ['euid', idOut],
      ['suid', idOut],
    ],
    number,
    (k, t, a) => getAll(k, t, 'uid', a),
  ),
  syscall(
    120,
    'getresgid',
    [
      ['rgid', idOut],
      ['egid', idOut],
      ['sgid', idOut],
    ],
    number,
    (k, t, a) => getAll(k, t, 'gid', a),
  ),
  syscall(105, 'setuid', [['uid', id]], number, (k, t, a) => setId(k, t, 'uid', a[0]!)),
  syscall(106, 'setgid', [['gid', id]], number, (k, t, a) => setId(k, t, 'gid', a[0]!)),
  syscall(
    113,
    'setreuid',
    [
      ['ruid', id],
      ['euid', id],
    ],
    number,
    (k, t, a) => setReal(k, t, 'uid', a[0]!, a[1]!),
  ),
  syscall(
    114,
    'setregid',
    [
      ['rgid', id],
      ['egid', id],
    ],
    number,
    (k, t, a) => setReal(k, t, 'gid', a[0]!, a[1]!),
  ),
  syscall(
    117,
    'setresuid',
    [
      ['ruid', id],
      ['euid', id],
      ['suid', id],
    ],
    number,
    (k, t, a) => setAll(k, t, 'uid', a),
  ),
  syscall(
    119,
    'setresgid',
    [
      ['rgid', id],
      ['egid', id],
      ['sgid', id],
    ],
    number,
    (k, t, a) => setAll(k, t, 'gid', a),
  ),
  syscall(122, 'setfsuid', [['fsuid', id]], number, (k, t, a) => setFile(k, t, 'uid', a[0]!)),
  syscall(123, 'setfsgid', [['fsgid', id]], number, (k, t, a) => setFile(k, t, 'gid', a[0]!)),
  syscall(
    115,
    'getgroups',
    [
      ['size', int],
      ['list', groupList('out')],
    ],
    number,
    getgroups,
  ),
  syscall(
    116,
    'setgroups',
    [
      ['size', int],
      ['list', groupList('in')],
    ],
    number,
    setgroups,
  ),
  syscall(
    125,
    'capget',
    [
      ['hdrp', capHeader],
      ['datap', capData],
    ],
    number,
    capget,
  ),
]
