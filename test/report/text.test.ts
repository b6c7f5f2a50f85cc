/** The text of a report: order, words and layout as users see them, from values made up for the purpose. */
import { expect, test } from 'vitest'
import { grouped, reportText } from '../../src/report/text.ts'
import type { Finding, Frame, ThreadState } from '../../src/tool/finding.ts'

const frame = (more: Partial<Frame>): Frame => ({
  address: '0x401136',
  inlined: false,
  signal: false,
  guessed: false,
  ...more,
})
const ours = (name: string, line: number, more: Partial<Frame> = {}): Frame =>
  frame({ module: '/opt/prog', function: name, file: '/usr/src/list.c', line, text: `line ${line};`, ...more })
const library = (name: string, offset: number): Frame =>
  frame({ module: '/lib/libc.so.6', moduleOffset: '0x1234', function: name, offset })
const thread = (tid: number, frames: Frame[], waiting: string | null = null, end = 'outermost'): ThreadState => ({
  pid: 1000,
  tid,
  name: 'prog',
  waiting,
  stack: { frames, end },
})

const crash: Finding = {
  kind: 'crash',
  what: 'SIGSEGV at address 0x8: nothing is mapped there (SEGV_MAPERR)',
  moment: 48211907,
  seed: 17,
  thread: thread(1002, [
    ours('unlink_node', 12, { inlined: true }),
    ours('list_remove(node*)', 40),
    library('start_thread', 0x304),
  ]),
  source: {
    file: '/usr/src/list.c',
    line: 12,
    first: 9,
    lines: ['static void', 'unlink_node(node *n)', '{', '  n->next->prev = n->prev;', '', '}'],
    newer: true,
  },
  registers: {
    rax: '0000000000000008',
    rcx: 'ffffffffffffffff',
    rdx: '0000000000000000',
    rbx: '0000000000000001',
    rip: '0000000000401136',
  },
  others: [
    thread(
      1000,
      [
        library('futex_wait', 0),
        library('pthread_join', 7),
        library('deep', 1),
        library('deeper', 1),
        ours('main', 77),
      ],
      'futex(0x1000, FUTEX_WAIT, 2, NULL)',
    ),
    thread(1003, [frame({ module: '/lib/libc.so.6', moduleOffset: '0x99' }), frame({})]),
  ],
  remarks: ['something could not be read'],
}

test('a crash', () => {
  expect(reportText(crash, { again: 'lemming replay F3' }))
    .toBe(`ERROR crash: SIGSEGV at address 0x8: nothing is mapped there (SEGV_MAPERR)
  at list.c:12  unlink_node()  (inlined)    line 12;
     list.c:40  list_remove(node*)
     libc.so.6  start_thread()+0x304
  thread 1002 "prog"   @48 211 907   seed 17
  source /usr/src/list.c (changed since the program was built: the lines may be others)
     9 │ static void
    10 │ unlink_node(node *n)
    11 │ {
  ▸ 12 │   n->next->prev = n->prev;
    13 │
    14 │ }
  registers
    rax     0000000000000008   rcx     ffffffffffffffff   rdx     0000000000000000   rbx     0000000000000001
    rip     0000000000401136
  other threads
    thread 1000 "prog" waits in futex(0x1000, FUTEX_WAIT, 2, NULL)
      at libc.so.6  futex_wait()
         libc.so.6  pthread_join()+0x7
         …
         list.c:77  main()
    thread 1003 "prog" could run
      at libc.so.6  libc.so.6+0x99
         0x401136   (no code here)
  note: something could not be read
  again: lemming replay F3`)
})

test('what happened to all threads has no thread of its own', () => {
  const { thread: _thread, registers: _registers, source: _source, ...rest } = crash
  const text = reportText(
    { ...rest, kind: 'deadlock', what: 'every thread waits', others: [crash.others[1]!], remarks: [] },
    { again: 'x' },
  )
  expect(text).toBe(`ERROR deadlock: every thread waits
  @48 211 907   seed 17
  threads
    thread 1003 "prog" could run
      at libc.so.6  libc.so.6+0x99
         0x401136   (no code here)
  again: x`)
})

test('a recursion is told once, and a stack that cannot be followed says why', () => {
  const deep = thread(
    1000,
    [...Array.from({ length: 200 }, () => ours('walk', 5)), ours('main', 9)],
    null,
    'depth-limit',
  )
  const lines = reportText({ ...crash, thread: deep }, { again: 'x' })
    .split('\n')
    .slice(1, 5)
  expect(lines).toEqual([
    '  at list.c:5  walk()                      line 5;',
    '     … the same 199 times more',
    '     list.c:9  main()',
    '     (and more: deeper stacks are cut off here)',
  ])
})

test('a long stack shows both its ends', () => {
  const long = thread(
    1000,
    Array.from({ length: 100 }, (_, i) => ours(`f${i}`, i + 1)),
  )
  const lines = reportText({ ...crash, thread: long }, { again: 'x' }).split('\n')
  expect(lines.findIndex((line) => line.trim() === '…')).toBe(17)
  expect(lines[16]).toContain('f15()')
  expect(lines[18]).toContain('f84()')
})

test('digits in groups', () => {
  expect([0, 999, 1000, 48211907].map(grouped)).toEqual(['0', '999', '1 000', '48 211 907'])
})
