/** Exists to hold the naming of addresses by ELF symbols against nm and objdump, and the search by address against brute force. */

import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { nextBelow, randomFrom } from '../../src/base/random.ts'
import { IntervalIndex } from '../../src/symbols/interval-index.ts'
import { unxz } from '../../src/symbols/lzma.ts'
import type { Symbolizer } from '../../src/symbols/symbolizer.ts'
import { createSymbolizer } from '../../src/symbols/symbolizer.ts'
import { inflateForTest } from '../elf/inflate.ts'
import { bytesOf, compile, run, temporaryDirectory } from '../elf/programs.ts'

const directory = temporaryDirectory()
const source = `
#include <stdio.h>
#include <string.h>
int data[10] = {1};
static long hidden = 4;
int bss[100];
static int helper(int x) { return x + hidden; }
int visible(int x) { return helper(x) * 2; }
extern int alias(int) __attribute__((alias("visible")));
extern int __alias(int) __attribute__((alias("visible")));
int main(void) { printf("%d", visible(data[1])); return strlen(strchr("abc", 'b')) + alias(bss[3]); }
`

function symbolizerOf(path: string, bias = 0): Symbolizer {
  return createSymbolizer({
    modules: [{ path, bias, bytes: bytesOf(path), start: bias + 1, end: bias + 2 ** 40 }],
    readDebugFile: () => undefined,
    inflate: inflateForTest,
  })
}

interface NmSymbol {
  readonly start: number
  readonly size: number
  readonly name: string
}

/** Symbols with an address and a size, as nm lists them; those of thread-local storage have no address. */
function nm(path: string, ...options: string[]): NmSymbol[] {
  const local = new Set(
    Array.from(run('readelf', ['-sW', path]).matchAll(/ TLS .* (\S+?)(?:@.*)?$/gm), (row) => row[1]),
  )
  const rows = run('nm', ['-S', '--defined-only', '--without-symbol-versions', ...options, path])
  return Array.from(rows.matchAll(/^([0-9a-f]{16}) ([0-9a-f]{16}) \w (\S+)$/gm), ([, start, size, name]) => ({
    start: Number.parseInt(start, 16),
    size: Number.parseInt(size, 16),
    name,
  })).filter(({ name }) => !local.has(name))
}

describe.each([
  ['dynamic', ['-O1'], []],
  ['static', ['-O1', '-static'], []],
  ['the C library', undefined, ['-D']],
])('%s', (_, flags, options) => {
  const path = flags === undefined ? '/lib/x86_64-linux-gnu/libc.so.6' : compile(directory, source, flags)
  const symbolizer = symbolizerOf(path, 0x10000)
  const symbols = nm(path, ...options)

  test('the first, a middle and the last byte of every symbol belong to it or to one inside it', () => {
    expect(symbols.length).toBeGreaterThan(5)
    const wrong: unknown[] = []
    for (const { start, size, name } of symbols) {
      const aliases = symbols.filter((other) => other.start === start)
      for (const offset of [0, Math.floor(size / 2), size - 1]) {
        if (size === 0) continue
        const found = symbolizer.symbolAt(0x10000 + start + offset)
        const isSame =
          found !== undefined && found.start === 0x10000 + start && aliases.some((alias) => alias.name === found.name)
        const isInside =
          found !== undefined && found.start > 0x10000 + start && found.end <= 0x10000 + start + size + 16
        const isLonger = aliases.some((alias) => alias.size !== size)
        if (!isSame && !isInside && !isLonger) wrong.push([name, offset, found])
      }
    }
    expect(wrong).toEqual([])
  })
})

test('of several names the one that people know', () => {
  const symbolizer = symbolizerOf('/lib/x86_64-linux-gnu/libc.so.6')
  const address = (name: string): number =>
    nm('/lib/x86_64-linux-gnu/libc.so.6', '-D').find((symbol) => symbol.name === name)!.start
  for (const name of ['write', 'malloc', 'free', 'fork', 'memcpy', 'abort']) {
    const found = symbolizer.describe(address(name)).symbol
    expect(found).not.toMatch(/^__/)
    expect(address(found!)).toBe(address(name))
  }
  const path = compile(directory, source, [])
  const visible = nm(path).find(({ name }) => name === 'visible')!
  expect(symbolizerOf(path).describe(visible.start + 3)).toMatchObject({ symbol: 'alias', offset: 3 })
})

test('data has names, and gaps have none', () => {
  const path = compile(directory, source, ['-no-pie'])
  const symbolizer = symbolizerOf(path)
  const at = (name: string): number => nm(path).find((symbol) => symbol.name === name)!.start
  expect(symbolizer.describe(at('data') + 8)).toEqual({ module: path, symbol: 'data', offset: 8 })
  expect(symbolizer.describe(at('bss') + 399)).toEqual({ module: path, symbol: 'bss', offset: 399 })
  expect(symbolizer.describe(at('hidden'))).toEqual({ module: path, symbol: 'hidden', offset: 0 })
  expect(symbolizer.describe(0x400001)).toEqual({ module: path })
})

test.each([
  [['-Wl,-z,lazy']],
  [['-Wl,-z,now']],
  [['-fcf-protection=full', '-Wl,-z,ibtplt', '-Wl,-z,lazy']],
  [['-no-pie', '-Wl,-z,lazy']],
])('linkage stubs as objdump names them, %s', (flags) => {
  const path = compile(directory, source, ['-fno-builtin', ...flags])
  const expected = [...run('objdump', ['-d', path]).matchAll(/^([0-9a-f]{16}) <([^>]*@plt)>:/gm)].map(
    ([, start, name]) => [Number.parseInt(start, 16), name],
  )
  expect(expected.length).toBeGreaterThanOrEqual(3)
  const symbolizer = symbolizerOf(path)
  const own = expected.filter(([, name]) => !String(name).startsWith('__cxa_finalize'))
  expect(own.map(([start]) => [start, symbolizer.describe(Number(start)).symbol])).toEqual(own)
})

test('a stripped program has its dynamic symbols', () => {
  const path = compile(directory, source, ['-s', '-rdynamic'])
  const symbolizer = symbolizerOf(path)
  const main = nm(path, '-D').find(({ name }) => name === 'main')!
  expect(symbolizer.describe(main.start + 4)).toEqual({ module: path, symbol: 'main', offset: 4 })
})

test('modules are told apart by address, and shared when the list changes', () => {
  const path = compile(directory, source, [])
  const bytes = bytesOf(path)
  const { start: main } = nm(path).find(({ name }) => name === 'main')!
  const first = createSymbolizer({
    modules: [
      { path: 'b', bias: 0x200000, bytes, start: 0x200000, end: 0x300000 },
      { path: 'a', bias: 0x100000, bytes, start: 0x100000, end: 0x200000 },
    ],
    readDebugFile: () => undefined,
    inflate: inflateForTest,
  })
  expect(first.describe(0x100000 + main)).toEqual({ module: 'a', symbol: 'main', offset: 0 })
  expect(first.describe(0x200000 + main)).toEqual({ module: 'b', symbol: 'main', offset: 0 })
  expect(first.describe(0x300000 + main)).toEqual({})
  const second = first.withModules([{ path: 'c', bias: 0x500000, bytes, start: 0x500000, end: 0x600000 }])
  expect(second.describe(0x500000 + main)).toEqual({ module: 'c', symbol: 'main', offset: 0 })
  expect(second.describe(0x100000 + main)).toEqual({})
})

test('a module that is no ELF file is a problem, not an error', () => {
  const bytes = new TextEncoder().encode('not an ELF file at all')
  const symbolizer = createSymbolizer({
    modules: [{ path: 'x', bias: 0, bytes, start: 0, end: 100 }],
    readDebugFile: () => undefined,
    inflate: inflateForTest,
  })
  expect(symbolizer.describe(50)).toEqual({ module: 'x' })
  expect(symbolizer.problems()).toEqual(['x: not an ELF file (it starts with the bytes 6e 6f 74 20)'])
})

test('the index of ranges finds what a search through all of them finds', () => {
  const random = randomFrom(3, 'ranges')
  for (let round = 0; round < 200; round++) {
    const index = new IntervalIndex()
    const ranges = Array.from({ length: nextBelow(random, 30) }, (_, value) => {
      const start = nextBelow(random, 50)
      return { start, end: start + nextBelow(random, round % 2 === 0 ? 10 : 50), value }
    })
    for (const { start, end, value } of ranges) index.add(start, end, value)
    for (let address = 0; address < 100; address++) {
      const holding = ranges
        .filter(({ start, end }) => start <= address && address < end)
        .toSorted((a, b) => b.start - a.start || a.end - b.end || a.value - b.value)
      expect(index.findAll(address)).toEqual(holding.map(({ value }) => value))
      expect(index.find(address)).toBe(holding[0]?.value ?? -1)
    }
  }
})

describe('MiniDebugInfo', () => {
  test('what xz has compressed comes back, by blocks, properties and sizes', () => {
    const random = randomFrom(7, 'xz')
    const inputs = [
      new Uint8Array(),
      bytesOf('/bin/true'),
      Uint8Array.from({ length: 70_000 }, () => nextBelow(random, 256)),
      new TextEncoder().encode('abcabcabd'.repeat(20_000)),
    ]
    for (const input of inputs)
      for (const options of ['-1', '-9e', '--block-size=30000', '--lzma2=lc=0,lp=2,pb=0', '--check=sha256']) {
        const packed = execFileSync('xz', ['-c', options], { input, maxBuffer: 2 ** 28 })
        expect(Buffer.compare(unxz(packed), input), `${input.length} ${options}`).toBe(0)
      }
    expect(() => unxz(new Uint8Array(40))).toThrow('.gnu_debugdata: no xz file')
    const armed = execFileSync('xz', ['-c', '--x86', '--lzma2'], { input: inputs[1], maxBuffer: 2 ** 28 })
    expect(() => unxz(armed)).toThrow('filters other than LZMA2')
    const cut = execFileSync('xz', ['-c'], { input: inputs[1] }).subarray(0, 500)
    expect(() => unxz(cut)).toThrow('.gnu_debugdata: ')
  })

  test('names the functions of a stripped program', () => {
    const program = compile(directory, source, ['-O0'])
    const whole = nm(program)
    run('sh', [
      '-c',
      `cd ${directory} && objcopy --only-keep-debug ${program} m.debug && objcopy -S m.debug m.small --keep-symbol helper --keep-symbol main &&
      strip --strip-all ${program} && xz -kf m.small && objcopy --add-section .gnu_debugdata=m.small.xz ${program}`,
    ])
    const symbolizer = symbolizerOf(program)
    for (const name of ['helper', 'main']) {
      const { start } = whole.find((one) => one.name === name)!
      expect(symbolizer.describe(start + 4).symbol).toBe(name)
    }
  })
})
