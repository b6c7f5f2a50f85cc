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

/** Kinds that memcheck knows, without sizes. */
const MEMCHECK =
  /^(?:Addr|Value)(?:1|2|4|8|16|32)$|^(?:Value0|Cond|Jump|Param|Free|Overlap|Leak|Mempool|User|CoreMem|FishyValue|ReallocZero|BadSize|BadAlign|SizeMismatch|BadArg|UnsafeZeroSize|DeallocSizeMismatch|DeallocAlignMismatch)$/

/** The suppressions for memcheck in a file, and those for helgrind; `name` is the file's, for errors. Those for other tools are passed over. */
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
    const suppression: Suppression = { name: title, kind, leaks: null, frames: [], place: `${name}:${at - 1}` }
    const names = tools
      .slice(0, colon)
      .split(',')
      .map((tool) => tool.trim())
    if (names.includes('Memcheck') && !MEMCHECK.test(kind))
      return damaged(
        `Memcheck has no kind '${kind}'; it has Addr1 to Addr32, Value1 to Value32, Cond, Leak, Param, Free and others`,
      )
    for (line = next(); line !== '}'; line = next()) {
      if (line === undefined) return damaged('the file ends within a suppression')
      const frame = /^(fun|obj|src):(.*)$/.exec(line)
      if (line === '...') suppression.frames.push({ by: '...', pattern: '' })
      else if (frame !== null)
        suppression.frames.push({ by: frame[1] as SuppressedFrame['by'], pattern: frame[2]!.trim() })
      else if (line.startsWith('match-leak-kinds:')) {
        const kinds = line.slice(line.indexOf(':') + 1).trim()
        suppression.leaks = kinds === 'all' ? null : kinds.split(',').map((one) => one.trim())
      } else if (kind === 'Param' && suppression.frames.length === 0) suppression.call = line
      else return damaged(`a line of a stack expected and not '${line}'`)
    }
    if (names.includes('Memcheck')) found.push(suppression)
    else if (names.includes('Helgrind')) found.push({ ...suppression, kind: `Helgrind:${kind}` })
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
      matchesKind(one.kind, kind, finding.bytes ?? 1) &&
      (kind !== 'Leak' || one.leaks === null || one.leaks.includes(LEAKS[finding.kind]!)) &&
      (one.call === undefined || isOfCall(finding, one.call)) &&
      matches(one.frames, 0, frames, 0),
  )
}

/** What Valgrind writes before the names of some calls: `socketcall.sendto(msg)`. */
const FAMILY = /^(?:socketcall|ipc)\./

/** Is the finding about the system call of a suppression's line such as `write(buf)`? Which argument it is, is not asked. */
function isOfCall({ what }: Finding, line: string): boolean {
  const name = line.replace(FAMILY, '').replace(/\(.*$/, '')
  return wildcard(name, /^\w+/.exec(what)?.[0] ?? '')
}

/** Sizes that memcheck knows of. */
const SIZES = [32, 16, 8, 4, 2, 1]

/** Sizes are in the kind: Addr4 covers an invalid access of four bytes, Value8 an address of eight. */
function kindOf({ kind, valgrind, bytes }: Finding): string | undefined {
  const known = kindNamed(kind)
  if (known === undefined) return valgrind === undefined ? undefined : `Helgrind:${valgrind}`
  const { suppression } = known
  const size = SIZES.find((one) => one <= (bytes ?? 1)) ?? 1
  if (suppression === 'Value' || (suppression === 'Cond' && valgrind === 'UninitValue')) return `Value${bytes ?? 8}`
  return suppression === 'Addr' ? `Addr${size}` : suppression
}

/** Helgrind's kinds of wrong uses of locks. */
const MISUSES = /^Helgrind:(?:Misc|UnlockUnlocked|UnlockForeign|UnlockBogus|PthAPIerror|Dubious)$/

/** `Value0` is an old name of `Cond`. What a string function does to many bytes, memcheck's own does in accesses of other sizes. */
function matchesKind(pattern: string, kind: string, bytes: number): boolean {
  if (kind.startsWith('Addr') && !SIZES.includes(bytes)) return pattern.startsWith('Addr')
  return pattern === kind || (pattern === 'Value0' && kind === 'Cond') || (MISUSES.test(kind) && MISUSES.test(pattern))
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

/** What Valgrind calls a place of which it knows nothing. */
const UNKNOWN = '???'

function matchesFrame(by: 'fun' | 'obj' | 'src', pattern: string, frame: Frame): boolean {
  if (by === 'obj') return wildcard(pattern, frame.module ?? UNKNOWN)
  if (by === 'src') {
    if (frame.file === undefined) return false
    const base = frame.file.slice(frame.file.lastIndexOf('/') + 1)
    return wildcard(pattern, base) || wildcard(pattern, `${base}:${frame.line ?? ''}`)
  }
  // An inlined function has no symbol: the frame's is that of the function around it.
  const names = [frame.inlined ? undefined : frame.symbol, frame.function].filter((name) => name !== undefined)
  return (names.length === 0 ? [UNKNOWN] : names).some((name) => wildcard(pattern, name))
}

function wildcard(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.')
  return new RegExp(`^${source}$`).test(text)
}

/** What Valgrind calls the argument of a system call with undefined bytes. */
const PARAMS: Record<string, string> = {
  write: 'write(buf)',
  pwrite64: 'pwrite64(buf)',
  writev: 'writev(vector[...])',
  sendto: 'socketcall.sendto(msg)',
}

/** A suppression that covers this finding, in Valgrind's format; undefined for what Valgrind has no name for. */
export function suppressionText(finding: Finding): string | undefined {
  const kind = kindOf(finding)
  if (kind === undefined) return undefined
  const call = PARAMS[/^\w+/.exec(finding.what)?.[0] ?? '']
  // Valgrind wants to know which argument of the call.
  if (kind === 'Param' && call === undefined) return undefined
  const lines = ['{', '   <insert_a_suppression_name_here>', `   ${kind.includes(':') ? kind : `Memcheck:${kind}`}`]
  if (kind === 'Param') lines.push(`   ${call}`)
  if (kind === 'Leak') lines.push(`   match-leak-kinds: ${LEAKS[finding.kind]}`)
  for (const frame of (finding.thread?.stack.frames ?? []).slice(0, MOST_FRAMES)) {
    const name = frame.inlined ? frame.function : (frame.symbol ?? frame.function)
    lines.push(name === undefined ? `   obj:${frame.module ?? '*'}` : `   fun:${name}`)
  }
  return [...lines, '}'].join('\n')
}
