/** Runs self-asserting C programs natively and in the machine: both must exit 0. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Engine } from '../../src/engine/run.ts'
import { NodeFiles, nodeWorld } from '../../src/host/node.ts'
import { createMachine } from '../../src/linux/machine.ts'
import type { Ending } from '../../src/linux/state.ts'

const sources = join(import.meta.dirname, 'programs')
const work = mkdtempSync(join(tmpdir(), 'lemming-programs-'))
afterAll(() => rmSync(work, { recursive: true, force: true }))

/** Runs a program in a machine to its end. */
function runInMachine(path: string, seed: number): { ended: Ending | null; output: string } {
  let output = ''
  const world = nodeWorld(new NodeFiles(), {
    readInput: () => new Uint8Array(0),
    writeOutput: (_fd, bytes) => void (output += Buffer.from(bytes).toString()),
  })
  // The directory of the programs is readable by its owner only.
  const uid = process.getuid!()
  const options = { path, argv: [path], env: ['PATH=/usr/bin:/bin'], cwd: '/tmp', seed, world, uid, gid: uid }
  const machine = createMachine({ ...options, processor: new Engine({ callDepth: 100 }) })
  const { ended } = machine.advance(2e9)
  return { ended, output }
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
          expect(runInMachine(path, seed)).toEqual({ ended: { kind: 'exit', code: 0 }, output: '' })
      })
    }
  }
})
