/** Runs self-asserting C programs natively and in the machine: both must exit 0. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Engine } from '../../src/engine/run.ts'
import { NodeFiles, nodeWorld } from '../../src/host/node.ts'
import type { World } from '../../src/host/host.ts'
import { createMachine, restoreMachine, type Machine } from '../../src/linux/machine.ts'
import type { Ending } from '../../src/linux/state.ts'

const sources = join(import.meta.dirname, 'programs')
const work = mkdtempSync(join(tmpdir(), 'lemming-programs-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

/** The host as it was when it was first asked: others change /tmp while a test runs. */
const files = ((): Omit<World, 'readInput' | 'writeOutput'> => {
  const real = nodeWorld(new NodeFiles(), { readInput: () => new Uint8Array(0), writeOutput: () => {} })
  const once = <T>(ask: (path: string) => T): ((path: string) => T) => {
    const known = new Map<string, T>()
    return (path) => {
      if (!known.has(path)) known.set(path, ask(path))
      return known.get(path)!
    }
  }
  return {
    lstat: once((path) => real.lstat(path)),
    readlink: once((path) => real.readlink(path)),
    list: once((path) => real.list(path)),
    content: once((path) => real.content(path)),
  }
})()

/** Makes a machine that is about to run a program. What the program writes goes to `write`. */
function prepare(path: string, seed: number, write: (bytes: Uint8Array) => void): { machine: Machine; world: World } {
  const terminal = { readInput: () => new Uint8Array(0), writeOutput: (_fd: 1 | 2, bytes: Uint8Array) => write(bytes) }
  const world = { ...files, ...terminal }
  // The directory of the programs is readable by its owner only.
  const uid = process.getuid!()
  const options = { path, argv: [path], env: ['PATH=/usr/bin:/bin'], cwd: '/tmp', seed, world, uid, gid: uid }
  return { machine: createMachine({ ...options, processor: new Engine({ callDepth: 100 }) }), world }
}

/** Runs a program in a machine to its end. */
function runInMachine(path: string, seed: number): { ended: Ending | null; output: string; hash: string } {
  let output = ''
  const { machine } = prepare(path, seed, (bytes) => void (output += Buffer.from(bytes).toString()))
  const { ended } = machine.advance(2e9)
  return { ended, output, hash: machine.hash() }
}

/** As runInMachine, but every `slice` instructions the machine is saved, thrown away, and another one made from the copy. */
function runInPieces(
  path: string,
  seed: number,
  slice: number,
): { ended: Ending | null; pieces: number; hash: string } {
  const first = prepare(path, seed, () => {})
  let machine = first.machine
  for (let pieces = 1; ; pieces++) {
    const { count, ended } = machine.advance(machine.state.count + slice)
    if (ended !== null || count >= 2e9) return { ended, pieces, hash: machine.hash() }
    const snapshot = machine.save()
    machine = restoreMachine(snapshot, { world: first.world, processor: new Engine({ callDepth: 100 }) })
  }
}

describe('programs that check their own calls', () => {
  for (const file of readdirSync(sources).filter((name) => name.endsWith('.c'))) {
    for (const how of ['dynamic', 'static']) {
      it(`${file}, ${how}`, () => {
        const path = join(work, `${file}-${how}`)
        const mode = how === 'static' ? ['-static'] : []
        execFileSync('gcc', [
          '-Wall',
          '-Wextra',
          '-Werror',
          '-O1',
          ...mode,
          '-o',
          path,
          join(sources, file),
          '-pthread',
        ])
        expect(execFileSync(path, { encoding: 'utf8' })).toBe('')
        const seeds = file === 'threads.c' ? [0, 1, 2, 3, 4] : [0]
        for (const seed of seeds)
          expect(runInMachine(path, seed)).toMatchObject({ ended: { kind: 'exit', code: 0 }, output: '' })
      })
    }
  }

  it('run on from a copy as if nothing had happened', () => {
    const path = join(work, 'threads')
    execFileSync('gcc', ['-O1', '-static', '-o', path, join(sources, 'threads.c'), '-pthread'])
    const whole = runInMachine(path, 7)
    const { ended, pieces, hash } = runInPieces(path, 7, 2503)
    expect(pieces).toBeGreaterThan(5)
    expect({ ended, hash }).toEqual({ ended: whole.ended, hash: whole.hash })
  })
})
