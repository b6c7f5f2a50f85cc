/** Exists to open processes as files (pidfd_open(2)): readable once the process has ended. */
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { addDescription, descriptionOf, installOrDrop, RLIMIT_NOFILE } from './description.ts'

/** A descriptor for the process `pid`, always close-on-exec; `flags` are its status flags. Or -EMFILE. */
export function openPidFd(k: Kernel, t: Task, pid: number, flags: number): number {
  return installOrDrop(k, t, addDescription(k.state.fs, 'pidfd', 2 | flags, null, { counter: BigInt(pid) }), true)
}

/** 0 when there is room for one more descriptor, else -EMFILE. */
export function reserveFd(k: Kernel, t: Task): number {
  const process = k.process(t)
  return process.files.size < process.rlimits[RLIMIT_NOFILE]![0] ? 0 : -ERRNO.EMFILE
}

/** The pid of a descriptor that is a pidfd, or -EBADF. */
export function pidOfFd(k: Kernel, t: Task, fd: number): number {
  const description = descriptionOf(k, t, fd)
  return description?.type === 'pidfd' ? Number(description.counter) : -ERRNO.EBADF
}
