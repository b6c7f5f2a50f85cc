/** Checks the instruction table itself: every row can be read, and no encoding is claimed twice. */
import { describe, expect, test } from 'vitest'
import { BASELINE } from '../../src/x86/features.ts'
import { allRows, parseEncoding } from '../../src/x86/table/index.ts'
import { parseOperands, wantsMemory, wantsRegister } from '../../src/x86/table/operands.ts'
import type { InsnRow } from '../../src/x86/table/types.ts'
import { DECODED, decoderFor } from '../../src/x86/decode.ts'
import { Insn } from '../../src/x86/insn.ts'
import { casesOf } from './generate.ts'

/** Everything that selects a row; two rows with the same key would hide each other. */
function key(row: InsnRow): string {
  const operands = parseOperands(row.operands)
  const form = operands.some((o) => wantsMemory(o.kind))
    ? 'memory'
    : operands.some((o) => wantsRegister(o.kind))
      ? 'register'
      : 'any'
  return `${JSON.stringify(parseEncoding(row.op))} ${form}`
}

describe('table', () => {
  test('no encoding has two rows', () => {
    const seen = new Map<string, string>()
    const twice: string[] = []
    for (const row of allRows) {
      const before = seen.get(key(row))
      if (before !== undefined) twice.push(`${row.op}: ${before} and ${row.mnemonic}`)
      seen.set(key(row), row.mnemonic)
    }
    expect(twice).toEqual([])
  })

  test('every announced feature has rows', () => {
    const features = new Set(allRows.map((row) => row.feature))
    expect([...BASELINE].filter((feature) => !features.has(feature))).toEqual([])
  })

  // A row that others of its opcode cover completely would never be decoded.
  test('every row is reached by its own encodings', () => {
    const decoder = decoderFor(new Set(allRows.flatMap((row) => (row.feature === undefined ? [] : [row.feature]))))
    const insn = new Insn()
    const lost: string[] = []
    for (const row of allRows) {
      const codes = casesOf(row, { vectors: 0, variants: 4, seed: 1 }).map((c) => c.code)
      const reached = codes.some((code) => {
        const bytes = new Uint8Array(16).fill(0x90)
        bytes.set(code)
        return decoder.decode(bytes, 0, 15, 0, insn) === DECODED.ok && insn.form.row === row
      })
      if (!reached) lost.push(`${row.op} ${row.mnemonic} ${row.operands}`)
    }
    expect(lost).toEqual([])
  })
})
