/** Exists to keep mapped files and the file layer in step: what a mapping is filled with, and MAP_SHARED stores that read(2) must see. */
import { CHUNK, readContent, truncateContent, writeContent } from './content.ts'
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import type { FilePages } from '../mm.ts'
import type { Task } from '../state.ts'
import { descriptionOf } from './description.ts'
import { holdInode, inodeOf, releaseInode, timeNow } from './inode.ts'
import type { Inode, SharedMapping } from './state.ts'
import { pathOfDescription } from './where.ts'

/** What mmap(2) needs to know of a descriptor. */
export interface Mappable {
  /** 'file': pages come from inode `inode`. 'zero': /dev/zero, anonymous memory. */
  kind: 'file' | 'zero'
  inode: number
  path: string
  readable: boolean
  writable: boolean
}

/** What a descriptor maps, or the errno of mmap(2): -EBADF, -ENODEV for what cannot be mapped, -EACCES for one that cannot be read. */
export function mappableOf(k: Kernel, t: Task, fd: number): Mappable | number {
  const description = descriptionOf(k, t, fd)
  if (!description || description.type === 'path') return -ERRNO.EBADF
  const access = description.flags & 3
  const common = { path: pathOfDescription(k, description), readable: access !== 1, writable: access !== 0 }
  if (description.type === 'zero') return { kind: 'zero', inode: 0, ...common }
  const inode = k.state.fs.inodes.get(description.inode)
  if (description.type !== 'file' || !inode?.content) return -ERRNO.ENODEV
  if (!common.readable) return -ERRNO.EACCES
  return { kind: 'file', inode: inode.id, ...common }
}

/** The file layer as memory mappings use it. */
export function filePages(k: Kernel): FilePages {
  return {
    size: (inode) => inodeOf(k.state.fs, inode).content!.size,
    read: (inode, offset, length) => readFile(k, inodeOf(k.state.fs, inode), offset, length),
    write: (inode, offset, bytes) => {
      const file = inodeOf(k.state.fs, inode)
      writeContent(k.world, file.content!, offset, bytes)
      file.mtime = file.ctime = timeNow(k)
      pushShared(k, file, offset, bytes)
    },
    hold: (inode, by) => (by > 0 ? holdInode(k.state.fs, inode) : releaseInode(k.state.fs, inode)),
    share: (inode, spaceId, mappings) => {
      const file = k.state.fs.inodes.get(inode)
      if (!file) return
      // What was stored before a mapping goes, or becomes read-only, is in the file from now on.
      for (const old of file.shared) if (old.spaceId === spaceId) pullShared(k, file, old.offset, old.length)
      file.shared = [...file.shared.filter((other) => other.spaceId !== spaceId), ...mappings]
    },
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

/** Overwrites or appends bytes of a regular file; shared mappings show them at once. */
export function writeFile(k: Kernel, inode: Inode, offset: number, data: Uint8Array): void {
  writeContent(k.world, inode.content!, offset, data)
  inode.mtime = inode.ctime = timeNow(k)
  pushShared(k, inode, offset, data)
}

/** Sets a file's size; what shared mappings show behind it becomes zero. */
export function resizeFile(k: Kernel, inode: Inode, size: number): void {
  const file = inode.content!
  const before = file.size
  if (size > before) pullShared(k, inode, 0, before)
  truncateContent(file, size)
  inode.mtime = inode.ctime = timeNow(k)
  if (inode.shared.length > 0 && size < before) pushShared(k, inode, size, new Uint8Array(before - size))
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
  for (const mapping of inode.shared) {
    const part = mapping.writable ? overlap(mapping, offset, Math.min(length, file.size - offset)) : null
    const space = k.memories.get(mapping.spaceId)?.space
    if (part === null || space === undefined) continue
    for (let done = 0; done < part.size;) {
      const count = Math.min(CHUNK - ((part.at + done) % CHUNK), part.size - done)
      const now = space.bytes.subarray(part.address + done, part.address + done + count)
      const before = new Uint8Array(count)
      readContent(k.world, file, part.at + done, before)
      if (!equal(now, before)) {
        writeContent(k.world, file, part.at + done, now)
        inode.mtime = inode.ctime = timeNow(k)
      }
      done += count
    }
  }
}

/** Shows new bytes of a file in its shared mappings. */
function pushShared(k: Kernel, inode: Inode, offset: number, data: Uint8Array): void {
  for (const mapping of inode.shared) {
    const part = overlap(mapping, offset, data.length)
    const space = k.memories.get(mapping.spaceId)?.space
    if (part !== null && space !== undefined)
      space.poke(part.address, data.subarray(part.at - offset, part.at - offset + part.size))
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
