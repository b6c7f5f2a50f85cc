/** Executes the rows whose meaning hangs on an immediate with every immediate there is, on the processor and on the engine. */
import { describe, expect, test } from 'vitest'
import { sse3 } from '../../src/x86/table/sse3.ts'
import { sse4 } from '../../src/x86/table/sse4.ts'
import { describeState, differences } from './compare.ts'
import { EngineUnderTest } from './engine.ts'
import { casesOf } from './generate.ts'
import { VECTOR_STATE } from './layout.ts'
import { executeNatively } from './native.ts'

const EVERY = Array.from({ length: 256 }, (_, i) => i)
const rows = [...sse3, ...sse4].filter(({ operands }) => operands.endsWith('Ib'))
const engine = new EngineUnderTest()

describe('every immediate against the processor', () => {
  test.each(rows.map((row) => [`${row.mnemonic} ${row.operands}`, row] as const))('%s', (_name, row) => {
    const strings = row.mnemonic.startsWith('PCMP')
    // Eight values for each immediate and operand shape; strings have more to go wrong.
    const cases = casesOf(row, { vectors: (strings ? 24 : 8) * 256, variants: 1, seed: 5, immediates: EVERY })
    const native = executeNatively(cases, VECTOR_STATE, true)
    const failures: string[] = []
    let count = 0
    cases.forEach((c, g) => {
      const { results } = engine.execute(c, VECTOR_STATE)
      for (let i = 0; i < c.count; i++, count++) {
        const found = differences(c, i, VECTOR_STATE, native[g]!, results)
        if (found.length > 0 && failures.length < 5)
          failures.push(`${c.name}\n  ${describeState(c, i, VECTOR_STATE)}\n  ${found.slice(0, 8).join('\n  ')}`)
      }
    })
    expect(count).toBeGreaterThanOrEqual(256 * 8)
    expect(failures).toEqual([])
  })
})
