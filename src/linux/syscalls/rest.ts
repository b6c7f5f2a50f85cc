/** Exists to declare calls that belong to no family: personality, I/O priorities, the memory of other processes, clock adjustment, namespaces. */
import { CAP, capable } from '../capabilities.ts'
import { asUint, dirfd, flags, hexU64, int, mode, number, path, ptr, setI64, shown, size, uint } from '../arguments.ts'
import { syscall, type ArgType, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { changeMode } from '../fs/change.ts'
import { publishStores } from '../fs/mapping.ts'
import { gather, readIovec, scatter, totalLength, writable } from '../fs/segments.ts'
import { findAtOrFd } from '../fs/walk.ts'
import { ownDirectory, ownFiles } from '../shared.ts'
import type { Kernel } from '../kernel.ts'
import type { Process, Task } from '../state.ts'
import { PERSONALITY } from '../personality.ts'
import { hex, type FlagTable } from '../strace.ts'
import { AT_FLAGS } from '../table-flags.ts'
import { CLONE_FLAGS } from '../table-task-flags.ts'
import { realtime } from '../clock.ts'

const ASK_PERSONALITY = 0xffff_ffff
const KNOWN_PERSONALITY = Object.values(PERSONALITY).reduce((all, bit) => all | bit, 0)

function personality(k: Kernel, t: Task, [wanted]: number[]): number {
  const process = k.process(t)
  const before = process.personality
  if (wanted === ASK_PERSONALITY) return before
  if (wanted! & ~KNOWN_PERSONALITY) return k.refuse(t, `personality(${hex(wanted!)})`, 'EINVAL')
  process.personality = wanted!
  return before
}

const IOPRIO = { process: 1, group: 2, user: 3 } as const
/** Classes 0 (none) to 3 (idle) are in the upper bits. */
const CLASS_SHIFT = 13

/** The tasks that `which` and `who` name, or a negative errno. */
function ioprioTasks(k: Kernel, t: Task, which: number, who: number): Task[] | number {
  const { tasks, processes } = k.state
  const processOf = (other: Task): Process => processes.get(other.pid)!
  let found: Task[]
  if (which === IOPRIO.process) found = [...tasks.values()].filter(({ tid }) => tid === (who === 0 ? t.tid : who))
  else if (which === IOPRIO.group) {
    const group = who === 0 ? k.process(t).pgid : who
    found = [...tasks.values()].filter((other) => processOf(other).pgid === group)
  } else if (which === IOPRIO.user) {
    const user = who === 0 ? t.credentials.uid[0] : who
    found = [...tasks.values()].filter((other) => processOf(other).credentials.uid[0] === user)
  } else return -ERRNO.EINVAL
  return found.length === 0 ? -ERRNO.ESRCH : found
}

function ioprioSet(k: Kernel, t: Task, [which, who, value]: number[]): number {
  const kind = value! >> CLASS_SHIFT
  const level = value! & ((1 << CLASS_SHIFT) - 1)
  if (kind < 0 || kind > 3 || (kind === 0 && level !== 0)) return -ERRNO.EINVAL
  if (kind === 1 && !capable(t, CAP.sysNice) && !capable(t, CAP.sysAdmin)) return -ERRNO.EPERM
  const tasks = ioprioTasks(k, t, which!, who!)
  if (typeof tasks === 'number') return tasks
  for (const task of tasks) task.ioPriority = value!
  return 0
}

/** The strongest of those asked about; who has none has what its niceness stands for. */
function ioprioGet(k: Kernel, t: Task, [which, who]: number[]): number {
  const tasks = ioprioTasks(k, t, which!, who!)
  if (typeof tasks === 'number') return tasks
  const values = tasks.map(({ ioPriority, nice }) => ioPriority || (2 << CLASS_SHIFT) | ((nice + 20) / 5) | 0)
  const own = tasks.length === 1 ? tasks[0]!.ioPriority : Math.min(...values)
  return own
}

/** Copies between the caller's memory and another process'; stops at the first byte that one of them cannot give or take. */
function processVm(k: Kernel, t: Task, args: number[], write: boolean): number {
  const [pid, local, localCount, remote, remoteCount, how] = args as [number, number, number, number, number, number]
  if (how !== 0) return -ERRNO.EINVAL
  const own = k.space(t)
  const here = readIovec(own, local, localCount)
  const there = readIovec(own, remote, remoteCount)
  if (typeof here === 'number') return here
  if (typeof there === 'number') return there
  const process = k.state.processes.get(k.state.tasks.get(pid)?.pid ?? pid)
  const other = process && k.memories.get(process.spaceId)
  if (process === undefined || other === undefined) return -ERRNO.ESRCH
  const { uid } = t.credentials
  if (!capable(t, CAP.sysPtrace) && process.credentials.uid.some((id) => id !== uid[0])) return -ERRNO.EPERM
  if (other.space !== own) publishStores(k, k.memory(t))
  other.settle()
  const [from, source, to, target] = write ? [own, here, other.space, there] : [other.space, there, own, here]
  const wanted = Math.min(totalLength(source), totalLength(target))
  const data = gather(from, source, 0, wanted)
  const part = data.subarray(0, writable(to, target, data.length))
  if (part.length === 0 && wanted > 0) return -ERRNO.EFAULT
  scatter(to, target, part)
  if (other.space !== own) publishStores(k, other)
  return part.length
}

const SYMLINK_NOFOLLOW = 0x100
const EMPTY_PATH = 0x1000

function fchmodat2(k: Kernel, t: Task, [start, name, bits, how]: number[]): number {
  if (how! & ~(SYMLINK_NOFOLLOW | EMPTY_PATH)) return -ERRNO.EINVAL
  const inode = findAtOrFd(k, t, start!, name!, (how! & SYMLINK_NOFOLLOW) === 0, (how! & EMPTY_PATH) !== 0)
  if (typeof inode === 'number') return inode
  return inode.kind === 'symlink' ? -ERRNO.EOPNOTSUPP : changeMode(k, t, inode, bits!)
}

/** Bytes of struct timex. */
const TIMEX_SIZE = 208
const STA_UNSYNC = 0x40
/** adjtimex's result while nobody disciplines the clock. */
const TIME_ERROR = 5

/** The clock runs as it does: it can be asked about, and not adjusted. */
function adjtimex(k: Kernel, t: Task, buffer: number): number {
  const { space } = k.memory(t)
  const given = space.readU32(buffer)
  if (given === null) return -ERRNO.EFAULT
  // ADJ_OFFSET_SS_READ only asks, too.
  if (given !== 0 && given !== 0xa001) return -ERRNO.EPERM
  const view = new DataView(new ArrayBuffer(TIMEX_SIZE))
  const MOST = 16_000_000
  setI64(view, 24, MOST)
  setI64(view, 32, MOST)
  view.setInt32(40, STA_UNSYNC, true)
  ;[2, 1, 32_768_000].forEach((value, i) => setI64(view, 48 + 8 * i, value))
  const { seconds, ns } = realtime(k.state)
  setI64(view, 72, seconds)
  setI64(view, 80, Math.floor(ns / 1000))
  setI64(view, 88, 10_000)
  return space.write(buffer, new Uint8Array(view.buffer)) ? TIME_ERROR : -ERRNO.EFAULT
}

/** What each process here has for itself anyway: CLONE_FS, CLONE_FILES, CLONE_SYSVSEM. */
const OWN_ANYWAY = 0x200 | 0x400 | 0x40000
const NAMESPACES = 0x7e02_0000 | 0x80

const CLONE_FS = 0x200
const CLONE_FILES = 0x400

function unshare(k: Kernel, t: Task, [what]: number[]): number {
  if (what! & ~(OWN_ANYWAY | NAMESPACES | 0x10900)) return -ERRNO.EINVAL
  // Without other namespaces nobody may make one, as in a container.
  if (what! & NAMESPACES) return -ERRNO.EPERM
  const threads = k.process(t).tids.length
  if (what! & 0x10900) return threads > 1 ? -ERRNO.EINVAL : 0
  if (threads === 1 && what! & CLONE_FILES) ownFiles(k, k.process(t))
  if (threads === 1 && what! & CLONE_FS) ownDirectory(k, k.process(t))
  const apart = what! !== 0 && threads > 1
  return apart ? k.refuse(t, 'unshare of files or directory between threads', 'EINVAL') : 0
}

const WHICH: FlagTable = [
  [1, 'IOPRIO_WHO_PROCESS'],
  [2, 'IOPRIO_WHO_PGRP'],
  [3, 'IOPRIO_WHO_USER'],
]
const which = shown(
  asUint,
  (value) => WHICH.find(([known]) => known === value)?.[1] ?? `${hex(value)} /* IOPRIO_WHO_??? */`,
)
const CLASSES = ['IOPRIO_CLASS_NONE', 'IOPRIO_CLASS_RT', 'IOPRIO_CLASS_BE', 'IOPRIO_CLASS_IDLE']
const priorityText = (value: number): string =>
  `IOPRIO_PRIO_VALUE(${CLASSES[value >> CLASS_SHIFT] ?? hex(value >> CLASS_SHIFT)}, ${value & ((1 << CLASS_SHIFT) - 1)})`
const timexOut: ArgType = { ...ptr, writes: (value) => [{ start: value, length: TIMEX_SIZE }] }
const vm: readonly (readonly [string, ArgType])[] = [
  ['pid', int],
  ['lvec', ptr],
  ['liovcnt', size],
  ['rvec', ptr],
  ['riovcnt', size],
  ['flags', hexU64],
]

export const restCalls: readonly Declaration[] = [
  syscall(
    135,
    'personality',
    [['persona', shown(asUint, hex)]],
    (result) => `${hex(result)} (PER_LINUX)`,
    personality,
    {
      support: 'partial: ADDR_NO_RANDOMIZE, ADDR_COMPAT_LAYOUT and READ_IMPLIES_EXEC',
    },
  ),
  syscall(
    159,
    'adjtimex',
    [['buf', timexOut]],
    (result) => `${result} (TIME_ERROR)`,
    (k, t, [buffer]) => adjtimex(k, t, buffer!),
    {
      support: 'partial: the clock cannot be adjusted (EPERM)',
    },
  ),
  syscall(
    164,
    'settimeofday',
    [
      ['tv', ptr],
      ['tz', ptr],
    ],
    number,
    (k, t, [time]) => (time !== 0 && k.space(t).read(time!, 16) === null ? -ERRNO.EFAULT : -ERRNO.EPERM),
    { support: 'partial: EPERM' },
  ),
  syscall(
    251,
    'ioprio_set',
    [
      ['which', which],
      ['who', int],
      ['ioprio', shown(asUint, priorityText)],
    ],
    number,
    ioprioSet,
  ),
  syscall(
    252,
    'ioprio_get',
    [
      ['which', which],
      ['who', int],
    ],
    (result) => `${hex(result)} (${priorityText(result)})`,
    ioprioGet,
  ),
  syscall(272, 'unshare', [['flags', flags(CLONE_FLAGS, 'CLONE_???')]], number, unshare, {
    support: 'partial: EPERM for namespaces',
  }),
  syscall(
    305,
    'clock_adjtime',
    [
      ['clockid', uint],
      ['buf', timexOut],
    ],
    (result) => `${result} (TIME_ERROR)`,
    (k, t, [clock, buffer]) => (clock === 0 ? adjtimex(k, t, buffer!) : -ERRNO.EOPNOTSUPP),
    { support: 'partial: the clock cannot be adjusted (EPERM)' },
  ),
  syscall(310, 'process_vm_readv', vm, number, (k, t, args) => processVm(k, t, args, false)),
  syscall(311, 'process_vm_writev', vm, number, (k, t, args) => processVm(k, t, args, true)),
  syscall(
    452,
    'fchmodat2',
    [
      ['dfd', dirfd],
      ['pathname', path],
      ['mode', mode],
      ['flags', flags(AT_FLAGS, 'AT_???')],
    ],
    number,
    fchmodat2,
  ),
]
