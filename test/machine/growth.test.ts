/** What a machine keeps: room for large programs, and no traces of what a program has mapped, shared or started and given back. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { serialize } from 'node:v8'
import { beforeAll, expect, test } from 'vitest'
import { machineFor, scratch } from './machines.ts'

const directory = scratch()

beforeAll(() => {
  for (const name of ['pairs', 'large']) {
    const source = join(import.meta.dirname, 'programs', `${name}.c`)
    execFileSync('gcc', ['-w', '-O1', '-pthread', '-o', join(directory, name), source])
  }
})

/** Runs so many pairs and counts what is left. */
function after(pairs: number): Record<string, number> {
  const { machine } = machineFor(join(directory, 'pairs'), [String(pairs).padStart(6, '0')])
  expect(machine.advance(1e9).ended).toMatchObject({ kind: 'deadlock' })
  const { state, kernel } = machine
  const { space } = kernel.memories.get(1)!
  const sizes = {
    mappings: state.spaces.get(1)!.mappings.length,
    spaces: state.spaces.size,
    processes: state.processes.size,
    tasks: state.tasks.size,
    inodes: state.fs.inodes.size,
    segments: state.ipc.shm.objects.size,
    events: state.events.length,
    dirtied: space.dirtied.length,
  }
  const bytes = serialize(state).length
  machine.release()
  return { ...sizes, kilobytes: Math.round(bytes / 1024) }
}

test('nothing grows with mappings, threads and processes that come and go', () => {
  expect(after(3000)).toEqual(after(400))
})

test('a program of 1.5 GiB', () => {
  const { machine, output } = machineFor(join(directory, 'large'))
  const { ended } = machine.advance(1e9)
  expect({ ended, ...output }).toEqual({ ended: { kind: 'exit', code: 0 }, stdout: '1.5 GiB\n', stderr: '' })
  machine.release()
})
