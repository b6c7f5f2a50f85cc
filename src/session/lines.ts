/** Exists to say which source lines and branches a run has executed, how often, and with which outcomes. */
import { LemmingError } from '../base/errors.ts'
import type { Timeline } from '../replay/timeline.ts'
import type { Inspector } from '../symbols/inspector.ts'
import { DECODED, Decoder } from '../x86/decode.ts'
import { BASELINE } from '../x86/features.ts'
import { Insn } from '../x86/insn.ts'
import { KIND } from '../x86/table/operands.ts'
import type { BranchInfo, LineInfo, LinesInfo, SourceSpot } from './protocol.ts'
import type { Namer } from './stacks.ts'

/** Bytes of the longest instruction. */
const LONGEST = 15

/** Flags, as bits of RFLAGS. */
const [CF, PF, ZF, SF, OF] = [1, 4, 0x40, 0x80, 0x800]

/** Whether a condition of Jcc (the low four bits of its opcode) holds (Intel SDM, volume 1, appendix B). */
function isTrue(condition: number, flags: number): boolean {
  const has = (flag: number): boolean => (flags & flag) !== 0
  const bases = [has(OF), has(CF), has(ZF), has(CF) || has(ZF), has(SF), has(PF), has(SF) !== has(OF)]
  const base = bases[condition >> 1] ?? (has(ZF) || has(SF) !== has(OF))
  return base !== ((condition & 1) === 1)
}

/** A conditional jump. */
interface Branch {
  address: number
  mnemonic: string
  condition: number
  to: number
  next: number
  taken: number
  passed: number
}

/** Instructions of a range, as far as they matter here. */
interface Code {
  /** Where blocks begin. */
  leaders: Set<number>
  branches: Map<number, Branch>
}

/** What is counted with. */
export interface Instruments {
  timeline: Timeline
  inspector: Inspector
  namer: Namer
  pid: number
  /** Which executions count. */
  accept: (tid: number) => boolean
}

/**
 * Executes the run up to `until` and counts. A line's number is how often its most frequent instruction was executed; where the compiler has made several copies
 * of a line (inlined calls), it is the sum over them.
 */
export function countLines(
  { timeline, inspector, namer, pid, accept }: Instruments,
  file: string,
  from: number,
  to: number,
  until: number,
): LinesInfo {
  const pieces = inspector.pieces(file, from, to)
  if (pieces.length === 0)
    throw new LemmingError('expression-place', `lines ${from} to ${to} of ${file} have no code`, 'list shows the file')
  const path = pieces[0]!.file
  const code: Code = { leaders: new Set(pieces.map(({ start }) => start)), branches: new Map() }
  const functions = new Set<number>()
  for (const { start, end } of pieces) {
    const symbol = inspector.symbolizer.symbolAt(start)
    const range = symbol === undefined || symbol.end <= start ? { start, end } : symbol
    if (functions.has(range.start)) continue
    functions.add(range.start)
    readCode(timeline, pid, range.start, range.end, code)
  }
  const isIn = (address: number): boolean => pieces.some(({ start, end }) => address >= start && address < end)
  const leaders = [...code.leaders].filter(isIn)
  const branches = [...code.branches.values()].filter(({ address }) => isIn(address))
  const times = new Map<number, Map<number, number>>()
  const jumps = new Map(branches.map((branch) => [branch.address, branch]))
  const stops = new Set([...leaders, ...jumps.keys()])
  const { subject } = timeline
  const done = timeline.each({ stops }, 0, until, (hit) => {
    if (hit.pid !== pid || !accept(hit.tid)) return
    let of = times.get(hit.pc)
    if (of === undefined) times.set(hit.pc, (of = new Map()))
    of.set(hit.tid, (of.get(hit.tid) ?? 0) + 1)
    const branch = jumps.get(hit.pc)
    if (branch === undefined) return
    if (goes(branch, subject.conditions(hit.tid))) branch.taken++
    else branch.passed++
  })
  if (!done) throw new LemmingError('interrupted', 'interrupted')
  const lineOf = (address: number): number => pieces.find(({ start, end }) => address >= start && address < end)!.line
  const lines = new Map<number, { copies: Map<string, Map<number, number>>; branches: BranchInfo[] }>()
  const entry = (line: number) => {
    let one = lines.get(line)
    if (one === undefined) lines.set(line, (one = { copies: new Map(), branches: [] }))
    return one
  }
  for (const address of [...leaders, ...jumps.keys()]) {
    const { copies } = entry(lineOf(address))
    const key = copyOf(namer, address)
    const now = times.get(address) ?? new Map<number, number>()
    const known = copies.get(key)
    if (known === undefined || sum(now) > sum(known)) copies.set(key, now)
  }
  for (const branch of branches) {
    const place = (address: number): SourceSpot => {
      const { file: at, line, column } = inspector.symbolizer.describe(address)
      return line === undefined
        ? {}
        : { ...(at !== path && { file: at }), line, ...(column !== undefined && { column }) }
    }
    entry(lineOf(branch.address)).branches.push({
      address: branch.address,
      mnemonic: branch.mnemonic,
      taken: branch.taken,
      passed: branch.passed,
      to: place(branch.to),
      next: place(branch.next),
    })
  }
  const out: LineInfo[] = [...lines]
    .toSorted(([a], [b]) => a - b)
    .map(([line, { copies, branches: ends }]) => {
      const threads = new Map<number, number>()
      for (const of of copies.values()) for (const [tid, count] of of) threads.set(tid, (threads.get(tid) ?? 0) + count)
      return {
        line,
        times: sum(threads),
        threads: [...threads].toSorted(([a], [b]) => a - b).map(([tid, count]) => ({ tid, times: count })),
        branches: ends.toSorted((a, b) => a.address - b.address),
      }
    })
  return { file: path, pid, from, to, until, lines: out }
}

function sum(counts: ReadonlyMap<number, number>): number {
  let total = 0
  for (const count of counts.values()) total += count
  return total
}

function goes({ mnemonic, condition }: Branch, { flags, rcx }: { flags: number; rcx: bigint }): boolean {
  if (condition >= 0) return isTrue(condition, flags)
  if (mnemonic === 'JRCXZ') return rcx === 0n
  const left = rcx !== 1n
  return left && (mnemonic === 'LOOP' || ((flags & ZF) !== 0) === (mnemonic === 'LOOPE'))
}

/** Which copy of the source an instruction belongs to: its function, and the calls through which it was inlined there. */
function copyOf(namer: Namer, address: number): string {
  const symbol = namer.symbolizer.symbolAt(address)?.start ?? 0
  const calls = namer.places(address).slice(1)
  return `${symbol} ${calls.map(({ file, line, column }) => `${file}:${line}:${column}`).join(' ')}`
}

/** Decodes a function: where its blocks begin, and its conditional jumps. */
function readCode(timeline: Timeline, pid: number, start: number, end: number, code: Code): void {
  const decoder = new Decoder(BASELINE)
  const insn = new Insn()
  const { subject } = timeline
  for (let at = start; at < end;) {
    const bytes = subject.read(pid, at, LONGEST) ?? subject.read(pid, at, end - at)
    if (bytes === null || decoder.decode(bytes, 0, bytes.length, at, insn) !== DECODED.ok) {
      at++
      continue
    }
    const next = at + insn.length
    const { mnemonic } = insn.form.row
    const isJump = insn.form.operands[0]?.kind === KIND.relative && mnemonic !== 'CALL'
    if (isJump) {
      const to = next + insn.immLo
      code.leaders.add(to)
      if (mnemonic !== 'JMP') {
        const condition = /^(LOOP|JRCXZ)/.test(mnemonic) ? -1 : insn.opcode & 15
        code.branches.set(at, { address: at, mnemonic, condition, to, next, taken: 0, passed: 0 })
      }
    }
    if (/^(J|LOOP|RET|UD2)/.test(mnemonic)) code.leaders.add(next)
    at = next
  }
}
