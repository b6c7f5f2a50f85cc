/** What is left of a failure is a failure: the switches of threads that matter, the arguments, the lines of input. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { schemas } from '../../src/cli/schema.ts'
import { Place, racyProgram } from './lemming.ts'

/** Little code to translate: these tests are about the runs, not about the program. */
const STATIC = ['-g', '-O1', '-static']

const place = new Place({ check: 'none' })
afterAll(() => place.remove())

const picky = `#include <stdlib.h>
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv)
{
    char line[100];
    int flag = 0;
    for (int i = 1; i < argc; i++)
        flag |= strcmp(argv[i], "-x") == 0;
    while (fgets(line, sizeof line, stdin))
        if (strstr(line, "boom") && flag)
            abort();
    return 0;
}
`

beforeAll(() => {
  place.compile('racy', racyProgram, STATIC)
  place.compile('picky', picky, STATIC)
})

describe('a race', () => {
  test('is left with the switches that make it, in a table, and replays', () => {
    const out = ['--out', 'race']
    place.json('hunt', [...out, '--strategy', 'random', '--runs', '40', '--', './racy'])
    const least = schemas.minimise.parse(place.json('minimise', [...out, '--jobs', '1', 'F1']))
    expect(least).toMatchObject({ failure: 'F1', name: 'F2', finding: { kind: 'crash' }, argv: ['./racy'] })
    const { switches, rows, strategy, finding } = least
    expect(switches.after).toBeLessThanOrEqual(switches.before)
    expect(rows.filter(({ chosen }) => chosen)).toHaveLength(switches.after)
    expect(strategy.match(/@/g)).toHaveLength(switches.after)
    // One of them separates the two steps in which `count` is changed.
    const lines = racyProgram.split('\n')
    const step = [
      lines.findIndex((line) => line.includes('long read')),
      lines.findIndex((line) => line.includes('count = read')),
    ]
    const inside = rows.filter(({ from }) => step.some((index) => from.startsWith(`racy.c:${index + 1} work()`)))
    expect(inside.length).toBeGreaterThan(0)
    expect(place.json('replay', [...out, 'F2', '--times', '2'])).toMatchObject({
      times: 2,
      finding: { what: finding.what },
    })
    // The same from the command line, without the recording.
    expect(
      place.json('run', ['--seed', String(finding.seed), '--strategy', strategy, '--', './racy']).instructions,
    ).toBe(finding.moment)
    const { buckets, failures } = place.json('failures', out)
    expect(buckets).toMatchObject([{ failures: ['F1', 'F2'], runs: finding.seed + 1 }])
    expect(failures.map(({ strategy: name }) => name)).toEqual([expect.any(String), strategy])
    expect(place.lemming(['failures', ...out, 'F1']).stdout).toContain(
      `minimise\n    ${switches.before} switches to ${switches.after}: F2\n`,
    )
  })
})

test('output that differs from that of a run without interruptions is a failure that can be minimised', () => {
  place.compile(
    'sums',
    `#include <pthread.h>
#include <stdio.h>
static int total;
static void *add(void *unused) { for (int i = 0; i < 3; i++) { int now = total; total = now + 1; } return unused; }
int main(void)
{
    pthread_t a, b;
    pthread_create(&a, 0, add, 0);
    pthread_create(&b, 0, add, 0);
    pthread_join(a, 0);
    pthread_join(b, 0);
    printf("total %d\\n", total);
    return 0;
}
`,
    ['-g', '-O0', '-static'],
  )
  const out = ['--out', 'sums-out']
  place.json('hunt', [...out, '--expect-same', 'stdout', '--strategy', 'walk', '--runs', '40', '--', './sums'])
  const { finding, switches, rows } = schemas.minimise.parse(place.json('minimise', [...out, '--jobs', '1', 'F1']))
  expect(finding.what).toMatch(/^stdout differs .*, and was 'total 6'$/)
  expect(switches.after).toBeGreaterThan(0)
  expect(rows.some(({ from }) => from.startsWith('sums.c:4 add()'))).toBe(true)
})

describe('arguments and input', () => {
  test('are left with what the failure needs', () => {
    const out = ['--out', 'least']
    const input = Array.from({ length: 12 }, (_, i) => `line ${i}\n${i === 7 ? 'a boom here\n' : ''}`).join('')
    place.lemming(['hunt', ...out, '--runs', '1', '--', './picky', 'a', '-x', 'b'], { input })
    const text = place.lemming(['minimise', ...out, '--jobs', '1', '--args', '--input', 'F1'])
    expect([text.code, text.stderr.replaceAll(/^lemming: \d.*\n/gm, '')]).toEqual([0, ''])
    expect(text.stdout).toMatch(
      /^F2 is F1 with 0 switches of threads in place of 0 \(\d+ runs\); kept in .*\n {2}1 argument of 3: \.\/picky -x\n {2}4 of \d+ bytes of standard input\n/,
    )
    expect(place.lemming(['replay', ...out, 'F2']).code).toBe(134)
    expect(place.lemming(['minimise', ...out, '--trials', '2', '--args', 'F1'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Stopped after 2 runs: more may be left out with --trials 4.'),
    })
  })
})
