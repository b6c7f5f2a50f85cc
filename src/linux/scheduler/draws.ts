/** Exists to hold what several strategies have in common: draws, patience, and threads that start late. Whole numbers only, since the last bit of a logarithm may differ between hosts. */
import { nextBelow } from '../../base/random.ts'
import { POINT } from '../../ir/passes/points.ts'
import type { StrategyState, Turn } from '../state.ts'

/** What strategies over scheduling points remember besides their own. */
export interface PointStrategyState extends StrategyState {
  /** Instructions after which a task that nobody else interrupts is taken for one that waits in a loop. */
  patience: number
  /** New threads start when the one that made them waits or gives way, so that all of them are there before the first one works. */
  late: boolean
  /** Tasks seen so far. */
  known: number[]
  /** Those that have not started, and who made them. */
  held: { tid: number; by: number }[]
}

/** A number in [2^low, 2^high), every power of two being equally likely. */
export function logUniform(strategy: StrategyState, low: number, high: number): number {
  const base = 2 ** (low + nextBelow(strategy.random, high - low))
  return base + nextBelow(strategy.random, base)
}

/** The data of a fresh run: in every second one threads start late. */
export function startPoints(name: string, random: StrategyState['random']): PointStrategyState {
  const state: PointStrategyState = { name, random, patience: 0, late: false, known: [], held: [] }
  state.patience = logUniform(state, 13, 17)
  state.late = nextBelow(random, 2) === 0
  return state
}

/** The tasks of which one is to go on: those that can run, without those that have not started; never none. `fresh` hears of each task that comes to be among them. */
export function eligible(
  state: PointStrategyState,
  runnable: readonly number[],
  turn: Turn,
  yielded: boolean,
  fresh: (tid: number) => void,
): readonly number[] {
  for (const tid of runnable) {
    if (state.known.includes(tid)) continue
    state.known.push(tid)
    if (state.late && state.known.includes(turn.tid) && tid !== turn.tid) state.held.push({ tid, by: turn.tid })
    else fresh(tid)
  }
  if (state.held.length === 0) return runnable
  const over = yielded || turn.left <= 0
  const goesOn = (tid: number): boolean => runnable.includes(tid) && !(over && tid === turn.tid)
  const started = state.held.filter(({ by }) => !goesOn(by))
  if (started.length > 0) {
    state.held = state.held.filter((one) => !started.includes(one))
    for (const { tid } of started) fresh(tid)
  }
  const left = runnable.filter((tid) => !state.held.some((one) => one.tid === tid))
  if (left.length > 0) return left
  for (const { tid } of state.held) fresh(tid)
  state.held = []
  return runnable
}

/** A task has ended. */
export function forget(state: PointStrategyState, tid: number): void {
  state.known = state.known.filter((other) => other !== tid)
  state.held = state.held.filter((one) => one.tid !== tid)
}

/** Which of several waiters for the same thing is woken: any. */
export function anyWaiter(strategy: StrategyState, waiters: number): number {
  return waiters === 1 ? 0 : nextBelow(strategy.random, waiters)
}

/** Whoever lost the turn was about to load and store the same memory: in every second case it has loaded already. Asks once `turn` is who goes on. */
export function split(strategy: StrategyState, turn: Turn, before: number): void {
  if (before === turn.tid || turn.at === null || (turn.at.kind & POINT.modify) === 0) return
  if (nextBelow(strategy.random, 2) === 0) turn.split = true
}

/** Gives a task the turn, for at most `patience` instructions; one that has it already keeps what is left of them. */
export function give(turn: Turn, tid: number, patience: number): void {
  if (turn.tid !== tid || turn.left <= 0 || turn.left === Infinity) turn.left = patience
  turn.tid = tid
}

/** Gives the one task that can run the processor until another can. */
export function alone(turn: Turn, tid: number): void {
  turn.tid = tid
  turn.left = Infinity
  turn.points = Infinity
}
