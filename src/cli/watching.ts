/** Exists to show how a hunt gets on, and to end it when somebody asks: a line that is written over on a terminal, a line now and then elsewhere. */
import { isatty } from 'node:tty'
import { progressLine } from '../campaign/progress.ts'
import type { CampaignProgress } from '../lab/hunter.ts'
import { write } from './output.ts'

/** Milliseconds between two progress lines: on a terminal, where the line is written over, and elsewhere. */
const LIVE = 200
const PLAIN = 10_000

/** Shows progress. */
export interface Ticker {
  /** Where to look from now on. */
  watch(state: () => CampaignProgress): void
  /** Prints text for good. */
  say(text: string): void
  stop(): void
}

/** Shows progress on standard error. `of` and `budget`: runs and seconds at most. */
export function progressTicker(bounds: { of: number; budget?: number }): Ticker {
  const live = isatty(2)
  let look: (() => CampaignProgress) | null = null
  let shown = false
  const erase = (): void => {
    if (shown) write(2, '\r\u001b[K')
    shown = false
  }
  const show = (): void => {
    if (look === null) return
    const { buckets, ...state } = look()
    const named = [...buckets].map(([id, { hits }]) => ({ name: `B${id}`, hits }))
    const line = progressLine({ ...state, ...bounds, buckets: named })
    const width = process.stderr.columns ?? 80
    write(2, live ? `\r\u001b[K${line.slice(0, width - 1)}` : `lemming: ${line}\n`)
    shown = live
  }
  const timer = setInterval(show, live ? LIVE : PLAIN)
  return {
    watch(state) {
      look = state
    },
    say(text) {
      erase()
      write(1, text)
    },
    stop() {
      clearInterval(timer)
      erase()
    },
  }
}

/** Ends a hunt in good order at SIGINT, SIGTERM, and when its terminal is closed. */
export function heedSignals(): { signal: AbortSignal; by(): NodeJS.Signals | undefined; stop(): void } {
  const controller = new AbortController()
  let by: NodeJS.Signals | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    // Whoever insists gets out at once; what is not kept by then is scratch, which the next hunt removes.
    if (by !== undefined) process.exit(signal === 'SIGINT' ? 130 : 143)
    by = signal
    controller.abort()
  }
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, onSignal)
  return {
    signal: controller.signal,
    by: () => by,
    stop() {
      for (const signal of signals) process.off(signal, onSignal)
    },
  }
}
