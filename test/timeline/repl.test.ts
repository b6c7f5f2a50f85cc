/** The conversation of `lemming replay`: gdb's words and our own, both ways through a crash of four threads. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Place, type Ran } from '../e2e/lemming.ts'
import { root } from '../house/tree.ts'

const place = new Place({ check: 'none' })
const program = join(place.path, 'corrupt')
const recording = join(place.path, 'corrupt.lemming')

beforeAll(() => {
  const source = join(import.meta.dirname, '../gdb/programs/corrupt.c')
  execFileSync('gcc', ['-g', '-O0', '-pthread', '-o', program, source])
  place.lemming(['run', '--seed', '5', '--export', recording, '--', program])
})
afterAll(() => place.remove())

function talk(...commands: string[]): Ran {
  return place.lemming(['replay', recording, ...commands.flatMap((command) => ['--ex', command])])
}

describe('a conversation', () => {
  test('opens at the crash, with its stack and its threads', () => {
    const { code, stdout } = talk('bt', 'info threads', 'moment', 'p n', 'p/x n->next', 'quit', 'p 1')
    expect(stdout).toMatch(
      /Thread 1001 received signal SIGSEGV \(SEGV_MAPERR, address 0x18\) at @\d+, the end of the run\./,
    )
    expect(stdout).toMatch(/#0 .* in walk \(n=0x10\) at .*corrupt\.c:31\n31\t {2}for \(; n != NULL/)
    expect(stdout).toMatch(/#1 .* in work \(arg=0x1\) at .*corrupt\.c:41\n#2 .* start_thread/)
    expect(stdout.match(/"corrupt"/g)!.length).toBeGreaterThanOrEqual(5)
    expect(stdout).toMatch(/waits in futex\(0x/)
    expect(stdout).toContain('$1 = (struct node *) 0x10')
    // Only what cannot be read is a failure, and nothing comes behind quit.
    expect(stdout).not.toContain('$3')
    expect(code).toBe(2)
  })

  test('the last writer of the bad pointer', () => {
    const { stdout } = talk('p head->next->next', 'last-write head->next->next->next', 'reverse-continue')
    const [, moment] = /\(struct node \*, 8 bytes at 0x[0-9a-f]+\) was written at @(\d+) by thread 1003/.exec(stdout)!
    expect(stdout).toMatch(
      /before {2}\d+ \(0x[0-9a-f]+\)\n {2}after {3}16 \(0x10\)\n#0 {3}damage \(\) at .*corrupt\.c:26/,
    )
    const { stdout: there } = talk(`seek @${Number(moment) - 1}`, 'p victim->next', 'stepi', 'p victim->next')
    expect(there).toMatch(/\$1 = \(struct node \*\) 0x[0-9a-f]{4,}\n/)
    expect(there).toMatch(/\$2 = \(struct node \*\) 0x10\n/)
  })

  test('breakpoints with conditions, steps forth and back', () => {
    const { code, stdout, stderr } = talk(
      'break push if value == 3049',
      'reverse-continue',
      'info breakpoints',
      'next',
      'next',
      'p n->value',
      'reverse-next',
      'reverse-next',
      'finish',
      'reverse-finish',
      'step',
      'stepi',
      'reverse-stepi',
      'delete',
      'tbreak damage',
      'seek start',
      'continue',
      'info breakpoints',
      'watch victim->next',
      'continue',
      'reverse-continue',
      'thread apply all bt 1',
      'x/2i $pc',
      'x/2xg victim',
      'info registers rip',
      'list 26',
      'ptype struct node',
      'whatis victim',
      'info locals',
      'up',
      'info args',
      'down',
      'syscall',
      'reverse-syscall',
      'switch',
      'reverse-switch',
      'threads 4',
      'out',
      'find hex 7fff',
      'who head',
      'help watch',
    )
    expect(stderr).toBe('')
    expect(code).toBe(0)
    const wanted: (string | RegExp)[] = [
      /Breakpoint 1 at 0x[0-9a-f]+: file .*corrupt\.c, line 17\.\n/,
      /\[Switching to thread 1003 "corrupt"\]\n\nBreakpoint 1 at @\d+, push \(value=3049\) at .*:17\n17\t/,
      /only if value == 3049\n\thit 1 time\n/,
      /18\t.*\n19\t.*\n\$1 = 3049\n18\t.*\n17\t.*\n/,
      /Run till exit from #0 +push \(value=3049\).*\n.*work \(arg=0x3\).*:37\n/,
      /Run back to call of #0 +/,
      /Temporary breakpoint 2 at 0x/,
      /@0 thread 1000\n/,
      /Temporary breakpoint 2 at @\d+, damage \(victim=0x[0-9a-f]+\)/,
      'No breakpoints or watchpoints.',
      /Watchpoint 3 at @\d+: victim->next\n\nOld value = \d+ \(0x[0-9a-f]+\)\nNew value = 16 \(0x10\)\n/,
      /Thread 1004 "corrupt".*:\n#0 /,
      /=> 0x[0-9a-f]+ <damage\+\d+>:\tmov qword ptr \[rax\], 0x10\n/,
      /rip +0x[0-9a-f]+ +0x[0-9a-f]+ <damage\+\d+>/,
      /26\t {2}victim->next = /,
      'type = struct node {\n    struct node *next;\n    long value;\n}',
      'type = struct node *',
      'No locals.',
      /arg = 0x3/,
      /@\d+ futex\(0x/,
      / {10}from instructions {2}1/,
      'nothing was written up to this moment',
      /  head\n/,
    ]
    let rest = stdout
    for (const one of wanted) {
      const at = typeof one === 'string' ? rest.indexOf(one) : rest.search(one)
      expect(at, `${one} in ${rest}`).toBeGreaterThanOrEqual(0)
      rest = rest.slice(at)
    }
  })

  test('more of what people type into gdb', () => {
    const said = (...commands: string[]): string => {
      const { stdout, stderr } = talk('echo ==\\n', ...commands)
      return stdout.slice(stdout.indexOf('==\n') + 3) + stderr
    }
    const points = said(
      'seek start',
      'break push',
      'ignore 1 2',
      'commands 1',
      'silent',
      'printf "value %5d of %s, %c%%\\n", value, "push", 65',
      'end',
      'continue',
      'display value',
      'display/i $pc',
      // Another thread may come to it before this one is on the next line.
      'disable 1',
      'next',
      'undisplay 2',
      'clear push',
      'rbreak ^dam',
      'info display',
      'info breakpoints',
    )
    expect(points).toMatch(/Will ignore next 2 crossings of breakpoint 1\.\n/)
    expect(points).toMatch(/value +\d+ of push, A%\n/)
    expect(points).toMatch(/\n18\t.*\n1: value = \d+\n2: x\/i \$pc\n=> /)
    expect(points).toMatch(/Deleted breakpoint 1\nBreakpoint 2 at 0x/)
    expect(points).toMatch(/1: {3}value\nNum /)
    const looks = said(
      'frame function work',
      'info line 26',
      'info source',
      'info functions ^wal',
      'info variables ^head$',
      'info types ^node$',
      'info symbol walk',
      'info address head',
      'list 29,31',
      'search sum;',
      'disassemble /s damage',
      'frame apply all -q output 7',
      'thread find corrupt',
      'set print pretty on',
      'p *head',
      'p',
      'p -1',
      'info registers eflags',
      'info inferiors',
      'info proc',
      'info proc mappings',
      'monitor moment',
    )
    const wanted = [
      /#1 .* work \(arg=0x1\)/,
      /Line 26 of ".*corrupt\.c" starts at address 0x[0-9a-f]+ <damage\+8> and ends at 0x[0-9a-f]+ <damage\+19>\./,
      /Contains \d+ lines/,
      /:\n29:\twalk\n/,
      /\thead\n/,
      /\tnode\n/,
      /^walk of .*\/corrupt$/m,
      /Symbol "head" is at 0x[0-9a-f]+, 8 bytes, type struct node \*\./,
      /29\t__attribute__.*\n30\t {2}long sum = 0;\n31\t.*\n32\t {2}return sum;\n/,
      /function damage:\n\n25\t.*\n {3}0x[0-9a-f]{16} <\+0>:\tpush rbp\n/,
      /End of assembler dump\.\n#0 .*\n7#1 /,
      /Thread 1004 has name 'corrupt'\n/,
      /\$1 = \{\n {2}next = 0x[0-9a-f]+,\n {2}value = \d+\n\}\n\$2 = \{\n/,
      /\$3 = -1\n/,
      /eflags +0x[0-9a-f]+ +\[ .*IF \]\n/,
      /\* process 1000 {2}.*corrupt\n/,
      /process 1000\ncmdline = '.*corrupt'\nexe = '.*corrupt'\nparent \d+, group 1000,/,
      /r-x .*corrupt\n/,
      /@\d+ of @\d+/,
    ]
    let rest = looks
    for (const one of wanted) {
      const found = one.exec(rest)
      expect(found, `${one} in\n${rest}`).not.toBeNull()
      rest = rest.slice(found!.index + found![0].length - 1)
    }
    const third = said('seek start', 'break push if $_thread == 1003 && $_streq("a", "a")', 'continue')
    expect(third).toMatch(/Switching to thread 1003 [^]*Breakpoint 1 at @\d+, push/)
    expect(said('skip', 'checkpoint', 'set var head = 0')).toMatch(
      /next goes over calls.*[^]*seek @N goes to a moment[^]*branch FAILURE@\d+ --same-schedule --set 'head = 0'/,
    )
  })

  test('commands from a file end at the first that fails; a run is not changed', () => {
    const file = join(place.path, 'commands')
    writeFileSync(file, '# a comment\nbt 1\np nothing_of_that_name\np 3\n')
    const { code, stdout, stderr } = place.lemming([
      'replay',
      recording,
      '-x',
      file,
      '--ex',
      'set var head = 0',
      '--ex',
      'p 4',
    ])
    expect(stderr).toMatch(/No symbol "nothing_of_that_name" in current context\.\n/)
    expect(stderr).toContain('what has happened cannot be changed')
    expect(stdout).toContain('(More stack frames follow...)')
    expect(stdout).not.toContain('= 3')
    expect(stdout).toContain('$1 = 4')
    expect(code).toBe(2)
    expect(place.lemming(['replay', recording, '-x', 'nowhere']).stderr).toContain('nowhere: ENOENT')
  })

  test('questions about the whole past, up to where the run stands', () => {
    const { code, stdout, stderr } = talk(
      'lines',
      'lines 17-18 if value == 3049',
      'history -r head 8',
      'threads head->next->next->next',
      'why',
      'why n',
      'seek @150000',
      'lines corrupt.c:26',
    )
    expect([code, stderr]).toEqual([0, ''])
    const wanted = [
      /corrupt\.c, lines 29 to 33, up to @\d+\n.*\n +1 +29 /,
      /lines 17 to 18, up to @\d+\n.*\n +1 +17 .*\n +1 +18 /,
      /^head \(struct node \*, 8 bytes at 0x[0-9a-f]+\): 202 reads and 200 writes up to/m,
      /^ +moment +thread 1001 +thread 100\d/m,
      /^#0 +@\d+ thread 1001 +SIGSEGV \(SEGV_MAPERR\) at 0x18: rax is 0x10$/m,
      /^#\d +@\d+ thread 1003 +a constant stored to 0x[0-9a-f]+: 0x10\n +damage \(\) at corrupt\.c:26/m,
      /lines 26 to 26, up to @150000\n.*\n +never +26 /,
    ]
    let rest = stdout
    for (const one of wanted) {
      const found = one.exec(rest)
      expect(found, `${one} in\n${rest}`).not.toBeNull()
      rest = rest.slice(found!.index + 1)
    }
  })

  test('a thread in a system call has its number in orig_rax', () => {
    const { stdout } = talk('info registers orig_rax', 'thread 1000', 'info registers orig_rax')
    const values = [...stdout.matchAll(/^orig_rax +(0x[0-9a-f]+)/gm)].map(([, value]) => value)
    // futex(2) is call 202.
    expect(values).toEqual(['0xffffffffffffffff', '0xca'])
  })

  test('docs/replay.md shows what is said', () => {
    // Moments and addresses belong to the version that made the run.
    const plain = (line: string): string =>
      line
        .trim()
        .replace(/\S*\/(?=[\w.-]+:\d)/g, '')
        .replace(/0x[0-9a-f]+|@?\d{2,}/g, 'N')
    const page = readFileSync(join(root, 'docs/replay.md'), 'utf8')
    const shown = page.slice(page.indexOf('$ lemming replay corrupt.lemming'), page.indexOf('## Commands'))
    const lines = shown
      .split('\n')
      .slice(1)
      .filter((line) => line.startsWith('    '))
    const commands = lines.flatMap((line) => /^ +\(lemming\) (.*)/.exec(line)?.[1] ?? [])
    const { stdout } = talk(...commands)
    const said = stdout.split('\n').map(plain)
    const wanted = lines.filter((line) => !line.includes('(lemming) ')).map(plain)
    expect(said.filter((line) => line !== '')).toEqual(wanted.filter((line) => line !== ''))
    expect(commands.length).toBe(6)
  })

  test('the same words, the same answers', () => {
    const words = ['reverse-step', 'reverse-next', 'reverse-finish', 'threads 10', 'info all-registers']
    expect(talk(...words)).toEqual(talk(...words))
  })
})
