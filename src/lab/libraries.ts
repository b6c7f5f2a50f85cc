/** Exists to find shared objects where the dynamic linker would (ld.so(8)), for those who want to know before a program runs. */
import * as fs from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DT } from '../elf/constants.ts'
import type { ElfFile } from '../elf/file.ts'

/** Where the dynamic linker looks without being told. */
const DEFAULTS = ['/lib/x86_64-linux-gnu', '/usr/lib/x86_64-linux-gnu', '/lib64', '/usr/lib64', '/lib', '/usr/lib']
const MUSL_DEFAULTS = ['/lib', '/usr/local/lib', '/usr/lib']
/** What $LIB may stand for. */
const LIB = ['lib/x86_64-linux-gnu', 'lib64', 'lib']

/** An object that needs others, and the DT_RPATHs of those that led to it. */
export interface Needer {
  path: string
  file: ElfFile
  inherited: readonly string[]
}

/** The path of the shared object `name` that `by` needs, or null. */
export function findLibrary(name: string, by: Needer, interpreter: string | undefined): string | null {
  if (name.includes('/')) return fs.existsSync(name) ? name : null
  return (
    directories(by, interpreter)
      .map((path) => join(path, name))
      .find((path) => fs.existsSync(path)) ?? null
  )
}

/** DT_RPATH is for what an object needs and for what that needs in turn; it does not count beside a DT_RUNPATH. */
export function rpathOf(by: Needer): readonly string[] {
  const own = by.file.searchPath(DT.RUNPATH).length > 0 ? [] : expand(by.file.searchPath(DT.RPATH), by.path)
  return [...own, ...by.inherited]
}

function directories(by: Needer, interpreter: string | undefined): string[] {
  const runpath = expand(by.file.searchPath(DT.RUNPATH), by.path)
  const environment = (process.env.LD_LIBRARY_PATH ?? '').split(/[:;]/).filter((path) => path !== '')
  const isMusl = interpreter !== undefined && basename(interpreter).startsWith('ld-musl')
  const system = isMusl ? muslPaths() : [...configured('/etc/ld.so.conf', new Set()), ...DEFAULTS]
  return [...(runpath.length > 0 ? [] : rpathOf(by)), ...environment, ...runpath, ...system]
}

function expand(paths: readonly string[], of: string): string[] {
  let origin = dirname(of)
  try {
    origin = dirname(fs.realpathSync(of))
  } catch {
    // As it was given.
  }
  return paths
    .map((path) => path.replace(/\$(?:ORIGIN|\{ORIGIN\})/g, origin).replace(/\$(?:PLATFORM|\{PLATFORM\})/g, 'x86_64'))
    .flatMap((path) =>
      /\$(?:LIB|\{LIB\})/.test(path) ? LIB.map((lib) => path.replace(/\$(?:LIB|\{LIB\})/g, lib)) : [path],
    )
}

/** Directories that a configuration of ldconfig(8) names, those of the files that it includes among them. */
function configured(path: string, seen: Set<string>): string[] {
  if (seen.has(path)) return []
  seen.add(path)
  return linesOf(path).flatMap((line) => {
    const [word, ...patterns] = line.split(/\s+/)
    if (word === 'include')
      return patterns
        .flatMap((pattern) => matching(join(dirname(path), pattern), pattern))
        .flatMap((one) => configured(one, seen))
    return word === 'hwcap' ? [] : line.split(/[\s:,]+/).map((one) => one.replace(/=.*/, ''))
  })
}

/** Files that a pattern with `*` in its last part names. */
function matching(absolute: string, pattern: string): string[] {
  const whole = pattern.startsWith('/') ? pattern : absolute
  const form = new RegExp(`^${basename(whole).replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')}$`)
  try {
    return fs
      .readdirSync(dirname(whole))
      .filter((name) => form.test(name))
      .toSorted()
      .map((name) => join(dirname(whole), name))
  } catch {
    return []
  }
}

function muslPaths(): string[] {
  const lines = linesOf('/etc/ld-musl-x86_64.path')
  return lines.length > 0 ? lines.flatMap((line) => line.split(':')) : MUSL_DEFAULTS
}

function linesOf(path: string): string[] {
  let text: string
  try {
    text = fs.readFileSync(path, 'utf8')
  } catch {
    return []
  }
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '')
}
