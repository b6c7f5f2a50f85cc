/**
 * Exists to write and read the stack frame of a signal handler exactly as x86-64 Linux lays it out: return address, ucontext, siginfo, and above
 * them the floating-point state as an XSAVE area (arch/x86 struct rt_sigframe, sigcontext, _xstate; Intel SDM vol. 1, 10.5.1 and 13.4).
 */
import type { AddressSpace } from '../engine/address-space.ts'
import type { CpuState } from '../engine/cpu-state.ts'
import { XSAVE } from '../engine/helpers/cpuid.ts'
import { REG, STATE } from '../ir/registers.ts'
import { popDefinedness, pushDefinedness } from './definedness.ts'
import type { Kernel } from './kernel.ts'
import { CODE, SA, SIG, SS, UNBLOCKABLE } from './signal-names.ts'
import type { AltStack, SignalAction, SignalInfo, Task } from './state.ts'

/** Bytes below the stack pointer that a function may use without moving it (System V ABI, 3.2.2). */
const RED_ZONE = 128
const FXSAVE_SIZE = 512
/** The end of what FXSAVE writes, and where the bytes begin that are free for software. */
const FXSAVE_END = 416
const SOFTWARE = 464

/** Components of the extended state: bits of XSTATE_BV. */
const COMPONENT = { x87: 1, sse: 2 } as const
const COMPONENTS = COMPONENT.x87 | COMPONENT.sse
/** Offsets in struct _fpx_sw_bytes, which tells that an XSAVE area follows, and its marks; the second stands behind the area. */
const SW = { magic1: 0, extendedSize: 4, features: 8, size: 16 } as const
const MAGIC1 = 0x46505853
const MAGIC2 = 0x46505845
const MAGIC2_SIZE = 4

/** Bytes of the floating-point state in a frame. */
const FPSTATE_SIZE = XSAVE === null ? FXSAVE_SIZE : XSAVE.size + MAGIC2_SIZE

/** Offsets in struct rt_sigframe. */
const FRAME = { uc: 8, info: 312, size: 440 }
/** Bytes that a frame takes at most (AT_MINSIGSTKSZ): rt_sigframe, floating-point state, and the alignment of both. */
export const MAX_FRAME_SIZE = Math.ceil((FRAME.size + 15 + FPSTATE_SIZE + 63) / 16) * 16
/** Offsets in struct ucontext. */
const UC = { flags: 0, stack: 16, context: 40, mask: 296 }
/** Offsets in struct sigcontext behind its general registers. */
const SC = { rip: 128, flags: 136, cs: 144, ss: 150, error: 152, trap: 160, oldMask: 168, cr2: 176, fpstate: 184 }

/** General registers in the order of struct sigcontext. */
const ORDER = [
  REG.r8,
  REG.r9,
  REG.r10,
  REG.r11,
  REG.r12,
  REG.r13,
  REG.r14,
  REG.r15,
  REG.rdi,
  REG.rsi,
  REG.rbp,
  REG.rbx,
  REG.rdx,
  REG.rax,
  REG.rcx,
  REG.rsp,
]

/** UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS, and with XSAVE UC_FP_XSTATE. */
const UC_FLAGS = XSAVE === null ? 6 : 7
const USER_CS = 0x33
const USER_SS = 0x2b

/** EFLAGS that sigreturn restores: CF PF AF ZF SF TF DF OF RF AC (FIX_EFLAGS). */
const RESTORED_FLAGS = 0x40000 | 0x800 | 0x400 | 0x100 | 0x80 | 0x40 | 0x10 | 4 | 1 | 0x10000
/** Cleared on entry of a handler: DF, RF, TF. */
const CLEARED_FLAGS = 0x400 | 0x10000 | 0x100

/** Bit of the x87 status word: an unmasked exception is pending. */
const PENDING = 0x80

/** MXCSR bits that exist: the mask that FXSAVE states. */
const MXCSR_MASK = 0xffff

/** The state of sigaltstack's `ss_flags` for a stack pointer (sas_ss_flags). */
export function altStackFlags(stack: AltStack, rsp: bigint): number {
  if (stack.size === 0) return SS.disable
  return onAltStack(stack, rsp) ? SS.onStack : 0
}

/** Whether `rsp` lies on the alternate stack; a stack that disarms itself never counts as in use. */
function onAltStack(stack: AltStack, rsp: bigint): boolean {
  if (stack.flags & SS.autoDisarm) return false
  return rsp > BigInt(stack.base) && rsp - BigInt(stack.base) <= BigInt(stack.size)
}

/** Makes the running task enter `action`'s handler: the frame goes onto its stack, the registers are set. False when the stack cannot be written. */
export function pushFrame(k: Kernel, t: Task, info: SignalInfo, action: SignalAction, mask: bigint): boolean {
  const cpu = k.cpu
  const space = k.space(t)
  let sp = cpu.gpr(REG.rsp) - BigInt(RED_ZONE)
  const nested = onAltStack(t.altStack, cpu.gpr(REG.rsp))
  let entering = false
  if (action.flags & SA.onStack && altStackFlags(t.altStack, sp) === 0) {
    sp = BigInt(t.altStack.base + t.altStack.size)
    entering = true
  }
  sp = BigInt.asUintN(64, ((sp - BigInt(FPSTATE_SIZE)) >> 6n) << 6n)
  const fpstate = sp
  sp = BigInt.asUintN(64, (((sp - BigInt(FRAME.size)) >> 4n) << 4n) - 8n)
  if (
    (nested || entering) &&
    !(sp > BigInt(t.altStack.base) && sp - BigInt(t.altStack.base) <= BigInt(t.altStack.size))
  )
    return false
  // Without a restorer there is nothing to return to; x86-64 Linux demands one.
  if (!(action.flags & SA.restorer)) return false

  const bytes = new Uint8Array(FRAME.size)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, BigInt(action.restorer), true)
  writeContext(view, k, t, info, mask, fpstate)
  writeInfo(bytes.subarray(FRAME.info), info)
  if (sp >= 1n << 52n) return false
  const state = floatingPoint(cpu)
  // What FXSAVE leaves alone keeps what the stack has there.
  if (!space.write(Number(fpstate), state.subarray(0, FXSAVE_END))) return false
  if (!space.write(Number(fpstate) + SOFTWARE, state.subarray(SOFTWARE)) || !space.write(Number(sp), bytes))
    return false

  pushDefinedness(k, t, { ...places(Number(sp), Number(fpstate)), stack: Number(sp) })
  cpu.setGpr(REG.rdi, BigInt(info.signal))
  cpu.setGpr(REG.rsi, sp + BigInt(FRAME.info))
  cpu.setGpr(REG.rdx, sp + BigInt(FRAME.uc))
  cpu.setGpr(REG.rax, 0n)
  cpu.setGpr(REG.rsp, sp)
  cpu.rip = BigInt(action.handler)
  k.processor.writeFlags(cpu, k.processor.readFlags(cpu) & ~CLEARED_FLAGS)
  // Handlers start with fresh floating-point registers (fpu__clear_user_states).
  clearFloatingPoint(cpu)
  if (t.altStack.flags & SS.autoDisarm) t.altStack = { base: 0, size: 0, flags: SS.disable }
  return true
}

/** Where the frame at `sp` with its floating-point state at `fpstate` (0: none) keeps registers that have V bits. */
function places(sp: number, fpstate: number): Parameters<typeof popDefinedness>[2] {
  const context = sp + FRAME.uc + UC.context
  return { registers: context, order: ORDER, flags: context + SC.flags, xmm: fpstate === 0 ? 0 : fpstate + 160 }
}

function writeContext(view: DataView, k: Kernel, t: Task, info: SignalInfo, mask: bigint, fpstate: bigint): void {
  const cpu = k.cpu
  const uc = FRAME.uc
  view.setBigUint64(uc + UC.flags, BigInt(UC_FLAGS), true)
  view.setBigUint64(uc + UC.stack, BigInt(t.altStack.base), true)
  view.setUint32(uc + UC.stack + 8, t.altStack.flags, true)
  view.setBigUint64(uc + UC.stack + 16, BigInt(t.altStack.size), true)
  const sc = uc + UC.context
  ORDER.forEach((register, i) => view.setBigUint64(sc + i * 8, cpu.gpr(register), true))
  view.setBigUint64(sc + SC.rip, cpu.rip, true)
  view.setBigUint64(sc + SC.flags, BigInt(k.processor.readFlags(cpu)), true)
  view.setUint16(sc + SC.cs, USER_CS, true)
  view.setUint16(sc + SC.ss, USER_SS, true)
  view.setBigUint64(sc + SC.error, BigInt(info.errorCode), true)
  view.setBigUint64(sc + SC.trap, BigInt(info.trap), true)
  view.setBigUint64(sc + SC.oldMask, mask, true)
  // Only a page fault tells its address here.
  view.setBigUint64(sc + SC.cr2, info.trap === 14 ? info.address : 0n, true)
  view.setBigUint64(sc + SC.fpstate, fpstate, true)
  view.setBigUint64(uc + UC.mask, mask, true)
}

/** siginfo_t: 128 bytes; the union's layout follows the signal and its code (siginfo_layout). */
export function writeInfo(bytes: Uint8Array, info: SignalInfo): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 128)
  view.setInt32(0, info.signal, true)
  view.setInt32(4, info.errno, true)
  view.setInt32(8, info.code, true)
  const fault =
    info.signal === SIG.segv ||
    info.signal === SIG.bus ||
    info.signal === SIG.fpe ||
    info.signal === SIG.ill ||
    info.signal === SIG.trap
  if (info.code === CODE.timer) {
    view.setInt32(16, info.timer, true)
    view.setInt32(20, info.overrun, true)
    view.setBigUint64(24, info.value, true)
  } else if (info.code > 0 && info.code < CODE.kernel && fault) {
    view.setBigUint64(16, info.address, true)
  } else if (info.code > 0 && info.code < CODE.kernel && info.signal === SIG.chld) {
    view.setInt32(16, info.pid, true)
    view.setUint32(20, info.uid, true)
    view.setInt32(24, info.status, true)
  } else if (info.code > 0 && info.code < CODE.kernel && info.signal === SIG.sys) {
    // si_call_addr, si_syscall, si_arch.
    view.setBigUint64(16, info.address, true)
    view.setBigUint64(24, info.value, true)
  } else if (info.code === CODE.io || (info.code > 0 && info.code < CODE.kernel)) {
    // SIGIO: si_band and si_fd.
    view.setBigUint64(16, info.address, true)
    view.setInt32(24, Number(info.value), true)
  } else {
    view.setInt32(16, info.pid, true)
    view.setUint32(20, info.uid, true)
    view.setBigUint64(24, info.value, true)
  }
}

/**
 * rt_sigreturn: sets the running task's registers from the frame whose return address has just been taken from the stack.
 * Returns the mask and alternate stack to restore, or null when the frame cannot be read.
 */
export function popFrame(k: Kernel, t: Task): { mask: bigint; stack: AltStack } | null {
  const cpu = k.cpu
  const space = k.space(t)
  const frame = cpu.gpr(REG.rsp) - 8n
  if (frame < 0n || frame >= 1n << 52n) return null
  const bytes = space.read(Number(frame), FRAME.size)?.slice()
  if (bytes === undefined) return null
  const view = new DataView(bytes.buffer)
  const sc = FRAME.uc + UC.context
  const fpstate = view.getBigUint64(sc + SC.fpstate, true)
  if (fpstate === 0n) clearFloatingPoint(cpu)
  else {
    const image = fpstate < 1n << 52n ? readFloatingPoint(space, Number(fpstate)) : null
    if (image === null || !fxrstor(cpu, image)) return null
  }
  ORDER.forEach((register, i) => cpu.setGpr(register, view.getBigUint64(sc + i * 8, true)))
  cpu.rip = view.getBigUint64(sc + SC.rip, true)
  const flags = Number(view.getBigUint64(sc + SC.flags, true) & BigInt(RESTORED_FLAGS))
  k.processor.writeFlags(cpu, (k.processor.readFlags(cpu) & ~RESTORED_FLAGS) | flags)
  popDefinedness(k, t, places(Number(frame), Number(fpstate)))
  const uc = FRAME.uc
  const stack = {
    base: Number(view.getBigUint64(uc + UC.stack, true)),
    flags: view.getUint32(uc + UC.stack + 8, true),
    size: Number(view.getBigUint64(uc + UC.stack + 16, true)),
  }
  return { mask: view.getBigUint64(uc + UC.mask, true) & ~UNBLOCKABLE, stack }
}

/** The floating-point state as a frame holds it: an FXSAVE image (64-bit format), with XSAVE followed by the header of the area and the second mark. */
function floatingPoint(cpu: CpuState): Uint8Array {
  const image = new Uint8Array(FPSTATE_SIZE)
  fxsave(cpu, image)
  if (XSAVE === null) return image
  const view = new DataView(image.buffer)
  view.setUint32(SOFTWARE + SW.magic1, MAGIC1, true)
  view.setUint32(SOFTWARE + SW.extendedSize, FPSTATE_SIZE, true)
  view.setUint32(SOFTWARE + SW.features, XSAVE.components, true)
  view.setUint32(SOFTWARE + SW.size, XSAVE.size, true)
  view.setUint32(FXSAVE_SIZE, COMPONENTS, true)
  view.setUint32(XSAVE.size, MAGIC2, true)
  return image
}

/**
 * The FXSAVE image that a frame asks to be restored, or null when it cannot be. Where the marks of an XSAVE area are missing the image counts
 * as it is (check_xstate_in_sigframe); otherwise components that the area does not hold become as at the start.
 */
function readFloatingPoint(space: AddressSpace, at: number): Uint8Array | null {
  const image = space.read(at, FXSAVE_SIZE)?.slice()
  if (image === undefined) return null
  const view = new DataView(image.buffer)
  const software = (offset: number): number => view.getUint32(SOFTWARE + offset, true)
  if (XSAVE === null || software(SW.magic1) !== MAGIC1 || software(SW.size) !== XSAVE.size) return image
  if (software(SW.size) > software(SW.extendedSize)) return image
  const rest = space.read(at + FXSAVE_SIZE, FPSTATE_SIZE - FXSAVE_SIZE)?.slice()
  if (rest === undefined) return null
  const header = new DataView(rest.buffer)
  if (header.getUint32(XSAVE.size - FXSAVE_SIZE, true) !== MAGIC2) return image
  const held = header.getBigUint64(0, true)
  if (held & ~BigInt(COMPONENTS) || header.getBigUint64(8, true) !== 0n || header.getBigUint64(16, true) !== 0n)
    return null
  const asked = software(SW.features)
  if ((asked & COMPONENT.sse) === 0) view.setUint32(24, 0x1f80, true)
  const kept = Number(held) & asked
  if ((kept & COMPONENT.x87) === 0) {
    image.fill(0, 0, 24)
    image.fill(0, 32, 160)
    view.setUint16(0, 0x37f, true)
  }
  if ((kept & COMPONENT.sse) === 0) image.fill(0, 160, FXSAVE_END)
  return image
}

/** Writes the 512 bytes of the FXSAVE image of a CPU state; the x87 pointers are there while an exception is pending. */
export function fxsave(cpu: CpuState, image: Uint8Array): void {
  const view = new DataView(image.buffer)
  const from = cpu.view
  const status = from.getUint32(STATE.x87Status, true)
  const tags = from.getUint32(STATE.x87Tag, true)
  view.setUint16(0, from.getUint32(STATE.x87Control, true), true)
  view.setUint16(2, status, true)
  let abridged = 0
  for (let i = 0; i < 8; i++) if (((tags >>> (2 * i)) & 3) !== 3) abridged |= 1 << i
  view.setUint8(4, abridged)
  if ((status & PENDING) !== 0) {
    view.setUint16(6, from.getUint32(STATE.x87Opcode, true), true)
    view.setBigUint64(8, from.getBigUint64(STATE.x87Ip, true), true)
    view.setBigUint64(16, from.getBigUint64(STATE.x87Dp, true), true)
  }
  view.setUint32(24, from.getUint32(STATE.mxcsr, true), true)
  view.setUint32(28, MXCSR_MASK, true)
  const top = (status >>> 11) & 7
  for (let i = 0; i < 8; i++) {
    const at = STATE.x87 + 16 * ((top + i) & 7)
    image.set(cpu.bytes.subarray(at, at + 10), 32 + 16 * i)
  }
  image.set(cpu.bytes.subarray(STATE.xmm, STATE.xmm + 256), 160)
}

/** Loads an FXSAVE image; false when it sets bits of MXCSR that do not exist. */
function fxrstor(cpu: CpuState, image: Uint8Array): boolean {
  const view = new DataView(image.buffer, image.byteOffset, FXSAVE_SIZE)
  const mxcsr = view.getUint32(24, true)
  if (mxcsr & ~MXCSR_MASK) return false
  const to = cpu.view
  const status = view.getUint16(2, true)
  const top = (status >>> 11) & 7
  to.setUint32(STATE.x87Control, view.getUint16(0, true), true)
  to.setUint32(STATE.x87Status, status, true)
  to.setUint32(STATE.x87Opcode, view.getUint16(6, true), true)
  to.setBigUint64(STATE.x87Ip, view.getBigUint64(8, true), true)
  to.setBigUint64(STATE.x87Dp, view.getBigUint64(16, true), true)
  to.setUint32(STATE.mxcsr, mxcsr, true)
  const abridged = image[4]!
  let tags = 0
  for (let register = 0; register < 8; register++) {
    const at = 32 + 16 * ((register - top) & 7)
    cpu.bytes.set(image.subarray(at, at + 10), STATE.x87 + 16 * register)
    const tag = abridged & (1 << register) ? tagOf(view, at) : 3
    tags |= tag << (2 * register)
  }
  to.setUint32(STATE.x87Tag, tags, true)
  cpu.bytes.set(image.subarray(160, 416), STATE.xmm)
  return true
}

/** The two-bit tag that FXRSTOR computes from a register's value: valid 0, zero 1, special 2 (Intel SDM vol. 2, FXSAVE, table 3-54). */
function tagOf(view: DataView, at: number): number {
  const mantissa = view.getBigUint64(at, true)
  const exponent = view.getUint16(at + 8, true) & 0x7fff
  if (exponent === 0x7fff) return 2
  if (exponent === 0) return mantissa === 0n ? 1 : 2
  return mantissa >> 63n === 1n ? 0 : 2
}

function clearFloatingPoint(cpu: CpuState): void {
  cpu.bytes.fill(0, STATE.xmm, STATE.x87Dp + 8)
  cpu.view.setUint32(STATE.mxcsr, 0x1f80, true)
  cpu.view.setUint32(STATE.x87Control, 0x37f, true)
  cpu.view.setUint32(STATE.x87Tag, 0xffff, true)
}
