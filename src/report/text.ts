/** Exists to write findings for a terminal: the one place where their text is laid out. */
import type {
  BlockCall,
  BlockDump,
  BlockReport,
  Finding,
  LeakSummary,
  LockSide,
  MemoryReport,
  OriginReport,
  RaceReport,
  RaceSide,
  SourceExcerpt,
  ThreadState,
  WaitReport,
} from '../tool/finding.ts'
import { powerLines } from './power.ts'
import { base, fullLines, grouped, shellWord, shortLines } from './text-parts.ts'

export { grouped }

/** What surrounds a finding in its report. */
export interface ReportContext {
  /** The command that shows it again. */
  again: string
  /** The stack and the memory in question have been shown by a finding before this one. */
  told?: boolean
}

/** The report of a finding, lines without a trailing newline. */
export function reportText(finding: Finding, context: ReportContext): string {
  const often = finding.times === undefined ? '' : `  (${finding.times} times at this place; the first is told)`
  const lines = [`${finding.kind.startsWith('leak-') ? 'LEAK' : 'ERROR'} ${finding.kind}: ${finding.what}${often}`]
  const { thread } = finding
  const told = context.told === true
  if (thread !== undefined && !told) lines.push(...fullLines(thread.stack))
  const who = thread === undefined ? '' : `thread ${thread.tid} "${thread.name}"   `
  lines.push(`  ${who}@${grouped(finding.moment)}   seed ${finding.seed}`)
  if (finding.process !== undefined)
    lines.push(`  process ${finding.process.pid}: ${finding.process.command.map(shellWord).join(' ')}`)
  if (finding.source !== undefined && !told) lines.push(...sourceLines(finding.source))
  if (finding.memory !== undefined && !told) lines.push(...memoryLines(finding.memory))
  if (finding.powerLoss !== undefined) lines.push(...powerLines(finding.powerLoss))
  if (finding.race !== undefined) lines.push(...raceLines(finding.race))
  if (finding.order !== undefined) lines.push(...orderLines(finding.order))
  if (finding.origin !== undefined) lines.push(...originLines(finding.origin))
  if (finding.block !== undefined && finding.leak === undefined) lines.push(...blockLines(finding.block))
  if (finding.registers !== undefined) lines.push('  registers', ...registerLines(finding.registers))
  const several = finding.others.some(({ pid }) => pid !== (thread ?? finding.others[0]!).pid)
  if (finding.others.length > 0)
    lines.push(
      `  ${thread === undefined ? 'threads' : 'other threads'}`,
      ...finding.others.flatMap((other) => threadLines(other, several)),
    )
  for (const remark of finding.remarks) lines.push(`  note: ${remark}`)
  lines.push(`  again: ${context.again}`)
  return lines.join('\n')
}

/** Who did something to the memory, and where. */
function callLines(done: string, { by, moment, tid, stack }: BlockCall): string[] {
  return [
    `  ${done} @${grouped(moment)} by thread ${tid} with ${by}`,
    ...(stack === undefined ? [] : fullLines(stack, '    at ', '       ')),
  ]
}

/** What is at an address that could not be accessed. */
function memoryLines({ address, mapping, removed }: MemoryReport): string[] {
  const lines: string[] = []
  if (mapping !== undefined)
    lines.push(`  address ${address}; ${mapping.start}-${mapping.end} ${mapping.rights} ${mapping.name}`.trimEnd())
  if (removed !== undefined) lines.push(...callLines('unmapped', removed))
  return lines
}

/** Both sides of a race; the stack of the later one has been shown. */
function raceLines({ address, location, later, earlier }: RaceReport): string[] {
  const locks = ({ locks }: RaceSide): string =>
    locks.length === 0 ? 'holding no mutex' : `holding ${locks.join(', ')}`
  return [
    `  address ${address}, ${location}`,
    `  ${later.what} @${grouped(later.moment)} by thread ${later.tid}, ${locks(later)}: above`,
    `  ${earlier.what} @${grouped(earlier.moment)} by thread ${earlier.tid}, ${locks(earlier)}`,
    ...(earlier.thread === undefined ? [] : fullLines(earlier.thread.stack, '    at ', '       ')),
  ]
}

/** Both orders of two mutexes; the stack of the later one has been shown. */
function orderLines({ later, earlier }: NonNullable<Finding['order']>): string[] {
  const line = ({ lock, held, moment, tid }: LockSide): string =>
    `  ${lock} after ${held} @${grouped(moment)} by thread ${tid}`
  return [
    `${line(later)}: above`,
    line(earlier),
    ...(earlier.thread === undefined ? [] : fullLines(earlier.thread.stack, '    at ', '       ')),
  ]
}

/** Where an undefined value came from. */
function originLines({ kind, what, address, bytes, undefined: count, read, dump }: OriginReport): string[] {
  const place =
    read === undefined
      ? ''
      : `, read${read.file === undefined ? '' : ` at ${base(read.file)}:${read.line ?? '?'}`}${read.function === undefined ? '' : ` in ${read.function}`}`
  const size = `${count === bytes ? '' : `${count} of `}${bytes === 1 ? '1 byte' : `${bytes} bytes`}`
  return [
    `  undefined: ${kind === 'heap' ? what : `${size} at ${address}, ${what}`}${place}`,
    ...(dump === undefined ? [] : dumpLines(dump, false)),
  ]
}

/** What the memory is, and who made it so. */
function blockLines({ address, size, state, offset, allocated, freed, dump }: BlockReport): string[] {
  const at = offset === undefined ? '' : `, offset ${offset}`
  return [
    `  block ${address}, ${size === 1 ? '1 byte' : `${size} bytes`}${at}`,
    ...(dump === undefined ? [] : dumpLines(dump, state === 'freed')),
    ...callLines('allocated', allocated),
    ...(freed === undefined ? [] : callLines('freed', freed)),
  ]
}

/** Rows of 16 bytes as numbers and letters, with a mark below the first one in question. */
function dumpLines({ from, bytes, at, length, mark }: BlockDump, freed: boolean): string[] {
  const label = (offset: number): string => `${offset < 0 ? '-' : '+'}0x${Math.abs(offset).toString(16)}`
  const width = Math.max(label(from).length, label(from + bytes.length).length)
  const words = [mark ?? (length === 1 ? '1 byte' : `${length} bytes`), ...legend(bytes, freed)].join('; ')
  const lines: string[] = []
  for (let row = 0; row < bytes.length; row += 16) {
    const cells = bytes.slice(row, row + 16)
    const half = (first: number): string => cells.slice(first, first + 8).join(' ')
    lines.push(
      `    ${label(from + row).padStart(width)} │ ${half(0)}  ${half(8)} │ ${cells.map(letter).join('')}`.trimEnd(),
    )
    const column = at - from - row
    if (column < 0 || column >= 16) continue
    const gap = ' '.repeat(4 + width + 3 + column * 3 + (column >= 8 ? 1 : 0))
    lines.push(`${gap}▲ ${words}`)
  }
  return lines
}

/** What the signs in a dump mean, those that are there. */
function legend(bytes: readonly string[], freed: boolean): string[] {
  const words: string[] = []
  if (bytes.includes('··')) words.push('·· is undefined')
  if (bytes.includes('--')) words.push('-- is outside of the block')
  if (freed) words.push('all bytes of the block are freed')
  return words
}

function letter(cell: string): string {
  if (cell === '--') return ' '
  if (cell === '··') return '·'
  const code = Number.parseInt(cell, 16)
  return code >= 0x20 && code < 0x7f ? String.fromCodePoint(code) : '.'
}

/** One line for each way in which blocks were not freed. */
export function leakSummaryText(summary: LeakSummary): string {
  const rows: [string, keyof LeakSummary][] = [
    ['definitely lost', 'definite'],
    ['indirectly lost', 'indirect'],
    ['possibly lost', 'possible'],
    ['still reachable', 'reachable'],
    ['suppressed', 'suppressed'],
  ]
  return rows
    .map(([name, key]) => `lemming: ${name}: ${summary[key].bytes} bytes in ${summary[key].blocks} blocks`)
    .join('\n')
}

/** What a thread waits for, and who has it. */
function waitsForText({ kind, what, holders }: WaitReport): string {
  return kind === 'thread' || holders.length === 0 ? what : `${what}, held by thread ${holders.join(', ')}`
}

function threadLines(thread: ThreadState, process: boolean): string[] {
  const waits = thread.waiting === null ? 'could run' : `waits in ${thread.waiting}`
  const of = process ? ` of process ${thread.pid}` : ''
  const { waitsFor } = thread
  return [
    `    thread ${thread.tid} "${thread.name}"${of} ${waits}`,
    ...(waitsFor === undefined ? [] : [`      for ${waitsForText(waitsFor)}, since @${grouped(waitsFor.since)}`]),
    ...shortLines(thread.stack),
  ]
}

function sourceLines({ file, line, first, lines, newer }: SourceExcerpt): string[] {
  const width = String(first + lines.length - 1).length
  return [
    `  source ${file}${newer ? ' (changed since the program was built: the lines may be others)' : ''}`,
    ...lines.map((text, i) =>
      `  ${first + i === line ? '▸' : ' '} ${String(first + i).padStart(width)} │ ${text}`.trimEnd(),
    ),
  ]
}

function registerLines(registers: Record<string, string>): string[] {
  const cells = Object.entries(registers).map(([name, value]) => `${name.padEnd(7)} ${value}`)
  const lines: string[] = []
  for (let i = 0; i < cells.length; i += 4) lines.push(`    ${cells.slice(i, i + 4).join('   ')}`)
  return lines
}
