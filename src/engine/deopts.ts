/** Exists to know the regions that are not worth being clean code, since it can hardly ever go on in them. */
import type { TranslationStatistics } from './library.ts'

/** Deopts of a region, each about a microsecond, within a round from which on it is to be full code. */
const MANY = 1000
/** Instructions of a round: then all counts are halved. A rare deopt of long-running code is no reason. */
const ROUND = 10_000_000

export class Deopts {
  private readonly bySlot = new Map<number, number>()
  private readonly statistics: TranslationStatistics
  private round = 0

  constructor(statistics: TranslationStatistics) {
    this.statistics = statistics
  }

  /** One more in the region of a slot: is it to be full code from now on? */
  count(slot: number): boolean {
    this.statistics.deopts++
    if (this.statistics.sampled - this.round >= ROUND) {
      this.round = this.statistics.sampled
      for (const [other, times] of this.bySlot) this.bySlot.set(other, times >> 1)
    }
    const times = (this.bySlot.get(slot) ?? 0) + 1
    this.bySlot.set(slot, times)
    return times === MANY
  }
}
