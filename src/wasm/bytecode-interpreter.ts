/** Exists to build the one wasm function that interprets bytecode: every IR op is lowered once, by the same code that lowers it in regions. */
import { EXIT } from '../ir/exits.ts'
import { HELPER } from '../ir/helpers.ts'
import { REG, registers, STATE } from '../ir/registers.ts'
import type { Node, Type } from '../ir/types.ts'
import { BYTECODE, computations, computationWords, OPERATION_COUNT } from './bytecode-ops.ts'
import { BLOCK_VOID, blockResult, type FunctionBody, I32, I64, ModuleBuilder, V128, type ValueType } from './encode.ts'
import { wholeValue } from './lower-access.ts'
import type { MemoryLayout } from './lower-input.ts'
import { RegionLowering } from './lower-region.ts'
import { ValueLowering } from './lower-value.ts'
import * as OP from './opcodes.ts'
import { importRuntime, REGION_PARAMETERS, REGION_RESULTS, RUNTIME } from './runtime.ts'

/** Parameters of the functions: those of a region, but that the first one is the address of the operation at hand. */
const [IP, FUEL, DEPTH] = [0, 1, 2]

/** The table of operations by opcode, beside the one of regions. */
const OPERATIONS = 1

/** Where operand addresses and words are, from the start of an operation. */
const AT = { high: 2, a: 4, b: 6, word: (i: number) => i * 4 }

/** What the interpreter finds where: per slot the address of its bytecode, or 0. */
export interface InterpreterLayout extends MemoryLayout {
  unitsBase: number
  /** After so many visits a unit becomes a region. */
  visits: number
}

/**
 * The module of function `f`, which stands in the slots of all units. Each operation is a function, which goes to the next one by a tail call: small functions are compiled
 * when they are needed, and soon optimised. It imports `promote(entry code)` besides the runtime: an entry code, or the complement of an address to leave for.
 */
export function interpreterModule(memoryPages: number, layout: InterpreterLayout): Uint8Array<ArrayBuffer> {
  const m = new ModuleBuilder()
  importRuntime(m, memoryPages)
  const promote = m.importFunction('l', 'promote', m.type([I32], [I32]))
  const operations = m.importTable('l', 'operations', OPERATION_COUNT)
  const region = m.type(REGION_PARAMETERS, REGION_RESULTS)
  const interpreter = new Interpreter(layout, promote, region)
  const functions = interpreter.operations().map((emit) => m.add(region, interpreter.function(emit)))
  m.element(0, functions, operations)
  m.exportFunction(
    'f',
    m.add(
      region,
      interpreter.function(() => interpreter.entry()),
    ),
  )
  return m.finish()
}

class Interpreter {
  private readonly lowering: RegionLowering
  private readonly f: FunctionBody
  private readonly v: ValueLowering
  private readonly layout: InterpreterLayout
  private readonly promote: number
  private readonly region: number
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

  /** The way in: the first parameter is an entry code. */
  entry(): void {
    const { f } = this
    // A unit has one entry; a code for another one is of a region that was here before.
    f.localGet(IP)
    f.i32Const(255)
    f.op(OP.i32_and)
    this.if(() => {
      f.localGet(IP)
      f.opIndex(OP.call, RUNTIME.revive!)
      this.goToAnswer()
    })
    f.localGet(IP)
    this.unitOf()
    f.localSet(IP)
    this.again()
  }

  private local(name: string, type: ValueType): number {
    let local = this.locals.get(name)
    if (local === undefined) this.locals.set(name, (local = this.f.local(type)))
    return local
  }

  /** A guest address, an entry code, and an address in full and its low word. */
  private get xpc(): number {
    return this.local('xpc', I32)
  }
  private get xcode(): number {
    return this.local('xcode', I32)
  }
  private get full(): number {
    return this.local('full', I64)
  }
  private get low(): number {
    return this.local('low', I32)
  }

  // Parts of operations.

  private if(then: () => void): void {
    this.f.opBlock(OP.if, BLOCK_VOID)
    then()
    this.f.op(OP.end)
  }

  /** Goes on with the operation at ip. */
  private again(): void {
    const { f } = this
    f.localGet(IP)
    f.localGet(FUEL)
    f.localGet(DEPTH)
    f.localGet(IP)
    f.opMemory(OP.i32_load16_u, 1, 0)
    f.returnCallIndirect(this.region, OPERATIONS)
  }

  /** Goes on behind this operation. */
  private next(words: number): void {
    const { f } = this
    f.localGet(IP)
    f.i32Const(words * 4)
    f.op(OP.i32_add)
    f.localSet(IP)
    this.again()
  }

  /** Pushes word `i` of the operation. */
  private word(i: number): void {
    this.f.localGet(IP)
    this.f.opMemory(OP.i32_load, 2, AT.word(i))
  }

  /** Pushes the 16 bits at an offset from the operation's start. */
  private half(at: number): void {
    this.f.localGet(IP)
    this.f.opMemory(OP.i32_load16_u, 1, at)
  }

  /** Pushes the value at the address in the 16 bits at `at`. */
  private operand(type: Type, at: number): void {
    this.half(at)
    this.f.opMemory(wholeValue[type].load, 0, 0)
  }

  /** Returns the address in xpc. */
  private leave(): void {
    this.f.localGet(this.xpc)
    this.f.localGet(FUEL)
    this.f.op(OP.return)
  }

  /** Returns after a stop. */
  private stopped(): void {
    this.f.i32Const(0)
    this.f.localGet(FUEL)
    this.f.op(OP.return)
  }

  /** Replaces the entry code on the wasm stack by the address of its unit, or 0. */
  private unitOf(): void {
    const { f } = this
    f.i32Const(8)
    f.op(OP.i32_shr_u)
    f.i32Const(2)
    f.op(OP.i32_shl)
    f.opMemory(OP.i32_load, 2, this.layout.unitsBase)
  }

  /** Enters the code in xcode by a tail call. */
  private enterRegion(): void {
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
  private goTo(): void {
    const { f } = this
    f.localGet(this.xcode)
    this.unitOf()
    f.localTee(IP)
    this.if(() => this.again())
    this.enterRegion()
  }

  /** Goes to the answer of the engine on the wasm stack: an entry code, or the complement of an address to leave for. */
  private goToAnswer(): void {
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

  /** Takes the fuel for the instructions in the upper half of the first word; stops at the address in word 1 if there is too little. */
  private takeFuel(): void {
    const { f } = this
    f.localGet(FUEL)
    this.half(AT.high)
    f.op(OP.i32_lt_u)
    this.if(() => {
      f.i32Const(EXIT.fuel)
      f.i32Const(0)
      this.word(1)
      f.opIndex(OP.call, RUNTIME.stop!)
      this.stopped()
    })
    f.localGet(FUEL)
    this.half(AT.high)
    f.op(OP.i32_sub)
    f.localSet(FUEL)
  }

  /** The guest address at the operand to xpc; stops where no code can be. */
  private toPc(): void {
    const { f } = this
    const { guestMin, guestLimit } = this.layout
    this.operand('i64', AT.high)
    f.localTee(this.full)
    f.i64Const(guestMin, 0)
    f.op(OP.i64_sub)
    f.i64Const(guestLimit - guestMin, 0)
    f.op(OP.i64_ge_u)
    this.if(() => {
      f.localGet(this.full)
      f.opIndex(OP.call, RUNTIME.wild!)
      this.stopped()
    })
    f.localGet(this.full)
    f.op(OP.i32_wrap_i64)
    f.localSet(this.xpc)
  }

  /** The entry code of the address in xpc to xcode, or -1: jump cache, else the engine. */
  private lookup(): void {
    const { f } = this
    const { jumpCacheBase, jumpCacheEntries } = this.layout
    f.localGet(this.xpc)
    f.localGet(this.xpc)
    f.i32Const(7)
    f.op(OP.i32_shr_u)
    f.op(OP.i32_xor)
    f.i32Const(jumpCacheEntries - 1)
    f.op(OP.i32_and)
    f.i32Const(3)
    f.op(OP.i32_shl)
    f.localTee(this.xcode)
    f.opMemory(OP.i32_load, 2, jumpCacheBase)
    f.localGet(this.xpc)
    f.op(OP.i32_eq)
    f.opBlock(OP.if, blockResult(I32))
    f.localGet(this.xcode)
    f.opMemory(OP.i32_load, 2, jumpCacheBase + 4)
    f.op(OP.else)
    f.localGet(this.xpc)
    f.opIndex(OP.call, RUNTIME.resolve!)
    f.op(OP.end)
    f.localSet(this.xcode)
  }

  private rsp(): void {
    this.f.i32Const(0)
    this.f.opMemory(OP.i64_load, 3, this.layout.stateBase + registers[REG.rsp]!.offset)
  }

  /** A guest call of the code in xcode, at xpc; the return address is in word `ret`. Leaves unless the callee comes back there with the stack where it was. */
  private call(ret: number, words: number): void {
    const { f } = this
    f.localGet(DEPTH)
    f.op(OP.i32_eqz)
    f.localGet(this.xcode)
    f.i32Const(0)
    f.op(OP.i32_lt_s)
    f.op(OP.i32_or)
    this.if(() => this.leave())
    this.rsp()
    f.i64Const(8, 0)
    f.op(OP.i64_add)
    f.localSet(this.full)
    f.localGet(this.xcode)
    f.localGet(FUEL)
    f.localGet(DEPTH)
    f.i32Const(1)
    f.op(OP.i32_sub)
    f.localGet(this.xcode)
    f.i32Const(8)
    f.op(OP.i32_shr_u)
    f.callIndirect(this.region, 0)
    f.localSet(FUEL)
    f.localTee(this.xpc)
    this.word(ret)
    f.op(OP.i32_ne)
    this.rsp()
    f.localGet(this.full)
    f.op(OP.i64_ne)
    f.op(OP.i32_or)
    this.if(() => this.leave())
    this.next(words)
  }

  private storeRip(word: number): void {
    const { f } = this
    f.i32Const(0)
    this.word(word)
    f.op(OP.i64_extend_i32_u)
    f.opMemory(OP.i64_store, 3, this.layout.stateBase + STATE.rip)
  }

  /** The checked address of an access to `low`: word 1 says where it is, 2 what is added, 3 and 4 what a stop needs. `bytes` 0: the engine always decides. */
  private checkedAddress(bytes: number, store: boolean): void {
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

  // Operations.

  /** What each opcode does, in the order of opcodes. */
  operations(): (() => void)[] {
    const structural = this.structural()
    return [
      ...Object.keys(BYTECODE).map((name) => structural[name]!),
      ...computations.map((computation) => () => this.compute(computation)),
    ]
  }

  private compute(computation: (typeof computations)[number]): void {
    const { f, v } = this
    const { op, immediate, cc } = computation
    const argument = (i: number): Node => {
      const type = op.args[i]!
      const local = v.local(wholeValue[type].type)
      if (i === 1 && immediate) {
        f.localGet(IP)
        f.opMemory(type === 'i32' ? OP.i32_load : OP.i64_load32_s, 2, AT.word(2))
      } else this.operand(type, [AT.a, AT.b, AT.word(2)][i]!)
      f.localSet(local)
      return { ...node, local, uses: 1 }
    }
    const node: Node = {
      op,
      type: op.result,
      a: null,
      b: null,
      c: null,
      imm: cc,
      imm2: 0,
      bytes: null,
      uses: 1,
      local: -1,
    }
    if (op.args.length > 0) node.a = argument(0)
    if (op.args.length > 1) node.b = argument(1)
    if (op.args.length > 2) node.c = argument(2)
    this.half(AT.high)
    v.emit(node)
    f.opMemory(wholeValue[op.result!].store, 0, 0)
    this.next(computationWords(computation))
  }

  /** value -> destination, then on. */
  private set(store: number, words: number, push: () => void): () => void {
    return () => {
      this.half(AT.high)
      push()
      this.f.opMemory(store, 0, 0)
      this.next(words)
    }
  }

  private copy(load: number, store: number): () => void {
    return this.set(store, 2, () => {
      this.half(AT.a)
      this.f.opMemory(load, 0, 0)
    })
  }

  private constant(load: number, store: number, words: number): () => void {
    return this.set(store, words, () => {
      this.f.localGet(IP)
      this.f.opMemory(load, 2, AT.word(1))
    })
  }

  private load(bytes: number, load: number, store: number): () => void {
    return () => {
      this.checkedAddress(bytes, false)
      this.half(AT.high)
      this.f.localGet(this.low)
      this.f.opMemory(load, 0, 0)
      this.f.opMemory(store, 0, 0)
      this.next(5)
    }
  }

  private store(bytes: number, load: number, store: number): () => void {
    return () => {
      this.checkedAddress(bytes, true)
      this.f.localGet(this.low)
      this.half(AT.high)
      this.f.opMemory(load, 0, 0)
      this.f.opMemory(store, 0, 0)
      this.next(5)
    }
  }

  private structural(): Record<string, () => void> {
    return { ...this.data(), ...this.control() }
  }

  private data(): Record<string, () => void> {
    return {
      copy8u: this.copy(OP.i32_load8_u, OP.i32_store),
      copy8s: this.copy(OP.i32_load8_s, OP.i32_store),
      copy16u: this.copy(OP.i32_load16_u, OP.i32_store),
      copy16s: this.copy(OP.i32_load16_s, OP.i32_store),
      copy32: this.copy(OP.i32_load, OP.i32_store),
      copy64: this.copy(OP.i64_load, OP.i64_store),
      copy128: this.copy(OP.v128_load, OP.v128_store),
      lane8: this.copy(OP.i32_load, OP.i32_store8),
      lane16: this.copy(OP.i32_load, OP.i32_store16),
      const32: this.constant(OP.i32_load, OP.i32_store, 2),
      const64: this.constant(OP.i64_load, OP.i64_store, 3),
      const128: this.constant(OP.v128_load, OP.v128_store, 5),
      shuffle: this.set(OP.v128_store, 6, () => this.shuffle()),
      load8: this.load(1, OP.i32_load8_u, OP.i32_store),
      load16: this.load(2, OP.i32_load16_u, OP.i32_store),
      load32: this.load(4, OP.i32_load, OP.i32_store),
      load64: this.load(8, OP.i64_load, OP.i64_store),
      load128: this.load(16, OP.v128_load, OP.v128_store),
      store8: this.store(1, OP.i32_load, OP.i32_store8),
      store16: this.store(2, OP.i32_load, OP.i32_store16),
      store32: this.store(4, OP.i32_load, OP.i32_store),
      store64: this.store(8, OP.i64_load, OP.i64_store),
      store128: this.store(16, OP.v128_load, OP.v128_store),
      probe: () => {
        this.checkedAddress(0, true)
        this.next(5)
      },
      faultIf: () => this.faultIf(),
      point: () => this.point(),
      helper: () => this.helper(),
      flags: () => this.flags(),
    }
  }

  /** Lanes 0-15 come from the first operand and 16-31 from the second: an index out of range gives 0. */
  private shuffle(): void {
    const { f, v } = this
    const lanes = v.local(V128)
    this.operand('v128', AT.a)
    f.localGet(IP)
    f.opMemory(OP.v128_load, 2, AT.word(2))
    f.localTee(lanes)
    f.op(OP.i8x16_swizzle)
    this.operand('v128', AT.b)
    f.localGet(lanes)
    f.i32Const(16)
    f.op(OP.i8x16_splat)
    f.op(OP.i8x16_sub)
    f.op(OP.i8x16_swizzle)
    f.op(OP.v128_or)
  }

  private faultIf(): void {
    const { f } = this
    this.operand('i32', AT.high)
    this.if(() => {
      this.half(AT.a)
      this.half(AT.b)
      this.word(2)
      f.opIndex(OP.call, RUNTIME.stop!)
      this.stopped()
    })
    this.next(3)
  }

  private point(): void {
    const { f } = this
    this.operand('i64', AT.a)
    this.operand('i64', AT.high)
    this.word(2)
    this.word(3)
    f.localGet(FUEL)
    f.opIndex(OP.call, RUNTIME.point!)
    this.if(() => this.stopped())
    this.next(4)
  }

  private helper(): void {
    const { f } = this
    this.word(2)
    f.i32Const(HELPER.rdtsc)
    f.op(OP.i32_eq)
    this.if(() => {
      // The helper reads the clock: tell it how much fuel is left before this instruction.
      f.i32Const(0)
      f.localGet(FUEL)
      this.word(3)
      f.op(OP.i32_add)
      f.opMemory(OP.i32_store, 2, this.layout.stateBase + STATE.fuelLeft)
    })
    this.half(AT.high)
    this.word(2)
    this.operand('i32', AT.a)
    this.operand('i32', AT.b)
    f.opIndex(OP.call, RUNTIME.helper!)
    f.opMemory(OP.i32_store, 0, 0)
    this.next(4)
  }

  private flags(): void {
    const { f } = this
    const [a, b] = [this.v.local(I64), this.v.local(I64)]
    const put = (register: number, store: number, push: () => void): void => {
      f.i32Const(0)
      push()
      f.opMemory(store, 2, this.layout.stateBase + registers[register]!.offset)
    }
    this.operand('i64', AT.a)
    f.localSet(a)
    this.operand('i64', AT.b)
    f.localSet(b)
    put(REG.flagKind, OP.i32_store, () => this.half(AT.high))
    put(REG.flagA, OP.i64_store, () => f.localGet(a))
    put(REG.flagB, OP.i64_store, () => f.localGet(b))
    this.next(2)
  }

  private control(): Record<string, () => void> {
    const { f } = this
    return {
      enter: () => {
        f.localGet(IP)
        this.word(2)
        f.i32Const(1)
        f.op(OP.i32_add)
        f.localTee(this.low)
        f.opMemory(OP.i32_store, 2, AT.word(2))
        f.localGet(this.low)
        f.i32Const(this.layout.visits)
        f.op(OP.i32_eq)
        this.if(() => {
          this.word(3)
          f.opIndex(OP.call, this.promote)
          this.goToAnswer()
        })
        this.takeFuel()
        this.next(4)
      },
      block: () => {
        this.takeFuel()
        this.next(2)
      },
      unless: () => {
        this.operand('i32', AT.high)
        this.if(() => this.next(2))
        this.skip()
      },
      goto: () => this.skip(),
      jump: () => {
        this.word(1)
        f.localSet(this.xcode)
        this.goTo()
      },
      call: () => {
        this.word(1)
        f.localSet(this.xcode)
        this.word(3)
        f.localSet(this.xpc)
        this.call(2, 4)
      },
      icall: () => {
        this.toPc()
        this.lookup()
        this.call(1, 2)
      },
      ijump: () => {
        this.toPc()
        this.lookup()
        f.localGet(this.xcode)
        f.i32Const(0)
        f.op(OP.i32_lt_s)
        this.if(() => this.leave())
        f.localGet(this.xcode)
        f.i32Const(255)
        f.op(OP.i32_and)
        this.if(() => this.enterRegion())
        this.goTo()
      },
      ret: () => {
        this.toPc()
        this.leave()
      },
      ...this.exits(),
    }
  }

  /** Goes on at the distance in word 1. */
  private skip(): void {
    this.f.localGet(IP)
    this.word(1)
    this.f.op(OP.i32_add)
    this.f.localSet(IP)
    this.again()
  }

  private exits(): Record<string, () => void> {
    const { f } = this
    return {
      syscall: () => {
        this.storeRip(1)
        f.localGet(FUEL)
        f.opIndex(OP.call, RUNTIME.systemCall!)
        this.if(() => this.stopped())
        this.next(2)
      },
      intercept: () => {
        this.storeRip(1)
        f.localGet(FUEL)
        f.opIndex(OP.call, RUNTIME.intercept!)
        f.localTee(this.xpc)
        f.i32Const(-1)
        f.op(OP.i32_ne)
        this.if(() => this.leave())
        f.localGet(FUEL)
        f.i32Const(1)
        f.op(OP.i32_add)
        f.localSet(FUEL)
        this.next(2)
      },
      fault: () => {
        this.half(AT.high)
        f.i32Const(1)
        this.word(1)
        f.opIndex(OP.call, RUNTIME.stop!)
        this.stopped()
      },
      leave: () => {
        this.word(1)
        f.localSet(this.xpc)
        this.leave()
      },
      wild: () => {
        f.localGet(IP)
        f.opMemory(OP.i64_load, 2, AT.word(1))
        f.opIndex(OP.call, RUNTIME.wild!)
        this.stopped()
      },
    }
  }
}
