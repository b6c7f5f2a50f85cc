/** Holds the addresses at which breakpoints stop, and what is asked by address and name, against gdb and the compiler. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Inspector } from '../../src/symbols/inspector.ts'
import { createInspector } from '../../src/symbols/inspector.ts'
import { createSymbolizer } from '../../src/symbols/symbolizer.ts'
import { inflateForTest } from '../elf/inflate.ts'
import { compileFile, run, temporaryDirectory } from '../elf/programs.ts'
import { readDebugFile } from './oracle.ts'

const directory = temporaryDirectory()
const programs = (name: string): string => join(import.meta.dirname, 'programs', name)

function inspectorOf(program: string): Inspector {
  const bytes = new Uint8Array(readFileSync(program))
  const modules = [{ path: program, bytes, bias: 0, start: 1, end: 2 ** 40 }]
  return createInspector(createSymbolizer({ modules, readDebugFile, inflate: inflateForTest }))
}

/** The addresses of gdb's breakpoints at each place, ascending; empty where it refuses. */
function breakpointsOfGdb(program: string, places: readonly string[]): number[][] {
  const script = `
import gdb, json
for place in ${JSON.stringify(places)}:
    addresses = []
    try:
        text = gdb.execute("break -qualified " + place if place[0].isalpha() and ":" not in place.replace("::", "") else "break " + place, to_string=True)
        number = text.split()[1]
        table = gdb.execute("info breakpoints " + number, to_string=True)
        addresses = sorted({int(word, 16) for line in table.split("\\n") for word in line.split() if word.startswith("0x0")})
        gdb.execute("delete " + number)
    except gdb.error as error:
        pass
    print("JSON" + json.dumps(addresses))
`
  const output = run('gdb', [
    '-q',
    '-batch',
    '-nx',
    '-ex',
    'set breakpoint pending off',
    '-ex',
    `python exec(${JSON.stringify(script)})`,
    program,
  ])
  return output
    .split('\n')
    .filter((line) => line.startsWith('JSON'))
    .map((line) => JSON.parse(line.slice(4)) as number[])
}

describe.each([
  ['work.c', '-O0'],
  ['work.c', '-O2'],
  ['values.c', '-O1'],
  ['classes.cc', '-O0'],
])('breakpoints in %s %s', (source, level) => {
  test('are where gdb has them: functions by name, and every line', () => {
    const program = compileFile(directory, programs(source), ['-g', '-w', level])
    const text = readFileSync(programs(source), 'utf8').split('\n')
    const functions = {
      'work.c': 'main deep hash parse norm fill clamp insert',
      'values.c': 'main work twice',
      'classes.cc': 'main use shapes::Square::area shapes::Square::tagOf overloaded',
    }[source]!.split(' ')
    const lines = text.flatMap((line, i) => (/;\s*$/.test(line) && line.startsWith('  ') ? [`${source}:${i + 1}`] : []))
    const places = [...functions, ...lines, 'nowhere', `${source}:99999`]
    const inspector = inspectorOf(program)
    const ours = places.map((place) => {
      try {
        return inspector
          .breakpoint(place)
          .map(({ address }) => address)
          .sort((a, b) => a - b)
      } catch {
        return []
      }
    })
    const theirs = breakpointsOfGdb(program, places)
    const shown = (list: number[][]): string[] =>
      places.map((place, i) => `${place}: ${list[i].map((one) => one.toString(16)).join(' ')}`)
    expect(shown(ours)).toEqual(shown(theirs))
  })
})
