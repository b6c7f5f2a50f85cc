/** Measures lemming against the processor and against Valgrind on the same programs, and prints one table. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { programOf, textFile } from './build.ts'
import { groups, kernels } from './kernels.ts'
import { checkedSystems, forgetTranslations, machine, run, systems } from './measure.ts'
import { replaceTable, table, type Row } from './table.ts'
import { measureHunts } from './hunt.ts'
import { measureTimeTravel } from './time-travel.ts'

const usage = `usage: npm run bench -- [--checked] [--only NAME,...] [--reps N] [--scale F] [--write-readme]
       npm run bench -- --time-travel [--scale F]
       npm run bench -- --hunt [--scale F] [--reps N]
  --hunt           runs of a hunt in a second, against the same program in a loop of a shell's
  --time-travel    what going back costs in a run of a thousand million instructions, against what is promised
  --checked        with every access checked: lemming run --check memory against Valgrind's memcheck
  --only NAME,...  these kernels (${kernels.map((kernel) => kernel.name).join(', ')})
  --reps N         runs of each kernel on each system, interleaved; the table shows medians (default 5)
  --scale F        F times the work (default 1)
  --write-readme   put the table into README.md, if no run failed
`

/** Seconds after which a run counts as hung. */
const limit = 600

function fail(message: string): never {
  process.stderr.write(`bench: ${message}\n${usage}`)
  process.exit(2)
}

function options(): {
  timeTravel: boolean
  hunt: boolean
  checked: boolean
  only: string[]
  reps: number
  scale: number
  writeReadme: boolean
} {
  const { values } = parseArgs({
    options: {
      hunt: { type: 'boolean', default: false },
      'time-travel': { type: 'boolean', default: false },
      checked: { type: 'boolean', default: false },
      only: { type: 'string' },
      reps: { type: 'string', default: '5' },
      scale: { type: 'string', default: '1' },
      'write-readme': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    process.exit(0)
  }
  const only = values.only?.split(',') ?? kernels.map((kernel) => kernel.name)
  const unknown = only.find((name) => !kernels.some((kernel) => kernel.name === name))
  if (unknown !== undefined) fail(`no kernel named ${unknown}`)
  const reps = Number(values.reps)
  const scale = Number(values.scale)
  if (!Number.isInteger(reps) || reps < 1) fail(`--reps ${values.reps} is not a number of runs`)
  if (!(scale > 0)) fail(`--scale ${values.scale} is not a factor`)
  if (values.checked && values['write-readme']) fail('--write-readme is for the table without checks')
  const { checked, hunt, 'time-travel': timeTravel } = values
  return { timeTravel, hunt, checked, only, reps, scale, writeReadme: values['write-readme'] }
}

const { timeTravel, hunt, checked, only, reps, scale, writeReadme } = options()
if (timeTravel) process.exit((await measureTimeTravel(scale)) ? 0 : 1)
if (hunt) process.exit(measureHunts(scale, reps) ? 0 : 1)
const wanted = kernels.filter((kernel) => only.includes(kernel.name) && (checked || kernel.group !== 'short'))
const absent = wanted.filter(({ program }) => program !== undefined && !existsSync(program))
for (const { name, program } of absent) process.stderr.write(`bench: ${name} is left out: there is no ${program}\n`)
const chosen = wanted
  .filter((kernel) => !absent.includes(kernel))
  .map((kernel) => ({ kernel, program: programOf(kernel), args: kernel.args(scale, textFile) }))
const rows = chosen.map(({ kernel }): Row => ({
  title: kernel.title,
  native: [],
  valgrind: [],
  first: [],
  lemming: [],
}))

function measure(rep: string, index: number, system: (typeof systems)[number], column: keyof Omit<Row, 'title'>): void {
  const { kernel, program, args } = chosen[index]!
  const result = run(system, program, args, kernel.env, limit)
  rows[index]![column].push(result)
  const told = 'failed' in result ? `failed: ${result.failed}` : `${result.cpu.toFixed(2)} s CPU`
  process.stderr.write(`${rep} ${kernel.name} ${system.name}: ${told}\n`)
}

const measured = checked ? checkedSystems : systems
forgetTranslations()
chosen.forEach((_kernel, index) =>
  measure(
    'first',
    index,
    measured.find(({ name }) => name === 'lemming')!,
    'first',
  ),
)

// Interleaved: whatever else the machine does falls on all systems alike.
for (let rep = 1; rep <= reps; rep++)
  chosen.forEach((_kernel, index) => {
    for (const system of measured) measure(`${rep}/${reps}`, index, system, system.name)
  })

const sizes = scale === 1 ? '' : ` at ${scale} times the work`
const tables = Object.entries(groups).flatMap(([group, heading]) => {
  const own = rows.filter((_, i) => chosen[i]!.kernel.group === group)
  return own.length === 0 ? [] : [table(own, `**${heading}**`, checked)]
})
const markdown = [
  `Medians of ${reps} interleaved runs${sizes}; "first" is the one run before that found no translations. ${machine()}.`,
  ...tables,
].join('\n\n')
process.stdout.write(`${markdown}\n`)
const failed = rows.some((row) =>
  [...row.native, ...row.valgrind, ...row.first, ...row.lemming].some((one) => 'failed' in one),
)
if (failed) {
  process.stderr.write(`bench: not every run ended well${writeReadme ? '; README.md stays as it was' : ''}\n`)
  process.exitCode = 1
} else if (writeReadme && absent.length > 0) process.exitCode = 1
else if (writeReadme) {
  const readme = join(import.meta.dirname, '../README.md')
  writeFileSync(readme, replaceTable(readFileSync(readme, 'utf8'), markdown))
}
