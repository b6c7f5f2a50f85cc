/** Exists as `lemming branch`: what becomes of a run when it goes on from a moment with other schedules. */
import { resolve } from 'node:path'
import { Command } from 'commander'
import { LemmingError } from '../base/errors.ts'
import { openInThread } from '../lab/debuggee.ts'
import { FAILURES, findRecording } from '../lab/places.ts'
import type { Thread } from '../lab/thread.ts'
import type { Change, Fate } from '../session/protocol.ts'
import { splitMoment } from './core.ts'
import { addJsonOptions, wholeNumber } from './options.ts'
import { shellLine, write } from './output.ts'
import type { Invocation } from './program.ts'

interface BranchOptions {
  out: string
  lemmings: number
  seed: number
  limit?: number
  keep: number[]
  set: string[]
  sameSchedule?: boolean
  output?: string
  json?: boolean
  jsonSchema?: boolean
}

/** Instructions that a lemming may execute beyond what the run had left, and how often that. */
const SPARE = 20_000_000
const TIMES = 4
/** Seeds that a row names. */
const NAMED = 6

const seedNumber = wholeNumber(0, Number.MAX_SAFE_INTEGER)

export function branchCommand({ thread, end }: Invocation): Command {
  return addJsonOptions(new Command('branch'))
    .description(
      'Send clones on from a moment of a recorded run, each with a schedule of its own, and compare their fates.',
    )
    .argument('[failure]', 'a failure such as F1, its directory, or a recording file, and the moment: F1@1200')
    .option('--out <dir>', 'directory of failures', FAILURES)
    .option('--lemmings <n>', 'how many', wholeNumber(1, 100_000), 20)
    .option('--seed <n>', 'the seed of the first one; the others have the next', seedNumber, 1)
    .option('--same-schedule', 'one lemming, scheduled as the run was: with --set')
    .option(
      '--set <assignment>',
      "change memory or a register first: 'head->next = 0', '$rax = 5' (repeatable)",
      (text: string, before: string[]) => [...before, text],
      [],
    )
    .option('--limit <n>', 'instructions after which a lemming is called back', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option(
      '--keep <seed>',
      'keep the one with this seed as a failure of its own, or as a recording with -o (repeatable)',
      (text: string, before: number[]) => [...before, seedNumber(text)],
      [],
    )
    .option('-o, --output <file>', 'where to write the recording of the kept one')
    .action(async (failure: string | undefined, options: BranchOptions, self: Command) => {
      if (options.jsonSchema === true) return (await import('./json.ts')).printSchema('branch')
      if (failure === undefined) self.error("missing argument 'failure'")
      const { name, moment } = splitMoment(failure)
      const file = findRecording(name, options.out)
      const worker = await thread()
      const { remote } = await openInThread(worker, file, null)
      const { end: last } = await remote.position()
      if (moment >= last) {
        const next = `give one before @${last}, such as ${name}@${Math.floor(last / 2)}`
        throw new LemmingError('usage-moment', `${failure}: nothing comes after this moment`, next)
      }
      const { tid } = await remote.seek(moment)
      const set: Change[] = []
      for (const text of options.set) set.push(await remote.change(tid, 0, text))
      const limit = options.limit === undefined ? last + TIMES * (last - moment) + SPARE : moment + options.limit
      const seeds: (number | null)[] =
        options.sameSchedule === true ? [null] : Array.from({ length: options.lemmings }, (_, i) => options.seed + i)
      const fates: Fate[] = []
      for (const seed of seeds) fates.push(await remote.branch(seed, limit, set))
      if (options.json !== true) write(1, tableOf(fates, moment))
      const kept: { seed: number; path: string }[] = []
      for (const seed of options.keep) {
        const fate = fates.find((one) => one.seed === seed) ?? (await remote.branch(seed, limit, set))
        kept.push(await keep(worker, { file, name, branch: { moment, seed, set }, limit, options }, fate))
      }
      if (options.json === true)
        (await import('./json.ts')).print('branch', { failure: name, moment, lemmings: fates, kept })
      await worker.close()
      end(0)
    })
}

interface Kept {
  file: string
  name: string
  branch: { moment: number; seed: number; set: Change[] }
  limit: number
  options: BranchOptions
}

/** Keeps a lemming: as the recording that `-o` names, or as a failure. */
async function keep(
  worker: Thread,
  { file, name, branch, limit, options }: Kept,
  fate: Fate,
): Promise<{ seed: number; path: string }> {
  const { seed, moment } = branch
  const note = `branched from ${name}@${moment} with seed ${seed}`
  const job = { kind: 'keepBranch' as const, file, branch, limit, note }
  if (options.output !== undefined) {
    await worker.ask<'keepBranch'>({ ...job, output: options.output, as: 'recording' })
    write(2, `lemming: ${options.output}: seed ${seed} from @${moment}, ${fateText(fate)}\n`)
    write(2, `  ${shellLine(['lemming', 'replay', options.output])}\n`)
    return { seed, path: options.output }
  }
  const { ending } = fate
  if (ending === null || (ending.kind === 'exit' && ending.code === 0))
    throw new LemmingError(
      'usage-keep',
      `the lemming with seed ${seed} is no failure: ${fateText(fate)}`,
      'write its recording with -o FILE',
    )
  const { keepFailure } = await import('../lab/branches.ts')
  const kept = await keepFailure(resolve(options.out), note, async (bundle) => {
    await worker.ask<'keepBranch'>({ ...job, output: bundle, as: 'failure' })
  })
  const elsewhere = options.out === FAILURES ? [] : ['--out', options.out]
  write(2, `lemming: ${kept.name}: seed ${seed} from @${moment}, ${fateText(fate)}\n`)
  write(2, `  ${shellLine(['lemming', 'replay', ...elsewhere, kept.name])}\n`)
  return { seed, path: kept.path }
}

/** What happened to a lemming, without where. */
function fateText({ ending, error, moment }: Pick<Fate, 'ending' | 'error' | 'moment'>): string {
  if (error !== null) return `stopped: ${error}`
  if (ending === null) return `still on its way at @${moment}`
  switch (ending.kind) {
    case 'exit':
      return `exit ${ending.code}`
    case 'signal':
      return `${ending.name} (${ending.codeName})`
    case 'deadlock':
      return 'deadlock'
    case 'time-limit':
    case 'instruction-limit':
      return 'time limit'
  }
}

/** Fates that are alike in one row, the most frequent first. */
function tableOf(fates: readonly Fate[], moment: number): string {
  const groups = new Map<string, Fate[]>()
  for (const fate of fates) {
    const { place, ending } = fate
    const line = place?.file === undefined ? (place?.function ?? place?.address ?? '') : `${place.file}:${place.line}`
    const where =
      ending?.kind === 'exit' || place === null
        ? ''
        : ` at ${line}${place.function === undefined ? '' : ` ${place.function}()`}`
    const text = `${fateText({ ...fate, moment: 0 }).replace(' at @0', '')}${where}`
    groups.set(text, [...(groups.get(text) ?? []), fate])
  }
  const rows = [...groups].toSorted(([, a], [, b]) => b.length - a.length)
  const lines = rows.map(([text, group]) => {
    const share = `${((100 * group.length) / fates.length).toFixed(1)} %`
    const seeds = group.slice(0, NAMED).map(({ seed }) => seed ?? 'as recorded')
    const more = group.length > NAMED ? ', …' : ''
    const moments = group.map((fate) => fate.moment).toSorted((a, b) => a - b)
    const span = moments[0] === moments.at(-1) ? `@${moments[0]}` : `@${moments[0]} to @${moments.at(-1)}`
    return `${String(group.length).padStart(6)} ${share.padStart(8)}  ${text}\n                 ${span}; seeds ${seeds.join(', ')}${more}\n`
  })
  return `${fates.length} lemmings from @${moment}:\n${lines.join('')}`
}
