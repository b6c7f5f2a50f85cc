/** Exists to take note of each change to files until it has been synced. */
import { nextBelow, randomFrom } from '../../base/random.ts'
import { readContent } from '../fs/content.ts'
import { holdInode, inodeOf, releaseInode } from '../fs/inode.ts'
import type { Inode } from '../fs/state.ts'
import type { Kernel } from '../kernel.ts'
import type { Change, DataChange, Disk, NameChange, PowerLossPlan, Start } from './state.ts'

/** Bytes and changes that are kept; what is older is written back, as Linux does when too much is dirty. */
const MOST_BYTES = 1 << 26
const MOST_CHANGES = 100_000

/** Without knowing how many changes there will be, the moment is drawn from as many octaves. */
const OCTAVES = 14

/** A disk that loses power at a moment drawn from the seed. */
export function createDisk(seed: number, plan: PowerLossPlan, start: Start): Disk {
  const random = randomFrom(seed, 'crash')
  let after = 0
  if (plan.within === undefined) {
    const octave = 1 << nextBelow(random, OCTAVES)
    after = octave + nextBelow(random, octave)
  } else after = plan.within === 0 ? Infinity : 1 + nextBelow(random, plan.within + 1)
  // Most of what can go wrong goes wrong between two changes; stores into mapped files come later than them.
  const style = nextBelow(random, 8)
  const octave = 1 << nextBelow(random, 16)
  const delay = style < 2 ? octave + nextBelow(random, octave) : 0
  return {
    plan,
    start,
    random,
    after,
    delay,
    during: style >= 6,
    events: 0,
    lastEvent: -1,
    at: null,
    nextId: 1,
    pending: [],
    bytes: 0,
    writtenBack: 0,
    ended: false,
    loss: null,
  }
}

/** What is on the disk when power is lost is drawn from another seed; when it is lost stays. */
export function redraw(disk: Disk | undefined, seed: number): void {
  if (disk !== undefined) disk.random = randomFrom(seed, 'crash')
}

/** The disk, while power is still to be lost. */
function diskOf(k: Kernel): Disk | null {
  const { disk } = k.state.fs
  return disk === undefined || disk.loss !== null ? null : disk
}

/** A system call has changed or synced files: it may be the one at which power is lost. */
function happened(k: Kernel, disk: Disk): void {
  if (disk.lastEvent === k.state.count) return
  disk.lastEvent = k.state.count
  disk.events++
  if (disk.events !== disk.after) return
  disk.at = k.state.count + disk.delay
  k.attention = true
}

/** Whether the file is one of the disk that power can be lost of: not of a mount, and no memory that has no name. */
function isOnDisk(disk: Disk, inode: Inode): boolean {
  if (inode.mount !== 0 || inode.seals >= 0) return false
  if (inode.nlink > 0 || inode.unnamed) return true
  return disk.pending.some(
    (change) => change.kind === 'names' && change.slots.some(({ before }) => before === inode.id),
  )
}

function made(k: Kernel, disk: Disk): { id: number; moment: number; pid: number; tid: number } {
  return { id: disk.nextId++, moment: k.state.count, pid: k.current?.pid ?? 0, tid: k.current?.tid ?? 0 }
}

function add(k: Kernel, disk: Disk, change: Omit<DataChange, 'id' | 'moment' | 'pid' | 'tid' | 'durable'>): void {
  disk.pending.push({ ...made(k, disk), durable: false, ...change })
  disk.bytes += change.before.length
  if (disk.bytes <= MOST_BYTES && disk.pending.length <= MOST_CHANGES) return
  const old = new Set(disk.pending.slice(0, disk.pending.length >>> 1))
  disk.writtenBack += old.size
  settle(k, disk, (other) => old.has(other))
}

/** To be called before bytes of a file are overwritten or appended; `store`: they were stored into a shared mapping, by now. */
export function noteWrite(
  k: Kernel,
  inode: Inode,
  offset: number,
  length: number,
  kind: 'write' | 'store' = 'write',
): void {
  const disk = diskOf(k)
  if (disk === null || length === 0 || !isOnDisk(disk, inode)) return
  const { size } = inode.content!
  const before = bytesAt(k, inode, offset, length)
  add(k, disk, {
    kind,
    inode: inode.id,
    offset,
    length,
    before,
    sizeBefore: size,
    sizeAfter: Math.max(size, offset + length),
  })
  if (kind === 'write') happened(k, disk)
}

/** To be called before a file gets another size. */
export function noteResize(k: Kernel, inode: Inode, size: number): void {
  const disk = diskOf(k)
  const old = inode.content!.size
  if (disk === null || size === old || !isOnDisk(disk, inode)) return
  const before = bytesAt(k, inode, size, old - size)
  const length = Math.max(0, old - size)
  add(k, disk, { kind: 'resize', inode: inode.id, offset: size, length, before, sizeBefore: old, sizeAfter: size })
  happened(k, disk)
}

/** To be called before `[start, end)` of a file becomes a hole. */
export function noteZero(k: Kernel, inode: Inode, start: number, end: number): void {
  const disk = diskOf(k)
  const { size } = inode.content!
  const length = Math.min(end, size) - start
  if (disk === null || length <= 0 || !isOnDisk(disk, inode)) return
  const before = bytesAt(k, inode, start, length)
  add(k, disk, { kind: 'zero', inode: inode.id, offset: start, length, before, sizeBefore: size, sizeAfter: size })
  happened(k, disk)
}

function bytesAt(k: Kernel, inode: Inode, offset: number, length: number): Uint8Array {
  const content = inode.content!
  const bytes = new Uint8Array(Math.max(0, Math.min(length, content.size - offset)))
  readContent(k.world, content, offset, bytes)
  return bytes
}

/** To be called when a directory has got, or lost, a name. */
export function noteName(k: Kernel, dir: Inode, name: string, before: Inode | null, after: Inode | null): void {
  const disk = diskOf(k)
  if (disk === null || dir.mount !== 0 || isVolatile(k, dir)) return
  const isDirectory = (before ?? after)!.kind === 'dir'
  const slot = { dir: dir.id, name, before: before?.id ?? null, after: after?.id ?? null, isDirectory }
  // What has lost its last name must be there if the disk still has that.
  if (before !== null) holdInode(k.state.fs, before.id)
  const last = disk.pending.at(-1)
  const tid = k.current?.tid ?? 0
  if (last?.kind === 'names' && last.moment === k.state.count && last.tid === tid) last.slots.push(slot)
  else disk.pending.push({ ...made(k, disk), kind: 'names', slots: [slot] })
  happened(k, disk)
}

/** Whether a directory lies in /dev, /proc or /sys: what is there is memory. */
function isVolatile(k: Kernel, dir: Inode): boolean {
  const { fs } = k.state
  let at = dir
  while (at.id !== at.parent) {
    if (at.source?.from === 'kernel' || (at.parent === fs.root && at.name === 'dev')) return true
    at = inodeOf(fs, at.parent)
  }
  return false
}

/** Takes changes that are on the disk from now on out of those that need not be. */
function settle(k: Kernel, disk: Disk, isSettled: (change: Change) => boolean): void {
  const { fs } = k.state
  const settled: Change[] = []
  const rest: Change[] = []
  for (const change of disk.pending) (isSettled(change) ? settled : rest).push(change)
  disk.pending = rest
  for (const change of settled) {
    if (change.kind !== 'names') disk.bytes -= change.before.length
    else for (const { before } of change.slots) if (before !== null) releaseInode(fs, before)
  }
  // Of files that are gone for good nothing can come back.
  disk.pending = disk.pending.filter((change) => {
    if (change.kind === 'names' || fs.inodes.has(change.inode)) return true
    disk.bytes -= change.before.length
    return false
  })
}

/** Whether a sync has nothing to do: there is no disk, or power goes in the middle of it. */
function syncing(k: Kernel): Disk | null {
  const disk = diskOf(k)
  if (disk === null) return null
  happened(k, disk)
  return disk.during && disk.at === k.state.count ? null : disk
}

/** fsync(2), fdatasync(2) of a file: its bytes and its size are on the disk. */
export function syncFile(k: Kernel, inode: Inode): void {
  const disk = syncing(k)
  if (disk === null) return
  settle(k, disk, (change) => change.kind !== 'names' && change.inode === inode.id)
  if (disk.plan.model === 'ordered') commit(k, disk)
}

/** The journal is on the disk: all changes of metadata that were made so far. Bytes that files had before are not. */
function commit(k: Kernel, disk: Disk): void {
  const open = new Set<number>()
  settle(k, disk, (change) => {
    if (change.kind === 'names') return true
    if (change.kind === 'write' || change.kind === 'store') {
      open.add(change.inode)
      return false
    }
    change.durable = true
    return !open.has(change.inode)
  })
}

/** msync(2), or a write that syncs itself: these bytes of a file are on the disk, and the size. The rest of what was written across their ends is not. */
export function syncRange(k: Kernel, inode: Inode, start: number, end: number): void {
  const disk = syncing(k)
  if (disk === null) return
  const own = (change: Change): change is DataChange => change.kind !== 'names' && change.inode === inode.id
  if (disk.pending.some((change) => own(change) && (change.kind === 'resize' || change.kind === 'zero')))
    settle(k, disk, own)
  else
    disk.pending = disk.pending.flatMap((change): Change[] =>
      own(change) ? outside(disk, inode, change, start, end) : [change],
    )
  if (disk.plan.model === 'ordered') commit(k, disk)
}

/** What a change has written before `start` and behind `end`, by itself. */
function outside(disk: Disk, inode: Inode, change: DataChange, start: number, end: number): DataChange[] {
  const { size } = inode.content!
  const part = (from: number, to: number): DataChange[] => {
    const [first, last] = [Math.max(change.offset, from), Math.min(change.offset + change.length, to)]
    if (first >= last) return []
    const before = change.before.slice(first - change.offset, last - change.offset)
    disk.bytes += before.length
    return [{ ...change, offset: first, length: last - first, before, sizeBefore: size, sizeAfter: size }]
  }
  disk.bytes -= change.before.length
  return [...part(0, start), ...part(end, Infinity)]
}

/** fsync(2) of a directory: the changes of its names are on the disk, and what they rest upon. */
export function syncDirectory(k: Kernel, dir: Inode): void {
  const disk = syncing(k)
  if (disk === null) return
  if (disk.plan.model === 'ordered') return commit(k, disk)
  const wanted = closure(disk.pending, (change) => change.slots.some((slot) => slot.dir === dir.id))
  settle(k, disk, (change) => change.kind === 'names' && wanted.has(change))
}

/** sync(2), syncfs(2): everything is on the disk. */
export function syncAll(k: Kernel): void {
  const disk = syncing(k)
  if (disk !== null) settle(k, disk, () => true)
}

/** The changes of names that `isWanted`, and the earlier ones that these cannot be without. */
export function closure(pending: readonly Change[], isWanted: (change: NameChange) => boolean): Set<NameChange> {
  const found = new Set<NameChange>()
  const slots = new Set<string>()
  const needed = new Set<number>()
  const emptied = new Set<number>()
  for (const change of pending.toReversed()) {
    if (change.kind !== 'names') continue
    const rests = change.slots.some(
      ({ dir, name, before, after }) =>
        slots.has(`${dir}/${name}`) || emptied.has(dir) || needed.has(before ?? -1) || needed.has(after ?? -1),
    )
    if (!rests && !isWanted(change)) continue
    found.add(change)
    for (const { dir, name, before, isDirectory } of change.slots) {
      slots.add(`${dir}/${name}`)
      needed.add(dir)
      if (isDirectory && before !== null) emptied.add(before)
    }
  }
  return found
}
