/** Exists to make one test of each instruction row: generate cases, run them natively and on the engine, compare. */
import { describe, expect, test } from 'vitest'
import { decoderFor } from '../../src/x86/decode.ts'
import { Insn } from '../../src/x86/insn.ts'
import { ANNOUNCEMENTS } from '../../src/x86/features.ts'
import type { InsnRow } from '../../src/x86/table/types.ts'
import { describeState, differences } from './compare.ts'
import { EngineUnderTest, expectedCount } from './engine.ts'
import { type Amount, type Case, casesOf, isVector } from './generate.ts'
import { INTEGER_STATE, RESULT_HEAD, VECTOR_STATE } from './layout.ts'
import { executeNatively, processorFlags } from './native.ts'
import { codePage } from './oracle.ts'

/** 200 values for each operand shape: four register or address choices of 50 each. */
const AMOUNT: Amount = { vectors: 50, variants: 4, seed: 1 }

/** Names in /proc/cpuinfo of the features that rows need. */
const CPUINFO = new Map(
  ANNOUNCEMENTS.flatMap(({ feature, name }) => (feature === undefined || name === '' ? [] : [[feature, name]])),
)

const insn = new Insn()

/** Does the machine's decoder give this row for the code? Rows of features that it does not announce are not executed. */
function isReached(c: Case): boolean {
  const result = decoderFor().decode(codePage(c.code), 0, 15, 0, insn)
  return result !== 0 || insn.form.row === c.row
}

/** Differences of a whole row, at most a few, each with the state that led to it. */
function failuresOf(
  engine: EngineUnderTest,
  cases: readonly Case[],
  vector: boolean,
): { count: number; failures: string[] } {
  const stateSize = vector ? VECTOR_STATE : INTEGER_STATE
  const native = executeNatively(cases, stateSize, vector)
  const failures: string[] = []
  let count = 0
  cases.forEach((c, g) => {
    const { results, executed } = engine.execute(c, stateSize)
    const size = stateSize + RESULT_HEAD
    for (let i = 0; i < c.count; i++, count++) {
      const found = differences(c, i, stateSize, native[g]!, results)
      const before = new DataView(c.states.buffer, c.states.byteOffset + i * stateSize, stateSize)
      const after = new DataView(native[g]!.buffer, native[g]!.byteOffset + i * size, size)
      const counted = expectedCount(
        c,
        after.getBigUint64(8, true),
        before.getBigUint64(8, true),
        after.getBigUint64(RESULT_HEAD + 8, true),
      )
      if (executed[i] !== counted) found.push(`instructions: expected ${counted}, counted ${executed[i]}`)
      if (found.length > 0 && failures.length < 5)
        failures.push(`${c.name}\n  ${describeState(c, i, stateSize)}\n  ${found.slice(0, 8).join('\n  ')}`)
    }
  })
  return { count, failures }
}

/** One test for each row that can be executed here. */
export function testRows(title: string, rows: readonly InsnRow[]): void {
  const flags = processorFlags()
  const runnable = (row: InsnRow): boolean => {
    const name = row.feature === undefined ? undefined : CPUINFO.get(row.feature)
    return (
      row.untested === undefined &&
      (name === undefined || flags.has(name)) &&
      (row.feature === undefined || decoderFor().has(row.feature))
    )
  }
  const engine = new EngineUnderTest()
  describe(title, () => {
    test.each(rows.filter(runnable).map((row) => [`${row.mnemonic} ${row.operands} (${row.op})`, row] as const))(
      '%s',
      (_name, row) => {
        const { count, failures } = failuresOf(engine, casesOf(row, AMOUNT).filter(isReached), isVector(row))
        expect(count).toBeGreaterThanOrEqual(200)
        expect(failures).toEqual([])
      },
    )
  })
}
