/** Exists to decide which failures are the same one: a signature from what a finding says, the same after a rebuild that moves lines and addresses. */
import type { Finding, Frame, Stack, ThreadState } from '../tool/finding.ts'

/** What a bucket is made by. */
export interface Signature {
  /** Two failures are the same when this text is. */
  text: string
  /** One line for people: `crash SIGSEGV in slab_pop() < alloc(), thread worker()`. */
  title: string
}

/** Functions of the program's own that tell where: callers further out vary with the way there. */
const FRAMES = 3

/** Objects whose frames are the same whatever went wrong. */
const SYSTEM = /(^|\/)(lib(c|m|pthread|stdc\+\+|gcc_s|dl|rt)([-.][^/]*)?\.so[^/]*|ld-[^/]*\.so[^/]*|ld-musl[^/]*)$/

/** Functions that bring a failure about on behalf of others; in a static program no object tells them. */
const BEARERS =
  /^(_*abort|raise|__?gi_raise|pthread_kill(_.*)?|__pthread_kill.*|__assert(_fail.*)?|__libc_message.*|malloc_printerr|__fortify_fail.*|__stack_chk_fail.*|_?_?exit|_Exit|__restore_rt|std::terminate|__cxa_throw|__gnu_cxx::.*|(__)?mem(cpy|move|set|cmp|chr).*|(__)?str.*_(sse2|avx2|evex|ssse3|sse42).*|str(len|cpy|cmp|dup|cat|chr)|start_thread|clone[0-9]*|__clone[0-9]*|_start|__libc_start.*|__GI_.*)$/

/** The signature of what a finding says. */
export function signatureOf(finding: Finding): Signature {
  const what = whatOf(finding)
  const object = objectOf(finding)
  if (finding.race !== undefined) {
    // Either access may be the earlier one.
    const sides = [finding.race.earlier, finding.race.later]
      .map(({ thread }) => (thread === undefined ? [] : ownFrames(thread.stack)).slice(0, 2).join(' < '))
      .toSorted()
    return {
      text: [what, ...sides, object].join('|'),
      title: `${what} between ${sides.join(' and ')}${object === '' ? '' : `, ${object}`}`,
    }
  }
  if (finding.thread !== undefined) {
    const frames = ownFrames(finding.thread.stack)
    const role = roleOf(finding.thread)
    const title = `${what}${frames.length === 0 ? '' : ` in ${frames.join(' < ')}`}${object === '' ? '' : `, ${object}`}, ${role}`
    return { text: [what, frames.join('<'), object, role].join('|'), title }
  }
  // Nobody in particular: what each thread was doing, in whatever order they are.
  const places = [...new Set(finding.others.map(({ stack }) => ownFrames(stack).slice(0, 1).join('')))]
    .filter((place) => place !== '')
    .toSorted()
  const where = places.length === 0 ? '' : ` in ${places.join(', ')}`
  return {
    text: [what, places.join(','), object].join('|'),
    title: `${what}${where}${object === '' ? '' : `, ${object}`}`,
  }
}

/** The kind, and what tells failures of one kind apart although they are at one place. */
function whatOf({ kind, signal, what }: Finding): string {
  if (signal !== undefined) return `${kind} ${signal.name}`
  if (kind === 'output') return `${kind}: ${what.split(': ')[0]}`
  const code = kind === 'exit' ? /\d+$/.exec(what)?.[0] : undefined
  const after = what.startsWith('after a loss of power') ? ' after a loss of power' : ''
  return code === undefined ? kind : `${kind} ${code}${after}`
}

/** `freed block of 33-64 bytes`: the state, and the size to a power of two. */
function objectOf({ block }: Finding): string {
  if (block === undefined) return ''
  const { state, size } = block
  if (size <= 1) return `${state} block of ${size} bytes`
  const top = 2 ** Math.ceil(Math.log2(size))
  return `${state} block of ${top / 2 + 1}-${top} bytes`
}

/** What kind of thread it is: `main`, or the function that it was started with. */
function roleOf({ pid, tid, name, stack }: ThreadState): string {
  if (pid === tid) return 'main thread'
  const outermost = stack.end === 'outermost' ? stack.frames.filter(isOwn).at(-1) : undefined
  return `thread ${outermost === undefined ? name : placeOf(outermost)}`
}

/** The innermost places that are the program's own, or the innermost ones at all. */
function ownFrames({ frames }: Stack): string[] {
  const known = frames.filter(({ inlined, signal }) => !inlined && !signal)
  const own = known.filter(isOwn)
  const names = (own.length > 0 ? own : known).map(placeOf)
  // A recursion is one place however deep it was.
  return names.filter((name, i) => name !== names[i - 1]).slice(0, FRAMES)
}

function isOwn({ module, function: name, symbol }: Frame): boolean {
  if (module !== undefined && SYSTEM.test(module)) return false
  return !BEARERS.test(bare(name ?? symbol ?? '')) || name === undefined
}

/** A place without what a rebuild changes: the function, else the object. */
function placeOf({ function: name, module }: Frame): string {
  if (name !== undefined) return `${bare(name)}()`
  return module === undefined ? '(no code)' : module.slice(module.lastIndexOf('/') + 1)
}

/** The function's name without parameters, template arguments, and the suffixes of copies that a compiler makes. */
function bare(name: string): string {
  let text = ''
  let depth = 0
  for (const char of name.replace(/ \[clone [^\]]*\]/g, '').replace(/\(anonymous namespace\)/g, '{anonymous}')) {
    if (char === '(' && depth === 0 && !text.endsWith('operator')) break
    if (char === '<' && !/operator<?$/.test(text)) depth++
    else if (char === '>' && depth > 0) depth--
    else if (depth === 0) text += char
  }
  return text.replace(/(\.(constprop|isra|part|cold|lto_priv|llvm)(\.\d+)*)+$/, '')
}
