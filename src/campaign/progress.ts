/** Exists to say how a hunt gets on: a line of text from numbers. */

/** How far a hunt is. Times in seconds. */
export interface HuntProgress {
  runs: number
  /** Runs of the whole hunt, at most; Infinity for no bound. */
  of: number
  failures: number
  elapsed: number
  /** Seconds that it may take, if they are bounded. */
  budget?: number
  /** Runs by bucket: `B1` and how often. */
  buckets?: readonly { name: string; hits: number }[]
}

/** Buckets that a line has room for. */
const SHOWN = 4

/** `123/1000 runs, 14.2/s, 3 failures (B1 ×2, B2 ×1), 1m02s to go at most`. */
export function progressLine({ runs, of, failures, elapsed, budget, buckets = [] }: HuntProgress): string {
  const rate = elapsed > 0 ? runs / elapsed : 0
  const sorted = buckets.toSorted((a, b) => b.hits - a.hits)
  const more = sorted.length > SHOWN ? [`${sorted.length - SHOWN} more`] : []
  const which = [...sorted.slice(0, SHOWN).map(({ name, hits }) => `${name} ×${hits}`), ...more].join(', ')
  const count = failures === 1 ? '1 failure' : `${failures} failures`
  const parts = [
    `${runs}${of === Infinity ? '' : `/${of}`} runs`,
    `${rateText(rate)}/s`,
    which === '' ? count : `${count} (${which})`,
  ]
  const left = Math.min(
    rate > 0 ? (of - runs) / rate : Infinity,
    budget === undefined ? Infinity : Math.max(0, budget - elapsed),
  )
  if (left < Infinity && runs < of) parts.push(`${timeText(left)} to go at most`)
  return parts.join(', ')
}

/** `14.2`, `0.031`: three digits that matter. */
export function rateText(rate: number): string {
  if (rate >= 100) return rate.toFixed(0)
  return rate === 0 ? '0' : String(Number(rate.toPrecision(3)))
}

/** `0.4s`, `12s`, `3m05s`, `2h14m`. */
export function timeText(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole}s`
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes}m${String(whole % 60).padStart(2, '0')}s`
  return `${Math.floor(minutes / 60)}h${String(minutes % 60).padStart(2, '0')}m`
}

/** `2.5 %`, `0.031 %`: a rate as people say it, two digits that matter. */
export function percent(rate: number): string {
  if (rate === 0 || rate === 1) return `${rate * 100} %`
  const value = rate * 100
  // Close to 100 % the distance from it is what matters.
  return `${value > 99 ? Number((100 - Number((100 - value).toPrecision(1))).toFixed(6)) : Number(value.toPrecision(2))} %`
}
