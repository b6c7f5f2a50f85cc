/** Exists to define what a scheduling strategy decides: who runs next, for how long, and who is woken first. */
import type { StrategyState, Turn } from '../state.ts'

/**
 * A strategy is functions over its plain data. It is asked only at moments that the guest's own execution brings about, so that the same
 * seed gives the same schedule however `advance` is sliced, and whoever watches.
 */
export interface Strategy {
  /** As on the command line, with its parameters. */
  readonly name: string
  /** Turns are counted in scheduling points too (Turn.points). */
  readonly points?: true
  /** Is asked whenever another task can run. */
  readonly preempts?: true
  /** The data of a fresh run. */
  start(seed: number): StrategyState
  /**
   * Chooses who runs next and for how many instructions, and writes both into `turn`; `runnable` is not empty. `turn.tid` is who had the turn before
   * (0: nobody); `yielded` is true when that task gave its turn away; `now` is the moment. With one task the turn should be Infinity: the kernel asks again when another can run.
   */
  pick(strategy: StrategyState, runnable: readonly number[], turn: Turn, yielded: boolean, now: number): void
  /** Which of `waiters` (> 0) tasks waiting for the same thing, longest waiting first, is woken next: an index. */
  choose(strategy: StrategyState, waiters: number): number
  /** A task has ended. */
  gone?(strategy: StrategyState, tid: number): void
}
