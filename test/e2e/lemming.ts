/** Runs the command as a user does, on programs that are compiled when a test needs them. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { z } from 'zod'
import type { schemas } from '../../src/cli/schema.ts'
import { root } from '../house/tree.ts'

/** The command as it is shipped: it starts in half the time. */
export const main = join(root, process.env['LEMMING_BUILT']!, 'cli/main.js')

type Command = keyof typeof schemas
/** What `command --json` prints. */
export type Document<C extends Command> = z.infer<(typeof schemas)[C]>

/** What a command came to. */
export interface Ran {
  code: number | null
  stdout: string
  stderr: string
}

/** A directory of its own: programs, failures and the object store are below it. */
export class Place {
  readonly path = fs.mkdtempSync(join(tmpdir(), 'lemming-e2e-'))
  private readonly check: 'none' | undefined

  /** `check`: what runs and hunts are told when a test says nothing else: `none` where checks are not what it is about, for they take their time. */
  constructor({ check }: { check?: 'none' } = {}) {
    this.check = check
  }

  /** Runs lemming in this directory. */
  lemming(args: string[], more: { env?: Record<string, string>; cwd?: string; input?: string | Buffer } = {}): Ran {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...this.words(args)], {
      cwd: more.cwd ?? this.path,
      env: this.env(more.env),
      input: more.input ?? '',
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      timeout: 100_000,
    })
    return { code: status, stdout, stderr }
  }

  /** The same with --json: its document. */
  json<C extends Command>(command: C, args: string[], more: Parameters<Place['lemming']>[1] = {}): Document<C> {
    const { stdout, stderr } = this.lemming([command, '--json', ...args], more)
    try {
      return JSON.parse(stdout) as Document<C>
    } catch {
      throw new Error(`no JSON: ${stdout}${stderr}`)
    }
  }

  private words(args: string[]): string[] {
    const [command = ''] = args
    const isSaid = args.includes('--check') || args.includes('--resume')
    return this.check !== undefined && !isSaid && (command === 'run' || command === 'hunt')
      ? [command, '--check', this.check, ...args.slice(1)]
      : args
  }

  /** Starts lemming in this directory, to be waited for or killed. */
  start(args: string[]): { child: ChildProcess; ended: Promise<Ran> } {
    const child = spawn(process.execPath, [main, ...this.words(args)], {
      cwd: this.path,
      env: this.env(),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const ran: Ran = { code: null, stdout: '', stderr: '' }
    child.stdout!.on('data', (text) => (ran.stdout += String(text)))
    child.stderr!.on('data', (text) => (ran.stderr += String(text)))
    return { child, ended: new Promise((resolve) => child.on('close', (code) => resolve({ ...ran, code }))) }
  }

  /** Compiles a C program; its path. */
  compile(name: string, source: string, flags: string[] = ['-g', '-O1']): string {
    fs.writeFileSync(join(this.path, `${name}.c`), source)
    execFileSync('gcc', ['-pthread', ...flags, '-o', name, `${name}.c`], { cwd: this.path, stdio: 'pipe' })
    return `./${name}`
  }

  /** Environment of a run: the same whoever runs the test. */
  env(more: Record<string, string> = {}): Record<string, string> {
    return { PATH: process.env.PATH!, HOME: this.path, LEMMING_HOME: join(this.path, 'home'), ...more }
  }

  remove(): void {
    fs.rmSync(this.path, { recursive: true, force: true })
  }
}

/**
 * Two threads increment and decrement without a lock, and the main thread crashes in `check` when a count was lost, which depends on the
 * schedule. (In two steps: an ADD to memory is one instruction, and threads are switched between instructions.)
 */
export const racyProgram = `#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static volatile long count;
static void *work(void *step)
{
    for (int i = 0; i < 3000; i++) {
        long read = count;
        count = read + (long)step;
    }
    return 0;
}
static __attribute__((noinline)) void check(long *lost)
{
    if (*lost)
        *(volatile int *)8 = 1; // the crash
}
int main(void)
{
    pthread_t a, b;
    printf("begin\\n");
    fflush(stdout);
    pthread_create(&a, 0, work, (void *)1);
    pthread_create(&b, 0, work, (void *)-1);
    pthread_join(a, 0);
    pthread_join(b, 0);
    long lost = count;
    check(&lost);
    printf("end\\n");
}
`
