/** Stock gdb walks a replayed failure of four threads both ways, and opens the core of any moment; its stacks are ours. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Place } from '../e2e/lemming.ts'

const place = new Place({ check: 'none' })
const program = join(place.path, 'corrupt')
const recording = join(place.path, 'corrupt.lemming')
const SECONDS = 40

/** What gdb prints for a script, at a target that `first` names. */
function gdb(first: string[], script: string[]): string {
  const commands = [
    'set pagination off',
    'set confirm off',
    'set width 0',
    'set backtrace past-main on',
    ...first,
    ...script,
  ]
  const args = ['-nx', '-batch', ...commands.flatMap((line) => ['-ex', line])]
  const { stdout, stderr, error } = spawnSync('gdb', args, {
    encoding: 'utf8',
    timeout: SECONDS * 1000,
    cwd: place.path,
  })
  if (error !== undefined) throw error
  return stdout + stderr
}

/** A frame in a form that does not depend on which alias of a function is shown. */
function frameLine(name: string, file: string, line: number): string {
  return `${name.replace(/^_*(GI_)?_*/, '')} ${file.replace(/^.*\//, '')}:${line}`
}

/** Functions and lines of each thread's stack, as gdb prints `thread apply all bt`. */
function stacksIn(text: string): Map<number, string[]> {
  const stacks = new Map<number, string[]>()
  let frames: string[] = []
  for (const line of text.split('\n')) {
    const thread = /^Thread \d+ \((?:Thread 0x[0-9a-f]+ \(LWP|Thread|LWP) (?:\d+\.)?(\d+)/.exec(line)
    if (thread !== null) stacks.set(Number(thread[1]), (frames = []))
    const frame = /^#\d+ +(?:0x[0-9a-f]+ in )?(\S+) .*? at (\S+):(\d+)$/.exec(line)
    // gdb also shows functions that have left by a jump: nothing of them is on the stack.
    if (frame !== null && !frame[1]!.endsWith('_cancelable64'))
      frames.push(frameLine(frame[1]!, frame[2]!, Number(frame[3])))
  }
  return stacks
}

beforeAll(() => {
  execFileSync('gcc', ['-g', '-O0', '-pthread', '-o', program, join(import.meta.dirname, 'programs/corrupt.c')])
  const { stderr } = place.lemming(['run', '--seed', '5', '--export', recording, '--', program])
  if (!existsSync(recording)) throw new Error(stderr)
})
afterAll(() => place.remove())

/** Serves the recording to one gdb with a script. */
async function served(script: string[], file = recording): Promise<string> {
  const { child, ended } = place.start(['replay', '--gdb', '0', file])
  try {
    const port = await new Promise<string>((resolve, reject) => {
      let told = ''
      child.stderr!.on('data', (text) => {
        told += String(text)
        const found = /127\.0\.0\.1:(\d+)\n/.exec(told)
        if (found !== null) resolve(found[1]!)
      })
      void ended.then(({ stderr }) => reject(new Error(stderr)))
    })
    const text = gdb(['set remotetimeout 30', `target remote 127.0.0.1:${port}`], script)
    expect((await ended).code).toBe(0)
    return text
  } finally {
    child.kill()
  }
}

/** Stacks in our own report of the crash. */
function ours(): Map<number, string[]> {
  const { finding } = place.json('run', ['--seed', '5', '--', program])
  const threads = [finding!.thread!, ...finding!.others]
  return new Map(
    threads.map(({ tid, stack }) => [
      tid,
      stack.frames.flatMap((frame) =>
        frame.file === undefined ? [] : [frameLine(frame.function!, frame.file, frame.line!)],
      ),
    ]),
  )
}

describe('gdb on a replayed failure', () => {
  test('breakpoints, back to a watchpoint, stacks of all threads', { timeout: SECONDS * 2000 }, async () => {
    const text = await served([
      'bt',
      'echo == all\\n',
      'thread apply all bt',
      'echo == back\\n',
      'frame 0',
      'print n',
      'print $_siginfo._sifields._sigfault.si_addr',
      'info proc mappings',
      'monitor last-write head->next->next->next',
      'watch -l head->next->next->next',
      'reverse-continue',
      'bt 1',
      'delete',
      'break push if value == 3049',
      'reverse-continue',
      'echo == forward\\n',
      'print value',
      'next',
      'next',
      'print n->value',
      'finish',
      'reverse-finish',
      'monitor moment',
      'info registers rip xmm1 fctrl mxcsr fs_base',
      'set var head = 0',
      'delete',
      'echo == end\\n',
      'continue',
      'continue',
      'x/i $pc',
      'detach',
    ])
    const [start, all, back, forward, end] = text.split(/== \w+\n/)
    expect(start).toContain('walk (n=0x10)')
    expect(stacksIn(all!)).toEqual(ours())
    expect(all!.match(/^Thread \d/gm)!.length).toBe(5)
    expect(back).toContain('= (struct node *) 0x10')
    expect(back).toContain('$2 = (void *) 0x18')
    expect(back).toMatch(/0x0 +rw-p +\[heap\]/)
    expect(back).toMatch(new RegExp(`r-xp +${program}\n`))
    expect(text).toMatch(/head->next->next->next .* was written at @\d+ by thread 1003 "corrupt"/)
    expect(back).toMatch(/New value = \(struct node \*\) 0x[0-9a-f]{3,}/)
    expect(back).toMatch(/#0 .*damage \(victim=0x[0-9a-f]+\) at .*corrupt\.c:\d+/)
    expect(back).toMatch(/Breakpoint 2, push \(value=3049\)/)
    expect(forward).toContain('$3 = 3049')
    expect(forward).toContain('$4 = 3049')
    expect(forward).toMatch(/ in work \(arg=0x3\) at .*corrupt\.c:37\n/)
    // What a monitor command says goes to another stream.
    expect(text).toMatch(/@\d+ of @\d+, .*thread 1003 has the turn/)
    expect(forward).toMatch(/fctrl +0x37f/)
    expect(forward).toMatch(/mxcsr +0x1f80/)
    expect(text).toContain('Cannot access memory')
    expect(end).toContain('received signal SIGSEGV')
    expect(end).toContain('No more reverse-execution history')
  })

  test(
    'signals stop it, other processes do not; what cannot be done is refused in words',
    { timeout: SECONDS * 2000 },
    async () => {
      const asked = join(place.path, 'asked')
      const source = join(import.meta.dirname, '../timeline/programs/asked.c')
      execFileSync('gcc', ['-w', '-g', '-O0', '-o', asked, source])
      place.lemming(['run', '--seed', '1', '--export', `${asked}.lemming`, '--', asked])
      const text = await served(
        [
          'break twice',
          'catch signal SIGUSR1',
          'echo == back\\n',
          'reverse-continue',
          'reverse-continue',
          'info threads',
          'print $_siginfo.si_signo',
          'print $_siginfo._sifields._kill.si_pid',
          'delete 2',
          'echo == forward\\n',
          'continue',
          'bt 1',
          'set $rax = 3',
          'print twice(4)',
          'monitor print twice(4)',
          'monitor print shout("abc")',
          'info auxv',
          'info proc',
          `generate-core-file ${asked}.gcore`,
          'thread apply all -q bt full 2',
          'checkpoint',
          'jump 60',
          'kill',
        ],
        `${asked}.lemming`,
      )
      const [, back, forward] = text.split(/== \w+\n/)
      expect(back).toMatch(/Catchpoint 2 \(signal SIGUSR1\)/)
      expect(back!.match(/^[* ] +\d+ +Thread/gm)).toHaveLength(1)
      expect(back).toMatch(/\$1 = 10\n\$2 = 1000\n/)
      // The child calls twice, too; gdb's process does it later.
      expect(forward).toMatch(/Breakpoint 1, twice \(x=25\)/)
      expect(text).toContain('what has happened cannot be changed')
      expect(text).toContain('$1 = 8\n')
      expect(text).toMatch(/\$2 = 0x[0-9a-f]+ <buffer> "ABC"/)
      expect(forward).toMatch(/AT_ENTRY/)
      expect(forward).toContain(`exe = '${asked}'`)
      expect(gdb([], [`file ${asked}`, `core-file ${asked}.gcore`, 'bt 1'])).toMatch(/#0 .*twice \(x=25\)/)
      expect(forward).toMatch(/#1 .* in main \(\) at .*asked\.c/)
    },
  )

  test('from the very start', { timeout: SECONDS * 2000 }, async () => {
    const text = await served([
      'reverse-continue',
      'info threads',
      'break main',
      'continue',
      'bt',
      'stepi',
      'reverse-stepi',
      'x/i $pc',
      'detach',
    ])
    expect(text).toContain('No more reverse-execution history')
    expect(text).toContain('Breakpoint 1, main ()')
    expect(text.match(/^=> .*$/m)![0]).toContain('<main+')
  })
})

test('system calls, both ways', { timeout: SECONDS * 2000 }, async () => {
  const calls = place.compile(
    'calls',
    '#include <unistd.h>\nint main(void) { write(1, "one\\n", 4); getppid(); write(1, "three\\n", 6); return 0; }\n',
  )
  const file = join(place.path, 'calls.lemming')
  place.lemming(['run', '--export', file, '--', calls])
  const text = await served(
    [
      'catch syscall write',
      'reverse-continue',
      'p $rdx',
      'reverse-continue',
      'p $rdx',
      'continue',
      'p $rax',
      'delete',
      'catch syscall',
      'continue',
    ],
    file,
  )
  // Backwards gdb stands before a call, forwards behind it.
  expect(text.match(/^Catchpoint \d+ \(.*?\)|^\$\d = .*/gm)).toEqual([
    "Catchpoint 1 (syscall 'write' [1])",
    'Catchpoint 1 (call to syscall write)',
    '$1 = 6',
    'Catchpoint 1 (call to syscall write)',
    '$2 = 4',
    'Catchpoint 1 (returned from syscall write)',
    '$3 = 4',
    'Catchpoint 2 (any syscall)',
    'Catchpoint 2 (returned from syscall getppid)',
  ])
})

test('the core of a moment: the stacks of all threads, memory, registers', { timeout: SECONDS * 2000 }, () => {
  const core = join(place.path, 'core')
  const made = place.lemming(['core', recording, '-o', core])
  expect(made.stderr).toContain(core)
  expect(readFileSync(core).subarray(0, 4).toString('latin1')).toBe('\x7fELF')
  const text = gdb(
    [],
    [
      `file ${program}`,
      `core-file ${core}`,
      'thread apply all bt',
      'print n',
      'print head->value',
      'info auxv',
      'info proc mappings',
    ],
  )
  expect(text).toContain('terminated with signal SIGSEGV')
  expect(stacksIn(text)).toEqual(ours())
  expect(text).toContain('$1 = (struct node *) 0x10')
  expect(text).toContain('AT_ENTRY')
  expect(text).toContain(program)
  const { instructions } = place.json('run', ['--seed', '5', '--', program])
  const early = place.lemming(['core', `${recording}@${Math.floor(instructions / 2)}`, '-o', core])
  expect(early.code).toBe(0)
  expect(gdb([], [`file ${program}`, `core-file ${core}`, 'info threads'])).not.toContain('SIGSEGV')
  expect(place.lemming(['core', `${recording}@x`, '-o', core]).stderr).toContain('moment')
})
