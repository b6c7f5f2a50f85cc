/** Exists to turn what stopped the processor into what Linux does about it: grow a stack, load a page, or raise the signal with its siginfo. */
import { assert, LemmingError } from '../base/errors.ts'
import { PROT } from '../engine/address-space.ts'
import { nameUnsupported } from '../engine/unsupported.ts'
import { EXIT } from '../ir/exits.ts'
import { STATE } from '../ir/registers.ts'
import type { Kernel } from './kernel.ts'
import { CODE, PF, SIG, TRAP } from './signal-names.ts'
import { forceSignal, signalInfo } from './signals.ts'
import type { Task } from './state.ts'

/** Deals with a fault of the running task: afterwards it goes on, or has a signal to take. Throws a LemmingError for what lemming does not implement. */
export function raise(k: Kernel, t: Task, reason: number): void {
  const rip = k.cpu.rip
  k.refused = null
  switch (reason) {
    case EXIT.readFault:
      return pageFault(k, t, k.cpu.faultAddress, PROT.read)
    case EXIT.writeFault:
      return pageFault(k, t, k.cpu.faultAddress, PROT.write)
    case EXIT.fetchFault:
      return pageFault(k, t, rip, PROT.exec)
    case EXIT.divideError:
      return forceSignal(k, t, signalInfo(SIG.fpe, CODE.intDivide, { address: rip, trap: TRAP.divide }))
    case EXIT.invalidOpcode:
      return forceSignal(k, t, signalInfo(SIG.ill, CODE.illegalOperand, { address: rip, trap: TRAP.invalid }))
    case EXIT.breakpoint:
      // A trap: the saved rip is behind the one byte of INT3.
      k.cpu.rip = rip + 1n
      return forceSignal(k, t, signalInfo(SIG.trap, CODE.kernel, { trap: TRAP.breakpoint }))
    case EXIT.debugTrap:
      return forceSignal(k, t, signalInfo(SIG.trap, CODE.breakpoint, { address: rip, trap: TRAP.debug }))
    case EXIT.generalProtection:
      return generalProtection(k, t)
    case EXIT.softwareInterrupt:
      return softwareInterrupt(k, t)
    case EXIT.floatingPoint:
      return floatingPoint(k, t)
    case EXIT.unsupported:
      throw unsupportedInstruction(k, t)
    default:
      assert(false, `the processor stopped for the unknown reason ${reason}`)
  }
}

function pageFault(k: Kernel, t: Task, address: bigint, access: number): void {
  const high = address >> 47n
  // An address that is not the sign extension of 48 bits never reaches paging.
  if (high !== 0n && high !== 0x1ffffn) {
    k.refused = { address, access: access === PROT.read ? 'read' : access === PROT.write ? 'write' : 'execute' }
    return generalProtection(k, t)
  }
  const base = PF.user | (access === PROT.write ? PF.write : access === PROT.exec ? PF.fetch : 0)
  const memory = k.memory(t)
  const at = high === 0n ? Number(address) : Infinity
  if (at !== Infinity) {
    const mapping = memory.at(at)
    if (mapping === undefined) {
      if (access !== PROT.exec && memory.growDown(at, k.process(t).rlimits[RLIMIT_STACK]![0])) return
    } else if (allows(mapping.prot, access)) {
      if (memory.acquire(at, access === PROT.write, k.state.count) || memory.loadGrown(mapping, at)) return
      assert(mapping.file !== null, `a fault at 0x${at.toString(16)}, which is mapped with the right to access it`)
      return forceSignal(k, t, signalInfo(SIG.bus, CODE.busAddress, { address, trap: TRAP.page, errorCode: base }))
    } else {
      // Linux takes a page without any right out of the processor's tables.
      const errorCode = (mapping.prot & (PROT.read | PROT.write | PROT.exec)) === 0 ? base : base | PF.present
      return forceSignal(k, t, signalInfo(SIG.segv, CODE.accessError, { address, trap: TRAP.page, errorCode }))
    }
  }
  // The kernel's half of the address space: its pages look present.
  const errorCode = at === Infinity ? base | PF.present : base
  forceSignal(k, t, signalInfo(SIG.segv, CODE.mapError, { address, trap: TRAP.page, errorCode }))
}

export const RLIMIT_STACK = 3

/** On x86 what can be written or executed can be read. */
function allows(prot: number, access: number): boolean {
  return access === PROT.read ? prot !== 0 : (prot & access) !== 0
}

function generalProtection(k: Kernel, t: Task): void {
  forceSignal(k, t, signalInfo(SIG.segv, CODE.kernel, { trap: TRAP.protection }))
}

function softwareInterrupt(k: Kernel, t: Task): void {
  const at = Number(k.cpu.rip)
  const vector = k.space(t).read(at, 2)?.[1]
  if (vector === 0x80) {
    throw new LemmingError(
      'unsupported-syscall',
      `int 0x80 at 0x${at.toString(16)}: 32-bit system calls are not supported`,
      'build the program for x86-64; its system calls use SYSCALL',
    )
  }
  // Error code of #GP: the vector's place in the interrupt table.
  forceSignal(k, t, signalInfo(SIG.segv, CODE.kernel, { trap: TRAP.protection, errorCode: ((vector ?? 0) << 3) | 2 }))
}

/** #MF or #XM: the unmasked exception with the highest priority (fpu__exception_code). */
function floatingPoint(k: Kernel, t: Task): void {
  const view = k.cpu.view
  const mxcsr = view.getUint32(STATE.mxcsr, true)
  const simd = mxcsr & ~(mxcsr >>> 7) & 0x3f
  const x87 = view.getUint32(STATE.x87Status, true) & ~view.getUint32(STATE.x87Control, true) & 0x3f
  const raised = simd === 0 ? x87 : simd
  const code =
    raised & 1
      ? CODE.floatInvalid
      : raised & 4
        ? CODE.floatDivide
        : raised & 8
          ? CODE.floatOverflow
          : raised & 0x12
            ? CODE.floatUnderflow
            : CODE.floatResult
  const trap = simd === 0 ? TRAP.x87 : TRAP.simd
  forceSignal(k, t, signalInfo(SIG.fpe, code, { address: k.cpu.rip, trap }))
}

function unsupportedInstruction(k: Kernel, t: Task): LemmingError {
  const rip = Number(k.cpu.rip)
  const space = k.space(t)
  const bytes: number[] = []
  for (let i = 0; i < 15; i++) {
    const byte = space.read(rip + i, 1)
    if (byte === null) break
    bytes.push(byte[0]!)
  }
  const text = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
  const known = nameUnsupported(Uint8Array.from(bytes), rip)
  const name = known === null ? '' : ` (${known.form}, ${known.feature})`
  const mapping = k.memory(t).at(rip)
  const where = mapping?.file
    ? ` in ${mapping.file.path} at offset 0x${(rip - mapping.start + mapping.file.offset).toString(16)}`
    : ''
  return new LemmingError(
    'unsupported-instruction',
    `unsupported instruction at 0x${rip.toString(16)}${where}: bytes ${text}${name}`,
    'build the program for level x86-64-v2 or less (-march=x86-64-v2), or report these bytes',
  )
}
