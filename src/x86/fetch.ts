/** Exists so that decoding can be fed from any guest memory, and stops at pages from which the guest could not fetch. */
import type { Insn } from './insn.ts'
import { DECODED, type Decoder, MAX_LENGTH } from './decode.ts'

const PAGE = 4096

/** Code as the guest's instruction fetch sees it: `bytes[pc - origin]` is the byte at `pc`; `executable` tells whether its page can be fetched from. */
export class CodeReader {
  readonly bytes: Uint8Array
  readonly origin: number
  private readonly executable: (pc: number) => boolean
  /** The page that was asked about last and can be fetched from, and the end of what is known to follow it. */
  private first = -1
  private end = -1

  constructor(bytes: Uint8Array, executable: (pc: number) => boolean, origin = 0) {
    this.bytes = bytes
    this.origin = origin
    this.executable = executable
  }

  /** First address after `pc` that cannot be fetched, at most a little beyond one instruction; `pc` itself when nothing can. */
  private fetchable(pc: number): number {
    if (pc >= this.first && pc + MAX_LENGTH <= this.end) return this.end
    const page = pc - (((pc % PAGE) + PAGE) % PAGE)
    const last = this.origin + this.bytes.length
    if (pc < this.origin || pc >= last || !this.executable(pc)) return pc
    this.first = page
    this.end = page + PAGE
    if (pc + MAX_LENGTH > this.end && this.end < last && this.executable(this.end)) this.end += PAGE
    if (this.end > last) this.end = last
    return this.end
  }

  /** Decodes the instruction at `pc`; returns one of DECODED. When truncated, `pc + insn.length` is the address that could not be fetched. */
  decode(decoder: Decoder, pc: number, insn: Insn): number {
    const end = this.fetchable(pc)
    if (end <= pc) {
      insn.pc = pc
      insn.length = 0
      return DECODED.truncated
    }
    return decoder.decode(this.bytes, pc - this.origin, end - this.origin, pc, insn)
  }
}
