/** A project's lemming.config.ts says what the command line does not; errors in it name the place. */
import * as fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Place } from '../e2e/lemming.ts'
import { build } from '../heap/programs.ts'
import { root } from '../house/tree.ts'

const place = new Place()
afterAll(() => place.remove())

const program = build(place, 'pool.c', { folder: join(import.meta.dirname, 'custom') })

/** A directory with this configuration, and one below it. */
function project(name: string, text: string): string {
  const below = join(place.path, name, 'src')
  fs.mkdirSync(below, { recursive: true })
  fs.writeFileSync(join(place.path, name, 'lemming.config.ts'), text)
  return below
}

const config = `import { defineConfig } from '${join(root, 'src/cli/define-config.ts')}'
export default defineConfig({
  check: ['memory'],
  alloc: [{ fn: 'my_alloc', size: 0 }],
  free: [{ fn: 'my_free', ptr: 0 }],
  env: { A: '1', B: '2' },
  cpus: 2,
})`

test('found upwards, and typed', () => {
  const cwd = project('good', config)
  const { findings, options } = place.json('run', ['--', program], { cwd })
  expect(findings.map(({ kind }) => kind)).toContain('double-free')
  expect(options).toMatchObject({ heap: 'guarded', cpus: 2, allocators: [{ fn: 'my_alloc' }, { fn: 'my_free' }] })
})

test('the command line wins, lists add up', () => {
  const cwd = project('wins', config)
  const { findings, options } = place.json('run', ['--check', 'none', '--cpus', '3', '--', program], { cwd })
  expect([findings, options.cpus]).toEqual([[], 3])
  const { stdout } = place.json('run', ['--check', 'none', '--clean-env', '--env', 'B=3', '--', '/usr/bin/env'], {
    cwd,
  })
  expect(stdout.text).toBe('A=1\nB=3\n')
  const without = place.json('run', ['--config', 'none', '--', '/bin/true'], { cwd })
  expect([without.options.allocators, without.options.cpus]).toEqual([undefined, 4])
})

test('faults: power is lost, and what the recovery says is the outcome', () => {
  const cwd = project('faults', "export default { fault: ['crash'], recover: '/bin/false' }")
  expect(place.lemming(['run', '--', '/bin/true'], { cwd }).code).toBe(1)
})

test.each([
  ['fault', "export default { fault: ['crush'] }", /lemming\.config\.ts: fault\.0: there are crash/],
  ['syntax', 'export default {', /lemming\.config\.ts does not load: /],
  ['unknown', 'export default { chekc: [] }', /lemming\.config\.ts: its default export: .*chekc/],
  ['field', "export default { alloc: [{ fn: 'f' }] }", /lemming\.config\.ts: alloc\.0\.size: /],
  ['free', "export default { free: [{ fn: 'f' }] }", /lemming\.config\.ts: free\.0: neither ptr nor pool is given/],
])('%s', (name, text, message) => {
  const { code, stderr } = place.lemming(['run', '--', '/bin/true'], { cwd: project(name, text) })
  expect([code, stderr]).toEqual([2, expect.stringMatching(message)])
})
