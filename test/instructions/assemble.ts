/** Exists to encode a row with chosen operands: the inverse of the decoder, written separately so that the two check each other. */
import { parseEncoding } from '../../src/x86/table/index.ts'
import { IMM, immediateField, KIND, needsModrm, parseOperands } from '../../src/x86/table/operands.ts'
import type { InsnRow } from '../../src/x86/table/types.ts'

/** A memory operand. `base` -1 none, 16 RIP; `displacement` size in bytes 0, 1, 4. */
export interface MemoryShape {
  base: number
  index: number
  scale: number
  displacement: number
  displacementSize: 0 | 1 | 4
  address32: boolean
  segment: 0 | 0x64 | 0x65
}

/** Everything that the encoding leaves open. */
export interface Choice {
  opsize: 16 | 32 | 64
  /** ModRM.rm as a register, or memory. */
  rm: number | MemoryShape
  reg: number
  /** Register in the opcode byte. */
  opcodeRegister: number
  immediate: number
  /** Encode a REX prefix even where none is needed: 8-bit registers 4-7 are SPL... then. */
  forceRex: boolean
  repeat: 0 | 0xf2 | 0xf3
  /** An address-size prefix where there is no ModRM operand: string instructions, LOOP, absolute addresses. */
  address32: boolean
  lock: boolean
}

/** The bytes of the row with these choices; null when they cannot be encoded together. */
export function assemble(row: InsnRow, c: Choice): Uint8Array | null {
  const e = parseEncoding(row.op)
  const operands = parseOperands(row.operands)
  const bytes: number[] = []
  const memory = typeof c.rm === 'number' ? null : c.rm
  const hasModrm = operands.some((o) => needsModrm(o.kind)) || e.digit >= 0 || e.modrm >= 0
  if (memory !== null && memory.segment !== 0 && hasModrm) bytes.push(memory.segment)
  if (memory !== null ? memory.address32 : c.address32) bytes.push(0x67)
  if (c.lock) bytes.push(0xf0)
  if (c.opsize === 16 || e.mandatory === 1) bytes.push(0x66)
  if (e.mandatory === 2) bytes.push(0xf3)
  if (e.mandatory === 3) bytes.push(0xf2)
  if (c.repeat !== 0) bytes.push(c.repeat)

  const defaults64 = row.d64 === true || row.f64 === true
  const wide = c.opsize === 64 && !defaults64 ? 8 : 0
  let r = 0
  let x = 0
  let b = 0
  const modrmBytes: number[] = []
  if (hasModrm) {
    const reg = e.digit >= 0 ? e.digit : e.modrm >= 0 ? (e.modrm >> 3) & 7 : c.reg
    r = reg >> 3
    if (e.modrm >= 0) modrmBytes.push(e.modrm | (e.modrms > 1 ? c.opcodeRegister & 7 : 0))
    else if (memory === null) {
      b = (c.rm as number) >> 3
      modrmBytes.push(0xc0 | ((reg & 7) << 3) | ((c.rm as number) & 7))
    } else {
      x = memory.index >= 0 ? memory.index >> 3 : 0
      b = memory.base >= 0 && memory.base < 16 ? memory.base >> 3 : 0
      if (!encodeMemory(memory, reg & 7, modrmBytes)) return null
    }
  } else if (e.opcodes === 8) {
    b = c.opcodeRegister >> 3
  }
  const rex = wide | (r << 2) | (x << 1) | b
  if (rex !== 0 || c.forceRex) bytes.push(0x40 | rex)
  if (e.map > 0) bytes.push(0x0f)
  if (e.map === 2) bytes.push(0x38)
  if (e.map === 3) bytes.push(0x3a)
  bytes.push(e.opcode | (e.opcodes === 8 ? c.opcodeRegister & 7 : 0), ...modrmBytes)
  pushImmediate(bytes, immediateField(operands), c)
  return Uint8Array.from(bytes)
}

function encodeMemory(m: MemoryShape, reg: number, out: number[]): boolean {
  const disp32 = (): void => {
    for (let i = 0; i < 4; i++) out.push((m.displacement >> (8 * i)) & 0xff)
  }
  if (m.base === 16) {
    out.push((reg << 3) | 5)
    disp32()
    return true
  }
  if (m.index === 4) return false
  const noBase = m.base < 0
  // Without displacement, base registers 5 and 13 mean something else.
  if (!noBase && m.displacementSize === 0 && (m.base & 7) === 5) return false
  const mod = noBase || m.displacementSize === 0 ? 0 : m.displacementSize === 1 ? 1 : 2
  if (m.index >= 0 || noBase || (m.base & 7) === 4) {
    out.push((mod << 6) | (reg << 3) | 4)
    out.push((m.scale << 6) | ((m.index >= 0 ? m.index & 7 : 4) << 3) | (noBase ? 5 : m.base & 7))
  } else {
    out.push((mod << 6) | (reg << 3) | (m.base & 7))
  }
  if (mod === 1) out.push(m.displacement & 0xff)
  else if (mod === 2 || noBase) disp32()
  return true
}

function pushImmediate(bytes: number[], field: number, c: Choice): void {
  const little = (value: number, count: number): void => {
    for (let i = 0; i < count; i++) bytes.push(i < 4 ? (value >> (8 * i)) & 0xff : (value >> 31) & 0xff)
  }
  const word = c.opsize === 16 ? 2 : 4
  switch (field) {
    case IMM.ib:
    case IMM.sib:
    case IMM.jb:
      return little(c.immediate, 1)
    case IMM.iw:
      return little(c.immediate, 2)
    case IMM.iwib:
      return little(c.immediate, 3)
    case IMM.ibib:
      return little(c.immediate, 2)
    case IMM.iz:
      return little(c.immediate, word)
    case IMM.jz:
      return little(c.immediate, 4)
    case IMM.iv:
      return little(c.immediate, c.opsize >> 3)
    case IMM.moffs:
      return little(c.immediate, c.address32 ? 4 : 8)
    default:
      return
  }
}

/** Does any operand of the row have one of these kinds? */
export function hasKind(row: InsnRow, ...kinds: number[]): boolean {
  return parseOperands(row.operands).some((o) => kinds.includes(o.kind))
}

/** Can ModRM.rm of this row be a register, and can it be memory? */
export function rmForms(row: InsnRow): { register: boolean; memory: boolean } {
  const either = hasKind(row, KIND.rm, KIND.xmmRm, KIND.mmxRm)
  const register = either || hasKind(row, KIND.rmRegister, KIND.xmmRegister, KIND.mmxRegister, KIND.sti)
  const memory = either || hasKind(row, KIND.memory)
  // A digit alone still has a ModRM byte: FNSTSW AX and its like name their register in the opcode.
  return { register: register || !memory, memory }
}
