/** Exists to define who chooses the runs of a hunt by what earlier ones were like, instead of by their seeds alone. */
import type { RunChange, SeedOutcome } from './outcome.ts'

/** Chooses runs in the order of positions. What it chooses must not depend on when outcomes come, but on what they are. */
export interface Director {
  /** Needs to hear of the positions from here on: those of earlier sittings are executed once more. Infinity: of none. */
  readonly again: number
  /** What the run at a position is, asked once for each, in order; undefined: that of its seed; 'wait' until more outcomes are there, null: there is nothing left to run. */
  next(position: number): RunChange | 'wait' | null | undefined
  /** The outcome of each position, in order; null: of one that an earlier sitting has made and that is not executed again. */
  heard(outcome: SeedOutcome | null, position: number): void
}
