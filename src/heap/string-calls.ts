/**
 * Exists to tell what string functions do wrong from what they do on purpose: they read whole words and vectors beyond the ends of strings, and some decide by what
 * they find there and correct it afterwards. What a call must look at is known where it was seen (string-reads.ts); of others the reads are judged one by one.
 */
import { firstUnaddressable } from '../engine/addressable.ts'
import { firstUndefined } from '../engine/definedness.ts'
import type { AddressSpace } from '../engine/address-space.ts'
import type { CpuState } from '../engine/cpu-state.ts'
import { REG } from '../ir/registers.ts'
import type { Range } from '../linux/declare.ts'

/** A call under way. */
interface Call {
  /** The stack pointer at its entry, and the address to which it returns, which lies there. */
  stack: number
  back: bigint | null
  /** It was told that it reads what it must not. What is read there counts as defined, like after every access that was told. */
  told: boolean
  ranges: readonly Range[]
}

/** Where a thread has read beyond a block. */
interface OverRead {
  stack: number
  address: number
}

/** A string function's frame is not larger. */
const FRAME = 64

/** Bytes before the end of a block that are looked at for undefined ones. */
const LOOK = 64

/** Instructions that a string function executes from one bad access to the next, at most. */
const LOOP = 64

/** How far from where a string function is reading what it read before can lie. */
const NEAR = 256

/** Calls of string functions, and what was read beyond blocks within such functions, by thread. */
export class StringCalls {
  private readonly calls = new Map<number, Call>()
  /** Where and when it was told last of a call that was not seen to begin. */
  private readonly last = new Map<number, { stack: number; count: number }>()
  private readonly overReads = new Map<number, OverRead>()

  /** A call begins. */
  enter(space: AddressSpace, tid: number, stack: number, told: boolean, ranges: readonly Range[]): void {
    this.calls.set(tid, { stack, back: space.readU64(stack), told, ranges })
  }

  private call(space: AddressSpace, tid: number, stack: number): Call | undefined {
    const call = this.calls.get(tid)
    if (call === undefined || (stack <= call.stack && space.readU64(call.stack) === call.back)) return call
    this.calls.delete(tid)
    return undefined
  }

  /** Is the thread within a call of which it was told? */
  isTold(space: AddressSpace, tid: number, stack: number): boolean {
    return this.call(space, tid, stack)?.told === true
  }

  /** Is what is wrong with a call that was not seen to begin told already? `count`: instructions executed by now. */
  isSame(tid: number, stack: number, count: number): boolean {
    const last = this.last.get(tid)
    this.last.set(tid, { stack, count })
    return last !== undefined && last.stack === stack && count - last.count < LOOP
  }

  /** Means a read of bytes that may not be accessed no harm? It is at `pc`, within the code of the C library's string functions. */
  isOverRead(space: AddressSpace, tid: number, stack: number, pc: number, address: number, bytes: number): boolean {
    if (this.call(space, tid, stack) === undefined && isWholeRead(space, pc)) return false
    const first = firstUnaddressable(space, address, bytes)
    const known = this.overReads.get(tid)
    // What is told is where it begins.
    if (known === undefined || known.stack !== stack || first < known.address || first > known.address + NEAR)
      this.overReads.set(tid, { stack, address: first })
    return true
  }

  /**
   * A string function decides by undefined bits: -1 when everything is defined that counts, the first byte beyond a block on which it depends, as far as is known,
   * null when it is what it seems.
   */
  explain(space: AddressSpace, cpu: CpuState, tid: number): number | null {
    const stack = cpu.gprNumber(REG.rsp)
    const call = this.call(space, tid, stack)
    if (call !== undefined)
      return call.ranges.every(({ start, length }) => firstUndefined(space, start, length) < 0) ? -1 : null
    const read = this.overReads.get(tid)
    if (read === undefined || Math.abs(read.stack - stack) > FRAME || firstUnaddressable(space, read.address, 1) < 0)
      return null
    // Undefined bytes before the end are what decides.
    for (let at = read.address - 1; at >= read.address - LOOK && firstUnaddressable(space, at, 1) < 0; at--)
      if (firstUndefined(space, at, 1) >= 0) return null
    for (let register = 0; register < 16; register++)
      if (Math.abs(cpu.gprNumber(register) - read.address) <= NEAR) return read.address
    return null
  }
}

/** MOVUPS and MOVAPS: so are vectors loaded that count as a whole, by memcpy. */
function isWholeRead({ bytes }: AddressSpace, pc: number): boolean {
  const at = (bytes[pc]! & 0xf0) === 0x40 ? pc + 1 : pc
  return bytes[at] === 0x0f && (bytes[at + 1] === 0x10 || bytes[at + 1] === 0x28)
}
