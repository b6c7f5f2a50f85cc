/** Exists so that lifters write straight-line code: it appends ops to a block, folds constants and trivial patterns, and forwards registers within the block. */
import { COMPARE, compareBits, condition, type FlagRecord } from './conditions.ts'
import { ARITHMETIC_FLAGS, FLAG_KIND, type Size, sizeCode } from './flags.ts'
import { ops, type OpRow } from './ops.ts'
import { REG, REGISTER_SLOTS, registers } from './registers.ts'
import { fold } from './fold.ts'
import type { Block, Node, Terminator, Type } from './types.ts'

/** A node with no operands set; passes use it too. */
export function makeNode(
  op: OpRow,
  a: Node | null,
  b: Node | null,
  c: Node | null,
  imm: number,
  imm2: number,
  bytes: Uint8Array | null,
): Node {
  return { op, type: op.result, a, b, c, imm, imm2, bytes, uses: 0, local: -1 }
}

/** An empty block at `pc`; its terminator is replaced by the lifter. */
export function makeBlock(pc: number, internal: boolean): Block {
  return { pc, internal, insns: [], ops: [], term: { kind: 'jump', target: pc } }
}

const getOp = (type: Type): OpRow => (type === 'i64' ? ops.i64_get : type === 'v128' ? ops.v128_get : ops.i32_get)
const putOp = (type: Type): OpRow => (type === 'i64' ? ops.i64_put : type === 'v128' ? ops.v128_put : ops.i32_put)

/** How many ops back the builder looks for a value that it has already. */
const RECENT = 40

/** The same node, or equal integer constants. */
function sameValue(x: Node | null, y: Node | null): boolean {
  if (x === y) return true
  return (
    x !== null &&
    y !== null &&
    x.op === y.op &&
    (x.op === ops.i64_const || x.op === ops.i32_const) &&
    x.imm === y.imm &&
    x.imm2 === y.imm2
  )
}

/** Appends ops to one block at a time. Every method returns the node that holds the result. */
export class Builder {
  block: Block
  /** Are values that have been computed used again? */
  sharing = true
  /** The current value of each register in this block, where known. */
  private current: (Node | null)[] = new Array(REGISTER_SLOTS).fill(null)
  /** The flag record left by this block, where it is known statically. */
  private known: FlagRecord | null = null

  constructor(block: Block) {
    this.block = block
  }

  /** Continues in another block: nothing is known there about registers. */
  startBlock(block: Block): void {
    this.block = block
    this.current.fill(null)
    this.known = null
  }

  /** Marks the start of a guest instruction: ops from here on belong to it. */
  startInsn(pc: number, length: number): void {
    this.block.insns.push({ pc, length, firstOp: this.block.ops.length })
  }

  terminate(term: Terminator): void {
    this.block.term = term
  }

  /** Any op by its row; folds where a rule applies. */
  emit(
    op: OpRow,
    a: Node | null = null,
    b: Node | null = null,
    c: Node | null = null,
    imm = 0,
    imm2 = 0,
    bytes: Uint8Array | null = null,
  ): Node {
    if (op.effect === 'pure') {
      const folded = fold(this, op, a, b, c, imm)
      if (folded !== null) return folded
      if (a !== null && bytes === null && this.sharing) {
        const same = this.recent(op, a, b, c, imm, imm2)
        if (same !== null) return same
      }
    }
    const node = makeNode(op, a, b, c, imm, imm2, bytes)
    this.block.ops.push(node)
    return node
  }

  /** The same value computed a short while ago in this block: addresses above all are computed again and again. */
  private recent(op: OpRow, a: Node, b: Node | null, c: Node | null, imm: number, imm2: number): Node | null {
    const list = this.block.ops
    for (let i = list.length - 1, stop = Math.max(0, list.length - RECENT); i >= stop; i--) {
      const n = list[i]!
      if (n.op === op && n.a === a && sameValue(n.b, b) && n.c === c && n.imm === imm && n.imm2 === imm2) return n
    }
    return null
  }

  i32(value: number): Node {
    return this.emit(ops.i32_const, null, null, null, value | 0)
  }

  /** A 64-bit constant from a safe integer (sign-extended). */
  i64(value: number): Node {
    return this.i64pair(value | 0, Math.floor(value / 0x100000000) | 0)
  }

  /** A 64-bit constant from its low and high words. */
  i64pair(lo: number, hi: number): Node {
    return this.emit(ops.i64_const, null, null, null, lo | 0, hi | 0)
  }

  v128(bytes: Uint8Array): Node {
    return this.emit(ops.v128_const, null, null, null, 0, 0, bytes)
  }

  /** The current value of a register. */
  get(reg: number): Node {
    const known = this.current[reg]
    if (known !== null) return known
    const node = this.emit(getOp(registers[reg]!.type), null, null, null, reg)
    this.current[reg] = node
    return node
  }

  put(reg: number, value: Node): void {
    this.emit(putOp(registers[reg]!.type), value, null, null, reg)
    this.current[reg] = value
  }

  // Width-generic integer ops: operands are both i32 or both i64.
  add(a: Node, b: Node): Node {
    return this.emit(a.type === 'i64' ? ops.i64_add : ops.i32_add, a, b)
  }
  sub(a: Node, b: Node): Node {
    return this.emit(a.type === 'i64' ? ops.i64_sub : ops.i32_sub, a, b)
  }
  mul(a: Node, b: Node): Node {
    return this.emit(a.type === 'i64' ? ops.i64_mul : ops.i32_mul, a, b)
  }
  and(a: Node, b: Node): Node {
    return this.emit(a.type === 'i64' ? ops.i64_and : ops.i32_and, a, b)
  }
  or(a: Node, b: Node): Node {
    return this.emit(a.type === 'i64' ? ops.i64_or : ops.i32_or, a, b)
  }
  xor(a: Node, b: Node): Node {
    return this.emit(a.type === 'i64' ? ops.i64_xor : ops.i32_xor, a, b)
  }
  shl(a: Node, b: Node): Node {
    return this.emit(a.type === 'i64' ? ops.i64_shl : ops.i32_shl, a, b)
  }
  shrU(a: Node, b: Node): Node {
    return this.emit(a.type === 'i64' ? ops.i64_shr_u : ops.i32_shr_u, a, b)
  }
  shrS(a: Node, b: Node): Node {
    return this.emit(a.type === 'i64' ? ops.i64_shr_s : ops.i32_shr_s, a, b)
  }
  eq(a: Node, b: Node): Node {
    return this.emit(a.type === 'i64' ? ops.i64_eq : ops.i32_eq, a, b)
  }
  ne(a: Node, b: Node): Node {
    return this.emit(a.type === 'i64' ? ops.i64_ne : ops.i32_ne, a, b)
  }
  ltU(a: Node, b: Node): Node {
    return this.emit(a.type === 'i64' ? ops.i64_lt_u : ops.i32_lt_u, a, b)
  }
  ltS(a: Node, b: Node): Node {
    return this.emit(a.type === 'i64' ? ops.i64_lt_s : ops.i32_lt_s, a, b)
  }
  eqz(a: Node): Node {
    return this.emit(a.type === 'i64' ? ops.i64_eqz : ops.i32_eqz, a)
  }
  /** `cond != 0 ? a : b`, for any type. */
  select(cond: Node, a: Node, b: Node): Node {
    const t = a.type
    const op =
      t === 'i64'
        ? ops.i64_select
        : t === 'v128'
          ? ops.v128_select
          : t === 'f64'
            ? ops.f64_select
            : t === 'f32'
              ? ops.f32_select
              : ops.i32_select
    return this.emit(op, a, b, cond)
  }
  /** Constant of the same type as `like`. */
  constLike(like: Node, value: number): Node {
    return like.type === 'i64' ? this.i64(value) : this.i32(value)
  }
  wrap(a: Node): Node {
    return this.emit(ops.i32_wrap_i64, a)
  }
  extendU(a: Node): Node {
    return this.emit(ops.i64_extend_i32_u, a)
  }
  extendS(a: Node): Node {
    return this.emit(ops.i64_extend_i32_s, a)
  }
  /** To i64, zero-extended from i32 if need be. */
  to64(a: Node): Node {
    return a.type === 'i64' ? a : this.extendU(a)
  }
  /** To i32: the low word of an i64. */
  to32(a: Node): Node {
    return a.type === 'i64' ? this.wrap(a) : a
  }

  // Guest memory; `address` is i64. Integer loads below 64 bits give a zero-extended i32.
  load(size: Size, address: Node): Node {
    return this.emit(size === 8 ? ops.load8 : size === 16 ? ops.load16 : size === 32 ? ops.load32 : ops.load64, address)
  }
  /** Stores the low `size` bits of `value` (i32 for 8, 16, 32; i64 for 64). */
  store(size: Size, address: Node, value: Node): void {
    this.emit(
      size === 8 ? ops.store8 : size === 16 ? ops.store16 : size === 32 ? ops.store32 : ops.store64,
      address,
      value,
    )
  }
  load128(address: Node): Node {
    return this.emit(ops.load128, address)
  }
  store128(address: Node, value: Node): void {
    this.emit(ops.store128, address, value)
  }
  /** Faults now if `bytes` bytes at `address` cannot be written. */
  probeWrite(address: Node, bytes: number): void {
    this.emit(ops.probe_write, address, null, null, bytes)
  }

  /** Raises EXIT reason `reason` at this instruction when `cond` (i32) is not zero. */
  faultIf(cond: Node, reason: number): void {
    this.emit(ops.fault_if, cond, null, null, reason)
  }

  /** CPU state outside the registers, by byte offset (STATE in registers.ts). */
  stateLoad(bits: 32 | 64 | 128, offset: number): Node {
    return this.emit(
      bits === 32 ? ops.state_load32 : bits === 64 ? ops.state_load64 : ops.state_load128,
      null,
      null,
      null,
      offset,
    )
  }
  stateStore(bits: 32 | 64 | 128, offset: number, value: Node): void {
    this.emit(
      bits === 32 ? ops.state_store32 : bits === 64 ? ops.state_store64 : ops.state_store128,
      value,
      null,
      null,
      offset,
    )
  }
  /** Calls a helper (see HELPER in ir/helpers.ts) with two i32 operands. */
  helper(id: number, a: Node, b: Node): Node {
    return this.emit(ops.helper, a, b, null, id)
  }

  /** Leaves a flag record; operands of i32 are zero-extended and must already be zero-extended from `size`. */
  setFlags(kind: number, size: Size, a: Node, b: Node): void {
    this.putRecord(this.i32(kind * 4 + sizeCode(size)), this.to64(a), this.to64(b))
    this.known = { kind, size, a, b }
  }

  /** The same, only when `cond` (i32) is not zero; otherwise flags are unchanged. */
  setFlagsIf(cond: Node, kind: number, size: Size, a: Node, b: Node): void {
    const record = this.i32(kind * 4 + sizeCode(size))
    this.putRecord(
      this.select(cond, record, this.get(REG.flagKind)),
      this.select(cond, this.to64(a), this.get(REG.flagA)),
      this.select(cond, this.to64(b), this.get(REG.flagB)),
    )
    this.known = null
  }

  /** ZF, SF, PF from `result`; CF, AF, OF from `bits` (i32, EFLAGS positions) or cleared. */
  setFlagsResult(size: Size, result: Node, bits: Node | null): void {
    this.setFlags(FLAG_KIND.result, size, result, bits ?? this.i64(0))
  }

  /** Flags of UCOMISx and COMISx on two f32 or two f64: ZF, PF, CF from the comparison, the others cleared. */
  setFlagsCompare(a: Node, b: Node): void {
    this.putFlags(compareBits(this, a, b))
    this.known = { kind: COMPARE, size: 64, a, b }
  }

  /** i32 0 or 1: does condition `cc` hold? */
  cond(cc: number): Node {
    if (this.known !== null) return condition(this, cc, this.known)
    return this.emit(ops.flags_cond, this.get(REG.flagKind), this.get(REG.flagA), this.get(REG.flagB), cc)
  }

  /** i32: the six arithmetic flags in EFLAGS positions. */
  getFlags(): Node {
    return this.emit(ops.flags_materialize, this.get(REG.flagKind), this.get(REG.flagA), this.get(REG.flagB))
  }

  /** Sets all six arithmetic flags from EFLAGS positions (i32; other bits are ignored). */
  putFlags(bits: Node): void {
    this.setFlags(FLAG_KIND.explicit, 64, this.and(bits, this.i32(ARITHMETIC_FLAGS)), this.i64(0))
  }

  private putRecord(kind: Node, a: Node, b: Node): void {
    this.put(REG.flagKind, kind)
    this.put(REG.flagA, a)
    this.put(REG.flagB, b)
  }
}
