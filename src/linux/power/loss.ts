/** Exists to take the power away: what is in memory is gone, the disk has one of the states that it may have, and the machine starts again. */
import { emptyIpc } from '../ipc/state.ts'
import { createNet } from '../net/state.ts'
import { createTtys } from '../tty/state.ts'
import type { FileChange, PowerLoss } from '../../tool/power-loss.ts'
import { addFirstMemory, firstProcess, startFirst } from '../first-process.ts'
import { truncateContent, writeContent } from '../fs/content.ts'
import { dropIfUnused, inodeOf, timeNow } from '../fs/inode.ts'
import { takeAllStores } from '../fs/mapping.ts'
import type { FsState, Inode } from '../fs/state.ts'
import { join } from '../fs/where.ts'
import type { Kernel } from '../kernel.ts'
import { drawSurvival, fateOf, SECTOR, spareChanges, type FileFate, type Survival } from './survive.ts'
import type { Change, Disk, NameChange, NameSlot } from './state.ts'

/** Changes that a loss of power tells one by one. */
const MOST_TOLD = 300

/** The first process has ended, and all is well: power may be lost now. True if it is. */
export function endsInPowerLoss(k: Kernel, code: number): boolean {
  const { disk } = k.state.fs
  if (disk === undefined || disk.loss !== null || code !== 0) return false
  disk.at = k.state.count
  disk.ended = true
  k.attention = true
  return true
}

/** Whether the machine is to lose power now, and how many instructions from now it is known to. */
export function powerLeft(k: Kernel): number {
  const { disk } = k.state.fs
  return disk === undefined || disk.at === null || disk.loss !== null ? Infinity : disk.at - k.state.count
}

/** Power is lost, and comes back: the recovery is the first process from now on. Throws a LemmingError if it cannot be run. */
export function losePower(k: Kernel): void {
  const { state } = k
  const { fs } = state
  const disk = fs.disk!
  takeAllStores(k)
  const last = state.tasks.get(state.turn.last)
  const survival = drawSurvival(disk)
  spareChanges(disk, survival)
  const told = tell(k, disk, survival)
  dropMemory(k)
  rewind(k, disk, survival)
  dropVolatile(k)
  const process = switchOn(k, disk)
  const loss: PowerLoss = {
    model: disk.plan.model,
    moment: state.count,
    pid: last?.pid ?? 0,
    tid: last?.tid ?? 0,
    ended: disk.ended,
    ...told,
    recoveryPid: process,
    recovery: [...disk.plan.recover.argv],
  }
  disk.loss = loss
  disk.pending = []
  disk.bytes = 0
  for (const observer of k.observers) observer.powerLoss?.(structuredClone(loss), k)
}

/** Tasks, processes, address spaces, and all that only the kernel knew. */
function dropMemory(k: Kernel): void {
  const { state } = k
  for (const t of state.tasks.values()) {
    k.strategy.gone?.(state.strategy, t.tid)
    for (const observer of k.observers) observer.taskExit?.(k.info(t), SIGKILL, k)
  }
  k.current = null
  k.loaded = null
  k.running = null
  k.entered.clear()
  for (const memory of k.memories.values()) k.processor.releaseSpace(memory.space)
  k.memories.clear()
  state.spaces.clear()
  state.processes.clear()
  state.tasks.clear()
  state.runnable = []
  state.events = []
  state.cpuSleeps = []
  state.futexes.clear()
  state.ipc = emptyIpc()
  const { turn } = state
  Object.assign(turn, {
    tid: 0,
    left: 0,
    points: 0,
    at: null,
    yielded: false,
    paused: false,
    woken: false,
    split: false,
  })
}

const SIGKILL = 9

/** Open files, pipes, sockets, locks; files without names, and those that are in memory only. */
function dropVolatile(k: Kernel): void {
  const { fs } = k.state
  fs.descriptions.clear()
  fs.pipes.clear()
  fs.locks = []
  fs.inotifies = []
  fs.net = createNet()
  fs.tty = { ...createTtys(), polls: fs.tty.polls }
  const root = inodeOf(fs, fs.root)
  const dev = fs.inodes.get(root.entries!.get('dev') ?? 0)
  for (const path of ['shm', 'pts']) {
    const dir = fs.inodes.get(dev?.entries?.get(path) ?? 0)
    for (const name of dir?.entries?.keys() ?? []) if (name !== 'ptmx') drop(fs, dir!, name)
  }
  const proc = fs.inodes.get(root.entries!.get('proc') ?? 0)
  for (const name of proc?.entries?.keys() ?? []) drop(fs, proc!, name)
  for (const inode of fs.inodes.values()) {
    inode.refs = 0
    inode.pipe = 0
    inode.shared = []
    inode.unnamed = false
    dropIfUnused(fs, inode)
  }
}

/** Forgets a name and all that is below it. */
function drop(fs: FsState, dir: Inode, name: string): void {
  const inode = fs.inodes.get(dir.entries!.get(name) ?? 0)
  dir.entries!.delete(name)
  if (inode === undefined) return
  if (inode.kind === 'dir') {
    dir.nlink--
    inode.nlink = 0
    for (const child of inode.entries!.keys()) drop(fs, inode, child)
  } else inode.nlink--
}

/** Gives the files the contents and names that the disk has. */
function rewind(k: Kernel, disk: Disk, { names, files }: Survival): void {
  const { fs } = k.state
  for (const [id, fate] of files) {
    const inode = fs.inodes.get(id)
    if (inode !== undefined) rewindFile(k, inode, fate)
  }
  const moved = new Set<Inode>()
  for (const change of disk.pending.toReversed())
    if (change.kind === 'names' && !names.has(change))
      for (const slot of change.slots.toReversed()) rewindName(fs, slot, moved)
  // What was made in a directory that the disk does not have is not there either.
  for (const dir of moved) if (!isThere(fs, dir)) forget(fs, dir)
}

function rewindFile(k: Kernel, inode: Inode, fate: FileFate): void {
  const content = inode.content!
  for (let i = fate.changes.length - 1; i >= 0; i--) {
    const { offset, length, before } = fate.changes[i]!
    const end = offset + length
    for (let at = offset; at < end;) {
      const sector = Math.floor(at / SECTOR)
      const next = Math.min(end, (sector + 1) * SECTOR)
      if ((fate.versions.get(sector) ?? fate.version) <= i) {
        const bytes = new Uint8Array(next - at)
        bytes.set(before.subarray(at - offset, next - offset))
        writeContent(k.world, content, at, bytes)
      }
      at = next
    }
  }
  truncateContent(content, fate.size)
  inode.mtime = inode.ctime = timeNow(k)
}

function rewindName(fs: FsState, { dir, name, before, after }: NameSlot, moved: Set<Inode>): void {
  const parent = fs.inodes.get(dir)
  if (parent === undefined) return
  const made = after === null ? undefined : fs.inodes.get(after)
  if (parent.source === null) parent.entries!.delete(name)
  else parent.entries!.set(name, null)
  if (made?.kind === 'dir') {
    parent.nlink--
    moved.add(made)
  } else if (made !== undefined) made.nlink--
  const old = before === null ? undefined : fs.inodes.get(before)
  if (old === undefined) return
  parent.entries!.set(name, old.id)
  if (old.kind !== 'dir') old.nlink++
  else {
    parent.nlink++
    old.nlink = Math.max(old.nlink, 2)
    old.parent = parent.id
    old.name = name
    moved.add(old)
  }
}

function isThere(fs: FsState, dir: Inode): boolean {
  for (let at = dir; at.id !== fs.root; at = inodeOf(fs, at.parent))
    if (fs.inodes.get(at.parent)?.entries?.get(at.name) !== at.id) return false
  return true
}

function forget(fs: FsState, dir: Inode): void {
  dir.nlink = 0
  for (const child of dir.entries!.keys()) drop(fs, dir, child)
}

/** The first process after power has come back; its id. */
function switchOn(k: Kernel, disk: Disk): number {
  const { state } = k
  const { fs } = state
  const pid = state.nextTid++
  const session = pid - 1
  const start = { ...disk.start, ...disk.plan.recover }
  const identity = { pid, session, spaceId: state.nextSpace++, startNs: k.now() }
  const { process, task } = firstProcess(identity, start, fs, k.world, timeNow(k))
  state.initPid = pid
  state.processes.set(pid, process)
  state.tasks.set(pid, task)
  addFirstMemory(k, process, start)
  startFirst(k, process, task, start)
  k.attention = true
  for (const observer of k.observers) observer.taskStart?.(k.info(task), k)
  return pid
}

/** What is told of the changes that were under way, by the names that files have now. */
function tell(
  k: Kernel,
  { pending }: Disk,
  { names, files }: Survival,
): Pick<PowerLoss, 'missing' | 'unsynced' | 'kept'> {
  const paths = pathsOf(k.state.fs, pending)
  const told = pending.map((change): FileChange => {
    const { id, moment, pid, tid } = change
    if (change.kind === 'names')
      return { id, ...nameChange(k.state.fs, change), moment, pid, tid, fate: names.has(change) ? 'kept' : 'lost' }
    const fate = files.get(change.inode)!
    const { kind, offset, sizeBefore, sizeAfter, length } = change
    const range = kind === 'resize' ? { offset: sizeBefore, length: sizeAfter } : { offset, length }
    const path = paths.get(change.inode) ?? '(a file without a name)'
    return { id, what: kind, path, ...range, moment, pid, tid, fate: fateOf(fate, fate.changes.indexOf(change)) }
  })
  const missing = told.filter(({ fate }) => fate !== 'kept')
  return { missing: missing.slice(0, MOST_TOLD), unsynced: told.length, kept: told.length - missing.length }
}

function nameChange(
  fs: FsState,
  { slots }: NameChange,
): Pick<FileChange, 'what' | 'path' | 'to' | 'offset' | 'length'> {
  const nothing = { offset: 0, length: 0 }
  const path = (slot: NameSlot): string => join(pathOfDir(fs, fs.inodes.get(slot.dir)), slot.name)
  const lost = slots.find(({ before, after }) => after === null && slots.some((other) => other.after === before))
  if (lost !== undefined) {
    const got = slots.find(({ after }) => after === lost.before)!
    const exchanged = slots.filter(({ after }) => after !== null).length > 1
    return { what: exchanged ? 'exchange' : 'rename', path: path(lost), to: path(got), ...nothing }
  }
  const [slot] = slots as [NameSlot]
  const isNew = slot.after !== null && (fs.inodes.get(slot.after)?.nlink ?? 0) < 2
  return {
    what: slot.after === null ? 'remove' : isNew || slot.isDirectory ? 'create' : 'link',
    path: path(slot),
    ...nothing,
  }
}

function pathOfDir(fs: FsState, dir: Inode | undefined): string {
  if (dir === undefined || dir.id === fs.root) return '/'
  return join(pathOfDir(fs, fs.inodes.get(dir.parent)), dir.name)
}

/** Names of the files that were changed; one that was removed goes by its last name. */
function pathsOf(fs: FsState, pending: readonly Change[]): Map<number, string> {
  const wanted = new Set(pending.flatMap((change) => (change.kind === 'names' ? [] : [change.inode])))
  const paths = new Map<number, string>()
  for (const change of pending) {
    if (change.kind !== 'names') continue
    for (const { before, dir, name } of change.slots)
      if (before !== null) paths.set(before, join(pathOfDir(fs, fs.inodes.get(dir)), name))
  }
  for (const dir of fs.inodes.values())
    for (const [name, id] of dir.entries ?? [])
      if (id !== null && wanted.has(id)) paths.set(id, join(pathOfDir(fs, dir), name))
  return paths
}
