/** Exists to put numbers on rates of failure: intervals for what was seen, bounds for what was not, and how many runs a claim needs. */

/** A range of rates. */
export interface Interval {
  low: number
  high: number
}

/** The standard normal quantile of the two-sided 95 % interval. */
const Z95 = 1.959963984540054

/**
 * Wilson's score interval for a rate of which `hits` of `runs` were seen (E. B. Wilson, JASA 22, 1927): holds its level for small counts and for
 * rates near 0 and 1, where the textbook interval does not. Nothing was seen: everything is possible.
 */
export function wilson(hits: number, runs: number, z: number = Z95): Interval {
  if (runs === 0) return { low: 0, high: 1 }
  const p = hits / runs
  const z2 = z * z
  const centre = (p + z2 / (2 * runs)) / (1 + z2 / runs)
  const half = (z / (1 + z2 / runs)) * Math.sqrt((p * (1 - p)) / runs + z2 / (4 * runs * runs))
  return { low: hits === 0 ? 0 : Math.max(0, centre - half), high: hits === runs ? 1 : Math.min(1, centre + half) }
}

/** The rule of three: with none in `runs`, the rate is below about 3/runs with 95 % confidence. */
export function ruleOfThree(runs: number): number {
  return runs === 0 ? 1 : Math.min(1, 3 / runs)
}

/** What the rule of three approximates: the largest rate at which none in `runs` still has a probability of 1 - confidence. */
export function zeroBound(runs: number, confidence = 0.95): number {
  return runs === 0 ? 1 : 1 - (1 - confidence) ** (1 / runs)
}

/** The rate below which the true one lies with probability `mass`, all rates having been equally likely before: a quantile of Beta(hits + 1, runs - hits + 1). */
export function posteriorBound(hits: number, runs: number, mass = 0.95): number {
  return betaQuantile(mass, hits + 1, runs - hits + 1)
}

/** Runs without a failure that it takes to say, with that confidence, that the rate is below `rate`. */
export function runsFor(rate: number, confidence = 0.95): number {
  if (rate >= 1) return 1
  return Math.ceil(Math.log(1 - confidence) / Math.log1p(-rate) - 1e-9)
}

/** The probability that `runs` runs show none although the rate is `rate`. */
export function luck(rate: number, runs: number): number {
  return (1 - rate) ** runs
}

/** The probability that a rate with posterior Beta(a.hits + 1, …) is below one with b's, by integration over b's density. */
export function probabilityBelow(a: { hits: number; runs: number }, b: { hits: number; runs: number }): number {
  const STEPS = 2000
  let sum = 0
  // The quantiles of b in equal steps of probability: the mean of a's distribution function over them.
  for (let i = 0; i < STEPS; i++) {
    const rate = betaQuantile((i + 0.5) / STEPS, b.hits + 1, b.runs - b.hits + 1)
    sum += betaCdf(rate, a.hits + 1, a.runs - a.hits + 1)
  }
  return sum / STEPS
}

/** The distribution function of Beta(a, b): the regularised incomplete beta function, by its continued fraction (DLMF 8.17.22). */
export function betaCdf(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x))
  // The fraction converges fast on this side of the mean; on the other one the mirrored function does.
  return x < (a + 1) / (a + b + 2) ? (front * fraction(x, a, b)) / a : 1 - (front * fraction(1 - x, b, a)) / b
}

/** The rate with that much of Beta(a, b) below it: bisection, which cannot fail. */
export function betaQuantile(mass: number, a: number, b: number): number {
  let low = 0
  let high = 1
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (betaCdf(middle, a, b) < mass) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** The continued fraction of the incomplete beta function, evaluated from the front (modified Lentz). */
function fraction(x: number, a: number, b: number): number {
  const TINY = 1e-300
  const away = (value: number): number => (Math.abs(value) < TINY ? TINY : value)
  let c = 1
  let d = 1 / away(1 - ((a + b) * x) / (a + 1))
  let result = d
  for (let m = 1; m <= 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / away(1 + even * d)
    c = away(1 + even / c)
    result *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / away(1 + odd * d)
    c = away(1 + odd / c)
    const step = d * c
    result *= step
    if (Math.abs(step - 1) < 1e-15) break
  }
  return result
}

/** The logarithm of the gamma function for x > 0: Stirling's series (DLMF 5.11.1) after shifting x to where it is exact. */
function logGamma(x: number): number {
  let shift = 0
  let y = x
  while (y < 12) shift -= Math.log(y++)
  const s = 1 / (y * y)
  const series = (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s / 1188)))) / y
  return shift + (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + series
}

/** The middle value; of an even number the lower one of the two. 0 of none. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[(values.length - 1) >> 1] ?? 0
}
