/** Checks change nothing: count and state are those of the run without them, whole and in slices; what they heard survives a save. */
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Checks } from '../../src/checks/checks.ts'
import { GuardedHeap } from '../../src/heap/guarded.ts'
import type { Machine } from '../../src/linux/machine.ts'
import { Place } from '../e2e/lemming.ts'
import { build } from '../heap/programs.ts'
import { machineFor, newEngine } from '../machine/machines.ts'

const place = new Place()
afterAll(() => place.remove())

const engine = newEngine()
const machine = (path: string, definedness: boolean): Machine =>
  machineFor(path, [], { seed: 5, processor: engine, ownHeap: new GuardedHeap({ quarantine: 1 << 16 }), definedness })
    .machine

test.each([
  ['programs', 'faults.c'],
  ['programs', 'jumps.c'],
  ['undefined', 'jumps.c'],
  ['undefined', 'calls.c'],
  ['yardstick', 'requests.c'],
])('%s/%s', (folder, file) => {
  const path = build(place, file, { folder: join(import.meta.dirname, folder) })
  const plain = machine(path, false)
  plain.advance(Infinity)
  const expected = [plain.state.count, plain.hash()]

  const whole = machine(path, true)
  const checks = new Checks(['memory', 'leak'])
  for (const observer of checks.observers) whole.addObserver(observer)
  whole.advance(Infinity)
  expect([whole.state.count, whole.hash()]).toEqual(expected)
  expect(checks.facts.faults.length + checks.facts.undefined.length).toBeGreaterThan(0)

  const sliced = machine(path, true)
  const again = new Checks(['memory', 'leak'])
  for (const observer of again.observers) sliced.addObserver(observer)
  for (let at = 0; sliced.advance(at).ended === null; at += 1013)
    for (const observer of again.observers) observer.restore!(observer.save!())
  expect([sliced.state.count, sliced.hash()]).toEqual(expected)
  expect(again.facts).toEqual(checks.facts)
})
