/** What is looked for in a run is found where single steps find it, forwards and backwards, and looking changes nothing. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CpuState } from '../../src/engine/cpu-state.ts'
import type { Hit, Search, Timeline } from '../../src/replay/timeline.ts'
import { newEngine, scratch } from '../machine/machines.ts'
import { start, type Subject } from '../determinism/subjects.ts'
import { timelineFor } from './lines.ts'

const path = join(scratch(), 'walk')
execFileSync('gcc', [
  '-O1',
  '-g',
  '-static',
  '-no-pie',
  '-pthread',
  '-o',
  path,
  join(import.meta.dirname, 'programs/walk.c'),
])
const subject: Subject = { name: 'walk', path, args: [], env: ['PATH=/usr/bin:/bin'] }
const table = execFileSync('readelf', ['-sW', path], { encoding: 'utf8' })
const symbols = new Map(
  [...table.matchAll(/^ *\d+: ([0-9a-f]+) .* (\w+)$/gm)].map(([, address, name]) => [
    name!,
    Number.parseInt(address!, 16),
  ]),
)
const work = symbols.get('work')!
const leaf = symbols.get('leaf')!
const value = symbols.get('shared')! + 32

const engine = newEngine()
const timeline = timelineFor(subject, { engine })
const end = timeline.end.count

/** One instruction at a time: who executed which, and when the value changed. */
interface Step {
  moment: number
  tid: number
}
const stops = new Map<number, Step[]>([
  [work, []],
  [leaf, []],
])
const writes: Step[] = []
{
  const { machine } = start(subject, { processor: engine })
  const { kernel } = machine
  const word = (): bigint => kernel.memories.get(1)!.space.view.getBigUint64(value, true)
  const tasks = () => [...machine.state.tasks.values()]
  let last = word()
  for (let moment = 0; moment < end; moment++) {
    const before = tasks().map((t) => ({ t, pc: Number(new CpuState(t.cpu).rip), count: t.count }))
    machine.advance(moment + 1)
    const ran = before.find(({ t, count }) => t.count !== count)
    const now = kernel.memories.has(1) ? word() : last
    if (now !== last) writes.push({ moment, tid: ran?.t.tid ?? 0 })
    last = now
    if (ran !== undefined) stops.get(ran.pc)?.push({ moment, tid: ran.t.tid })
  }
  machine.release()
}

function all(line: Timeline, search: Search, back: boolean): Step[] {
  const found: Hit[] = []
  for (;;) {
    const reached = back ? line.runBack(search) : line.run(search)
    if (reached.why !== 'hit') break
    found.push(reached.hit)
    const target = back || reached.hit.kind === 'stop' ? reached.hit.moment : reached.hit.moment + 1
    expect(line.moment).toBe(target)
  }
  return (back ? found.toReversed() : found).map(({ moment, tid }) => ({ moment, tid }))
}

const both: Search = { stops: new Set([work, leaf]) }
const trace: Search = { traces: { pid: 1000, ranges: [{ start: value, end: value + 8 }], reads: false } }

test('the program does what it is for', () => {
  expect(stops.get(work)!.length).toBe(80)
  expect(stops.get(leaf)!.length).toBe(10)
  expect(new Set(stops.get(work)!.map(({ tid }) => tid)).size).toBe(2)
  expect(writes.length).toBe(92)
})

test('stops, forwards and backwards', () => {
  const expected = [...stops.values()].flat().toSorted((a, b) => a.moment - b.moment)
  timeline.seek(0)
  expect(all(timeline, both, false)).toEqual(expected)
  timeline.seek(end)
  expect(all(timeline, both, true)).toEqual(expected)
})

test('stores, forwards and backwards', () => {
  timeline.seek(0)
  expect(all(timeline, trace, false)).toEqual(writes)
  timeline.seek(end)
  expect(all(timeline, trace, true)).toEqual(writes)
})

test('the last of many, however many checkpoints there are', () => {
  for (const budget of [1, 2 ** 30]) {
    const line = timelineFor(subject, { engine, budget })
    for (const before of [end, writes[50]!.moment + 1, writes[50]!.moment, writes[7]!.moment + 3]) {
      const expected = writes.findLast(({ moment }) => moment < before)!
      expect(line.last({ ...trace, accept: () => true }, before)).toMatchObject(expected)
    }
  }
})

test('conditions, reads, and the thread', () => {
  timeline.seek(0)
  const third = stops.get(work)!.filter(({ tid }) => tid === 1002)[2]!
  let count = 0
  const reached = timeline.run({ stops: new Set([work]), accept: ({ tid }) => tid === 1002 && ++count === 3 })
  expect(reached).toMatchObject({ why: 'hit', hit: third })
  timeline.seek(writes[0]!.moment)
  expect(timeline.run({ traces: { ...trace.traces!, reads: true } })).toMatchObject({
    hit: { moment: writes[0]!.moment },
  })
})

test('a thread has executed so many instructions at one moment', () => {
  const line = timelineFor(subject, { engine })
  for (const { moment, tid } of [writes[3]!, writes[60]!, writes[90]!]) {
    line.seek(moment)
    const { count } = line.subject.tasks().find((t) => t.tid === tid)!
    expect(line.momentOf(tid, count + 1)).toBe(moment + 1)
  }
})

test('looking on changes nothing', () => {
  const { machine } = start(subject, { processor: engine })
  const watched: Search = { ...both, ...trace, accept: () => false }
  timeline.seek(0)
  for (const moment of [Math.floor(writes[0]!.moment / 2), writes[5]!.moment, writes[80]!.moment + 1]) {
    machine.advance(moment)
    expect(timeline.run({ ...watched, limit: moment }).why).toBe('limit')
    expect([timeline.moment, timeline.subject.hash()]).toEqual([moment, machine.hash()])
  }
  expect(timeline.run(watched).why).toBe('end')
  expect(timeline.finish().hash).toBe(timeline.end.hash)
  machine.release()
})

test('all hits are shown in order, each once, whatever part of the run is asked about', () => {
  const traces = { pid: 1000, ranges: [{ start: value, end: value + 8 }], reads: false }
  const line = timelineFor(subject, { engine, budget: 1 << 22 })
  const shown = (search: Search, from: number, to: number): Step[] => {
    const found: Step[] = []
    expect(line.each(search, from, to, ({ moment, tid }) => found.push({ moment, tid }))).toBe(true)
    return found
  }
  const inside = (steps: Step[], from: number, to: number): Step[] =>
    steps.filter(({ moment }) => moment >= from && moment < to)
  const known = stops.get(work)!
  const cuts = [0, known[3]!.moment, known[3]!.moment + 1, writes[10]!.moment, writes[10]!.moment + 1, end]
  for (const [i, from] of cuts.entries())
    for (const to of cuts.slice(i)) {
      expect(shown({ stops: new Set([work]) }, from, to)).toEqual(inside(known, from, to))
      expect(shown({ traces }, from, to)).toEqual(inside(writes, from, to))
    }
  const both = shown({ stops: new Set([work, leaf]), traces }, 0, end)
  expect(both).toHaveLength(known.length + stops.get(leaf)!.length + writes.length)
})

test('who changed some bytes last, with few instructions executed, is the last writer that changed them', () => {
  const ranges = [{ start: value, end: value + 8 }]
  const search = { traces: { pid: 1000, ranges, reads: false } }
  for (const most of [Infinity, 0]) {
    const line = timelineFor(subject, { engine })
    for (const { moment } of writes.filter((_, i) => i % 9 === 0)) {
      for (const before of [moment, moment + 1, moment + 5]) {
        const expected = writes.findLast((one) => one.moment < before)
        const { hit, unseen } = line.lastChange(search, before, most)
        if (expected === undefined) expect(hit).toBeNull()
        else expect(hit).toMatchObject({ moment: expected.moment, tid: expected.tid })
        // Each of these writes leaves another value.
        if (unseen !== null) expect(unseen.from).toBeGreaterThan((hit as Hit).moment)
        if (most === Infinity) expect(unseen).toBeNull()
      }
    }
  }
})

test('reads of memory that can only be read, and its faults', () => {
  const file = join(scratch(), 'readonly')
  const source = join(import.meta.dirname, 'programs/readonly.c')
  execFileSync('gcc', ['-O0', '-g', '-static', '-no-pie', '-o', file, source])
  expect(execFileSync(file, { encoding: 'utf8' })).toBe('c 208\n')
  const rows = execFileSync('readelf', ['-sW', file], { encoding: 'utf8' })
  const constants = Number.parseInt(/^ *\d+: ([0-9a-f]+) .* table$/m.exec(rows)![1]!, 16)
  const line = timelineFor({ name: 'readonly', path: file, args: [], env: ['PATH=/usr/bin:/bin'] }, { engine })
  expect(line.end.ending).toMatchObject({ kind: 'exit', code: 0 })
  const found = (address: number): { moment: number; store: boolean[] }[] => {
    const search: Search = { traces: { pid: 1000, ranges: [{ start: address, end: address + 1 }], reads: true } }
    const hits = (back: boolean): { moment: number; store: boolean[] }[] => {
      const all: { moment: number; store: boolean[] }[] = []
      for (;;) {
        const reached = back ? line.runBack(search) : line.run(search)
        if (reached.why !== 'hit') break
        const { moment, accesses } = reached.hit
        all.push({ moment, store: accesses.map(({ store }) => store) })
      }
      return back ? all.toReversed() : all
    }
    line.seek(0)
    const forwards = hits(false)
    expect(hits(true)).toEqual(forwards)
    return forwards
  }
  // Element 0 is read twice, element 1 once.
  expect(found(constants).map(({ store }) => store)).toEqual([[false], [false]])
  expect(found(constants + 4).length).toBe(1)
  // Mapped; stored; read; stored; read. The store that faults is none.
  expect(found(0x20000008).map(({ store }) => store)).toEqual([[true], [true], [false], [true], [false]])
  expect(line.finish()).toMatchObject({ count: line.end.count, hash: line.end.hash })
})
