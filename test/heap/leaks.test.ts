/** What is not freed, by the ways in which it can still be reached, against memcheck on the same binaries. */
import { spawnSync } from 'node:child_process'
import { afterAll, describe, expect, test } from 'vitest'
import { Place } from '../e2e/lemming.ts'
import { build } from './programs.ts'

const place = new Place()
afterAll(() => place.remove())

const KINDS = {
  definite: 'definitely lost',
  indirect: 'indirectly lost',
  possible: 'possibly lost',
  reachable: 'still reachable',
}

type Sums = Record<keyof typeof KINDS, string>

/** `bytes/blocks` of each kind. The C library's own blocks stay: both count them. */
function memcheck(path: string, args: string[]): Sums {
  const options = ['--leak-check=full', '--run-libc-freeres=no', '--run-cxx-freeres=no']
  const { stderr } = spawnSync('valgrind', [...options, path, ...args], {
    encoding: 'utf8',
    env: place.env(),
    input: '',
  })
  const sum = (words: string): string => {
    const line = new RegExp(`${words}: ([\\d,]+) bytes in ([\\d,]+) blocks`).exec(stderr)
    return line === null ? '0/0' : `${line[1]!.replaceAll(',', '')}/${line[2]!.replaceAll(',', '')}`
  }
  expect(stderr).toContain('HEAP SUMMARY')
  return Object.fromEntries(Object.entries(KINDS).map(([kind, words]) => [kind, sum(words)])) as Sums
}

function lemming(path: string, args: string[]): Sums {
  const { leaks } = place.json('run', ['--check', 'leak', '--', path, ...args])
  const sum = (kind: keyof Sums): string => `${leaks![kind].bytes}/${leaks![kind].blocks}`
  return {
    definite: sum('definite'),
    indirect: sum('indirect'),
    possible: sum('possible'),
    reachable: sum('reachable'),
  }
}

describe('programs of this folder', () => {
  test.each(['leaks.c', 'heuristics.cc', 'double-free.c', 'redzone.c'])('%s', (file) => {
    const path = build(place, file)
    expect(lemming(path, [])).toEqual(memcheck(path, []))
  })
})

describe('programs of this computer', () => {
  test.each([
    [
      '/usr/bin/sqlite3',
      [':memory:', 'create table t(a, b); insert into t values (1, 2), (3, 4); select sum(a * b) from t;'],
    ],
    ['/usr/bin/xz', ['--version']],
    ['/bin/ls', ['/']],
    ['/usr/bin/perl', ['-e', 'my @a = map { { n => $_, s => "x" x $_ } } 1 .. 200; print scalar @a']],
  ])('%s', (path, args) => {
    const expected = memcheck(path, args)
    // Valgrind adds to the environment, which perl copies to its heap.
    if (path.endsWith('perl')) expected.possible = expect.any(String) as unknown as string
    expect(lemming(path, args)).toEqual(expected)
  })
})

test('at a moment, too: what is lost by then, and the same run', () => {
  place.compile(
    'moment',
    `#include <stdlib.h>
static char *kept;
int main(void)
{
    kept = malloc(100);
    char *volatile lost = malloc(50);
    lost = 0;
    for (volatile int i = 0; i < 100000; i++);
    free(kept);
    return 0;
}
`,
    ['-g', '-O0'],
  )
  const plain = place.json('run', ['--', './moment'])
  const moment = plain.instructions - 100_000
  const looked = place.json('run', ['--show-leak-kinds', 'all', '--leak-at', `@${moment}`, '--', './moment'])
  expect([looked.instructions, looked.hash]).toEqual([plain.instructions, plain.hash])
  expect(looked.findings.map((one) => [one.kind, one.leak!.bytes, one.moment === moment])).toEqual([
    ['leak-reachable', 100, true],
    ['leak-definite', 50, true],
    ['leak-definite', 50, false],
  ])
  const refused = place.lemming(['run', '--check', 'memory', '--leak-at', '5', '--', './moment'])
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('--leak-at: leaks are not looked for')])
})
