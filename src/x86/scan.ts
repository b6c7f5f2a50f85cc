/** Exists to find the instructions in a piece of code that the machine could not execute, before anybody runs it. */
import { DECODED, Decoder, decoderFor } from './decode.ts'
import { describeForeign } from './foreign.ts'
import { Insn } from './insn.ts'
import { unsupported } from './semantics/control.ts'
import { allRows } from './table/index.ts'
import type { Feature } from './table/types.ts'

/** One kind of instruction that the machine would refuse, and where it was found first. */
export interface UnsupportedForm {
  /** Mnemonic and operand letters where there is a row, such as `AESENC Vdq,Wdq`; else the encoding, such as `VEX.256.66.0F38 78`. */
  readonly form: string
  /** The feature of the manual's CPUID column that it belongs to; `system` for what only kernels need. */
  readonly feature: string
  /** How often it was found. */
  count: number
  /** Guest address of the first, and its bytes. */
  readonly address: number
  readonly bytes: Uint8Array
}

/** What a scan has found. */
export interface CodeScan {
  /** Instructions that were decoded, unsupported ones included. */
  instructions: number
  /** Bytes at which no processor has an instruction: mostly data between functions. */
  refused: number
  /** The most frequent first. */
  unsupported: UnsupportedForm[]
}

let every: Decoder | null = null

/** A decoder that knows all rows, whatever the machine's processor announces. */
function everyRow(): Decoder {
  every ??= new Decoder(new Set(allRows.flatMap(({ feature }): Feature[] => (feature === undefined ? [] : [feature]))))
  return every
}

/** Names in the manual's CPUID column, where ours differ in more than case. */
const CPUID_NAMES: Partial<Record<Feature, string>> = { cx16: 'CMPXCHG16B', fxsr: 'FXSR' }

/**
 * Sweeps linearly over `code`, whose first byte has the guest address `base`; `starts` are addresses in ascending order where an instruction is known to
 * begin (symbols), so that data before them leads to nothing wrong behind them. Data in the middle of code can still look like an instruction.
 */
export function scanCode(
  code: Uint8Array,
  base: number,
  starts: readonly number[] = [],
  decoder: Decoder = decoderFor(),
): CodeScan {
  const found = new Map<string, UnsupportedForm>()
  const insn = new Insn()
  const scan: CodeScan = { instructions: 0, refused: 0, unsupported: [] }
  let next = 0
  let position = 0
  while (position < code.length) {
    const pc = base + position
    while (next < starts.length && starts[next]! <= pc) next++
    const end = next < starts.length ? Math.min(code.length, starts[next]! - base) : code.length
    const result = decoder.decode(code, position, end, pc, insn)
    if (result === DECODED.ok) {
      scan.instructions++
      const { row } = insn.form
      if (row.lift === unsupported)
        note(found, `${row.mnemonic} ${row.operands}`.trim(), 'system', pc, code, position, insn.length)
      position += insn.length
    } else if (result === DECODED.unsupported) {
      scan.instructions++
      let length = 0
      if (everyRow().decode(code, position, end, pc, insn) === DECODED.ok) {
        const { row } = insn.form
        const feature = row.feature === undefined ? 'system' : (CPUID_NAMES[row.feature] ?? row.feature.toUpperCase())
        length = insn.length
        note(found, `${row.mnemonic} ${row.operands}`.trim(), feature, pc, code, position, length)
      } else {
        const foreign = describeForeign(code, position, end)
        length = foreign.length
        note(found, foreign.form, foreign.feature, pc, code, position, length)
      }
      position += Math.max(1, length)
    } else {
      scan.refused++
      // What the bytes before a known start leave over is no instruction.
      position = result === DECODED.truncated ? end : position + 1
    }
  }
  scan.unsupported = [...found.values()].sort((a, b) => b.count - a.count || a.address - b.address)
  return scan
}

function note(
  found: Map<string, UnsupportedForm>,
  form: string,
  feature: string,
  address: number,
  code: Uint8Array,
  position: number,
  length: number,
): void {
  const known = found.get(form)
  if (known === undefined)
    found.set(form, { form, feature, count: 1, address, bytes: code.slice(position, position + length) })
  else known.count++
}
