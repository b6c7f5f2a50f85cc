/** Exists to look names up in directories and to change them: the private layer first, then what lies below it. */
import { errnoOf } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { addInode, dropIfUnused, inodeOf, mirrorInode, timeNow } from './inode.ts'
import { kernelList, kernelNode, kernelTarget } from './kernel-tree.ts'
import { noteName } from '../power/pending.ts'
import { join } from './where.ts'
import type { FsState, Inode, InodeKind } from './state.ts'

/** A name in a directory, as getdents64 tells it. */
export interface Entry {
  name: string
  ino: number
  kind: InodeKind
}

/** The inode that `name` (not `.` or `..`) has in a directory, null when there is none, or a negative errno. */
export function lookup(k: Kernel, t: Task, dir: Inode, name: string): Inode | null | number {
  const fs = k.state.fs
  const source = dir.source
  const known = dir.entries!.get(name)
  if (source?.from === 'kernel') return lookupKernel(k, t, dir, join(source.path, name), name, known ?? 0)
  if (known !== undefined) return known === null ? null : inodeOf(fs, known)
  if (source === null) return null
  const path = join(source.path, name)
  const stat = k.world.lstat(path)
  if (typeof stat === 'string') return stat === 'ENOENT' ? null : -errnoOf(stat)
  const inode = mirrorInode(k, path, stat)
  adopt(dir, name, inode)
  return inode
}

/** /proc changes with the processes: what is known counts only as long as the kernel still has it. */
function lookupKernel(k: Kernel, t: Task, dir: Inode, path: string, name: string, known: number): Inode | null {
  const node = kernelNode(k, t, path)
  if (node === null) return null
  const before = k.state.fs.inodes.get(known)
  if (before !== undefined && before.kind === node.kind) return before
  const inode = addInode(k.state.fs, { kind: node.kind, mode: node.mode, uid: node.uid, gid: node.gid }, timeNow(k))
  inode.source = { from: 'kernel', path }
  inode.nlink = node.kind === 'dir' ? 2 : 1
  inode.content = null
  // As Linux has it: links of /proc say 64, directories and files nothing.
  inode.size = node.kind === 'symlink' ? 64 : 0
  adopt(dir, name, inode)
  return inode
}

/** Forgets what is known of `name`, below a directory of the kernel that has it no longer. */
export function forgetTree(fs: FsState, dir: Inode, name: string): void {
  const inode = fs.inodes.get(dir.entries?.get(name) ?? 0)
  if (inode === undefined) return
  dir.entries!.delete(name)
  for (const child of inode.entries?.keys() ?? []) forgetTree(fs, inode, child)
  inode.nlink = 0
  dropIfUnused(fs, inode)
}

function adopt(dir: Inode, name: string, inode: Inode): void {
  dir.entries!.set(name, inode.id)
  inode.mount = dir.mount
  if (inode.kind === 'dir' || dir.mount !== 0) {
    inode.parent = dir.id
    inode.name = name
  }
}

/** All names of a directory but `.` and `..`, or a negative errno. Names of the layer below come first, in its order. */
export function list(k: Kernel, t: Task, dir: Inode): Entry[] | number {
  const fs = k.state.fs
  const entries: Entry[] = []
  const source = dir.source
  if (source?.from === 'kernel') {
    for (const name of kernelList(k, source.path)) {
      const inode = lookup(k, t, dir, name)
      if (inode !== null && typeof inode === 'object') entries.push({ name, ino: inode.ino, kind: inode.kind })
    }
    return entries
  }
  const below = new Set<string>()
  if (source !== null) {
    const names = k.world.list(source.path)
    if (typeof names === 'string') return -errnoOf(names)
    for (const name of names) {
      below.add(name)
      const known = dir.entries!.get(name)
      if (known === null) continue
      if (known !== undefined) {
        const inode = inodeOf(fs, known)
        entries.push({ name, ino: inode.ino, kind: inode.kind })
        continue
      }
      const stat = k.world.lstat(join(source.path, name))
      if (typeof stat !== 'string') entries.push({ name, ino: stat.ino, kind: stat.kind })
    }
  }
  for (const [name, id] of dir.entries!) {
    if (id === null || below.has(name)) continue
    const inode = inodeOf(fs, id)
    entries.push({ name, ino: inode.ino, kind: inode.kind })
  }
  return entries
}

/** Gives an inode a name in a directory; the name is free or was just removed. Link counts follow. */
export function insertEntry(k: Kernel, dir: Inode, name: string, inode: Inode): void {
  adopt(dir, name, inode)
  if (inode.kind === 'dir') {
    inode.nlink = Math.max(inode.nlink, 2)
    dir.nlink++
  } else inode.nlink++
  noteName(k, dir, name, null, inode)
  touchDirectory(k, dir)
  inode.ctime = timeNow(k)
}

/** Takes a name out of a directory; the inode's link count falls. The caller drops or reinserts the inode. */
export function removeEntry(k: Kernel, dir: Inode, name: string, inode: Inode): void {
  if (dir.source === null) dir.entries!.delete(name)
  else dir.entries!.set(name, null)
  if (inode.kind === 'dir') {
    inode.nlink = 0
    dir.nlink--
  } else if (inode.nlink > 0) inode.nlink--
  noteName(k, dir, name, inode, null)
  touchDirectory(k, dir)
  inode.ctime = timeNow(k)
}

function touchDirectory(k: Kernel, dir: Inode): void {
  dir.mtime = timeNow(k)
  dir.ctime = dir.mtime
}

const HOST_ERRORS: ReadonlySet<string> = new Set([
  'ENOENT',
  'ENOTDIR',
  'EACCES',
  'EINVAL',
  'ELOOP',
  'EIO',
  'ENAMETOOLONG',
  'EPERM',
])

/** Where a symbolic link leads, or a negative errno. */
export function targetOf(k: Kernel, t: Task, link: Inode): string | number {
  if (link.source?.from === 'kernel') return kernelTarget(k, t, link.source.path)
  if (link.target === null && link.source !== null) {
    const target = k.world.readlink(link.source.path)
    // The host said that it is a symbolic link, so an errno's name is an error and not a target.
    if (HOST_ERRORS.has(target)) return -errnoOf(target)
    link.target = target
  }
  return link.target ?? ''
}
