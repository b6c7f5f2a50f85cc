/** Exists to put directories and files of the host into the machine's tree when it is made. */
import { LemmingError } from '../../base/errors.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { lookup } from './directory.ts'
import { addInode, inodeOf, mirrorInode, timeNow } from './inode.ts'
import type { Inode } from './state.ts'

/** Shows `host` at `guest`, whatever was there; directories on the way that are missing are made in the private layer. */
export function addMount(
  k: Kernel,
  t: Task,
  { host, guest, writable }: { host: string; guest: string; writable: boolean },
): void {
  const fs = k.state.fs
  const names = guest.split('/').filter((name) => name !== '')
  const refuse = (why: string, next: string): never => {
    throw new LemmingError('mount-refused', `--mount ${host}:${guest}: ${why}`, next)
  }
  const last = names.pop()
  if (last === undefined) return refuse('nothing can be mounted at /', 'give another path in the machine')
  const stat = k.world.lstat(host)
  if (typeof stat === 'string' || (stat.kind !== 'dir' && stat.kind !== 'file'))
    return refuse(
      typeof stat === 'string' ? stat : 'neither a directory nor a regular file',
      'give a path of this computer',
    )
  let dir = inodeOf(fs, fs.root)
  for (const name of names) {
    const found = lookup(k, t, dir, name)
    if (found === null || typeof found === 'number') dir = directoryIn(k, dir, name)
    else if (found.kind === 'dir') dir = found
    else return refuse(`${name} is no directory there`, 'give a path without symbolic links and files in it')
  }
  // A file that is also seen elsewhere is another inode here, since here it has other rights.
  const known = fs.hostInodes.get(stat.ino)
  fs.hostInodes.delete(stat.ino)
  const inode = mirrorInode(k, host, stat)
  if (known !== undefined) fs.hostInodes.set(stat.ino, known)
  fs.mounts.push({ guest, host, writable, root: inode.id })
  inode.mount = fs.mounts.length
  inode.parent = dir.id
  inode.name = last
  dir.entries!.set(last, inode.id)
}

function directoryIn(k: Kernel, dir: Inode, name: string): Inode {
  const inode = addInode(k.state.fs, { kind: 'dir', mode: 0o755, uid: 0, gid: 0 }, timeNow(k))
  inode.parent = dir.id
  inode.name = name
  inode.nlink = 2
  inode.mount = dir.mount
  dir.entries!.set(name, inode.id)
  dir.nlink++
  return inode
}
