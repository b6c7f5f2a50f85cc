/** Exists as `lemming hunt`: many seeds until one fails or the budget ends; failures are kept. */
import { availableParallelism } from 'node:os'
import { isatty } from 'node:tty'
import { Command } from 'commander'
import { LemmingError } from '../base/errors.ts'
import { FailureDirectory } from '../campaign/failures.ts'
import { hunt } from '../campaign/hunt.ts'
import { progressLine, rateText, timeText } from '../campaign/progress.ts'
import { runInputs } from '../lab/inputs.ts'
import { FAILURES } from '../lab/places.ts'
import { allInput, ThreadRunner } from '../lab/runner.ts'
import { reportText } from '../report/text.ts'
import { EXIT_CODE, exitCodeOf } from './exit-codes.ts'
import type { HuntSummary, KeptFailure } from './json.ts'
import { addProgramOptions, wholeNumber, wishesOf, type ProgramOptions } from './options.ts'
import { complain, shellLine, write } from './output.ts'
import type { Invocation } from './program.ts'

interface HuntOptions extends ProgramOptions {
  runs: number
  jobs: number
  keepGoing?: boolean
  nonzeroExit?: boolean
  out: string
}

/** Milliseconds between two progress lines: on a terminal, where the line is written over, and elsewhere. */
const LIVE = 200
const PLAIN = 10_000

export function huntCommand(invocation: Invocation): Command {
  return addProgramOptions(new Command('hunt'), 'the first seed')
    .description('Run a program with seeds 0, 1, 2 … until one fails; keep the failure.')
    .option('--runs <n>', 'how many seeds', wholeNumber(1, 1_000_000_000), 1000)
    .option(
      '--jobs <n>',
      'runs at the same time; the result does not depend on it',
      wholeNumber(1, 256),
      availableParallelism(),
    )
    .option('--keep-going', 'go on behind failures, and keep all of them')
    .option('--nonzero-exit', 'count an exit code other than 0 as a failure')
    .option('--out <dir>', 'directory in which failures are kept', FAILURES)
    .action(async (words: string[], options: HuntOptions) => {
      if (options.jsonSchema === true) return (await import('./json.ts')).printSchema('hunt')
      invocation.end(await startHunt(words, options, invocation))
    })
}

async function startHunt(words: string[], options: HuntOptions, invocation: Invocation): Promise<number> {
  const inputs = runInputs(wishesOf(words, options), process.env)
  const shared = inputs.options.mounts?.find(({ writable }) => writable)
  if (shared !== undefined) {
    throw new LemmingError(
      'usage',
      `--mount ${shared.host}:${shared.guest}:rw: the runs of a hunt would change the same files`,
      'mount it without rw, or use lemming run',
    )
  }
  const { seed: firstSeed, runs, jobs, keepGoing = false, nonzeroExit = false, json = false } = options
  const directory = new FailureDirectory(options.out)
  const kept: KeptFailure[] = []
  const again = (name: string): string =>
    shellLine(['lemming', 'replay', ...(options.out === FAILURES ? [] : ['--out', options.out]), name])
  const input = allInput()
  const early = await invocation.thread()
  const scratch = directory.scratch()
  const interrupt = new AbortController()
  let interruptedBy: NodeJS.Signals | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    // Whoever insists gets out at once; what is not kept by then is scratch, which the next hunt removes.
    if (interruptedBy !== undefined) process.exit(signal === 'SIGINT' ? 130 : 143)
    interruptedBy = signal
    interrupt.abort()
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)

  const began = performance.now()
  const elapsed = (): number => (performance.now() - began) / 1000
  const ticker = progressTicker(runs, elapsed)
  const result = await hunt(
    { firstSeed, runs, jobs, keepGoing },
    {
      runner: (index) => new ThreadRunner({ inputs, nonzeroExit, scratch }, input, index === 0 ? early : null),
      keep(outcome) {
        const name = directory.keep(outcome.bundle)
        const { seed, count, hash, ending, finding } = outcome
        kept.push({
          name,
          path: directory.pathOf(name),
          seed,
          instructions: count,
          hash,
          ending,
          finding,
          again: again(name),
        })
        if (keepGoing && !json) ticker.say(`${name}  seed ${seed}  ${finding.kind}: ${finding.what}\n`)
      },
      discard: (outcome) => directory.discard(outcome.bundle),
      progress: (done, failures) => ticker.progress(done, failures),
      signal: interrupt.signal,
    },
  ).finally(() => {
    ticker.stop()
    directory.close()
  })
  const seconds = elapsed()
  const summary: HuntSummary = { inputs, firstSeed, result, kept, seconds }
  if (json) (await import('./json.ts')).printHunt(summary)
  else tell(summary, interruptedBy)
  for (const { seed, error } of result.errors) complain(`seed ${seed}: ${error.message}`, error.next)
  if (interruptedBy !== undefined) return interruptedBy === 'SIGINT' ? 130 : 143
  if (result.failures > 0) return EXIT_CODE.failuresFound
  const [first] = result.errors
  return first === undefined ? EXIT_CODE.ok : exitCodeOf(first.error.code)
}

/** Prints what a hunt found: the report of the first failure, and where all of them are. */
function tell({ firstSeed, result, kept, seconds }: HuntSummary, interruptedBy: string | undefined): void {
  const [first] = kept
  if (first !== undefined) {
    write(
      1,
      `${first.name}: seed ${first.seed}, kept in ${first.path}\n\n${reportText(first.finding, { again: first.again })}\n\n`,
    )
  }
  const found = kept.length === 0 ? 'no failure' : kept.length === 1 ? '1 failure' : `${kept.length} failures`
  const seeds = result.runs === 0 ? '' : ` (seeds ${firstSeed} to ${firstSeed + result.runs - 1})`
  const how = interruptedBy === undefined ? '' : `interrupted: `
  const rate = seconds > 0 ? `, ${rateText(result.runs / seconds)}/s` : ''
  write(
    1,
    `${how}${found} in ${result.runs === 1 ? '1 run' : `${result.runs} runs`}${interruptedBy === undefined ? seeds : ''}, ${timeText(seconds)}${rate}\n`,
  )
}

interface Ticker {
  progress(runs: number, failures: number): void
  /** Prints text for good. */
  say(text: string): void
  stop(): void
}

/** Shows progress on standard error: one line that is written over on a terminal, a line now and then elsewhere. */
function progressTicker(of: number, elapsed: () => number): Ticker {
  const live = isatty(2)
  let state = { runs: 0, failures: 0 }
  let shown = false
  const erase = (): void => {
    if (shown) write(2, '\r\u001b[K')
    shown = false
  }
  const show = (): void => {
    const line = progressLine({ ...state, of, elapsed: elapsed() })
    write(2, live ? `\r\u001b[K${line}` : `lemming: ${line}\n`)
    shown = live
  }
  const timer = setInterval(show, live ? LIVE : PLAIN)
  return {
    progress(runs, failures) {
      state = { runs, failures }
    },
    say(text) {
      erase()
      write(1, text)
    },
    stop() {
      clearInterval(timer)
      erase()
    },
  }
}
