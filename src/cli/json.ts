/** Exists to print results as JSON: one document, one line, as its schema says. */
import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import type { HuntResult } from '../campaign/hunt.ts'
import type { CapturedStream, ReplayResult, RunResult } from '../lab/jobs.ts'
import { version } from '../lab/version.ts'
import { reportJson } from '../report/json.ts'
import type { RunEnding, RunInputs } from '../session/session.ts'
import type { Finding } from '../tool/finding.ts'
import { exitCodeOfEnding } from './exit-codes.ts'
import { write } from './output.ts'
import { schemas } from './schema.ts'

/** A failure that a hunt found, under the name it was given. */
export interface KeptFailure {
  name: string
  path: string
  seed: number
  instructions: number
  hash: string
  ending: RunEnding
  finding: Finding
  again: string
}

/** What a hunt came to. */
export interface HuntSummary {
  inputs: RunInputs
  firstSeed: number
  result: HuntResult
  kept: KeptFailure[]
  seconds: number
}

export function printRun(result: RunResult, again: string): void {
  print('run', runDocument(result, again))
}

export function printReplay(result: ReplayResult, again: string): void {
  print('replay', { ...runDocument(result, again), times: result.times })
}

export function printHunt({ inputs, firstSeed, result, kept, seconds }: HuntSummary): void {
  const failures = kept.map(({ finding, again, ...failure }) => ({
    ...failure,
    finding: reportJson(finding, { again }),
  }))
  const { runs, errors, interrupted } = result
  print('hunt', {
    program: programOf(inputs),
    firstSeed,
    options: inputs.options,
    runs,
    failures,
    errors,
    interrupted,
    seconds,
  })
}

/** Prints the JSON Schema of what `command --json` prints. */
export function printSchema(command: keyof typeof schemas): void {
  write(1, `${JSON.stringify(z.toJSONSchema(schemas[command]), null, 2)}\n`)
}

function print(command: keyof typeof schemas, document: Record<string, unknown>): void {
  const checked = schemas[command].parse({ lemming: version(), format: 1, command, ...document })
  write(1, `${JSON.stringify(checked)}\n`)
}

function runDocument(result: RunResult, again: string): Record<string, unknown> {
  const { inputs, ending, count, elapsed, hash, finding, findings, leaks, stdout, stderr, statistics } = result
  return {
    program: programOf(inputs),
    seed: inputs.seed,
    options: inputs.options,
    ending,
    exitCode: exitCodeOfEnding(ending),
    instructions: count,
    virtualNs: elapsed,
    hash,
    finding: finding === null ? null : reportJson(finding, { again }),
    findings: findings.map((one) => reportJson(one, { again })),
    leaks,
    stdout: streamDocument(stdout!),
    stderr: streamDocument(stderr!),
    statistics,
  }
}

function programOf({ path, argv, cwd }: RunInputs): { path: string; argv: string[]; cwd: string } {
  return { path, argv, cwd }
}

function streamDocument({ bytes, size }: CapturedStream): { text?: string; base64?: string; size: number } {
  const buffer = Buffer.from(bytes)
  return isUtf8(buffer) ? { text: buffer.toString(), size } : { base64: buffer.toString('base64'), size }
}
