/** Exists to run a campaign: runs on threads or on the real machine, each of them in the catalogue, whatever interrupts it. */
import { spawn } from 'node:child_process'
import { deserialize, serialize } from 'node:v8'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { adoptFailures } from '../campaign/adopt.ts'
import { changePlan, doneRuns, getUp, planOf, recordRun, sitDown, type Cell } from '../campaign/catalogue-campaigns.ts'
import { bucketOf, highestNumber, recordFailure } from '../campaign/catalogue-failures.ts'
import { Catalogue } from '../campaign/catalogue.ts'
import { FailureDirectory } from '../campaign/failures.ts'
import { boundOf, Exhaustive, type Coverage } from '../campaign/exhaustive.ts'
import { falseStartOf } from '../campaign/false-start.ts'
import { Guided, type Learned } from '../campaign/guided.ts'
import { hunt, type HuntResult } from '../campaign/hunt.ts'
import type { FailedOutcome, Runner } from '../campaign/outcome.ts'
import { signatureOf } from '../campaign/signature.ts'
import { nodeCodec } from '../host/node.ts'
import type { AttributeWish } from '../session/attributes.ts'
import type { RunInputs } from '../session/session.ts'
import { NativeRunner } from './native.ts'
import type { Criteria } from './criteria.ts'
import { allInput, ThreadRunner } from './runner.ts'
import type { TestList } from './tests.ts'
import type { Thread } from './thread.ts'
import { version } from './version.ts'

/** Everything that makes a campaign what it is: JSON, kept in the catalogue, so that it can be resumed. */
export interface CampaignPlan {
  inputs: RunInputs
  native: boolean
  nonzeroExit: boolean
  /** What else is a failure; absent for nothing. */
  criteria?: Criteria
  /** A recorded run (its file) that the runs are until a moment, and only then go on with seeds of their own. */
  from?: { file: string; moment: number }
  /** Expressions whose values failures are kept with; absent for none. */
  attributes?: AttributeWish[]
  firstSeed: number
  /** Runs over all cells, or null for no bound. */
  runs: number | null
  /** Seconds of hunting over all sittings, or null for no bound. */
  seconds: number | null
  /** Failures after which it is over. */
  until: number | 'new-bucket' | 'never'
  stopAtError: boolean
  jobs: number
  /** Its cells are the tests of a program; absent where they are not. */
  tests?: Omit<TestList, 'tests'>
  /** Whether a false start ends it. */
  falseStarts: boolean
  /** Failures that are kept of one bucket in one cell; all are counted. */
  keep: number | null
  /** A shell command that is told of the first failure and of the end. */
  notify: string | null
  /** Directory of failures, absolute. */
  out: string
  /** SHA-256 of the standard input that all runs get, an object of the user's store; null until a program has read it. */
  input: string | null
}

/** A failure that was found, under the name that it was given. */
export interface FoundFailure {
  name: string
  path: string
  bucket: number
  outcome: FailedOutcome
}

/** How far a campaign is. */
export interface CampaignProgress {
  runs: number
  failures: number
  /** Runs by bucket, `B1` and its title. */
  buckets: ReadonlyMap<number, { title: string; hits: number }>
  /** Seconds over all sittings. */
  elapsed: number
}

/** What a campaign has come to. */
export interface CampaignEnd extends HuntResult {
  id: number
  seconds: number
  buckets: CampaignProgress['buckets']
  /** Of an enumeration of schedules, how far it has come, with the preemptions that were asked for. */
  coverage: (Coverage & { bound: number }) | null
}

/** Who watches. */
export interface Watcher {
  signal: AbortSignal
  found(failure: FoundFailure): void
  /** Asked for whenever somebody wants to show it. */
  progress(state: () => CampaignProgress): void
}

/** The catalogue of a directory of failures is the file beside it. */
export function cataloguePath(out: string): string {
  return `${out}.db`
}

/** A failure's document says what the catalogue missed: takes over what is in the directory and not in it. */
export function openCatalogue(out: string): Catalogue {
  const catalogue = Catalogue.open(cataloguePath(out))
  adoptFailures(catalogue, new FailureDirectory(out))
  return catalogue
}

/** Runs a campaign of the catalogue, from where it stands to its end. `early` is a thread that may be used. */
export async function runCampaign(
  catalogue: Catalogue,
  { id, uuid }: { id: number; uuid: string },
  early: Thread | null,
  watcher: Watcher,
): Promise<CampaignEnd> {
  const sitting = sitDown(catalogue, id, version())
  const { plan: stored, cells } = planOf(catalogue, id)
  const plan = stored as CampaignPlan
  const directory = new FailureDirectory(plan.out)
  const { seconds: before } = catalogue.get<{ seconds: number }>(
    'SELECT ifnull(sum(seconds), 0) AS seconds FROM sittings WHERE campaign = ?',
    id,
  )!
  const began = performance.now()
  const own = (): number => (performance.now() - began) / 1000
  const elapsed = (): number => before + own()

  const buckets = new Map<number, { title: string; hits: number }>()
  const title = (bucket: number): string =>
    catalogue.get<{ title: string }>('SELECT title FROM buckets WHERE id = ?', bucket)!.title
  const tally = (bucket: number): void => {
    const entry = buckets.get(bucket)
    if (entry === undefined) buckets.set(bucket, { title: title(bucket), hits: 1 })
    else entry.hits++
  }
  const done = new Map<number, boolean>()
  for (const { position, outcome, bucket } of doneRuns(catalogue, id)) {
    done.set(position, outcome === 'failed')
    if (bucket !== null) tally(bucket)
  }
  const state = { runs: done.size, failures: [...done.values()].filter(Boolean).length }
  watcher.progress(() => ({ ...state, buckets, elapsed: elapsed() }))

  const input = await inputOf(catalogue, id, plan)
  const scratch = directory.scratch()
  const job = {
    inputs: plan.inputs,
    cells,
    campaign: uuid,
    nonzeroExit: plan.nonzeroExit,
    criteria: plan.criteria,
    from: plan.from,
    attributes: plan.attributes,
    scratch,
    jobs: plan.jobs,
  }
  const notified: Promise<void>[] = []
  /** The failure that somebody wants to be told of is still to come. */
  let isUntold = plan.notify !== null && state.failures === 0
  const deadline = alarm(plan.seconds === null ? null : plan.seconds - before)
  const bound = plan.native ? null : boundOf(plan.inputs.options.strategy)
  const enumeration = bound === null ? null : new Exhaustive(bound, plan.firstSeed)
  const guide = enumeration === null ? guideOf(plan, cells.length, learnedOf(catalogue, id)) : null
  const director = enumeration ?? guide
  const keepLearned = (): void => {
    if (guide !== null && state.runs > 0)
      catalogue.run('INSERT OR REPLACE INTO guidance VALUES (?, ?)', id, zstdCompressSync(serialize(guide.save())))
  }
  const micros = (seconds: number): number => Math.round(seconds * 1e6)

  const result = await hunt(
    {
      firstSeed: plan.firstSeed,
      runs: plan.runs ?? Infinity,
      jobs: plan.jobs,
      until: plan.until === 'never' ? Infinity : plan.until,
      stopAtError: plan.stopAtError,
      cells: cells.length,
      done,
      ...(director && { director }),
    },
    {
      runner: (index): Runner =>
        plan.native ? new NativeRunner(job, input) : new ThreadRunner(job, input, index === 0 ? early : null),
      made(outcome, position, seconds) {
        if (position % LESSON === LESSON - 1) keepLearned()
        const { seed, cell, kind } = outcome
        const instructions = outcome.kind === 'error' ? 0 : outcome.count
        catalogue.transaction(() =>
          recordRun(
            catalogue,
            id,
            sitting,
            { position, cell, seed, outcome: kind, bucket: null, instructions, micros: micros(seconds) },
            own(),
          ),
        )
      },
      keep(outcome, position, seconds) {
        const { seed, cell, count, finding } = outcome
        const bucket = catalogue.transaction(() => bucketOf(catalogue, signatureOf(finding)))
        const { n } = catalogue.get<{ n: number }>(
          'SELECT count(*) AS n FROM failures WHERE campaign = ? AND cell = ? AND bucket = ?',
          id,
          cell,
          bucket.id,
        )!
        let name: string | null = null
        if (plan.keep === null || n < plan.keep) {
          name = directory.keep(outcome.bundle, highestNumber(catalogue))
        } else directory.discard(outcome.bundle)
        // Killed between the two, the failure is there with all that the catalogue needs: the next one who opens it takes it over.
        catalogue.transaction(() => {
          recordRun(
            catalogue,
            id,
            sitting,
            {
              position,
              cell,
              seed,
              outcome: 'failed',
              bucket: bucket.id,
              instructions: count,
              micros: micros(seconds),
            },
            own(),
          )
          if (name !== null)
            recordFailure(catalogue, {
              name,
              campaign: id,
              position,
              cell,
              seed,
              bucket: bucket.id,
              finding,
              instructions: count,
              attributes: outcome.attributes,
            })
        })
        tally(bucket.id)
        if (name !== null) {
          watcher.found({ name, path: directory.pathOf(name), bucket: bucket.id, outcome })
        }
        if (isUntold) {
          const where: Record<string, string> = name === null ? {} : { failure: name, path: directory.pathOf(name) }
          notified.push(notify(plan.notify!, 'failure', { campaign: id, ...where, what: finding.what }))
          isUntold = false
        }
        return bucket
      },
      discard: (outcome) => directory.discard(outcome.bundle),
      progress(runs, failures) {
        state.runs = runs
        state.failures = failures
      },
      falseStart: (first) => (plan.falseStarts ? falseStartOf(first) : null),
      signal: watcher.signal,
      deadline: deadline.signal,
    },
  ).finally(() => {
    deadline.clear()
    directory.close()
  })
  const { reason, end, runs, failures } = result
  keepLearned()
  getUp(catalogue, id, sitting, { reason: reason === 'interrupted' ? null : reason, seconds: own(), end })
  if (plan.notify !== null) notified.push(notify(plan.notify, 'end', { campaign: id, reason, runs, failures }))
  await Promise.all(notified)
  return {
    ...result,
    id,
    seconds: elapsed(),
    buckets,
    coverage: enumeration && { ...enumeration.coverage(), bound: bound! },
  }
}

/** Runs after which it is kept what a guided hunt has learned. */
const LESSON = 512

function learnedOf(catalogue: Catalogue, campaign: number): Learned | null {
  const row = catalogue.get<{ learned: Uint8Array }>('SELECT learned FROM guidance WHERE campaign = ?', campaign)
  return row === undefined ? null : (deserialize(zstdDecompressSync(row.learned)) as Learned)
}

/** By default somebody guides every second run once many have found nothing. Where failures are counted, only seeds decide: else rates would mean nothing. */
function guideOf(
  { inputs, native, from, until, firstSeed }: CampaignPlan,
  cells: number,
  learned: Learned | null,
): Guided | null {
  const isCounted = until === 'never' || cells > 1
  return native || from !== undefined || isCounted || inputs.options.strategy !== 'mix'
    ? null
    : new Guided(firstSeed, learned)
}

/** The standard input that all runs get: what the campaign has stored, or this process' own, which is stored once it was read. */
async function inputOf(catalogue: Catalogue, id: number, plan: CampaignPlan): Promise<() => Promise<Uint8Array>> {
  const { userObjects } = await import('./storage.ts')
  if (plan.input !== null) {
    const hash = plan.input
    return async () => userObjects().get(hash) ?? new Uint8Array(0)
  }
  const own = allInput()
  return async () => {
    const bytes = await own()
    if (plan.input === null) storeInput(catalogue, id, plan, bytes, userObjects())
    return bytes
  }
}

/** Keeps the standard input of a campaign for whoever resumes it. */
export function storeInput(
  catalogue: Catalogue,
  id: number,
  plan: CampaignPlan,
  bytes: Uint8Array,
  objects: { put(hash: string, bytes: Uint8Array): void },
): void {
  plan.input = nodeCodec.hash(bytes)
  objects.put(plan.input, bytes)
  changePlan(catalogue, id, plan, plan.runs)
}

/** Tells a shell command of an event: in its environment, and as JSON on its standard input. Whatever becomes of it, the hunt goes on. */
function notify(command: string, event: 'failure' | 'end', facts: Record<string, string | number>): Promise<void> {
  const variables = Object.entries({ event, ...facts }).map(([name, value]) => [
    `LEMMING_${name.toUpperCase()}`,
    String(value),
  ])
  return new Promise((done) => {
    const child = spawn('/bin/sh', ['-c', command], {
      env: { ...process.env, ...Object.fromEntries(variables) },
      stdio: ['pipe', 2, 2],
    })
    child.on('error', () => done())
    child.on('close', () => done())
    child.stdin!.on('error', () => {})
    child.stdin!.end(`${JSON.stringify({ event, ...facts })}\n`)
  })
}

/** Timers take at most this many milliseconds. */
const LONGEST = 2 ** 31 - 1

/** A signal that is aborted after so many seconds; never for null. */
function alarm(seconds: number | null): { signal: AbortSignal; clear(): void } {
  const controller = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const wait = (left: number): void => {
    if (left <= 0) return controller.abort()
    timer = setTimeout(() => wait(left - LONGEST), Math.min(left, LONGEST))
  }
  if (seconds !== null) wait(seconds * 1000)
  return { signal: controller.signal, clear: () => clearTimeout(timer) }
}

/** The cells of a matrix over one command: all combinations of its axes. An axis replaces `{NAME}` in the command's words, or is a variable of the environment. */
export function cellsOf(axes: readonly { name: string; values: readonly string[] }[], argv: readonly string[]): Cell[] {
  let cells: Cell[] = [{ label: '', env: [], argv: [...argv] }]
  for (const { name, values } of axes) {
    const place = `{${name}}`
    const isWord = argv.some((word) => word.includes(place))
    cells = cells.flatMap((cell) =>
      values.map((value) => ({
        label: `${cell.label}${cell.label === '' ? '' : ' '}${name}=${value}`,
        env: isWord ? cell.env : [...cell.env, `${name}=${value}`],
        argv: isWord ? cell.argv!.map((word) => word.replaceAll(place, value)) : cell.argv,
      })),
    )
  }
  const isSame = (words: readonly string[]): boolean => words.every((word, i) => word === argv[i])
  return cells.map(({ argv: own, ...cell }) => (isSame(own!) ? cell : { ...cell, argv: own }))
}
