/** Programs of the kinds that memcheck's own tests consist of: the same kinds of errors at the same lines as memcheck, and what we find besides is named. */
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Place } from '../e2e/lemming.ts'
import { build, type Finding } from '../heap/programs.ts'

const folder = join(import.meta.dirname, 'yardstick')
const place = new Place()
afterAll(() => place.remove())

/** What we say and memcheck does not, as `KIND LINE`. */
const MORE: Record<string, string[]> = {
  // memcheck takes glibc's memcpy for memmove, whose code it is.
  'overlap.c': ['Overlap 10', 'Overlap 11'],
  // The call itself, where memcheck has its caller; a write to a page that can only be read.
  'signals.c': ['InvalidJump 18', 'InvalidWrite 37'],
  // The vector of thread-locals of a thread's stack, to which glibc keeps a pointer behind its start.
  'threads.c': ['Leak_StillReachable 26 288'],
  'lifetimes.c': ['Leak_StillReachable 28 272'],
  'mixture.c': ['Leak_StillReachable 28 272'],
  // Where strcmp goes on after a difference that is undefined, too.
  'various.c': ['Leak_StillReachable 163 272', 'UninitValue 108'],
}
/** What memcheck says and we do not. */
const LESS: Record<string, string[]> = {
  'signals.c': ['InvalidJump 39', 'InvalidJump 41'],
  'threads.c': ['Leak_PossiblyLost 26 288'],
  'lifetimes.c': ['Leak_PossiblyLost 28 272'],
  'mixture.c': ['Leak_PossiblyLost 28 272'],
  'various.c': ['Leak_PossiblyLost 163 272'],
}

const OPTIONS = [
  '-q',
  '--xml=yes',
  '--leak-check=full',
  '--show-leak-kinds=all',
  '--num-callers=40',
  '--run-libc-freeres=no',
  '--run-cxx-freeres=no',
]

/** `KIND LINE` for the errors of memcheck; the line is the innermost one in the program's own source. */
function memcheck(path: string, file: string): string[] {
  const xml = join(place.path, 'memcheck.xml')
  spawnSync('valgrind', [...OPTIONS, `--xml-file=${xml}`, path], { env: place.env(), input: '' })
  const errors = fs.readFileSync(xml, 'utf8').split('<error>').slice(1)
  return errors.flatMap((error) => {
    const [stack = ''] = /<stack>.*?<\/stack>/s.exec(error) ?? []
    const line = new RegExp(String.raw`<file>${file}</file>\s*<line>(\d+)</line>`).exec(stack)?.[1]
    const kind = /<kind>(\w+)<\/kind>/.exec(error)![1]!
    const size = /<leakedbytes>(\d+)</.exec(error)
    return line === undefined ? [] : [`${kind} ${line}${size === null ? '' : ` ${size[1]}`}`]
  })
}

function lemming(path: string, file: string): string[] {
  const { findings } = place.json('run', ['--check', 'memory,leak', '--show-leak-kinds', 'all', '--', path])
  return findings.flatMap(({ valgrind, thread, leak }: Finding) => {
    const line = thread?.stack.frames.find((frame) => frame.file?.endsWith(`/${file}`))?.line
    return line === undefined
      ? []
      : [`${valgrind} ${line}${leak === undefined ? '' : ` ${leak.bytes + leak.indirectBytes}`}`]
  })
}

test.each(fs.readdirSync(folder).filter((name) => /\.cc?$/.test(name)))('%s', (file) => {
  const path = build(place, file, { folder })
  const [theirs, ours] = [new Set(memcheck(path, file)), new Set(lemming(path, file))]
  expect(theirs.size).toBeGreaterThan(0)
  const less = [...theirs].filter((one) => !ours.has(one)).toSorted()
  const more = [...ours].filter((one) => !theirs.has(one)).toSorted()
  expect({ less, more }).toEqual({ less: LESS[file] ?? [], more: MORE[file] ?? [] })
})
