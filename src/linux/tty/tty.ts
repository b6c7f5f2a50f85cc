/** Exists to make terminals, open and close them, and tell processes of them; what is typed and printed is in discipline.ts. */
import { CAP, capable } from '../capabilities.ts'
import { ERRNO } from '../errno.ts'
import { addDescription } from '../fs/description.ts'
import { addInode, timeNow } from '../fs/inode.ts'
import type { Description, FsState, Inode, Timespec } from '../fs/state.ts'
import type { Kernel } from '../kernel.ts'
import type { Process, Task } from '../state.ts'
import { standardTermios } from './termios.ts'
import { deviceOf, PTS_MAJOR, type Tty } from './state.ts'
import { controllingTty, ptsDirectory } from './tell.ts'

const O_NOCTTY = 0o400
/** Group `tty` of common distributions. */
const TTY_GROUP = 5

/** A terminal with the lowest free number; its name in /dev/pts is the caller's. */
export function addTty(fs: FsState, host: boolean): Tty {
  const ttys = fs.tty.ttys
  let id = 0
  while (ttys.has(id)) id++
  const tty: Tty = {
    id,
    host,
    termios: standardTermios(),
    size: [0, 0, 0, 0],
    session: 0,
    foreground: 0,
    ready: [],
    line: [],
    literal: false,
    stopped: false,
    column: 0,
    lineColumn: 0,
    output: [],
    ends: [],
    master: 0,
    opened: host,
    locked: !host,
    exclusive: false,
    hungUp: false,
  }
  ttys.set(id, tty)
  return tty
}

/** Gives a terminal its name /dev/pts/N, owned by `uid`. */
export function nameTty(fs: FsState, tty: Tty, uid: number, time: Timespec): Inode {
  const rdev = deviceOf(tty)
  const inode = addInode(fs, { kind: 'char', mode: 0o620, uid, gid: TTY_GROUP, rdev }, time)
  inode.nlink = 1
  ptsDirectory(fs)?.entries!.set(String(tty.id), inode.id)
  return inode
}

/** The terminal of a device number, or undefined. */
export function ttyOfDevice(k: Kernel, rdev: number): Tty | undefined {
  const isTerminal = ((rdev >>> 8) & 0xfff) === PTS_MAJOR
  return isTerminal ? k.state.fs.tty.ttys.get((rdev & 0xff) | ((rdev >>> 12) & ~0xff)) : undefined
}

/** The terminal behind a description of type 'tty' or 'ptmx'. */
export function ttyOf(k: Kernel, d: Description): Tty {
  return k.state.fs.tty.ttys.get(d.tty)!
}

/** Opens a terminal: a description, or an errno. */
export function openTty(
  k: Kernel,
  t: Task,
  tty: Tty,
  flags: number,
  inode: Inode,
  where: { parent: number; name: string },
): Description | number {
  if (tty.locked || tty.hungUp) return -ERRNO.EIO
  const process = k.process(t)
  if (tty.exclusive && !capable(process, CAP.sysAdmin)) return -ERRNO.EBUSY
  const d = addDescription(k.state.fs, 'tty', flags & ~O_NOCTTY, inode, { ...where, tty: tty.id })
  tty.ends.push(d.id)
  tty.opened = true
  const leads = process.sid === process.pid && controllingTty(k, process.sid) === undefined
  if (!(flags & O_NOCTTY) && leads && tty.session === 0) setControlling(tty, process)
  return d
}

/** Makes a terminal the controlling one of the process' session. */
export function setControlling(tty: Tty, process: Process): void {
  tty.session = process.sid
  tty.foreground = process.pgid
}

/** Opens /dev/ptmx: a new pair, of which the description is the master. */
export function openMaster(
  k: Kernel,
  t: Task,
  flags: number,
  inode: Inode,
  where: { parent: number; name: string },
): Description {
  const fs = k.state.fs
  const tty = addTty(fs, false)
  nameTty(fs, tty, t.credentials.uid[3], timeNow(k))
  const d = addDescription(fs, 'ptmx', flags & ~O_NOCTTY, inode, { ...where, tty: tty.id })
  tty.master = d.id
  return d
}
