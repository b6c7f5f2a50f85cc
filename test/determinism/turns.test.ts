/** A schedule that was written down, followed, is the same run, whatever strategy drew it; and it is a strategy like any other. */
import { describe, expect, test } from 'vitest'
import { nextBelow, randomFrom } from '../../src/base/random.ts'
import { restoreMachine, type Machine } from '../../src/linux/machine.ts'
import { strategyNamed } from '../../src/linux/scheduler/strategies.ts'
import { logged, scheduleOf, turnsName, type Schedule } from '../../src/linux/scheduler/turns.ts'
import { newEngine } from '../machine/machines.ts'
import { start, threads } from './subjects.ts'

const subject = threads()
const engine = newEngine()

/** What a run has come to, apart from what its strategy remembers. */
function fate(machine: Machine): unknown {
  machine.advance(Number.MAX_SAFE_INTEGER)
  const { count, ended, clock, tasks } = machine.state
  return structuredClone({ count, ended, clock, tasks: [...tasks.keys()] })
}

function written(strategy: string, seed: number): { expected: unknown; output: string; schedule: Schedule } {
  const { machine, output } = start(subject, { processor: engine, strategy, seed })
  const schedule: Schedule = { switches: [], chosen: [], moments: [] }
  machine.kernel.strategy = logged(machine.kernel.strategy, schedule)
  const expected = fate(machine)
  machine.release()
  return { expected, output: output.stdout, schedule }
}

describe.each(['random', 'walk', 'pct:3'])('%s', (strategy) => {
  test.each([1, 2])('seed %i: the same run', (seed) => {
    const { expected, output, schedule } = written(strategy, seed)
    expect(schedule.switches.length).toBeGreaterThan(3)
    expect(schedule.moments).toHaveLength(schedule.switches.length)
    const again = start(subject, { processor: engine, strategy: turnsName(schedule), seed })
    expect(fate(again.machine)).toEqual(expected)
    expect(again.output.stdout).toBe(output)
    again.machine.release()
  })
})

describe('a strategy like any other', () => {
  const { schedule } = written('random', 5)
  // Some switches are gone, as when a failure is reduced.
  const part = { ...schedule, switches: schedule.switches.filter((_, i) => i % 3 !== 1) }
  const make = (): ReturnType<typeof start> => start(subject, { processor: engine, strategy: turnsName(part), seed: 5 })
  const end = (machine: Machine): string => {
    machine.advance(Number.MAX_SAFE_INTEGER)
    const text = `${machine.state.count} ${machine.hash()}`
    machine.release()
    return text
  }
  const expected = end(make().machine)

  test('in slices', () => {
    const { machine } = make()
    const draws = randomFrom(1, 'slices')
    while (machine.state.ended === null) machine.advance(machine.state.count + 1 + nextBelow(draws, 20_000))
    expect(end(machine)).toBe(expected)
  })

  test('from a snapshot', () => {
    const { machine, world } = make()
    machine.advance(200_000)
    const copy = restoreMachine(structuredClone(machine.save()), { world, processor: engine })
    machine.release()
    expect(end(copy)).toBe(expected)
  })
})

describe('its name', () => {
  test('comes back as it was', () => {
    const schedule = {
      switches: [
        { tid: 1000, count: 523, to: 1001 },
        { tid: 1001, count: 0, to: 1000 },
      ],
      chosen: [0, 2],
    }
    expect(turnsName(schedule)).toBe('turns:1000@523:1001,1001@0:1000/0.2')
    for (const one of [schedule, { ...schedule, chosen: [] }, { switches: [], chosen: [] }])
      expect(scheduleOf(turnsName(one))).toEqual(one)
  })

  test.each(['turns:1000', 'turns:1000@5', 'turns:a@1:2', 'turns:1@1:2,', 'turns:1@99999999999999999:2'])(
    '%s is refused',
    (name) => {
      expect(() => strategyNamed(name)).toThrow(expect.objectContaining({ code: 'unknown-strategy' }))
    },
  )
})
