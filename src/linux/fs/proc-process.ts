/** Exists to hold the files of /proc/PID and /proc/PID/task/TID: the machine's processes and threads in the kernel's own formats (proc(5)). */
import { CAP, capabilitiesOf, capable } from '../capabilities.ts'
import { PAGE_SIZE } from '../../engine/layout.ts'
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import type { Process, Task } from '../state.ts'
import { isZombie } from '../tasks.ts'
import { deviceOf } from '../tty/state.ts'
import { controllingTty } from '../tty/tell.ts'
import { fdTableSize } from './description.ts'
import { bytesFromName } from './names.ts'
import { maps, smaps, smapsRollup } from './proc-memory.ts'

/** A file about a thread; in /proc/PID itself about the first one. `threadOnly`: in /proc/PID/task/TID, where times are the thread's own. */
export interface TaskFile {
  text(k: Kernel, process: Process, t: Task, threadOnly: boolean): string
  /** What a write does: bytes taken, or a negative errno. */
  write?(process: Process, t: Task, text: string): number
  mode?: number
}

/** A file about a process: bytes, text, or a negative errno. */
export interface ProcessFile {
  content(k: Kernel, process: Process): Uint8Array | string | number
  /** What a write does: bytes taken, or a negative errno. */
  write?(process: Process, text: string): number
  mode?: number
}

export const taskFiles: ReadonlyMap<string, TaskFile> = new Map<string, TaskFile>([
  ['comm', { text: (_k, _p, t) => `${t.name}\n`, write: rename, mode: 0o644 }],
  ['stat', { text: stat }],
  ['status', { text: status }],
])

export const processFiles: ReadonlyMap<string, ProcessFile> = new Map<string, ProcessFile>([
  ['maps', { content: maps }],
  ['smaps', { content: smaps }],
  ['smaps_rollup', { content: smapsRollup }],
  ['statm', { content: statm }],
  ['cmdline', { content: (_k, p) => (isZombie(p) ? '' : strings(p.argv)) }],
  ['environ', { content: (_k, p) => (isZombie(p) ? '' : strings(p.environ)), mode: 0o400 }],
  ['auxv', { content: (_k, p) => auxv(p), mode: 0o400 }],
  ['limits', { content: (_k, p) => limits(p) }],
  ['io', { content: (_k, p) => ioText(p), mode: 0o400 }],
  [
    'mounts',
    {
      content: (k) =>
        mounts(k)
          .map(({ device, at, type, mode }) => `${device} ${at} ${type} ${mode},noatime 0 0\n`)
          .join(''),
    },
  ],
  ['mountinfo', { content: mountinfo }],
  ['cgroup', { content: () => '0::/\n' }],
  ['oom_score', { content: () => '0\n' }],
  ['oom_score_adj', { content: (_k, p) => `${p.oomScoreAdj}\n`, write: adjust, mode: 0o644 }],
  ['uid_map', { content: () => ID_MAP }],
  ['gid_map', { content: () => ID_MAP }],
  ['setgroups', { content: () => 'allow\n' }],
  ['loginuid', { content: () => '4294967295' }],
  ['sessionid', { content: () => '4294967295' }],
  ['personality', { content: (_k, p) => `${p.personality.toString(16).padStart(8, '0')}\n`, mode: 0o400 }],
  // The memory of a process is read through the debugger, not through a file.
  ['mem', { content: () => -ERRNO.EIO, mode: 0o600 }],
])

/** The thread's name: what a line has before its end, at most 15 bytes. */
function rename(_process: Process, t: Task, text: string): number {
  t.name = text.replace(/\n[^]*$/, '').slice(0, 15)
  return text.length
}

function adjust(process: Process, text: string): number {
  const value = /^\s*-?\d+\s*$/.test(text) ? Number(text) : NaN
  if (!(value >= -1000 && value <= 1000)) return -ERRNO.EINVAL
  if (value < process.oomScoreAdj && !capable(process, CAP.sysResource)) return -ERRNO.EACCES
  process.oomScoreAdj = value
  return text.length
}

/** Nothing ever goes to a disk. */
function ioText({ io }: Process): string {
  const calls = `rchar: ${io.read}\nwchar: ${io.written}\nsyscr: ${io.reads}\nsyscw: ${io.writes}\n`
  return `${calls}read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n`
}

/** Every id is itself: there are no user namespaces. */
const ID_MAP = '         0          0 4294967295\n'

const MOUNTS = [
  ['root', '/', 'ext4'],
  ['proc', '/proc', 'proc'],
  ['sysfs', '/sys', 'sysfs'],
  ['devtmpfs', '/dev', 'devtmpfs'],
  ['tmpfs', '/dev/shm', 'tmpfs'],
] as const

/** What is mounted where: the machine's own file systems, then what of the host was mounted. */
function mounts(k: Kernel): { device: string; at: string; type: string; mode: 'rw' | 'ro' }[] {
  return [
    ...MOUNTS.map(([device, at, type]) => ({ device, at, type, mode: 'rw' as const })),
    ...k.state.fs.mounts.map(({ host, guest, writable }) => ({
      device: host,
      at: guest,
      type: 'lemming',
      mode: writable ? ('rw' as const) : ('ro' as const),
    })),
  ]
}

function mountinfo(k: Kernel): string {
  return mounts(k)
    .map(({ device, at, type, mode }, i) => {
      const parent = at === '/' ? 0 : at === '/dev/shm' ? 4 : 1
      return `${i + 1} ${parent} 0:${i + 1} / ${at} ${mode},noatime - ${type} ${device} ${mode}\n`
    })
    .join('')
}

function strings(list: readonly string[]): Uint8Array {
  return bytesFromName(list.map((text) => `${text}\0`).join(''))
}

function auxv(process: Process): Uint8Array {
  const bytes = new Uint8Array(process.auxv.length * 16)
  const view = new DataView(bytes.buffer)
  process.auxv.forEach(([key, value], i) => {
    view.setBigUint64(i * 16, BigInt(key), true)
    view.setBigUint64(i * 16 + 8, BigInt(value), true)
  })
  return bytes
}

/** Sizes in pages: all, and of writable private memory. */
function sizes(k: Kernel, process: Process): { total: number; data: number; code: number } {
  const map = k.state.spaces.get(process.spaceId)
  let data = 0
  let code = 0
  for (const m of map?.mappings ?? []) {
    const pages = (m.end - m.start) / PAGE_SIZE
    if (m.prot & 2 && !(m.flags & 1)) data += pages
    if (m.prot & 4) code += pages
  }
  return { total: (map?.total ?? 0) / PAGE_SIZE, data, code }
}

function statm(k: Kernel, process: Process): string {
  const { total, data, code } = sizes(k, process)
  return `${total} ${total} 0 ${code} 0 ${data} 0\n`
}

/** CPU time in ticks of 1/100 s. */
function ticks(k: Kernel, instructions: number): number {
  return Math.floor((instructions * k.state.constants.nsPerInstruction) / 10_000_000)
}

/** R while it can run, S while it waits (D in vfork), T while it is stopped, Z when only its exit status is left. */
function stateLetter(process: Process, t: Task): string {
  if (isZombie(process)) return 'Z'
  if (process.stopSignal !== 0) return 'T'
  if (t.wait?.kind === 'vfork') return 'D'
  return t.runIndex >= 0 ? 'R' : 'S'
}

function stat(k: Kernel, process: Process, t: Task, threadOnly: boolean): string {
  const map = k.state.spaces.get(process.spaceId)
  const time = ticks(k, threadOnly ? t.count : process.count)
  const id = threadOnly ? t.tid : process.pid
  const bytes = map?.total ?? 0
  const tty = controllingTty(k, process.sid)
  const stackSet = (signals: bigint): string => String(signals & 0x7fff_ffffn)
  const fields = [
    process.ppid,
    process.pgid,
    process.sid,
    tty === undefined ? 0 : deviceOf(tty),
    tty?.foreground ?? -1,
    4194304,
    0,
    0,
    0,
    0,
    time,
    0,
    ticks(k, process.childrenCount),
    0,
    20 + t.nice,
    t.nice,
    process.tids.length,
    0,
    Math.floor(process.startNs / 10_000_000),
    bytes,
    bytes / PAGE_SIZE,
    '18446744073709551615',
    map?.codeStart ?? 0,
    map?.codeEnd ?? 0,
    map?.stackTop ?? 0,
    0,
    0,
    stackSet(pendingSet(t.pending)),
    stackSet(t.signalMask),
    stackSet(actionSet(process, true)),
    stackSet(actionSet(process, false)),
    0,
    0,
    0,
    process.exitSignal,
    t.cpuNumber,
    t.priority,
    t.policy,
    0,
    0,
    0,
    0,
    0,
    map?.brkStart ?? 0,
    0,
    0,
    0,
    0,
    process.exitStatus ?? 0,
  ]
  return `${id} (${t.name}) ${stateLetter(process, t)} ${fields.join(' ')}\n`
}

function pendingSet(pending: readonly { signal: number }[]): bigint {
  return pending.reduce((set, { signal }) => set | (1n << BigInt(signal - 1)), 0n)
}

/** Signals that are ignored, or those that have a handler. */
function actionSet(process: Process, ignored: boolean): bigint {
  let set = 0n
  process.actions.forEach((action, signal) => {
    if (signal > 0 && (ignored ? action.handler === 1 : action.handler > 1)) set |= 1n << BigInt(signal - 1)
  })
  return set
}

function status(k: Kernel, process: Process, t: Task, threadOnly: boolean): string {
  const { total, data, code } = sizes(k, process)
  const kb = (pages: number): string => `${String(pages * 4).padStart(8)} kB`
  const set = (signals: bigint): string => signals.toString(16).padStart(16, '0')
  const { uid, gid, groups } = process.credentials
  const letter = stateLetter(process, t)
  const words: Record<string, string> = {
    R: 'running',
    S: 'sleeping',
    D: 'disk sleep',
    T: 'stopped',
    Z: 'zombie',
  }
  const { inheritable, permitted, effective, bounding, ambient } = capabilitiesOf(t.credentials)
  const cpus = k.state.constants.cpus
  const rows: [string, string][] = [
    ['Name', t.name],
    ['Umask', `0${process.where.umask.toString(8).padStart(3, '0')}`],
    ['State', `${letter} (${words[letter]})`],
    ['Tgid', String(process.pid)],
    ['Ngid', '0'],
    ['Pid', String(threadOnly ? t.tid : process.pid)],
    ['PPid', String(process.ppid)],
    ['TracerPid', '0'],
    ['Uid', uid.join('\t')],
    ['Gid', gid.join('\t')],
    ['FDSize', String(fdTableSize(process))],
    ['Groups', `${groups.join(' ')} `],
    ['VmPeak', kb(total)],
    ['VmSize', kb(total)],
    ['VmLck', kb(0)],
    ['VmPin', kb(0)],
    ['VmHWM', kb(total)],
    ['VmRSS', kb(total)],
    ['VmData', kb(data)],
    ['VmStk', kb(33)],
    ['VmExe', kb(code)],
    ['VmLib', kb(0)],
    ['VmPTE', kb(1)],
    ['VmSwap', kb(0)],
    ['Threads', String(process.tids.length)],
    ['SigQ', `${t.pending.length + process.pending.length}/96365`],
    ['SigPnd', set(pendingSet(t.pending))],
    ['ShdPnd', set(pendingSet(process.pending))],
    ['SigBlk', set(t.signalMask)],
    ['SigIgn', set(actionSet(process, true))],
    ['SigCgt', set(actionSet(process, false))],
    ['CapInh', set(inheritable)],
    ['CapPrm', set(permitted)],
    ['CapEff', set(effective)],
    ['CapBnd', set(bounding)],
    ['CapAmb', set(ambient)],
    ['NoNewPrivs', t.noNewPrivileges ? '1' : '0'],
    ['Seccomp', t.seccomp === undefined ? '0' : t.seccomp.strict ? '1' : '2'],
    ['Seccomp_filters', String(t.seccomp?.filters.length ?? 0)],
    ['Cpus_allowed', t.affinity.toString(16)],
    ['Cpus_allowed_list', cpus === 1 ? '0' : cpuListText(t.affinity)],
    ['Mems_allowed', '1'],
    ['Mems_allowed_list', '0'],
    ['voluntary_ctxt_switches', '0'],
    ['nonvoluntary_ctxt_switches', '0'],
  ]
  return rows.map(([name, value]) => `${name}:\t${value}\n`).join('')
}

/** `0-2,4` for the set bits 0, 1, 2 and 4. */
function cpuListText(set: bigint): string {
  const parts: string[] = []
  for (let bit = 0; set >> BigInt(bit) > 0n; bit++) {
    if (!((set >> BigInt(bit)) & 1n)) continue
    const first = bit
    while ((set >> BigInt(bit + 1)) & 1n) bit++
    parts.push(first === bit ? String(first) : `${first}-${bit}`)
  }
  return parts.join(',')
}

/** Rows of /proc/PID/limits in RLIMIT_* order (asm-generic/resource.h). */
const LIMITS: readonly (readonly [string, string])[] = [
  ['Max cpu time', 'seconds'],
  ['Max file size', 'bytes'],
  ['Max data size', 'bytes'],
  ['Max stack size', 'bytes'],
  ['Max core file size', 'bytes'],
  ['Max resident set', 'bytes'],
  ['Max processes', 'processes'],
  ['Max open files', 'files'],
  ['Max locked memory', 'bytes'],
  ['Max address space', 'bytes'],
  ['Max file locks', 'locks'],
  ['Max pending signals', 'signals'],
  ['Max msgqueue size', 'bytes'],
  ['Max nice priority', ''],
  ['Max realtime priority', ''],
  ['Max realtime timeout', 'us'],
]

function limits(process: Process): string {
  const value = (limit: number): string => (limit === Infinity ? 'unlimited' : String(limit)).padEnd(21)
  const head = `${'Limit'.padEnd(26)}${'Soft Limit'.padEnd(21)}${'Hard Limit'.padEnd(21)}Units     \n`
  return (
    head +
    LIMITS.map(([name, unit], i) => {
      const [soft, hard] = process.rlimits[i] ?? [Infinity, Infinity]
      return `${name.padEnd(26)}${value(soft)}${value(hard)}${unit.padEnd(10)}\n`
    }).join('')
  )
}
