/** Exists to hold what all reports are made of: stacks, numbers, words. */
import type { Frame, Stack } from '../tool/finding.ts'

/** Frames shown of a thread that the finding is not about, and how many of them are places in available sources. */
const SHORT = 5
const OURS = 3
/** Frames shown at either end of a long stack. */
const LONG = 16

/** `48 211 907`: digits in groups of three. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ' ')
}

/** A word as it could be typed; control characters are shown as `?`. */
export function shellWord(word: string): string {
  const shown = word.replace(/\p{Cc}/gu, '?')
  return /^[\w@%+=:,./-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", String.raw`'\''`)}'`
}

/** A frame to be shown, how often it follows itself, and whether frames before it are left out. */
interface Shown {
  frame: Frame
  times: number
  gap: boolean
}

/** All frames of a stack that is not too long, with a recursion told once. */
export function fullLines({ frames, end }: Stack, at = '  at ', next = '     '): string[] {
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
export function shortLines({ frames }: Stack): string[] {
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

export function functionText(frame: Frame): string {
  if (frame.signal && frame.function === undefined) return '<signal handler called>'
  if (frame.function === undefined)
    return frame.module === undefined ? '(no code here)' : `${base(frame.module)}+${frame.moduleOffset}`
  const call = frame.function.includes('(') ? frame.function : `${frame.function}()`
  return frame.file === undefined && (frame.offset ?? 0) !== 0 ? `${call}+0x${frame.offset!.toString(16)}` : call
}

export function base(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
