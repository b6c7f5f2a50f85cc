/** The numbers of places are those that a map of the language would give. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Slots } from '../../src/engine/slots.ts'

test('a place has one slot, whatever others there are', () => {
  const place = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 2 ** 33 - 1 }), fc.constant(-1))
  fc.assert(
    fc.property(fc.array(place, { maxLength: 9000, size: 'max' }), (places) => {
      const slots = new Slots()
      const expected = new Map<number, number>()
      places.forEach((at) => {
        if (at < 0) expect(slots.add(-1)).toBe(slots.places.length - 1)
        else {
          expect(slots.find(at)).toBe(expected.get(at) ?? -1)
          const slot = slots.of(at)
          expect(slots.places[slot]).toBe(at)
          expected.set(at, expected.get(at) ?? slot)
          expect(slot).toBe(expected.get(at))
        }
      })
    }),
    { numRuns: 20 },
  )
})
