/** Exists as `lemming hunt --compare-strategies`: the same number of schedules by each strategy, and how many of them fail. Nothing is kept. */
import { FailureDirectory } from '../campaign/failures.ts'
import type { SeedOutcome } from '../campaign/outcome.ts'
import { runInputs } from '../lab/inputs.ts'
import { allInput, ThreadRunner } from '../lab/runner.ts'
import { EXIT_CODE } from './exit-codes.ts'
import { criteriaOf } from './hunt-options.ts'
import type { HuntOptions } from './hunt.ts'
import { refuseShared, tellErrors } from './hunting.ts'
import { wishesOf } from './options.ts'
import { write } from './output.ts'
import { rateCells, table } from './tables.ts'

/** Runs `options.runs` seeds by each of the strategies and prints the table; the exit code is that of a hunt. */
export async function compareStrategies(
  words: string[],
  options: HuntOptions,
  strategies: readonly string[],
): Promise<number> {
  const inputs = runInputs(wishesOf(words, options), process.env)
  refuseShared(inputs)
  const directory = new FailureDirectory(options.out)
  const input = allInput()
  const rows: string[][] = [['strategy', 'failed', 'rate', '95 % interval', 'first seed']]
  const errors: Extract<SeedOutcome, { kind: 'error' }>[] = []
  let failed = false
  try {
    for (const strategy of strategies) {
      const job = {
        inputs: { ...inputs, options: { ...inputs.options, strategy } },
        cells: [{ label: '', env: [] }],
        campaign: 'comparison',
        nonzeroExit: options.nonzeroExit === true,
        criteria: criteriaOf(options),
        scratch: directory.scratch(),
      }
      const failures: number[] = []
      let next = options.seed
      const loop = async (): Promise<void> => {
        const runner = new ThreadRunner(job, input)
        while (next < options.seed + options.runs) {
          const outcome = await runner.run({ seed: next++, cell: 0 })
          if (outcome.kind === 'error') errors.push(outcome)
          if (outcome.kind !== 'failed') continue
          failures.push(outcome.seed)
          directory.discard(outcome.bundle)
        }
        await runner.close()
      }
      await Promise.all(Array.from({ length: Math.min(options.jobs, options.runs) }, loop))
      failed ||= failures.length > 0
      const first = failures.length === 0 ? '-' : String(Math.min(...failures))
      rows.push([strategy, ...rateCells(failures.length, options.runs), first])
    }
  } finally {
    directory.close()
  }
  write(1, `${table(rows, [1, 2, 3, 4])}\n`)
  tellErrors({ errors, falseStart: null })
  return failed ? EXIT_CODE.failuresFound : EXIT_CODE.ok
}
