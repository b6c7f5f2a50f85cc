/** Executes random programs on the processor and on the engine: at once, and in quanta of a few instructions, which must change nothing. */
import { expect, test } from 'vitest'
import { nextBelow, randomFrom } from '../../src/base/random.ts'
import { integer } from '../../src/x86/table/integer.ts'
import { describeState, differences } from './compare.ts'
import { EngineUnderTest } from './engine.ts'
import type { Case } from './generate.ts'
import { INTEGER_STATE } from './layout.ts'
import { executeNatively } from './native.ts'
import { executeByInterpreter } from './oracle.ts'
import { decoderFor } from '../../src/x86/decode.ts'
import { type Program, randomProgram } from './sequence.ts'

const PROGRAMS = 400
const STATES = 30
const BATCH = 100

/** A row that leaves AF undefined: the only flag that programs leave so. */
const and = integer.find((row) => row.mnemonic === 'AND')!
const asCase = (p: Program): Case => ({
  ...p,
  row: and,
  choice: {
    opsize: 64,
    rm: 0,
    reg: 0,
    opcodeRegister: 0,
    immediate: 0,
    forceRex: false,
    repeat: 0,
    address32: false,
    lock: false,
  },
})

const engine = new EngineUnderTest()

test.each(Array.from({ length: PROGRAMS / BATCH }, (_, i) => i * BATCH))('random programs from %i on', (first) => {
  const cases = Array.from({ length: BATCH }, (_, i) => asCase(randomProgram(first + i, STATES)))
  const native = executeNatively(cases, INTEGER_STATE, false)
  const r = randomFrom(first, 'quanta')
  const failures: string[] = []
  const check = (c: Case, which: string, theirs: Uint8Array, ours: Uint8Array): void => {
    for (let i = 0; i < c.count && failures.length < 3; i++) {
      const found = differences(c, i, INTEGER_STATE, theirs, ours)
      if (found.length > 0)
        failures.push(
          `${which}\n${c.name}\n  ${describeState(c, i, INTEGER_STATE)}\n  ${found.slice(0, 8).join('\n  ')}`,
        )
    }
  }
  cases.forEach((c, g) => {
    const whole = engine.execute(c, INTEGER_STATE)
    check(c, 'at once', native[g]!, whole.results)
    const pieces = engine.execute(c, INTEGER_STATE, () => 1 + nextBelow(r, 5))
    check(c, 'in quanta', native[g]!, pieces.results)
    expect(pieces.executed).toEqual(whole.executed)
    const few: Case = { ...c, count: 2, states: c.states.subarray(0, 2 * INTEGER_STATE) }
    const stepped = executeByInterpreter(few, INTEGER_STATE, decoderFor())
    check(few, 'interpreted', native[g]!, stepped.results)
    expect(whole.executed.subarray(0, 2)).toEqual(stepped.executed)
  })
  expect(failures).toEqual([])
})
