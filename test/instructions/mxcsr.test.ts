/** Executes the SSE rows that depend on MXCSR under its roundings, denormal modes, masks and flags, and compares results, flags and signals with the processor. */
import { describe, expect, test } from 'vitest'
import { nextBelow, randomFrom, type RandomState } from '../../src/base/random.ts'
import { mmxRows } from '../../src/x86/table/mmx.ts'
import { sse } from '../../src/x86/table/sse.ts'
import { sse3 } from '../../src/x86/table/sse3.ts'
import { sse4 } from '../../src/x86/table/sse4.ts'
import { sse2Float } from '../../src/x86/table/sse2-float.ts'
import { describeState, differences } from './compare.ts'
import { EngineUnderTest } from './engine.ts'
import { casesOf } from './generate.ts'
import { OFFSET_FX, VECTOR_STATE } from './layout.ts'
import { executeNatively } from './native.ts'
import { FX } from './vectors-fx.ts'

/** Arithmetic, comparisons, conversions and roundings. */
const DEPENDENT = /^(ADD|SUB|MUL|DIV|SQRT|MIN|MAX|CMP|COMI|UCOMI|CVT|HADD|HSUB|DPP|ROUND)/
const rows = [...sse, ...sse2Float, ...sse3, ...sse4, ...mmxRows].filter(({ mnemonic }) => DEPENDENT.test(mnemonic))

const pick = <T>(r: RandomState, list: readonly T[]): T => list[nextBelow(r, list.length)]!

/**
 * A random MXCSR: every rounding and denormal mode, often some flags, now and then an unmasked exception. Not for MMX: whether the x87
 * registers turn into MMX registers when the instruction faults is not documented.
 */
function anyMxcsr(r: RandomState, mmx: boolean): number {
  const masks = !mmx && nextBelow(r, 4) === 0 ? 0x1f80 & ~(1 << (7 + nextBelow(r, 6))) : 0x1f80
  const flags = pick(r, [0, 0x20, 0x3f, nextBelow(r, 64)])
  return masks | (nextBelow(r, 4) << 13) | pick(r, [0, 0, 0x8000, 0x40, 0x8040]) | flags
}

const engine = new EngineUnderTest(true)

describe('SSE rows under MXCSR against the processor', () => {
  test.each(rows.map((row) => [`${row.mnemonic} ${row.operands}`, row] as const))('%s', (name, row) => {
    const random = randomFrom(1, name)
    const cases = casesOf(row, { vectors: 150, variants: 3, seed: 2 })
    for (const { states, count } of cases) {
      const view = new DataView(states.buffer, states.byteOffset, states.byteLength)
      for (let i = 0; i < count; i++)
        view.setUint32(i * VECTOR_STATE + OFFSET_FX + FX.mxcsr, anyMxcsr(random, mmxRows.includes(row)), true)
    }
    const native = executeNatively(cases, VECTOR_STATE, true)
    const failures: string[] = []
    let count = 0
    cases.forEach((c, g) => {
      const { results } = engine.execute(c, VECTOR_STATE)
      for (let i = 0; i < c.count; i++, count++) {
        const found = differences(c, i, VECTOR_STATE, native[g]!, results, true)
        const mxcsr = new DataView(c.states.buffer, c.states.byteOffset + i * VECTOR_STATE).getUint32(
          OFFSET_FX + FX.mxcsr,
          true,
        )
        if (found.length > 0 && failures.length < 5)
          failures.push(
            `${c.name} mxcsr=${mxcsr.toString(16)}\n  ${describeState(c, i, VECTOR_STATE)}\n  ${found.slice(0, 8).join('\n  ')}`,
          )
      }
    })
    expect(count).toBeGreaterThanOrEqual(400)
    expect(failures).toEqual([])
  })
})
