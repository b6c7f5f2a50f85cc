/** Exists to define what a front end asks of a thread that runs machines, and what it gets: plain data only. */
import type { MessagePort } from 'node:worker_threads'
import type { Cell } from '../campaign/catalogue-campaigns.ts'
import type { PlainError, RunPoint, SeedOutcome } from '../campaign/outcome.ts'
import type { Criteria } from './criteria.ts'
import type { AttributeWish } from '../session/attributes.ts'
import type { Debuggee, Stop } from '../session/protocol.ts'
import type { Schedule } from '../replay/machine.ts'
import type { RunEnding, RunInputs } from '../session/session.ts'
import type { Finding, LeakSummary } from '../tool/finding.ts'
import type { SuppressionUse } from '../tool/suppression.ts'

/** A terminal that a run is on. */
export interface TerminalJob {
  /** Which of descriptors 0, 1 and 2 are it. */
  fds: [boolean, boolean, boolean]
  /** Whether it is in raw mode. */
  raw: boolean
  /** Rows and columns, kept up to date by the thread that hears of changes. */
  size: Int32Array
}

/** One run of a program, with this process' standard input. */
export interface RunJob {
  kind: 'run'
  inputs: RunInputs
  /** Where the program's output goes: to this process' own descriptors, or into the result. */
  output: 'own' | 'capture'
  /** The terminal that the program is to see, or null. */
  terminal: TerminalJob | null
  strace: boolean
  /** Whether the state hash is wanted, which costs a look at all memory. */
  hash: boolean
  stats: boolean
  /** File for a self-contained recording, or null. */
  exportTo: string | null
  /** Directory for the private layer of files, or null. */
  keepTo: string | null
}

/** A recorded run, once more or several times. */
export interface ReplayJob {
  kind: 'replay'
  /** Path of the recording file. */
  file: string
  times: number
  output: 'own' | 'capture'
  strace: boolean
  stats: boolean
  exportTo: string | null
}

/** Prepares a thread for SeedJobs. */
export interface HuntJob {
  kind: 'hunt'
  inputs: RunInputs
  /** The catalogue's unique name of the campaign, which failures carry. */
  campaign: string
  /** What makes the cells of a matrix different. */
  cells: Cell[]
  /** A non-zero exit is a failure. */
  nonzeroExit: boolean
  /** What else is one; absent for nothing. */
  criteria?: Criteria
  /** A recorded run that all runs are until a moment; then each goes on with its own seed. Absent where they begin with it. */
  from?: { file: string; moment: number }
  /** Expressions whose values at its moment a failure is kept with; absent for none. */
  attributes?: AttributeWish[]
  /** Directory for the bundles of failures, made when there is one. */
  scratch: string
  /** Standard input, which all runs get from its beginning: asked for through `port` when a program first reads it. */
  input: { port: MessagePort; ready: Int32Array }
}

/** One seed of a hunt. */
interface SeedJob extends RunPoint {
  kind: 'seed'
}

/** Opens a recorded run to be walked both ways; one at a time in a thread. */
export interface OpenJob {
  kind: 'open'
  /** Path of the recording file. */
  file: string
  /** Bytes that checkpoints may take; null for as much as is usual. */
  budget: number | null
  /** One word of shared memory: 1 asks to end what is being executed. */
  interrupt: Int32Array
}

/** A question to the run that is open. */
export interface AskJob {
  kind: 'ask'
  method: keyof Debuggee
  args: unknown[]
}

/** What the schedule of a recorded failure was. */
export interface ScheduleJob {
  kind: 'schedule'
  /** Path of the recording. */
  file: string
  /** What counts as a failure, apart from what the recording says. */
  criteria?: Criteria
}

/** A recorded failure's run with something changed. */
export interface TrialJob {
  kind: 'trial'
  file: string
  change: Partial<RunInputs>
  /** Whether it sees the outside as it is now, with `input`, and not as it was recorded. */
  live: boolean
  input: Uint8Array | null
  criteria?: Criteria
}

/** The same, kept as a failure's bundle. */
export interface MinimisedJob extends Omit<TrialJob, 'kind'> {
  kind: 'minimised'
  bundle: string
  /** What was done, for its document. */
  note: string
}

/** What a trial came to. */
export interface TrialAnswer {
  count: number
  /** Signature of what went wrong, null for nothing. */
  signature: string | null
}

/** A switch from one task to another: where the one stops and where the other goes on. */
export interface SwitchRow {
  moment: number
  tid: number
  /** Instructions that it had executed. */
  count: number
  to: number
  /** It is one of the schedule's; the others happen because a task waits or ends. */
  chosen: boolean
  from: string
  into: string
}

/** Executes a recorded run again, with another schedule from a moment on, and writes the recording of that. */
export interface KeepBranchJob {
  kind: 'keepBranch'
  file: string
  branch: BranchChoice
  /** Instructions in all after which it is given up. */
  limit: number
  /** The file of the new recording, or the directory of a failure's bundle. */
  output: string
  as: 'recording' | 'failure'
  /** Where it comes from, for a failure's document. */
  note: string
}

/** Where a clone leaves the run, and what is different from there on. */
type BranchChoice = NonNullable<RunInputs['options']['branches']>[number]

export type Job =
  | RunJob
  | ReplayJob
  | HuntJob
  | SeedJob
  | OpenJob
  | AskJob
  | KeepBranchJob
  | ScheduleJob
  | TrialJob
  | MinimisedJob

/** One stream of a program's output. */
export interface CapturedStream {
  bytes: Uint8Array
  /** Bytes written by the program: more than there are in `bytes` when it was too much. */
  size: number
}

/** What a run came to. */
export interface RunResult {
  inputs: RunInputs
  ending: RunEnding
  /** Instructions executed. */
  count: number
  /** Virtual nanoseconds. */
  elapsed: number
  /** State hash at the end, if it was asked for. */
  hash: string | null
  /** What went wrong; absent for a program that exited with 0. */
  finding: Finding | null
  /** What checks found, suppressed findings left out. */
  findings: Finding[]
  /** What was not freed; null when that was not checked. */
  leaks: LeakSummary | null
  /** How many findings each suppression has covered. */
  suppressions: SuppressionUse[]
  /** With output 'capture'. */
  stdout: CapturedStream | null
  stderr: CapturedStream | null
  /** System calls that asked for what the machine does not have, and the errno that they got. */
  unknownCalls: { text: string; answer: string; times: number }[]
  statistics: Record<string, number> | null
}

/** What replaying came to; each time the same, else the job fails. */
export interface ReplayResult extends RunResult {
  times: number
}

/** What a thread answers to each kind of job. */
export interface Answers {
  run: RunResult
  replay: ReplayResult
  hunt: null
  seed: SeedOutcome
  open: Stop
  schedule: TrialAnswer & { schedule: Schedule; elapsed: number; inputs: RunInputs; finding: Finding }
  trial: TrialAnswer
  minimised: { finding: Finding; count: number; hash: string; rows: SwitchRow[] }
  ask: unknown
  /** Where it ended. */
  keepBranch: { moment: number }
}

/** An answer on its way. */
export type Message = { ok: true; result: Answers[keyof Answers] } | { ok: false; error: PlainError }
