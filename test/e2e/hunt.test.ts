/** A hunt finds a race, keeps it, and the kept failure is the same run again, whoever replays it and however it was found. */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { schemas } from '../../src/cli/schema.ts'
import { Place, racyProgram, type Document } from './lemming.ts'

const place = new Place({ check: 'none' })
afterAll(() => place.remove())

let found: Document<'hunt'>
beforeAll(() => {
  place.compile('racy', racyProgram)
  found = place.json('hunt', ['--runs', '40', '--jobs', '2', '--', './racy'])
})

const failures = (): string[] => fs.readdirSync(join(place.path, '.lemming/failures')).toSorted()

describe('hunt', () => {
  test('finds the crash of the race', () => {
    expect(schemas.hunt.parse(found)).toEqual(found)
    expect(found).toMatchObject({
      failures: [{ name: 'F1', ending: { kind: 'signal', name: 'SIGSEGV', address: '0x8' } }],
      interrupted: false,
      errors: [],
    })
    const [failure] = found.failures
    expect(found.runs).toBe(failure.seed + 1)
    expect(failure!.finding.thread!.stack.frames[0]).toMatchObject({
      function: 'check',
      line: racyProgram.split('\n').findIndex((line) => line.includes('the crash')) + 1,
    })
  })

  test('finds the same one with another number of jobs, and tells it as text', () => {
    const { code, stdout } = place.lemming(['hunt', '--runs', '40', '--jobs', '1', '--out', 'one', '--', './racy'])
    const [{ seed, finding }] = found.failures
    expect(code).toBe(1)
    expect(stdout).toContain(
      `F1: seed ${seed}, kept in ${fs.realpathSync(place.path)}/one/F1\n\nERROR crash: ${finding.what}\n`,
    )
    expect(stdout).toContain('again: lemming replay --out one F1\n')
    expect(stdout).toMatch(new RegExp(`\n1 failure in ${seed + 1} runs? \\(seeds 0 to ${seed}\\)`))
    const kept = JSON.parse(fs.readFileSync(join(place.path, 'one/F1/failure.json'), 'utf8'))
    expect([kept.seed, kept.hash]).toEqual([seed, found.failures[0]!.hash])
  })

  test('keeps what a failure is made of', () => {
    const directory = join(place.path, '.lemming/failures/F1')
    const kept = JSON.parse(fs.readFileSync(join(directory, 'failure.json'), 'utf8'))
    expect(fs.readdirSync(directory).toSorted()).toEqual(['failure.json', 'recording.lemming', 'stderr', 'stdout'])
    expect(fs.readFileSync(join(directory, 'stdout'), 'utf8')).toBe('begin\n')
    expect(kept).toMatchObject({
      argv: ['./racy'],
      cwd: fs.realpathSync(place.path),
      seed: found.failures[0]!.seed,
      ending: { kind: 'signal' },
    })
    expect(kept.env).toContain(`HOME=${place.path}`)
    expect(kept.program.sha256).toBe(
      execFileSync('sha256sum', ['racy'], { cwd: place.path, encoding: 'utf8' }).slice(0, 64),
    )
  })

  test('goes on behind failures, and gives the same ones for any number of jobs', () => {
    const seeds = (jobs: string, out: string): unknown => {
      const { failures: list, runs } = place.json('hunt', [
        '--keep-going',
        '--runs',
        '12',
        '--jobs',
        jobs,
        '--out',
        out,
        '--',
        './racy',
      ])
      return [runs, list.map(({ name, seed, hash, instructions }) => [name, seed, hash, instructions])]
    }
    const two = seeds('2', 'k2')
    expect(seeds('1', 'k1')).toEqual(two)
    expect(two).toEqual([
      12,
      expect.arrayContaining([['F1', expect.any(Number), expect.any(String), expect.any(Number)]]),
    ])
  })

  test('without a failure ends with 0 and leaves nothing; every run gets the input', () => {
    const ran = place.lemming(
      ['hunt', '--runs', '3', '--jobs', '2', '--nonzero-exit', '--out', 'none', '--', 'grep', '-q', 'needle'],
      { input: 'a needle\n' },
    )
    expect(ran).toMatchObject({ code: 0, stdout: expect.stringMatching(/^no failure in 3 runs \(seeds 0 to 2\)/) })
    expect(fs.existsSync(join(place.path, 'none'))).toBe(false)
  })

  test('counts an exit code as a failure only if asked', () => {
    const hunt = (...more: string[]) =>
      place.json('hunt', ['--runs', '1', ...more, '--out', 'exits', '--', 'grep', '-q', 'needle'], {
        input: 'hay\n',
      })
    expect(hunt().failures).toEqual([])
    expect(hunt('--nonzero-exit').failures).toMatchObject([
      { name: 'F1', finding: { kind: 'exit', what: 'the program exited with code 1' } },
    ])
    // The input is part of the recording.
    expect(place.lemming(['replay', '--out', 'exits', 'F1'], { input: 'needle\n' }).code).toBe(1)
  })
})

describe('replay', () => {
  const elsewhere = new Place()
  afterAll(() => elsewhere.remove())

  test('is the recorded run: several times, from another directory, user name and time zone', () => {
    const [failure] = found.failures
    const first = place.json('replay', ['F1'])
    expect(schemas.replay.parse(first)).toEqual(first)
    expect([first.hash, first.instructions, first.stdout.text, first.exitCode]).toEqual([
      failure.hash,
      failure.instructions,
      'begin\n',
      139,
    ])
    expect(first.finding).toEqual(failure.finding)
    const env = { ...place.env(), TZ: 'Pacific/Auckland', USER: 'somebody', LANG: 'de_DE.UTF-8' }
    const again = elsewhere.json('replay', ['--times', '3', join(place.path, '.lemming/failures/F1')], {
      env,
    })
    expect([again.times, again.hash]).toEqual([3, failure.hash])
    expect({ ...again.finding, again: '' }).toEqual({ ...failure.finding, again: '' })
  })

  test('needs neither program nor sources nor the store once exported', () => {
    const { code } = place.lemming(['replay', 'F1', '--export', 'f1.lemming'])
    expect(code).toBe(139)
    const moved = join(elsewhere.path, 'moved')
    fs.renameSync(join(place.path, 'racy'), moved)
    fs.renameSync(join(place.path, 'racy.c'), `${moved}.c`)
    const alone = elsewhere.json('replay', [join(place.path, 'f1.lemming')])
    fs.renameSync(moved, join(place.path, 'racy'))
    fs.renameSync(`${moved}.c`, join(place.path, 'racy.c'))
    expect([alone.hash, alone.finding!.source!.lines]).toEqual([
      found.failures[0]!.hash,
      found.failures[0]!.finding.source!.lines,
    ])
  })

  test('names an object that is missing or changed', () => {
    const hash = execFileSync('sha256sum', ['racy'], { cwd: place.path, encoding: 'utf8' }).slice(0, 64)
    const missing = elsewhere.lemming(['replay', join(place.path, '.lemming/failures/F1')])
    expect(missing.code).toBe(5)
    expect(missing.stderr).toMatch(
      new RegExp(
        `^lemming: .*/racy with sha256 ${hash}, and .*/home/objects/${hash.slice(0, 2)}/${hash.slice(2)}\\.zst is not there\n {2}\\S`,
      ),
    )
    const object = join(place.path, 'home/objects', hash.slice(0, 2), `${hash.slice(2)}.zst`)
    const stored = fs.readFileSync(object)
    fs.writeFileSync(object, stored.subarray(0, 100))
    const changed = place.lemming(['replay', 'F1'])
    fs.writeFileSync(object, stored)
    expect(changed.code).toBe(5)
    expect(changed.stderr).toMatch(
      new RegExp(`^lemming: content of .*/racy \\(sha256 ${hash}\\): .* no longer has the content`),
    )
  })
})

describe('whatever interrupts it', () => {
  const untilOne = async (out: string): Promise<void> => {
    while (!fs.existsSync(join(place.path, out, 'F1'))) await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const hunting = (out: string) =>
    place.start(['hunt', '--keep-going', '--runs', '100000', '--jobs', '2', '--out', out, '--', './racy'])
  const whole = (out: string): void => {
    const names = fs.readdirSync(join(place.path, out)).filter((name) => !name.startsWith('.'))
    expect(names.toSorted()).toEqual(names.map((_, i) => `F${i + 1}`).toSorted())
    for (const name of names)
      expect(fs.readdirSync(join(place.path, out, name)).toSorted()).toEqual([
        'failure.json',
        'recording.lemming',
        'stderr',
        'stdout',
      ])
  }

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s: the failures found are kept, and nothing else', async (signal, code) => {
    const { child, ended } = hunting(signal)
    await untilOne(signal)
    child.kill(signal)
    const ran = await ended
    expect(ran.code).toBe(code)
    expect(ran.stdout).toMatch(/\ninterrupted: \d+ failures? in \d+ runs?, /)
    whole(signal)
    expect(fs.readdirSync(join(place.path, signal)).filter((name) => name.startsWith('.'))).toEqual([])
  })

  test('SIGKILL: every failure is whole, and the next hunt cleans up; hunts at the same time share a directory', async () => {
    const first = hunting('killed')
    await untilOne('killed')
    first.child.kill('SIGKILL')
    await first.ended
    whole('killed')
    const hunts = [0, 1].map(() =>
      place.start(['hunt', '--keep-going', '--runs', '6', '--jobs', '1', '--out', 'killed', '--', './racy']),
    )
    expect((await Promise.all(hunts.map(({ ended }) => ended))).map(({ code }) => code)).toEqual([1, 1])
    whole('killed')
    expect(fs.readdirSync(join(place.path, 'killed')).filter((name) => name.startsWith('.'))).toEqual([])
  })
})

test('failures of the default directory are only those of the first hunt', () => {
  expect(failures()).toEqual(['F1'])
})
