/** The programs whose runs are compared here, compiled when a test file first needs them, and the form in which runs are compared. */
import { execFileSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import type { Engine } from '../../src/engine/run.ts'
import type { MachineOptions } from '../../src/linux/machine.ts'
import { root } from '../house/tree.ts'
import { machineFor, scratch, type TestMachine } from '../machine/machines.ts'

/** A program with its arguments: everything that a run needs besides a seed, as plain data. */
export interface Subject {
  name: string
  path: string
  args: string[]
  env: string[]
}

/** What runs are compared by: the state at some moments, and the end. */
export interface Course {
  /** `count:hash` at each moment asked for that came before the end. */
  at: string[]
  count: number
  hash: string
  /** Kind of the ending, with the exit code or the signal. */
  ending: string
  stdout: string
}

const programs = join(import.meta.dirname, 'programs')
let made: string | undefined

/** Where the programs are. Others than its owner can run what lies there. */
function place(): string {
  if (made === undefined) {
    made = scratch()
    chmodSync(made, 0o755)
  }
  return made
}

function compiled(name: string, file = name, ...more: string[]): Subject {
  const path = join(place(), name)
  execFileSync('gcc', ['-O2', '-static', '-pthread', ...more, '-o', path, join(programs, `${file}.c`)])
  return { name, path, args: [], env: ['PATH=/usr/bin:/bin'] }
}

/** One thread; its output is the same natively. */
export function single(): Subject {
  return compiled('single')
}

/** Four threads with mutexes, atomics, races, signals and malloc. */
export function threads(): Subject {
  return compiled('threads')
}

/** Nearly the same program: its functions are at the same addresses, and some of their bytes are others. */
export function alteredThreads(): Subject {
  return compiled('altered', 'threads', '-DROUNDS=150')
}

/** Reads all of its standard input in pieces of 64 bytes. */
export function reader(): Subject {
  return compiled('input')
}

/** The superslab example, dynamically linked: it dies of its bug with many seeds. */
export function larson(): Subject {
  execFileSync('make', ['-s', '-C', join(root, 'examples/superslab'), `OUT=${place()}`, 'larson'])
  const args = ['0.02', '8', '128', '64', '1', '12345', '4']
  return {
    name: 'larson',
    path: join(place(), 'larson'),
    args,
    env: ['PATH=/usr/bin:/bin', 'FAST_CAP=0', 'SS_DRAIN=current'],
  }
}

/** The subject's machine before its first instruction. */
export function start(subject: Subject, options: Partial<MachineOptions> = {}): TestMachine {
  return machineFor(subject.path, subject.args, { env: subject.env, ...options })
}

/** Runs on to the end, looking at the state at `moments` (ascending; those behind the end are passed over). */
export function course({ machine, output }: TestMachine, moments: readonly number[]): Course {
  const at: string[] = []
  for (const moment of moments) {
    const { count, ended } = machine.advance(moment)
    if (ended === null) at.push(`${count}:${machine.hash()}`)
  }
  const { count, ended } = machine.advance(Infinity)
  const ending =
    ended!.kind === 'exit'
      ? `exit ${ended!.code}`
      : ended!.kind === 'signal'
        ? `signal ${ended!.signal} at ${ended!.address}`
        : ended!.kind
  return { at, count, hash: machine.hash(), ending, stdout: output.stdout }
}

/** Moments near the start of a program, and all over the runs of these. */
export const MOMENTS = [
  1, 1000, 20_000, 70_000, 150_001, 270_000, 350_123, 600_000, 1_000_007, 2_500_000, 5_000_000, 5_900_000, 6_400_000,
]

/** A run in an engine of its own, the measure for others. */
export function reference(subject: Subject, options: Partial<MachineOptions> = {}): Course {
  return course(start(subject, options), MOMENTS)
}

/** The same in an engine that has run other programs and seeds before: its address spaces and translations are used again. */
export function pooled(engine: Engine, subject: Subject, options: Partial<MachineOptions> = {}): Course {
  const run = start(subject, { ...options, processor: engine })
  const result = course(run, MOMENTS)
  run.machine.release()
  return result
}
