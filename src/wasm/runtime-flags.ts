/** Exists to build the runtime function that turns a lazy flag record into flags. */
import { FLAG_KIND } from '../ir/flags.ts'
import { BLOCK_VOID, type FunctionBody, I32, I64 } from './encode.ts'
import * as OP from './opcodes.ts'

/** Arithmetic flags in EFLAGS positions from a record (kind, A, B); see ir/flags.ts. */
export function materialize(f: FunctionBody): void {
  const [kind, shift, result, sign, bits] = [f.local(I32), f.local(I64), f.local(I64), f.local(I64), f.local(I32)]
  f.localGet(0)
  f.i32Const(2)
  f.op(OP.i32_shr_u)
  f.localTee(kind!)
  f.op(OP.i32_eqz)
  f.opBlock(OP.if, BLOCK_VOID)
  f.localGet(1)
  f.op(OP.i32_wrap_i64)
  f.op(OP.return)
  f.op(OP.end)
  // shift = 64 - width, so that everything is compared at the top of 64 bits.
  f.i64Const(64, 0)
  f.i64Const(8, 0)
  f.localGet(0)
  f.i32Const(3)
  f.op(OP.i32_and)
  f.op(OP.i64_extend_i32_u)
  f.op(OP.i64_shl)
  f.op(OP.i64_sub)
  f.localSet(shift!)
  const isKind = (k: number): void => {
    f.localGet(kind!)
    f.i32Const(k)
    f.op(OP.i32_eq)
  }
  const orBits = (emit: () => void, position: number): void => {
    f.localGet(bits!)
    emit()
    f.i32Const(position)
    f.op(OP.i32_shl)
    f.op(OP.i32_or)
    f.localSet(bits!)
  }
  /** (x << shift) < 0 as i32, of the value in local x. */
  const negative = (x: number): void => {
    f.localGet(x)
    f.localGet(shift!)
    f.op(OP.i64_shl)
    f.i64Const(0, 0)
    f.op(OP.i64_lt_s)
  }
  f.localGet(1)
  f.localSet(result!)
  for (const [k, op] of [
    [FLAG_KIND.add, OP.i64_add],
    [FLAG_KIND.sub, OP.i64_sub],
  ] as const) {
    isKind(k)
    f.opBlock(OP.if, BLOCK_VOID)
    f.localGet(1)
    f.localGet(2)
    f.op(op)
    f.localSet(result!)
    // Carry: unsigned result below a (add), a below b (sub), at the operand's width.
    orBits(() => {
      if (k === FLAG_KIND.add) {
        f.localGet(result!)
        f.localGet(shift!)
        f.op(OP.i64_shl)
        f.localGet(1)
      } else {
        f.localGet(1)
        f.localGet(shift!)
        f.op(OP.i64_shl)
        f.localGet(2)
      }
      f.localGet(shift!)
      f.op(OP.i64_shl)
      f.op(OP.i64_lt_u)
    }, 0)
    // Overflow: add (a^r)&(b^r), sub (a^b)&(a^r).
    f.localGet(1)
    f.localGet(result!)
    f.op(OP.i64_xor)
    f.localGet(k === FLAG_KIND.add ? 2 : 1)
    f.localGet(k === FLAG_KIND.add ? result! : 2)
    f.op(OP.i64_xor)
    f.op(OP.i64_and)
    f.localSet(sign!)
    orBits(() => negative(sign!), 11)
    // Auxiliary carry: bit 4 of a ^ b ^ r.
    orBits(() => {
      f.localGet(1)
      f.localGet(2)
      f.op(OP.i64_xor)
      f.localGet(result!)
      f.op(OP.i64_xor)
      f.op(OP.i32_wrap_i64)
      f.i32Const(4)
      f.op(OP.i32_shr_u)
      f.i32Const(1)
      f.op(OP.i32_and)
    }, 4)
    f.op(OP.end)
  }
  isKind(FLAG_KIND.result)
  f.opBlock(OP.if, BLOCK_VOID)
  f.localGet(2)
  f.op(OP.i32_wrap_i64)
  f.localSet(bits!)
  f.op(OP.end)
  for (const k of [FLAG_KIND.inc, FLAG_KIND.dec]) {
    isKind(k)
    f.opBlock(OP.if, BLOCK_VOID)
    f.localGet(2)
    f.op(OP.i32_wrap_i64)
    f.i32Const(1)
    f.op(OP.i32_and)
    f.localSet(bits!)
    // inc overflows to the minimum, dec to the maximum: shifted, the minimum is 1 << 63 and ~maximum likewise.
    orBits(() => {
      f.localGet(1)
      if (k === FLAG_KIND.dec) {
        f.i64Const(1, 0)
        f.op(OP.i64_add)
      }
      f.localGet(shift!)
      f.op(OP.i64_shl)
      f.i64Const(0, 0x80000000)
      f.op(OP.i64_eq)
    }, 11)
    orBits(() => {
      f.localGet(1)
      f.op(OP.i32_wrap_i64)
      f.i32Const(15)
      f.op(OP.i32_and)
      f.i32Const(k === FLAG_KIND.inc ? 0 : 15)
      f.op(OP.i32_eq)
    }, 4)
    f.op(OP.end)
  }
  orBits(() => negative(result!), 7)
  orBits(() => {
    f.localGet(result!)
    f.localGet(shift!)
    f.op(OP.i64_shl)
    f.op(OP.i64_eqz)
  }, 6)
  orBits(() => {
    f.localGet(result!)
    f.op(OP.i32_wrap_i64)
    f.i32Const(255)
    f.op(OP.i32_and)
    f.op(OP.i32_popcnt)
    f.i32Const(1)
    f.op(OP.i32_and)
    f.op(OP.i32_eqz)
  }, 2)
  f.localGet(bits!)
}
