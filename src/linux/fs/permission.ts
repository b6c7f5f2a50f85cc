/** Exists to decide who may do what with an inode (path_resolution(7), credentials(7)). What root may is said by capabilities. */
import { CAP, capabilitiesOf, capable } from '../capabilities.ts'
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { checkMount } from './mounts.ts'
import type { Inode } from './state.ts'

/** Rights as access(2) numbers them. */
export const MAY = { exec: 1, write: 2, read: 4 } as const

/** Whose rights count: the file-system ids (3), or the real ids (0) for access(2). */
export type Identity = 0 | 3

/** 0, or -EACCES when the task may not do all that `wanted` (MAY bits) asks. */
export function checkAccess(k: Kernel, t: Task, inode: Inode, wanted: number, identity: Identity = 3): number {
  const plain = inode.kind === 'file' || inode.kind === 'dir' || inode.kind === 'symlink'
  if (inode.mount !== 0 && wanted & MAY.write && plain) {
    const denied = checkMount(k, inode)
    if (denied !== 0) return denied
  }
  const { uid, gid, groups } = t.credentials
  if (identity === 3 ? capable(t, CAP.dacOverride) : uid[0] === 0 && mayAsReal(t)) {
    // Root may execute a file only if anybody may.
    const executable = inode.kind === 'dir' || (inode.mode & 0o111) !== 0
    return wanted & MAY.exec && !executable ? -ERRNO.EACCES : 0
  }
  if (identity === 3 && (wanted & MAY.write) === 0 && (inode.kind === 'dir' || (wanted & MAY.exec) === 0))
    if (capable(t, CAP.dacReadSearch)) return 0
  const shift = inode.uid === uid[identity] ? 6 : inode.gid === gid[identity] || groups.includes(inode.gid) ? 3 : 0
  return ((inode.mode >> shift) & wanted) === wanted ? 0 : -ERRNO.EACCES
}

/** access(2) as root counts with all that is permitted. */
function mayAsReal(t: Task): boolean {
  return ((capabilitiesOf(t.credentials).permitted >> BigInt(CAP.dacOverride)) & 1n) !== 0n
}

/** Whether the task owns the inode or may act as if. */
export function isOwner(t: Task, inode: Inode): boolean {
  const uid = t.credentials.uid[3]
  return uid === inode.uid || capable(t, CAP.fowner)
}

export function isInGroup(t: Task, gid: number): boolean {
  const credentials = t.credentials
  return credentials.gid[3] === gid || credentials.groups.includes(gid)
}

/** 0, or why `victim` may not be removed from `dir`: no right to write there, or a sticky directory of others (EPERM). */
export function checkRemove(k: Kernel, t: Task, dir: Inode, victim: Inode): number {
  const denied = checkAccess(k, t, dir, MAY.write | MAY.exec)
  if (denied !== 0) return denied
  return dir.mode & 0o1000 && !isOwner(t, victim) && !isOwner(t, dir) ? -ERRNO.EPERM : 0
}
