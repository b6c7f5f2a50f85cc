/** Whoever watches changes nothing: neither one who hears every event, nor one who prints, nor one who comes and goes. */
import { describe, expect, test } from 'vitest'
import { nextBelow, randomFrom } from '../../src/base/random.ts'
import type { Engine } from '../../src/engine/run.ts'
import { straceObserver } from '../../src/lab/strace.ts'
import { nullObserver, type MachineView, type Observer, type TaskInfo } from '../../src/tool/observer.ts'
import { newEngine } from '../machine/machines.ts'
import { course, larson, MOMENTS, pooled, single, start, threads, type Course, type Subject } from './subjects.ts'

type Event = Exclude<
  keyof Observer,
  'name' | 'accesses' | 'frames' | 'functions' | 'functionsOfMusl' | 'save' | 'restore'
>

/** Counts every event that there is (a new one does not compile until it is counted), and each time looks at memory. */
function countingObserver(): { observer: Observer; counts: Record<Event, number>; seen: { bytes: number } } {
  const counts: Record<Event, number> = {
    syscall: 0,
    mapping: 0,
    signal: 0,
    heap: 0,
    leaks: 0,
    undefined: 0,
    call: 0,
    shared: 0,
    threadEnd: 0,
    taskStart: 0,
    taskSwitch: 0,
    taskExit: 0,
    powerLoss: 0,
  }
  const seen = { bytes: 0 }
  const count = (event: Event, task: TaskInfo, view: MachineView): void => {
    counts[event]++
    seen.bytes += view.readMemory(task, 0x400000, 4096)?.length ?? 0
  }
  const hears: Required<Pick<Observer, Event>> = {
    syscall: ({ task }, view) => count('syscall', task, view),
    mapping: ({ task }, view) => count('mapping', task, view),
    signal: ({ task }, view) => count('signal', task, view),
    heap: ({ task }, view) => count('heap', task, view),
    leaks: ({ task }, view) => count('leaks', task, view),
    undefined: ({ task }, view) => count('undefined', task, view),
    call: ({ task }, view) => count('call', task, view),
    shared: ({ task }, view) => count('shared', task, view),
    threadEnd: (task, _word, view) => count('threadEnd', task, view),
    taskStart: (task, view) => count('taskStart', task, view),
    taskSwitch: (_from, to, view) => count('taskSwitch', to, view),
    taskExit: (task, _status, view) => count('taskExit', task, view),
    powerLoss: ({ recoveryPid: pid }, view) => count('powerLoss', { pid, tid: pid, name: '' }, view),
  }
  const functions = ['malloc', 'free', 'pthread_mutex_lock', 'pthread_create']
  return { observer: { name: 'counting', functions, ...hears }, counts, seen }
}

function watched(processor: Engine, subject: Subject, observer: Observer): Course {
  const run = start(subject, { processor })
  run.machine.addObserver(observer)
  const result = course(run, MOMENTS)
  run.machine.release()
  return result
}

describe.each([single(), threads(), larson()])('$name', (subject) => {
  const engine = newEngine()
  const expected = pooled(engine, subject)

  test('null', () => {
    expect(expected.at.length).toBeGreaterThan(6)
    expect(watched(engine, subject, nullObserver)).toEqual(expected)
  })

  test('counting', () => {
    const { observer, counts, seen } = countingObserver()
    expect(watched(engine, subject, observer)).toEqual(expected)
    const several = subject.name !== 'single'
    const least = {
      syscall: 20,
      mapping: 5,
      call: several ? 8 : 2,
      signal: subject.name === 'larson' ? 0 : 5,
      shared: several ? 100 : 0,
      threadEnd: several ? 3 : 0,
      taskStart: several ? 4 : 0,
      taskSwitch: several ? 10 : 1,
      taskExit: several ? 4 : 1,
    }
    for (const [event, number] of Object.entries(least))
      expect(counts[event as Event], event).toBeGreaterThanOrEqual(number)
    if (subject.name !== 'larson') expect(seen.bytes).toBeGreaterThan(0)
  })

  test('accesses to frames', () => {
    const heard = [false, true].map((frames) => {
      let accesses = 0
      const shared: Observer['shared'] = ({ entries }) => void (accesses += entries.length / 4)
      expect(watched(engine, subject, { name: 'accesses', frames, shared })).toEqual(expected)
      return accesses
    })
    if (subject.name === 'single') expect(heard).toEqual([0, 0])
    else expect(heard[1]).toBeGreaterThan(heard[0]!)
  })

  test('strace', () => {
    let text = ''
    expect(
      watched(
        engine,
        subject,
        straceObserver((line) => (text += line)),
      ),
    ).toEqual(expected)
    expect(text).toMatch(/^execve\(|^brk\(/)
    expect(text).toMatch(/\+\+\+ (?:exited with \d+|killed by SIG\w+) \+\+\+\n$/)
  })

  test('several at once, coming and going in the middle of calls', () => {
    const run = start(subject, { processor: engine })
    const random = randomFrom(7, 'attending')
    const { observer, counts } = countingObserver()
    const strace = straceObserver(() => {})
    for (let at = 0; at < expected.count; at += 1 + nextBelow(random, Math.ceil(expected.count / 40))) {
      run.machine.advance(at)
      const present = run.machine.kernel.observers
      for (const one of [observer, strace]) {
        if (present.includes(one)) run.machine.removeObserver(one)
        else if (nextBelow(random, 2) === 0) run.machine.addObserver(one)
      }
    }
    const { count, ended } = run.machine.advance(Infinity)
    expect([count, run.machine.hash(), ended === null]).toEqual([expected.count, expected.hash, false])
    expect(run.output.stdout).toBe(expected.stdout)
    expect(counts.syscall).toBeGreaterThan(0)
  })
})
