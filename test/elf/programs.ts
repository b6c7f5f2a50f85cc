/** Exists so that tests compile their programs and ask binutils about them in one line each. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A temporary directory that is removed when the test process ends. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'lemming-test-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Runs a command and returns its standard output. */
export function run(command: string, args: readonly string[], options: { cwd?: string; input?: string } = {}): string {
  return execFileSync(command, args, {
    ...options,
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

let serial = 0

type Compiler = 'gcc' | 'g++' | 'musl-gcc' | 'clang++-14'

/** Compiles `source` (C for gcc and musl-gcc, C++ for g++) in `directory` and returns the path of the program. */
export function compile(
  directory: string,
  source: string,
  flags: readonly string[],
  compiler: Compiler = 'gcc',
): string {
  const file = join(directory, `program${serial++}${compiler === 'g++' ? '.cc' : '.c'}`)
  writeFileSync(file, source)
  return compileFile(directory, file, flags, compiler)
}

/** Compiles the source at `path` into `directory` and returns the path of the program. */
export function compileFile(
  directory: string,
  path: string,
  flags: readonly string[],
  compiler: Compiler = path.endsWith('.cc') ? 'g++' : 'gcc',
): string {
  const program = join(directory, `program${serial++}`)
  run(compiler, ['-o', program, ...flags, path], { cwd: directory })
  return program
}

/** The bytes of a file, in a buffer of their own. */
export function bytesOf(path: string): Uint8Array {
  return new Uint8Array(readFileSync(path))
}
