/** The table of the benchmark: what it computes, and that a failure never passes for a number. */
import { expect, test } from 'vitest'
import { geomean, median, replaceTable, table } from '../../bench/table.ts'

const cost = (cpu: number, wall: number, output = 'same') => ({ cpu, wall, output })

test('medians and geometric means', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([10, 2, 4, 1])).toBe(3)
  expect(geomean([1, 4, 16])).toBeCloseTo(4, 12)
})

test('ratios are those of medians, and the last row their geometric means', () => {
  const rows = [
    {
      title: 'a',
      native: [cost(1, 2), cost(9, 9), cost(1, 2)],
      valgrind: [cost(4, 6)],
      first: [cost(3, 5)],
      lemming: [cost(2, 3)],
    },
    { title: 'b', native: [cost(2, 2)], valgrind: [cost(18, 2)], first: [cost(24, 20)], lemming: [cost(16, 12)] },
  ]
  expect(table(rows, 'heading').split('\n').slice(4)).toEqual([
    '| a | 1.00 s | 2.00 s | 4.00 × | 2.00 × | 3.00 × | 3.00 × | 1.50 × | 2.50 × |',
    '| b | 2.00 s | 2.00 s | 9.00 × | 8.00 × | 12.00 × | 1.00 × | 6.00 × | 10.00 × |',
    '| **geometric mean** |  |  | **6.00 ×** | **4.00 ×** | **6.00 ×** | **1.73 ×** | **3.00 ×** | **5.00 ×** |',
  ])
})

test('a failed run, and one with another output, stand in the table in words and outside the means', () => {
  const rows = [
    { title: 'a', native: [cost(1, 1)], lemming: [{ failed: 'exit 1, a|b' }] },
    { title: 'b', native: [cost(1, 1)], lemming: [cost(3, 3), cost(3, 3, 'other')] },
    { title: 'c', native: [cost(1, 1)], lemming: [cost(5, 7)] },
  ].map((row) => ({ ...row, valgrind: [cost(2, 2)], first: [cost(6, 8)] }))
  expect(table(rows, 'heading').split('\n').slice(4)).toEqual([
    '| a | 1.00 s | 1.00 s | 2.00 × | failed: exit 1, a\\|b | 6.00 × | 2.00 × | failed | 8.00 × |',
    '| b | 1.00 s | 1.00 s | 2.00 × | failed: output differs from the native run | 6.00 × | 2.00 × | failed | 8.00 × |',
    '| c | 1.00 s | 1.00 s | 2.00 × | 5.00 × | 6.00 × | 2.00 × | 7.00 × | 8.00 × |',
    '| **geometric mean** |  |  | **2.00 ×** | **5.00 ×** (1 of 3) | **6.00 ×** | **2.00 ×** | **7.00 ×** (1 of 3) | **8.00 ×** |',
  ])
})

test('the README keeps all but what stands between the marks', () => {
  const readme = 'above\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nbelow\n'
  const once = replaceTable(readme, 'new')
  expect(once).toBe('above\n<!-- bench:begin -->\n\nnew\n\n<!-- bench:end -->\nbelow\n')
  expect(replaceTable(once, 'new')).toBe(once)
  expect(() => replaceTable('no marks', 'new')).toThrow('bench:begin')
})

test('with checks the last column compares with memcheck', () => {
  const rows = [
    { title: 'a', valgrind: [cost(4, 4)], lemming: [cost(2, 2)] },
    { title: 'b', valgrind: [cost(8, 8)], lemming: [cost(1, 1)] },
    { title: 'c', valgrind: [cost(8, 8)], lemming: [{ failed: 'exit 1' }] },
  ].map((row) => ({ ...row, native: [cost(1, 1)], first: [cost(3, 3)] }))
  const lines = table(rows, 'heading', true).split('\n')
  expect(lines[2]).toContain('memcheck CPU')
  expect(lines.slice(4).map((text) => text.split(' | ').at(-1))).toEqual(['0.50 |', '0.13 |', ' |', '**0.25** |'])
})
