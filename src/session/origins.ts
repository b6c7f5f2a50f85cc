/** Exists to find out where an undefined value came from: the last undefined bytes that the thread has read before it used one, and whose they are. */
import type { BlockDump, OriginReport } from '../tool/finding.ts'
import type { HeapBlock, UndefinedEvent } from '../tool/observer.ts'
import type { Subject } from '../replay/subject.ts'
import { bytes } from './blocks.ts'
import { hex, type Namer } from './stacks.ts'
import { variableAt } from './variables.ts'

/** Instructions before a use in which the value is looked for, and before one of the first, whose value is followed through copies. */
export const LOOK_BACK = 400
export const LOOK_BACK_FAR = 2000

/** Instructions from reading a value to storing it elsewhere. */
const COPY = 64
/** Copies that are followed. */
const HOPS = 8

/** Undefined bytes that an instruction has read. */
interface Read {
  address: number
  size: number
  pc: number
  /** Instructions executed before it. */
  moment: number
  /** What was read: its bytes and its V bits. */
  bytes: Uint8Array
  bits: Uint8Array
}

/** Bytes on either side of an address that a dump may need. */
const AROUND = 32

/** Is it known which memory is meant? */
export function isOfMemory({ kind }: Pick<UndefinedEvent, 'kind'>): boolean {
  return kind === 'syscall-memory' || kind === 'request'
}

/** Follows a thread up to the use of an undefined value. */
export class Origin {
  private readonly use: UndefinedEvent
  /** Undefined ones, in the order of time. */
  private readonly reads: Read[] = []
  private readonly writes: { address: number; size: number; moment: number }[] = []

  constructor(use: UndefinedEvent) {
    this.use = use
  }

  /** The thread is about to execute an instruction. */
  step(subject: Subject): void {
    const { pid, tid } = this.use.task
    const moment = subject.count
    const written = subject.writes(tid)
    if (written !== null) {
      this.writes.push({ ...written, moment })
      return
    }
    const read = subject.reads(tid)
    if (read === null || undefinedIn(subject, pid, read.address, read.size) === 0) return
    const bytes = subject.read(pid, read.address, read.size)
    const bits = subject.undefinedBits(pid, read.address, read.size)
    if (bytes === null || bits === null) return
    const { registers } = subject.task(tid)!
    this.reads.push({ ...read, pc: Number(registers[16]!), moment, bytes, bits })
  }

  /** The last undefined bytes that were read, or those that they are a copy of. What lies below the stack pointer may be another frame's by now. */
  private source(subject: Subject): Read | null {
    const { pid, tid } = this.use.task
    const stack = Number(subject.task(tid)!.registers[4]!)
    let at = this.reads.at(-1) ?? null
    for (let hop = 0; at !== null && hop < HOPS; hop++) {
      const { address, size, moment } = at
      const stored = this.writes.findLast(
        (one) => one.moment < moment && one.address <= address && address + Math.min(size, 4) <= one.address + one.size,
      )
      if (stored === undefined) break
      const from = this.reads.findLast((one) => one.moment < stored.moment)
      if (from === undefined || stored.moment - from.moment > COPY || !isCopy(from, at)) break
      if (from.address < stack && stack - from.address < STACK) break
      if (undefinedIn(subject, pid, from.address, from.size) === 0) break
      at = from
    }
    return at
  }

  /** At the use: what the bytes are, and the block of the heap that they are in. Null when the value was read longer ago. */
  report(subject: Subject, namer: Namer): Found | 'told' | null {
    const { use } = this
    const read = isOfMemory(use) ? { address: use.start, size: use.length } : (this.reads.at(-1) ?? null)
    if (read !== null && use.certain !== true && isBeyond(subject, use.task.pid, read)) return 'told'
    if (isOfMemory(use)) return this.found(subject, namer, use.address, use.start, use.length, null)
    const last = this.source(subject)
    return last === null ? null : this.found(subject, namer, last.address, last.address, last.size, last)
  }

  /** `[start, start + size)` is what was read, and `address` the first undefined byte of it as far as that is known. */
  private found(
    subject: Subject,
    namer: Namer,
    address: number,
    start: number,
    size: number,
    read: Read | null,
  ): Found {
    const { pid, tid } = this.use.task
    const near = subject.block(pid, address)
    const block = near !== null && address >= near.address && address < near.address + near.size ? near : null
    const task = subject.tasks().find((one) => one.tid === tid)!
    const frame = block === null ? namer.frameAt(task, address) : null
    const variable = frame === null ? null : variableAt(namer.symbolizer, subject, task, frame.index, address)
    const where =
      frame === null
        ? `memory${named(subject, pid, address)}`
        : variable === null
          ? frame.what
          : `${variable} in ${frame.what}`
    const origin: OriginReport = {
      kind: block !== null ? 'heap' : frame !== null ? 'stack' : 'memory',
      what: block !== null ? wordsOf(block, start, size, this.use) : where,
      address: hex(start),
      bytes: size,
      undefined: undefinedIn(subject, pid, start, size),
    }
    if (read !== null) origin.read = { ...namer.places(read.pc)[0]!, moment: read.moment }
    const dump = dumpOf(subject, pid, address, start, size, block)
    if (dump !== null) {
      if (isOfMemory(this.use))
        dump.mark = `the first undefined byte that the ${this.use.kind === 'request' ? 'request asks for' : 'call reads'}`
      if (block === null) origin.dump = dump
    }
    return { origin, block, dump: block === null ? null : dump }
  }
}

/** What lies not farther below the stack pointer is a stack. */
const STACK = 0x80_0000

/** Have two reads found the same value, as far as both go? */
function isCopy(one: Read, other: Read): boolean {
  const size = Math.min(one.size, other.size)
  for (let i = 0; i < size; i++) if (one.bits[i] !== other.bits[i] || one.bytes[i] !== other.bytes[i]) return false
  return true
}

/** Are all undefined bytes of a read outside of live blocks of the heap? The read itself has been told then, or is one that means no harm. */
function isBeyond(subject: Subject, pid: number, { address, size }: Pick<Read, 'address' | 'size'>): boolean {
  const bits = subject.undefinedBits(pid, address, size)
  return (
    bits !== null &&
    bits.every((one, i) => {
      if (one === 0) return true
      const block = subject.block(pid, address + i)
      if (block === null) return false
      if (address + i >= block.address && address + i < block.address + block.size) return block.state === 'freed'
      // Beside a block are its allocator's own data; where only requests told of the block, there are the program's variables.
      return !block.madeBy.startsWith('VALGRIND_') || !subject.isAddressable(pid, address + i)
    })
  )
}

/** What was found out about a value. */
export interface Found {
  origin: OriginReport
  block: HeapBlock | null
  /** Of the block. */
  dump: BlockDump | null
}

/** How many bytes of a range have undefined bits. */
function undefinedIn(subject: Subject, pid: number, start: number, length: number): number {
  let count = 0
  for (const bits of subject.undefinedBits(pid, start, length) ?? []) if (bits !== 0) count++
  return count
}

function wordsOf(block: HeapBlock, start: number, size: number, { kind, address }: UndefinedEvent): string {
  const at = (offset: number): string => `${offset < 0 ? '-' : '+'}${hex(Math.abs(offset))}`
  const from = start - block.address
  return isOfMemory({ kind })
    ? `the ${kind === 'request' ? 'request asks for' : 'call reads'} ${at(from)} .. ${at(from + size)} of the block; undefined from ${at(address - block.address)}`
    : `${bytes(size)} at ${at(from)} of the block`
}

function named(subject: Subject, pid: number, address: number): string {
  const name = subject.mappings(pid).find(({ start, end }) => address >= start && address < end)?.name
  return name === undefined || name === '' ? '' : ` of ${name}`
}

/** The row with the address and those around it; offsets are from the block's start, or from `start` where there is none. */
function dumpOf(
  subject: Subject,
  pid: number,
  address: number,
  start: number,
  size: number,
  block: HeapBlock | null,
): BlockDump | null {
  const base = block?.address ?? start
  const at = address - base
  const from = Math.floor(at / 16) * 16 - 16
  const memory = subject.read(pid, base + from, 16 + AROUND)
  const bits = subject.undefinedBits(pid, base + from, 16 + AROUND)
  if (memory === null || bits === null) return null
  const cells = [...memory].map((byte, i) => {
    const offset = from + i
    if (block !== null && (offset < 0 || offset >= block.size)) return '--'
    return bits[i] === 0 ? byte.toString(16).padStart(2, '0') : '··'
  })
  return { from, bytes: cells, at, length: Math.min(size, start + size - address) }
}
