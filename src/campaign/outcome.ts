/** Exists to say what one run of a hunt came to, and who makes runs. */
import type { RunEnding } from '../session/session.ts'
import type { Attribute } from '../session/attributes.ts'
import type { Finding } from '../tool/finding.ts'

/** An error as it crosses threads. */
export interface PlainError {
  code: string
  message: string
  next?: string
}

/** Which run: a seed, and a cell of the matrix. */
export interface RunPoint {
  seed: number
  cell: number
  /** What somebody has chosen who knows how earlier runs went; absent where the seed alone decides. */
  change?: RunChange
}

/** A run other than the one of its seed: with the seed given here, and these choices in its schedule, or these decisions at its beginning and those that a number stands for behind them. */
export type RunChange =
  | { seed: number; choices: { place: number; option: number }[] }
  | { seed: number; decisions: number[]; number: number }

/** Where a run with decisions at its beginning came by: where all threads stood before each decision, as a number; where they were last in the program's own code; and the decisions. */
export interface Visited {
  cells: number[]
  own: number[]
  decisions: number[]
}

/** Memory that a task was about to touch. */
export interface TouchedMemory {
  tid: number
  address: number
  bytes: number
  stores: boolean
}

/** Where a run with choices in its schedule had some. */
export interface ChoiceTrace {
  /** How many could be chosen, whether all but the first interrupt the task that had the turn, and which memory that was about to touch; null: what it was about to do may concern anybody. */
  places: { options: number; preempts: boolean; access: TouchedMemory | null }[]
  /** There were more. */
  isCut: boolean
}

/** What a run came to. Depends on seed and cell alone, unless it was made on the real machine. `count` is instructions, 0 for a real machine. */
export type SeedOutcome = RunPoint &
  (
    | {
        kind: 'passed'
        count: number
        ending: RunEnding
        /** The first line on standard error of a run that exited with another code than 0. */
        said?: string
        trace?: ChoiceTrace
        visited?: Visited
      }
    /** `bundle` is the directory that holds the failure's files until it is kept. */
    | {
        kind: 'failed'
        count: number
        ending: RunEnding
        hash: string
        finding: Finding
        bundle: string
        /** The program had started no thread and no process, so that no schedule could matter. */
        alone?: boolean
        said?: string
        attributes?: Attribute[]
        trace?: ChoiceTrace
        visited?: Visited
      }
    /** lemming could not execute the run to its end. */
    | { kind: 'error'; error: PlainError }
  )

export type FailedOutcome = Extract<SeedOutcome, { kind: 'failed' }>

/** Makes one run at a time. */
export interface Runner {
  run(point: RunPoint): Promise<SeedOutcome>
  /** Ends a run under way, whose promise then rejects, and frees everything. */
  close(): Promise<void>
}
