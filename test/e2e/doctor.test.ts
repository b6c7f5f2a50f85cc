/** Holds `lemming doctor` against readelf and ldd, and shows what `lemming cache` lists and removes. */
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { Place } from './lemming.ts'

const place = new Place()
afterAll(() => place.remove())
const MAIN = 'int main(void) { return 0; }\n'

interface Told {
  works: boolean
  host: { what: string; state: string; text: string }[]
  program?: { what: string; state: string; text: string; next?: string }[]
}

function doctor(program?: string): { told: Told; code: number | null } {
  const { stdout, code } = place.lemming(['doctor', '--json', ...(program === undefined ? [] : [program])])
  return { told: JSON.parse(stdout) as Told, code }
}

const about = ({ program }: Told, what: string) => program!.find((row) => row.what === what)

describe('lemming doctor', () => {
  it('tells of this computer', () => {
    const { told, code } = doctor()
    expect(code).toBe(0)
    expect(told.host.find(({ what }) => what === 'node')).toMatchObject({
      state: 'ok',
      text: expect.stringContaining(process.versions.node) as string,
    })
    expect(told.host.find(({ what }) => what === 'gcc')!.text).toBe(
      execFileSync('sh', ['-c', 'command -v gcc'], { encoding: 'utf8' }).trim(),
    )
    expect(place.lemming(['doctor']).stdout).toContain('wasm SIMD')
  })

  it('tells which level of instructions a program needs, as readelf does', () => {
    for (const [level, works] of [
      ['x86-64-v2', true],
      ['x86-64-v3', false],
    ] as const) {
      const path = place.compile(level, MAIN, [`-Wl,-z,${level}`])
      expect(execFileSync('readelf', ['-n', path], { cwd: place.path, encoding: 'utf8' })).toMatch(
        `needed: x86-64-baseline, ${level === 'x86-64-v2' ? 'x86-64-v2' : 'x86-64-v3'}`,
      )
      const { told, code } = doctor(path)
      expect(about(told, 'instruction-set level')!.text).toBe(`${level} is needed`)
      expect(told.works).toBe(works)
      expect(code).toBe(works ? 0 : 1)
    }
  })

  it('names libraries that are missing, as ldd does', () => {
    fs.writeFileSync(join(place.path, 'gone.c'), 'int gone(void) { return 1; }\n')
    execFileSync('gcc', ['-shared', '-o', 'libgone-lemming.so', 'gone.c'], { cwd: place.path })
    fs.writeFileSync(join(place.path, 'needs.c'), 'int gone(void);\nint main(void) { return gone(); }\n')
    execFileSync('gcc', ['-o', 'needs', 'needs.c', '-L.', '-lgone-lemming'], { cwd: place.path })
    fs.rmSync(join(place.path, 'libgone-lemming.so'))
    expect(execFileSync('ldd', ['./needs'], { cwd: place.path, encoding: 'utf8' })).toContain(
      'libgone-lemming.so => not found',
    )
    const { told, code } = doctor('./needs')
    expect(about(told, 'libraries')).toMatchObject({ state: 'bad', text: 'not found: libgone-lemming.so' })
    expect(code).toBe(1)
  })

  it('looks for libraries where the dynamic linker does: search paths of objects, and of those that led to them', () => {
    fs.mkdirSync(join(place.path, 'own/deep'), { recursive: true })
    for (const [name, needs] of [
      ['inner', []],
      ['outer', ['-Lown/deep', '-linner-lemming']],
    ] as const) {
      const directory = name === 'inner' ? 'own/deep' : 'own'
      fs.writeFileSync(join(place.path, `${name}.c`), `int ${name}(void) { return 0; }\n`)
      const output = ['-shared', '-o', `${directory}/lib${name}-lemming.so`, '-Wl,--no-as-needed']
      execFileSync('gcc', [...output, `${name}.c`, ...needs], { cwd: place.path })
    }
    fs.writeFileSync(join(place.path, 'outermost.c'), 'int outer(void);\nint main(void) { return outer(); }\n')
    const paths = '-Wl,-rpath,$ORIGIN/own:$ORIGIN/own/deep'
    const found = (['--disable-new-dtags', '--enable-new-dtags'] as const).map((kind) => {
      const words = ['-o', 'outermost', 'outermost.c', '-Lown', '-louter-lemming', `-Wl,${kind}`, paths]
      execFileSync('gcc', [...words, '-Wl,--allow-shlib-undefined'], { cwd: place.path })
      const { state } = about(doctor('./outermost').told, 'libraries')!
      const ldd = execFileSync('ldd', ['./outermost'], { cwd: place.path, encoding: 'utf8' })
      expect(state).toBe(ldd.includes('not found') ? 'bad' : 'ok')
      return state
    })
    // A RUNPATH is not for what the needed object needs itself.
    expect(found).toEqual(['ok', 'bad'])
  })

  it('finds instructions that are not there, and passes programs that have none', () => {
    const source = 'int main(void) { __asm__ volatile("vaddpd %zmm1, %zmm2, %zmm3"); return 0; }\n'
    expect(about(doctor(place.compile('wide', source)).told, 'instructions')).toMatchObject({
      state: 'note',
      text: expect.stringMatching(/not supported: 1 of .*512/) as string,
    })
    // glibc has string functions for processors with AVX2, and asks CPUID before it uses them.
    const linked = about(doctor(place.compile('linked', MAIN)).told, 'library code')
    expect(linked).toMatchObject({ state: 'note', text: expect.stringMatching(/libc\.so\.6: .*\d+ of AVX2/) })
    const { told } = doctor(place.compile('static', MAIN, ['-static']))
    expect(about(told, 'linkage')).toMatchObject({ state: 'ok', text: 'static' })
    fs.writeFileSync(join(place.path, 'script'), '#!/nowhere/sh -x\n', { mode: 0o755 })
    expect(about(doctor('./script').told, 'script')).toMatchObject({ state: 'bad' })
    fs.writeFileSync(join(place.path, 'text'), 'no program\n', { mode: 0o755 })
    expect(about(doctor('./text').told, 'format')).toMatchObject({ state: 'bad' })
    expect(place.lemming(['doctor', './nothing']).code).toBe(3)
  })
})

it('lemming cache shows what is kept, and removes it', () => {
  const env = { XDG_CACHE_HOME: join(place.path, 'cache') }
  const list = (...more: string[]) =>
    JSON.parse(place.lemming(['cache', '--json', ...more], { env }).stdout) as {
      directory: string
      bytes: number
      entries: { program: string; path: string; bytes: number }[]
      removed?: number
    }
  expect(list().entries).toEqual([])
  const path = place.compile(
    'kept',
    '#include <stdio.h>\nint main(void) { for (int i = 0; i < 3000; i++) printf("%d\\n", i); return 0; }\n',
  )
  expect(place.lemming(['run', '--', path], { env }).code).toBe(0)
  const { directory, entries, bytes } = list('kept')
  expect(entries.map(({ program }) => program)).toEqual(['kept'])
  expect(fs.statSync(entries[0]!.path).size).toBe(bytes)
  expect(entries[0]!.path.startsWith(directory)).toBe(true)
  expect(place.lemming(['cache'], { env }).stdout).toMatch(/kept\n1 entry, .* in .*lemming\/translations/)
  expect(list('--clear', 'another').removed).toBe(0)
  expect(list('--clear').removed).toBe(1)
  expect(list().entries).toEqual([])
})

it('--strace begins with the execve that strace shows', () => {
  const path = place.compile('first', MAIN)
  const args = [path, 'one', 'a "quoted" word that is too long to be shown whole', 'three\n']
  const line = (text: string): string =>
    text
      .split('\n')
      .find((row) => row.startsWith('execve('))!
      .replace(/0x[0-9a-f]+/, 'STACK')
      .replace(/ +=/, ' =')
  const env = { PATH: process.env.PATH!, LEMMING_HOME: join(place.path, 'home'), HOME: place.path }
  execFileSync('strace', ['-o', 'log', ...args], { cwd: place.path, env })
  const native = line(fs.readFileSync(join(place.path, 'log'), 'utf8'))
  expect(line(place.lemming(['run', '--strace', '--', ...args]).stderr)).toBe(native)
})
