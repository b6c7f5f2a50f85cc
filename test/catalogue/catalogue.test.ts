/** The catalogue keeps what it was told, once, whoever writes at the same time; refuses by name what it does not know; and stays small. */
import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { adoptFailures } from '../../src/campaign/adopt.ts'
import {
  addCampaign,
  campaigns,
  doneRuns,
  getUp,
  recordRun,
  sitDown,
  type NewCampaign,
} from '../../src/campaign/catalogue-campaigns.ts'
import * as kept from '../../src/campaign/catalogue-failures.ts'
import { Catalogue, query, SCHEMA_VERSION } from '../../src/campaign/catalogue.ts'
import { FailureDirectory, writeBundle } from '../../src/campaign/failures.ts'
import { conditionsOf } from '../../src/campaign/query.ts'
import { root } from '../house/tree.ts'

let place = ''
let file = ''
beforeEach(() => {
  place = fs.mkdtempSync(join(tmpdir(), 'lemming-catalogue-'))
  file = join(place, 'failures.db')
})
afterEach(() => fs.rmSync(place, { recursive: true, force: true }))

const some: NewCampaign = {
  kind: 'hunt',
  program: '/bin/prog',
  sha256: null,
  command: ['prog', '1'],
  strategy: 'random',
  runs: 100,
  plan: { firstSeed: 0 },
  cells: [{ label: '', env: [] }],
}
const finding = { kind: 'crash', what: 'SIGSEGV at 0x8' }
const named = (text: string) => ({ text, title: `crash ${text}` })

/** Records a run that failed with that signature, and keeps it if it has a name. */
function fail(catalogue: Catalogue, campaign: number, position: number, signature: string, name?: string): void {
  catalogue.transaction(() => {
    const bucket = kept.bucketOf(catalogue, named(signature)).id
    const run = {
      position,
      cell: 0,
      seed: position,
      outcome: 'failed' as const,
      bucket,
      instructions: 100 + position,
      micros: 5,
    }
    recordRun(catalogue, campaign, 1, run, 1)
    if (name !== undefined)
      kept.recordFailure(catalogue, {
        name,
        campaign,
        position,
        cell: 0,
        seed: position,
        bucket,
        finding,
        instructions: 100 + position,
      })
  })
}

function pass(catalogue: Catalogue, campaign: number, position: number): void {
  const run = {
    position,
    cell: 0,
    seed: position,
    outcome: 'passed' as const,
    bucket: null,
    instructions: 7,
    micros: 5,
  }
  catalogue.transaction(() => recordRun(catalogue, campaign, 1, run, 1))
}

describe('the file', () => {
  test('is made with its directory, and is a catalogue when it is opened again', () => {
    const path = join(place, 'a', 'b', 'failures.db')
    Catalogue.open(path).close()
    const again = Catalogue.open(path)
    expect([again.problems(), campaigns(again), kept.buckets(again)]).toEqual([[], [], []])
    again.close()
    expect(fs.readdirSync(join(place, 'a', 'b'))).toEqual(['failures.db'])
    expect(Catalogue.existing(join(place, 'none.db'))).toBeNull()
  })

  test('of a newer lemming, of somebody else, and a damaged one are refused by name', () => {
    Catalogue.open(file).close()
    const newer = new DatabaseSync(file)
    newer.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`)
    newer.close()
    expect(() => Catalogue.open(file)).toThrow(
      expect.objectContaining({
        code: 'catalogue-newer',
        message: `${file}: a catalogue of version ${SCHEMA_VERSION + 1}, and this lemming knows versions up to ${SCHEMA_VERSION}`,
      }),
    )
    const foreign = join(place, 'foreign.db')
    const other = new DatabaseSync(foreign)
    other.exec('CREATE TABLE bookmarks (url TEXT)')
    other.close()
    expect(() => Catalogue.open(foreign)).toThrow(expect.objectContaining({ code: 'catalogue-foreign' }))
    const damaged = join(place, 'damaged.db')
    fs.writeFileSync(damaged, 'this is no database at all, it is a letter\n'.repeat(50))
    expect(() => Catalogue.open(damaged)).toThrow(expect.objectContaining({ code: 'catalogue-damaged' }))
    expect(fs.readFileSync(damaged, 'utf8')).toContain('a letter')
  })

  test('that cannot be there is named', () => {
    fs.writeFileSync(join(place, 'file'), '')
    expect(() => Catalogue.open(join(place, 'file', 'failures.db'))).toThrow(
      expect.objectContaining({ code: 'catalogue-unwritable', next: expect.stringContaining('--out') }),
    )
  })

  test('a transaction that fails leaves nothing', () => {
    const catalogue = Catalogue.open(file)
    const { id } = addCampaign(catalogue, some)
    expect(() =>
      catalogue.transaction(() => {
        kept.bucketOf(catalogue, named('half'))
        throw new Error('in the middle')
      }),
    ).toThrow('in the middle')
    pass(catalogue, id, 0)
    expect(catalogue.all('SELECT * FROM buckets')).toEqual([])
    expect(doneRuns(catalogue, id)).toMatchObject([{ position: 0, outcome: 'passed', bucket: null }])
    catalogue.close()
  })

  test('of an older lemming is brought up to date; sums are those of the runs, whatever is recorded twice or taken back', () => {
    const catalogue = Catalogue.open(file)
    const { id } = addCampaign(catalogue, some)
    const sitting = sitDown(catalogue, id, '1')
    for (let position = 0; position < 10; position++) pass(catalogue, id, position)
    pass(catalogue, id, 3)
    fail(catalogue, id, 10, 'x')
    fail(catalogue, id, 11, 'x')
    getUp(catalogue, id, sitting, { reason: 'failures', seconds: 1, end: 11 })
    const sums = 'SELECT cell, outcome, runs FROM tallies ORDER BY outcome'
    const expected = [
      { cell: 0, outcome: 'failed', runs: 1 },
      { cell: 0, outcome: 'passed', runs: 10 },
    ]
    expect(catalogue.all(sums)).toEqual(expected)
    catalogue.close()
    const older = new DatabaseSync(file)
    older.exec(`DROP TRIGGER runs_made; DROP TRIGGER runs_gone; DROP TABLE tallies; DROP TABLE attributes; DROP TABLE guidance; DROP INDEX runs_failed;
      CREATE INDEX runs_bucket ON runs (bucket) WHERE bucket IS NOT NULL; PRAGMA user_version = 1`)
    older.close()
    const again = Catalogue.open(file)
    expect(again.all(sums)).toEqual(expected)
    expect(again.problems()).toEqual([])
    pass(again, id, 11)
    expect(campaigns(again)).toMatchObject([{ done: 12, failed: 1, errors: 0, buckets: 1 }])
    again.close()
  })

  test('SQL from outside reads, and writes nothing', () => {
    const catalogue = Catalogue.open(file)
    fail(catalogue, addCampaign(catalogue, some).id, 3, 'a', 'F1')
    catalogue.close()
    expect(query(file, 'SELECT seed, instructions FROM runs')).toEqual([{ seed: 3, instructions: 103 }])
    for (const sql of [
      'DELETE FROM runs',
      'SELECT',
      `ATTACH '${join(place, 'x.db')}' AS x`,
      'WITH a AS (SELECT 1) DELETE FROM runs',
    ])
      expect(() => query(file, sql)).toThrow(expect.objectContaining({ code: 'usage' }))
    expect(query(file, 'SELECT count(*) AS n FROM runs')).toEqual([{ n: 1 }])
    expect(fs.existsSync(join(place, 'x.db'))).toBe(false)
  })
})

describe('campaigns', () => {
  test('a position is recorded once, and what lies behind the end goes', () => {
    const catalogue = Catalogue.open(file)
    const { id } = addCampaign(catalogue, some)
    const sitting = sitDown(catalogue, id, '1')
    pass(catalogue, id, 0)
    pass(catalogue, id, 0)
    for (const position of [1, 2, 7]) pass(catalogue, id, position)
    getUp(catalogue, id, sitting, { reason: 'failures', seconds: 3, end: 3 })
    expect(doneRuns(catalogue, id).map(({ position }) => position)).toEqual([0, 1, 2])
    expect(campaigns(catalogue)).toMatchObject([
      { id, state: 'ended', reason: 'failures', done: 3, seconds: 3, pid: null },
    ])
    catalogue.close()
  })

  test('one process at a time; one that is gone is no process', () => {
    const catalogue = Catalogue.open(file)
    const { id } = addCampaign(catalogue, some)
    const sitting = sitDown(catalogue, id, '1')
    expect(campaigns(catalogue)[0]).toMatchObject({ state: 'running', pid: process.pid })
    expect(() => sitDown(catalogue, id, '1')).toThrow(
      expect.objectContaining({ code: 'campaign-running', message: `hunt ${id}: process ${process.pid} is at it` }),
    )
    // The same number, but another process: it was started at another time.
    catalogue.run("UPDATE sittings SET started = '1'")
    expect(campaigns(catalogue)[0]).toMatchObject({ state: 'killed', pid: null })
    const second = sitDown(catalogue, id, '1')
    getUp(catalogue, id, second, { reason: null, seconds: 2, end: Infinity })
    expect(campaigns(catalogue)[0]).toMatchObject({ state: 'stopped' })
    expect(second).not.toBe(sitting)
    catalogue.close()
  })

  test('writers at the same time lose nothing', async () => {
    Catalogue.open(file).close()
    const script = `
      import { Catalogue } from ${JSON.stringify(join(root, 'src/campaign/catalogue.ts'))}
      import { addCampaign, recordRun } from ${JSON.stringify(join(root, 'src/campaign/catalogue-campaigns.ts'))}
      import { bucketOf } from ${JSON.stringify(join(root, 'src/campaign/catalogue-failures.ts'))}
      const catalogue = Catalogue.open(${JSON.stringify(file)})
      const { id } = addCampaign(catalogue, ${JSON.stringify(some)})
      for (let position = 0; position < 150; position++) {
        const bucket = catalogue.transaction(() => bucketOf(catalogue, { text: 'S' + position % 5, title: '' }).id)
        catalogue.transaction(() => recordRun(catalogue, id, 1, { position, cell: 0, seed: position, outcome: 'failed', bucket, instructions: 1, micros: 1 }, 1))
      }
      catalogue.close()`
    const ended = Array.from({ length: 3 }, () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' })
      return new Promise((resolve) => child.on('exit', resolve))
    })
    expect(await Promise.all(ended)).toEqual([0, 0, 0])
    const catalogue = Catalogue.open(file)
    expect(catalogue.problems()).toEqual([])
    expect(campaigns(catalogue).map(({ done, failed }) => [done, failed])).toEqual([
      [150, 150],
      [150, 150],
      [150, 150],
    ])
    expect(kept.buckets(catalogue).map(({ hits, runs }) => [hits, runs])).toEqual(
      Array.from({ length: 5 }, () => [90, 450]),
    )
    catalogue.close()
  })

  test('a hundred thousand runs are less than 10 MB and count as what they are', () => {
    const catalogue = Catalogue.open(file)
    const { id } = addCampaign(catalogue, { ...some, runs: 100_000 })
    catalogue.transaction(() => {
      const bucket = kept.bucketOf(catalogue, named('x')).id
      for (let position = 0; position < 100_000; position++) {
        const outcome = position % 100 === 0 ? ('failed' as const) : ('passed' as const)
        const run = { position, cell: 0, seed: position, outcome, bucket: outcome === 'failed' ? bucket : null }
        recordRun(catalogue, id, 1, { ...run, instructions: 1_000_000 + position, micros: 20_000 }, 1)
      }
    })
    const [bucket] = kept.buckets(catalogue)
    expect(bucket).toMatchObject({ hits: 1000, runs: 100_000, rate: 0.01, distance: 1_049_900 })
    catalogue.close()
    expect(fs.statSync(file).size).toBeLessThan(10e6)
  })
})

describe('buckets', () => {
  let catalogue: Catalogue
  let hunt = 0
  beforeEach(() => {
    catalogue = Catalogue.open(file)
    hunt = addCampaign(catalogue, some).id
    for (let position = 0; position < 20; position++) pass(catalogue, hunt, position)
    fail(catalogue, hunt, 20, 'a', 'F1')
    fail(catalogue, hunt, 21, 'b', 'F2')
    fail(catalogue, hunt, 22, 'a')
    fail(catalogue, hunt, 23, 'a', 'F3')
  })
  afterEach(() => catalogue.close())
  const list = (): unknown[] =>
    kept.buckets(catalogue).map(({ id, hits, runs, failures }) => [`B${id}`, hits, runs, failures])

  test('count all runs, kept or not, the most frequent first', () => {
    expect(list()).toEqual([
      ['B1', 3, 24, ['F1', 'F3']],
      ['B2', 1, 24, ['F2']],
    ])
    expect(kept.buckets(catalogue)[0]).toMatchObject({ rate: 0.125, distance: 122, title: 'crash a' })
  })

  test('are merged for good, and taken apart again', () => {
    kept.merge(catalogue, 2, [1])
    fail(catalogue, hunt, 24, 'a', 'F4')
    expect(list()).toEqual([['B2', 5, 25, ['F1', 'F2', 'F3', 'F4']]])
    expect(kept.bucketNumber(catalogue, 'B1')).toBe(2)
    // What was merged before moves on with its target.
    fail(catalogue, hunt, 25, 'c', 'F5')
    kept.merge(catalogue, 3, [2])
    expect(list()).toEqual([['B3', 6, 26, ['F1', 'F2', 'F3', 'F4', 'F5']]])
    expect(kept.unmerge(catalogue, 3)).toBe(2)
    expect(list()).toEqual([
      ['B1', 4, 26, ['F1', 'F3', 'F4']],
      ['B2', 1, 26, ['F2']],
      ['B3', 1, 26, ['F5']],
    ])
  })

  test('give failures away, with their runs; those to come go where their signature says', () => {
    expect(kept.split(catalogue, ['F3'], 'other')).toBe(3)
    fail(catalogue, hunt, 24, 'a', 'F4')
    expect(list()).toEqual([
      ['B1', 3, 25, ['F1', 'F4']],
      ['B2', 1, 25, ['F2']],
      ['B3', 1, 25, ['F3']],
    ])
  })

  test('have labels and a journal', () => {
    kept.setLabel(catalogue, 'B1', 'lost update')
    kept.setLabel(catalogue, 'F2', 'look at this')
    kept.addJournal(catalogue, 'F2', 'why?', 'because')
    expect(kept.buckets(catalogue)[0]!.label).toBe('lost update')
    expect(kept.failureNamed(catalogue, 'F2')).toMatchObject({ label: 'look at this', bucket: 2, program: '/bin/prog' })
    expect(kept.journal(catalogue, 'F2')).toMatchObject([{ question: 'why?', answer: 'because' }])
    kept.setLabel(catalogue, 'B1', '')
    expect(kept.buckets(catalogue)[0]!.label).toBeNull()
    for (const name of ['B9', 'F1', 'B', 'B0'])
      expect(() => kept.bucketNumber(catalogue, name)).toThrow(/no such bucket/)
    expect(() => kept.requireFailure(catalogue, 'F9')).toThrow(/^F9: no such failure/)
  })

  test('are found by what their failures are', () => {
    kept.setLabel(catalogue, 'F3', 'odd one')
    catalogue.run("UPDATE failures SET created = ? WHERE name = 'F1'", Date.parse('2026-01-01'))
    const found = (...words: string[]): string =>
      kept
        .failures(catalogue, conditionsOf(words, Date.now()))
        .map(({ name }) => name)
        .join(' ')
    expect(found()).toBe('F1 F2 F3')
    expect(found('kind=crash', 'bucket=B1')).toBe('F1 F3')
    expect(found('kind!=crash')).toBe('')
    expect([found('program=prog'), found('program=rog'), found('program=/bin/prog'), found('program!=prog')]).toEqual([
      'F1 F2 F3',
      '',
      'F1 F2 F3',
      '',
    ])
    expect([found('seed=21'), found('seed>20'), found('seed<21'), found('seed!=21')]).toEqual([
      'F2',
      'F2 F3',
      'F1',
      'F1 F3',
    ])
    expect([found('since=1d'), found('before=2026-02-01'), found('since=2026-02-01', 'title~CRASH A')]).toEqual([
      'F2 F3',
      'F1',
      'F3',
    ])
    expect([found('label~odd'), found('label='), found(`hunt=${hunt}`), found('strategy=random', 'what~0x8')]).toEqual([
      'F3',
      'F1 F2',
      'F1 F2 F3',
      'F1 F2 F3',
    ])
    for (const word of ['nonsense', 'colour=red', 'seed=x', 'kind<crash', 'since=soon', 'since>1d', 'seed~1'])
      expect(() => conditionsOf([word], 0)).toThrow(
        expect.objectContaining({ code: 'usage', next: expect.any(String) }),
      )
    // Words are values, never SQL.
    expect(found("kind=crash' OR 1=1 --")).toBe('')
  })
})

describe('failures that the catalogue does not know', () => {
  const document = (more: object): string =>
    JSON.stringify({
      created: '2026-01-02T03:04:05Z',
      program: { path: '/bin/prog', sha256: null },
      argv: ['prog'],
      seed: 5,
      options: { strategy: 'random' },
      count: 1234,
      ending: { kind: 'deadlock', waiting: [] },
      finding: { ...finding, moment: 1, seed: 5, others: [], remarks: [] },
      ...more,
    })
  const bundle = (directory: FailureDirectory, text: string): string => {
    const scratch = join(directory.scratch(), 'one')
    writeBundle(scratch, { 'failure.json': text })
    return directory.keep(scratch)
  }

  test('are taken over once: into their own campaign, or as strangers', () => {
    const directory = new FailureDirectory(join(place, 'failures'))
    const catalogue = Catalogue.open(file)
    const { id, uuid } = addCampaign(catalogue, {
      ...some,
      cells: [
        { label: 'A=1', env: [] },
        { label: 'A=2', env: [] },
      ],
    })
    bundle(directory, document({ campaign: uuid, cell: 1 }))
    bundle(directory, document({}))
    bundle(directory, 'not JSON')
    expect(adoptFailures(catalogue, directory)).toEqual(['F1', 'F2'])
    expect(adoptFailures(catalogue, directory)).toEqual([])
    expect(doneRuns(catalogue, id)).toMatchObject([{ position: 11, outcome: 'failed' }])
    expect(
      kept.failures(catalogue).map(({ name, campaign, cellLabel, seed }) => [name, campaign, cellLabel, seed]),
    ).toEqual([
      ['F1', id, 'A=2', 5],
      ['F2', id + 1, '', 5],
    ])
    expect(campaigns(catalogue)[0]).toMatchObject({ kind: 'import', state: 'ended' })
    // A stranger is no sample of anything.
    expect(kept.buckets(catalogue)).toMatchObject([{ hits: 2, runs: 1 }])
    catalogue.close()
    directory.close()
  })
})
