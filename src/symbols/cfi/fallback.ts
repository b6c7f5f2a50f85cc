/** Exists for code without unwind tables: hand-written assembly, C libraries built without them, jumps to nowhere. */

import { load } from './apply.ts'
import type { ReadMemory } from './expression.ts'
import type { RegisterFile } from './registers.ts'
import { DWARF_REGISTER, register, setRegister } from './registers.ts'
import { scanForCaller } from './scan.ts'

const { rbp, rsp, rip } = DWARF_REGISTER

/** Bits of rbx, rbp, r12 to r15, which a function may have saved anywhere. */
const SAVED_REGISTERS = (1 << 3) | (1 << 6) | (15 << 12)

/** How the caller of a frame without unwind tables was found. */
export type Fallback = 'signal' | 'call' | 'frame-pointer' | 'scan'

export interface FallbackCaller {
  readonly registers: RegisterFile
  /** Bit per DWARF register: its value is lost. */
  readonly unknown: number
  readonly foundBy: Fallback
}

/** What a search without tables asks about code. Addresses are those of the running program. */
export interface CodeMap {
  /** Whether the address is in a loaded object. */
  isCode(address: number): boolean
  /** The start of the function at an address, as far as symbols tell. */
  functionStart(address: number): number | undefined
}

/**
 * The caller of a frame for which there are no unwind tables. In this order: the kernel's signal frame if pc is at a signal
 * trampoline; the word at rsp if the function has only just been entered (`exact` frames only); the frame that rbp points to; a return
 * address found on the stack. Undefined if nothing fits.
 */
export function callerWithoutTables(
  registers: RegisterFile,
  exact: boolean,
  map: CodeMap,
  readMemory: ReadMemory,
): FallbackCaller | undefined {
  const pc = register(registers, rip)
  const sp = register(registers, rsp)
  const isCode = (address: number): boolean => map.isCode(address)
  const code = readMemory(pc, 9)
  if (code !== undefined && isSignalTrampoline(code)) return signalCaller(registers, sp, readMemory)
  if (exact) {
    const pushed = pushedWords(pc, code, map, readMemory)
    if (pushed !== undefined) {
      const caller = returnThrough(registers, sp + pushed * 8, isCode, readMemory)
      if (caller !== undefined) return { registers: caller, unknown: 0, foundBy: 'call' }
    }
  }
  const byPointer = callerByFramePointer(registers, sp, isCode, readMemory)
  if (byPointer !== undefined)
    return { registers: byPointer, unknown: SAVED_REGISTERS & ~(1 << rbp), foundBy: 'frame-pointer' }
  if (!isCode(pc)) return undefined
  const scanned = scanForCaller(registers, isCode, (address) => map.functionStart(address), readMemory)
  return scanned && { registers: scanned, unknown: SAVED_REGISTERS, foundBy: 'scan' }
}

function callerByFramePointer(
  registers: RegisterFile,
  sp: number,
  isCode: (address: number) => boolean,
  readMemory: ReadMemory,
): RegisterFile | undefined {
  const frame = register(registers, rbp)
  if (frame < sp || frame - sp > MAX_FRAME || readMemory(frame, 16) === undefined) return undefined
  const caller = returnThrough(registers, frame + 8, isCode, readMemory)
  if (caller === undefined) return undefined
  load(caller, rbp, frame, readMemory)
  return caller
}

/** No frame is larger than a stack is by default: rbp farther away is no frame pointer. */
const MAX_FRAME = 8 << 20

/** `mov $15, %rax; syscall`: what `sa_restorer` points to in every C library. */
function isSignalTrampoline(code: Uint8Array): boolean {
  const expected = [0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05]
  return expected.every((byte, i) => code[i] === byte)
}

/** Words between rsp and the return address when a function has just been entered: none, or the saved rbp; undefined further on. */
function pushedWords(
  pc: number,
  code: Uint8Array | undefined,
  map: CodeMap,
  readMemory: ReadMemory,
): number | undefined {
  // A call to an address where there is no code faults before anything is pushed but the return address.
  if (code === undefined || !map.isCode(pc) || map.functionStart(pc) === pc) return 0
  if (code[0] === 0x55) return 0 // push %rbp
  const isMovRspRbp =
    code[0] === 0x48 && ((code[1] === 0x89 && code[2] === 0xe5) || (code[1] === 0x8b && code[2] === 0xec))
  return isMovRspRbp && readMemory(pc - 1, 1)?.[0] === 0x55 ? 1 : undefined
}

/** The registers after returning through the return address at `slot`; undefined if it leads to no code. */
function returnThrough(
  registers: RegisterFile,
  slot: number,
  isCode: (address: number) => boolean,
  readMemory: ReadMemory,
): RegisterFile | undefined {
  if (readMemory(slot, 8) === undefined) return undefined
  const caller = registers.slice()
  load(caller, rip, slot, readMemory)
  if (!isCode(register(caller, rip) - 1)) return undefined
  setRegister(caller, rsp, slot + 8)
  return caller
}

/**
 * DWARF numbers of the registers in the kernel's `sigcontext`, in its order: r8 to r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip
 * (arch/x86/include/uapi/asm/sigcontext.h). It lies 40 bytes into the `ucontext`, to which rsp points at the trampoline.
 */
const SIGCONTEXT = [8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16]
const SIGCONTEXT_OFFSET = 40

function signalCaller(registers: RegisterFile, sp: number, readMemory: ReadMemory): FallbackCaller | undefined {
  if (readMemory(sp + SIGCONTEXT_OFFSET, SIGCONTEXT.length * 8) === undefined) return undefined
  const caller = registers.slice()
  SIGCONTEXT.forEach((number, i) => load(caller, number, sp + SIGCONTEXT_OFFSET + i * 8, readMemory))
  return { registers: caller, unknown: 0, foundBy: 'signal' }
}
