/** Exists to ask gdb questions about a stopped program, and to hand the same moment of the same program to our inspector. */

import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Inspector, ThreadState } from '../../src/symbols/inspector.ts'
import { createInspector } from '../../src/symbols/inspector.ts'
import { ByteReader } from '../../src/elf/reader.ts'
import { DWARF_REGISTER } from '../../src/symbols/cfi/registers.ts'
import { createSymbolizer } from '../../src/symbols/symbolizer.ts'
import { inflateForTest } from '../elf/inflate.ts'
import { readCore } from '../symbols/core.ts'

/** A program at one moment: what gdb answered there, and the same for us. */
export interface Moment {
  /** gdb's answer to each question, errors as `ERR …`. */
  readonly answers: readonly string[]
  readonly inspector: Inspector
  readonly threads: readonly ThreadState[]
}

const script = `
import gdb, json

for question in QUESTIONS:
    try:
        answer = gdb.execute(question, to_string=True).rstrip("\\n")
    except (gdb.error, gdb.MemoryError) as error:
        answer = "ERR " + str(error)
    print("JSON" + json.dumps(answer), flush=True)
`

/**
 * Runs `program` under gdb by the commands `start` (the last one stops it), keeps its memory as a core, and asks gdb `questions`. Pretty
 * printers are off: gdb itself is the oracle.
 */
export function momentOf(
  directory: string,
  program: string,
  start: readonly string[],
  questions: readonly string[],
): Moment {
  const file = join(directory, 'questions.py')
  const core = join(directory, 'moment.core')
  writeFileSync(file, `QUESTIONS = ${JSON.stringify(questions)}\n${script}`)
  const commands = [
    'set pagination off',
    'set width 0',
    'set debuginfod enabled off',
    'set print entry-values no',
    'set language auto',
    ...start,
    'disable pretty-printer',
    `gcore ${core}`,
    `source ${file}`,
  ]
  const args = ['-q', '-batch', '-nx', ...commands.flatMap((command) => ['-ex', command]), program]
  // gdb may die of a question: what it answered before counts.
  const { stdout: output } = spawnSync('gdb', args, {
    cwd: directory,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, LC_ALL: 'C' },
  })
  const answers = output
    .split('\n')
    .filter((one) => one.startsWith('JSON'))
    .map((one) => JSON.parse(one.slice(4)) as string)
  if (answers.length === 0) throw new Error(`gdb answered nothing:\n${output}`)
  const { modules, readMemory } = readCore(core)
  const symbolizer = createSymbolizer({ modules, readDebugFile, inflate: inflateForTest })
  return {
    answers,
    inspector: createInspector(symbolizer),
    threads: threadsOf(new Uint8Array(readFileSync(core))).map((thread) => ({ ...thread, readMemory })),
  }
}

export function readDebugFile(path: string): Uint8Array | undefined {
  try {
    return new Uint8Array(readFileSync(path))
  } catch {
    return undefined
  }
}

/** Order of `user_regs_struct`. */
const ORDER =
  'r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base ds es fs gs'.split(
    ' ',
  )

const NT_PRSTATUS = 1
const NT_FPREGSET = 2
const NT_X86_XSTATE = 0x202

/** The threads of a core dump, the one that stopped first. */
export function threadsOf(core: Uint8Array): Omit<ThreadState, 'readMemory'>[] {
  const header = new ByteReader(core, 'core', 32)
  const phoff = header.u64()
  header.offset = 56
  const phnum = header.u16()
  const threads: { general: Map<string, Uint8Array>; registers: Uint32Array; fp?: Uint8Array; wide?: Uint8Array }[] = []
  for (let i = 0; i < phnum; i++) {
    const reader = new ByteReader(core, 'core', phoff + i * 56)
    if (reader.u32() !== 4) continue
    reader.u32()
    const [offset, , , size] = [reader.u64(), reader.u64(), reader.u64(), reader.u64()]
    for (let at = offset; at + 12 <= offset + size;) {
      const note = new ByteReader(core, 'core', at)
      const [nameSize, length, type] = [note.u32(), note.u32(), note.u32()]
      const start = at + 12 + Math.ceil(nameSize / 4) * 4
      const bytes = core.subarray(start, start + length)
      if (type === NT_PRSTATUS) threads.push(generalRegisters(bytes.subarray(112)))
      if (type === NT_FPREGSET) threads.at(-1)!.fp = bytes
      if (type === NT_X86_XSTATE) threads.at(-1)!.wide = bytes
      at = start + Math.ceil(length / 4) * 4
    }
  }
  return threads.map(({ general, registers, fp, wide }) => ({
    registers,
    otherRegister(name) {
      const vector = /^([xy])mm(\d+)$/.exec(name)
      if (vector !== null && fp !== undefined) {
        const low = fp.subarray(160 + Number(vector[2]) * 16, 176 + Number(vector[2]) * 16)
        if (vector[1] === 'x') return low
        const both = new Uint8Array(32)
        both.set(low)
        if (wide !== undefined) both.set(wide.subarray(576 + Number(vector[2]) * 16, 592 + Number(vector[2]) * 16), 16)
        return both
      }
      const stack = /^st(\d)$/.exec(name)
      if (stack !== null) return fp?.subarray(32 + Number(stack[1]) * 16, 42 + Number(stack[1]) * 16)
      if (name === 'mxcsr') return fp?.subarray(24, 28)
      const bytes = general.get(name)
      return /^(eflags|[csdefg]s)$/.test(name) ? bytes?.subarray(0, 4) : bytes
    },
  }))
}

function generalRegisters(bytes: Uint8Array): { general: Map<string, Uint8Array>; registers: Uint32Array } {
  const general = new Map(ORDER.map((name, i) => [name, bytes.subarray(i * 8, i * 8 + 8)]))
  const registers = new Uint32Array(34)
  for (const [name, number] of Object.entries(DWARF_REGISTER)) {
    const value = general.get(name)!
    const view = new DataView(value.buffer, value.byteOffset, 8)
    registers[number * 2] = view.getUint32(0, true)
    registers[number * 2 + 1] = view.getUint32(4, true)
  }
  return { general, registers }
}
