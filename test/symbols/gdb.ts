/** Exists to ask gdb for the stacks that our unwinder is compared with. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RegisterFile } from '../../src/symbols/cfi/registers.ts'
import { DWARF_REGISTER, REGISTER_COUNT } from '../../src/symbols/cfi/registers.ts'
import { run } from '../elf/programs.ts'

/** gdb's types of frames without code of their own. */
export const INLINED = 2
export const TAIL_CALL = 3

/** A frame as gdb sees it. Numbers of 64 bits are decimal strings. */
interface GdbFrame {
  readonly pc: string
  readonly name: string | null
  /** gdb's type: 0 normal, 4 signal trampoline. */
  readonly type: number
  readonly line: number
  /** Callee-saved registers of the frame. */
  readonly saved: Record<string, string>
}

export interface GdbStack {
  readonly registers: Record<string, string>
  readonly frames: readonly GdbFrame[]
  /** Hexadecimal bytes from `stackStart` on, where the script dumps them. */
  readonly stack?: string
  readonly stackStart?: string
}

const script = `
import gdb, json

NAMES = "rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip".split()
SAVED = "rbx rbp r12 r13 r14 r15 rsp".split()

def value(frame, name):
    try:
        return str(int(frame.read_register(name)) & ((1 << 64) - 1))
    except gdb.MemoryError:
        return "unreadable"

def stack_of_selected_thread():
    frame = gdb.newest_frame()
    registers = {name: value(frame, name) for name in NAMES}
    frames = []
    while frame is not None:
        saved = {name: value(frame, name) for name in SAVED}
        frames.append({"pc": str(frame.pc()), "name": frame.name(), "type": frame.type(), "line": frame.find_sal().line, "saved": saved})
        frame = frame.older()
    return {"registers": registers, "frames": frames}

def show(value):
    print("JSON" + json.dumps(value))
`

/** Runs `program` under gdb with the given gdb commands, then `python`, and returns what that shows. */
export function askGdb(directory: string, program: string, commands: readonly string[], python: string): GdbStack[] {
  const file = join(directory, 'ask.py')
  writeFileSync(file, script + python)
  const args = [
    'set pagination off',
    'set backtrace past-main on',
    'set backtrace past-entry on',
    'set debuginfod enabled off',
    ...commands,
    `source ${file}`,
  ]
  const output = run('gdb', ['-q', '-batch', '-nx', ...args.flatMap((command) => ['-ex', command]), program], {
    cwd: directory,
  })
  return output
    .split('\n')
    .filter((line) => line.startsWith('JSON'))
    .flatMap((line) => JSON.parse(line.slice(4)) as GdbStack[])
}

/** A register file with gdb's values. */
export function registersOf(stack: GdbStack): RegisterFile {
  const file = new Uint32Array(REGISTER_COUNT * 2)
  for (const [name, number] of Object.entries(DWARF_REGISTER)) {
    const value = BigInt(stack.registers[name])
    file[number * 2] = Number(value & 0xffffffffn)
    file[number * 2 + 1] = Number(value >> 32n)
  }
  return file
}
