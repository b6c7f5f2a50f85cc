/** Exists to make a hunt's runs on the real machine: the same loop and the same bundles, without an emulated one. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import { constants } from 'node:os'
import { join, resolve } from 'node:path'
import type { Cell } from '../campaign/catalogue-campaigns.ts'
import { writeBundle } from '../campaign/failures.ts'
import type { Runner, RunPoint, SeedOutcome } from '../campaign/outcome.ts'
import type { RunEnding, RunInputs } from '../session/session.ts'
import type { Finding } from '../tool/finding.ts'
import { Capture } from './capture.ts'
import { judge, NO_CRITERIA, type Criteria } from './criteria.ts'
import { withSeed } from './inputs.ts'
import { version } from './version.ts'

/** What native runs need. */
export interface NativeJob {
  inputs: RunInputs
  cells: readonly Cell[]
  campaign: string
  nonzeroExit: boolean
  criteria?: Criteria
  scratch: string
  /** Runs at the same time. */
  jobs: number
}

/** Signals that a program sends itself when it gives up, or gets for what it did; SIGKILL is also how a time limit ends. */
const SIGNALS = new Map(Object.entries(constants.signals).map(([name, number]) => [name, number]))

/** Runs a program on the real machine, once for each position. A time limit is real time here. */
export class NativeRunner implements Runner {
  private readonly job: NativeJob
  private readonly input: () => Promise<Uint8Array>
  private child: ChildProcess | null = null
  private closed = false

  constructor(job: NativeJob, input: () => Promise<Uint8Array>) {
    this.job = job
    this.input = input
  }

  async run(point: RunPoint): Promise<SeedOutcome> {
    const { cells, nonzeroExit, criteria = NO_CRITERIA } = this.job
    const inputs = withSeed(this.job.inputs, point.seed, cells[point.cell])
    const capture = new Capture()
    const began = Date.now()
    const { ending, pid } = await this.execute(inputs, capture)
    if (this.closed) throw new Error('closed')
    const said = ending.kind === 'exit' && ending.code !== 0 ? { said: capture.firstLine(2) } : {}
    const rules: Criteria = nonzeroExit ? { ...criteria, exitCodes: 'nonzero' } : criteria
    const judged = judge(ending, capture, rules, { moment: 0, seed: point.seed })
    if (ending.kind === 'exit' && judged === null) return { ...point, kind: 'passed', count: 0, ending, ...said }
    const finding = judged?.kind === 'output' ? judged : findingOf(ending, point.seed)
    const bundle = join(this.job.scratch, `run-${point.seed}-${point.cell}`)
    this.writeBundle(bundle, inputs, point, { ending, finding, capture, pid, began })
    return { ...point, kind: 'failed', count: 0, ending, hash: '', finding, bundle, ...said }
  }

  async close(): Promise<void> {
    this.closed = true
    this.kill()
  }

  private kill(): void {
    // The whole group: what the program has started ends with it.
    if (this.child?.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null) {
      try {
        process.kill(-this.child.pid, 'SIGKILL')
      } catch {
        this.child.kill('SIGKILL')
      }
    }
  }

  private async execute(inputs: RunInputs, capture: Capture): Promise<{ ending: RunEnding; pid: number }> {
    const bytes = await this.input()
    const { path, argv, env, cwd, options } = inputs
    const limits = ['ulimit -c unlimited 2>/dev/null']
    if (options.memoryLimit !== undefined) limits.push(`ulimit -v ${Math.ceil(options.memoryLimit / 1024)}`)
    // A shell sets the limits and becomes the program.
    const child = spawn('/bin/sh', ['-c', `${limits.join('; ')}; exec "$0" "$@"`, path, ...argv.slice(1)], {
      cwd,
      env: Object.fromEntries(
        env.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
      ),
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    })
    this.child = child
    child.stdin.on('error', () => {})
    child.stdin.end(bytes)
    child.stdout.on('data', (chunk: Buffer) => capture.write(1, chunk))
    child.stderr.on('data', (chunk: Buffer) => capture.write(2, chunk))
    let late = false
    const limit = options.timeLimit
    const timer =
      limit === null
        ? undefined
        : setTimeout(() => {
            late = true
            this.kill()
          }, limit / 1e6)
    const { code, signal } = await new Promise<{ code: number | null; signal: string | null }>((done, failed) => {
      child.on('error', failed)
      child.on('close', (code, signal) => done({ code, signal }))
    }).finally(() => clearTimeout(timer))
    const pid = child.pid!
    if (late) return { ending: { kind: 'time-limit', limit: limit! }, pid }
    if (signal === null) return { ending: { kind: 'exit', code: code! }, pid }
    const number = SIGNALS.get(signal) ?? 0
    return {
      ending: {
        kind: 'signal',
        signal: number,
        name: signal,
        code: 0,
        codeName: '',
        address: '0x0',
        tid: pid,
        sent: false,
      },
      pid,
    }
  }

  private writeBundle(
    bundle: string,
    inputs: RunInputs,
    { cell }: RunPoint,
    {
      ending,
      finding,
      capture,
      pid,
      began,
    }: { ending: RunEnding; finding: Finding; capture: Capture; pid: number; began: number },
  ): void {
    const { path, argv, env, cwd, seed, options } = inputs
    const core = ending.kind === 'signal' ? coreOf(cwd, pid, began) : null
    // Of several runs that leave their cores under one name nobody can tell whose it is.
    const isOurs = core !== null && (core.named || this.job.jobs === 1)
    if (isOurs) finding.remarks.push('the core file is kept as core: gdb -c core PROGRAM')
    else if (core !== null)
      finding.remarks.push(`no core file is kept, because all have one name here (${core.path}): use --jobs 1`)
    const failure = {
      format: 1,
      lemming: version(),
      created: new Date().toISOString(),
      native: true,
      program: { path, sha256: fileHash(path) },
      argv,
      env,
      cwd,
      campaign: this.job.campaign,
      cell,
      seed,
      options,
      count: 0,
      hash: '',
      ending,
      finding,
      findings: [],
      leaks: null,
      stdout: capture.size(1),
      stderr: capture.size(2),
    }
    writeBundle(bundle, {
      stdout: capture.bytes(1),
      stderr: capture.bytes(2),
      'failure.json': `${JSON.stringify(failure, null, 2)}\n`,
    })
    if (isOurs) {
      fs.copyFileSync(core.path, join(bundle, 'core'))
      fs.rmSync(core.path, { force: true })
    }
  }
}

/** SHA-256 of a file, or null if it cannot be read. */
export function fileHash(path: string): string | null {
  try {
    return createHash('sha256').update(fs.readFileSync(path)).digest('hex')
  } catch {
    return null
  }
}

/** The core file that a process has left where the system's pattern says, if that is a file and not a program; `named`: its name has the process' number. */
function coreOf(cwd: string, pid: number, began: number): { path: string; named: boolean } | null {
  let pattern: string
  let usesPid: boolean
  try {
    pattern = fs.readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim()
    usesPid = fs.readFileSync('/proc/sys/kernel/core_uses_pid', 'utf8').trim() === '1'
  } catch {
    return null
  }
  if (pattern.startsWith('|') || /%[^%pPiI]/.test(pattern)) return null
  const name = pattern.replace(/%[pPiI]/g, String(pid)).replaceAll('%%', '%')
  const path = resolve(cwd, usesPid && !/%[pP]/.test(pattern) ? `${name}.${pid}` : name)
  const stat = fs.statSync(path, { throwIfNoEntry: false })
  // One without a number may be of an earlier process.
  return stat?.isFile() === true && stat.size > 0 && stat.mtimeMs >= began - 1000
    ? { path, named: usesPid || /%[pP]/.test(pattern) }
    : null
}

function findingOf(ending: RunEnding, seed: number): Finding {
  const finding: Finding = {
    kind: 'crash',
    what: '',
    moment: 0,
    seed,
    others: [],
    remarks: ['this run was on the real machine: it cannot be replayed'],
  }
  switch (ending.kind) {
    case 'exit':
      return { ...finding, kind: 'exit', what: `the program exited with code ${ending.code}` }
    case 'signal':
      return {
        ...finding,
        what: `${ending.name}: the program was killed by this signal`,
        signal: { number: ending.signal, name: ending.name, code: 0, codeName: '', address: '0x0', sent: false },
      }
    default:
      return { ...finding, kind: 'time-limit', what: 'the program reached the time limit, in real time' }
  }
}
