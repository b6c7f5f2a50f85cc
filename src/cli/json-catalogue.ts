/** Exists to print what the catalogue holds as JSON: one document, one line, as its schema says. */
import type { FailureDocument } from '../campaign/adopt.ts'
import type { CampaignRow } from '../campaign/catalogue-campaigns.ts'
import type { BucketRow, FailureRow, JournalRow } from '../campaign/catalogue-failures.ts'
import { posteriorBound, ruleOfThree, wilson, zeroBound } from '../campaign/statistics.ts'
import { reportJson } from '../report/json.ts'
import { print } from './json.ts'
import type { Minimised } from './minimising.ts'
import type { Verdict } from './verifying.ts'

/** The list of buckets, and the failures that were asked for. */
export function printBuckets(
  rows: readonly BucketRow[],
  found: readonly FailureRow[],
  attributes: ReadonlyMap<string, readonly { name: string; value: string }[]>,
): void {
  const failures = found.map((row) => ({ ...failureDocument(row), attributes: valuesOf(attributes.get(row.name)) }))
  print('failures', { buckets: rows.map(bucketDocument), failures })
}

/** Attributes by name. */
function valuesOf(list: readonly { name: string; value: string | null }[] = []): Record<string, string | null> {
  return Object.fromEntries(list.map(({ name, value }) => [name, value]))
}

/** One failure in full. */
export function printFailure(
  failure: FailureRow,
  path: string,
  document: FailureDocument | null,
  journal: readonly JournalRow[],
  again: string,
): void {
  const finding = document === null ? null : reportJson(document.finding, { again })
  const entries = journal.map(({ at, ...entry }) => ({ at: time(at), ...entry }))
  print('failures', {
    buckets: [],
    failures: [
      { ...failureDocument(failure), attributes: valuesOf(document?.attributes), path, finding, journal: entries },
    ],
  })
}

export function printStatus(rows: readonly CampaignRow[]): void {
  const hunts = rows.map(
    ({
      id,
      kind,
      created,
      program,
      sha256,
      command,
      strategy,
      runs,
      state,
      reason,
      done,
      failed,
      errors,
      buckets,
      seconds,
      pid,
      host,
      log,
    }) => ({
      hunt: id,
      kind,
      created: time(created),
      program,
      sha256,
      argv: command,
      strategy,
      of: runs,
      state,
      reason,
      runs: done,
      failed,
      errors,
      buckets,
      seconds,
      pid,
      host,
      log,
    }),
  )
  print('status', { hunts })
}

/** What verify has found out. */
export function printVerdict({
  failure,
  title,
  command,
  before,
  after,
  others,
  claim,
  needed,
  missing,
  end,
}: Verdict): void {
  const rate = ({ hits, runs }: { hits: number; runs: number }): Record<string, unknown> => ({
    failed: hits,
    runs,
    interval: wilson(hits, runs),
  })
  const { hits, runs } = after
  print('verify', {
    failure: failure.name,
    bucket: `B${failure.bucket}`,
    title,
    argv: command,
    before: before === null ? null : rate(before),
    after: rate(after),
    bound: {
      exact: hits === 0 ? zeroBound(runs) : null,
      ruleOfThree: hits === 0 ? ruleOfThree(runs) : null,
      posterior: posteriorBound(hits, runs),
    },
    claim,
    needed,
    missing,
    others: others.map(({ name, title: what, hits: seen, isNew }) => ({ name, title: what, hits: seen, isNew })),
    reason: end.reason,
    seconds: end.seconds,
    hunt: end.id,
    errors: end.errors.length,
  })
}

/** What minimising has left. */
export function printMinimised(
  { failure, name, switches, arguments: args, input, trials, exhausted, inputs, rows, finding }: Minimised,
  again: string,
): void {
  const { argv, options } = inputs
  print('minimise', {
    failure,
    name,
    switches,
    arguments: args,
    input,
    trials,
    exhausted,
    strategy: options.strategy,
    argv,
    rows,
    finding: reportJson(finding, { again }),
  })
}

function bucketDocument({
  id,
  title,
  label,
  hits,
  runs,
  rate,
  interval,
  first,
  last,
  distance,
  failures,
  program,
}: BucketRow): Record<string, unknown> {
  return {
    name: `B${id}`,
    title,
    label,
    seen: hits,
    runs,
    rate,
    interval,
    first: time(first),
    last: time(last),
    instructions: distance,
    failures,
    program,
  }
}

function failureDocument({
  name,
  bucket,
  campaign,
  cellLabel,
  seed,
  kind,
  what,
  instructions,
  created,
  label,
  program,
  strategy,
}: FailureRow): Record<string, unknown> {
  return {
    name,
    bucket: `B${bucket}`,
    hunt: campaign,
    cell: cellLabel,
    seed,
    kind,
    what,
    instructions,
    created: time(created),
    label,
    program,
    strategy,
  }
}

function time(at: number): string {
  return new Date(at).toISOString()
}
