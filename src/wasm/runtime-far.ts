/** Exists to build the runtime function behind windows outside of their zones: it finds how far the pages around an address can be accessed in the same way. */
import { BLOCK_VOID, type FunctionBody, I32 } from './encode.ts'
import * as OP from './opcodes.ts'

/** Pages that a zone reaches at most to each side: bounds the time that finding them takes. */
const MAX_PAGES = 0x4000

/** Parameters: address of a window that can be accessed plainly, its bytes and more (FAR), address of the zone. */
export function far(
  f: FunctionBody,
  attributesBase: number,
  zoneListBase: number,
  FAR: { store: number; reachShift: number },
): void {
  const [address, kind, zone] = [0, 1, 2]
  const low = f.local(I32)
  const mask = f.local(I32)
  const first = f.local(I32)
  const last = f.local(I32)
  const room = f.local(I32)
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
  // A load asks for one bit, a store for all.
  f.i32Const(255)
  f.i32Const(1)
  f.localGet(kind)
  f.i32Const(FAR.store)
  f.op(OP.i32_and)
  f.op(OP.select)
  f.localSet(mask)
  f.localGet(address)
  f.op(OP.i32_wrap_i64)
  f.localTee(low)
  f.i32Const(12)
  f.op(OP.i32_shr_u)
  f.localSet(first)
  f.localGet(low)
  f.localGet(kind)
  f.i32Const(FAR.store - 1)
  f.op(OP.i32_and)
  f.op(OP.i32_add)
  f.i32Const(1)
  f.op(OP.i32_sub)
  f.i32Const(12)
  f.op(OP.i32_shr_u)
  f.localSet(last)
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
      f.localGet(page)
      f.localGet(limit)
      f.op(step === 1 ? OP.i32_ge_s : OP.i32_le_s)
      f.opIndex(OP.br_if, 1)
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
  walk(first, -1)
  walk(last, 1)
  // A zone too small for its windows is none.
  f.localGet(last)
  f.localGet(first)
  f.op(OP.i32_sub)
  f.i32Const(1)
  f.op(OP.i32_add)
  f.i32Const(12)
  f.op(OP.i32_shl)
  f.localGet(kind)
  f.i32Const(FAR.reachShift)
  f.op(OP.i32_shr_u)
  f.op(OP.i32_sub)
  f.i32Const(1)
  f.op(OP.i32_add)
  f.localTee(room)
  f.i32Const(0)
  f.op(OP.i32_le_s)
  f.opBlock(OP.if, BLOCK_VOID)
  f.op(OP.return)
  f.op(OP.end)
  // A new one enters the list, by which the engine finds those that lose a page.
  f.localGet(zone)
  f.opMemory(OP.i32_load, 2, 8)
  f.op(OP.i32_eqz)
  f.opBlock(OP.if, BLOCK_VOID)
  f.i32Const(0)
  f.opMemory(OP.i32_load, 2, zoneListBase)
  f.localTee(low)
  f.i32Const(2)
  f.op(OP.i32_shl)
  f.localGet(zone)
  f.opMemory(OP.i32_store, 2, zoneListBase + 4)
  f.i32Const(0)
  f.localGet(low)
  f.i32Const(1)
  f.op(OP.i32_add)
  f.opMemory(OP.i32_store, 2, zoneListBase)
  f.op(OP.end)
  f.localGet(zone)
  f.localGet(first)
  f.i32Const(12)
  f.op(OP.i32_shl)
  f.op(OP.i64_extend_i32_u)
  f.opMemory(OP.i64_store, 3, 0)
  f.localGet(zone)
  f.localGet(room)
  f.op(OP.i64_extend_i32_u)
  f.opMemory(OP.i64_store, 3, 8)
}
