/** Exists to say where things are: the paths of directories, files and open descriptions, found from the tree as it is now. */
import type { Kernel } from '../kernel.ts'
import { inodeOf } from './inode.ts'
import type { Description, DescriptionType, FsState, Inode } from './state.ts'

/** `dir/name` without a double slash at the root. */
export function join(dir: string, name: string): string {
  return dir === '/' ? `/${name}` : `${dir}/${name}`
}

/** The absolute path of a directory. */
export function pathOfDirectory(k: Kernel, dir: Inode): string {
  const names: string[] = []
  for (let at = dir; at.id !== at.parent; at = inodeOf(k.state.fs, at.parent)) names.push(at.name)
  return `/${names.reverse().join('/')}`
}

/** The absolute path of a directory as a process with another root (chroot) sees it. */
export function pathBelow(k: Kernel, dir: Inode, root: number): string {
  const names: string[] = []
  for (let at = dir; at.id !== root; at = inodeOf(k.state.fs, at.parent)) {
    if (at.id === at.parent) return `(unreachable)/${names.reverse().join('/')}`
    names.push(at.name)
  }
  return `/${names.reverse().join('/')}`
}

const ANONYMOUS: Partial<Record<DescriptionType, string>> = {
  eventfd: 'anon_inode:[eventfd]',
  timerfd: 'anon_inode:[timerfd]',
  epoll: 'anon_inode:[eventpoll]',
  signalfd: 'anon_inode:[signalfd]',
  pidfd: 'anon_inode:[pidfd]',
  inotify: 'anon_inode:inotify',
  ring: 'anon_inode:[io_uring]',
}

/** What /proc/PID/fd shows for it: a path, with ` (deleted)` when the file has none any more, or the name of something that never had one. */
export function pathOfDescription(k: Kernel, description: Description): string {
  const fs = k.state.fs
  const anonymous = ANONYMOUS[description.type]
  if (anonymous !== undefined) return anonymous
  const inode = fs.inodes.get(description.inode)!
  if (description.parent === 0)
    return inode.kind === 'fifo' || inode.kind === 'socket'
      ? `${inode.kind === 'fifo' ? 'pipe' : 'socket'}:[${inode.ino}]`
      : `${description.name} (deleted)`
  return pathOfInode(k, inode, description.parent, description.name)
}

/** The path of an inode that was found under `name` in directory `parent`; for a file that was renamed, looked for among that directory's names. */
export function pathOfInode(k: Kernel, inode: Inode, parent: number, name: string): string {
  const fs = k.state.fs
  if (inode.kind === 'dir' && inode.nlink > 0) return pathOfDirectory(k, inode)
  const dir = fs.inodes.get(parent)
  const found = dir?.entries?.get(name) === inode.id ? { dir, name } : findName(fs, inode)
  if (found) return join(pathOfDirectory(k, found.dir), found.name)
  return `${dir ? join(pathOfDirectory(k, dir), name) : name} (deleted)`
}

/** Any name of an inode: what renaming left of it. */
function findName(fs: FsState, inode: Inode): { dir: Inode; name: string } | null {
  if (inode.nlink === 0) return null
  for (const dir of fs.inodes.values()) {
    if (dir.entries === null) continue
    for (const [name, id] of dir.entries) if (id === inode.id) return { dir, name }
  }
  return null
}
