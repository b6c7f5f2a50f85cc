/** Exists to build the operations of the interpreter that move values and access memory. */
import { HELPER } from '../ir/helpers.ts'
import { REG, registers, STATE } from '../ir/registers.ts'
import { askGuarded, definednessOperations } from './bytecode-definedness.ts'
import { AT, FUEL, IP, type OperationWriter, type Operations } from './bytecode-parts.ts'
import { I64, V128 } from './encode.ts'
import * as OP from './opcodes.ts'
import { RUNTIME } from './runtime.ts'

/** value -> destination, then on. */
function setting(w: OperationWriter, store: number, words: number, push: () => void): () => void {
  return () => {
    w.half(AT.high)
    push()
    w.f.opMemory(store, 0, 0)
    w.next(words)
  }
}

function copy(w: OperationWriter, load: number, store: number): () => void {
  return setting(w, store, 2, () => {
    w.half(AT.a)
    w.f.opMemory(load, 0, 0)
  })
}

function constant(w: OperationWriter, load: number, store: number, words: number): () => void {
  return setting(w, store, words, () => {
    w.f.localGet(IP)
    w.f.opMemory(load, 2, AT.word(1))
  })
}

function loading(w: OperationWriter, bytes: number, load: number, store: number, checked: boolean): () => void {
  return () => {
    w.checkedAddress(bytes, false)
    if (checked) askGuarded(w, bytes, false)
    w.half(AT.high)
    w.f.localGet(w.low)
    w.f.opMemory(load, 0, 0)
    w.f.opMemory(store, 0, 0)
    w.next(5)
  }
}

function storing(w: OperationWriter, bytes: number, load: number, store: number, checked: boolean): () => void {
  return () => {
    w.checkedAddress(bytes, true)
    if (checked) askGuarded(w, bytes, true)
    w.f.localGet(w.low)
    w.half(AT.high)
    w.f.opMemory(load, 0, 0)
    w.f.opMemory(store, 0, 0)
    w.next(5)
  }
}

export function dataOperations(w: OperationWriter): Operations {
  return {
    copy8u: copy(w, OP.i32_load8_u, OP.i32_store),
    copy8s: copy(w, OP.i32_load8_s, OP.i32_store),
    copy16u: copy(w, OP.i32_load16_u, OP.i32_store),
    copy16s: copy(w, OP.i32_load16_s, OP.i32_store),
    copy32: copy(w, OP.i32_load, OP.i32_store),
    copy64: copy(w, OP.i64_load, OP.i64_store),
    copy128: copy(w, OP.v128_load, OP.v128_store),
    lane8: copy(w, OP.i32_load, OP.i32_store8),
    lane16: copy(w, OP.i32_load, OP.i32_store16),
    const32: constant(w, OP.i32_load, OP.i32_store, 2),
    const64: constant(w, OP.i64_load, OP.i64_store, 3),
    const128: constant(w, OP.v128_load, OP.v128_store, 5),
    shuffle: setting(w, OP.v128_store, 6, () => shuffle(w)),
    ...accesses(w, 'load', 'store', false),
    ...accesses(w, 'checkedLoad', 'checkedStore', true),
    ...definednessOperations(w),
    probe: () => {
      w.checkedAddress(0, true)
      w.next(5)
    },
    faultIf: () => faultIf(w),
    point: () => point(w),
    helper: () => helper(w),
    flags: () => flags(w, 2, () => w.operand('i64', AT.b)),
    flagsOf: () =>
      flags(w, 3, () => {
        w.f.localGet(IP)
        w.f.opMemory(OP.i64_load32_s, 2, AT.word(2))
      }),
  }
}

function accesses(w: OperationWriter, load: string, store: string, checked: boolean): Operations {
  return {
    [`${load}8`]: loading(w, 1, OP.i64_load8_u, OP.i64_store, checked),
    [`${load}16`]: loading(w, 2, OP.i64_load16_u, OP.i64_store, checked),
    [`${load}32`]: loading(w, 4, OP.i64_load32_u, OP.i64_store, checked),
    [`${load}64`]: loading(w, 8, OP.i64_load, OP.i64_store, checked),
    [`${load}128`]: loading(w, 16, OP.v128_load, OP.v128_store, checked),
    [`${store}8`]: storing(w, 1, OP.i32_load, OP.i32_store8, checked),
    [`${store}16`]: storing(w, 2, OP.i32_load, OP.i32_store16, checked),
    [`${store}32`]: storing(w, 4, OP.i32_load, OP.i32_store, checked),
    [`${store}64`]: storing(w, 8, OP.i64_load, OP.i64_store, checked),
    [`${store}128`]: storing(w, 16, OP.v128_load, OP.v128_store, checked),
  }
}

/** Lanes 0-15 come from the first operand and 16-31 from the second: an index out of range gives 0. */
function shuffle(w: OperationWriter): void {
  const { f, v } = w
  const lanes = v.local(V128)
  w.operand('v128', AT.a)
  f.localGet(IP)
  f.opMemory(OP.v128_load, 2, AT.word(2))
  f.localTee(lanes)
  f.op(OP.i8x16_swizzle)
  w.operand('v128', AT.b)
  f.localGet(lanes)
  f.i32Const(16)
  f.op(OP.i8x16_splat)
  f.op(OP.i8x16_sub)
  f.op(OP.i8x16_swizzle)
  f.op(OP.v128_or)
}

function faultIf(w: OperationWriter): void {
  const { f } = w
  w.operand('i32', AT.high)
  w.if(() => {
    w.half(AT.a)
    w.half(AT.b)
    w.word(2)
    f.opIndex(OP.call, RUNTIME.stop!)
    w.stopped()
  })
  w.next(3)
}

function point(w: OperationWriter): void {
  const { f } = w
  w.operand('i64', AT.a)
  w.operand('i64', AT.high)
  w.word(2)
  w.word(3)
  f.localGet(FUEL)
  f.opIndex(OP.call, RUNTIME.point!)
  w.if(() => w.stopped())
  w.next(4)
}

function helper(w: OperationWriter): void {
  const { f } = w
  w.word(2)
  f.i32Const(HELPER.rdtsc)
  f.op(OP.i32_eq)
  w.if(() => {
    // The helper reads the clock: tell it how much fuel is left before this instruction.
    f.i32Const(0)
    f.localGet(FUEL)
    w.word(3)
    f.op(OP.i32_add)
    f.opMemory(OP.i32_store, 2, w.layout.stateBase + STATE.fuelLeft)
  })
  w.half(AT.high)
  w.word(2)
  w.operand('i32', AT.a)
  w.operand('i32', AT.b)
  f.opIndex(OP.call, RUNTIME.helper!)
  f.opMemory(OP.i32_store, 0, 0)
  w.next(4)
}

/** `pushB`: the second value of the record; the first one is operand a. */
function flags(w: OperationWriter, words: number, pushB: () => void): void {
  const { f } = w
  const [a, b] = [w.v.local(I64), w.v.local(I64)]
  const put = (register: number, store: number, push: () => void): void => {
    f.i32Const(0)
    push()
    f.opMemory(store, 2, w.layout.stateBase + registers[register]!.offset)
  }
  w.operand('i64', AT.a)
  f.localSet(a)
  pushB()
  f.localSet(b)
  put(REG.flagKind, OP.i32_store, () => w.half(AT.high))
  put(REG.flagA, OP.i64_store, () => f.localGet(a))
  put(REG.flagB, OP.i64_store, () => f.localGet(b))
  w.next(words)
}
