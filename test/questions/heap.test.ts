/** What a program allocates, by stack: sums, peak and stacks are those that Valgrind's DHAT counts in a native run, with the program's own allocator and with the guarded heap. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askRun, openRun } from '../../src/lab/debug.ts'
import type { HeapInfo, OutputInfo } from '../../src/session/protocol.ts'
import { Place, type Document } from '../e2e/lemming.ts'

const place = new Place({ check: 'none' })
const program = join(place.path, 'heap')
const HEAPS = ['native', 'guarded']
const recordings: Record<string, string> = {}
let kept: { bytes: number; blocks: number }
let known: ReturnType<typeof dhat>

beforeAll(() => {
  let leaks: Document<'run'>['leaks'] = null
  execFileSync('g++', ['-g', '-O0', '-pthread', '-o', program, join(import.meta.dirname, 'programs/heap.cc')])
  for (const heap of HEAPS) {
    const file = (recordings[heap] = join(place.path, `${heap}.lemming`))
    const check = heap === 'guarded' ? 'leak' : 'none'
    const run = ['--heap', heap, '--check', check, '--seed', '3', '--export', file, '--', program]
    leaks = place.json('run', run).leaks
  }
  known = dhat()
  kept = { bytes: 0, blocks: 0 }
  for (const { bytes, blocks } of Object.values(leaks!)) {
    kept.bytes += bytes
    kept.blocks += blocks
  }
})
afterAll(() => place.remove())

/** Opens a recording in this thread; asks it. */
async function open(
  file: string,
): Promise<(method: 'hash' | 'heap' | 'output' | 'seek', ...args: unknown[]) => unknown> {
  const interrupt = new Int32Array(new SharedArrayBuffer(4))
  await openRun({ kind: 'open', file, budget: null, interrupt }, () => {})
  return (method, ...args) => askRun({ kind: 'ask', method, args: args as never })
}

const request = { pid: 1000, by: 'live', depth: 12, most: 100 }

async function profileOf(file: string): Promise<HeapInfo> {
  return (await open(file))('heap', request) as HeapInfo
}

/** Bytes and blocks in all, at the peak and at the end, by the program's own line. */
type Lines = Record<number, number[]>

/** The lines where realloc is called, by those that made the block: DHAT counts it there. */
const MADE: Record<number, number> = { 28: 26, 52: 51 }

function note(lines: Lines, text: string | undefined, numbers: number[]): void {
  const line = Number(/heap\.cc:(\d+)/.exec(text ?? '')?.[1] ?? 0)
  // What libraries allocate when they are loaded DHAT has freed at the end.
  if (line === 0 || line === 39) return
  const key = MADE[line] ?? line
  lines[key] = numbers.map((number, i) => number + (lines[key]?.[i] ?? 0))
}

/** As a native run has them. malloc(0) is one byte to DHAT. */
function dhat(): { lines: Lines; total: number[]; peak: number[] } {
  const file = join(place.path, 'dhat.json')
  execFileSync('valgrind', ['--tool=dhat', `--dhat-out-file=${file}`, program], { stdio: 'pipe' })
  const { pps, ftbl } = JSON.parse(readFileSync(file, 'utf8')) as {
    pps: { tb: number; tbk: number; gb: number; gbk: number; eb: number; ebk: number; fs: number[] }[]
    ftbl: string[]
  }
  const lines: Lines = {}
  const total = [0, 0]
  const peak = [0, 0]
  for (const { tb, tbk, gb, gbk, eb, ebk, fs } of pps) {
    const text = fs.map((i) => ftbl[i]!).find((one) => one.includes('heap.cc'))
    const isEmpty = tb === 1
    note(lines, text, isEmpty ? [0, tbk, 0, gbk, 0, ebk] : [tb, tbk, gb, gbk, eb, ebk])
    total[0]! += isEmpty ? 0 : tb
    total[1]! += tbk
    peak[0]! += gb
    peak[1]! += gbk
  }
  return { lines, total, peak }
}

function linesOf({ stacks }: Pick<HeapInfo, 'stacks'>): Lines {
  const lines: Lines = {}
  for (const { frames, total, peak, live } of stacks) {
    const own = frames.find((frame) => frame.place.file?.endsWith('heap.cc') === true)
    const numbers = [total, peak, live].flatMap(({ bytes, blocks }) => [bytes, blocks])
    note(lines, own && `heap.cc:${own.place.line}`, numbers)
  }
  return lines
}

describe.each(HEAPS)('the %s heap', (heap) => {
  test('has the sums, the peak and the stacks of DHAT, and at the end what the leak check knows', async () => {
    const info = heap === 'native' ? place.json('heap', [recordings.native!]) : await profileOf(recordings[heap]!)
    expect(linesOf(info)).toEqual(known.lines)
    expect(Object.keys(known.lines).length).toBeGreaterThan(9)
    const { live, peak, total, freed } = info.sums
    expect([total.bytes, total.blocks]).toEqual(known.total)
    expect([peak.bytes, peak.blocks]).toEqual(known.peak)
    expect(freed).toEqual({ bytes: total.bytes - live.bytes, blocks: total.blocks - live.blocks })
    expect(live).toEqual(kept)
  })

  test('is at its peak at the moment of the peak, and not before; looking changes nothing', async () => {
    const ask = await open(recordings[heap]!)
    const profile = (): HeapInfo => ask('heap', request) as HeapInfo
    const end = ask('hash')
    const { peakAt, sums, stacks } = profile()
    expect(ask('hash')).toBe(end)
    ask('seek', peakAt)
    const peak = ask('hash')
    const then = profile()
    expect(ask('hash')).toBe(peak)
    expect(then.until).toBe(peakAt)
    expect(then.stacks.map(({ live }) => live)).toEqual(then.stacks.map((one) => one.peak))
    expect(then.sums).toEqual({ ...sums, live: sums.peak })
    expect(then.stacks).toHaveLength(stacks.length)
    ask('seek', peakAt - 1)
    expect(profile().sums.live.blocks).toBe(sums.peak.blocks - 1)
    ask('seek', Infinity)
    expect(ask('hash')).toBe(end)
    // A function of the program's own: what it calls is its own affair.
    const own = ask('heap', { ...request, allocators: [{ fn: '_ZL5smallm', frees: false, size: 0 }] }) as HeapInfo
    expect(own.sums).toEqual(sums)
    const small = own.stacks.filter(({ by }) => by === '_ZL5smallm')
    expect(small.map(({ total, live }) => [total.blocks, live.bytes])).toEqual([
      [2, 2000],
      [20, 0],
    ])
    expect(small[0]!.frames[0]!.place.function).toBe('thread(void*)')
  })
})

test('stacks by any column, of any depth; the last line has the sums', () => {
  const file = recordings.native!
  const { stdout } = place.lemming(['heap', file, '--by', 'blocks', '--limit', '2', '--depth', '1'])
  const lines = stdout.trimEnd().split('\n')
  expect(lines[0]).toMatch(
    /^heap of heap \(process 1000\), in bytes: \d+ in 9 blocks live at @\d+; the peak is at @\d+, 384112 in 8 blocks$/,
  )
  expect(lines[1]!.trim().split(/ +/)).toEqual(['live', 'peak', 'total', 'blocks', 'freed', 'by'])
  expect(lines[2]).toMatch(/^ +0 +0\.0 % +0 +0\.0 % +6000 +1\.2 % +50 +6000 {2}calloc$/)
  expect(lines[3]).toMatch(/^ {4}churn\(\) \(\) at heap\.cc:20 {3}char \*p = \(char \*\)calloc\(3, 40\);$/)
  // Both lines of thread() that call small().
  expect(lines[4]).toMatch(/^ *2000 +2\.7 % +2000 +0\.5 % +4000 +0\.8 % +22 +2000 {2}malloc$/)
  expect(lines[5]).toContain('small(unsigned long) () at heap.cc:10')
  expect(lines[6]).toMatch(/ 492456 +100\.0 % +89 +\d+ {2}\d+ stacks, \d+ of them not shown \(--limit\)$/)
  expect(lines).toHaveLength(7)
})

test('a program begins with exec, a child with what its parent had; what has no allocator cannot be told', async () => {
  const again = place.compile(
    'again',
    `#include <stdlib.h>
     #include <sys/wait.h>
     #include <unistd.h>
     int main(int argc, char **argv) {
       void *before = malloc(5000);
       if (fork() == 0) { void *p = malloc(777); free(before); _exit(write(1, &p, 1) != 1); }
       wait(NULL);
       void *more = malloc(argc > 1 ? 123 : 42);
       if (argc > 1) execl(argv[0], argv[0], (char *)0);
       return before == more;
     }`,
    ['-O0'],
  )
  const raw = place.compile(
    'raw',
    'void _start(void) { __asm__ volatile("mov $60, %eax; xor %edi, %edi; syscall"); }',
    ['-nostdlib', '-static'],
  )
  const [first, second] = ['again.lemming', 'raw.lemming']
  place.lemming(['run', '--export', first!, '--', again, 'again'])
  const ask = await open(join(place.path, first!))
  expect((ask('heap', request) as HeapInfo).sums.total).toEqual({ bytes: 5042, blocks: 2 })
  const told = ask('output') as OutputInfo[]
  expect(told).toHaveLength(2)
  for (const [i, { moment }] of told.entries()) {
    ask('seek', moment)
    const { sums } = ask('heap', { ...request, pid: 1001 + i }) as HeapInfo
    expect(sums.live).toEqual({ bytes: 777, blocks: 1 })
    expect(sums.total).toEqual({ bytes: 5777, blocks: 2 })
  }
  place.lemming(['run', '--export', second!, '--', raw])
  await expect(profileOf(join(place.path, second!))).rejects.toMatchObject({
    code: 'heap-unknown',
    message: expect.stringMatching(/raw \(process 1000\) has no allocation function that is known/) as string,
    next: expect.stringContaining('--alloc') as string,
  })
})
