/** What a processor keeps of an address space in which a program is executed again and again, as a hunt does: code that each run comes by once or twice is never translated, however many runs there are. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { machineFor, newEngine, scratch } from './machines.ts'

/** Its loop is a run: `often` is come by forty times in each, `twice` two times. */
const SOURCE = `
.globl _start
_start:
  mov $40, %ebx
often:
  call leaf
  dec %ebx
  jnz often
  mov $2, %ebx
twice:
  call other
  dec %ebx
  jnz twice
  jmp _start
leaf:
  inc %ecx
  ret
other:
  inc %edx
  ret
`

/** Instructions of one. */
const LENGTH = 213

test('only what each run comes by often is translated', () => {
  const directory = scratch()
  const [source, program] = [join(directory, 'lives.s'), join(directory, 'lives')]
  writeFileSync(source, SOURCE)
  execFileSync('gcc', ['-nostdlib', '-static', '-o', program, source])
  const engine = newEngine()
  const { machine } = machineFor(program, [], { processor: engine })
  const [{ space }] = [...machine.kernel.memories.values()]
  const translated = (runs: number): number => {
    for (let i = 0; i < runs; i++) {
      machine.advance(machine.state.count + LENGTH)
      space.endLife()
    }
    return engine.statistics().regions
  }
  const early = translated(256)
  expect(early).toBeGreaterThan(0)
  expect(translated(2000)).toBe(early)
  machine.release()
})
