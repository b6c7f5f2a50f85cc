/** Exists to print results as JSON: one document, one line, as its schema says. */
import { isUtf8 } from 'node:buffer'
import type { TestResult } from './each-test.ts'
import { z } from 'zod'
import type { CampaignEnd } from '../lab/hunter.ts'
import { wilson } from '../campaign/statistics.ts'
import type { CapturedStream, ReplayResult, RunResult } from '../lab/jobs.ts'
import { version } from '../lab/version.ts'
import { reportJson } from '../report/json.ts'
import type { RunEnding, RunInputs } from '../session/session.ts'
import type { Finding } from '../tool/finding.ts'
import { exitCodeOfEnding } from './exit-codes.ts'
import { write } from './output.ts'
import { schemas } from './schema.ts'

/** A failure that a hunt found, under the name it was given. */
interface KeptFailure {
  name: string
  path: string
  bucket: string
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
  result: CampaignEnd
  kept: KeptFailure[]
  cells: { label: string; hits: number; runs: number; errors: number }[]
  tests?: { kind: string; leftOut: { name: string; why: string }[]; results: TestResult[] }
  /** Path of the catalogue. */
  catalogue: string
}

export function printRun(result: RunResult, again: string): void {
  print('run', runDocument(result, again))
}

export function printReplay(result: ReplayResult, again: string): void {
  print('replay', { ...runDocument(result, again), times: result.times })
}

export function printHunt({ inputs, firstSeed, result, kept, cells, tests, catalogue }: HuntSummary): void {
  const failures = kept.map(({ finding, again, ...failure }) => ({
    ...failure,
    finding: reportJson(finding, { again }),
  }))
  const { id, runs, errors, interrupted, reason, falseStart, seconds } = result
  print('hunt', {
    program: programOf(inputs),
    firstSeed,
    options: inputs.options,
    runs,
    failed: result.failures,
    failures,
    errors,
    interrupted,
    reason,
    falseStart,
    coverage: result.coverage,
    buckets: [...result.buckets].map(([bucket, { title, hits }]) => ({ name: `B${bucket}`, title, hits })),
    cells: cells.map(({ label, hits, runs: made, errors: broken }) => ({
      label,
      failed: hits,
      runs: made,
      errors: broken,
      interval: wilson(hits, made),
    })),
    tests: tests ?? null,
    seconds,
    campaign: id,
    catalogue,
  })
}

/** Prints the JSON Schema of what `command --json` prints. */
export function printSchema(command: keyof typeof schemas): void {
  write(1, `${JSON.stringify(z.toJSONSchema(schemas[command]), null, 2)}\n`)
}

/** Prints the document of a command, once its schema has seen it. */
export function print(command: keyof typeof schemas, document: Record<string, unknown>): void {
  const checked = schemas[command].parse({ lemming: version(), format: 1, command, ...document })
  write(1, `${JSON.stringify(checked)}\n`)
}

function runDocument(result: RunResult, again: string): Record<string, unknown> {
  const { inputs, ending, count, elapsed, hash, finding, findings, leaks, suppressions, stdout, stderr, statistics } =
    result
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
    suppressions,
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
