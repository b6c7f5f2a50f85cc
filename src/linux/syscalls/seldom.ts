/** Exists to declare calls that few programs make: handles of files, old tables of the kernel, mappings of one file out of order, advice about another process. */
import { PAGE_SIZE } from '../../engine/layout.ts'
import {
  asUint,
  dirfd,
  fd,
  flags,
  hexU64,
  int,
  number,
  path,
  ptr,
  shown,
  size,
  structText,
  uint,
} from '../arguments.ts'
import { syscall, type ArgType, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { descriptionOf } from '../fs/description.ts'
import { pidOfFd } from '../fs/pidfd.ts'
import { readIovec, totalLength } from '../fs/segments.ts'
import { findAtOrFd } from '../fs/walk.ts'
import type { Kernel } from '../kernel.ts'
import { MAP, pageDown } from '../mm.ts'
import type { Task } from '../state.ts'
import { hex } from '../strace.ts'
import { MADVICE } from '../table-task-flags.ts'

const HANDLE_HEADER = 8
const MAX_HANDLE = 128
/** FILEID_INO32_GEN: inode and generation, 32 bits each. */
const HANDLE = { type: 1, size: 8 } as const
const HANDLE_FLAGS = [
  [0x400, 'AT_SYMLINK_FOLLOW'],
  [0x1000, 'AT_EMPTY_PATH'],
] as const
const FOLLOW = 0x400
const EMPTY_PATH = 0x1000
const MOUNT_ID = 1

/** name_to_handle_at(2): the inode's number, by which nobody can open it. */
function nameToHandle(k: Kernel, t: Task, args: number[]): number {
  const [start, name, handle, mountId, given] = args as [number, number, number, number, number]
  if (given & ~(FOLLOW | EMPTY_PATH)) return -ERRNO.EINVAL
  const inode = findAtOrFd(k, t, start, name, (given & FOLLOW) !== 0, (given & EMPTY_PATH) !== 0)
  if (typeof inode === 'number') return inode
  const space = k.space(t)
  const room = space.readU32(handle)
  if (room === null) return -ERRNO.EFAULT
  if (room > MAX_HANDLE) return -ERRNO.EINVAL
  const fits = room >= HANDLE.size
  const words = fits ? [HANDLE.size, HANDLE.type, inode.id >>> 0, 0] : [HANDLE.size, 0xff]
  if (!space.writeU32(mountId, MOUNT_ID)) return -ERRNO.EFAULT
  if (!space.write(handle, new Uint8Array(new Uint32Array(words).buffer))) return -ERRNO.EFAULT
  return fits ? 0 : -ERRNO.EOVERFLOW
}

const FILE_SYSTEMS = ['proc', 'sysfs', 'tmpfs', 'ext4']

/** sysfs(2): the list of /proc/filesystems. */
function sysfs(k: Kernel, t: Task, [option, first, second]: number[]): number {
  const space = k.space(t)
  if (option === 3) return FILE_SYSTEMS.length
  if (option === 1) {
    const name = space.readString(first!, PAGE_SIZE)
    if (name === null) return -ERRNO.EFAULT
    const index = FILE_SYSTEMS.indexOf(String.fromCharCode(...name))
    return index < 0 ? -ERRNO.EINVAL : index
  }
  const found = option === 2 ? FILE_SYSTEMS[first!] : undefined
  if (found === undefined) return -ERRNO.EINVAL
  return space.write(
    second!,
    Uint8Array.from(`${found}\0`, (char) => char.charCodeAt(0)),
  )
    ? 0
    : -ERRNO.EFAULT
}

/** remap_file_pages(2): another part of the file at the same place, as Linux has done it since 4.0. */
function remapFilePages(k: Kernel, t: Task, args: number[]): number {
  const [address, rawSize, rights, page] = args as [number, number, number, number]
  if (rights !== 0) return -ERRNO.EINVAL
  const start = pageDown(address)
  const length = pageDown(rawSize)
  const memory = k.memory(t)
  const mapping = memory.at(start)
  if (length === 0 || mapping === undefined || !(mapping.flags & MAP.shared) || mapping.file === null)
    return -ERRNO.EINVAL
  if (start + length > mapping.end) return -ERRNO.EINVAL
  memory.add({ ...mapping, start, end: start + length, file: { ...mapping.file, offset: page * PAGE_SIZE } })
  k.tellMapping(t, start, length, mapping.prot, mapping.file.path)
  return 0
}

/** Advice that may be given about another process; none of it changes anything here. */
const REMOTE_ADVICE: readonly number[] = [3, 20, 21, 25]

function processMadvise(k: Kernel, t: Task, args: number[]): number {
  const [descriptor, vector, count, advice, given] = args as [number, number, number, number, number]
  if (given !== 0) return -ERRNO.EINVAL
  const parts = readIovec(k.space(t), vector, count)
  if (typeof parts === 'number') return parts
  const pid = pidOfFd(k, t, descriptor)
  if (pid < 0) return pid
  if (!k.state.processes.has(pid)) return -ERRNO.ESRCH
  return REMOTE_ADVICE.includes(advice) ? totalLength(parts) : -ERRNO.EINVAL
}

function processMrelease(k: Kernel, t: Task, [descriptor, given]: number[]): number {
  if (given !== 0) return -ERRNO.EINVAL
  const pid = pidOfFd(k, t, descriptor!)
  if (pid < 0) return pid
  const process = k.state.processes.get(pid)
  if (process === undefined) return -ERRNO.ESRCH
  return process.exitStatus === null ? -ERRNO.EINVAL : 0
}

const handleText: ArgType = {
  ...ptr,
  when: 'out',
  text: (value, call) =>
    structText(
      value,
      HANDLE_HEADER,
      (view) => {
        const size = view.getUint32(0, true)
        if (call.result !== 0) return `{handle_bytes=${size}}`
        const bytes = call.space.read(value + HANDLE_HEADER, size) ?? new Uint8Array(0)
        const data = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
        return `{handle_bytes=${size}, handle_type=${view.getInt32(4, true)}, f_handle=0x${data}}`
      },
      call,
    ),
  reads: (value) => [{ start: value, length: 4 }],
  writes: (value) => [{ start: value, length: HANDLE_HEADER + HANDLE.size }],
}
const mountOut: ArgType = {
  ...ptr,
  when: 'out',
  text: (value, call) =>
    call.result === 0 ? structText(value, 4, (view) => `[${view.getInt32(0, true)}]`, call) : ptr.text(value, call),
  writes: (value) => [{ start: value, length: 4 }],
}

export const seldomCalls: readonly Declaration[] = [
  syscall(
    303,
    'name_to_handle_at',
    [
      ['dirfd', dirfd],
      ['pathname', path],
      ['handle', handleText],
      ['mount_id', mountOut],
      ['flags', flags(HANDLE_FLAGS, 'AT_???')],
    ],
    number,
    nameToHandle,
  ),
  syscall(
    136,
    'ustat',
    [
      ['dev', hexU64],
      ['ubuf', ptr],
    ],
    number,
    () => -ERRNO.EINVAL,
    { support: 'partial: no device is mounted by its number (EINVAL)' },
  ),
  syscall(
    139,
    'sysfs',
    [
      ['option', uint],
      ['arg1', hexU64],
      ['arg2', ptr],
    ],
    number,
    sysfs,
  ),
  syscall(
    216,
    'remap_file_pages',
    [
      ['addr', ptr],
      ['size', size],
      ['prot', hexU64],
      ['pgoff', size],
      ['flags', hexU64],
    ],
    number,
    remapFilePages,
  ),
  syscall(219, 'restart_syscall', [], number, () => -ERRNO.EINTR),
  syscall(
    440,
    'process_madvise',
    [
      ['pidfd', fd],
      ['vec', ptr],
      ['vlen', size],
      ['advice', shown(asUint, (value) => MADVICE.find(([known]) => known === value)?.[1] ?? hex(value))],
      ['flags', uint],
    ],
    number,
    processMadvise,
  ),
  syscall(
    448,
    'process_mrelease',
    [
      ['pidfd', fd],
      ['flags', uint],
    ],
    number,
    processMrelease,
  ),
  syscall(
    301,
    'fanotify_mark',
    [
      ['fanotify_fd', fd],
      ['flags', uint],
      ['mask', hexU64],
      ['dirfd', dirfd],
      ['pathname', path],
    ],
    number,
    // Nobody has a group of fanotify_init(2).
    (k, t, [descriptor]) => (descriptionOf(k, t, descriptor!) === undefined ? -ERRNO.EBADF : -ERRNO.EINVAL),
  ),
  syscall(
    443,
    'quotactl_fd',
    [
      ['fd', fd],
      ['cmd', uint],
      ['id', int],
      ['addr', ptr],
    ],
    number,
    (k, t, [descriptor]) => (descriptionOf(k, t, descriptor!) === undefined ? -ERRNO.EBADF : -ERRNO.ESRCH),
    { support: 'partial: no file system has quotas (ESRCH)' },
  ),
]
