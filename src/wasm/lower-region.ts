/** Exists to turn one region of IR into one wasm function: control flow, exits, calls and the traffic between locals and the CPU state. Values are lower-value.ts's. */
import { EXIT } from '../ir/exits.ts'
import { REG, registers, REGISTER_SLOTS, STATE } from '../ir/registers.ts'
import type { Block, Node, Returning, Target, Terminator } from '../ir/types.ts'
import { I32, I64 } from './encode.ts'
import { wholeValue } from './lower-access.ts'
import { LabelledBody } from './lower-labels.ts'
import { askClean, askedClean, clearBits, enterClean, keepBits, recheck, settle, stopClean } from './lower-clean.ts'
import { type MemoryLayout, PARAMETER, type RegionInput } from './lower-input.ts'
import { prepareBlock } from './lower-prepare.ts'
import { Doubts } from './lower-doubts.ts'
import { planFuel } from './lower-fuel.ts'
import { planExits, planStops, type Profiles } from './lower-profiles.ts'
import { handsOver, planRegisters, RegisterSet, type RegisterPlan } from './lower-registers.ts'
import { openStackWindow } from './lower-memory.ts'
import { Targets } from './lower-targets.ts'
import { ValueLowering } from './lower-value.ts'
import { planWindows, type Placement, type WindowPlan } from './lower-windows.ts'
import * as OP from './opcodes.ts'
import { RUNTIME } from './runtime.ts'
import { emitStructured, planCfg, type StructureSink } from './structure.ts'

/** Nesting levels of the labels around the body; within `exits` those of the profiles of exits, the stop, and the profiles of stops. */
const LEVEL = { return: 0, exit: 1, exits: 2 } as const

/** Lowers regions one after the other; buffers are reused. */
export class RegionLowering extends LabelledBody implements StructureSink {
  readonly layout: MemoryLayout
  input!: RegionInput
  /** Blocks of the graph: the region's, then leaves for addresses outside of it. */
  private leaves: number[] = []
  private leafOf = new Map<number, number>()
  private blockIndex = new Map<Block | number, number>()
  /** Wasm local of each register, or -1. */
  private readonly registerLocal = new Int32Array(REGISTER_SLOTS)
  private plan!: RegisterPlan
  private stops!: Profiles
  private exits!: Profiles
  /** Registers that the stop sequence stores and that are in the CPU state alone at this point of the code. */
  private missing = new RegisterSet()
  /** The block at hand. */
  private current = 0
  readonly values: ValueLowering
  readonly doubts: Doubts
  readonly targets: Targets
  xpc = 0
  xcode = 0
  /** Local that is not 0 when an indirect call did not go to the copy of its function. */
  private elsewhere = 0
  /** In clean code the local with the bits of registers that a stop has only fetched, else -1. */
  private keep = -1
  private windows!: WindowPlan
  /** Fuel that each block asks for. */
  private fuel!: Int32Array

  constructor(layout: MemoryLayout) {
    super(3)
    this.layout = layout
    this.values = new ValueLowering(this)
    this.doubts = new Doubts(this)
    this.targets = new Targets(this)
  }

  /** Writes the function of a region into `body`. */
  lower(input: RegionInput): void {
    const f = this.body
    this.resetLabels(3)
    this.input = input
    this.leaves = []
    this.leafOf.clear()
    this.blockIndex.clear()
    input.blocks.forEach((block, i) => {
      this.blockIndex.set(block, i)
      if (!block.internal) this.blockIndex.set(block.pc, i)
    })
    for (const block of input.blocks) prepareBlock(block)
    const succs = input.blocks.map((block) => this.successors(block.term))
    for (let i = 0; i < this.leaves.length; i++) succs.push([])
    this.plan = planRegisters(input.blocks, succs)
    this.windows = planWindows(input.blocks, succs, input.entries[0]!)
    if (this.windows.stack !== null) this.plan.used.add(REG.rsp)
    for (let r = 0; r < REGISTER_SLOTS; r++)
      this.registerLocal[r] = this.plan.used.has(r) ? f.local(wholeValue[registers[r]!.type].type) : -1
    this.stops = planStops(input.blocks, this.plan)
    this.exits = planExits(input.blocks, this.plan)
    this.fuel = input.chain
      ? planFuel(input.blocks, succs, input.entries)
      : Int32Array.from(input.blocks, (block) => block.insns.length)
    this.xpc = f.local(I32)
    this.xcode = f.local(I32)
    this.elsewhere = f.local(I32)
    this.targets.reset()
    this.doubts.reset()
    this.keep = input.clean < 0 ? -1 : f.local(I64)
    this.values.reset()

    const shape = planCfg({ n: succs.length, entries: input.entries, succs, empties: input.blocks.map(handsOver) })
    if (this.keep >= 0)
      enterClean(
        this,
        input.entries.map((b) => this.plan.valid[b]!),
      )
    else if (input.checked && input.chain) settle(this)
    if (this.windows.stack !== null) this.doubts.keepEntry()
    this.extractLabel()
    this.loadEntry()
    const { stack, depth } = this.windows
    if (stack !== null)
      openStackWindow(
        this.values,
        stack,
        input.entries.map((b) => depth[b] ?? 0),
      )
    const labels = this.stopLevel + 1 + this.stops.sets.length
    for (let i = 0; i < labels; i++) this.block()
    emitStructured(shape, this)
    f.op(OP.unreachable)
    for (let i = this.stops.sets.length - 1; i >= 0; i--) {
      this.end()
      this.loadRegisters(this.toParent(this.stops, i))
      if (this.keep >= 0) keepBits(this, this.keep, this.toParent(this.stops, i))
      this.branchToParent(this.stops, i, this.stopLevel + 1, this.stopLevel)
    }
    this.end()
    this.stopSequence()
    for (let i = this.exits.sets.length - 1; i >= 0; i--) {
      this.end()
      this.handOver(this.toParent(this.exits, i))
      this.branchToParent(this.exits, i, LEVEL.exits, LEVEL.exit)
    }
    this.end()
    this.exitSequence()
    this.end()
    f.localGet(this.xpc)
    f.localGet(PARAMETER.fuel)
  }

  private get stopLevel(): number {
    return LEVEL.exits + this.exits.sets.length
  }

  /** What profile `i` has more than its parent. */
  private toParent({ sets, parents }: Profiles, i: number): RegisterSet {
    return parents[i]! < 0 ? sets[i]! : sets[i]!.minus(sets[parents[i]!]!)
  }

  /** Goes on with the parent of profile `i`, unless that comes next: profiles are at the levels from `first` on, and `last` is behind them all. */
  private branchToParent({ parents }: Profiles, i: number, first: number, last: number): void {
    const parent = parents[i]!
    if (parent < i - 1) this.branchTo(parent < 0 ? last : first + parent)
  }

  private extractLabel(): void {
    const f = this.body
    f.localGet(PARAMETER.label)
    f.i32Const(255)
    f.op(OP.i32_and)
    f.localSet(PARAMETER.label)
  }

  /** How an access is checked, unless alone. */
  placementOf(node: Node): Placement | undefined {
    return this.windows.placements.get(node)
  }

  /** Graph node of a target; addresses outside the region become leaves. */
  private node(target: Target): number {
    const known = this.blockIndex.get(target)
    if (known !== undefined) return known
    const pc = target as number
    let leaf = this.leafOf.get(pc)
    if (leaf === undefined) {
      leaf = this.input.blocks.length + this.leaves.length
      this.leafOf.set(pc, leaf)
      this.leaves.push(pc)
    }
    return leaf
  }

  private successors(term: Terminator): number[] {
    switch (term.kind) {
      case 'jump':
        return [this.node(term.target)]
      case 'branch':
        return [this.node(term.then), this.node(term.else)]
      case 'call':
        return this.input.chain ? [this.node(term.behind ?? term.ret)] : []
      case 'icall': {
        const behind = this.input.chain ? [this.node(term.behind ?? term.ret)] : []
        return term.copy === undefined ? behind : [this.node(term.copy), ...behind]
      }
      case 'ret':
        return term.expected === undefined ? [] : [this.node(term.expected.block)]
      case 'syscall':
        return [this.node(term.next)]
      case 'intercept':
        return [this.node(term.native)]
      default:
        return []
    }
  }

  // Registers and the CPU state.

  /** Told by the lowering of values that register `r` has just been written. */
  wrote(r: number): void {
    this.missing.remove(r)
  }

  /** Fetches what the block of the entry needs: the first entry is the common one, the others share what is left. */
  private loadEntry(): void {
    const [first, ...others] = this.input.entries
    const needed = this.plan.valid[first!]!.minus(new RegisterSet())
    if (this.windows.stack !== null) needed.add(REG.rsp)
    this.loadRegisters(needed)
    const more = new RegisterSet()
    for (const b of others) more.addAll(this.plan.valid[b]!, needed)
    if (more.empty) return
    this.body.localGet(PARAMETER.label)
    this.if_()
    this.loadRegisters(more)
    this.end()
  }

  private loadRegisters(set: RegisterSet): void {
    const f = this.body
    for (let r = 0; r < REGISTER_SLOTS; r++) {
      if (!set.has(r)) continue
      const local = this.registerLocal[r]!
      const row = registers[r]!
      f.i32Const(0)
      f.opMemory(wholeValue[row.type].load, 2, this.layout.stateBase + row.offset)
      f.localSet(local)
    }
  }

  private storeRegisters(set: RegisterSet): void {
    const f = this.body
    for (let r = 0; r < REGISTER_SLOTS; r++) {
      if (!set.has(r)) continue
      const row = registers[r]!
      f.i32Const(0)
      f.localGet(this.registerLocal[r]!)
      f.opMemory(wholeValue[row.type].store, 2, this.layout.stateBase + row.offset)
    }
  }

  registerOf(reg: number): number {
    return this.registerLocal[reg]!
  }

  // Leaving.

  setLocal(local: number, value: number): void {
    this.body.i32Const(value)
    this.body.localSet(local)
  }

  /**
   * Stops at `pc` for `reason` before the instruction there has had any effect; `refund` instructions of the block have been paid for and not
   * executed.
   */
  stopAt(reason: number, pc: number, refund: number): void {
    const f = this.body
    f.i32Const(reason)
    f.i32Const(refund)
    f.i32Const(pc)
    f.opIndex(OP.call, RUNTIME.stop!)
    this.stop()
  }

  /** Goes to the stop sequence of the block at hand: what is in the CPU state alone is fetched on the way. */
  stop(): void {
    const { stopLevel, missing } = this
    this.branchTo(missing.empty ? stopLevel : stopLevel + 1 + this.stops.index.get(missing.key)!)
  }

  /** Stops with the i64 on the wasm stack as rip: it is not a place where code can be. */
  stopWild(): void {
    this.body.opIndex(OP.call, RUNTIME.wild!)
    this.stop()
  }

  /** Where all stops end: registers go to the CPU state, and 0 tells every caller that the engine must look there. */
  private stopSequence(): void {
    this.setLocal(this.xpc, 0)
    this.setLocal(this.xcode, -1)
    this.storeRegisters(this.plan.written)
    this.doubts.tell()
    if (this.keep >= 0) stopClean(this, this.keep, this.plan.written)
    if (this.exits.sets.length > 0) this.branchTo(LEVEL.exit)
  }

  /** All registers are in the CPU state, and control has come back to `pc`, whose block is `behind`. */
  private comeBack(pc: number, behind: Target = pc, knowsStack = false): void {
    const set = this.plan.valid[this.node(behind)]!
    if (this.keep >= 0) recheck(this, set, pc, () => this.branchTo(LEVEL.exit))
    else if (this.input.checked && this.input.chain) settle(this)
    this.loadRegisters(knowsStack ? set.minus(RegisterSet.of(REG.rsp)) : set)
  }

  /** Stores what the block at hand may have changed. */
  private handOver(dirty = this.plan.dirtyAfter[this.current]!): void {
    this.storeRegisters(dirty)
    if (this.keep >= 0) clearBits(this, dirty, -1)
  }

  /** Stores what the block at hand may have changed and leaves for the address in xpc, by way of xcode if that is not negative. */
  private exit(): void {
    this.handOver()
    this.branchTo(LEVEL.exit)
  }

  private exitSequence(): void {
    const f = this.body
    if (!this.input.chain) return
    f.localGet(this.xcode)
    f.i32Const(0)
    f.op(OP.i32_ge_s)
    this.if_()
    this.arguments(this.xcode, 0)
    f.returnCallIndirect(this.input.regionType, 0)
    this.end()
  }

  /** Pushes (code, fuel, depth - 1, slot) for a known entry code. */
  private knownArguments(code: number): void {
    const f = this.body
    f.i32Const(code)
    f.localGet(PARAMETER.fuel)
    f.localGet(PARAMETER.depth)
    f.i32Const(1)
    f.op(OP.i32_sub)
    f.i32Const(code >>> 8)
  }

  /** Pushes (code, fuel, depth - less, slot) for the entry code in a local. */
  arguments(code: number, less: number): void {
    const f = this.body
    f.localGet(code)
    f.localGet(PARAMETER.fuel)
    f.localGet(PARAMETER.depth)
    if (less !== 0) {
      f.i32Const(less)
      f.op(OP.i32_sub)
    }
    f.localGet(code)
    f.i32Const(8)
    f.op(OP.i32_shr_u)
  }

  /** A guest call as a wasm call; `code` is the entry code of `target`, or negative when xpc and xcode hold them. Continues behind when the callee came back with the stack where it was. */
  private call({ ret, behind = ret, raise = 8 }: Returning, code: number, target: number): void {
    const f = this.body
    const rsp = this.registerLocal[REG.rsp]!
    this.handOver()
    f.localGet(PARAMETER.depth)
    f.op(OP.i32_eqz)
    if (code < 0) {
      f.localGet(this.xcode)
      f.i32Const(0)
      f.op(OP.i32_lt_s)
      f.op(OP.i32_or)
    }
    f.hint(false)
    this.if_()
    if (code >= 0) this.setLocal(this.xpc, target)
    this.setLocal(this.xcode, -1)
    this.branchTo(LEVEL.exit)
    this.end()
    if (code >= 0) this.knownArguments(code)
    else this.arguments(this.xcode, 1)
    f.callIndirect(this.input.regionType, 0)
    f.localSet(PARAMETER.fuel)
    f.localTee(this.xpc)
    f.i32Const(ret)
    f.op(OP.i32_xor)
    f.op(OP.i64_extend_i32_u)
    f.i32Const(0)
    f.opMemory(OP.i64_load, 3, this.layout.stateBase + registers[REG.rsp]!.offset)
    f.localGet(rsp)
    f.i64Const(raise, 0)
    f.op(OP.i64_add)
    f.op(OP.i64_xor)
    f.op(OP.i64_or)
    f.i64Const(0, 0)
    f.op(OP.i64_ne)
    f.hint(false)
    this.if_()
    this.branchTo(LEVEL.return)
    this.end()
    // The stack pointer has been compared, so it need not come by way of memory: the next call would wait for it.
    f.localGet(rsp)
    f.i64Const(raise, 0)
    f.op(OP.i64_add)
    f.localSet(rsp)
    this.comeBack(ret, behind, true)
  }

  private systemCall(next: number): void {
    const f = this.body
    this.handOver()
    f.i32Const(0)
    f.i64Const(next, 0)
    f.opMemory(OP.i64_store, 3, this.layout.stateBase + STATE.rip)
    f.localGet(PARAMETER.fuel)
    f.opIndex(OP.call, RUNTIME.systemCall!)
    this.if_()
    this.setLocal(this.xpc, 0)
    this.branchTo(LEVEL.return)
    this.end()
    this.comeBack(next)
  }

  /** Asks the kernel about the function at `pc`: it gives the address at which an answered one goes on, 0 to unwind, or -1 for the function's own code. */
  private intercept(pc: number, native: Block): void {
    const f = this.body
    const set = this.plan.valid[this.node(native)]!
    this.handOver()
    if (this.keep >= 0) askClean(this, set, pc, () => this.branchTo(LEVEL.exit))
    f.i32Const(0)
    f.i64Const(pc, 0)
    f.opMemory(OP.i64_store, 3, this.layout.stateBase + STATE.rip)
    f.localGet(PARAMETER.fuel)
    f.opIndex(OP.call, RUNTIME.intercept!)
    f.localTee(this.xpc)
    f.i32Const(-1)
    f.op(OP.i32_ne)
    this.if_()
    this.branchTo(LEVEL.return)
    this.end()
    f.localGet(PARAMETER.fuel)
    f.i32Const(1)
    f.op(OP.i32_add)
    f.localSet(PARAMETER.fuel)
    if (this.keep >= 0) askedClean(this)
    this.loadRegisters(set)
  }

  // StructureSink.

  if(b: number, sense: boolean): void {
    this.condition(b, sense)
    this.if_()
  }

  brIf(b: number, sense: boolean, depth: number): void {
    this.condition(b, sense)
    this.body.opIndex(OP.br_if, depth)
  }

  brTable(): void {
    throw new Error('regions have no switches')
  }

  setLabel(value: number): void {
    this.setLocal(PARAMETER.label, value)
  }

  brIfLabel(value: number, depth: number): void {
    const f = this.body
    f.localGet(PARAMETER.label)
    f.i32Const(value)
    f.op(OP.i32_eq)
    f.hint(false)
    f.opIndex(OP.br_if, depth)
  }

  brLabelTable(base: number, depths: readonly number[], otherwise: number): void {
    const f = this.body
    f.localGet(PARAMETER.label)
    if (base !== 0) {
      f.i32Const(base)
      f.op(OP.i32_sub)
    }
    f.brTable(depths, otherwise)
  }

  private condition(b: number, sense: boolean): void {
    const term = this.input.blocks[b]!.term
    if (term.kind === 'icall') {
      this.body.localGet(this.elsewhere)
      if (sense) this.body.op(OP.i32_eqz)
      return
    }
    if (term.kind !== 'branch') throw new Error('only branches have a condition')
    this.values.emit(term.cond)
    if (!sense) this.body.op(OP.i32_eqz)
  }

  private enter(b: number): void {
    this.current = b
    this.targets.enter(this.input.blocks[b])
    this.missing = this.plan.written.minus(this.plan.valid[b]!)
  }

  code(b: number): void {
    if (b >= this.input.blocks.length) return
    const f = this.body
    const block = this.input.blocks[b]!
    this.enter(b)
    const count = block.insns.length
    if (this.fuel[b]! > 0) {
      f.localGet(PARAMETER.fuel)
      f.i32Const(this.fuel[b]!)
      f.op(OP.i32_lt_u)
      f.hint(false)
      this.if_()
      this.stopAt(EXIT.fuel, block.pc, 0)
      this.end()
    }
    if (count > 0) {
      f.localGet(PARAMETER.fuel)
      f.i32Const(count)
      f.op(OP.i32_sub)
      f.localSet(PARAMETER.fuel)
    }
    this.values.block(block)
    const term = block.term
    if (term.kind === 'syscall') this.systemCall(term.next)
    else if (term.kind === 'intercept') this.intercept(term.pc, term.native)
    else if (term.kind === 'call' && this.input.chain) {
      if (!this.isPlace(term.target)) return this.leaveTo(term.target)
      this.call(term, this.input.codeFor(term.target), term.target)
    } else if (term.kind === 'icall' && this.input.chain) {
      this.targets.toPc(term.address)
      if (this.input.noting && term.expected === undefined) this.targets.note(term.ret)
      if (term.copy === undefined) {
        this.targets.lookup(term.expected)
        this.call(term, -1, 0)
        return
      }
      f.localGet(this.xpc)
      f.i32Const(term.expected!)
      f.op(OP.i32_ne)
      f.localTee(this.elsewhere)
      f.hint(false)
      this.if_()
      this.targets.lookup()
      this.call(term, -1, 0)
      this.end()
    } else if (term.kind === 'ret' && term.expected !== undefined) {
      this.targets.unless(term.address, term.expected.pc, () => {
        this.targets.toPc(term.address)
        this.setLocal(this.xcode, -1)
        this.exit()
      })
    }
  }

  leave(b: number): void {
    if (b >= this.input.blocks.length) this.enter(b)
    if (b >= this.input.blocks.length) return this.leaveTo(this.leaves[b - this.input.blocks.length]!)
    const term = this.input.blocks[b]!.term
    switch (term.kind) {
      case 'ret':
        this.targets.toPc(term.address)
        this.setLocal(this.xcode, -1)
        this.exit()
        return
      case 'ijump':
      case 'icall':
        this.targets.toPc(term.address)
        if (this.input.chain) this.targets.lookup()
        else this.setLocal(this.xcode, -1)
        this.exit()
        return
      case 'call':
        return this.leaveTo(term.target)
      case 'fault':
        return this.stopAt(term.reason, term.pc, 1)
      case 'leave':
        this.setLocal(this.xpc, term.pc)
        this.setLocal(this.xcode, -1)
        this.exit()
        return
      default:
        throw new Error(`a block ending in ${term.kind} has successors`)
    }
  }

  /** Can code be at this address at all? */
  private isPlace(pc: number): boolean {
    return pc >= this.layout.guestMin && pc < this.layout.guestLimit
  }

  private leaveTo(pc: number): void {
    if (!this.isPlace(pc)) {
      this.body.i64Const(pc | 0, Math.floor(pc / 0x1_0000_0000) | 0)
      return this.stopWild()
    }
    this.setLocal(this.xpc, pc)
    this.setLocal(this.xcode, this.input.chain ? this.input.codeFor(pc) : -1)
    if (this.current < this.input.blocks.length) return this.exit()
    const dirty = this.plan.dirtyBefore[this.current]!
    this.branchTo(dirty.empty ? LEVEL.exit : LEVEL.exits + this.exits.index.get(dirty.key)!)
  }
}
