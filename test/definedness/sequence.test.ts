/** Random programs do what the processor does where nothing is defined, and so every instruction that depends on anything stops, is told, and is executed by itself. */
import { expect, test } from 'vitest'
import { nextBelow, randomFrom } from '../../src/base/random.ts'
import { integer } from '../../src/x86/table/integer.ts'
import { describeState, differences } from '../instructions/compare.ts'
import { EngineUnderTest } from '../instructions/engine.ts'
import type { Case } from '../instructions/generate.ts'
import { INTEGER_STATE } from '../instructions/layout.ts'
import { executeNatively } from '../instructions/native.ts'
import { randomProgram } from '../instructions/sequence.ts'

const PROGRAMS = 40
const STATES = 6

/** A row that leaves AF undefined: the only flag that programs leave so. */
const and = integer.find((row) => row.mnemonic === 'AND')!
const choice = {
  opsize: 64,
  rm: 0,
  reg: 0,
  opcodeRegister: 0,
  immediate: 0,
  forceRex: false,
  repeat: 0,
  address32: false,
  lock: false,
} as const

test('random programs, at once and in quanta', () => {
  const cases = Array.from({ length: PROGRAMS }, (_, i): Case => ({
    ...randomProgram(10_000 + i, STATES),
    row: and,
    choice,
  }))
  const native = executeNatively(cases, INTEGER_STATE, false)
  const engine = new EngineUnderTest(false, true)
  const random = randomFrom(1, 'quanta')
  const failures: string[] = []
  cases.forEach((one, g) => {
    const whole = engine.execute(one, INTEGER_STATE)
    const pieces = engine.execute(one, INTEGER_STATE, () => 1 + nextBelow(random, 5))
    expect(pieces.executed).toEqual(whole.executed)
    for (const { results } of [whole, pieces])
      for (let i = 0; i < one.count; i++) {
        const found = differences(one, i, INTEGER_STATE, native[g]!, results)
        if (found.length > 0) failures.push(`${one.name}\n${describeState(one, i, INTEGER_STATE)}\n${found.join('\n')}`)
      }
  })
  expect(failures).toEqual([])
})
