/** What a run has done, asked afterwards: counts of lines and branches are gcov's, histories are what the program itself says, values are followed to where they came from. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Place } from '../e2e/lemming.ts'

const place = new Place({ check: 'none' })
const source = (name: string): string => join(import.meta.dirname, `programs/${name}.c`)
const recordings = { branches: join(place.path, 'branches.lemming'), blocks: join(place.path, 'blocks.lemming') }
let told: string[]

beforeAll(() => {
  for (const [name, recording] of Object.entries(recordings)) {
    const program = join(place.path, name)
    execFileSync('gcc', ['-g', '-O0', '-pthread', '-o', program, source(name)])
    const { stdout } = place.lemming(['run', '--seed', '3', '--export', recording, '--', program], { input: 'abcd' })
    told = stdout.trim().split('\n')
  }
})
afterAll(() => place.remove())

/** Counts by line, and by line those of its branches, as gcov has them: of a native run of the same program. */
function gcov(name: string): { lines: Map<number, number>; branches: Map<number, number[]> } {
  const run = (file: string, ...args: string[]): void => {
    execFileSync(file, args, { cwd: place.path, stdio: 'pipe' })
  }
  run('gcc', '-O0', '--coverage', '-o', 'counted', source(name))
  run('./counted')
  run('gcov', '-b', '-c', `counted-${name}.c`)
  const lines = new Map<number, number>()
  const branches = new Map<number, number[]>()
  let line = 0
  for (const row of readFileSync(join(place.path, `${name}.c.gcov`), 'utf8').split('\n')) {
    const [, count, number] = /^ *(\d+|#####)\*?: *(\d+):/.exec(row) ?? []
    if (number !== undefined) lines.set((line = Number(number)), count === '#####' ? 0 : Number(count))
    const taken = /^branch +\d+ (?:taken (\d+)|never)/.exec(row)
    if (taken !== null) branches.set(line, [...(branches.get(line) ?? []), Number(taken[1] ?? 0)])
  }
  return { lines, branches }
}

describe('lines', () => {
  test('are executed as often as gcov says, and branches go as often each way', () => {
    const known = gcov('branches')
    const last = readFileSync(source('branches'), 'utf8').split('\n').length
    const { lines } = place.json('lines', [recordings.branches, `branches.c:1-${last}`])
    expect(lines.length).toBeGreaterThan(30)
    // Closing braces, and labels, are lines to one of the two only.
    const shared = lines.filter(({ line }) => known.lines.has(line))
    expect(shared.length).toBeGreaterThan(28)
    expect(shared.map(({ line, times }) => [line, times])).toEqual(
      shared.map(({ line }) => [line, known.lines.get(line)]),
    )
    let compared = 0
    for (const { line, branches } of lines) {
      const outcomes = known.branches.get(line)
      // A switch has more ways than two.
      if (outcomes === undefined || outcomes.length !== 2 * branches.length) continue
      const sorted = (numbers: number[]): number[] => numbers.toSorted((a, b) => a - b)
      expect(sorted(branches.flatMap(({ taken, passed }) => [taken, passed])), `line ${line}`).toEqual(sorted(outcomes))
      compared++
    }
    expect(compared).toBeGreaterThan(6)
  })

  test('of a function, and only where a condition holds', () => {
    const { lines } = place.json('lines', [recordings.branches, 'triangle', '--if', 'n == 3'])
    expect(lines.map(({ times }) => times)).toEqual([1, 1, 4, 3, 1, 1])
    const { stdout } = place.lemming(['lines', recordings.branches, 'triangle'])
    expect(stdout).toMatch(
      /^ +47 +\d+ {4}for \(int i = 1; i <= n; i\+\+\)\n +└ 44 times to line \d+, 3 times to line \d+$/m,
    )
  })

  test('by thread', () => {
    const { lines } = place.json('lines', [recordings.blocks, 'work'])
    const loop = lines.find(({ times }) => times === 22)!
    expect(loop.threads).toEqual([
      { tid: 1001, times: 11 },
      { tid: 1002, times: 11 },
    ])
    expect(place.lemming(['lines', recordings.blocks, 'blocks.c:1-2']).stderr).toContain('have no code')
    expect(place.lemming(['lines', recordings.blocks, 'nothing.c:1-2']).stderr).toContain('nothing.c')
  })
})

describe('history', () => {
  test('counts every access of every thread, by line', () => {
    const { reads, writes, sites, ranges, accesses } = place.json('history', [
      recordings.blocks,
      'items[*].count',
      '--reads',
      '--last',
      '3',
    ])
    expect(ranges).toHaveLength(4)
    // 20 additions read and write; clear(3) writes; sum() reads all four.
    expect([reads, writes]).toEqual([24, 21])
    const text = (wanted: string) => sites.find((site) => site.text?.includes(wanted))!
    expect(text('items[i].count += 1')).toMatchObject({ reads: 20, writes: 20 })
    expect(text('items[i].count += 1').threads).toEqual([
      { tid: 1001, reads: 10, writes: 10 },
      { tid: 1002, reads: 10, writes: 10 },
    ])
    expect(text('all += items[i].count')).toMatchObject({ reads: 4, writes: 0 })
    expect(accesses).toHaveLength(3)
    expect(accesses.every(({ store }) => !store)).toBe(true)
  })

  test('is a chain of values, whose last one last-write names', () => {
    const { accesses } = place.json('history', [recordings.blocks, 'items[1].count'])
    expect(accesses.map(({ after }) => Number.parseInt(after!.slice(0, 2), 16))).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ])
    for (const [i, { before }] of accesses.entries()) if (i > 0) expect(before).toBe(accesses[i - 1]!.after)
    const { stdout } = place.lemming(['replay', recordings.blocks, '--ex', 'last-write items[1].count'])
    expect(stdout).toContain(`was written at @${accesses.at(-1)!.moment} by thread ${accesses.at(-1)!.tid}`)
  })

  test('knows the blocks that the program says it had', () => {
    const address = /malloc 100 (0x[0-9a-f]+)/.exec(told.join('\n'))![1]!
    const { owners } = place.json('history', [recordings.blocks, address, '--size', '8'])
    const ours = owners
      .filter(({ kind }) => kind === 'allocated' || kind === 'freed')
      .map(({ kind, by, address: at, size }) =>
        kind === 'freed' ? `${by === 'realloc' ? 'moved' : 'free'} ${at}` : `${by} ${size} ${at}`,
      )
    const theirs = told.flatMap((line) => {
      const [what] = line.split(' ')
      if (line.endsWith(address) || what === 'free') return [line]
      return what === 'realloc' ? [`moved ${address}`] : []
    })
    expect(theirs.length).toBeGreaterThan(2)
    for (const line of theirs.filter((one) => !one.startsWith('moved'))) expect(ours).toContain(line)
    expect(owners.some(({ kind }) => kind === 'mapped' || kind === 'protected')).toBe(true)
    expect(owners.find(({ by }) => by === 'malloc')!.calls[0]).toMatch(/^main \(blocks\.c:\d+\)$/)
  })

  test('of what a system call writes', () => {
    const address = /realloc 5000 (0x[0-9a-f]+)/.exec(told.join('\n'))![1]!
    const { stdout } = place.lemming(['history', recordings.blocks, address, '--size', '4'])
    expect(stdout).toMatch(/thread 1000 \(by a system call\) {2}0x[0-9a-f]+ → 0x64636261 /)
  })
})

describe('threads', () => {
  test('one column a thread, one row an access', () => {
    const { threads, rows } = place.json('threads', [recordings.blocks, 'items[2].count', '--last', '100'])
    expect(threads).toEqual([1000, 1002])
    expect(rows.filter(({ tid }) => tid === 1002)).toHaveLength(20)
    expect(rows.at(-1)).toMatchObject({
      tid: 1000,
      cell: expect.stringMatching(/^reads 10 {2}sum \(\) at blocks\.c:\d+$/),
    })
    expect(rows.map(({ moment }) => moment)).toEqual(rows.map(({ moment }) => moment).toSorted((a, b) => a - b))
  })

  test('in Markdown, and turns', () => {
    const { stdout } = place.lemming(['threads', recordings.blocks, 'items[2].count', '--last', '2', '--markdown'])
    expect(stdout).toMatch(/^\| moment \| thread 1000 \| thread 1002 \|\n\| ---: \| --- \| --- \|\n\| @\d+ \|/)
    const { rows, expression } = place.json('threads', [recordings.blocks, '--last', '4'])
    expect(expression).toBeNull()
    expect(rows).toHaveLength(4)
    expect(rows[0]!.cell).toMatch(/^\d+ instructions? from /)
  })
})

test('threads of a failure that is a race: the accesses that race', () => {
  place.compile(
    'racing',
    `#include <pthread.h>
static long counter;
static void *work(void *arg) { for (int i = 0; i < 3; i++) counter++; return arg; }
int main(void) {
  pthread_t t[2];
  for (int i = 0; i < 2; i++) pthread_create(&t[i], 0, work, 0);
  for (int i = 0; i < 2; i++) pthread_join(t[i], 0);
}
`,
    ['-g', '-O0'],
  )
  const out = join(place.path, 'races')
  const { failures } = place.json('hunt', ['--check', 'race', '--runs', '3', '--out', out, '--', './racing'])
  const { race } = failures[0]!.finding
  const { expression, threads, rows } = place.json('threads', ['F1', '--out', out])
  expect(expression).toBe(race!.address)
  expect(threads).toEqual([race!.earlier.tid, race!.later.tid].toSorted((a, b) => a - b))
  // A write is shown by the moment that shows it.
  const moments = rows.map(({ moment }) => moment)
  for (const { moment, write } of [race!.earlier, race!.later]) expect(moments).toContain(write ? moment + 1 : moment)
})

test('what is asked of a failure is in its journal, with the beginning of the answer', () => {
  const out = join(place.path, 'asked')
  place.json('hunt', ['--runs', '1', '--out', out, '--', join(place.path, 'blocks')], { input: 'abcd' })
  place.lemming(['history', 'F1', 'items[1].count', '--out', out])
  place.lemming(['replay', 'F1', '--out', out, '--ex', 'print 1', '--ex', 'last-write published'])
  const { failures } = place.json('failures', ['F1', '--out', out])
  const journal = failures[0]!.journal!
  expect(journal.map(({ question }) => question)).toEqual(['history items[1].count', 'last-write published'])
  expect(journal[0]!.answer).toMatch(/^items\[1\]\.count \(long, 8 bytes at 0x[0-9a-f]+\): 10 writes/)
  expect(journal[1]!.answer).toMatch(/^published \(long \*, 8 bytes at 0x[0-9a-f]+\) was written at @\d+/)
})

describe('why', () => {
  test('the address of a crash, back to the constant that it came from', () => {
    const { steps } = place.json('why', [recordings.blocks])
    expect(steps[0]).toMatchObject({ kind: 'fault', value: '0x1234', text: 'return (int)(*published + all);' })
    expect(steps.some(({ kind, what }) => kind === 'store' && what.includes('published'))).toBe(true)
    expect(steps.at(-1)).toMatchObject({ kind: 'constant', value: '0x1234' })
    expect(steps.at(-1)!.text).toContain('return (long *)0x1234')
    for (const [i, { moment }] of steps.entries()) if (i > 0) expect(moment).toBeLessThan(steps[i - 1]!.moment)
    const { stdout } = place.lemming(['why', recordings.blocks])
    expect(stdout).toMatch(/^#0 +@\d+ thread 1000 {2}SIGSEGV \(SEGV_MAPERR\) at 0x1234: rax is 0x1234\n/)
  })

  test('a value that the kernel wrote, one that was computed, and one that nobody wrote', () => {
    const last = (expression: string) => place.json('why', [recordings.blocks, expression]).steps.at(-1)!
    expect(last('*(int *)third')).toMatchObject({ kind: 'system-call' })
    const { steps } = place.json('why', [recordings.blocks, 'items[1].count'])
    expect(steps.some(({ kind, text }) => kind === 'computed' && text?.includes('count += 1') === true)).toBe(true)
    expect(last('items[0].name')).toMatchObject({ kind: 'origin' })
  })
})

test('find says where a pattern is and what it may be', () => {
  const program = join(place.path, 'find')
  execFileSync('gcc', ['-g', '-O0', '-o', program, source('find')])
  const recording = join(place.path, 'find.lemming')
  place.lemming(['run', '--export', recording, '--', program])
  const find = (pattern: string): string => {
    const { stdout } = place.lemming(['replay', recording, '--ex', `find ${pattern}`])
    return stdout
  }
  const symbols = execFileSync('readelf', ['-sW', program], { encoding: 'utf8' })
  const offset = Number.parseInt(/([0-9a-f]{16}) .* first$/m.exec(symbols)![1]!, 16)
  const texts = find('"box"')
  expect(texts).toMatch(/^0x[0-9a-f]+ {2}first\+6: text "first box"$/m)
  expect(texts).toMatch(/^0x[0-9a-f]+ {2}\[heap\]: text "second box"$/m)
  expect(texts).toMatch(/^0x[0-9a-f]+ {2}main\+\d+: code: mov /m)
  const address = Number.parseInt(/^0x([0-9a-f]+) {2}first\+6:/m.exec(texts)![1]!, 16) - 6
  expect(address % 4096).toBe(offset % 4096)
  const hex = `0x${address.toString(16)}`
  expect(find(`8 ${hex}`)).toMatch(new RegExp(`\\[heap\\]: pointer to ${hex}, first$`, 'm'))
  expect(find('hex ffffffff3f00')).toMatch(/first\+51: bitmap$/m)
  expect(find('0x1122334455667788')).toMatch(/first\+88: number 1234605616436508552 \(0x1122334455667788\)$/m)
})
