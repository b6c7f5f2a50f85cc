/** Exists to make the file system that a machine starts with: the host's tree below a private layer, and /dev, /proc, /sys of the machine itself. */
import type { HostTerminal, World } from '../../host/host.ts'
import { createNet } from '../net/state.ts'
import { ptsDirectory } from '../tty/tell.ts'
import { I, L } from '../tty/termios.ts'
import { addTty, nameTty } from '../tty/tty.ts'
import { createTtys } from '../tty/state.ts'
import { addDescription } from './description.ts'
import { addInode, type NewInode } from './inode.ts'
import type { Description, FdTable, FsState, Inode, Timespec } from './state.ts'

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
  ptmx: makedev(5, 2),
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
    mounts: [],
    changes: 0,
    net: createNet(),
    tty: createTtys(),
    inotifies: [],
    nextCookie: 1,
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
  put(fs.inodes.get(dev.entries!.get('pts')!)!, 'ptmx', add({ kind: 'char', mode: 0o666, rdev: DEVICE.ptmx }))
  const links = { fd: '/proc/self/fd', stdin: 'fd/0', stdout: 'fd/1', stderr: 'fd/2' }
  for (const [name, target] of Object.entries(links))
    put(dev, name, add({ kind: 'symlink', mode: 0o777, target: name === 'fd' ? target : `/proc/self/${target}` }))
  return fs
}

/**
 * Descriptors 0, 1 and 2 of the first process: pipes to the outside, as in `… | program | …`, and for those of `terminal` one description of the
 * terminal, which controls the session of the process.
 */
export function standardFiles(
  fs: FsState,
  { uid, gid, session, group }: { uid: number; gid: number; session: number; group: number },
  terminal: HostTerminal | null,
  time: Timespec,
): FdTable {
  const table: FdTable = new Map()
  let shared: Description | null = null
  for (const [fd, type] of (['stdin', 'stdout', 'stderr'] as const).entries()) {
    if (terminal?.fds[fd] === true) {
      shared ??= openTerminal(fs, uid, session, group, terminal, time)
      shared.refs++
      table.set(fd, { id: shared.id, closeOnExec: false })
      continue
    }
    const inode = addInode(fs, { kind: 'fifo', mode: 0o600, uid, gid }, time)
    const description = addDescription(fs, type, fd === 0 ? 0 : 1, inode)
    description.refs = 1
    table.set(fd, { id: description.id, closeOnExec: false })
  }
  return table
}

function openTerminal(
  fs: FsState,
  uid: number,
  session: number,
  group: number,
  terminal: HostTerminal,
  time: Timespec,
): Description {
  const tty = addTty(fs, true)
  tty.size = [terminal.rows, terminal.columns, 0, 0]
  tty.session = session
  tty.foreground = group
  // Whoever types into it types UTF-8.
  tty.termios.iflag |= I.utf8
  // One that is left as it is echoes by itself.
  if (!terminal.raw) tty.termios.lflag &= ~L.echo
  fs.tty.nextPoll = 0
  const inode = nameTty(fs, tty, uid, time)
  const where = { parent: ptsDirectory(fs)!.id, name: String(tty.id), tty: tty.id }
  const d = addDescription(fs, 'tty', 2, inode, where)
  tty.ends.push(d.id)
  return d
}
