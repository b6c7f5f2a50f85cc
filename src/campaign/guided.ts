/**
 * Exists to find what no seed finds soon: after a while every second run of a hunt follows an earlier one to a rare constellation of its threads, and goes on from
 * there at random. In the manner of coverage-guided fuzzing, with the positions of all threads as what is covered.
 */
import { nextBelow, randomFrom, type RandomState } from '../base/random.ts'
import type { Director } from './director.ts'
import type { RunChange, SeedOutcome, Visited } from './outcome.ts'

/** A constellation: the first `length` decisions of a run lead there. */
interface Cell {
  decisions: Uint16Array
  length: number
  /** Runs that came by, and runs that were sent there. */
  seen: number
  picked: number
}

/** Runs that are left to their seeds: most bugs are found by then. */
const FIRST = 200

/** What a run is told by is known so many runs later: nobody has to wait for those under way. */
const LAG = 64

/** So many runs show whether the program has several threads. */
const TRIED = 8

/** Constellations that are kept: what more of them there are was never so rare as to matter. */
const MOST = 10_000

/** Of so many drawn at random the rarest one is taken. */
const DRAWN = 8

/** One in so many of its runs begins anew. */
const ANEW = 10

/** Of so many runs one goes by where threads stand, in libraries as well; the others by where they are in the program's own code. */
const EVERYWHERE = 4

/** A run that was sent there counts as so many that came by. */
const SENT = 3

/** What a guided hunt has learned: plain data. */
export interface Learned {
  /** The position at which it learned last, and the first that was not yet asked for. */
  learnedAt: number
  asked: number
  random: RandomState
  known: number
  everywhere: [number, Cell][]
  own: [number, Cell][]
  /** Runs that it has chosen and not learned of, by position. */
  chosen: [number, RunChange][]
}

/** Constellations of one kind. */
class Archive {
  private readonly cells: Map<number, Cell>
  private readonly list: Cell[]

  constructor(cells: readonly [number, Cell][]) {
    this.cells = new Map(cells)
    this.list = [...this.cells.values()]
  }

  save(): [number, Cell][] {
    return [...this.cells]
  }

  isEmpty(): boolean {
    return this.list.length === 0
  }

  /** The decisions that lead to a rare one; none if none is known. */
  rare(random: RandomState): number[] {
    if (this.list.length === 0) return []
    let best = this.list[nextBelow(random, this.list.length)]!
    for (let i = 1; i < DRAWN; i++) {
      const other = this.list[nextBelow(random, this.list.length)]!
      if (weight(other) < weight(best)) best = other
    }
    best.picked++
    return [...best.decisions.subarray(0, best.length)]
  }

  learn(cells: readonly number[], decisions: Uint16Array): void {
    const known = new Set<number>()
    for (const [length, number] of cells.entries()) {
      if (known.has(number)) continue
      known.add(number)
      const cell = this.cells.get(number)
      if (cell === undefined) {
        if (this.list.length >= MOST) continue
        const fresh = { decisions, length, seen: 1, picked: 0 }
        this.cells.set(number, fresh)
        this.list.push(fresh)
      } else {
        cell.seen++
        if (length < cell.length) Object.assign(cell, { decisions, length })
      }
    }
  }
}

/** Directs the runs of a hunt for one command: `firstSeed` decides what is not the schedule in all runs that it chooses. */
export class Guided implements Director {
  readonly again: number
  private readonly firstSeed: number
  private readonly random: RandomState
  private readonly everywhere: Archive
  private readonly own: Archive
  /** What was heard and is not yet known, in order. */
  private readonly pending: { position: number; visited: Visited }[] = []
  /** Outcomes of all lower positions were heard. */
  private heardTo = 0
  /** Runs that are known. */
  private known: number
  private learnedAt: number
  private asked: number
  private chosen: Map<number, RunChange>

  /** `learned`: of an earlier sitting at the same hunt. What that had made since it learned last is executed again. */
  constructor(firstSeed: number, learned: Learned | null = null) {
    this.firstSeed = firstSeed
    this.random = learned === null ? randomFrom(firstSeed, 'guide') : [...learned.random]
    this.everywhere = new Archive(learned?.everywhere ?? [])
    this.own = new Archive(learned?.own ?? [])
    this.known = learned?.known ?? 0
    this.learnedAt = learned?.learnedAt ?? 0
    this.asked = learned?.asked ?? 0
    this.chosen = new Map(learned?.chosen ?? [])
    // Without it the runs of an earlier sitting would have to be made once more, all of them.
    this.again = learned === null ? Infinity : Math.max(FIRST, this.learnedAt - LAG)
  }

  /** Shares what it holds: to be put into bytes at once. */
  save(): Learned {
    const { learnedAt, asked, random, known, everywhere, own, chosen } = this
    return { learnedAt, asked, random, known, everywhere: everywhere.save(), own: own.save(), chosen: [...chosen] }
  }

  next(position: number): RunChange | 'wait' | undefined {
    if (position < FIRST || position % 2 === 0) return undefined
    // A run of an earlier sitting.
    if (position < this.asked) return this.chosen.get(position)
    if (position - LAG > this.heardTo) return 'wait'
    this.asked = position + 1
    this.learnedAt = position
    for (const old of this.chosen.keys()) if (old < position - LAG) this.chosen.delete(old)
    while (this.pending.length > 0 && this.pending[0]!.position < position - LAG) {
      const { cells, own, decisions } = this.pending.shift()!.visited
      const shared = Uint16Array.from(decisions)
      this.everywhere.learn(cells, shared)
      this.own.learn(own, shared)
      this.known++
    }
    // Where there is nothing to decide, other seeds are worth more.
    if (this.known >= TRIED && this.own.isEmpty()) return undefined
    const archive = nextBelow(this.random, EVERYWHERE) === 0 ? this.everywhere : this.own
    const decisions = nextBelow(this.random, ANEW) === 0 ? [] : archive.rare(this.random)
    const change = { seed: this.firstSeed, number: position, decisions }
    this.chosen.set(position, change)
    return change
  }

  heard(outcome: SeedOutcome | null, position: number): void {
    this.heardTo = position + 1
    if (outcome !== null && outcome.kind !== 'error' && outcome.visited !== undefined)
      this.pending.push({ position, visited: outcome.visited })
  }
}

function weight({ seen, picked }: Cell): number {
  return seen + SENT * picked
}
