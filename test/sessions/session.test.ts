/** A session runs to the end or to the time limit, always in the same slices, and notices a replay that is another run. */
import { describe, expect, test } from 'vitest'
import { LemmingError } from '../../src/base/errors.ts'
import { inflate } from '../../src/host/node.ts'
import type { RunEnd, RunEnding } from '../../src/replay/recording.ts'
import { describeEnding, located } from '../../src/session/describe.ts'
import { Session, verifyEnd } from '../../src/session/session.ts'
import { emptyWorld, fakeInputs, FakeMachine } from './fake.ts'

const exited = { kind: 'exit', code: 0 } as const
const session = (machine: FakeMachine, timeLimit: number | null = null): Session =>
  new Session(fakeInputs(timeLimit), machine, emptyWorld)

describe('to the end', () => {
  test('in one go without a time limit', () => {
    const machine = new FakeMachine(1e9, exited)
    expect(session(machine).end()).toEqual({ count: 1e9, hash: 'state-1000000000', ending: exited })
    expect(machine.limits).toEqual([Number.MAX_SAFE_INTEGER])
  })

  test('the time limit is met exactly where the clock does not jump', () => {
    const machine = new FakeMachine(Infinity, exited)
    expect(session(machine, 1e9 + 5).end()).toEqual({
      count: 100_000_001,
      hash: 'state-100000001',
      ending: { kind: 'time-limit', limit: 1e9 + 5 },
    })
    expect(machine.limits).toEqual([20e6, 40e6, 60e6, 80e6, 100e6, 100_000_001])
  })

  test('time that passes while everybody waits counts', () => {
    const machine = new FakeMachine(Infinity, exited, 5e9)
    expect(session(machine, 9e9).runToEnd()).toEqual({ kind: 'time-limit', limit: 9e9 })
    expect(machine.limits).toHaveLength(2)
  })

  test('a program that ends in time is not limited', () => {
    expect(session(new FakeMachine(30e6, exited), 1e9).runToEnd()).toEqual(exited)
  })
})

describe('what happened', () => {
  const describeIt = (ending: ConstructorParameters<typeof FakeMachine>[1]) =>
    describeEnding(session(new FakeMachine(1000, ending)), inflate, () => new FakeMachine(1000, ending))
  const signal = {
    kind: 'signal',
    signal: 11,
    name: 'SIGSEGV',
    code: 1,
    codeName: 'SEGV_MAPERR',
    address: '0x10',
    tid: 1000,
    sent: false,
  } as const

  test('nothing', () => {
    expect(describeIt(exited)).toBe(null)
  })

  test('a fault, with registers, even where there are no symbols', () => {
    const finding = describeIt(signal)!
    expect(finding).toMatchObject({
      kind: 'crash',
      what: 'SIGSEGV at address 0x10: the null pointer plus 16 (SEGV_MAPERR)',
      moment: 1000,
      seed: 7,
      others: [],
    })
    expect(finding.registers).toMatchObject({
      rax: '0'.repeat(16),
      rip: '0000000000011110',
      eflags: '0000000000000246',
    })
    expect(Object.keys(finding.registers!)).toHaveLength(19)
    expect(finding.thread!.stack.frames.map(({ address }) => address)).toEqual(['0x11110'])
    expect(finding.remarks).toContainEqual(expect.stringContaining('called 2 times, answered with ENOSYS: frob(0x1)'))
  })

  test.each<[RunEnding, string, string]>([
    [{ kind: 'exit', code: 3 }, 'exit', 'the program exited with code 3'],
    [
      { ...signal, signal: 6, name: 'SIGABRT', codeName: 'SI_TKILL', sent: true },
      'crash',
      'SIGABRT: the program sent it to itself (SI_TKILL)',
    ],
    [
      { ...signal, codeName: 'SI_KERNEL', code: 128 },
      'crash',
      'SIGSEGV: no address of this processor, a misaligned operand or a privileged instruction (SI_KERNEL)',
    ],
    [
      { ...signal, signal: 8, name: 'SIGFPE', codeName: 'FPE_INTDIV' },
      'crash',
      'SIGFPE at address 0x10: integer division by zero, or its quotient is too large (FPE_INTDIV)',
    ],
    [
      { kind: 'deadlock', waiting: [] },
      'deadlock',
      'every thread waits, and nothing is left that could wake any of them',
    ],
  ])('%j', (ending, kind, what) => {
    expect(describeIt(ending)).toMatchObject({ kind, what })
  })

  test('an error says where the program was', () => {
    const machine = new FakeMachine(5, exited)
    machine.count = 3
    const error = located(new LemmingError('unsupported-instruction', 'bytes 0f ff', 'next'), session(machine), inflate)
    expect([error.code, error.message, error.next]).toEqual([
      'unsupported-instruction',
      'bytes 0f ff, at @3 of seed 7',
      'next',
    ])
  })
})

test('a replay that ends elsewhere, otherwise or in another state is named', () => {
  const end: RunEnd = { count: 10, hash: 'a', ending: exited }
  expect(verifyEnd(end, { ...end })).toBe(undefined)
  expect(() => verifyEnd({ ...end, count: 11 }, end)).toThrow(/ended after 11 instructions and not after 10$/)
  expect(() => verifyEnd({ ...end, ending: { kind: 'exit', code: 1 } }, end)).toThrow(
    /"code":1.* and not with .*"code":0/,
  )
  expect(() => verifyEnd({ ...end, hash: 'b' }, end)).toThrow(
    expect.objectContaining({ code: 'replay-divergence', message: expect.stringContaining('in state b and not in a') }),
  )
})
