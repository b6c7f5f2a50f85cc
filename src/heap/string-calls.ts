/**
 * Exists to tell what string functions do wrong from what they do on purpose: they read whole words and vectors beyond the ends of strings, and some decide by what
 * they find there and correct it afterwards. What a call must look at is known where it was seen (string-reads.ts); of others the reads are judged one by one.
 */
import { firstUnaddressable } from '../engine/addressable.ts'
import { firstUndefined } from '../engine/definedness.ts'
import type { AddressSpace } from '../engine/address-space.ts'
import type { CpuState } from '../engine/cpu-state.ts'
import { EXCUSE, type Excuse } from '../engine/processor.ts'
import { knowString, threadRecord } from '../engine/string-words.ts'
import { REG } from '../ir/registers.ts'
import type { Range } from '../linux/declare.ts'
import { isWithinSearch } from '../linux/definedness.ts'
import { KNOWN, NEAR, READ, RECORD } from '../ir/strings.ts'
import { readsVector } from './over-reads.ts'
import { decidesByArgument } from './string-arguments.ts'
import { type HeapState, isWithinStrings } from './state.ts'

/** A call under way. */
interface Call {
  /** The stack pointer at its entry, and the address to which it returns, which lies there. */
  stack: number
  back: bigint | null
  /** It was told that it reads what it must not. What is read there counts as defined, like after every access that was told. */
  told: boolean
  ranges: readonly Range[]
  /** When it last read what it must not, for a call that was not seen to begin; -1 for others. */
  last: number
}

/** Where a thread has read beyond a block. */
interface OverRead {
  pc: number
  stack: number
  address: number
}

/** From a read in a string function to where it decides, in bytes of code. */
const LONGEST = 0x400

/** A string function's frame is not larger. */
const FRAME = 64

/** Characters that are looked at together. */
const WORD = 4

/** Bytes before the end of a block that are looked at for undefined ones; behind it half as many. */
const LOOK = 64

/** Instructions that a string function executes from one bad access to the next, at most. */
const LOOP = 64

/** Everything is defined that counts; something that counts is not. */
export const EXPLAINED = { harmless: -1, wrong: -2 } as const

/**
 * Calls of string functions, and what was read beyond blocks within such functions, by thread. In spaces that know what is defined translated code looks after most of them (engine/string-words.ts):
 * its record of the running thread says whether the latest call is there or here.
 */
export class StringCalls {
  private readonly calls = new Map<number, Call>()
  /** By address of code: does it lie in a function that searches by vectors? */
  private readonly searches = new WeakMap<AddressSpace, Map<number, boolean>>()
  private readonly overReads = new Map<number, OverRead>()

  /** A call begins. */
  enter(space: AddressSpace, tid: number, stack: number, told: boolean, ranges: readonly Range[]): void {
    this.calls.set(tid, { stack, back: space.readU64(stack), told, ranges, last: -1 })
    if (space.checked) space.view.setUint32(threadRecord(space) + RECORD.known, KNOWN.elsewhere, true)
  }

  /** The latest call is over: translated code may go on to look after the next ones. */
  private leave(space: AddressSpace, tid: number): void {
    this.calls.delete(tid)
    if (!space.checked) return
    const record = threadRecord(space)
    space.view.setUint32(record + RECORD.known, KNOWN.here, true)
    space.view.setBigUint64(record + RECORD.stack, 0n, true)
  }

  private call(space: AddressSpace, tid: number, stack: number): Call | undefined {
    const call = recordedCall(space) ?? this.calls.get(tid)
    if (call !== undefined && stack <= call.stack && space.readU64(call.stack) === call.back) return call
    this.leave(space, tid)
    return undefined
  }

  /** Lets translated code know what the load at `pc` in a string function is, if what it reads beyond a block means no harm by itself. */
  private learn(space: AddressSpace, state: HeapState, pc: number): void {
    // Where other questions come first, all are asked.
    if (state.custom.length > 0 || state.requests.quiet.length > 0) return
    if (!isWholeRead(space, pc)) knowString(space, pc, this.isSearch(space, pc) ? READ.search : READ.vector)
  }

  /** From now on learns of loads at which clean code had to be left in a space. */
  attend(space: AddressSpace, state: HeapState): void {
    space.onDeopt = (pc) => {
      if (isWithinStrings(state, pc) && readsVector(space, pc)) this.learn(space, state, pc)
    }
  }

  /** Where the thread has read beyond a block last. */
  private overReadOf(space: AddressSpace, tid: number): OverRead | undefined {
    if (!space.checked) return this.overReads.get(tid)
    const { view } = space
    const record = threadRecord(space)
    const pc = view.getUint32(record + RECORD.pc, true)
    const [stack, address] = [RECORD.readStack, RECORD.address].map((at) => view.getUint32(record + at, true))
    return pc === 0 ? undefined : { pc, stack: stack!, address: address! }
  }

  private noteOverRead(space: AddressSpace, tid: number, read: OverRead): void {
    if (!space.checked) {
      this.overReads.set(tid, read)
      return
    }
    const record = threadRecord(space)
    space.view.setUint32(record + RECORD.pc, read.pc, true)
    space.view.setUint32(record + RECORD.readStack, read.stack, true)
    space.view.setUint32(record + RECORD.address, read.address, true)
  }

  /** Is `address` in the word in which a string ends that the call under way may read? glibc's strspn and strcspn look at four characters at once, one by one. */
  isBeside(space: AddressSpace, tid: number, stack: number, address: number): boolean {
    const call = this.call(space, tid, stack)
    if (call === undefined || call.told || call.last >= 0) return false
    const word = address - (address % WORD)
    return call.ranges.some(({ start, length }) => address >= start + length && word < start + length)
  }

  /** Is the thread within a call of which it was told? */
  isTold(space: AddressSpace, tid: number, stack: number): boolean {
    return this.call(space, tid, stack)?.told === true
  }

  /** Something was told of a call that was not seen to begin. `count`: instructions executed by now. */
  noteTold(space: AddressSpace, tid: number, stack: number, count: number): void {
    this.enter(space, tid, stack, true, [])
    this.calls.get(tid)!.last = count
  }

  /** Is what is read now told already, or harmless, because of what was told before? */
  isKnown(space: AddressSpace, tid: number, stack: number, count: number, isVector: boolean): boolean {
    const call = this.call(space, tid, stack)
    if (call?.told !== true) return false
    if (call.last < 0) return true
    const isSame = count - call.last < LOOP
    call.last = count
    if (isSame) return true
    // Another call from the same place: what a vector reads beyond a block is judged from the next one on.
    this.leave(space, tid)
    return isVector
  }

  /** A vector is read that may not be, in part or altogether, at `pc`, within the code of the C library's string functions. */
  overRead(
    space: AddressSpace,
    state: HeapState,
    tid: number,
    stack: number,
    pc: number,
    address: number,
    bytes: number,
  ): Excuse {
    this.learn(space, state, pc)
    if (this.call(space, tid, stack) === undefined) {
      if (isWholeRead(space, pc)) return EXCUSE.none
      if (this.isSearch(space, pc)) return EXCUSE.defined
    }
    const first = firstUnaddressable(space, address, bytes)
    const known = this.overReadOf(space, tid)
    // What is told is where it begins.
    if (known === undefined || known.stack !== stack || first < known.address || first > known.address + NEAR)
      this.noteOverRead(space, tid, { pc, stack, address: first })
    return EXCUSE.undefined
  }

  private isSearch(space: AddressSpace, pc: number): boolean {
    let known = this.searches.get(space)
    if (known === undefined) this.searches.set(space, (known = new Map()))
    let is = known.get(pc)
    if (is === undefined) known.set(pc, (is = isWithinSearch(space, pc, false)))
    return is
  }

  /** A string function decides by undefined bits: one of EXPLAINED, the first byte beyond a block on which it depends, or null when nothing is known. */
  explain(
    space: AddressSpace,
    cpu: CpuState,
    tid: number,
    functions: ReadonlyMap<number, number> = new Map(),
  ): number | null {
    const stack = cpu.gprNumber(REG.rsp)
    const call = this.call(space, tid, stack)
    if (call !== undefined && call.last < 0) {
      if (decidesByArgument(space, cpu, Number(call.back), functions)) return EXPLAINED.wrong
      const isDefined = call.ranges.every(({ start, length }) => firstUndefined(space, start, length) < 0)
      return isDefined ? EXPLAINED.harmless : EXPLAINED.wrong
    }
    const read = this.overReadOf(space, tid)
    if (read === undefined || Math.abs(Number(cpu.rip) - read.pc) > LONGEST) return null
    if (Math.abs(read.stack - stack) > FRAME || firstUnaddressable(space, read.address, 1) < 0) return null
    // Undefined bytes of a block are what decides.
    const isUndefined = (at: number): boolean => firstUndefined(space, at, 1) >= 0
    for (let at = read.address - 1; at >= read.address - LOOK && firstUnaddressable(space, at, 1) < 0; at--)
      if (isUndefined(at)) return null
    for (let at = read.address; at < read.address + LOOK / 2; at++)
      if (firstUnaddressable(space, at, 1) < 0 && isUndefined(at)) return null
    for (let register = 0; register < 16; register++)
      if (Math.abs(cpu.gprNumber(register) - read.address) <= NEAR) return read.address
    return null
  }
}

/** The latest call of the running thread, if translated code has looked after it. */
function recordedCall(space: AddressSpace): Call | undefined {
  if (!space.checked) return undefined
  const { view } = space
  const record = threadRecord(space)
  if (view.getUint32(record + RECORD.known, true) !== KNOWN.here) return undefined
  const word = (i: number): number => view.getUint32(record + RECORD.ranges + i * 4, true)
  const ranges = [0, 2].map((i) => ({ start: word(i), length: word(i + 1) })).filter(({ length }) => length > 0)
  const back = view.getBigUint64(record + RECORD.back, true)
  return { stack: view.getUint32(record + RECORD.stack, true), back, told: false, ranges, last: -1 }
}

/** Bytes of code behind a load in which it is looked for what becomes of the vector. */
const AHEAD = 96

/** Bytes 66 0F and one of these: PCMPEQB, W and D, PMINUB, PXOR, PMOVMSKB, PSUBB. */
const COMPARES = [0x74, 0x75, 0x76, 0xda, 0xef, 0xd7, 0xf8]

/** MOVUPS and MOVAPS of a vector that is stored before anything is compared: memcpy's, of which every byte counts. */
function isWholeRead({ bytes }: AddressSpace, pc: number): boolean {
  const at = (bytes[pc]! & 0xf0) === 0x40 ? pc + 1 : pc
  if (bytes[at] !== 0x0f || (bytes[at + 1] !== 0x10 && bytes[at + 1] !== 0x28)) return false
  for (let i = at + 2; i < at + AHEAD; i++) {
    if (bytes[i] !== 0x0f) continue
    if (bytes[i - 1] === 0x66 && (COMPARES.includes(bytes[i + 1]!) || bytes[i + 1] === 0xe7))
      return bytes[i + 1] === 0xe7
    if (bytes[i + 1] === 0x11 || bytes[i + 1] === 0x29) return true
  }
  return false
}
