/** Exists to keep failures and their buckets in the catalogue: who belongs together, how often it was seen, and what people have said about it. */
import { randomUUID } from 'node:crypto'
import { LemmingError } from '../base/errors.ts'
import type { Attribute } from '../session/attributes.ts'
import type { Finding } from '../tool/finding.ts'
import type { Catalogue } from './catalogue.ts'
import type { Signature } from './signature.ts'
import { median, wilson, type Interval } from './statistics.ts'

/** A failure, with the bucket it is in after merging. */
export interface FailureRow {
  name: string
  campaign: number
  position: number
  cell: number
  cellLabel: string
  seed: number
  bucket: number
  kind: string
  what: string
  instructions: number
  /** Milliseconds since 1970. */
  created: number
  label: string | null
  program: string
  strategy: string
}

/** A bucket with what its runs say. Times in milliseconds since 1970. */
export interface BucketRow {
  id: number
  title: string
  label: string | null
  /** Runs that ended in it; those of the hunts, and cells of a matrix, in which it was seen (verify's and imports left out), 0 for none. */
  hits: number
  runs: number
  rate: number | null
  interval: Interval | null
  first: number
  last: number
  /** Instructions until the failure: the median. */
  distance: number
  /** Names of failures that are kept, the oldest first. */
  failures: string[]
  program: string
  kind: string
}

/** A question that was asked of a failure or bucket, or a note; with the answer. */
export interface JournalRow {
  at: number
  question: string
  answer: string
}

/** The bucket of a signature, made if it is new. The number is that of the signature, also if it was merged into another one. */
export function bucketOf(catalogue: Catalogue, { text, title }: Signature): { id: number; isNew: boolean } {
  const found = catalogue.get<{ id: number }>('SELECT id FROM buckets WHERE signature = ?', text)
  if (found !== undefined) return { id: found.id, isNew: false }
  return { id: catalogue.run('INSERT INTO buckets (signature, title) VALUES (?, ?)', text, title), isNew: true }
}

/** A failure to be recorded under a name that its directory has given it. */
export interface NewFailure {
  name: string
  campaign: number
  position: number
  cell: number
  seed: number
  bucket: number
  finding: Pick<Finding, 'kind' | 'what'>
  instructions: number
  attributes?: readonly Attribute[]
}

/** Records a failure; a part of the caller's transaction. */
export function recordFailure(catalogue: Catalogue, failure: NewFailure): void {
  const { name, campaign, position, cell, seed, bucket, finding, instructions } = failure
  catalogue.run(
    `INSERT INTO failures (name, campaign, position, cell, seed, bucket, kind, what, instructions, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO NOTHING`,
    name,
    campaign,
    position,
    cell,
    seed,
    bucket,
    finding.kind,
    finding.what,
    instructions,
    Date.now(),
  )
  for (const { name: attribute, value, number } of failure.attributes ?? [])
    if (value !== null)
      catalogue.run(
        `INSERT INTO attributes (failure, name, value, number) SELECT id, ?, ?, ? FROM failures WHERE name = ? ON CONFLICT DO NOTHING`,
        attribute,
        value,
        number,
        name,
      )
}

/** The attributes of failures, by their names. */
export function attributesOf(catalogue: Catalogue): Map<string, { name: string; value: string }[]> {
  const rows = catalogue.all<{ failure: string; name: string; value: string }>(
    'SELECT f.name AS failure, a.name, a.value FROM attributes a JOIN failures f ON f.id = a.failure ORDER BY f.id, a.name',
  )
  const all = new Map<string, { name: string; value: string }[]>()
  for (const { failure, name, value } of rows) {
    const list = all.get(failure)
    if (list === undefined) all.set(failure, [{ name, value }])
    else list.push({ name, value })
  }
  return all
}

/** The highest number that a failure has had. */
export function highestNumber(catalogue: Catalogue): number {
  return catalogue.get<{ used: number }>(
    `SELECT ifnull(max(CAST(substr(name, 2) AS INTEGER)), 0) AS used FROM failures`,
  )!.used
}

/** Names of all failures. */
export function knownFailures(catalogue: Catalogue): Set<string> {
  return new Set(catalogue.all<{ name: string }>('SELECT name FROM failures').map(({ name }) => name))
}

/** Conditions of a query as SQL over `f` (failures), `c` (campaigns), `b` (the bucket). */
export interface Condition {
  sql: string
  values: (string | number)[]
}

const JOINED = `failures f JOIN campaigns c ON c.id = f.campaign JOIN buckets own ON own.id = f.bucket
  JOIN buckets b ON b.id = ifnull(own.merged, own.id) LEFT JOIN cells x ON x.campaign = f.campaign AND x.cell = f.cell`

/** Failures that fit all conditions, the oldest first. */
export function failures(catalogue: Catalogue, conditions: readonly Condition[] = []): FailureRow[] {
  const where = conditions.map(({ sql }) => `(${sql})`).join(' AND ') || '1'
  return catalogue.all<FailureRow>(
    `SELECT f.name, f.campaign, f.position, f.cell, ifnull(x.label, '') AS cellLabel, f.seed, b.id AS bucket, f.kind, f.what, f.instructions, f.created, f.label, c.program, c.strategy
     FROM ${JOINED} WHERE ${where} ORDER BY f.id`,
    ...conditions.flatMap(({ values }) => values),
  )
}

/** The failure of that name. */
export function failureNamed(catalogue: Catalogue, name: string): FailureRow | undefined {
  return failures(catalogue, [{ sql: 'f.name = ?', values: [name] }])[0]
}

/** Buckets, the one seen most often first; those alone that hold one of `only`. */
export function buckets(catalogue: Catalogue, only?: readonly FailureRow[]): BucketRow[] {
  const names = new Map<number, FailureRow[]>()
  for (const failure of only ?? failures(catalogue)) {
    const list = names.get(failure.bucket)
    if (list === undefined) names.set(failure.bucket, [failure])
    else list.push(failure)
  }
  interface Seen {
    bucket: number
    campaign: number
    cell: number
    hits: number
    first: number
    last: number
  }
  const seen = catalogue.all<Seen>(
    `SELECT ifnull(b.merged, b.id) AS bucket, r.campaign, r.cell, count(*) AS hits, min(r.at) * 1000 AS first, max(r.at) * 1000 AS last
     FROM runs r JOIN buckets b ON b.id = r.bucket WHERE r.bucket IS NOT NULL GROUP BY 1, 2, 3`,
  )
  const made = runsOfCells(catalogue)
  const runsOf = ({ campaign, cell }: Seen) => made.get(`${campaign}/${cell}`)!
  const own = catalogue.all<{ id: number; title: string; label: string | null }>(
    'SELECT id, title, label FROM buckets WHERE merged IS NULL',
  )
  const rows: BucketRow[] = []
  for (const { id, title, label } of own) {
    const kept = names.get(id) ?? []
    const parts = seen.filter(({ bucket }) => bucket === id)
    if (only === undefined ? parts.length === 0 && kept.length === 0 : kept.length === 0) continue
    const counted = parts.filter((part) => runsOf(part).counts)
    const hits = counted.reduce((sum, part) => sum + part.hits, 0)
    const runs = counted.reduce((sum, part) => sum + runsOf(part).runs, 0)
    const times =
      parts.length > 0 ? parts.flatMap(({ first, last }) => [first, last]) : kept.map(({ created }) => created)
    rows.push({
      id,
      title,
      label,
      hits: parts.length === 0 ? kept.length : parts.reduce((sum, part) => sum + part.hits, 0),
      runs,
      rate: runs === 0 ? null : hits / runs,
      interval: runs === 0 ? null : wilson(hits, runs),
      first: Math.min(...times),
      last: Math.max(...times),
      distance: distanceOf(catalogue, id),
      failures: kept.map(({ name }) => name),
      program: programOf(catalogue, parts[0]?.campaign ?? kept[0]!.campaign),
      kind: title.split(' ')[0]!,
    })
  }
  return rows.toSorted((a, b) => b.hits - a.hits || a.id - b.id)
}

/** Runs that were made in each cell of each campaign, errors left out; those of changed programs, and of failures that were brought in, say nothing about a rate. */
function runsOfCells(catalogue: Catalogue): Map<string, { runs: number; counts: boolean }> {
  const rows = catalogue.all<{ id: number; kind: string; cell: number; runs: number }>(
    `SELECT c.id, c.kind, t.cell, sum(t.runs) AS runs FROM campaigns c JOIN tallies t ON t.campaign = c.id WHERE t.outcome <> 'error' GROUP BY c.id, t.cell`,
  )
  return new Map(
    rows.map(({ id, kind, cell, runs }) => [`${id}/${cell}`, { runs, counts: kind === 'hunt' || kind === 'native' }]),
  )
}

function programOf(catalogue: Catalogue, campaign: number): string {
  return catalogue.get<{ program: string }>('SELECT program FROM campaigns WHERE id = ?', campaign)!.program
}

function distanceOf(catalogue: Catalogue, bucket: number): number {
  const rows = catalogue.all<{ instructions: number }>(
    'SELECT instructions FROM runs WHERE bucket IN (SELECT id FROM buckets WHERE id = ?1 OR merged = ?1)',
    bucket,
  )
  return median(rows.map(({ instructions }) => instructions))
}

/** How often a bucket was seen in one campaign, by cell. */
export function hitsByCell(
  catalogue: Catalogue,
  campaign: number,
  bucket: number | null,
): { cell: number; label: string; hits: number; runs: number; errors: number }[] {
  return catalogue.all(
    `SELECT x.cell, x.label, ifnull(sum(r.outcome = 'failed' AND (?2 IS NULL OR ifnull(b.merged, b.id) = ?2)), 0) AS hits,
       ifnull(sum(r.outcome <> 'error'), 0) AS runs, ifnull(sum(r.outcome = 'error'), 0) AS errors
     FROM cells x LEFT JOIN runs r ON r.campaign = x.campaign AND r.cell = x.cell LEFT JOIN buckets b ON b.id = r.bucket
     WHERE x.campaign = ?1 GROUP BY x.cell ORDER BY x.cell`,
    campaign,
    bucket,
  )
}

/** Makes all of one bucket's failures, past and future, failures of another. */
export function merge(catalogue: Catalogue, into: number, others: readonly number[]): void {
  catalogue.transaction(() => {
    for (const other of others) {
      if (other === into) continue
      catalogue.run('UPDATE buckets SET merged = ? WHERE id = ? OR merged = ?', into, other, other)
    }
  })
}

/** Takes apart what was merged into a bucket; how many there were. */
export function unmerge(catalogue: Catalogue, bucket: number): number {
  return catalogue.transaction(() => {
    const { n } = catalogue.get<{ n: number }>('SELECT count(*) AS n FROM buckets WHERE merged = ?', bucket)!
    catalogue.run('UPDATE buckets SET merged = NULL WHERE merged = ?', bucket)
    return n
  })
}

/** Moves failures to a bucket of their own; its number. Failures to come go where their signature says. */
export function split(catalogue: Catalogue, names: readonly string[], title: string): number {
  return catalogue.transaction(() => {
    const { id } = bucketOf(catalogue, { text: `split ${randomUUID()}`, title })
    for (const name of names) {
      catalogue.run(
        'UPDATE runs SET bucket = ? WHERE (campaign, position) IN (SELECT campaign, position FROM failures WHERE name = ?)',
        id,
        name,
      )
      catalogue.run('UPDATE failures SET bucket = ? WHERE name = ?', id, name)
    }
    return id
  })
}

/** Gives a failure (`F3`) or a bucket (`B2`) a label; '' takes it away. */
export function setLabel(catalogue: Catalogue, subject: string, label: string): void {
  const value = label === '' ? null : label
  if (subject.startsWith('F')) catalogue.run('UPDATE failures SET label = ? WHERE name = ?', value, subject)
  else catalogue.run('UPDATE buckets SET label = ? WHERE id = ?', value, bucketNumber(catalogue, subject))
}

/** Adds a question and its answer to the journal of a failure or bucket. */
export function addJournal(catalogue: Catalogue, subject: string, question: string, answer: string): void {
  catalogue.run(
    'INSERT INTO journal (subject, at, question, answer) VALUES (?, ?, ?, ?)',
    subject,
    Date.now(),
    question,
    answer,
  )
}

/** What was asked of a failure or bucket, the oldest first. */
export function journal(catalogue: Catalogue, subject: string): JournalRow[] {
  return catalogue.all<JournalRow>('SELECT at, question, answer FROM journal WHERE subject = ? ORDER BY id', subject)
}

/** The number of the bucket that is called `B2`, after merging. */
export function bucketNumber(catalogue: Catalogue, name: string): number {
  const id = /^B[1-9]\d*$/.test(name) ? Number(name.slice(1)) : 0
  const row = catalogue.get<{ id: number }>('SELECT ifnull(merged, id) AS id FROM buckets WHERE id = ?', id)
  if (row !== undefined) return row.id
  throw new LemmingError(
    'no-failure',
    `${name}: no such bucket in ${catalogue.path}`,
    'see which there are: lemming failures',
  )
}

/** Throws unless there is a failure of that name. */
export function requireFailure(catalogue: Catalogue, name: string): FailureRow {
  const row = failureNamed(catalogue, name)
  if (row !== undefined) return row
  throw new LemmingError(
    'no-failure',
    `${name}: no such failure in ${catalogue.path}`,
    'see which there are: lemming failures',
  )
}
