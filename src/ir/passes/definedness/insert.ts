/**
 * Exists to make code that knows which bits are defined: beside every value of a block its V bits, beside every register and every byte of memory theirs, and
 * a question before whatever must not depend on undefined ones.
 */
import { Builder, makeBlock, makeNode } from '../../builder.ts'
import { FLAGS_DEFINED, USE } from '../../exits.ts'
import { FLAG_KIND } from '../../flags.ts'
import { HELPER, X87, X87_UNDEFINED } from '../../helpers.ts'
import { ops, type OpRow } from '../../ops.ts'
import { REG, REGISTER_SLOTS, STATE } from '../../registers.ts'
import type { Block, Node, Terminator } from '../../types.ts'
import { Bits, bitsType, DEFINED, isDefined } from './bits.ts'
import { rules } from './table.ts'

/** The register that holds the V bits of a register; -1 for those that are always defined. The stack pointer is: what is put there is asked about. */
function mirror(register: number): number {
  if (register < 16) return register === REG.rsp ? -1 : REG.gprUndefined + register
  if (register >= REG.xmm0 && register < REG.xmm0 + 16) return REG.xmmUndefined + register - REG.xmm0
  if (register === REG.flagA) return REG.flagAUndefined
  return register === REG.flagB ? REG.flagBUndefined : -1
}

const SHADOW_LOAD = new Map<OpRow, OpRow>([
  [ops.load8, ops.shadow_load8],
  [ops.load16, ops.shadow_load16],
  [ops.load32, ops.shadow_load32],
  [ops.load64, ops.shadow_load64],
  [ops.load128, ops.shadow_load128],
  [ops.loadf32, ops.shadow_load32],
  [ops.loadf64, ops.shadow_load64],
])
const SHADOW_STORE = new Map<OpRow, OpRow>([
  [ops.store8, ops.shadow_store8],
  [ops.store16, ops.shadow_store16],
  [ops.store32, ops.shadow_store32],
  [ops.store64, ops.shadow_store64],
  [ops.store128, ops.shadow_store128],
  [ops.storef32, ops.shadow_store32],
  [ops.storef64, ops.shadow_store64],
])

/** Bytes below the stack pointer that belong to the function that runs (System V ABI, 3.2.2). */
const RED_ZONE = 128

/** Operands and results of helpers pass through these bytes. */
const isScratch = (offset: number): boolean => offset >= STATE.scratch && offset < STATE.fuelLeft

/** Where the V bits of what is at `offset` are kept: x87 and MMX registers have some, and the status word. */
function stateMirror(offset: number): number {
  if (offset === STATE.x87Status) return STATE.x87StatusUndefined
  return offset >= STATE.x87 && offset < STATE.x87Control ? STATE.x87Undefined + offset - STATE.x87 : -1
}

/** Does the instruction whose ops these are let everything else precede its stores and register writes? */
function isOrdered(list: readonly Node[]): boolean {
  let stored = false
  for (const { op } of list) {
    if (op.effect === 'state' && op !== ops.state_load32 && op !== ops.state_load64 && op !== ops.state_load128)
      return false
    if (op.effect === 'store') stored = true
    else if (stored && (op.effect === 'load' || op.effect === 'guard')) return false
  }
  return true
}

const isEffect = ({ op }: Node): boolean => op.effect === 'store' || op.effect === 'put'

/** Does a helper use registers of the x87? */
const isX87 = (id: number): boolean => id >= HELPER.x87 && id !== X87.control && id !== X87.header

/** Does an op use an MMX or x87 register? Clean code knows nothing of their V bits. */
const touchesX87 = ({ op, imm }: Node): boolean =>
  op.effect === 'state' &&
  (op !== ops.helper || isX87(imm)) &&
  op !== ops.stack_claim &&
  op !== ops.stack_moved &&
  (op === ops.helper || stateMirror(imm) >= 0)

/** base + constant, where an address is that. */
function split(node: Node): { base: Node; offset: number } {
  if (node.op === ops.i64_add && node.b!.op === ops.i64_const && node.b!.imm2 === node.b!.imm >> 31)
    return { base: node.a!, offset: node.b!.imm }
  return { base: node, offset: 0 }
}

/** Rewrites one block after the other. */
class Inserter {
  private block!: Block
  private b!: Builder
  private r!: Bits
  private out!: Node[]
  private readonly bits = new Map<Node, Node>()
  /** The V bits of registers that this block has read or written. */
  private readonly current: (Node | null)[] = new Array(REGISTER_SLOTS).fill(null)
  /** The values that this block has put into the general registers. */
  private readonly values: (Node | null)[] = new Array(16).fill(null)
  /** V bits of helper operands since the last helper, and of its results. */
  private operands: Node = DEFINED.i32
  private results: Node = DEFINED.i32
  /** Undefined if what kind of flags there are is. */
  private kind: Node = DEFINED.i32
  private flagKind = -1
  private flagA: Node | null = null
  /** The stack pointer's base value in this block, its distance from it, and down to which distance bytes are undefined that nobody has written. */
  private stack: Node | null = null
  private depth = 0
  private claimed = -RED_ZONE

  /** Clean code is written: all values are defined. */
  private clean = false

  run(block: Block, clean: boolean): void {
    this.block = block
    this.clean = clean
    const scratch = makeBlock(block.pc, true)
    this.out = scratch.ops
    this.b = new Builder(scratch)
    this.r = new Bits(this.b)
    this.bits.clear()
    this.current.fill(null)
    this.values.fill(null)
    this.operands = this.results = this.kind = DEFINED.i32
    this.flagKind = -1
    this.flagA = null
    this.stack = null
    this.depth = 0
    this.claimed = -RED_ZONE
    const { ops: list, insns } = block
    const starts = insns.map(({ firstOp }) => firstOp)
    const first = starts[0] ?? 0
    if (insns.length === 0 || first > 0)
      this.instruction(list.slice(0, insns.length === 0 ? list.length : first), insns.length === 0)
    insns.forEach((insn, i) => {
      const from = starts[i]!
      insn.firstOp = this.out.length
      this.instruction(list.slice(from, starts[i + 1] ?? list.length), i === insns.length - 1)
    })
    block.ops = this.out
  }

  private instruction(list: readonly Node[], last: boolean): void {
    if (this.clean && list.some(touchesX87)) this.add(ops.unclean, null)
    const ordered = isOrdered(list)
    for (const node of list) if (!ordered || !isEffect(node)) this.node(node)
    if (ordered) {
      this.beforeEffects(list)
      if (last) this.terminator()
      for (const node of list) if (isEffect(node)) this.node(node)
    } else if (last) this.terminator()
    if (last) this.atEnd()
  }

  private push(node: Node): void {
    this.out.push(node)
  }

  private add(op: OpRow, a: Node | null, imm = 0, imm2 = 0, b: Node | null = null): Node {
    const node = makeNode(op, a, b, null, imm, imm2, null)
    this.out.push(node)
    return node
  }

  /** The V bits of a value. */
  private of(node: Node): Node {
    if (this.clean) return DEFINED[bitsType(node.type!)]
    const known = this.bits.get(node)
    if (known !== undefined) return known
    const v = this.compute(node)
    this.bits.set(node, v)
    return v
  }

  private compute(node: Node): Node {
    const defined = DEFINED[bitsType(node.type!)]
    if (node.op.effect !== 'pure' || node.a === null) return defined
    const va = this.of(node.a)
    const vb = node.b === null ? null : this.of(node.b)
    const vc = node.c === null ? null : this.of(node.c)
    if (isDefined(va) && (vb === null || isDefined(vb)) && (vc === null || isDefined(vc))) return defined
    return rules.get(node.op)!(this.r, node, va, vb, vc)
  }

  /** From here on, the value is known to be defined: it was asked for. */
  private assume(node: Node): number {
    const v = this.of(node)
    this.bits.set(node, DEFINED[bitsType(node.type!)])
    let registers = 0
    for (let i = 0; i < 16; i++) {
      if (this.current[REG.gprUndefined + i] !== v) continue
      this.current[REG.gprUndefined + i] = DEFINED.i64
      registers |= 1 << i
    }
    return registers
  }

  /** Asks whether a value on which everything depends is defined. */
  private ask(any: Node, use: number, registers: number): void {
    if (!isDefined(any)) this.add(ops.undefined_if, any, use, registers)
  }

  /** The terms of a sum; other values by themselves. */
  private terms(node: Node, list: Node[]): void {
    if (node.op === ops.i64_add) {
      this.terms(node.a!, list)
      this.terms(node.b!, list)
    } else if (node.op === ops.i64_shl && node.b!.op === ops.i64_const) this.terms(node.a!, list)
    else if (!isDefined(this.of(node)) && !list.includes(node)) list.push(node)
  }

  /** Asks for an address: of the sum any undefined bit of any term counts. */
  private askAddress(address: Node, use: number): void {
    const list: Node[] = []
    this.terms(address, list)
    let all: Node = DEFINED.i64
    for (const term of list) all = this.r.either(all, this.of(term))
    if (isDefined(all)) return
    const any = this.r.any(all)
    let registers = 0
    for (const term of list) registers |= this.assume(term)
    this.bits.set(address, DEFINED.i64)
    this.ask(any, use, registers)
  }

  private node(node: Node): void {
    const { op } = node
    switch (op.effect) {
      case 'get':
        this.push(node)
        if (!this.clean) this.bits.set(node, this.register(node.imm, node))
        if (node.imm === REG.rsp) this.stack ??= node
        return
      case 'put':
        this.push(node)
        this.put(node.imm, node.a!)
        return
      case 'load':
        this.settleStack(node)
        if (this.clean) return this.push(node)
        this.askAddress(node.a!, USE.address)
        this.push(node)
        this.bits.set(node, this.add(SHADOW_LOAD.get(op)!, null))
        return
      case 'store': {
        this.settleStack(node)
        if (this.clean) return this.push(node)
        this.askAddress(node.a!, USE.address)
        const v = this.of(node.b!)
        this.push(node)
        this.add(SHADOW_STORE.get(op)!, v)
        return
      }
      case 'guard':
        if (op === ops.probe_write) this.askAddress(node.a!, USE.address)
        this.push(node)
        return
      case 'state':
        if (!this.clean && op === ops.helper && isX87(node.imm)) this.x87(node)
        else {
          this.push(node)
          if (!this.clean) this.state(node)
        }
        return
      default:
        this.push(node)
    }
  }

  /**
   * Before an access: what was pushed has made the red zone below it undefined. That is done late, once for many pushes, but not behind a store which may go there, nor
   * in clean code behind an access which may go on in full code.
   */
  private settleStack(node: Node): void {
    if (this.stack === null) return
    const { base, offset } = split(node.a!)
    if (base === this.stack && offset < this.depth - RED_ZONE) this.belowStack()
    const bytes = this.claimed - this.depth + RED_ZONE
    if (bytes <= 0) return
    if (base === this.stack ? offset >= this.claimed : !this.clean && node.op.effect === 'load') return
    this.add(ops.stack_claim, this.top(), bytes)
    this.claimed -= bytes
  }

  /** An access below the red zone: the kernel is told, by full code. */
  private belowStack(): void {
    if (this.clean) this.add(ops.unclean, null)
    else this.ask(this.b.i32(1), USE.below, 0)
  }

  private register(register: number, like: Node): Node {
    const v = mirror(register)
    if (v < 0) return DEFINED[bitsType(like.type!)]
    return (this.current[v] ??= this.add(like.type === 'v128' ? ops.v128_get : ops.i64_get, null, v))
  }

  private put(register: number, value: Node): void {
    const { r } = this
    if (register === REG.rsp) return this.moveStack(value)
    if (this.clean) return
    if (register === REG.flagKind) {
      // Flags of an unknown kind are as undefined as what decided the kind.
      this.kind = r.all(this.of(value), 'i64')
      this.flagKind = value.op === ops.i32_const ? value.imm >> 2 : -1
      this.flagA = null
      return
    }
    const v = mirror(register)
    if (v < 0) return
    if (register < 16) this.values[register] = value
    let bits = this.of(value)
    if (register === REG.flagA) {
      this.flagA = value
      bits = r.either(bits, this.kind.type === 'i64' ? this.kind : DEFINED.i64)
    }
    if (register === REG.flagB && value === this.flagA && this.flagKind === FLAG_KIND.sub) {
      // Compared with itself.
      this.setRegister(REG.flagAUndefined, DEFINED.i64)
      bits = DEFINED.i64
    }
    this.setRegister(v, bits)
  }

  private setRegister(v: number, bits: Node): void {
    const before = this.current[v]
    if (before === bits || (before !== null && before !== undefined && isDefined(before) && isDefined(bits))) return
    this.add(bits.type === 'v128' ? ops.v128_put : ops.i64_put, bits, v)
    this.current[v] = bits
  }

  /** Bytes that the stack pointer reaches when it is lowered are undefined. Pushes fill what they claim, and a call makes all of the red zone undefined. */
  private moveStack(value: Node): void {
    const { base, offset } = split(value)
    if (this.stack !== null && base === this.stack) {
      const lowered = offset < this.depth
      const push = lowered && this.depth - offset <= 8
      this.depth = offset
      const reach = offset - RED_ZONE
      if (!lowered) this.claimed = Math.max(this.claimed, reach)
      else if (!push && reach < this.claimed) {
        this.add(ops.stack_claim, value, this.claimed - reach)
        this.claimed = reach
      }
      return
    }
    if (this.stack !== null && isFrom(value, this.stack)) {
      const from = this.depth === 0 ? this.stack : this.b.add(this.stack, this.b.i64(this.depth))
      this.add(ops.stack_moved, from, 0, 0, value)
    }
    this.stack = base
    this.depth = offset
    this.claimed = offset - RED_ZONE
  }

  private state(node: Node): void {
    const { r } = this
    const { op, imm } = node
    if (op.effect !== 'state') return
    if (op === ops.helper) {
      const used = r.either(r.any(this.of(node.a!)), r.any(this.of(node.b!)))
      this.results = r.either(used, this.operands)
      if (imm === HELPER.mxcsr || imm === HELPER.rdtsc || imm >= HELPER.x87) this.results = DEFINED.i32
      this.operands = DEFINED.i32
      this.bits.set(node, r.spread(this.results, 'i32'))
      return
    }
    const at = stateMirror(imm)
    if (op.result !== null) {
      const type = bitsType(op.result)
      if (isScratch(imm)) this.bits.set(node, r.spread(this.results, type))
      else if (at >= 0) this.bits.set(node, this.add(op, null, at))
      return
    }
    const v = this.of(node.a!)
    if (isScratch(imm)) this.operands = r.either(this.operands, r.any(v))
    else if (at >= 0) this.add(op, v, at)
  }

  /** A helper of the x87, which has V bits of its own in the state: a helper before it looks after them. */
  private x87(node: Node): void {
    const { r, b } = this
    const used = r.either(r.either(r.any(this.of(node.a!)), r.any(this.of(node.b!))), this.operands)
    const first = isDefined(used) ? node.a! : b.or(node.a!, b.shl(used, b.i32(X87_UNDEFINED)))
    this.results = this.add(ops.helper, first, HELPER.x87Bits + node.imm, 0, node.b)
    this.operands = DEFINED.i32
    this.push(node)
    this.bits.set(node, r.spread(this.results, 'i32'))
  }

  /** What an instruction puts into the stack pointer must be defined: nobody asks afterwards. */
  private beforeEffects(list: readonly Node[]): void {
    for (const { op, imm, a } of list) if (op === ops.i64_put && imm === REG.rsp) this.askAddress(a!, USE.address)
  }

  private terminator(): void {
    if (this.clean) return
    const { term } = this.block
    if (term.kind === 'branch') {
      // Ways within an instruction are no jumps of the program's.
      if (typeof term.then !== 'number' && typeof term.else !== 'number') return
      const v = this.r.any(this.of(term.cond))
      this.ask(v, USE.jump, FLAGS_DEFINED | this.masksIn(term.cond))
    } else if (term.kind === 'ijump' || term.kind === 'icall' || term.kind === 'ret')
      this.askAddress(term.address, USE.target)
  }

  /**
   * The registers with masks of vector comparisons that a condition depends on. Once it has been told that it does, they count as defined: string functions compute
   * from them what they return, which would be told again wherever that is used.
   */
  private masksIn(condition: Node): number {
    const masks: Node[] = []
    collectMasks(condition, 8, masks)
    let registers = 0
    for (let i = 0; i < 16; i++) {
      const value = this.values[i]
      if (value !== null && value !== undefined && masks.some((mask) => dependsOn(value, mask, 4))) registers |= 1 << i
    }
    return registers
  }

  private atEnd(): void {
    const { term } = this.block
    if (leavesByLinkage(term)) return this.clearBelow()
    // The block before has pushed the return address, and made the rest undefined.
    if (this.stack === null && this.block.internal) return
    if (term.kind === 'call' || term.kind === 'icall') return this.clearBelow()
    const bytes = this.stack === null ? 0 : this.claimed - this.depth + RED_ZONE
    if (bytes > 0) this.add(ops.stack_claim, this.top(), bytes)
  }

  /** A call leaves nothing of the caller's below the stack pointer, where it has just pushed its return address. */
  private clearBelow(): void {
    const top = this.top()
    const last = this.out.findLast(({ op }) => op.effect === 'store' || op.effect === 'load')
    const { base, offset } = last === undefined ? { base: null, offset: 0 } : split(last.a!)
    const known = base === this.stack && offset === this.depth
    this.add(ops.stack_claim, top, RED_ZONE, known ? 1 : 0)
  }

  /** The stack pointer. */
  private top(): Node {
    this.stack ??= this.add(ops.i64_get, null, REG.rsp)
    return this.depth === 0 ? this.stack : this.b.add(this.stack, this.b.i64(this.depth))
  }
}

function collectMasks(node: Node | null, depth: number, found: Node[]): void {
  if (node === null || depth === 0 || node.op.effect !== 'pure') return
  if (node.op.name.endsWith('.bitmask')) found.push(node)
  else for (const operand of [node.a, node.b, node.c]) collectMasks(operand, depth - 1, found)
}

function dependsOn(node: Node | null, other: Node, depth: number): boolean {
  if (node === other) return true
  if (node === null || depth === 0) return false
  return [node.a, node.b].some((operand) => dependsOn(operand, other, depth - 1))
}

/** Does a block go on in a copy of a linkage table entry, which ends in the call? */
function leavesByLinkage(term: Terminator): boolean {
  return term.kind === 'jump' && typeof term.target !== 'number' && term.target.term.kind === 'icall'
}

/** Is the value computed from `stack` by a subtraction or a mask? */
function isFrom(value: Node, stack: Node): boolean {
  if (value === stack) return true
  return (value.op === ops.i64_add || value.op === ops.i64_sub || value.op === ops.i64_and) && isFrom(value.a!, stack)
}

const inserter = new Inserter()

/** Adds V bits to a block of any kind; its terminator stays as it is. */
export function insertDefinedness(block: Block): void {
  inserter.run(block, false)
}

/** Adds to a block for clean code (wasm/lower-clean.ts) what that does with V bits: the stack's. */
export function insertClean(block: Block): void {
  inserter.run(block, true)
}
