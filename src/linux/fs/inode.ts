/** Exists to make, find and drop inodes: those of the private layer, and the mirrors of the host's files. */
import type { HostStat } from '../../host/host.ts'
import type { Kernel } from '../kernel.ts'
import { realtime } from '../clock.ts'
import { emptyContent } from './content.ts'
import { bytesFromName } from './names.ts'
import type { FsState, Inode, InodeKind, Timespec } from './state.ts'

/** Inode numbers of the private layer start here, above those of common file systems. */
const PRIVATE_INO = 0x1_0000_0000

/** File type bits of st_mode by kind (inode(7)). */
export const TYPE_BITS: Readonly<Record<InodeKind, number>> = {
  fifo: 0o010000,
  char: 0o020000,
  dir: 0o040000,
  block: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
}

/** CLOCK_REALTIME as a timestamp. */
export function timeNow(k: Kernel): Timespec {
  const { seconds, ns } = realtime(k.state)
  return [seconds, ns]
}

/** What a new inode is made with. */
export interface NewInode {
  kind: InodeKind
  mode: number
  uid: number
  gid: number
  rdev?: number
  target?: string
}

/** Adds an inode without links to the private layer. */
export function addInode(fs: FsState, init: NewInode, time: Timespec): Inode {
  const id = fs.nextInode++
  const inode: Inode = {
    id,
    ino: PRIVATE_INO + id,
    kind: init.kind,
    mode: init.mode,
    uid: init.uid,
    gid: init.gid,
    nlink: 0,
    unnamed: false,
    size: init.kind === 'dir' ? 4096 : init.target === undefined ? 0 : bytesFromName(init.target).length,
    rdev: init.rdev ?? 0,
    asked: true,
    atime: time,
    mtime: time,
    ctime: time,
    refs: 0,
    content: init.kind === 'file' ? emptyContent() : null,
    entries: init.kind === 'dir' ? new Map() : null,
    source: null,
    parent: 0,
    name: '',
    mount: 0,
    target: init.target ?? null,
    pipe: 0,
    attributes: null,
    shared: [],
    seals: -1,
  }
  fs.inodes.set(id, inode)
  return inode
}

/** Nanoseconds since 1970 in decimal digits as a timestamp. */
function timeOfHost(decimal: string): Timespec {
  const ns = BigInt(decimal)
  const seconds = ns / 1_000_000_000n - (ns % 1_000_000_000n < 0n ? 1n : 0n)
  return [Number(seconds), Number(ns - seconds * 1_000_000_000n)]
}

/**
 * The inode of a host file that was found at `path`. Two paths with one inode number are the same file when it has several links and looks the
 * same; otherwise they lie on different file systems, and the second gets a private number.
 */
export function mirrorInode(k: Kernel, path: string, stat: HostStat): Inode {
  const fs = k.state.fs
  const mtime = timeOfHost(stat.mtime)
  const known = fs.inodes.get(fs.hostInodes.get(stat.ino) ?? 0)
  if (known && stat.nlink > 1 && stat.kind === 'file' && isSame(known, stat, mtime)) return known
  const { kind, mode, uid, gid, rdev } = stat
  const inode = addInode(fs, { kind, mode, uid, gid, rdev }, mtime)
  if (!fs.hostInodes.has(stat.ino)) {
    inode.ino = stat.ino
    fs.hostInodes.set(stat.ino, inode.id)
  }
  inode.asked = false
  inode.nlink = stat.nlink
  if (kind === 'dir' || kind === 'symlink') inode.size = stat.size
  if (kind === 'file') inode.content = { size: stat.size, host: path, hostLimit: stat.size, chunks: new Map() }
  if (kind === 'dir' || kind === 'symlink') inode.source = { from: 'host', path }
  return inode
}

function isSame(inode: Inode, stat: HostStat, mtime: Timespec): boolean {
  const host = inode.content
  return (
    host !== null &&
    host.host !== null &&
    inode.kind === stat.kind &&
    host.hostLimit === stat.size &&
    inode.mtime[0] === mtime[0] &&
    inode.mtime[1] === mtime[1]
  )
}

/** One more holder of an inode. */
export function holdInode(fs: FsState, id: number): void {
  const inode = fs.inodes.get(id)
  if (inode) inode.refs++
}

/** One holder less; an inode without links and holders is gone. */
export function releaseInode(fs: FsState, id: number): void {
  const inode = fs.inodes.get(id)
  if (!inode) return
  inode.refs--
  dropIfUnused(fs, inode)
}

/** Forgets an inode that nothing leads to any more. */
export function dropIfUnused(fs: FsState, inode: Inode): void {
  if (inode.refs > 0 || inode.nlink > 0) return
  fs.inodes.delete(inode.id)
  if (fs.hostInodes.get(inode.ino) === inode.id) fs.hostInodes.delete(inode.ino)
}

/** The inode of a known id. */
export function inodeOf(fs: FsState, id: number): Inode {
  return fs.inodes.get(id)!
}
