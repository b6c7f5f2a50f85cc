/** Whatever way a moment is reached, it is the same machine: checkpoints, looking on and going back change nothing. */
import { describe, expect, test } from 'vitest'
import { nextBelow, randomFrom } from '../../src/base/random.ts'
import type { Timeline } from '../../src/replay/timeline.ts'
import { newEngine } from '../machine/machines.ts'
import { single, start, threads } from '../determinism/subjects.ts'
import { timelineFor } from './lines.ts'

const subject = threads()
const engine = newEngine()
const timeline = timelineFor(subject, { engine })
const end = timeline.end.count

/** States at moments, each reached by a machine that went straight there. */
function straight(moments: readonly number[]): Map<number, string> {
  const states = new Map<number, string>()
  const { machine } = start(subject, { processor: engine })
  for (const moment of [...moments].toSorted((a, b) => a - b)) {
    machine.advance(moment)
    states.set(moment, machine.hash())
  }
  machine.release()
  return states
}

function moments(count: number, seed: number): number[] {
  const random = randomFrom(seed, 'seeks')
  return Array.from({ length: count }, () => nextBelow(random, end + 1))
}

describe('going to moments', () => {
  test('150 random moments, forth and back: the states of a straight run', () => {
    const wanted = moments(150, 1)
    const states = straight(wanted)
    for (const moment of wanted) {
      timeline.seek(moment)
      expect([timeline.moment, timeline.subject.hash()]).toEqual([moment, states.get(moment)])
    }
  })

  test('small steps around a moment', () => {
    const from = Math.floor(end * 0.7)
    const wanted = Array.from({ length: 60 }, (_, i) => from + ((i * 37) % 61))
    const states = straight(wanted)
    for (const moment of wanted) {
      timeline.seek(moment)
      expect(timeline.subject.hash()).toBe(states.get(moment))
    }
  })

  test('a walk of 1,000 random steps, forwards and backwards, while checkpoints are thrown away', () => {
    const random = randomFrom(3, 'walk')
    const seen: { moment: number; hash: string }[] = []
    timeline.seek(Math.floor(end / 2))
    for (let i = 0; i < 1000; i++) {
      const far = 2 ** nextBelow(random, 14)
      const by = (1 + nextBelow(random, far)) * (nextBelow(random, 2) === 0 ? 1 : -1)
      timeline.seek(Math.max(0, Math.min(end, timeline.moment + by)))
      seen.push({ moment: timeline.moment, hash: timeline.subject.hash() })
      if (i % 100 === 0) timeline.forget()
    }
    const states = straight(seen.map(({ moment }) => moment))
    expect(new Set(seen.map(({ moment }) => moment)).size).toBeGreaterThan(500)
    expect(seen.filter(({ moment, hash }) => states.get(moment) !== hash)).toEqual([])
  })

  test('without checkpoints, and with little room for them', () => {
    const wanted = moments(12, 2)
    const states = straight(wanted)
    const small = timelineFor(subject, { engine, budget: 4_000_000 })
    for (const moment of wanted) {
      small.seek(moment)
      expect(small.subject.hash()).toBe(states.get(moment))
      expect(small.cost().bytes).toBeLessThan(8_000_000)
      timeline.forget()
      timeline.seek(moment)
      expect(timeline.subject.hash()).toBe(states.get(moment))
    }
  })

  test('the end is that of the recorded run, from anywhere', () => {
    expect(timeline.finish()).toMatchObject({ count: end, hash: timeline.end.hash })
    timeline.seek(1000)
    expect(timeline.finish()).toMatchObject({ count: end, hash: timeline.end.hash })
    const other = timelineFor(single(), { engine })
    other.seek(other.end.count / 2)
    expect(other.finish().hash).toBe(other.end.hash)
  })

  test('output belongs to moments, once however often it is executed', () => {
    const text = (line: Timeline): string => line.output.map(({ bytes }) => Buffer.from(bytes).toString()).join('')
    const plain = start(subject, { processor: engine })
    plain.machine.advance(Infinity)
    timeline.finish()
    expect(text(timeline)).toBe(plain.output.stdout + plain.output.stderr)
    plain.machine.release()
  })
})
