/** Exists to show what is in the catalogue: buckets, one of them, one failure, rows of SQL. */
import * as fs from 'node:fs'
import { join, resolve } from 'node:path'
import { LemmingError } from '../base/errors.ts'
import { readFailure, type FailureDocument } from '../campaign/adopt.ts'
import {
  attributesOf,
  bucketNumber,
  buckets,
  failures,
  journal,
  requireFailure,
  type BucketRow,
  type FailureRow,
} from '../campaign/catalogue-failures.ts'
import { query, type Catalogue, type Row } from '../campaign/catalogue.ts'
import { percent } from '../campaign/progress.ts'
import { conditionsOf } from '../campaign/query.ts'
import { cataloguePath, openCatalogue } from '../lab/hunter.ts'
import { grouped } from '../report/text.ts'
import { failureText } from './failure-text.ts'
import { againIn } from './hunting.ts'
import { write } from './output.ts'
import type { FailuresOptions } from './failures.ts'
import { table } from './tables.ts'

/** Answers what the words ask; the exit code. */
export async function showFailures(words: string[], options: FailuresOptions): Promise<number> {
  const path = cataloguePath(resolve(options.out))
  if (!fs.existsSync(path) && !fs.existsSync(options.out))
    throw new LemmingError(
      'no-failure',
      `${path}: no catalogue`,
      'it comes from lemming hunt; --out names another directory',
    )
  if (options.sql !== undefined) return tellRows(query(path, options.sql), options.json === true)
  const catalogue = openCatalogue(resolve(options.out))
  try {
    return await show(catalogue, words, options)
  } finally {
    catalogue.close()
  }
}

async function show(catalogue: Catalogue, words: string[], options: FailuresOptions): Promise<number> {
  const [word] = words
  const json = options.json === true ? await import('./json-catalogue.ts') : null
  if (words.length === 1 && /^F[1-9]\d*$/.test(word!)) {
    const failure = requireFailure(catalogue, word!)
    const bundle = join(resolve(options.out), failure.name)
    const document = readFailure(bundle)
    const entries = journal(catalogue, failure.name)
    const again =
      failure.strategy === 'native' ? 'none: the run was on the real machine' : againIn(options.out)(failure.name)
    if (json !== null) json.printFailure(failure, bundle, document, entries, again)
    else tellFailure(failure, bundle, document, entries, again)
    return 0
  }
  if (words.length === 1 && /^B[1-9]\d*$/.test(word!)) {
    const id = bucketNumber(catalogue, word!)
    const own = failures(catalogue, [{ sql: 'b.id = ?', values: [id] }])
    const bucket = buckets(catalogue).find((row) => row.id === id)
    if (bucket === undefined)
      throw new LemmingError(
        'no-failure',
        `${word}: no failure is in this bucket any more`,
        'see which there are: lemming failures',
      )
    const entries = journal(catalogue, `B${id}`)
    if (json !== null) json.printBuckets([bucket], own, attributesOf(catalogue))
    else tellBucket(bucket, own, entries, attributesOf(catalogue))
    return 0
  }
  const attributes = attributesOf(catalogue)
  const names = [...attributes.values()].flat().map(({ name }) => name)
  const found = words.length === 0 ? undefined : failures(catalogue, conditionsOf(words, Date.now(), new Set(names)))
  const rows = buckets(catalogue, found)
  if (json !== null) json.printBuckets(rows, found ?? failures(catalogue), attributes)
  else write(1, listText(rows, found))
  return 0
}

/** The list of buckets. */
function listText(rows: readonly BucketRow[], found: readonly FailureRow[] | undefined): string {
  if (rows.length === 0) return found === undefined ? 'no failure so far\n' : 'no failure fits\n'
  const several = new Set(rows.map(({ program }) => program)).size > 1
  const lines = rows.map((row) => [
    `B${row.id}`,
    String(row.hits),
    row.rate === null ? '' : percent(row.rate),
    row.interval === null ? '' : `${percent(row.interval.low)} – ${percent(row.interval.high)}`,
    dayText(row.first),
    dayText(row.last),
    row.distance === 0 ? '' : grouped(row.distance),
    namesText(row.failures),
    `${row.label === null ? '' : `[${row.label}] `}${row.title}${several ? `  (${row.program.slice(row.program.lastIndexOf('/') + 1)})` : ''}`,
  ])
  const head = ['bucket', 'seen', 'rate', '95 % interval', 'first', 'last', 'at instr.', 'failures', 'what']
  const many = found?.length ?? rows.reduce((sum, row) => sum + row.failures.length, 0)
  const sums = `${rows.length === 1 ? '1 bucket' : `${rows.length} buckets`}, ${many === 1 ? '1 failure kept' : `${many} failures kept`}`
  return `${table([head, ...lines], [1, 2, 3, 6])}\n\n${sums}\n`
}

/** `F1 F2 F3 … F40`: all of a few, else the ends. */
function namesText(names: readonly string[]): string {
  return names.length <= 4 ? names.join(' ') : `${names.slice(0, 2).join(' ')} … ${names.at(-1)}`
}

function tellFailure(
  failure: FailureRow,
  bundle: string,
  document: FailureDocument | null,
  entries: readonly { at: number; question: string; answer: string }[],
  again: string,
): void {
  const { name, bucket, campaign, cellLabel, label, created, strategy, program } = failure
  const facts = [
    `${name}${label === null ? '' : ` [${label}]`}  bucket B${bucket}, hunt ${campaign}${cellLabel === '' ? '' : ` (${cellLabel})`}, ${timeOfDay(created)}`,
    `  program ${program}   strategy ${strategy}`,
    `  kept in ${bundle}`,
    ...(document?.attributes ?? []).map((one) => `  ${one.name} = ${one.value ?? `?  (${one.error})`}`),
  ]
  const report =
    document === null
      ? `${failure.kind}: ${failure.what}\n  (its files are no longer there)`
      : failureText(document.finding, document.findings ?? [], again)
  const asked = entries.map(({ at, question, answer }) => `  ${timeOfDay(at)}  ${question}\n${indented(answer)}`)
  write(1, `${facts.join('\n')}\n\n${report}\n${asked.length === 0 ? '' : `\njournal\n${asked.join('')}`}`)
}

function tellBucket(
  bucket: BucketRow,
  own: readonly FailureRow[],
  entries: readonly { at: number; question: string; answer: string }[],
  attributes: ReturnType<typeof attributesOf>,
): void {
  const columns = [...new Set(own.flatMap(({ name }) => attributes.get(name) ?? []).map(({ name }) => name))]
  const asked = entries.map(({ at, question, answer }) => `  ${timeOfDay(at)}  ${question}\n${indented(answer)}`)
  const rows = own.map(({ name, seed, instructions, campaign, cellLabel, label, what }) => [
    name,
    String(seed),
    grouped(instructions),
    String(campaign),
    cellLabel,
    ...columns.map((column) => attributes.get(name)?.find((one) => one.name === column)?.value ?? ''),
    `${label === null ? '' : `[${label}] `}${what}`,
  ])
  write(
    1,
    `${listText([bucket], own)}\n${rows.length === 0 ? '' : `${table([['failure', 'seed', 'at instr.', 'hunt', 'cell', ...columns, 'what'], ...rows], [1, 2, 3])}\n`}${asked.length === 0 ? '' : `\njournal\n${asked.join('')}`}`,
  )
}

function tellRows(rows: readonly Row[], json: boolean): number {
  if (json) write(1, `${JSON.stringify(rows)}\n`)
  else if (rows.length > 0) {
    const names = Object.keys(rows[0]!)
    const numeric = names.flatMap((name, i) => (rows.every((row) => typeof row[name] === 'number') ? [i] : []))
    write(1, `${table([names, ...rows.map((row) => names.map((name) => cellText(row[name])))], numeric)}\n`)
  }
  return 0
}

function cellText(value: Row[string] | undefined): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? '(bytes)' : String(value)
}

function indented(text: string): string {
  return text === '' ? '' : `${text.trimEnd().replaceAll(/^/gm, '    ')}\n`
}

/** `2026-03-01`, in UTC. */
function dayText(at: number): string {
  return at === 0 ? '' : new Date(at).toISOString().slice(0, 10)
}

/** `2026-03-01 12:30`, in UTC. */
export function timeOfDay(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace('T', ' ')
}
