/**
 * Exists because register traffic is what calls cost: finds, for every block of a region, which registers must be in their locals, which may differ
 * from the CPU state, and so what has to be loaded and stored where.
 */
import { REG, REGISTER_SLOTS } from '../ir/registers.ts'
import type { Block } from '../ir/types.ts'
import { DEAD } from './lower-prepare.ts'

/** A set of register numbers below REGISTER_SLOTS. */
export class RegisterSet {
  low = 0
  high = 0
  /** Those from 64 on: only code that checks definedness has them. */
  top = 0

  static of(...registers: number[]): RegisterSet {
    const set = new RegisterSet()
    for (const r of registers) set.add(r)
    return set
  }

  add(r: number): void {
    if (r < 32) this.low |= 1 << r
    else if (r < 64) this.high |= 1 << (r - 32)
    else this.top |= 1 << (r - 64)
  }

  remove(r: number): void {
    if (r < 32) this.low &= ~(1 << r)
    else if (r < 64) this.high &= ~(1 << (r - 32))
    else this.top &= ~(1 << (r - 64))
  }

  has(r: number): boolean {
    return ((r < 32 ? this.low >>> r : r < 64 ? this.high >>> (r - 32) : this.top >>> (r - 64)) & 1) !== 0
  }

  /** Adds all of `other`, less those of `without`; tells whether anything was new. */
  addAll(other: RegisterSet, without: RegisterSet | null = null): boolean {
    const low = this.low | (without === null ? other.low : other.low & ~without.low)
    const high = this.high | (without === null ? other.high : other.high & ~without.high)
    const top = this.top | (without === null ? other.top : other.top & ~without.top)
    const changed = low !== this.low || high !== this.high || top !== this.top
    this.low = low
    this.high = high
    this.top = top
    return changed
  }

  minus(other: RegisterSet): RegisterSet {
    const set = new RegisterSet()
    set.addAll(this, other)
    return set
  }

  get empty(): boolean {
    return (this.low | this.high | this.top) === 0
  }

  get size(): number {
    return bits(this.low) + bits(this.high) + bits(this.top)
  }

  /** A key for maps: equal sets have equal keys. */
  get key(): number | string {
    if (this.high >>> 16 === 0 && this.top === 0) return (this.low >>> 0) * 0x1_0000 + this.high
    return `${this.low} ${this.high} ${this.top}`
  }

  forEach(visit: (register: number) => void): void {
    for (let r = 0; r < REGISTER_SLOTS; r++) if (this.has(r)) visit(r)
  }
}

function bits(word: number): number {
  let count = 0
  for (let rest = word; rest !== 0; rest &= rest - 1) count++
  return count
}

/** What is known about the registers of a region, by block (leaves outside of the region included, after the blocks). */
export interface RegisterPlan {
  /** Registers whose locals hold their values at the start of the block. All others are to be found in the CPU state. */
  valid: RegisterSet[]
  /** Registers that the block writes. */
  writes: RegisterSet[]
  /** Registers that may differ from the CPU state at the start, and at the end, of the block. */
  dirtyBefore: RegisterSet[]
  dirtyAfter: RegisterSet[]
  /** Every register that the region may write. */
  written: RegisterSet
  /** Every register that has a local. */
  used: RegisterSet
}

/** Does the block end by handing the registers over through the CPU state and taking them back? */
export function handsOver(block: Block | undefined): boolean {
  const kind = block?.term.kind
  return kind === 'call' || kind === 'icall' || kind === 'syscall' || kind === 'intercept'
}

/** Those of the successors of a block to which control goes with the registers in their locals: after an indirect call only the copy of the function, which comes first. */
export function flowing(block: Block | undefined, succs: readonly number[]): readonly number[] {
  if (!handsOver(block)) return succs
  return block!.term.kind === 'icall' && block!.term.copy !== undefined ? succs.slice(0, 1) : []
}

/** Plans register traffic. `succs` includes leaves, which have no block; blocks have been prepared. */
export function planRegisters(blocks: readonly Block[], succs: readonly (readonly number[])[]): RegisterPlan {
  const n = succs.length
  const make = (): RegisterSet[] => Array.from({ length: n }, () => new RegisterSet())
  const reads = make()
  const writes = make()
  const written = new RegisterSet()
  const used = new RegisterSet()
  blocks.forEach((block, b) => {
    for (const node of block.ops) {
      if (node.uses === DEAD) continue
      if (node.op.effect === 'get') reads[b]!.add(node.imm)
      else if (node.op.effect === 'put') writes[b]!.add(node.imm)
    }
    if (block.term.kind === 'call' || block.term.kind === 'icall') reads[b]!.add(REG.rsp)
    written.addAll(writes[b]!)
    used.addAll(reads[b]!)
    used.addAll(writes[b]!)
  })
  const flows = succs.map((list, b) => flowing(blocks[b], list))
  const dirtyBefore = make()
  const dirtyAfter = make()
  for (let changed = true; changed;) {
    changed = false
    for (let b = 0; b < n; b++) {
      dirtyAfter[b]!.addAll(dirtyBefore[b]!)
      dirtyAfter[b]!.addAll(writes[b]!)
      for (const s of flows[b]!) if (dirtyBefore[s]!.addAll(dirtyAfter[b]!)) changed = true
    }
  }
  const valid = make()
  for (let b = 0; b < n; b++) {
    valid[b]!.addAll(reads[b]!)
    valid[b]!.addAll(dirtyBefore[b]!)
  }
  for (let changed = true; changed;) {
    changed = false
    for (let b = n - 1; b >= 0; b--) {
      for (const s of flows[b]!) if (valid[b]!.addAll(valid[s]!, writes[b]!)) changed = true
    }
  }
  return { valid, writes, dirtyBefore, dirtyAfter, written, used }
}
