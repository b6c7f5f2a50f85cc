/** A saved machine is the machine: restored anywhere it has the same hash, and runs on to the same end with the same output. */
import { Packr } from 'msgpackr'
import { describe, expect, test } from 'vitest'
import { nextBelow, randomFrom } from '../../src/base/random.ts'
import type { Engine } from '../../src/engine/run.ts'
import { restoreMachine } from '../../src/linux/machine.ts'
import { newEngine, newWorld, type TestMachine } from '../machine/machines.ts'
import { course, larson, MOMENTS, pooled, single, start, threads } from './subjects.ts'

type Snapshot = ReturnType<TestMachine['machine']['save']>

// Shared and typed arrays, Maps and bigints as they are.
const packr = new Packr({ structuredClone: true, moreTypes: true })

const ways: ((snapshot: Snapshot) => Snapshot)[] = [
  (snapshot) => packr.unpack(packr.pack(snapshot)) as Snapshot,
  (snapshot) => structuredClone(snapshot),
  (snapshot) => snapshot,
]

/** A machine from a snapshot; what it writes is added to `stdout`. */
function restored(snapshot: Snapshot, processor: Engine, stdout: string): TestMachine {
  const { world, output } = newWorld()
  output.stdout = stdout
  return { machine: restoreMachine(snapshot, { world, processor }), world, output }
}

describe.each([single(), threads(), larson()])('$name', (subject) => {
  const engine = newEngine()
  const expected = pooled(engine, subject)
  const random = randomFrom(subject.name.length, 'stops')

  test('saved at any stop, restored as it is, and packed and restored by an engine that has translated nothing', () => {
    const stop = nextBelow(random, expected.count)
    const original = start(subject, { processor: engine })
    original.machine.advance(stop)
    const hash = original.machine.hash()
    const snapshot = original.machine.save()
    const { stdout } = original.output
    const later = MOMENTS.filter((moment) => moment > stop)
    const rest = { ...expected, at: expected.at.slice(MOMENTS.length - later.length) }
    // The original runs on and its address space is used again: the snapshot does not notice.
    expect(course(original, later), `stopped at ${stop}`).toEqual(rest)
    original.machine.release()
    const packed = ways[0]!(snapshot)
    for (const [image, processor] of [
      [snapshot, engine],
      [packed, newEngine()],
    ] as const) {
      const again = restored(image, processor, stdout)
      expect(again.machine.hash()).toBe(hash)
      expect(course(again, later), `restored at ${stop}`).toEqual(rest)
      again.machine.release()
    }
  })

  test('moved to another machine again and again: packed, cloned, as it is', () => {
    let run = start(subject, { processor: engine })
    for (let i = 0; run.machine.state.ended === null; i++) {
      run.machine.advance(run.machine.state.count + 1 + nextBelow(random, Math.ceil(expected.count / 8)))
      const hash = run.machine.hash()
      const snapshot = ways[i % ways.length]!(run.machine.save())
      run.machine.release()
      run = restored(snapshot, engine, run.output.stdout)
      expect(run.machine.hash(), `move ${i}, at ${run.machine.state.count}`).toBe(hash)
    }
    expect(course(run, [])).toEqual({ ...expected, at: [] })
  })
})
