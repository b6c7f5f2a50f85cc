/** Exists to lower the ops of a block: values become expression trees or locals, memory accesses become checked accesses. */
import { assert } from '../base/errors.ts'
import { HELPER } from '../ir/helpers.ts'
import { ops, type OpRow } from '../ir/ops.ts'
import { POINT, POINT_COUNTED } from '../ir/passes/points.ts'
import { REGISTER_SLOTS, STATE } from '../ir/registers.ts'
import type { Block, Node, Type } from '../ir/types.ts'
import { blockResult, F32, F64, I32, I64, V128, type ValueType } from './encode.ts'
import { emitSpecial, specials } from './lower-float.ts'
import { emitUnclean } from './lower-clean.ts'
import { access, emitAddress, emitCheck, shadowAccess } from './lower-memory.ts'
import { PARAMETER } from './lower-input.ts'
import { DEAD } from './lower-prepare.ts'
import type { RegionLowering } from './lower-region.ts'
import * as OP from './opcodes.ts'
import { RUNTIME, USE_SHIFT } from './runtime.ts'
import { isFar, POINTS } from './runtime-points.ts'

const wasmType: Record<Type, ValueType> = { i32: I32, i64: I64, f32: F32, f64: F64, v128: V128 }

/** Wasm opcode of every op that is one instruction of WebAssembly with the same name. */
const direct = new Map<OpRow, number>()
for (const op of Object.values(ops)) {
  const opcode = (OP as unknown as Record<string, number>)[op.name.replaceAll('.', '_')]
  if (opcode !== undefined && op.effect === 'pure' && !op.name.endsWith('.const')) direct.set(op, opcode)
}
for (const op of [ops.i32_select, ops.i64_select, ops.f32_select, ops.f64_select]) direct.set(op, OP.select)

const LANE_OPS = new Set<OpRow>(Object.values(ops).filter((op) => /(extract|replace)_lane/.test(op.name)))

/** Lowers values for one region after the other. */
export class ValueLowering {
  readonly region: RegionLowering
  /** Locals free for reuse in the block at hand, by value type. */
  private readonly pools = new Map<ValueType, { locals: number[]; next: number }>()
  /** The register-read node of each register that has unread uses, so that it can be saved before the register changes. */
  private readonly pendingGet: (Node | null)[] = new Array(REGISTER_SLOTS).fill(null)
  /** Guest address and fuel refund of the instruction at hand. */
  pc = 0
  refund = 0
  /** Where the last load or store went, since its V bits are there, too, and the local with these, or -1. */
  accessed: { low: number; offset: number; bits: number } = { low: -1, offset: 0, bits: -1 }
  /** The block at hand and the position of the op at hand. */
  ops: readonly Node[] = []
  position = 0
  /** Bytes that are surely defined by now in clean code: [first, end) from the address in a local, by that local. */
  readonly defined = new Map<number, [number, number][]>()

  constructor(region: RegionLowering) {
    this.region = region
  }

  reset(): void {
    this.pools.clear()
  }

  /** A local of a type for a value of the current block. */
  local(type: ValueType): number {
    let pool = this.pools.get(type)
    if (pool === undefined) this.pools.set(type, (pool = { locals: [], next: 0 }))
    if (pool.next === pool.locals.length) pool.locals.push(this.region.body.local(type))
    return pool.locals[pool.next++]!
  }

  /** Lowers all ops of a block; values that the terminator reads stay available until the next block. */
  block(block: Block): void {
    for (const pool of this.pools.values()) pool.next = 0
    this.pendingGet.fill(null)
    let insn = 0
    const total = block.insns.length
    this.pc = block.pc
    this.ops = block.ops
    this.defined.clear()
    this.refund = block.internal ? 1 : total
    for (let i = 0; i < block.ops.length; i++) {
      while (insn < total && block.insns[insn]!.firstOp <= i) {
        this.pc = block.insns[insn]!.pc
        this.refund = total - insn
        insn++
      }
      const node = block.ops[i]!
      this.position = i
      if (node.uses === DEAD) continue
      this.statement(node)
    }
  }

  private statement(node: Node): void {
    const f = this.region.body
    switch (node.op.effect) {
      case 'pure':
        if (node.uses > 1 && !isConstant(node)) this.toLocal(node)
        return
      case 'get':
        this.pendingGet[node.imm] = node
        return
      case 'put': {
        const pending = this.pendingGet[node.imm]
        if (
          pending !== null &&
          pending !== undefined &&
          pending.local < 0 &&
          pending.uses > 0 &&
          !(pending === node.a && pending.uses === 1)
        ) {
          pending.local = this.local(wasmType[pending.type!])
          f.localGet(this.region.registerOf(node.imm))
          f.localSet(pending.local)
        }
        this.pendingGet[node.imm] = null
        this.emit(node.a!)
        f.localSet(this.region.registerOf(node.imm))
        this.region.wrote(node.imm)
        return
      }
      case 'load':
      case 'store':
        access(this, node)
        return
      case 'guard':
        if (node.op === ops.probe_write) {
          emitCheck(this, emitAddress(this, node.a!), node.imm, true)
          return
        }
        if (node.op === ops.point) return this.point(node)
        if (node.op === ops.undefined_if) return this.askUndefined(node)
        if (node.op === ops.unclean) return emitUnclean(this)
        assert(node.op === ops.fault_if, `unknown guard ${node.op.name}`)
        if (this.region.targets.check(node)) return
        this.emit(node.a!)
        f.hint(false)
        this.region.if_()
        this.region.stopAt(node.imm, this.pc, this.refund)
        this.region.end()
        return
      case 'shadow':
        shadowAccess(this, node)
        return
      case 'state':
        if (node.op === ops.stack_claim || node.op === ops.stack_moved) this.claim(node)
        else this.state(node)
    }
  }

  /** A scheduling point: stops before the instruction when the turn ends here. What only has to be counted is counted without a call. */
  private point(node: Node): void {
    const { region } = this
    const { body: f, layout } = region
    const address = this.localOf(node.a!)
    const stack = this.localOf(node.b!)
    const counts = node.imm2 === POINT_COUNTED
    const left = counts ? this.local(I32) : -1
    if (counts) {
      f.i32Const(0)
      f.opMemory(OP.i32_load, 2, layout.pointsBase + POINTS.left)
      f.localTee(left)
      f.i32Const(0)
      f.op(OP.i32_le_s)
      f.hint(false)
      region.if_()
    }
    f.localGet(address)
    f.localGet(stack)
    f.i32Const(node.imm | (this.refund << POINT.refundShift))
    f.i32Const(this.pc)
    f.localGet(PARAMETER.fuel)
    f.opIndex(OP.call, RUNTIME.point!)
    f.hint(false)
    region.if_()
    region.stop()
    region.end()
    if (!counts) return
    region.else()
    f.i32Const(0)
    f.localGet(left)
    isFar(f, address, stack)
    f.op(OP.i32_sub)
    f.opMemory(OP.i32_store, 2, layout.pointsBase + POINTS.left)
    region.end()
  }

  /** Tells, unless all is defined, and stops before the instruction. */
  private askUndefined(node: Node): void {
    const f = this.region.body
    const { a } = node
    const nested = a!.op === ops.guarded_i32 && a!.local < 0
    this.emit(nested ? a!.a! : a!)
    f.hint(false)
    this.region.if_()
    if (nested) {
      this.emit(a!.b!)
      this.region.if_()
    }
    f.i32Const(node.imm | (node.imm2 << USE_SHIFT))
    f.i32Const(this.refund)
    f.i32Const(this.pc)
    f.opIndex(OP.call, RUNTIME.undefined!)
    this.region.if_()
    this.region.stop()
    this.region.end()
    if (nested) this.region.end()
    this.region.end()
  }

  private claim(node: Node): void {
    const f = this.region.body
    this.defined.clear()
    if (node.op === ops.stack_claim && node.imm2 === 1) return this.claimBelow(node)
    this.emit(node.a!)
    if (node.op === ops.stack_claim) f.i32Const(node.imm)
    else this.emit(node.b!)
    f.opIndex(OP.call, node.op === ops.stack_claim ? RUNTIME.claim! : RUNTIME.moved!)
  }

  /** Below a place that has just been accessed, and so is one. */
  private claimBelow(node: Node): void {
    const f = this.region.body
    const { low, offset } = this.accessed
    node.a!.uses--
    const start = this.region.layout.shadowDisplacement + offset - node.imm
    const ones = this.local(V128)
    f.v128Const(-1, -1, -1, -1)
    f.localSet(ones)
    for (let at = 0; at < node.imm; at += 16) {
      f.localGet(low)
      f.localGet(ones)
      f.opMemory(OP.v128_store, 0, start + at)
    }
  }

  private state(node: Node): void {
    const f = this.region.body
    const base = this.region.layout.stateBase
    switch (node.op) {
      case ops.state_store32:
      case ops.state_store64:
      case ops.state_store128:
        f.i32Const(0)
        this.emit(node.a!)
        f.opMemory(
          node.op === ops.state_store32 ? OP.i32_store : node.op === ops.state_store64 ? OP.i64_store : OP.v128_store,
          2,
          base + node.imm,
        )
        return
      case ops.state_load32:
      case ops.state_load64:
      case ops.state_load128:
        f.i32Const(0)
        f.opMemory(
          node.op === ops.state_load32 ? OP.i32_load : node.op === ops.state_load64 ? OP.i64_load : OP.v128_load,
          2,
          base + node.imm,
        )
        this.setResult(node)
        return
      default:
        if (node.imm === HELPER.rdtsc) {
          // The helper reads the clock: tell it how much fuel is left before this instruction.
          f.i32Const(0)
          f.localGet(1)
          f.i32Const(this.refund)
          f.op(OP.i32_add)
          f.opMemory(OP.i32_store, 2, base + STATE.fuelLeft)
        }
        f.i32Const(node.imm)
        this.emit(node.a!)
        this.emit(node.b!)
        f.opIndex(OP.call, RUNTIME.helper!)
        if (node.uses > 0) this.setResult(node)
        else f.op(OP.drop)
    }
  }

  /** Pops the value on the wasm stack into a local for the node. */
  setResult(node: Node): void {
    node.local = this.local(wasmType[node.type!])
    this.region.body.localSet(node.local)
  }

  private toLocal(node: Node): void {
    this.expression(node)
    this.setResult(node)
  }

  /** Makes sure that the node's value is in a local, and returns that local (a register's own for a read of it). */
  localOf(node: Node): number {
    if (node.local >= 0) return this.consume(node, node.local)
    if (node.op.effect === 'get') return this.consume(node, this.region.registerOf(node.imm))
    const local = this.local(wasmType[node.type!])
    this.emit(node)
    this.region.body.localSet(local)
    return local
  }

  private consume(node: Node, local: number): number {
    node.uses--
    return local
  }

  /** Pushes the node's value. */
  emit(node: Node): void {
    if (node.local >= 0) {
      node.uses--
      this.region.body.localGet(node.local)
      return
    }
    if (!isConstant(node)) node.uses--
    this.expression(node)
  }

  private expression(node: Node): void {
    const f = this.region.body
    const op = node.op
    if (op.effect === 'get') {
      f.localGet(this.region.registerOf(node.imm))
      return
    }
    const opcode = direct.get(op)
    if (opcode !== undefined) {
      if (node.a !== null) this.emit(node.a)
      if (node.b !== null) this.emit(node.b)
      if (node.c !== null) this.emit(node.c)
      if (op === ops.i8x16_shuffle) f.shuffle(node.bytes!)
      else if (LANE_OPS.has(op)) f.opLane(opcode, node.imm)
      else f.op(opcode)
      return
    }
    if (specials.has(op)) {
      emitSpecial(this, node)
      return
    }
    this.other(node)
  }

  private other(node: Node): void {
    const f = this.region.body
    switch (node.op) {
      case ops.i32_const:
        f.i32Const(node.imm)
        return
      case ops.i64_const:
        f.i64Const(node.imm, node.imm2)
        return
      case ops.f32_const:
        f.f32Const(node.imm)
        return
      case ops.f64_const:
        f.f64Const(node.imm, node.imm2)
        return
      case ops.v128_const: {
        const v = new DataView(node.bytes!.buffer, node.bytes!.byteOffset, 16)
        f.v128Const(v.getUint32(0, true), v.getUint32(4, true), v.getUint32(8, true), v.getUint32(12, true))
        return
      }
      case ops.v128_select:
        this.emit(node.a!)
        this.emit(node.b!)
        this.emit(node.c!)
        f.op(OP.select_t)
        f.u8(1)
        f.u8(V128)
        return
      case ops.i64_mulhi_u:
      case ops.i64_mulhi_s:
        this.emit(node.a!)
        this.emit(node.b!)
        f.opIndex(OP.call, node.op === ops.i64_mulhi_u ? RUNTIME.mulhiU! : RUNTIME.mulhiS!)
        return
      case ops.guarded_i32:
      case ops.guarded_i64:
      case ops.guarded_v128:
        this.emit(node.a!)
        f.hint(false)
        f.opBlock(OP.if, blockResult(wasmType[node.type!]))
        this.emit(node.b!)
        f.op(OP.else)
        if (node.type === 'i32') f.i32Const(0)
        else if (node.type === 'i64') f.i64Const(0, 0)
        else f.v128Const(0, 0, 0, 0)
        f.op(OP.end)
        return
      case ops.flags_undefined:
        this.emit(node.a!)
        this.emit(node.b!)
        this.emit(node.c!)
        f.i32Const(node.imm)
        f.opIndex(OP.call, RUNTIME.flagsUndefined!)
        return
      case ops.flags_materialize:
      case ops.flags_cond:
        this.emit(node.a!)
        this.emit(node.b!)
        this.emit(node.c!)
        f.opIndex(OP.call, RUNTIME.materialize!)
        if (node.op === ops.flags_cond) this.testFlags(node.imm)
        return
      default:
        assert(false, `no lowering for IR op ${node.op.name}`)
    }
  }

  /** Condition `cc` of the EFLAGS bits on the wasm stack. */
  private testFlags(cc: number): void {
    const f = this.region.body
    const bits = this.local(I32)
    f.localSet(bits)
    const position = (at: number): void => {
      f.localGet(bits)
      f.i32Const(at)
      f.op(OP.i32_shr_u)
      f.i32Const(1)
      f.op(OP.i32_and)
    }
    const signDiffers = (): void => {
      position(7)
      position(11)
      f.op(OP.i32_xor)
    }
    switch (cc & ~1) {
      case 0:
        position(11)
        break
      case 2:
        position(0)
        break
      case 4:
        position(6)
        break
      case 6:
        position(0)
        position(6)
        f.op(OP.i32_or)
        break
      case 8:
        position(7)
        break
      case 10:
        position(2)
        break
      case 12:
        signDiffers()
        break
      default:
        signDiffers()
        position(6)
        f.op(OP.i32_or)
    }
    if ((cc & 1) !== 0) f.op(OP.i32_eqz)
  }
}

function isConstant(node: Node): boolean {
  return node.op.args.length === 0 && node.op.effect === 'pure'
}
