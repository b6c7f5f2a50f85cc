/** Exists to keep campaigns in the catalogue: what was asked for, who is at it, every run that was made, and what is left to do when a hunt was killed. */
import { randomUUID } from 'node:crypto'
import * as fs from 'node:fs'
import { availableParallelism, cpus, hostname, release } from 'node:os'
import { LemmingError } from '../base/errors.ts'
import type { Catalogue } from './catalogue.ts'

/** What a campaign's runs are: of machines, of the real one, to see whether something is fixed, or brought in from elsewhere. */
export type CampaignKind = 'hunt' | 'native' | 'verify' | 'import'

/** How a campaign stands: being hunted by a living process; ended by its own budget; or neither, so that it can be resumed. */
export type CampaignState = 'running' | 'ended' | 'stopped' | 'killed'

/** What makes one cell of a matrix different; the only cell of most campaigns has the label ''. */
export interface Cell {
  label: string
  env: string[]
  /** The command with this cell's values in it; absent if it is the same for all. */
  argv?: string[]
  /** Another program, and another directory; absent if they are the same for all. */
  path?: string
  cwd?: string
  /** Criteria (lab/criteria.ts) of this cell instead of the campaign's; absent for those. */
  criteria?: unknown
}

/** A campaign to be. */
export interface NewCampaign {
  kind: CampaignKind
  program: string
  sha256: string | null
  command: readonly string[]
  strategy: string
  /** Runs that the budget allows, over all cells; null for no bound. */
  runs: number | null
  /** Whatever is needed to go on with it: JSON. */
  plan: unknown
  cells: readonly Cell[]
}

/** A campaign as it stands. Times in milliseconds since 1970. */
export interface CampaignRow {
  id: number
  uuid: string
  kind: CampaignKind
  created: number
  program: string
  sha256: string | null
  command: string[]
  strategy: string
  runs: number | null
  state: CampaignState
  /** Why it ended, if it did. */
  reason: string | null
  log: string | null
  done: number
  failed: number
  errors: number
  buckets: number
  /** Seconds of hunting, over all sittings. */
  seconds: number
  /** Process that is at it, if one is. */
  pid: number | null
  host: string | null
}

/** A run to be recorded. */
export interface RunRow {
  position: number
  cell: number
  seed: number
  outcome: 'passed' | 'failed' | 'error'
  bucket: number | null
  instructions: number
  /** Real time that it took. */
  micros: number
}

/** Adds a campaign; its number. */
export function addCampaign(catalogue: Catalogue, campaign: NewCampaign): { id: number; uuid: string } {
  return catalogue.transaction(() => {
    const uuid = randomUUID()
    const { kind, program, sha256, command, strategy, runs, plan, cells } = campaign
    const id = catalogue.run(
      `INSERT INTO campaigns (uuid, kind, created, program, sha256, command, strategy, runs, plan, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      uuid,
      kind,
      Date.now(),
      program,
      sha256,
      JSON.stringify(command),
      strategy,
      runs,
      JSON.stringify(plan),
      kind === 'import' ? 'ended: brought in' : 'open',
    )
    for (const [cell, { label, ...variation }] of cells.entries())
      catalogue.run(
        'INSERT INTO cells (campaign, cell, label, variation) VALUES (?, ?, ?, ?)',
        id,
        cell,
        label,
        JSON.stringify(variation),
      )
    return { id, uuid }
  })
}

/** Says that this process is at a campaign now. Throws when a living one is. The sitting's number. */
export function sitDown(catalogue: Catalogue, campaign: number, lemming: string): number {
  return catalogue.transaction(() => {
    const other = atIt(catalogue, campaign)
    if (other !== null)
      throw new LemmingError(
        'campaign-running',
        `hunt ${campaign}: process ${other.pid} is at it`,
        `wait for it, or end it: lemming stop ${campaign}`,
      )
    catalogue.run(`UPDATE campaigns SET state = 'open' WHERE id = ?`, campaign)
    return catalogue.run(
      `INSERT INTO sittings (campaign, host, boot, pid, started, cpus, processor, kernel, node, lemming, began, seconds, ended) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, NULL)`,
      campaign,
      hostname(),
      bootId(),
      process.pid,
      startOf(process.pid) ?? '',
      availableParallelism(),
      cpus()[0]?.model ?? 'unknown',
      release(),
      process.version,
      lemming,
      Date.now(),
    )
  })
}

/** Records a run, and how long the sitting has lasted: one transaction, or a part of the caller's. A position is recorded once. */
export function recordRun(catalogue: Catalogue, campaign: number, sitting: number, run: RunRow, seconds: number): void {
  const { position, cell, seed, outcome, bucket, instructions, micros } = run
  catalogue.run(
    `INSERT INTO runs (campaign, position, cell, seed, outcome, bucket, instructions, micros, at, sitting) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (campaign, position) DO NOTHING`,
    campaign,
    position,
    cell,
    seed,
    outcome,
    bucket,
    instructions,
    micros,
    Math.round(Date.now() / 1000),
    sitting,
  )
  catalogue.run('UPDATE sittings SET seconds = ? WHERE id = ?', seconds, sitting)
}

/** Ends the sitting. With a reason the campaign is over; without one it can be resumed. Runs from `end` on do not belong to the result. */
export function getUp(
  catalogue: Catalogue,
  campaign: number,
  sitting: number,
  { reason, seconds, end }: { reason: string | null; seconds: number; end: number },
): void {
  catalogue.transaction(() => {
    if (Number.isFinite(end)) catalogue.run('DELETE FROM runs WHERE campaign = ? AND position >= ?', campaign, end)
    catalogue.run('UPDATE sittings SET seconds = ?, ended = ? WHERE id = ?', seconds, Date.now(), sitting)
    catalogue.run(
      'UPDATE campaigns SET state = ? WHERE id = ?',
      reason === null ? 'stopped' : `ended: ${reason}`,
      campaign,
    )
  })
}

/** All campaigns, the newest first. */
export function campaigns(catalogue: Catalogue): CampaignRow[] {
  interface Joined extends Omit<CampaignRow, 'command' | 'state'> {
    command: string
    state: string
  }
  const rows = catalogue.all<Joined>(`
    SELECT c.id, c.uuid, c.kind, c.created, c.program, c.sha256, c.command, c.strategy, c.runs, c.state, c.log,
      ifnull(r.done, 0) AS done, ifnull(r.failed, 0) AS failed, ifnull(r.errors, 0) AS errors,
      (SELECT count(DISTINCT ifnull(b.merged, b.id)) FROM runs JOIN buckets b ON b.id = runs.bucket WHERE runs.bucket IS NOT NULL AND runs.campaign = c.id) AS buckets,
      (SELECT ifnull(sum(seconds), 0) FROM sittings s WHERE s.campaign = c.id) AS seconds
    FROM campaigns c LEFT JOIN (
      SELECT campaign, sum(runs) AS done, sum(iif(outcome = 'failed', runs, 0)) AS failed, sum(iif(outcome = 'error', runs, 0)) AS errors FROM tallies GROUP BY campaign
    ) r ON r.campaign = c.id ORDER BY c.id DESC`)
  return rows.map(({ state, command, ...row }) => {
    const sitting = atIt(catalogue, row.id)
    const ended = state.startsWith('ended: ')
    return {
      ...row,
      command: JSON.parse(command) as string[],
      state: sitting !== null ? 'running' : ended ? 'ended' : state === 'stopped' ? 'stopped' : 'killed',
      reason: ended ? state.slice('ended: '.length) : null,
      pid: sitting?.pid ?? null,
      host: sitting?.host ?? null,
    }
  })
}

/** The campaign of that number; without one the newest that `suits`. Throws when there is none. */
export function campaignFor(
  catalogue: Catalogue,
  id: number | undefined,
  suits: (row: CampaignRow) => boolean,
  what: string,
): CampaignRow {
  const all = campaigns(catalogue)
  const found = id === undefined ? all.find(suits) : all.find((row) => row.id === id)
  if (found !== undefined) return found
  throw new LemmingError(
    'no-campaign',
    id === undefined ? `${catalogue.path}: no hunt that ${what}` : `${catalogue.path}: no hunt ${id}`,
    all.length === 0 ? 'hunts are made by lemming hunt' : 'see which there are: lemming status',
  )
}

/** What is needed to go on with a campaign, as it was given to addCampaign. */
export function planOf(catalogue: Catalogue, campaign: number): { plan: unknown; cells: Cell[] } {
  const { plan } = catalogue.get<{ plan: string }>('SELECT plan FROM campaigns WHERE id = ?', campaign)!
  const cells = catalogue.all<{ label: string; variation: string }>(
    'SELECT label, variation FROM cells WHERE campaign = ? ORDER BY cell',
    campaign,
  )
  return {
    plan: JSON.parse(plan),
    cells: cells.map(({ label, variation }) => ({ label, ...(JSON.parse(variation) as Omit<Cell, 'label'>) })),
  }
}

/** Changes what a campaign was asked for. */
export function changePlan(catalogue: Catalogue, campaign: number, plan: unknown, runs: number | null): void {
  catalogue.run('UPDATE campaigns SET plan = ?, runs = ? WHERE id = ?', JSON.stringify(plan), runs, campaign)
}

/** Where a campaign in the background writes what it has to say. */
export function setLog(catalogue: Catalogue, campaign: number, log: string): void {
  catalogue.run('UPDATE campaigns SET log = ? WHERE id = ?', log, campaign)
}

/** A run that was recorded, as far as a hunt that goes on needs it. */
export interface DoneRun {
  position: number
  outcome: RunRow['outcome']
  bucket: number | null
}

/** Runs that were recorded, by position. */
export function doneRuns(catalogue: Catalogue, campaign: number): DoneRun[] {
  return catalogue.all<DoneRun>(
    `SELECT r.position, r.outcome, ifnull(b.merged, r.bucket) AS bucket FROM runs r LEFT JOIN buckets b ON b.id = r.bucket WHERE r.campaign = ? ORDER BY r.position`,
    campaign,
  )
}

interface SittingRow {
  pid: number
  host: string
  boot: string
  started: string
}

/** The living process that is at a campaign. One of another computer is taken for living as long as it has not said that it ended. */
function atIt(catalogue: Catalogue, campaign: number): SittingRow | null {
  const open = catalogue.all<SittingRow>(
    'SELECT pid, host, boot, started FROM sittings WHERE campaign = ? AND ended IS NULL',
    campaign,
  )
  return open.find(isAlive) ?? null
}

function isAlive({ pid, host, boot, started }: SittingRow): boolean {
  if (host !== hostname()) return true
  return boot === bootId() && startOf(pid) === started
}

/** Tells one start of a computer from the next. */
function bootId(): string {
  try {
    return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

/** When a process was started, in ticks since the computer was: with its number, this tells processes apart. Null for one that has ended. */
function startOf(pid: number): string | null {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? null : fields[19]!
  } catch {
    return null
  }
}
