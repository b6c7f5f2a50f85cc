/** Exists as partial order sampling (Yuan, Yang, Gu: CAV 2018): each event that is about to happen has a random priority, and events that conflict draw anew. */
import { nextU32, randomFrom } from '../../base/random.ts'
import { POINT } from '../../ir/passes/points.ts'
import type { StrategyState, Turn } from '../state.ts'
import { alone, anyWaiter, eligible, forget, give, split, startPoints, type PointStrategyState } from './draws.ts'
import type { Strategy } from './strategy.ts'

/** What a task is about to do. */
interface Pending {
  tid: number
  priority: number
  kind: number
  address: number
}

interface PosState extends PointStrategyState {
  pending: Pending[]
  /** Events still asked about one by one; afterwards turns are of many. */
  budget: number
  /** Priority of who gave way last: below those who have given way before it. */
  lowest: number
}

/** Asking at each event costs the host more than the event: long runs get along with fewer questions. */
const BUDGET = 20_000
const LATER = 256

export const pos: Strategy = {
  name: 'pos',
  points: true,
  preempts: true,

  start(seed: number): StrategyState {
    const common = startPoints('pos', randomFrom(seed, 'schedule'))
    const state: PosState = { ...common, pending: [], budget: BUDGET, lowest: 0 }
    return state
  },

  pick(strategy: StrategyState, runnable: readonly number[], turn: Turn, yielded: boolean): void {
    const state = strategy as PosState
    const { pending } = state
    const gaveWay = yielded || (turn.left <= 0 && turn.tid !== 0)
    const tasks = eligible(state, runnable, turn, gaveWay, (tid) =>
      pending.push({ tid, priority: nextU32(state.random), kind: 0, address: 0 }),
    )
    const last = pending.find(({ tid }) => tid === turn.tid)
    if (last !== undefined) {
      last.kind = turn.at?.kind ?? 0
      last.address = turn.at?.address ?? 0
      // Who gives way is less important than anybody, until its next event.
      last.priority = gaveWay ? --state.lowest : nextU32(state.random)
    }
    if (runnable.length === 1) return alone(turn, runnable[0]!)
    let next: Pending | null = null
    for (const one of pending)
      if (tasks.includes(one.tid) && (next === null || one.priority > next.priority)) next = one
    for (const one of pending) if (one !== next && conflict(one, next!)) one.priority = nextU32(state.random)
    const before = turn.tid
    give(turn, next!.tid, state.patience)
    split(state, turn, before)
    turn.points = state.budget > 0 ? 1 : LATER
    if (state.budget > 0) state.budget--
  },

  choose: anyWaiter,

  gone(strategy: StrategyState, tid: number): void {
    const state = strategy as PosState
    forget(state, tid)
    state.pending = state.pending.filter((one) => one.tid !== tid)
  },
}

const isStore = ({ kind }: Pending): boolean => (kind & (POINT.store | POINT.atomic | POINT.modify)) !== 0

/** Does the order of the two matter? */
function conflict(a: Pending, b: Pending): boolean {
  if (a.kind === 0 || b.kind === 0 || !(isStore(a) || isStore(b))) return false
  return a.address < b.address + (b.kind & POINT.size) && b.address < a.address + (a.kind & POINT.size)
}
