/** Exists so that the meaning of an instruction is a few lines: operand reads and writes, addresses and control flow are common code here. */
import { assert } from '../base/errors.ts'
import type { Builder } from '../ir/builder.ts'
import { EXIT } from '../ir/exits.ts'
import type { Size } from '../ir/flags.ts'
import { REG } from '../ir/registers.ts'
import type { Node, Terminator } from '../ir/types.ts'
import { BASE_RIP, type Insn } from './insn.ts'
import { KIND, type Operand, WIDTH } from './table/operands.ts'

/** What MOV and PUSH read from ES, CS, SS, DS, FS, GS in a 64-bit Linux process. */
const SELECTORS = [0, 0x33, 0x2b, 0, 0, 0]

/** The view that a row's lifter has of its instruction. One object serves a whole block; nothing in it outlives the instruction. */
export class LiftContext {
  readonly b: Builder
  /** Must floating point follow MXCSR exactly (see semantics/sse-exact.ts)? */
  readonly exact: boolean
  insn: Insn = null!
  /** Width in bits of operand 0 (the operand size when there is none); 64 for wider ones. */
  size: Size = 32
  /** Guest address of the following instruction. */
  next = 0
  /** Did the instruction end its block? */
  ended = false
  private address: Node | null = null

  constructor(b: Builder, exact = false) {
    this.b = b
    this.exact = exact
  }

  /** Starts on the next instruction; the builder stands at its first op. */
  begin(insn: Insn): void {
    this.insn = insn
    this.next = insn.pc + insn.length
    this.ended = false
    this.address = null
    const operands = insn.form.operands
    const bits = operands.length > 0 ? this.width(operands[0]!) : insn.opsize
    this.size = (bits > 64 || bits === 0 ? 64 : bits) as Size
  }

  /** Width in bits of operand `i`; 0 for an address without access. */
  bits(i: number): number {
    return this.width(this.insn.form.operands[i]!)
  }

  private width(o: Operand): number {
    const width = this.insn.memory && this.inModrm(o) ? o.memWidth : o.width
    if (o.kind === KIND.immediate && o.signed) return this.insn.opsize
    if (width >= 0) return width
    const opsize = this.insn.opsize
    if (width === WIDTH.v) return opsize
    return width === WIDTH.y ? (opsize === 64 ? 64 : 32) : opsize === 16 ? 16 : 32
  }

  private inModrm(o: Operand): boolean {
    return o.kind === KIND.rm || o.kind === KIND.xmmRm || o.kind === KIND.mmxRm
  }

  /** Is operand `i` in memory? */
  isMem(i: number): boolean {
    const o = this.insn.form.operands[i]!
    if (this.inModrm(o)) return this.insn.memory
    return o.kind === KIND.memory || o.kind === KIND.offset || o.kind === KIND.source || o.kind === KIND.destination
  }

  /** Number of the register (general, XMM, ...) that operand `i` names; it must not be memory. */
  register(i: number): number {
    const o = this.insn.form.operands[i]!
    switch (o.kind) {
      case KIND.rm:
      case KIND.rmRegister:
      case KIND.opcode:
      case KIND.xmmRm:
      case KIND.xmmRegister:
        return this.insn.rm
      case KIND.mmxRm:
      case KIND.mmxRegister:
        return this.insn.rm & 7
      case KIND.mmx:
        return this.insn.reg & 7
      case KIND.fixed:
        return o.register
      case KIND.fixedSegment:
        return o.register
      case KIND.st0:
        return 0
      case KIND.sti:
        return this.insn.modrm & 7
      default:
        return this.insn.reg
    }
  }

  /**
   * Operand `i`: i32 (zero-extended) for 8, 16 and 32 bits, i64 for 64, v128 for an XMM register or 128 bits of memory. Signed immediates
   * are extended to the operand size; `Ib` and `Iw` are i32, zero-extended.
   */
  read(i: number): Node {
    const o = this.insn.form.operands[i]!
    const b = this.b
    switch (o.kind) {
      case KIND.reg:
        return this.getGeneral(this.insn.reg, this.width(o))
      case KIND.rmRegister:
      case KIND.opcode:
        return this.getGeneral(this.insn.rm, this.width(o))
      case KIND.rm:
        return this.insn.memory
          ? b.load(this.width(o) as Size, this.ea())
          : this.getGeneral(this.insn.rm, this.width(o))
      case KIND.fixed:
        return this.getFixed(o.register, this.width(o))
      case KIND.immediate:
        if (!o.signed) return b.i32(this.insn.immLo)
        return this.insn.opsize === 64
          ? b.i64pair(this.insn.immLo, this.insn.immHi)
          : b.i32(this.insn.opsize === 16 ? this.insn.immLo & 0xffff : this.insn.immLo)
      case KIND.one:
        return b.i32(1)
      case KIND.xmm:
        return b.get(REG.xmm0 + this.insn.reg)
      case KIND.xmmRegister:
        return b.get(REG.xmm0 + this.insn.rm)
      case KIND.xmmRm:
        if (!this.insn.memory) return b.get(REG.xmm0 + this.insn.rm)
        return this.loadAny(this.width(o))
      case KIND.memory:
      case KIND.offset:
      case KIND.mmxRm:
        assert(this.insn.memory, `no common read of ${this.insn.form.row.operands}`)
        return this.loadAny(this.width(o))
      case KIND.segment:
        return b.i32(SELECTORS[this.insn.reg]!)
      default:
        assert(false, `no common read of ${this.insn.form.row.operands}`)
    }
  }

  private loadAny(bits: number): Node {
    return bits === 128 ? this.b.load128(this.ea()) : this.b.load(bits as Size, this.ea())
  }

  /** Writes operand `i`: the low bits of `value`, of the type that `read` gives. A 32-bit register is zero-extended; 8 and 16 bits leave the rest alone. */
  write(i: number, value: Node): void {
    const o = this.insn.form.operands[i]!
    switch (o.kind) {
      case KIND.reg:
        this.putGeneral(this.insn.reg, this.width(o), value)
        return
      case KIND.rmRegister:
      case KIND.opcode:
        this.putGeneral(this.insn.rm, this.width(o), value)
        return
      case KIND.rm:
        if (this.insn.memory) this.b.store(this.width(o) as Size, this.ea(), value)
        else this.putGeneral(this.insn.rm, this.width(o), value)
        return
      case KIND.fixed:
        this.putFixed(o.register, this.width(o), value)
        return
      case KIND.xmm:
        this.b.put(REG.xmm0 + this.insn.reg, value)
        return
      case KIND.xmmRegister:
        this.b.put(REG.xmm0 + this.insn.rm, value)
        return
      case KIND.xmmRm:
        if (this.insn.memory) this.storeAny(this.width(o), value)
        else this.b.put(REG.xmm0 + this.insn.rm, value)
        return
      case KIND.memory:
      case KIND.offset:
      case KIND.mmxRm:
        assert(this.insn.memory, `no common write of ${this.insn.form.row.operands}`)
        this.storeAny(this.width(o), value)
        return
      default:
        assert(false, `no common write of ${this.insn.form.row.operands}`)
    }
  }

  private storeAny(bits: number, value: Node): void {
    if (bits === 128) this.b.store128(this.ea(), value)
    else this.b.store(bits as Size, this.ea(), value)
  }

  /** A general register as an operand of the instruction: without REX the 8-bit registers 4-7 are AH, CH, DH, BH. */
  private getGeneral(register: number, bits: number): Node {
    if (bits === 8 && register >= 4 && register < 8 && this.insn.rex === 0) {
      return this.b.and(this.b.shrU(this.b.to32(this.b.get(register - 4)), this.b.i32(8)), this.b.i32(0xff))
    }
    return this.getFixed(register, bits)
  }

  private putGeneral(register: number, bits: number, value: Node): void {
    if (bits === 8 && register >= 4 && register < 8 && this.insn.rex === 0) {
      const b = this.b
      const low = b.extendU(b.shl(b.and(value, b.i32(0xff)), b.i32(8)))
      b.put(register - 4, b.or(b.and(b.get(register - 4), b.i64pair(~0xff00, -1)), low))
      return
    }
    this.putFixed(register, bits, value)
  }

  /** The low `bits` of general register number `register`. */
  getFixed(register: number, bits: number): Node {
    const b = this.b
    const whole = b.get(register)
    if (bits === 64) return whole
    const word = b.to32(whole)
    return bits === 32 ? word : b.and(word, b.i32(bits === 16 ? 0xffff : 0xff))
  }

  /** Writes the low `bits` of general register number `register` with x86's rules for the rest. */
  putFixed(register: number, bits: number, value: Node): void {
    const b = this.b
    if (bits === 64) b.put(register, value)
    else if (bits === 32) b.put(register, b.extendU(value))
    else {
      const mask = bits === 16 ? 0xffff : 0xff
      b.put(register, b.or(b.and(b.get(register), b.i64pair(~mask, -1)), b.extendU(b.and(value, b.i32(mask)))))
    }
  }

  /** Effective address (i64) of the memory operand, segment base included; the operand's number does not matter, there is at most one. */
  ea(_i?: number): Node {
    if (this.address === null) this.address = this.segmented(this.offset())
    return this.address
  }

  /** Effective address without segment base, as LEA computes it: wraps at the address size. */
  offset(): Node {
    const b = this.b
    const insn = this.insn
    if (insn.base === BASE_RIP) {
      const address = this.next + insn.disp
      return insn.addrsize === 64 ? b.i64(address) : b.i64pair(address | 0, 0)
    }
    if (insn.addrsize === 32) {
      let sum: Node | null = insn.base >= 0 ? b.wrap(b.get(insn.base)) : null
      if (insn.index >= 0) {
        const scaled = b.shl(b.wrap(b.get(insn.index)), b.i32(insn.scale))
        sum = sum === null ? scaled : b.add(sum, scaled)
      }
      return b.extendU(sum === null ? b.i32(insn.disp) : b.add(sum, b.i32(insn.disp)))
    }
    let sum: Node | null = insn.base >= 0 ? b.get(insn.base) : null
    if (insn.index >= 0) {
      const scaled = b.shl(b.get(insn.index), b.i64(insn.scale))
      sum = sum === null ? scaled : b.add(sum, scaled)
    }
    if (sum !== null) return b.add(sum, b.i64(insn.disp))
    return insn.modrm < 0 ? b.i64pair(insn.disp, insn.dispHigh) : b.i64(insn.disp)
  }

  /** Adds the base of the segment that a prefix names, if it has one. */
  segmented(offset: Node): Node {
    if (this.insn.segment === 0) return offset
    return this.b.add(offset, this.b.get(this.insn.segment === 4 ? REG.fsBase : REG.gsBase))
  }

  /** Ends the block. */
  terminate(term: Terminator): void {
    this.b.terminate(term)
    this.ended = true
  }

  /** Ends the block with a fault at this instruction. */
  fault(reason: number): void {
    this.terminate({ kind: 'fault', reason, pc: this.insn.pc })
  }

  /** Raises #GP at this instruction unless `address` is a multiple of 16. */
  checkAligned16(address: Node): void {
    this.b.faultIf(this.b.and(this.b.wrap(address), this.b.i32(15)), EXIT.generalProtection)
  }
}
