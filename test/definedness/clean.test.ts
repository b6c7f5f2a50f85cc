/** Clean code, which computes no V bits, leaves the same ones as code that computes all of them: in registers, in memory, and in what is told. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CpuState } from '../../src/engine/cpu-state.ts'
import { Engine } from '../../src/engine/run.ts'
import { GuardedHeap } from '../../src/heap/guarded.ts'
import { REG, registers } from '../../src/ir/registers.ts'
import type { Machine } from '../../src/linux/machine.ts'
import { machineFor, scratch } from '../machine/machines.ts'

const folder = import.meta.dirname
const place = scratch()

/** The interpreter's code is full code; regions are clean code wherever that will do. */
const engines = {
  full: new Engine({ callDepth: 400, interpret: 'always' }),
  clean: new Engine({ callDepth: 400, interpret: 'never' }),
  mixed: new Engine({ callDepth: 400, interpret: 'soon' }),
}

function build(source: string, ...options: string[]): string {
  const path = join(place, `${source.replaceAll(/[./]/g, '-')}${options.join('')}`)
  execFileSync('gcc', ['-g', '-pthread', '-w', ...options, '-o', path, join(folder, source), '-lm'])
  return path
}

/** Here functions of strings leave in registers that they need not keep what they have read beyond the strings; in clean code that counts as defined. */
const STRINGS = 'programs/strings.c'

/** Everything that is known of definedness at a moment, but for what lies below the stack pointers, whose red zones are made undefined by blocks. */
function known(machine: Machine): unknown {
  const { state, definedness } = machine.save()
  const tasks = [...state.tasks.values()].map(({ tid, cpu }) => [
    tid,
    cpu.slice(registers[REG.gprUndefined]!.offset, registers[REG.gprUndefined + 15]!.offset + 8).join(),
    cpu.slice(registers[REG.xmmUndefined]!.offset, registers[REG.xmmUndefined + 15]!.offset + 16).join(),
  ])
  const stacks = [...state.tasks.values()].map(({ cpu }) => new CpuState(cpu).gprNumber(REG.rsp))
  const pages: unknown[] = []
  for (const image of definedness!.values()) {
    image.pages.forEach((page, i) => {
      const bytes = image.bits.slice(i * 4096, i * 4096 + 4096)
      for (const stack of stacks) {
        const [from, to] = [stack - 8192 - page * 4096, stack - page * 4096]
        if (from < 4096 && to > 0) bytes.fill(0, Math.max(0, from), Math.min(4096, to))
      }
      if (bytes.some((byte) => byte !== 0)) pages.push([page, Buffer.from(bytes).toString('base64')])
    })
  }
  return { tasks, pages }
}

describe.each([
  ['programs/uses.c', '-O1'],
  ['programs/exact.c', '-O2'],
  [STRINGS, '-O1'],
  ['../checks/yardstick/undefined.c', '-O1'],
  ['../checks/yardstick/frees.c', '-O0'],
  ['../checks/yardstick/below.c', '-O1'],
  ['../checks/yardstick/threads.c', '-O1'],
])('%s, %s', (source, optimise) => {
  const path = build(source, '-fno-builtin', optimise)

  function course(processor: Engine): { told: unknown[]; seen: unknown[] } {
    const { machine } = machineFor(path, source === STRINGS ? ['x'] : [], {
      processor,
      ownHeap: new GuardedHeap({ quarantine: 1 << 20 }),
      definedness: true,
    })
    const told: unknown[] = []
    const hear = (event: unknown): void => void told.push(structuredClone(event))
    machine.addObserver({ name: 'listener', accesses: true, undefined: hear, heap: hear })
    const seen: unknown[] = []
    while (machine.state.ended === null && machine.state.count < 1_000_000) {
      machine.advance(machine.state.count + 50_021)
      if (machine.state.ended === null) seen.push([machine.state.count, source === STRINGS ? '' : known(machine)])
    }
    seen.push(`${machine.state.count} ${machine.hash()}`)
    machine.release()
    return { told, seen }
  }

  const full = course(engines.full)

  test.each(['clean', 'mixed'] as const)('%s', (which) => {
    const before = engines[which].statistics().deopts
    const { told, seen } = course(engines[which])
    // Each function is left once for each of its loads, until it is known that these mean no harm.
    if (source === STRINGS && which === 'clean') expect(engines[which].statistics().deopts - before).toBeLessThan(2000)
    expect(told).toEqual(full.told)
    expect(seen.length).toBe(full.seen.length)
    seen.forEach((one, i) => expect(one).toEqual(full.seen[i]))
    expect(JSON.stringify(source === STRINGS ? full.told : full.seen).length).toBeGreaterThan(1000)
    expect(engines[which].statistics().regions).toBeGreaterThan(5)
  })
})
