/** Exists to describe a block of the heap in a finding: where the address is in it, who made and freed it, and what is in memory there. */
import type { BlockDump, BlockReport, Stack } from '../tool/finding.ts'
import type { HeapBlock } from '../tool/observer.ts'
import { hex } from './stacks.ts'
import { named, type Memory, type Visits } from './visits.ts'

/** `1 byte`, `5 bytes`. */
export function bytes(count: number): string {
  return count === 1 ? '1 byte' : `${count} bytes`
}

/** Where an address is, seen from a block. */
export function relation(address: number, block: HeapBlock): string {
  const offset = address - block.address
  const what = `a ${block.state === 'freed' ? 'freed ' : ''}block of ${bytes(block.size)}`
  if (offset < 0) return `${bytes(-offset)} before ${what}`
  if (offset >= block.size)
    return offset === block.size ? `right behind ${what}` : `${bytes(offset - block.size)} behind ${what}`
  return offset === 0 ? `the start of ${what}` : `${bytes(offset)} inside ${what}`
}

/** Asks for what `blockReport` needs. */
export function wantBlock(visits: Visits, block: HeapBlock, pid: number): void {
  visits.want({ moment: block.madeAt, pid, tid: block.madeTid }, 0)
  if (block.state === 'freed') visits.want({ moment: block.freedAt, pid, tid: block.freedTid }, 0)
}

/** A block with the stacks of those who made and freed it; `address` is what the finding is about, or null. */
export function blockReport(block: HeapBlock, address: number | null, pid: number, visits: Visits): BlockReport {
  const stackOf = (moment: number, tid: number, by: string): { stack?: Stack } => {
    const seen = visits.at({ moment, pid, tid })
    return seen === undefined ? {} : { stack: named(seen.thread, by).stack }
  }
  const { madeAt, madeTid, madeBy, freedAt, freedTid, freedBy } = block
  const report: BlockReport = {
    address: hex(block.address),
    size: block.size,
    state: block.state,
    allocated: { by: madeBy, moment: madeAt, tid: madeTid, ...stackOf(madeAt, madeTid, madeBy) },
  }
  if (address !== null && address !== block.address) report.offset = address - block.address
  if (block.state === 'freed')
    report.freed = { by: freedBy, moment: freedAt, tid: freedTid, ...stackOf(freedAt, freedTid, freedBy) }
  return report
}

/** The row with the address, the one before and the one behind it; null where the memory at hand does not hold them. */
export function dumpOf(address: number, length: number, block: HeapBlock, memory: Memory): BlockDump | null {
  const at = address - block.address
  const from = Math.floor(at / 16) * 16 - 16
  const first = block.address + from - memory.start
  if (first < 0 || first + 48 > memory.bytes.length) return null
  const bytes = [...memory.bytes.subarray(first, first + 48)].map((byte, i) => {
    const offset = from + i
    return offset < 0 || offset >= block.size ? '--' : byte.toString(16).padStart(2, '0')
  })
  return { from, bytes, at, length }
}
