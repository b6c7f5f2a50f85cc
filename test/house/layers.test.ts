/** Proves that the check of the layers reads the sources and refuses what it must. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { deterministic, layers } from '../../layers.mjs'
import { checkLayers } from '../../scripts/check-layers.ts'
import { plantedTree, root } from './tree.ts'

const header = '/** Planted by a test. */\n'

describe('layers', () => {
  test('the tree as it is: read, and nothing refused', async () => {
    const report = await checkLayers(root)
    expect(report.modules).toBeGreaterThan(0)
    expect(report.imports).toBeGreaterThan(0)
    expect(report.violations).toEqual([])
  })

  // Each line: what is planted, and how its refusal begins.
  test.each([
    [
      'an import upwards',
      { 'src/base/planted.ts': `${header}import '../engine/planted.ts'\n`, 'src/engine/planted.ts': header },
      'layer base: src/base/planted.ts → src/engine/planted.ts',
    ],
    [
      'an import of a type upwards',
      {
        'src/ir/planted.ts': `${header}import type { A } from '../x86/planted.ts'\nexport type B = A\n`,
        'src/x86/planted.ts': `${header}export type A = 1\n`,
      },
      'layer ir: src/ir/planted.ts → src/x86/planted.ts',
    ],
    [
      'a re-export sideways',
      {
        'src/checks/planted.ts': `${header}export * from '../engine/planted.ts'\n`,
        'src/engine/planted.ts': `${header}export const a = 1\n`,
      },
      'layer checks: src/checks/planted.ts → src/engine/planted.ts',
    ],
    [
      'a dynamic import upwards',
      {
        'src/elf/planted.ts': `${header}export const a = () => import('../linux/planted.ts')\n`,
        'src/linux/planted.ts': header,
      },
      'layer elf: src/elf/planted.ts → src/linux/planted.ts',
    ],
    [
      'another file of a folder of which one file is allowed',
      { 'src/engine/planted.ts': `${header}import '../host/planted.ts'\n`, 'src/host/planted.ts': header },
      'layer engine: src/engine/planted.ts → src/host/planted.ts',
    ],
    [
      'node below session',
      { 'src/linux/planted.ts': `${header}import 'node:fs'\n` },
      'node:* only in host/node.ts and above session: src/linux/planted.ts → fs',
    ],
    [
      'node below session, as a type',
      { 'src/replay/planted.ts': `${header}import type { Stats } from 'node:fs'\nexport type S = Stats\n` },
      'node:* only in host/node.ts and above session: src/replay/planted.ts → fs',
    ],
    [
      'a package in a folder that may not use it',
      { 'src/x86/planted.ts': `${header}import 'zod'\n` },
      'package zod: src/x86/planted.ts → node_modules/zod/',
    ],
    [
      'a package that only tests may use',
      { 'src/cli/planted.ts': `${header}import 'fast-check'\n` },
      'package missing in layers.mjs: src/cli/planted.ts → node_modules/fast-check/',
    ],
    [
      'a folder that layers.mjs does not know',
      { 'src/shed/planted.ts': `${header}import '../base/planted.ts'\n`, 'src/base/planted.ts': header },
      'folder missing in layers.mjs: src/shed/planted.ts → src/base/planted.ts',
    ],
    [
      'a file of the tests',
      { 'src/ir/planted.ts': `${header}import '../../test/planted.ts'\n`, 'test/planted.ts': header },
      'src stands alone: src/ir/planted.ts → test/planted.ts',
    ],
    [
      'a circle of values',
      {
        'src/ir/planted.ts': `${header}import { b } from './second.ts'\nexport const a = () => b\n`,
        'src/ir/second.ts': `${header}import { a } from './planted.ts'\nexport const b = () => a\n`,
      },
      'cycle: src/ir/planted.ts → src/ir/second.ts',
    ],
    [
      'a file that is not there',
      { 'src/ir/planted.ts': `${header}import './nowhere.ts'\n` },
      'unresolvable: src/ir/planted.ts → ./nowhere.ts',
    ],
  ])('refused: %s', async (_what, files: Record<string, string>, refusal) => {
    using tree = plantedTree([], files)
    const report = await checkLayers(tree.root)
    expect(report.modules).toBeGreaterThan(0)
    expect(report.violations.filter((line) => line.startsWith(refusal))).toHaveLength(1)
  })

  test('refused among the real sources too', async () => {
    using tree = plantedTree(['src', 'package.json'], {
      'src/base/planted.ts': `${header}import '../cli/planted.ts'\n`,
      'src/cli/planted.ts': header,
    })
    const [clean, planted] = [await checkLayers(root), await checkLayers(tree.root)]
    expect(planted.modules).toBe(clean.modules + 2)
    expect(planted.violations).toContain('layer base: src/base/planted.ts → src/cli/planted.ts')
  })

  test('allowed: the arrows of layers.mjs', async () => {
    using tree = plantedTree([], {
      'src/base/planted.ts': `${header}export const a = 1\n`,
      'src/host/host.ts': `${header}import '../base/planted.ts'\n`,
      'src/host/node.ts': `${header}import 'node:fs'\nimport './host.ts'\n`,
      'src/engine/planted.ts': `${header}import '../host/host.ts'\nimport '../base/planted.ts'\n`,
      'src/cli/main.ts': `${header}import 'node:fs'\nimport 'commander'\nimport '../host/node.ts'\n`,
    })
    const report = await checkLayers(tree.root)
    expect(report).toEqual({ modules: 5, imports: 8, violations: [] })
  })

  test('the arrows themselves make no circle', () => {
    const folderOf = (target: string): string => target.split('/')[0]!
    const reaches = (from: string, seen: Set<string>): Set<string> => {
      for (const next of Object.keys(layers[from]!).map(folderOf)) {
        if (!seen.has(next)) reaches(next, seen.add(next))
      }
      return seen
    }
    const circles = Object.keys(layers).filter((folder) => reaches(folder, new Set()).has(folder))
    expect(circles).toEqual([])
    expect(deterministic.filter((folder) => !(folder in layers))).toEqual([])
  })

  test('every folder of src is named, and every arrow has a reason', () => {
    const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
    expect(folders.map((entry) => entry.name).filter((name) => !(name in layers))).toEqual([])
    const reasons = Object.values(layers).flatMap((arrows) => Object.values(arrows))
    expect(reasons.filter((reason) => reason.trim().split(' ').length < 2)).toEqual([])
  })
})
