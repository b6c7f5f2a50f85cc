/** `--check race` of lock-free code with C11's atomics, and of what C++'s library offers: a race is told where the name says so, and nowhere else. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execFileSync } from 'node:child_process'
import { afterAll, expect, test } from 'vitest'
import { schemas } from '../../src/cli/schema.ts'
import { Place } from '../e2e/lemming.ts'

const place = new Place({ check: 'none' })
afterAll(() => place.remove())

test.each([
  ['atomics.c', 'gcc', ['-std=c11', '-O2'], /CASE\("(\w+)"\)/g],
  ['standard.cpp', 'g++', ['-std=c++20', '-O0'], /^ {4}\{"(\w+)"/gm],
] as const)('%s', { timeout: 240_000 }, (file, compiler, flags, form) => {
  const source = join(import.meta.dirname, 'cases', file)
  const program = join(place.path, 'prog')
  execFileSync(compiler, [...flags, '-g', '-Wall', '-Wextra', '-Werror', '-pthread', '-o', program, source])
  const names = [...readFileSync(source, 'utf8').matchAll(form)].map(([, name]) => name!)
  expect(names.length).toBeGreaterThan(20)
  writeFileSync(join(place.path, 'names'), names.join('\n'))
  const argv = ['--tests', 'names', '--runs', '1', '--check', 'race', '--out', file, '--', program]
  const { tests } = schemas.hunt.parse(place.json('hunt', argv))
  const told = tests!.results.map(({ name, failed, errors }) => [name, failed > 0, errors])
  expect(told).toEqual(names.map((name) => [name, name.startsWith('race_'), 0]))
})

test('a lock whose nodes are on the stack, optimised', () => {
  const source = join(import.meta.dirname, 'cases/own_nodes.c')
  const failed = [[], ['-DBROKEN']].map((flags) => {
    const program = join(place.path, `nodes${flags.join('')}`)
    execFileSync('gcc', [...flags, '-O2', '-g', '-Wall', '-Wextra', '-Werror', '-pthread', '-o', program, source])
    const argv = ['--check', 'race', '--runs', '8', '--keep-going', '--keep', '0', '--out', 'kept', '--', program]
    return place.json('hunt', argv).failed
  })
  expect(failed).toEqual([0, 8])
})
