/** Exists to say how a hunt gets on: a line of text from numbers. */

/** How far a hunt is. Times in seconds. */
export interface HuntProgress {
  runs: number
  /** Runs of the whole hunt, at most. */
  of: number
  failures: number
  elapsed: number
}

/** `123/1000 runs, 14.2/s, 1 failure, 1m02s to go`. */
export function progressLine({ runs, of, failures, elapsed }: HuntProgress): string {
  const rate = elapsed > 0 ? runs / elapsed : 0
  const parts = [`${runs}/${of} runs`, `${rateText(rate)}/s`, failures === 1 ? '1 failure' : `${failures} failures`]
  if (rate > 0 && runs < of) parts.push(`${timeText((of - runs) / rate)} to go at most`)
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
