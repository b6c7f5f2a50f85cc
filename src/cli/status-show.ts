/** Exists to tell which hunts there are and how they get on, and to end them. */
import * as fs from 'node:fs'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { LemmingError } from '../base/errors.ts'
import { campaignFor, campaigns, planOf, type CampaignRow } from '../campaign/catalogue-campaigns.ts'
import { hitsByCell } from '../campaign/catalogue-failures.ts'
import type { Catalogue } from '../campaign/catalogue.ts'
import { rateText, timeText } from '../campaign/progress.ts'
import { cataloguePath, openCatalogue, type CampaignPlan } from '../lab/hunter.ts'
import { FAILURES } from '../lab/places.ts'
import { timeOfDay } from './failures-show.ts'
import { shellLine, write } from './output.ts'
import type { StatusOptions } from './status.ts'
import { cellTable, table } from './tables.ts'

/** Hunts shown unless all are asked for. */
const SHOWN = 10

/** Milliseconds to wait for a hunt that was told to stop. */
const ENDING = 60_000

/** Shows all hunts, or one in full; the exit code. */
export async function showStatus(word: string | undefined, options: StatusOptions): Promise<number> {
  const catalogue = existing(options.out)
  try {
    const id = numberOf(word)
    const rows = id === undefined ? campaigns(catalogue) : [campaignFor(catalogue, id, () => true, '')]
    const shown = options.all === true ? rows : rows.slice(0, SHOWN)
    if (options.json === true) (await import('./json-catalogue.ts')).printStatus(shown)
    else if (id === undefined) tellAll(shown, rows.length)
    else tellOne(catalogue, rows[0]!, options.out)
    return 0
  } finally {
    catalogue.close()
  }
}

/** Ends a hunt, or all; the exit code. */
export async function stopHunts(word: string | undefined, options: StatusOptions): Promise<number> {
  const catalogue = existing(options.out)
  try {
    const running = campaigns(catalogue).filter(({ state }) => state === 'running')
    const rows =
      options.all === true
        ? running
        : [campaignFor(catalogue, numberOf(word), ({ state }) => state === 'running', 'is under way')]
    for (const row of rows) {
      const told = await stopOne(catalogue, row)
      if (options.json !== true) write(1, `${told}\n`)
    }
    if (options.json === true) {
      const ids = new Set(rows.map(({ id }) => id))
      const { printStatus } = await import('./json-catalogue.ts')
      printStatus(campaigns(catalogue).filter(({ id }) => ids.has(id)))
    } else if (rows.length === 0) write(1, 'no hunt is under way\n')
    return 0
  } finally {
    catalogue.close()
  }
}

/** Ends a hunt; what became of it. */
async function stopOne(catalogue: Catalogue, { id, state, pid, host }: CampaignRow): Promise<string> {
  if (state !== 'running' || pid === null) return `hunt ${id} is not under way: ${state}`
  if (host !== hostname())
    throw new LemmingError(
      'campaign-elsewhere',
      `hunt ${id}: process ${pid} on ${host} is at it`,
      `end it there: lemming stop ${id}`,
    )
  process.kill(pid, 'SIGTERM')
  for (let waited = 0; waited < ENDING; waited += 50) {
    const now = campaigns(catalogue).find((row) => row.id === id)!
    if (now.state !== 'running')
      return `hunt ${id} has ended after ${now.done} runs with ${now.failed === 1 ? '1 failure' : `${now.failed} failures`}`
    await new Promise((go) => setTimeout(go, 50))
  }
  throw new LemmingError(
    'campaign-running',
    `hunt ${id}: process ${pid} does not end`,
    `end it by force: kill -9 ${pid}; nothing is lost but the runs under way`,
  )
}

function existing(out: string): Catalogue {
  const path = cataloguePath(resolve(out))
  if (!fs.existsSync(path))
    throw new LemmingError(
      'no-campaign',
      `${path}: no catalogue`,
      'it comes from lemming hunt; --out names another directory',
    )
  return openCatalogue(resolve(out))
}

function numberOf(word: string | undefined): number | undefined {
  if (word === undefined) return undefined
  if (/^[1-9]\d*$/.test(word)) return Number(word)
  throw new LemmingError('usage', `${word}: no number of a hunt`, 'see which there are: lemming status')
}

function tellAll(rows: readonly CampaignRow[], all: number): void {
  if (rows.length === 0) {
    write(1, 'no hunt so far\n')
    return
  }
  const lines = rows.map((row) => [
    String(row.id),
    stateText(row),
    timeOfDay(row.created),
    `${row.done}${row.runs === null ? '' : `/${row.runs}`}`,
    row.seconds > 0 ? `${rateText(row.done / row.seconds)}/s` : '',
    timeText(row.seconds),
    String(row.failed),
    String(row.buckets),
    shellLine(row.command),
  ])
  write(
    1,
    `${table([['hunt', 'state', 'begun', 'runs', 'rate', 'time', 'failed', 'buckets', 'command'], ...lines], [0, 3, 4, 5, 6, 7])}\n`,
  )
  if (all > rows.length) write(1, `and ${all - rows.length} older ones: --all\n`)
}

function tellOne(catalogue: Catalogue, row: CampaignRow, out: string): void {
  const { id, program, sha256, command, strategy, done, runs, seconds, failed, errors, log } = row
  const rate = seconds > 0 ? done / seconds : 0
  const plan = planOf(catalogue, id).plan as Partial<CampaignPlan>
  const bounds = [
    runs !== null && rate > 0 ? (runs - done) / rate : Infinity,
    typeof plan.seconds === 'number' ? Math.max(0, plan.seconds - seconds) : Infinity,
  ]
  const left = Math.min(...bounds)
  const facts: [string, string][] = [
    ['state', stateText(row)],
    ['command', shellLine(command)],
    ['program', `${program}${sha256 === null ? '' : `  (sha256 ${sha256.slice(0, 16)}…)`}`],
    ['strategy', strategy],
    ['runs', `${done}${runs === null ? '' : ` of ${runs}`}, ${rateText(rate)}/s, ${timeText(seconds)}`],
    [
      'failures',
      `${failed} in ${row.buckets === 1 ? '1 bucket' : `${row.buckets} buckets`}${errors > 0 ? `; ${errors} runs could not be executed` : ''}`,
    ],
    ...(row.state === 'running' && left < Infinity ? [['to go', `${timeText(left)} at most`] as [string, string]] : []),
    ...(log === null ? [] : [['log', log] as [string, string]]),
  ]
  write(1, `hunt ${id}\n${facts.map(([name, value]) => `  ${name.padEnd(9)} ${value}`).join('\n')}\n`)
  const cells = hitsByCell(catalogue, id, null)
  if (cells.length > 1) write(1, `\n${cellTable(cells)}\n`)
  const where = out === FAILURES ? '' : ` --out ${shellLine([out])}`
  if (row.state === 'killed' || row.state === 'stopped') write(1, `to go on: lemming hunt${where} --resume ${id}\n`)
}

function stateText({ state, reason, pid }: CampaignRow): string {
  if (state === 'running') return `running (${pid})`
  return reason === null ? state : `${state}: ${reason}`
}
