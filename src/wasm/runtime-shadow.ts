/** Exists to build the runtime functions that make the stack undefined where a function makes room for itself. */
import { BLOCK_VOID, type FunctionBody, I32 } from './encode.ts'
import * as OP from './opcodes.ts'
import { RUNTIME_LOCAL } from './runtime-index.ts'

/** Where V bits are, and below which addresses bytes have any. */
export interface Shadow {
  displacement: number
  guestLimit: number
  attributesBase: number
  /** Where one bit for each byte says that it may not be accessed. */
  unaddressableBase: number
  /** Where the word of ir/clean.ts is. */
  cleanBase: number
}

/** Bytes below the stack pointer that belong to the function that runs (System V ABI, 3.2.2). */
const RED_ZONE = 128

/** Moves of the stack pointer that go farther are to another stack. */
const FARTHEST = 2_000_000

/** Returns unless the i64 parameter `index` is an address of the guest's, with room for a red zone below it; its low word goes to `low`. */
function asAddress(f: FunctionBody, index: number, low: number, { guestLimit }: Shadow): void {
  f.localGet(index)
  f.i64Const(0x1_0000, 0)
  f.op(OP.i64_sub)
  f.i64Const(guestLimit - 0x1_0000, 0)
  f.op(OP.i64_ge_u)
  f.opBlock(OP.if, BLOCK_VOID)
  f.op(OP.return)
  f.op(OP.end)
  f.localGet(index)
  f.op(OP.i32_wrap_i64)
  f.i32Const(RED_ZONE)
  f.op(OP.i32_sub)
  f.localSet(low)
}

/** Takes off [low, low + bytes) what lies in pages that cannot be read: what is mapped there afterwards is defined, unless it is a stack that has grown. */
function clip(f: FunctionBody, low: number, bytes: number, { attributesBase }: Shadow): void {
  const step = f.local(I32)
  f.opBlock(OP.block, BLOCK_VOID)
  f.opBlock(OP.loop, BLOCK_VOID)
  f.localGet(low)
  f.i32Const(12)
  f.op(OP.i32_shr_u)
  f.opMemory(OP.i32_load8_u, 0, attributesBase)
  f.i32Const(1)
  f.op(OP.i32_and)
  f.op(OP.i32_eqz)
  f.opIndex(OP.br_if, 1)
  f.i32Const(4096)
  f.localGet(low)
  f.i32Const(4095)
  f.op(OP.i32_and)
  f.op(OP.i32_sub)
  f.localTee(step)
  f.localGet(bytes)
  f.op(OP.i32_ge_u)
  f.opBlock(OP.if, BLOCK_VOID)
  f.op(OP.return)
  f.op(OP.end)
  f.localGet(low)
  f.localGet(step)
  f.op(OP.i32_add)
  f.localSet(low)
  f.localGet(bytes)
  f.localGet(step)
  f.op(OP.i32_sub)
  f.localSet(bytes)
  f.opIndex(OP.br, 0)
  f.op(OP.end)
  f.op(OP.end)
}

/** Stores ones into `bytes` V bits of [low, low + bytes). Few bytes are the rule. */
function fill(f: FunctionBody, low: number, bytes: number, shadow: Shadow): void {
  const { displacement } = shadow
  clip(f, low, bytes, shadow)
  f.localGet(bytes)
  f.i32Const(1024)
  f.op(OP.i32_gt_u)
  f.opBlock(OP.if, BLOCK_VOID)
  f.localGet(low)
  f.i32Const(displacement)
  f.op(OP.i32_add)
  f.i32Const(255)
  f.localGet(bytes)
  f.memoryFill()
  f.op(OP.return)
  f.op(OP.end)
  const ones = (): void => f.v128Const(-1, -1, -1, -1)
  f.localGet(bytes)
  f.i32Const(16)
  f.op(OP.i32_ge_u)
  f.opBlock(OP.if, BLOCK_VOID)
  f.opBlock(OP.loop, BLOCK_VOID)
  f.localGet(low)
  ones()
  f.opMemory(OP.v128_store, 0, displacement)
  f.localGet(low)
  f.i32Const(16)
  f.op(OP.i32_add)
  f.localSet(low)
  f.localGet(bytes)
  f.i32Const(16)
  f.op(OP.i32_sub)
  f.localTee(bytes)
  f.i32Const(16)
  f.op(OP.i32_ge_u)
  f.opIndex(OP.br_if, 0)
  f.op(OP.end)
  // The rest together with some that has been done.
  f.localGet(low)
  f.localGet(bytes)
  f.op(OP.i32_add)
  f.i32Const(16)
  f.op(OP.i32_sub)
  ones()
  f.opMemory(OP.v128_store, 0, displacement)
  f.op(OP.return)
  f.op(OP.end)
  const rest: [number, number, () => void][] = [
    [8, OP.i64_store, () => f.i64Const(-1, -1)],
    [4, OP.i32_store, () => f.i32Const(-1)],
    [2, OP.i32_store16, () => f.i32Const(-1)],
    [1, OP.i32_store8, () => f.i32Const(-1)],
  ]
  for (const [size, store, push] of rest) {
    f.localGet(bytes)
    f.i32Const(size)
    f.op(OP.i32_and)
    f.opBlock(OP.if, BLOCK_VOID)
    f.localGet(low)
    push()
    f.opMemory(store, 0, displacement)
    f.localGet(low)
    f.i32Const(size)
    f.op(OP.i32_add)
    f.localSet(low)
    f.op(OP.end)
  }
}

/** Parameters: stack pointer, bytes. */
export function claim(f: FunctionBody, shadow: Shadow): void {
  const low = f.local(I32)
  asAddress(f, 0, low, shadow)
  // What is claimed lies below the guest's limit, as the stack pointer does, but for a red zone that was not written.
  f.localGet(1)
  f.i32Const(FARTHEST)
  f.op(OP.i32_gt_u)
  f.opBlock(OP.if, BLOCK_VOID)
  f.op(OP.return)
  f.op(OP.end)
  f.localGet(low)
  f.localGet(1)
  f.op(OP.i32_add)
  f.i32Const(shadow.guestLimit)
  f.op(OP.i32_gt_u)
  f.opBlock(OP.if, BLOCK_VOID)
  f.op(OP.return)
  f.op(OP.end)
  fill(f, low, 1, shadow)
}

/** Parameters: stack pointer before, now. */
export function moved(f: FunctionBody, shadow: Shadow): void {
  const low = f.local(I32)
  const bytes = f.local(I32)
  f.localGet(0)
  f.localGet(1)
  f.op(OP.i64_sub)
  f.i64Const(1, 0)
  f.op(OP.i64_sub)
  f.i64Const(FARTHEST, 0)
  f.op(OP.i64_ge_u)
  f.opBlock(OP.if, BLOCK_VOID)
  f.op(OP.return)
  f.op(OP.end)
  asAddress(f, 1, low, shadow)
  f.localGet(0)
  f.localGet(1)
  f.op(OP.i64_sub)
  f.op(OP.i32_wrap_i64)
  // Functions that claim what they compute have called others, which have left their own in the red zone, and have nothing there.
  f.i32Const(RED_ZONE)
  f.op(OP.i32_add)
  f.localSet(bytes)
  f.localGet(0)
  f.i64Const(shadow.guestLimit, 0)
  f.op(OP.i64_gt_u)
  f.opBlock(OP.if, BLOCK_VOID)
  f.op(OP.return)
  f.op(OP.end)
  fill(f, low, bytes, shadow)
}

/** Parameters: kind, operands, V bits, condition. Most are defined; for the others the engine is asked. */
export function flagsUndefined(f: FunctionBody): void {
  f.localGet(2)
  f.op(OP.v128_any_true)
  f.op(OP.i32_eqz)
  f.opBlock(OP.if, BLOCK_VOID)
  f.i32Const(0)
  f.op(OP.return)
  f.op(OP.end)
  f.localGet(3)
  f.localGet(0)
  for (const parameter of [1, 2])
    for (const lane of [0, 1]) {
      f.localGet(parameter)
      f.opLane(OP.i64x2_extract_lane, lane)
    }
  f.opIndex(OP.call, RUNTIME_LOCAL.conditionUndefined)
}
