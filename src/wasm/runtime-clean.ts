/** Exists to build the runtime functions between clean code and full code (lower-clean.ts): what is known of the registers changes its form there. */
import { CLEAN, MIRRORS, mirrorsOf } from '../ir/clean.ts'
import { REG } from '../ir/registers.ts'
import { BLOCK_VOID, type FunctionBody, I32, I64 } from './encode.ts'
import * as OP from './opcodes.ts'
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

/** Parameters: address, bytes (1, 2, 4, 8 or 16). */
export function define(f: FunctionBody, { displacement, unaddressableBase }: Shadow): void {
  const ones = f.local(I32)
  f.i32Const(1)
  f.localGet(1)
  f.op(OP.i32_shl)
  f.i32Const(1)
  f.op(OP.i32_sub)
  f.localSet(ones)
  f.localGet(0)
  f.i32Const(3)
  f.op(OP.i32_shr_u)
  f.opMemory(OP.i32_load, 0, unaddressableBase)
  f.localGet(0)
  f.i32Const(7)
  f.op(OP.i32_and)
  f.op(OP.i32_shr_u)
  f.localGet(ones)
  f.op(OP.i32_and)
  f.opBlock(OP.if, BLOCK_VOID)
  f.i32Const(1)
  f.op(OP.return)
  f.op(OP.end)
  const sizes: [number, () => void, number][] = [
    [16, () => f.v128Const(0, 0, 0, 0), OP.v128_store],
    [8, () => f.i64Const(0, 0), OP.i64_store],
    [4, () => f.i32Const(0), OP.i32_store],
    [2, () => f.i32Const(0), OP.i32_store16],
    [1, () => f.i32Const(0), OP.i32_store8],
  ]
  for (const [size, push, opcode] of sizes) {
    f.localGet(1)
    f.i32Const(size)
    f.op(OP.i32_eq)
    f.opBlock(OP.if, BLOCK_VOID)
    f.localGet(0)
    push()
    f.opMemory(opcode, 0, displacement)
    f.op(OP.end)
  }
  f.i32Const(0)
}
