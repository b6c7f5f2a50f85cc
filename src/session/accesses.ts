/** Exists to find all accesses to some bytes in a run: who wrote them when, and which lines of the source ever touch them. */
import { LemmingError } from '../base/errors.ts'
import type { Hit, Timeline } from '../replay/timeline.ts'
import type { AccessesInfo, AccessInfo, SiteInfo } from './protocol.ts'
import { hex, type Namer } from './stacks.ts'

/** Functions that are named of a stack. */
const CALLS = 4

/** Bytes that are asked about; all lie in one process. */
export interface Ranges {
  pid: number
  ranges: { address: number; size: number }[]
  type: string
}

/** An access that was heard of: which range, and what. */
interface Noted {
  moment: number
  pid: number
  tid: number
  pc: number
  byKernel: boolean
  reads: boolean
  writes: boolean
  range: { address: number; size: number }
}

/** Executes the run up to `until`, and looks closer at the last `most` accesses. The timeline is then where it was. */
export function accessesOf(
  timeline: Timeline,
  namerOf: (pid: number) => Namer,
  { pid, ranges, type }: Ranges,
  reads: boolean,
  until: number,
  most: number,
): AccessesInfo {
  const traces = { pid, ranges: ranges.map(({ address, size }) => ({ start: address, end: address + size })), reads }
  const sites = new Map<number, Counts>()
  const last: Noted[] = []
  const see = (hit: Hit): void => {
    for (const noted of notedIn(hit, ranges, reads)) {
      // What the kernel makes of memory before it can be accessed is no history of it.
      if (noted.byKernel && timeline.subject.read(pid, noted.range.address, 1) === null) continue
      count(sites, noted)
      last.push(noted)
    }
    if (last.length > 2 * most + 100) last.splice(0, last.length - most)
  }
  const here = timeline.moment
  const done = timeline.each({ traces }, 0, until, see)
  const shown = done
    ? last.slice(Math.max(0, last.length - most)).map((noted) => detailed(timeline, namerOf, noted))
    : []
  timeline.seek(here)
  if (!done) throw new LemmingError('interrupted', 'interrupted')
  const infos = sitesOf(sites, namerOf(pid))
  const total = (kind: 'reads' | 'writes'): number => infos.reduce((sum, one) => sum + one[kind], 0)
  return { ranges, type, reads: total('reads'), writes: total('writes'), until, sites: infos, shown }
}

/** What a hit did to each of the ranges. */
function notedIn({ moment, pid, tid, accesses, byKernel }: Hit, ranges: Ranges['ranges'], loads: boolean): Noted[] {
  const out: Noted[] = []
  for (const range of ranges) {
    const those = accesses.filter(
      (one) => one.address < range.address + range.size && one.address + one.bytes > range.address,
    )
    const reads = loads && those.some(({ store }) => !store)
    const writes = those.some(({ store }) => store)
    if (reads || writes) out.push({ moment, pid, tid, pc: those[0]!.pc, byKernel, reads, writes, range })
  }
  return out
}

/** How often an instruction accessed the bytes. */
interface Counts {
  byKernel: boolean
  threads: Map<number, { reads: number; writes: number }>
  first: number
  last: number
}

function count(sites: Map<number, Counts>, { pc, tid, byKernel, reads, writes, moment }: Noted): void {
  let site = sites.get(pc)
  if (site === undefined) sites.set(pc, (site = { byKernel, threads: new Map(), first: moment, last: moment }))
  let of = site.threads.get(tid)
  if (of === undefined) site.threads.set(tid, (of = { reads: 0, writes: 0 }))
  if (reads) of.reads++
  if (writes) of.writes++
  site.last = moment
}

/** Counts of instructions as counts of lines, the most frequent first. */
function sitesOf(counts: ReadonlyMap<number, Counts>, namer: Namer): SiteInfo[] {
  const sites = new Map<string, SiteInfo>()
  for (const [pc, { threads, first, last }] of [...counts].toSorted(([a], [b]) => a - b)) {
    const [place] = namer.places(pc)
    const { file, line, function: name } = place!
    const key = file === undefined || line === undefined ? hex(pc) : `${file}:${line} ${name}`
    let site = sites.get(key)
    if (site === undefined) {
      const text = file === undefined ? null : (namer.sources.line(file, line) ?? null)
      sites.set(key, (site = { place: place!, text, reads: 0, writes: 0, threads: [], first, last }))
    }
    site.first = Math.min(site.first, first)
    site.last = Math.max(site.last, last)
    for (const [tid, { reads, writes }] of threads) {
      site.reads += reads
      site.writes += writes
      let one = site.threads.find((other) => other.tid === tid)
      if (one === undefined) site.threads.push((one = { tid, reads: 0, writes: 0 }))
      one.reads += reads
      one.writes += writes
    }
  }
  const out = [...sites.values()]
  for (const { threads } of out) threads.sort((a, b) => a.tid - b.tid)
  return out.toSorted((a, b) => b.reads + b.writes - a.reads - a.writes)
}

/** Goes there, and sees the bytes before and after, and who called. */
function detailed(timeline: Timeline, namerOf: (pid: number) => Namer, noted: Noted): AccessInfo {
  const { moment, tid, byKernel, writes, range, pc } = noted
  timeline.seek(moment)
  const { subject } = timeline
  const task = subject.tasks().find((one) => one.tid === tid)
  const pid = task?.pid ?? noted.pid
  const namer = namerOf(pid)
  const before = subject.read(pid, range.address, range.size)
  const [place] = namer.places(task === undefined ? pc : Number(task.registers[16]!))
  const calls = task === undefined ? [] : callsOf(namer, task)
  timeline.seek(moment + 1)
  const after = subject.read(pid, range.address, range.size)
  const { file, line } = place!
  return {
    moment: writes ? moment + 1 : moment,
    pid,
    tid,
    name: task?.name ?? '',
    store: writes,
    byKernel,
    address: range.address,
    bytes: range.size,
    place: place!,
    text: file === undefined ? null : (namer.sources.line(file, line) ?? null),
    calls,
    before,
    after,
  }
}

/** The names of the innermost functions of a thread. */
export function callsOf(namer: Namer, task: Parameters<Namer['thread']>[0]): string[] {
  const { frames } = namer.unwind(task, CALLS)
  return frames
    .flatMap(({ pc, lookup }) => namer.places(pc, lookup))
    .slice(0, CALLS)
    .map(({ function: name, address, file, line }) => {
      const where = file === undefined ? '' : ` (${file.slice(file.lastIndexOf('/') + 1)}:${line ?? '?'})`
      return `${name ?? address}${where}`
    })
}
