/** A run that loses power is a run like others: one count and one state for its seed, in slices, from snapshots, watched, and walked both ways. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { straceObserver } from '../../src/lab/strace.ts'
import { Checkpoints } from '../../src/linux/checkpoint.ts'
import { Machine, restoreMachine } from '../../src/linux/machine.ts'
import type { PowerLoss } from '../../src/tool/power-loss.ts'
import { machineFor, newEngine, scratch, type TestMachine } from '../machine/machines.ts'

const place = scratch()
const program = join(place, 'twins')
const cwd = join(place, 'run')
const engine = newEngine()

beforeAll(() => {
  chmodSync(place, 0o755)
  mkdirSync(cwd)
  execFileSync('gcc', ['-O1', '-g', '-static', '-o', program, join(import.meta.dirname, 'programs/twins.c')])
})

function start(way: string, seed: number): TestMachine {
  const recover = { path: program, argv: [program, way, 'check'] }
  return machineFor(program, [way, 'wrong'], {
    cwd,
    seed,
    processor: engine,
    powerLoss: { model: 'posix', recover, within: 12 },
  })
}

type End = [count: number, hash: string, ended: unknown]

function end(machine: Machine): End {
  const { count, ended } = machine.advance(Infinity)
  return [count, machine.hash(), ended]
}

describe.each([
  ['rename', 3],
  ['mapped', 4],
  ['log', 5],
])('%s, seed %i', (way, seed) => {
  let expected: End
  let loss: PowerLoss

  beforeAll(() => {
    const { machine } = start(way, seed)
    expected = end(machine)
    loss = machine.state.fs.disk!.loss!
    machine.release()
  })

  test('again, and in slices', () => {
    for (const slice of [997, 10_007]) {
      const { machine } = start(way, seed)
      while (machine.state.ended === null) machine.advance(machine.state.count + slice)
      expect([machine.state.count, machine.hash(), machine.state.ended]).toEqual(expected)
      machine.release()
    }
  })

  test('from snapshots before, right before and behind the loss', () => {
    for (const moment of [Math.floor(loss.moment / 2), loss.moment, loss.moment + 1, loss.moment + 500]) {
      const { machine, world } = start(way, seed)
      machine.advance(moment)
      expect(machine.state.fs.disk!.loss === null).toBe(moment <= loss.moment)
      const copy = restoreMachine(machine.save(), { world, processor: engine })
      expect(copy.hash()).toBe(machine.hash())
      expect(end(machine)).toEqual(expected)
      expect(end(copy)).toEqual(expected)
      machine.release()
      copy.release()
    }
  })

  test('back across it by checkpoints', () => {
    const { machine } = start(way, seed)
    const checkpoints = new Checkpoints()
    machine.advance(loss.moment - 100)
    const before = checkpoints.take(machine.kernel)
    const hash = machine.hash()
    machine.advance(loss.moment + 1000)
    const behind = checkpoints.take(machine.kernel)
    const later = machine.hash()
    let at = new Machine(checkpoints.restore(machine.kernel, before))
    expect(at.hash()).toBe(hash)
    at = new Machine(checkpoints.restore(at.kernel, behind))
    expect(at.hash()).toBe(later)
    at = new Machine(checkpoints.restore(at.kernel, before))
    expect(end(at)).toEqual(expected)
    at.release()
  })

  test('watched: the trace tells of it once', () => {
    const { machine } = start(way, seed)
    const lines: string[] = []
    machine.addObserver(straceObserver((line) => lines.push(line)))
    expect(end(machine)).toEqual(expected)
    machine.release()
    expect(lines.filter((line) => line.startsWith('+++ power lost'))).toHaveLength(1)
  })
})
