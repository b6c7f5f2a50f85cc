/** Makes what the benchmark runs: the compiled kernels, the wrapper that measures them, and gzip's input. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Kernel } from './kernels.ts'

const here = import.meta.dirname

/** Where everything made here is kept from one run to the next; git ignores it. */
export const buildFolder = join(here, 'build')

/** Compiles C sources (paths relative to bench/) unless the program is newer than all of them; gives its path. */
export function compile(name: string, sources: string[], flags: string[] = []): string {
  mkdirSync(buildFolder, { recursive: true })
  const program = join(buildFolder, name)
  const paths = sources.map((source) => join(here, source))
  const upToDate = existsSync(program) && paths.every((path) => statSync(path).mtimeMs < statSync(program).mtimeMs)
  if (!upToDate) {
    const options = ['-std=c11', '-O2', '-g', '-pthread', '-fno-builtin-malloc', ...flags]
    execFileSync('gcc', [...options, '-o', program, ...paths, '-lm'], { stdio: ['ignore', 'inherit', 'inherit'] })
  }
  return program
}

/** Compiles a kernel, or names the system's program that it is. */
export const programOf = (kernel: Kernel): string => kernel.program ?? compile(kernel.name, kernel.sources)

/** A file of so many bytes of text that compresses about as well as prose; the same bytes on every machine. */
export function textFile(bytes: number): string {
  const path = join(buildFolder, `text-${bytes}.txt`)
  if (existsSync(path) && statSync(path).size === bytes) return path
  mkdirSync(buildFolder, { recursive: true })
  let state = 12345
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const syllables = [
    'an',
    'be',
    'cor',
    'de',
    'es',
    'fal',
    'gi',
    'hu',
    'in',
    'ko',
    'lem',
    'ming',
    'no',
    'or',
    'pa',
    'st',
  ]
  const words = Array.from({ length: 5000 }, () =>
    Array.from({ length: 1 + random(4) }, () => syllables[random(syllables.length)]).join(''),
  )
  const text = Buffer.alloc(bytes)
  for (let at = 0; at < bytes;) {
    // The square makes some words common and most of them rare.
    const word = words[Math.floor((random(1000) / 1000) ** 2 * words.length)]!
    at += text.write(`${word}${random(12) === 0 ? '\n' : ' '}`, at, 'latin1')
  }
  writeFileSync(path, text)
  return path
}
