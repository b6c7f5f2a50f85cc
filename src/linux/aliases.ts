/**
 * Exists to show one page of a file at several addresses of one address space, which one linear memory cannot: each address has a copy of its own, and only
 * one of them can be stored into at a time. A group of copies is either settled, all equal and none writable, or has an owner, whose copy alone counts and can be
 * accessed. Who touches another one faults, and the kernel moves the contents: programs notice nothing, and no instruction is counted for it.
 */
import { LemmingError } from '../base/errors.ts'
import { PROT, type AddressSpace } from '../engine/address-space.ts'
import { PAGE_SHIFT, PAGE_SIZE } from '../engine/layout.ts'
import type { Mapping } from './state.ts'

const MAP_SHARED = 1

/** Moves of one page without an instruction in between: more mean that an instruction needs it at two addresses at once. */
const MOVES_MAX = 16

interface Group {
  pages: Set<number>
  /** The page whose copy counts, or 0 while all are equal. */
  owner: number
}

/** The pages of an address space that show the same bytes of a file. Derived from its mappings; never saved. */
export class Aliases {
  private readonly space: AddressSpace
  private readonly rights: (page: number) => number
  private readonly groups = new Map<number, Group>()
  private readonly owned = new Set<Group>()
  /** Pages by file and offset, alone or not; files that may be stored into somewhere. */
  private readonly places = new Map<number, Map<number, Set<number>>>()
  private readonly writable = new Set<number>()
  /** An instruction needs a page at several addresses, if only to be fetched from one of them: it has all, and it alone. */
  brief = false
  private moves = 0
  private movedAt = -1

  /** `rights` tells what a page's mapping allows. */
  constructor(space: AddressSpace, rights: (page: number) => number) {
    this.space = space
    this.rights = rights
  }

  get size(): number {
    return this.groups.size
  }

  /** Makes all copies equal, so that whoever looks at any of them sees what the program would. */
  settle(): void {
    for (const group of this.owned) {
      const { owner } = group
      for (const page of group.pages) {
        if (page !== owner) this.copy(owner, page)
        this.allow(page, this.rights(page) & ~PROT.write)
      }
      group.owner = 0
    }
    this.owned.clear()
    this.brief = false
  }

  /** States all mappings anew, after `settle` and a change of them: pages that have become single have their rights back. */
  update(mappings: readonly Mapping[]): void {
    const before = [...this.groups.keys()]
    this.groups.clear()
    this.places.clear()
    this.writable.clear()
    for (const mapping of mappings) if (isShared(mapping)) this.note(mapping)
    for (const inode of this.writable) this.group(inode)
    for (const page of before)
      if (!this.groups.has(page) && this.space.isMapped(page << PAGE_SHIFT)) this.allow(page, this.rights(page))
    for (const page of this.groups.keys()) this.restrict(page)
  }

  /** A mapping has come, after `settle`. False: all must be stated anew, since a file can be stored into for the first time. */
  add(mapping: Mapping): boolean {
    const { inode, mayWrite } = mapping.file!
    if (mayWrite && !this.writable.has(inode)) return false
    const joined = this.note(mapping)
    if (!this.writable.has(inode)) return true
    for (const [page, pages] of joined) {
      if (pages.size < 2) continue
      const [first] = pages
      const group = this.groups.get(first!)
      if (group === undefined) this.begin(pages)
      else this.groups.set(page, group)
      if (group === undefined) this.restrict(first!)
      this.restrict(page)
    }
    return true
  }

  /** A mapping has gone, after `settle`: pages that have become single have their rights back. */
  remove({ start, end, file }: Mapping): void {
    const offsets = this.places.get(file!.inode)
    for (let at = start; at < end; at += PAGE_SIZE) {
      const page = at >>> PAGE_SHIFT
      const offset = file!.offset + at - start
      const pages = offsets?.get(offset)
      this.groups.delete(page)
      if (pages === undefined || !pages.delete(page)) continue
      if (pages.size === 0) offsets!.delete(offset)
      if (pages.size !== 1) continue
      const [last] = pages
      this.groups.delete(last!)
      this.allow(last!, this.rights(last!))
    }
  }

  /** The rights of a range have changed, after `settle`. */
  refresh(start: number, end: number): void {
    const [from, to] = [start >>> PAGE_SHIFT, end >>> PAGE_SHIFT]
    if (to - from > this.groups.size) {
      for (const page of this.groups.keys()) if (page >= from && page < to) this.restrict(page)
    } else for (let page = from; page < to; page++) if (this.groups.has(page)) this.restrict(page)
  }

  /** Takes note of where a mapping shows its file; its pages and the sets that they have joined. */
  private note({ start, end, file }: Mapping): [page: number, pages: Set<number>][] {
    const { inode, offset, mayWrite } = file!
    if (mayWrite) this.writable.add(inode)
    let offsets = this.places.get(inode)
    if (offsets === undefined) this.places.set(inode, (offsets = new Map()))
    const joined: [number, Set<number>][] = []
    for (let at = start; at < end; at += PAGE_SIZE) {
      const key = offset + at - start
      let pages = offsets.get(key)
      if (pages === undefined) offsets.set(key, (pages = new Set()))
      pages.add(at >>> PAGE_SHIFT)
      joined.push([at >>> PAGE_SHIFT, pages])
    }
    return joined
  }

  /** The pages of a file that are shown at several addresses belong together. */
  private group(inode: number): void {
    for (const pages of this.places.get(inode)!.values()) if (pages.size > 1) this.begin(pages)
  }

  private begin(pages: Set<number>): void {
    const group = { pages, owner: 0 }
    for (const page of pages) this.groups.set(page, group)
  }

  private restrict(page: number): void {
    this.allow(page, this.rights(page) & ~PROT.write)
  }

  /**
   * An access to the page at `address`, which its mapping allows, was refused: true when that was because another copy had what it wants, and this one has it
   * now. `moment` tells instructions apart, for those that need a page at two addresses; -1 for the kernel's own accesses.
   */
  acquire(address: number, store: boolean, moment: number): boolean {
    const page = address >>> PAGE_SHIFT
    const group = this.groups.get(page)
    if (group === undefined || group.owner === page) return false
    const rights = this.rights(page)
    if (store ? (rights & PROT.write) === 0 : rights === 0) return false
    if (!store && group.owner === 0) return false
    this.count(address, moment)
    if (!store) {
      const { owner } = group
      for (const other of group.pages) {
        if (other !== owner) this.copy(owner, other)
        this.allow(other, this.rights(other) & ~PROT.write)
      }
      group.owner = 0
      this.owned.delete(group)
      return true
    }
    if (group.owner !== 0) this.copy(group.owner, page)
    // What an instruction stores comes last: until then all copies are still equal, and may be read.
    this.brief ||= this.moves > 2
    for (const other of group.pages)
      this.allow(other, other === page ? rights : this.brief ? this.rights(other) & ~PROT.write : 0)
    group.owner = page
    this.owned.add(group)
    return true
  }

  private count(address: number, moment: number): void {
    if (moment < 0 || moment !== this.movedAt) this.moves = 0
    this.movedAt = moment
    if (++this.moves <= MOVES_MAX) return
    throw new LemmingError(
      'unsupported-mapping',
      `an instruction stores into one page of a file at two addresses at once, one of them 0x${address.toString(16)}`,
      'lemming shows one of the two at a time; map the file once, or copy through a buffer',
    )
  }

  private copy(from: number, to: number): void {
    const start = from << PAGE_SHIFT
    this.space.receive(to << PAGE_SHIFT, this.space.bytes.subarray(start, start + PAGE_SIZE))
  }

  private allow(page: number, prot: number): void {
    this.space.protect(page << PAGE_SHIFT, PAGE_SIZE, prot)
  }
}

/** Whether a mapping shows what is stored into it elsewhere. */
export function isShared({ file, flags }: Mapping): boolean {
  return file !== null && (flags & MAP_SHARED) !== 0
}
