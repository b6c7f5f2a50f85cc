/** Exists to write Valgrind's XML beside what a run prints. */
import * as fs from 'node:fs'
import { LemmingError } from '../base/errors.ts'
import type { RunResult } from '../lab/jobs.ts'
import { version } from '../lab/version.ts'
import { reportXml } from '../report/xml.ts'

/** Writes the file of `--xml`; `options` are those that the run was made with. */
export function writeXml(file: string, result: RunResult, options: readonly string[]): void {
  const { inputs, finding, findings, elapsed, leaks, suppressions } = result
  const pid = finding?.thread?.pid ?? findings[0]?.thread?.pid ?? 1000
  const [program, args] = [inputs.path, inputs.argv.slice(1)]
  const context = { version: version(), program, args, options, pid, elapsed, leaks, suppressions }
  try {
    fs.writeFileSync(file, reportXml(findings, finding, context))
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code
    throw new LemmingError('export-xml', `${file}: ${why}`, 'give --xml a file that can be written')
  }
}
