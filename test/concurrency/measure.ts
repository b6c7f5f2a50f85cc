/** Exists to count how many schedules each strategy needs for each pattern: `node test/concurrency/measure.ts [strategies] [schedules] [failures] [pattern]` prints the table of docs/strategies.md. */
import { newEngine, scratch } from '../machine/machines.ts'
import { compile, huntFor, measured, patterns, runOnce } from './patterns.ts'

const [, , list = 'random,walk,pos,pct:2,pct:3,mix', most = '200', enough = '10', only = '.'] = process.argv
const strategies = list.split(',')
const engine = newEngine()
const directory = scratch()
const totals = strategies.map(() => 0)
let tried = 0

console.log(`| pattern | steps | ${strategies.map((name) => `\`${name}\``).join(' | ')} |`)
console.log(`|---|--:|${strategies.map(() => '--:|').join('')}`)
for (const pattern of patterns) {
  if (!new RegExp(only).test(pattern.name)) continue
  const path = compile(directory, pattern, false)
  const { steps } = runOnce(engine, path, 'pct:1:1', 0)
  const cells = strategies.map((name, column) => {
    const strategy = measured(engine, path, name)
    let runs = 0
    let failures = 0
    if (name === 'mix' && enough === '1') {
      // As a hunt makes them that ends at the first failure.
      runs = huntFor(engine, path, strategy, Number(most))
      if (runs < Infinity) totals[column]!++
      return runs === Infinity ? `> ${most}` : String(runs)
    }
    while (runs < Number(most) && failures < Number(enough))
      if (runOnce(engine, path, strategy, runs++).failed) failures++
    if (failures > 0) totals[column]!++
    return failures === 0 ? `> ${runs}` : shown(runs / failures)
  })
  tried++
  console.log(`| ${pattern.name} | ${steps} | ${cells.join(' | ')} |`)
}
console.log(`| found, of ${tried} | | ${totals.join(' | ')} |`)

/** Two digits that matter, or whole numbers. */
function shown(schedules: number): string {
  return schedules < 10 ? schedules.toFixed(1) : String(Math.round(schedules))
}
