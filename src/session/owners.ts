/** Exists to tell whose some memory was in the course of a run: what was mapped there, and which blocks its allocators have made there. */
import { LemmingError } from '../base/errors.ts'
import type { Timeline } from '../replay/timeline.ts'
import type { CustomFunction } from '../tool/allocator-spec.ts'
import { callsOf } from './accesses.ts'
import type { OwnerInfo } from './protocol.ts'
import type { Namer } from './stacks.ts'

/** What is followed: the program's own functions first, as calls within calls are theirs. */
export interface Allocation extends CustomFunction {
  /** As tables call it; the symbol where it is absent. */
  name?: string
  /** The argument that says where the address of the block is left; otherwise it is returned. */
  out?: number
}

const called = (name: string, symbols: string, rest: Omit<Allocation, 'fn' | 'name'>): Allocation[] =>
  symbols.split(' ').map((fn) => ({ fn, name, ...rest }))

/** The C library's functions and C++'s operators. */
export const FUNCTIONS: readonly Allocation[] = [
  { fn: 'malloc', frees: false, size: 0 },
  { fn: 'calloc', frees: false, size: 1, count: 0 },
  { fn: 'realloc', frees: false, size: 1, ptr: 0 },
  { fn: 'aligned_alloc', frees: false, size: 1 },
  { fn: 'memalign', frees: false, size: 1 },
  { fn: 'free', frees: true, ptr: 0 },
  { fn: 'posix_memalign', frees: false, size: 2, out: 0 },
  { fn: 'valloc', frees: false, size: 0 },
  { fn: 'pvalloc', frees: false, size: 0 },
  ...called('operator new', '_Znwm _ZnwmRKSt9nothrow_t _ZnwmSt11align_val_t _ZnwmSt11align_val_tRKSt9nothrow_t', {
    frees: false,
    size: 0,
  }),
  ...called('operator new[]', '_Znam _ZnamRKSt9nothrow_t _ZnamSt11align_val_t _ZnamSt11align_val_tRKSt9nothrow_t', {
    frees: false,
    size: 0,
  }),
  ...called(
    'operator delete',
    '_ZdlPv _ZdlPvm _ZdlPvRKSt9nothrow_t _ZdlPvSt11align_val_t _ZdlPvmSt11align_val_t _ZdlPvSt11align_val_tRKSt9nothrow_t',
    { frees: true, ptr: 0 },
  ),
  ...called(
    'operator delete[]',
    '_ZdaPv _ZdaPvm _ZdaPvRKSt9nothrow_t _ZdaPvSt11align_val_t _ZdaPvmSt11align_val_t _ZdaPvSt11align_val_tRKSt9nothrow_t',
    { frees: true, ptr: 0 },
  ),
]

const RSP = 4
/** Registers of integer arguments: rdi, rsi, rdx, rcx, r8, r9 (System V ABI, 3.2.3), by number. */
const ARGUMENTS = [7, 6, 2, 1, 8, 9]

/** A call that has not returned. */
interface Call {
  fn: Allocation
  /** Where the return address is. */
  stack: number
  size: number
  /** The block that is replaced or freed, or 0. */
  old: number
  /** Where the address of the block is left, or 0. */
  out: number
}

/** What was mapped at an address of a process, in the order of time. */
export function mappingsAt(timeline: Timeline, pid: number, address: number, until: number): OwnerInfo[] {
  const out: OwnerInfo[] = []
  const done = timeline.each({ mappings: true }, 0, until, ({ mapping, moment, tid, pid: who }) => {
    if (mapping === undefined || who !== pid) return
    const { start, length, prot, name } = mapping
    if (address < start || address >= start + length) return
    const rights = `${prot & 1 ? 'r' : '-'}${prot & 2 ? 'w' : '-'}${prot & 4 ? 'x' : '-'}`
    const kind = prot < 0 ? 'unmapped' : out.at(-1)?.kind === 'unmapped' || out.length === 0 ? 'mapped' : 'protected'
    const by = prot < 0 ? name : `${rights} ${name}`.trimEnd()
    out.push({ kind, moment: moment + 1, tid, address: start, size: length, by, calls: [] })
  })
  if (!done) throw new LemmingError('interrupted', 'interrupted')
  return out
}

/** The blocks that were made and freed around an address, in the order of time. Calls within calls of allocation functions are theirs. */
export function blocksAt(
  timeline: Timeline,
  namer: Namer,
  pid: number,
  address: number,
  until: number,
  functions: readonly CustomFunction[],
): OwnerInfo[] {
  const entries = entriesOf<Allocation>(namer, [...functions, ...FUNCTIONS])
  if (entries.size === 0) return []
  // Where they return to is not known before they were called: a first pass finds that out.
  const returns = new Set<number>()
  const { subject } = timeline
  const slot = (stack: number): number => {
    const bytes = subject.read(pid, stack, 8)
    return bytes === null ? 0 : Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
  }
  const registersOf = (tid: number): bigint[] => subject.tasks().find((one) => one.tid === tid)!.registers
  const pass = (stops: ReadonlySet<number>, see: (tid: number, pc: number, moment: number) => void): void => {
    const done = timeline.each({ stops }, 0, until, (hit) => hit.pid === pid && see(hit.tid, hit.pc, hit.moment))
    if (!done) throw new LemmingError('interrupted', 'interrupted')
  }
  pass(new Set(entries.keys()), (tid) => returns.add(slot(Number(registersOf(tid)[RSP]!))))
  const open = new Map<number, Call>()
  /** Sizes of blocks. */
  const live = new Map<number, number>()
  const found: OwnerInfo[] = []
  const covers = (start: number, size: number): boolean => address >= start && address < start + Math.max(1, size)
  const note = (
    kind: 'allocated' | 'freed',
    call: Call,
    tid: number,
    block: number,
    size: number,
    end: number,
  ): void => {
    if (covers(block, size))
      found.push({ kind, moment: end, tid, address: block, size, by: call.fn.name ?? call.fn.fn, calls: [] })
  }
  const free = (call: Call, tid: number, moment: number): void => {
    const size = live.get(call.old)
    if (size === undefined) return
    live.delete(call.old)
    note('freed', call, tid, call.old, size, moment)
  }
  pass(new Set([...entries.keys(), ...returns]), (tid, pc, moment) => {
    const registers = registersOf(tid)
    const rsp = Number(registers[RSP]!)
    const call = open.get(tid)
    if (call !== undefined && rsp > call.stack) {
      open.delete(tid)
      const result = rsp === call.stack + 8 && returns.has(pc) ? Number(BigInt.asUintN(53, registers[0]!)) : 0
      const isLeft = call.out !== 0 && rsp === call.stack + 8 && result === 0
      const block = call.out === 0 ? result : isLeft ? slot(call.out) : 0
      if (!call.fn.frees && block !== 0) {
        if (call.old !== 0) free(call, tid, moment)
        live.set(block, call.size)
        note('allocated', call, tid, block, call.size, moment)
      }
    }
    const fn = entries.get(pc)
    if (fn === undefined || open.has(tid)) return
    const argument = (number: number | undefined): number =>
      number === undefined ? 0 : Number(BigInt.asUintN(53, registers[ARGUMENTS[number]!]!))
    const size = fn.frees ? 0 : argument(fn.size) * (fn.count === undefined ? 1 : argument(fn.count))
    const entered: Call = { fn, stack: rsp, size, old: argument(fn.ptr), out: argument(fn.out) }
    open.set(tid, entered)
    // Another thread may have the block before this one returns.
    if (fn.frees) free(entered, tid, moment)
  })
  return found
}

/** Adds to the last ones who called. */
export function withCalls(
  timeline: Timeline,
  namerOf: (pid: number) => Namer,
  events: OwnerInfo[],
  most: number,
): OwnerInfo[] {
  const shown = events.slice(Math.max(0, events.length - most))
  return shown.map((event) => {
    timeline.seek(event.moment)
    const task = timeline.subject.tasks().find(({ tid }) => tid === event.tid)
    return task === undefined ? event : { ...event, calls: callsOf(namerOf(task.pid), task) }
  })
}

/** Where functions begin, in all objects that have them. */
export function entriesOf<F extends CustomFunction>(namer: Namer, functions: readonly F[]): Map<number, F> {
  const entries = new Map<number, F>()
  const { symbolizer } = namer
  for (const fn of functions)
    for (const module of symbolizer.loaded) {
      const symbol = symbolizer.objectFile(module).symbolNamed(fn.fn)
      if (symbol?.isFunction === true && !entries.has(symbol.start + module.bias))
        entries.set(symbol.start + module.bias, fn)
    }
  return entries
}
