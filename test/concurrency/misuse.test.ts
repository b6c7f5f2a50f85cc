/** `--check lock`: wrong uses of mutexes, conditions and the like are told in words; Helgrind is the oracle for those that it knows. */
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { LockCheck } from '../../src/checks/lock.ts'
import { MisuseCheck } from '../../src/checks/misuse.ts'
import { Place } from '../e2e/lemming.ts'
import { machineFor, newEngine, scratch } from '../machine/machines.ts'

const engine = newEngine()
const directory = scratch()
const place = new Place()
afterAll(() => place.remove())
const program = join(directory, 'misuse')
const source = join(import.meta.dirname, 'cases', 'misuse.c')
const compile = (path: string, compiler: string, flags: string[]): string => {
  execFileSync(compiler, [...flags, '-O0', '-g', '-Wall', '-Wextra', '-Werror', '-pthread', '-o', path, source])
  return path
}
compile(program, 'gcc', [])

/** Kind and function of what is wrong, over some schedules. */
function misuses(name: string, path = program, seeds = 3): string[] {
  const found = new Set<string>()
  for (let seed = 0; seed < seeds; seed++) {
    const { machine } = machineFor(path, [name], { seed, strategy: 'mix', processor: engine })
    const [check, orders] = [new MisuseCheck(), new LockCheck()]
    machine.addObserver(check)
    machine.addObserver(orders)
    machine.advance(20_000_000)
    machine.release()
    for (const { kind, call, object } of check.facts) found.add(`${kind} ${call} ${object}`)
    expect(orders.facts).toEqual([])
  }
  return [...found]
}

const CASES: Record<string, string> = {
  'unlock-free': 'unlock-free pthread_mutex_unlock mutex',
  'unlock-other': 'unlock-other pthread_mutex_unlock mutex',
  'unlock-rwlock': 'unlock-free pthread_rwlock_unlock rwlock',
  'unlock-other-rwlock': 'unlock-other pthread_rwlock_unlock rwlock',
  'destroy-locked': 'destroy-locked pthread_mutex_destroy mutex',
  'destroy-locked-rwlock': 'destroy-locked pthread_rwlock_destroy rwlock',
  destroyed: 'failed pthread_mutex_lock mutex',
  relock: 'relock pthread_mutex_lock mutex',
  'relock-strict': 'failed pthread_mutex_lock mutex',
  'wait-unheld': 'wait-unheld pthread_cond_timedwait mutex',
  'wait-mutexes': 'wait-mutexes pthread_cond_wait condition',
  'wait-rwlock': 'other-kind pthread_cond_timedwait rwlock',
  'destroy-waited': 'destroy-waited pthread_cond_destroy condition',
  'exit-holding': 'exit-holding  mutex',
  'free-locked': 'free-locked free mutex',
  'init-locked': 'init-locked pthread_mutex_init mutex',
  'init-again': 'init-again sem_init semaphore',
  'init-again-barrier': 'init-again pthread_barrier_init barrier',
  'init-zero': 'init-zero pthread_barrier_init barrier',
}

test.each(Object.entries(CASES))('%s', (name, expected) => {
  // Unlocking what is another's has consequences, and a second waiter's mutex may be told at both.
  if (name === 'wait-rwlock') expect(misuses(name)).toContain(expected)
  else expect(misuses(name)).toEqual([expected])
})

/** What musl does otherwise: it leaves a destroyed mutex as it was, jumps to a function for all that may wait, and notices less. */
const OF_MUSL: Record<string, string[]> = {
  destroyed: [],
  'relock-strict': ['failed pthread_mutex_timedlock mutex'],
  'wait-rwlock': ['other-kind pthread_cond_timedwait rwlock', 'failed pthread_cond_timedwait condition'],
}

test.each([
  ['a static program', 'gcc', ['-static'], {}],
  ['musl', 'musl-gcc', [], OF_MUSL],
  ['musl in a static program', 'musl-gcc', ['-static'], OF_MUSL],
] as const)('the same of %s', { timeout: 60_000 }, (title, compiler, flags, others: Record<string, string[]>) => {
  const path = compile(join(directory, title.replaceAll(' ', '-')), compiler, [...flags])
  for (const name of ['right', ...Object.keys(CASES)]) {
    const expected = others[name] ?? (name === 'right' ? [] : [CASES[name]!])
    expect([name, ...misuses(name, path, 1)]).toEqual([name, ...expected])
  }
})

test('right uses are quiet', () => {
  expect(misuses('right')).toEqual([])
})

test.each(['right', 'unlock-other', 'destroy-locked', 'exit-holding', 'init-zero'])(
  'Helgrind of %s',
  { timeout: 60_000 },
  (name) => {
    const { stderr } = spawnSync('valgrind', ['--tool=helgrind', '-q', program, name], { timeout: 50_000 })
    expect(stderr.length > 0).toBe(name !== 'right')
  },
)

test('a report names the object, the holder and the call', () => {
  const { findings } = place.json('run', ['--check', 'lock', '--', program, 'unlock-other'])
  const [{ kind, what, thread }] = findings as [(typeof findings)[0]]
  expect(kind).toBe('lock-misuse')
  expect(what.replaceAll(/0x[0-9a-f]+/g, 'X')).toBe(
    'thread 1001 unlocks mutex m (X) (pthread_mutex_unlock), which is held by thread 1000',
  )
  expect(thread!.stack.frames.map((frame) => frame.function).slice(0, 2)).toEqual([
    '___pthread_mutex_unlock',
    'unlocks',
  ])
})
