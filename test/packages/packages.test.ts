/** Runs packaged programs and what compilers make: output and exit code as natively, and the same run for the same seed. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { machineFor, newEngine, scratch } from '../machine/machines.ts'
import { packaged, type Packaged } from './commands.ts'

const engine = newEngine()
const built = scratch()
const sources = join(import.meta.dirname, 'programs')
const base = { PATH: '/usr/bin:/bin', HOME: '/nonexistent', LANG: 'C.UTF-8', TZ: 'UTC0' }
/** More instructions than any of them needs. */
const LIMIT = 20_000_000_000

const found = (path: string): boolean => existsSync(path.replace('$D', built))

beforeAll(() => {
  execFileSync('gcc', ['-O1', '-pthread', '-o', join(built, 'mallocs'), join(sources, 'mallocs.c')])
  const cpp = ['-std=c++20', '-O1', '-pthread', '-mcx16', '-o', join(built, 'threads'), join(sources, 'threads.cpp')]
  execFileSync('g++', [...cpp, '-latomic'])
  // Whoever has no Rust misses one test.
  spawnSync('rustc', ['-O', '-o', join(built, 'channels'), join(sources, 'channels.rs')])
}, 120_000)

/** Runs `use` in an empty directory in which `setup` has been executed natively. */
function inDirectory<T>(setup: string, env: Record<string, string>, use: (dir: string) => T): T {
  const dir = mkdtempSync(join(tmpdir(), 'lemming-packages-'))
  const inner = join(dir, 'd')
  try {
    mkdirSync(inner)
    expect(
      spawnSync('sh', ['-c', `${setup}\nfind . -exec touch -h -d 2020-01-01 {} +`], { cwd: inner, env }).status,
    ).toBe(0)
    return use(inner)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function wordsOf({ argv }: Packaged): string[] {
  return argv.map((word) => word.replace('$D', built))
}

describe.each(packaged)('$name', (command) => {
  test('as natively', { timeout: 600_000 }, ({ skip }) => {
    const missing = command.needs.filter((path) => !found(path))
    skip(missing.length > 0, `not installed: ${missing.join(', ')}`)
    const [path, ...args] = wordsOf(command) as [string, ...string[]]
    const env = { ...base, ...command.env }
    inDirectory(command.setup ?? ':', base, (cwd) => {
      const runs = command.needs[0]!.startsWith('$D') ? [0, 1] : [0]
      const [first, second] = runs.map(() => {
        const { machine, output } = machineFor(path, args, {
          cwd,
          env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
          processor: engine,
        })
        const { ended, count } = machine.advance(LIMIT)
        const hash = machine.hash()
        machine.release()
        return { told: { code: ended?.kind === 'exit' ? ended.code : ended, ...output }, count, hash }
      })
      const { status, stdout, stderr } = spawnSync(path, args, {
        cwd,
        env,
        input: '',
        encoding: 'latin1',
      })
      expect(first!.told).toEqual({ code: status, stdout, stderr })
      if (second !== undefined) expect(second).toEqual(first)
    })
  })
})
