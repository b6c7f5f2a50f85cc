/** Exists so that one instruction is declared in one place: its encoding, operands, flags and meaning drive decoder, disassembler, lifter and generated tests. */
import type { LiftContext } from '../lift.ts'

/** Writes the IR of one decoded instruction. */
export type Lifter = (l: LiftContext) => void

/** A group of instructions that CPUID announces together. Rows without a feature belong to every x86-64 processor. */
export type Feature =
  | 'x87' | 'mmx' | 'sse' | 'sse2' | 'fxsr'
  | 'sse3' | 'ssse3' | 'sse4.1' | 'sse4.2' | 'popcnt' | 'cx16' | 'movbe' | 'lzcnt' | 'bmi1' | 'rdtscp' | 'fsgsbase' | 'xsave'
  | 'aes' | 'pclmulqdq' | 'sha' | 'adx' | 'clflushopt' | 'clwb' | 'rdpid'

/**
 * One instruction form.
 *
 * `op` is the encoding in the manual's terms, tokens separated by blanks, in this order:
 * - mandatory prefix `NP`, `NFx`, `66`, `F3` or `F2`. Without one the row holds for every prefix that no other row of the opcode asks for;
 *   `NP` holds only when none of the three is present (what SSE rows without prefix want), `NFx` when neither F3 nor F2 is.
 * - `REX.W` or `W0` when REX.W selects the row; `o16`, `o32`, `o64` when the effective operand size does.
 * - `0F`, `0F 38` or `0F 3A`, then the opcode byte, `+r` when its low three bits name a register (`50+r`).
 * - `/0`…`/7` when ModRM.reg selects the row; a further byte when the whole ModRM byte does (`0F 01 D0`), `+i` when its low three
 *   bits name a register (`D8 C0+i`).
 * Whether a row wants a register or memory in ModRM.rm follows from its operands (M: memory only; R, U, N: register only).
 *
 * `operands` are the letters of the manual's appendix A, separated by commas:
 * - E G R M (general register or memory by ModRM.rm, by ModRM.reg, register only, memory only), Z (register in the opcode byte), V W U (XMM by
 *   ModRM.reg, XMM or memory, XMM by ModRM.rm only), P Q N (the same for MMX), S C D (segment, control, debug register by ModRM.reg),
 *   O (absolute address), J (relative target), X Y (string source and destination), I (immediate; zero-extended for b and w unless it stands
 *   for the operand size), sI (sign-extended to the operand size).
 * - sizes: b w d q (8, 16, 32, 64), v (16, 32, 64 by operand size), z (16 or 32), y (32 or 64), dq x ps pd (128), ss (32), sd (64), t (80),
 *   none for addresses without access (LEA, x87 environments).
 * - `Rd/Mw` when register and memory differ in size.
 * - fixed operands: AL CL AX DX, rAX rCX (by operand size), eAX, FS GS, `1`, ST0, STi.
 */
export interface InsnRow {
  op: string
  /** The manual's mnemonic; `Jcc`, `SETcc`, `CMOVcc` are rows of their own (JO, SETNE, ...). */
  mnemonic: string
  operands: string
  lift: Lifter
  /** Arithmetic flags (FLAG bits) that the manual calls undefined afterwards: tests ignore them. */
  undefined?: number
  /** Arithmetic flags that are undefined unless the shift or rotate count is one. */
  undefinedUnlessOne?: number
  /** The result is an approximation: the largest relative error that the manual allows. Processors differ within it, and so may tests. */
  approximate?: number
  /** LOCK is allowed when the destination is memory. */
  lock?: true
  feature?: Feature
  /** Operand size is 64 by default, 16 with an operand-size prefix (the manual's d64). */
  d64?: true
  /** Operand size is always 64 (the manual's f64). */
  f64?: true
  /** F2 and F3 make it a repeated string instruction: `rep` counts only, `repz` also tests ZF. */
  repeat?: 'rep' | 'repz'
  /** Not executable in user mode, or not to be compared with the processor for another reason, which the text gives. */
  untested?: string
}
