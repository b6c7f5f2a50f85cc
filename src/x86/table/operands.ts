/** Exists to turn the manual's operand letters into numbers once per row, so that decoding and lifting never look at strings. */
import { LemmingError } from '../../base/errors.ts'

/** What an operand is. Kinds up to KIND.mmxRegister may need a ModRM byte (see MODRM_KINDS). */
export const KIND = {
  /** E: general register or memory. */
  rm: 0,
  /** G: general register by ModRM.reg. */
  reg: 1,
  /** R: general register by ModRM.rm. */
  rmRegister: 2,
  /** M: memory. */
  memory: 3,
  /** V: XMM by ModRM.reg. */
  xmm: 4,
  /** W: XMM or memory. */
  xmmRm: 5,
  /** U: XMM by ModRM.rm. */
  xmmRegister: 6,
  /** P: MMX by ModRM.reg. */
  mmx: 7,
  /** Q: MMX or memory. */
  mmxRm: 8,
  /** N: MMX by ModRM.rm. */
  mmxRegister: 9,
  /** S, C, D: segment, control, debug register by ModRM.reg. */
  segment: 10,
  control: 11,
  debug: 12,
  /** Z: general register by the opcode's low bits. */
  opcode: 13,
  immediate: 14,
  /** J: relative branch target. */
  relative: 15,
  /** O: memory at an absolute address in the instruction. */
  offset: 16,
  /** X: memory at rSI; Y: memory at rDI. */
  source: 17,
  destination: 18,
  /** A general register given by the row. */
  fixed: 19,
  /** FS or GS, given by the row. */
  fixedSegment: 23,
  /** The constant 1. */
  one: 20,
  /** x87 stack top, and stack register by ModRM.rm. */
  st0: 21,
  sti: 22,
} as const

/** How the width of an operand is found: a number of bits, or one of these by operand size. */
export const WIDTH = { v: -1, z: -2, y: -3 } as const

/** How an immediate field is read. */
export const IMM = { none: 0, ib: 1, sib: 2, iw: 3, iz: 4, iv: 5, iwib: 6, moffs: 7, jb: 8, jz: 9, ibib: 10 } as const

/** One operand of a row. `width` and `memWidth` are bits or a WIDTH; `register` is the number of a fixed register. */
export interface Operand {
  readonly kind: number
  readonly width: number
  readonly memWidth: number
  readonly register: number
  readonly signed: boolean
}

const WIDTHS: Record<string, number> = {
  '': 0, b: 8, w: 16, d: 32, q: 64, v: WIDTH.v, z: WIDTH.z, y: WIDTH.y, dq: 128, x: 128, ps: 128, pd: 128, ss: 32, sd: 64, t: 80, pi: 64, p: 0,
}
const LETTERS: Record<string, number> = {
  E: KIND.rm, G: KIND.reg, R: KIND.rmRegister, M: KIND.memory, V: KIND.xmm, W: KIND.xmmRm, U: KIND.xmmRegister, P: KIND.mmx, Q: KIND.mmxRm, N: KIND.mmxRegister,
  S: KIND.segment, C: KIND.control, D: KIND.debug, Z: KIND.opcode, I: KIND.immediate, J: KIND.relative, O: KIND.offset, X: KIND.source, Y: KIND.destination,
}
const FIXED: Record<string, [kind: number, register: number, width: number]> = {
  AL: [KIND.fixed, 0, 8], CL: [KIND.fixed, 1, 8], AX: [KIND.fixed, 0, 16], DX: [KIND.fixed, 2, 16], eAX: [KIND.fixed, 0, 32],
  rAX: [KIND.fixed, 0, WIDTH.v], rCX: [KIND.fixed, 1, WIDTH.v], FS: [KIND.fixedSegment, 4, WIDTH.v], GS: [KIND.fixedSegment, 5, WIDTH.v], 1: [KIND.one, 0, 8], ST0: [KIND.st0, 0, 80], STi: [KIND.sti, 0, 80],
}
/** Register-or-memory kind that `R…/M…` stands for. */
const EITHER: Record<number, number> = { [KIND.rmRegister]: KIND.rm, [KIND.xmmRegister]: KIND.xmmRm, [KIND.mmxRegister]: KIND.mmxRm }

function parseOne(text: string): Operand {
  const slash = text.indexOf('/')
  if (slash >= 0) {
    const register = parseOne(text.slice(0, slash))
    const memory = parseOne(text.slice(slash + 1))
    return { ...register, kind: EITHER[register.kind]!, memWidth: memory.width }
  }
  const fixed = FIXED[text]
  if (fixed !== undefined) return { kind: fixed[0], register: fixed[1], width: fixed[2], memWidth: fixed[2], signed: false }
  const signed = text.startsWith('s')
  const letters = signed ? text.slice(1) : text
  const kind = LETTERS[letters[0]!]
  const width = WIDTHS[letters.slice(1)]
  if (kind === undefined || width === undefined) throw new LemmingError('internal', `instruction table: unknown operand ${text}`)
  // Whole immediates (z, v) stand for the operand itself; only a byte or word can be narrower than it.
  return { kind, width, memWidth: width, register: 0, signed: signed || width === WIDTH.z || width === WIDTH.v }
}

const cache = new Map<string, readonly Operand[]>()

/** The operands of an `operands` string; parsed once per distinct string. */
export function parseOperands(text: string): readonly Operand[] {
  let operands = cache.get(text)
  if (operands === undefined) {
    operands = text === '' ? [] : text.split(',').map(parseOne)
    cache.set(text, operands)
  }
  return operands
}

/** Kinds below this one are encoded in ModRM. */
export const needsModrm = (kind: number): boolean => kind <= KIND.debug || kind === KIND.sti
/** Kinds that only a memory operand satisfies. */
export const wantsMemory = (kind: number): boolean => kind === KIND.memory
/** Kinds that only a register in ModRM.rm satisfies. */
export const wantsRegister = (kind: number): boolean => kind === KIND.rmRegister || kind === KIND.xmmRegister || kind === KIND.mmxRegister || kind === KIND.sti

/** The immediate field (IMM) that these operands ask for. */
export function immediateField(operands: readonly Operand[]): number {
  let field: number = IMM.none
  for (const o of operands) {
    let next: number = IMM.none
    if (o.kind === KIND.offset) next = IMM.moffs
    else if (o.kind === KIND.relative) next = o.width === 8 ? IMM.jb : IMM.jz
    else if (o.kind === KIND.immediate) next = o.width === 8 ? (o.signed ? IMM.sib : IMM.ib) : o.width === 16 ? IMM.iw : o.width === WIDTH.v ? IMM.iv : IMM.iz
    if (next === IMM.none) continue
    field = field === IMM.none ? next : field === IMM.iw ? IMM.iwib : IMM.ibib
  }
  return field
}
