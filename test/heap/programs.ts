/** Builds the programs of this folder, runs lemming on them, and reads what their sources say about the findings. */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Document, Place } from '../e2e/lemming.ts'

/** Where the sources are. */
export const sources = join(import.meta.dirname, 'programs')

export type Finding = Document<'run'>['findings'][0]

/** A finding that a source line announces: `//~ KIND` and how often, if more than once. */
export interface Marked {
  line: number
  kind: string
  times: number
}

/** What the lines of a source say. */
export function marks(file: string, folder = sources): Marked[] {
  return fs
    .readFileSync(join(folder, file), 'utf8')
    .split('\n')
    .flatMap((text, i) => {
      const mark = /\/\/~ (\S+)(?: (\d+))?$/.exec(text)
      return mark === null ? [] : [{ line: i + 1, kind: mark[1]!, times: Number(mark[2] ?? 1) }]
    })
}

/** Builds a program into the place, without its bugs if it is to be good; its path. */
export function build(
  place: Place,
  file: string,
  how: { good?: boolean; compiler?: string; flags?: string[]; folder?: string } = {},
): string {
  const { good = false, flags = [] } = how
  const compiler = how.compiler ?? (file.endsWith('.cc') ? 'g++' : 'gcc')
  const name = `${file.replace(/\W/g, '-')}${good ? '-good' : ''}${flags.includes('-static') ? '-static' : ''}-${basename(compiler)}`
  const path = join(place.path, name)
  if (!fs.existsSync(path)) {
    const words = [
      '-g',
      '-O0',
      '-w',
      '-pthread',
      ...(good ? ['-DGOOD'] : []),
      ...flags,
      '-o',
      path,
      join(how.folder?.startsWith('/') ? how.folder : join(dirname(sources), how.folder ?? 'programs'), file),
    ]
    execFileSync(compiler, words, { stdio: 'pipe' })
  }
  return path
}

/** Findings as the source announces them: the innermost line of it in the stack. */
export function found(findings: readonly Finding[], file: string): Marked[] {
  return findings
    .map(({ kind, thread, times = 1 }) => ({
      line: thread?.stack.frames.find((frame) => frame.file?.endsWith(`/${file}`))?.line ?? 0,
      kind,
      times,
    }))
    .toSorted((a, b) => a.line - b.line || a.kind.localeCompare(b.kind))
}

/** What all runs with one seed have in common, and no address, library or debugging information of this computer. */
export function normalised(text: string, place: Place, file: string, folder = sources): string {
  const own = `${file}:`
  return text
    .replaceAll(place.path, '')
    .replaceAll(folder, '')
    .replace(/0x[0-9a-f]+/g, '0x…')
    .replace(/@\d+(?: \d+)*/g, '@…')
    .split('\n')
    .map((line) => {
      const frame = /^( +(?:at )?)(lib\S+|\S+\.[chS]:\d+) +(\S.*)$/.exec(line)
      if (frame === null) return line.replace(/(\S) {2,}/g, '$1  ')
      if (frame[2]!.startsWith(own)) return `${frame[1]}${frame[2]}  ${frame[3]!.replace(/ {2,}/g, '  ')}`
      return `${frame[1]}library  ${/^(?:malloc|calloc|realloc|free|operator)\b/.test(frame[3]!) ? frame[3] : '…'}`
    })
    .join('\n')
}
