/** Exists so that every file that cannot run is refused with one clear line, and damaged ones never with an internal error. */

import { expect, test } from 'vitest'
import { LemmingError } from '../../src/base/errors.ts'
import { isElfError, parseElf } from '../../src/elf/file.ts'
import { bytesOf, compile, temporaryDirectory } from './programs.ts'

const directory = temporaryDirectory()
const source = 'int main(void) { return 0; }\n'
const path = compile(directory, source, [])
const good = bytesOf(path)

function changed(change: (view: DataView) => void): Uint8Array {
  const copy = good.slice()
  change(new DataView(copy.buffer))
  return copy
}

function refusal(bytes: Uint8Array): { code: string; message: string } {
  try {
    parseElf(bytes, './prog')
  } catch (error) {
    if (error instanceof LemmingError) return { code: error.code, message: error.message }
    throw error
  }
  throw new Error('accepted')
}

test.each([
  ['elf-not-elf', './prog: not an ELF file (empty)', new Uint8Array()],
  ['elf-not-elf', './prog: not an ELF file (a script, it starts with #!)', new TextEncoder().encode('#!/bin/sh\n')],
  ['elf-not-elf', './prog: not an ELF file (it starts with the bytes 4d 5a 90 00)', Uint8Array.of(0x4d, 0x5a, 0x90, 0)],
  [
    'elf-32-bit',
    './prog: 32-bit ELF (Intel 80386)',
    changed((view) => (view.setUint8(4, 1), view.setUint16(18, 3, true))),
  ],
  ['elf-32-bit', './prog: 32-bit ELF (x32 ABI)', changed((view) => view.setUint8(4, 1))],
  ['elf-machine', './prog: ELF of another machine (AArch64)', changed((view) => view.setUint16(18, 183, true))],
  [
    'elf-big-endian',
    './prog: big-endian ELF (IBM S/390)',
    changed((view) => (view.setUint8(5, 2), view.setUint16(18, 22))),
  ],
  ['elf-type', './prog: relocatable object (.o), not a program', changed((view) => view.setUint16(16, 1, true))],
  ['elf-type', './prog: core dump, not a program', changed((view) => view.setUint16(16, 4, true))],
  [
    'elf-corrupt',
    './prog: corrupt ELF: program header entries of 55 bytes, not 56',
    changed((view) => view.setUint16(54, 55, true)),
  ],
])('%s: %s', (code, message, bytes) => {
  expect(refusal(bytes)).toEqual({ code, message })
})

test('a real object file', () => {
  expect(refusal(bytesOf(compile(directory, source, ['-c']))).code).toBe('elf-type')
})

test('truncation names the part that is missing', () => {
  expect(refusal(good.subarray(0, 10)).message).toBe(
    './prog: truncated ELF: the ELF header (bytes 0x0..0x40) lies behind the end of the file (0xa)',
  )
  expect(refusal(good.subarray(0, 40)).message).toMatch(/truncated ELF: the ELF header /)
  expect(refusal(good.subarray(0, 100)).message).toMatch(
    /truncated ELF: the program header table \(bytes 0x40\.\.0x[0-9a-f]+\)/,
  )
  expect(refusal(good.subarray(0, 0x1800)).message).toMatch(/truncated ELF: segment \d+ \([A-Z_]+\)/)
  const sectionless = parseElf(good.subarray(0, good.length - 64), './prog')
  expect(() => sectionless.sections).toThrow(/truncated ELF: the section header table/)
})

test('damaged headers are refused or read, never an internal error', () => {
  let seed = 12345
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0
    return Math.floor((seed / 0x100000000) * below)
  }
  let refused = 0
  for (let round = 0; round < 3000; round++) {
    const bytes = changed((view) => {
      for (let k = next(4); k >= 0; k--) view.setUint8(4 + next(64 + 13 * 56), next(256))
    })
    try {
      const elf = parseElf(bytes, './prog')
      elf.loadSegments()
      elf.interpreter()
      elf.needed()
      elf.buildId()
      elf.dynsym()?.find('main')
      elf.symtab()?.find('main')
    } catch (error) {
      refused++
      if (!isElfError(error)) throw error
    }
  }
  expect(refused).toBeGreaterThan(100)
})
