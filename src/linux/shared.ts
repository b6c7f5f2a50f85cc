/** Exists to let go of what processes can share by clone(2): the table of descriptors, and the current directory with root and umask. */
import { closeAll, copyFdTable } from './fs/description.ts'
import { holdInode, releaseInode } from './fs/inode.ts'
import type { Kernel } from './kernel.ts'
import type { Process } from './state.ts'
import { isZombie } from './tasks.ts'

/** Whether a living process other than this one has the same object. */
function isShared(k: Kernel, process: Process, what: 'files' | 'where'): boolean {
  for (const other of k.state.processes.values())
    if (other !== process && !isZombie(other) && other[what] === process[what]) return true
  return false
}

/** Gives a process a table of descriptors of its own. */
export function ownFiles(k: Kernel, process: Process): void {
  if (isShared(k, process, 'files')) process.files = copyFdTable(k.state.fs, process.files)
}

/** Gives a process a current directory of its own. */
export function ownDirectory(k: Kernel, process: Process): void {
  if (!isShared(k, process, 'where')) return
  process.where = { ...process.where }
  for (const held of [process.where.cwd, process.where.root]) holdInode(k.state.fs, held)
}

/** A process is gone: what nobody else has is closed. */
export function leaveShared(k: Kernel, process: Process): void {
  if (isShared(k, process, 'files')) process.files = new Map()
  else closeAll(k, process)
  const { cwd, root, umask } = process.where
  if (!isShared(k, process, 'where')) for (const held of [cwd, root]) releaseInode(k.state.fs, held)
  process.where = { cwd: 0, root: k.state.fs.root, umask }
  holdInode(k.state.fs, k.state.fs.root)
}
