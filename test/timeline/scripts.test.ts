/** What people bring along from gdb: calls of functions, scripts, catchpoints, layouts of types. gdb answers the same questions natively. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Place } from '../e2e/lemming.ts'

const place = new Place({ check: 'none' })
const program = join(place.path, 'asked')
const recording = join(place.path, 'asked.lemming')
const MARK = '== next =='

beforeAll(() => {
  execFileSync('gcc', ['-w', '-g', '-O0', '-o', program, join(import.meta.dirname, 'programs', 'asked.c')])
  place.lemming(['run', '--seed', '1', '--export', recording, '--', program])
})
afterAll(() => place.remove())

const asked = (commands: readonly string[], option: string): string[] =>
  commands.flatMap((command) => [option, `echo ${MARK}\\n`, option, command])

/** What each command says, without where it begins; errors included. */
function ours(...commands: string[]): string[] {
  const { stdout } = place.lemming(['replay', recording, ...asked(commands, '--ex')])
  return stdout
    .split(`${MARK}\n`)
    .slice(1)
    .map((text) => text.trim())
}

/** The same of gdb, with the program stopped by its crash. */
function gdbs(...commands: string[]): string[] {
  const start = ['set debuginfod enabled off', 'set style enabled off', 'set width 0', 'handle SIGUSR1 nostop noprint']
  const options = [...start, 'run'].flatMap((command) => ['-ex', command])
  const args = ['-q', '-batch', '-nx', ...options, ...asked(commands, '-ex'), program]
  const stdout = execFileSync('gdb', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  return stdout
    .split(`${MARK}\n`)
    .slice(1)
    .map((text) => text.trim())
}

const withoutAddresses = (texts: readonly string[]): string[] => texts.map((text) => text.replace(/0x[0-9a-f]+/g, '0x'))

function compared(...commands: string[]): void {
  expect(withoutAddresses(ours(...commands))).toEqual(withoutAddresses(gdbs(...commands)))
}

describe('calls of functions, in clones', () => {
  test('give what they give natively', () => {
    compared(
      'p twice(4)',
      'p twice(twice(3)) + 1',
      'p half(3)',
      'p shout("abc")',
      'p seven(1, 2, 3, 4, 5, 6, 7)',
      'p (int) strlen("abcd")',
      'p list->next->value + twice(list->value)',
      'whatis half(3)',
      'call on_signal(3)',
      'call twice(5)',
      'p *push(7)',
    )
  })

  test('what they write is shown, and the run stays as it is', () => {
    const [report, total, hash] = ours('p report("a")', 'p total', 'p report("b")')
    expect(report).toBe('reported a 26\n$1 = void')
    expect(total).toBe('$2 = 25')
    expect(hash).toBe('reported b 26\n$3 = void')
  })

  test('that do not come back, or cannot be made, are refused', () => {
    const { stderr } = place.lemming([
      'replay',
      recording,
      ...['p wrong(16)', 'p twice()', 'p twice(1, 2)', 'p total(3)', 'p exit(2)'].flatMap((one) => ['--ex', one]),
    ])
    expect(stderr.split('\n').filter((line) => !line.startsWith('  '))).toEqual([
      'the function did not return in its clone: SIGSEGV (SEGV_MAPERR) at 0x10',
      'Too few arguments in function call.',
      'Too many arguments in function call.',
      'Cannot perform a call on something that is no function.',
      'the function did not return in its clone: the program exited',
      '',
    ])
  })
})

describe('values with names', () => {
  test('convenience variables and functions', () => {
    compared(
      'p $i = 0',
      'p words[$i++]',
      'p words[$i++]',
      'p ++$i',
      'p $i--',
      'p $i',
      'set $x = list->next',
      'p $x->value',
      'p ($x = $x->next)->value',
      'p $_streq(words[0], "alpha")',
      'p $_regex(words[1], "^b.t")',
      'p $_strlen(words[2])',
      'p $_memeq(words[0], words[1], 2)',
      'x/2dw &list->value',
      'p $__',
      'p $nothing',
      'p $_siginfo',
    )
  })

  test('the exit code at an end that is none of a signal', () => {
    const other = join(place.path, 'three.lemming')
    place.lemming(['run', '--export', other, '--', '/bin/sh', '-c', 'exit 3'])
    expect(place.lemming(['replay', other, '--ex', 'p $_exitcode']).stdout).toContain('$1 = 3\n')
  })
})

test('types with offsets, variables of scopes', () => {
  compared('ptype/o struct item', 'ptype/o list', 'ptype/o struct inner', 'ptype/o int', 'ptype/o struct item *')
  const scope = (texts: readonly string[]): (string | undefined)[][] =>
    texts.map((text) =>
      [...text.matchAll(/^Symbol (\w+) is[^]*?length (\d+)\.$/gm)].map(([, name, size]) => `${name} ${size}`),
    )
  const questions = ['info scope shout', 'info scope main', 'info scope push', 'info scope seven']
  expect(scope(ours(...questions))).toEqual(scope(gdbs(...questions)))
})

describe('scripts', () => {
  const script = join(place.path, 'walk.gdb')

  test('define, document, while, if, source', () => {
    writeFileSync(
      script,
      `define walk
  set $p = $arg0
  set $n = 0
  while $p
    if $n == 1
      set $p = $p->next
      set $n = $n + 1
      loop_continue
    end
    if $n == $arg1
      loop_break
    end
    if $p->value % 2 == 0
      printf "%d even\\n", $p->value
    else
      printf "%d odd, of %d\\n", $p->value, $argc
    end
    set $p = $p->next
    set $n = $n + 1
  end
end
document walk
Walks a list.
end
`,
    )
    const [, walked, help] = ours(`source ${script}`, 'walk list 4', 'help walk')
    expect(walked).toBe('5 odd, of 2\n3 odd, of 2\n2 even')
    expect(help).toBe('Walks a list.')
    expect(gdbs(`source ${script}`, 'walk list 4', 'help walk').slice(1)).toEqual([walked, help])
  })

  test('commands of breakpoints with blocks; what is saved sets them again', () => {
    writeFileSync(
      script,
      `seek start
break push if value > 2
commands
  silent
  if value == 4
    printf "at %d\\n", value
  else
    printf "not %d\\n", value
  end
  continue
end
tbreak twice
watch total if total > 10
disable $bpnum
catch syscall write exit_group
save breakpoints ${script}.saved
continue
`,
    )
    const { stdout, stderr } = place.lemming(['replay', recording, '-x', script])
    expect(stderr).toBe('')
    expect(stdout).toContain('not 3\nat 4\nnot 5\n')
    const saved = readFileSync(`${script}.saved`, 'utf8')
    expect(saved).toBe(`break push if value > 2
commands
silent
if value == 4
printf "at %d\\n", value
else
printf "not %d\\n", value
end
continue
end
tbreak twice
watch total if total > 10
disable $bpnum
catch syscall write exit_group
`)
    const [points] = ours(`source ${script}.saved`, 'info breakpoints').slice(1)
    expect(points).toMatch(
      /1 +breakpoint +keep y +push\n[^]*2 +breakpoint +del +y +twice\n[^]*3 +watchpoint +keep n +total\n[^]*4 +catchpoint +keep y +syscall write exit_group/,
    )
  })
})

test('finish leaves functions, inlined calls and outer frames, and says what was returned', () => {
  const said = ours(
    'seek start',
    'tbreak push if value == 3',
    'continue',
    'finish',
    'p $.value',
    'tbreak thrice',
    'continue',
    'finish',
    'p once',
    'tbreak twice',
    'continue',
    'finish',
    'reverse-stepi',
    'up',
    'finish',
  )
  expect(said[3]).toMatch(
    /^Run till exit from #0 .*push \(value=3\)[^]*main \(\) at [^]*Value returned is \$1 = \(struct item \*\) 0x[0-9a-f]+$/,
  )
  expect(said[4]).toBe('$2 = 3')
  expect(said[6]).toMatch(/Temporary breakpoint \d at @\d+, thrice \(number=2\) at /)
  expect(said[7]).toMatch(
    /^Run till exit from #0 .*thrice \(number=2\)[^\n]*\n.*main \(\) at .*\n\d+\t {2}volatile int once = thrice\(2\);$/,
  )
  expect(said[11]).toMatch(/Value returned is \$\d = 50$/)
  // Of main there is no end.
  expect(said[14]).toMatch(/^Run till exit from #1 .*main \(\)[^]*the end of the run/)
})

test('catchpoints are met both ways, in all processes', () => {
  const events = ['catch signal', 'catch fork', 'catch exec', 'catch syscall write', 'break twice']
  const there = ours(
    'seek start',
    ...events,
    'continue 1',
    'p $_siginfo.si_signo',
    ...Array<string>(6).fill('continue'),
  )
  const what = (text: string): string | undefined =>
    /\d at @\d+(?: \(|, )(signal \w+|returned from \w+|twice)/.exec(text)?.[1]
  const met = there.map(what).filter((one) => one !== undefined)
  expect(met).toEqual([
    'signal SIGUSR1',
    expect.stringMatching(/returned from (clone3?|fork)/),
    'twice',
    'returned from execve',
    'signal SIGCHLD',
    'returned from write',
    'twice',
  ])
  expect(there.at(-7)).toMatch(/\$1 = 10$/)
  const back = ours(...events, ...Array<string>(7).fill('reverse-continue'))
  expect(back.map(what).filter((one) => one !== undefined)).toEqual(met.toReversed())
  const { stderr } = place.lemming(['replay', recording, '--ex', 'catch load', '--ex', 'catch throw'])
  expect(stderr).toMatch(/catch load: that cannot be caught\n {2}syscall[^]*the program has no __cxa_throw/)
})
