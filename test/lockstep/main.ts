/** Exists as the command: `node test/lockstep/main.ts [--batch N] [--limit N] [--memory-from N] PROGRAM [ARGUMENT]...`. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Engine } from '../../src/engine/run.ts'
import { lockstep, type Mismatch, type Outcome } from './lockstep.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { batch: { type: 'string' }, limit: { type: 'string' }, 'memory-from': { type: 'string' } },
})
const [program, ...rest] = positionals
if (program === undefined) throw new Error('give a static program')
const argv = [resolve(program), ...rest]
const number = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text))
const processor = new Engine({ callDepth: 1000 })

function show(m: Mismatch): void {
  console.log(`${m.kind}: instruction ${m.count} at ${m.pc.toString(16)}: ${m.text}`)
  if (m.kind === 'memory') console.log(`  arose between instructions ${m.since} and ${m.count}`)
  for (const d of m.differences) console.log(`  ${d.name}: native ${d.native}, engine ${d.engine}`)
  if (m.detail !== '') console.log(m.detail)
}

const options = {
  argv,
  processor,
  batch: number(values.batch),
  limit: number(values.limit),
  memoryFrom: number(values['memory-from']),
}
let outcome: Outcome = await lockstep(options)
while (outcome.mismatch !== null) {
  show(outcome.mismatch)
  const { kind, since, count } = outcome.mismatch
  const batch = Math.ceil((count - since) / 16)
  if (kind !== 'memory' || count - since <= 1 || batch >= (options.batch ?? Infinity)) break
  // The same run again, with memory compared more often where it went wrong.
  options.batch = batch
  options.memoryFrom = since
  const finer = await lockstep(options)
  if (finer.mismatch === null) break
  outcome = finer
}
console.log(
  `${outcome.executed} instructions agreed, ${outcome.systemCalls} system calls, ${outcome.followed} open results followed, wait status ${outcome.status}`,
)
process.exitCode = outcome.mismatch === null ? 0 : 1
