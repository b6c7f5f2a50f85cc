/**
 * Exists to run CPython's own regression tests here and natively, and to write what became of them to docs/cpython-tests.md.
 *
 * npx node scripts/cpython-tests.ts [MODULE…]    needs python3 with its `test` package (Debian: libpython3-testsuite); hours for all of them.
 * Results of modules that are not named are taken over from the table that is there.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PYTHON = '/usr/bin/python3'
const PAGE = join(import.meta.dirname, '../docs/cpython-tests.md')
const MAIN = join(import.meta.dirname, '../src/cli/main.ts')
/** Seconds after which a module counts as too slow. */
const PATIENCE = 900

const MODULES =
  `test_abc test_array test_ast test_atexit test_base64 test_bigmem test_binascii test_bisect test_bool test_bytes test_calendar test_cmath test_codecs
test_collections test_complex test_configparser test_contextlib test_copy test_coroutines test_csv test_ctypes test_dataclasses test_deque test_dict test_difflib test_eintr
test_enum test_epoll test_errno test_exceptions test_fcntl test_fileio test_float test_fnmatch test_fork1 test_format test_fractions test_functools test_gc test_generators test_getpass
test_glob test_grp test_gzip test_hashlib test_heapq test_hmac test_int test_itertools test_json test_linecache test_list test_locale test_lzma test_math test_memoryio
test_memoryview test_mmap test_operator test_ordered_dict test_os test_pathlib test_pipes test_poll test_popen test_posix test_posixpath test_pty test_pwd test_queue test_random test_range
test_re test_resource test_sched test_select test_selectors test_set test_shelve test_shlex test_shutil test_signal test_slice test_socketserver test_sqlite3 test_stat test_statistics
test_string test_struct test_subprocess test_tempfile test_textwrap test_thread test_threading test_threading_local test_time test_tokenize test_tuple test_unicodedata test_uuid test_wait3
test_wait4 test_weakref test_zlib`.split(/\s+/)

/** What unittest said of a module. */
interface Outcome {
  /** Number of tests, or null when it did not come to its end. */
  tests: number | null
  /** `OK`, `OK (skipped=2)`, `FAILED (errors=1)`, or how it ended otherwise. */
  verdict: string
  /** Names of the tests that did not pass. */
  failed: string[]
}

function run(command: string, args: string[], module: string): Outcome {
  const cwd = mkdtempSync(join(tmpdir(), 'lemming-cpython-'))
  try {
    const env = { PATH: '/usr/bin:/bin', HOME: cwd, LANG: 'C.UTF-8', TZ: 'UTC0' }
    const options = { cwd, env, encoding: 'utf8', input: '', timeout: PATIENCE * 1000, maxBuffer: 1 << 28 } as const
    const { stdout, stderr, signal, status } = spawnSync(
      command,
      [...args, PYTHON, '-m', 'unittest', `test.${module}`],
      options,
    )
    const text = stdout + stderr
    const tests = /^Ran (\d+) tests?/m.exec(text)
    const verdict = /^(OK|FAILED)(?: \(.*\))?$/m.exec(text.slice(tests?.index ?? 0))
    const failed = [...text.matchAll(/^(?:ERROR|FAIL): (\S+)/gm)].map((match) => match[1]!)
    if (tests !== null && verdict !== null) return { tests: Number(tests[1]), verdict: verdict[0], failed }
    const last =
      /lemming: (.*)/.exec(stderr)?.[1] ?? (signal === null ? `exit code ${status}` : `not over after ${PATIENCE} s`)
    return { tests: null, verdict: last, failed }
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

/** Rows of the table that is there, by module. */
function known(): Map<string, string> {
  const rows = new Map<string, string>()
  if (!existsSync(PAGE)) return rows
  for (const [row, module] of readFileSync(PAGE, 'utf8').matchAll(/^\| (test_\w+) \|.*$/gm)) rows.set(module!, row)
  return rows
}

function rowOf(module: string): string {
  const native = run('/usr/bin/env', [], module)
  const here = run(process.execPath, [MAIN, 'run', '--check', 'none', '--'], module)
  const equal = native.tests === here.tests && native.verdict === here.verdict
  const more = here.failed.filter((name) => !native.failed.includes(name))
  const remark = equal ? 'equal' : more.length > 0 ? `differs: ${[...new Set(more)].join(', ')}` : 'differs'
  return `| ${module} | ${native.tests ?? '–'} | ${native.verdict} | ${here.verdict} | ${remark} |`
}

const wanted = process.argv.slice(2)
const rows = known()
for (const module of wanted.length > 0 ? wanted : MODULES) {
  const row = rowOf(module)
  process.stdout.write(`${row}\n`)
  rows.set(module, row)
  const sorted = [...rows.keys()].sort()
  const equal = sorted.filter((name) => rows.get(name)!.endsWith('| equal |')).length
  const version = spawnSync(PYTHON, ['--version'], { encoding: 'utf8' }).stdout.trim()
  writeFileSync(
    PAGE,
    `# CPython's regression tests

Modules of ${version}'s own \`test\` package, run by \`python3 -m unittest test.MODULE\` natively and by lemming, made by
\`npx node scripts/cpython-tests.ts\`. Of ${sorted.length} modules ${equal} say the same in both: as many tests, and the same verdict.

| module | tests | natively | here | |
|---|---|---|---|---|
${sorted.map((name) => rows.get(name)!).join('\n')}
`,
  )
}
