/** Exists to define the lazy flags: which record an instruction leaves behind, and what each flag is as a function of it (Intel SDM vol. 1, 3.4.3.1). */

/**
 * Kinds of flag records. A record is (kind·4 + size code, A, B) in three registers; size codes 0-3 are 8, 16, 32, 64 bits.
 * Operands are zero-extended to 64 bits from the operand size.
 */
export const FLAG_KIND = {
  /** A is the arithmetic flags themselves, in EFLAGS positions. */
  explicit: 0,
  /** Flags of A + B. */
  add: 1,
  /** Flags of A - B. */
  sub: 2,
  /** ZF, SF, PF of result A; CF, AF, OF taken from B, which holds them in EFLAGS positions (B = 0 after AND, OR, XOR, TEST). */
  result: 3,
  /** INC with result A; B bit 0 is the preserved CF. */
  inc: 4,
  /** DEC with result A; B bit 0 is the preserved CF. */
  dec: 5,
} as const

/** EFLAGS positions of the arithmetic flags. */
export const FLAG = { cf: 1, pf: 4, af: 16, zf: 64, sf: 128, of: 2048 } as const

/** All arithmetic flags. */
export const ARITHMETIC_FLAGS = FLAG.cf | FLAG.pf | FLAG.af | FLAG.zf | FLAG.sf | FLAG.of

/** Condition codes as encoded in Jcc, SETcc, CMOVcc (Intel SDM vol. 2, B.1.4.7). An odd code is the negation of the even one below it. */
export const CC = {
  o: 0,
  no: 1,
  b: 2,
  ae: 3,
  e: 4,
  ne: 5,
  be: 6,
  a: 7,
  s: 8,
  ns: 9,
  p: 10,
  np: 11,
  l: 12,
  ge: 13,
  le: 14,
  g: 15,
} as const

/** Besides the condition codes, where what is meant are all arithmetic flags. */
export const ALL_FLAGS = 16

/** Operand sizes in bits. */
export type Size = 8 | 16 | 32 | 64

/** The size code of a flag record. */
export function sizeCode(size: Size): number {
  return size === 8 ? 0 : size === 16 ? 1 : size === 32 ? 2 : 3
}
