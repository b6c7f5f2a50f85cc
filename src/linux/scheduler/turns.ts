/** Exists to follow a schedule that is written down: which task gives way to which, after how many instructions of its own, and nothing else by chance. */
import { LemmingError } from '../../base/errors.ts'
import { randomFrom } from '../../base/random.ts'
import type { StrategyState, Turn } from '../state.ts'
import type { Strategy } from './strategy.ts'

/** Task `tid` gives way to task `to` when it has executed `count` instructions. */
export interface Switch {
  tid: number
  count: number
  to: number
  /** It has executed the load of its next instruction, but not the store (Turn.split). */
  split?: boolean
}

/** A schedule: switches in the order in which they happen to each task, and which of several waiters were woken. */
export interface Schedule {
  switches: Switch[]
  chosen: number[]
  /** Of a schedule that was written down: the moment of each switch. */
  moments?: number[]
}

interface TurnsState extends StrategyState {
  /** Instructions that each task has executed. */
  ran: Map<number, number>
  /** Switches of each task that are behind it. */
  passed: Map<number, number>
  /** The moment at which the running turn began. */
  from: number
  /** Choices that were made. */
  chosen: number
}

/** Instructions after which a task without any switch ahead lets others go on, since it may wait for them in a loop. */
const STRETCH = 5_000_000

/** Above all numbers of tasks. */
const ABOVE = 2 ** 40

/** The schedule as the name of a strategy: `turns:1000@523:1001,1001@77:1000/0.1`. */
export function turnsName({ switches, chosen }: Schedule): string {
  const list = switches
    .map(({ tid, count, to, split }) => `${tid}@${count}${split === true ? '+' : ''}:${to}`)
    .join(',')
  return `turns:${list}${chosen.length === 0 ? '' : `/${chosen.join('.')}`}`
}

/** The reverse of `turnsName`; null for a name of another form. */
export function scheduleOf(name: string): Schedule | null {
  const [, list, chosen] = /^turns:([\d@:,+]*)(?:\/([\d.]+))?$/.exec(name) ?? []
  if (list === undefined) return null
  const switches =
    list === '' ? [] : list.split(',').map((text) => /^(\d{1,10})@(\d{1,15})(\+?):(\d{1,10})$/.exec(text))
  if (switches.includes(null)) return null
  return {
    switches: switches.map((parts) => ({
      tid: Number(parts![1]),
      count: Number(parts![2]),
      to: Number(parts![4]),
      ...(parts![3] === '+' && { split: true }),
    })),
    chosen: chosen === undefined ? [] : chosen.split('.').map(Number),
  }
}

/**
 * The strategy of that name. A switch happens when its task has executed so many instructions; if its target cannot run then, it does not happen.
 * A task that cannot go on, and has no switch there, is followed by the next one by number. So switches can be taken out one by one.
 */
export function turns(name: string): Strategy {
  const schedule = scheduleOf(name)
  if (schedule === null) {
    throw new LemmingError(
      'unknown-strategy',
      `no schedule can be read from '${name.length > 80 ? `${name.slice(0, 80)}…` : name}'`,
      'it looks like turns:1000@523:1001,1001@77:1000',
    )
  }
  const { chosen } = schedule
  const byTask = new Map<number, Switch[]>()
  for (const one of schedule.switches) {
    const list = byTask.get(one.tid)
    if (list === undefined) byTask.set(one.tid, [one])
    else list.push(one)
  }
  return {
    name,

    start(): StrategyState {
      const state: TurnsState = {
        name,
        random: randomFrom(0, 'schedule'),
        ran: new Map(),
        passed: new Map(),
        from: 0,
        chosen: 0,
      }
      return state
    },

    pick(strategy: StrategyState, runnable: readonly number[], turn: Turn, yielded: boolean, now: number): void {
      const state = strategy as TurnsState
      const before = turn.tid
      const ran = (state.ran.get(before) ?? 0) + now - state.from
      state.ran.set(before, ran)
      state.from = now
      const list = byTask.get(before) ?? []
      let passed = state.passed.get(before) ?? 0
      while (passed < list.length && list[passed]!.count < ran) passed++
      const due = list[passed]?.count === ran ? list[passed] : undefined
      if (due !== undefined) passed++
      state.passed.set(before, passed)
      const isStretched = turn.left <= 0 && due === undefined
      let next = before
      if (due !== undefined && runnable.includes(due.to)) {
        next = due.to
        if (due.split === true && next !== before) turn.split = true
      } else if (!runnable.includes(before) || yielded || isStretched)
        next = runnable.reduce((best, tid) => closer(before, tid, best))
      const ahead = (byTask.get(next) ?? [])[state.passed.get(next) ?? 0]
      turn.tid = next
      // A switch that the task has passed ends the turn before it begins.
      turn.left = ahead === undefined ? STRETCH : Math.max(0, ahead.count - (state.ran.get(next) ?? 0))
    },

    choose(strategy: StrategyState, waiters: number): number {
      if (waiters === 1) return 0
      const wanted = chosen[(strategy as TurnsState).chosen++] ?? 0
      return Math.min(wanted, waiters - 1)
    },
  }
}

/** Which of two tasks comes first behind `tid`, going round. */
function closer(tid: number, a: number, b: number): number {
  const distance = (other: number): number => (other > tid ? other - tid : other - tid + ABOVE)
  return distance(a) < distance(b) ? a : b
}

/** Has a strategy write down what it decides. The schedule is complete once the run has ended. */
export function logged(inner: Strategy, log: Schedule): Strategy {
  const ran = new Map<number, number>()
  let from = 0
  return {
    ...inner,
    pick(strategy, runnable, turn, yielded, now) {
      const before = turn.tid
      const count = (ran.get(before) ?? 0) + now - from
      ran.set(before, count)
      from = now
      inner.pick(strategy, runnable, turn, yielded, now)
      // Who keeps the turn though it gave it away does so by the strategy's will.
      if (before === 0 || (turn.tid === before && !yielded)) return
      log.switches.push({ tid: before, count, to: turn.tid, ...(turn.split && { split: true }) })
      log.moments?.push(now)
    },
    choose(strategy, waiters) {
      const index = inner.choose(strategy, waiters)
      if (waiters > 1) log.chosen.push(index)
      return index
    },
  }
}
