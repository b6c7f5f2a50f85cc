/** Exists to follow the beginning of an earlier run and then go on at random, and to tell which positions of all threads the run came by: what a search that prefers rare positions goes by. */
import { LemmingError } from '../../base/errors.ts'
import { nextBelow, randomFrom } from '../../base/random.ts'
import { POINT } from '../../ir/passes/points.ts'
import type { StrategyState, Turn } from '../state.ts'
import { alone, give } from './draws.ts'
import type { Strategy } from './strategy.ts'

/** Where a run came by. */
export interface Visited {
  /** Before each decision that is noted, a number for where all threads stood, whichever of them stood where: 32 bits. */
  cells: number[]
  /** The same of where they were last in the program's own code, not in libraries'. */
  own: number[]
  /** The decisions: twice the index of who goes on among those who can, plus one if whoever loses the turn has loaded what it is about to store. */
  decisions: number[]
}

/** How it goes on where nobody says. */
type Manner = 'any' | 'stay' | 'rank'

interface GuidedState extends StrategyState, Visited {
  /** Decisions made so far, noted or not. */
  asked: number
  manner: Manner
  /** One in so many decisions changes who goes on, for `stay` and `rank`. */
  every: number
  /** The first task goes on until it waits, so that all threads are there before one of them works. */
  opening: boolean
  /** Where tasks stand: the address of the instruction that they are about to execute, and where they were last in the program's own code; 0 at the start. */
  stands: Map<number, { place: number; own: number }>
  /** Tasks by importance, for `rank`. */
  order: number[]
}

/** Decisions that are noted, and those that are asked for one by one; later turns are of many points. */
const NOTED = 2000
const BUDGET = 20_000
const LATER = 256

/** Instructions of a task that nobody interrupts after which others go on, since it may wait for them in a loop. */
const PATIENCE = 20_000

/** Manners: `every` is 2^0 … 2^4. */
const MANNERS: readonly Manner[] = ['any', 'stay', 'rank']
const RARITIES = 5

/** `guided:7:0*12.3.0`: twelve times the first of those that can run, once the second with its store still to come, once the first; from then on as number 7 says. */
export function guidedName(number: number, decisions: ArrayLike<number>): string {
  const parts: string[] = []
  for (let i = 0, from = 0; i < decisions.length; from = i) {
    while (i < decisions.length && decisions[i] === decisions[from]) i++
    parts.push(i - from === 1 ? `${decisions[from]}` : `${decisions[from]}*${i - from}`)
  }
  return `guided:${number}:${parts.join('.')}`
}

function decisionsOf(list: string): number[] {
  if (list === '') return []
  return list.split('.').flatMap((part) => {
    const [decision, times = 1] = part.split('*').map(Number)
    return Array.from<number>({ length: times }).fill(decision!)
  })
}

/** The strategy of that name. It asks at every point, so that the same decisions lead to the same place. */
export function guided(name: string): Strategy {
  const [, number, list] = /^guided:(\d{1,15}):((?:\d{1,5}(?:\*\d{1,4})?(?:\.(?=\d)|$))*)$/.exec(name) ?? []
  if (list === undefined)
    throw new LemmingError(
      'unknown-strategy',
      `no decisions can be read from '${name.length > 80 ? `${name.slice(0, 80)}…` : name}'`,
      'it looks like guided:7:0*12.3.0',
    )
  const prefix = decisionsOf(list)

  /** Passes a decision; what the beginning says of it. */
  const pass = (state: GuidedState, options: number): number | null => {
    const wanted = prefix[state.asked++]
    return wanted === undefined ? null : Math.min(wanted, 2 * options - 1)
  }
  const note = (state: GuidedState, decision: number): void => {
    if (state.decisions.length < NOTED) state.decisions.push(decision)
  }

  return {
    name,
    points: true,
    preempts: true,

    start(): StrategyState {
      const random = randomFrom(Number(number), 'guided')
      const manner = MANNERS[nextBelow(random, MANNERS.length)]!
      const every = 2 ** nextBelow(random, RARITIES)
      const opening = nextBelow(random, 2) === 0
      const state: GuidedState = {
        name,
        random,
        cells: [],
        own: [],
        decisions: [],
        asked: 0,
        manner,
        every,
        opening,
        stands: new Map(),
        order: [],
      }
      return state
    },

    pick(strategy: StrategyState, runnable: readonly number[], turn: Turn, yielded: boolean): void {
      const state = strategy as GuidedState
      const before = turn.tid
      const gaveWay = yielded || (turn.left <= 0 && before !== 0)
      for (const tid of runnable) if (!state.stands.has(tid)) state.stands.set(tid, { place: 0, own: 0 })
      if (turn.at !== null) stand(state, before, turn.at)
      if (runnable.length === 1) return alone(turn, runnable[0]!)
      if (state.cells.length < NOTED) {
        const entries = [...state.stands].map(([tid, at]) => ({ ...at, waits: !runnable.includes(tid) }))
        state.cells.push(cellOf(entries.map(({ place, waits }) => ({ place, waits }))))
        state.own.push(cellOf(entries.map(({ own, waits }) => ({ place: own, waits }))))
      }
      const wanted = pass(state, runnable.length)
      let next: number
      let isSplit: boolean
      if (wanted === null) {
        next = drawn(state, runnable, before, gaveWay)
        isSplit =
          next !== before && turn.at !== null && (turn.at.kind & POINT.modify) !== 0 && nextBelow(state.random, 2) === 0
      } else {
        next = runnable[wanted >> 1]!
        isSplit = (wanted & 1) !== 0 && next !== before
      }
      note(state, 2 * runnable.indexOf(next) + (isSplit ? 1 : 0))
      give(turn, next, PATIENCE)
      if (isSplit) turn.split = true
      turn.points = state.asked < BUDGET ? 1 : LATER
    },

    choose(strategy: StrategyState, waiters: number): number {
      if (waiters === 1) return 0
      const state = strategy as GuidedState
      if (state.cells.length < NOTED) {
        state.cells.push(0)
        state.own.push(0)
      }
      const wanted = pass(state, waiters)
      const index = wanted === null ? nextBelow(state.random, waiters) : wanted >> 1
      note(state, 2 * index)
      return index
    },

    gone(strategy: StrategyState, tid: number): void {
      const state = strategy as GuidedState
      state.stands.delete(tid)
      state.order = state.order.filter((other) => other !== tid)
    },
  }
}

/** Where a run came by, if its strategy notes it. */
export function visitedBy(strategy: StrategyState): Visited | null {
  if (!('cells' in strategy)) return null
  const { cells, own, decisions } = strategy as GuidedState
  return { cells: [...cells], own: [...own], decisions: [...decisions] }
}

function drawn(state: GuidedState, runnable: readonly number[], before: number, gaveWay: boolean): number {
  const { random, manner, every } = state
  const canStay = !gaveWay && runnable.includes(before)
  if (state.opening) {
    if (canStay) return before
    // Only while nobody has had the turn but the first.
    if (before !== 0) state.opening = false
  }
  const others = gaveWay ? runnable.filter((tid) => tid !== before) : runnable
  if (manner === 'rank') return ranked(state, others, before, gaveWay)
  if (canStay && manner === 'stay' && nextBelow(random, every) !== 0) return before
  return others[nextBelow(random, others.length)]!
}

/** The most important of the tasks; now and then whoever has the turn becomes the least important one. */
function ranked(state: GuidedState, tasks: readonly number[], before: number, gaveWay: boolean): number {
  const { random, order, every } = state
  for (const tid of state.stands.keys())
    if (!order.includes(tid)) order.splice(nextBelow(random, order.length + 1), 0, tid)
  if (gaveWay || nextBelow(random, 2 * every) === 0) {
    const from = order.indexOf(before)
    if (from >= 0) order.push(...order.splice(from, 1))
  }
  return order.find((tid) => tasks.includes(tid))!
}

function stand({ stands }: GuidedState, tid: number, { pc, quiet }: NonNullable<Turn['at']>): void {
  const at = stands.get(tid)
  if (at === undefined) return
  at.place = pc
  if (!quiet) at.own = pc
}

/** A number for where threads stand and which of them wait; the same if two threads have changed places. */
function cellOf(threads: readonly { place: number; waits: boolean }[]): number {
  let sum = 0
  for (const { place, waits } of threads) {
    const low = Math.imul((place | 0) ^ (waits ? 0x5bd1e995 : 0), 0x9e3779b1)
    const mixed = Math.imul(low ^ (low >>> 15) ^ Math.floor(place / 0x100000000), 0x85ebca6b)
    sum = (sum + (mixed ^ (mixed >>> 13))) | 0
  }
  return sum >>> 0
}
