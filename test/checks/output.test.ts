/** What checks find is written as documented, and as Valgrind writes it: kinds, JSON and XML. */
import { execFileSync, spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { KINDS } from '../../src/report/kinds.ts'
import { Place } from '../e2e/lemming.ts'
import { build } from '../heap/programs.ts'
import { root } from '../house/tree.ts'

const place = new Place()
afterAll(() => place.remove())

/** What memcheck may write into <kind> (Valgrind's docs/internals/xml-output-protocol4.txt), and the name that later versions have for realloc of zero. */
const THEIRS =
  `UninitValue UninitCondition CoreMemError InvalidRead InvalidWrite InvalidJump SyscallParam ClientCheck InvalidFree MismatchedFree Overlap InvalidMemPool
  FishyValue ReallocSizeZero Leak_DefinitelyLost Leak_IndirectlyLost Leak_PossiblyLost Leak_StillReachable`.split(/\s+/)

describe('kinds', () => {
  test('have names of Valgrind', () => {
    for (const { valgrind } of KINDS) expect(THEIRS).toEqual(expect.arrayContaining([...valgrind]))
  })

  test('are documented, all of them and no others', () => {
    const document = fs.readFileSync(join(root, 'docs/findings.md'), 'utf8')
    const rows = [...document.matchAll(/^\| `([\w-]+)` \| (memory|leak) \| (.*?) \| `(\w+)` \| (.*) \|$/gm)].map(
      ([, kind, check, valgrind, suppression, what]) => ({
        kind,
        check,
        valgrind: valgrind!.replaceAll('`', '').split(', '),
        suppression,
        what,
      }),
    )
    expect(rows).toEqual(KINDS)
  })
})

/** Paths of elements, each once, of an XML document: `error/stack/frame/ip`. */
function paths(file: string): string[] {
  const script = `
import sys, xml.etree.ElementTree as E
found = set()
def walk(element, path):
    for child in element:
        found.add(path + child.tag)
        walk(child, path + child.tag + '/')
walk(E.parse(sys.argv[1]).getroot(), '')
print('\\n'.join(sorted(found)))`
  return execFileSync('python3', ['-c', script, file], { encoding: 'utf8' }).trim().split('\n')
}

function kinds(file: string): string[] {
  return [...fs.readFileSync(file, 'utf8').matchAll(/<kind>(\w+)<\/kind>/g)].map(([, kind]) => kind!).toSorted()
}

describe('--xml', () => {
  test.each(['double-free.c', 'leaks.c'])('%s', (file) => {
    const path = build(place, file)
    const [ours, theirs] = [join(place.path, 'ours.xml'), join(place.path, 'theirs.xml')]
    place.lemming(['run', '--check', 'memory,leak', '--xml', ours, '--', path])
    const options = [
      '--xml=yes',
      `--xml-file=${theirs}`,
      '--leak-check=full',
      '--run-libc-freeres=no',
      '--run-cxx-freeres=no',
    ]
    spawnSync('valgrind', [...options, path], { env: place.env() })
    // Nothing that readers of Valgrind's documents do not know.
    const unknown = paths(ours).filter((one) => !paths(theirs).includes(one))
    expect(
      unknown.filter((one) => one !== 'error/threadname' && one !== 'error/auxwhat' && !one.startsWith('error/stack')),
    ).toEqual([])
    expect([...new Set(kinds(ours))]).toEqual(expect.arrayContaining([...new Set(kinds(theirs))]))
  })

  test('a crash', () => {
    const file = join(place.path, 'crash.xml')
    const program = place.compile('crash', 'int main(void) { *(volatile int *)16 = 1; }')
    place.lemming(['run', '--check', 'memory', '--xml', file, '--', program])
    expect(kinds(file)).toEqual(['InvalidWrite'])
    expect(fs.readFileSync(file, 'utf8')).toMatch(/<signame>SIGSEGV<\/signame>\s*<sicode>1<\/sicode>\s*<siaddr>0x10</)
    expect(paths(file)).toContain('fatal_signal/stack/frame/line')
  })

  test('a file that cannot be written', () => {
    const { code, stderr } = place.lemming(['run', '--xml', '/nowhere/x.xml', '--', '/bin/true'])
    expect([code, stderr]).toEqual([5, expect.stringContaining('/nowhere/x.xml: ENOENT')])
  })
})

test('what is found before a crash comes first in the report of the failure, which is called after the crash', () => {
  place.compile(
    'late',
    `#include <stdlib.h>
int main(void)
{
    int *p = malloc(40);
    free(p);
    p[3] = 5; // the mistake
    *(volatile int *)16 = 1; // the crash
}
`,
    ['-g', '-O0'],
  )
  const { code, stdout } = place.lemming(['hunt', '--runs', '1', '--out', 'late-failures', '--', './late'])
  expect(code).toBe(1)
  const kinds = (text: string): string[] => [...text.matchAll(/^ERROR ([\w-]+):/gm)].map(([, kind]) => kind!)
  expect(kinds(stdout)).toEqual(['invalid-write', 'invalid-write', 'crash'])
  expect(stdout).toContain('12 bytes inside a freed block of 40 bytes')
  expect(place.lemming(['failures', '--out', 'late-failures', 'F1']).stdout).toContain('ERROR invalid-write')
  const { finding, findings } = JSON.parse(
    fs.readFileSync(join(place.path, 'late-failures/F1/failure.json'), 'utf8'),
  ) as { finding: { kind: string }; findings: { kind: string }[] }
  expect([finding.kind, findings.map(({ kind }) => kind)]).toEqual(['crash', ['invalid-write', 'invalid-write']])
  expect(kinds(place.lemming(['replay', '--out', 'late-failures', 'F1']).stderr)).toEqual(kinds(stdout))
})

test('nothing is said where nothing is wrong, and leaks change no exit code', () => {
  const good = place.lemming(['run', '--', '/bin/ls'])
  expect([good.code, good.stderr]).toEqual([0, ''])
  place.compile('leaky', '#include <stdlib.h>\nint main(void) { return malloc(7) == 0; }\n', ['-g', '-O0'])
  const leaky = place.lemming(['run', '--', './leaky'])
  expect([leaky.code, leaky.stdout]).toEqual([0, ''])
  expect(leaky.stderr).toMatch(/^LEAK leak-definite: 7 bytes in 1 block are definitely lost/)
  const hunt = place.json('hunt', ['--runs', '1', '--out', 'leaks', '--', './leaky'])
  expect(hunt.failures.map((failure) => failure.finding.kind)).toEqual(['leak-definite'])
})
