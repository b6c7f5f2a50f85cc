/** Exists to lay out tables of rates for a terminal: columns as wide as they need to be. */
import { percent } from '../campaign/progress.ts'
import { wilson } from '../campaign/statistics.ts'

/** Rows as text: columns padded, numbers (all cells of a column but the first row's) to the right where `right` says so. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => (right.includes(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** `12/200`, `6 %`, `3.5 %–10 %`. */
export function rateCells(hits: number, runs: number): string[] {
  if (runs === 0) return [`${hits}/0`, '', '']
  const { low, high } = wilson(hits, runs)
  return [`${hits}/${runs}`, percent(hits / runs), `${percent(low)} – ${percent(high)}`]
}

/** The rates of a matrix, a row for each cell. */
export function cellTable(cells: readonly { label: string; hits: number; runs: number; errors: number }[]): string {
  const hasErrors = cells.some(({ errors }) => errors > 0)
  const rows = cells.map(({ label, hits, runs, errors }) => [
    label,
    ...rateCells(hits, runs),
    ...(hasErrors ? [String(errors)] : []),
  ])
  return table([['cell', 'failed', 'rate', '95 % interval', ...(hasErrors ? ['errors'] : [])], ...rows], [1, 2, 3, 4])
}
