/** Exists to turn bytes into instructions: prefixes, opcode maps, ModRM, SIB, displacement and immediate (Intel SDM vol. 2, chapter 2). */
import { LemmingError } from '../base/errors.ts'
import { BASE_RIP, type Insn, PREFIX } from './insn.ts'
import { BASELINE } from './features.ts'
import { buildSlots, type Form, MANDATORY, type Slot } from './table/index.ts'
import { IMM } from './table/operands.ts'
import type { Feature } from './table/types.ts'
import { mayExist } from './table/unimplemented.ts'

/** Results of decoding. */
export const DECODED = {
  ok: 0,
  /** The bytes end inside the instruction: `insn.length` bytes were there. */
  truncated: 1,
  /** #UD on every processor. */
  invalid: 2,
  /** More than 15 bytes: #GP. */
  tooLong: 3,
  /** An instruction of real processors for which there is no row, or whose feature this processor does not announce. */
  unsupported: 4,
} as const

/** Longest instruction in bytes. */
export const MAX_LENGTH = 15

// What a byte is before the opcode: 0 the opcode itself.
const LEGACY = 1
const REX = 2
const classes = new Uint8Array(256)
for (const byte of [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3]) classes[byte] = LEGACY
classes.fill(REX, 0x40, 0x50)

/** A decoder for processors with one set of features. Holds tables only: it may be shared by everybody. */
export class Decoder {
  private readonly slots: (Slot | null)[]
  private readonly resolved = new Uint8Array(1024)
  private readonly withheld: Uint8Array
  private readonly features: ReadonlySet<Feature>

  constructor(features: ReadonlySet<Feature>) {
    this.features = features
    const { slots, withheld } = buildSlots(features)
    this.slots = slots
    this.withheld = withheld
  }

  /** Does this processor announce the feature? */
  has(feature: Feature): boolean {
    return this.features.has(feature)
  }

  /**
   * Decodes the instruction at `bytes[position…end)`, whose guest address is `pc`, into `insn` (every field is set). Returns one of DECODED;
   * unless ok, only `pc`, `prefixes`, `rex`, `opcode` and `length` (bytes looked at) of `insn` mean anything.
   */
  decode(bytes: Uint8Array, position: number, end: number, pc: number, insn: Insn): number {
    const limit = end - position > MAX_LENGTH ? position + MAX_LENGTH : end
    let p = position
    let prefixes = 0
    let rex = 0
    let segment = 0
    let rep: number = MANDATORY.none
    let byte = 0
    insn.pc = pc
    for (;;) {
      if (p >= limit) return this.short(insn, p, position)
      byte = bytes[p++]!
      const kind = classes[byte]
      if (kind === 0) break
      if (kind === REX) {
        rex = byte
        continue
      }
      rex = 0
      if (byte === 0x66) prefixes |= PREFIX.operandSize
      else if (byte === 0x67) prefixes |= PREFIX.addressSize
      else if (byte === 0xf0) prefixes |= PREFIX.lock
      else if (byte === 0xf3) {
        prefixes |= PREFIX.rep
        rep = MANDATORY.f3
      } else if (byte === 0xf2) {
        prefixes |= PREFIX.repne
        rep = MANDATORY.f2
      } else if (byte >= 0x64) segment = byte - 0x60
    }
    let map = 0
    if (byte === 0x0f) {
      if (p >= limit) return this.short(insn, p, position)
      byte = bytes[p++]!
      map = 256
      if (byte === 0x38 || byte === 0x3a) {
        map = byte === 0x38 ? 512 : 768
        if (p >= limit) return this.short(insn, p, position)
        byte = bytes[p++]!
      }
    }
    insn.prefixes = prefixes
    insn.rex = rex
    insn.segment = segment
    insn.opcode = byte
    const mandatory =
      rep !== MANDATORY.none ? rep : (prefixes & PREFIX.operandSize) !== 0 ? MANDATORY.p66 : MANDATORY.none
    const slot = this.slots[map + byte]!
    if (slot === null) return this.unknown(insn, map + byte, p - position, -1)
    if (this.resolved[map + byte] === 0) {
      slot.resolve()
      this.resolved[map + byte] = 1
    }
    let opsize: 16 | 32 | 64 = (rex & 8) !== 0 ? 64 : (prefixes & PREFIX.operandSize) !== 0 ? 16 : 32
    let modrm = -1
    if (slot.modrm) {
      if (p >= limit) return this.short(insn, p, position)
      modrm = bytes[p++]!
    }
    const form: Form | null = slot.single ?? slot.select(mandatory, opsize >> 5, modrm)
    if (form === null) return this.unknown(insn, map + byte, p - position, modrm)
    insn.form = form
    if (form.sizing !== 0) {
      if (form.sizing === 1) opsize = 64
      else if (form.sizing === 2) {
        if (opsize === 32) opsize = 64
      } else if (opsize === 16) opsize = 32
    }
    insn.opsize = opsize
    insn.addrsize = (prefixes & PREFIX.addressSize) !== 0 ? 32 : 64
    insn.modrm = modrm
    insn.base = -1
    insn.index = -1
    insn.scale = 0
    insn.disp = 0
    insn.dispHigh = 0
    insn.memory = false
    if (modrm >= 0) {
      insn.reg = ((modrm >> 3) & 7) | ((rex & 4) << 1)
      const low = modrm & 7
      if (modrm >= 0xc0) {
        insn.rm = low | ((rex & 1) << 3)
      } else {
        insn.memory = true
        let dispSize = modrm >> 6
        if (low === 4) {
          if (p >= limit) return this.short(insn, p, position)
          const sib = bytes[p++]!
          const index = ((sib >> 3) & 7) | ((rex & 2) << 2)
          if (index !== 4) {
            insn.index = index
            insn.scale = sib >> 6
          }
          if ((sib & 7) === 5 && dispSize === 0) dispSize = 2
          else insn.base = (sib & 7) | ((rex & 1) << 3)
        } else if (low === 5 && dispSize === 0) {
          insn.base = BASE_RIP
          dispSize = 2
        } else {
          insn.base = low | ((rex & 1) << 3)
        }
        if (dispSize === 1) {
          if (p >= limit) return this.short(insn, p, position)
          insn.disp = (bytes[p++]! << 24) >> 24
        } else if (dispSize === 2) {
          if (p + 4 > limit) return this.short(insn, limit, position)
          insn.disp = bytes[p]! | (bytes[p + 1]! << 8) | (bytes[p + 2]! << 16) | (bytes[p + 3]! << 24)
          p += 4
        }
      }
    } else {
      insn.rm = (byte & 7) | ((rex & 1) << 3)
    }
    if (form.immediate !== IMM.none) {
      p = this.immediate(bytes, p, limit, form.immediate, insn)
      if (p < 0) return this.short(insn, limit, position)
    } else {
      insn.immLo = 0
      insn.immHi = 0
    }
    insn.length = p - position
    if ((prefixes & PREFIX.lock) !== 0 && (form.row.lock === undefined || !insn.memory)) return DECODED.invalid
    return DECODED.ok
  }

  /** Reads the immediate; returns the next position, or -1 when the bytes end before. */
  private immediate(bytes: Uint8Array, p: number, limit: number, field: number, insn: Insn): number {
    switch (field) {
      case IMM.ib:
      case IMM.sib:
      case IMM.jb: {
        if (p + 1 > limit) return -1
        const value = bytes[p]!
        insn.immLo = field === IMM.ib ? value : (value << 24) >> 24
        insn.immHi = insn.immLo >> 31
        return p + 1
      }
      case IMM.iw:
      case IMM.iwib: {
        const length = field === IMM.iw ? 2 : 3
        if (p + length > limit) return -1
        insn.immLo = bytes[p]! | (bytes[p + 1]! << 8)
        insn.immHi = 0
        if (length === 3) insn.imm2 = bytes[p + 2]!
        return p + length
      }
      case IMM.ibib: {
        if (p + 2 > limit) return -1
        insn.immLo = bytes[p]!
        insn.immHi = 0
        insn.imm2 = bytes[p + 1]!
        return p + 2
      }
      case IMM.iz:
      case IMM.iv:
      case IMM.jz: {
        if (field !== IMM.jz && insn.opsize === 16) {
          if (p + 2 > limit) return -1
          insn.immLo = ((bytes[p]! << 16) | (bytes[p + 1]! << 24)) >> 16
          insn.immHi = insn.immLo >> 31
          return p + 2
        }
        if (p + 4 > limit) return -1
        insn.immLo = word(bytes, p)
        if (field === IMM.iv && insn.opsize === 64) {
          if (p + 8 > limit) return -1
          insn.immHi = word(bytes, p + 4)
          return p + 8
        }
        insn.immHi = insn.immLo >> 31
        return p + 4
      }
      case IMM.moffs: {
        const length = insn.addrsize >> 3
        if (p + length > limit) return -1
        insn.memory = true
        insn.disp = word(bytes, p)
        if (length === 8) insn.dispHigh = word(bytes, p + 4)
        return p + length
      }
      default:
        throw new LemmingError('internal', `instruction table: immediate field ${field}`)
    }
  }

  /** The bytes end before the instruction does. */
  private short(insn: Insn, p: number, position: number): number {
    insn.length = p - position
    return insn.length >= MAX_LENGTH ? DECODED.tooLong : DECODED.truncated
  }

  /** No row fits. A row whose feature this processor lacks is an instruction that exists elsewhere. */
  private unknown(insn: Insn, slot: number, length: number, modrm: number): number {
    insn.length = length
    return mayExist(slot, modrm) || this.withheld[slot] === 1 ? DECODED.unsupported : DECODED.invalid
  }
}

const word = (bytes: Uint8Array, p: number): number =>
  bytes[p]! | (bytes[p + 1]! << 8) | (bytes[p + 2]! << 16) | (bytes[p + 3]! << 24)

const decoders = new Map<ReadonlySet<Feature>, Decoder>()

/** The decoder for a processor with these features; one per set object. */
export function decoderFor(features: ReadonlySet<Feature> = BASELINE): Decoder {
  let decoder = decoders.get(features)
  if (decoder === undefined) {
    decoder = new Decoder(features)
    decoders.set(features, decoder)
  }
  return decoder
}
