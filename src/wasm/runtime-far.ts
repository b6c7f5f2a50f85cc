/** Exists to build the runtime function behind windows in loops: it finds how far the pages around an address can be accessed in the same way. */
import { BLOCK_VOID, type FunctionBody, I32, I64 } from './encode.ts'
import * as OP from './opcodes.ts'

/** Pages that a zone reaches at most to each side: bounds the time that finding them takes. */
const MAX_PAGES = 512

/** Of the windows that leave their zone, one in this many looks for a new one: sites that jump about must not pay for it each time. */
const PATIENCE = 8

/** Set in the second parameter for a window that is written to. */
const STORE = 0x1_0000

/** Parameters: address, bytes | STORE, zone start, zone room. Results: bad, zone start, zone room. */
export function far(f: FunctionBody, attributesBase: number, missesBase: number): void {
  const [address, kind, zoneLow, zoneRoom] = [0, 1, 2, 3]
  const low = f.local(I32)
  const mask = f.local(I32)
  const first = f.local(I32)
  const last = f.local(I32)
  const bytes = f.local(I32)
  const giveUp = (bad: number): void => {
    f.i32Const(bad)
    f.localGet(zoneLow)
    f.localGet(zoneRoom)
    f.op(OP.return)
  }
  /** Pushes the forbidden bits of the page in local `page` + `offset`. */
  const forbidden = (page: number, offset: number): void => {
    f.localGet(page)
    if (offset !== 0) {
      f.i32Const(offset)
      f.op(OP.i32_add)
    }
    f.opMemory(OP.i32_load8_u, 0, attributesBase)
    f.localGet(mask)
    f.op(OP.i32_and)
  }
  f.localGet(address)
  f.i64Const(32, 0)
  f.op(OP.i64_shr_u)
  f.i64Const(0, 0)
  f.op(OP.i64_ne)
  f.opBlock(OP.if, BLOCK_VOID)
  giveUp(1)
  f.op(OP.end)
  // A load asks for one bit, a store for all.
  f.i32Const(255)
  f.i32Const(1)
  f.localGet(kind)
  f.i32Const(STORE)
  f.op(OP.i32_and)
  f.op(OP.select)
  f.localSet(mask)
  f.localGet(kind)
  f.i32Const(STORE - 1)
  f.op(OP.i32_and)
  f.localSet(bytes)
  f.localGet(address)
  f.op(OP.i32_wrap_i64)
  f.localTee(low)
  f.i32Const(12)
  f.op(OP.i32_shr_u)
  f.localSet(first)
  f.localGet(low)
  f.localGet(bytes)
  f.op(OP.i32_add)
  f.i32Const(1)
  f.op(OP.i32_sub)
  f.i32Const(12)
  f.op(OP.i32_shr_u)
  f.localSet(last)
  forbidden(first, 0)
  forbidden(last, 0)
  f.op(OP.i32_or)
  f.opBlock(OP.if, BLOCK_VOID)
  giveUp(1)
  f.op(OP.end)
  // The first zone of an activation at once, but small, since many activations are short; larger ones now and then.
  f.i32Const(0)
  f.i32Const(0)
  f.opMemory(OP.i32_load, 2, missesBase)
  f.i32Const(1)
  f.op(OP.i32_add)
  f.localTee(low)
  f.opMemory(OP.i32_store, 2, missesBase)
  f.localGet(low)
  f.i32Const(PATIENCE - 1)
  f.op(OP.i32_and)
  f.localGet(zoneRoom)
  f.op(OP.i64_eqz)
  f.op(OP.i32_eqz)
  f.op(OP.i32_and)
  f.opBlock(OP.if, BLOCK_VOID)
  giveUp(0)
  f.op(OP.end)
  const limit = f.local(I32)
  const walk = (page: number, step: 1 | -1): void => {
    f.localGet(page)
    f.i32Const(step * MAX_PAGES)
    f.op(OP.i32_add)
    f.localSet(limit)
    // One page at a time to a multiple of 16, then 16 at a time, then one at a time; `page` is the last good one.
    const single = (untilAligned: boolean): void => {
      f.opBlock(OP.block, BLOCK_VOID)
      f.opBlock(OP.loop, BLOCK_VOID)
      if (untilAligned) {
        f.localGet(page)
        if (step === 1) {
          f.i32Const(1)
          f.op(OP.i32_add)
        }
        f.i32Const(15)
        f.op(OP.i32_and)
        f.op(OP.i32_eqz)
        f.opIndex(OP.br_if, 1)
      }
      forbidden(page, step)
      f.opIndex(OP.br_if, 1)
      bump(step)
      f.opIndex(OP.br, 0)
      f.op(OP.end)
      f.op(OP.end)
    }
    const bump = (by: number): void => {
      f.localGet(page)
      f.i32Const(by)
      f.op(OP.i32_add)
      f.localSet(page)
    }
    single(true)
    f.opBlock(OP.block, BLOCK_VOID)
    f.localGet(page)
    f.i32Const(step === 1 ? 1 : 0)
    f.op(OP.i32_add)
    f.i32Const(15)
    f.op(OP.i32_and)
    f.opIndex(OP.br_if, 0)
    f.opBlock(OP.loop, BLOCK_VOID)
    f.localGet(page)
    f.localGet(limit)
    f.op(step === 1 ? OP.i32_ge_s : OP.i32_le_s)
    f.opIndex(OP.br_if, 1)
    f.localGet(page)
    f.i32Const(step === 1 ? 1 : -16)
    f.op(OP.i32_add)
    f.opMemory(OP.v128_load, 0, attributesBase)
    f.localGet(mask)
    f.op(OP.i8x16_splat)
    f.op(OP.v128_and)
    f.op(OP.v128_any_true)
    f.opIndex(OP.br_if, 1)
    bump(16 * step)
    f.opIndex(OP.br, 0)
    f.op(OP.end)
    f.op(OP.end)
    single(false)
  }
  f.localGet(zoneRoom)
  f.op(OP.i64_eqz)
  f.op(OP.i32_eqz)
  f.opBlock(OP.if, BLOCK_VOID)
  walk(first, -1)
  walk(last, 1)
  f.op(OP.end)
  const start = f.local(I64)
  f.localGet(first)
  f.i32Const(12)
  f.op(OP.i32_shl)
  f.op(OP.i64_extend_i32_u)
  f.localSet(start)
  f.i32Const(0)
  f.localGet(start)
  f.localGet(last)
  f.op(OP.i64_extend_i32_u)
  f.i64Const(1, 0)
  f.op(OP.i64_add)
  f.i64Const(12, 0)
  f.op(OP.i64_shl)
  f.localGet(start)
  f.op(OP.i64_sub)
  f.localGet(bytes)
  f.op(OP.i64_extend_i32_u)
  f.op(OP.i64_sub)
  f.i64Const(1, 0)
  f.op(OP.i64_add)
}
