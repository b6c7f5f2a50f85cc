/** Exists to give the stack instructions: all reads, then the store, then the registers, so that a fault leaves everything as it was. */
import { EXIT } from '../../ir/exits.ts'
import { ARITHMETIC_FLAGS, type Size } from '../../ir/flags.ts'
import { REG, STATE } from '../../ir/registers.ts'
import type { Node } from '../../ir/types.ts'
import type { LiftContext } from '../lift.ts'
import type { Lifter } from '../table/types.ts'

const RSP = REG.rsp
const RBP = REG.rbp

/** EFLAGS bits outside the arithmetic flags. */
const EFLAGS = { tf: 0x100, df: 0x400, nt: 0x4000, ac: 0x40000, id: 0x200000 } as const
/** Bit 1 always reads one, and user code runs with interrupts enabled. */
const EFLAGS_FIXED = 0x202

/** Stores `value` below the stack pointer and lowers it. */
export function pushValue(l: LiftContext, size: Size, value: Node): void {
  const b = l.b
  const top = b.add(b.get(RSP), b.i64(-size / 8))
  b.store(size, top, value)
  b.put(RSP, top)
}

/** PUSH. */
export const push: Lifter = (l) => pushValue(l, l.insn.opsize, l.read(0))

/** PUSH FS, PUSH GS: both selectors are null in a 64-bit process. */
export const pushSegment: Lifter = (l) => pushValue(l, l.insn.opsize, l.insn.opsize === 64 ? l.b.i64(0) : l.b.i32(0))

/** POP: the address of a memory destination counts with the raised stack pointer. */
export const pop: Lifter = (l) => {
  const b = l.b
  const size = l.insn.opsize
  const rsp = b.get(RSP)
  const value = b.load(size, rsp)
  const raised = b.add(rsp, b.i64(size / 8))
  if (l.isMem(0)) {
    const offset = l.offset()
    const moved = l.insn.base === RSP ? b.add(offset, b.i64(size / 8)) : offset
    b.store(size, l.segmented(l.insn.addrsize === 32 ? b.extendU(b.wrap(moved)) : moved), value)
    b.put(RSP, raised)
  } else {
    b.put(RSP, raised)
    l.write(0, value)
  }
}

/** LEAVE. */
export const leave: Lifter = (l) => {
  const b = l.b
  const size = l.insn.opsize
  const frame = b.get(RBP)
  const value = b.load(size, frame)
  b.put(RSP, b.add(frame, b.i64(size / 8)))
  l.putFixed(RBP, size, value)
}

/** ENTER: saves the frame pointer, copies the outer frame pointers that the nesting level asks for, reserves the locals. */
export const enter: Lifter = (l) => {
  const b = l.b
  const size = l.insn.opsize
  const bytes = size / 8
  const level = l.insn.imm2 & 31
  const rsp = b.get(RSP)
  const rbp = b.get(RBP)
  const frame = b.add(rsp, b.i64(-bytes))
  b.store(size, frame, size === 64 ? rbp : b.wrap(rbp))
  for (let i = 1; i < level; i++)
    b.store(size, b.add(frame, b.i64(-bytes * i)), b.load(size, b.add(rbp, b.i64(-bytes * i))))
  if (level > 0) b.store(size, b.add(frame, b.i64(-bytes * level)), size === 64 ? frame : b.wrap(frame))
  l.putFixed(RBP, size, size === 64 ? frame : b.wrap(frame))
  b.put(RSP, b.add(frame, b.i64(-bytes * level - l.insn.immLo)))
}

/** RFLAGS as PUSHF, SYSCALL and signal frames show them, as i32. */
export function flagsImage(l: LiftContext): Node {
  const b = l.b
  const direction = b.shl(b.get(REG.direction), b.i32(10))
  return b.or(b.or(b.or(b.getFlags(), direction), b.stateLoad(32, STATE.systemFlags)), b.i32(EFLAGS_FIXED))
}

/** PUSHF. */
export const pushf: Lifter = (l) => {
  const image = flagsImage(l)
  pushValue(l, l.insn.opsize, l.insn.opsize === 64 ? l.b.extendU(image) : image)
}

/** POPF in user mode: IOPL, IF and the virtual-8086 bits stay. Setting TF would single-step the guest, which is not implemented. */
export const popf: Lifter = (l) => {
  const b = l.b
  const size = l.insn.opsize
  const rsp = b.get(RSP)
  const image = b.to32(b.load(size, rsp))
  b.faultIf(b.and(image, b.i32(EFLAGS.tf)), EXIT.unsupported)
  b.put(RSP, b.add(rsp, b.i64(size / 8)))
  b.putFlags(b.and(image, b.i32(ARITHMETIC_FLAGS)))
  b.put(REG.direction, b.and(b.shrU(image, b.i32(10)), b.i32(1)))
  const taken = size === 16 ? EFLAGS.nt : EFLAGS.nt | EFLAGS.ac | EFLAGS.id
  const kept = size === 16 ? b.and(b.stateLoad(32, STATE.systemFlags), b.i32(EFLAGS.ac | EFLAGS.id)) : b.i32(0)
  b.stateStore(32, STATE.systemFlags, b.or(kept, b.and(image, b.i32(taken))))
}
