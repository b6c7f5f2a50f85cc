/** Exists to lay out what a loss of power has left of files. */
import type { MissingChange, PowerLossReport } from '../tool/finding.ts'
import { base, fullLines, functionText, grouped, shellWord } from './text-parts.ts'

/** Changes that are shown one by one. */
const SHOWN = 12

/** Lines of a report: when power was lost, what was not on the disk then, and whether that is the cause. */
export function powerLines(report: PowerLossReport): string[] {
  const { moment, ended, thread, unsynced, missing, recovery } = report
  const where = ended
    ? ', after the program had ended'
    : thread === undefined
      ? ''
      : `, in thread ${thread.tid} "${thread.name}" behind`
  const lines = [`  power was lost @${grouped(moment)}${where}`]
  if (thread !== undefined) lines.push(...fullLines(thread.stack, '    at ', '       '))
  if (unsynced === 0) lines.push('  all changes of files had been synced')
  else if (missing.length === 0) lines.push(`  not synced: ${count(unsynced)}, all of which had reached the disk`)
  else {
    const gone = unsynced - report.kept
    lines.push(`  not synced, and not on the disk then: ${gone} of ${count(unsynced)}`)
    const first = missing.filter(({ isNeeded }) => isNeeded)
    const shown = [...first, ...missing.filter(({ isNeeded }) => !isNeeded)].slice(0, SHOWN)
    const rows = shown.toSorted((a, b) => a.id - b.id).map(changeRow)
    lines.push(...aligned(rows))
    if (gone > shown.length) lines.push(`      … ${gone - shown.length} more`)
  }
  const cause = causeText(report)
  if (cause !== null) lines.push(`  ${cause}`)
  lines.push(`  recovery: ${recovery.map(shellWord).join(' ')}`)
  return lines
}

function count(changes: number): string {
  return changes === 1 ? '1 change' : `${changes} changes`
}

function causeText({ anyway, reduced, missing }: PowerLossReport): string | null {
  if (anyway === null) return null
  if (missing.length === 0)
    return 'nothing was lost: the recovery fails on what had been written, as far as it had been written'
  if (anyway) return 'it would have ended so with all of them on the disk, too'
  const needed = missing.filter(({ isNeeded }) => isNeeded).length
  if (!reduced || needed === missing.length) return 'with all of them on the disk it would not have ended so'
  return `with all of them on the disk it would not have ended so; ▸ ${needed === 1 ? 'is' : 'are'} enough`
}

/** Mark, what and fate, file, bytes, moment and thread, place. */
function changeRow({ what, fate, path, to, offset, length, moment, tid, place, isNeeded }: MissingChange): string[] {
  const range =
    what === 'resize'
      ? `${offset} → ${length} bytes`
      : length === 0
        ? ''
        : `${length === 1 ? '1 byte' : `${length} bytes`} at ${offset}`
  const line =
    place === undefined
      ? ''
      : place.file === undefined
        ? functionText(place)
        : `${base(place.file)}:${place.line ?? '?'} ${functionText(place)}`
  const name = to === undefined ? path : `${path} → ${base(to)}`
  return [
    isNeeded ? '▸' : '',
    fate === 'torn' ? `torn ${what}` : what,
    name,
    range,
    `@${grouped(moment)}`,
    `thread ${tid}`,
    line,
  ]
}

function aligned(rows: string[][]): string[] {
  const widths = rows.reduce<number[]>((most, row) => row.map((cell, i) => Math.max(most[i] ?? 0, cell.length)), [])
  return rows.map((row) => `    ${row.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')}`.trimEnd())
}
