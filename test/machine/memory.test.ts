/** The layout of an address space against a model that knows only single pages: mapping, unmapping, rights, placement, splitting and merging. */
import { beforeEach, describe, expect, test } from 'vitest'
import { nextBelow, nextUnit, randomFrom, type RandomState } from '../../src/base/random.ts'
import { AddressSpace, PROT } from '../../src/engine/address-space.ts'
import { CpuState } from '../../src/engine/cpu-state.ts'
import { PAGE_SIZE } from '../../src/engine/layout.ts'
import { MAP, Memory, type FilePages } from '../../src/linux/mm.ts'
import { Room } from '../../src/linux/room.ts'
import type { SharedMapping } from '../../src/linux/fs/state.ts'
import type { Mapping, MemoryMap } from '../../src/linux/state.ts'

const BASE = 0x100_0000
/** Pages in the area that the tests use. */
const PAGES = 96
const END = BASE + PAGES * PAGE_SIZE

/** One file of ten pages and a bit; page i holds bytes i + 1. */
class OneFile implements FilePages {
  bytes = Uint8Array.from({ length: 10 * PAGE_SIZE + 100 }, (_, i) => 1 + Math.floor(i / PAGE_SIZE))
  held = 0
  shared: SharedMapping[] = []

  size(): number {
    return this.bytes.length
  }

  read(_inode: number, offset: number, length: number): Uint8Array {
    return this.bytes.slice(offset, offset + length)
  }

  write(_inode: number, offset: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, offset)
  }

  hold(_inode: number, by: number): void {
    this.held += by
  }

  share(_inode: number, _space: number, mappings: SharedMapping[]): void {
    for (const { start, length, offset, writable } of this.shared) {
      const size = Math.min(length, this.bytes.length - offset)
      if (writable && size > 0) this.bytes.set(space.bytes.subarray(start, start + size), offset)
    }
    this.shared = mappings
  }

  flush(): void {}

  isBlank(): boolean {
    return false
  }
}

let file: OneFile
let memory: Memory

/** One space for all tests: an empty one is 1.75 GiB of address space. */
const space = new AddressSpace()

beforeEach(() => {
  space.unmap(BASE, END - BASE)
  file = new OneFile()
  const map: MemoryMap = {
    id: 1,
    users: 1,
    mappings: [],
    total: 0,
    brkStart: 0,
    brk: 0,
    mmapTop: END,
    mmapBottom: BASE,
    stackTop: 0,
    codeStart: 0,
    codeEnd: 0,
  }
  memory = new Memory(map, space, new CpuState(), file)
})

function anonymous(start: number, pages: number, prot: number, flags: number = MAP.private): Mapping {
  return {
    start,
    end: start + pages * PAGE_SIZE,
    prot,
    flags,
    file: null,
    name: '',
    untouched: prot === 0,
    onFork: 'copy',
  }
}

function ofFile(start: number, pages: number, prot: number, filePage: number, flags: number = MAP.private): Mapping {
  return {
    ...anonymous(start, pages, prot, flags),
    untouched: false,
    file: { path: '/f', inode: 7, offset: filePage * PAGE_SIZE, mayWrite: true },
  }
}

/** What the model knows of a page: its rights and the byte it is filled with; null when it is not mapped. */
type Page = { prot: number; byte: number; shared: boolean } | null

function checkInvariants(model: Page[]): void {
  const { mappings, total } = memory.map
  let covered = 0
  let before: Mapping | undefined
  for (const mapping of mappings) {
    expect(mapping.start).toBeLessThan(mapping.end)
    if (before !== undefined) expect(before.end).toBeLessThanOrEqual(mapping.start)
    covered += mapping.end - mapping.start
    before = mapping
  }
  expect(total).toBe(covered)
  expect(covered / PAGE_SIZE).toBe(model.filter((page) => page !== null).length)
  expect(file.held).toBe(mappings.filter((mapping) => mapping.file !== null).length)
  model.forEach((page, i) => {
    const address = BASE + i * PAGE_SIZE
    expect(memory.at(address)?.prot ?? -1).toBe(page?.prot ?? -1)
    if (page === null) expect(space.isMapped(address)).toBe(false)
    else if (page.prot & PROT.read) {
      expect(space.read(address, PAGE_SIZE)?.[17]).toBe(page.byte)
      expect(space.write(address, new Uint8Array(0))).toBe(true)
      expect(space.protOf(address) & PROT.write).toBe(page.prot & PROT.write)
    }
  })
}

describe('against the model of pages', () => {
  test.each([1, 2, 3, 4, 5, 6])('random operations, seed %i', (seed) => {
    const random = randomFrom(seed, 'memory')
    const model: Page[] = Array.from({ length: PAGES }, () => null)
    for (let step = 0; step < 300; step++) {
      const first = nextBelow(random, PAGES)
      const count = 1 + nextBelow(random, Math.min(12, PAGES - first))
      operate(random, model, first, count)
      if (step % 10 === 0 || step > 290) checkInvariants(model)
    }
    memory.release()
    expect(memory.map.mappings).toEqual([])
    expect(file.held).toBe(0)
    expect(memory.place(PAGES * PAGE_SIZE, 0)).toBe(BASE)
  })
})

/** One operation on the memory and on the model. */
function operate(random: RandomState, model: Page[], first: number, count: number): void {
  const start = BASE + first * PAGE_SIZE
  const end = start + count * PAGE_SIZE
  const prot = [0, PROT.read, PROT.read | PROT.write][nextBelow(random, 3)]!
  const each = (change: (page: Page, i: number) => Page): void => {
    for (let i = first; i < first + count; i++) model[i] = change(model[i]!, i)
  }
  switch (nextBelow(random, 7)) {
    case 0:
      memory.add(anonymous(start, count, prot))
      return each(() => ({ prot, byte: 0, shared: false }))
    case 1: {
      const page = nextBelow(random, 11 - Math.min(10, count))
      if (page + count > 10) return
      memory.add(ofFile(start, count, prot, page))
      return each((_, i) => ({ prot, byte: page + i - first + 1, shared: false }))
    }
    case 2:
      memory.remove(start, end)
      return each(() => null)
    case 3:
      memory.protect(start, end, prot)
      return each((page) => page && { ...page, prot })
    case 4: {
      const byte = nextBelow(random, 256)
      return each((page, i) => {
        if (page === null || !(page.prot & PROT.write)) return page
        space.write(BASE + i * PAGE_SIZE, new Uint8Array(PAGE_SIZE).fill(byte))
        return { ...page, byte }
      })
    }
    case 5: {
      // Placed by the allocator: the highest free run that is long enough.
      const at = memory.place(count * PAGE_SIZE, 0)
      expect(at).toBe(highestFree(model, count))
      if (at < 0) return
      memory.add(anonymous(at, count, PROT.read))
      model.fill({ prot: PROT.read, byte: 0, shared: false }, (at - BASE) / PAGE_SIZE, (at - BASE) / PAGE_SIZE + count)
      return
    }
    default: {
      // Moves part of one mapping to free room.
      const mapping = memory.at(start)
      const length = mapping === undefined ? 0 : Math.min(end, mapping.end) - start
      if (mapping === undefined || mapping.file !== null) return
      const to = highestFree(model, length / PAGE_SIZE + 1)
      if (to < 0) return
      memory.move(start, length, to, length + PAGE_SIZE, false)
      const moved = model.slice(first, first + length / PAGE_SIZE)
      model.fill(null, first, first + moved.length)
      ;[...moved, { prot: mapping.prot, byte: 0, shared: false }].forEach(
        (page, i) => (model[(to - BASE) / PAGE_SIZE + i] = page),
      )
    }
  }
}

function highestFree(model: Page[], count: number): number {
  for (let i = PAGES - count; i >= 0; i--)
    if (model.slice(i, i + count).every((page) => page === null)) return BASE + i * PAGE_SIZE
  return -1
}

describe('files', () => {
  test('pages behind the end cannot be touched until the file grows', () => {
    const mapping = ofFile(BASE, 4, PROT.read | PROT.write, 9)
    memory.add(mapping)
    expect(space.read(BASE + PAGE_SIZE, 100)?.[0]).toBe(11)
    expect(space.read(BASE + PAGE_SIZE, PAGE_SIZE)?.[100]).toBe(0)
    expect(space.read(BASE + 2 * PAGE_SIZE, 1)).toBeNull()
    expect(memory.loadGrown(memory.at(BASE)!, BASE + 2 * PAGE_SIZE + 5)).toBe(false)
    memory.protect(BASE, BASE + 4 * PAGE_SIZE, PROT.read)
    expect(space.read(BASE + 2 * PAGE_SIZE, 1)).toBeNull()
    file.bytes = new Uint8Array(12 * PAGE_SIZE).fill(99)
    expect(memory.loadGrown(memory.at(BASE)!, BASE + 2 * PAGE_SIZE + 5)).toBe(true)
    expect(space.read(BASE + 2 * PAGE_SIZE, 1)?.[0]).toBe(99)
    expect(space.read(BASE + 3 * PAGE_SIZE, 1)).toBeNull()
  })

  test('stores into a shared mapping reach the file when it goes, those into a private one never', () => {
    memory.add(ofFile(BASE, 2, PROT.read | PROT.write, 0, MAP.shared))
    memory.add(ofFile(BASE + 4 * PAGE_SIZE, 2, PROT.read | PROT.write, 4))
    expect(file.shared).toEqual([{ spaceId: 1, start: BASE, length: 2 * PAGE_SIZE, offset: 0, writable: true }])
    space.write(BASE + 5, Uint8Array.of(77))
    space.write(BASE + 4 * PAGE_SIZE + 5, Uint8Array.of(78))
    memory.remove(BASE, BASE + PAGE_SIZE)
    expect(file.bytes[5]).toBe(77)
    expect(file.shared).toEqual([
      { spaceId: 1, start: BASE + PAGE_SIZE, length: PAGE_SIZE, offset: PAGE_SIZE, writable: true },
    ])
    memory.release()
    expect(file.shared).toEqual([])
    expect(file.bytes[4 * PAGE_SIZE + 5]).toBe(5)
  })

  test('a page that is seen at two addresses can be stored into at one of them at a time', () => {
    // The second page of the file, at two addresses; its neighbours are at one each.
    const one = BASE + PAGE_SIZE
    const other = BASE + 4 * PAGE_SIZE
    memory.add(ofFile(BASE, 2, PROT.read | PROT.write, 0, MAP.shared))
    memory.add(ofFile(other, 2, PROT.read | PROT.write, 1, MAP.shared))
    const rights = (): number[] => [BASE, one, other, other + PAGE_SIZE].map((at) => memory.space.protOf(at))
    expect(rights()).toEqual([3, 1, 1, 3])
    expect(memory.acquire(one, true, 1)).toBe(true)
    expect(rights()).toEqual([3, 3, 0, 3])
    memory.space.view.setUint32(one, 0x1234, true)
    expect(memory.space.readU32(other)).toBe(0x1234)
    expect(rights()).toEqual([3, 1, 1, 3])
    expect(memory.acquire(BASE, true, 1)).toBe(false)
    memory.remove(other, other + PAGE_SIZE)
    expect(memory.space.protOf(one)).toBe(3)
  })
})

describe('stack-like mappings', () => {
  test('grow to the limit and keep their distance', () => {
    const top = BASE + 0x200_0000
    memory.add(anonymous(top - PAGE_SIZE, 1, PROT.read | PROT.write, MAP.private | MAP.growsDown))
    expect(memory.growDown(top - 5 * PAGE_SIZE - 8, 0x10_0000)).toBe(true)
    expect(memory.map.mappings).toHaveLength(1)
    expect(memory.at(top - 6 * PAGE_SIZE)?.end).toBe(top)
    expect(memory.growDown(top - 0x10_0000 - 1, 0x10_0000)).toBe(false)
    memory.add(anonymous(top - 0x20_0000, 1, PROT.read))
    expect(memory.growDown(top - 0x11_0000, 0x80_0000)).toBe(false)
    memory.protect(top - 0x20_0000, top - 0x20_0000 + PAGE_SIZE, 0)
    expect(memory.growDown(top - 0x11_0000, 0x80_0000)).toBe(true)
    memory.release()
  })
})

test('room: the highest free run, against a search page by page', () => {
  const random = randomFrom(9, 'room')
  const pages = 3000
  const room = new Room(4096 * PAGE_SIZE)
  const free = new Uint8Array(4096)
  for (let step = 0; step < 2000; step++) {
    const start = nextBelow(random, pages)
    const count = Math.min(pages - start, Math.floor(1 + nextUnit(random) ** 4 * 800))
    const value = nextBelow(random, 2)
    room.set(start * PAGE_SIZE, (start + count) * PAGE_SIZE, value === 1)
    free.fill(value, start, start + count)
    const wanted = 1 + nextBelow(random, step % 3 === 0 ? 300 : 40)
    let run = 0
    let expected = -1
    for (let page = pages; page >= 0 && expected < 0; page--) {
      run = free[page] === 1 ? run + 1 : 0
      if (run === wanted) expected = page * PAGE_SIZE
    }
    expect(room.highest(wanted * PAGE_SIZE)).toBe(expected)
  }
})
