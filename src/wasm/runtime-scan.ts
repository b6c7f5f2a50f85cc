/** Exists to look at strings and at what is guarded of them, for runtime-strings.ts: the functions that it calls. */
import { BLOCK_VOID, type FunctionBody, I32, V128 } from './encode.ts'
import * as OP from './opcodes.ts'

/** Bytes of a string or a range that are looked at here. */
export const MOST = 1 << 20

/** Where things lie in the memory. */
export interface StringPlaces {
  readonly memoryPages: number
  readonly stateBase: number
  readonly attributesBase: number
  readonly unaddressableBase: number
  /** From a byte to its V bits. */
  readonly displacement: number
  /** Where the word of registers that may be undefined is (ir/clean.ts). */
  readonly cleanBase: number
  readonly guestMin: number
  readonly guestLimit: number
  /** The table, and the word (u32) that says that it may be used. */
  readonly tableBase: number
  readonly flag: number
}

/** Pushes bit 0 set if the page of the byte at local + offset cannot be read. */
function pushAttribute(f: FunctionBody, local: number, offset: number, { attributesBase }: StringPlaces): void {
  f.localGet(local)
  f.i32Const(offset)
  f.op(OP.i32_add)
  f.i32Const(12)
  f.op(OP.i32_shr_u)
  f.opMemory(OP.i32_load8_u, 0, attributesBase)
}

/** (start, length) -> is anything there guarded, or no address of the guest's? */
export function isGuarded(f: FunctionBody, { unaddressableBase, guestMin, guestLimit }: StringPlaces): void {
  const [start, length] = [0, 1]
  /** Bits that one look at eight bytes of the table finds. */
  const STEP = 56
  f.localGet(length)
  f.op(OP.i32_eqz)
  returnIf(f, 0)
  f.localGet(start)
  f.i32Const(guestMin)
  f.op(OP.i32_lt_u)
  f.localGet(length)
  f.i32Const(guestLimit)
  f.localGet(start)
  f.op(OP.i32_sub)
  f.op(OP.i32_gt_u)
  f.op(OP.i32_or)
  returnIf(f, 1)
  f.opBlock(OP.loop, BLOCK_VOID)
  f.localGet(start)
  f.i32Const(3)
  f.op(OP.i32_shr_u)
  f.opMemory(OP.i64_load, 0, unaddressableBase)
  f.localGet(start)
  f.i32Const(7)
  f.op(OP.i32_and)
  f.op(OP.i64_extend_i32_u)
  f.op(OP.i64_shr_u)
  // As many bits as there are bytes, at most STEP.
  f.i64Const(-1, -1)
  f.i32Const(64)
  f.localGet(length)
  f.i32Const(STEP)
  f.localGet(length)
  f.i32Const(STEP)
  f.op(OP.i32_lt_u)
  f.op(OP.select)
  f.op(OP.i32_sub)
  f.op(OP.i64_extend_i32_u)
  f.op(OP.i64_shr_u)
  f.op(OP.i64_and)
  f.i64Const(0, 0)
  f.op(OP.i64_ne)
  returnIf(f, 1)
  f.localGet(length)
  f.i32Const(STEP)
  f.op(OP.i32_le_u)
  returnIf(f, 0)
  f.localGet(start)
  f.i32Const(STEP)
  f.op(OP.i32_add)
  f.localSet(start)
  f.localGet(length)
  f.i32Const(STEP)
  f.op(OP.i32_sub)
  f.localSet(length)
  f.opIndex(OP.br, 0)
  f.op(OP.end)
  f.op(OP.unreachable)
}

/** (start, length) -> is any bit there undefined? */
export function isUndefined(f: FunctionBody, { displacement }: StringPlaces): void {
  const [start, length] = [0, 1]
  const step = (bytes: number, any: () => void): void => {
    f.opBlock(OP.block, BLOCK_VOID)
    f.opBlock(OP.loop, BLOCK_VOID)
    f.localGet(length)
    f.i32Const(bytes)
    f.op(OP.i32_lt_u)
    f.opIndex(OP.br_if, 1)
    f.localGet(start)
    any()
    returnIf(f, 1)
    f.localGet(start)
    f.i32Const(bytes)
    f.op(OP.i32_add)
    f.localSet(start)
    f.localGet(length)
    f.i32Const(bytes)
    f.op(OP.i32_sub)
    f.localSet(length)
    f.opIndex(OP.br, 0)
    f.op(OP.end)
    f.op(OP.end)
  }
  step(16, () => {
    f.opMemory(OP.v128_load, 0, displacement)
    f.op(OP.v128_any_true)
  })
  step(1, () => f.opMemory(OP.i32_load8_u, 0, displacement))
  f.i32Const(0)
}

/** Pops a condition. */
export function returnIf(f: FunctionBody, value: number): void {
  f.opBlock(OP.if, BLOCK_VOID)
  f.i32Const(value)
  f.op(OP.return)
  f.op(OP.end)
}

/** A loop over vectors: `mask` pushes a bit for each byte at `count` that ends it. Returns the bytes up to there, that one included, at most `most`; -1 for what is not looked at here. */
function scan(f: FunctionBody, starts: number[], most: number, places: StringPlaces, mask: () => void): void {
  const count = f.local(I32)
  const bits = f.local(I32)
  f.opBlock(OP.loop, BLOCK_VOID)
  starts.forEach((start, i) => {
    pushAttribute(f, start, 0, places)
    pushAttribute(f, start, 15, places)
    f.op(OP.i32_or)
    if (i > 0) f.op(OP.i32_or)
  })
  f.i32Const(1)
  f.op(OP.i32_and)
  returnIf(f, -1)
  mask()
  f.localTee(bits)
  f.opBlock(OP.if, BLOCK_VOID)
  f.localGet(count)
  f.localGet(bits)
  f.op(OP.i32_ctz)
  f.op(OP.i32_add)
  f.localTee(count)
  f.localGet(most)
  f.op(OP.i32_ge_u)
  f.opBlock(OP.if, BLOCK_VOID)
  f.localGet(most)
  f.op(OP.return)
  f.op(OP.end)
  f.localGet(count)
  f.i32Const(1)
  f.op(OP.i32_add)
  f.op(OP.return)
  f.op(OP.end)
  f.localGet(count)
  f.i32Const(16)
  f.op(OP.i32_add)
  f.localTee(count)
  f.localGet(most)
  f.op(OP.i32_ge_u)
  f.opBlock(OP.if, BLOCK_VOID)
  f.localGet(most)
  f.op(OP.return)
  f.op(OP.end)
  f.localGet(count)
  f.i32Const(MOST)
  f.op(OP.i32_gt_u)
  returnIf(f, -1)
  for (const start of starts) {
    f.localGet(start)
    f.i32Const(16)
    f.op(OP.i32_add)
    f.localSet(start)
  }
  f.opIndex(OP.br, 0)
  f.op(OP.end)
  f.op(OP.unreachable)
}

/** (start, most, one byte, another) -> bytes up to the first of them. */
export function find(f: FunctionBody, places: StringPlaces): void {
  const wanted = [2, 3].map((parameter) => {
    const all = f.local(V128)
    f.localGet(parameter)
    f.op(OP.i8x16_splat)
    f.localSet(all)
    return all
  })
  scan(f, [0], 1, places, () => {
    wanted.forEach((all, i) => {
      f.localGet(0)
      f.opMemory(OP.v128_load, 0, 0)
      f.localGet(all)
      f.op(OP.i8x16_eq)
      if (i > 0) f.op(OP.v128_or)
    })
    f.op(OP.i8x16_bitmask)
  })
}

/** (first, second, most, does a zero end it?) -> bytes up to the first difference. */
export function compare(f: FunctionBody, places: StringPlaces): void {
  const zero = f.local(V128)
  const ends = 3
  scan(f, [0, 1], 2, places, () => {
    f.localGet(0)
    f.opMemory(OP.v128_load, 0, 0)
    f.localGet(1)
    f.opMemory(OP.v128_load, 0, 0)
    f.op(OP.i8x16_ne)
    f.op(OP.i8x16_bitmask)
    f.localGet(0)
    f.opMemory(OP.v128_load, 0, 0)
    f.localGet(zero)
    f.op(OP.i8x16_eq)
    f.op(OP.i8x16_bitmask)
    f.i32Const(0)
    f.localGet(ends)
    f.op(OP.i32_sub)
    f.op(OP.i32_and)
    f.op(OP.i32_or)
  })
}
