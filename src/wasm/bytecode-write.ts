/** Exists to turn the blocks at one address into bytecode: cold code is executed too rarely to be worth a module of its own. */
import { ops, type OpRow } from '../ir/ops.ts'
import { POINT } from '../ir/passes/points.ts'
import { REG, registers, REGISTER_SLOTS } from '../ir/registers.ts'
import type { Block, Node, Target, Type } from '../ir/types.ts'
import { BYTECODE, conditional, FRAME, opcodeOf, takesImmediate } from './bytecode-ops.ts'
import { accessOf } from './lower-access.ts'
import { DEAD, prepareBlock } from './lower-prepare.ts'
import { ACCESS } from './runtime-index.ts'
import { USE_SHIFT } from './runtime.ts'

/** Where bytecode finds things: the CPU state, and room for values, both below 64 KiB. The first 16 bytes of the room are always 0. */
export interface BytecodeLayout {
  stateBase: number
  frameBase: number
  frameEnd: number
  guestMin: number
  guestLimit: number
}

const COPY: Record<Type, number> = {
  i32: BYTECODE.copy32,
  f32: BYTECODE.copy32,
  i64: BYTECODE.copy64,
  f64: BYTECODE.copy64,
  v128: BYTECODE.copy128,
}

/** Where an access of so many bytes is in a row of opcodes for 1, 2, 4, 8 and 16. */
const rank = (bytes: number): number => 31 - Math.clz32(bytes)

/** How the lane ops read or write a lane: opcode, and bytes of a lane. */
const EXTRACT = new Map([
  [ops.i8x16_extract_lane_u, [BYTECODE.copy8u, 1]],
  [ops.i8x16_extract_lane_s, [BYTECODE.copy8s, 1]],
  [ops.i16x8_extract_lane_u, [BYTECODE.copy16u, 2]],
  [ops.i16x8_extract_lane_s, [BYTECODE.copy16s, 2]],
  [ops.i32x4_extract_lane, [BYTECODE.copy32, 4]],
  [ops.f32x4_extract_lane, [BYTECODE.copy32, 4]],
  [ops.i64x2_extract_lane, [BYTECODE.copy64, 8]],
  [ops.f64x2_extract_lane, [BYTECODE.copy64, 8]],
] as const)
const REPLACE = new Map([
  [ops.i8x16_replace_lane, [BYTECODE.lane8, 1]],
  [ops.i16x8_replace_lane, [BYTECODE.lane16, 2]],
  [ops.i32x4_replace_lane, [BYTECODE.copy32, 4]],
  [ops.f32x4_replace_lane, [BYTECODE.copy32, 4]],
  [ops.i64x2_replace_lane, [BYTECODE.copy64, 8]],
  [ops.f64x2_replace_lane, [BYTECODE.copy64, 8]],
] as const)

/** Thrown when a block has more values than there is room for, or ops of a variant of code that is never interpreted. */
class Unfit extends Error {}

/** Writes units of bytecode; buffers are reused. */
export class BytecodeWriter {
  private readonly layout: BytecodeLayout
  private words = new Int32Array(1024)
  private length = 0
  private next = 0
  private readonly pendingGet: (Node | null)[] = new Array(REGISTER_SLOTS).fill(null)
  /** Values that are in the register which they were computed for. */
  private readonly held: (Node | null)[] = new Array(REGISTER_SLOTS).fill(null)
  private pc = 0
  private refund = 0
  private checked = false
  private blocks: readonly Block[] = []
  private codeFor: ((pc: number) => number) | null = null
  /** `goto`s and the blocks that they go to. */
  private readonly jumps: { at: number; to: number }[] = []

  constructor(layout: BytecodeLayout) {
    this.layout = layout
  }

  /**
   * The unit of `blocks`, of which the first is the entry, or null when it cannot be one. `codeFor` gives entry codes of other units; without it (straight code), control
   * goes back to the engine wherever it leaves the blocks. The visits are counted in word 2 of a unit with codes. `checked`: the blocks compute which bits are defined. `own`
   * is the entry code of the unit itself, if it has one.
   */
  write(
    blocks: readonly Block[],
    codeFor: ((pc: number) => number) | null,
    checked: boolean,
    own: number,
  ): Uint8Array | null {
    this.length = 0
    this.checked = checked
    this.blocks = blocks
    this.codeFor = codeFor
    this.jumps.length = 0
    const places: number[] = []
    try {
      for (const [i, block] of blocks.entries()) {
        places.push(this.length)
        const count = block.insns.length
        if (i === 0 && codeFor !== null) this.put(BYTECODE.enter, count, block.pc, 0, own)
        else if (count > 0) this.put(BYTECODE.block, count, block.pc)
        this.block(block)
        this.terminator(block, i)
      }
    } catch (error) {
      if (error instanceof Unfit) return null
      throw error
    }
    for (const { at, to } of this.jumps) this.words[at + 1] = (places[to]! - at) * 4
    return new Uint8Array(this.words.slice(0, this.length).buffer)
  }

  /** Appends words; `high` is the upper half of the first one. */
  private put(opcode: number, high: number, a = 0, b = 0, c = 0, d = 0): number {
    const at = this.length
    const size = arguments.length - 1
    if (at + size > this.words.length) {
      const larger = new Int32Array(this.words.length * 2)
      larger.set(this.words)
      this.words = larger
    }
    const { words } = this
    words[at] = opcode | (high << 16)
    if (size > 1) words[at + 1] = a
    if (size > 2) words[at + 2] = b
    if (size > 3) words[at + 3] = c
    if (size > 4) words[at + 4] = d
    this.length = at + size
    return at
  }

  /** Room for a value of the block at hand. */
  private fresh(): number {
    const at = this.next
    this.next += 16
    if (this.next > this.layout.frameEnd) throw new Unfit()
    return at
  }

  private registerAt(reg: number): number {
    return this.layout.stateBase + registers[reg]!.offset
  }

  private block(block: Block): void {
    prepareBlock(block)
    this.next = this.layout.frameBase + FRAME.values
    this.pendingGet.fill(null)
    this.held.fill(null)
    let insn = 0
    const total = block.insns.length
    this.pc = block.pc
    this.refund = block.internal ? 1 : total
    for (let i = 0; i < block.ops.length; i++) {
      while (insn < total && block.insns[insn]!.firstOp <= i) {
        this.pc = block.insns[insn]!.pc
        this.refund = total - insn
        insn++
      }
      const node = block.ops[i]!
      if (node.uses === DEAD) continue
      if (this.record(block.ops, i)) i += 2
      else if (!this.inRegister(block.ops, i)) this.statement(node)
    }
  }

  /** Are the three ops from `i` on a whole flag record? Then one operation writes it. */
  private record(list: readonly Node[], i: number): boolean {
    const [kind, a, b] = [list[i]!, list[i + 1], list[i + 2]]
    if (kind.op !== ops.i32_put || kind.imm !== REG.flagKind || kind.a!.op !== ops.i32_const) return false
    if (a?.op !== ops.i64_put || a.imm !== REG.flagA || a.uses === DEAD) return false
    if (b?.op !== ops.i64_put || b.imm !== REG.flagB || b.uses === DEAD) return false
    this.save(REG.flagKind, null)
    this.save(REG.flagA, null)
    this.save(REG.flagB, null)
    const x = this.value(a.a!)
    if (isShort(b.a!) && b.a!.imm !== 0) this.put(BYTECODE.flagsOf, kind.a!.imm, x, b.a!.imm)
    else this.put(BYTECODE.flags, kind.a!.imm, x | (this.value(b.a!) << 16))
    return true
  }

  /** Keeps what was read of a register, or is held there, when it is about to be written, unless nothing but the value to be written still wants it. */
  private save(reg: number, tree: Node | null): void {
    const [pending, held] = [this.pendingGet[reg], this.held[reg]]
    this.pendingGet[reg] = this.held[reg] = null
    const isMoved = held !== null && this.keep(held!, reg, tree)
    if (!pending || pending.local >= 0) return
    if (isMoved) pending.local = held!.local
    else this.keep(pending, reg, tree)
  }

  /** Gives a value that is in a register a place of its own, if it is wanted besides by `tree`. */
  private keep(node: Node, reg: number, tree: Node | null): boolean {
    if (node.uses <= 0 || (tree !== null && usesIn(tree, node) === node.uses)) return false
    const at = this.fresh()
    this.put(COPY[node.type!], at, this.registerAt(reg))
    node.local = at
    return true
  }

  /** Is the op `i` what a register is about to be written with, and nobody looks at the register before? Then it is computed there. */
  private inRegister(list: readonly Node[], i: number): boolean {
    const node = list[i]!
    const { effect } = node.op
    const loads = effect === 'load' && node.type !== 'f32' && node.type !== 'f64'
    if (!loads && (effect !== 'pure' || node.uses < 2 || node.op.args.length === 0)) return false
    let put = i + 1
    for (; put < list.length; put++) {
      const { op, a } = list[put]!
      if (op.effect === 'put' && (a === node || (loads && isExtended(a!, node)))) break
      if (op.effect !== 'pure' && op.effect !== 'get' && op.effect !== 'put') return false
    }
    if (put === list.length || list[put]!.uses === DEAD) return false
    const { a, imm: reg } = list[put]!
    if (a!.type !== 'i64' && a!.type !== 'v128') return false
    for (let at = i + 1; at < put; at++) if (list[at]!.op.effect !== 'pure' && list[at]!.imm === reg) return false
    const pending = this.pendingGet[reg]
    const tree = loads ? node.a! : node
    // The address may be wanted again, and be computed then.
    if (loads && tree.local < 0 && tree.uses > 1) return false
    if (pending && pending.local < 0 && pending.uses > usesIn(tree, pending)) return false
    this.save(reg, tree)
    const to = this.registerAt(reg)
    if (loads) this.access(node, to)
    else this.compute(node, to)
    a!.local = to
    this.held[reg] = a!
    return true
  }

  private statement(node: Node): void {
    switch (node.op.effect) {
      case 'pure':
        // A register and a distance are computed where they are wanted: that is often part of an access, or for the register itself.
        if (node.uses > 1 && node.op.args.length > 0 && !isDistance(node)) this.compute(node, this.fresh())
        return
      case 'get':
        this.pendingGet[node.imm] = node
        return
      case 'put': {
        if (this.held[node.imm] === node.a) {
          node.a!.uses--
          return
        }
        this.save(node.imm, node.a)
        const to = this.registerAt(node.imm)
        const { uses, type, op } = node.a!
        // What is wanted again must not be in the register; and what computes an i32 writes 64 bits.
        const here = op.args.length === 0 || (uses === 1 && type !== 'i32')
        const from = this.value(node.a!, here ? to : -1)
        if (from !== to) this.put(COPY[node.a!.type!], to, from)
        return
      }
      case 'load':
      case 'store':
        return this.access(node)
      case 'guard':
        if (node.op === ops.probe_write) return this.access(node)
        if (node.op === ops.point) return this.point(node)
        if (node.op === ops.undefined_if) {
          this.put(BYTECODE.undefinedIf, this.value(node.a!), node.imm | (node.imm2 << USE_SHIFT), this.refund, this.pc)
          return
        }
        if (node.op !== ops.fault_if) throw new Unfit()
        this.put(BYTECODE.faultIf, this.value(node.a!), node.imm | (this.refund << 16), this.pc)
        return
      case 'shadow':
        return this.shadow(node)
      case 'state':
        return this.state(node)
      default:
        throw new Unfit()
    }
  }

  private point(node: Node): void {
    const address = this.value(node.a!)
    this.put(BYTECODE.point, this.value(node.b!), address, node.imm | (this.refund << POINT.refundShift), this.pc)
  }

  private access(node: Node, want = -1): void {
    const row = accessOf(node.op) ?? { bytes: node.imm, store: true }
    const [address, displacement] = this.address(node.a!)
    const kind = row.bytes | (row.store ? ACCESS.store : 0) | (this.refund << ACCESS.refundShift)
    let opcode = BYTECODE.probe
    let value = 0
    if (node.op !== ops.probe_write) {
      const plain = row.store ? BYTECODE.store8 : BYTECODE.load8
      const checked = row.store ? BYTECODE.checkedStore8 : BYTECODE.checkedLoad8
      opcode = (this.checked ? checked : plain) + rank(row.bytes)
      value = row.store ? this.value(node.b!) : want < 0 ? this.fresh() : want
      if (!row.store) node.local = value
    }
    this.put(opcode, value, address, displacement, this.pc, kind)
  }

  /** A place with an address, and what is to be added to it. */
  private address(node: Node): [number, number] {
    if (isShort(node)) return [this.layout.frameBase, node.imm]
    if (node.op === ops.i64_add && node.local < 0 && isShort(node.b!)) {
      // As long as the sum is wanted, so is what it is computed of.
      if (--node.uses > 0) node.a!.uses++
      return [this.value(node.a!), node.b!.imm]
    }
    return [this.value(node), 0]
  }

  /** V bits of the access before: those that were found are in the frame. */
  private shadow(node: Node): void {
    const { op } = node
    if (node.type !== null) {
      node.local = this.fresh()
      this.put(COPY[node.type], node.local, this.layout.frameBase + FRAME.bits)
    } else this.put(BYTECODE.shadow8 + rank(Number(/\d+$/.exec(op.name)![0]) / 8), this.value(node.a!))
  }

  private state(node: Node): void {
    const at = this.layout.stateBase + node.imm
    switch (node.op) {
      case ops.stack_claim:
        this.put(BYTECODE.claim, this.value(node.a!), node.imm)
        return
      case ops.stack_moved: {
        const from = this.value(node.a!)
        this.put(BYTECODE.moved, from, this.value(node.b!))
        return
      }
      case ops.state_store32:
      case ops.state_store64:
      case ops.state_store128:
        this.put(COPY[node.op.args[0]!], at, this.value(node.a!))
        return
      case ops.state_load32:
      case ops.state_load64:
      case ops.state_load128:
        node.local = this.fresh()
        this.put(COPY[node.type!], node.local, at)
        return
      default: {
        const [a, b] = [this.value(node.a!), this.value(node.b!)]
        node.local = this.fresh()
        this.put(BYTECODE.helper, node.local, a | (b << 16), node.imm, this.refund)
      }
    }
  }

  /** Where the node's value is: what is not yet computed is computed now, at `want` if that is given. */
  private value(node: Node, want = -1): number {
    if (node.op.args.length === 0 && node.op.effect === 'pure') return this.constant(node, want)
    node.uses--
    if (node.local >= 0) return node.local
    if (node.op.effect === 'get') return this.registerAt(node.imm)
    // The lower half of a value is where the value is, and what was zero-extended is already.
    if (node.uses === 0 && want < 0 && (node.op === ops.i32_wrap_i64 || isExtension(node))) return this.value(node.a!)
    return this.compute(node, want < 0 ? this.fresh() : want)
  }

  private constant(node: Node, want: number): number {
    const zero = node.bytes === null ? node.imm === 0 && node.imm2 === 0 : node.bytes.every((byte) => byte === 0)
    if (zero && want < 0) return this.layout.frameBase
    const at = want < 0 ? this.fresh() : want
    if (node.bytes !== null) {
      const v = new DataView(node.bytes.buffer, node.bytes.byteOffset, 16)
      this.put(
        BYTECODE.const128,
        at,
        v.getInt32(0, true),
        v.getInt32(4, true),
        v.getInt32(8, true),
        v.getInt32(12, true),
      )
    } else if (node.type === 'i32' || node.type === 'f32') this.put(BYTECODE.const32, at, node.imm)
    else this.put(BYTECODE.const64, at, node.imm, node.imm2)
    return at
  }

  private compute(node: Node, at: number): number {
    const extract = EXTRACT.get(node.op as never)
    const replace = REPLACE.get(node.op as never)
    if (extract !== undefined) this.put(extract[0], at, this.value(node.a!) + node.imm * extract[1])
    else if (replace !== undefined) {
      const [vector, lane] = [this.value(node.a!), this.value(node.b!)]
      if (vector !== at) this.put(BYTECODE.copy128, at, vector)
      this.put(replace[0], at + node.imm * replace[1], lane)
    } else if (node.op === ops.i8x16_shuffle) {
      const operands = this.value(node.a!) | (this.value(node.b!) << 16)
      const v = new DataView(node.bytes!.buffer, node.bytes!.byteOffset, 16)
      this.put(BYTECODE.shuffle, at, operands)
      for (let i = 0; i < 16; i += 4) this.word(v.getInt32(i, true))
    } else if (node.op === ops.guarded_i32 || node.op === ops.guarded_i64 || node.op === ops.guarded_v128) {
      this.guarded(node, at)
    } else if (node.op === ops.i64_extend_i32_u && isComputed(node.a!)) {
      node.a!.uses--
      this.operation(node.a!, at)
    } else this.operation(node, at)
    node.local = at
    return at
  }

  /** Zero, or if the condition holds what is computed only then. */
  private guarded(node: Node, at: number): void {
    const condition = this.value(node.a!)
    // Not at once where the value is wanted: what it is computed of may be there.
    const to = this.fresh()
    this.put(COPY[node.type!], to, this.layout.frameBase)
    this.computeShared(node.b!)
    const skip = this.put(BYTECODE.unless, condition, 0)
    const from = this.value(node.b!, to)
    if (from !== to) this.put(COPY[node.type!], to, from)
    this.words[skip + 1] = (this.length - skip) * 4
    this.put(COPY[node.type!], at, to)
  }

  /** What is wanted elsewhere, too, must not be computed on one of two ways only. */
  private computeShared(node: Node): void {
    if (node.local >= 0 || node.op.effect !== 'pure' || node.op.args.length === 0) return
    if (node.uses > 1) this.compute(node, this.fresh())
    else for (const part of [node.a, node.b, node.c]) if (part !== null) this.computeShared(part)
  }

  private operation(node: Node, at: number): void {
    const opcode = opcodeOf(node.op)! + (conditional(node.op) ? node.imm : 0)
    const { a, b, c } = node
    const x = this.value(a!)
    const constant = b !== null && (b.op === ops.i32_const || isShort(b))
    if (constant && takesImmediate(node.op)) this.put(opcode + 1, at, x, b.imm)
    else if (b === null) this.put(opcode, at, x)
    else {
      const operands = x | (this.value(b) << 16)
      if (c === null) this.put(opcode, at, operands)
      else this.put(opcode, at, operands, this.value(c))
    }
  }

  /** One more word. */
  private word(value: number): void {
    this.put(value & 0xffff, value >>> 16)
  }

  /** Goes on at a target, in place if that is what follows block `i` and it may; with `i` -1 it may not. */
  private go(target: Target, i: number): void {
    const to = this.placeOf(target)
    if (to < 0) return this.outside(target as number)
    if (i >= 0 && to === i + 1) return
    this.jumps.push({ at: this.put(BYTECODE.goto, 0, 0), to })
  }

  /** Which of the unit's blocks a target is, or -1. */
  private placeOf(target: Target): number {
    return this.blocks.findIndex((block) => block === target || (!block.internal && block.pc === target))
  }

  private isPlace(pc: number): boolean {
    return pc >= this.layout.guestMin && pc < this.layout.guestLimit
  }

  private outside(pc: number): void {
    if (!this.isPlace(pc)) this.put(BYTECODE.wild, 0, pc | 0, Math.floor(pc / 0x1_0000_0000) | 0)
    else if (this.codeFor === null) this.put(BYTECODE.leave, 0, pc)
    else this.put(BYTECODE.jump, 0, this.codeFor(pc))
  }

  private branch(cond: Node, then: Target, other: Target, i: number): void {
    if (cond.op === ops.i32_eqz && cond.uses === 1 && cond.local < 0) return this.branch(cond.a!, other, then, i)
    const condition = this.value(cond)
    const [code, otherCode] = [this.codeOutside(then), this.codeOutside(other)]
    if (code >= 0 && otherCode >= 0) {
      this.put(BYTECODE.branch, condition, code, otherCode)
      return
    }
    const at = this.put(BYTECODE.unless, condition, 0)
    this.go(then, -1)
    this.words[at + 1] = (this.length - at) * 4
    this.go(other, i)
  }

  /** The entry code of a target in another unit, else -1. */
  private codeOutside(target: Target): number {
    if (typeof target !== 'number' || this.codeFor === null || this.placeOf(target) >= 0 || !this.isPlace(target))
      return -1
    return this.codeFor(target)
  }

  private terminator(block: Block, i: number): void {
    const { term } = block
    const { codeFor } = this
    switch (term.kind) {
      case 'jump':
        return this.go(term.target, i)
      case 'branch':
        return this.branch(term.cond, term.then, term.else, i)
      case 'call':
        if (codeFor === null || term.target < this.layout.guestMin || term.target >= this.layout.guestLimit)
          return this.outside(term.target)
        this.put(BYTECODE.call, 0, codeFor(term.target), term.ret, term.target)
        return this.go(term.ret, i)
      case 'icall':
        if (codeFor === null) {
          this.put(BYTECODE.ret, this.value(term.address))
          return
        }
        this.put(BYTECODE.icall, this.value(term.address), term.ret)
        return this.go(term.ret, i)
      case 'ijump':
        this.put(codeFor === null ? BYTECODE.ret : BYTECODE.ijump, this.value(term.address))
        return
      case 'ret':
        this.put(BYTECODE.ret, this.value(term.address))
        return
      case 'syscall':
        this.put(BYTECODE.syscall, 0, term.next)
        return this.go(term.next, i)
      case 'intercept':
        this.put(BYTECODE.intercept, 0, term.pc)
        return this.go(term.native, i)
      case 'fault':
        this.put(BYTECODE.fault, term.reason, term.pc)
        return
      case 'leave':
        this.put(BYTECODE.leave, 0, term.pc)
    }
  }
}

/** A constant of 32 bits, sign-extended. */
function isShort({ op, imm, imm2 }: Node): boolean {
  return op === ops.i64_const && imm2 === imm >> 31
}

/** A register plus a constant, as long as the register holds what is meant. */
function isDistance({ op, a, b }: Node): boolean {
  return op === ops.i64_add && isShort(b!) && a!.op.effect === 'get' && a!.local < 0
}

/** Is `node` the zero-extension of nothing but a load that nobody else wants? */
function isExtended({ op, a, uses }: Node, load: Node): boolean {
  return op === ops.i64_extend_i32_u && a === load && uses === 1 && load.uses === 1
}

/** Is `node` the zero-extension of an i32 that is somewhere as 64 bits? */
function isExtension({ op, a }: Node): boolean {
  if (op !== ops.i64_extend_i32_u || a!.local < 0) return false
  const { effect, args } = a!.op
  return effect === 'load' || (effect === 'pure' && args.length > 0 && !isSpecial(a!.op))
}

/** Is the i32 of this op computed in a way of its own? */
const isSpecial = (op: OpRow): boolean => op === ops.guarded_i32 || EXTRACT.has(op as never)

/** Is the i32 to be computed by one operation now, for the one who asks? */
function isComputed({ op, uses, local }: Node): boolean {
  return op.effect === 'pure' && op.args.length > 0 && uses === 1 && local < 0 && !isSpecial(op)
}

/** How often the value of `wanted` is read by what has not been computed yet of `tree`. */
function usesIn(tree: Node, wanted: Node): number {
  if (tree === wanted) return 1
  if (tree.local >= 0 || tree.op.effect !== 'pure') return 0
  let uses = 0
  if (tree.a !== null) uses += usesIn(tree.a, wanted)
  if (tree.b !== null) uses += usesIn(tree.b, wanted)
  if (tree.c !== null) uses += usesIn(tree.c, wanted)
  return uses
}
