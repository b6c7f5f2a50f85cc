/**
 * Exists because every translated region is serialised on the critical path of a run: a growable buffer that writes
 * WebAssembly's byte formats without allocating, without BigInt and without an intermediate tree.
 */

import * as OP from './opcodes.ts'

/** Longest single write besides `bytes`: a prefixed instruction with two full LEBs, or a 16-byte constant. */
const LONGEST_WRITE = 32

/** Bit 6 of a memarg's alignment says that a memory index follows (specification, section 5.4.7). */
const MEMARG_HAS_MEMORY = 0x40

/**
 * Appends WebAssembly encodings to a buffer that grows by doubling and is kept when `reset`. Only `bytes[0..length)` is
 * meaningful; the array may be replaced by any write, so callers must not hold it. Immediates are 32-bit numbers (signed
 * or unsigned alike, unless said otherwise); 64-bit ones are (lo, hi) pairs of them.
 */
export class CodeWriter {
  bytes: Uint8Array
  length: number

  constructor(capacity = 1024) {
    this.bytes = new Uint8Array(Math.max(capacity, LONGEST_WRITE))
    this.length = 0
  }

  /** Forgets the content and keeps the buffer. */
  reset(): void {
    this.length = 0
  }

  /** The content, as a copy that belongs to the caller. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.bytes.subarray(0, this.length))
  }

  u8(value: number): void {
    if (this.length + LONGEST_WRITE > this.bytes.length) this.grow(LONGEST_WRITE)
    this.bytes[this.length++] = value
  }

  /** Four bytes, little-endian. */
  u32(value: number): void {
    if (this.length + LONGEST_WRITE > this.bytes.length) this.grow(LONGEST_WRITE)
    this.writeU32(value)
  }

  /** Unsigned LEB128 of `value >>> 0`. */
  u32leb(value: number): void {
    if (this.length + LONGEST_WRITE > this.bytes.length) this.grow(LONGEST_WRITE)
    this.writeU32leb(value)
  }

  /** Signed LEB128 of `value | 0`. */
  s32leb(value: number): void {
    if (this.length + LONGEST_WRITE > this.bytes.length) this.grow(LONGEST_WRITE)
    this.writeS32leb(value)
  }

  /** Signed LEB128 of the 64-bit two's complement value `hi:lo`. */
  s64leb(lo: number, hi: number): void {
    if (this.length + LONGEST_WRITE > this.bytes.length) this.grow(LONGEST_WRITE)
    lo |= 0
    hi |= 0
    // A value that is the sign extension of its low word has the 32-bit encoding.
    if (hi === lo >> 31) {
      this.writeS32leb(lo)
      return
    }
    const bytes = this.bytes
    let at = this.length
    for (;;) {
      const low = lo & 0x7f
      lo = (lo >>> 7) | (hi << 25)
      hi >>= 7
      const sign = -((low >> 6) & 1)
      if (lo === sign && hi === sign) {
        bytes[at++] = low
        break
      }
      bytes[at++] = low | 0x80
    }
    this.length = at
  }

  /** Raw bytes. */
  raw(source: Uint8Array): void {
    if (this.length + source.length + LONGEST_WRITE > this.bytes.length) this.grow(source.length + LONGEST_WRITE)
    this.bytes.set(source, this.length)
    this.length += source.length
  }

  /** The content of another writer. */
  append(other: CodeWriter): void {
    this.raw(other.bytes.subarray(0, other.length))
  }

  /** A name: the length in bytes, then UTF-8. */
  name(text: string): void {
    const encoded = new TextEncoder().encode(text)
    this.u32leb(encoded.length)
    this.raw(encoded)
  }

  /** An opcode of the table in opcodes.ts, plain or prefixed, without immediates. */
  op(opcode: number): void {
    if (this.length + LONGEST_WRITE > this.bytes.length) this.grow(LONGEST_WRITE)
    this.writeOp(opcode)
  }

  /** An opcode with one index (local, global, function, memory, label depth, data or element segment). */
  opIndex(opcode: number, index: number): void {
    if (this.length + LONGEST_WRITE > this.bytes.length) this.grow(LONGEST_WRITE)
    this.writeOp(opcode)
    this.writeU32leb(index)
  }

  /** A load or store: `align` is log2 of the promised alignment, `offset` an unsigned 32-bit displacement. */
  opMemory(opcode: number, align: number, offset: number, memory = 0): void {
    if (this.length + LONGEST_WRITE > this.bytes.length) this.grow(LONGEST_WRITE)
    this.writeOp(opcode)
    if (memory === 0) {
      this.bytes[this.length++] = align
    } else {
      this.bytes[this.length++] = align | MEMARG_HAS_MEMORY
      this.writeU32leb(memory)
    }
    this.writeU32leb(offset)
  }

  /** `v128.load8_lane` and its kin: a memory access followed by a lane number. */
  opMemoryLane(opcode: number, align: number, offset: number, lane: number, memory = 0): void {
    this.opMemory(opcode, align, offset, memory)
    this.bytes[this.length++] = lane
  }

  /** `i8x16.extract_lane_s` and its kin: an opcode with a lane number. */
  opLane(opcode: number, lane: number): void {
    this.op(opcode)
    this.bytes[this.length++] = lane
  }

  /** `block`, `loop` or `if` with a block type: `BLOCK_VOID`, a value type, or (≥ 0) the index of a function type. */
  opBlock(opcode: number, blockType: number): void {
    this.op(opcode)
    this.writeS32leb(blockType)
  }

  localGet(index: number): void {
    this.opIndex(OP.local_get, index)
  }

  localSet(index: number): void {
    this.opIndex(OP.local_set, index)
  }

  localTee(index: number): void {
    this.opIndex(OP.local_tee, index)
  }

  i32Const(value: number): void {
    if (this.length + LONGEST_WRITE > this.bytes.length) this.grow(LONGEST_WRITE)
    this.bytes[this.length++] = OP.i32_const
    this.writeS32leb(value)
  }

  i64Const(lo: number, hi: number): void {
    this.u8(OP.i64_const)
    this.s64leb(lo, hi)
  }

  /** `f32.const` of the value with these bits (a NaN keeps its payload). */
  f32Const(bits: number): void {
    this.op(OP.f32_const)
    this.writeU32(bits)
  }

  /** `f64.const` of the value with the bits `hi:lo` (a NaN keeps its payload). */
  f64Const(lo: number, hi: number): void {
    this.op(OP.f64_const)
    this.writeU32(lo)
    this.writeU32(hi)
  }

  /** `v128.const` of four 32-bit lanes, lane 0 first. */
  v128Const(lane0: number, lane1: number, lane2: number, lane3: number): void {
    this.op(OP.v128_const)
    this.writeU32(lane0)
    this.writeU32(lane1)
    this.writeU32(lane2)
    this.writeU32(lane3)
  }

  /** `i8x16.shuffle` with its 16 lane numbers (0–15 the first operand's lanes, 16–31 the second's). */
  shuffle(lanes: ArrayLike<number>): void {
    this.op(OP.i8x16_shuffle)
    for (let i = 0; i < 16; i++) this.bytes[this.length++] = lanes[i]
  }

  brTable(depths: readonly number[], defaultDepth: number): void {
    this.op(OP.br_table)
    this.u32leb(depths.length)
    for (const depth of depths) this.u32leb(depth)
    this.u32leb(defaultDepth)
  }

  callIndirect(typeIndex: number, tableIndex: number): void {
    this.opIndex(OP.call_indirect, typeIndex)
    this.u32leb(tableIndex)
  }

  returnCallIndirect(typeIndex: number, tableIndex: number): void {
    this.opIndex(OP.return_call_indirect, typeIndex)
    this.u32leb(tableIndex)
  }

  /** `memory.copy` between memories; both 0 by default. */
  memoryCopy(destination = 0, source = 0): void {
    this.opIndex(OP.memory_copy, destination)
    this.u32leb(source)
  }

  memoryFill(memory = 0): void {
    this.opIndex(OP.memory_fill, memory)
  }

  private grow(room: number): void {
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + room))
    larger.set(this.bytes)
    this.bytes = larger
  }

  // The write* methods assume that LONGEST_WRITE bytes are free.

  private writeOp(opcode: number): void {
    if (opcode > 0xff) {
      this.bytes[this.length++] = opcode >> 8
      this.writeU32leb(opcode & 0xff)
    } else {
      this.bytes[this.length++] = opcode
    }
  }

  private writeU32(value: number): void {
    const bytes = this.bytes
    const at = this.length
    bytes[at] = value
    bytes[at + 1] = value >> 8
    bytes[at + 2] = value >> 16
    bytes[at + 3] = value >> 24
    this.length = at + 4
  }

  private writeU32leb(value: number): void {
    const bytes = this.bytes
    let at = this.length
    value >>>= 0
    while (value > 0x7f) {
      bytes[at++] = value | 0x80
      value >>>= 7
    }
    bytes[at++] = value
    this.length = at
  }

  private writeS32leb(value: number): void {
    const bytes = this.bytes
    let at = this.length
    value |= 0
    while (value < -0x40 || value > 0x3f) {
      bytes[at++] = value | 0x80
      value >>= 7
    }
    bytes[at++] = value & 0x7f
    this.length = at
  }
}
