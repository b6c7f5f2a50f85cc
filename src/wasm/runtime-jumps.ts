/** Exists because asking the engine where an address goes costs far more than the jump itself: what the jump cache has lost is looked up in a larger one first. */
import { BLOCK_VOID, type FunctionBody, I32 } from './encode.ts'
import * as OP from './opcodes.ts'
import { RUNTIME_LOCAL } from './runtime-index.ts'

/** Two direct-mapped caches from guest pc to entry code, with entries (pc u32, entry code u32); the numbers of entries are powers of two. */
export interface JumpCaches {
  base: number
  entries: number
  largeBase: number
  largeEntries: number
}

/** Knuth's multiplicative hash: addresses of one program differ in few bits. */
const FACTOR = 0x9e37_79b1 | 0

/** By how much a hash is shifted to number so many entries. */
const shiftFor = (entries: number): number => Math.clz32(entries) + 1

/** Position of an address in the first cache, which translated code computes, too. */
export function jumpIndex(pc: number, entries: number): number {
  return (pc ^ (pc >>> 7)) & (entries - 1)
}

/** Pushes where, from the start of the first cache, the entry of the address in local `pc` is. */
export function pushJumpPlace(f: FunctionBody, pc: number, entries: number): void {
  f.localGet(pc)
  f.localGet(pc)
  f.i32Const(7)
  f.op(OP.i32_shr_u)
  f.op(OP.i32_xor)
  f.i32Const(entries - 1)
  f.op(OP.i32_and)
  f.i32Const(3)
  f.op(OP.i32_shl)
}

/** Position of an address in the large cache. */
export function largeJumpIndex(pc: number, entries: number): number {
  return Math.imul(pc, FACTOR) >>> shiftFor(entries)
}

/** (pc) -> entry code, or what the engine says. */
export function resolve(f: FunctionBody, { base, entries, largeBase, largeEntries }: JumpCaches): void {
  const at = f.local(I32)
  const code = f.local(I32)
  f.localGet(0)
  f.i32Const(FACTOR)
  f.op(OP.i32_mul)
  f.i32Const(shiftFor(largeEntries))
  f.op(OP.i32_shr_u)
  f.i32Const(3)
  f.op(OP.i32_shl)
  f.localTee(at)
  f.opMemory(OP.i32_load, 2, largeBase)
  f.localGet(0)
  f.op(OP.i32_ne)
  f.opBlock(OP.if, BLOCK_VOID)
  f.localGet(0)
  f.opIndex(OP.call, RUNTIME_LOCAL.resolve)
  f.op(OP.return)
  f.op(OP.end)
  f.localGet(at)
  f.opMemory(OP.i32_load, 2, largeBase + 4)
  f.localSet(code)
  pushJumpPlace(f, 0, entries)
  f.localTee(at)
  f.localGet(0)
  f.opMemory(OP.i32_store, 2, base)
  f.localGet(at)
  f.localGet(code)
  f.opMemory(OP.i32_store, 2, base + 4)
  f.localGet(code)
}
