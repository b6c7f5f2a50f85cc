/** Exists to make the file system that a machine starts with: the host's tree below a private layer, and /dev, /proc, /sys of the machine itself. */
import type { World } from '../../host/host.ts'
import { addDescription } from './description.ts'
import { addInode, type NewInode } from './inode.ts'
import type { FdTable, FsState, Inode, Timespec } from './state.ts'

/** makedev(3). */
function makedev(major: number, minor: number): number {
  return (major << 8) | minor
}

/** Device numbers of the character devices that exist (admin-guide/devices). */
export const DEVICE = {
  null: makedev(1, 3),
  zero: makedev(1, 5),
  full: makedev(1, 7),
  random: makedev(1, 8),
  urandom: makedev(1, 9),
  tty: makedev(5, 0),
} as const

/** The root is the host's `/` (or an empty directory for a host without files); `time` is when the machine starts. */
export function createFs(world: World, time: Timespec): FsState {
  const fs: FsState = {
    inodes: new Map(),
    root: 1,
    nextInode: 1,
    descriptions: new Map(),
    nextDescription: 1,
    pipes: new Map(),
    nextPipe: 1,
    hostInodes: new Map(),
    locks: [],
    inputReads: 0,
  }
  const add = (init: Omit<NewInode, 'uid' | 'gid'>): Inode => addInode(fs, { uid: 0, gid: 0, ...init }, time)
  const put = (dir: Inode, name: string, inode: Inode): Inode => {
    dir.entries!.set(name, inode.id)
    if (inode.kind === 'dir') {
      inode.parent = dir.id
      inode.name = name
      inode.nlink = 2
      dir.nlink++
    } else inode.nlink = 1
    return inode
  }
  const root = add({ kind: 'dir', mode: 0o755 })
  root.parent = root.id
  root.nlink = 2
  const stat = world.lstat('/')
  if (typeof stat !== 'string') {
    root.source = { from: 'host', path: '/' }
    root.ino = stat.ino
    root.asked = false
    root.mode = stat.mode
  }
  for (const path of ['proc', 'sys'])
    put(root, path, add({ kind: 'dir', mode: 0o555 })).source = { from: 'kernel', path: `/${path}` }
  const dev = put(root, 'dev', add({ kind: 'dir', mode: 0o755 }))
  for (const [name, rdev] of Object.entries(DEVICE)) put(dev, name, add({ kind: 'char', mode: 0o666, rdev }))
  put(dev, 'shm', add({ kind: 'dir', mode: 0o1777 }))
  put(dev, 'pts', add({ kind: 'dir', mode: 0o755 }))
  const links = { fd: '/proc/self/fd', stdin: 'fd/0', stdout: 'fd/1', stderr: 'fd/2' }
  for (const [name, target] of Object.entries(links))
    put(dev, name, add({ kind: 'symlink', mode: 0o777, target: name === 'fd' ? target : `/proc/self/${target}` }))
  return fs
}

/** Descriptors 0, 1 and 2 of the first process: pipes to the outside, as in `… | program | …`. */
export function standardFiles(fs: FsState, uid: number, gid: number, time: Timespec): FdTable {
  const table: FdTable = new Map()
  for (const [fd, type] of (['stdin', 'stdout', 'stderr'] as const).entries()) {
    const inode = addInode(fs, { kind: 'fifo', mode: 0o600, uid, gid }, time)
    const description = addDescription(fs, type, fd === 0 ? 0 : 1, inode)
    description.refs = 1
    table.set(fd, { id: description.id, closeOnExec: false })
  }
  return table
}
