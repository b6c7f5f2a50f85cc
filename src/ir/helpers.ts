/** Exists to number the helpers that translated code may call: instructions too rare or too wide to be worth wasm of their own. */

/**
 * Helper numbers. A helper takes two i32 operands, returns an i32, and reads and writes only the CPU state outside the registers:
 * operands and results of other widths pass through the 64 bytes at STATE.scratch.
 */
export const HELPER = {
  /** DIV r/m64: scratch[0..16) dividend, scratch[16..24) divisor; returns 1 on #DE, else quotient to scratch[0..8), remainder to scratch[8..16). */
  div128: 1,
  /** IDIV r/m64, as div128 but signed. */
  idiv128: 2,
  /** CPUID: operands are leaf and subleaf; eax, ebx, ecx, edx to scratch[0..16). */
  cpuid: 3,
  /** RDTSC: time-stamp counter to scratch[0..8). */
  rdtsc: 4,
  /** x87 operations start here; numbered by the x87 semantics. */
  x87: 16,
} as const
