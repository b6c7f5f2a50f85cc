/** Address spaces that were given back are used again, those of the latest machine first, whatever an earlier one has left. */
import { expect, test } from 'vitest'
import { Engine } from '../../src/engine/run.ts'

test('the newest are kept, of whichever kind', () => {
  const engine = new Engine({ callDepth: 100 })
  const give = (checked: boolean, count: number): unknown[] => {
    const spaces = Array.from({ length: count }, () => engine.createSpace(checked))
    for (const space of spaces) engine.releaseSpace(space)
    return spaces
  }
  const checked = give(true, 8)
  expect(checked.includes(engine.createSpace(true))).toBe(true)
  const plain = give(false, 3)
  const again = Array.from({ length: 3 }, () => engine.createSpace(false))
  expect(again.every((space) => plain.includes(space))).toBe(true)
  expect(plain.includes(engine.createSpace(false))).toBe(false)
  expect(checked.includes(engine.createSpace(true))).toBe(true)
})
