/** Exists to do what `lemming verify` asks for: two rates of one failure, and what the second one proves. */
import * as fs from 'node:fs'
import { join, resolve } from 'node:path'
import { LemmingError } from '../base/errors.ts'
import { addCampaign, planOf, type CampaignKind } from '../campaign/catalogue-campaigns.ts'
import { addJournal, buckets, hitsByCell, requireFailure, type FailureRow } from '../campaign/catalogue-failures.ts'
import type { Catalogue } from '../campaign/catalogue.ts'
import { RECORDING_NAME } from '../campaign/failures.ts'
import { percent, timeText } from '../campaign/progress.ts'
import {
  luck,
  posteriorBound,
  probabilityBelow,
  ruleOfThree,
  runsFor,
  wilson,
  zeroBound,
} from '../campaign/statistics.ts'
import { openCatalogue, runCampaign, type CampaignEnd, type CampaignPlan } from '../lab/hunter.ts'
import { pathOfProgram, withSeed } from '../lab/inputs.ts'
import { fileHash } from '../lab/native.ts'
import { FAILURES } from '../lab/places.ts'
import { readRecording } from '../lab/storage.ts'
import type { RunInputs } from '../session/session.ts'
import { EXIT_CODE, exitCodeOf } from './exit-codes.ts'
import { criteriaOf } from './hunt-options.ts'
import { refuseShared, tellErrors } from './hunting.ts'
import { STRATEGY } from './options.ts'
import { complain, shellLine, write } from './output.ts'
import type { Invocation } from './program.ts'
import { rateCells, table } from './tables.ts'
import type { VerifyOptions } from './verify.ts'
import { heedSignals, progressTicker } from './watching.ts'

/** Failures out of runs. */
interface Rate {
  hits: number
  runs: number
}

/** Runs that are made if nobody says how many: enough for the claim, within these. */
const LEAST = 100
const MOST = 10_000

/** Runs below which a rate says little. */
const FEW = 20

/** What verify has found out. */
export interface Verdict {
  failure: FailureRow
  title: string
  command: string[]
  /** Null if nothing is known of the old program's rate. */
  before: Rate | null
  after: Rate
  /** Buckets that the changed program was seen in, the failure's own left out. */
  others: { name: string; title: string; hits: number; isNew: boolean }[]
  /** The rate to get below. */
  claim: number | null
  /** Runs without this failure that the claim needs, and how many are missing. */
  needed: number | null
  missing: number | null
  end: CampaignEnd
}

/** Verifies; the exit code. */
export async function verify(
  name: string,
  words: string[],
  options: VerifyOptions,
  isSaid: (option: string) => boolean,
  invocation: Invocation,
): Promise<number> {
  if (words.length === 0)
    throw new LemmingError('usage', 'no program is given', `say which: lemming verify ${name} -- ./changed-program`)
  const out = resolve(options.out)
  const catalogue = openCatalogue(out)
  try {
    const failure = requireFailure(catalogue, name)
    const { plan } = planOf(catalogue, failure.campaign) as { plan: Partial<CampaignPlan> }
    const native = options.native ?? failure.strategy === 'native'
    const recorded = inputsOf(failure, out)
    const path = pathOfProgram(words[0]!, process.env.PATH)
    const argv = words.length > 1 ? words : [words[0]!, ...recorded.argv.slice(1)]
    // A schedule that was written down, or fitted to the old program's length, is no way to look for failures of another one.
    const strategy = plan.inputs?.options.strategy ?? recorded.options.strategy.replace(/^turns:.*$/s, STRATEGY)
    const old: RunInputs = { ...recorded, options: { ...recorded.options, strategy } }
    const inputs = withSeed({ ...old, path, argv }, old.seed, {
      label: '',
      env: options.env,
    })
    refuseShared(inputs)
    const base = {
      native,
      nonzeroExit: options.nonzeroExit ?? plan.nonzeroExit ?? false,
      criteria: ['failOn', 'failMatch', 'failUnless', 'expectSame'].some(isSaid) ? criteriaOf(options) : plan.criteria,
      firstSeed: plan.firstSeed ?? 0,
      seconds: options.for ?? null,
      until: 'never' as const,
      stopAtError: false,
      jobs: options.jobs,
      falseStarts: options.falseStart,
      keep: options.keep ?? 3,
      notify: options.notify ?? null,
      out,
      input: plan.input ?? null,
    }
    const heeded = heedSignals()
    const early = native ? null : await invocation.thread()
    const execute = async (
      kind: CampaignKind,
      changed: Partial<CampaignPlan> & Pick<CampaignPlan, 'inputs' | 'runs'>,
    ): Promise<CampaignEnd> => {
      const wanted: CampaignPlan = { ...base, ...changed }
      const campaign = addCampaign(catalogue, {
        kind,
        program: wanted.inputs.path,
        sha256: fileHash(wanted.inputs.path),
        command: wanted.inputs.argv,
        strategy: native ? 'native' : wanted.inputs.options.strategy,
        runs: wanted.runs,
        plan: wanted,
        cells: [{ label: '', env: [] }],
      })
      const ticker = progressTicker({
        of: wanted.runs ?? Infinity,
        ...(wanted.seconds !== null && { budget: wanted.seconds }),
      })
      return runCampaign(catalogue, campaign, kind === 'verify' ? early : null, {
        signal: heeded.signal,
        progress: (state) => ticker.watch(state),
        found: () => {},
      }).finally(() => ticker.stop())
    }
    try {
      const before = await rateBefore(catalogue, failure, options.baseline, old, execute)
      const claim = options.claim ?? (before === null || before.runs === 0 ? null : before.hits / before.runs / 10)
      const needed = claim === null ? null : runsFor(claim)
      const runs = isSaid('runs')
        ? options.runs
        : options.for !== undefined
          ? null
          : Math.min(MOST, Math.max(LEAST, needed ?? 0))
      const end = await execute('verify', { inputs, runs })
      const verdict = verdictOf(catalogue, failure, inputs.argv, before, end, claim)
      if (options.json === true) (await import('./json-catalogue.ts')).printVerdict(verdict)
      else write(1, `${verdictText(verdict, options.out)}\n`)
      addJournal(catalogue, failure.name, `verify -- ${shellLine(inputs.argv)}`, summary(verdict))
      tellErrors(end)
      if (end.falseStart !== null) complain(`false start: ${end.falseStart.what}`, end.falseStart.next)
      return exitCode(verdict, heeded.by())
    } finally {
      heeded.stop()
    }
  } finally {
    catalogue.close()
  }
}

function exitCode({ end, after, others }: Verdict, interruptedBy: NodeJS.Signals | undefined): number {
  if (interruptedBy !== undefined) return interruptedBy === 'SIGINT' ? 130 : 143
  if (end.falseStart !== null) return EXIT_CODE.falseStart
  if (after.hits > 0 || others.length > 0) return EXIT_CODE.failuresFound
  const [first] = end.errors
  return first === undefined ? EXIT_CODE.ok : exitCodeOf(first.error.code)
}

/** How the failure was run: what its recording says, or its document if there is no recording. */
function inputsOf({ name }: FailureRow, out: string): RunInputs {
  const recording = join(out, name, RECORDING_NAME)
  if (fs.existsSync(recording)) return readRecording(recording).recording.inputs
  const document = join(out, name, 'failure.json')
  if (!fs.existsSync(document))
    throw new LemmingError(
      'no-recording',
      `${join(out, name)}: its files are no longer there`,
      'verify another failure of its bucket',
    )
  const { program, argv, env, cwd, seed, options } = JSON.parse(fs.readFileSync(document, 'utf8')) as RunInputs & {
    program: { path: string }
  }
  return { path: program.path, argv, env, cwd, seed, options }
}

/** The old program's rate: by new runs if they are asked for, else by the hunt that found the failure. */
async function rateBefore(
  catalogue: Catalogue,
  failure: FailureRow,
  baseline: number | undefined,
  old: RunInputs,
  execute: (
    kind: CampaignKind,
    plan: Partial<CampaignPlan> & Pick<CampaignPlan, 'inputs' | 'runs'>,
  ) => Promise<CampaignEnd>,
): Promise<Rate | null> {
  if (baseline !== undefined) {
    const end = await execute('hunt', { inputs: old, runs: baseline, seconds: null, keep: 0, notify: null })
    return rateIn(catalogue, end.id, 0, failure.bucket)
  }
  const isImport =
    catalogue.get(`SELECT 1 FROM campaigns WHERE id = ? AND kind = 'import'`, failure.campaign) !== undefined
  return isImport ? null : rateIn(catalogue, failure.campaign, failure.cell, failure.bucket)
}

function rateIn(catalogue: Catalogue, campaign: number, cell: number, bucket: number): Rate {
  const { hits, runs } = hitsByCell(catalogue, campaign, bucket)[cell]!
  return { hits, runs }
}

function verdictOf(
  catalogue: Catalogue,
  failure: FailureRow,
  command: string[],
  before: Rate | null,
  end: CampaignEnd,
  claim: number | null,
): Verdict {
  const after = rateIn(catalogue, end.id, 0, failure.bucket)
  const needed = claim === null ? null : runsFor(claim)
  const known = buckets(catalogue)
  const rows = catalogue.all<{ bucket: number; hits: number; first: number }>(
    `SELECT ifnull(b.merged, b.id) AS bucket, count(*) AS hits,
       (SELECT min(r2.campaign) FROM runs r2 JOIN buckets b2 ON b2.id = r2.bucket WHERE r2.bucket IS NOT NULL AND ifnull(b2.merged, b2.id) = ifnull(b.merged, b.id)) AS first
     FROM runs r JOIN buckets b ON b.id = r.bucket WHERE r.campaign = ? AND r.bucket IS NOT NULL GROUP BY 1 ORDER BY 2 DESC`,
    end.id,
  )
  return {
    failure,
    title: known.find(({ id }) => id === failure.bucket)?.title ?? failure.what,
    command,
    before,
    after,
    others: rows
      .filter(({ bucket }) => bucket !== failure.bucket)
      .map(({ bucket, hits, first }) => ({
        name: `B${bucket}`,
        title: known.find(({ id }) => id === bucket)?.title ?? '',
        hits,
        isNew: first === end.id,
      })),
    claim,
    needed,
    missing: needed === null ? null : Math.max(0, needed - after.runs),
    end,
  }
}

/** One line for the journal. */
function summary({ before, after, others }: Verdict): string {
  const was = before === null ? '' : `before ${before.hits}/${before.runs}, `
  const now =
    after.hits === 0
      ? `not seen in ${after.runs} runs: below ${percent(zeroBound(after.runs))}`
      : `seen ${after.hits === 1 ? 'once' : `${after.hits} times`} in ${after.runs} runs`
  return `${was}${now}${others.length === 0 ? '' : `; other failures in ${others.map(({ name }) => name).join(', ')}`}`
}

/** The verdict for people. */
function verdictText(verdict: Verdict, out: string): string {
  const { failure, title, command, before, after, others, end } = verdict
  const rows = [
    ...(before === null ? [] : [['before', ...rateCells(before.hits, before.runs)]]),
    ['after', ...rateCells(after.hits, after.runs)],
  ]
  const lines = [
    `${failure.name} is of B${failure.bucket}: ${title}`,
    '',
    table([['', 'failed', 'rate', '95 % interval'], ...rows], [1, 2, 3]),
    '',
    ...(after.hits === 0 ? goneLines(verdict, out) : remainsLines(verdict)),
    others.length === 0
      ? 'no other failures were seen'
      : `other failures:${others.map(({ name, title: what, hits, isNew }) => `\n  ${name}${isNew ? ' (new)' : ''}  ×${hits}  ${what}`).join('')}`,
    '',
    'A seed means another schedule once the code has changed: that a seed which failed passes now says nothing; only rates compare.',
    `${after.runs} runs of ${shellLine(command)}, ${timeText(end.seconds)}; they are hunt ${end.id} in the catalogue`,
  ]
  if (before !== null && before.runs < FEW)
    lines.push(
      `The old program's rate is known from ${before.runs === 1 ? '1 run' : `${before.runs} runs`} only: --baseline 200 runs it more often first.`,
    )
  if (before === null) lines.push(`Nothing is known of how often the old program failed: --baseline 200 runs it first.`)
  return lines.join('\n')
}

function goneLines({ failure, before, after, claim, needed, missing, command }: Verdict, out: string): string[] {
  const { runs } = after
  if (runs === 0) return ['no run was made']
  const lines = [
    `not seen in ${runs} runs; with 95 % confidence it happens in less than`,
    `  ${percent(zeroBound(runs)).padEnd(10)} of runs (exact; rule of three: ${percent(ruleOfThree(runs))})`,
    `  ${percent(posteriorBound(0, runs)).padEnd(10)} of runs (Beta posterior, all rates having been equally likely)`,
  ]
  if (before !== null && before.hits > 0) {
    const { low } = wilson(before.hits, before.runs)
    lines.push(
      `if nothing had changed (a rate of ${percent(low)} or more), ${runs} good runs would have a probability of ${chance(luck(low, runs))}`,
    )
  }
  if (claim !== null) {
    const where = out === FAILURES ? [] : ['--out', out]
    const again = shellLine(['lemming', 'verify', ...where, '--runs', String(needed), failure.name, '--', ...command])
    lines.push(
      missing === 0
        ? `enough to claim a rate below ${percent(claim)}`
        : `to claim a rate below ${percent(claim)}: ${needed} runs without it, ${missing} more than these: ${again}`,
    )
  }
  return lines
}

function remainsLines({ before, after, failure }: Verdict): string[] {
  const lines = [`NOT FIXED: seen ${after.hits === 1 ? 'once' : `${after.hits} times`} in ${after.runs} runs`]
  if (before !== null && before.runs > 0) {
    const p = probabilityBelow(after, before)
    lines.push(
      `the probability that it has become rarer than before is ${percent(Math.min(1, Math.max(0, Number(p.toFixed(3)))))}`,
    )
  }
  lines.push(`see them: lemming failures B${failure.bucket}`)
  return lines
}

/** `0.026`, `2.6e-9`. */
function chance(p: number): string {
  return p >= 0.001 ? String(Number(p.toPrecision(2))) : p < 1e-300 ? '0' : p.toExponential(1)
}
