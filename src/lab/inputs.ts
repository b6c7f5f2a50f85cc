/** Exists to turn what a user asked for into the inputs of a run: which program, with which environment, in which directory. */
import * as fs from 'node:fs'
import { resolve } from 'node:path'
import { LemmingError } from '../base/errors.ts'
import type { Cell } from '../campaign/catalogue-campaigns.ts'
import { EPOCH, MEMORY } from '../linux/defaults.ts'
import type { DurabilityModel } from '../tool/power-loss.ts'
import type { CustomFunction } from '../tool/allocator-spec.ts'
import type { CheckChoices, MountChoice, RunInputs } from '../session/session.ts'

export type { MountChoice }

/** What a user may say about a run. */
export interface RunWishes {
  /** The program as in a shell: a path, or a name that PATH has; then its arguments. */
  command: string[]
  seed: number
  /** `K=V`: set in the program's environment. */
  env: string[]
  /** Whether the program starts with no environment but `env`. */
  cleanEnv: boolean
  cwd: string | undefined
  mounts: MountChoice[]
  /** How power is lost, and what is run then (null: the program again); null for not at all. */
  powerLoss: { model: DurabilityModel; recover: string[] | null } | null
  /** Bytes that each process may map, or null. */
  memoryLimit: number | null
  strategy: string
  cpus: number
  clockRate: number
  /** Virtual seconds, or null. */
  timeLimit: number | null
  instructionLimit: number | null
  heap: 'native' | 'guarded'
  /** Bytes. */
  quarantine: number
  /** The program's own allocation functions. */
  allocators: CustomFunction[]
  checks: CheckChoices
}

/** The inputs of a run. `outer` is the environment of whoever asks. Throws a LemmingError when there is no such program or directory. */
export function runInputs(wishes: RunWishes, outer: Record<string, string | undefined>): RunInputs {
  const [program, ...args] = wishes.command
  if (program === undefined)
    throw new LemmingError('usage', 'no program is given', 'say which: lemming run -- ./prog arguments')
  const cwd = workingDirectory(wishes.cwd)
  const env = environment(wishes, outer)
  const searched = env.find((entry) => entry.startsWith('PATH='))?.slice(5) ?? outer.PATH
  return {
    path: pathOfProgram(program, searched),
    argv: [program, ...args],
    env,
    cwd,
    seed: wishes.seed,
    options: {
      strategy: wishes.strategy,
      cpus: wishes.cpus,
      ...(wishes.mounts.length > 0 && { mounts: wishes.mounts }),
      ...(wishes.powerLoss !== null && {
        powerLoss: { model: wishes.powerLoss.model, recover: recoveryOf(wishes, searched) },
      }),
      ...(wishes.memoryLimit !== null && { memoryLimit: wishes.memoryLimit }),
      clockRate: wishes.clockRate,
      epoch: EPOCH,
      memory: MEMORY,
      // The rights of files are the host's, so the user must be too.
      uid: process.getuid!(),
      gid: process.getgid!(),
      umask: process.umask(),
      timeLimit: wishes.timeLimit === null ? null : Math.round(wishes.timeLimit * 1e9),
      ...(wishes.instructionLimit !== null && { instructionLimit: wishes.instructionLimit }),
      ...(wishes.heap === 'guarded' && { heap: wishes.heap, quarantine: wishes.quarantine }),
      ...(wishes.heap === 'guarded' && wishes.allocators.length > 0 && { allocators: wishes.allocators }),
    },
    ...(wishes.checks.names.length > 0 && { checks: wishes.checks }),
  }
}

/** What is run when power is back: the program again, if nothing else is said. */
function recoveryOf({ command, powerLoss }: RunWishes, searched: string | undefined): { path: string; argv: string[] } {
  const argv = powerLoss!.recover ?? command
  return { path: pathOfProgram(argv[0]!, searched), argv: [...argv] }
}

/** The same run with another seed, in a cell of a matrix. */
export function withSeed(inputs: RunInputs, seed: number, cell?: Cell): RunInputs {
  if (cell === undefined) return { ...inputs, seed }
  const names = new Set(cell.env.map((entry) => entry.slice(0, entry.indexOf('=') + 1)))
  const others = inputs.env.filter((entry) => !names.has(entry.slice(0, entry.indexOf('=') + 1)))
  const { argv = inputs.argv, path = inputs.path, cwd = inputs.cwd } = cell
  return { ...inputs, seed, env: [...others, ...cell.env], argv, path, cwd }
}

function environment({ env, cleanEnv }: RunWishes, outer: Record<string, string | undefined>): string[] {
  const values = new Map<string, string>()
  if (!cleanEnv) for (const [name, value] of Object.entries(outer)) if (value !== undefined) values.set(name, value)
  for (const entry of env) {
    const at = entry.indexOf('=')
    values.set(entry.slice(0, at), entry.slice(at + 1))
  }
  return [...values].map(([name, value]) => `${name}=${value}`)
}

function workingDirectory(wished: string | undefined): string {
  const directory = resolve(wished ?? '.')
  if (!fs.statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new LemmingError('no-directory', `${wished}: no such directory`, 'give an existing directory to --cwd')
  }
  // The kernel keeps current directories without symbolic links.
  return fs.realpathSync(directory)
}

/** The program's absolute path, found as a shell finds it. */
export function pathOfProgram(name: string, searched: string | undefined): string {
  if (name.includes('/')) return checked(resolve(name), name)
  for (const directory of (searched ?? '').split(':')) {
    const path = resolve(directory === '' ? '.' : directory, name)
    if (isExecutable(path)) return path
  }
  const here = isExecutable(resolve(name))
    ? `it is in this directory: write ./${name}`
    : 'give its path, or a name that PATH has'
  throw new LemmingError('no-program', `${name}: no such program in PATH`, here)
}

function checked(path: string, name: string): string {
  let stat: fs.Stats | undefined
  try {
    stat = fs.statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    throw new LemmingError(
      'no-program',
      `${name}: ${(error as NodeJS.ErrnoException).code}`,
      'give the path of a program',
    )
  }
  if (stat === undefined)
    throw new LemmingError('no-program', `${name}: no such file`, 'give the path of a program, or a name that PATH has')
  if (!stat.isFile())
    throw new LemmingError(
      'no-program',
      `${name}: ${stat.isDirectory() ? 'a directory' : 'not a regular file'}`,
      'give the path of a program',
    )
  if (!isExecutable(path))
    throw new LemmingError('no-program', `${name}: not executable`, `make it so: chmod +x ${name}`)
  return path
}

function isExecutable(path: string): boolean {
  try {
    fs.accessSync(path, fs.constants.X_OK)
    return fs.statSync(path).isFile()
  } catch {
    return false
  }
}
