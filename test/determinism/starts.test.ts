/** Runs that begin where an earlier one has come by are the runs that they would be otherwise. */
import { execFileSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { Checks } from '../../src/checks/checks.ts'
import { NodeFiles, nodeWorld } from '../../src/host/node.ts'
import { startMachine } from '../../src/replay/machine.ts'
import { RecordingWorld } from '../../src/replay/recording-world.ts'
import type { RunInputs } from '../../src/replay/recording.ts'
import { Starts } from '../../src/replay/starts.ts'
import type { Subject } from '../../src/replay/subject.ts'
import { scratch } from '../machine/machines.ts'

const SOURCE = `
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static int shared, unlocked;
static void *work(void *arg) {
  for (int i = 0; i < 5; i++) {
    unlocked++;
    pthread_mutex_lock(&m);
    shared += (int)(long)arg;
    pthread_mutex_unlock(&m);
  }
  return strdup("gone");
}
int main(int argc, char **argv) {
  puts("hello"); fflush(stdout);
  volatile int spun = 0;
  for (int i = 0; i < 5000; i++) spun += i;
  if (argc > 1 && strcmp(argv[1], "fork") == 0) {
    if (fork() == 0) { char *p = malloc(100); return p[7] ? 1 : 2; }
    wait(NULL);
  }
  if (argc > 1 && strcmp(argv[1], "read") == 0) { char line[9]; fgets(line, 9, stdin); puts(line); }
  pthread_t a, b;
  pthread_create(&a, 0, work, (void *)1);
  pthread_create(&b, 0, work, (void *)100);
  pthread_join(a, 0); pthread_join(b, 0);
  char *p = malloc(10);
  printf("%d %d %p %p\\n", shared, unlocked, (void *)p, (void *)&p);
  return p[3] == 'x';
}
`

let place = ''
beforeAll(() => {
  place = scratch()
  chmodSync(place, 0o755)
  writeFileSync(join(place, 'p.c'), SOURCE)
  for (const [name, ...options] of [['linked'], ['whole', '-static']])
    execFileSync('gcc', ['-O1', '-g', '-pthread', ...options, '-o', join(place, name!), join(place, 'p.c')])
})

/** A run: what it came to, and the moment at which it was taken up. */
interface Course {
  from: number
  told: unknown
}

const files = new NodeFiles()

function inputsOf(name: string, args: string[], seed: number, more: Partial<RunInputs['options']>): RunInputs {
  const path = join(place, name)
  const machine = { cpus: 4, clockRate: 10, uid: 1000, gid: 1000, timeLimit: null, quarantine: 1 << 20 }
  return {
    path,
    argv: [path, ...args],
    env: ['A=1'],
    cwd: '/',
    seed,
    options: { strategy: 'mix', ...machine, ...more },
  }
}

function course(inputs: RunInputs, names: readonly string[], starts: Starts | null): Course {
  let stdout = ''
  let left = Buffer.from('line\n')
  const world = new RecordingWorld(
    nodeWorld(files, {
      readInput: (max) => [left.subarray(0, max), (left = left.subarray(max))][0]!,
      writeOutput: (_fd, bytes) => (stdout += Buffer.from(bytes).toString()),
    }),
  )
  const check = names.length === 0 ? null : new Checks(names)
  const instruments = { definedness: names.includes('memory') }
  let subject: Subject
  if (starts !== null) subject = starts.start(inputs, world, instruments, check?.observers ?? [])
  else {
    subject = startMachine(inputs, world, instruments)
    for (const observer of check?.observers ?? []) subject.addObserver(observer)
  }
  const from = subject.count
  subject.advance(inputs.options.instructionLimit ?? Infinity)
  const asked = [...(world.fileAnswers()?.stats.keys() ?? [])]
  const told = [subject.count, subject.hash(), subject.ending(), stdout, check?.facts, subject.visited(), asked]
  subject.release()
  return { from, told }
}

/** Two find out how far all come, three prepare, and the others are what this is about; 15 and 31 have beginnings of their own. */
const SEEDS = [0, 1, 2, 15, 17, 33, 18, 31, 2]

describe.each([
  ['no check', [], {}],
  ['memory and leaks', ['memory', 'leak'], { heap: 'guarded' }],
  ['races and locks', ['memory', 'race', 'lock'], { heap: 'guarded' }],
] as const)('%s', (_what, names, options) => {
  test.each([['alone'], ['fork'], ['read']])('%s', (arg) => {
    const starts = new Starts()
    const late: number[] = []
    for (const seed of SEEDS) {
      const inputs = inputsOf('linked', [arg], seed, options)
      const { from, told } = course(inputs, names, starts)
      expect(told, `seed ${seed}`).toEqual(course(inputs, names, null).told)
      late.push(from)
    }
    expect(late.slice(-5).map((from) => from > 50_000)).toEqual([true, true, true, false, true])
  })
})

test('other inputs, and other strategies', () => {
  const starts = new Starts()
  const shared = (inputs: RunInputs): Course => {
    const one = course(inputs, [], starts)
    expect(one.told).toEqual(course(inputs, [], null).told)
    return one
  }
  for (const seed of [0, 1, 17]) shared(inputsOf('linked', [], seed, {}))
  const strategies = ['random', 'walk', 'pos', 'pct:3:40', 'guided:7:0*3.2', 'turns:1000@90000:1001', 'choices:1.1,3.1']
  for (const strategy of strategies) {
    const { from } = shared(inputsOf('linked', [], 17, { strategy }))
    if (!/turns|choices/.test(strategy)) expect(from, strategy).toBeGreaterThan(50_000)
  }
  // One that ends within the beginning, one with another environment, and one without a linker.
  shared(inputsOf('linked', [], 17, { instructionLimit: 5000 }))
  shared({ ...inputsOf('linked', [], 17, {}), env: ['A=2', 'B=3'] })
  shared(inputsOf('whole', [], 0, {}))
  for (const seed of [1, 17]) expect(shared(inputsOf('whole', [], seed, {})).from).toBe(0)
})

test('a program that is replaced', () => {
  const starts = new Starts()
  const other = join(place, 'other')
  const build = (text: string): void => {
    writeFileSync(join(place, 'o.c'), SOURCE.replace('hello', text))
    execFileSync('gcc', ['-O1', '-pthread', '-o', other, join(place, 'o.c')])
  }
  build('hello')
  const said = (seed: number): string => {
    const inputs = inputsOf('other', [], seed, {})
    const { told } = course(inputs, [], starts)
    expect(told).toEqual(course(inputs, [], null).told)
    return (told as string[])[3]!.split('\n')[0]!
  }
  expect([0, 1, 17].map(said)).toEqual(['hello', 'hello', 'hello'])
  build('world')
  expect([33, 2, 18, 34].map(said)).toEqual(['world', 'world', 'world', 'world'])
})
