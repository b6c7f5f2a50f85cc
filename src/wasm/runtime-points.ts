/** Exists to build the runtime function that translated code calls at scheduling points: counts them, logs accesses for who wants them, and says when to stop. */
import { EXIT } from '../ir/exits.ts'
import { POINT } from '../ir/passes/points.ts'
import { BLOCK_VOID, type FunctionBody, I32 } from './encode.ts'
import * as OP from './opcodes.ts'
import { RUNTIME_LOCAL } from './runtime-index.ts'

/** Offsets from the base of what points know, u32 each. */
export const POINTS = {
  /** Points that may be passed before one stops; with ASK, while there is one that has been passed already. */
  left: 0,
  /** Address of an instruction whose points have been passed already: it is being executed again. 0 for none. */
  passed: 4,
  /** Of the point that stopped: its kind and the low word of its address. */
  kind: 8,
  address: 12,
  /** Entries in the log, and 1 while accesses are logged. */
  logged: 16,
  logging: 20,
  /** Points that were left when a PAUSE ended the stretch: the next point stops. */
  paused: 24,
  /** One byte for each number of a system call: 1 if nobody else could notice it. */
  calls: 32,
} as const

/** The bit of `left` that makes translated code call `point` instead of counting by itself. */
export const ASK = 0x8000_0000

/** Numbers of system calls in the table. */
export const CALLS = 512

/** The log: entries of four words (address, kind, pc, fuel left before the instruction). */
export const LOG_ENTRY = 16
export const LOG_ENTRIES = 1024

/** An access this close above the stack pointer, or in the red zone below it, is to what only the own thread knows, in all likelihood. */
const FRAME = 1024
const RED_ZONE = 128

/** Pushes whether an access at the address in local `address` is far from the stack pointer in local `stack`, and so to be counted. */
export function isFar(f: FunctionBody, address: number, stack: number): void {
  f.localGet(address)
  f.localGet(stack)
  f.op(OP.i64_sub)
  f.i64Const(RED_ZONE, 0)
  f.op(OP.i64_add)
  f.i64Const(FRAME + RED_ZONE, 0)
  f.op(OP.i64_ge_u)
}

/** Accesses that one instruction makes at most: the log must have room for them when it begins, since it is begun anew when the log was full. */
const MOST_ACCESSES = 64

/** The kind without what the lowering has added. */
const KINDS = (1 << POINT.refundShift) - 1

/** Parameters address, stack pointer, kind | refund << POINT.refundShift, pc, fuel left. */
export function point(f: FunctionBody, base: number, log: number): void {
  const left = f.local(I32)
  const entry = f.local(I32)
  const load = (offset: number): void => {
    f.i32Const(0)
    f.opMemory(OP.i32_load, 2, base + offset)
  }
  const leave = (reason: number): void => {
    f.i32Const(reason)
    f.localGet(2)
    f.i32Const(POINT.refundShift)
    f.op(OP.i32_shr_u)
    f.localGet(3)
    f.opIndex(OP.call, RUNTIME_LOCAL.stop)
    f.i32Const(1)
    f.op(OP.return)
  }
  load(POINTS.passed)
  f.localGet(3)
  f.op(OP.i32_eq)
  f.opBlock(OP.if, BLOCK_VOID)
  f.i32Const(0)
  f.op(OP.return)
  f.op(OP.end)

  // A system call says by its number, which stands for the address, whether anybody else could notice it.
  f.localGet(2)
  f.i32Const(POINT.syscall)
  f.op(OP.i32_and)
  f.opBlock(OP.if, BLOCK_VOID)
  f.localGet(0)
  f.op(OP.i32_wrap_i64)
  f.i32Const(CALLS - 1)
  f.op(OP.i32_and)
  f.opMemory(OP.i32_load8_u, 0, base + POINTS.calls)
  f.opBlock(OP.if, BLOCK_VOID)
  f.i32Const(0)
  f.op(OP.return)
  f.op(OP.end)
  f.op(OP.end)

  // Is it one to be counted? PAUSE has the stack pointer itself as its address.
  f.localGet(2)
  f.i32Const(POINT.first)
  f.op(OP.i32_and)
  f.op(OP.i32_eqz)
  f.op(OP.i32_eqz)
  f.localGet(2)
  f.i32Const(POINT.pause | POINT.syscall)
  f.op(OP.i32_and)
  f.i32Const(0)
  f.op(OP.i32_ne)
  isFar(f, 0, 1)
  f.op(OP.i32_or)
  f.op(OP.i32_and)
  f.opBlock(OP.if, BLOCK_VOID)
  load(POINTS.left)
  f.localTee(left)
  f.i32Const(~ASK)
  f.op(OP.i32_and)
  f.op(OP.i32_eqz)
  f.opBlock(OP.if, BLOCK_VOID)
  f.i32Const(0)
  f.localGet(2)
  f.i32Const(KINDS)
  f.op(OP.i32_and)
  f.opMemory(OP.i32_store, 2, base + POINTS.kind)
  f.i32Const(0)
  f.localGet(0)
  f.op(OP.i32_wrap_i64)
  f.opMemory(OP.i32_store, 2, base + POINTS.address)
  leave(EXIT.point)
  f.op(OP.end)
  f.op(OP.end)

  load(POINTS.logging)
  f.opBlock(OP.if, BLOCK_VOID)
  load(POINTS.logged)
  f.localTee(entry)
  f.i32Const(LOG_ENTRIES - MOST_ACCESSES)
  f.op(OP.i32_ge_u)
  f.localGet(2)
  f.i32Const(POINT.begins)
  f.op(OP.i32_and)
  f.op(OP.i32_eqz)
  f.op(OP.i32_eqz)
  f.op(OP.i32_and)
  f.opBlock(OP.if, BLOCK_VOID)
  leave(EXIT.logFull)
  f.op(OP.end)
  f.localGet(entry)
  f.i32Const(LOG_ENTRY)
  f.op(OP.i32_mul)
  f.localTee(entry)
  f.localGet(0)
  f.op(OP.i32_wrap_i64)
  f.opMemory(OP.i32_store, 2, log)
  f.localGet(entry)
  f.localGet(2)
  f.i32Const(KINDS)
  f.op(OP.i32_and)
  f.opMemory(OP.i32_store, 2, log + 4)
  f.localGet(entry)
  f.localGet(3)
  f.opMemory(OP.i32_store, 2, log + 8)
  f.localGet(entry)
  f.localGet(4)
  f.localGet(2)
  f.i32Const(POINT.refundShift)
  f.op(OP.i32_shr_u)
  f.op(OP.i32_add)
  f.opMemory(OP.i32_store, 2, log + 12)
  f.i32Const(0)
  load(POINTS.logged)
  f.i32Const(1)
  f.op(OP.i32_add)
  f.opMemory(OP.i32_store, 2, base + POINTS.logged)
  f.op(OP.end)

  f.localGet(left)
  f.opBlock(OP.if, BLOCK_VOID)
  f.i32Const(0)
  f.localGet(left)
  f.i32Const(1)
  f.op(OP.i32_sub)
  f.opMemory(OP.i32_store, 2, base + POINTS.left)
  f.localGet(2)
  f.i32Const(POINT.pause)
  f.op(OP.i32_and)
  f.opBlock(OP.if, BLOCK_VOID)
  f.i32Const(0)
  f.localGet(left)
  f.i32Const(1)
  f.op(OP.i32_sub)
  f.opMemory(OP.i32_store, 2, base + POINTS.paused)
  f.i32Const(0)
  f.i32Const(0)
  f.opMemory(OP.i32_store, 2, base + POINTS.left)
  f.op(OP.end)
  f.op(OP.end)
  f.i32Const(0)
}
