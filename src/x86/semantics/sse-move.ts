/** Exists to give the data movement of SSE and SSE2: whole vectors, halves, scalars, masks, and the stores that bypass caches. */
import { type OpRow, ops } from '../../ir/ops.ts'
import { REG } from '../../ir/registers.ts'
import type { Lifter } from '../table/types.ts'
import { aligned, alignedAddress, double, quad, single, unaligned, zero } from './sse-operands.ts'

/** MOVAPS, MOVAPD, MOVDQA: aligned in both directions. */
export const moveAligned: Lifter = (l) => {
  if (l.isMem(0)) l.b.store128(alignedAddress(l, 0), l.read(1))
  else l.write(0, aligned(l, 1))
}

/** MOVUPS, MOVUPD, MOVDQU. */
export const moveUnaligned: Lifter = (l) => {
  if (l.isMem(0)) l.b.store128(l.ea(0), l.read(1))
  else l.write(0, unaligned(l, 1))
}

/** MOVSS: a load clears the upper lanes, a register move keeps them. */
export const moveSingle: Lifter = (l) => {
  const value = single(l, 1)
  if (l.isMem(0)) l.b.emit(ops.storef32, l.ea(0), value)
  else l.write(0, l.b.emit(ops.f32x4_replace_lane, l.isMem(1) ? zero(l) : l.read(0), value))
}

/** MOVSD: a load clears the upper lane, a register move keeps it. */
export const moveDouble: Lifter = (l) => {
  const value = double(l, 1)
  if (l.isMem(0)) l.b.emit(ops.storef64, l.ea(0), value)
  else l.write(0, l.b.emit(ops.f64x2_replace_lane, l.isMem(1) ? zero(l) : l.read(0), value))
}

/** MOVDDUP: eight bytes of memory, not aligned. */
export const duplicateDouble: Lifter = (l) => l.write(0, l.b.emit(ops.i64x2_splat, quad(l, 1)))

/** MOVLPS, MOVLPD, MOVHPS, MOVHPD between memory and half `half` of a register; the other half stays. */
export const moveHalf =
  (half: 0 | 1): Lifter =>
  (l) => {
    if (l.isMem(0)) {
      l.b.emit(ops.storef64, l.ea(0), l.b.emit(ops.f64x2_extract_lane, l.read(1), null, null, half))
    } else {
      l.write(0, l.b.emit(ops.f64x2_replace_lane, l.read(0), double(l, 1), null, half))
    }
  }

/** MOVD and MOVQ from a general register or memory; the rest of the vector becomes zero. */
export const moveFromGeneral: Lifter = (l) => {
  const value = l.read(1)
  l.write(0, l.b.emit(value.type === 'i64' ? ops.i64x2_replace_lane : ops.i32x4_replace_lane, zero(l), value))
}

/** MOVD and MOVQ to a general register or memory. */
export const moveToGeneral: Lifter = (l) =>
  l.write(0, l.b.emit(l.size === 64 ? ops.i64x2_extract_lane : ops.i32x4_extract_lane, l.read(1)))

/** MOVQ between vector registers and memory: a register destination is zero-extended. */
export const moveQuad: Lifter = (l) => {
  const value = quad(l, 1)
  if (l.isMem(0)) l.b.store(64, l.ea(0), value)
  else l.write(0, l.b.emit(ops.i64x2_replace_lane, zero(l), value))
}

/** MOVMSKPS, MOVMSKPD, PMOVMSKB. */
export const moveMask =
  (op: OpRow): Lifter =>
  (l) =>
    l.write(0, l.b.emit(op, l.read(1)))

/** MOVNTI: an ordinary store. */
export const moveGeneralNonTemporal: Lifter = (l) => l.write(0, l.read(1))

/** PINSRW: the source is a 32-bit register or a 16-bit word in memory. */
export const insertWord: Lifter = (l) =>
  l.write(0, l.b.emit(ops.i16x8_replace_lane, l.read(0), l.read(1), null, l.read(2).imm & 7))

/** PEXTRW to a general register. */
export const extractWord: Lifter = (l) =>
  l.write(0, l.b.emit(ops.i16x8_extract_lane_u, l.read(1), null, null, l.read(2).imm & 7))

/**
 * MASKMOVDQU: stores byte i of operand 0 to rDI + i where bit 7 of byte i of operand 1 is set. Like the processor it asks for write
 * permission on all 16 bytes; storing the others back as they are is not seen by anybody, since one thread runs at a time.
 */
export const maskMove: Lifter = (l) => {
  const b = l.b
  const rdi = b.get(REG.rdi)
  const address = l.segmented(l.insn.addrsize === 32 ? b.extendU(b.wrap(rdi)) : rdi)
  b.probeWrite(address, 16)
  const selected = b.emit(ops.i8x16_shr_s, l.read(1), b.i32(7))
  b.store128(address, b.emit(ops.v128_bitselect, l.read(0), b.load128(address), selected))
}
