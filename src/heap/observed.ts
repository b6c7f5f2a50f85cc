/**
 * Exists to follow a program's own allocators, which run as they are: what they hand out and take back is noted when they are entered and when they return, so
 * that misuse of their blocks is seen like that of the C library's.
 */
import type { AddressSpace } from '../engine/address-space.ts'
import { setAddressable, setGuarded } from '../engine/addressable.ts'
import { defineRegisters, definednessOf, putDefinedness, setDefined, setUndefined } from '../engine/definedness.ts'
import { ATTRIBUTE, PAGE_SHIFT, PAGE_SIZE } from '../engine/layout.ts'
import { PROT } from '../engine/address-space.ts'
import { SHN, STT } from '../elf/constants.ts'
import { isElfError, parseElf } from '../elf/file.ts'
import { REG } from '../ir/registers.ts'
import type { Kernel } from '../linux/kernel.ts'
import type { Task } from '../linux/state.ts'
import type { CustomFunction } from '../tool/allocator-spec.ts'
import type { HeapEvent } from '../tool/observer.ts'
import type { Allocator } from './allocator.ts'
import { CUSTOM, functionAt } from './functions.ts'
import { BLOCK, newRow, type HeapState, type Pending } from './state.ts'

/** Freed blocks of observed allocators that are remembered. */
const REMEMBERED = 10_000

const ARGUMENTS = [REG.rdi, REG.rsi, REG.rdx, REG.rcx, REG.r8, REG.r9]

/** Tells what is wrong with a call of `f`. */
export type Complain = (kind: HeapEvent['kind'], address: number, row: number, numbers: Record<string, number>) => void

/** The custom functions that a file defines, by their addresses in the file: index as in HeapState.functions. */
export function customFunctions(
  bytes: Uint8Array,
  path: string,
  custom: readonly CustomFunction[],
): [number, number][] {
  const found = new Map<number, number>()
  try {
    const elf = parseElf(bytes, path)
    for (const table of [elf.symtab(), elf.dynsym()])
      for (let i = 1; table !== undefined && i < table.count; i++) {
        if (table.typeOf(i) !== STT.FUNC || table.sectionOf(i) === SHN.UNDEF) continue
        const name = table.nameOf(i)
        const index = custom.findIndex(({ fn }) => fn === name)
        if (index >= 0) found.set(table.valueOf(i), CUSTOM + index)
      }
  } catch (error) {
    if (!isElfError(error)) throw error
  }
  return [...found]
}

/** Is the task within a custom function, which may look at what belongs to nobody? */
export function isWithin({ pending }: HeapState, tid: number): boolean {
  return pending.some((one) => one.tid === tid)
}

/** Blocks of observed allocators, by address. */
export class Observed {
  private readonly heap: Allocator

  constructor(heap: Allocator) {
    this.heap = heap
  }

  private get state(): HeapState {
    return this.heap.state
  }

  /** Index of the first block that begins behind `address`. */
  private behind(address: number): number {
    const { starts } = this.state.observed
    let low = 0
    let high = starts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (starts[middle]! <= address) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Row of the block that holds `address`, live or freed; -1 for none. */
  at(address: number): number {
    const { rows } = this.state.observed
    const row = rows[this.behind(address) - 1]
    if (row === undefined) return -1
    const { blocks } = this.state
    return address < blocks.address[row]! + Math.max(1, blocks.size[row]!) ? row : -1
  }

  /** Row of the block at or next to an address, at most a page away; -1 for none. */
  near(address: number): number {
    const { rows } = this.state.observed
    const { blocks } = this.state
    const i = this.behind(address)
    let best = -1
    let least = PAGE_SIZE
    for (const row of [rows[i - 1], rows[i]]) {
      if (row === undefined) continue
      const start = blocks.address[row]!
      const distance = address < start ? start - address : Math.max(0, address - start - blocks.size[row]! + 1)
      if (distance < least) {
        least = distance
        best = row
      }
    }
    return best
  }

  /** Accesses to all bytes around these blocks are looked at from now on. */
  watch(): void {
    const { blocks, observed } = this.state
    for (const row of observed.rows) this.watchPages(blocks.address[row]!, blocks.size[row]!)
    for (const row of observed.rows) this.mark(row)
  }

  /** Looks at accesses to the pages of a range; what may be accessed in them stays as it is. */
  watchPages(address: number, size: number): void {
    const { space } = this.heap
    for (let page = address >>> PAGE_SHIFT; page <= (address + Math.max(1, size) - 1) >>> PAGE_SHIFT; page++) {
      if ((space.attributes[page]! & ATTRIBUTE.watched) !== 0 || space.isGuardedPage(page)) continue
      const start = page << PAGE_SHIFT
      if (space.protOf(start) < (PROT.read | PROT.write)) continue
      // What else is in these pages stays as it is.
      if (space.checked) {
        const bits = definednessOf(space, start, PAGE_SIZE)
        space.guard(start, PAGE_SIZE)
        setGuarded(space, start, PAGE_SIZE, false)
        putDefinedness(space, start, bits)
      } else {
        space.watch(start, PAGE_SIZE)
        setAddressable(space, start, PAGE_SIZE, true)
      }
    }
  }

  private mark(row: number): void {
    if (!this.heap.isWatched) return
    const { blocks } = this.state
    const { space } = this.heap
    const address = blocks.address[row]!
    const size = blocks.size[row]!
    const live = blocks.state[row] === BLOCK.live
    this.watchPages(address, size)
    if (space.checked) setGuarded(space, address, size, !live)
    else setAddressable(space, address, size, live)
  }

  private forget(i: number): void {
    const { observed, blocks } = this.state
    const row = observed.rows[i]!
    blocks.state[row] = BLOCK.none
    blocks.spare.push(row)
    observed.pools.delete(row)
    observed.starts.splice(i, 1)
    observed.rows.splice(i, 1)
  }

  /** Freed blocks within a range are no blocks any more. */
  forgetFreed(start: number, end: number): void {
    const { blocks, observed } = this.state
    for (let i = this.behind(end - 1) - 1; i >= 0 && observed.starts[i]! >= start; i--)
      if (blocks.state[observed.rows[i]!] === BLOCK.freed) this.forget(i)
  }

  /** A block has been handed out: freed ones that it overlaps are history, live ones a mistake of the allocator's. */
  add(address: number, size: number, pending: Pending, defined: boolean, complain: Complain): void {
    const { blocks, observed } = this.state
    for (let i = Math.max(0, this.behind(address) - 1); i < observed.rows.length;) {
      const row = observed.rows[i]!
      const start = blocks.address[row]!
      if (start >= address + Math.max(1, size)) break
      if (start + Math.max(1, blocks.size[row]!) <= address) i++
      else {
        if (blocks.state[row] === BLOCK.live) complain('overlapping-block', address, row, { size })
        this.forget(i)
      }
    }
    const row = newRow(blocks)
    blocks.address[row] = address
    blocks.size[row] = size
    blocks.state[row] = BLOCK.live
    blocks.madeBy[row] = pending.index
    blocks.align[row] = 0
    blocks.madeAt[row] = pending.moment
    blocks.madeTid[row] = pending.tid
    blocks.stack[row] = pending.stack
    blocks.site[row] = pending.back
    const at = this.behind(address)
    observed.starts.splice(at, 0, address)
    observed.rows.splice(at, 0, row)
    if (pending.pool !== null) observed.pools.set(row, pending.pool)
    this.heap.forgetSaid(address, size)
    this.mark(row)
    if (defined) setDefined(this.heap.space, address, size)
    else setUndefined(this.heap.space, address, size)
  }

  /** A live block is at another address, of another size; what may be accessed stays as it is. */
  move(row: number, address: number, size: number): void {
    const { blocks, observed } = this.state
    const i = observed.rows.indexOf(row)
    observed.starts.splice(i, 1)
    observed.rows.splice(i, 1)
    blocks.address[row] = address
    blocks.size[row] = size
    const at = this.behind(address)
    observed.starts.splice(at, 0, address)
    observed.rows.splice(at, 0, row)
  }

  /** A live block is freed by the function of that index. */
  release(k: Kernel, t: Task, row: number, index: number): void {
    const { blocks, observed } = this.state
    blocks.state[row] = BLOCK.freed
    blocks.freedBy[row] = index
    blocks.freedAt[row] = k.state.count
    blocks.freedTid[row] = t.tid
    observed.freed.push(row)
    this.heap.forgetSaid(blocks.address[row]!, blocks.size[row]!)
    this.mark(row)
    if (observed.freed.length < 2 * REMEMBERED) return
    const old = new Set(observed.freed.splice(0, REMEMBERED))
    for (let i = observed.rows.length - 1; i >= 0; i--)
      if (old.has(observed.rows[i]!) && blocks.state[observed.rows[i]!] === BLOCK.freed) this.forget(i)
  }

  /** The task is at the entry of a custom function. False: the place to which it returns was not intercepted until now; it must be entered once more. */
  enter(k: Kernel, t: Task, index: number, complain: Complain): boolean {
    const { state } = this
    const spec = state.custom[index - CUSTOM]!
    const { cpu } = k
    const stack = cpu.gprNumber(REG.rsp)
    // What a longjmp has left.
    state.pending = state.pending.filter((one) => one.tid !== t.tid || one.stack > stack)
    if (isWithin(state, t.tid)) return true
    const { space } = this.heap
    const back = Number(space.readU64(stack) ?? 0n)
    if (!state.sites.has(back)) {
      if (!space.isExecutable(back)) return true
      state.sites.add(back)
      space.intercept(back)
      return false
    }
    const argument = (i: number | undefined): number | null =>
      i === undefined ? null : Number(BigInt.asUintN(64, cpu.gpr(ARGUMENTS[i]!)))
    const size = spec.size === undefined ? null : argument(spec.size)! * (argument(spec.count) ?? 1)
    const old = argument(spec.ptr)
    const pool = argument(spec.pool)
    state.pending.push({ tid: t.tid, stack, back, index, moment: k.state.count, size, old, pool })
    if (spec.frees) this.free(k, t, index, old, pool, complain)
    return true
  }

  private free(
    k: Kernel,
    t: Task,
    index: number,
    address: number | null,
    pool: number | null,
    complain: Complain,
  ): void {
    const { blocks, observed } = this.state
    if (address === null) {
      for (const [row, owner] of observed.pools)
        if (owner === pool && blocks.state[row] === BLOCK.live) this.release(k, t, row, index)
      return
    }
    if (address === 0) return
    const row = this.at(address)
    if (row < 0 || blocks.address[row] !== address) complain('invalid-free', address, row, {})
    else if (blocks.state[row] === BLOCK.freed) complain('double-free', address, row, {})
    else this.release(k, t, row, index)
  }

  /** The task is at an address to which a custom function may have returned. */
  leave(k: Kernel, t: Task, complain: Complain): void {
    const { state } = this
    const stack = k.cpu.gprNumber(REG.rsp)
    const i = state.pending.findIndex((one) => one.tid === t.tid && one.stack + 8 === stack)
    if (i < 0) return
    const [pending] = state.pending.splice(i, 1)
    const { size, old, index, back, moment } = pending!
    // Links and marks that the function has left in what it took back.
    const { freed } = state.observed
    for (let at = freed.length - 1; at >= 0 && state.blocks.freedAt[freed[at]!] === moment; at--) {
      const row = freed[at]!
      if (state.blocks.state[row] === BLOCK.freed && this.heap.isObserved(row)) this.mark(row)
    }
    if (back !== Number(k.cpu.rip) || size === null) return
    // It may well come from a link in what was freed, which counts as undefined.
    defineRegisters(k.cpu.view, 1 << REG.rax)
    const result = Number(BigInt.asUintN(64, k.cpu.gpr(REG.rax)))
    if (result === 0 || result + size > this.heap.limit) return
    if (old !== null && old !== 0) {
      const row = this.at(old)
      if (row >= 0 && state.blocks.address[row] === old && state.blocks.state[row] === BLOCK.live)
        this.release(k, t, row, index)
    }
    const { count, ptr, zeroed } = state.custom[index - CUSTOM]!
    this.add(result, size, pending!, count !== undefined || ptr !== undefined || zeroed === true, complain)
  }
}

/** Name of a custom function for a report. */
export function nameOf(state: HeapState, index: number): string {
  return functionAt(state, index).name
}

/** Intercepts what a state says, in an address space that came back from plain data. */
export function resumeSites({ sites, requests }: HeapState, space: AddressSpace): void {
  for (const site of [...sites, ...requests.sites]) space.intercept(site)
}
