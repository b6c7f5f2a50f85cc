/** Failures of one cause are one bucket, whatever a rebuild moves; failures of another kind, place, object or thread are others. */
import { describe, expect, test } from 'vitest'
import { signatureOf } from '../../src/campaign/signature.ts'
import type { Finding, Frame, ThreadState } from '../../src/tool/finding.ts'

function frame(name: string | undefined, more: Partial<Frame> = {}): Frame {
  return {
    address: '0x401000',
    module: '/opt/prog',
    inlined: false,
    signal: false,
    guessed: false,
    ...(name !== undefined && { function: name }),
    ...more,
  }
}

const libc = '/lib/x86_64-linux-gnu/libc.so.6'

function thread(frames: Frame[], more: Partial<ThreadState> = {}): ThreadState {
  return { pid: 1000, tid: 1001, name: 'prog', waiting: null, stack: { frames, end: 'outermost' }, ...more }
}

function crash(frames: Frame[], more: Partial<Finding> = {}): Finding {
  return {
    kind: 'crash',
    what: 'SIGSEGV at address 0x8',
    moment: 5,
    seed: 1,
    signal: { number: 11, name: 'SIGSEGV', code: 1, codeName: 'SEGV_MAPERR', address: '0x8', sent: false },
    thread: thread([
      ...frames,
      frame('worker'),
      frame('start_thread', { module: libc }),
      frame('clone', { module: libc }),
    ]),
    others: [],
    remarks: [],
    ...more,
  }
}

const text = (finding: Finding): string => signatureOf(finding).text

describe('the same', () => {
  const one = crash([frame('slab_pop', { line: 77 }), frame('alloc', { line: 130 })])
  test('with other lines, addresses, seeds, moments', () => {
    const other = crash([frame('slab_pop', { line: 78, address: '0x99' }), frame('alloc', { line: 9 })], {
      seed: 9,
      moment: 99,
    })
    expect(text(other)).toBe(text(one))
    expect(signatureOf(one).title).toBe('crash SIGSEGV in slab_pop() < alloc() < worker(), thread worker()')
  })

  test('under the frames that the C library puts on top', () => {
    const aborted = (top: string[]): string =>
      text(crash([...top.map((name) => frame(name, { module: libc })), frame('check'), frame('step')]))
    expect(aborted(['__pthread_kill_implementation', 'raise', 'abort'])).toBe(aborted(['abort']))
    // In a static program they are the program's own.
    expect(text(crash([frame('raise'), frame('abort'), frame('__assert_fail'), frame('check'), frame('step')]))).toBe(
      aborted([]),
    )
  })

  test('with parameters, template arguments and copies made by the compiler left out', () => {
    const names = (name: string): string => text(crash([frame(name)]))
    expect(names('Pool<int, std::pair<a, b>>::get(int, Node<int>*)')).toBe(names('Pool<long>::get(long)'))
    expect(names('pop.constprop.0')).toBe(names('pop'))
    expect(names('pop.part.3.cold')).toBe(names('pop'))
    expect(names('operator delete(void*)')).not.toBe(names('operator new(unsigned long)'))
    expect(names('A::operator()(int) const')).not.toBe(names('A::run(int) const'))
  })

  test('whatever the depth of a recursion', () => {
    const deep = (times: number): string =>
      text(crash([...Array.from({ length: times }, () => frame('walk')), frame('visit')]))
    expect(deep(500)).toBe(deep(3))
  })

  test('for all threads together, whatever their order', () => {
    const hang = (names: string[]): string => {
      const { thread: _, signal: __, ...rest } = crash([])
      return text({
        ...rest,
        kind: 'deadlock',
        others: names.map((name, i) => thread([frame(name)], { tid: 1000 + i })),
      })
    }
    expect(hang(['take_a', 'take_b'])).toBe(hang(['take_b', 'take_a']))
    expect(hang(['take_a', 'take_b'])).not.toBe(hang(['take_a', 'take_c']))
  })
})

describe('others', () => {
  const one = text(crash([frame('slab_pop')]))
  test.each<[string, Finding]>([
    ['place', crash([frame('slab_push')])],
    [
      'signal',
      crash([frame('slab_pop')], {
        signal: { number: 6, name: 'SIGABRT', code: 0, codeName: '', address: '0x0', sent: true },
      }),
    ],
    ['kind', crash([frame('slab_pop')], { kind: 'use-after-free' })],
    ['thread', crash([], { thread: thread([frame('slab_pop'), frame('worker')], { tid: 1000 }) })],
    [
      'object',
      crash([frame('slab_pop')], {
        block: { address: '0x5', size: 40, state: 'freed', allocated: { by: 'malloc', moment: 1, tid: 1 } },
      }),
    ],
  ])('by %s', (_, finding) => {
    expect(text(finding)).not.toBe(one)
  })

  test('sizes of objects count to a power of two', () => {
    const sized = (size: number): string =>
      text(
        crash([frame('f')], {
          block: { address: '0x5', size, state: 'freed', allocated: { by: 'malloc', moment: 1, tid: 1 } },
        }),
      )
    expect(sized(33)).toBe(sized(64))
    expect(sized(64)).not.toBe(sized(65))
  })

  test('exit codes', () => {
    const exit = (code: number): string => {
      const { thread: _, signal: __, ...rest } = crash([])
      return text({ ...rest, kind: 'exit', what: `the program exited with code ${code}` })
    }
    expect(exit(1)).not.toBe(exit(2))
  })

  test('without symbols the object tells', () => {
    expect(signatureOf(crash([frame(undefined, { moduleOffset: '0x1190' })])).title).toContain('in prog < worker()')
  })
})
