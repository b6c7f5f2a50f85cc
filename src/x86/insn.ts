/** Exists to describe one decoded instruction: what decoder, disassembler and lifters pass to each other. */
import type { Form } from './table/index.ts'

/** Legacy prefixes seen, as bits of Insn.prefixes. */
export const PREFIX = { lock: 1, repne: 2, rep: 4, operandSize: 8, addressSize: 16 } as const

/** Base register number that stands for RIP. */
export const BASE_RIP = 16

/** A decoded instruction. Register numbers include the REX bits. Fields that do not apply hold the values of a new object. */
export class Insn {
  /** Guest address, and length in bytes. */
  pc = 0
  length = 0
  form: Form = null!
  prefixes = 0
  /** The REX byte, or 0. */
  rex = 0
  /** The segment whose base counts: 0 none, 4 FS, 5 GS (their encodings). */
  segment = 0
  opcode = 0
  /** The ModRM byte, or -1. */
  modrm = -1
  /** ModRM.reg with REX.R. */
  reg = 0
  /** ModRM.rm (or the opcode's register) with REX.B. */
  rm = 0
  /** Does ModRM name memory? */
  memory = false
  /** Base register (BASE_RIP for RIP-relative), index register, or -1; scale as a shift count. */
  base = -1
  index = -1
  scale = 0
  /** Displacement, or the low word of an absolute 64-bit address whose high word is `dispHigh`. */
  disp = 0
  dispHigh = 0
  /** Immediate as a signed 64-bit value in two words: sign- or zero-extended as the row says; relative distance of branches. */
  immLo = 0
  immHi = 0
  /** The second immediate of ENTER. */
  imm2 = 0
  opsize: 16 | 32 | 64 = 32
  addrsize: 32 | 64 = 64
}
