/** Exists as `lemming doctor`: what works on this computer, and for a binary. */
import { Command } from 'commander'
import type { Diagnosis } from '../lab/doctor.ts'
import { write } from './output.ts'
import type { Invocation } from './program.ts'

export function doctorCommand({ end }: Invocation): Command {
  return new Command('doctor')
    .description(
      'Tell what works on this computer, and what would keep a program from running. Ends with 1 if anything would.',
    )
    .argument('[program]', 'a program to look at: a path, or a name that PATH has')
    .option('--json', 'print one JSON document to standard output')
    .action(async (program: string | undefined, { json }: { json?: boolean }) => {
      const { diagnoseHost, diagnoseProgram } = await import('../lab/doctor.ts')
      const { pathOfProgram } = await import('../lab/inputs.ts')
      const host = diagnoseHost()
      const binary = program === undefined ? [] : diagnoseProgram(pathOfProgram(program, process.env.PATH))
      const bad = [...host, ...binary].some(({ state }) => state === 'bad')
      if (json === true)
        write(1, `${JSON.stringify({ host, ...(program !== undefined && { program: binary }), works: !bad })}\n`)
      else {
        write(1, `this computer\n${host.map(line).join('')}`)
        if (program !== undefined) write(1, `${program}\n${binary.map(line).join('')}`)
      }
      end(bad ? 1 : 0)
    })
}

const MARKS = { ok: 'ok ', note: '-- ', bad: 'BAD' }

function line({ what, state, text, next }: Diagnosis): string {
  return `  ${MARKS[state]} ${what.padEnd(22)} ${text}\n${next === undefined ? '' : `      ${next}\n`}`
}
