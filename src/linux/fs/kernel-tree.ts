/** Exists to show the kernel itself as files: what /proc and /sys contain, computed from the machine's state and constants, never from the host. */
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import type { Process, Task } from '../state.ts'
import { isZombie } from '../tasks.ts'
import { newTask } from '../threads.ts'
import { bytesFromName, nameFromBytes } from './names.ts'
import { describe } from './description.ts'
import { processFiles, taskFiles } from './proc-process.ts'
import { isAbsentProcessor, systemFiles } from './proc-system.ts'
import type { InodeKind } from './state.ts'
import { pathOfDescription, pathOfDirectory } from './where.ts'

/** What a path below /proc or /sys is. */
export interface KernelNode {
  kind: InodeKind
  mode: number
  uid: number
  gid: number
}

const DIR: KernelNode = { kind: 'dir', mode: 0o555, uid: 0, gid: 0 }
const LINK: KernelNode = { kind: 'symlink', mode: 0o777, uid: 0, gid: 0 }
const FILE: KernelNode = { kind: 'file', mode: 0o444, uid: 0, gid: 0 }

/** Symbolic links that are the same for everybody: path to target. */
const LINKS: ReadonlyMap<string, string> = new Map([['/proc/mounts', 'self/mounts']])

/** Names in the fixed directories, by path: derived from the files' paths. */
const fixedDirectories = buildDirectories([...systemFiles.keys(), ...LINKS.keys()])

function buildDirectories(paths: readonly string[]): Map<string, string[]> {
  const directories = new Map<string, string[]>([
    ['/proc', []],
    ['/sys', []],
  ])
  for (const path of paths) {
    let child = path
    while (child !== '/proc' && child !== '/sys') {
      const slash = child.lastIndexOf('/')
      const parent = child.slice(0, slash)
      const names = directories.get(parent) ?? []
      if (!directories.has(parent)) directories.set(parent, names)
      const name = child.slice(slash + 1)
      if (!names.includes(name)) names.push(name)
      child = parent
    }
  }
  return directories
}

/** A path below /proc/PID: the process, the task (of /proc/PID/task/TID; else the first) and the names behind it. */
interface ProcessPath {
  process: Process
  task: Task | null
  inTask: boolean
  rest: string[]
}

function parseProcess(k: Kernel, path: string): ProcessPath | null {
  const parts = path.split('/').slice(2)
  const pid = parts[0] !== undefined && /^[1-9]\d*$/.test(parts[0]) ? Number(parts[0]) : 0
  // /proc/TID works for every thread, although a listing shows processes only.
  const named = k.state.tasks.get(pid)
  const process = k.state.processes.get(named?.pid ?? pid)
  if (!path.startsWith('/proc/') || process === undefined) return null
  if (parts[1] === 'task' && parts[2] !== undefined) {
    const task = k.state.tasks.get(Number(parts[2]))
    if (task === undefined || task.pid !== process.pid) return null
    return { process, task, inTask: true, rest: parts.slice(3) }
  }
  return {
    process,
    task: named ?? k.state.tasks.get(process.tids[0] ?? 0) ?? null,
    inTask: false,
    rest: parts.slice(1),
  }
}

/** What lies at an absolute path below /proc or /sys, or null. */
export function kernelNode(k: Kernel, t: Task, path: string): KernelNode | null {
  if (isAbsentProcessor(k, path)) return null
  if (fixedDirectories.has(path)) return DIR
  const file = systemFiles.get(path)
  if (file) return { ...FILE, mode: file.mode ?? 0o444 }
  if (LINKS.has(path)) return LINK
  if (path === '/proc/self' || path === '/proc/thread-self') return k.state.processes.has(t.pid) ? LINK : null
  const at = parseProcess(k, path)
  if (at === null) return null
  const [uid, gid] = [at.process.credentials.uid[1], at.process.credentials.gid[1]]
  const [name, child, more] = at.rest
  if (name === undefined) return { ...DIR, uid, gid }
  if (more !== undefined) return null
  if (name === 'fd' || name === 'fdinfo') {
    if (child === undefined) return { ...DIR, mode: name === 'fd' ? 0o500 : 0o555, uid, gid }
    if (!/^(0|[1-9]\d*)$/.test(child)) return null
    const slot = at.process.files.get(Number(child))
    if (slot === undefined) return null
    if (name === 'fdinfo') return { ...FILE, uid, gid }
    const access = k.state.fs.descriptions.get(slot.id)!.flags & 3
    return { ...LINK, mode: 0o100 | (access === 1 ? 0 : 0o400) | (access === 0 ? 0 : 0o200), uid, gid }
  }
  if (child !== undefined) return null
  if (name === 'task') return at.inTask ? null : { ...DIR, uid, gid }
  if (name === 'exe' || name === 'cwd' || name === 'root') return { ...LINK, uid, gid }
  const own = taskFiles.get(name) ?? processFiles.get(name)
  return own ? { ...FILE, mode: own.mode ?? 0o444, uid, gid } : null
}

/** Names in a directory below /proc or /sys. */
export function kernelList(k: Kernel, path: string): string[] {
  const fixed = fixedDirectories.get(path)
  if (fixed !== undefined) {
    if (path !== '/proc') return fixed.filter((name) => !isAbsentProcessor(k, `${path}/${name}`))
    return [...fixed, 'self', 'thread-self', ...[...k.state.processes.keys()].sort((a, b) => a - b).map(String)]
  }
  const at = parseProcess(k, path)
  if (at === null) return []
  if (at.rest[0] === undefined) {
    const files = [...taskFiles.keys(), ...processFiles.keys()]
    return [...(at.inTask ? [] : ['task']), 'fd', 'fdinfo', 'cwd', 'root', 'exe', ...files]
  }
  if (at.rest[0] === 'task') return at.process.tids.map(String)
  if (at.rest[0] === 'fd' || at.rest[0] === 'fdinfo')
    return [...at.process.files.keys()].sort((a, b) => a - b).map(String)
  return []
}

/** Where a symbolic link below /proc leads, or a negative errno. */
export function kernelTarget(k: Kernel, t: Task, path: string): string | number {
  const fixed = LINKS.get(path)
  if (fixed !== undefined) return fixed
  if (path === '/proc/self') return String(t.pid)
  if (path === '/proc/thread-self') return `${t.pid}/task/${t.tid}`
  const at = parseProcess(k, path)
  if (at === null) return -ERRNO.ENOENT
  const [name, child] = at.rest
  if (isZombie(at.process)) return -ERRNO.ENOENT
  if (name === 'exe') return at.process.exe
  if (name === 'cwd') {
    const dir = k.state.fs.inodes.get(at.process.where.cwd)
    return dir === undefined ? '/' : pathOfDirectory(k, dir) + (dir.nlink === 0 ? ' (deleted)' : '')
  }
  if (name === 'root') return pathOfDirectory(k, k.state.fs.inodes.get(at.process.where.root)!)
  const description = child === undefined ? undefined : describe(k.state.fs, at.process, Number(child))
  return description ? pathOfDescription(k, description) : -ERRNO.ENOENT
}

/** The open file that a magic link /proc/PID/fd/N stands for, whatever its path says now; undefined for other links. */
export function kernelLinkDescription(k: Kernel, path: string): number | undefined {
  const at = parseProcess(k, path)
  if (at === null || at.rest[0] !== 'fd' || at.rest[1] === undefined) return undefined
  return at.process.files.get(Number(at.rest[1]))?.id
}

/** The bytes of a file below /proc or /sys at this moment, or a negative errno. */
export function kernelContent(k: Kernel, t: Task, path: string): Uint8Array | number {
  const system = systemFiles.get(path)
  if (system) return bytesFromName(system.text(k, t))
  const at = parseProcess(k, path)
  if (at === null) return -ERRNO.ENOENT
  const [name, child] = at.rest
  if (name === undefined) return -ERRNO.EISDIR
  if (name === 'fdinfo' && child !== undefined) {
    const description = describe(k.state.fs, at.process, Number(child))
    if (!description) return -ERRNO.ENOENT
    return bytesFromName(
      `pos:\t${description.offset}\nflags:\t0${description.flags.toString(8)}\nmnt_id:\t1\nino:\t${description.inode}\n`,
    )
  }
  const ofTask = taskFiles.get(name)
  if (ofTask) {
    const { pid, lastName } = at.process
    const task = at.task ?? newTask(pid, pid, lastName, new Uint8Array(0), at.process.credentials)
    return bytesFromName(ofTask.text(k, at.process, task, at.inTask))
  }
  const ofProcess = processFiles.get(name)
  if (!ofProcess) return -ERRNO.ENOENT
  const content = ofProcess.content(k, at.process)
  return typeof content === 'string' ? bytesFromName(content) : content
}

/** A write to a file below /proc: bytes taken, or a negative errno; EACCES for those that nobody can change here. */
export function kernelWrite(k: Kernel, t: Task, path: string, data: Uint8Array): number {
  const at = parseProcess(k, path)
  const name = at?.rest[0]
  if (at === null || name === undefined || at.rest.length > 1) return -ERRNO.EACCES
  const text = nameFromBytes(data)
  const ofTask = taskFiles.get(name)
  if (ofTask?.write !== undefined) {
    if (at.task === null) return -ERRNO.ESRCH
    // Threads of one's own process only.
    return name === 'comm' && at.process.pid !== t.pid ? -ERRNO.EINVAL : ofTask.write(at.process, at.task, text)
  }
  return processFiles.get(name)?.write?.(at.process, text) ?? -ERRNO.EACCES
}
