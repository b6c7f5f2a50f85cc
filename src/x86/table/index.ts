/** Exists to gather the rows of all instructions and to index them by opcode for the decoder. */
import { LemmingError } from '../../base/errors.ts'
import type { Feature, InsnRow } from './types.ts'
import { immediateField, needsModrm, type Operand, parseOperands, wantsMemory, wantsRegister } from './operands.ts'
import { integer } from './integer.ts'
import { mmxRows } from './mmx.ts'
import { sse } from './sse.ts'
import { sse3 } from './sse3.ts'
import { sse4 } from './sse4.ts'
import { sse2Float } from './sse2-float.ts'
import { sse2Integer } from './sse2-integer.ts'
import { x87Rows } from './x87.ts'

/** All rows, in no particular order. */
export const allRows: readonly InsnRow[] = [...integer, ...sse, ...sse2Float, ...sse2Integer, ...sse3, ...sse4, ...x87Rows, ...mmxRows]

/** Mandatory prefixes, as the decoder numbers the one that is present. */
export const MANDATORY = { none: 0, p66: 1, f3: 2, f2: 3 } as const

/** A row with its encoding and operands parsed. */
export interface Form {
  readonly row: InsnRow
  readonly operands: readonly Operand[]
  /** IMM: which immediate field follows. */
  readonly immediate: number
  /** MANDATORY, or -1 when the row asks for none. */
  readonly mandatory: number
  /** 0 by prefixes, 1 always 64, 2 64 unless an operand-size prefix is present, 3 by REX.W only (66 is part of the opcode). */
  readonly sizing: number
  /** An F2 or F3 prefix repeats it. */
  readonly repeat: boolean
}

/** The encoding of a row as the parts of its `op`. */
interface Encoding {
  mandatory: number
  /** Effective operand sizes (bit 0 16, bit 1 32, bit 2 64) for which the row holds. */
  sizes: number
  map: number
  opcode: number
  /** Number of opcodes or ModRM bytes that `+r` or `+i` spans. */
  opcodes: number
  digit: number
  modrm: number
  modrms: number
}

/** Mandatory prefix of rows that F2 and F3 exclude, but not 66. */
const NO_REPEAT = 4

const PREFIX_TOKENS: Record<string, number> = { '66': MANDATORY.p66, F3: MANDATORY.f3, F2: MANDATORY.f2, NP: MANDATORY.none, NFx: NO_REPEAT }
const SIZE_TOKENS: Record<string, number> = { 'REX.W': 4, W0: 3, o16: 1, o32: 2, o64: 4 }

/** Parses the `op` of a row; see InsnRow. */
export function parseEncoding(op: string): Encoding {
  const e: Encoding = { mandatory: -1, sizes: 7, map: 0, opcode: -1, opcodes: 1, digit: -1, modrm: -1, modrms: 1 }
  const tokens = op.split(' ')
  let i = 0
  if (tokens.length > 1 && tokens[0]! in PREFIX_TOKENS) e.mandatory = PREFIX_TOKENS[tokens[i++]!]!
  if (tokens[i]! in SIZE_TOKENS) e.sizes = SIZE_TOKENS[tokens[i++]!]!
  if (tokens[i] === '0F' && i + 1 < tokens.length) {
    e.map = 1
    i++
    if (tokens[i] === '38' || tokens[i] === '3A') {
      if (i + 1 < tokens.length) e.map = tokens[i++] === '38' ? 2 : 3
    }
  }
  for (; i < tokens.length; i++) {
    const token = tokens[i]!
    const value = parseInt(token, 16)
    if (token[0] === '/') e.digit = parseInt(token.slice(1), 10)
    else if (Number.isNaN(value)) throw new LemmingError('internal', `instruction table: unknown token ${token} in ${op}`)
    else if (e.opcode < 0) {
      e.opcode = value
      e.opcodes = token.endsWith('+r') ? 8 : 1
    } else {
      e.modrm = value
      e.modrms = token.endsWith('+i') ? 8 : 1
    }
  }
  return e
}

/** Rows that share an opcode byte of a map. The lookup tables are made when the opcode is first met. */
export class Slot {
  readonly rows: InsnRow[] = []
  readonly encodings: Encoding[] = []
  /** The only form, when nothing but the opcode selects. */
  single: Form | null = null
  modrm = false
  /** By (mandatory·3 + size code)·16 + memory·8 + reg: index into `forms`, -1 none, or -2 - n for the n-th list by ModRM.rm. */
  private table: Int16Array | null = null
  private readonly forms: Form[] = []
  private readonly byRm: Int16Array[] = []

  /** Parses the rows; must be called before `select`. */
  resolve(): void {
    const encodings = this.encodings
    const order = this.rows.map((_, i) => i).sort((x, y) => specificity(encodings[x]!) - specificity(encodings[y]!))
    for (const i of order) this.forms.push(makeForm(this.rows[i]!, encodings[i]!))
    this.modrm = this.forms.some((f) => f.operands.some((o) => needsModrm(o.kind))) || encodings.some((e) => e.digit >= 0 || e.modrm >= 0)
    const only = encodings[0]!
    if (order.length === 1 && specificity(only) === 0 && !this.forms[0]!.operands.some((o) => wantsMemory(o.kind) || wantsRegister(o.kind))) {
      this.single = this.forms[0]!
      return
    }
    this.table = new Int16Array(4 * 3 * 16).fill(-1)
    order.forEach((row, form) => this.fill(form, encodings[row]!))
  }

  private fill(index: number, e: Encoding): void {
    const form = this.forms[index]!
    const memory = form.operands.some((o) => wantsMemory(o.kind)) || undefined
    const register = form.operands.some((o) => wantsRegister(o.kind)) || e.modrm >= 0
    for (let mandatory = 0; mandatory < 4; mandatory++) {
      if (e.mandatory === NO_REPEAT ? mandatory >= MANDATORY.f3 : e.mandatory >= 0 && e.mandatory !== mandatory) continue
      for (let size = 0; size < 3; size++) {
        if ((e.sizes & (1 << size)) === 0) continue
        for (let low = 0; low < 16; low++) {
          if (low >= 8 ? register : memory === true) continue
          if (e.digit >= 0 && (low & 7) !== e.digit) continue
          if (e.modrm >= 0 && (low & 7) !== ((e.modrm >> 3) & 7)) continue
          const key = (mandatory * 3 + size) * 16 + low
          if (e.modrm >= 0) this.fillRm(key, index, e)
          else this.table![key] = index
        }
      }
    }
  }

  private fillRm(key: number, index: number, e: Encoding): void {
    let list = this.table![key]!
    if (list > -2) {
      this.byRm.push(new Int16Array(8).fill(list))
      list = -1 - this.byRm.length
      this.table![key] = list
    }
    const rm = e.modrm & 7
    this.byRm[-2 - list]!.fill(index, rm, rm + e.modrms)
  }

  /** The form for the prefix present (MANDATORY), the size code (0 16, 1 32, 2 64) and the ModRM byte; null when no row fits. */
  select(mandatory: number, size: number, modrm: number): Form | null {
    const memory = this.modrm && modrm < 0xc0 ? 8 : 0
    let index = this.table![(mandatory * 3 + size) * 16 + memory + ((modrm >> 3) & 7)]!
    if (index < -1) index = this.byRm[-2 - index]![modrm & 7]!
    return index < 0 ? null : this.forms[index]!
  }
}

/** How many things besides the opcode select the row: rows with more of them win. */
function specificity(e: Encoding): number {
  return (e.mandatory >= 0 ? 4 : 0) + (e.sizes !== 7 ? 2 : 0) + (e.digit >= 0 ? 1 : 0) + (e.modrm >= 0 ? (e.modrms === 1 ? 16 : 8) : 0)
}

/** A row parsed. */
function makeForm(row: InsnRow, e: Encoding): Form {
  const operands = parseOperands(row.operands)
  const sizing = row.f64 === true ? 1 : row.d64 === true ? 2 : e.mandatory === MANDATORY.p66 ? 3 : 0
  return { row, operands, immediate: immediateField(operands), mandatory: e.mandatory, sizing, repeat: row.repeat !== undefined }
}

/** The opcode tables of one kind of processor. */
interface Tables {
  /** By map·256 + opcode. */
  slots: (Slot | null)[]
  /** 1 where a row was left out because its feature is missing. */
  withheld: Uint8Array
}

/** The tables of a processor with these features. */
export function buildSlots(features: ReadonlySet<Feature>): Tables {
  const slots: (Slot | null)[] = new Array(1024).fill(null)
  const withheld = new Uint8Array(1024)
  for (const row of allRows) {
    const e = parseEncoding(row.op)
    const first = e.map * 256 + e.opcode
    if (row.feature !== undefined && !features.has(row.feature)) {
      withheld.fill(1, first, first + e.opcodes)
      continue
    }
    for (let i = 0; i < e.opcodes; i++) {
      const slot = (slots[first + i] ??= new Slot())
      slot.rows.push(row)
      slot.encodings.push(e)
    }
  }
  return { slots, withheld }
}
