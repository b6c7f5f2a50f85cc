/** Runs shells, tools and interpreters that start other programs: output and exit code as natively, for several seeds, each twice with equal counts and states. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { machineFor, newEngine } from '../machine/machines.ts'
import { commands, type Command } from './commands.ts'

const engine = newEngine()
const env = { PATH: '/usr/bin:/bin', HOME: '/nonexistent', LANG: 'C', TZ: 'UTC0' }

/** More instructions than any of them needs. */
const LIMIT = 20_000_000_000

/** Runs `use` in an empty directory in which `setup` has been executed natively; files are as old as the machine's clock wants them. */
function inDirectory<T>(setup: string | undefined, use: (dir: string) => T): T {
  const dir = mkdtempSync(join(tmpdir(), 'lemming-scripts-'))
  try {
    const prepare = `${setup ?? ':'}\nfind . -exec touch -h -d 2020-01-01 {} +`
    expect(spawnSync('sh', ['-c', prepare], { cwd: dir, env: { ...env, HOME: dir } }).status).toBe(0)
    return use(dir)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function inMachine({ argv }: Command, cwd: string, seed: number): { told: object; state: object } {
  const [path, ...args] = argv
  const words = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const { machine, output } = machineFor(path!, args, { seed, cwd, env: words, processor: engine })
  const { ended, count } = machine.advance(LIMIT)
  const code = ended?.kind === 'exit' ? ended.code : ended?.kind === 'signal' ? 128 + ended.signal : null
  const state = { count, hash: machine.hash(), unknown: machine.state.unknownCalls, spaces: machine.state.spaces.size }
  machine.release()
  return { told: { code, ...output }, state }
}

const SIGNALS: Record<string, number> = { SIGTERM: 15, SIGKILL: 9, SIGINT: 2, SIGHUP: 1, SIGSEGV: 11, SIGABRT: 6 }

describe.each(commands)('$name', (command) => {
  test('as natively', { timeout: 600_000 }, () => {
    inDirectory(command.setup, (cwd) => {
      const runs = command.seeds.map((seed) => [inMachine(command, cwd, seed), inMachine(command, cwd, seed)])
      const [path, ...args] = command.argv
      const { status, signal, stdout, stderr } = spawnSync(path!, args, { cwd, env, input: '', encoding: 'latin1' })
      const code = status ?? 128 + (SIGNALS[signal!] ?? 0)
      for (const [first, second] of runs) {
        expect(first!.told).toEqual({ code, stdout, stderr })
        expect(first!.state).toMatchObject({ unknown: [] })
        expect(second).toEqual(first)
      }
    })
  })
})
