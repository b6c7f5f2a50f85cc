/**
 * Exists to hold our stacks of programs of the system, of which nothing but call frame information is known, against gdb's, on cores of moments drawn at
 * random: `node test/symbols/unwinding.ts [MOMENTS]` takes so many of each program (20) and fails when more than 0.5 % of the frames differ.
 *
 * A stack is compared frame by frame, by return addresses; gdb is not to look into separate debug files. Left out is what gdb guesses where it has no call
 * frame information: all stacks before it knows where the dynamic linker is (it reads that from the linker's own list), and all that is below a return address
 * of its own that is no code (the number of arguments below the dynamic linker's _start, saved registers within `_fini`).
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nextBelow, randomFrom } from '../../src/base/random.ts'
import { openInThread } from '../../src/lab/debuggee.ts'
import { Thread } from '../../src/lab/thread.ts'

/** Frames that are compared: below, programs and gdb go on alike. */
const DEEP = 60

/** Programs with what makes them do something. */
export const programs: readonly (readonly string[])[] = [
  ['/usr/bin/sort', '/etc/passwd'],
  [
    '/usr/bin/perl',
    '-e',
    'my %h; $h{$_ % 97} .= "x$_" for 1 .. 2000; print join(",", map { length $h{$_} } sort keys %h), "\\n"',
  ],
  ['/usr/bin/python3', '-c', 'import json; print(len(json.dumps([{"a": i, "b": str(i) * 3} for i in range(300)])))'],
  [
    '/usr/bin/sqlite3',
    ':memory:',
    'create table t(a,b); with recursive n(i) as (select 1 union all select i+1 from n where i<500) insert into t select i, i*7%11 from n; select b, count(*) from t group by b;',
  ],
  ['/usr/bin/bash', '-c', 'for ((i = 0; i < 200; i++)); do x="a$x"; done; echo ${#x}'],
  ['/usr/bin/gawk', 'BEGIN { for (i = 0; i < 3000; i++) a[i % 13] = a[i % 13] i; for (k in a) print length(a[k]) }'],
  [
    '/usr/bin/lua5.4',
    '-e',
    'local t = {} for i = 1, 3000 do t[#t + 1] = tostring(i):rep(2) end table.sort(t) print(#table.concat(t))',
  ],
  ['/usr/bin/openssl', 'dgst', '-sha256', '/etc/passwd'],
  ['/usr/bin/xz', '-c', '-k', '/etc/passwd'],
  ['/usr/bin/jq', '-n', '[range(300) | {a: ., b: (. * 2 | tostring)}] | map(.b | length) | add'],
]

/** What differs at one moment. */
export interface Difference {
  program: string
  moment: number
  tid: number
  level: number
  gdb: string
  ours: string
}

/** Compares at `count` moments of one program; null where the program is not there. */
export async function compareProgram(
  command: readonly string[],
  count: number,
  seed: number,
): Promise<{ frames: number; different: Difference[] } | null> {
  const [program] = command as [string]
  if (!existsSync(program)) return null
  const directory = mkdtempSync(join(tmpdir(), 'unwinding-'))
  const recording = join(directory, 'run.lemming')
  const cli = join(import.meta.dirname, '../../src/cli/main.ts')
  spawnSync(process.execPath, [cli, 'run', '--check', 'none', '--export', recording, '--', ...command], {
    stdio: 'ignore',
  })
  const thread = new Thread()
  const different: Difference[] = []
  let frames = 0
  try {
    const { remote } = await openInThread(thread, recording, null)
    const { end } = await remote.position()
    const random = randomFrom(seed, 'unwinding')
    for (let i = 0; i < count; i++) {
      const { moment, pid } = await remote.seek(nextBelow(random, end))
      const core = join(directory, 'core')
      const image = await remote.core(pid)
      writeFileSync(core, image)
      const isCode = codeOf(image)
      const theirs = stacksByGdb(program, core)
      for (const { tid } of (await remote.threads()).filter((one) => one.pid === pid)) {
        const { frames: all } = await remote.stack(tid, 4 * DEEP)
        const ours = all.filter(({ inlined }) => inlined !== true).map(({ address }) => Number(address).toString(16))
        const their = theirs.get(tid)
        if (their === undefined) continue
        const last = Math.min(Math.max(ours.length, their.length), DEEP)
        frames += last
        for (let level = 0; level < last; level++) {
          const address = their[level]
          if (ours[level] === address) continue
          if (address === undefined || isCode(Number.parseInt(address, 16)))
            different.push({ program, moment, tid, level, gdb: address ?? 'end', ours: ours[level] ?? 'end' })
          else frames -= last - level
          break
        }
      }
    }
    return { frames, different }
  } finally {
    await thread.close()
    rmSync(directory, { recursive: true })
  }
}

/** Which addresses of a core are executable memory: those of its program headers with PF_X (elf(5)). */
function codeOf(core: Uint8Array): (address: number) => boolean {
  const view = new DataView(core.buffer, core.byteOffset, core.byteLength)
  const first = Number(view.getBigUint64(32, true))
  const headers = Array.from({ length: view.getUint16(56, true) }, (_, i) => first + 56 * i)
  const ranges = headers
    .filter((at) => (view.getUint32(at + 4, true) & 1) !== 0)
    .map((at) => [at + 16, at + 40].map((one) => Number(view.getBigUint64(one, true))) as [number, number])
  return (address) => ranges.some(([start, size]) => address >= start && address < start + size)
}

const script = `
import gdb
# Before the dynamic linker has told of itself, gdb knows nothing of its code and guesses.
known = "No shared libraries" not in gdb.execute("info sharedlibrary", to_string=True)
for thread in gdb.selected_inferior().threads() if known else ():
    thread.switch()
    frame = gdb.newest_frame()
    pcs = []
    while frame is not None and len(pcs) < ${DEEP}:
        # Those of jumps to other functions are made up from call sites: nothing of them is on the stack.
        if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
            pcs.append("%x" % frame.pc())
        try:
            frame = frame.older()
        except gdb.error:
            break
    print("STACK %d %s" % (thread.ptid[1], " ".join(pcs)))
`

function stacksByGdb(program: string, core: string): Map<number, string[]> {
  const file = `${core}.py`
  writeFileSync(file, script)
  const settings = [
    'set backtrace past-main on',
    'set debuginfod enabled off',
    'set debug-file-directory /nowhere',
    'set auto-load off',
  ]
  const args = [
    '-nx',
    '-batch',
    ...[...settings, `file ${program}`, `core-file ${core}`, `source ${file}`].flatMap((one) => ['-ex', one]),
  ]
  const { stdout } = spawnSync('gdb', args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } })
  const rows = [...stdout.matchAll(/^STACK (\d+) (.*)$/gm)]
  return new Map(rows.map(([, tid, pcs]) => [Number(tid), pcs.split(' ')]))
}

if (process.argv[1] === import.meta.filename) {
  const count = Number(process.argv[2] ?? 20)
  let compared = 0
  let wrong = 0
  for (const [i, command] of programs.entries()) {
    const found = await compareProgram(command, count, i + 1)
    if (found === null) continue
    compared += found.frames
    wrong += found.different.length
    process.stdout.write(`${command[0]}: ${found.frames} frames, ${found.different.length} stacks differ\n`)
    for (const { moment, tid, level, gdb, ours } of found.different)
      process.stdout.write(`  @${moment} thread ${tid} #${level}: gdb ${gdb}, ours ${ours}\n`)
  }
  process.stdout.write(
    `${compared} frames, ${wrong} stacks differ: ${((100 * wrong) / Math.max(1, compared)).toFixed(2)} %\n`,
  )
  process.exitCode = wrong / compared <= 0.005 ? 0 : 1
}
