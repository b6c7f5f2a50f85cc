/** Where a thread stops at a scheduling point, nothing of its instruction has happened: code that also keeps V bits goes through the same states. */
import { expect, test } from 'vitest'
import { newEngine } from '../machine/machines.ts'
import { start, threads } from './subjects.ts'

const STEP = 20_000

test.each(['pos', 'walk'])('%s', (strategy) => {
  const engine = newEngine()
  const states = [false, true].map((definedness) => {
    const { machine } = start(threads(), { processor: engine, strategy, seed: 3, definedness })
    const found: string[] = []
    while (machine.state.ended === null && found.length < 25) {
      machine.advance(machine.state.count + STEP)
      found.push(`${machine.state.count} ${machine.hash()}`)
    }
    machine.release()
    return found
  })
  expect(states[0]!.length).toBeGreaterThan(5)
  expect(states[1]).toEqual(states[0])
})
