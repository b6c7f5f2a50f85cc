/** Exists to lay out the x87 state as FNSTENV and FXSAVE do (Intel SDM vol. 1, figure 8-9, and vol. 2, FXSAVE). */
import { STATE } from '../../ir/registers.ts'
import { CLASS, classOf, STATUS } from './x87-number.ts'
import { readExtended, type Stack } from './x87-registers.ts'

const EXCEPTION_MASKS = 0x3f

/** The tag word with its four values: 0 valid, 1 zero, 2 special, 3 empty. */
function fullTag(stack: Stack): number {
  let tag = stack.tag
  for (let physical = 0; physical < 8; physical++) {
    if (((tag >> (2 * physical)) & 3) === 3) continue
    const kind = classOf(readExtended(stack.view, STATE.x87 + 16 * physical))
    const value = kind === CLASS.normal ? 0 : kind === CLASS.zero ? 1 : 2
    tag = (tag & ~(3 << (2 * physical))) | (value << (2 * physical))
  }
  return tag
}

/** Keeps of a tag word what the state keeps: empty or not. */
function withoutKinds(tag: number): number {
  let result = 0
  for (let shift = 0; shift < 16; shift += 2) if (((tag >> shift) & 3) === 3) result |= 3 << shift
  return result
}

/**
 * FNSTENV in its 32-bit form, to scratch; all exceptions are masked afterwards. The code segment is stored as zero: newer processors
 * no longer keep it, and on the others a task switch loses it.
 */
export function storeEnvironment(stack: Stack): void {
  const { view } = stack
  const words = [
    0xffff0000 | stack.control,
    0xffff0000 | stack.status,
    0xffff0000 | fullTag(stack),
    view.getUint32(STATE.x87Ip, true),
    (view.getUint32(STATE.x87Opcode, true) & 0x7ff) << 16,
    view.getUint32(STATE.x87Dp, true),
    0xffff0000,
  ]
  words.forEach((word, i) => view.setUint32(STATE.scratch + 4 * i, word, true))
  stack.setControl(stack.control | EXCEPTION_MASKS)
}

/** FLDENV in its 32-bit form, from scratch. */
export function loadEnvironment(stack: Stack): void {
  const { view } = stack
  const word = (i: number): number => view.getUint32(STATE.scratch + 4 * i, true)
  stack.setControl(word(0) & 0xffff)
  stack.status = word(1)
  stack.tag = withoutKinds(word(2))
  view.setBigUint64(STATE.x87Ip, BigInt(word(3)), true)
  view.setUint32(STATE.x87Opcode, (word(4) >> 16) & 0x7ff, true)
  view.setBigUint64(STATE.x87Dp, BigInt(word(5)), true)
}

/** The head of an FXSAVE image, to scratch. The pointers are there only while an unmasked exception is pending. */
export function storeHeader(stack: Stack): void {
  const { view } = stack
  const pending = (stack.status & STATUS.summary) !== 0
  let inUse = 0
  for (let physical = 0; physical < 8; physical++) if (((stack.tag >> (2 * physical)) & 3) !== 3) inUse |= 1 << physical
  view.setUint16(STATE.scratch, stack.control, true)
  view.setUint16(STATE.scratch + 2, stack.status, true)
  view.setUint16(STATE.scratch + 4, inUse, true)
  view.setUint16(STATE.scratch + 6, pending ? view.getUint32(STATE.x87Opcode, true) : 0, true)
  view.setBigUint64(STATE.scratch + 8, pending ? view.getBigUint64(STATE.x87Ip, true) : 0n, true)
  view.setBigUint64(STATE.scratch + 16, pending ? view.getBigUint64(STATE.x87Dp, true) : 0n, true)
}

/** The head of an FXRSTOR image, from scratch; `wide` with pointers of 64 bits. */
export function loadHeader(stack: Stack, wide: boolean): void {
  const { view } = stack
  const inUse = view.getUint8(STATE.scratch + 4)
  let tag = 0
  for (let physical = 0; physical < 8; physical++) if ((inUse & (1 << physical)) === 0) tag |= 3 << (2 * physical)
  stack.setControl(view.getUint16(STATE.scratch, true))
  stack.status = view.getUint16(STATE.scratch + 2, true)
  stack.tag = tag
  view.setUint32(STATE.x87Opcode, view.getUint16(STATE.scratch + 6, true) & 0x7ff, true)
  const pointer = (offset: number): bigint =>
    wide ? view.getBigUint64(offset, true) : BigInt(view.getUint32(offset, true))
  view.setBigUint64(STATE.x87Ip, pointer(STATE.scratch + 8), true)
  view.setBigUint64(STATE.x87Dp, pointer(STATE.scratch + 16), true)
}
