/** Exists as `lemming core`: the core file of any moment of a recorded run. */
import { existsSync, writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { LemmingError } from '../base/errors.ts'
import { openInThread } from '../lab/debuggee.ts'
import { FAILURES, findRecording } from '../lab/places.ts'
import { wholeNumber } from './options.ts'
import { shellLine, write } from './output.ts'
import type { Invocation } from './program.ts'

/** A failure and a moment in it, as `F1@1200`; the last moment without one. */
export function splitMoment(name: string): { name: string; moment: number } {
  const at = name.lastIndexOf('@')
  if (at < 0) return { name, moment: Infinity }
  const digits = name.slice(at + 1)
  if (!/^\d+$/.test(digits)) {
    throw new LemmingError(
      'usage-moment',
      `${name}: '${digits}' is no moment`,
      'a moment is a number of instructions: F1@1200',
    )
  }
  return { name: name.slice(0, at), moment: Number(digits) }
}

export function coreCommand({ thread, end }: Invocation): Command {
  return new Command('core')
    .description('Write the core file of a moment of a recorded run, for stock gdb.')
    .argument(
      '<failure>',
      'a failure such as F1, its directory, or a recording file; F1@N for moment N, else the last one',
    )
    .option('--out <dir>', 'directory of failures', FAILURES)
    .option('-o, --output <file>', 'the core file', 'core')
    .option('--pid <n>', 'the process; the one of the thread that runs, else', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .action(async (failure: string, options: { out: string; output: string; pid?: number }) => {
      const { name, moment } = splitMoment(failure)
      const worker = await thread()
      const { remote } = await openInThread(worker, findRecording(name, options.out), null)
      const stop = await remote.seek(moment)
      const pid = options.pid ?? stop.pid
      const details = await remote.process(pid)
      if (details === null)
        throw new LemmingError('unknown-process', `no process ${pid} at @${stop.moment}`, 'try another --pid')
      try {
        writeFileSync(options.output, await remote.core(pid))
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === undefined) throw error
        throw new LemmingError('export-failed', `${options.output}: ${code}`, 'give another file with -o')
      }
      // Made on another computer, the core is of no use without the files that it names.
      const next = existsSync(details.exe)
        ? `gdb ${details.exe} ${options.output}`
        : `${details.exe} is not on this computer: lemming replay ${shellLine([name])} --gdb 0 brings it to gdb`
      write(2, `lemming: ${options.output}: process ${pid} at @${stop.moment}\n  ${next}\n`)
      await worker.close()
      end(0)
    })
}
