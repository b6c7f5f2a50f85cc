/** `lemming run` against the same programs run natively: output, input, exit codes, and what is said when they cannot run. */
import { execFileSync, spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { schemas } from '../../src/cli/schema.ts'
import { main, Place } from './lemming.ts'

const place = new Place()
afterAll(() => place.remove())

const talk = `#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    char line[100];
    for (int i = 0; i < argc; i++)
        printf("%d: %s\\n", i, argv[i]);
    printf("X=%s HOME=%s %s\\n", getenv("X"), getenv("HOME") ? "set" : "unset", getcwd(line, sizeof line));
    fflush(stdout);
    fprintf(stderr, "to stderr\\n");
    while (fgets(line, sizeof line, stdin))
        printf("read %zu\\n", strlen(line));
    return argc > 1 ? atoi(argv[1]) : 0;
}
`

const crash = `#include <stdlib.h>
struct node { struct node *next; int value; };
static int sum(struct node *n)
{
    volatile int total = 0;
    while (1) {
        total += n->value;
        n = n->next;
    }
    return total;
}
int list(int length)
{
    struct node *head = 0;
    for (int i = 0; i < length; i++) {
        struct node *n = malloc(sizeof *n);
        n->next = head;
        n->value = i;
        head = n;
    }
    return sum(head) + 1;
}
int main(int argc, char **argv)
{
    return list(argc + 2) + 1;
}
`

beforeAll(() => {
  place.compile('talk', talk)
  place.compile('crash', crash, ['-g', '-O1', '-fno-inline', '-fno-optimize-sibling-calls'])
})

describe('a program that ends', () => {
  test.each([
    [[], ''],
    [['7', 'two words', ''], 'one\ntwo\nlast'],
  ])('with arguments %j and input %j does what it does natively', (args, input) => {
    const env = { X: '1' }
    const native = spawnSync(join(place.path, 'talk'), args, {
      argv0: './talk',
      cwd: place.path,
      env: place.env(env),
      input,
      encoding: 'utf8',
    })
    const ran = place.lemming(['run', '--', './talk', ...args], { env, input })
    expect(ran).toEqual({ code: native.status, stdout: native.stdout, stderr: native.stderr })
  })

  test('gets the environment and directory that it is told', () => {
    fs.mkdirSync(join(place.path, 'elsewhere'))
    const ran = place.lemming(['run', '--env', 'X=a=b', '--clean-env', '--cwd', 'elsewhere', '--', './talk'])
    expect(ran.stdout).toContain(`X=a=b HOME=unset ${fs.realpathSync(place.path)}/elsewhere\n`)
  })

  test('starts with the umask of who starts it', () => {
    const words = ['run', '--check', 'none', '--', 'sh', '-c', 'umask; : > made; stat -c %a made']
    const script = 'umask 027; exec "$@"'
    const ran = execFileSync('sh', ['-c', script, 'sh', process.execPath, main, ...words], { cwd: place.path })
    expect(ran.toString()).toBe('0027\n640\n')
  })

  test('is found in PATH; its own options are its own', () => {
    expect(place.lemming(['run', 'echo', '--json', '-n'])).toEqual({ code: 0, stdout: '--json -n\n', stderr: '' })
  })

  test('as JSON: one document that the schema describes, with what it wrote', () => {
    const document = place.json('run', ['--seed', '5', '--', './talk', '3'], { input: 'x\n' })
    expect(schemas.run.parse(document)).toEqual(document)
    expect(document).toMatchObject({
      command: 'run',
      seed: 5,
      exitCode: 3,
      ending: { kind: 'exit', code: 3 },
      stdout: { text: expect.stringContaining('read 2\n') },
      stderr: { text: 'to stderr\n', size: 10 },
      program: { path: join(fs.realpathSync(place.path), 'talk'), argv: ['./talk', '3'] },
    })
    expect(document.instructions).toBeGreaterThan(10_000)
    const again = place.json('run', ['--seed', '5', '--', './talk', '3'], { input: 'x\n' })
    expect([again.hash, again.instructions]).toEqual([document.hash, document.instructions])
    expect(place.json('run', ['--seed', '6', '--', './talk', '3'], { input: 'x\n' }).hash).not.toBe(document.hash)
  })

  test('watched by --strace and --stats is the same run', () => {
    const plain = place.json('run', ['--', './talk'])
    const { code, stderr, stdout } = place.lemming(['run', '--strace', '--stats', '--', './talk'])
    expect(code).toBe(0)
    expect(stdout).toBe(plain.stdout.text)
    expect(stderr).toMatch(/^write\(2, "to stderr\\n", 10\) += 10$/m)
    expect(stderr).toMatch(/^exit_group\(0\) += \?\n\+\+\+ exited with 0 \+\+\+$/m)
    expect(stderr).toContain(`state                    ${plain.hash}\n`)
    expect(stderr).toMatch(new RegExp(`instructions +${plain.instructions} `))
  })

  test('writes until nobody reads', () => {
    const { status, stdout, stderr } = spawnSync(
      'bash',
      ['-c', `"$@" | head -1; exit \${PIPESTATUS[0]}`, '-', process.execPath, main, 'run', 'yes'],
      { encoding: 'utf8' },
    )
    expect([status, stdout, stderr]).toEqual([141, 'y\n', ''])
  })
})

describe('a program that crashes', () => {
  test('the stack is the one that gdb shows', () => {
    const { finding } = place.json('run', ['--', './crash'])
    const gdb = execFileSync(
      'gdb',
      ['-q', '-nx', '-batch', '-ex', 'run', '-ex', 'bt', '-ex', 'p/x $_siginfo._sifields._sigfault.si_addr', './crash'],
      {
        cwd: place.path,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    const expected = [...gdb.matchAll(/^#\d+ .*?(\w+) \(.*\) at (\S+):(\d+)$/gm)].map(
      ([, name, file, line]) => `${name} ${file} ${line}`,
    )
    expect(expected.map((frame) => frame.split(' ')[0])).toEqual(['sum', 'list', 'main'])
    const frames = finding!.thread!.stack.frames as { function: string; file: string; line: number }[]
    expect(
      frames.slice(0, 3).map((frame) => `${frame.function} ${frame.file.split('/').at(-1)} ${frame.line}`),
    ).toEqual(expected)
    expect(finding!.signal!.address).toBe(/= (0x[0-9a-f]+)$/m.exec(gdb)![1])
    expect(finding!.source!.lines[finding!.source!.line - finding!.source!.first]).toBe('        total += n->value;')
  })

  test('the report goes to standard error, the signal into the exit code', () => {
    const { code, stdout, stderr } = place.lemming(['run', '--seed', '3', '--', './crash', 'a b'])
    expect([code, stdout]).toEqual([128 + 11, ''])
    // The check's finding first, and of the end what has not been told.
    expect(stderr).toMatch(/^ERROR invalid-read: read of 4 bytes at 0x8: the null pointer plus 8\n {2}at crash\.c:7 /)
    expect(stderr).toMatch(
      /\nERROR crash: SIGSEGV at address 0x8: the null pointer plus 8 \(SEGV_MAPERR\)\n {2}thread 1000 "crash"/,
    )
    expect(stderr).toContain("  again: lemming run --seed 3 -- ./crash 'a b'\n")
  })

  test('a recording made by --export replays where nothing of this is', () => {
    const made = place.lemming(['run', '--export', 'crash.lemming', '--', './crash'])
    const other = new Place()
    fs.copyFileSync(join(place.path, 'crash.lemming'), join(other.path, 'c.lemming'))
    fs.renameSync(join(place.path, 'crash.c'), join(place.path, 'gone.c'))
    const replayed = other.lemming(['replay', 'c.lemming'], { env: { TZ: 'Asia/Tokyo' } })
    fs.renameSync(join(place.path, 'gone.c'), join(place.path, 'crash.c'))
    other.remove()
    expect([made.code, replayed.code]).toEqual([139, 139])
    const body = (text: string): string => text.replace(/ {2}again: .*/s, '')
    expect(body(replayed.stderr)).toBe(body(made.stderr))
    expect(replayed.stderr).toMatch(
      /again: lemming replay c\.lemming\n(?:lemming: .*\n)*lemming: replayed once: \d+ instructions and state [0-9a-f]{16}, as recorded\n$/,
    )
    // What was lost at the end comes behind what ended it.
    const kinds = [...made.stderr.matchAll(/^(?:ERROR|LEAK) ([a-z-]+)/gm)].map(([, kind]) => kind)
    expect(kinds).toEqual(['invalid-read', 'crash', 'leak-definite'])
  })

  test('what an unsupported instruction is, and where', () => {
    place.compile('odd', 'int main(void)\n{\n    __asm__("vaddps %ymm0, %ymm1, %ymm2");\n    return 0;\n}\n', ['-g'])
    const { code, stderr } = place.lemming(['run', '--', './odd'])
    expect(code).toBe(4)
    expect(stderr).toMatch(
      /^lemming: unsupported instruction at 0x[0-9a-f]+.*bytes c5 f4 58 d0.*, in main\+0x4 \(.*odd\.c:3\), at @\d+ of seed 0\n {2}\S/,
    )
  })
})

describe('a program that does not end', () => {
  test('a deadlock names every thread and what it waits for', () => {
    place.compile(
      'deadlock',
      `#include <pthread.h>
#include <unistd.h>
static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static void *other(void *x)
{
    pthread_mutex_lock(&b);
    usleep(1000);
    pthread_mutex_lock(&a);
    return x;
}
int main(void)
{
    pthread_t t;
    pthread_create(&t, 0, other, 0);
    pthread_mutex_lock(&a);
    usleep(1000);
    pthread_mutex_lock(&b);
}
`,
    )
    const { code, stderr } = place.lemming(['run', '--', './deadlock'])
    expect(code).toBe(7)
    expect(stderr).toMatch(
      /thread 1000 "deadlock" waits in futex\(0x[0-9a-f]+, FUTEX_WAIT_PRIVATE, 2, NULL\)\n {6}for mutex b \(0x[0-9a-f]+\), held by thread 1001, since @.*\n(.*\n){2}.*deadlock\.c:17 .*main\(\)/,
    )
    expect(stderr).toMatch(
      /thread 1001 "deadlock" waits in futex\(.*\n {6}for mutex a .*\n(.*\n){2}.*deadlock\.c:8 .*other\(\)/,
    )
  })

  test('a time limit ends it at the same instruction every time', () => {
    place.compile('spin', 'int main(void) { for (;;); }\n')
    const { code, stderr } = place.lemming(['run', '--time-limit', '0.25', '--', './spin'])
    expect(code).toBe(8)
    expect(stderr).toContain(
      'ERROR time-limit: the program had not ended after 0.25 s of its own time\n  @25 000 000   seed 0\n',
    )
  })
})
