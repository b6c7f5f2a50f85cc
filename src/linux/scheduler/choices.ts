/** Exists to follow choices that are written down at the places where there is one, and to tell which places those were: what an enumeration of all schedules goes by. */
import { LemmingError } from '../../base/errors.ts'
import { randomFrom } from '../../base/random.ts'
import { POINT } from '../../ir/passes/points.ts'
import type { StrategyState, Turn } from '../state.ts'
import type { Strategy } from './strategy.ts'

/** A place at which somebody else could have gone on, or another waiter could have been woken. */
export interface ChoicePlace {
  /** How many could be chosen: 0 is what happens by itself. */
  options: number
  /** The task could have gone on, so that any other choice than 0 interrupts it. */
  preempts: boolean
  /** The memory that it was about to touch; null where it was something else, which may concern anybody. */
  access: { tid: number; address: number; bytes: number; stores: boolean } | null
}

/** A place as it is noted: what the task was about to do as in Turn.at; kind 0: not at a point. */
interface NotedPlace extends Pick<ChoicePlace, 'options' | 'preempts'> {
  tid: number
  kind: number
  address: number
}

interface ChoicesState extends StrategyState {
  /** Places that the run has passed. */
  places: NotedPlace[]
  /** More than were noted. */
  isCut: boolean
}

/** Instructions of a task that nobody interrupts after which others go on, since it may wait for them in a loop. */
const PATIENCE = 20_000

/** Places of a run that are noted. */
const MOST = 20_000

/** `choices:12.1,30.2`: choice 1 at place 12, 2 at place 30, and what happens by itself everywhere else. */
export function choicesName(choices: readonly { place: number; option: number }[]): string {
  return `choices:${choices.map(({ place, option }) => `${place}.${option}`).join(',')}`
}

/** Who goes on by itself is the one that has the turn, and else the next one by number. */
export function choices(name: string): Strategy {
  const [, list] = /^choices:((?:\d{1,9}\.\d{1,6}(?:,|$))*)$/.exec(name) ?? []
  if (list === undefined || list.endsWith(','))
    throw new LemmingError(
      'unknown-strategy',
      `no choices can be read from '${name.length > 80 ? `${name.slice(0, 80)}…` : name}'`,
      'it looks like choices:12.1,30.2',
    )
  const wanted = new Map<number, number>()
  for (const text of list === '' ? [] : list.split(',')) {
    const [place, option] = text.split('.').map(Number)
    wanted.set(place!, option!)
  }

  /** Passes a place; which of its options is taken. */
  const pass = (state: ChoicesState, place: NotedPlace): number => {
    if (state.places.length >= MOST) {
      state.isCut = true
      return 0
    }
    state.places.push(place)
    return Math.min(wanted.get(state.places.length - 1) ?? 0, place.options - 1)
  }

  return {
    name,
    points: true,

    start(): StrategyState {
      const state: ChoicesState = { name, random: randomFrom(0, 'schedule'), places: [], isCut: false }
      return state
    },

    pick(strategy: StrategyState, runnable: readonly number[], turn: Turn, yielded: boolean): void {
      const state = strategy as ChoicesState
      const { tid } = turn
      const isSpent = turn.left <= 0 && tid !== 0
      const canGoOn = runnable.includes(tid)
      const stays = canGoOn && !yielded && !isSpent
      const inOrder = [...runnable].toSorted((a, b) => behind(tid, a) - behind(tid, b))
      const order = stays ? [tid, ...inOrder.filter((other) => other !== tid)] : inOrder
      let next = order[0]!
      // Who gives way does so to the next one: a choice there would be one at every turn of a loop.
      if (order.length > 1 && (stays ? turn.at !== null : !canGoOn)) {
        const { kind, address } = turn.at ?? { kind: 0, address: 0 }
        // Whoever loads and stores may be interrupted before both, or between the two.
        const others = order.length - 1
        const halves = stays && (kind & POINT.modify) !== 0 ? others : 0
        const option = pass(state, { options: 1 + others + halves, preempts: stays, tid, kind, address })
        next = order[option > others ? option - others : option]!
        if (option > others) turn.split = true
      } else if (stays && turn.at !== null) {
        // Alone: nothing to choose, but what it touches is told.
        pass(state, { options: 1, preempts: true, tid, kind: turn.at.kind, address: turn.at.address })
      }
      if (next !== tid || isSpent || turn.left === Infinity) turn.left = PATIENCE
      turn.tid = next
      turn.points = 1
    },

    choose(strategy: StrategyState, waiters: number): number {
      if (waiters === 1) return 0
      return pass(strategy as ChoicesState, { options: waiters, preempts: false, tid: 0, kind: 0, address: 0 })
    },
  }
}

/** The places that a run has passed, if its strategy notes them; `isCut`: there were more. */
export function placesOf(strategy: StrategyState): { places: ChoicePlace[]; isCut: boolean } | null {
  if (!('places' in strategy)) return null
  const { places, isCut } = strategy as ChoicesState
  return { places: places.map(placeOf), isCut }
}

function placeOf({ options, preempts, tid, kind, address }: NotedPlace): ChoicePlace {
  const isAccess = kind !== 0 && (kind & (POINT.pause | POINT.syscall)) === 0
  const stores = (kind & (POINT.store | POINT.atomic | POINT.modify)) !== 0
  return { options, preempts, access: isAccess ? { tid, address, bytes: kind & POINT.size, stores } : null }
}

/** Above all numbers of tasks. */
const ABOVE = 2 ** 40

/** How far a task is behind another one, going round. */
function behind(tid: number, other: number): number {
  return other > tid ? other - tid : other - tid + ABOVE
}
