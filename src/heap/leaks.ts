/**
 * Exists to find out which blocks a process can still reach when it ends: everything that it can write is searched for addresses of blocks, from registers and
 * memory outside of the heap on. A block that only a pointer into its middle leads to is possibly lost, unless the pointer is one that C++ makes.
 */
import { ATTRIBUTE, PAGE_SHIFT, PAGE_SIZE, SHADOW_DISPLACEMENT } from '../engine/layout.ts'
import { PROT } from '../engine/address-space.ts'
import { CpuState } from '../engine/cpu-state.ts'
import { REG, registers } from '../ir/registers.ts'
import type { Kernel } from '../linux/kernel.ts'
import type { Mapping, Task } from '../linux/state.ts'
import type { LeakedBlock, LeakState } from '../tool/observer.ts'
import type { Allocator } from './allocator.ts'
import { functionAt } from './functions.ts'
import { blockOf } from './blocks.ts'
import { BLOCK } from './state.ts'

/** Below the stack pointer a function without calls may keep this many bytes (System V ABI, 3.2.2). */
const RED_ZONE = 128

/** From a word's index to that of its V bits. */
const SHADOW_WORDS = SHADOW_DISPLACEMENT >>> 2

const REACH = { none: 0, possible: 1, reachable: 2 } as const

/** All live blocks of the task's process, in the order of their making, and how each can be reached. */
export function findLeaks(k: Kernel, t: Task, heap: Allocator): LeakedBlock[] {
  return new Search(k, t, heap).result()
}

class Search {
  private readonly k: Kernel
  private readonly t: Task
  private readonly heap: Allocator
  private readonly words: Int32Array
  /** By row: REACH of the roots. */
  private readonly reach: Uint8Array
  private readonly pending: number[] = []
  /** By row: row + 1 of the lost block on which a lost one hangs; itself for one that leads. */
  private readonly leader: Int32Array

  constructor(k: Kernel, t: Task, heap: Allocator) {
    this.k = k
    this.t = t
    this.heap = heap
    this.words = new Int32Array(k.space(t).memory.buffer)
    const { rows } = heap.state.blocks
    this.reach = new Uint8Array(rows)
    this.leader = new Int32Array(rows)
  }

  result(): LeakedBlock[] {
    const { blocks } = this.heap.state
    this.roots()
    this.follow()
    const live: number[] = []
    const around = this.around()
    for (let row = 0; row < blocks.rows; row++) if (blocks.state[row] === BLOCK.live && !around.has(row)) live.push(row)
    live.sort((a, b) => blocks.madeAt[a]! - blocks.madeAt[b]! || a - b)
    const lost = live.filter((row) => this.reach[row] === REACH.none)
    for (const row of lost) if (this.leader[row] === 0) this.lead(row)
    const index = new Map(live.map((row, i) => [row, i]))
    const found = live.map((row): LeakedBlock => {
      const lead = this.reach[row] === REACH.none ? this.head(row) : -1
      const state: LeakState =
        this.reach[row] === REACH.reachable
          ? 'reachable'
          : this.reach[row] === REACH.possible
            ? 'possible'
            : lead === row
              ? 'definite'
              : 'indirect'
      return {
        block: blockOf(this.heap, row),
        state,
        indirectBytes: 0,
        indirectBlocks: 0,
        leader: state === 'indirect' ? index.get(lead)! : -1,
        site: blocks.site[row]!,
      }
    })
    for (const { leader, block } of found) {
      if (leader < 0) continue
      found[leader]!.indirectBytes += block.size
      found[leader]!.indirectBlocks++
    }
    return found
  }

  /** Blocks in which a program's own allocator has made live ones: they are its memory, and no blocks of the program's. */
  private around(): Set<number> {
    const { heap } = this
    const { blocks, observed } = heap.state
    const found = new Set<number>()
    for (const row of observed.rows) {
      if (blocks.state[row] !== BLOCK.live) continue
      const outer = heap.rowAt(blocks.address[row]!)
      if (outer >= 0 && blocks.size[outer]! > blocks.size[row]!) found.add(outer)
    }
    return found
  }

  // From the roots.

  private roots(): void {
    const { k, t } = this
    const { checked } = k.space(t)
    const stacks: number[] = []
    for (const tid of k.process(t).tids) {
      const cpu = new CpuState(k.registers(k.state.tasks.get(tid)!))
      for (let i = 0; i < 16; i++) {
        const high = cpu.view.getUint32(i * 8 + 4, true)
        const isDefined = !checked || cpu.view.getBigUint64(registers[REG.gprUndefined + i]!.offset, true) === 0n
        if (high === 0 && isDefined) this.visit(cpu.view.getUint32(i * 8, true))
      }
      stacks.push(cpu.gprNumber(REG.rsp))
    }
    for (const mapping of k.memory(t).map.mappings) {
      // Read-only memory may have been writable until relocations were done; code never holds addresses of blocks.
      if (!(mapping.prot & PROT.read) || mapping.prot === (PROT.read | PROT.exec) || mapping.untouched) continue
      this.scanMapping(mapping, stacks)
    }
  }

  /** Words of a mapping outside of the heap; what lies below the stack pointer of a thread whose stack it is has been given up. */
  private scanMapping(mapping: Mapping, stacks: readonly number[]): void {
    const sp = stacks.filter((one) => one >= mapping.start && one < mapping.end)
    const isStack = mapping.name === '[stack]' && sp.length > 0
    const start = isStack ? Math.max(mapping.start, Math.min(...sp) - RED_ZONE) : mapping.start
    for (let at = start; at < mapping.end;) {
      const end = Math.min(mapping.end, at - (at % PAGE_SIZE) + PAGE_SIZE)
      const readable = (this.k.space(this.t).attributes[at >>> PAGE_SHIFT]! & ATTRIBUTE.unmapped) === 0
      if (readable && !this.heap.isHeap(at)) this.scan(at, end, -1, (address) => this.visit(address))
      at = end
    }
  }

  /**
   * Visits words that may be addresses; those within blocks of custom allocators only if they are block `row`'s. Where it is known what is defined, a word that is
   * not is none: it was left behind by a function that has returned, or in a block before it was handed out anew.
   */
  private scan(from: number, to: number, row: number, visit: (address: number) => void): void {
    const { words, heap } = this
    const { observes } = heap
    const { checked } = heap.space
    for (let i = ((from + 7) >>> 3) << 1; i + 1 < to >>> 2; i += 2) {
      const low = words[i]!
      if (low === 0 || words[i + 1] !== 0) continue
      if (checked && (words[i + SHADOW_WORDS] !== 0 || words[i + 1 + SHADOW_WORDS] !== 0)) continue
      if (observes && heap.observed.at(i * 4) !== (heap.isObserved(row) ? row : -1)) continue
      visit(low >>> 0)
    }
  }

  /** A word that may be an address. */
  private visit(address: number): void {
    const row = this.pointed(address)
    if (row < 0) return
    this.raise(row, this.isExact(row, address) ? REACH.reachable : REACH.possible)
  }

  private raise(row: number, reach: number): void {
    if (this.reach[row]! >= reach) return
    this.reach[row] = reach
    this.pending.push(row)
  }

  /** Everything that a reachable block holds is reachable, and what a possibly lost one holds is possibly lost. */
  private follow(): void {
    while (this.pending.length > 0) {
      const row = this.pending.pop()!
      const from = this.reach[row]!
      this.scanBlock(row, (address) => {
        const next = this.pointed(address)
        if (next >= 0) this.raise(next, this.isExact(next, address) ? from : REACH.possible)
      })
    }
  }

  private scanBlock(row: number, visit: (address: number) => void): void {
    const { blocks } = this.heap.state
    const address = blocks.address[row]!
    this.scan(address, address + (blocks.size[row]! & ~7), row, visit)
  }

  /** The live block that an address points to or into; -1 for none. */
  private pointed(address: number): number {
    const { blocks } = this.heap.state
    let row = this.heap.ownerAt(address)
    // What an allocator of the program's own has taken back is a part of its memory again.
    if (this.heap.isObserved(row) && blocks.state[row] !== BLOCK.live) row = this.heap.rowAt(address)
    if (row < 0 || blocks.state[row] !== BLOCK.live) return -1
    const start = blocks.address[row]!
    const size = blocks.size[row]!
    return address >= start && (address < start + size || address === start) ? row : -1
  }

  // Lost blocks.

  /** A lost block and all lost ones that hang on it: the first of a cycle leads. */
  private lead(first: number): void {
    const work = [first]
    this.leader[first] = first + 1
    while (work.length > 0) {
      const row = work.pop()!
      this.scanBlock(row, (address) => {
        const next = this.pointed(address)
        if (next < 0 || next === first || this.reach[next] !== REACH.none) return
        const before = this.leader[next]
        // What led before now hangs on this one, with all that hangs on it.
        if (before !== 0 && before !== next + 1) return
        this.leader[next] = first + 1
        if (before === 0) work.push(next)
      })
    }
  }

  /** The block that leads all that a lost one hangs on. */
  private head(row: number): number {
    const { leader } = this
    let head = row
    while (leader[head] !== head + 1) head = leader[head]! - 1
    for (let at = row; at !== head;) {
      const next = leader[at]! - 1
      leader[at] = head + 1
      at = next
    }
    return head
  }

  // Pointers into the middle that C++ makes.

  private isExact(row: number, address: number): boolean {
    const { blocks } = this.heap.state
    const start = blocks.address[row]!
    if (address === start) return true
    const size = blocks.size[row]!
    const offset = address - start
    return (
      this.isString(start, size, offset) ||
      this.isArray(row, start, size, offset) ||
      this.isLength64(start, size, offset) ||
      this.isThreadVector(start, size, offset) ||
      this.isObjectSegment(start, size, offset) ||
      this.isTreeNode(size, offset) ||
      this.isInheritance(start, address)
    )
  }

  private word(address: number): number {
    const at = address >>> 2
    return this.words[at + 1] === 0 ? this.words[at]! >>> 0 : -1
  }

  /** std::string of before C++11: capacity, length and count of references lie before the characters. */
  private isString(start: number, size: number, offset: number): boolean {
    if (offset !== 24) return false
    const length = this.word(start)
    const capacity = this.word(start + 8)
    return length >= 0 && capacity >= length && size - 24 - 1 === capacity
  }

  /** new[] of objects with destructors: the number of elements lies before them. */
  private isArray(row: number, start: number, size: number, offset: number): boolean {
    const { family } = functionAt(this.heap.state, this.heap.state.blocks.madeBy[row]!)
    if (offset !== 8 || family !== 'new[]') return false
    const count = this.word(start)
    return count > 0 && (size - 8) % count === 0
  }

  /** A library that keeps the length of a block in its first eight bytes, as sqlite does. */
  private isLength64(start: number, size: number, offset: number): boolean {
    return offset === 8 && this.word(start) === size - 8
  }

  /**
   * The vector of thread-locals of a thread in glibc, which keeps its length in the entry before the first (Drepper, "ELF Handling For Thread-Local Storage").
   * glibc leaves room for 14 entries more than there are.
   */
  private isThreadVector(start: number, size: number, offset: number): boolean {
    return offset === 16 && size >= 16 * 16 && size % 16 === 0 && this.word(start) === size / 16 - 2
  }

  /** A segment of the dynamic linker's table of objects, aligned to 128 bytes, which remembers in its second word what is to be freed (glibc, elf/dl-find_object.c). */
  private isObjectSegment(start: number, size: number, offset: number): boolean {
    return (
      (start + offset) % 128 === 0 && offset < 128 && offset + 16 <= size && this.word(start + offset + 8) === start
    )
  }

  /** A node of glibc's tsearch(3), which has its colour in the lowest bit of what points to it: three words, as setenv(3) uses them, too. */
  private isTreeNode(size: number, offset: number): boolean {
    return offset === 1 && size === 24
  }

  /** A pointer to a base class that is not the first: there, as at the start, lies the address of a table of functions. */
  private isInheritance(start: number, address: number): boolean {
    if (address % 8 !== 0 || start % 8 !== 0) return false
    return this.isTable(this.word(start)) && this.isTable(this.word(address))
  }

  private isTable(address: number): boolean {
    if (address <= 0 || address % 8 !== 0) return false
    const memory = this.k.memory(this.t)
    const mapping = memory.at(address)
    if (mapping === undefined || mapping.file === null || !(mapping.prot & PROT.read)) return false
    let functions = 0
    for (let i = 0; i < 5; i++) {
      const at = address + i * 8
      if (at + 8 > mapping.end) return functions >= 2
      const target = this.word(at)
      if (target > 0 && ((memory.at(target)?.prot ?? 0) & PROT.exec) !== 0) functions++
    }
    return functions >= 2
  }
}
