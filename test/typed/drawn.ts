/** Exists to compare lines, inlined calls and variables with gdb and addr2line at instructions that are drawn at random. */

import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nextBelow, randomFrom } from '../../src/base/random.ts'
import { parseElf } from '../../src/elf/file.ts'
import type { InspectedFrame, Inspector, ThreadState } from '../../src/symbols/inspector.ts'
import { createInspector } from '../../src/symbols/inspector.ts'
import { DWARF_REGISTER } from '../../src/symbols/cfi/registers.ts'
import { createSymbolizer } from '../../src/symbols/symbolizer.ts'
import { inflateForTest } from '../elf/inflate.ts'
import { run } from '../elf/programs.ts'
import { readCore } from '../symbols/core.ts'
import { readDebugFile, threadsOf } from './oracle.ts'

/** What is known of one instruction: the functions it belongs to, innermost first, with lines; and their variables as text. */
export interface Seen {
  readonly pc: number
  readonly frames: readonly { readonly name: string; readonly line: number; readonly variables: readonly string[] }[]
}

/**
 * Stands at each of `pcs` in turn, with registers that lead into memory that is there, and tells the frames up to the first that is
 * not inlined. The registers mean nothing: both sides are to find the same meaningless values in the same places.
 */
const script = `
import gdb, json

NAMES = "rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15".split()

def variables(frame):
    frame.select()
    lines = []
    for command in ("info args", "info locals"):
        text = gdb.execute(command, to_string=True)
        # Values may have several lines; names begin lines.
        lines += [line for line in text.split("\\n") if line not in ("", "No locals.", "No arguments.", "No symbol table info available.")]
    return lines

gdb.newest_frame().select()
gdb.execute("set language c")
base = int(gdb.parse_and_eval("$rsp")) - 2048
buffer = int(gdb.parse_and_eval("(unsigned long)&SCRATCH"))
bias = int(gdb.parse_and_eval("(unsigned long)&SCRATCH")) - ANCHOR_ADDRESS
for i, name in enumerate(NAMES):
    gdb.execute("set $%s = %d" % (name, buffer + i * 16))
gdb.execute("set $rsp = %d" % base)
gdb.execute("set $rbp = %d" % (base + 512))
print("JSON" + json.dumps({"registers": {name: str(int(gdb.parse_and_eval("$" + name))) for name in NAMES}, "bias": bias}))
gdb.execute("gcore CORE", to_string=True)
gdb.execute("set language auto")
for pc in PCS:
    try:
        gdb.execute("set $rip = %d" % (pc + bias))
        frame = gdb.newest_frame()
        frames = []
        while frame is not None:
            inlined = frame.type() == gdb.INLINE_FRAME
            frames.append({"name": frame.name() or "??", "line": frame.find_sal().line, "variables": variables(frame)})
            if not inlined:
                break
            frame = frame.older()
        print("JSON" + json.dumps({"pc": pc, "frames": frames}), flush=True)
    except (gdb.error, gdb.MemoryError, RuntimeError) as error:
        print("JSON" + json.dumps({"pc": pc, "frames": [], "error": str(error)}), flush=True)
`

/** Addresses of instructions' first bytes, drawn uniformly from the functions of `program` that `fits` fits, by a seed. */
export function drawnInstructions(program: string, count: number, seed: number, fits = /./): number[] {
  const listing = run('objdump', ['-d', '-j', '.text', '--no-show-raw-insn', program])
  const all = listing
    .split(/\n(?=[0-9a-f]{16} <)/)
    .filter((one) => fits.test(/^[0-9a-f]{16} <(.*)>:/.exec(one)?.[1] ?? ''))
    .flatMap((one) => [...one.matchAll(/^\s+([0-9a-f]+):\t/gm)].map(([, address]) => parseInt(address, 16)))
  const random = randomFrom(seed, 'instructions')
  return Array.from({ length: count }, () => all[nextBelow(random, all.length)])
}

/** gdb's and our view of the drawn instructions of `program`, which has a buffer called `scratch` and stops by itself. */
export function compareDrawn(
  directory: string,
  program: string,
  pcs: readonly number[],
): { theirs: Seen[]; ours: Seen[] } {
  const core = join(directory, 'drawn.core')
  const file = join(directory, 'drawn.py')
  const elf = parseElf(new Uint8Array(readFileSync(program)), program)
  const table = elf.symtab()!
  const anchor = Array.from({ length: table.count }, (_, i) => i).find((i) => table.nameOf(i) === 'scratch')!
  const text = script
    .replaceAll('SCRATCH', 'scratch')
    .replace('ANCHOR_ADDRESS', String(table.valueOf(anchor)))
    .replace('CORE', core)
    .replace('PCS', JSON.stringify(pcs))
  writeFileSync(file, text)
  const settings = [
    'pagination off',
    'width 0',
    'debuginfod enabled off',
    'print entry-values no',
    'max-value-size 16777216',
  ]
  const commands = [...settings.map((one) => `set ${one}`), 'run', 'disable pretty-printer', `source ${file}`]
  const { stdout, stderr } = spawnSync(
    'gdb',
    ['-q', '-batch', '-nx', ...commands.flatMap((command) => ['-ex', command]), program],
    {
      cwd: directory,
      encoding: 'utf8',
      maxBuffer: 1 << 30,
      env: { ...process.env, LC_ALL: 'C' },
    },
  )
  const lines = stdout
    .split('\n')
    .filter((line) => line.startsWith('JSON'))
    .map((line) => JSON.parse(line.slice(4)) as unknown)
  if (lines.length === 0) throw new Error(`gdb answered nothing:\n${stdout}${stderr}`)
  const { registers, bias } = lines.shift() as { registers: Record<string, string>; bias: number }
  const theirs = lines as Seen[]
  const { modules, readMemory } = readCore(core)
  const inspector = createInspector(createSymbolizer({ modules, readDebugFile, inflate: inflateForTest }))
  const others = threadsOf(new Uint8Array(readFileSync(core)))[0].otherRegister
  const ours = theirs.map(({ pc }) => ({
    pc,
    frames: seenAt(inspector, pc + bias, registers, { readMemory, otherRegister: others }),
  }))
  return { theirs, ours }
}

function seenAt(
  inspector: Inspector,
  pc: number,
  values: Record<string, string>,
  rest: Omit<ThreadState, 'registers'>,
): Seen['frames'] {
  const registers = new Uint32Array(34)
  for (const [name, number] of Object.entries(DWARF_REGISTER)) {
    const value = name === 'rip' ? BigInt(pc) : BigInt.asUintN(64, BigInt(values[name]))
    registers[number * 2] = Number(value & 0xffffffffn)
    registers[number * 2 + 1] = Number(value >> 32n)
  }
  const thread: ThreadState = { registers, ...rest }
  const { frames } = inspector.frames(thread, 2)
  const own: InspectedFrame[] = []
  for (const frame of frames) {
    own.push(frame)
    if (!frame.inlined) break
  }
  return own.map((frame) => ({
    name: frame.name ?? '??',
    line: frame.line ?? 0,
    variables: [...inspector.args(frame), ...inspector.locals(frame)].map(({ name, text }) => `${name} = ${text}`),
  }))
}

/**
 * The last part of a name, without generic arguments, parameters and results: gdb composes names of C++ and Rust from the entries, we
 * demangle the linker's, and they write arguments and unnamed things differently.
 */
function plainest(name: string): string {
  let plain = name.replace(/->|operator[<>]=?|operator\(\)/g, (match) => (match === '->' ? '' : 'operator'))
  for (let before = ''; before !== plain;) {
    before = plain
    plain = plain.replace(/<[^<>]*>|\([^()]*\)|\{[^{}]*\}|\[[^[\]]*\]/g, '')
  }
  return (
    plain
      .replace(/ const$/, '')
      .split(/::| /)
      .at(-1) ?? ''
  )
}

/**
 * Libraries have many names for one function, and gdb and we choose differently. Members behind the last piece of a location are lost; gdb
 * takes them for synthetic pointers.
 */
function withoutAliases(text: string): string {
  return text.replace(/(0x7f[0-9a-f]+) <[^>]*>/g, '$1').replaceAll('<synthetic pointer>', '<optimized out>')
}

/** Lines of the functions at each instruction, innermost first, by addr2line; 0 where it does not know. */
export function linesByAddr2line(program: string, pcs: readonly number[]): number[][] {
  const input = pcs.map((pc) => `0x${pc.toString(16)}\n`).join('')
  const lines: number[][] = []
  for (const line of run('addr2line', ['-a', '-i', '-e', program], { input }).split('\n')) {
    if (line.startsWith('0x')) lines.push([])
    else if (line !== '') lines.at(-1)!.push(Number(/:(\d+)/.exec(line)?.[1] ?? 0))
  }
  return lines
}

/**
 * The kinds of disagreement at one instruction; empty if there is none. A line is right if gdb or addr2line has it: they differ at lines
 * that go on without being statements, and at code without a line, where gdb shows the line before.
 */
export function disagreements(theirs: Seen, ours: Seen, lines: readonly number[]): string[] {
  const found: string[] = []
  // Between functions there is padding, which belongs to none.
  if (theirs.frames[0]?.name === '??' && ours.frames[0]?.name === '??') return []
  const names = (seen: Seen): string => seen.frames.map(({ name }) => plainest(name)).join(' < ')
  if (names(theirs) !== names(ours)) found.push(`functions: gdb ${names(theirs)}, ours ${names(ours)}`)
  else {
    theirs.frames.forEach(({ line, variables, name }, i) => {
      const other = ours.frames[i]
      if (line !== other.line && lines[i] !== other.line)
        found.push(`line of ${name}: gdb ${line}, ours ${other.line}, addr2line ${lines[i]}`)
      const [a, b] = [variables, other.variables].map((list) => list.map(withoutAliases).sort())
      // Of the meaningless length of a Rust string gdb takes 32 bits, and finds nothing.
      const isShort = (one: string): boolean =>
        one.endsWith(' = ""') && b.some((two) => two.startsWith(one.slice(0, -1)))
      a.filter((one) => !b.includes(one) && !isShort(one)).forEach((one) =>
        found.push(
          `variable in ${name}: gdb ${one}, ours ${b.find((two) => two.split(' ')[0] === one.split(' ')[0]) ?? 'nothing'}`,
        ),
      )
      b.filter((one) => !a.some((two) => two.split(' ')[0] === one.split(' ')[0])).forEach((one) =>
        found.push(`variable in ${name}: gdb nothing, ours ${one}`),
      )
    })
  }
  return found
}
