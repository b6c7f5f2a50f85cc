/** Containers of the C++ library are shown in the words of gdb's printers for them, and their elements can be asked for. */

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LemmingError } from '../../src/base/errors.ts'
import { friendlyName } from '../../src/symbols/values/library.ts'
import { compileFile, run, temporaryDirectory } from '../elf/programs.ts'
import { momentOf } from './oracle.ts'

const directory = temporaryDirectory()
const source = join(import.meta.dirname, 'programs', 'containers.cc')

/** gdb 13 has dq[3] wrong where the first block is not full; characters of strings it shows as references. */
const questions = `
vp ve vc vl vv mp pm big ss es mm us um ls le fl fe dq de stk que pq sv emb empty longer mixed ws u16 u32 ua un sh wk sn va op b al ab ap il pr te
tp arrp arrs vp[1] vp[1].x sh->x *sh &vp[1] sizeof(vp) vi mi si di an ae as bs none holder *holder.owner holder.owner->y holder.numbers[1]
`
  .split(/\s+/)
  .filter((one) => one !== '')
const formatted = ['/x vl', '/r ve', '/x mp', '-pretty -- mp', '-pretty -- holder', '-pretty -- ss']

const compilers = (['g++', 'clang++-14'] as const).filter((one) => one === 'g++' || existsSync(`/usr/bin/${one}`))

test.each(compilers)('what containers hold, as compiled by %s', { timeout: 60_000 }, (compiler) => {
  const program = compileFile(directory, source, ['-g', '-w', '-std=c++20', '-O0'], compiler)
  const all = [
    ...questions.map((one) => `print ${one}`),
    ...formatted.map((one) => `print ${one}`),
    'whatis b',
    'whatis ss',
  ]
  const { answers, inspector, threads } = momentOf(
    directory,
    program,
    ['run', 'frame function main'],
    ['enable pretty-printer', ...all, 'down', 'info args', 'backtrace'],
  )
  const { frames } = inspector.frames(threads[0]!)
  const frame = frames.find(({ name }) => name === 'main')!
  const library = true
  const ours = all.map((one) => {
    const [, word, rest] = /^(\w+) (.*)$/.exec(one)!
    const scope = { frame }
    try {
      if (word === 'whatis') return `type = ${friendlyName(inspector.whatis(rest!, scope))}`
      const pretty = rest!.startsWith('-pretty -- ')
      return inspector.print(rest!.replace('-pretty -- ', ''), scope, { library, pretty })
    } catch (error) {
      if (error instanceof LemmingError) return `ERR ${error.message}`
      throw error
    }
  })
  const theirs = answers
    .slice(1, all.length + 1)
    .map((one) => one.replace(/^(warning: .*\n)+/, '').replace(/^\$\d+ = (warning: .*\n)*/, ''))
  expect(Object.fromEntries(all.map((one, i) => [one, ours[i]]))).toEqual(
    Object.fromEntries(all.map((one, i) => [one, theirs[i]])),
  )
  // What gdb would have to call functions for, which have no code of their own.
  const asked = [
    '*vi',
    'vi->y',
    'mi->second.x',
    '*si',
    '*ui',
    '*op',
    'op->y',
    'sh->x',
    'mixed == "y"',
    'empty == ""',
    'ls.front() == "p"',
  ]
  expect(asked.map((one) => inspector.print(one, { frame }, { library }))).toEqual([
    '{x = 3, y = 4}',
    '4',
    '1',
    '"a"',
    '{first = "k", second = 1.5}',
    '{x = 3, y = 4}',
    '4',
    '7',
    'false',
    'true',
    'true',
  ])
  const inner = frames.find(({ name }) => name === 'work')!
  const args = inspector.args(inner, { library }).map(({ name, text }) => `${name} = ${text}`)
  expect(args.join('\n')).toBe(answers.at(-2))
  const list = (text: string): string => /work \((.*)\) at/.exec(text)![1]!
  expect(list(inspector.describeFrame(inner, { library }))).toBe(list(answers.at(-1)!))
})

/** The printers that come with rustc, where it has them. */
const sysroot = spawnSync('rustc', ['--print=sysroot'], { encoding: 'utf8' }).stdout?.trim() ?? ''
const printers = join(sysroot, 'lib/rustlib/etc')

test.each(sysroot !== '' && existsSync(printers) ? ['rustc'] : [])(
  'what containers of Rust hold, as compiled by %s',
  { timeout: 60_000 },
  (compiler) => {
    const program = join(directory, 'library')
    const rust = join(import.meta.dirname, 'programs', 'library.rs')
    run(compiler, ['-g', '-Awarnings', '-C', 'opt-level=0', '-o', program, rust])
    const names = 'v ve vs s hm hs bm vd rc cell ce nested tuple_vec opt_vec o n c q u w t st re r oss pathb nzu'.split(
      ' ',
    )
    const load = `source ${join(printers, 'gdb_load_rust_pretty_printers.py')}`
    const { answers, inspector, threads } = momentOf(
      directory,
      program,
      [
        'run',
        'frame function library::main',
        `python sys.path.insert(0, '${printers}')`,
        'frame function library::main',
      ],
      [load, 'enable pretty-printer', ...names.map((one) => `print ${one}`)],
    )
    const frame = inspector.frames(threads[0]!).frames.find(({ name }) => name === 'library::main')!
    const ours = names.map((one) => inspector.print(one, { frame }, { library: true }))
    const theirs = answers.slice(2).map((one) => one.replace(/^\$\d+ = /, ''))
    expect(Object.fromEntries(names.map((one, i) => [one, ours[i]]))).toEqual(
      Object.fromEntries(names.map((one, i) => [one, theirs[i]])),
    )
    const pointed = ['*dy', 'uni == "ünï"', '0o17 + 1_000u16', "b'x'"].map((one) => inspector.print(one, { frame }))
    // gdb has escapes for what the locale of this test does not have.
    expect(inspector.print('uni', { frame }, { library: true })).toBe('"ünï"')
    expect(pointed).toEqual(['library::Wrapper (2)', 'true', '1015', "120 'x'"])
    // gdb knows no elements of these.
    expect(['v[1]', 'vd[1]', 'bm[1]', 'hm["k"]'].map((one) => inspector.print(one, { frame }))).toEqual([
      '2',
      '1',
      '"one"',
      '1',
    ])
  },
)

test('names without what the library fills in', () => {
  expect(friendlyName('std::vector<int, std::allocator<int> >')).toBe('std::vector<int>')
  expect(
    friendlyName(
      'std::map<std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >, int, std::less<std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> > >, std::allocator<std::pair<const std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >, int> > >',
    ),
  ).toBe('std::map<std::string, int>')
})
