/** Exists to number the guest state that translated code keeps in wasm locals: one table drives builder types, lowering and the CPU state's layout. */
import type { Type } from './types.ts'

/** A register that regions keep in a local while they run: its number, name, type and byte offset in the CPU state. */
export interface RegisterRow {
  readonly id: number
  readonly name: string
  readonly type: Type
  readonly offset: number
}

const GPR_NAMES = [
  'rax',
  'rcx',
  'rdx',
  'rbx',
  'rsp',
  'rbp',
  'rsi',
  'rdi',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
]

/** Register numbers. General registers are 0-15 and vector registers 32-47 in the order of their x86 encodings. */
export const REG = {
  rax: 0,
  rcx: 1,
  rdx: 2,
  rbx: 3,
  rsp: 4,
  rbp: 5,
  rsi: 6,
  rdi: 7,
  r8: 8,
  r9: 9,
  r10: 10,
  r11: 11,
  r12: 12,
  r13: 13,
  r14: 14,
  r15: 15,
  /** Lazy flags: kind and operand size (see ir/flags.ts), and two operands. */
  flagKind: 16,
  flagA: 17,
  flagB: 18,
  fsBase: 19,
  gsBase: 20,
  /** Direction flag: 0 or 1. */
  direction: 21,
  xmm0: 32,
  /** Definedness (passes/definedness): the V bits, 1 for undefined, of the flag record's operands, of the general registers and of the vector registers. */
  flagAUndefined: 22,
  flagBUndefined: 23,
  gprUndefined: 48,
  xmmUndefined: 64,
} as const

/** Byte offsets of the CPU state that are not registers in locals. All fields little-endian; the whole state is STATE_SIZE bytes of plain data. */
export const STATE = {
  rip: 176,
  /** EFLAGS bits that are neither arithmetic flags nor DF: AC (18), ID (21), NT (14), RF, TF. */
  systemFlags: 184,
  mxcsr: 188,
  exitReason: 192,
  /** Instruction that exits with a fault wants its vector's error code or a detail here. */
  exitDetail: 196,
  faultAddress: 200,
  /** Scratch operands of helpers: 4 × 16 bytes. */
  scratch: 208,
  /** Fuel left when translated code returned to the engine. */
  fuelLeft: 272,
  /** 1 when the exception flags of MXCSR are kept exactly: from the start in programs known to read them, else once the program has written them. */
  watchExceptions: 276,
  xmm: 288,
  /** x87 and MMX: eight physical registers of 16 bytes (mantissa u64, sign+exponent u16), then control, status, tag words as u32 each, last instruction pointer and opcode. */
  x87: 544,
  x87Control: 672,
  x87Status: 676,
  x87Tag: 680,
  x87Opcode: 684,
  x87Ip: 688,
  x87Dp: 696,
  /** Number of the processor that the task is shown to run on: what RDTSCP and RDPID read. */
  processor: 704,
  /** V bits of the registers: general ones, flag record operands, vector registers, and what x87 has at STATE.x87. All zero in machines that do not check definedness. */
  undefined: 768,
  x87Undefined: 1168,
  /** V bits of the x87 status word: behind the ten bytes that the first register has. */
  x87StatusUndefined: 1180,
} as const

/** Bytes of one CPU state. */
export const STATE_SIZE = 1296

function buildRegisters(): (RegisterRow | undefined)[] {
  const rows: (RegisterRow | undefined)[] = []
  const add = (id: number, name: string, type: Type, offset: number): void => {
    rows[id] = { id, name, type, offset }
  }
  GPR_NAMES.forEach((name, i) => add(i, name, 'i64', i * 8))
  add(REG.flagKind, 'flagKind', 'i32', 128)
  add(REG.flagA, 'flagA', 'i64', 136)
  add(REG.flagB, 'flagB', 'i64', 144)
  add(REG.fsBase, 'fsBase', 'i64', 152)
  add(REG.gsBase, 'gsBase', 'i64', 160)
  add(REG.direction, 'direction', 'i32', 168)
  for (let i = 0; i < 16; i++) add(REG.xmm0 + i, `xmm${i}`, 'v128', STATE.xmm + 16 * i)
  const v = STATE.undefined
  GPR_NAMES.forEach((name, i) => add(REG.gprUndefined + i, `${name}.v`, 'i64', v + i * 8))
  add(REG.flagAUndefined, 'flagA.v', 'i64', v + 128)
  add(REG.flagBUndefined, 'flagB.v', 'i64', v + 136)
  for (let i = 0; i < 16; i++) add(REG.xmmUndefined + i, `xmm${i}.v`, 'v128', v + 144 + 16 * i)
  return rows
}

/** Rows by register number; holes are undefined. */
export const registers: readonly (RegisterRow | undefined)[] = buildRegisters()

/** Length of arrays indexed by register number. */
export const REGISTER_SLOTS = 80
