/** Exists to give the data movement of SSE and SSE2: whole vectors, halves, scalars, masks, and the stores that bypass caches. */
import { type OpRow, ops } from '../../ir/ops.ts'
import { REG } from '../../ir/registers.ts'
import type { Node } from '../../ir/types.ts'
import type { LiftContext } from '../lift.ts'
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
 * MASKMOVDQU: stores byte i of operand 0 where bit 7 of byte i of operand 1 is set. The IR has no conditional store: an
 * unselected byte repeats the store of the first selected one. With an empty mask the byte at rDI is stored back as it is
 * (the manual lets an empty mask fault or not).
 */
export const maskMove: Lifter = (l) => {
  const b = l.b
  const data = l.read(0)
  const mask = b.emit(ops.i8x16_bitmask, l.read(1))
  const rdi = b.get(REG.rdi)
  const base = l.segmented(l.insn.addrsize === 32 ? b.extendU(b.wrap(rdi)) : rdi)
  const first = b.and(b.emit(ops.i32_ctz, b.or(mask, b.i32(0x10000))), b.i32(15))
  const firstAddress = b.add(base, b.extendU(first))
  // A fault reports the first address in its page that belongs to the operand, selected or not.
  const crossed = b.shrU(b.xor(base, firstAddress), b.i64(12))
  b.probeWrite(b.select(b.eq(crossed, b.i64(0)), base, firstAddress), 1)
  const isSelected = Array.from({ length: 16 }, (_, i) => b.and(mask, b.i32(1 << i)))
  const addresses = isSelected.map((selected, i) => b.select(selected, b.add(base, b.i64(i)), firstAddress))
  for (const address of addresses) b.probeWrite(address, 1)
  const firstByte = b.emit(ops.i8x16_extract_lane_u, b.emit(ops.i8x16_swizzle, data, b.emit(ops.i8x16_splat, first)))
  const spare = b.select(mask, firstByte, b.load(8, firstAddress))
  addresses.forEach((address, i) => {
    const byte = b.emit(ops.i8x16_extract_lane_u, data, null, null, i)
    b.store(8, address, b.select(isSelected[i]!, byte, spare))
  })
}
