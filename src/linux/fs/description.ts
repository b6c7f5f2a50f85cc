/** Exists to keep open file descriptions and descriptor tables: who refers to what, and what happens when the last one lets go. */
import { powerOfTwoFrom } from '../../base/powers.ts'
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import { forgetNotify, leaveQueue, queueOf } from '../ipc/mqueue.ts'
import { closeSocket } from '../net/close.ts'
import type { Process, Task } from '../state.ts'
import { leaveTty } from '../tty/tell.ts'
import { signalActivity } from './async.ts'
import { holdInode, releaseInode } from './inode.ts'
import { closeRing } from '../uring/close.ts'
import { IN, tellGone, tellInode } from './inotify.ts'
import { dropDescriptionLocks, dropProcessLocks } from './locks.ts'
import type { Description, DescriptionType, FdTable, FsState, Inode } from './state.ts'

export { signalActivity }

/** RLIMIT_NOFILE's index in Process.rlimits. */
export const RLIMIT_NOFILE = 7

/** Makes a description without descriptors; it holds the inode, if it has one. */
export function addDescription(
  fs: FsState,
  type: DescriptionType,
  flags: number,
  inode: Inode | null,
  extra: Partial<Description> = {},
): Description {
  const description: Description = {
    id: fs.nextDescription++,
    type,
    refs: 0,
    inode: inode?.id ?? 0,
    flags,
    offset: 0,
    parent: 0,
    name: '',
    listing: null,
    bytes: null,
    pipe: 0,
    socket: 0,
    tty: -1,
    counter: 0n,
    timer: null,
    items: null,
    inotify: null,
    watchers: [],
    activity: 0,
    owner: 0,
    ownerThread: false,
    ioSignal: 0,
    asyncFd: -1,
    ...extra,
  }
  if (inode) holdInode(fs, inode.id)
  fs.descriptions.set(description.id, description)
  return description
}

/** The description behind a descriptor, or undefined (EBADF). */
export function describe(fs: FsState, process: Process, fd: number): Description | undefined {
  const slot = process.files.get(fd)
  return slot && fs.descriptions.get(slot.id)
}

/** The description behind a descriptor of a task's process, or undefined (EBADF). */
export function descriptionOf(k: Kernel, t: Task, fd: number): Description | undefined {
  return describe(k.state.fs, k.process(t), fd)
}

/** Slots in a process's table of descriptors: a power of two that holds the highest open one, at least 64. A real table never shrinks; this one does. */
export function fdTableSize(process: Process): number {
  return powerOfTwoFrom(Math.max(63, ...process.files.keys()) + 1)
}

/** Whether the limit leaves no descriptor for another description. */
export function isFull(process: Process): boolean {
  const limit = process.rlimits[RLIMIT_NOFILE]![0]
  if (process.files.size < limit) return false
  for (let fd = 0; fd < limit; fd++) if (!process.files.has(fd)) return false
  return true
}

/** Gives a description the lowest free descriptor from `lowest` on; -EMFILE when the limit is reached (the description stays with the caller). */
export function installFd(k: Kernel, t: Task, description: Description, closeOnExec: boolean, lowest = 0): number {
  const process = k.process(t)
  const limit = process.rlimits[RLIMIT_NOFILE]![0]
  let fd = lowest
  while (process.files.has(fd)) fd++
  if (fd >= limit) return -ERRNO.EMFILE
  process.files.set(fd, { id: description.id, closeOnExec })
  description.refs++
  return fd
}

/** Installs a new description or drops it again when there is no room. */
export function installOrDrop(k: Kernel, t: Task, description: Description, closeOnExec: boolean): number {
  description.refs++
  const fd = installFd(k, t, description, closeOnExec)
  releaseDescription(k, description.id)
  return fd
}

/** One referrer less; the last one closes it. */
export function releaseDescription(k: Kernel, id: number): void {
  const fs = k.state.fs
  const description = fs.descriptions.get(id)
  if (!description) return
  description.refs--
  if (description.refs > 0) return
  fs.descriptions.delete(id)
  dropDescriptionLocks(k, description)
  if (description.pipe !== 0) leavePipe(k, description)
  if (description.type === 'tty' || description.type === 'ptmx') leaveTty(k, description)
  if (description.type === 'mqueue') leaveQueue(k, description)
  if (description.type === 'inotify') fs.inotifies.splice(fs.inotifies.indexOf(id), 1)
  const open = description.type === 'file' || description.type === 'dir' ? fs.inodes.get(description.inode) : undefined
  if (open !== undefined) tellInode(k, open, (description.flags & 3) === 0 ? IN.closeNoWrite : IN.closeWrite)
  if (description.socket !== 0) {
    const { stirred, released, inode } = closeSocket(fs.net, description.socket)
    for (const other of stirred) signalActivity(k, other, 'both')
    for (const other of released) releaseDescription(k, other)
    if (inode !== 0) releaseInode(fs, inode)
  }
  for (const watcher of description.watchers) {
    const items = fs.descriptions.get(watcher)?.items
    for (const [key, item] of items ?? []) if (item.id === id) items!.delete(key)
  }
  for (const item of description.items?.values() ?? []) unwatch(fs, item.id, id)
  if (description.inode !== 0) releaseInode(fs, description.inode)
  if (description.ring !== undefined) for (const held of closeRing(k, description)) releaseDescription(k, held)
  tellGone(k)
}

/** The epoll instance `watcher` no longer looks at description `id`, unless another of its items does. */
export function unwatch(fs: FsState, id: number, watcher: number): void {
  const description = fs.descriptions.get(id)
  const index = description?.watchers.indexOf(watcher) ?? -1
  if (index >= 0) description!.watchers.splice(index, 1)
}

function leavePipe(k: Kernel, description: Description): void {
  const fs = k.state.fs
  const pipe = fs.pipes.get(description.pipe)!
  const access = description.flags & 3
  if (access !== 1) pipe.readers--
  if (access !== 0) pipe.writers--
  pipe.ends.splice(pipe.ends.indexOf(description.id), 1)
  if (pipe.ends.length === 0) {
    fs.pipes.delete(pipe.id)
    const inode = fs.inodes.get(description.inode)
    if (inode) inode.pipe = 0
  } else for (const end of pipe.ends) signalActivity(k, end, 'both')
}

/** close(2): the descriptor is free afterwards. */
export function closeFd(k: Kernel, process: Process, fd: number): number {
  const slot = process.files.get(fd)
  if (!slot) return -ERRNO.EBADF
  process.files.delete(fd)
  const description = k.state.fs.descriptions.get(slot.id)
  if (description) dropProcessLocks(k, process.pid, description.inode)
  if (description?.type === 'mqueue') forgetNotify(k, queueOf(k, description), process)
  releaseDescription(k, slot.id)
  return 0
}

/** The table of a forked process: the same descriptions, one referrer more each. */
export function copyFdTable(fs: FsState, table: FdTable): FdTable {
  const copy: FdTable = new Map()
  for (const [fd, slot] of table) {
    copy.set(fd, { ...slot })
    fs.descriptions.get(slot.id)!.refs++
  }
  return copy
}

/** Closes everything: the process is gone. */
export function closeAll(k: Kernel, process: Process): void {
  for (const fd of [...process.files.keys()].sort((a, b) => a - b)) closeFd(k, process, fd)
}
