/** Exists to write findings for a terminal: the one place where their text is laid out. */
import type { Finding, Frame, SourceExcerpt, Stack, ThreadState } from '../tool/finding.ts'

/** What surrounds a finding in its report. */
export interface ReportContext {
  /** The command that shows it again. */
  again: string
}

/** Frames shown of a thread that the finding is not about. */
const SHORT = 4
/** Frames shown at either end of a long stack. */
const LONG = 24

/** `48 211 907`: digits in groups of three. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ' ')
}

/** The report of a finding, lines without a trailing newline. */
export function reportText(finding: Finding, context: ReportContext): string {
  const lines = [`ERROR ${finding.kind}: ${finding.what}`]
  const { thread } = finding
  if (thread !== undefined) lines.push(...stackLines(thread.stack, LONG, '  at ', '     '))
  const who = thread === undefined ? '' : `thread ${thread.tid} "${thread.name}"   `
  lines.push(`  ${who}@${grouped(finding.moment)}   seed ${finding.seed}`)
  if (finding.source !== undefined) lines.push(...sourceLines(finding.source))
  if (finding.registers !== undefined) lines.push('  registers', ...registerLines(finding.registers))
  if (finding.others.length > 0) lines.push(`  ${thread === undefined ? 'threads' : 'other threads'}`, ...finding.others.flatMap(threadLines))
  for (const remark of finding.remarks) lines.push(`  note: ${remark}`)
  lines.push(`  again: ${context.again}`)
  return lines.join('\n')
}

function threadLines(thread: ThreadState): string[] {
  const waits = thread.waiting === null ? 'could run' : `waits in ${thread.waiting}`
  return [`    thread ${thread.tid} "${thread.name}" ${waits}`, ...stackLines(thread.stack, SHORT, '      at ', '         ')]
}

/** The frames of a stack, at most `most` at either end; the first one with source text shows it. */
function stackLines({ frames, end }: Stack, most: number, first: string, next: string): string[] {
  const hidden = most === SHORT ? frames.length - SHORT : frames.length - 2 * LONG
  const shown = hidden > 1 ? [...frames.slice(0, most), ...(most === SHORT ? [] : frames.slice(-most))] : frames
  const places = shown.map(placeText)
  const width = Math.min(36, Math.max(0, ...places.map((place) => place.length)))
  const withText = most === SHORT ? -1 : shown.findIndex(({ text }) => text !== undefined)
  const lines = shown.map((frame, i) => {
    const name = `${functionText(frame)}${frame.inlined ? '  (inlined)' : ''}`
    const line = `${i === 0 ? first : next}${places[i]!.padEnd(width)}  ${name}`
    return i === withText ? `${line.padEnd(first.length + width + 28)}  ${frame.text}` : line
  })
  if (hidden > 1) lines.splice(most, 0, `${next}… ${hidden} more`)
  if (end !== 'outermost' && hidden <= 1) lines.push(`${next}(${ENDS[end] ?? end})`)
  return lines
}

const ENDS: Record<string, string> = {
  'no-unwind-information': 'the stack cannot be followed further: no unwind information here',
  'unreadable-memory': 'the stack cannot be followed further: it leads to memory that cannot be read',
  'corrupt-stack': 'the stack cannot be followed further: it is corrupt',
  'corrupt-tables': 'the stack cannot be followed further: the unwind tables here are corrupt',
  'depth-limit': 'and more',
}

/** `larson.c:77`, or the object where no line is known, or the bare address. */
function placeText(frame: Frame): string {
  if (frame.file !== undefined) return `${base(frame.file)}:${frame.line ?? '?'}`
  if (frame.module !== undefined) return base(frame.module)
  return frame.address
}

function functionText(frame: Frame): string {
  if (frame.signal && frame.function === undefined) return '<signal handler called>'
  if (frame.function === undefined) return frame.module === undefined ? '(no code here)' : `${base(frame.module)}+${frame.moduleOffset}`
  const call = frame.function.includes('(') ? frame.function : `${frame.function}()`
  return frame.file === undefined && frame.offset !== undefined ? `${call}+0x${frame.offset.toString(16)}` : call
}

function base(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function sourceLines({ file, line, first, lines, newer }: SourceExcerpt): string[] {
  const width = String(first + lines.length - 1).length
  return [
    `  source ${file}${newer ? ' (changed since the program was built: the lines may be others)' : ''}`,
    ...lines.map((text, i) => `  ${first + i === line ? '▸' : ' '} ${String(first + i).padStart(width)} │ ${text}`.trimEnd()),
  ]
}

function registerLines(registers: Record<string, string>): string[] {
  const cells = Object.entries(registers).map(([name, value]) => `${name.padEnd(7)} ${value}`)
  const lines: string[] = []
  for (let i = 0; i < cells.length; i += 4) lines.push(`    ${cells.slice(i, i + 4).join('   ')}`)
  return lines
}
