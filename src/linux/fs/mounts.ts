/** Exists to hold directories and files of the host that were mounted into the machine: read-only ones, and those whose changes reach the host at once. */
import { LemmingError } from '../../base/errors.ts'
import type { HostChange } from '../../host/host.ts'
import { ERRNO } from '../errno.ts'
import { hostBytes } from './content.ts'
import type { Kernel } from '../kernel.ts'
import type { FsState, Inode, Mount } from './state.ts'

/** The mount that an inode lies in, or undefined for the tree that the machine started with. */
function mountOf(fs: FsState, inode: Inode): Mount | undefined {
  return fs.mounts[inode.mount - 1]
}

/** -EROFS when nothing may be changed at an inode because of its mount, else 0. */
export function checkMount(k: Kernel, inode: Inode): number {
  const mount = mountOf(k.state.fs, inode)
  return mount !== undefined && !mount.writable ? -ERRNO.EROFS : 0
}

/** Whether an inode is the root of a mount. */
export function isMountRoot(fs: FsState, inode: Inode): boolean {
  return mountOf(fs, inode)?.root === inode.id
}

/** Where an inode of a writable mount is on the host; null for all others, and for those without a name. */
export function hostPlace(k: Kernel, inode: Inode): string | null {
  const fs = k.state.fs
  const mount = mountOf(fs, inode)
  if (mount === undefined || !mount.writable) return null
  const names: string[] = []
  let at = inode
  while (at.id !== mount.root) {
    if (at.nlink === 0) return null
    names.unshift(at.name)
    at = fs.inodes.get(at.parent)!
  }
  return [mount.host, ...names].join('/')
}

/** The same for a name in a directory. */
export function hostPlaceIn(k: Kernel, dir: Inode, name: string): string | null {
  const path = hostPlace(k, dir)
  return path === null ? null : `${path}/${name}`
}

/** Makes a change on the host as well; 0, or the errno that the host has. */
export function passOn(k: Kernel, change: HostChange): number {
  const fs = k.state.fs
  const error = k.world.change?.(fs.changes++, change) ?? null
  return error === null ? 0 : -((ERRNO as Record<string, number>)[error] ?? ERRNO.EIO)
}

/**
 * To be called before something of a writable mount gets another name on the host, with that: what is known of it by its old name is fetched, and
 * what is not known yet will be asked for by its new one.
 */
export function beforeMove(k: Kernel, inode: Inode, to: string): void {
  if (inode.content !== null && inode.content.host !== null) hostBytes(k.world, inode.content.host)
  if (inode.kind !== 'dir' || inode.source?.from !== 'host') return
  for (const [name, id] of inode.entries!) {
    const child = id === null ? undefined : k.state.fs.inodes.get(id)
    if (child !== undefined) beforeMove(k, child, `${to}/${name}`)
  }
  inode.source = { from: 'host', path: to }
}

/** As passOn for bytes of an inode, if it is of a writable mount. */
export function passOnBytes(k: Kernel, inode: Inode, offset: number, bytes: Uint8Array): number {
  const path = inode.mount === 0 ? null : hostPlace(k, inode)
  return path === null ? 0 : passOn(k, { do: 'write', path, offset, bytes })
}

/** As passOnBytes for what was stored through a mapping, where there is no call that could fail. */
export function passOnStores(k: Kernel, inode: Inode, offset: number, bytes: Uint8Array): void {
  const failed = passOnBytes(k, inode, offset, bytes)
  if (failed === 0) return
  throw new LemmingError(
    'mount-failed',
    `${hostPlace(k, inode)}: cannot write what the program has stored through a mapping (errno ${-failed})`,
    'see that the mounted directory can be written and has room',
  )
}
