/** A hunt is a campaign: it survives whatever ends its process, goes on where it stopped, and its catalogue answers. */
import * as fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { schemas } from '../../src/cli/schema.ts'
import { killedHunt } from './kills.ts'
import { Place, racyProgram } from './lemming.ts'

/** Little code to translate: these tests are about the runs, not about the program. */
const STATIC = ['-g', '-O1', '-static']

const place = new Place({ check: 'none' })
afterAll(() => place.remove())

/** Fails in every third run, by its seed's first random byte, and needs no threads for it. */
const dice = `#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
static __attribute__((noinline)) void lose(int n) { if (n) abort(); }
static __attribute__((noinline)) void drop(int n) { if (n) abort(); }
int main(int argc, char **argv)
{
    unsigned char byte;
    int sides = argc > 1 ? atoi(argv[1]) : 3;
    if (getenv("SAFE"))
        return 0;
    if (getrandom(&byte, 1, 0) != 1)
        return 9;
    lose(byte % sides == 0);
    drop(byte % sides == 1 && getenv("TWO") != 0);
    puts("fine");
    return 0;
}
`

beforeAll(() => {
  place.compile('racy', racyProgram, STATIC)
  place.compile('dice', dice, STATIC)
  place.compile('dice2', dice.replace('byte % sides == 0', 'byte == 300'), STATIC)
})

const sql = (out: string, text: string): unknown[] =>
  JSON.parse(place.lemming(['failures', '--out', out, '--json', '--sql', text]).stdout) as unknown[]

test('a hunt does not go on with another program', () => {
  const copy = join(place.path, 'copy')
  fs.copyFileSync(join(place.path, 'dice'), copy)
  place.lemming(['hunt', '--out', 'other', '--keep-going', '--runs', '2', '--', './copy'])
  const resume = ['hunt', '--out', 'other', '--resume', '1', '--runs', '4']
  expect(place.lemming(resume).stdout).toContain('in 4 runs')
  fs.copyFileSync(join(place.path, 'dice2'), copy)
  expect(place.lemming(resume)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^lemming: hunt 1: .*copy is not the file any more that it began with\n {2}\S/),
  })
})

describe('whatever kills it', () => {
  test('SIGKILL at random moments: nothing is lost and nothing double', async () => {
    const words = ['--keep-going', '--runs', '60', '--jobs', '2', '--', './dice']
    const killed = await killedHunt(place, 'killed', words, 5, 700)
    const whole = place.json('hunt', ['--out', 'whole', ...words])
    expect(killed.runs).toBe(60)
    expect(killed.failed).toEqual(whole.failures.map(({ seed }) => seed))
    expect(killed.kept).toEqual(killed.failed)
    expect(killed.failed.length).toBeGreaterThan(5)
    const native = [
      '--native',
      '--nonzero-exit',
      '--keep-going',
      '--runs',
      '400',
      '--jobs',
      '2',
      '--',
      '/bin/sh',
      '-c',
      'exit $(($$ % 5 / 4))',
    ]
    const real = await killedHunt(place, 'native', native, 3, 400)
    expect(real.runs).toBe(400)
    expect(real.kept).toEqual(real.failed)
  })

  test('two hunts share a catalogue', async () => {
    const hunts = [0, 1].map((half) =>
      place.start([
        'hunt',
        '--out',
        'shared',
        '--keep-going',
        '--seed',
        String(half * 20),
        '--runs',
        '20',
        '--jobs',
        '1',
        '--',
        './dice',
      ]),
    )
    expect((await Promise.all(hunts.map(({ ended }) => ended))).map(({ code }) => code)).toEqual([1, 1])
    expect(sql('shared', 'SELECT count(*) AS runs, count(DISTINCT seed) AS seeds FROM runs')).toEqual([
      { runs: 40, seeds: 40 },
    ])
    const { buckets, failures } = place.json('failures', ['--out', 'shared'])
    expect(buckets).toMatchObject([{ name: 'B1', seen: failures.length, runs: 40 }])
    expect(fs.readdirSync(join(place.path, 'shared')).toSorted()).toEqual(failures.map(({ name }) => name).toSorted())
  })
})

describe('in the background', () => {
  test('begins, tells how it gets on, stops, and goes on with the same input', async () => {
    const out = ['--out', 'back']
    const notify = `cat > note-$LEMMING_EVENT; echo "$LEMMING_REASON" >> note-$LEMMING_EVENT`
    const begun = place.lemming(
      [
        'hunt',
        ...out,
        '--detach',
        '--keep-going',
        '--nonzero-exit',
        '--runs',
        '100000',
        '--jobs',
        '1',
        '--notify',
        notify,
        '--',
        'grep',
        '-q',
        'needle',
      ],
      { input: 'hay and needle\n' },
    )
    expect(begun).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^hunt 1 is in the background, process \d+; it writes to .*back\.hunt-1\.log\n/),
    })
    const status = () => place.json('status', out).hunts[0]!
    while (status().runs < 3) await new Promise((go) => setTimeout(go, 100))
    expect(schemas.status.parse(place.json('status', [...out, '1'])).hunts[0]).toMatchObject({
      hunt: 1,
      state: 'running',
      argv: ['grep', '-q', 'needle'],
      of: 100_000,
      failed: 0,
    })
    const double = place.lemming(['hunt', ...out, '--resume', '1'])
    expect([double.code, double.stderr]).toEqual([
      2,
      expect.stringMatching(/^lemming: hunt 1: process \d+ is at it\n {2}\S/),
    ])
    const stopped = place.lemming(['stop', ...out])
    expect(stopped).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^hunt 1 has ended after \d+ runs with 0 failures\n$/),
    })
    const { runs, state } = status()
    expect(state).toBe('stopped')
    expect(fs.readFileSync(join(place.path, 'note-end'), 'utf8')).toMatch(
      /^\{"event":"end","campaign":1,"reason":"interrupted",.*\}\ninterrupted\n$/,
    )
    expect(fs.existsSync(join(place.path, 'note-failure'))).toBe(false)
    expect(place.lemming(['hunt', ...out, '--seed', '7', '--resume'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^lemming: --resume: --seed is given too, .*\n {2}\S/),
    })
    // The input comes from the catalogue: there is no needle in this one.
    const resumed = place.json('hunt', [...out, '--resume', '--runs', String(runs + 3)], { input: 'nothing\n' })
    expect(schemas.hunt.parse(resumed)).toMatchObject({ runs: runs + 3, failures: [], reason: 'runs' })
    expect(status()).toMatchObject({ state: 'ended', reason: 'runs', pid: null })
    expect(place.lemming(['stop', ...out])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no hunt that is under way'),
    })
    expect(place.lemming(['hunt', ...out, '--resume'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no hunt that was interrupted'),
    })
  })
})

describe('budgets', () => {
  test('until two failures; until a bucket that is new; for a time', () => {
    const out = ['--out', 'budgets']
    const two = place.json('hunt', [...out, '--until', '2 failures', '--', './dice'])
    expect([two.failed, two.reason, two.failures.map(({ name }) => name)]).toEqual([2, 'failures', ['F1', 'F2']])
    const fresh = place.json('hunt', [...out, '--until', 'new bucket', '--env', 'TWO=1', '--', './dice'])
    expect([fresh.reason, fresh.failures.at(-1)!.bucket]).toEqual(['new-bucket', 'B2'])
    expect(new Set(fresh.failures.slice(0, -1).map(({ bucket }) => bucket))).toEqual(
      new Set(fresh.failed > 1 ? ['B1'] : []),
    )
    const timed = place.json('hunt', [...out, '--for', '1s', '--until', 'never', '--keep', '0', '--', './dice'])
    expect([timed.reason, timed.failures]).toEqual(['time', []])
    expect(place.lemming(['hunt', ...out, '--until', 'tomorrow', '--', './dice'])).toMatchObject({ code: 2 })
    expect(place.lemming(['hunt', ...out, '--for', 'ever', '--', './dice'])).toMatchObject({ code: 2 })
  })

  test('all schedules of a tiny program: as many as there are, and no more are asked for', () => {
    place.compile(
      'tiny',
      `#include <pthread.h>
static void *nothing(void *u) { return u; }
int main(void) { pthread_t a; pthread_create(&a, 0, nothing, 0); return pthread_join(a, 0); }
`,
      ['-g', '-O0', '-pthread', '-static'],
    )
    const { stdout, code } = place.lemming(['hunt', '--strategy', 'exhaustive:0', '--out', 'all', '--', './tiny'])
    expect(stdout).toMatch(/\n(all \d+ schedules|the only schedule) without preemption: no failure\n$/)
    expect(code).toBe(0)
    expect(place.lemming(['hunt', '--strategy', 'exhaustive', '--matrix', 'A=1,2', '--', './tiny'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--strategy exhaustive: not with --matrix'),
    })
  })

  test('a run in which threads only run in circles ends, though nobody has set a limit', () => {
    place.compile(
      'circles',
      `#include <pthread.h>
static volatile int wants[2];
static void *wait(void *other) { long own = 1 - (long)other; wants[own] = 1; while (wants[(long)other]) ; wants[own] = 0; return 0; }
int main(void) { pthread_t a, b; pthread_create(&a, 0, wait, (void *)0L); pthread_create(&b, 0, wait, (void *)1L); pthread_join(a, 0); pthread_join(b, 0); return 0; }
`,
      ['-g', '-O1', '-pthread', '-static'],
    )
    const { failures } = schemas.hunt.parse(place.json('hunt', ['--out', 'circles.d', '--', './circles']))
    expect(failures[0]!.finding.what).toMatch(/ran and made no call/)
  })

  test('false starts end early, with advice', () => {
    const start = (...words: string[]) =>
      place.lemming(['hunt', '--out', 'false', '--runs', '50', '--jobs', '2', ...words])
    const usage = start('--', 'grep', '--no-such-option')
    expect(usage).toMatchObject({ code: 9, stdout: expect.stringMatching(/^no failure in 5 runs/) })
    expect(usage.stderr).toContain(
      "false start: the first 5 runs all exited with code 2, saying: grep: unrecognized option '--no-such-option'\n  repair",
    )
    const same = start('--keep-going', '--', './dice', '1')
    expect(same).toMatchObject({
      code: 9,
      stderr: expect.stringMatching(
        /false start: the first 5 runs all failed after about \d+ instructions, .*: SIGABRT/,
      ),
    })
    const on = start('--no-false-start', '--runs', '6', '--', 'grep', '-q', 'needle')
    expect(on).toMatchObject({ code: 0, stdout: expect.stringContaining('no failure in 6 runs') })
    const first = start('--nonzero-exit', '--', 'grep', '--no-such-option')
    expect(first).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('note: this looks like a command that is wrong'),
    })
  })
})

test('a matrix of environment and arguments has a rate for each cell', () => {
  const words = [
    '--matrix',
    'SAFE=1',
    '--matrix',
    'sides=1,2|250',
    '--runs',
    '6',
    '--keep',
    '1',
    '--no-false-start',
    '--',
    './dice',
    '{sides}',
  ]
  const out = ['--out', 'matrix']
  const { cells, runs, failures, failed } = place.json('hunt', [...out, ...words.slice(2)])
  expect(cells.map(({ label, runs: made }) => [label, made])).toEqual([
    ['sides=1,2', 6],
    ['sides=250', 6],
  ])
  // atoi reads 1,2 as 1: that always fails.
  expect([runs, cells[0]!.failed, failed]).toEqual([12, 6, cells[0]!.failed + cells[1]!.failed])
  expect(failures.filter(({ ending }) => ending.kind === 'signal')[0]).toMatchObject({ name: 'F1', seed: 0 })
  expect(failures.length).toBeLessThanOrEqual(2)
  expect(place.lemming(['replay', ...out, 'F1']).code).toBe(134)
  const safe = place.lemming(['hunt', ...out, ...words])
  expect(safe.code).toBe(0)
  expect(safe.stdout).toMatch(
    /^cell +failed +rate +95 % interval\nSAFE=1 sides=1,2 +0\/6 +0 % +0 % – 39 %\nSAFE=1 sides=250 +0\/6/,
  )
})

describe('the real machine', () => {
  test('the same loop, catalogue and bundles; what cannot be replayed says so', () => {
    const out = ['--out', 'real']
    const found = place.json('hunt', [...out, '--native', '--keep-going', '--runs', '60', '--', './dice'])
    expect(schemas.hunt.parse(found)).toEqual(found)
    expect(found.runs).toBe(60)
    expect(found.failures[0]).toMatchObject({
      name: 'F1',
      ending: { kind: 'signal', name: 'SIGABRT' },
      instructions: 0,
    })
    expect(fs.readdirSync(join(place.path, 'real/F1'))).toEqual(
      expect.arrayContaining(['failure.json', 'stderr', 'stdout']),
    )
    const replayed = place.lemming(['replay', ...out, 'F1'])
    expect([replayed.code, replayed.stderr]).toEqual([
      5,
      expect.stringContaining('F1: this run was on the real machine, so there is nothing to replay'),
    ])
    expect(place.json('status', out).hunts).toMatchObject([
      { kind: 'native', strategy: 'native', runs: 60, failed: found.failed },
    ])
    const late = place.json('hunt', [...out, '--native', '--time-limit', '0.2', '--', 'sleep', '60'])
    expect(late.failures).toMatchObject([{ finding: { kind: 'time-limit' } }])
    const fed = place.lemming(
      ['hunt', ...out, '--native', '--runs', '3', '--nonzero-exit', '--', 'grep', '-q', 'needle'],
      { input: 'needle\n' },
    )
    expect(fed.code).toBe(0)
  })
})

describe('verify', () => {
  const out = ['--out', 'verify']
  beforeAll(() => {
    place.json('hunt', [...out, '--keep-going', '--runs', '30', '--', './dice'])
  })

  test('a repaired program: the rates, the bound, and what a claim needs', () => {
    const { before, after, bound, claim, needed, missing, others } = schemas.verify.parse(
      place.json('verify', [...out, 'F1', '--runs', '20', '--', './dice2']),
    )
    expect(before!.runs).toBe(30)
    expect(after).toMatchObject({ failed: 0, runs: 20 })
    expect(bound).toEqual({
      exact: expect.closeTo(1 - 0.05 ** (1 / 20), 9),
      ruleOfThree: 3 / 20,
      posterior: expect.closeTo(1 - 0.05 ** (1 / 21), 9),
    })
    expect(claim).toBeCloseTo(before!.failed / 300, 9)
    expect([missing, others]).toEqual([needed! - 20, []])
    const told = place.lemming(['verify', ...out, '--runs', '20', '--claim', '10%', 'F1', '--', './dice2'])
    expect(told.code).toBe(0)
    expect(told.stdout).toContain('not seen in 20 runs')
    expect(told.stdout).toContain(
      'to claim a rate below 10 %: 29 runs without it, 9 more than these: lemming verify --out verify --runs 29 F1 -- ./dice2',
    )
    expect(told.stdout).toContain('A seed means another schedule once the code has changed')
    expect(place.lemming(['failures', ...out, 'F1']).stdout).toMatch(
      /verify -- \.\/dice2\n +before \d+\/30, not seen in 20 runs: below 14 %/,
    )
  })

  test('one that is not, or fails otherwise', () => {
    const again = place.lemming(['verify', ...out, '--runs', '20', '--baseline', '10', 'F1', '--', './dice'])
    expect(again).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/\nbefore +\d+\/10 [^]*NOT FIXED: seen (once|\d+ times) in 20 runs/),
    })
    const other = place.lemming([
      'verify',
      ...out,
      '--runs',
      '20',
      '--no-false-start',
      'F1',
      '--',
      '/bin/sh',
      '-c',
      'kill -SEGV $$',
    ])
    expect(other).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/other failures:\n {2}B2 \(new\) {2}×20 {2}crash SIGSEGV/),
    })
    expect(place.lemming(['verify', ...out, 'F1']).stderr).toContain('no program is given')
    expect(place.lemming(['verify', ...out, 'F99', '--', './dice']).code).toBe(5)
  })
})

describe('failures', () => {
  const elsewhere = new Place()
  afterAll(() => elsewhere.remove())
  const out = ['--out', 'list']
  beforeAll(() => {
    place.json('hunt', [...out, '--keep-going', '--runs', '20', '--env', 'TWO=1', '--', './dice'])
  })
  const say = (...words: string[]) => place.lemming(['failures', ...out, ...words])

  test('are listed in buckets, found by field, shown one by one', () => {
    const { stdout } = say()
    expect(stdout).toMatch(
      /^bucket +seen +rate +95 % interval +first +last +at instr\. +failures +what\nB\d +\d+ +\d+ % /,
    )
    expect(stdout).toMatch(/crash SIGABRT in lose\(\) < main\(\), main thread\n/)
    expect(stdout).toMatch(/\n2 buckets, \d+ failures kept\n$/)
    const all = schemas.failures.parse(place.json('failures', out))
    const dropped = schemas.failures.parse(place.json('failures', [...out, 'title~drop', 'since=1d', 'program=dice']))
    expect(dropped.buckets).toHaveLength(1)
    expect(all.buckets).toContainEqual(dropped.buckets[0])
    const one = schemas.failures.parse(place.json('failures', [...out, 'F1'])).failures[0]!
    expect(one.finding!.again).toBe('lemming replay --out list F1')
    expect(say('F1').stdout).toContain('ERROR crash: SIGABRT')
    expect(say('B1').stdout).toMatch(/\nfailure +seed +at instr\. +hunt +cell +what\n/)
    expect(say('kind=deadlock').stdout).toBe('no failure fits\n')
    expect(say('--sql', 'DROP TABLE runs')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('only a SELECT is allowed'),
    })
    expect(say('nonsense')).toMatchObject({ code: 2 })
    expect(say('F99')).toMatchObject({ code: 5, stderr: expect.stringMatching(/^lemming: F99: no such failure in /) })
    expect(place.lemming(['failures', '--out', 'nowhere'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('no catalogue'),
    })
  })

  test('are kept with the values of expressions, and found by them', () => {
    place.compile(
      'ends',
      'struct end { int n; const char *how; double d; } end = {3, "bad", 0.5};\nstatic __attribute__((noinline)) void lose(int depth) { if (depth > 1) __builtin_trap(); }\nint main(int argc, char **argv) { (void)argv; lose(argc * 7); return 0; }\n',
      ['-g', '-O0', '-static'],
    )
    const wishes = ['n=end.n', 'how=end.how', 'd=end.d', 'depth=depth', 'odd=nobody'].flatMap((one) => [
      '--attribute',
      one,
    ])
    expect(
      place.lemming(['hunt', '--out', 'endings', '--runs', '2', '--keep-going', ...wishes, '--', './ends']).code,
    ).toBe(1)
    const ask = (...words: string[]) => place.lemming(['failures', '--out', 'endings', ...words]).stdout
    expect(ask('F2')).toMatch(
      /\n  n = 3\n  how = 0x\w+ "bad"\n  d = 0\.5\n  depth = 7\n  odd = \?  \(No symbol "nobody"/,
    )
    expect(ask('B1')).toMatch(/cell +d +depth +how +n +what\n/)
    expect(
      [ask('depth=7', 'd<0.6'), ask('n>3'), ask('how~BAD')].map((text) => /(no|2) failures? (kept|fits)/.test(text)),
    ).toEqual([true, true, true])
    expect(ask('n>3')).toBe('no failure fits\n')
    const { failures } = schemas.failures.parse(place.json('failures', ['--out', 'endings', 'n=3']))
    expect(failures[0]!.attributes).toMatchObject({ n: '3', d: '0.5', depth: '7' })
    expect(place.lemming(['hunt', '--attribute', 'kind=1', '--', './ends']).stderr).toContain(
      "'kind' is a field of every failure",
    )
  })

  test('are merged, labelled, noted, split', () => {
    expect(say('merge', 'B1', 'B2').stdout).toBe('B1 has now the failures of B2\n')
    expect(place.json('failures', out).buckets).toHaveLength(1)
    say('label', 'B1', 'bad', 'dice')
    say('note', 'F1', 'seen', 'before')
    expect(say().stdout).toContain('[bad dice] crash SIGABRT')
    expect(say('F1').stdout).toMatch(/\njournal\n.* note\n {4}seen before\n$/)
    expect(say('split', 'B1').stdout).toBe('B1 is 2 buckets again\n')
    expect(say('split', 'F1').stdout).toBe('F1 is now B3\n')
  })

  test('travel as one file, which replays as well', () => {
    expect(say('export', 'F1', '-o', 'f1.lemming')).toMatchObject({ code: 0 })
    expect(say('import', 'f1.lemming')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('this failure is here already, as F1'),
    })
    const file = join(place.path, 'f1.lemming')
    const taken = elsewhere.lemming(['failures', 'import', file])
    expect(taken).toMatchObject({ code: 0, stdout: `${file} is F1\n` })
    const shown = elsewhere.lemming(['failures', 'F1']).stdout
    expect(shown).toContain('ERROR crash: SIGABRT')
    expect(shown).toContain('seen before')
    // The store here has what it needs: the program is gone.
    fs.renameSync(join(place.path, 'dice'), join(place.path, 'gone'))
    expect(elsewhere.lemming(['replay', 'F1']).code).toBe(134)
    fs.renameSync(join(place.path, 'gone'), join(place.path, 'dice'))
    expect(elsewhere.lemming(['replay', file]).code).toBe(134)
  })
})
