/** Exists to hold source lines, inlined calls and function names against addr2line and gdb, at every address of compiled programs. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseElf } from '../../src/elf/file.ts'
import { demangle } from '../../src/symbols/demangle/demangle.ts'
import { createSymbolizer } from '../../src/symbols/symbolizer.ts'
import type { Symbolizer } from '../../src/symbols/symbolizer.ts'
import { inflateForTest } from '../elf/inflate.ts'
import { bytesOf, compileFile, run, temporaryDirectory } from '../elf/programs.ts'

const directory = temporaryDirectory()
const programs = (name: string): string => join(import.meta.dirname, 'programs', name)

const BIAS = 0x1000000

function symbolizerOf(
  path: string,
  readDebugFile: (path: string) => Uint8Array | undefined = () => undefined,
): Symbolizer {
  const modules = [{ path, bias: BIAS, bytes: bytesOf(path), start: BIAS, end: BIAS + 2 ** 40 }]
  return createSymbolizer({ modules, readDebugFile, inflate: inflateForTest })
}

/** The addresses of a section's bytes, every `step`th. */
function addressesOf(path: string, step: number, section = '.text'): number[] {
  const { addr, size } = parseElf(bytesOf(path), path).section(section)!
  return Array.from({ length: Math.floor(size / step) }, (_, i) => addr + i * step)
}

interface Place {
  readonly symbol: string
  readonly file: string
  readonly line: number
}

/** What addr2line says of each address: innermost function first. */
function addr2line(path: string, addresses: readonly number[]): Place[][] {
  const input = `${addresses.map((address) => address.toString(16)).join('\n')}\n`
  const output = run('addr2line', ['-e', path, '-a', '-i', '-f', '-C'], { input }).trim()
  return output
    .split(/^0x[0-9a-f]{16}$/m)
    .slice(1)
    .map((record) => {
      const lines = record.trim().split('\n')
      return Array.from({ length: lines.length / 2 }, (_, i) => {
        const [, file, line] = /^(.*):(\d+|\?)(?: \(discriminator \d+\))?$/.exec(lines[i * 2 + 1])!
        return { symbol: lines[i * 2], file, line: line === '?' ? 0 : Number(line) }
      })
    })
}

function ours(symbolizer: Symbolizer, address: number): Place[] {
  const { inlined = [], ...innermost } = symbolizer.describe(address + BIAS)
  return [innermost, ...inlined].map(({ symbol, file, line }) => ({
    symbol: symbol ?? '??',
    file: file ?? '??',
    line: line ?? 0,
  }))
}

const isDebugged = (path: Place[]): boolean => path.length > 0 && path[0].file !== '??' && path[0].line > 0

/** What is compared of a place. addr2line names the parts of a function that the optimiser moved by their ELF symbol (`main.cold`). */
function comparable(places: Place[], withFiles: boolean): string[] {
  return places.map(({ symbol, file, line }) => {
    const name = symbol.replace(/\.(cold|part\.\d+|isra\.\d+)$/, '').replace(/ \[clone .*$/, '')
    return `${name} ${withFiles ? file : ''}:${line}`
  })
}

/**
 * `expected` with our names where addr2line's are no better: functions that have no linker's name in DWARF go by the ELF symbol around
 * them or without their scopes, and the padding between functions by the function before.
 */
function withOurNames(expected: Place[], found: Place[], elfName: string): Place[] {
  return expected.map((place, i) => {
    const ours = found[i]?.symbol ?? ''
    const theirs = place.symbol.replace(/ \[clone .*$/, '')
    const isWorse =
      theirs === elfName || ours === elfName || ours.endsWith(`::${theirs}`) || (ours === '??' && elfName === '??')
    return isWorse ? { ...place, symbol: ours } : place
  })
}

describe.each([4, 5])('DWARF %s', (version) => {
  describe.each(['-O0', '-O2'])('%s', (level) => {
    // The second flags change how the information is stored, but not the code: addr2line reads it as it is by default.
    test.each([
      ['lines.c', '', ''],
      ['lines.cc', '', ''],
      ['lines.c', '', '-gz=zlib'],
      ['lines.c', '', '-gz=zlib-gnu'],
      ['lines.c', '', '-gdwarf64'],
      ['lines.cc', '', '-fdebug-types-section'],
      ['lines.c', '-ffunction-sections -Wl,--gc-sections', ''],
      ['lines.c', '-flto', ''],
    ])('lines, inlined calls and names as addr2line has them, %s %s %s', (source, codeFlags, storageFlags) => {
      const plain = ['-g', level, `-gdwarf-${version}`, ...codeFlags.split(' ').filter((flag) => flag !== '')]
      const reference = compileFile(directory, programs(source), plain)
      const path = storageFlags === '' ? reference : compileFile(directory, programs(source), [...plain, storageFlags])
      const addresses = addressesOf(path, source === 'lines.c' ? 1 : 5)
      const symbolizer = symbolizerOf(path)
      // addr2line of binutils 2.40 takes the first file of a version 5 table wrongly; gdb does not, and has a test of its own below.
      const withFiles = version === 4
      const different: unknown[] = []
      let compared = 0
      addr2line(reference, addresses).forEach((expected, i) => {
        if (!isDebugged(expected)) return
        compared++
        const found = ours(symbolizer, addresses[i])
        const elfName = demangle(symbolizer.symbolAt(addresses[i] + BIAS)?.name.replace(/\..*$/, '') ?? '??')
        const wanted = comparable(withOurNames(expected, found, elfName), withFiles)
        if (comparable(found, withFiles).join() !== wanted.join())
          different.push([addresses[i].toString(16), comparable(found, withFiles), wanted])
      })
      expect(different).toEqual([])
      expect(compared).toBeGreaterThan(100)
      expect(symbolizer.problems()).toEqual([])
    })
  })
})

test.each([4, 5])('files as gdb has them, DWARF %s', (version) => {
  const path = compileFile(directory, programs('lines.cc'), ['-g', '-O0', `-gdwarf-${version}`])
  const addresses = addressesOf(path, 5)
  const list = join(directory, 'addresses')
  writeFileSync(list, addresses.join('\n'))
  const script = join(directory, 'lines.py')
  writeFileSync(
    script,
    `import gdb\nfor line in open("${list}"):\n  s = gdb.find_pc_line(int(line))\n  print("AT %s:%d" % (s.symtab.fullname() if s.symtab else "??", s.line))\n`,
  )
  const output = run('gdb', ['-q', '-nx', '-batch', '-x', script, path])
  const expected = [...output.matchAll(/^AT (.*)$/gm)].map((row) => row[1])
  const symbolizer = symbolizerOf(path)
  const found = addresses.map((address) => ours(symbolizer, address)[0]).map(({ file, line }) => `${file}:${line}`)
  expect(expected.length).toBe(addresses.length)
  expect(found).toEqual(expected)
})

test('code without .debug_aranges is found by the ranges of its units', () => {
  const path = compileFile(directory, programs('lines.c'), ['-g', '-O2'])
  const without = join(directory, 'without-aranges')
  run('objcopy', ['--remove-section=.debug_aranges', path, without])
  const addresses = addressesOf(path, 1)
  const [complete, lacking] = [symbolizerOf(path), symbolizerOf(without)]
  expect(parseElf(bytesOf(without), without).section('.debug_aranges')).toBeUndefined()
  expect(addresses.map((address) => ours(lacking, address))).toEqual(
    addresses.map((address) => ours(complete, address)),
  )
})

test('columns, and nothing for addresses that no file knows', () => {
  const path = compileFile(directory, programs('lines.c'), ['-g', '-O0'])
  const symbolizer = symbolizerOf(path)
  const main = parseElf(bytesOf(path), path).symtab()!.find('main')!
  const text = readFileSync(programs('lines.c'), 'utf8').split('\n')
  const first = symbolizer.describe(main.value + BIAS)
  expect(first).toMatchObject({ module: path, symbol: 'main', offset: 0, file: programs('lines.c') })
  expect(text[first.line! - 1].slice(first.column! - 1)).toMatch(/^\{/)
  expect(symbolizer.describe(BIAS - 1)).toEqual({})
  expect(symbolizer.describe(BIAS + 2 ** 39)).toEqual({ module: path })
})

describe('separate debug files', () => {
  const path = compileFile(directory, programs('lines.cc'), ['-g', '-O2', '-Wl,--build-id'])
  const addresses = addressesOf(path, 7)
  const whole = symbolizerOf(path)
  const expected = addresses.map((address) => whole.describe(address + BIAS))
  const debug = join(directory, 'program.debug')
  const stripped = join(directory, 'stripped')
  run('objcopy', ['--only-keep-debug', path, debug])
  run('objcopy', ['--strip-all', `--add-gnu-debuglink=${debug}`, path, stripped])
  const atPath = (symbolizer: Symbolizer): object[] =>
    addresses.map((address) => ({ ...symbolizer.describe(address + BIAS), module: path }))
  const id = parseElf(bytesOf(path), path).buildId()!

  test('by build-id', () => {
    const wanted = `/usr/lib/debug/.build-id/${id.slice(0, 2)}/${id.slice(2)}.debug`
    expect(atPath(symbolizerOf(stripped, (asked) => (asked === wanted ? bytesOf(debug) : undefined)))).toEqual(expected)
  })

  test.each([
    join(directory, 'program.debug'),
    join(directory, '.debug/program.debug'),
    join(`/usr/lib/debug${directory}`, 'program.debug'),
  ])('by debug link at %s', (wanted) => {
    expect(atPath(symbolizerOf(stripped, (asked) => (asked === wanted ? bytesOf(debug) : undefined)))).toEqual(expected)
  })

  test('not one of another program, and symbols without any', () => {
    const other = compileFile(directory, programs('lines.c'), ['-g', '-Wl,--build-id'])
    const mistaken = symbolizerOf(stripped, () => bytesOf(other))
    const without = symbolizerOf(stripped)
    expect(atPath(mistaken)).toEqual(atPath(without))
    expect(atPath(without).some((place) => 'file' in place)).toBe(false)
  })

  // Where the distribution's debug files are installed, they are read as well.
  const libc = '/lib/x86_64-linux-gnu/libc.so.6'
  const libcId = parseElf(bytesOf(libc), libc).buildId() ?? ''
  const installed = [`/usr/lib/debug/.build-id/${libcId.slice(0, 2)}/${libcId.slice(2)}.debug`].filter((file) =>
    existsSync(file),
  )

  test.each(installed)('of the C library, as addr2line finds it: %s', () => {
    const symbolizer = symbolizerOf(libc, (asked) => (existsSync(asked) ? bytesOf(asked) : undefined))
    const all = addressesOf(libc, 1511)
    let compared = 0
    addr2line(libc, all).forEach((place, i) => {
      const found = ours(symbolizer, all[i])
      // Assembly has no functions in DWARF, and several ELF names.
      if (!isDebugged(place) || !place.at(-1)!.file.endsWith('.c') || found.at(-1)!.symbol === '??') return
      compared++
      expect(comparable(found, false), `at 0x${all[i].toString(16)}`).toEqual(comparable(place, false))
    })
    expect(compared).toBeGreaterThan(500)
  })
})

test('damaged debugging information leaves the symbols, and is reported', () => {
  const path = compileFile(directory, programs('lines.cc'), ['-g', '-O1'])
  const good = bytesOf(path)
  const elf = parseElf(good, path)
  const sections = elf.sections.filter(({ name }) => name.startsWith('.debug_'))
  const addresses = addressesOf(path, 301)
  let seed = 99
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    return Math.floor((seed / 0x100000000) * below)
  }
  let reported = 0
  for (let round = 0; round < 60; round++) {
    const bytes = good.slice()
    const { offset, size } = sections[next(sections.length)]
    for (let k = 0; k < 40; k++) bytes[offset + next(size)] = next(256)
    const symbolizer = createSymbolizer({
      modules: [{ path, bias: 0, bytes, start: 1, end: 2 ** 40 }],
      readDebugFile: () => undefined,
      inflate: inflateForTest,
    })
    for (const address of addresses) symbolizer.describe(address)
    reported += symbolizer.problems().length
  }
  expect(reported).toBeGreaterThan(5)
})
