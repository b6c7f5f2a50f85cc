/** Proves that `npm ci` will accept the lock file on any platform, and that it names no registry. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { missingEntries, type Lockfile } from '../../scripts/complete-lockfile.ts'
import { root } from './tree.ts'

const read = (): Lockfile => JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lockfile

test('every optional build has an entry (else: node scripts/complete-lockfile.ts)', () => {
  const lock = read()
  expect(Object.keys(lock.packages).length).toBeGreaterThan(50)
  expect(missingEntries(lock).map(({ name, version }) => `${name}@${version}`)).toEqual([])
})

test('a missing entry is seen', () => {
  const lock = read()
  delete lock.packages['node_modules/@swc/core-darwin-arm64']
  expect(missingEntries(lock).map(({ path }) => path)).toEqual(['node_modules/@swc/core-darwin-arm64'])
})

test('no entry says where it was fetched', () => {
  const resolved = Object.entries(read().packages).filter(([, entry]) => entry.resolved !== undefined)
  expect(resolved.map(([path]) => path)).toEqual([])
  expect(readFileSync(join(root, '.npmrc'), 'utf8')).not.toMatch(/https?:/)
})
