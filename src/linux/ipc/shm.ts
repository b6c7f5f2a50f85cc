/** Exists to keep shared memory segments (shmget(2)): files without a name, which processes map. */
import { GUEST_LIMIT, GUEST_MIN, PAGE_SIZE } from '../../engine/layout.ts'
import { setI64 } from '../arguments.ts'
import { ERRNO } from '../errno.ts'
import { addInode, holdInode, releaseInode, timeNow } from '../fs/inode.ts'
import type { Kernel } from '../kernel.ts'
import { MAP, pageUp } from '../mm.ts'
import type { Task } from '../state.ts'
import {
  atIndex,
  find,
  get,
  highest,
  IPC,
  IPC_MAX,
  owns,
  permits,
  PERM_SIZE,
  putPerm,
  seconds,
  takePerm,
} from './common.ts'
import type { ShmSegment } from './state.ts'

const SHM = { lock: 11, unlock: 12, stat: 13, info: 14, statAny: 15 } as const
const ATTACH = { readOnly: 0o10000, round: 0o20000, remap: 0o40000, exec: 0o100000 } as const
/** Segments that are to go, and locked ones, show so in their mode. */
const SHM_DEST = 0o1000
const SHM_LOCKED = 0o2000
const SHM_MAX = 18446744073692774399n
/** Bytes of struct shmid64_ds. */
const SHMID_SIZE = 112
const RLIMIT_AS = 9

/** Mappings of a segment in all address spaces. */
function attached(k: Kernel, { inode }: ShmSegment): number {
  let count = 0
  for (const map of k.state.spaces.values())
    for (const { file, flags } of map.mappings) if (file?.inode === inode && flags & MAP.shared) count++
  return count
}

/** Forgets segments that were removed and that nobody has mapped any more. */
function sweep(k: Kernel): void {
  for (const segment of k.state.ipc.shm.objects.values())
    if (segment.doomed && attached(k, segment) === 0) drop(k, segment)
}

function drop(k: Kernel, segment: ShmSegment): void {
  k.state.ipc.shm.objects.delete(segment.id)
  releaseInode(k.state.fs, segment.inode)
}

const SHM_HUGETLB = 0o4000

export function shmget(k: Kernel, t: Task, [key, size, flags]: number[]): number {
  sweep(k)
  const check = (segment: ShmSegment): number => (size! > segment.size ? -ERRNO.EINVAL : 0)
  return get(k, t, k.state.ipc.shm, key!, flags!, check, (base) => {
    if (size! < 1 || !(size! <= Number(SHM_MAX))) return -ERRNO.EINVAL
    // There are no huge pages.
    if (size! > 2 ** 46 || flags! & SHM_HUGETLB) return -ERRNO.ENOMEM
    const { uid, gid } = base.perm
    const inode = addInode(k.state.fs, { kind: 'file', mode: base.perm.mode, uid, gid }, timeNow(k))
    inode.content!.size = pageUp(size!)
    holdInode(k.state.fs, inode.id)
    const times = { atime: 0, dtime: 0, creator: t.pid, last: 0, doomed: false, locked: false }
    return { ...base, size: size!, inode: inode.id, ...times }
  })
}

export function shmat(k: Kernel, t: Task, [id, address, flags]: number[]): number {
  sweep(k)
  const segment = find(k.state.ipc.shm, id!)
  if (typeof segment === 'number') return segment
  let at = address!
  if (at !== 0 && at % PAGE_SIZE !== 0) {
    if (!(flags! & ATTACH.round)) return -ERRNO.EINVAL
    at -= at % PAGE_SIZE
    if (at === 0 && flags! & ATTACH.remap) return -ERRNO.EINVAL
  } else if (at === 0 && flags! & ATTACH.remap) return -ERRNO.EINVAL
  const readOnly = (flags! & ATTACH.readOnly) !== 0
  if (!permits(t, segment, (readOnly ? 4 : 6) | (flags! & ATTACH.exec ? 1 : 0))) return -ERRNO.EACCES
  const memory = k.memory(t)
  const length = pageUp(segment.size)
  if (at === 0) at = memory.place(length, 0)
  else if (at < GUEST_MIN || at + length > GUEST_LIMIT) return -ERRNO.EINVAL
  else if (!(flags! & ATTACH.remap) && !memory.isFree(at, at + length)) return -ERRNO.EINVAL
  if (at < 0 || memory.map.total + length > k.process(t).rlimits[RLIMIT_AS]![0]) return -ERRNO.ENOMEM
  const path = `/SYSV${(segment.perm.key >>> 0).toString(16).padStart(8, '0')} (deleted)`
  const prot = 1 | (readOnly ? 0 : 2) | (flags! & ATTACH.exec ? 4 : 0)
  memory.add({
    start: at,
    end: at + length,
    prot,
    flags: MAP.shared,
    file: { path, inode: segment.inode, offset: 0, mayWrite: !readOnly },
    name: '',
    untouched: false,
    onFork: 'copy',
  })
  segment.atime = seconds(k)
  segment.last = t.pid
  k.tellMapping(t, at, length, prot, path)
  return at
}

export function shmdt(k: Kernel, t: Task, [address]: number[]): number {
  const memory = k.memory(t)
  const first = memory.at(address!)
  const segment =
    first?.file && first.start === address && first.file.offset === 0 && first.flags & MAP.shared
      ? [...k.state.ipc.shm.objects.values()].find(({ inode }) => inode === first.file!.inode)
      : undefined
  if (segment === undefined) return -ERRNO.EINVAL
  // A mapping that was cut into several goes as a whole.
  for (const { start, end, file } of memory.map.mappings.slice()) {
    if (file?.inode !== segment.inode || start - file.offset !== address) continue
    memory.remove(start, end)
    k.tellMapping(t, start, end - start, -1, '')
  }
  segment.dtime = seconds(k)
  segment.last = t.pid
  sweep(k)
  return 0
}

export function shmctl(k: Kernel, t: Task, args: number[]): number {
  const [id, command, buffer] = args as [number, number, number]
  sweep(k)
  const table = k.state.ipc.shm
  if (id < 0 || command < 0) return -ERRNO.EINVAL
  switch (command) {
    case IPC.info:
      return info(k, t, buffer)
    case SHM.info:
      return usage(k, t, buffer)
    case IPC.stat:
    case SHM.stat:
    case SHM.statAny: {
      const segment = command === IPC.stat ? find(table, id) : atIndex(table, id)
      if (typeof segment === 'number') return segment
      if (command !== SHM.statAny && !permits(t, segment, 4)) return -ERRNO.EACCES
      if (!k.space(t).write(buffer, describe(k, segment))) return -ERRNO.EFAULT
      return command === IPC.stat ? 0 : segment.id
    }
    case IPC.set:
    case IPC.rmid:
    case SHM.lock:
    case SHM.unlock: {
      const bytes = command === IPC.set ? k.space(t).read(buffer, SHMID_SIZE) : new Uint8Array(0)
      if (bytes === null) return -ERRNO.EFAULT
      const segment = find(table, id)
      if (typeof segment === 'number') return segment
      if (!owns(t, segment)) return -ERRNO.EPERM
      if (command === SHM.lock || command === SHM.unlock) segment.locked = command === SHM.lock
      else if (command === IPC.set) takePerm(k, segment, new DataView(bytes.buffer, bytes.byteOffset, PERM_SIZE))
      else {
        segment.doomed = true
        segment.perm.key = 0
        sweep(k)
      }
      return 0
    }
    default:
      return -ERRNO.EINVAL
  }
}

function describe(k: Kernel, segment: ShmSegment): Uint8Array {
  const view = new DataView(new ArrayBuffer(SHMID_SIZE))
  putPerm(view, segment)
  const state = (segment.doomed ? SHM_DEST : 0) | (segment.locked ? SHM_LOCKED : 0)
  view.setUint32(20, segment.perm.mode | state, true)
  ;[segment.size, segment.atime, segment.dtime, segment.ctime].forEach((value, i) => setI64(view, 48 + 8 * i, value))
  view.setInt32(80, segment.creator, true)
  view.setInt32(84, segment.last, true)
  setI64(view, 88, attached(k, segment))
  return new Uint8Array(view.buffer)
}

/** struct shminfo64. */
function info(k: Kernel, t: Task, buffer: number): number {
  const view = new DataView(new ArrayBuffer(72))
  ;[SHM_MAX, 1n, 4096n, 4096n, SHM_MAX].forEach((value, i) => view.setBigUint64(8 * i, value, true))
  return k.space(t).write(buffer, new Uint8Array(view.buffer)) ? highest(k.state.ipc.shm) : -ERRNO.EFAULT
}

/** struct shm_info. */
function usage(k: Kernel, t: Task, buffer: number): number {
  const view = new DataView(new ArrayBuffer(48))
  const segments = [...k.state.ipc.shm.objects.values()]
  view.setInt32(0, Math.min(segments.length, IPC_MAX), true)
  const pages = segments.reduce((sum, { size }) => sum + pageUp(size) / PAGE_SIZE, 0)
  setI64(view, 8, pages)
  setI64(view, 16, pages)
  return k.space(t).write(buffer, new Uint8Array(view.buffer)) ? highest(k.state.ipc.shm) : -ERRNO.EFAULT
}
