/** Exists because unwinding speaks of registers by their DWARF numbers, which are not the order of the instruction encoding. */

/**
 * The registers of one frame: 17 values of 64 bits (rax to r15 in DWARF order, then the return address, which is rip) as pairs of 32-bit
 * words, low word first. An exact value needs 64 bits, and a machine has many frames: hence words and no BigInt.
 */
export type RegisterFile = Uint32Array

/** DWARF register numbers (System V psABI x86-64, figure 3.36). */
export const DWARF_REGISTER = {
  rax: 0,
  rdx: 1,
  rcx: 2,
  rbx: 3,
  rsi: 4,
  rdi: 5,
  rbp: 6,
  rsp: 7,
  r8: 8,
  r9: 9,
  r10: 10,
  r11: 11,
  r12: 12,
  r13: 13,
  r14: 14,
  r15: 15,
  rip: 16,
} as const

export type RegisterName = keyof typeof DWARF_REGISTER

/** Number of registers in a {@link RegisterFile}. */
export const REGISTER_COUNT = 17

/** A register file with the given values (below 2^53); the others are 0. */
export function registerFile(values: Partial<Record<RegisterName, number>>): RegisterFile {
  const registers = new Uint32Array(REGISTER_COUNT * 2)
  for (const [name, value] of Object.entries(values))
    setRegister(registers, DWARF_REGISTER[name as RegisterName], value)
  return registers
}

/** Register `number` as a number: exact below 2^53, which covers every address. */
export function register(registers: RegisterFile, number: number): number {
  return registers[number * 2 + 1] * 0x100000000 + registers[number * 2]
}

/** Sets register `number` to `value` (0 to 2^53). */
export function setRegister(registers: RegisterFile, number: number, value: number): void {
  registers[number * 2] = value
  registers[number * 2 + 1] = Math.floor(value / 0x100000000)
}
