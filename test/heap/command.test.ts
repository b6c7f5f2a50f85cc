/** What the commands make of findings: exit codes, suppressions, hunts, replays. */
import { execFileSync, spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { isSuppressed, parseSuppressions } from '../../src/report/suppressions.ts'
import type { Finding as ToldFinding } from '../../src/tool/finding.ts'
import { Place } from '../e2e/lemming.ts'
import { build, sources } from './programs.ts'

const place = new Place()
afterAll(() => place.remove())

const CHECK = ['--check', 'memory,leak']

describe('suppressions', () => {
  /** Runs with suppressions; the kinds that are left. */
  const left = (file: string, text: string): string[] => {
    fs.writeFileSync(join(place.path, 'my.supp'), text)
    const { findings } = place.json('run', [...CHECK, '--suppressions', 'my.supp', '--', build(place, file)])
    return findings.map(({ kind }) => kind)
  }

  test('what is generated suppresses all of it, here and in memcheck', () => {
    for (const file of ['leaks.c', 'double-free.c', 'mismatched.cc']) {
      const { stderr } = place.lemming(['run', ...CHECK, '--gen-suppressions', '--', build(place, file)])
      const text = stderr.match(/^\{$[\s\S]*?^\}$/gm)!.join('\n')
      expect(parseSuppressions(text, file).length).toBeGreaterThan(1)
      expect(left(file, text)).toEqual([])
      if (file === 'mismatched.cc') continue
      const path = build(place, file)
      const words = ['--leak-check=full', `--suppressions=${join(place.path, 'my.supp')}`, '--error-exitcode=9', path]
      const { status, stderr: said } = spawnSync('valgrind', words, { encoding: 'utf8', env: place.env() })
      expect(said).toContain('ERROR SUMMARY: 0 errors')
      expect(status).not.toBe(9)
    }
  })

  test('an inlined function has its own name, and not that of the function around it', () => {
    const frame = (name: string, inlined: boolean): object => ({
      function: name,
      symbol: 'main',
      inlined,
      module: '/p',
    })
    const stack = { frames: [frame('part', true), frame('whole', true), frame('main', false)], end: '' }
    const finding = { kind: 'undefined-jump', what: '', thread: { stack } } as unknown as ToldFinding
    const covers = (...lines: string[]): boolean =>
      isSuppressed(finding, parseSuppressions(`{\nname\nMemcheck:Cond\n${lines.join('\n')}\n}\n`, 'my.supp'))
    expect(covers('fun:part', 'fun:whole', 'fun:main')).toBe(true)
    expect(covers('obj:*', 'obj:*', 'fun:main')).toBe(true)
    expect(covers('obj:*', 'fun:main')).toBe(false)
    expect(covers('fun:main')).toBe(false)
  })

  test('by function, object, leak kind and gaps', () => {
    expect(left('leaks.c', '')).toHaveLength(5)
    const leak = (lines: string): string => `# mine\n{\n  name\n  Memcheck:Leak\n${lines}\n}\n`
    expect(left('leaks.c', leak('fun:malloc\nfun:list'))).toHaveLength(4)
    expect(left('leaks.c', leak('match-leak-kinds: possible\nfun:malloc\n...'))).toHaveLength(3)
    expect(left('leaks.c', leak('...\nfun:ma?n'))).toHaveLength(0)
    expect(left('leaks.c', leak('fun:malloc\nobj:*/leaks*'))).toHaveLength(0)
    expect(left('leaks.c', leak('fun:malloc\nsrc:leaks.c:43'))).toHaveLength(4)
    expect(left('leaks.c', '{\n n\n Memcheck:Free\n fun:malloc\n}\n')).toHaveLength(5)
    expect(left('double-free.c', '{\n n\n Memcheck:Free\n fun:free\n fun:drop\n}\n')).toHaveLength(1)
  })

  test('a damaged file is refused with its line', () => {
    fs.writeFileSync(join(place.path, 'bad.supp'), '{\n  name\n  Memcheck:Leak\n  malloc\n}\n')
    const ran = place.lemming(['run', ...CHECK, '--suppressions', 'bad.supp', '--', '/bin/true'])
    expect(ran.code).toBe(2)
    expect(ran.stderr).toContain("bad.supp:4: a line of a stack expected and not 'malloc'")
  })

  test("Debian's own file is read", () => {
    const files = ['/usr/lib/x86_64-linux-gnu/valgrind/default.supp', '/usr/libexec/valgrind/default.supp']
    const file = files.find((one) => fs.existsSync(one))!
    const text = fs.readFileSync(file, 'utf8')
    const count = text.match(/^\s*(?:Memcheck|Helgrind):/gm)!.length
    expect(parseSuppressions(text, file)).toHaveLength(count)
  })
})

describe('exit codes', () => {
  test('the program’s own, or the one that was asked for', () => {
    const bad = build(place, 'double-free.c')
    const good = build(place, 'double-free.c', { good: true })
    expect(place.lemming(['run', ...CHECK, '--', bad]).code).toBe(0)
    expect(place.lemming(['run', ...CHECK, '--error-exitcode', '9', '--', bad]).code).toBe(9)
    expect(place.lemming(['run', ...CHECK, '--error-exitcode', '9', '--', good]).code).toBe(0)
    expect(place.lemming(['run', '--check', 'none', '--error-exitcode', '9', '--', bad]).code).toBe(128 + 6)
  })

  test('an unknown check is refused', () => {
    const ran = place.lemming(['run', '--check', 'memory,frob', '--', '/bin/true'])
    expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining('--check memory,frob: no such check')])
  })
})

test('a hunt keeps what a check found, and its replay tells the same', () => {
  const path = build(place, 'threads.c')
  const hunt = place.json('hunt', [...CHECK, '--runs', '3', '--', path])
  expect(hunt.failures.map(({ seed, finding }) => [seed, finding.kind])).toEqual([[0, 'double-free']])
  const replay = place.json('replay', ['--times', '2', '--error-exitcode', '9', 'F1'])
  const again = (finding: object): unknown => ({ ...finding, again: '' })
  expect(replay.findings.map(again)).toEqual([again(hunt.failures[0]!.finding)])
  expect(replay.leaks!.definite).toEqual({ bytes: 0, blocks: 0 })
})

test('a good program passes a hunt', () => {
  const hunt = place.json('hunt', [...CHECK, '--runs', '4', '--', build(place, 'threads.c', { good: true })])
  expect([hunt.runs, hunt.failures, hunt.errors]).toEqual([4, [], []])
})

test('an allocator of the program’s own is left alone', () => {
  const path = build(place, 'own-malloc.c')
  const { stdout, findings } = place.json('run', [...CHECK, '--', path])
  expect([stdout.text, findings]).toEqual([execFileSync(path, { encoding: 'utf8' }), []])
})

test('Rust: what is forgotten, given back twice, or with another size', () => {
  // Not every computer has it; where cargo is, it is.
  if (spawnSync('rustc', ['--version']).status !== 0) return expect(process.env.PATH).not.toContain('.cargo')
  const path = join(place.path, 'rust')
  execFileSync('rustc', ['-g', '-o', path, join(sources, 'rust.rs')], { stdio: 'pipe' })
  expect(place.json('run', [...CHECK, '--', path]).findings).toEqual([])
  const { findings } = place.json('run', [...CHECK, '--', path, 'bad'])
  const seen = findings.map(({ kind, thread }) => [
    kind,
    thread!.stack.frames.find(({ file }) => file?.endsWith('rust.rs'))?.line,
  ])
  expect(seen).toEqual([
    ['mismatched-size', 27],
    ['double-free', 32],
    ['leak-definite', 8],
  ])
})

test('processes: each has a heap of its own, and tells of its own end', () => {
  const path = build(place, 'fork.c')
  const { findings, stdout } = place.json('run', [...CHECK, '--', path])
  expect(stdout.text).toBe('7\n')
  expect(findings.map(({ kind, thread, leak }) => [kind, thread!.pid === 1000, leak?.bytes])).toEqual([
    ['double-free', false, undefined],
    ['leak-definite', true, 20],
    ['leak-definite', false, 30],
  ])
})
