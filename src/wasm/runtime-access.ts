/** Exists to build the runtime functions behind accesses that are not plainly allowed, and behind stops. */
import { EXIT } from '../ir/exits.ts'
import { STATE } from '../ir/registers.ts'
import { BLOCK_VOID, type FunctionBody, I32, blockResult } from './encode.ts'
import * as OP from './opcodes.ts'
import { ACCESS, RUNTIME_LOCAL } from './runtime-index.ts'

/** A stack window outside of the zone: plain pages make a new zone; others are for the single accesses to find out about. */
export function zone(f: FunctionBody, attributesBase: number, zoneBase: number): void {
  const low = f.local(I32)
  f.localGet(0)
  f.i64Const(32, 0)
  f.op(OP.i64_shr_u)
  f.i64Const(0, 0)
  f.op(OP.i64_ne)
  f.opBlock(OP.if, BLOCK_VOID)
  f.i32Const(1)
  f.op(OP.return)
  f.op(OP.end)
  f.localGet(0)
  f.op(OP.i32_wrap_i64)
  f.localTee(low)
  f.i32Const(12)
  f.op(OP.i32_shr_u)
  f.opMemory(OP.i32_load8_u, 0, attributesBase)
  f.localGet(low)
  f.localGet(1)
  f.op(OP.i32_add)
  f.i32Const(1)
  f.op(OP.i32_sub)
  f.i32Const(12)
  f.op(OP.i32_shr_u)
  f.opMemory(OP.i32_load8_u, 0, attributesBase)
  f.op(OP.i32_or)
  f.opBlock(OP.if, BLOCK_VOID)
  f.i32Const(1)
  f.op(OP.return)
  f.op(OP.end)
  // The page below the zone is plain, too.
  f.localGet(low)
  f.i32Const(4096)
  f.op(OP.i32_add)
  f.i32Const(0)
  f.opMemory(OP.i32_load, 2, zoneBase)
  f.op(OP.i32_sub)
  f.i32Const(4096)
  f.op(OP.i32_ge_u)
  f.opBlock(OP.if, BLOCK_VOID)
  f.localGet(low)
  f.opIndex(OP.call, RUNTIME_LOCAL.rezone)
  f.op(OP.end)
  f.i32Const(0)
}

/** Where the bits of addressable bytes are, the attribute of the pages that have them, and the attributes that such a page may have. */
export interface Addressable {
  base: number
  watched: number
  plain: number
}

/** Returns 0 for an access to watched pages whose bits are all set; other pages have none, so that one which reaches beyond goes on to be asked about. */
function watched(f: FunctionBody, low: number, attributes: number, { base, watched: bit, plain }: Addressable): void {
  /** Pushes as many ones as the access has bytes. */
  const ones = (): void => {
    f.i32Const(1)
    f.localGet(1)
    f.i32Const(31)
    f.op(OP.i32_and)
    f.op(OP.i32_shl)
    f.i32Const(1)
    f.op(OP.i32_sub)
  }
  f.localGet(attributes)
  f.i32Const(~(plain & ~bit))
  f.op(OP.i32_and)
  f.i32Const(bit)
  f.op(OP.i32_eq)
  f.localGet(1)
  f.i32Const(255)
  f.op(OP.i32_and)
  f.i32Const(16)
  f.op(OP.i32_le_u)
  f.op(OP.i32_and)
  f.opBlock(OP.if, BLOCK_VOID)
  f.localGet(low)
  f.i32Const(3)
  f.op(OP.i32_shr_u)
  f.opMemory(OP.i32_load, 0, base)
  f.localGet(low)
  f.i32Const(7)
  f.op(OP.i32_and)
  f.op(OP.i32_shr_u)
  ones()
  f.op(OP.i32_and)
  ones()
  f.op(OP.i32_eq)
  f.opBlock(OP.if, BLOCK_VOID)
  f.i32Const(0)
  f.op(OP.return)
  f.op(OP.end)
  f.op(OP.end)
}

/** An access that the fast path did not allow: both pages may be plain after all; otherwise the engine decides. */
export function check(f: FunctionBody, stateBase: number, attributesBase: number, addressable: Addressable): void {
  const low = f.local(I32)
  const attributes = f.local(I32)
  f.localGet(0)
  f.i64Const(32, 0)
  f.op(OP.i64_shr_u)
  f.op(OP.i64_eqz)
  f.opBlock(OP.if, BLOCK_VOID)
  f.localGet(0)
  f.op(OP.i32_wrap_i64)
  f.localTee(low)
  f.i32Const(12)
  f.op(OP.i32_shr_u)
  f.opMemory(OP.i32_load8_u, 0, attributesBase)
  f.localGet(low)
  f.localGet(1)
  f.i32Const(255)
  f.op(OP.i32_and)
  f.op(OP.i32_add)
  f.i32Const(1)
  f.op(OP.i32_sub)
  f.i32Const(12)
  f.op(OP.i32_shr_u)
  f.opMemory(OP.i32_load8_u, 0, attributesBase)
  f.op(OP.i32_or)
  f.localTee(attributes)
  // A load asks for one bit, a store for all.
  f.i32Const(255)
  f.i32Const(1)
  f.localGet(1)
  f.i32Const(ACCESS.store)
  f.op(OP.i32_and)
  f.op(OP.select)
  f.op(OP.i32_and)
  f.op(OP.i32_eqz)
  f.opBlock(OP.if, BLOCK_VOID)
  f.i32Const(0)
  f.op(OP.return)
  f.op(OP.end)
  watched(f, low, attributes, addressable)
  f.op(OP.end)
  f.i32Const(0)
  f.localGet(0)
  f.opMemory(OP.i64_store, 3, stateBase + STATE.faultAddress)
  // Whoever judges the access wants to know whose it is.
  f.i32Const(0)
  f.localGet(2)
  f.op(OP.i64_extend_i32_u)
  f.opMemory(OP.i64_store, 3, stateBase + STATE.rip)
  f.localGet(1)
  f.i32Const((1 << ACCESS.refundShift) - 1)
  f.op(OP.i32_and)
  f.opIndex(OP.call, RUNTIME_LOCAL.access)
  f.localTee(low)
  f.opBlock(OP.if, blockResult(I32))
  f.localGet(low)
  f.localGet(1)
  f.i32Const(ACCESS.refundShift)
  f.op(OP.i32_shr_u)
  f.localGet(2)
  f.opIndex(OP.call, RUNTIME_LOCAL.stop)
  f.i32Const(1)
  f.op(OP.else)
  f.i32Const(0)
  f.op(OP.end)
}

/** Parameters reason, refund, pc. */
export function stop(f: FunctionBody, stateBase: number, refundBase: number): void {
  f.i32Const(0)
  f.localGet(0)
  f.opMemory(OP.i32_store, 2, stateBase + STATE.exitReason)
  f.i32Const(0)
  f.localGet(1)
  f.opMemory(OP.i32_store, 2, refundBase)
  f.i32Const(0)
  f.localGet(2)
  f.op(OP.i64_extend_i32_u)
  f.opMemory(OP.i64_store, 3, stateBase + STATE.rip)
}

export function wild(f: FunctionBody, stateBase: number): void {
  f.i32Const(0)
  f.localGet(0)
  f.opMemory(OP.i64_store, 3, stateBase + STATE.rip)
  f.i32Const(0)
  f.i32Const(EXIT.fetchFault)
  f.opMemory(OP.i32_store, 2, stateBase + STATE.exitReason)
}
