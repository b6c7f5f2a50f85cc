/** Kills a hunt at random moments, takes it up again, and looks each time whether everything is there once. */
import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { nextBelow, randomFrom } from '../../src/base/random.ts'
import { doneRuns } from '../../src/campaign/catalogue-campaigns.ts'
import { failures } from '../../src/campaign/catalogue-failures.ts'
import { Catalogue } from '../../src/campaign/catalogue.ts'
import { openCatalogue } from '../../src/lab/hunter.ts'
import type { Place } from './lemming.ts'

/** What one hunt has come to. */
export interface Hunted {
  /** How often it was killed. */
  kills: number
  runs: number
  /** Seeds that failed, ascending. */
  failed: number[]
  /** Kept failures, by seed. */
  kept: number[]
}

/**
 * Hunts with these words until all is done, and kills the process `kills` times after up to `patience` milliseconds. `seed` draws the moments.
 * Throws when something is lost, double, or damaged.
 */
export async function killedHunt(
  place: Place,
  out: string,
  words: string[],
  kills: number,
  patience: number,
  seed = 1,
): Promise<Hunted> {
  const random = randomFrom(seed, 'kills')
  const directory = join(place.path, out)
  let before = new Set<number>()
  let killed = 0
  for (let round = 0; ; round++) {
    const begun = fs.existsSync(`${directory}.db`) && isBegun(directory)
    const { child, ended } = place.start(
      begun ? ['hunt', '--out', out, '--resume', '1'] : ['hunt', '--out', out, ...words],
    )
    const timer =
      killed < kills ? setTimeout(() => child.kill('SIGKILL'), 150 + nextBelow(random, patience)) : undefined
    const ran = await ended
    clearTimeout(timer)
    const now = look(directory)
    for (const position of before) assert(now.has(position), `run ${position} is lost`)
    before = now
    if (child.signalCode === 'SIGKILL') {
      killed++
      continue
    }
    assert(ran.code === 0 || ran.code === 1, `hunt ended with ${ran.code}: ${ran.stderr}`)
    if (killed >= kills || round > 3 * kills) break
  }
  const catalogue = openCatalogue(directory)
  const seeds = (rows: { seed: number }[]): number[] => rows.map((row) => row.seed).toSorted((a, b) => a - b)
  const result = {
    kills: killed,
    runs: doneRuns(catalogue, 1).length,
    failed: seeds(catalogue.all<{ seed: number }>("SELECT seed FROM runs WHERE outcome = 'failed'")),
    kept: seeds(failures(catalogue)),
  }
  catalogue.close()
  return result
}

function isBegun(directory: string): boolean {
  const catalogue = Catalogue.open(`${directory}.db`)
  const begun = catalogue.get('SELECT 1 FROM campaigns') !== undefined
  catalogue.close()
  return begun
}

/** The positions that are recorded, after checking that everything fits together. */
function look(directory: string): Set<number> {
  if (!fs.existsSync(`${directory}.db`)) return new Set()
  const catalogue = openCatalogue(directory)
  assert.deepEqual(catalogue.problems(), [])
  const names = fs.existsSync(directory) ? fs.readdirSync(directory).filter((name) => name.startsWith('F')) : []
  const known = failures(catalogue)
  assert.deepEqual(known.map(({ name }) => name).toSorted(), names.toSorted(), 'failures and directories')
  for (const { name, campaign, position, seed } of known) {
    const document = JSON.parse(fs.readFileSync(join(directory, name, 'failure.json'), 'utf8')) as { seed: number }
    assert.equal(document.seed, seed)
    const run = catalogue.get<{ outcome: string; seed: number }>(
      'SELECT outcome, seed FROM runs WHERE campaign = ? AND position = ?',
      campaign,
      position,
    )
    assert.deepEqual({ ...run }, { outcome: 'failed', seed })
  }
  assert.equal(new Set(known.map(({ seed }) => seed)).size, known.length, 'a seed has one failure')
  const positions = new Set(doneRuns(catalogue, 1).map(({ position }) => position))
  catalogue.close()
  return positions
}
