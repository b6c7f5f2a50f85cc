/** Exists to keep advisory file locks: flock(2), and fcntl(2) record locks of processes and of descriptions. */
import type { Kernel } from '../kernel.ts'
import { wakeFd } from '../tasks.ts'
import type { Description, FileLock } from './state.ts'

/** Owners: `flock:DESCRIPTION`, `ofd:DESCRIPTION`, `pid:PID`. flock locks and record locks do not see each other. */
export const flockOwner = (description: Description): string => `flock:${description.id}`
export const ofdOwner = (description: Description): string => `ofd:${description.id}`
export const processOwner = (pid: number): string => `pid:${pid}`

const family = (owner: string): string => (owner.startsWith('flock:') ? 'flock' : 'record')

/** The first lock of somebody else that stands in the way of `wanted`, or undefined. */
export function conflict(k: Kernel, wanted: FileLock): FileLock | undefined {
  return k.state.fs.locks.find(
    (lock) =>
      lock.inode === wanted.inode &&
      lock.owner !== wanted.owner &&
      family(lock.owner) === family(wanted.owner) &&
      lock.start < wanted.end &&
      wanted.start < lock.end &&
      (lock.kind === 'write' || wanted.kind === 'write'),
  )
}

/** Takes `[start, end)` from the owner's locks on the inode, then adds `added` (null to unlock only). Waiters look again. */
export function setLock(
  k: Kernel,
  inode: number,
  owner: string,
  start: number,
  end: number,
  added: FileLock | null,
): void {
  const fs = k.state.fs
  const kept: FileLock[] = []
  for (const lock of fs.locks) {
    if (lock.inode !== inode || lock.owner !== owner || lock.end <= start || end <= lock.start) {
      kept.push(lock)
      continue
    }
    if (lock.start < start) kept.push({ ...lock, end: start })
    if (end < lock.end) kept.push({ ...lock, start: end })
  }
  if (added) kept.push(added)
  fs.locks = kept
  wakeLockWaiters(k, inode)
}

/** A process closed a descriptor of the inode: all its record locks on it are gone (fcntl(2)). */
export function dropProcessLocks(k: Kernel, pid: number, inode: number): void {
  dropLocks(k, inode, processOwner(pid))
}

/** The last descriptor of a description is closed. */
export function dropDescriptionLocks(k: Kernel, description: Description): void {
  dropLocks(k, description.inode, flockOwner(description))
  dropLocks(k, description.inode, ofdOwner(description))
}

function dropLocks(k: Kernel, inode: number, owner: string): void {
  const fs = k.state.fs
  if (!fs.locks.some((lock) => lock.inode === inode && lock.owner === owner)) return
  fs.locks = fs.locks.filter((lock) => lock.inode !== inode || lock.owner !== owner)
  wakeLockWaiters(k, inode)
}

/** Waiters for a lock wait for their own description to become 'read'able: every lock of the inode that goes may be the one. */
function wakeLockWaiters(k: Kernel, inode: number): void {
  for (const description of k.state.fs.descriptions.values())
    if (description.inode === inode) wakeFd(k, description.id, 'read')
}
