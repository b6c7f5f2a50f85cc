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
  pages: number[]
  /** The page whose copy counts, or 0 while all are equal. */
  owner: number
}

/** The pages of an address space that show the same bytes of a file. Derived from its mappings; never saved. */
export class Aliases {
  private readonly space: AddressSpace
  private readonly rights: (page: number) => number
  private readonly groups = new Map<number, Group>()
  private readonly owned = new Set<Group>()
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

  /** States the mappings anew, after `settle` and a change of them: pages that have become single have their rights back. */
  update(mappings: readonly Mapping[]): void {
    const before = [...this.groups.keys()]
    this.groups.clear()
    for (const group of groupsOf(mappings)) for (const page of group.pages) this.groups.set(page, group)
    for (const page of before)
      if (!this.groups.has(page) && this.space.isMapped(page << PAGE_SHIFT)) this.allow(page, this.rights(page))
    for (const page of this.groups.keys()) this.allow(page, this.rights(page) & ~PROT.write)
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

/** Pages of files that are mapped MAP_SHARED at several addresses and may be stored into at one of them. */
function groupsOf(mappings: readonly Mapping[]): Group[] {
  const byInode = new Map<number, Mapping[]>()
  for (const mapping of mappings) {
    if (mapping.file === null || !(mapping.flags & MAP_SHARED)) continue
    const list = byInode.get(mapping.file.inode)
    if (list === undefined) byInode.set(mapping.file.inode, [mapping])
    else list.push(mapping)
  }
  const groups: Group[] = []
  for (const list of byInode.values()) {
    if (list.length < 2 || !list.some(({ file }) => file!.mayWrite)) continue
    const byOffset = new Map<number, number[]>()
    for (const { start, end, file } of list) {
      for (let at = start; at < end; at += PAGE_SIZE) {
        const offset = file!.offset + at - start
        const pages = byOffset.get(offset)
        if (pages === undefined) byOffset.set(offset, [at >>> PAGE_SHIFT])
        else pages.push(at >>> PAGE_SHIFT)
      }
    }
    for (const pages of byOffset.values()) if (pages.length > 1) groups.push({ pages, owner: 0 })
  }
  return groups
}
