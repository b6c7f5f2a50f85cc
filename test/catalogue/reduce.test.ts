/** What is left of a list cannot be left out: against the definition, for random questions. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { reduced } from '../../src/campaign/reduce.ts'

test('what is left holds, and without any single item it does not', async () => {
  const property = fc.asyncProperty(
    fc.integer({ min: 0, max: 60 }),
    fc.array(fc.array(fc.nat({ max: 59 }), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }),
    fc.integer({ min: 1, max: 4 }),
    async (length, groups, width) => {
      const items = Array.from({ length }, (_, i) => i)
      // Any of the groups suffices; so does everything.
      const holds = (part: readonly number[]): boolean =>
        part.length === length || groups.some((group) => group.every((item) => part.includes(item)))
      const left = await reduced(items, async (part) => holds(part), width)
      if (length === 0) expect(left).toEqual([])
      else expect(holds(left)).toBe(true)
      expect(left).toEqual(items.filter((item) => left.includes(item)))
      for (const item of left) expect(holds(left.filter((other) => other !== item)) && left.length < length).toBe(false)
      expect(await reduced(items, async (part) => holds(part), 1)).toEqual(left)
    },
  )
  await fc.assert(property, { numRuns: 100, seed: 3 })
})

test('nothing is left where nothing is needed; progress is told', async () => {
  expect(await reduced([1, 2, 3], async () => true)).toEqual([])
  const told: number[] = []
  const list = Array.from({ length: 64 }, (_, i) => i)
  expect(
    await reduced(
      list,
      async (part) => part.includes(41),
      2,
      (left) => told.push(left),
    ),
  ).toEqual([41])
  expect(told.at(-1)).toBe(1)
  expect(told).toEqual(told.toSorted((a, b) => b - a))
})
