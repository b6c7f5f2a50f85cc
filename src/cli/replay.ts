/** Exists as `lemming replay`: a recorded run again, instruction for instruction. */
import { resolve } from 'node:path'
import { Command } from 'commander'
import { FAILURES, findRecording } from '../lab/places.ts'
import { EXIT_CODE } from './exit-codes.ts'
import { addJsonOptions, wholeNumber } from './options.ts'
import { shellLine, write } from './output.ts'
import type { Invocation } from './program.ts'
import { exitCodeOfResult, tell, tellStatistics } from './run.ts'

interface ReplayOptions {
  out: string
  times: number
  strace?: boolean
  stats?: boolean
  export?: string
  errorExitcode?: number
  gdb?: number
  dap?: string | true
  commands: string[]
  ex: string[]
  json?: boolean
  jsonSchema?: boolean
}

const collect = (value: string, before: string[]): string[] => [...before, value]

export function replayCommand({ thread, end }: Invocation): Command {
  return addJsonOptions(new Command('replay'))
    .description(
      'Execute a failure, or any recording, again; compare count and state with the recorded run; report again. ' +
        'At a terminal, or with --commands, --ex, --gdb or --dap: walk through it both ways.',
    )
    .argument('[failure]', 'a failure such as F1, its directory, or a recording file')
    .option('--out <dir>', 'directory of failures', FAILURES)
    .option('--times <n>', 'how often', wholeNumber(1, 1_000_000), 1)
    .option('--strace', 'print its system calls to standard error')
    .option('--stats', 'print counters to standard error')
    .option(
      '--gdb <port>',
      'wait for gdb at this port of 127.0.0.1 (0: any), and run for it both ways',
      wholeNumber(0, 65_535),
    )
    .option('--dap [port]', 'speak with an editor on standard input and output, or at this port of 127.0.0.1')
    .option('-x, --commands <file>', 'walk through the run with the commands of a file (repeatable)', collect, [])
    .option('--ex <command>', 'the same with a command (repeatable)', collect, [])
    .option('--error-exitcode <n>', 'end with this code when a check found something', wholeNumber(0, 255))
    .option('--export <file>', 'write a self-contained recording, which replays where the files of this one are not')
    .action(async (name: string | undefined, options: ReplayOptions, command: Command) => {
      if (options.jsonSchema === true) return (await import('./json.ts')).printSchema('replay')
      if (options.dap !== undefined) {
        const { port, failure } = editorAt(options.dap, name)
        return (await import('./dap.ts')).serveEditor(await thread(), failure, options.out, port)
      }
      if (name === undefined) command.error("missing argument 'failure'")
      const { json = false, strace = false, stats = false, times } = options
      const file = findRecording(name, options.out)
      if (options.gdb !== undefined) return (await import('./gdb.ts')).serve(await thread(), file, options.gdb)
      const scripted = options.commands.length + options.ex.length > 0
      const asked =
        json || strace || stats || times > 1 || options.export !== undefined || options.errorExitcode !== undefined
      const interactive = process.stdin.isTTY && process.stdout.isTTY && !asked
      if (scripted || interactive) {
        const { converse } = await import('./repl/repl.ts')
        const good = await converse(await thread(), file, {
          files: options.commands,
          commands: options.ex,
          interactive,
          note: async (question, answer) => {
            const { noteQuestion } = await import('../lab/branches.ts')
            noteQuestion(resolve(options.out), name, question, answer)
          },
        })
        return end(good ? EXIT_CODE.ok : EXIT_CODE.usage)
      }
      const began = performance.now()
      const result = await (
        await thread()
      ).ask<'replay'>({
        kind: 'replay',
        file,
        times,
        output: json ? 'capture' : 'own',
        strace,
        stats: json || stats,
        exportTo: options.export ?? null,
      })
      const elsewhere = options.out === FAILURES ? [] : ['--out', options.out]
      const again = shellLine(['lemming', 'replay', ...elsewhere, name])
      if (json) (await import('./json.ts')).printReplay(result, again)
      else {
        tell(result, again)
        const often = times === 1 ? 'once' : `${times} times`
        write(2, `lemming: replayed ${often}: ${result.count} instructions and state ${result.hash}, as recorded\n`)
        if (stats) tellStatistics(result, (performance.now() - began) / 1000)
      }
      end(exitCodeOfResult(result, options.errorExitcode))
    })
}

/** What follows `--dap` is a port, or the failure. */
function editorAt(given: string | true, name: string | undefined): { port: number | null; failure?: string } {
  if (given === true) return { port: null, failure: name }
  if (!/^\d+$/.test(given) && name === undefined) return { port: null, failure: given }
  return { port: wholeNumber(0, 65_535)(given), failure: name }
}
