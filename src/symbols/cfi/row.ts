/** Exists to turn the call frame instructions of a function into the rules that hold at one instruction. */

import { LemmingError } from '../../base/errors.ts'
import type { ByteReader } from '../../elf/reader.ts'
import type { Cie } from './frame-info.ts'
import { readEncoded } from './frame-info.ts'
import type { FoundFde } from './frame-table.ts'
import { REGISTER_COUNT } from './registers.ts'

/** How the caller's value of a register is found (DWARF 5, 6.4.1). Offsets in bytes from the CFA. */
export type Rule =
  | { readonly kind: 'same' }
  | { readonly kind: 'undefined' }
  | { readonly kind: 'offset'; readonly offset: number }
  | { readonly kind: 'value-offset'; readonly offset: number }
  | { readonly kind: 'register'; readonly register: number }
  | { readonly kind: 'expression'; readonly expression: Uint8Array }
  | { readonly kind: 'value-expression'; readonly expression: Uint8Array }

/** How the canonical frame address is found. */
type CfaRule = { readonly register: number; readonly offset: number } | { readonly expression: Uint8Array }

/** The rules at one instruction; `rules` by DWARF register number. */
export interface Row {
  readonly cfa: CfaRule
  readonly rules: readonly Rule[]
  readonly returnRegister: number
  readonly signalFrame: boolean
}

const SAME: Rule = { kind: 'same' }
const UNDEFINED: Rule = { kind: 'undefined' }

interface State {
  cfa: CfaRule | undefined
  rules: Rule[]
}

/** Runs the instructions of `found` up to `address` (without load bias). Throws `unwind-*` when the tables make no sense. */
export function rowAt(found: FoundFde, address: number): Row {
  const { fde, section } = found
  const { cie } = fde
  const state: State = { cfa: undefined, rules: Array.from({ length: REGISTER_COUNT }, () => SAME) }
  execute(section.reader(cie.start), cie.end, cie, section.address, state, undefined, 0, Infinity)
  const initial = { cfa: state.cfa, rules: [...state.rules] }
  execute(section.reader(fde.start), fde.end, cie, section.address, state, initial, fde.pcStart, address)
  if (state.cfa === undefined)
    throw new LemmingError('unwind-tables', `${section.name}: no CFA rule at 0x${address.toString(16)}`)
  return { cfa: state.cfa, rules: state.rules, returnRegister: cie.returnRegister, signalFrame: cie.signalFrame }
}

/** Executes call frame instructions (DWARF 5, 6.4.2) until the location passes `address`. */
function execute(
  reader: ByteReader,
  end: number,
  cie: Cie,
  sectionAddress: number,
  state: State,
  initial: State | undefined,
  startLocation: number,
  address: number,
): void {
  const remembered: State[] = []
  let location = startLocation
  const set = (register: number, rule: Rule): void => {
    if (register < REGISTER_COUNT) state.rules[register] = rule
  }
  const restore = (register: number): void => set(register, initial?.rules[register] ?? SAME)
  const block = (): Uint8Array => reader.slice(reader.uleb())
  const changeCfa = (register: number | undefined, offset: number | undefined): void => {
    const { cfa } = state
    const known = cfa !== undefined && 'register' in cfa ? cfa : undefined
    if (known === undefined && (register === undefined || offset === undefined)) {
      throw new LemmingError('unwind-tables', `${reader.what}: a CFA rule is changed before it is set`)
    }
    state.cfa = { register: register ?? known?.register ?? 0, offset: offset ?? known?.offset ?? 0 }
  }

  while (reader.offset < end) {
    const opcode = reader.u8()
    const low = opcode & 0x3f
    switch (opcode & 0xc0) {
      case 0x40: // DW_CFA_advance_loc
        location += low * cie.codeAlignment
        if (location > address) return
        continue
      case 0x80: // DW_CFA_offset
        set(low, { kind: 'offset', offset: reader.uleb() * cie.dataAlignment })
        continue
      case 0xc0: // DW_CFA_restore
        restore(low)
        continue
    }
    switch (opcode) {
      case 0x00: // DW_CFA_nop
        break
      case 0x01: // DW_CFA_set_loc
        location = readEncoded(reader, cie.encoding, sectionAddress, 0)
        break
      case 0x02: // DW_CFA_advance_loc1
        location += reader.u8() * cie.codeAlignment
        break
      case 0x03: // DW_CFA_advance_loc2
        location += reader.u16() * cie.codeAlignment
        break
      case 0x04: // DW_CFA_advance_loc4
        location += reader.u32() * cie.codeAlignment
        break
      case 0x05: // DW_CFA_offset_extended
        set(reader.uleb(), { kind: 'offset', offset: reader.uleb() * cie.dataAlignment })
        break
      case 0x06: // DW_CFA_restore_extended
        restore(reader.uleb())
        break
      case 0x07: // DW_CFA_undefined
        set(reader.uleb(), UNDEFINED)
        break
      case 0x08: // DW_CFA_same_value
        set(reader.uleb(), SAME)
        break
      case 0x09: // DW_CFA_register
        set(reader.uleb(), { kind: 'register', register: reader.uleb() })
        break
      case 0x0a: // DW_CFA_remember_state
        remembered.push({ cfa: state.cfa, rules: [...state.rules] })
        break
      case 0x0b: {
        // DW_CFA_restore_state
        const saved = remembered.pop()
        if (saved === undefined)
          throw new LemmingError('unwind-tables', `${reader.what}: restore_state without remember_state`)
        state.cfa = saved.cfa
        state.rules = saved.rules
        break
      }
      case 0x0c: // DW_CFA_def_cfa
        changeCfa(reader.uleb(), reader.uleb())
        break
      case 0x0d: // DW_CFA_def_cfa_register
        changeCfa(reader.uleb(), undefined)
        break
      case 0x0e: // DW_CFA_def_cfa_offset
        changeCfa(undefined, reader.uleb())
        break
      case 0x0f: // DW_CFA_def_cfa_expression
        state.cfa = { expression: block() }
        break
      case 0x10: // DW_CFA_expression
        set(reader.uleb(), { kind: 'expression', expression: block() })
        break
      case 0x11: // DW_CFA_offset_extended_sf
        set(reader.uleb(), { kind: 'offset', offset: reader.sleb() * cie.dataAlignment })
        break
      case 0x12: // DW_CFA_def_cfa_sf
        changeCfa(reader.uleb(), reader.sleb() * cie.dataAlignment)
        break
      case 0x13: // DW_CFA_def_cfa_offset_sf
        changeCfa(undefined, reader.sleb() * cie.dataAlignment)
        break
      case 0x14: // DW_CFA_val_offset
        set(reader.uleb(), { kind: 'value-offset', offset: reader.uleb() * cie.dataAlignment })
        break
      case 0x15: // DW_CFA_val_offset_sf
        set(reader.uleb(), { kind: 'value-offset', offset: reader.sleb() * cie.dataAlignment })
        break
      case 0x16: // DW_CFA_val_expression
        set(reader.uleb(), { kind: 'value-expression', expression: block() })
        break
      case 0x2e: // DW_CFA_GNU_args_size: what a landing pad must pop, of no interest here
        reader.skipLeb()
        break
      case 0x2f: // DW_CFA_GNU_negative_offset_extended
        set(reader.uleb(), { kind: 'offset', offset: -reader.uleb() * cie.dataAlignment })
        break
      default:
        throw new LemmingError(
          'unwind-instruction',
          `${reader.what}: unknown call frame instruction 0x${opcode.toString(16)}`,
        )
    }
    if (location > address) return
  }
}
