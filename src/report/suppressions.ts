/** Exists to read, apply and write Valgrind's suppression files, so that those which people have go on serving. */
import { LemmingError } from '../base/errors.ts'
import type { Finding, Frame } from '../tool/finding.ts'
import type { SuppressedFrame, Suppression } from '../tool/suppression.ts'
import { kindNamed } from './kinds.ts'

/** Valgrind's names of the ways to leak, by ours. */
const LEAKS: Record<string, string> = {
  'leak-definite': 'definite',
  'leak-indirect': 'indirect',
  'leak-possible': 'possible',
  'leak-reachable': 'reachable',
}

/** Frames of a stack that a suppression file may have, and that a generated one has. */
const MOST_FRAMES = 24

/** What is suppressed always: Go's runtime copies stacks with all that is on them, and looks at words that nobody has written. */
export const BUILT_IN: readonly Suppression[] = ['Cond', 'Value8'].map((kind) => ({
  name: 'words on stacks of Go',
  kind,
  leaks: null,
  frames: [{ by: 'fun', pattern: 'runtime.*' }],
}))

/** The suppressions for memcheck in a file; `name` is the file's, for errors. Those for other tools are passed over. */
export function parseSuppressions(text: string, name: string): Suppression[] {
  const lines = text.split('\n').map((line) => line.trim())
  const found: Suppression[] = []
  let at = 0
  const damaged = (what: string): never => {
    throw new LemmingError(
      'suppressions-syntax',
      `${name}:${at}: ${what}`,
      "a suppression is '{', a name, 'Memcheck:KIND', lines with fun:, obj:, src: or ..., and '}'",
    )
  }
  /** The next line that says something. */
  const next = (): string | undefined => {
    while (at < lines.length) {
      const line = lines[at++]!
      if (line !== '' && !line.startsWith('#')) return line
    }
    return undefined
  }
  for (let line = next(); line !== undefined; line = next()) {
    if (line !== '{') return damaged(`'{' expected and not '${line}'`)
    const title = next() ?? damaged('the file ends within a suppression')
    const tools = next() ?? damaged('the file ends within a suppression')
    const colon = tools.indexOf(':')
    if (colon < 0) return damaged(`'TOOL:KIND' expected and not '${tools}'`)
    const kind = tools.slice(colon + 1).trim()
    const suppression: Suppression = { name: title, kind, leaks: null, frames: [] }
    for (line = next(); line !== '}'; line = next()) {
      if (line === undefined) return damaged('the file ends within a suppression')
      const frame = /^(fun|obj|src):(.*)$/.exec(line)
      if (line === '...') suppression.frames.push({ by: '...', pattern: '' })
      else if (frame !== null)
        suppression.frames.push({ by: frame[1] as SuppressedFrame['by'], pattern: frame[2]!.trim() })
      else if (line.startsWith('match-leak-kinds:')) {
        const kinds = line.slice(line.indexOf(':') + 1).trim()
        suppression.leaks = kinds === 'all' ? null : kinds.split(',').map((one) => one.trim())
      } else if (kind !== 'Param') return damaged(`a line of a stack expected and not '${line}'`)
    }
    if (
      tools
        .slice(0, colon)
        .split(',')
        .some((tool) => tool.trim() === 'Memcheck')
    )
      found.push(suppression)
  }
  return found
}

/** Does one of the suppressions cover the finding? */
export function isSuppressed(finding: Finding, suppressions: readonly Suppression[]): boolean {
  const kind = kindOf(finding)
  if (kind === undefined) return false
  const frames = finding.thread?.stack.frames ?? []
  return suppressions.some(
    (one) =>
      matchesKind(one.kind, kind) &&
      (kind !== 'Leak' || one.leaks === null || one.leaks.includes(LEAKS[finding.kind]!)) &&
      matches(one.frames, 0, frames, 0),
  )
}

/** Sizes are in the kind: Addr4 covers an invalid access of four bytes, Value8 an address of eight. */
function kindOf({ kind, valgrind, bytes }: Finding): string | undefined {
  const known = kindNamed(kind)
  if (known === undefined) return undefined
  const { suppression } = known
  if (suppression === 'Value' || (suppression === 'Cond' && valgrind === 'UninitValue')) return `Value${bytes ?? 8}`
  return suppression === 'Addr' ? `Addr${bytes ?? 1}` : suppression
}

/** `Value0` is an old name of `Cond`. */
function matchesKind(pattern: string, kind: string): boolean {
  return pattern === kind || (pattern === 'Value0' && kind === 'Cond')
}

function matches(patterns: readonly SuppressedFrame[], p: number, frames: readonly Frame[], f: number): boolean {
  if (p === patterns.length) return true
  const { by, pattern } = patterns[p]!
  if (by === '...') {
    for (let skip = f; skip <= frames.length; skip++) if (matches(patterns, p + 1, frames, skip)) return true
    return false
  }
  const frame = frames[f]
  if (frame === undefined || !matchesFrame(by, pattern, frame)) return false
  return matches(patterns, p + 1, frames, f + 1)
}

function matchesFrame(by: 'fun' | 'obj' | 'src', pattern: string, frame: Frame): boolean {
  if (by === 'obj') return frame.module !== undefined && wildcard(pattern, frame.module)
  if (by === 'src') {
    if (frame.file === undefined) return false
    const base = frame.file.slice(frame.file.lastIndexOf('/') + 1)
    return wildcard(pattern, base) || wildcard(pattern, `${base}:${frame.line ?? ''}`)
  }
  return [frame.symbol, frame.function].some((name) => name !== undefined && wildcard(pattern, name))
}

function wildcard(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.')
  return new RegExp(`^${source}$`).test(text)
}

/** A suppression that covers this finding, in Valgrind's format; undefined for what Valgrind has no name for. */
export function suppressionText(finding: Finding): string | undefined {
  const kind = kindOf(finding)
  // Valgrind wants to know which argument of the call.
  if (kind === undefined || kind === 'Param') return undefined
  const lines = ['{', '   <insert_a_suppression_name_here>', `   Memcheck:${kind}`]
  if (kind === 'Leak') lines.push(`   match-leak-kinds: ${LEAKS[finding.kind]}`)
  for (const frame of (finding.thread?.stack.frames ?? []).slice(0, MOST_FRAMES)) {
    const name = frame.inlined ? frame.function : (frame.symbol ?? frame.function)
    lines.push(name === undefined ? `   obj:${frame.module ?? '*'}` : `   fun:${name}`)
  }
  return [...lines, '}'].join('\n')
}
