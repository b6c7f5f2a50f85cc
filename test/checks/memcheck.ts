/** Says what memcheck and lemming find in a program, in the same words. */
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import type { Place } from '../e2e/lemming.ts'
import type { Finding } from '../heap/programs.ts'

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
function memcheck(place: Place, path: string, file: string): string[] {
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

/** The same of lemming. */
function lemming(place: Place, path: string, file: string): string[] {
  const { findings } = place.json('run', ['--check', 'memory,leak', '--show-leak-kinds', 'all', '--', path])
  return findings.flatMap(({ valgrind, thread, leak }: Finding) => {
    const line = thread?.stack.frames.find((frame) => frame.file?.endsWith(`/${file}`))?.line
    return line === undefined
      ? []
      : [`${valgrind} ${line}${leak === undefined ? '' : ` ${leak.bytes + leak.indirectBytes}`}`]
  })
}

/** What only one of them says. */
export function differences(
  place: Place,
  path: string,
  file: string,
): { theirs: number; less: string[]; more: string[] } {
  const [theirs, ours] = [new Set(memcheck(place, path, file)), new Set(lemming(place, path, file))]
  return {
    theirs: theirs.size,
    less: [...theirs].filter((one) => !ours.has(one)).toSorted(),
    more: [...ours].filter((one) => !theirs.has(one)).toSorted(),
  }
}
