/** Drives programs on a terminal: natively and under lemming the same dialogue must show the same, and the terminal must be given back. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { root } from '../house/tree.ts'
import { main, Place } from './lemming.ts'

type Dialogue = [expected: string, typed: string | { resize: [number, number] }][]

interface Shown {
  output: string
  status: number
  missed: string | null
  restored: boolean
}

const place = new Place()
afterAll(() => place.remove())
const lemming = [process.execPath, main, 'run', '--check', 'none']
const PROMPT = { PS1: 'ready> ', HISTFILE: '', TERM: 'dumb', LANG: 'C', INPUTRC: '/dev/null', PYTHONSTARTUP: '' }

/** Runs a command on a terminal of 24 rows and 80 columns, through the dialogue. */
function drive(command: string[], dialogue: Dialogue, kill = 0): Shown {
  const { stdout, stderr } = spawnSync('/usr/bin/python3', [join(root, 'test/e2e/terminal.py')], {
    cwd: place.path,
    env: { ...place.env(), ...PROMPT },
    input: JSON.stringify({ command, dialogue, size: [24, 80], kill }),
    encoding: 'utf8',
    timeout: 100_000,
  })
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as Shown
}

/** The same dialogue natively and under lemming. */
function same(command: string[], dialogue: Dialogue): Shown {
  const native = drive(command, dialogue)
  expect(native).toMatchObject({ missed: null })
  const ours = drive([...lemming, '--', ...command], dialogue)
  expect(ours).toEqual(native)
  return ours
}

describe('a program on a terminal', () => {
  it('reads lines that were edited, and ends at Ctrl-D', () => {
    // The first line is there before anything can be typed, so that typing meets the guest's terminal and no other.
    same(
      ['sh', '-c', 'echo go; cat; echo over'],
      [
        ['go\r\n', 'hallo\x7f\x7f\x7f\x7fello\n'],
        ['hello\r\n', 'two\x15three\n'],
        ['three\r\n', '\x04'],
        ['over', ''],
      ],
    )
  })

  it('is an interactive shell with job control', () => {
    const { status } = same(
      ['bash', '--norc', '-i'],
      [
        ['ready> ', 'echo $((6*7)) $COLUMNS $LINES; test -t 0 && echo yes\n'],
        // What is typed before the shell has handed the terminal over is echoed or not, as it happens.
        ['yes\r\nready> ', 'echo go; cat\n'],
        ['go\r\n', 'typed\n'],
        ['typed\r\ntyped\r\n', '\x1a'],
        ['Stopped', ''],
        ['ready> ', 'fg\n'],
        ['fg\r\ncat\r\n', 'again\n'],
        ['again\r\nagain\r\n', '\x03'],
        ['ready> ', 'exit 7\n'],
      ],
    )
    expect(status).toBe(7)
  })

  it('is an interactive Python that Ctrl-C interrupts in a loop', () => {
    const { output } = same(
      ['/usr/bin/python3', '-q', '-i'],
      [
        ['>>> ', 'n = 0; import os; os.isatty(0), os.get_terminal_size()[:], os.tcgetpgrp(0) == os.getpgrp()\n'],
        // The key comes once the loop is under way.
        ['>>> ', 'for _ in iter(int, 1): n = n or not print("on")\n'],
        ['... ', '\n'],
        ['\r\non\r\n', '\x03'],
        ['KeyboardInterrupt\r\n>>> ', 'exit(3)\n'],
      ],
    )
    expect(output).toContain('(True, (80, 24), True)')
  })

  it('hears of a new window size', () => {
    same(
      ['bash', '-c', 'trap "stty size; exit" WINCH; stty size; while :; do read -t 0.1 x; done'],
      [
        ['24 80\r\n', { resize: [30, 100] }],
        ['30 100\r\n', ''],
      ],
    )
  })

  it('has its own pseudo-terminals', () => {
    const script = `import pty, os, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(['/bin/sh', '-c', 'tty; stty size; read x; echo got $x; exit 5'], lambda fd: os.read(fd, 100))))`
    // The inner terminal has no size.
    const dialogue: Dialogue = [
      ['0 0\r\n', 'line\n'],
      ['got line', ''],
    ]
    const native = drive(['/usr/bin/python3', '-c', script], dialogue)
    const ours = drive([...lemming, '--', '/usr/bin/python3', '-c', script], dialogue)
    const mask = (shown: Shown): Shown => ({ ...shown, output: shown.output.replace(/pts\/\d+/, 'pts/N') })
    expect(mask(ours)).toEqual(mask(native))
    expect(ours.status).toBe(5)
  })

  it('is ended by Ctrl-C three times, or by SIGTERM, and the terminal is given back', () => {
    const stubborn = ['sh', '-c', 'trap "" INT TERM; echo go; while :; do :; done']
    const three = drive([...lemming, '--', ...stubborn], [['go', '\x03\x03\x03']])
    expect(three).toMatchObject({ status: 130, restored: true })
    expect(three.output).toContain('lemming: ended by Ctrl-C')
    expect(drive([...lemming, '--', ...stubborn], [['go', '']], 15)).toMatchObject({ status: 143, restored: true })
  })

  it('is shown once, also when its crash is explained by running it again', () => {
    const prog = place.compile(
      'crash',
      `#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
  char b[9];
  puts("go");
  if (fork() == 0) {
    if (read(0, b, 9) > 0) *(volatile int *)8 = 1;
    return 0;
  }
  wait(0);
  puts("over");
}`,
    )
    const { output } = drive([...lemming, '--', prog], [['go\r\n', 'x\n']])
    expect(output.match(/over\r\n/g)).toHaveLength(1)
    expect(output).toContain('SIGSEGV')
  })

  it('can be replayed without a terminal', () => {
    const file = join(place.path, 'session.lemming')
    const shown = drive(
      [...lemming, '--export', file, '--', 'sh', '-c', 'echo go; read x; echo "<$x>"; stty size; exit 4'],
      [
        ['go\r\n', 'words\n'],
        ['<words>', ''],
      ],
    )
    expect(shown).toMatchObject({ status: 4, missed: null })
    const again = place.lemming(['replay', file])
    expect(again.stdout).toBe(shown.output)
    expect(again.code).toBe(4)
  })
})
