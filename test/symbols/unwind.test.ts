/** Exists to hold the unwinder against gdb: on stopped programs of many kinds, and at every single instruction of others. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Symbolizer } from '../../src/symbols/symbolizer.ts'
import { createSymbolizer } from '../../src/symbols/symbolizer.ts'
import { nextBelow, randomFrom } from '../../src/base/random.ts'
import { parseElf } from '../../src/elf/file.ts'
import { register, registerFile } from '../../src/symbols/cfi/registers.ts'
import { inflateForTest } from '../elf/inflate.ts'
import { compileFile, temporaryDirectory } from '../elf/programs.ts'
import type { Core } from './core.ts'
import { readCore } from './core.ts'
import type { GdbStack } from './gdb.ts'
import { askGdb, INLINED, registersOf, TAIL_CALL } from './gdb.ts'

const directory = temporaryDirectory()
const programs = (name: string): string => join(import.meta.dirname, 'programs', name)

interface Stopped {
  readonly stacks: GdbStack[]
  readonly core: Core
  readonly symbolizer: Symbolizer
}

function readDebugFile(path: string): Uint8Array | undefined {
  try {
    return new Uint8Array(readFileSync(path))
  } catch {
    return undefined
  }
}

/** Runs `program` under gdb until it stops, and keeps its memory and gdb's stacks of all threads. */
function stop(program: string, passed: readonly string[] = []): Stopped {
  const path = join(directory, 'core')
  const handle = passed.map((signal) => `handle ${signal} nostop noprint pass`)
  const python =
    'show([(thread.switch(), stack_of_selected_thread())[1] for thread in gdb.selected_inferior().threads()])\n'
  const stacks = askGdb(directory, program, [...handle, 'run', `gcore ${path}`], python)
  const core = readCore(path)
  return {
    stacks,
    core,
    symbolizer: createSymbolizer({ modules: core.modules, readDebugFile, inflate: inflateForTest }),
  }
}

/** The frames that have code of their own, as text. A thread caught at its very start has a null return address, which gdb shows as a frame. */
function framesOf(stack: GdbStack): string[] {
  return stack.frames
    .filter(({ type, pc }, i) => type !== INLINED && type !== TAIL_CALL && (i === 0 || BigInt(pc) !== 0n))
    .map(({ pc, saved }) => `${BigInt(pc).toString(16)} sp ${saved.rsp}`)
}

function ours({ symbolizer, core }: Stopped, stack: GdbStack): string[] {
  const { frames } = symbolizer.unwind(registersOf(stack), core.readMemory)
  return frames.map(({ pc, registers }) => `${pc.toString(16)} sp ${register(registers, 7)}`)
}

const variants: Record<string, readonly string[]> = {
  'optimised, position-independent': ['-g', '-O2', '-pthread'],
  'not optimised': ['-g', '-O0', '-pthread'],
  'not position-independent': ['-g', '-O1', '-no-pie', '-pthread'],
  static: ['-g', '-O2', '-static', '-pthread'],
  'with .debug_frame only': ['-g', '-O2', '-fno-asynchronous-unwind-tables', '-pthread'],
  'with compressed .debug_frame': ['-g', '-O2', '-fno-asynchronous-unwind-tables', '-gz', '-pthread'],
  'without .eh_frame_hdr': ['-g', '-O2', '-Wl,--no-eh-frame-hdr', '-pthread'],
}

describe.each(Object.entries(variants))('a crash in a signal handler on its own stack, %s', (_, flags) => {
  const stopped = stop(compileFile(directory, programs('deep.c'), flags), ['SIGSEGV'])

  test('all stacks are those of gdb', () => {
    expect(stopped.stacks.length).toBe(2)
    for (const stack of stopped.stacks) expect(ours(stopped, stack)).toEqual(framesOf(stack))
    expect(stopped.stacks.some(({ frames }) => frames.length > 10)).toBe(true)
  })

  test('the frame of the signal is marked, and the interrupted instruction is looked up as it is', () => {
    const main = stopped.stacks.find(({ frames }) => frames.length > 10)
    const { frames, end } = stopped.symbolizer.unwind(registersOf(main!), stopped.core.readMemory)
    const at = frames.findIndex(({ signalFrame }) => signalFrame)
    expect(at).toBeGreaterThan(4)
    expect(frames[at + 1].lookup).toBe(frames[at + 1].pc)
    expect(frames[at + 2].lookup).toBe(frames[at + 2].pc - 1)
    expect(stopped.symbolizer.describe(frames[at + 1].lookup).symbol).toMatch(/^(innermost|frame)$/)
    expect(end).toBe('outermost')
  })
})

test('frames of functions with frame pointers and no tables at all', () => {
  const flags = ['-O1', '-fno-asynchronous-unwind-tables', '-fno-omit-frame-pointer', '-pthread']
  const stopped = stop(compileFile(directory, programs('deep.c'), flags), ['SIGSEGV'])
  const main = stopped.stacks.find(({ frames }) => frames.length > 10)!
  const { frames, end } = stopped.symbolizer.unwind(registersOf(main), stopped.core.readMemory)
  const own = frames
    .map(({ lookup }) => stopped.symbolizer.describe(lookup))
    .filter(({ module }) => module?.startsWith(directory))
  expect(own.map(({ symbol }) => symbol)).toEqual([
    'compare',
    'crash',
    'handler',
    'frame',
    'frame',
    'frame',
    'frame',
    'main',
    '_start',
  ])
  expect(new Set(frames.map(({ foundBy }) => foundBy))).toContain('frame-pointer')
  expect(end).toBe('outermost')
})

test('lines and inlined functions of a stack are those of gdb', () => {
  const stopped = stop(compileFile(directory, programs('deep.c'), variants['optimised, position-independent']), [
    'SIGSEGV',
  ])
  const main = stopped.stacks.find(({ frames }) => frames.length > 10)!
  const { frames } = stopped.symbolizer.unwind(registersOf(main), stopped.core.readMemory)
  const isOwn = (name: string | null | undefined): boolean =>
    /^(compare|crash|handler|innermost|middle|frame|main)$/.test(name ?? '')
  const found = frames.flatMap(({ lookup }) => {
    const { inlined = [], ...innermost } = stopped.symbolizer.describe(lookup)
    return [innermost, ...inlined].filter(({ symbol }) => isOwn(symbol)).map(({ symbol, line }) => `${symbol}:${line}`)
  })
  expect(found).toEqual(main.frames.filter(({ name }) => isOwn(name)).map(({ name, line }) => `${name}:${line}`))
  expect(found.some((place) => place.startsWith('innermost:'))).toBe(true)
})

test.each(['-O0', '-O2'])('frames of C++ with exceptions and lambdas, %s', (level) => {
  const stopped = stop(compileFile(directory, programs('exceptional.cc'), ['-g', level]))
  expect(ours(stopped, stopped.stacks[0])).toEqual(framesOf(stopped.stacks[0]))
  expect(stopped.stacks[0].frames.length).toBeGreaterThan(15)
})

test('a call through a null pointer keeps its caller', () => {
  const stopped = stop(compileFile(directory, programs('nowhere.c'), ['-g', '-O2']))
  const { frames } = stopped.symbolizer.unwind(registersOf(stopped.stacks[0]), stopped.core.readMemory)
  expect(ours(stopped, stopped.stacks[0])).toEqual(framesOf(stopped.stacks[0]))
  expect(frames[1].foundBy).toBe('call')
  expect(stopped.symbolizer.describe(frames[1].lookup).symbol).toBe('caller')
})

test.each([[['-static']], [[]]])('functions of a C library without unwind tables, %s', (flags) => {
  const stopped = stop(compileFile(directory, programs('printing.c'), ['-g', '-O1', ...flags], 'musl-gcc'))
  const { frames } = stopped.symbolizer.unwind(registersOf(stopped.stacks[0]), stopped.core.readMemory)
  const names = frames.map(({ lookup }) => stopped.symbolizer.describe(lookup).symbol)
  expect(names).toEqual(expect.arrayContaining(['vfprintf', 'printf', 'inner', 'outer', 'main']))
  expect(names.indexOf('inner')).toBe(names.indexOf('printf') + 1)
  expect(frames[names.indexOf('inner')].foundBy).toBe('scan')
})

describe.each([
  ['-O2', '-Wl,-z,lazy'],
  ['-O0', '-Wl,-z,now'],
  ['-O2', '-fcf-protection=full', '-Wl,-z,lazy', '-Wl,-z,ibtplt'],
])('at every instruction (%s %s)', (...flags) => {
  const program = compileFile(directory, programs('stepped.c'), ['-g', ...flags])
  const core = join(directory, 'stepped-core')
  const python = `
stacks = []
for step in range(2500):
    gdb.execute("stepi", to_string=True)
    # After main there is start-up code without unwind tables, where gdb is wrong.
    if gdb.newest_frame().name() == "__libc_start_call_main":
        break
    # Of the instructions of the libraries every fifth will do.
    if int(gdb.newest_frame().pc()) > 0x7f0000000000 and step % 5 != 0:
        continue
    stack = stack_of_selected_thread()
    # Values of saved registers are still read behind an epilogue, from below the stack pointer.
    sp = (int(stack["registers"]["rsp"]) & ~15) - 256
    memory = gdb.selected_inferior().read_memory(sp, min(8192, 0x7ffffffff000 - sp))
    stack["stackStart"] = str(sp)
    stack["stack"] = bytes(memory).hex()
    stacks.append(stack)
show(stacks)
`
  const stacks = askGdb(directory, program, ['break main', 'run', `gcore ${core}`], python)
  const { modules, readMemory } = readCore(core)
  const symbolizer = createSymbolizer({ modules, readDebugFile, inflate: inflateForTest })

  test('pc, sp and the saved registers of all frames are those of gdb', () => {
    expect(stacks.length).toBeGreaterThan(300)
    for (const stack of stacks) {
      const start = Number(stack.stackStart)
      const bytes = Uint8Array.from(Buffer.from(stack.stack ?? '', 'hex'))
      const memory = (address: number, size: number): Uint8Array | undefined =>
        address >= start && address + size <= start + bytes.length
          ? bytes.subarray(address - start, address - start + size)
          : readMemory(address, size)
      const { frames } = symbolizer.unwind(registersOf(stack), memory)
      const found = frames.map((frame) => {
        const value = (number: number): string =>
          (frame.unknown & (1 << number)) !== 0
            ? 'unreadable'
            : ((BigInt(frame.registers[number * 2 + 1]) << 32n) | BigInt(frame.registers[number * 2])).toString()
        return {
          pc: String(frame.pc),
          rbx: value(3),
          rbp: value(6),
          r12: value(12),
          r13: value(13),
          r14: value(14),
          r15: value(15),
          rsp: value(7),
        }
      })
      const expected = stack.frames
        .filter(({ type }) => type !== INLINED && type !== TAIL_CALL)
        .map(({ pc, saved }) => ({ pc, ...saved }))
      expect(found, `at pc ${stack.registers.rip} in ${stack.frames[0].name}`).toEqual(expected)
    }
  })
})

test('nonsense in registers and memory ends the walk without an error', () => {
  const stopped = stop(compileFile(directory, programs('nowhere.c'), ['-g', '-O2']))
  const noMemory = (): undefined => undefined
  const garbage = (_: number, size: number): Uint8Array => new Uint8Array(size).fill(0x7f)
  for (const rip of [0, 8, 0x7fffffffffff, register(registersOf(stopped.stacks[0]), 16)]) {
    for (const rsp of [0, 8, 2 ** 52]) {
      const registers = registerFile({ rip, rsp, rbp: rsp })
      expect(stopped.symbolizer.unwind(registers, noMemory).frames.length).toBe(1)
      expect(stopped.symbolizer.unwind(registers, garbage).frames.length).toBeLessThan(3)
    }
  }
})

test('damaged unwind tables end the walk without an error', () => {
  const path = compileFile(directory, programs('stepped.c'), ['-g', '-O2', '-gz'])
  const good = new Uint8Array(readFileSync(path))
  const elf = parseElf(good, path)
  const sections = ['.eh_frame', '.eh_frame_hdr'].map((name) => elf.section(name)!)
  const { addr, size } = elf.section('.text')!
  const random = randomFrom(11, 'unwind tables')
  const stack = new Uint8Array(4096)
  const ends = new Set<string>()
  for (let round = 0; round < 300; round++) {
    const bytes = good.slice()
    const section = sections[round % 2]
    for (let k = 0; k < 20; k++) bytes[section.offset + nextBelow(random, section.size)] = nextBelow(random, 256)
    const modules = [{ path, bytes, bias: 0, start: 1, end: 2 ** 40 }]
    const symbolizer = createSymbolizer({ modules, readDebugFile: () => undefined, inflate: inflateForTest })
    for (let i = 0; i < stack.length; i += 8)
      new DataView(stack.buffer).setUint32(i, addr + nextBelow(random, size), true)
    for (let k = 0; k < 20; k++) {
      const rsp = 0x7fff0000
      const registers = registerFile({ rip: addr + nextBelow(random, size), rsp, rbp: rsp + 64 })
      const readMemory = (address: number, count: number): Uint8Array | undefined =>
        address >= rsp && address + count <= rsp + stack.length
          ? stack.subarray(address - rsp, address - rsp + count)
          : undefined
      ends.add(symbolizer.unwind(registers, readMemory, 50).end)
    }
  }
  expect(ends).toContain('corrupt-tables')
  expect(ends).toContain('unreadable-memory')
})
