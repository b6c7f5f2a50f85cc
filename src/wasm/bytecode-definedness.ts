/** Exists to build the operations of the interpreter that keep V bits of memory (passes/definedness), as lower-memory.ts does in regions. */
import { FRAME } from './bytecode-ops.ts'
import { AT, type OperationWriter, type Operations } from './bytecode-parts.ts'
import { I32, I64, V128, type ValueType } from './encode.ts'
import * as OP from './opcodes.ts'
import { RUNTIME } from './runtime.ts'

/** Type and load of the V bits of so many bytes. */
const V_BITS = new Map<number, [ValueType, number]>([
  [1, [I32, OP.i32_load8_u]],
  [2, [I32, OP.i32_load16_u]],
  [4, [I32, OP.i32_load]],
  [8, [I64, OP.i64_load]],
  [16, [V128, OP.v128_load]],
])

/** Keeps the V bits of the access to `low` and its address; where some bits are undefined, asks about bytes that may not be accessed (as lower-memory.ts does). */
export function askGuarded(w: OperationWriter, bytes: number, store: boolean): void {
  const { f } = w
  const { shadowDisplacement, unaddressableBase, frameBase } = w.layout
  const [type, load] = V_BITS.get(bytes)!
  const bits = w.v.local(type)
  f.i32Const(0)
  f.localGet(w.low)
  f.opMemory(OP.i32_store, 2, frameBase + FRAME.address)
  f.localGet(w.low)
  f.opMemory(load, 0, shadowDisplacement)
  f.localTee(bits)
  if (type === V128) f.op(OP.v128_any_true)
  else if (type === I64) {
    f.op(OP.i64_eqz)
    f.op(OP.i32_eqz)
  }
  w.if(() => {
    f.localGet(w.low)
    f.i32Const(3)
    f.op(OP.i32_shr_u)
    f.opMemory(OP.i32_load, 0, unaddressableBase)
    f.localGet(w.low)
    f.i32Const(7)
    f.op(OP.i32_and)
    f.op(OP.i32_shr_u)
    f.i32Const((1 << bytes) - 1)
    f.op(OP.i32_and)
    w.if(() => guarded(w, bits, type))
  })
  if (store) return
  f.i32Const(0)
  f.localGet(bits)
  f.opMemory(type === V128 ? OP.v128_store : type === I64 ? OP.i64_store : OP.i32_store, 2, frameBase + FRAME.bits)
}

/** Bytes that may not be accessed: a stop, or nothing, or they are taken for defined. */
function guarded(w: OperationWriter, bits: number, type: ValueType): void {
  const { f } = w
  const answer = w.v.local(I32)
  f.localGet(w.low)
  w.word(4)
  w.word(3)
  f.opIndex(OP.call, RUNTIME.guarded!)
  f.localTee(answer)
  w.if(() => {
    f.localGet(answer)
    f.i32Const(1)
    f.op(OP.i32_eq)
    w.if(() => w.stopped())
    if (type === V128) f.v128Const(0, 0, 0, 0)
    else if (type === I64) f.i64Const(0, 0)
    else f.i32Const(0)
    f.localSet(bits)
  })
}

export function definednessOperations(w: OperationWriter): Operations {
  const { f } = w
  const shadow = (load: number, store: number) => (): void => {
    f.i32Const(0)
    f.opMemory(OP.i32_load, 2, w.layout.frameBase + FRAME.address)
    w.half(AT.high)
    f.opMemory(load, 0, 0)
    f.opMemory(store, 0, w.layout.shadowDisplacement)
    w.next(1)
  }
  return {
    shadow8: shadow(OP.i32_load, OP.i32_store8),
    shadow16: shadow(OP.i32_load, OP.i32_store16),
    shadow32: shadow(OP.i32_load, OP.i32_store),
    shadow64: shadow(OP.i64_load, OP.i64_store),
    shadow128: shadow(OP.v128_load, OP.v128_store),
    undefinedIf: () => {
      w.operand('i32', AT.high)
      w.if(() => {
        w.word(1)
        w.word(2)
        w.word(3)
        f.opIndex(OP.call, RUNTIME.undefined!)
        w.if(() => w.stopped())
      })
      w.next(4)
    },
    claim: () => {
      w.operand('i64', AT.high)
      w.word(1)
      f.opIndex(OP.call, RUNTIME.claim!)
      w.next(2)
    },
    moved: () => {
      w.operand('i64', AT.high)
      w.operand('i64', AT.a)
      f.opIndex(OP.call, RUNTIME.moved!)
      w.next(2)
    },
  }
}
