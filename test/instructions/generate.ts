/** Exists to make test cases out of the instruction table: every row in every operand shape that it allows, with many values each. */
import { nextBelow, nextU32, randomFrom, type RandomState } from '../../src/base/random.ts'
import { parseEncoding } from '../../src/x86/table/index.ts'
import {
  IMM,
  immediateField,
  KIND,
  needsModrm,
  type Operand,
  parseOperands,
  WIDTH,
} from '../../src/x86/table/operands.ts'
import type { InsnRow } from '../../src/x86/table/types.ts'
import { assemble, type Choice, hasKind, type MemoryShape, rmForms } from './assemble.ts'
import { CODE_BASE, type Group, INTEGER_STATE, VECTOR_STATE, WINDOW_BASE, WINDOW_SIZE } from './layout.ts'
import { asksComponents, fillState, type Need, segmentBase } from './vectors.ts'

/** A group with what the comparison needs to know. */
export interface Case extends Group {
  row: InsnRow
  choice: Choice
}

/** How much to generate. */
export interface Amount {
  /** Value vectors per operand shape. */
  vectors: number
  /** Different register and address choices per kind of shape. */
  variants: number
  seed: number
  /** Each of these immediates instead of some that are drawn. */
  immediates?: readonly number[]
}

/** Effective operand sizes in which the row means something different. */
function sizesOf(row: InsnRow): (16 | 32 | 64)[] {
  const e = parseEncoding(row.op)
  const widths = parseOperands(row.operands).flatMap((o) => [o.width, o.memWidth])
  if (row.mnemonic.startsWith('PCMPESTR')) return [32, 64]
  const all: (16 | 32 | 64)[] =
    row.f64 === true ? [64] : row.d64 === true ? [64, 16] : e.mandatory === 1 ? [32, 64] : [16, 32, 64]
  const selected = all.filter((size) => (e.sizes & (1 << (size >> 5))) !== 0)
  const depends = e.sizes !== 7 || row.d64 === true || widths.some((w) => w === WIDTH.v || w === WIDTH.z)
  if (depends) return selected
  if (widths.some((w) => w === WIDTH.y)) return [32, 64]
  return [row.f64 === true ? 64 : 32]
}

const IMMEDIATES = [
  0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x12345678,
  0x7fffffff, -0x80000000, -1,
]

function immediateFor(r: RandomState, row: InsnRow, field: number): number {
  switch (field) {
    case IMM.none:
      return 0
    case IMM.jb:
      return [0, 1, 0x20, 0x7f, -0x40][nextBelow(r, 5)]!
    case IMM.jz:
      return [0, 1, 0x20, 0x800, -0x40][nextBelow(r, 5)]!
    case IMM.moffs:
      return WINDOW_BASE + nextBelow(r, WINDOW_SIZE - 4)
    case IMM.iwib:
      // ENTER: a small frame; mostly no nesting.
      return nextBelow(r, 64) | ([0, 0, 1, 2, 5, 31, 33][nextBelow(r, 7)]! << 16)
    case IMM.iw:
      return nextBelow(r, 3) * 8
    default:
      // INT 80h would be a system call.
      if (row.mnemonic === 'INT') return [3, 4, 0x21][nextBelow(r, 3)]!
      return nextBelow(r, 3) === 0 ? nextU32(r) | 0 : IMMEDIATES[nextBelow(r, IMMEDIATES.length)]!
  }
}

function memoryShape(r: RandomState, variant: number): MemoryShape {
  const m: MemoryShape = {
    base: nextBelow(r, 16),
    index: -1,
    scale: 0,
    displacement: 0,
    displacementSize: 0,
    address32: false,
    segment: 0,
  }
  const kind = (variant + nextBelow(r, 2)) % 6
  if (kind === 5) {
    // Absolute, or relative to RIP: the displacement is set when the length is known.
    m.base = nextBelow(r, 3) === 0 ? -1 : 16
    m.displacementSize = 4
    m.displacement = WINDOW_BASE + nextBelow(r, WINDOW_SIZE - 16)
  } else {
    if (kind >= 2) {
      do m.index = nextBelow(r, 16)
      while (m.index === 4 || m.index === m.base)
      m.scale = nextBelow(r, 4)
    }
    m.displacementSize = ([0, 1, 4] as const)[nextBelow(r, 3)]!
    if ((m.base & 7) === 5 && m.displacementSize === 0) m.displacementSize = 1
    m.displacement =
      m.displacementSize === 0 ? 0 : m.displacementSize === 1 ? nextBelow(r, 256) - 128 : (nextU32(r) % 0x2000_0000) | 0
    if (kind === 3 && nextBelow(r, 3) === 0) {
      m.base = -1
      m.displacementSize = 4
    }
  }
  const prefix = nextBelow(r, 5)
  if (prefix === 0) m.address32 = true
  if (prefix === 1) m.segment = nextBelow(r, 2) === 0 ? 0x64 : 0x65
  return m
}

/** Bytes that a memory operand of this width covers. */
function accessBytes(operands: readonly Operand[], opsize: number): number {
  let bits = 8
  for (const o of operands) {
    const memory =
      o.kind === KIND.rm ||
      o.kind === KIND.memory ||
      o.kind === KIND.xmmRm ||
      o.kind === KIND.mmxRm ||
      o.kind === KIND.offset
    if (!memory) continue
    const w = o.memWidth
    bits =
      w > 0
        ? w
        : w === WIDTH.v
          ? opsize
          : w === WIDTH.z
            ? Math.min(opsize, 32)
            : w === WIDTH.y
              ? Math.max(opsize, 32)
              : 8
  }
  return bits === 80 ? 10 : bits / 8
}

/** Does the row touch more than general registers and flags? */
export function isVector(row: InsnRow): boolean {
  const kinds = [KIND.xmm, KIND.xmmRm, KIND.xmmRegister, KIND.mmx, KIND.mmxRm, KIND.mmxRegister, KIND.st0, KIND.sti]
  return (
    hasKind(row, ...kinds) ||
    (row.feature !== undefined && ['x87', 'mmx', 'sse', 'sse2', 'fxsr', 'xsave'].includes(row.feature))
  )
}

/** RIP-relative and absolute displacements depend on the length and on the segment base: puts them right. */
function placeFixed(row: InsnRow, c: Choice): Uint8Array | null {
  const m = c.rm as MemoryShape
  const target = m.displacement
  const length = assemble(row, c)?.length
  if (length === undefined) return null
  m.displacement = (target - (m.base === 16 ? CODE_BASE + length : 0) - segmentBase(m)) | 0
  return assemble(row, c)
}

/** Instructions without ModRM whose counter or address follows the address size. */
const COUNTED = /^(LOOP|JRCXZ|XLATB)/

/**
 * Operand shapes. `high-byte` has the 8-bit registers 4-7 without REX (AH to BH), `rex-byte` the same numbers with it (SPL to DIL); `rep` and
 * `repne` are string instructions with that prefix.
 */
type Shape = 'register' | 'memory' | 'lock' | 'lock-register' | 'plain' | 'high-byte' | 'rex-byte' | 'rep' | 'repne'

const GENERAL = [KIND.rm, KIND.rmRegister, KIND.reg, KIND.opcode] as number[]

/** Can an operand be one of the 8-bit registers? */
function hasByteRegister(row: InsnRow): boolean {
  return parseOperands(row.operands).some((o) => o.width === 8 && GENERAL.includes(o.kind))
}

function choose(r: RandomState, row: InsnRow, opsize: 16 | 32 | 64, shape: Shape, variant: number): Choice {
  const operands = parseOperands(row.operands)
  const narrow = variant % 3 === 0
  const bytes = shape === 'high-byte' || shape === 'rex-byte'
  const register = (): number => {
    if (bytes) return 4 + nextBelow(r, 4)
    return narrow ? nextBelow(r, 8) : variant % 3 === 1 ? 8 + nextBelow(r, 8) : nextBelow(r, 16)
  }
  const reg = hasKind(row, KIND.segment) ? nextBelow(r, 6) : register()
  const isMemory = shape === 'memory' || shape === 'lock'
  const same = !isMemory && variant % 4 === 3
  return {
    opsize,
    rm: isMemory ? memoryShape(r, variant) : same ? reg : register(),
    reg,
    opcodeRegister: register(),
    immediate: immediateFor(r, row, immediateField(operands)),
    forceRex: bytes ? shape === 'rex-byte' : nextBelow(r, 4) === 0,
    repeat: shape === 'rep' ? 0xf3 : shape === 'repne' ? 0xf2 : 0,
    address32:
      (shape === 'plain' || shape === 'rep' || shape === 'repne') &&
      (row.repeat !== undefined || hasKind(row, KIND.offset) || COUNTED.test(row.mnemonic)) &&
      nextBelow(r, 3) === 0,
    lock: shape === 'lock' || shape === 'lock-register',
  }
}

/** Does the address use a register that has to hold something else? */
function isTaken(row: InsnRow, { rm }: Choice): boolean {
  return typeof rm !== 'number' && asksComponents(row) && [rm.base, rm.index].some((n) => n === 0 || n === 2)
}

function shapesOf(row: InsnRow): Shape[] {
  const operands = parseOperands(row.operands)
  const e = parseEncoding(row.op)
  const shapes: Shape[] = hasByteRegister(row) ? ['high-byte', 'rex-byte'] : []
  if (row.repeat !== undefined) return ['plain', 'rep', 'repne']
  if (!operands.some((o) => needsModrm(o.kind)) && e.digit < 0) return ['plain', ...shapes]
  const forms = rmForms(row)
  if (forms.register) shapes.push('register')
  if (forms.memory) shapes.push('memory')
  if (row.lock === true) shapes.push('lock')
  if (row.lock === true && forms.register) shapes.push('lock-register')
  return shapes
}

function describe(row: InsnRow, c: Choice, code: Uint8Array): string {
  const bytes = Array.from(code, (x) => x.toString(16).padStart(2, '0')).join(' ')
  return `${row.mnemonic} ${row.operands} (${row.op}) o${c.opsize} [${bytes}]`
}

/** All groups of a row. Every group is deterministic in `seed` and the row. */
export function casesOf(row: InsnRow, amount: Amount): Case[] {
  const r = randomFrom(amount.seed, `${row.op} ${row.operands}`)
  const operands = parseOperands(row.operands)
  const vector = isVector(row)
  const stateSize = vector ? VECTOR_STATE : INTEGER_STATE
  const hasImmediate = immediateField(operands) !== IMM.none
  const cases: Case[] = []
  for (const opsize of sizesOf(row)) {
    for (const shape of shapesOf(row)) {
      const variants = shape === 'lock-register' ? 1 : amount.variants
      for (let variant = 0; variant < variants; variant++) {
        // With an immediate, the values of one shape are spread over several immediates.
        const splits = amount.immediates?.length ?? (hasImmediate ? 5 : 1)
        for (let split = 0; split < splits; split++) {
          let choice = choose(r, row, opsize, shape, variant)
          while (isTaken(row, choice)) choice = choose(r, row, opsize, shape, variant)
          if (amount.immediates !== undefined) choice.immediate = amount.immediates[split]!
          const memory = typeof choice.rm === 'number' ? null : choice.rm
          const fixed = memory !== null && (memory.base === 16 || (memory.base < 0 && memory.index < 0))
          const code = fixed ? placeFixed(row, choice) : assemble(row, choice)
          if (code === null || code.length > 15) continue
          const offset = hasKind(row, KIND.offset)
          const need: Need = {
            row,
            choice,
            codeLength: code.length,
            memory: offset ? null : memory,
            bytes: accessBytes(operands, opsize),
            aligned: vector || row.mnemonic === 'CMPXCHG16B',
            vector,
          }
          const count = Math.ceil(amount.vectors / splits)
          const states = new Uint8Array(count * stateSize)
          for (let i = 0; i < count; i++) fillState(r, need, states.subarray(i * stateSize, (i + 1) * stateSize))
          cases.push({ name: describe(row, choice, code), code, states, count, row, choice })
        }
      }
    }
  }
  return cases
}
