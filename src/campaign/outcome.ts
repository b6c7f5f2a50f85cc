/** Exists to say what one run of a hunt came to, and who makes runs. */
import type { RunEnding } from '../session/session.ts'
import type { Finding } from '../tool/finding.ts'

/** An error as it crosses threads. */
export interface PlainError {
  code: string
  message: string
  next?: string
}

/** What a seed came to. Depends on the seed alone. */
export type SeedOutcome =
  | { seed: number; kind: 'passed'; count: number; ending: RunEnding }
  /** `bundle` is the directory that holds the failure's files until it is kept. */
  | { seed: number; kind: 'failed'; count: number; ending: RunEnding; hash: string; finding: Finding; bundle: string }
  /** lemming could not execute the run to its end. */
  | { seed: number; kind: 'error'; error: PlainError }

export type FailedOutcome = Extract<SeedOutcome, { kind: 'failed' }>

/** Makes one run at a time. */
export interface Runner {
  run(seed: number): Promise<SeedOutcome>
  /** Ends a run under way, whose promise then rejects, and frees everything. */
  close(): Promise<void>
}
