/** Exists as `lemming branch`: what becomes of a run when it goes on from a moment with other schedules. */
import { Command } from 'commander'
import { LemmingError } from '../base/errors.ts'
import { openInThread } from '../lab/debuggee.ts'
import { FAILURES, findRecording } from '../lab/places.ts'
import type { Fate } from '../session/protocol.ts'
import { splitMoment } from './core.ts'
import { wholeNumber } from './options.ts'
import { shellLine, write } from './output.ts'
import type { Invocation } from './program.ts'

interface BranchOptions {
  out: string
  lemmings: number
  seed: number
  limit?: number
  keep?: number
  output?: string
}

/** Instructions that a lemming may execute beyond what the run had left, and how often that. */
const SPARE = 20_000_000
const TIMES = 4
/** Seeds that a row names. */
const NAMED = 6

export function branchCommand({ thread, end }: Invocation): Command {
  return new Command('branch')
    .description(
      'Send clones on from a moment of a recorded run, each with a schedule of its own, and compare their fates.',
    )
    .argument('<failure>', 'a failure such as F1, its directory, or a recording file, and the moment: F1@1200')
    .option('--out <dir>', 'directory of failures', FAILURES)
    .option('--lemmings <n>', 'how many', wholeNumber(1, 100_000), 20)
    .option(
      '--seed <n>',
      'the seed of the first one; the others have the next',
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
      1,
    )
    .option('--limit <n>', 'instructions after which a lemming is called back', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option(
      '--keep <seed>',
      'also write the recording of the one with this seed',
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
    )
    .option('-o, --output <file>', 'where to (branch-SEED.lemming)')
    .action(async (failure: string, options: BranchOptions) => {
      const { name, moment } = splitMoment(failure)
      const file = findRecording(name, options.out)
      const worker = await thread()
      const { remote } = await openInThread(worker, file, null)
      const { end: last } = await remote.position()
      if (moment >= last) {
        const next = `give one before @${last}, such as ${name}@${Math.floor(last / 2)}`
        throw new LemmingError('usage-moment', `${failure}: nothing comes after this moment`, next)
      }
      await remote.seek(moment)
      const limit = options.limit === undefined ? last + TIMES * (last - moment) + SPARE : moment + options.limit
      const fates: Fate[] = []
      for (let i = 0; i < options.lemmings; i++) fates.push(await remote.branch(options.seed + i, limit))
      write(1, tableOf(fates, moment))
      if (options.keep !== undefined) {
        const output = options.output ?? `branch-${options.keep}.lemming`
        const kept = await worker.ask<'keepBranch'>({
          kind: 'keepBranch',
          file,
          moment,
          seed: options.keep,
          limit,
          output,
        })
        write(2, `lemming: ${output}: seed ${options.keep} from @${moment}, ${fateText(kept)}\n`)
        write(2, `  ${shellLine(['lemming', 'replay', output])}\n`)
      }
      await worker.close()
      end(0)
    })
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
    const seeds = group.slice(0, NAMED).map(({ seed }) => seed)
    const more = group.length > NAMED ? ', …' : ''
    const moments = group.map((fate) => fate.moment).toSorted((a, b) => a - b)
    const span = moments[0] === moments.at(-1) ? `@${moments[0]}` : `@${moments[0]} to @${moments.at(-1)}`
    return `${String(group.length).padStart(6)} ${share.padStart(8)}  ${text}\n                 ${span}; seeds ${seeds.join(', ')}${more}\n`
  })
  return `${fates.length} lemmings from @${moment}:\n${lines.join('')}`
}
