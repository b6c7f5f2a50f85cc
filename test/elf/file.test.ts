/** Exists to hold the ELF reader against readelf and nm, on programs of every kind of linkage. */

import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { PF, PT } from '../../src/elf/constants.ts'
import { parseElf } from '../../src/elf/file.ts'
import { inflateForTest } from './inflate.ts'
import { bytesOf, compile, run, temporaryDirectory } from './programs.ts'

const directory = temporaryDirectory()
const source =
  '#include <stdio.h>\n__thread int t = 3; int counter = 7; int main(void) { printf("%d", t + counter); return 0; }\n'

const programs: Record<string, string> = {
  'dynamic pie': compile(directory, source, ['-g']),
  'dynamic, not pie': compile(directory, source, ['-no-pie']),
  static: compile(directory, source, ['-static']),
  'static pie': compile(directory, source, ['-static-pie']),
  'executable stack': compile(directory, source, ['-z', 'execstack']),
  'compressed debug information': compile(directory, source, ['-g', '-gz=zlib']),
  'compressed in the old form': compile(directory, source, ['-g', '-gz=zlib-gnu']),
  'the C library': '/lib/x86_64-linux-gnu/libc.so.6',
  'the dynamic linker': '/lib64/ld-linux-x86-64.so.2',
}
programs.stripped = join(directory, 'stripped')
run('strip', ['-o', programs.stripped, programs['dynamic pie']])
const hex = (value: number): string => `0x${value.toString(16)}`

for (const [kind, path] of Object.entries(programs)) {
  describe(kind, () => {
    const bytes = bytesOf(path)
    const elf = parseElf(bytes, path)
    const headers = run('readelf', ['-hlW', path])

    test('header as readelf prints it', () => {
      expect(headers).toContain(`Entry point address:               ${hex(elf.header.entry)}\n`)
      expect(headers).toContain(`Number of program headers:         ${elf.header.phnum}\n`)
      expect(elf.positionIndependent).toBe(headers.includes('DYN ('))
    })

    test('segments as readelf prints them', () => {
      const expected = [
        ...headers.matchAll(
          /^ {2}[A-Z_]+ +(0x[0-9a-f]+) (0x[0-9a-f]+) 0x[0-9a-f]+ (0x[0-9a-f]+) (0x[0-9a-f]+) ([R ][W ][E ]) (\S+)$/gm,
        ),
      ].map((row) => [...row.slice(1, 5).map(Number), row[5], Number(row[6])])
      const flags = (bits: number): string =>
        (bits & PF.R ? 'R' : ' ') + (bits & PF.W ? 'W' : ' ') + (bits & PF.X ? 'E' : ' ')
      expect(expected.length).toBe(elf.header.phnum)
      expect(elf.segments.map((s) => [s.offset, s.vaddr, s.filesz, s.memsz, flags(s.flags), s.align])).toEqual(expected)
    })

    test('interpreter, stack, build-id and needed objects', () => {
      expect(elf.interpreter()).toBe(/interpreter: (.*)\]/.exec(headers)?.[1])
      expect(elf.executableStack()).toBe(/GNU_STACK.*RWE/.test(headers))
      expect(elf.buildId()).toBe(/Build ID: ([0-9a-f]+)/.exec(run('readelf', ['-nW', path]))?.[1])
      const dynamic = run('readelf', ['-dW', path])
      expect(elf.needed()).toEqual([...dynamic.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map((row) => row[1]))
      expect(elf.soname()).toBe(/\(SONAME\).*\[(.*)\]/.exec(dynamic)?.[1])
    })

    test('sections with their contents', () => {
      const rows = [
        ...run('readelf', ['-SW', path]).matchAll(
          /^ +\[ *[1-9]\d*\] (\S+) +[A-Z][A-Z_0-9]+ +([0-9a-f]{16}) ([0-9a-f]+) ([0-9a-f]+) /gm,
        ),
      ]
      const expected = rows.map(([, name, addr, offset, size]) => [
        name,
        ...[addr, offset, size].map((text) => Number.parseInt(text, 16)),
      ])
      const real = elf.sections.slice(1).map(({ name, addr, offset, size }) => [name, addr, offset, size])
      expect(real.length).toBe(expected.length)
      for (let i = 0; i < real.length; i++) expect(real[i]).toEqual(expected[i])
      const strings =
        elf.sectionContents('.debug_str', inflateForTest) ?? elf.sectionContents('.zdebug_str', inflateForTest)
      if (path === programs['dynamic pie'] || kind.startsWith('compressed'))
        expect(Buffer.from(strings ?? []).includes('counter\0')).toBe(true)
    })

    test.each(['-a', '-aD'])('symbols as nm %s prints them', (option) => {
      const table = option === '-a' ? elf.symtab() : elf.dynsym()
      const expected = nmSymbols(option, path)
      const found: string[] = []
      for (let i = 1; table !== undefined && i < table.count; i++) {
        const symbol = table.at(i)
        if (symbol.shndx !== 0 && symbol.name !== '' && symbol.type !== 3)
          found.push(`${symbol.value.toString(16).padStart(16, '0')} ${symbol.name}`)
      }
      expect(found.toSorted()).toEqual(expected.toSorted())
    })
  })
}

/** Lines "address name" of the defined symbols that nm lists, without versions. */
function nmSymbols(option: string, path: string): string[] {
  return run('nm', [option, '--without-symbol-versions', path])
    .split('\n')
    .filter((line) => /^[0-9a-f]/.test(line))
    .map((line) => `${line.slice(0, 16)} ${line.slice(19)}`)
    .filter((line) => line.length > 17)
}

test('dynamic symbols without section headers', () => {
  const bytes = bytesOf(programs['the C library'])
  const whole = parseElf(bytes, 'libc.so.6').dynsym()
  const view = new DataView(bytes.buffer)
  view.setBigUint64(40, 0n, true)
  view.setUint16(60, 0, true)
  const elf = parseElf(bytes, 'libc.so.6')
  expect(elf.sections).toEqual([])
  expect(elf.dynsym()?.count).toBe(whole?.count)
  expect(elf.dynsym()?.find('malloc')).toEqual(whole?.find('malloc'))
})

test('thread-local storage and a symbol by name', () => {
  const elf = parseElf(bytesOf(programs.static), 'static')
  const tls = elf.segment(PT.TLS)
  expect(tls?.memsz).toBeGreaterThanOrEqual(4)
  expect(elf.symtab()?.find('counter')).toMatchObject({ name: 'counter', size: 4, type: 1, binding: 1 })
  expect(elf.symtab()?.find('no such symbol')).toBeUndefined()
})
