/** What a machine of several processes owes: the same run in slices and from snapshots, no growth over many processes, endings and crashes that say whose they are. */
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { AddressSpace } from '../../src/engine/address-space.ts'
import { Engine } from '../../src/engine/run.ts'
import { restoreMachine } from '../../src/linux/machine.ts'
import { Place } from '../e2e/lemming.ts'
import { machineFor, newEngine, newWorld, scratch } from '../machine/machines.ts'

const directory = scratch()
const shared = newEngine()
const SCRIPT = 'for i in 1 2 3; do (echo $i; sleep 0.01) | /bin/cat; done; x=$(/bin/echo a | tr a b); echo $x; exit 5'
const LIMIT = 10_000_000_000

function compile(name: string, source: string): string {
  const path = join(directory, name)
  writeFileSync(`${path}.c`, source)
  execFileSync('gcc', ['-g', '-O0', '-w', '-pthread', '-o', path, `${path}.c`])
  return path
}

describe('one execution', () => {
  const engine = shared
  const start = (): ReturnType<typeof machineFor> =>
    machineFor('/bin/bash', ['-c', SCRIPT], { seed: 4, processor: engine })
  const whole = start()
  const { ended, count } = whole.machine.advance(LIMIT)
  const hash = whole.machine.hash()
  whole.machine.release()

  test('is what a native run is', () => {
    const native = spawnSync('/bin/bash', ['-c', SCRIPT], { encoding: 'latin1' })
    expect(whole.output).toEqual({ stdout: native.stdout, stderr: native.stderr })
    expect(ended).toEqual({ kind: 'exit', code: native.status })
  })

  test.each([9_973, 400_009])('in slices of %i', (slice) => {
    const { machine, output } = start()
    for (let limit = slice; machine.state.ended === null; limit += slice) {
      machine.advance(limit)
      if (limit % 7 === 0) machine.hash()
    }
    expect({ count: machine.state.count, hash: machine.hash(), ...output }).toEqual({ count, hash, ...whole.output })
    machine.release()
  })

  test('saved at many moments, restored by an engine that has translated nothing', () => {
    const { machine } = start()
    let spaces = 0
    for (let i = 1; i < 5; i++) {
      machine.advance(Math.floor((count * i) / 5))
      const snapshot = structuredClone(machine.save())
      spaces = Math.max(spaces, snapshot.spaces.size)
      const other = restoreMachine(snapshot, { world: newWorld().world, processor: i === 3 ? newEngine() : engine })
      expect(other.hash()).toBe(machine.hash())
      other.advance(LIMIT)
      expect({ count: other.state.count, hash: other.hash() }).toEqual({ count, hash })
      other.release()
    }
    expect(spaces).toBeGreaterThan(1)
    machine.release()
  })
})

/** Knows every address space that it has ever made. */
class CountingEngine extends Engine {
  readonly made = new Set<AddressSpace>()

  override createSpace(): AddressSpace {
    const space = super.createSpace()
    this.made.add(space)
    return space
  }
}

test('four hundred processes leave nothing behind', { timeout: 120_000 }, () => {
  const processor = new CountingEngine({ callDepth: 400 })
  const script = 'i=0; while [ $i -lt 200 ]; do (:); /bin/true; i=$((i + 1)); done; echo $i'
  const { machine, output } = machineFor('/bin/sh', ['-c', script], { processor })
  const sizes = (): number[] => {
    const { processes, spaces, tasks, fs, events, futexes } = machine.state
    return [processes, spaces, tasks, fs.inodes, fs.descriptions, fs.pipes, events, futexes].map(
      (kept) => (kept as { size?: number; length?: number }).size ?? (kept as { length: number }).length,
    )
  }
  const seen: number[][] = []
  machine.addObserver({ name: 'sizes', taskExit: ({ tid }) => void (tid % 100 === 40 && seen.push(sizes())) })
  expect(machine.advance(LIMIT).ended).toEqual({ kind: 'exit', code: 0 })
  expect(output.stdout).toBe('200\n')
  expect(machine.state.nextTid).toBe(1401)
  expect(seen).toHaveLength(4)
  for (const later of seen) expect(later).toEqual(seen[0])
  expect(processor.made.size).toBeLessThan(6)
})

test('what one process has had translated serves the others', () => {
  /** Regions and units that are translated for a shell that starts so many programs, one after the other and side by side. */
  const translated = (times: number): number => {
    const processor = newEngine()
    const script = Array.from({ length: times }, () => '/bin/echo x | /bin/cat >/dev/null').join('; ')
    const { machine } = machineFor('/bin/sh', ['-c', script], { processor })
    expect(machine.advance(LIMIT).ended).toEqual({ kind: 'exit', code: 0 })
    const { regions, units } = processor.statistics()
    return regions + units
  }
  const once = translated(1)
  expect(once).toBeGreaterThan(500)
  expect(translated(4)).toBeLessThan(once * 1.15)
})

test('processes race for shared memory: some seeds lose an increment, some do not', () => {
  const program = compile(
    'race',
    `#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
  volatile int *count = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 2; i++)
    if (fork() == 0) {
      for (int j = 0; j < 500; j++) *count = *count + 1;
      _exit(0);
    }
  while (wait(0) > 0) {}
  printf("%d\\n", *count);
}`,
  )
  const counts = Array.from({ length: 24 }, (_, seed) => {
    const { machine, output } = machineFor(program, [], { seed, processor: shared })
    machine.advance(LIMIT)
    machine.release()
    return Number(output.stdout)
  })
  expect(counts.filter((count) => count === 1000).length).toBeGreaterThan(0)
  expect(counts.filter((count) => count < 1000 && count >= 500).length).toBeGreaterThan(0)
  expect(Math.max(...counts)).toBe(1000)
})

describe('endings', () => {
  test('a parent and a child that wait for each other', () => {
    const program = compile(
      'mutual',
      `#include <unistd.h>
#include <sys/wait.h>
int main(void) {
  int pipes[2]; char byte;
  pipe(pipes);
  if (fork() == 0) { read(pipes[0], &byte, 1); _exit(0); }
  wait(0);
}`,
    )
    const { machine } = machineFor(program, [], { processor: shared })
    const { ended } = machine.advance(LIMIT)
    expect(ended).toEqual({
      kind: 'deadlock',
      waiting: [
        { tid: 1000, text: expect.stringMatching(/^wait4\(-1, NULL, 0, NULL\)/) },
        { tid: 1001, text: expect.stringMatching(/^read\(3, /) },
      ],
    })
  })

  test('the first process, while others run', () => {
    const { machine, output } = machineFor('/bin/sh', ['-c', '(sleep 10; echo late) & echo first; exit 3'], {
      processor: shared,
    })
    expect(machine.advance(LIMIT).ended).toEqual({ kind: 'exit', code: 3 })
    expect(output.stdout).toBe('first\n')
  })

  test('a child that crashes is noted, one that is killed is not', () => {
    const { machine, output } = machineFor(
      '/bin/sh',
      ['-c', 'sh -c "kill -SEGV \\$\\$"; sh -c "kill -TERM \\$\\$"; sh -c "kill -ABRT \\$\\$"; true'],
      { processor: shared },
    )
    expect(machine.advance(LIMIT).ended).toEqual({ kind: 'exit', code: 0 })
    expect(machine.state.crashes.map(({ pid, signal, sent }) => ({ pid, signal, sent }))).toEqual([
      { pid: 1001, signal: 11, sent: true },
      { pid: 1003, signal: 6, sent: true },
    ])
    expect(output.stderr).toMatch(/Segmentation fault\nTerminated\nAborted/)
  })
})

describe('the command', () => {
  const place = new Place({ check: 'none' })
  afterAll(() => place.remove())
  const program = compile(
    'crash',
    `#include <unistd.h>
#include <sys/wait.h>
static void store(volatile int *at) { *at = 42; }
int main(int count, char **words) {
  if (count > 1) store((int *)16);
  if (fork() == 0) execl(words[0], words[0], "an argument", (char *)0);
  wait(0);
  return 0;
}`,
  )

  test('reports the crash of a child with process, command and stack', () => {
    const { ending, findings } = place.json('run', ['--', program])
    expect(ending).toEqual({ kind: 'exit', code: 0 })
    expect(findings).toHaveLength(1)
    const [finding] = findings
    expect(finding).toMatchObject({
      kind: 'crash',
      process: { pid: 1001, command: [program, 'an argument'] },
      signal: { name: 'SIGSEGV', address: '0x10' },
      thread: { pid: 1001, tid: 1001 },
    })
    const calls = finding!.thread!.stack.frames.map((frame) => [frame.function, frame.line])
    expect(calls.slice(0, 2)).toEqual([
      ['store', 3],
      ['main', 5],
    ])
    expect(finding!.others[0]).toMatchObject({ pid: 1000, waiting: expect.stringMatching(/^wait4\(/) })
  })

  test('traces all processes as strace -f does', () => {
    const traced = compile(
      'traced',
      `#define _GNU_SOURCE
#include <signal.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
  static int status, fds[2];
  static siginfo_t info;
  static char *words[] = {"true", "a \\"b\\"", 0}, *none[] = {0};
  pipe(fds);
  int pid = vfork();
  if (pid == 0) { close(fds[0]); _exit(3); }
  wait4(pid, &status, 0, 0);
  pid = vfork();
  if (pid == 0) { kill(getpid(), SIGKILL); }
  waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
  wait4(-1, &status, WUNTRACED, 0);
  wait4(-1, &status, WNOHANG | __WALL, 0);
  setpgid(0, 0); getpgid(0) == 0;
  syscall(SYS_execve, "/nonexistent", words, none);
  pid = vfork();
  if (pid == 0) { execve("/bin/true", words, none); }
  wait4(pid, &status, 0, 0);
  return 0;
}`,
    )
    /** The program's own calls by their text, without pids, addresses and columns. */
    const own = (text: string): string[] => {
      const lines = text
        .split('\n')
        .map((line) => line.replace(/^\[pid +\d+\] /, '').replace(/^\d+ +/, ''))
        .filter((line) => /^(pipe2?|vfork|close\(3|exit|wait|setpgid|getpgid|execve|\+\+\+|---)/.test(line))
        .map((line) =>
          line
            .replace(/ +=/, ' =')
            .replace(/0x[0-9a-f]+/g, 'ADDRESS')
            .replace(/\b(?!1000\b)\d{4,}\b/g, 'PID')
            .replace(/\b1000\b/g, (uid, at: number) => (line.slice(at - 7, at) === 'si_uid=' ? uid : 'PID'))
            .replace(/si_[us]time=\d+/g, 'TIME'),
        )
      return lines.toSorted()
    }
    const native = spawnSync('/bin/sh', ['-c', `exec env -i strace -f ${traced}`], { encoding: 'utf8' })
    const ours = place.lemming(['run', '--strace', '--clean-env', '--', traced])
    const joined = native.stderr.replace(/strace: Process \d+ attached\n/g, '')
    // strace splits calls during which another process was traced.
    const whole = (text: string): string[] =>
      own(text).filter(
        (line) => !/unfinished|resumed/.test(line) && !line.startsWith('vfork') && !/^execve\("[^"]*traced/.test(line),
      )
    const wanted = whole(joined)
    expect(wanted.length).toBeGreaterThan(10)
    expect(whole(ours.stderr)).toEqual(expect.arrayContaining(wanted))
  })
})
