/** Runs one program under one system and says what it cost, or why it failed. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { buildFolder, compile } from './build.ts'

/** What one run cost, in seconds, and what it wrote. */
export interface Cost {
  /** User and system time of the process, its threads, and the children it waited for. */
  cpu: number
  wall: number
  /** SHA-256 of standard output. */
  output: string
}

/** A run that ended badly. */
export interface Failure {
  failed: string
}

/** A way to run a program: makes the command line from the program's own. */
export interface System {
  name: 'native' | 'valgrind' | 'lemming'
  command: (program: string, args: string[], env: Record<string, string>) => string[]
}

const cli = join(import.meta.dirname, '../dist/cli/main.js')

/** What runs a program under lemming with some checks on, under the Node that runs this. */
const lemming =
  (checks: string) =>
  (program: string, args: string[], env: Record<string, string>): string[] => {
    const settings = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`])
    return [process.execPath, cli, 'run', '--check', checks, ...settings, '--', program, ...args]
  }

/** The columns of the table. `--tool=none` is Valgrind's translation alone, without a check. */
export const systems: System[] = [
  { name: 'native', command: (program, args) => [program, ...args] },
  { name: 'valgrind', command: (program, args) => ['/usr/bin/valgrind', '-q', '--tool=none', program, ...args] },
  { name: 'lemming', command: lemming('none') },
]

/** The same with every access checked. What is found goes to standard error, and is no failure. */
export const checkedSystems: System[] = [
  systems[0]!,
  { name: 'valgrind', command: (program, args) => ['/usr/bin/valgrind', '-q', program, ...args] },
  { name: 'lemming', command: lemming('memory') },
]

/** The first line of what a failed run wrote to standard error, or its wait status in words. */
function complaint(status: number, stderr: string): string {
  const signal = status & 0x7f
  const end = signal === 0 ? `exit ${status >> 8}` : `signal ${signal}`
  const line = stderr.split('\n').find((text) => /error/i.test(text)) ?? stderr.split('\n')[0] ?? ''
  return line.trim() === '' ? end : `${end}, ${line.trim().slice(0, 80)}`
}

/** Where lemming keeps translations while it is measured: what else was run on this computer changes nothing. */
const cache = join(buildFolder, 'cache')

/** The next run of each program is its first. */
export function forgetTranslations(): void {
  rmSync(cache, { recursive: true, force: true })
}

/** Runs `program` once. `limit` is in seconds of wall time; a run that takes longer is killed, and has failed. */
export function run(
  system: System,
  program: string,
  args: string[],
  env: Record<string, string>,
  limit: number,
): Cost | Failure {
  const rusage = compile('rusage', ['rusage.c'])
  const [result, stdout, stderr] = ['result', 'stdout', 'stderr'].map((name) => join(buildFolder, `last.${name}`)) as [
    string,
    string,
    string,
  ]
  execFileSync(rusage, [result, stdout, stderr, String(limit), ...system.command(program, args, env)], {
    env: { ...process.env, XDG_CACHE_HOME: cache, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const [user, kernel, wall, status] = readFileSync(result, 'utf8').trim().split(' ').map(Number) as [
    number,
    number,
    number,
    number,
  ]
  if (status !== 0) return { failed: complaint(status, readFileSync(stderr, 'utf8')) }
  const output = createHash('sha256').update(readFileSync(stdout)).digest('hex')
  return { cpu: (user + kernel) / 1e6, wall: wall / 1e6, output }
}

/** The machine and the tools that the numbers belong to, in one line. */
export function machine(): string {
  const model = /^model name\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown processor'
  const version = (command: string): string =>
    execFileSync(command, ['--version'], { encoding: 'utf8' }).split('\n')[0]!.trim()
  return `${model}, ${availableParallelism()} cores, ${version('gcc')}, ${version('valgrind')}, Node ${process.version}`
}
