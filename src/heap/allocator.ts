/** Exists as the allocator behind the guarded heap: which slot a block gets, what surrounds it, and when a freed one may be used again. */
import { nextBelow } from '../base/random.ts'
import { GUEST_LIMIT, PAGE_SIZE } from '../engine/layout.ts'
import { setAddressable, setGuarded } from '../engine/addressable.ts'
import { fillBytes } from '../engine/bytes.ts'
import { definednessOf, putDefinedness, setUndefined } from '../engine/definedness.ts'
import { isPlain, painterOf, type Painter } from '../engine/paint.ts'
import { PROT, type AddressSpace } from '../engine/address-space.ts'
import type { Kernel } from '../linux/kernel.ts'
import { MAP, type Memory } from '../linux/mm.ts'
import type { Task } from '../linux/state.ts'
import { CLIENT } from './functions.ts'
import { Observed } from './observed.ts'
import { say } from './ranges.ts'
import {
  BLOCK,
  FRESH,
  MOST_GAP,
  newRow,
  PATTERN,
  REDZONE,
  REUSE,
  SPAN,
  SPAN_SHIFT,
  type HeapState,
  type Span,
} from './state.ts'

/** Capacities of the classes of sizes, redzone not included: sixteens to 512, then eight steps per doubling. */
const CAPACITIES: readonly number[] = capacities()

export const CLASSES = CAPACITIES.length

/** Of a redzone at most this many bytes are filled and looked at. */
const LOOK = 64

function capacities(): number[] {
  const list: number[] = []
  for (let size = 16; size <= 512; size += 16) list.push(size)
  for (let step = 64; step <= 2048; step *= 2) for (let i = 1; i <= 8; i++) list.push(step * 8 + i * step)
  return list
}

function classOf(bytes: number): number {
  if (bytes <= 512) return Math.max(0, ((bytes + 15) >> 4) - 1)
  let low = 32
  let high = CLASSES
  while (low < high) {
    const middle = (low + high) >> 1
    if (CAPACITIES[middle]! < bytes) low = middle + 1
    else high = middle
  }
  return low
}

/** Where bytes of a redzone were overwritten. */
export interface Damage {
  /** Row of the block that is next to them. */
  row: number
  /** First overwritten byte. */
  address: number
  /** Overwritten bytes from there on that belong together. */
  length: number
}

const NO_DAMAGES: readonly Damage[] = []

/** A guarded heap in its address space. */
export class Allocator {
  readonly state: HeapState
  private readonly memory: Memory
  private readonly painter: Painter
  /** HeapState.chunks as an array, for it is asked several times in each call: indices + 1. */
  private readonly spanIndex = new Int32Array(2 ** 32 / SPAN)
  /** Whether accesses are looked at, so that it must be known which bytes belong to blocks. */
  private watched = false

  /** Blocks of custom allocators. */
  readonly observed: Observed
  /** No guest address is as large. */
  readonly limit = GUEST_LIMIT

  constructor(state: HeapState, memory: Memory) {
    this.state = state
    this.memory = memory
    this.painter = painterOf(memory.space, PATTERN)
    for (const [chunk, index] of state.chunks) this.spanIndex[chunk] = index + 1
    this.observed = new Observed(this)
  }

  /** Is it that of `memory` as it is now? */
  isOf(memory: Memory): boolean {
    return this.memory === memory && this.state === memory.map.heap
  }

  get space(): AddressSpace {
    return this.memory.space
  }

  get isWatched(): boolean {
    return this.watched
  }

  /** Are there blocks of custom allocators? */
  get observes(): boolean {
    return this.state.observed.rows.length > 0
  }

  isObserved(row: number): boolean {
    return row >= 0 && this.state.blocks.madeBy[row]! >= CLIENT.mallocLike
  }

  /** From now on memory outside of live blocks is not addressable. */
  watch(): void {
    if (this.watched) return
    this.watched = true
    const { spans, blocks } = this.state
    const { space } = this.memory
    const live: number[] = []
    for (let row = 0; row < blocks.rows; row++)
      if (blocks.state[row] === BLOCK.live && !this.isObserved(row)) live.push(row)
    const bits = live.map((row) => definednessOf(space, blocks.address[row]!, blocks.size[row]!))
    const opened = this.state.requests.ranges
      .filter(({ open }) => open)
      .map(({ start, end }) => ({ start, bits: definednessOf(space, start, end - start) }))
    for (const span of spans) if (span !== null) this.watchSpan(span.base, span.length)
    live.forEach((row, i) => {
      this.mark(row, true)
      putDefinedness(space, blocks.address[row]!, bits[i]!)
    })
    for (const { start, end, open } of this.state.requests.ranges) this.setAccess(start, end - start, open)
    for (const { start, bits } of opened) putDefinedness(space, start, bits)
  }

  /** The program says that a range may be accessed from now on, or must not be. */
  say(start: number, length: number, open: boolean): void {
    say(this.state.requests.ranges, start, start + length, open)
    this.setAccess(start, length, open)
  }

  /** What was said of a range is over: it is another block's, or another mapping's. */
  forgetSaid(start: number, length: number): void {
    const { ranges } = this.state.requests
    if (ranges.length > 0) say(ranges, start, start + length, null)
  }

  /** What was said of a range is over, and it may be accessed: it is used for something else. */
  open(start: number, end: number): void {
    this.forgetSaid(start, end - start)
    this.observed.forgetFreed(start, end)
    this.setAccess(start, end - start, true)
  }

  private setAccess(start: number, length: number, open: boolean): void {
    if (!this.watched || length === 0) return
    const { space } = this.memory
    this.observed.watchPages(start, length)
    if (space.checked) setGuarded(space, start, length, !open)
    else setAddressable(space, start, length, open)
  }

  private watchSpan(base: number, length: number): void {
    const { space } = this.memory
    if (space.checked) space.guard(base, length)
    else space.watch(base, length)
    this.observed.watch()
  }

  private mark(row: number, addressable: boolean): void {
    if (!this.watched) return
    const { address, size } = this.state.blocks
    const { space } = this.memory
    if (space.checked && !addressable) this.painter.guard(address[row]!, address[row]! + size[row]!)
    else if (space.checked) setGuarded(space, address[row]!, size[row]!, false)
    else setAddressable(space, address[row]!, size[row]!, addressable)
  }

  /** The row of the block, live or freed, at or nearest to an address of the heap; -1 for none. */
  nearest(address: number): number {
    const { blocks } = this.state
    if (this.observes) {
      const row = this.observed.near(address)
      if (row >= 0) return row
    }
    const span = this.spanAt(address)
    if (span === null) return -1
    const slot = span.base + Math.floor((address - span.base) / span.slot) * span.slot
    let best = -1
    let least = Infinity
    for (const at of [address, slot - 1, slot + span.slot]) {
      const row = this.rowAt(at)
      if (row < 0) continue
      const start = blocks.address[row]!
      const distance = address < start ? start - address : Math.max(0, address - start - blocks.size[row]! + 1)
      if (distance < least) {
        least = distance
        best = row
      }
    }
    return best
  }

  /** As `nearest`, and for what is no heap any more or lies behind its memory: the block that was there, or that ends shortly before. */
  around(address: number): number {
    const near = this.nearest(address)
    if (near >= 0 || this.isHeap(address)) return near
    const { blocks } = this.state
    // A spare row keeps what it said until it is used again.
    const gone = blocks.spare.findLast((row) => {
      const start = blocks.address[row]!
      return address >= start && address < start + blocks.size[row]!
    })
    return gone ?? this.nearest(Math.max(0, address - (address % PAGE_SIZE) - 1))
  }

  /** Row of the block that is in the slot at `address`, whatever part of the slot that is; -1 for none, and outside of the heap. */
  rowAt(address: number): number {
    const span = this.spanAt(address)
    if (span === null) return -1
    const slot = Math.floor((address - span.base) / span.slot)
    return slot < span.rows.length ? span.rows[slot]! - 1 : -1
  }

  /** As `rowAt`, with the blocks of custom allocators, which may lie within others. */
  ownerAt(address: number): number {
    const row = this.observes ? this.observed.at(address) : -1
    return row >= 0 ? row : this.rowAt(address)
  }

  isHeap(address: number): boolean {
    return this.spanAt(address) !== null
  }

  private spanAt(address: number): Span | null {
    const index = this.spanIndex[address >>> SPAN_SHIFT]!
    return index === 0 ? null : this.state.spans[index - 1]!
  }

  /** A block of `size` bytes at a multiple of `align` (a power of two, at least 16): its row, or -1 when there is no room. */
  allocate(size: number, align: number): number {
    const room = size + (align > 16 ? align : 0)
    const slot = room <= CAPACITIES.at(-1)! ? this.smallSlot(classOf(room)) : this.largeSlot(room)
    if (slot < 0) return -1
    const span = this.spanAt(slot)!
    const address = Math.ceil((slot + REDZONE) / align) * align
    const row = newRow(this.state.blocks)
    const { blocks } = this.state
    blocks.address[row] = address
    blocks.size[row] = size
    blocks.state[row] = BLOCK.live
    span.rows[(slot - span.base) / span.slot] = row + 1
    this.forgetSaid(slot, span.slot)
    this.surround(row, slot, Math.min(slot + span.slot + REDZONE, address + size + LOOK))
    return row
  }

  /** A block is undefined and may be accessed, between redzones that begin at `slot` and end at `limit`. */
  private surround(row: number, slot: number, limit: number): void {
    const { space } = this.memory
    const address = this.state.blocks.address[row]!
    const end = address + this.state.blocks.size[row]!
    if (space.checked === this.watched && isPlain(space, slot, address) && isPlain(space, end, limit)) {
      this.painter.claim(slot, address, end, limit, space.checked ? 1 : 0)
      return
    }
    this.mark(row, true)
    setUndefined(space, address, end - address)
    this.fill(slot, address)
    this.fill(end, limit)
  }

  private fill(from: number, to: number): void {
    if (to <= from) return
    const { space } = this.memory
    space.willWrite(from, to - from)
    fillBytes(space.bytes, PATTERN, from, to)
    // What belongs to nobody is undefined, so that accesses ask (engine/addressable.ts).
    if (this.watched) setUndefined(space, from, to - from)
  }

  private smallSlot(sizeClass: number): number {
    const { free, current, spans, reuse, random } = this.state
    const list = free[sizeClass]!
    if (list.length > 0) {
      if (reuse === REUSE.newest) return list.pop()!
      const at = reuse === REUSE.oldest ? 0 : nextBelow(random, list.length)
      const slot = list[at]!
      if (reuse === REUSE.oldest) list.shift()
      else {
        const last = list.pop()!
        if (at < list.length) list[at] = last
      }
      return slot
    }
    let span = current[sizeClass]! < 0 ? null : spans[current[sizeClass]!]!
    if (span === null || span.fresh === span.rows.length) {
      const index = this.addSpan(SPAN, CAPACITIES[sizeClass]! + REDZONE, sizeClass)
      if (index < 0) return -1
      current[sizeClass] = index
      span = spans[index]!
    }
    const next = span.fresh++
    return span.base + (this.state.fresh === FRESH.upwards ? next : span.rows.length - 1 - next) * span.slot
  }

  private largeSlot(room: number): number {
    const length = Math.ceil((room + 2 * REDZONE) / SPAN) * SPAN
    const index = this.addSpan(length, length - REDZONE, -1)
    return index < 0 ? -1 : this.state.spans[index]!.base
  }

  private addSpan(length: number, slot: number, sizeClass: number): number {
    const apart = nextBelow(this.state.random, MOST_GAP) * PAGE_SIZE
    const start = this.memory.place(length + SPAN - PAGE_SIZE + apart, 0)
    if (start < 0) return -1
    const base = Math.ceil(start / SPAN) * SPAN
    this.memory.add({
      start: base,
      end: base + length,
      prot: PROT.read | PROT.write,
      flags: MAP.private,
      file: null,
      name: '',
      untouched: false,
      onFork: 'copy',
    })
    if (this.watched) this.watchSpan(base, length)
    const { spans, chunks } = this.state
    const gap = spans.indexOf(null)
    const index = gap < 0 ? spans.length : gap
    // At its end some bytes stay zero: where a string has no end, it ends there.
    const rows = new Uint32Array(Math.floor((length - (sizeClass < 0 ? REDZONE : 2 * REDZONE)) / slot))
    spans[index] = { base, length, slot, rows, fresh: sizeClass < 0 ? 1 : 0, sizeClass }
    for (let at = base; at < base + length; at += SPAN) {
      chunks.set(at >>> SPAN_SHIFT, index)
      this.spanIndex[at >>> SPAN_SHIFT] = index + 1
    }
    // The redzone behind the last slot.
    if (sizeClass >= 0) this.fill(base + rows.length * slot, base + rows.length * slot + REDZONE)
    return index
  }

  /** A live block is freed by the function of that index, in whatever way. */
  freed(k: Kernel, t: Task, row: number, index: number): void {
    const { blocks } = this.state
    blocks.freedBy[row] = index
    blocks.freedAt[row] = k.state.count
    blocks.freedTid[row] = t.tid
    this.release(row)
  }

  /** Puts a live block into quarantine; blocks that have been there for longest leave it for good. */
  release(row: number): void {
    const { blocks, quarantine } = this.state
    blocks.state[row] = BLOCK.freed
    this.forgetSaid(blocks.address[row]!, blocks.size[row]!)
    this.mark(row, false)
    quarantine.rows.push(row)
    quarantine.bytes += blocks.size[row]! + REDZONE
    while (quarantine.bytes > quarantine.limit && quarantine.head < quarantine.rows.length) {
      const oldest = quarantine.rows[quarantine.head++]!
      quarantine.bytes -= blocks.size[oldest]! + REDZONE
      this.forget(oldest)
    }
    if (quarantine.head > 1024 && quarantine.head * 2 > quarantine.rows.length) {
      quarantine.rows.splice(0, quarantine.head)
      quarantine.head = 0
    }
  }

  private forget(row: number): void {
    const { blocks, free, spans, chunks } = this.state
    const address = blocks.address[row]!
    const span = this.spanAt(address)!
    const slot = Math.floor((address - span.base) / span.slot)
    blocks.state[row] = BLOCK.none
    blocks.spare.push(row)
    span.rows[slot] = 0
    if (span.sizeClass >= 0) {
      free[span.sizeClass]!.push(span.base + slot * span.slot)
      return
    }
    spans[chunks.get(span.base >>> SPAN_SHIFT)!] = null
    for (let at = span.base; at < span.base + span.length; at += SPAN) {
      chunks.delete(at >>> SPAN_SHIFT)
      this.spanIndex[at >>> SPAN_SHIFT] = 0
    }
    this.memory.remove(span.base, span.base + span.length)
  }

  /** Overwritten bytes around a block, each stretch once: they are made whole again. */
  damages(row: number): readonly Damage[] {
    const { blocks } = this.state
    const address = blocks.address[row]!
    const span = this.spanAt(address)!
    const slot = span.base + Math.floor((address - span.base) / span.slot) * span.slot
    const end = address + blocks.size[row]!
    const [first, last] = [Math.max(slot, address - LOOK), Math.min(slot + span.slot + REDZONE, end + LOOK)]
    if (this.painter.intact(first, address, end, last) === 1) return NO_DAMAGES
    const found: Damage[] = []
    const before = this.stretch(first, address)
    if (before !== null) found.push(this.attributed(row, slot, before))
    const behind = this.stretch(end, last)
    if (behind !== null) found.push({ row, ...behind })
    return found
  }

  /** Damage that begins right behind the block in the slot before is that block's. */
  private attributed(row: number, slot: number, { address, length }: { address: number; length: number }): Damage {
    const { blocks } = this.state
    const previous = address === slot ? this.rowAt(slot - 1) : -1
    if (previous < 0) return { row, address, length }
    const end = blocks.address[previous]! + blocks.size[previous]!
    const { bytes } = this.memory.space
    for (let at = end; at < slot; at++) if (bytes[at] === PATTERN) return { row, address, length }
    this.fill(end, slot)
    return { row: previous, address: end, length: slot - end + length }
  }

  /** The overwritten bytes of [from, to) next to the block; repaired. */
  private stretch(from: number, to: number): { address: number; length: number } | null {
    const { bytes } = this.memory.space
    let first = from
    while (first < to && bytes[first] === PATTERN) first++
    if (first === to) return null
    let last = to
    while (bytes[last - 1] === PATTERN) last--
    this.fill(first, last)
    return { address: first, length: last - first }
  }
}
