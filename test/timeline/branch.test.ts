/** Clones that are sent on from a moment: their fates depend on their seeds alone, the run stays where it was, and a recording of one replays. */
import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMachine } from '../../src/linux/machine.ts'
import { Place } from '../e2e/lemming.ts'
import { newEngine, newWorld } from '../machine/machines.ts'
import { timelineFor } from './lines.ts'

const place = new Place({ check: 'none' })
const path = join(place.path, 'race')

beforeAll(() => {
  execFileSync('gcc', ['-g', '-O1', '-static', '-pthread', '-o', path, join(import.meta.dirname, 'programs/race.c')])
})
afterAll(() => place.remove())

describe('branches', () => {
  const engine = newEngine()
  const env = ['PATH=/usr/bin:/bin']
  const line = () => timelineFor({ name: 'race', path, args: [], env }, { engine })

  test('other seeds, other fates; the same seed, the same fate; the run as it was', () => {
    const timeline = line()
    const moment = Math.floor(timeline.end.count * 0.6)
    timeline.seek(moment)
    const before = timeline.subject.hash()
    const fate = (seed: number): string =>
      timeline.branch(
        seed,
        Infinity,
        (error) => `${JSON.stringify(timeline.subject.ending())} ${timeline.subject.hash()} ${error}`,
      )
    const first = Array.from({ length: 12 }, (_, seed) => fate(seed))
    expect(new Set(first).size).toBeGreaterThan(6)
    expect(Array.from({ length: 12 }, (_, seed) => fate(seed))).toEqual(first)
    // One that is looked at where something is found first, with changes.
    const { tid, registers } = timeline.subject.tasks()[0]!
    const set = [{ tid, register: 3, value: `0x${(registers[3]! + 1n).toString(16)}` }]
    const found = timeline.branch(null, Infinity, (_, hit) => hit?.kind, set, { switches: true })
    expect(found).toBe('switch')
    expect([timeline.moment, timeline.subject.hash()]).toEqual([moment, before])
    expect(timeline.finish().hash).toBe(timeline.end.hash)
  })

  test('a machine that is made with a branch is that clone, in slices of any size', () => {
    const timeline = line()
    const moment = Math.floor(timeline.end.count * 0.5)
    timeline.seek(moment)
    const expected = timeline.branch(7, Infinity, () => [timeline.subject.count, timeline.subject.hash()])
    for (const slice of [Infinity, 1000, 777]) {
      const options = { path, argv: [path], env, cwd: '/tmp', seed: 1, processor: engine }
      const ids = { uid: process.getuid!(), gid: process.getgid!() }
      const machine = createMachine({ ...options, ...ids, world: newWorld().world, branches: [{ moment, seed: 7 }] })
      while (machine.state.ended === null) machine.advance(machine.state.count + slice)
      expect([machine.state.count, machine.hash()]).toEqual(expected)
      machine.release()
    }
  })
})

test('lemming branch: a table of fates, and one of them as a recording', () => {
  const recording = join(place.path, 'race.lemming')
  const { instructions } = place.json('run', ['--seed', '1', '--export', recording, '--', path])
  const from = `${recording}@${Math.floor(instructions / 2)}`
  const kept = join(place.path, 'kept.lemming')
  const { code, stdout, stderr } = place.lemming(['branch', from, '--lemmings', '12', '--keep', '5', '-o', kept])
  expect(stderr).toContain('seed 5 from @')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^12 lemmings from @\d+:\n/)
  const counts = [...stdout.matchAll(/^ +(\d+) +[\d.]+ % {2}exit [012]$/gm)].map(([, count]) => Number(count))
  expect(counts.reduce((sum, one) => sum + one, 0)).toBe(12)
  expect(existsSync(kept)).toBe(true)
  const told = /seed 5 from @\d+, exit (\d)/.exec(stderr)!
  expect(place.lemming(['replay', kept])).toMatchObject({ code: Number(told[1]) })
  expect(place.lemming(['replay', kept, '--ex', 'moment']).stdout).toContain(`exit with code ${told[1]}`)
  expect(place.lemming(['branch', recording]).stderr).toContain('nothing comes after this moment')
})

test('lemming hunt --from: the same clones, whose failures are kept and replay', () => {
  const recording = join(place.path, 'begun.lemming')
  const { instructions } = place.json('run', ['--seed', '1', '--export', recording, '--', path])
  const from = `${recording}@${Math.floor(instructions / 2)}`
  const options = [
    '--seed',
    '1',
    '--runs',
    '8',
    '--until',
    'never',
    '--nonzero-exit',
    '--no-false-start',
    '--out',
    join(place.path, 'begun'),
  ]
  const { runs, failures } = place.json('hunt', ['--from', from, ...options])
  const { lemmings } = place.json('branch', [from, '--lemmings', '8'])
  const bad = lemmings.filter(({ ending }) => ending?.kind === 'exit' && ending.code !== 0)
  expect(runs).toBe(8)
  expect(bad.length).toBeGreaterThan(0)
  expect(failures.map(({ seed, hash }) => [seed, hash])).toEqual(bad.map(({ seed, hash }) => [seed, hash]))
  expect(place.lemming(['replay', failures[0]!.path]).stderr).toContain('as recorded')
  expect(place.lemming(['hunt', '--from', from, '--', path]).stderr).toContain('a program is given too')
  expect(place.lemming(['hunt', '--from', recording]).stderr).toContain('nothing comes after this moment')
})

test('lemmings with other memory and registers, as JSON; one is kept as a failure that replays', () => {
  const program = join(place.path, 'changed')
  const source = `#include <stdio.h>
struct flags { unsigned low : 3, state : 5, high : 24; };
struct flags flags = { 1, 2, 3 };
long number = 5;
int main(void) {
  long mine = number;
  if (flags.low != 1 || flags.high != 3) return 9;
  printf("%ld %d\\n", mine, flags.state);
  return mine == 7 ? 100 + flags.state : 0;
}
`
  writeFileSync(`${program}.c`, source)
  execFileSync('gcc', ['-g', '-O0', '-o', program, `${program}.c`])
  const recording = join(place.path, 'changed.lemming')
  place.lemming(['run', '--export', recording, '--', program])
  const { stdout } = place.lemming([
    'replay',
    recording,
    '--ex',
    'seek start',
    '--ex',
    'tbreak changed.c:7',
    '--ex',
    'continue',
  ])
  const moment = /Temporary breakpoint 1 at @(\d+)/.exec(stdout)![1]!
  const from = `${recording}@${moment}`
  const fate = (...set: string[]) =>
    place.json('branch', [from, '--same-schedule', ...set.flatMap((one) => ['--set', one])]).lemmings[0]!
  expect(fate().ending).toEqual({ kind: 'exit', code: 0 })
  expect(fate().moment).toBe(place.json('replay', [recording]).instructions)
  expect(fate('mine = number + 2').ending).toEqual({ kind: 'exit', code: 102 })
  expect(fate('mine = 7', 'flags.state = 9').ending).toEqual({ kind: 'exit', code: 109 })
  expect(fate('$rcx = 5')).toMatchObject({ seed: null, ending: { kind: 'exit', code: 0 } })
  expect(fate('$rsp = 16').ending).toMatchObject({ kind: 'signal', name: 'SIGSEGV' })
  // Parts of registers leave the rest as it is.
  expect(fate('$pc = $pc').ending).toEqual({ kind: 'exit', code: 0 })
  expect(fate('$rip = 3').ending).toMatchObject({ kind: 'signal', address: '0x3' })
  const rbx = (set: string): number => {
    const kept = ['--lemmings', '1', '--keep', '1', '-o', `${program}.kept`, '--set', '$rsp = 16', '--set', set]
    place.lemming(['branch', from, ...kept])
    return Number(/= (\d+)\n/.exec(place.lemming(['replay', `${program}.kept`, '--ex', 'p $rbx']).stdout)![1])
  }
  const whole = rbx('$r15 = 0')
  expect(rbx('$bl = 3')).toBe(whole - (whole & 255) + 3)
  expect(rbx('$bh = 4')).toBe(whole - (whole & 0xff00) + 0x400)
  expect(place.lemming(['branch', from, '--set', 'mine + 1']).stderr).toContain('an assignment is expected')
  // A lemming that did not fail is no failure.
  expect(place.lemming(['branch', from, '--lemmings', '1', '--keep', '1']).stderr).toContain('is no failure: exit 0')
  const kept = place.json('branch', [from, '--lemmings', '2', '--keep', '2', '--set', '$rsp = 16'])
  expect(kept.kept).toMatchObject([{ seed: 2, path: expect.stringMatching(/failures\/F1$/) }])
  expect(place.lemming(['replay', 'F1']).stderr).toContain('as recorded')
  expect(place.lemming(['failures', 'F1']).stdout).toContain('SIGSEGV')
})
