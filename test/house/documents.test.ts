/** Holds the documents that are made from the code to the code. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { systemCallsPage } from '../../scripts/write-system-calls.ts'
import { root } from './tree.ts'

it('docs/system-calls.md says what the declarations say: npx node scripts/write-system-calls.ts', () => {
  expect(readFileSync(join(root, 'docs/system-calls.md'), 'utf8')).toBe(systemCallsPage())
})
