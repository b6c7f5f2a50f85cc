/** What findings call the memory that they are about, and what those who know Valgrind's words and files get. */
import * as fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { Place } from '../e2e/lemming.ts'

const place = new Place()
afterAll(() => place.remove())

describe('variables', () => {
  const source = `#include <stdlib.h>
#include <unistd.h>
struct inner { int x, y; char tag[8]; struct { short deep[3]; union { long wide; float real; }; }; unsigned low : 3, high : 9; };
static struct inner table[4]; int global[10]; static char text[20]; volatile int sink;
static void use(struct inner *argument) { struct inner local[2]; int vector[5]; vector[1] = 3;
  free(&local[1].tag[3]); free(&vector[2]); free(&table[2].y); free(&global[3]); free(text + 5); free((char *)argument + 18);
  if (local[1].deep[2]) sink++; if (local[0].wide) sink++; if (vector[4] > 3) sink++;
  if (write(-1, vector, 20)) sink++; }
int main(void) { struct inner mine; use(&mine); return 0; }`

  test('are named to the part, wherever they are', () => {
    const { findings } = place.json('run', ['--', place.compile('parts', source, ['-g', '-O0', '-w'])])
    const freed = findings.flatMap(({ kind, what }) =>
      kind === 'invalid-free' ? [/: (.*), where/.exec(what)![1]] : [],
    )
    const data = (name: string): string => `an address in the program's own data (${name})`
    const frame = (name: string, of: string): string => `${name} in the stack frame of ${of}, on the stack`
    expect(freed).toEqual([
      frame('local[1].tag[3]', 'use() (parts.c:6)'),
      frame('vector[2]', 'use() (parts.c:6)'),
      data('table[2].y'),
      data('global[3]'),
      data('text+5'),
      frame('mine.deep[1]', 'main() (parts.c:9)'),
    ])
    const undefinedOnes = findings.flatMap(({ origin }) => (origin === undefined ? [] : [origin.what.split(' ')[0]]))
    expect(undefinedOnes).toEqual(['local[1].deep[2]', 'local[0].wide', 'vector[4]', 'vector[0]'])
  })
})

test('an undefined value is followed back through copies to where it was made', () => {
  const source = `#include <stdio.h>
static int deeper(int value) { if (value > 3) return 1; return 2; }
static int pass(int value) { int copy = value; return deeper(copy); }
int main(void) { int one, two; double three;
  printf("%d", one);
  if (pass(two)) one = 0;
  printf("%f", three); return 0; }`
  const { findings } = place.json('run', ['--', place.compile('copies', source, ['-g', '-O0', '-w'])])
  const origins = new Map(
    findings.toReversed().flatMap(({ origin, thread }): [string, string][] => {
      const { frames } = thread!.stack
      return origin?.read === undefined
        ? []
        : [[`line ${frames.at(-1)!.line}`, `${origin.what}, read at ${origin.read.line}`]]
    }),
  )
  const at = (name: string, line: number): string =>
    `${name} in the stack frame of main() (copies.c:${line}), read at ${line}`
  expect(Object.fromEntries(origins)).toEqual({
    'line 5': at('one', 5),
    'line 6': at('two', 6),
    'line 7': at('three', 7),
  })
})

describe('processes', () => {
  const source = `#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>
static void *volatile kept;
static void lose(void) { kept = malloc(30); kept = 0; }
static void lose_more(void) { kept = malloc(50); kept = 0; }
int main(void) { lose();
  if (fork() == 0) { lose_more(); *(volatile int *)0 = 1; }
  wait(0); return 0; }`

  test('a process that ends by a signal has lost what it has lost; what it was forked with is told once', () => {
    const { findings, leaks } = place.json('run', ['--', place.compile('lost', source, ['-g', '-O0'])])
    const lost = findings.filter(({ leak }) => leak !== undefined)
    const places = lost.map(({ leak, thread }) => [leak!.bytes, thread!.stack.frames[1]!.function])
    expect(places).toEqual([
      [30, 'lose'],
      [50, 'lose_more'],
    ])
    expect(leaks!.definite).toEqual({ bytes: 80, blocks: 2 })
  })
})

describe('suppressions', () => {
  const source = `#include <stdlib.h>
#include <unistd.h>
static void lose(void) { void *volatile p = malloc(30); p = 0; }
int main(void) { lose(); char *p = malloc(4); volatile int sum = p[4];
  if (write(1, p, 2)) sum++; free(p); return sum == 12345; }`
  const program = (): string => place.compile('three', source, ['-g', '-O0'])
  const supp = (text: string): string[] => {
    fs.writeFileSync(join(place.path, 'some.supp'), text)
    return ['--suppressions', 'some.supp']
  }
  const one = (kind: string, ...lines: string[]): string =>
    `{\n  ${kind}\n  ${kind}\n${lines.map((line) => `  ${line}\n`).join('')}}\n`

  test('say with -v whether they were of use', () => {
    const text = `${one('Memcheck:Leak', 'match-leak-kinds: definite', 'fun:malloc', 'fun:lo?e', '...')}${one('Memcheck:Cond', 'obj:*/nothing.so')}`
    const { stderr } = place.lemming(['run', '-v', ...supp(text), '--', program()])
    expect(stderr).toContain('lemming: suppression used once: Memcheck:Leak (some.supp:2)\n')
    expect(stderr).toContain('lemming: suppression not used: Memcheck:Cond (some.supp:10)\n')
  })

  test('of system calls are about the call that they name', () => {
    const kinds = (call: string): (string | undefined)[] =>
      place
        .json('run', [...supp(one('Memcheck:Param', call, '...')), '--', program()])
        .findings.map(({ valgrind }) => valgrind)
    const all = ['InvalidRead', 'SyscallParam', 'Leak_DefinitelyLost']
    expect(kinds('read(buf)')).toEqual(all)
    expect(kinds('write(buf)')).toEqual(all.filter((kind) => kind !== 'SyscallParam'))
  })

  test('of a kind that there is not are refused', () => {
    const { code, stderr } = place.lemming(['run', ...supp(one('Memcheck:Conf', 'fun:x')), '--', program()])
    expect([code, stderr]).toEqual([2, expect.stringContaining("some.supp:3: Memcheck has no kind 'Conf'")])
  })

  test('--errors-for-leak-kinds says which leaks are errors', () => {
    const code = (kinds: string): number | null =>
      place.lemming([
        'run',
        '--check',
        'leak',
        '--error-exitcode',
        '9',
        '--errors-for-leak-kinds',
        kinds,
        '--',
        program(),
      ]).code
    expect(['definite', 'possible', 'all'].map(code)).toEqual([9, 0, 9])
  })
})

test('options of Valgrind lead to those there are', () => {
  const step = (word: string): string => place.lemming(['run', word, '--', '/bin/true']).stderr.split('\n')[1]!
  expect(step('--leak-check=full')).toMatch(/--show-leak-kinds/)
  expect(step('--track-origins=yes')).toMatch(/leave it out/)
  expect(step('--tool=helgrind')).toMatch(/--check race,lock/)
  expect(step('--num-callers=20')).toMatch(/leave it out/)
  expect(step('--no-such-option')).toMatch(/see: lemming run --help/)
})
