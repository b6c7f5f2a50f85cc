/** Exists to run groups of cases on this machine's processor through the C harness. */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Group, RESULT_HEAD, type Results } from './layout.ts'

/** Length, count, and room for code. */
const GROUP_HEAD = 8 + 256

const source = join(import.meta.dirname, 'harness.c')

/** The compiled harness; compiled again when its source changes. */
function harness(): string {
  const hash = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 16)
  const folder = join(tmpdir(), 'lemming-test')
  const binary = join(folder, `instruction-harness-${hash}`)
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true })
    const fresh = `${binary}.${process.pid}`
    execFileSync('gcc', ['-O1', '-Wall', '-Wextra', '-fno-stack-protector', '-o', fresh, source])
    renameSync(fresh, binary)
  }
  return binary
}

/** Executes every state of every group natively; one result buffer per group. */
export function executeNatively(groups: readonly Group[], stateSize: number, vector: boolean): Results[] {
  const total = groups.reduce((sum, g) => sum + GROUP_HEAD + g.states.length, 8)
  const input = new Uint8Array(total)
  const view = new DataView(input.buffer)
  view.setUint32(0, groups.length, true)
  view.setUint32(4, vector ? 1 : 0, true)
  let at = 8
  for (const g of groups) {
    view.setUint32(at, g.code.length, true)
    view.setUint32(at + 4, g.count, true)
    input.set(g.code, at + 8)
    input.set(g.states, at + GROUP_HEAD)
    at += GROUP_HEAD + g.states.length
  }
  const size = stateSize + RESULT_HEAD
  const run = spawnSync(harness(), { input, maxBuffer: total * 2 + 1_000_000 })
  if (run.status !== 0) throw new Error(`harness ended with ${run.status ?? run.signal}: ${String(run.stderr)}`)
  let from = 0
  return groups.map((g) => {
    const results = new Uint8Array(run.stdout.buffer, run.stdout.byteOffset + from, g.count * size)
    from += g.count * size
    return results
  })
}

/** Flags of this machine's processor, as /proc/cpuinfo names them. */
export function processorFlags(): ReadonlySet<string> {
  const line = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))
  return new Set(line === null ? [] : line[1]!.trim().split(/\s+/))
}
