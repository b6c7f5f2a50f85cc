/** Exists to give bit tests, bit scans, counts and byte swaps. */
import type { Builder } from '../../ir/builder.ts'
import { FLAG, type Size } from '../../ir/flags.ts'
import { ops } from '../../ir/ops.ts'
import type { Node } from '../../ir/types.ts'
import type { LiftContext } from '../lift.ts'
import type { Lifter } from '../table/types.ts'
import { KIND } from '../table/operands.ts'
import { allOnes, truncate } from './arithmetic.ts'

/** Sets CF (i32 0 or 1); the other flags stay. */
export function putCarry(b: Builder, cf: Node): void {
  b.putFlags(b.or(b.and(b.getFlags(), b.i32(~FLAG.cf)), cf))
}

/**
 * Address of the unit of `size` bits that holds bit `index` of the bit string at the memory operand: the index is signed and reaches
 * beyond the operand (Intel SDM vol. 2, 3.1.1.9).
 */
function bitStringAddress(l: LiftContext, index: Node): Node {
  const b = l.b
  const signed = l.size === 64 ? index : b.extendS(l.size === 16 ? b.emit(ops.i32_extend16_s, index) : index)
  const bytes = l.size >> 3
  const distance = b.and(b.shrS(signed, b.i64(3)), b.i64(-bytes))
  const offset = b.add(l.offset(), distance)
  return l.segmented(l.insn.addrsize === 32 ? b.extendU(b.wrap(offset)) : offset)
}

/** BT and its modifying relatives; `change` gives the new value from the old one and the mask of the bit. */
const bitTest =
  (change: ((b: Builder, size: Size, x: Node, mask: Node) => Node) | null): Lifter =>
  (l) => {
    const b = l.b
    const size = l.size
    const byRegister = l.insn.form.operands[1]!.kind === KIND.reg
    const index = byRegister ? l.read(1) : size === 64 ? b.i64(l.insn.immLo & 63) : b.i32(l.insn.immLo & (size - 1))
    const address = !l.isMem(0) ? null : byRegister ? bitStringAddress(l, index) : l.ea()
    const x = address === null ? l.read(0) : b.load(size, address)
    const within = size === 16 ? b.and(index, b.i32(15)) : index
    const cf = b.and(b.to32(b.shrU(x, within)), b.i32(1))
    if (change !== null) {
      const result = truncate(b, size, change(b, size, x, b.shl(b.constLike(x, 1), within)))
      if (address === null) l.write(0, result)
      else b.store(size, address, result)
    }
    putCarry(b, cf)
  }

/** BT. */
export const bt = bitTest(null)
/** BTS. */
export const bts = bitTest((b, _size, x, mask) => b.or(x, mask))
/** BTR. */
export const btr = bitTest((b, size, x, mask) => b.and(x, b.xor(mask, allOnes(b, size))))
/** BTC. */
export const btc = bitTest((b, _size, x, mask) => b.xor(x, mask))

const ctz = (b: Builder, x: Node): Node => b.emit(x.type === 'i64' ? ops.i64_ctz : ops.i32_ctz, x)
const clz = (b: Builder, x: Node): Node => b.emit(x.type === 'i64' ? ops.i64_clz : ops.i32_clz, x)

/** BSF and BSR: with a zero source the destination register keeps all its bits, as processors do. */
function scan(l: LiftContext, position: (b: Builder, x: Node) => Node): void {
  const b = l.b
  const x = l.read(1)
  const found = position(b, x)
  const zero = b.eqz(x)
  if (l.size === 32) b.put(l.register(0), b.select(zero, b.get(l.register(0)), b.extendU(found)))
  else l.write(0, b.select(zero, l.read(0), found))
  b.setFlagsResult(l.size, x, null)
}

/** BSF. */
export const bsf: Lifter = (l) => scan(l, ctz)
/** BSR. */
export const bsr: Lifter = (l) => scan(l, (b, x) => b.xor(clz(b, x), b.constLike(x, x.type === 'i64' ? 63 : 31)))

/** ZF from the result, CF when the source was zero. */
function count(l: LiftContext, x: Node, result: Node): void {
  l.write(0, result)
  l.b.setFlagsResult(l.size, result, l.b.eqz(x))
}

/** TZCNT. */
export const tzcnt: Lifter = (l) => {
  const x = l.read(1)
  count(l, x, ctz(l.b, l.size === 16 ? l.b.or(x, l.b.i32(0x10000)) : x))
}

/** LZCNT. */
export const lzcnt: Lifter = (l) => {
  const x = l.read(1)
  const zeros = clz(l.b, x)
  count(l, x, l.size === 16 ? l.b.sub(zeros, l.b.i32(16)) : zeros)
}

/** POPCNT: ZF tells a zero source, all other flags are cleared. */
export const popcnt: Lifter = (l) => {
  const b = l.b
  const x = l.read(1)
  l.write(0, b.emit(x.type === 'i64' ? ops.i64_popcnt : ops.i32_popcnt, x))
  b.putFlags(b.shl(b.eqz(x), b.i32(6)))
}

/** The bytes of `x` reversed. */
function reverseBytes(b: Builder, size: Size, x: Node): Node {
  if (size === 16) return b.and(b.or(b.shl(x, b.i32(8)), b.shrU(x, b.i32(8))), b.i32(0xffff))
  if (size === 32) {
    return b.or(
      b.and(b.emit(ops.i32_rotl, x, b.i32(8)), b.i32(0x00ff00ff)),
      b.and(b.emit(ops.i32_rotr, x, b.i32(8)), b.i32(0xff00ff00 | 0)),
    )
  }
  const low = b.i64pair(0x00ff00ff, 0x00ff00ff)
  const pairs = b.or(b.and(b.shrU(x, b.i64(8)), low), b.shl(b.and(x, low), b.i64(8)))
  const words = b.i64pair(0x0000ffff, 0x0000ffff)
  const quads = b.or(b.and(b.shrU(pairs, b.i64(16)), words), b.shl(b.and(pairs, words), b.i64(16)))
  return b.emit(ops.i64_rotl, quads, b.i64(32))
}

/** BSWAP; of 16 bits it gives zero, as processors do where the manual leaves it undefined. */
export const bswap: Lifter = (l) => l.write(0, l.size === 16 ? l.b.i32(0) : reverseBytes(l.b, l.size, l.read(0)))

/** MOVBE. */
export const movbe: Lifter = (l) => l.write(0, reverseBytes(l.b, l.size, l.read(1)))
