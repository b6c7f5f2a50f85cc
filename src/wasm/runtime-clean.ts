/** Exists to build the runtime functions between clean code and full code (lower-clean.ts): what is known of the registers changes its form there. */
import { CLEAN, CLEAN_WORDS, MIRRORS, mirrorsOf } from '../ir/clean.ts'
import { REG } from '../ir/registers.ts'
import { BLOCK_VOID, type FunctionBody, I32, I64 } from './encode.ts'
import * as OP from './opcodes.ts'
import { ACCESS, RUNTIME_LOCAL } from './runtime-index.ts'
import type { Shadow } from './runtime-shadow.ts'

const BITS = Array.from({ length: 33 }, (_, bit) => bit).filter((bit) => bit !== REG.rsp)

function pushWord(f: FunctionBody, cleanBase: number): void {
  f.i32Const(0)
  f.opMemory(OP.i64_load, 3, cleanBase)
}

/** Returns the word; if it was stale, it is made from the mirrors. */
export function enterClean(f: FunctionBody, stateBase: number, { cleanBase }: Shadow): void {
  const mask = f.local(I64)
  pushWord(f, cleanBase)
  f.localTee(mask)
  f.i64Const(0, CLEAN.stale)
  f.op(OP.i64_and)
  f.op(OP.i64_eqz)
  f.opBlock(OP.if, BLOCK_VOID)
  f.localGet(mask)
  f.op(OP.return)
  f.op(OP.end)
  f.i64Const(0, 0)
  f.localSet(mask)
  for (let at = 0; at < MIRRORS.bytes; at += 16) {
    f.i32Const(0)
    f.opMemory(OP.v128_load, 3, stateBase + MIRRORS.offset + at)
    if (at > 0) f.op(OP.v128_or)
  }
  f.op(OP.v128_any_true)
  f.opBlock(OP.if, BLOCK_VOID)
  for (const bit of BITS) {
    const { offset, bytes } = mirrorsOf(bit)
    f.i32Const(0)
    if (bytes === 8) {
      f.opMemory(OP.i64_load, 3, stateBase + offset)
      f.i64Const(0, 0)
      f.op(OP.i64_ne)
    } else {
      f.opMemory(OP.v128_load, 3, stateBase + offset)
      f.op(OP.v128_any_true)
    }
    f.op(OP.i64_extend_i32_u)
    f.i64Const(bit, 0)
    f.op(OP.i64_shl)
    f.localGet(mask)
    f.op(OP.i64_or)
    f.localSet(mask)
  }
  f.op(OP.end)
  f.i32Const(0)
  f.localGet(mask)
  f.opMemory(OP.i64_store, 3, cleanBase)
  f.localGet(mask)
}

/** Clears the mirrors of registers whose bits are 0; the word is stale from then on. */
export function leaveClean(f: FunctionBody, stateBase: number, { cleanBase }: Shadow): void {
  const mask = f.local(I64)
  pushWord(f, cleanBase)
  f.localTee(mask)
  f.op(OP.i64_eqz)
  f.opBlock(OP.if, BLOCK_VOID)
  for (let at = 0; at < MIRRORS.bytes; at += 16) {
    f.i32Const(0)
    f.v128Const(0, 0, 0, 0)
    f.opMemory(OP.v128_store, 3, stateBase + MIRRORS.offset + at)
  }
  f.op(OP.else)
  for (const bit of BITS) {
    const { offset, bytes } = mirrorsOf(bit)
    f.localGet(mask)
    f.i64Const(...((bit < 32 ? [1 << bit, 0] : [0, 1]) as [number, number]))
    f.op(OP.i64_and)
    f.op(OP.i64_eqz)
    f.opBlock(OP.if, BLOCK_VOID)
    f.i32Const(0)
    if (bytes === 8) {
      f.i64Const(0, 0)
      f.opMemory(OP.i64_store, 3, stateBase + offset)
    } else {
      f.v128Const(0, 0, 0, 0)
      f.opMemory(OP.v128_store, 3, stateBase + offset)
    }
    f.op(OP.end)
  }
  f.op(OP.end)
  f.i32Const(0)
  f.i64Const(0, CLEAN.stale)
  f.opMemory(OP.i64_store, 3, cleanBase)
}

/** Parameters: address, bytes (1, 2, 4, 8 or 16) | ACCESS.store | refund << ACCESS.refundShift, pc. */
export function checkClean(f: FunctionBody, { displacement, unaddressableBase, cleanBase }: Shadow): void {
  const low = f.local(I32)
  f.localGet(0)
  f.localGet(1)
  f.i32Const(~ACCESS.pair)
  f.op(OP.i32_and)
  f.localGet(2)
  f.opIndex(OP.call, RUNTIME_LOCAL.check)
  f.opBlock(OP.if, BLOCK_VOID)
  f.i32Const(1)
  f.op(OP.return)
  f.op(OP.end)
  f.localGet(0)
  f.op(OP.i32_wrap_i64)
  f.localSet(low)
  f.opBlock(OP.block, BLOCK_VOID)
  f.localGet(1)
  f.i32Const(ACCESS.pair)
  f.op(OP.i32_and)
  f.opIndex(OP.br_if, 0)
  f.localGet(1)
  f.i32Const(ACCESS.store)
  f.op(OP.i32_and)
  f.opBlock(OP.if, BLOCK_VOID)
  pushGuarded(f, low, unaddressableBase)
  f.opIndex(OP.br_if, 1)
  forSize(f, (_load, store, zero) => {
    f.localGet(low)
    zero()
    f.opMemory(store, 0, displacement)
    f.i32Const(0)
    f.op(OP.return)
  })
  f.op(OP.else)
  forSize(f, (load, _store, _zero, bytes) => {
    f.localGet(low)
    f.opMemory(load, 0, displacement)
    if (bytes === 16) f.op(OP.v128_any_true)
    if (bytes === 8) {
      f.op(OP.i64_eqz)
      f.op(OP.i32_eqz)
    }
    f.opIndex(OP.br_if, 2)
  })
  f.i32Const(0)
  f.op(OP.return)
  f.op(OP.end)
  f.op(OP.end)
  f.i32Const(0)
  f.localGet(2)
  f.opMemory(OP.i32_store, 2, cleanBase + CLEAN_WORDS.pc)
  f.i32Const(0)
  f.localGet(1)
  f.i32Const(ACCESS.refundShift)
  f.op(OP.i32_shr_u)
  f.opMemory(OP.i32_store, 2, cleanBase + CLEAN_WORDS.refund)
  f.i32Const(1)
}

/** Pushes the bits of the guarded ones among the bytes of the access to `low`. */
function pushGuarded(f: FunctionBody, low: number, unaddressableBase: number): void {
  f.localGet(low)
  f.i32Const(3)
  f.op(OP.i32_shr_u)
  f.opMemory(OP.i32_load, 0, unaddressableBase)
  f.localGet(low)
  f.i32Const(7)
  f.op(OP.i32_and)
  f.op(OP.i32_shr_u)
  f.i32Const(1)
  f.localGet(1)
  f.i32Const(255)
  f.op(OP.i32_and)
  f.op(OP.i32_shl)
  f.i32Const(1)
  f.op(OP.i32_sub)
  f.op(OP.i32_and)
}

/** For each size of an access what is to be done for it. */
function forSize(f: FunctionBody, then: (load: number, store: number, zero: () => void, bytes: number) => void): void {
  const sizes: [number, number, number, () => void][] = [
    [8, OP.i64_load, OP.i64_store, () => f.i64Const(0, 0)],
    [4, OP.i32_load, OP.i32_store, () => f.i32Const(0)],
    [1, OP.i32_load8_u, OP.i32_store8, () => f.i32Const(0)],
    [16, OP.v128_load, OP.v128_store, () => f.v128Const(0, 0, 0, 0)],
    [2, OP.i32_load16_u, OP.i32_store16, () => f.i32Const(0)],
  ]
  for (const [size, load, store, zero] of sizes) {
    f.localGet(1)
    f.i32Const(255)
    f.op(OP.i32_and)
    f.i32Const(size)
    f.op(OP.i32_eq)
    f.opBlock(OP.if, BLOCK_VOID)
    then(load, store, zero, size)
    f.op(OP.end)
  }
}
