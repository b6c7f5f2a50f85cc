/** Holds thread-local variables, values at entry, types declared on the spot, and the places of values against gdb and the compiler. */

import { execFileSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compile, compileFile, run, temporaryDirectory } from '../elf/programs.ts'
import { momentOf } from './oracle.ts'

const directory = temporaryDirectory()
const programs = (name: string): string => join(import.meta.dirname, 'programs', name)

test.each([[false], [true]])('variables of each thread, in the program and in a library (static: %s)', (isStatic) => {
  const library = join(directory, 'liblibrary.so')
  if (!isStatic) run('gcc', ['-g', '-shared', '-fPIC', '-o', library, programs('library.c')])
  const parts = isStatic
    ? ['-static', programs('library.c')]
    : ['-Wl,--no-as-needed', library, `-Wl,-rpath,${directory}`]
  const program = compileFile(directory, programs('threads.c'), ['-g', '-pthread', ...parts])
  const names = ['own', 'zero', 'padding', 'library_counter', 'library_text', '&own']
  // gdb reads thread-local variables through a library that static programs lack: there the program itself is the oracle.
  const questions = names.map((name) => `print ${name}`)
  const { answers, inspector, threads } = momentOf(directory, program, ['run', 'frame function work'], questions)
  const stopped = inspector.frames(threads[0]).frames.find(({ name }) => name === 'work')!
  const ours = names.map((name) => inspector.print(name, { frame: stopped }))
  if (isStatic) expect(ours.slice(0, 5)).toEqual(['100', '250', '"pa"', '131', '"Tls\\000\\000\\000\\000"'])
  else expect(ours).toEqual(answers.map((one) => one.replace(/^\$\d+ = /, '')))
  const other = inspector.frames(threads[1]).frames.find(({ name }) => name === 'work')!
  expect(inspector.print('own', { frame: other })).toBe('200')
  expect(inspector.print('library_counter', { frame: other })).toBe('231')
})

test('values at entry are computed in the callers, at every call on the way down', () => {
  const source = `
__attribute__((noinline)) int leaf(int a, long b, const char *c) {
  asm volatile("" : : : "rdi", "rsi", "rdx", "memory");
  __builtin_trap();
  return 0;
}
__attribute__((noinline)) int middle(int x, long y) {
  int sum = leaf(x + 1, y * 2, "text");
  asm volatile("" : : : "memory");
  return sum + 1;
}
__attribute__((noinline)) int outer(int z) { return middle(z, z + 10) + 3; }
int main(int argc, char **argv) { return outer(argc + 4) + 1; }
`
  const program = compile(directory, source, ['-g', '-O2', '-fno-ipa-cp', '-fno-ipa-sra', '-fno-ipa-vrp'])
  const questions = ['frame 0', 'info args', 'frame 1', 'info args', 'frame 2', 'info args', 'frame 3', 'info args']
  const { answers, inspector, threads } = momentOf(directory, program, ['set backtrace past-main on', 'run'], questions)
  const { frames } = inspector.frames(threads[0])
  const ours = frames.slice(0, 4).map((frame) =>
    inspector
      .args(frame)
      .map(({ name, text }) => `${name} = ${text}`)
      .join('\n'),
  )
  expect(ours).toEqual(answers.filter((_, i) => i % 2 === 1))
  expect(ours.join('\n')).not.toBe('')
  expect(ours.slice(0, 3).join('\n')).toMatch(/= \d+/)
})

const declared = `
typedef struct { int tag; char name[5]; } small_t;
struct node { struct node *next; small_t small; short bits : 3, more : 9; unsigned long long wide : 33; union { double d; char c; } u; };
enum mode { OFF, ON = 5, MAX };
typedef int (*handler_t)(struct node *, const char *, ...);
struct __attribute__((packed)) tight { char a; int b; short c; };
union any { struct node node; handler_t handlers[3]; enum mode mode; _Bool flag; };
typedef struct node nodes_t[3];
struct holder { struct tight tight; nodes_t nodes; long double ld; struct { int x, y; } at; int tail[]; };
`

test('types declared on the spot are laid out as by the compiler, and written alike', () => {
  const source = `${declared}
small_t s; struct node n; enum mode m; handler_t h; struct tight t; union any a; nodes_t ns; struct holder o;
int main(void) { n.small.tag = 7; n.small.name[0] = 'h'; n.next = &n; n.bits = -2; n.more = 100; n.wide = 0x123456789; m = ON; t.b = 3; o.at.y = 9; __builtin_trap(); }
`
  const names = [
    'small_t',
    'struct node',
    'enum mode',
    'handler_t',
    'struct tight',
    'union any',
    'nodes_t',
    'struct holder',
  ]
  const globals = ['s', 'n', 'm', 'h', 't', 'a', 'ns', 'o']
  const program = compile(directory, source, ['-g', '-w'])
  const questions = names.flatMap((name, i) => [
    `print sizeof(${name})`,
    `ptype ${name}`,
    `print *(${name} *)&${globals[i]}`,
  ])
  const moment = momentOf(directory, program, ['run'], questions)
  const bare = compile(directory, source, ['-w'])
  const without = momentOf(directory, bare, ['run'], ['print 1'])
  const { inspector, threads } = without
  const [frame] = inspector.frames(threads[0]).frames
  expect(inspector.declare(declared)).toEqual([
    'small_t',
    'node',
    'mode',
    'handler_t',
    'tight',
    'any',
    'nodes_t',
    'holder',
  ])
  const ours = names.flatMap((name, i) => [
    inspector.print(`sizeof(${name})`, { frame }),
    `type = ${inspector.ptype(name, { frame })}`,
    inspector.print(`*(${name} *)&(long)${globals[i]}`, { frame }),
  ])
  expect(ours).toEqual(moment.answers.map((one) => one.replace(/^\$\d+ = /, '')))
  expect(inspector.print('(enum mode)5', { frame })).toBe('ON')
})

test('places of values, and what an assignment would write', () => {
  const program = compileFile(directory, programs('values.c'), ['-g', '-w', '-O0'])
  const { inspector, threads } = momentOf(directory, program, ['run'], ['print 1'])
  const frame = inspector.frames(threads[0]).frames.find(({ name }) => name === 'work')!
  const address = (text: string): number => Number(inspector.evaluate(`(long)&${text}`, { frame }).integer())
  expect(inspector.place('everything.at.y', { frame })).toEqual({
    kind: 'memory',
    address: address('everything.at.y'),
    size: 4,
    type: 'int',
  })
  expect(inspector.place('i', { frame })).toMatchObject({ kind: 'memory', size: 4, type: 'int' })
  expect(inspector.place('r', { frame })).toEqual({ kind: 'register', register: 3, size: 8, type: 'long' })
  expect(inspector.place('bits.b', { frame })).toEqual({
    kind: 'memory',
    address: address('bits'),
    size: 1,
    type: 'int',
    bits: { size: 5, offset: 3 },
  })
  expect(inspector.place('1 + 1', { frame })).toMatchObject({ kind: 'value' })
  const write = inspector.assignment('everything.d = everything.i + 1', { frame })
  expect(write.place).toMatchObject({ kind: 'memory', address: address('everything.d'), size: 8 })
  expect(new Float64Array(write.bytes.buffer)[0]).toBe(-69999)
  expect(inspector.assignment('everything.c += 2', { frame }).bytes).toEqual(new Uint8Array([67]))
  expect(() => inspector.assignment('1 = 2', { frame })).toThrow('Left operand of assignment is not an lvalue.')
  expect(() => inspector.evaluate('everything.i = 3', { frame })).toThrow(/recorded run/)
  const variables = new Map()
  inspector.evaluate('$half = global_counter / 2', { frame, variables })
  expect(inspector.print('$half + 1', { frame, variables })).toBe('22')
  expect(inspector.complete('glob', { frame })).toContain('global_counter')
  expect(inspector.lookupSymbol('points')).toMatchObject({ kind: 'object', size: 24, address: address('points') })
})

describe('split debugging information', () => {
  const words = ['everything', '*everything.next', 'title', 'points', 'deep', '*deep.next', 'global_counter', 'i']

  function compare(program: string): void {
    const asked = [...words.map((word) => `print ${word}`), 'whatis struct everything', 'ptype deep', 'info locals']
    const { answers, inspector, threads } = momentOf(directory, program, ['run', 'frame function work'], asked)
    const frame = inspector.frames(threads[0]).frames.find(({ name }) => name === 'work')!
    const locals = inspector.locals(frame).map(({ name, text }) => `${name} = ${text}`)
    const ours = [
      ...words.map((word) => inspector.print(word, { frame })),
      `type = ${inspector.whatis('struct everything', { frame })}`,
      `type = ${inspector.ptype('deep', { frame })}`,
      locals.join('\n'),
    ]
    expect(ours).toEqual(answers.map((one) => one.replace(/^\$\d+ = /, '')))
  }

  test.each([
    ['-gdwarf-5', '-O0'],
    ['-gdwarf-5', '-O2', '-gz'],
    ['-gdwarf-4', '-O0'],
    ['-gdwarf-4', '-O2', '-fdebug-types-section'],
  ])('in .dwo files, %s %s', (...flags) => {
    compare(compileFile(directory, programs('values.c'), ['-w', ...flags, '-gsplit-dwarf']))
  })

  const dwp = ['/usr/bin/dwp', '/usr/bin/llvm-dwp'].find((path) => existsSync(path))

  test.each([dwp ?? 'the .dwo'])('in a .dwp file, by %s', () => {
    const program = compileFile(directory, programs('values.c'), ['-w', '-gdwarf-4', '-O1', '-gsplit-dwarf'])
    // Without the tool there is nothing to pack: the .dwo stands for itself.
    if (dwp !== undefined) {
      run(dwp, ['-e', program, '-o', `${program}.dwp`], { cwd: directory })
      rmSync(splitFileOf(program))
    }
    compare(program)
  })

  test('missed by the name of its file', () => {
    const program = compileFile(directory, programs('values.c'), ['-g', '-w', '-O0', '-gsplit-dwarf'])
    rmSync(splitFileOf(program))
    const { inspector, threads } = momentOf(directory, program, ['run'], ['print 1'])
    const frame = inspector.frames(threads[0]).frames.find(({ file }) => file?.endsWith('values.c'))!
    expect(() => inspector.print('title', { frame })).toThrow(/\.dwo, which is not there/)
  })

  /** gcc calls it after the program and the source. */
  function splitFileOf(program: string): string {
    return `${program}-values.dwo`
  }
})

test('what dwz has moved to a supplementary file is found there, and missed by name', () => {
  const dwz = ['/usr/bin/dwz'].find((path) => existsSync(path))
  const first = compileFile(directory, programs('values.c'), ['-g', '-w', '-gdwarf-4'])
  const second = compileFile(directory, programs('values.c'), ['-g', '-w', '-gdwarf-4', '-DOTHER'])
  // Without dwz there is nothing to compare: the plain file stands for itself.
  if (dwz !== undefined)
    execFileSync(dwz, ['-m', join(directory, 'shared.debug'), '-h', first, second], { stdio: 'ignore' })
  const questions = ['print everything', 'ptype everything', 'info locals']
  const { answers, inspector, threads } = momentOf(directory, first, ['run', 'frame function work'], questions)
  const frame = inspector.frames(threads[0]).frames.find(({ name }) => name === 'work')!
  const locals = inspector.locals(frame).map(({ name, text }) => `${name} = ${text}`)
  const ours = [
    inspector.print('everything', { frame }),
    `type = ${inspector.ptype('everything', { frame })}`,
    locals.join('\n'),
  ]
  expect(ours).toEqual(answers.map((one) => one.replace(/^\$\d+ = /, '')))
})

test('functions that were left by tail calls are put back into the stack, with their arguments', () => {
  const source = `
#include <signal.h>
__attribute__((noinline)) static int last(int a, int b) { raise(SIGABRT); return a * b + a; }
__attribute__((noinline)) static int second(int p, int q) { return last(q + 1, p); }
__attribute__((noinline)) static int first(int x) { asm volatile(""); return second(x, 7); }
int main(int argc, char **argv) { int sum = first(argc + 2); return sum + 1; }
`
  const program = compile(directory, source, ['-g', '-O2', '-fno-ipa-cp', '-fno-ipa-sra', '-fno-ipa-vrp'])
  const { answers, inspector, threads } = momentOf(
    directory,
    program,
    ['set backtrace past-main on', 'run'],
    ['backtrace'],
  )
  const { frames } = inspector.frames(threads[0])
  const own = frames.slice(0, frames.findIndex(({ name }) => name === 'main') + 1)
  const withoutDirectories = (text: string): string => text.replaceAll(/ at \S*\//g, ' at ')
  const ours = own.map((frame) => inspector.describeFrame(frame)).join('\n')
  const theirs = answers[0].split('\n').slice(0, own.length).join('\n')
  expect(withoutDirectories(ours)).toBe(withoutDirectories(theirs))
  expect(own.map(({ name }) => name)).toEqual(expect.arrayContaining(['last', 'second', 'first', 'main']))
})
