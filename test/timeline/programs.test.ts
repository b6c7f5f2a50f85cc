/** Moments of programs of many kinds (processes, shared memory, mappings at two addresses, signals) are reached as by a straight run. */
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { nextBelow, randomFrom } from '../../src/base/random.ts'
import { root } from '../house/tree.ts'
import { newEngine, scratch } from '../machine/machines.ts'
import { start, type Subject } from '../determinism/subjects.ts'
import { timelineFor } from './lines.ts'

const SEEKS = 8
const place = scratch()
const engine = newEngine()
const all = ['test/programs/pass', 'test/processes/pass'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.c'))
    .map((name) => join(root, folder, name)),
)
const chosen =
  process.env.LEMMING_TEST_TIMELINE === 'all'
    ? all
    : all.filter((path) => /(children|mappings|shared|signals)\.c$/.test(path))

test.each(chosen.map((path) => basename(path)))('%s', (name) => {
  const source = chosen.find((path) => basename(path) === name)!
  const path = join(place, name.replace(/\.c$/, ''))
  execFileSync('gcc', ['-O1', '-w', '-pthread', '-o', path, source, '-lm', '-lrt'])
  const subject: Subject = { name, path, args: [], env: ['PATH=/usr/bin:/bin'] }
  const timeline = timelineFor(subject, { engine })
  const random = randomFrom(1, name)
  const moments = Array.from({ length: SEEKS }, () => nextBelow(random, timeline.end.count))
  const { machine } = start(subject, { processor: engine })
  const states = new Map(
    moments
      .toSorted((a, b) => a - b)
      .map((moment) => {
        machine.advance(moment)
        return [moment, machine.hash()]
      }),
  )
  machine.release()
  for (const moment of moments) {
    timeline.seek(moment)
    expect([timeline.moment, timeline.subject.hash()]).toEqual([moment, states.get(moment)])
  }
  expect(timeline.finish().hash).toBe(timeline.end.hash)
})
