/** Exists to do what `lemming hunt` asks for: plans a campaign or takes one up again, watches it, and tells what it came to. */
import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { dirname, resolve } from 'node:path'
import { LemmingError } from '../base/errors.ts'
import { addCampaign, campaignFor, campaigns, changePlan, planOf, setLog } from '../campaign/catalogue-campaigns.ts'
import { hitsByCell } from '../campaign/catalogue-failures.ts'
import type { Catalogue } from '../campaign/catalogue.ts'
import { boundOf } from '../campaign/exhaustive.ts'
import { readFailure } from '../campaign/adopt.ts'
import { looksLikeUsage } from '../campaign/false-start.ts'
import { rateText, timeText } from '../campaign/progress.ts'
import {
  cataloguePath,
  cellsOf,
  openCatalogue,
  runCampaign,
  storeInput,
  type CampaignEnd,
  type CampaignPlan,
  type FoundFailure,
} from '../lab/hunter.ts'
import { runInputs } from '../lab/inputs.ts'
import { fileHash } from '../lab/native.ts'
import { FAILURES, findRecording } from '../lab/places.ts'
import { allInput } from '../lab/runner.ts'
import { readRecording } from '../lab/storage.ts'
import type { RunInputs } from '../session/session.ts'
import { splitMoment } from './core.ts'
import { askedTests, tellTests, testResults, type AskedTests } from './each-test.ts'
import { EXIT_CODE, exitCodeOf } from './exit-codes.ts'
import { criteriaOf } from './hunt-options.ts'
import { failureText } from './failure-text.ts'
import type { HuntOptions } from './hunt.ts'
import { wishesOf } from './options.ts'
import { complain, shellLine, write } from './output.ts'
import type { Invocation } from './program.ts'
import { cellTable } from './tables.ts'
import { heedSignals, progressTicker } from './watching.ts'

/** Hunts; the exit code. `isSaid` tells options that were given from defaults. */
export async function startHunt(
  words: string[],
  options: HuntOptions,
  isSaid: (name: string) => boolean,
  invocation: Invocation,
): Promise<number> {
  // What is wrong with the program is said before anything is written.
  const tests = await askedTests(words, options, invocation)
  const fresh = options.resume === undefined ? planFor(words, options, isSaid, tests) : null
  const catalogue = openCatalogue(resolve(options.out))
  try {
    const campaign =
      fresh === null
        ? resumeCampaign(catalogue, words, options, isSaid)
        : addCampaign(catalogue, {
            kind: options.native === true ? 'native' : 'hunt',
            program: fresh.inputs.path,
            sha256: fileHash(fresh.inputs.path),
            command: fresh.inputs.argv,
            strategy: options.native === true ? 'native' : fresh.inputs.options.strategy,
            runs: fresh.runs,
            plan: fresh,
            cells: tests?.cells ?? cellsOf(options.matrix, fresh.inputs.argv),
          })
    if (options.detach === true) return await detach(catalogue, campaign.id, options.out)
    return await watch(catalogue, campaign, options, invocation)
  } finally {
    catalogue.close()
  }
}

/** What these words and options ask for. */
function planFor(
  words: string[],
  options: HuntOptions,
  isSaid: (name: string) => boolean,
  tests: AskedTests | null,
): CampaignPlan {
  // Nobody watches a real machine.
  const chosen = options.native === true && !isSaid('check') ? { ...options, check: 'none' } : options
  const from = options.from === undefined ? null : recordedUntil(options.from, words, options, isSaid)
  const other = options.matrix.length > 0 ? '--matrix' : from === null ? null : '--from'
  if (tests !== null && other !== null)
    throw new LemmingError('usage', `--each-test: ${other} is given too`, 'leave out one of them')
  const inputs = from?.inputs ?? tests?.inputs ?? runInputs(wishesOf(words, chosen), process.env)
  refuseShared(inputs)
  const cells = tests?.cells.length ?? cellsOf(options.matrix, inputs.argv).length
  if (options.native === true && options.expectSame.length > 0)
    throw new LemmingError(
      'usage',
      '--expect-same: on the real machine nobody knows how a run without interruptions goes',
      'leave out --native',
    )
  if (options.native === true && options.fault.length > 0)
    throw new LemmingError('usage', '--fault: the real machine keeps its power', 'leave out --native')
  const bound = boundOf(inputs.options.strategy)
  if (bound !== null && (cells > 1 || from !== null || tests !== null))
    throw new LemmingError(
      'usage',
      `--strategy ${inputs.options.strategy}: not with ${tests !== null ? '--each-test' : cells > 1 ? '--matrix' : '--from'}`,
      'all schedules of a program are those of one command from its start: leave it out',
    )
  const wanted = options.until ?? (options.keepGoing === true || cells > 1 || tests !== null ? 'never' : 1)
  return {
    inputs,
    native: options.native === true,
    // A recovery says by its exit code whether it has found what it must.
    nonzeroExit: options.nonzeroExit === true || options.fault.length > 0 || tests !== null,
    criteria: criteriaOf(options),
    ...(options.attribute.length > 0 && { attributes: options.attribute }),
    ...(from !== null && { from: { file: from.file, moment: from.moment } }),
    firstSeed: options.seed,
    runs: (options.for !== undefined || bound !== null) && !isSaid('runs') ? null : options.runs * cells,
    seconds: options.for ?? null,
    until: wanted,
    stopAtError: wanted === 1,
    jobs: options.jobs,
    falseStarts: options.falseStart && tests === null,
    ...(tests !== null && { tests: { kind: tests.list.kind, leftOut: tests.list.leftOut } }),
    keep: options.keep ?? null,
    notify: options.notify ?? null,
    out: resolve(options.out),
    input: null,
  }
}

/** The recorded run that a hunt begins with, and the moment at which its runs leave it. */
function recordedUntil(
  text: string,
  words: readonly string[],
  options: HuntOptions,
  isSaid: (name: string) => boolean,
): { file: string; moment: number; inputs: RunInputs } {
  const { name, moment } = splitMoment(text)
  const other = ['env', 'strategy', 'matrix', 'native'].find((one) => isSaid(one))
  if (words.length > 0 || other !== undefined)
    throw new LemmingError(
      'usage',
      `--from ${text}: ${words.length > 0 ? 'a program' : `--${other}`} is given too`,
      'leave it out: the recorded run is executed as it was until that moment',
    )
  const file = findRecording(name, options.out)
  const { inputs, end } = readRecording(file).recording
  if (moment >= end.count)
    throw new LemmingError(
      'usage-moment',
      `--from ${text}: nothing comes after this moment`,
      `give one before @${end.count}, such as ${name}@${Math.floor(end.count / 2)}`,
    )
  return { file, moment, inputs }
}

/** Refuses what the runs of a hunt would change in each other's way. */
export function refuseShared({ options }: RunInputs): void {
  const shared = options.mounts?.find(({ writable }) => writable)
  if (shared !== undefined) {
    throw new LemmingError(
      'usage',
      `--mount ${shared.host}:${shared.guest}:rw: the runs of a hunt would change the same files`,
      'mount it without rw, or use lemming run',
    )
  }
}

/** The campaign that is to go on, with another budget if one was said. */
function resumeCampaign(
  catalogue: Catalogue,
  words: string[],
  options: HuntOptions,
  isSaid: (name: string) => boolean,
): { id: number; uuid: string } {
  if (words.length > 0)
    throw new LemmingError(
      'usage',
      '--resume: a program is given too',
      'leave it out: the hunt that goes on knows its program',
    )
  const { id, uuid, program, sha256 } = campaignFor(
    catalogue,
    options.resume === true ? undefined : options.resume,
    ({ state }) => state === 'stopped' || state === 'killed',
    'was interrupted',
  )
  const { plan: stored, cells } = planOf(catalogue, id)
  const plan = stored as CampaignPlan
  if (!('inputs' in plan))
    throw new LemmingError('usage', `hunt ${id}: its failures were brought in from elsewhere`, 'start a new hunt')
  // What another program does is no news of this one.
  if (fileHash(program) !== sha256)
    throw new LemmingError(
      'usage',
      `hunt ${id}: ${program} is not the file any more that it began with`,
      'start a new hunt; whether a failure is gone says lemming verify F -- PROG',
    )
  const changed: CampaignPlan = {
    ...plan,
    ...(isSaid('runs') && { runs: options.runs * cells.length }),
    ...(isSaid('for') && { seconds: options.for! }),
    ...(isSaid('until') && { until: options.until! }),
    ...(isSaid('keepGoing') && { until: 'never' as const, stopAtError: false }),
    ...(isSaid('jobs') && { jobs: options.jobs }),
    ...(isSaid('keep') && { keep: options.keep! }),
    ...(isSaid('notify') && { notify: options.notify! }),
    ...(isSaid('falseStart') && { falseStarts: options.falseStart }),
  }
  changePlan(catalogue, id, changed, changed.runs)
  return { id, uuid }
}

async function watch(
  catalogue: Catalogue,
  campaign: { id: number; uuid: string },
  options: HuntOptions,
  invocation: Invocation,
): Promise<number> {
  const { json = false } = options
  const plan = planOf(catalogue, campaign.id).plan as CampaignPlan
  const again = againIn(options.out)
  const early = plan.native ? null : await invocation.thread()
  const kept: FoundFailure[] = []
  const heeded = heedSignals()
  const ticker = progressTicker({ of: plan.runs ?? Infinity, ...(plan.seconds !== null && { budget: plan.seconds }) })
  const result = await runCampaign(catalogue, campaign, early, {
    signal: heeded.signal,
    progress: (state) => ticker.watch(state),
    found(failure) {
      // For a text the first one is enough: a long hunt finds many.
      if (json || kept.length === 0) kept.push(failure)
      const { name, outcome } = failure
      const { seed, finding } = outcome
      if (plan.until !== 1 && !json && plan.tests === undefined)
        ticker.say(`${name}  seed ${seed}  ${finding.kind}: ${finding.what}\n`)
    },
  }).finally(() => {
    ticker.stop()
    heeded.stop()
  })
  const cells = hitsByCell(catalogue, campaign.id, null)
  if (json) {
    const found = kept.map(({ name, path, bucket, outcome }) => ({
      name,
      path,
      bucket: `B${bucket}`,
      seed: outcome.seed,
      instructions: outcome.count,
      hash: outcome.hash,
      ending: outcome.ending,
      finding: outcome.finding,
      again: again(name),
    }))
    const { inputs, firstSeed } = plan
    const tests = plan.tests && { ...plan.tests, results: testResults(catalogue, campaign.id) }
    const summary = { inputs, firstSeed, result, kept: found, cells, tests, catalogue: catalogue.path }
    ;(await import('./json.ts')).printHunt(summary)
  } else if (plan.tests !== undefined) {
    tellTests(testResults(catalogue, campaign.id), plan.tests.leftOut, result.seconds)
    const [{ name } = {}] = kept
    if (name !== undefined)
      write(1, `what happened in ${name}: lemming failures ${outWords(options.out)}${name}; again: ${again(name)}\n`)
    if (heeded.by() !== undefined) write(1, `to go on: lemming hunt ${outWords(options.out)}--resume ${result.id}\n`)
  } else tell(result, kept[0], plan, heeded.by(), again, options.out, cells)
  tellErrors(result)
  if (result.falseStart !== null) complain(`false start: ${result.falseStart.what}`, result.falseStart.next)
  return exitCode(result, heeded.by())
}

/** How to name a failure of this directory in a command. */
export function againIn(out: string): (name: string) => string {
  return (name) => shellLine(['lemming', 'replay', ...(out === FAILURES ? [] : ['--out', out]), name])
}

/** Complains of runs that could not be executed: of each kind once. */
export function tellErrors({ errors, falseStart }: Pick<CampaignEnd, 'errors' | 'falseStart'>): void {
  const kinds = new Map<string, { seeds: number[]; error: CampaignEnd['errors'][number]['error'] }>()
  for (const { seed, error } of falseStart === null ? errors : errors.slice(0, 1)) {
    const kind = kinds.get(error.code)
    if (kind === undefined) kinds.set(error.code, { seeds: [seed], error })
    else kind.seeds.push(seed)
  }
  for (const { seeds, error } of kinds.values()) {
    const more = seeds.length === 1 ? '' : ` (and ${seeds.length - 1} more runs like it)`
    complain(`seed ${seeds[0]}: ${error.message}${more}`, error.next)
  }
}

function exitCode(result: CampaignEnd, interruptedBy: NodeJS.Signals | undefined): number {
  if (interruptedBy !== undefined)
    return { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[interruptedBy as 'SIGINT' | 'SIGTERM' | 'SIGHUP']
  if (result.falseStart !== null) return EXIT_CODE.falseStart
  if (result.failures > 0) return EXIT_CODE.failuresFound
  const [first] = result.errors
  return first === undefined ? EXIT_CODE.ok : exitCodeOf(first.error.code)
}

/** Prints what a hunt found: the report of the first failure, and where all of them are. */
function tell(
  result: CampaignEnd,
  first: FoundFailure | undefined,
  plan: CampaignPlan,
  interruptedBy: string | undefined,
  again: (name: string) => string,
  out: string,
  cells: ReturnType<typeof hitsByCell>,
): void {
  const { runs, failures, seconds, buckets } = result
  const { firstSeed } = plan
  if (first !== undefined) {
    const { finding, seed } = first.outcome
    const command = plan.native ? `none: the run was on the real machine` : again(first.name)
    const text = failureText(finding, readFailure(first.path)?.findings ?? [], command)
    write(1, `${first.name}: seed ${seed}, kept in ${first.path}\n\n${text}\n\n`)
    if (finding.kind.startsWith('leak-')) write(1, `note: to hunt for other failures than leaks: --check memory\n\n`)
    if (looksLikeUsage(first.outcome) && result.falseStart === null)
      write(1, `note: this looks like a command that is wrong, not like a failure: ${first.outcome.said}\n\n`)
  }
  if (cells.length > 1) write(1, `${cellTable(cells)}\n\n`)
  if (buckets.size > 0 && failures > 1) {
    const sorted = [...buckets].toSorted(([, a], [, b]) => b.hits - a.hits)
    write(1, `${sorted.map(([id, { title, hits }]) => `B${id}  ×${hits}  ${title}`).join('\n')}\n\n`)
  }
  const found = failures === 0 ? 'no failure' : failures === 1 ? '1 failure' : `${failures} failures`
  const perCell = Math.ceil(runs / cells.length)
  const seeds = runs === 0 ? '' : ` (seeds ${firstSeed} to ${firstSeed + perCell - 1})`
  const how = interruptedBy === undefined ? '' : `interrupted: `
  const rate = seconds > 0 ? `, ${rateText(runs / seconds)}/s` : ''
  write(
    1,
    `${how}${found} in ${runs === 1 ? '1 run' : `${runs} runs`}${interruptedBy === undefined ? seeds : ''}, ${timeText(seconds)}${rate}\n`,
  )
  if (result.coverage !== null) write(1, `${coverageText(result.coverage, failures)}\n`)
  if (interruptedBy !== undefined) write(1, `to go on: lemming hunt ${outWords(out)}--resume ${result.id}\n`)
}

const outWords = (out: string): string => (out === FAILURES ? '' : `--out ${shellLine([out])} `)

/** What an enumeration of schedules proves. */
function coverageText(
  { complete, schedules, exhausted, unknown, bound }: NonNullable<CampaignEnd['coverage']>,
  failures: number,
): string {
  const upTo = (k: number): string =>
    k === 0 ? 'without preemption' : `with at most ${k === 1 ? '1 preemption' : `${k} preemptions`}`
  if (unknown > 0)
    return `nothing can be said of all schedules: ${unknown === 1 ? '1 run' : `${unknown} runs`} had too many choices to note them, or could not be executed`
  const found = failures === 0 ? 'no failure' : failures === 1 ? '1 failure' : `${failures} failures`
  const all = schedules === 1 ? 'the only schedule' : `all ${schedules} schedules`
  if (exhausted) return `${all} ${upTo(complete)}: ${found}`
  const next = `those with ${complete + 1} are not all done${bound > complete + 1 ? ` (${bound} were asked for)` : ''}`
  return complete < 0
    ? `not even all schedules without preemption`
    : `${schedules === 1 ? `${all} ${upTo(complete)} is` : `${all} ${upTo(complete)} are`} done; ${next}`
}

/** Milliseconds to wait for a process in the background to have begun. */
const BEGINNING = 30_000

/** Starts a process that hunts on, apart from this terminal. */
async function detach(catalogue: Catalogue, id: number, out: string): Promise<number> {
  const plan = planOf(catalogue, id).plan as CampaignPlan
  await storeOwnInput(catalogue, id, plan)
  const log = `${cataloguePath(resolve(out)).slice(0, -'.db'.length)}.hunt-${id}.log`
  fs.mkdirSync(dirname(log), { recursive: true })
  const fd = fs.openSync(log, 'a')
  setLog(catalogue, id, log)
  const child = spawn(
    process.execPath,
    [...process.execArgv, process.argv[1]!, 'hunt', '--out', resolve(out), '--resume', String(id)],
    { detached: true, stdio: ['ignore', fd, fd] },
  )
  let gone = false
  child.on('exit', () => (gone = true))
  child.unref()
  fs.closeSync(fd)
  const isBegun = (): boolean => {
    const { state, done, pid } = campaigns(catalogue).find((row) => row.id === id)!
    return pid !== null || state === 'ended' || done > 0
  }
  for (let waited = 0; !isBegun() && !gone && waited < BEGINNING; waited += 50)
    await new Promise((go) => setTimeout(go, 50))
  if (!isBegun()) {
    throw new LemmingError(
      'campaign-failed',
      `hunt ${id} did not begin: ${fs.readFileSync(log, 'utf8').trim() || 'it said nothing'}`,
      `see ${log}`,
    )
  }
  const where = out === FAILURES ? '' : ` --out ${shellLine([out])}`
  write(1, `hunt ${id} is in the background, process ${child.pid}; it writes to ${log}\n`)
  write(1, `how it gets on: lemming status${where} ${id}     end it: lemming stop${where} ${id}\n`)
  return EXIT_CODE.ok
}

/** Milliseconds after which whoever waits is told what for. */
const SILENCE = 2000

/** Reads standard input for a hunt that will have none: what is a file, a pipe or a socket, which have an end. */
async function storeOwnInput(catalogue: Catalogue, id: number, plan: CampaignPlan): Promise<void> {
  if (plan.input !== null) return
  const timer = setTimeout(
    () => complain('reading standard input to its end, for the runs of the hunt', 'if they need none: < /dev/null'),
    SILENCE,
  )
  const bytes = await allInput()()
  clearTimeout(timer)
  const { userObjects } = await import('../lab/storage.ts')
  storeInput(catalogue, id, plan, bytes, userObjects())
}
