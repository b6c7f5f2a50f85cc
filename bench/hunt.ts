/** Measures how many runs a second a hunt makes, against the same program started again and again by a shell. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildFolder } from './build.ts'
import { machine, run, type Cost, type Failure, type System } from './measure.ts'
import { median } from './table.ts'

/** Runs at the same time. */
const JOBS = 2
/** Seconds after which a row counts as hung. */
const LIMIT = 1200

/** A program, and runs of it at scale 1. */
interface Row {
  title: string
  program: () => string
  args: string[]
  env: Record<string, string>
  runs: number
}

const superslab = join(import.meta.dirname, '../examples/superslab')
const patterns = join(import.meta.dirname, '../test/concurrency/programs')

const rows: Row[] = [
  {
    title: 'superslab: `larson 0.02 8 128 1024 1 12345 4`, 4 threads',
    program: () => {
      execFileSync('make', ['-s', '-C', superslab], { stdio: ['ignore', 'ignore', 'inherit'] })
      return join(superslab, 'build/larson')
    },
    args: ['0.02', '8', '128', '1024', '1', '12345', '4'],
    env: { SS_FIX: '1' },
    runs: 200,
  },
  {
    title: 'two threads that add to a counter under a lock',
    program: () => {
      mkdirSync(buildFolder, { recursive: true })
      const program = join(buildFolder, 'account-fixed')
      execFileSync('gcc', ['-O2', '-g', '-pthread', '-DFIXED', '-o', program, join(patterns, 'account.c')])
      return program
    },
    args: [],
    env: {},
    runs: 1000,
  },
]

/** The program so many times, as many at the same time as a hunt has jobs. */
const shell = (runs: number): System => ({
  name: 'native',
  command: (program, args) => {
    const loop = 'i=0; while [ $i -lt $0 ]; do "$@" > /dev/null || exit 1; i=$((i + 1)); done'
    const each = String(Math.ceil(runs / JOBS))
    return ['/bin/sh', '-c', `(${loop}) & (${loop}); wait $!`, each, program, ...args]
  },
})

const out = join(tmpdir(), `lemming-bench-hunt-${process.pid}`)

/** A hunt that goes on behind failures, so that it makes all its runs. */
const hunt = (runs: number): System => ({
  name: 'lemming',
  command: (program, args, env) => {
    const cli = join(import.meta.dirname, '../dist/cli/main.js')
    const settings = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`])
    const budget = ['--runs', String(runs), '--jobs', String(JOBS), '--keep-going', '--keep', '0', '--out', out]
    return [process.execPath, cli, 'hunt', '--check', 'none', ...budget, ...settings, '--', program, ...args]
  },
})

/** Prints the table; false if something did not run. */
export function measureHunts(scale: number, reps: number): boolean {
  const lines = [
    `| ${JOBS} at a time | runs | native, runs/s | lemming hunt, runs/s | times as long | cores used |`,
    '|---|--:|--:|--:|--:|--:|',
  ]
  let isGood = true
  for (const { title, program: make, args, env, runs: usual } of rows) {
    const program = make()
    const runs = Math.max(JOBS, Math.round(usual * scale))
    const native: (Cost | Failure)[] = []
    const own: (Cost | Failure)[] = []
    for (let rep = 0; rep < reps; rep++) {
      native.push(run(shell(runs), program, args, env, LIMIT))
      own.push(run(hunt(runs), program, args, env, LIMIT))
      for (const file of [out, `${out}.db`]) rmSync(file, { recursive: true, force: true })
    }
    const failure = [...native, ...own].find((one) => 'failed' in one)
    if (failure !== undefined) {
      isGood = false
      lines.push(`| ${title} | ${runs} | failed: ${failure.failed} | | | |`)
      continue
    }
    const wall = (costs: (Cost | Failure)[]): number => median(costs.map((one) => (one as Cost).wall))
    const cores = median(own.map((one) => (one as Cost).cpu / (one as Cost).wall))
    const [fast, slow] = [runs / wall(native), runs / wall(own)]
    lines.push(
      `| ${title} | ${runs} | ${shown(fast)} | ${shown(slow)} | ${shown(fast / slow)} × | ${cores.toFixed(2)} |`,
    )
  }
  const note = 'The start of a hunt, in which the program is translated, is part of it.'
  process.stdout.write(
    `Medians of ${reps === 1 ? 'one run' : `${reps} runs`}. ${note} ${machine()}.\n\n${lines.join('\n')}\n`,
  )
  return isGood
}

/** Two digits that matter, or whole numbers. */
function shown(value: number): string {
  return value < 10 ? value.toFixed(1) : String(Math.round(value))
}
