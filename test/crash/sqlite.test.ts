/** SQLite, which is known to get it right, gets it right under losses of power, and loses what it is told not to sync. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { DurabilityModel } from '../../src/tool/power-loss.ts'
import { machineFor, newEngine, scratch } from '../machine/machines.ts'

const sqlite = '/usr/bin/sqlite3'
/** What is told must be told at once, as by stdbuf(1). */
const stdbuf = '/usr/libexec/coreutils/libstdbuf.so'
const env = ['PATH=/usr/bin:/bin', `LD_PRELOAD=${stdbuf}`, '_STDBUF_O=L']
const place = scratch()
const engine = newEngine()
/** More instructions than any of it needs. */
const LIMIT = 200_000_000
const TRANSACTIONS = 6
/** With LEMMING_TEST_CRASHES there are more. */
const SEEDS = Number(process.env.LEMMING_TEST_CRASHES ?? 4)

/** What a loss of power has left: the last transaction whose end was told, the one that is there, and what SQLite says of the file. */
interface Left {
  told: number
  there: number
  integrity: string
}

const isInstalled = [sqlite, stdbuf].every((path) => existsSync(path))
const missing = 'sqlite3 is not installed'

/** A database in which each transaction gives all rows its number. */
function database(name: string, journal: string): string {
  const cwd = join(place, name)
  mkdirSync(cwd)
  const rows = Array.from({ length: 60 }, (_, i) => `(${i}, 0, '${'x'.repeat(120)}')`)
  const sql = `PRAGMA journal_mode=${journal}; CREATE TABLE t (id INTEGER PRIMARY KEY, n, text); INSERT INTO t VALUES ${rows.join(',')};`
  execFileSync(sqlite, ['db', sql], { cwd })
  return cwd
}

function lose(
  cwd: string,
  synchronous: string,
  model: DurabilityModel,
  seed: number,
  within: number,
): Left & { events: number } {
  const work = Array.from({ length: TRANSACTIONS }, (_, i) => `UPDATE t SET n = ${i + 1}; SELECT 'told', ${i + 1};`)
  const check = "SELECT 'there', min(n), max(n) FROM t; PRAGMA integrity_check;"
  const recover = { path: sqlite, argv: ['sqlite3', 'db', check] }
  const args = ['db', `PRAGMA synchronous=${synchronous}; ${work.join(' ')}`]
  const options = { cwd, env, seed, processor: engine, powerLoss: { model, recover, within } }
  const { machine, output } = machineFor(sqlite, args, options)
  const { ended } = machine.advance(LIMIT)
  const { events } = machine.state.fs.disk!
  machine.release()
  const lines = output.stdout.trimEnd().split('\n')
  const told = Number(lines.findLast((line) => line.startsWith('told|'))?.slice(5) ?? 0)
  const found = lines.findIndex((line) => line.startsWith('there|'))
  if (found < 0) return { told, there: -1, integrity: output.stderr || ended!.kind, events }
  const [, least, most] = lines[found]!.split('|').map(Number)
  return { told, there: least === most ? most! : -1, integrity: lines.slice(found + 1).join(' '), events }
}

function* losses(cwd: string, synchronous: string, model: DurabilityModel, seeds: number): Generator<Left> {
  const { events } = lose(cwd, synchronous, model, 0, 0)
  for (let seed = 0; seed < seeds; seed++) yield lose(cwd, synchronous, model, seed, events)
}

describe('sqlite3', () => {
  test.for([
    ['WAL', 'FULL', 'posix', 0],
    // That a journal was removed is synced only with EXTRA: until then a transaction may be taken back as a whole.
    ['DELETE', 'FULL', 'posix', 1],
    ['DELETE', 'EXTRA', 'posix', 0],
    ['DELETE', 'FULL', 'ordered', 1],
  ] as const)(
    'journal_mode=%s, synchronous=%s, %s: never corrupt, and no transaction that was told is lost',
    ([journal, synchronous, model, back], { skip }) => {
      skip(!isInstalled, missing)
      const cwd = database(`${journal}-${synchronous}-${model}`, journal)
      for (const { told, there, integrity } of losses(cwd, synchronous, model, SEEDS)) {
        expect(integrity).toBe('ok')
        expect(there).toBeGreaterThanOrEqual(told - back)
      }
    },
  )

  test('synchronous=OFF: corrupt, or told transactions are lost', ({ skip }) => {
    skip(!isInstalled, missing)
    const cwd = database('off', 'DELETE')
    const isBad = ({ told, there, integrity }: Left): boolean => integrity !== 'ok' || there < told
    expect(losses(cwd, 'OFF', 'posix', 60).some(isBad)).toBe(true)
  })
})
