/** Exists to keep the layout of an address space (which ranges are mapped, as what) and its pages in step: vm_area_struct in data, bytes in the engine. */
import { guardsOf, putGuards } from '../engine/addressable.ts'
import type { AddressSpace } from '../engine/address-space.ts'
import type { CpuState } from '../engine/cpu-state.ts'
import { definednessOf, putDefinedness, setUndefined } from '../engine/definedness.ts'
import { GUEST_LIMIT, GUEST_MIN, PAGE_SIZE } from '../engine/layout.ts'
import type { SharedMapping } from './fs/state.ts'
import { Aliases, isShared } from './aliases.ts'
import { Room } from './room.ts'
import type { FileBacking, Mapping, MemoryMap } from './state.ts'

/** Flags of mmap(2) that a Mapping keeps. */
export const MAP = {
  shared: 0x01,
  private: 0x02,
  sharedValidate: 0x03,
  fixed: 0x10,
  anonymous: 0x20,
  growsDown: 0x100,
  locked: 0x2000,
  noReserve: 0x4000,
  hugeTlb: 0x40000,
  sync: 0x80000,
  fixedNoReplace: 0x100000,
} as const

/** /proc/sys/vm/max_map_count. */
export const MAX_MAPPINGS = 65530

/** Free pages below a mapping that grows down (stack_guard_gap). */
const STACK_GUARD_GAP = 256 * PAGE_SIZE

/** What mappings need of the file system. */
export interface FilePages {
  /** Bytes in the file now. */
  size(inode: number): number
  /** At most `length` bytes from `offset`; fewer only at the end of the file. */
  read(inode: number, offset: number, length: number): Uint8Array
  /** Overwrites bytes that exist. */
  write(inode: number, offset: number, bytes: Uint8Array): void
  /** Counts mappings as holders of the inode: `by` is 1 or -1. */
  hold(inode: number, by: number): void
  /**
   * States all shared mappings of the inode in this address space: reads of the file look into them, writes reach them. What was stored through
   * mappings that are no longer among them is in the file from then on.
   */
  share(inode: number, spaceId: number, mappings: SharedMapping[]): void
  /** Shows what has been stored into shared memory in all other address spaces. */
  flush(memory: Memory): void
  /** Whether the file is known to hold nothing but zeros. */
  isBlank(inode: number): boolean
}

export function pageDown(address: number): number {
  return address - (address % PAGE_SIZE)
}

export function pageUp(address: number): number {
  return pageDown(address + PAGE_SIZE - 1)
}

/** The C library and its like, and the runtimes of OpenMP: what they do to memory that threads share, they do in an order that they see to themselves. */
const SYSTEM_LIBRARY =
  /\/(ld-[^/]*|ld|lib(c|m|pthread|rt|dl|resolv|anl|util|stdc\+\+|gcc_s|c\.musl-[^/]*|gomp|i?omp5?|atomic))[-.\d]*\.so[.\d]*$/

/** What was found out of paths: it is asked at every scheduling point. */
const known = new Map<string, boolean>()
const MOST_KNOWN = 1000

function isSystemLibrary(path: string | undefined): boolean {
  if (path === undefined) return false
  let is = known.get(path)
  if (is === undefined) {
    if (known.size === MOST_KNOWN) known.clear()
    known.set(path, (is = SYSTEM_LIBRARY.test(path)))
  }
  return is
}

/** One address space: its map as data, its bytes, and the free room as a cache. Addresses and lengths are multiples of the page size unless said otherwise. */
export class Memory {
  readonly map: MemoryMap
  readonly space: AddressSpace
  /** The registers of whichever task runs here, in the space's own memory. */
  readonly cpu: CpuState
  private readonly files: FilePages
  private readonly room = new Room(GUEST_LIMIT)
  /** Pages that are mapped at several addresses; null while there are none. */
  private aliases: Aliases | null = null
  /** Inodes whose shared mappings changed during the operation under way. */
  private readonly changedFiles = new Set<number>()

  constructor(map: MemoryMap, space: AddressSpace, cpu: CpuState, files: FilePages) {
    this.map = map
    this.space = space
    this.cpu = cpu
    this.files = files
    space.isQuiet = (pc) => isSystemLibrary(this.at(pc)?.file?.path)
    this.room.set(map.mmapBottom, map.mmapTop, true)
    for (const mapping of map.mappings) this.occupy(mapping.start, mapping.end, false)
    this.space.absent = null
    this.findAliases()
  }

  /** Index of the first mapping that ends behind `address`. */
  indexFrom(address: number): number {
    const list = this.map.mappings
    let low = 0
    let high = list.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (list[middle]!.end <= address) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The mapping that holds `address` (any byte), or undefined. */
  at(address: number): Mapping | undefined {
    const mapping = this.map.mappings[this.indexFrom(address)]
    return mapping !== undefined && mapping.start <= address ? mapping : undefined
  }

  isFree(start: number, end: number): boolean {
    const mapping = this.map.mappings[this.indexFrom(start)]
    return mapping === undefined || mapping.start >= end
  }

  /** Whether every byte of the range is mapped. */
  isCovered(start: number, end: number): boolean {
    let at = start
    for (let i = this.indexFrom(start); at < end; i++) {
      const mapping = this.map.mappings[i]
      if (mapping === undefined || mapping.start > at) return false
      at = mapping.end
    }
    return true
  }

  /** Where `length` bytes go: at `hint` when that is free, else at the highest free place below the top of the mmap area; -1 when there is no room. */
  place(length: number, hint: number): number {
    if (hint !== 0) {
      const start = pageUp(hint)
      if (start >= GUEST_MIN && start + length <= GUEST_LIMIT && this.isFree(start, start + length)) return start
    }
    return this.room.highest(length)
  }

  /** Maps `mapping`, replacing what was there, and fills it with zeros or the file's bytes. */
  add(mapping: Mapping): void {
    const { start, end, prot, file } = mapping
    this.remove(start, end)
    const readable = file === null ? end : this.endOfFile(mapping)
    if (readable > start) this.space.map(start, readable - start, prot)
    // Pages behind the end of the file exist but cannot be touched (SIGBUS).
    if (readable < end) this.space.map(readable, end - readable, 0)
    if (file !== null && readable > start && !this.files.isBlank(file.inode)) this.load(file, start, start, readable)
    this.map.total += end - start
    this.occupy(start, end, false)
    this.track(mapping, 1)
    this.insert(mapping)
    this.publish()
    if (isShared(mapping) && this.aliases?.add(mapping) !== true) this.findAliases()
  }

  /** Removes all mappings in the range, splitting those that reach out of it. */
  remove(start: number, end: number): void {
    const list = this.map.mappings
    this.settle()
    if (this.space.dirtied.length > 0) this.files.flush(this)
    const first = this.split(start, end)
    let count = 0
    while (first + count < list.length && list[first + count]!.start < end) count++
    const removed = list.splice(first, count)
    for (const mapping of removed) {
      // From here on the file's own bytes count, so they must hold what was stored through the mapping.
      if (mapping.file !== null && mapping.flags & MAP.shared) {
        this.changedFiles.add(mapping.file.inode)
        this.publish()
      }
      this.track(mapping, -1)
      this.map.total -= mapping.end - mapping.start
      this.space.unmap(mapping.start, mapping.end - mapping.start)
      this.occupy(mapping.start, mapping.end, true)
      if (this.aliases !== null && isShared(mapping)) this.aliases.remove(mapping)
    }
    this.publish()
    if (this.aliases?.size === 0) this.forgetAliases()
  }

  /** Applies `change` to the mapped parts of the range, each a mapping of its own while it is changed; the pieces merge again where they can. */
  update(start: number, end: number, change: (mapping: Mapping) => void): void {
    const list = this.map.mappings
    let i = this.split(start, end)
    for (; i < list.length && list[i]!.start < end; i++) change(list[i]!)
    this.mergeAround(start, end)
    this.publish()
  }

  /** Changes the rights of the mapped parts of the range. */
  protect(start: number, end: number, prot: number): void {
    this.settle()
    this.update(start, end, (mapping) => {
      mapping.prot = prot
      if (mapping.flags & MAP.shared && mapping.file !== null) this.changedFiles.add(mapping.file.inode)
      if (prot !== 0) mapping.untouched = false
      const readable = mapping.file === null ? mapping.end : this.endOfFile(mapping)
      if (readable > mapping.start) this.space.protect(mapping.start, readable - mapping.start, prot)
    })
    this.aliases?.refresh(start, end)
  }

  /** Zeroes private anonymous memory and reloads private file pages, as MADV_DONTNEED does; shared pages keep their contents. */
  discard(start: number, end: number): void {
    for (let i = this.indexFrom(start); i < this.map.mappings.length && this.map.mappings[i]!.start < end; i++) {
      const mapping = this.map.mappings[i]!
      if (mapping.flags & MAP.shared || mapping.untouched) continue
      const from = Math.max(start, mapping.start)
      const to = Math.min(end, mapping.end)
      const readable = mapping.file === null ? mapping.end : this.endOfFile(mapping)
      const guards = guardsOf(this.space, from, to - from)
      if (Math.min(to, readable) > from) this.space.map(from, Math.min(to, readable) - from, mapping.prot)
      // Which bytes belong to blocks is as it was.
      putGuards(this.space, guards)
      if (mapping.file !== null) this.load(mapping.file, mapping.start, from, Math.min(to, readable))
    }
  }

  /** Lets the mapping that ends at `end` also hold `[end, newEnd)`, which must be free. */
  extend(end: number, newEnd: number): void {
    const mapping = this.at(end - 1)!
    this.add({ ...mapping, start: end, end: newEnd, file: shifted(mapping.file, end - mapping.start) })
  }

  /**
   * Moves `[start, start + length)`, part of one mapping, to `to`, where it becomes `newLength` bytes; what was at `to` is gone.
   * With `keep` the old range stays mapped, empty (MREMAP_DONTUNMAP).
   */
  move(start: number, length: number, to: number, newLength: number, keep: boolean): void {
    const mapping = { ...this.at(start)! }
    const file = shifted(mapping.file, start - mapping.start)
    const bytes = Math.min(length, newLength)
    const contents = mapping.untouched ? null : this.space.bytes.slice(start, start + bytes)
    const bits = contents === null ? null : definednessOf(this.space, start, bytes)
    const old = { ...mapping, start, end: start + length, file }
    // The file may live by this mapping alone.
    if (file !== null) this.files.hold(file.inode, 1)
    this.remove(start, start + length)
    this.add({ ...mapping, start: to, end: to + newLength, file })
    if (file !== null) this.files.hold(file.inode, -1)
    if (contents !== null) {
      const readable =
        file === null ? to + newLength : this.endOfFile({ ...mapping, start: to, end: to + newLength, file })
      const length = Math.min(contents.length, readable - to)
      if (length > 0) this.space.poke(to, contents.subarray(0, length))
      if (length > 0) putDefinedness(this.space, to, bits!.subarray(0, length))
    }
    if (keep) this.add(old)
  }

  /** Grows a stack-like mapping downwards to hold `address`; false when there is none or its limit (bytes) forbids it. */
  growDown(address: number, limit: number): boolean {
    const index = this.indexFrom(address)
    const mapping = this.map.mappings[index]
    if (mapping === undefined || !(mapping.flags & MAP.growsDown) || address >= mapping.start) return false
    const start = pageDown(address)
    if (mapping.end - start > limit || start < GUEST_MIN) return false
    const below = this.map.mappings[index - 1]
    if (
      below !== undefined &&
      below.prot !== 0 &&
      !(below.flags & MAP.growsDown) &&
      start - below.end < STACK_GUARD_GAP
    )
      return false
    const end = mapping.start
    this.add({ ...mapping, start, end })
    // It is used for the first time.
    setUndefined(this.space, start, end - start)
    return true
  }

  /**
   * A page of a file mapping that lay behind the end of the file when it was mapped: true when the file has grown since, and the page is there now.
   * False: the access is a SIGBUS.
   */
  loadGrown(mapping: Mapping, address: number): boolean {
    const page = pageDown(address)
    if (mapping.file === null || page >= this.endOfFile(mapping)) return false
    // Read first: the file layer looks into this mapping, where the fresh page would hide what the file has.
    const bytes = this.files.read(mapping.file.inode, mapping.file.offset + page - mapping.start, PAGE_SIZE)
    this.space.map(page, PAGE_SIZE, mapping.prot)
    if (bytes.length > 0) this.space.poke(page, bytes)
    this.settle()
    if (this.aliases !== null) this.findAliases()
    return true
  }

  /** A file has become shorter: private copies of pages that lay behind its new end are gone, and cannot be touched until it grows again. */
  cutFile(inode: number): void {
    for (const mapping of this.map.mappings) {
      if (mapping.file?.inode !== inode || mapping.flags & MAP.shared) continue
      const from = this.endOfFile(mapping)
      if (from < mapping.end) this.space.map(from, mapping.end - from, 0)
    }
  }

  /** Makes all copies of pages that are mapped at several addresses equal: whoever looks at the bytes as such calls it before. */
  settle(): void {
    this.aliases?.settle()
  }

  /** Whether the space must be settled after one more instruction. */
  get brief(): boolean {
    return this.aliases !== null && this.aliases.brief
  }

  /** An access that the mapping allows was refused: true when it can be made now, since the page's contents lay at another address. */
  acquire(address: number, store: boolean, moment: number): boolean {
    return this.aliases !== null && this.aliases.acquire(address, store, moment)
  }

  /** Looks for pages of files that are mapped at several addresses. */
  findAliases(): void {
    const { mappings } = this.map
    if (this.aliases === null) {
      const shared = new Set<number>()
      const twice = mappings.some(({ file, flags }) => {
        if (file === null || !(flags & MAP.shared)) return false
        if (shared.has(file.inode)) return true
        shared.add(file.inode)
        return false
      })
      if (!twice) return
      this.aliases = new Aliases(this.space, (page) => this.rightsOf(page))
    }
    this.aliases.update(mappings)
    if (this.aliases.size === 0) this.forgetAliases()
    else this.space.absent = (address, store) => this.acquire(address, store, -1)
  }

  private forgetAliases(): void {
    this.aliases = null
    this.space.absent = null
  }

  /** PROT_* bits that the mapping gives a page; 0 behind the end of its file. */
  private rightsOf(page: number): number {
    const address = page * PAGE_SIZE
    const mapping = this.at(address)
    return mapping === undefined || (mapping.file !== null && address >= this.endOfFile(mapping)) ? 0 : mapping.prot
  }

  /** Counts the files of mappings that were there when the object was made, for a copy of an address space. */
  holdFiles(): void {
    for (const mapping of this.map.mappings) this.track(mapping, 1)
    this.publish()
  }

  /** Gives files what was stored into their shared mappings: the process ends. */
  release(): void {
    this.remove(0, GUEST_LIMIT)
  }

  /** The first address of the mapping whose page lies wholly behind the end of its file; at most the mapping's end. */
  private endOfFile(mapping: Mapping): number {
    const left = this.files.size(mapping.file!.inode) - mapping.file!.offset
    return Math.max(mapping.start, Math.min(mapping.end, mapping.start + pageUp(Math.max(0, left))))
  }

  /** Copies the file's bytes into `[from, to)` of a mapping that begins at `start`. */
  private load(file: FileBacking, start: number, from: number, to: number): void {
    const bytes = this.files.read(file.inode, file.offset + from - start, to - from)
    if (bytes.length > 0) this.space.poke(from, bytes)
  }

  private track(mapping: Mapping, by: number): void {
    if (mapping.file === null) return
    this.files.hold(mapping.file.inode, by)
    if (mapping.flags & MAP.shared) this.changedFiles.add(mapping.file.inode)
  }

  /** Tells the file system about shared mappings that came, changed or went. */
  private publish(): void {
    if (this.changedFiles.size === 0) return
    for (const inode of this.changedFiles) {
      const shared: SharedMapping[] = []
      for (const { start, end, flags, file } of this.map.mappings) {
        if (file?.inode !== inode || !(flags & MAP.shared)) continue
        shared.push({ spaceId: this.map.id, start, length: end - start, offset: file.offset, writable: file.mayWrite })
      }
      this.files.share(inode, this.map.id, shared)
    }
    this.changedFiles.clear()
  }

  private occupy(start: number, end: number, free: boolean): void {
    const from = Math.max(start, this.map.mmapBottom)
    const to = Math.min(end, this.map.mmapTop)
    if (from < to) this.room.set(from, to, free)
  }

  /** Makes mappings begin at `start` and at `end` where one reaches across; returns the index of the first one at or behind `start`. */
  private split(start: number, end: number): number {
    const list = this.map.mappings
    let first = this.indexFrom(start)
    if (first < list.length && list[first]!.start < start) {
      this.cut(first, start)
      first++
    }
    const last = this.indexFrom(end)
    if (last < list.length && list[last]!.start < end) this.cut(last, end)
    return first
  }

  private cut(index: number, address: number): void {
    const mapping = this.map.mappings[index]!
    const upper = { ...mapping, start: address, file: shifted(mapping.file, address - mapping.start) }
    mapping.end = address
    this.map.mappings.splice(index + 1, 0, upper)
    this.track(upper, 1)
  }

  /** Puts a mapping into the list, where its range is free, and merges it with equal neighbours. */
  private insert(mapping: Mapping): void {
    const list = this.map.mappings
    const index = this.indexFrom(mapping.start)
    const above = list[index]
    const below = list[index - 1]
    const joinsBelow = below !== undefined && canMerge(below, mapping)
    const joinsAbove = above !== undefined && canMerge(mapping, above)
    if (joinsBelow) {
      below.end = joinsAbove ? above.end : mapping.end
      if (joinsAbove) list.splice(index, 1)
    } else if (joinsAbove) {
      above.start = mapping.start
      above.file = mapping.file
    } else {
      list.splice(index, 0, mapping)
    }
    if (joinsBelow) this.track(mapping, -1)
    if (joinsAbove) this.track(mapping, -1)
  }

  private mergeAround(start: number, end: number): void {
    const list = this.map.mappings
    for (let i = Math.max(1, this.indexFrom(start)); i < list.length && list[i]!.start <= end;) {
      const below = list[i - 1]!
      const above = list[i]!
      if (canMerge(below, above)) {
        this.track(above, -1)
        below.end = above.end
        list.splice(i, 1)
      } else {
        i++
      }
    }
  }
}

function canMerge(below: Mapping, above: Mapping): boolean {
  if (below.end !== above.start || below.prot !== above.prot || below.flags !== above.flags) return false
  if (below.untouched !== above.untouched || below.name !== above.name || below.onFork !== above.onFork) return false
  if (below.file === null || above.file === null) return below.file === above.file
  return (
    below.file.inode === above.file.inode &&
    below.file.mayWrite === above.file.mayWrite &&
    below.file.offset + (below.end - below.start) === above.file.offset
  )
}

/** The backing of a mapping that begins `by` bytes later. */
function shifted(file: FileBacking | null, by: number): FileBacking | null {
  return file === null || by === 0 ? file : { ...file, offset: file.offset + by }
}
