/** Uses of undefined values are found at the lines at which memcheck finds them, and nothing changes because somebody looks. */
import { execFileSync, spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { GuardedHeap } from '../../src/heap/guarded.ts'
import { restoreMachine, type Machine } from '../../src/linux/machine.ts'
import type { Observer, UndefinedEvent } from '../../src/tool/observer.ts'
import { machineFor, newEngine, newWorld, scratch } from '../machine/machines.ts'

const programs = join(import.meta.dirname, 'programs')
const place = scratch()

function build(name: string, ...options: string[]): string {
  const path = join(place, `${name.replaceAll('/', '-')}${options.join('')}`)
  const source = join(programs, `${name}.c`)
  execFileSync('gcc', ['-g', '-no-pie', '-fno-builtin', '-pthread', ...options, '-o', path, source, '-lm'])
  return path
}

const engine = newEngine()

const newHeap = (): GuardedHeap => new GuardedHeap({ quarantine: 1 << 20 })

function start(path: string, definedness: boolean): Machine {
  return machineFor(path, [], { processor: engine, ownHeap: newHeap(), definedness }).machine
}

/** What an observer hears, with the return address that lies on the stack: of a function without a frame it is the caller. */
type Told = UndefinedEvent & { caller: number }

/** An observer that keeps what it hears. */
function listener(): { observer: Observer; events: Told[] } {
  const events: Told[] = []
  const undefinedUse: Observer['undefined'] = (event, view) => {
    const top = view.readMemory(event.task, event.stack, 4)!
    events.push({ ...event, caller: new DataView(top.buffer).getUint32(0, true) })
  }
  return { observer: { name: 'listener', accesses: true, undefined: undefinedUse }, events }
}

function runAll(machine: Machine, slice = 10_000_000): void {
  while (machine.state.ended === null) machine.advance(machine.state.count + slice)
}

/** What happens where: `line kind`, ascending; calls of the system by the line that calls the library. */
function linesOf(path: string, events: readonly Told[]): string[] {
  const own = events.filter(({ kind }) => !kind.startsWith('syscall'))
  // Libraries lie far above the program.
  const addresses = own.map(({ pc, caller }) => (pc < 0x1000_0000 ? pc : caller - 1).toString(16))
  const said = execFileSync('addr2line', ['-e', path, ...addresses], { encoding: 'utf8' })
    .trim()
    .split('\n')
  const lines = own.map(({ kind }, i) => `${said[i]!.replace(/.*:(\d+).*/, '$1')} ${kind}`)
  return [...new Set(lines)].toSorted((a, b) => parseInt(a, 10) - parseInt(b, 10))
}

/** What the comments in the source say. */
function expected(name: string): { lines: string[]; calls: string[]; alone: number[] } {
  const lines: string[] = []
  const alone: number[] = []
  const calls: string[] = []
  fs.readFileSync(join(programs, `${name}.c`), 'utf8')
    .split('\n')
    .forEach((text, i) => {
      const what = /\/\* ([\w ]+) \*\/$/.exec(text)?.[1]
      if (what === 'jump' || what === 'address') lines.push(`${i + 1} ${what}`)
      else if (what === 'memcheck alone') alone.push(i + 1)
      else if (what !== undefined) calls.push(what)
    })
  return { lines, calls, alone }
}

/** What memcheck says, in the same form; its own string functions say things in the library. */
function memcheck(path: string, source: string): { lines: string[]; calls: string[] } {
  const { stderr } = spawnSync('valgrind', ['-q', '--undef-value-errors=yes', path], { encoding: 'utf8' })
  const lines: string[] = []
  const calls: string[] = []
  for (const report of stderr.split(/==\d+== \n/)) {
    const syscall = /Syscall param (\w+)\(/.exec(report)
    const line = new RegExp(`\\(${source}:(\\d+)\\)`).exec(report)?.[1]
    if (syscall) calls.push(syscall[1]!)
    else if (/Conditional jump/.test(report)) lines.push(`${line} jump`)
    else if (/Use of uninitialised/.test(report)) lines.push(`${line} address`)
  }
  return { lines: [...new Set(lines)].toSorted((a, b) => parseInt(a, 10) - parseInt(b, 10)), calls }
}

describe.each([
  ['uses', '-O1'],
  ['uses', '-O0'],
  ['uses', '-O2'],
  ['exact', '-O2'],
  ['below', '-O2'],
] as const)('%s, %s', (name, optimise) => {
  const path = build(name, optimise)
  const { observer, events } = listener()
  const machine = start(path, true)
  machine.addObserver(observer)
  runAll(machine)
  const calls = events.filter(({ kind }) => kind.startsWith('syscall')).map(({ by }) => by)

  test('as the source says', () => {
    const { lines, calls: said } = expected(name)
    expect(linesOf(path, events)).toEqual(lines)
    expect(calls).toEqual(said)
  })

  test('as memcheck says', () => {
    const { lines, calls: said } = memcheck(path, `${name}.c`)
    const { alone } = expected(name)
    expect(linesOf(path, events)).toEqual(lines.filter((line) => !alone.includes(parseInt(line, 10))))
    expect(calls).toEqual(said)
  })

  test('nothing changes', () => {
    const plain = start(path, false)
    runAll(plain)
    expect([machine.state.count, machine.hash(), machine.state.ended]).toEqual([
      plain.state.count,
      plain.hash(),
      plain.state.ended,
    ])
  })
})

const moments = [1000, 40_000, 90_000, 95_000, 100_000, 150_000, 400_000]

describe.each([
  { name: 'uses', path: build('uses', '-O1') },
  { name: 'threads', path: build('../../determinism/programs/threads', '-O2', '-static') },
])('$name, looked at in the middle', ({ path }) => {
  /** Hashes at moments, the end, and what was told until then. */
  function course(definedness: boolean, slice: number): { hashes: string[]; told: Told[] } {
    const machine = start(path, definedness)
    const { observer, events } = listener()
    machine.addObserver(observer)
    const hashes: string[] = []
    for (const moment of moments) {
      while (machine.state.ended === null && machine.state.count < moment)
        machine.advance(Math.min(moment, machine.state.count + slice))
      hashes.push(`${machine.state.count} ${machine.hash()}`)
    }
    runAll(machine, slice * 100)
    hashes.push(`${machine.state.count} ${machine.hash()} ${JSON.stringify(machine.state.ended)}`)
    machine.release()
    return { hashes, told: events }
  }
  const whole = course(true, 1_000_000)

  test('the states are those of a run without', () => {
    const { hashes, told } = course(false, 1_000_000)
    expect(told).toEqual([])
    expect(whole.hashes).toEqual(hashes)
  })

  test('slices make no difference', () => {
    expect(course(true, 997)).toEqual(whole)
  })

  test('a machine that was saved and restored tells the same', () => {
    const before = start(path, true)
    before.advance(91_000)
    const { observer, events } = listener()
    const after = restoreMachine(before.save(), { ...newWorld(), processor: engine, ownHeap: newHeap() })
    before.release()
    after.addObserver(observer)
    runAll(after)
    expect(`${after.state.count} ${after.hash()} ${JSON.stringify(after.state.ended)}`).toBe(whole.hashes.at(-1))
    expect(events).toEqual(whole.told.filter(({ moment }) => moment >= 91_000))
    expect(events.length > 5 || path.includes('threads')).toBe(true)
    after.release()
  })
})
