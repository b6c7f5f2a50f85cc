/** One instruction that loads and stores, and is not atomic, has two halves between which other threads can come: on a real machine, and by every strategy that goes from point to point. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { restoreMachine, type Machine } from '../../src/linux/machine.ts'
import { logged, turnsName, type Schedule } from '../../src/linux/scheduler/turns.ts'
import { machineFor, newEngine, scratch, type TestMachine } from '../machine/machines.ts'

const engine = newEngine()
const directory = scratch()

/** Two threads each change a variable once, in one instruction; the exit code is what it is afterwards. */
function program(name: string, change: string): string {
  const source = join(directory, `${name}.c`)
  const path = join(directory, name)
  writeFileSync(
    source,
    `#include <pthread.h>
static long words[4];
static int n;
static void *change(void *step) { ${change}; return step; }
int main(void) {
  pthread_t a, b;
  pthread_create(&a, 0, change, (void *)1L);
  pthread_create(&b, 0, change, (void *)2L);
  pthread_join(a, 0);
  pthread_join(b, 0);
  return n + (words[3] != 0) + (int)(words[1] >> 1);
}
`,
  )
  execFileSync('gcc', ['-O2', '-g', '-pthread', '-o', path, source])
  return path
}

const plain = program('plain', '__asm__ volatile("addl %1, %0" : "+m"(n) : "r"((int)(long)step))')
const atomic = program('atomic', '__asm__ volatile("lock addl %1, %0" : "+m"(n) : "r"((int)(long)step))')

/** Works on words[1], though the operand is words[0]: bit numbers go on behind it. */
const bits = program('bits', '__asm__ volatile("btsq %1, %0" : "+m"(words[0]) : "r"(64 + (long)step) : "memory")')

const start = (path: string, strategy: string, seed: number): TestMachine =>
  machineFor(path, [], { strategy, seed, processor: engine })

function codeOf(machine: Machine): number {
  const { ended } = machine.advance(20_000_000)
  return ended?.kind === 'exit' ? ended.code : -1
}

/** Exit codes of so many seeds, or of as many as it takes to see `enough` different ones. */
function codes(path: string, strategy: string, seeds: number, enough = Infinity): Set<number> {
  const seen = new Set<number>()
  for (let seed = 0; seed < seeds && seen.size < enough; seed++) {
    const { machine } = start(path, strategy, seed)
    seen.add(codeOf(machine))
    machine.release()
  }
  return seen
}

describe.each(['walk', 'pos', 'pct:2:20'])('%s', (strategy) => {
  test('loses either update', { timeout: 60_000 }, () => {
    expect(codes(plain, strategy, 500, 3)).toEqual(new Set([1, 2, 3]))
  })
})

test('no atomic one is lost, and what bit numbers lead to is', { timeout: 60_000 }, () => {
  expect(codes(atomic, 'walk', 20)).toEqual(new Set([3]))
  // Bits 1 and 2, or one of them.
  expect(codes(bits, 'walk', 500, 3)).toEqual(new Set([1, 2, 3]))
})

describe('a run in which an update is lost', () => {
  let seed = 0
  const first = start(plain, 'walk', seed)
  while (codeOf(first.machine) === 3) Object.assign(first, start(plain, 'walk', ++seed))
  const end = (machine: Machine): string => `${codeOf(machine)} ${machine.state.count} ${machine.hash()}`
  const expected = end(first.machine)

  /** Moments at which some thread stands between load and store. */
  const halfway: number[] = []

  test('is the same instruction by instruction', () => {
    const { machine } = start(plain, 'walk', seed)
    while (machine.state.tasks.size < 2) machine.advance(machine.state.count + 200)
    while (machine.state.ended === null) {
      machine.advance(machine.state.count + 1)
      if ([...machine.state.tasks.values()].some(({ loaded }) => loaded !== undefined))
        halfway.push(machine.state.count)
    }
    expect(end(machine)).toBe(expected)
    expect(halfway.length).toBeGreaterThan(0)
    machine.release()
  })

  test('and from a snapshot between load and store', () => {
    const { machine, world } = start(plain, 'walk', seed)
    const moment = halfway[halfway.length >> 1]!
    machine.advance(moment)
    const other = start(plain, 'walk', seed).machine
    for (let at = moment - 300; at <= moment; at++) other.advance(at)
    expect(other.hash()).toBe(machine.hash())
    other.release()
    const copy = restoreMachine(structuredClone(machine.save()), { world, processor: engine })
    machine.release()
    expect(end(copy)).toBe(expected)
    copy.release()
  })

  test('and by its schedule, written down', () => {
    const { machine } = start(plain, 'walk', seed)
    const schedule: Schedule = { switches: [], chosen: [] }
    machine.kernel.strategy = logged(machine.kernel.strategy, schedule)
    const code = codeOf(machine)
    machine.release()
    expect(turnsName(schedule)).toMatch(/@\d+\+:/)
    const again = start(plain, turnsName(schedule), seed)
    expect(codeOf(again.machine)).toBe(code)
    again.machine.release()
    const whole = { ...schedule, switches: schedule.switches.map(({ tid, count, to }) => ({ tid, count, to })) }
    const without = start(plain, turnsName(whole), seed)
    expect(codeOf(without.machine)).toBe(3)
    without.machine.release()
  })
})
