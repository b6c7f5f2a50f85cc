/** A program's own allocators are followed when they are described: on the command line, or in a configuration. */
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { GuardedHeap } from '../../src/heap/guarded.ts'
import { HeapCheck } from '../../src/checks/heap.ts'
import { Place } from '../e2e/lemming.ts'
import { build, marks, type Finding, type Marked } from '../heap/programs.ts'
import { machineFor, newEngine } from '../machine/machines.ts'

const folder = join(import.meta.dirname, 'custom')
const place = new Place()
afterAll(() => place.remove())

const ALLOCATES = ['my_alloc:size=0', 'my_zeroed:count=0,size=1', 'arena_alloc:pool=0,size=1']
const FREES = ['my_free:ptr=0', 'arena_reset:pool=0']
const DESCRIBED = [...ALLOCATES.flatMap((one) => ['--alloc', one]), ...FREES.flatMap((one) => ['--free', one])]

/** Findings by the line of main that leads to them. */
function found(findings: readonly Finding[]): Marked[] {
  return findings
    .map(({ kind, thread, times = 1 }) => ({
      line: thread?.stack.frames.find((frame) => frame.function === 'main')?.line ?? 0,
      kind,
      times,
    }))
    .toSorted((a, b) => a.line - b.line || a.kind.localeCompare(b.kind))
}

describe.each(['pool.c', 'twice.c'])('%s', (file) => {
  test('as its lines say', () => {
    const { findings } = place.json('run', [
      '--check',
      'memory,leak',
      ...DESCRIBED,
      '--',
      build(place, file, { folder }),
    ])
    expect(found(findings)).toEqual(marks(file, folder))
  })

  test('nothing where nothing is wrong, with undefined values', () => {
    const path = build(place, file, { folder, good: true })
    const options = ['--check', 'memory,leak', ...DESCRIBED]
    const { findings, stdout, ending } = place.json('run', [...options, '--', path])
    expect(findings.map(({ kind, what }) => [kind, what])).toEqual([])
    expect([stdout.text, ending]).toEqual([spawnSync(path, { encoding: 'utf8' }).stdout, { kind: 'exit', code: 0 }])
  })
})

test('superslab: the block that is handed out twice is told before the crash', () => {
  const example = join(import.meta.dirname, '../../examples/superslab')
  execFileSync('make', ['-s', '-C', example, `OUT=${place.path}`, 'larson'])
  const options = ['--strategy', 'random', '--env', 'FAST_CAP=0', '--alloc', 'malloc:size=0', '--free', 'free:ptr=0']
  const [wrong, right] = ['SS_DRAIN=current', 'SS_FIX=1'].map((setting) => ['--env', setting])
  const larson = ['--', join(place.path, 'larson'), '0.02', '8', '128', '1024', '1', '12345', '4']
  const { findings, finding } = place.json('run', ['--check', 'memory', ...options, ...wrong!, ...larson])
  expect(finding!.signal).toMatchObject({ name: 'SIGSEGV' })
  expect(findings[0]).toMatchObject({ kind: 'overlapping-block', block: { state: 'live' } })
  expect(findings[0]!.moment).toBeLessThan(finding!.moment)
  // Links in freed blocks, from which addresses of new ones come, are the allocator's business.
  expect(place.json('run', ['--check', 'memory', ...options, ...right!, ...larson]).findings).toEqual([])
})

test('the same run, watched or not, whole and in slices', () => {
  const path = build(place, 'pool.c', { folder })
  const custom = [
    { fn: 'my_alloc', frees: false, size: 0 },
    { fn: 'my_free', frees: true, ptr: 0 },
  ]
  const machine = () =>
    machineFor(path, [], { seed: 3, processor: newEngine(), ownHeap: new GuardedHeap({ quarantine: 4096, custom }) })
      .machine
  const whole = machine()
  whole.advance(Infinity)
  const watched = machine()
  const check = new HeapCheck(['memory', 'leak'])
  watched.addObserver(check)
  for (let at = 0; watched.advance(at).ended === null; at += 997);
  expect(check.facts.faults.map(({ first }) => first.kind)).toContain('double-free')
  expect([watched.state.count, watched.hash()]).toEqual([whole.state.count, whole.hash()])
})

test.each([
  [['--alloc', 'f'], 'There are no arguments'],
  [['--alloc', 'f:ptr=0'], 'f: no size is given'],
  [['--alloc', 'f:size=6'], "'size=6' is none"],
  [['--free', 'f:size=0'], 'neither ptr nor pool is given'],
])('%j is refused', (options, message) => {
  const { code, stderr } = place.lemming(['run', ...options, '--', '/bin/true'])
  expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
})
