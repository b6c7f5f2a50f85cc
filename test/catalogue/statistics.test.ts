/** The numbers that are said about rates are right: against closed forms, exact sums, and values that are in print. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  betaCdf,
  betaQuantile,
  luck,
  median,
  posteriorBound,
  probabilityBelow,
  ruleOfThree,
  runsFor,
  wilson,
  zeroBound,
} from '../../src/campaign/statistics.ts'

/** P(X >= a) for X binomial with n = a + b - 1 trials, in exact fractions: the incomplete beta function of whole numbers. */
function binomialTail(a: number, b: number, percent: number): number {
  const n = BigInt(a + b - 1)
  const p = BigInt(percent)
  let sum = 0n
  let choose = 1n
  for (let j = 0n; j <= n; j++) {
    if (j >= BigInt(a)) sum += choose * p ** j * (100n - p) ** (n - j)
    choose = (choose * (n - j)) / (j + 1n)
  }
  const scale = 10n ** 18n
  return Number((sum * scale) / 100n ** n) / 1e18
}

describe('the beta distribution', () => {
  test.each([0.001, 0.1, 0.35, 0.5, 0.77, 0.999])('closed forms at %d', (x) => {
    expect(betaCdf(x, 1, 1)).toBeCloseTo(x, 12)
    expect(betaCdf(x, 7, 1)).toBeCloseTo(x ** 7, 12)
    expect(betaCdf(x, 1, 9)).toBeCloseTo(1 - (1 - x) ** 9, 12)
    expect(betaCdf(x, 2, 2)).toBeCloseTo(3 * x ** 2 - 2 * x ** 3, 12)
    expect(betaCdf(x, 0.5, 0.5)).toBeCloseTo((2 / Math.PI) * Math.asin(Math.sqrt(x)), 12)
  })

  test('whole parameters are binomial sums', () => {
    const property = fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 99 }),
      (a, b, percent) => {
        expect(betaCdf(percent / 100, a, b)).toBeCloseTo(binomialTail(a, b, percent), 11)
      },
    )
    fc.assert(property, { numRuns: 200, seed: 6 })
    expect(betaCdf(0.03, 4, 500)).toBeCloseTo(binomialTail(4, 500, 3), 11)
  })

  test('a quantile has its mass below it', () => {
    const property = fc.property(
      fc.integer({ min: 1, max: 2000 }),
      fc.integer({ min: 1, max: 2000 }),
      fc.double({ min: 0.001, max: 0.999, noNaN: true }),
      (a, b, mass) => {
        expect(betaCdf(betaQuantile(mass, a, b), a, b)).toBeCloseTo(mass, 9)
      },
    )
    fc.assert(property, { numRuns: 100, seed: 7 })
    expect(betaCdf(0, 3, 4)).toBe(0)
    expect(betaCdf(1, 3, 4)).toBe(1)
  })
})

describe("Wilson's interval", () => {
  const z = 1.959963984540054
  test('its ends are the rates whose own standard error reaches what was seen', () => {
    for (const [hits, runs] of [
      [1, 10],
      [10, 100],
      [3, 7],
      [999, 1000],
      [50, 51],
    ] as const) {
      const { low, high } = wilson(hits, runs)
      for (const end of [low, high])
        expect(Math.abs(hits / runs - end)).toBeCloseTo(z * Math.sqrt((end * (1 - end)) / runs), 12)
    }
  })

  test('nothing, everything, no run', () => {
    expect(wilson(0, 20)).toEqual({ low: 0, high: expect.closeTo((z * z) / (20 + z * z), 12) })
    expect(wilson(20, 20)).toEqual({ low: expect.closeTo(20 / (20 + z * z), 12), high: 1 })
    expect(wilson(0, 0)).toEqual({ low: 0, high: 1 })
  })

  test('10 of 100 is 5.52 % to 17.44 %, as in print', () => {
    const { low, high } = wilson(10, 100)
    expect([low.toFixed(4), high.toFixed(4)]).toEqual(['0.0552', '0.1744'])
  })
})

describe('what no failure proves', () => {
  test('the exact bound: at it, no failure has a probability of 5 %', () => {
    for (const runs of [1, 10, 59, 300, 100_000]) expect(luck(zeroBound(runs), runs)).toBeCloseTo(0.05, 9)
    expect(zeroBound(0)).toBe(1)
  })

  test('the rule of three approaches it from above', () => {
    expect(ruleOfThree(300)).toBe(0.01)
    expect([ruleOfThree(1), ruleOfThree(0)]).toEqual([1, 1])
    for (const runs of [10, 100, 10_000]) {
      expect(ruleOfThree(runs)).toBeGreaterThan(zeroBound(runs))
      expect(ruleOfThree(runs) / zeroBound(runs)).toBeLessThan(1.16)
    }
  })

  test('the posterior after no failure is 1 - 0.05^(1/(n+1))', () => {
    for (const runs of [0, 1, 10, 1000, 100_000])
      expect(posteriorBound(0, runs)).toBeCloseTo(1 - 0.05 ** (1 / (runs + 1)), 12)
  })

  test('runs for a claim: the fewest whose bound is below it', () => {
    for (const rate of [0.5, 0.1, 0.01, 0.001, 1e-5]) {
      const runs = runsFor(rate)
      expect(zeroBound(runs)).toBeLessThanOrEqual(rate * (1 + 1e-9))
      expect(zeroBound(runs - 1)).toBeGreaterThan(rate)
    }
    expect([runsFor(0.05), runsFor(0.01), runsFor(0.001), runsFor(1)]).toEqual([59, 299, 2995, 1])
  })
})

test('which of two rates is lower: equal evidence is even, and the uniform case is in closed form', () => {
  expect(probabilityBelow({ hits: 3, runs: 50 }, { hits: 3, runs: 50 })).toBeCloseTo(0.5, 3)
  // P(A < B) for A of Beta(1, n + 1) and B uniform: the mean of 1 - (1 - x)^(n + 1) is 1 - 1/(n + 2).
  expect(probabilityBelow({ hits: 0, runs: 8 }, { hits: 0, runs: 0 })).toBeCloseTo(1 - 1 / 10, 3)
  expect(probabilityBelow({ hits: 0, runs: 1000 }, { hits: 900, runs: 1000 })).toBeCloseTo(1, 6)
})

test('the middle value', () => {
  expect([median([]), median([4]), median([9, 1, 5]), median([4, 1, 3, 2])]).toEqual([0, 4, 5, 2])
})
