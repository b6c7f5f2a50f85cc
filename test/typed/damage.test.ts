/** Holds that damaged debugging information gives answers or errors with names, never crashes or walks without end. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LemmingError } from '../../src/base/errors.ts'
import { nextBelow, randomFrom } from '../../src/base/random.ts'
import { parseElf } from '../../src/elf/file.ts'
import { createInspector } from '../../src/symbols/inspector.ts'
import { createSymbolizer } from '../../src/symbols/symbolizer.ts'
import { inflateForTest } from '../elf/inflate.ts'
import { compileFile, temporaryDirectory } from '../elf/programs.ts'
import { readCore } from '../symbols/core.ts'
import { momentOf } from './oracle.ts'

const directory = temporaryDirectory()

test('every question to damaged information is answered, or refused by name', () => {
  const program = compileFile(directory, join(import.meta.dirname, 'programs', 'values.c'), ['-g', '-w', '-O2'])
  const { threads } = momentOf(directory, program, ['run'], ['print 1'])
  const { modules } = readCore(join(directory, 'moment.core'))
  const own = modules.find(({ path }) => path === program)!
  const sections = parseElf(own.bytes, program).sections.filter(({ name }) =>
    /^\.debug_(info|abbrev|loclists|str|rnglists)$/.test(name),
  )
  const random = randomFrom(3, 'damage')
  const outcomes = new Map<string, number>()
  const attempt = <T>(question: () => T): T | undefined => {
    let outcome = 'answered'
    try {
      return question()
    } catch (error) {
      if (!(error instanceof LemmingError) || error.code === 'internal') throw error
      outcome = error.code
      return undefined
    } finally {
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
  }
  for (let round = 0; round < 250; round++) {
    const bytes = new Uint8Array(readFileSync(program))
    const { offset, size } = sections[nextBelow(random, sections.length)]
    for (let k = nextBelow(random, 30); k >= 0; k--) bytes[offset + nextBelow(random, size)] = nextBelow(random, 256)
    const symbolizer = createSymbolizer({
      modules: [{ ...own, bytes }],
      readDebugFile: () => undefined,
      inflate: inflateForTest,
    })
    const inspector = createInspector(symbolizer)
    for (const frame of attempt(() => inspector.frames(threads[0]).frames) ?? []) {
      attempt(() => [inspector.args(frame), inspector.locals(frame), inspector.describeFrame(frame)])
      for (const text of ['everything', 'points', 'vla', 'bits', 'e->next'])
        attempt(() => [inspector.print(text, { frame }), inspector.ptype(text, { frame })])
    }
    for (const text of ['everything', '*flexible', '(struct point *)0', 'work::calls'])
      attempt(() => inspector.print(text, { thread: threads[0] }))
    for (const place of ['work', 'values.c:70']) attempt(() => inspector.breakpoint(place))
  }
  expect(outcomes.get('answered')).toBeGreaterThan(1000)
  expect([...outcomes.keys()].some((code) => code.startsWith('dwarf-'))).toBe(true)
})
