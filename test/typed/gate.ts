/**
 * Exists as the long form of the comparison at drawn instructions: 10,000 of them, by all compilers that are there
 * (`node test/typed/gate.ts [INSTRUCTIONS [WIDTH]]`; PCS=1 lists them, KEEP=DIR keeps the programs). It fails above 0.5 %.
 *
 * What remains, with gcc 12, clang 14, rustc 1.95 and gdb 13 (27 of 10,013, all of them rustc at -O1 and -O2):
 *
 * - The discriminant of an enum, or the length of a slice, is in no place that the debugging information knows. gdb computes with zeros
 *   for the lost bytes and shows `None` or `[]`; we show `<optimized out>`.
 * - A location expression that reads through a lost register: gdb reads memory at 0 and fails, we say `<optimized out>`.
 *
 * Left out: -gsplit-dwarf, where addr2line knows no lines (questions.test.ts compares it with gdb), and -flto, which differs in the text of static members
 * whose symbol the linker has dropped (gdb: `Missing ELF symbol`, we: `<optimized out>`) and in arrays whose bounds are lost.
 *
 * Not counted, since one of the two oracles agrees or gdb is known to be wrong: lines where gdb prefers statements to what addr2line finds;
 * code without a line, where gdb shows the line before; generic arguments in names of C++ and Rust; other names of library functions;
 * members behind the last piece of a location, which gdb calls synthetic pointers; Rust strings whose meaningless length gdb cuts to 32 bits.
 */

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { run, temporaryDirectory } from '../elf/programs.ts'
import { compareDrawn, disagreements, drawnInstructions, linesByAddr2line } from './drawn.ts'

const TOTAL = Number(process.argv[2] ?? 10000)
const SEED = 5
const directory = temporaryDirectory()
const programs = (name: string): string => join(import.meta.dirname, 'programs', name)

const builds: { label: string; command: string; args: string[] }[] = []
for (const [compiler, source] of [
  ['gcc', 'work.c'],
  ['g++', 'work.cc'],
  ['clang', 'work.c'],
  ['clang++', 'work.cc'],
  ['clang-14', 'work.c'],
  ['clang++-14', 'work.cc'],
]) {
  if (!existsSync(`/usr/bin/${compiler}`)) continue
  for (const level of ['-O0', '-O1', '-O2'])
    for (const format of ['-gdwarf-5', '-gdwarf-4'])
      builds.push({
        label: `${compiler} ${level} ${format}`,
        command: compiler,
        args: ['-w', level, format, programs(source)],
      })
}
// Other places for the same information.
for (const [compiler, source] of [
  ['gcc', 'work.c'],
  ['g++', 'work.cc'],
] as const)
  for (const more of [['-gz'], ['-gdwarf-4', '-fdebug-types-section']])
    builds.push({
      label: `${compiler} -O2 ${more.join(' ')}`,
      command: compiler,
      args: ['-w', '-O2', '-g', ...more, programs(source)],
    })
if (spawnSync('rustc', ['--version']).status === 0)
  for (const level of [0, 1, 2])
    builds.push({
      label: `rustc -O${level}`,
      command: 'rustc',
      args: ['-g', '-Awarnings', '-C', `opt-level=${level}`, programs('work.rs')],
    })

let compared = 0
let wrong = 0
for (const [i, { label, command, args }] of builds.entries()) {
  const program = join(process.env.KEEP ?? directory, `gate${i}`)
  run(command, ['-o', program, ...args])
  const pcs = drawnInstructions(
    program,
    Math.ceil(TOTAL / builds.length),
    SEED + i,
    command === 'rustc' ? /4work/ : /./,
  )
  const { theirs, ours } = compareDrawn(directory, program, pcs)
  const classes = new Map<string, number>()
  let bad = 0
  const lines = linesByAddr2line(program, pcs)
  theirs.forEach((one, k) => {
    const found = disagreements(one, ours[k], lines[k])
    if (found.length > 0) bad++
    if (process.env.PCS)
      for (const text of found) process.stdout.write(`@${one.pc.toString(16)} ${text.slice(0, 150)}\n`)
    for (const text of found) classes.set(text, (classes.get(text) ?? 0) + 1)
  })
  compared += theirs.length
  wrong += bad
  process.stdout.write(`${label}: ${theirs.length} instructions, ${bad} disagree\n`)
  for (const [text, count] of [...classes].sort((a, b) => b[1] - a[1]).slice(0, 12))
    process.stdout.write(`  ${count} × ${text.slice(0, Number(process.argv[3] ?? 300))}\n`)
}
process.stdout.write(`${compared} instructions, ${wrong} disagree: ${((100 * wrong) / compared).toFixed(2)} %\n`)
process.exitCode = wrong / compared <= 0.005 ? 0 : 1
