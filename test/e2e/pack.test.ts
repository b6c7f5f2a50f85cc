/** Proves that the packed package installs and runs in a directory that knows nothing of this repository. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plantedTree, root } from '../house/tree.ts'

interface Packed {
  filename: string
  files: { path: string; mode: number }[]
}

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }

// npm tells the programs that it starts where its own package is; the npm that we start must find out for itself.
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_(package|lifecycle|config_local)|INIT_CWD)/.test(name)),
)

describe('npm pack, then npm install elsewhere', () => {
  let elsewhere = ''
  let packed: Packed

  beforeAll(() => {
    elsewhere = mkdtempSync(join(tmpdir(), 'lemming-elsewhere-'))
    // Packed in a copy: another run may be building dist/ here.
    const paths = ['package.json', '.npmrc', 'tsconfig.json', 'src', 'scripts']
    using tree = plantedTree([...paths, 'README.md', 'LICENSE', 'CHANGELOG.md', 'ARCHITECTURE.md'], {})
    const json = execFileSync('npm', ['pack', '--json', '--silent', '--pack-destination', elsewhere], {
      cwd: tree.root,
      env,
      encoding: 'utf8',
    })
    const answer = JSON.parse(json.slice(json.search(/^[[{]/m))) as Packed[] | Record<string, Packed>
    packed = Object.values(answer)[0]!
    writeFileSync(join(elsewhere, 'package.json'), JSON.stringify({ name: 'elsewhere', private: true }))
    execFileSync('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', `./${packed.filename}`], {
      cwd: elsewhere,
      env,
      stdio: 'pipe',
    })
  })

  afterAll(() => rmSync(elsewhere, { recursive: true, force: true }))

  const lemming = (...args: string[]) =>
    spawnSync(join(elsewhere, 'node_modules', '.bin', 'lemming'), args, { cwd: elsewhere, env, encoding: 'utf8' })

  test('holds the build, its papers, and nothing else', () => {
    const paths = packed.files.map((file) => file.path)
    expect(paths).toEqual(
      expect.arrayContaining(['dist/cli/main.js', 'dist/LICENCES.txt', 'package.json', 'README.md', 'LICENSE']),
    )
    expect(paths.filter((path) => !path.startsWith('dist/') && path.includes('/'))).toEqual([])
    // What a lemming.config.ts imports has types.
    expect(paths.filter((path) => path.endsWith('.ts'))).toEqual(['dist/cli/define-config.d.ts'])
    expect(packed.files.find((file) => file.path === 'dist/cli/main.js')!.mode & 0o111).toBe(0o111)
  })

  test('takes a configuration', () => {
    writeFileSync(
      join(elsewhere, 'lemming.config.ts'),
      "import { defineConfig } from 'lemming'\nexport default defineConfig({ env: { CONFIGURED: 'yes' } })\n",
    )
    const told = lemming('run', '--clean-env', '--', '/usr/bin/env')
    rmSync(join(elsewhere, 'lemming.config.ts'))
    expect([told.status, told.stdout, told.stderr]).toEqual([0, 'CONFIGURED=yes\n', ''])
  })

  test('tells its version', () => {
    const told = lemming('--version')
    expect([told.status, told.stdout.trim(), told.stderr]).toEqual([0, version, ''])
  })

  test('runs a program of this machine', () => {
    const ran = lemming('run', '--', '/bin/sh', '-c', 'echo hi; exit 3')
    expect([ran.status, ran.stdout]).toEqual([3, 'hi\n'])
  })
})
