/** Exists to write findings for a terminal: the one place where their text is laid out. */
import type {
  BlockCall,
  BlockDump,
  BlockReport,
  Finding,
  Frame,
  LeakSummary,
  LockSide,
  MemoryReport,
  OriginReport,
  RaceReport,
  RaceSide,
  SourceExcerpt,
  Stack,
  ThreadState,
  WaitReport,
} from '../tool/finding.ts'

/** What surrounds a finding in its report. */
export interface ReportContext {
  /** The command that shows it again. */
  again: string
  /** The stack and the memory in question have been shown by a finding before this one. */
  told?: boolean
}

/** Frames shown of a thread that the finding is not about, and how many of them are places in available sources. */
const SHORT = 5
const OURS = 3
/** Frames shown at either end of a long stack. */
const LONG = 16

/** `48 211 907`: digits in groups of three. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ' ')
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

/** A word as it could be typed; control characters are shown as `?`. */
function shellWord(word: string): string {
  const shown = word.replace(/\p{Cc}/gu, '?')
  return /^[\w@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", String.raw`'\''`)}'`
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

/** A frame to be shown, how often it follows itself, and whether frames before it are left out. */
interface Shown {
  frame: Frame
  times: number
  gap: boolean
}

/** All frames of a stack that is not too long, with a recursion told once. */
function fullLines({ frames, end }: Stack, at = '  at ', next = '     '): string[] {
  const groups: Shown[] = []
  for (const frame of frames) {
    const last = groups.at(-1)
    if (last !== undefined && sameCall(last.frame, frame)) last.times++
    else groups.push({ frame, times: 1, gap: false })
  }
  const shown = groups.length <= 2 * LONG ? groups : [...groups.slice(0, LONG), ...groups.slice(-LONG)]
  if (shown.length < groups.length) shown[LONG]!.gap = true
  const lines = stackLines(shown, at, next, true)
  if (end !== 'outermost') lines.push(`${next}(${ENDS[end] ?? end})`)
  return lines
}

/** Where a thread is that the finding is not about: in what, and called from which lines whose source is there. */
function shortLines({ frames }: Stack): string[] {
  const calls = frames.filter(({ inlined }) => !inlined)
  const ours = calls.filter(({ text }) => text !== undefined)
  const wanted = ours.length === 0 ? calls.slice(0, SHORT) : [...calls.slice(0, SHORT - OURS), ...ours.slice(0, OURS)]
  const shown = calls
    .map((frame, i) => ({ frame, times: 1, gap: i > 0 && !wanted.includes(calls[i - 1]!) }))
    .filter(({ frame }) => wanted.includes(frame))
  return stackLines(shown, '      at ', '         ', false)
}

function stackLines(shown: readonly Shown[], first: string, next: string, withText: boolean): string[] {
  const places = shown.map(({ frame }) => placeText(frame))
  const names = shown.map(({ frame }) => `${functionText(frame)}${frame.inlined ? '  (inlined)' : ''}`)
  const width = Math.min(36, Math.max(0, ...places.map((place) => place.length)))
  const source = withText ? shown.findIndex(({ frame }) => frame.text !== undefined) : -1
  return shown.flatMap(({ frame, times, gap }, i) => {
    const line = `${i === 0 ? first : next}${places[i]!.padEnd(width)}  ${names[i]!}`
    const lines = [i === source ? `${line.padEnd(first.length + width + 28)}  ${frame.text}` : line]
    if (gap) lines.unshift(`${next}…`)
    if (times > 1) lines.push(`${next}… the same ${times - 1} times more`)
    return lines
  })
}

function sameCall(a: Frame, b: Frame): boolean {
  return (
    a.function !== undefined &&
    a.function === b.function &&
    a.file === b.file &&
    a.line === b.line &&
    a.inlined === b.inlined
  )
}

const ENDS: Record<string, string> = {
  'no-unwind-information': 'the stack cannot be followed further: no unwind information here',
  'unreadable-memory': 'the stack cannot be followed further: it leads to memory that cannot be read',
  'corrupt-stack': 'the stack cannot be followed further: it is corrupt',
  'corrupt-tables': 'the stack cannot be followed further: the unwind tables here are corrupt',
  'depth-limit': 'and more: deeper stacks are cut off here',
}

/** `larson.c:77`, or the object where no line is known, or the bare address. */
function placeText(frame: Frame): string {
  if (frame.file !== undefined) return `${base(frame.file)}:${frame.line ?? '?'}`
  if (frame.module !== undefined) return base(frame.module)
  return frame.address
}

function functionText(frame: Frame): string {
  if (frame.signal && frame.function === undefined) return '<signal handler called>'
  if (frame.function === undefined)
    return frame.module === undefined ? '(no code here)' : `${base(frame.module)}+${frame.moduleOffset}`
  const call = frame.function.includes('(') ? frame.function : `${frame.function}()`
  return frame.file === undefined && (frame.offset ?? 0) !== 0 ? `${call}+0x${frame.offset!.toString(16)}` : call
}

function base(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
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
