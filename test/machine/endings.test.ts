/** How runs end, and why programs are refused: exit codes, fatal signals with their evidence, deadlocks, and errors that name file and reason. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { LemmingError } from '../../src/base/errors.ts'
import { CpuState } from '../../src/engine/cpu-state.ts'
import type { Ending } from '../../src/linux/state.ts'
import { machineFor, scratch } from './machines.ts'

const directory = scratch()
let serial = 0

function compile(body: string, ...flags: string[]): string {
  const program = join(directory, `program${serial++}`)
  const source = `#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
${body}`
  execFileSync('gcc', ['-w', '-O1', '-pthread', '-x', 'c', '-o', program, '-', ...flags], { input: source })
  return program
}

/** The last lines of the machine's life, and what a shell says of the native one. */
function end(body: string, ...flags: string[]): { ended: Ending | null; native: number | NodeJS.Signals | null } {
  const program = compile(body, ...flags)
  const { machine } = machineFor(program)
  const { ended } = machine.advance(100_000_000)
  let native: number | NodeJS.Signals | null = 0
  try {
    execFileSync('sh', ['-c', `ulimit -c 0; exec ${program}`], { stdio: 'pipe' })
  } catch (error) {
    const { status, signal } = error as { status: number | null; signal: NodeJS.Signals | null }
    native = signal ?? status
  }
  return { ended, native }
}

describe('exit', () => {
  test.each([
    ['main returns', 'int main(void) { return 37; }', 37],
    ['exit', 'int main(void) { exit(300); }', 44],
    [
      '_exit in a thread',
      'static void *f(void *a) { _exit(5); } int main(void) { pthread_t t; pthread_create(&t, 0, f, 0); for (;;) pause(); }',
      5,
    ],
    [
      'the last thread ends by itself',
      'static void *f(void *a) { usleep(1000); return a; } int main(void) { pthread_t t; pthread_create(&t, 0, f, 0); pthread_exit(0); }',
      0,
    ],
    ['exit calls with a status by a lone thread', 'int main(void) { syscall(SYS_exit, 9); }', 9],
  ])('%s', (_what, body, code) => {
    expect(end(body)).toEqual({ ended: { kind: 'exit', code }, native: code })
  })
})

describe('fatal signals', () => {
  test.each([
    ['abort', 'int main(void) { abort(); }', 'SIGABRT', { signal: 6, code: -6, address: 0n, sent: true }],
    [
      'null',
      'int main(void) { *(volatile int *)16 = 1; }',
      'SIGSEGV',
      { signal: 11, code: 1, address: 16n, sent: false },
    ],
    ['division', 'int main(int c, char **v) { return 5 / (c - 1); }', 'SIGFPE', { signal: 8, code: 1, sent: false }],
    ['ud2', 'int main(void) { __builtin_trap(); }', 'SIGILL', { signal: 4, code: 2, sent: false }],
    ['kill', 'int main(void) { kill(getpid(), SIGTERM); for (;;); }', 'SIGTERM', { signal: 15, code: 0, sent: true }],
    [
      'SIGKILL, which nobody blocks',
      'int main(void) { sigset_t s; sigfillset(&s); sigprocmask(SIG_SETMASK, &s, 0); kill(getpid(), 9); }',
      'SIGKILL',
      { signal: 9, sent: true },
    ],
    [
      'SIGSEGV ignored and raised',
      'int main(void) { signal(SIGSEGV, SIG_IGN); *(volatile int *)16 = 1; }',
      'SIGSEGV',
      { signal: 11, code: 1, sent: false },
    ],
    [
      'SIGSEGV blocked and raised',
      'int main(void) { sigset_t s; sigfillset(&s); sigprocmask(SIG_SETMASK, &s, 0); *(volatile int *)16 = 1; }',
      'SIGSEGV',
      { signal: 11, code: 1, sent: false },
    ],
    [
      'SIGSEGV in its own handler',
      'static void f(int s) { *(volatile int *)32 = 1; } int main(void) { signal(SIGSEGV, f); *(volatile int *)16 = 1; }',
      'SIGSEGV',
      { signal: 11, code: 1, address: 32n, sent: false },
    ],
    [
      'no stack for the handler',
      'static void f(int s) {} int main(void) { signal(SIGUSR1, f); __asm__ volatile("movl $39,%%eax; syscall; movl %%eax,%%edi; movl $10,%%esi; movl $62,%%eax; movq $4096,%%rsp; syscall" ::: "memory"); }',
      'SIGSEGV',
      { signal: 11, code: 0x80, sent: false },
    ],
  ])('%s', (_what, body, native, expected) => {
    const result = end(body)
    expect(result).toMatchObject({ ended: { kind: 'signal', ...expected }, native })
  })

  test('registers stay as they were, of the thread that crashed and of the others', () => {
    const program =
      compile(`static void *f(void *a) { usleep(1000); __asm__ volatile("movq $0x123456, %%r13; movq $8, %%rax; movq %%r13, (%%rax)" ::: "rax", "r13", "memory"); return a; }
int main(void) { pthread_t t; pthread_create(&t, 0, f, 0); pthread_join(t, 0); }`)
    const { machine } = machineFor(program)
    const { ended } = machine.advance(10_000_000)
    expect(ended).toMatchObject({ kind: 'signal', signal: 11, tid: 1001, address: 8n })
    const cpu = new CpuState(machine.state.tasks.get(1001)!.cpu)
    expect([cpu.gpr(0), cpu.gpr(13)]).toEqual([8n, 0x123456n])
    const code = machine.kernel.memories.get(1)!.space.read(Number(cpu.rip), 3)
    expect([...code!]).toEqual([0x4c, 0x89, 0x28])
    expect(machine.state.tasks.get(1000)?.wait).toMatchObject({ kind: 'futex' })
  })
})

describe('deadlock', () => {
  test('each waiter is named with its call', () => {
    const program = compile(`static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void *f(void *x) { pthread_mutex_lock(&b); usleep(1000); pthread_mutex_lock(&a); return x; }
int main(void) { pthread_t t; pthread_mutex_lock(&a); pthread_create(&t, 0, f, 0); usleep(500); pthread_mutex_lock(&b); }`)
    const { machine } = machineFor(program)
    const { ended } = machine.advance(10_000_000)
    expect(ended?.kind).toBe('deadlock')
    const waiting = ended?.kind === 'deadlock' ? ended.waiting : []
    expect(waiting.map(({ tid }) => tid)).toEqual([1000, 1001])
    for (const { text } of waiting) expect(text).toMatch(/^futex\(0x[0-9a-f]+, FUTEX_WAIT_PRIVATE, 2, NULL\)$/)
  })
})

describe('what lemming does not have', () => {
  test('stops the run and names itself', () => {
    const program = compile('int main(void) { return syscall(133, "/mnt/fifo", 0010600, 0); }')
    const { machine } = machineFor(program, [], { mounts: [{ guest: '/mnt', host: scratch(), writable: true }] })
    const what = /^mknod of .*fifo: a device, FIFO or socket in a writable mount is not supported$/
    expect(() => machine.advance(10_000_000)).toThrow(what)
    // The machine can still be looked at.
    expect(machine.hash()).toMatch(/^[0-9a-f]{16}$/)
  })

  test('an option is answered as by a kernel without it, and noted', () => {
    const program = compile('int main(void) { return syscall(316, -100, "/tmp", -100, "/tmp/x", 4) == -1 ? 0 : 1; }')
    const { machine } = machineFor(program)
    expect(machine.advance(10_000_000).ended).toEqual({ kind: 'exit', code: 0 })
    expect(machine.state.unknownCalls).toMatchObject([{ text: 'renameat2(RENAME_WHITEOUT)', answer: 'EINVAL' }])
  })

  test('an unknown call is noted once and returns ENOSYS', () => {
    const program = compile(
      'int main(void) { return syscall(250, 1, 2, 3, 4, 5, 6) == -1 && syscall(250, 7) == -1 ? 0 : 1; }',
    )
    const { machine } = machineFor(program)
    expect(machine.advance(10_000_000).ended).toEqual({ kind: 'exit', code: 0 })
    expect(machine.state.unknownCalls).toMatchObject([
      { nr: 250, times: 2, text: 'keyctl(0x1, 0x2, 0x3, 0x4, 0x5, 0x6)' },
    ])
  })
})

describe('programs that cannot be run', () => {
  const hello = compile('int main(void) { puts("hello"); return 0; }')
  const file = (name: string, content: string | Uint8Array, mode = 0o755): string => {
    const path = join(directory, name)
    writeFileSync(path, content)
    chmodSync(path, mode)
    return path
  }

  test.each<[string, () => string, string, RegExp]>([
    ['missing', () => join(directory, 'missing'), 'program-not-found', /missing: No such file or directory/],
    ['directory', () => directory, 'program-is-directory', /: Is a directory/],
    [
      'not executable',
      () => file('plain', readFileSync(hello), 0o644),
      'program-not-executable',
      /plain: Permission denied: it is not executable/,
    ],
    ['text', () => file('text', 'hello\n'), 'elf-not-elf', /text: not an ELF file/],
    ['truncated', () => file('cut', readFileSync(hello).subarray(0, 3000)), 'elf-truncated', /cut: truncated ELF/],
    ['script without interpreter', () => file('s1', '#!\n'), 'bad-script', /s1: its first line/],
    [
      'script whose interpreter is missing',
      () => file('s2', '#!/no/such/thing -x\n'),
      'program-not-found',
      /\/no\/such\/thing: No such file/,
    ],
    ['script of itself', () => file('s3', `#!${directory}/s3\n`), 'bad-script', /s3: scripts that interpret scripts/],
    [
      'missing dynamic loader',
      () => compile('int main(void) {}', '-Wl,--dynamic-linker=/no/loader.so'),
      'program-not-found',
      /program\d+: its interpreter cannot be used: \/no\/loader.so: No such file/,
    ],
    [
      'beyond the room',
      () => compile('int main(void) {}', '-no-pie', '-Wl,-Ttext-segment=0x7f000000'),
      'program-does-not-fit',
      /there is room for programs below 0x70000000/,
    ],
    [
      'dangling link',
      () => {
        symlinkSync('/no/where', join(directory, 'dangling'))
        return join(directory, 'dangling')
      },
      'program-not-found',
      /dangling: No such file/,
    ],
  ])('%s', (_what, path, code, message) => {
    let thrown: unknown
    try {
      machineFor(path())
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(LemmingError)
    expect((thrown as LemmingError).code).toBe(code)
    expect((thrown as LemmingError).message).toMatch(message)
    expect((thrown as LemmingError).message).not.toContain('\n')
  })

  test('scripts run by their interpreters, with its argument and their own name', () => {
    const echo = compile('int main(int c, char **v) { for (int i = 0; i < c; i++) printf("%s|", v[i]); return 0; }')
    mkdirSync(join(directory, 'bin'), { recursive: true })
    const inner = file('bin/inner', `#! ${echo} one two \nrest\n`)
    const outer = file('outer', `#!${inner}\n`)
    const { machine, output } = machineFor(outer, ['a', 'b'])
    expect(machine.advance(10_000_000).ended).toEqual({ kind: 'exit', code: 0 })
    expect(output.stdout).toBe(execFileSync(outer, ['a', 'b'], { encoding: 'utf8' }))
  })
})
