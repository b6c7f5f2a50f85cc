/** Exists to hold what the operations of the interpreter have in common: operands, going on, leaving, entering other code, checked addresses. */
import type { Type } from '../ir/types.ts'
import { BLOCK_VOID, type FunctionBody, I32, I64, type ValueType } from './encode.ts'
import { wholeValue } from './lower-access.ts'
import type { MemoryLayout } from './lower-input.ts'
import { RegionLowering } from './lower-region.ts'
import { ValueLowering } from './lower-value.ts'
import * as OP from './opcodes.ts'
import { RUNTIME } from './runtime.ts'

/** Parameters of the functions: those of a region, but that the first one is the address of the operation at hand. */
export const [IP, FUEL, DEPTH] = [0, 1, 2]

/** The table of operations by opcode, beside the one of regions. */
const OPERATIONS = 1

/** Where operand addresses and words are, from the start of an operation. */
export const AT = { high: 2, a: 4, b: 6, word: (i: number) => i * 4 }

/** What each operation of a group does, by name. */
export type Operations = Record<string, () => void>

/** What the interpreter finds where: per slot the address of its bytecode, or 0. */
export interface InterpreterLayout extends MemoryLayout {
  frameBase: number
  unitsBase: number
  /** How many slots it has; others have no units. */
  unitSlots: number
  /** Do its units know which bits are defined? */
  checked: boolean
  /** After so many visits a unit becomes a region. */
  visits: number
}

/** Writes the functions of the interpreter, one after the other: what operations have in common. */
export class OperationWriter {
  private readonly lowering: RegionLowering
  readonly f: FunctionBody
  readonly v: ValueLowering
  readonly layout: InterpreterLayout
  readonly promote: number
  readonly region: number
  /** Locals of the function at hand, by what they are for. */
  private readonly locals = new Map<string, number>()

  constructor(layout: InterpreterLayout, promote: number, region: number) {
    this.lowering = new RegionLowering(layout)
    this.f = this.lowering.body
    this.v = new ValueLowering(this.lowering)
    this.layout = layout
    this.promote = promote
    this.region = region
  }

  /** The body of a function; good until the next one. */
  function(emit: () => void): FunctionBody {
    this.f.reset(3)
    this.v.reset()
    this.locals.clear()
    emit()
    this.f.op(OP.unreachable)
    return this.f
  }

  private local(name: string, type: ValueType): number {
    let local = this.locals.get(name)
    if (local === undefined) this.locals.set(name, (local = this.f.local(type)))
    return local
  }

  // Locals: a guest address, an entry code, an address in full, and its low word.

  get xpc(): number {
    return this.local('xpc', I32)
  }
  get xcode(): number {
    return this.local('xcode', I32)
  }
  get full(): number {
    return this.local('full', I64)
  }
  get low(): number {
    return this.local('low', I32)
  }

  // Parts of operations.

  /** What `then` writes is executed if the value on the wasm stack is not 0. */
  if(then: () => void): void {
    this.f.opBlock(OP.if, BLOCK_VOID)
    then()
    this.f.op(OP.end)
  }

  /** Goes on with the operation at ip. */
  again(): void {
    const { f } = this
    f.localGet(IP)
    f.localGet(FUEL)
    f.localGet(DEPTH)
    f.localGet(IP)
    f.opMemory(OP.i32_load16_u, 1, 0)
    f.returnCallIndirect(this.region, OPERATIONS)
  }

  /** Goes on behind this operation. */
  next(words: number): void {
    const { f } = this
    f.localGet(IP)
    f.i32Const(words * 4)
    f.op(OP.i32_add)
    f.localSet(IP)
    this.again()
  }

  /** Pushes word `i` of the operation. */
  word(i: number): void {
    this.f.localGet(IP)
    this.f.opMemory(OP.i32_load, 2, AT.word(i))
  }

  /** Pushes the 16 bits at an offset from the operation's start. */
  half(at: number): void {
    this.f.localGet(IP)
    this.f.opMemory(OP.i32_load16_u, 1, at)
  }

  /** Pushes the value at the address in the 16 bits at `at`. */
  operand(type: Type, at: number): void {
    this.half(at)
    this.f.opMemory(wholeValue[type].load, 0, 0)
  }

  /** Returns the address in xpc. */
  leave(): void {
    this.f.localGet(this.xpc)
    this.f.localGet(FUEL)
    this.f.op(OP.return)
  }

  /** Returns after a stop. */
  stopped(): void {
    this.f.i32Const(0)
    this.f.localGet(FUEL)
    this.f.op(OP.return)
  }

  /** Replaces the entry code on the wasm stack by the address of its unit, or 0. */
  unitOf(): void {
    const { f } = this
    f.i32Const(8)
    f.op(OP.i32_shr_u)
    f.i32Const(2)
    f.op(OP.i32_shl)
    f.opMemory(OP.i32_load, 2, this.layout.unitsBase)
  }

  /** Enters the code in xcode by a tail call. */
  enterRegion(): void {
    const { f } = this
    f.localGet(this.xcode)
    f.localGet(FUEL)
    f.localGet(DEPTH)
    f.localGet(this.xcode)
    f.i32Const(8)
    f.op(OP.i32_shr_u)
    f.returnCallIndirect(this.region, 0)
  }

  /** Goes to the entry code in xcode: a unit is interpreted here, a region is entered. */
  goTo(): void {
    const { f } = this
    f.localGet(this.xcode)
    f.i32Const(this.layout.unitSlots << 8)
    f.op(OP.i32_lt_u)
    this.if(() => {
      f.localGet(this.xcode)
      this.unitOf()
      f.localTee(IP)
      this.if(() => this.again())
    })
    this.enterRegion()
  }

  /** Goes to the answer of the engine on the wasm stack: an entry code, or the complement of an address to leave for. */
  goToAnswer(): void {
    const { f } = this
    f.localTee(this.xcode)
    f.i32Const(0)
    f.op(OP.i32_lt_s)
    this.if(() => {
      f.localGet(this.xcode)
      f.i32Const(-1)
      f.op(OP.i32_xor)
      f.localSet(this.xpc)
      this.leave()
    })
    this.enterRegion()
  }

  /** The checked address of an access to `low`: word 1 says where it is, 2 what is added, 3 and 4 what a stop needs. `bytes` 0: the engine always decides. */
  checkedAddress(bytes: number, store: boolean): void {
    const { f } = this
    const attribute = (): void => {
      f.i32Const(12)
      f.op(OP.i32_shr_u)
      f.opMemory(OP.i32_load8_u, 0, this.layout.attributesBase)
    }
    this.operand('i64', AT.a)
    f.localGet(IP)
    f.opMemory(OP.i64_load32_s, 2, AT.word(2))
    f.op(OP.i64_add)
    f.localTee(this.full)
    f.op(OP.i32_wrap_i64)
    f.localSet(this.low)
    if (bytes > 0) {
      f.localGet(this.low)
      attribute()
      if (bytes > 1) {
        f.localGet(this.low)
        f.i32Const(bytes - 1)
        f.op(OP.i32_add)
        attribute()
        f.op(OP.i32_or)
      }
      if (!store) {
        f.i32Const(1)
        f.op(OP.i32_and)
      }
      f.localGet(this.full)
      f.i64Const(32, 0)
      f.op(OP.i64_shr_u)
      f.op(OP.i32_wrap_i64)
      f.op(OP.i32_or)
    } else f.i32Const(1)
    this.if(() => {
      f.localGet(this.full)
      this.word(4)
      this.word(3)
      f.opIndex(OP.call, RUNTIME.check!)
      this.if(() => this.stopped())
    })
  }
}
