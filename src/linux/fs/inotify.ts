/** Exists to tell those who watch files (inotify(7)) what happens to them: events wait in a description until they are read. */
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import { signalActivity } from './async.ts'
import { bytesFromName } from './names.ts'
import type { Description, Inode, InotifyEvent } from './state.ts'

/** Events and flags of watches (linux/inotify.h). */
export const IN = {
  access: 1,
  modify: 2,
  attrib: 4,
  closeWrite: 8,
  closeNoWrite: 0x10,
  open: 0x20,
  movedFrom: 0x40,
  movedTo: 0x80,
  create: 0x100,
  delete: 0x200,
  deleteSelf: 0x400,
  moveSelf: 0x800,
  overflow: 0x4000,
  ignored: 0x8000,
  onlyDir: 0x0100_0000,
  dontFollow: 0x0200_0000,
  exclUnlink: 0x0400_0000,
  maskCreate: 0x1000_0000,
  maskAdd: 0x2000_0000,
  isDir: 0x4000_0000,
  oneShot: 0x8000_0000,
} as const
export const IN_ALL = 0xfff

/** Events that wait at most (/proc/sys/fs/inotify/max_queued_events). */
const QUEUE_MAX = 16384
/** Bytes of struct inotify_event; names are padded to multiples of it. */
const HEADER = 16

/** Something has happened to an inode itself: its own watchers hear it, and those of directories that hold it, with its name. */
export function tellInode(k: Kernel, inode: Inode, mask: number): void {
  if (k.state.fs.inotifies.length === 0) return
  const kind = inode.kind === 'dir' ? IN.isDir : 0
  for (const d of instances(k)) {
    for (const [wd, watch] of d.inotify!.watches) {
      if (watch.inode === inode.id) queue(k, d, wd, mask | kind, 0, '')
      else {
        const name = nameIn(k, watch.inode, inode)
        if (name !== null) queue(k, d, wd, mask | kind, 0, name)
      }
    }
  }
}

/** A name in a directory was made, removed or moved. */
export function tellName(k: Kernel, dir: Inode, name: string, inode: Inode, mask: number, cookie = 0): void {
  if (k.state.fs.inotifies.length === 0) return
  const kind = inode.kind === 'dir' ? IN.isDir : 0
  for (const d of instances(k))
    for (const [wd, watch] of d.inotify!.watches) if (watch.inode === dir.id) queue(k, d, wd, mask | kind, cookie, name)
}

/** Something has happened to an inode that concerns its own watchers alone. */
export function tellSelf(k: Kernel, inode: Inode, mask: number): void {
  if (k.state.fs.inotifies.length === 0) return
  for (const d of instances(k))
    for (const [wd, watch] of d.inotify!.watches) if (watch.inode === inode.id) queue(k, d, wd, mask, 0, '')
}

/** Tells of inodes that are gone, to be called when some may be. */
export function tellGone(k: Kernel): void {
  if (k.state.fs.inotifies.length === 0) return
  for (const d of instances(k)) {
    for (const [wd, watch] of d.inotify!.watches) {
      if (k.state.fs.inodes.has(watch.inode)) continue
      queue(k, d, wd, IN.deleteSelf, 0, '')
      if (d.inotify!.watches.has(wd)) dropWatch(k, d, wd)
    }
  }
}

/** Ends a watch: its reader is told. */
export function dropWatch(k: Kernel, d: Description, wd: number): void {
  d.inotify!.watches.delete(wd)
  put(k, d, { wd, mask: IN.ignored, cookie: 0, name: '' })
}

/** Bytes that wait to be read (FIONREAD). */
export function waitingBytes(d: Description): number {
  return d.inotify!.events.reduce((sum, event) => sum + sizeOf(event), 0)
}

/** As many whole events as `room` bytes hold, taken from the queue; -EAGAIN for none, -EINVAL when the first does not fit. */
export function takeEvents(d: Description, room: number): Uint8Array | number {
  const { events } = d.inotify!
  if (events.length === 0) return -ERRNO.EAGAIN
  let size = 0
  let count = 0
  while (count < events.length && size + sizeOf(events[count]!) <= room) size += sizeOf(events[count++]!)
  if (count === 0) return -ERRNO.EINVAL
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const event of events.splice(0, count)) {
    const length = sizeOf(event) - HEADER
    ;[event.wd, event.mask | 0, event.cookie, length].forEach((word, i) => view.setInt32(at + 4 * i, word, true))
    bytes.set(bytesFromName(event.name), at + HEADER)
    at += HEADER + length
  }
  return bytes
}

function sizeOf({ name }: InotifyEvent): number {
  return HEADER + (name === '' ? 0 : Math.ceil((bytesFromName(name).length + 1) / HEADER) * HEADER)
}

function* instances(k: Kernel): Iterable<Description> {
  for (const id of k.state.fs.inotifies) {
    const d = k.state.fs.descriptions.get(id)
    if (d !== undefined) yield d
  }
}

/** The name under which a directory holds an inode, if it is known to. */
function nameIn(k: Kernel, directory: number, inode: Inode): string | null {
  const entries = k.state.fs.inodes.get(directory)?.entries
  for (const [name, id] of entries ?? []) if (id === inode.id) return name
  return null
}

function queue(k: Kernel, d: Description, wd: number, mask: number, cookie: number, name: string): void {
  const watch = d.inotify!.watches.get(wd)!
  if ((watch.mask & mask & IN_ALL) === 0) return
  // What a directory is needs not be said of itself when it goes or moves.
  const shown = mask & (IN.deleteSelf | IN.moveSelf) ? mask & ~IN.isDir : mask
  put(k, d, { wd, mask: shown, cookie, name })
  if (watch.mask & IN.oneShot) dropWatch(k, d, wd)
}

/** Equal events that follow each other are one. */
function put(k: Kernel, d: Description, event: InotifyEvent): void {
  const { events } = d.inotify!
  const last = events.at(-1)
  if (last !== undefined && last.mask === IN.overflow) return
  const again = last !== undefined && last.wd === event.wd && last.mask === event.mask && last.name === event.name
  if (again && last.cookie === event.cookie) return
  events.push(events.length < QUEUE_MAX ? event : { wd: -1, mask: IN.overflow, cookie: 0, name: '' })
  signalActivity(k, d.id, 'read')
}
