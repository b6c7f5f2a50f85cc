/**
 * The store in Rust, on the crates that sled is made of and on sled itself, where Debian's sources of them (librust-…-dev) are installed:
 * as natively, the same twice, nothing found, and nothing flushed is lost with the power.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { Place } from '../e2e/lemming.ts'

/** Where sources of crates are: Debian's place for them, or a directory made by `cargo vendor`. */
const registry = process.env.LEMMING_TEST_CRATES ?? '/usr/share/cargo/registry'
const folder = join(import.meta.dirname, '../../examples/seglog/rust')

const place = new Place()
afterAll(() => place.remove())

function missing(crates: string[]): string[] {
  const there = existsSync(registry) ? readdirSync(registry) : []
  return crates.filter((crate) => !there.some((name) => name === crate || name.startsWith(`${crate}-`)))
}

/** Builds the package in `inner` of the example; the program. */
function build(inner: string, name: string): string {
  const target = join(place.path, `${name}.build`)
  cpSync(folder, target, { recursive: true, filter: (path) => !path.includes('/target') })
  mkdirSync(join(target, '.cargo'), { recursive: true })
  writeFileSync(
    join(target, '.cargo/config.toml'),
    `[source.crates-io]\nreplace-with = "here"\n[source.here]\ndirectory = ${JSON.stringify(registry)}\n`,
  )
  execFileSync('cargo', ['build', '-q', '--release', '--offline'], { cwd: join(target, inner), stdio: 'pipe' })
  return join(target, inner, 'target/release', name)
}

describe.each([
  ['kv', '.', ['crc32fast', 'crossbeam-epoch', 'fs2', 'fxhash', 'parking_lot']],
  ['kv-sled', 'sled', ['sled']],
])('%s', (name, inner, crates) => {
  test('as natively, sound, and safe from losses of power', { timeout: 900_000 }, ({ skip }) => {
    const cargo = spawnSync('cargo', ['--version']).status === 0
    skip(
      !cargo || missing(crates).length > 0,
      cargo ? `no crates ${missing(crates).join(', ')} in ${registry}` : 'no cargo',
    )
    const program = build(inner, name)
    const clear = (): void =>
      ['data', 'data.acked'].forEach((path) => rmSync(join(place.path, path), { recursive: true, force: true }))
    const native = spawnSync(program, ['data', '60'], { cwd: place.path, encoding: 'utf8' })
    expect(native).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining('60 operations') })
    clear()
    for (const [check, seed] of Object.entries({ none: '1', memory: '2', race: '3' })) {
      const run = () => place.json('run', ['--check', check, '--seed', seed, '--', program, 'data', '60'])
      const [first, second] = check === 'none' ? [run(), run()] : [run()]
      expect([first!.exitCode, first!.stdout.text, first!.stderr.text]).toEqual([0, native.stdout, ''])
      expect(first!.findings).toEqual([])
      if (second !== undefined) expect([second.instructions, second.hash]).toEqual([first!.instructions, first!.hash])
    }
    const lost = ['--check', 'none', '--fault', 'crash', '--recover', `${program} data check`, '--runs', '10']
    expect(place.json('hunt', [...lost, '--', program, 'data', '60']).failures).toEqual([])
  })
})
