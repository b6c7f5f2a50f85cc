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
  /** LDMXCSR of a (b: by FXRSTOR); returns 1 when code must go on in the other variant (exact floating point or not). */
  mxcsr: 5,
  /**
   * An SSE operation by MXCSR's rules: a is a FLOAT operation with its FLOAT_TYPE, b its predicate. Operands at scratch[0..16) and scratch[16..32),
   * result to scratch[0..16). Returns 1 when an unmasked exception forbids the result.
   */
  float: 6,
  /** x87 operations start here; see X87. */
  x87: 16,
  /**
   * The V bits of an x87 helper of number N (X87): at x87Bits + N, called before it. a: bits 0-15 its own a, 16 whether what it takes from scratch is undefined; b: its own.
   * Returns whether its result, at scratch or as a value, is undefined: 1 or 0.
   */
  x87Bits: 64,
} as const

/** The bit of an x87 helper's V bits' first operand that says that the scratch bytes, or what decides, are undefined. */
export const X87_UNDEFINED = 16

/**
 * Helpers of the x87, numbered from HELPER.x87 on. Registers are named relative to the top of the stack. Every one performs the whole
 * instruction on the state, stack faults and exceptions included; where memory is written the lift does it afterwards.
 */
export const X87 = {
  /** Pushes the number at scratch, of format a (X87_FORMAT). */
  load: 16,
  /** Pushes a copy of ST(a). */
  loadRegister: 17,
  /** Pushes a constant; a is the opcode byte after D9 (E8 one ... EE zero). */
  loadConstant: 18,
  /**
   * Converts ST(0) to format a at scratch; b bit 0 pops, bit 1 truncates integers (FISTTP). Returns 1, and has changed nothing,
   * when an unmasked exception forbids the store.
   */
  store: 19,
  /** Copies ST(0) to ST(a) and pops if b. */
  storeRegister: 20,
  /** Arithmetic with operation a (X87_OPERATION); b: bits 0-2 register, 8 the source is the number at scratch of format bits 4-6, 0x80 the destination is ST(i), 0x100 pops. */
  arithmetic: 21,
  /** Compares ST(0) with source a (as b of `arithmetic`); b bits 0-1 number of pops, 4 quiet, 8 EFLAGS instead of condition codes. Returns EFLAGS bits, or -1 (nothing changed) when an unmasked exception keeps EFLAGS as they are. */
  compare: 22,
  /** The instructions on the top of the stack; a is the opcode byte after D9 (E0 FCHS ... FF FCOS). */
  top: 23,
  /** Exchanges ST(0) and ST(a). */
  exchange: 24,
  /** Copies ST(a) to ST(0) if b. */
  conditionalMove: 25,
  /** a: 0 increments and 1 decrements the top of the stack, 2 frees ST(b), 3 frees ST(b) and pops. */
  stack: 26,
  /** a: 0 FNINIT, 1 FNCLEX, 2 FLDCW of b. */
  control: 27,
  /** The 28 bytes of FNSTENV: a 0 to scratch (and masks all exceptions), 1 from scratch. */
  environment: 28,
  /** The first 24 bytes of an FXSAVE image: a 0 to scratch, 1 from scratch (b: with 64-bit pointers). */
  header: 29,
  /** The 10 bytes of ST(b): a 0 to scratch, 1 from scratch, leaving the tag alone. */
  register: 30,
} as const

/** Formats of numbers in memory. */
export const X87_FORMAT = { f32: 0, f64: 1, f80: 2, i16: 3, i32: 4, i64: 5, bcd: 6 } as const

/** Operations of X87.arithmetic, by the register field of their opcodes (SDM vol. 2, table A-8); operand order is destination, source. */
export const X87_OPERATION = {
  add: 0,
  multiply: 1,
  subtract: 4,
  subtractReversed: 5,
  divide: 6,
  divideReversed: 7,
} as const

/** Operations of HELPER.float; the helper's first operand is operation << 8 | type of the operands << 4 | type of the result. */
export const FLOAT = {
  add: 0,
  sub: 1,
  mul: 2,
  div: 3,
  sqrt: 4,
  min: 5,
  max: 6,
  /** All ones or zeros in each lane by predicate b (0-7, as CMPPD). */
  compare: 7,
  /** ZF, PF and CF in EFLAGS positions; b: 1 when quiet NaNs are invalid, too. */
  order: 8,
  /** Between any two types; b: 1 truncates. Results are as many lanes as both types have, the rest zero. */
  convert: 9,
  /** Even lanes subtract, odd ones add. */
  addSubtract: 10,
  /** To an integer: b bits 0-1 the rounding (as MXCSR's) unless bit 2 asks for MXCSR's own; bit 3: inexactness is no exception. */
  round: 11,
} as const

/** Lane types of HELPER.float. */
export const FLOAT_TYPE = { f32: 0, f64: 1, f32x4: 2, f64x2: 3, i32: 4, i64: 5, i32x4: 6 } as const
