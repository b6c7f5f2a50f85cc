/** Exists to hold the demanglers against c++filt, on what this machine's compilers and libraries have in symbols. */

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { nextBelow, randomFrom } from '../../src/base/random.ts'
import { demangle } from '../../src/symbols/demangle/demangle.ts'
import { compileFile, run, temporaryDirectory } from '../elf/programs.ts'

const directory = temporaryDirectory()
const libraries = '/usr/lib/x86_64-linux-gnu'

/** The mangled names that nm finds in a file, without versions. */
function mangledNames(path: string, ...options: string[]): string[] {
  const names = run('nm', [...options, '--without-symbol-versions', path]).matchAll(/ (_[ZR]\S+)$/gm)
  return [...new Set(Array.from(names, (row) => row[1]))]
}

function filt(names: readonly string[], ...options: string[]): string[] {
  return run('c++filt', options, { input: `${names.join('\n')}\n` })
    .split('\n')
    .slice(0, names.length)
}

/**
 * Where c++filt and we differ on purpose: it leaves names as they are that we can read; it writes a comma for an empty pack; and it
 * takes a parameter that a substitution repeats in another function (`...EUl..._EE...OT_`) for that of the function it stood in first.
 */
function isKnownDifference(mangled: string, expected: string): boolean {
  return expected === mangled || /[(<,] ?, |, [)>]/.test(expected) || /_EE?.*[OR]T\d?_|EUl/.test(mangled)
}

function compare(names: readonly string[]): void {
  for (const [verbose, options] of [
    [true, []],
    [false, ['--no-verbose']],
  ] as const) {
    const expected = filt(names, ...options)
    const different = names.filter((name, i) => demangle(name, verbose) !== expected[i])
    const unexplained = different.filter((name) => !isKnownDifference(name, expected[names.indexOf(name)]))
    expect(unexplained.map((name) => [name, demangle(name, verbose), expected[names.indexOf(name)]])).toEqual([])
    expect(different.length).toBeLessThan(1 + names.length / 100)
  }
}

describe('C++', () => {
  test.each(['-O0', '-O3'])('what g++ %s mangles: expressions, exotic types, local and unnamed things', (level) => {
    const source = join(import.meta.dirname, 'programs', 'mangled-names.cc')
    const names = mangledNames(compileFile(directory, source, ['-std=c++20', '-w', level, '-c']))
    expect(names.length).toBeGreaterThan(level === '-O0' ? 100 : 10)
    compare(names)
  })

  const all = existsSync(libraries) ? readdirSync(libraries) : []
  const wanted = [
    /^libstdc\+\+\.so\.6$/,
    /^libicui18n\.so\.\d+$/,
    /^libclang-cpp\.so\.\d+$/,
    /^libLLVM-\d+\.so\.1$/,
    /^libapt-pkg\.so\.[\d.]+$/,
  ]
  const found = wanted.flatMap((pattern) => all.filter((name) => pattern.test(name)).slice(0, 1))

  test.each(found)('all dynamic symbols of %s', (name) => {
    const names = mangledNames(join(libraries, name), '-D')
    expect(names.length).toBeGreaterThan(500)
    compare(names)
  })

  test('all dynamic symbols of libstdc++ are equal to the letter', () => {
    const names = mangledNames(join(libraries, 'libstdc++.so.6'), '-D')
    expect(names.map((name) => demangle(name, true))).toEqual(filt(names))
  })

  test('clones, versions and parameters that a substitution repeats', () => {
    expect(demangle('_Z3fooi.isra.0.cold')).toBe('foo(int) [clone .isra.0] [clone .cold]')
    expect(demangle('_ZNKSt13runtime_error4whatEv@GLIBCXX_3.4')).toBe('std::runtime_error::what() const@GLIBCXX_3.4')
    expect(demangle('_Z1fIJEEviDpT_i')).toBe('void f<>(int, int)')
  })
})

describe('Rust', () => {
  const legacy = [
    '_ZN4core3fmt9Formatter3new17h0123456789abcdefE',
    '_ZN100_$LT$alloc..ffi..c_str..CString$u20$as$u20$core..convert..From$LT$$RF$core..ffi..c_str..CStr$GT$$GT$4from17hc7eed214afd9f13aE',
    '_ZN3foo8_$u7b$a$3bar17h0123456789abcdefE',
    '_ZN3foo3bar17h0123456789abcdefE.llvm.123',
    '_ZN3foo17h0000000000000000E',
  ]
  const present = [
    '_RNvC6_123foo3bar',
    '_RNvNtCsbmNqQUJIY6D_4core3foo3bar.llvm.12',
    '_RINvC3foo3barKj3_E',
    '_RNCINkXs25_NgCsbmNqQUJIY6D_4core5sliceINyB9_4IterhENuNgNoBb_4iter8iterator8Iterator9rpositionNCNgNpB9_6memchr7memrchrs_0E0Bb_',
    '_RINbNbCskIICzLVDPPb_5alloc5alloc8box_freeDINbNiB4_5boxed5FnBoxuEp6OutputuEL_ECs1iopQbuBiw2_3std',
    '_RMC0INtC8arrayvec8ArrayVechKj7b_E',
    '_RIC3foo0FUKCPhRL_eEuKb1_Kc61_Kan5_E',
    '_RYFG_FGyL0_RL_eEuENtC3foo3Bar',
    '_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y',
  ]

  test('legacy and v0 names', () => {
    const names = [...legacy, ...present]
    compare(names)
    expect(demangle(legacy[1])).toBe(
      '<alloc::ffi::c_str::CString as core::convert::From<&core::ffi::c_str::CStr>>::from',
    )
    expect(demangle(present[4])).toMatch(/^alloc::alloc::box_free::<dyn .*FnBox<\(\), Output = \(\)>>$/)
  })
})

test('names that are not mangled stay as they are', () => {
  for (const name of ['main', '_start', '_Z', '_ZN', '_R', '__libc_start_main', '_Z1', '_ZZ', '_ZTV', '', '_ZN3fooE3'])
    expect(demangle(name)).toBe(name)
})

test('damaged and enormous names come back, and soon', () => {
  const names = mangledNames(join(libraries, 'libstdc++.so.6'), '-D')
  const random = randomFrom(7, 'mangled names')
  let changed = 0
  for (let round = 0; round < 20_000; round++) {
    const name = names[nextBelow(random, names.length)]
    const at = 2 + nextBelow(random, name.length - 2)
    const other = names[nextBelow(random, names.length)]
    const damaged =
      name.slice(0, at) +
      other.slice(2 + nextBelow(random, other.length - 2)).slice(0, nextBelow(random, 9)) +
      name.slice(at + nextBelow(random, 3))
    if (demangle(damaged) !== damaged) changed++
  }
  expect(changed).toBeGreaterThan(100)
  const doubling = `_Z1fI${Array.from({ length: 60 }, (_, i) => `1AI${i === 0 ? 'i' : 'S'}`).join('')}`
  expect(demangle(doubling)).toBe(doubling)
  const deep = `_Z1f${'P'.repeat(100_000)}i`
  expect(demangle(deep)).toBe(deep)
  let growing = '_Z1fN1A1BE'
  for (let i = 0; i < 40; i++)
    growing += `S_IS${i === 0 ? '' : (i - 1).toString(36).toUpperCase()}_S${i === 0 ? '' : (i - 1).toString(36).toUpperCase()}_E`
  expect(demangle(growing)).toBe(growing)
})
