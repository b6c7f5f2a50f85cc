/** Stacks of programs of the system, of which only call frame information is known, are those that gdb finds in their cores; `unwinding.ts` is the long form. */
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { compareProgram, programs } from './unwinding.ts'

test.each(['/usr/bin/sort', '/usr/bin/gawk'].filter((one) => existsSync(one)))(
  '%s at moments drawn at random',
  { timeout: 60_000 },
  async (program) => {
    const command = programs.find(([name]) => name === program)!
    const { frames, different } = (await compareProgram(command, 3, 2))!
    expect(different).toEqual([])
    // Where the moments lie depends on the environment.
    expect(frames).toBeGreaterThan(3)
  },
)
