/** Exists to keep mapped files and the file layer in step: what a mapping is filled with, and MAP_SHARED stores that read(2) must see. */
import { CHUNK, hostBytes, readContent, truncateContent, writeContent } from './content.ts'
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import { PAGE_SHIFT, PAGE_SIZE } from '../../engine/layout.ts'
import { MAP, type FilePages, type Memory } from '../mm.ts'
import type { FileBacking, Task } from '../state.ts'
import { descriptionOf } from './description.ts'
import { noteResize, noteWrite } from '../power/pending.ts'
import { addInode, holdInode, inodeOf, releaseInode, timeNow } from './inode.ts'
import { IN, tellInode } from './inotify.ts'
import type { Inode, SharedMapping } from './state.ts'
import type { Ring } from '../uring/state.ts'
import { hostPlace, passOn, passOnBytes, passOnStores } from './mounts.ts'
import { pathOfDescription } from './where.ts'

/** What mmap(2) needs to know of a descriptor. */
export interface Mappable {
  /** 'file': pages come from inode `inode`. 'zero': /dev/zero, anonymous memory. */
  kind: 'file' | 'zero'
  inode: number
  path: string
  readable: boolean
  writable: boolean
  /** Where in the inode, if offsets of the descriptor mean something else. */
  offset?: number
}

/** What a descriptor maps, or the errno of mmap(2): -EBADF, -ENODEV for what cannot be mapped, -EACCES for one that cannot be read. */
export function mappableOf(k: Kernel, t: Task, fd: number, offset = 0): Mappable | number {
  const description = descriptionOf(k, t, fd)
  if (!description || description.type === 'path') return -ERRNO.EBADF
  if (description.ring !== undefined) {
    const part = ringPart(description.ring, offset)
    if (part === 0) return -ERRNO.EINVAL
    const path = pathOfDescription(k, description)
    return { kind: 'file', inode: part, path, readable: true, writable: true, offset: 0 }
  }
  const access = description.flags & 3
  const common = { path: pathOfDescription(k, description), readable: access !== 1, writable: access !== 0 }
  if (description.type === 'zero') return { kind: 'zero', inode: 0, ...common }
  const inode = k.state.fs.inodes.get(description.inode)
  if (description.type !== 'file' || !inode?.content) return -ERRNO.ENODEV
  if (!common.readable) return -ERRNO.EACCES
  return { kind: 'file', inode: inode.id, ...common }
}

/** What of an io_uring is mapped by offset: IORING_OFF_SQ_RING and IORING_OFF_CQ_RING are the same, IORING_OFF_SQES the entries. */
function ringPart(ring: Ring, offset: number): number {
  return offset === 0 || offset === 0x800_0000 ? ring.rings : offset === 0x1000_0000 ? ring.sqes : 0
}

/** A file without a name that backs anonymous memory of `length` bytes which processes share (MAP_SHARED|MAP_ANONYMOUS, shmem_zero_setup). */
export function sharedMemoryFile(k: Kernel, t: Task, length: number): FileBacking {
  const { uid, gid } = t.credentials
  const inode = addInode(k.state.fs, { kind: 'file', mode: 0o777, uid: uid[3], gid: gid[3] }, timeNow(k))
  inode.content!.size = length
  return { path: '/dev/zero (deleted)', inode: inode.id, offset: 0, mayWrite: true }
}

/** The file layer as memory mappings use it. */
export function filePages(k: Kernel): FilePages {
  return {
    size: (inode) => inodeOf(k.state.fs, inode).content!.size,
    read: (inode, offset, length) => {
      const file = inodeOf(k.state.fs, inode)
      const { host, chunks, hostLimit, size } = file.content!
      // A file as the host has it need not be copied first.
      const bytes = host !== null && chunks.size === 0 && file.shared.length === 0 ? hostBytes(k.world, host) : 0
      if (typeof bytes === 'number' || size > hostLimit || size > bytes.length) return readFile(k, file, offset, length)
      return bytes.subarray(offset, Math.min(size, offset + length))
    },
    write: (inode, offset, bytes) => {
      const file = inodeOf(k.state.fs, inode)
      noteWrite(k, file, offset, bytes.length, 'store')
      writeContent(k.world, file.content!, offset, bytes)
      passOnStores(k, file, offset, bytes)
      file.mtime = file.ctime = timeNow(k)
      pushShared(k, file, offset, bytes)
    },
    hold: (inode, by) => (by > 0 ? holdInode(k.state.fs, inode) : releaseInode(k.state.fs, inode)),
    share: (inode, spaceId, mappings) => {
      const file = k.state.fs.inodes.get(inode)
      if (!file) return
      // What was stored before a mapping goes, or becomes read-only, is in the file from now on.
      if (!isDoomed(file, spaceId, mappings)) {
        for (const old of file.shared)
          if (old.spaceId === spaceId && !isShownElsewhere(file, old))
            for (const gone of without(old, mappings)) pullShared(k, file, gone.offset, gone.length)
      }
      file.shared = [...file.shared.filter((other) => other.spaceId !== spaceId), ...mappings]
      watchShared(k, file)
    },
    flush: (memory) => publishStores(k, memory),
    isBlank: (inode) => {
      const { content, shared } = inodeOf(k.state.fs, inode)
      return content!.host === null && content!.chunks.size === 0 && shared.length === 0
    },
  }
}

/** Whether nobody will ever look at the file again: memory that only this address space shared, and does no longer. */
function isDoomed(file: Inode, spaceId: number, mappings: readonly SharedMapping[]): boolean {
  if (mappings.length > 0 || file.nlink > 0 || file.refs > file.shared.length) return false
  return file.shared.every((other) => other.spaceId === spaceId)
}

/**
 * The parts of a mapping that are not among `now`, which is sorted by address, as they were: what was stored into the others can be looked for there later.
 */
function without(old: SharedMapping, now: readonly SharedMapping[]): { offset: number; length: number }[] {
  let low = 0
  let high = now.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (now[middle]!.start + now[middle]!.length <= old.start) low = middle + 1
    else high = middle
  }
  const gone: { offset: number; length: number }[] = []
  const end = old.start + old.length
  const shift = old.offset - old.start
  let at = old.start
  for (let i = low; i < now.length && now[i]!.start < end; i++) {
    const { start, length, offset, writable } = now[i]!
    if (offset - start !== shift || writable !== old.writable) continue
    if (start > at) gone.push({ offset: at + shift, length: start - at })
    at = Math.max(at, start + length)
  }
  if (at < end) gone.push({ offset: at + shift, length: end - at })
  return gone
}

/** Whether another address space shows all that the mapping does, and so has its stores. */
function isShownElsewhere(file: Inode, { spaceId, offset, length }: SharedMapping): boolean {
  return file.shared.some(
    (other) =>
      other.spaceId !== spaceId &&
      other.writable &&
      other.offset <= offset &&
      other.offset + other.length >= offset + length,
  )
}

/**
 * Has stores into a file's shared mappings noted where several address spaces show it. One thread runs at a time, so it is enough to copy the pages
 * that it has written into the other spaces before one of them runs, or is looked at (publishStores).
 */
export function watchShared(k: Kernel, file: Inode): void {
  if (file.shared.every(({ spaceId }) => spaceId === file.shared[0]!.spaceId)) return
  for (const { spaceId, start, length } of file.shared)
    k.memories.get(spaceId)?.space.watchWrites(start >>> PAGE_SHIFT, length / PAGE_SIZE)
}

/** Shows what has been stored into an address space's shared memory in the other spaces that have it. */
export function publishStores(k: Kernel, memory: Memory): void {
  const { space, map } = memory
  memory.settle()
  for (const page of space.dirtied.splice(0)) {
    const address = page << PAGE_SHIFT
    const mapping = memory.at(address)
    const file = mapping?.file && mapping.flags & MAP.shared ? k.state.fs.inodes.get(mapping.file.inode) : undefined
    if (file === undefined) continue
    const offset = mapping!.file!.offset + address - mapping!.start
    let shown = false
    for (const other of file.shared) {
      const part = other.spaceId === map.id ? null : overlap(other, offset, PAGE_SIZE)
      if (part === null) continue
      k.memories.get(other.spaceId)!.space.receive(part.address, space.bytes.subarray(address, address + PAGE_SIZE))
      shown = true
    }
    if (shown) space.watchWrites(page, 1)
  }
}

/** Passes on to the host what an address space has stored into files of writable mounts. */
export function syncMounted(k: Kernel, spaceId: number): void {
  if (k.state.fs.mounts.length === 0) return
  for (const inode of k.state.fs.inodes.values()) {
    if (inode.mount === 0) continue
    for (const mapping of inode.shared)
      if (mapping.spaceId === spaceId) pullShared(k, inode, mapping.offset, mapping.length)
  }
}

/** Bytes of a regular file as they are now, stores through shared mappings included; shorter at the end of the file. */
export function readFile(k: Kernel, inode: Inode, offset: number, length: number): Uint8Array {
  pullShared(k, inode, offset, length)
  const file = inode.content!
  const out = new Uint8Array(Math.max(0, Math.min(length, file.size - offset)))
  readContent(k.world, file, offset, out)
  return out
}

/** Overwrites or appends bytes of a regular file; shared mappings show them at once. 0, or an errno of the host. */
export function writeFile(k: Kernel, inode: Inode, offset: number, data: Uint8Array): number {
  const failed = passOnBytes(k, inode, offset, data)
  if (failed !== 0) return failed
  noteWrite(k, inode, offset, data.length)
  writeContent(k.world, inode.content!, offset, data)
  inode.mtime = inode.ctime = timeNow(k)
  pushShared(k, inode, offset, data)
  tellInode(k, inode, IN.modify)
  return 0
}

/** Sets a file's size; what shared mappings show behind it becomes zero. 0, or an errno of the host. */
export function resizeFile(k: Kernel, inode: Inode, size: number): number {
  const path = inode.mount === 0 ? null : hostPlace(k, inode)
  const failed = path === null ? 0 : passOn(k, { do: 'resize', path, size })
  if (failed !== 0) return failed
  const file = inode.content!
  const before = file.size
  if (size > before || k.state.fs.disk !== undefined) pullShared(k, inode, 0, before)
  noteResize(k, inode, size)
  truncateContent(file, size)
  inode.mtime = inode.ctime = timeNow(k)
  if (inode.shared.length > 0 && size < before) pushShared(k, inode, size, new Uint8Array(before - size))
  if (size < before) for (const memory of k.memories.values()) memory.cutFile(inode.id)
  tellInode(k, inode, IN.modify)
  return 0
}

/** The part of a mapping that shows `[offset, offset + length)` of its file: guest address, file offset, bytes; null for none. */
function overlap(
  mapping: SharedMapping,
  offset: number,
  length: number,
): { address: number; at: number; size: number } | null {
  const at = Math.max(offset, mapping.offset)
  const size = Math.min(offset + length, mapping.offset + mapping.length) - at
  return size > 0 ? { address: mapping.start + at - mapping.offset, at, size } : null
}

/** Takes what was stored through writable shared mappings of `[offset, offset + length)` into the file. */
function pullShared(k: Kernel, inode: Inode, offset: number, length: number): void {
  const file = inode.content!
  if (inode.shared.length > 1 && k.loaded !== null) publishStores(k, k.loaded)
  for (const mapping of inode.shared) {
    const part = mapping.writable ? overlap(mapping, offset, Math.min(length, file.size - offset)) : null
    const memory = k.memories.get(mapping.spaceId)
    if (part === null || memory === undefined) continue
    memory.settle()
    const { space } = memory
    for (let done = 0; done < part.size;) {
      const count = Math.min(CHUNK - ((part.at + done) % CHUNK), part.size - done)
      const now = space.bytes.subarray(part.address + done, part.address + done + count)
      const before = new Uint8Array(count)
      readContent(k.world, file, part.at + done, before)
      if (!equal(now, before)) {
        noteWrite(k, inode, part.at + done, count, 'store')
        writeContent(k.world, file, part.at + done, now)
        passOnStores(k, inode, part.at + done, now)
        inode.mtime = inode.ctime = timeNow(k)
      }
      done += count
    }
  }
}

/** Takes all that was stored through shared mappings of a file into it. */
export function takeStores(k: Kernel, inode: Inode): void {
  pullShared(k, inode, 0, inode.content!.size)
}

/** The same for all files. */
export function takeAllStores(k: Kernel): void {
  for (const inode of k.state.fs.inodes.values()) if (inode.shared.length > 0) takeStores(k, inode)
}

/** Shows new bytes of a file in its shared mappings. */
function pushShared(k: Kernel, inode: Inode, offset: number, data: Uint8Array): void {
  for (const mapping of inode.shared) {
    const part = overlap(mapping, offset, data.length)
    const space = k.memories.get(mapping.spaceId)?.space
    if (part !== null && space !== undefined)
      space.receive(part.address, data.subarray(part.at - offset, part.at - offset + part.size))
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
