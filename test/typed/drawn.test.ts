/** Holds functions, lines and variables against gdb and addr2line at instructions drawn at random; `gate.ts` does it 10,000 times. */

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compileFile, temporaryDirectory } from '../elf/programs.ts'
import { compareDrawn, disagreements, drawnInstructions, linesByAddr2line } from './drawn.ts'

const directory = temporaryDirectory()
const source = join(import.meta.dirname, 'programs', 'work.c')

test.each([
  ['-O0', '-gdwarf-5'],
  ['-O2', '-gdwarf-5'],
  ['-O2', '-gdwarf-4'],
])('functions, lines and variables at drawn instructions, gcc %s %s', (level, format) => {
  const program = compileFile(directory, source, ['-w', level, format])
  const pcs = drawnInstructions(program, 150, 7)
  const { theirs, ours } = compareDrawn(directory, program, pcs)
  const lines = linesByAddr2line(program, pcs)
  const variables = theirs.flatMap(({ frames }) => frames.flatMap((frame) => frame.variables))
  expect(theirs.length).toBe(150)
  expect(variables.length).toBeGreaterThan(400)
  expect(variables.filter((text) => !text.includes('<optimized out>')).length).toBeGreaterThan(250)
  expect(theirs.flatMap((one, i) => disagreements(one, ours[i], lines[i]))).toEqual([])
})
