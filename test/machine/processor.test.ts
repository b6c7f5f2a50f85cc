/** What the machine's processor says of itself agrees with itself, and where CPUID has its bits and Linux its names is as on this computer. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ANNOUNCEMENTS, isAnnounced } from '../../src/x86/features.ts'
import { machineFor, scratch } from './machines.ts'

const program = join(scratch(), 'processor')
execFileSync('gcc', ['-O1', '-o', program, join(import.meta.dirname, 'programs', 'processor.c')])

/** The program's output as values. */
interface Processor {
  /** EBX, ECX and EDX of a leaf. */
  leaf(n: number): { eax: number; ebx: number; ecx: number; edx: number }
  flags: Set<string>
  line(start: string): string
}

function parse(output: string): Processor {
  const line = (start: string): string => output.split('\n').find((text) => text.startsWith(start))!
  return {
    line,
    leaf: (n) => {
      const [eax, ebx, ecx, edx] = line(`${n === 0 ? '0' : `0x${n.toString(16)}`}.0 `)
        .split(' ')
        .slice(1)
        .map(Number)
      return { eax: eax!, ebx: ebx!, ecx: ecx!, edx: edx! }
    },
    flags: new Set(line('flags').split(':')[1]!.trim().split(' ')),
  }
}

function inMachine(path: string, args: string[]): string {
  const { machine, output } = machineFor(path, args)
  expect(machine.advance(200_000_000).ended).toEqual({ kind: 'exit', code: 0 })
  return output.stdout
}

const native = parse(execFileSync(program, { encoding: 'utf8' }))
const ours = parse(inMachine(program, []))
const bit = (p: Processor, { leaf, register, bit: at }: (typeof ANNOUNCEMENTS)[number]): boolean =>
  ((p.leaf(leaf)[register] >>> at) & 1) === 1

describe.each(ANNOUNCEMENTS.filter(({ name }) => name !== '').map((a) => [a.name, a] as const))('%s', (name, a) => {
  test('CPUID and /proc/cpuinfo agree on this computer', () => expect(native.flags.has(name)).toBe(bit(native, a)))
  test('and in the machine, with what is announced', () => {
    expect(bit(ours, a)).toBe(isAnnounced(a))
    expect(ours.flags.has(name)).toBe(isAnnounced(a))
  })
})

test('no bit and no flag beyond those', () => {
  for (const leaf of [1, 7, 0x8000_0001]) {
    for (const register of ['ebx', 'ecx', 'edx'] as const) {
      // EBX of leaf 1 is the CLFLUSH size and the number of the processor.
      if (leaf === 1 && register === 'ebx') continue
      const known = ANNOUNCEMENTS.filter((a) => a.leaf === leaf && a.register === register && isAnnounced(a))
      expect(ours.leaf(leaf)[register]).toBe(known.reduce((mask, a) => (mask | (1 << a.bit)) >>> 0, 0))
    }
  }
  const names = new Set(ANNOUNCEMENTS.map(({ name }) => name))
  expect([...ours.flags].filter((name) => !names.has(name))).toEqual(['constant_tsc', 'nopl', 'cpuid'])
})

test('the auxiliary vector repeats CPUID, as it does on this computer', () => {
  for (const p of [native, ours]) {
    const value = (name: string): number => Number(p.line(name).split(' ')[1])
    expect(value('hwcap ')).toBe(p.leaf(1).edx)
    expect((value('second ') & 2) !== 0).toBe(p.flags.has('fsgsbase'))
  }
})

test('XCR0 and the size of the XSAVE area', () => {
  expect(ours.line('xcr0')).toBe('xcr0 0x3')
  expect(ours.leaf(13)).toEqual({ eax: 3, ebx: 576, ecx: 576, edx: 0 })
  // The legacy region and the header come first on every processor.
  expect(native.leaf(13).eax & 3).toBe(3)
  expect(native.leaf(13).ebx).toBeGreaterThanOrEqual(576)
})

test('compiler and C library see level x86-64-v2', () => {
  expect(ours.line('levels')).toBe('levels 1 1 0')
  const help = inMachine('/lib64/ld-linux-x86-64.so.2', ['--help'])
  expect(help).toMatch(/x86-64-v2 \(supported, searched\)/)
  expect(help).not.toMatch(/x86-64-v3 \(supported/)
})

test.each([
  ['vpaddd %%ymm0, %%ymm1, %%ymm2', 'AVX2'],
  ['vaddpd %%ymm0, %%ymm1, %%ymm2', 'AVX'],
  ['vfmadd132sd %%xmm0, %%xmm1, %%xmm2', 'FMA'],
  ['vpaddd %%zmm0, %%zmm1, %%zmm2', 'AVX512'],
  ['aesenc %%xmm0, %%xmm1', 'AES'],
  ['andn %%eax, %%ecx, %%edx', 'BMI1'],
  ['rdrand %%eax', 'RDRAND'],
])('%s stops the run, and names its feature', (instruction, feature) => {
  const source = `int main(void) { __asm__ volatile("${instruction}" : : : "eax", "edx", "xmm1", "xmm2"); return 0; }`
  const out = join(scratch(), 'unsupported')
  execFileSync('gcc', ['-O1', '-x', 'c', '-', '-o', out], { input: source })
  const { machine } = machineFor(out)
  expect(() => machine.advance(200_000_000)).toThrow(
    new RegExp(`^unsupported instruction at 0x[0-9a-f]+ in .*bytes .* \\(.*, ${feature}\\)$`),
  )
})
