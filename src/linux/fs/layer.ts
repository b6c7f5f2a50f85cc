/** Exists to say what a run has made of its files: the private layer above the host's, which is otherwise forgotten with the machine. */
import type { Kernel } from '../kernel.ts'
import { readFile } from './mapping.ts'
import { inodeOf } from './inode.ts'
import type { Inode, InodeKind } from './state.ts'
import { join } from './where.ts'

/** One path at which the machine differs from the host that it started on. */
export interface LayerEntry {
  /** Absolute, in the machine. */
  path: string
  change: 'added' | 'changed' | 'removed'
  kind: InodeKind
  /** Permission bits. */
  mode: number
  uid: number
  gid: number
  /** Of a regular file. */
  bytes?: Uint8Array
  /** Of a symbolic link. */
  target?: string
}

/** All differences, parents before children; what lies in writable mounts, in /dev, /proc and /sys is not among them. */
export function privateLayer(k: Kernel): LayerEntry[] {
  const fs = k.state.fs
  const found: LayerEntry[] = []
  const visit = (dir: Inode, path: string): void => {
    const names = [...dir.entries!].toSorted(([a], [b]) => (a < b ? -1 : 1))
    for (const [name, id] of names) {
      const at = join(path, name)
      if (id === null) {
        // What the run itself had made and removed again was never there.
        if (dir.source?.from === 'host' && typeof k.world.lstat(join(dir.source.path, name)) === 'string') continue
        found.push({ path: at, change: 'removed', kind: 'file', mode: 0, uid: 0, gid: 0 })
        continue
      }
      const inode = inodeOf(fs, id)
      if (inode.mount !== dir.mount || inode.mount !== 0) continue
      const shown = entryOf(k, inode, at)
      if (shown !== null) found.push(shown)
      if (inode.kind === 'dir' && inode.source?.from !== 'kernel' && at !== '/dev') visit(inode, at)
    }
  }
  visit(inodeOf(fs, fs.root), '/')
  return found
}

function entryOf(k: Kernel, inode: Inode, path: string): LayerEntry | null {
  const { kind, mode, uid, gid } = inode
  const entry = { path, kind, mode, uid, gid }
  if (inode.source?.from === 'kernel' || path === '/dev') return null
  const host = inode.content?.host ?? (inode.source?.from === 'host' ? inode.source.path : null)
  // A file of the host under a name that it does not have there was renamed, or linked.
  const moved = host !== null && host !== path
  const content = inode.content
  const edited = content !== null && (content.chunks.size > 0 || content.size !== content.hostLimit)
  if (host !== null && !moved && !edited && !hasOtherRights(k, inode, host)) return null
  const change = host === null || moved ? 'added' : 'changed'
  if (content !== null) return { ...entry, change, bytes: readFile(k, inode, 0, content.size) }
  if (kind === 'symlink') return { ...entry, change, target: inode.target ?? '' }
  return { ...entry, change }
}

function hasOtherRights(k: Kernel, inode: Inode, host: string): boolean {
  const stat = k.world.lstat(host)
  return typeof stat !== 'string' && (stat.mode !== inode.mode || stat.uid !== inode.uid || stat.gid !== inode.gid)
}
