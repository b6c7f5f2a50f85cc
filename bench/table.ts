/** Turns measurements into the Markdown table that the README shows. */
import type { Cost, Failure } from './measure.ts'

/** All runs of one kernel, by system. */
export interface Row {
  title: string
  native: (Cost | Failure)[]
  valgrind: (Cost | Failure)[]
  /** The run that found no translations of an earlier one. */
  first: (Cost | Failure)[]
  lemming: (Cost | Failure)[]
}

type Measure = 'cpu' | 'wall'

/** The middle value, or the mean of the two in the middle; NaN of nothing. */
export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

/** The geometric mean; NaN of nothing. */
export const geomean = (values: number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length)

/** The median cost of one system, or its first failure. A run whose output is not the native one has failed. */
function summary(runs: (Cost | Failure)[], measure: Measure, expected: string | undefined): number | Failure {
  const costs: number[] = []
  for (const one of runs) {
    if ('failed' in one) return one
    if (expected !== undefined && one.output !== expected) return { failed: 'output differs from the native run' }
    costs.push(one[measure])
  }
  return median(costs)
}

const seconds = (value: number | Failure): string =>
  typeof value === 'number' ? `${value.toFixed(2)} s` : `failed: ${escapeCell(value.failed)}`

const escapeCell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

/**
 * The table: native seconds, then how many times as long the others took, and lemming's first run; failures in words; geometric means below. With `checked`, Valgrind is its memcheck, and a
 * last column has lemming's CPU time as part of memcheck's.
 */
export function table(rows: Row[], heading: string, checked = false): string {
  const columns = (['cpu', 'wall'] as const).flatMap((measure) =>
    (['valgrind', 'lemming', 'first'] as const).map((system) => ({ measure, system, ratios: [] as number[] })),
  )
  const other = checked ? 'memcheck' : 'valgrind'
  const parts: number[] = []
  const lines = [
    heading,
    '',
    `| | native CPU | native wall | ${other} CPU | lemming CPU | first CPU | ${other} wall | lemming wall | first wall |${checked ? ' lemming ÷ memcheck |' : ''}`,
    `|---|--:|--:|--:|--:|--:|--:|--:|--:|${checked ? '--:|' : ''}`,
  ]
  for (const row of rows) {
    const first = row.native.find((one) => 'output' in one)
    const expected = first?.output
    const native = { cpu: summary(row.native, 'cpu', expected), wall: summary(row.native, 'wall', expected) }
    const cells = columns.map(({ measure, system, ratios }) => {
      const own = summary(row[system], measure, expected)
      const base = native[measure]
      // Why it failed is said once, beside the CPU time.
      if (typeof own !== 'number') return measure === 'cpu' ? seconds(own) : 'failed'
      if (typeof base !== 'number') return ''
      ratios.push(own / base)
      return `${(own / base).toFixed(2)} ×`
    })
    if (checked) {
      const [valgrind, lemming] = [summary(row.valgrind, 'cpu', expected), summary(row.lemming, 'cpu', expected)]
      const part = typeof valgrind === 'number' && typeof lemming === 'number' ? lemming / valgrind : NaN
      if (!Number.isNaN(part)) parts.push(part)
      cells.push(Number.isNaN(part) ? '' : part.toFixed(2))
    }
    lines.push(`| ${[escapeCell(row.title), seconds(native.cpu), seconds(native.wall), ...cells].join(' | ')} |`)
  }
  const means = columns.map(({ ratios }) => {
    if (ratios.length === 0) return ''
    const mean = `**${geomean(ratios).toFixed(2)} ×**`
    return ratios.length === rows.length ? mean : `${mean} (${ratios.length} of ${rows.length})`
  })
  if (checked) means.push(parts.length === 0 ? '' : `**${geomean(parts).toFixed(2)}**`)
  lines.push(`| ${['**geometric mean**', '', '', ...means].join(' | ')} |`)
  return lines.join('\n')
}

const begin = '<!-- bench:begin -->'
const end = '<!-- bench:end -->'

/** `readme` with the text between its two marks replaced. Throws when a mark is missing. */
export function replaceTable(readme: string, content: string): string {
  const from = readme.indexOf(begin)
  const to = readme.indexOf(end)
  if (from < 0 || to < from) throw new Error(`no ${begin} … ${end} to write between`)
  return `${readme.slice(0, from + begin.length)}\n\n${content}\n\n${readme.slice(to)}`
}
