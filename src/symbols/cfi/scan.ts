/** Exists for C libraries built without unwind tables and frame pointers (musl): looks for the return address on the stack. */

import { load } from './apply.ts'
import type { ReadMemory } from './expression.ts'
import type { RegisterFile } from './registers.ts'
import { DWARF_REGISTER, register, setRegister } from './registers.ts'

const { rsp, rip } = DWARF_REGISTER

/** Words of the stack that are looked at: the frame of a function without tables is hardly larger. */
const SCAN_WORDS = 2048

/**
 * The registers of the caller of the function at rip, guessed: the nearest word above rsp that is the address behind a call of that very
 * function (directly, through a linkage stub, or through a pointer), else behind any direct call, as a function may have been entered by
 * a jump. Saved registers are unknown, and keep the callee's values. `functionStart` gives the start of the function at an address.
 */
export function scanForCaller(
  registers: RegisterFile,
  isCode: (address: number) => boolean,
  functionStart: (address: number) => number | undefined,
  readMemory: ReadMemory,
): RegisterFile | undefined {
  const pc = register(registers, rip)
  const callee = functionStart(pc)
  const sp = register(registers, rsp)
  let second: RegisterFile | undefined
  for (let i = 0; i < SCAN_WORDS; i++) {
    const slot = sp + i * 8
    if (readMemory(slot, 8) === undefined) break
    const caller = registers.slice()
    load(caller, rip, slot, readMemory)
    const returnAddress = register(caller, rip)
    if (!isCode(returnAddress - 1)) continue
    const target = callTarget(returnAddress, readMemory)
    if (target === undefined) continue
    setRegister(caller, rsp, slot + 8)
    if (target === 'indirect' || callee === undefined || target === callee) return caller
    second ??= caller
  }
  return second
}

/** Where the call that ends at `returnAddress` goes to; undefined if there is no call. */
function callTarget(returnAddress: number, readMemory: ReadMemory): number | 'indirect' | undefined {
  const code = readMemory(returnAddress - 7, 7)
  if (code === undefined) return undefined
  if (code[2] === 0xe8) return throughStub(returnAddress + int32(code, 3), readMemory)
  for (const length of [2, 3, 4, 6, 7]) {
    const at = 7 - length
    if (code[at] === 0xff && ((code[at + 1] >> 3) & 7) === 2 && indirectLength(code[at + 1], code[at + 2]) === length)
      return 'indirect'
  }
  return undefined
}

/** Length of `ff /2` with this ModRM byte, and SIB byte if it has one. */
function indirectLength(modrm: number, sib: number): number {
  const mode = modrm >> 6
  const hasSib = mode !== 3 && (modrm & 7) === 4
  if (mode === 3) return 2
  const displacement = mode === 1 ? 1 : mode === 2 || (hasSib ? sib & 7 : modrm & 7) === 5 ? 4 : 0
  return 2 + (hasSib ? 1 : 0) + displacement
}

/** The function that a stub of the procedure linkage table leads to; any other address is itself. */
function throughStub(target: number, readMemory: ReadMemory): number {
  const code = readMemory(target, 12)
  if (code === undefined) return target
  // endbr64, and a bnd prefix, may come before `jmp *slot(%rip)`.
  let at = code[0] === 0xf3 && code[1] === 0x0f && code[2] === 0x1e && code[3] === 0xfa ? 4 : 0
  if (code[at] === 0xf2) at++
  if (code[at] !== 0xff || code[at + 1] !== 0x25 || at + 6 > code.length) return target
  const slot = readMemory(target + at + 6 + int32(code, at + 2), 8)
  if (slot === undefined) return target
  return (int32(slot, 4) >>> 0) * 0x100000000 + (int32(slot, 0) >>> 0)
}

function int32(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
}
