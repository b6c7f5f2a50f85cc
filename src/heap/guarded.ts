/**
 * Exists as the guarded heap: an option of the machine that answers the C library's and the C++ operators' allocation functions with an allocator of its own,
 * which knows every block and sees what is done wrong with them.
 */
import { GUEST_LIMIT, PAGE_SIZE } from '../engine/layout.ts'
import { firstUnaddressable } from '../engine/addressable.ts'
import { defineScratch, moveDefinedness, setUndefined } from '../engine/definedness.ts'
import { forgetStrings, knowString } from '../engine/string-words.ts'
import { REG } from '../ir/registers.ts'
import { EXCUSE, type Excuse } from '../engine/processor.ts'
import { filePages } from '../linux/fs/mapping.ts'
import type { Range } from '../linux/declare.ts'
import type { Heap } from '../linux/heap.ts'
import type { Kernel } from '../linux/kernel.ts'
import type { Memory } from '../linux/mm.ts'
import type { Task } from '../linux/state.ts'
import type { CustomFunction } from '../tool/allocator-spec.ts'
import type { HeapBlock, HeapEvent, LeakCheck } from '../tool/observer.ts'
import { Allocator, CLASSES } from './allocator.ts'
import { ARGUMENTS, tellArguments } from './arguments.ts'
import { blockOf } from './blocks.ts'
import { overlapOf } from './copies.ts'
import { alignmentOf, CUSTOM, functionAt, FUNCTIONS, type HeapFunction, sizesOf } from './functions.ts'
import { findLeaks } from './leaks.ts'
import { isPartial, isVectorLoad } from './over-reads.ts'
import { isQuiet, isSilenced, Requests, type ComplainRequest } from './requests.ts'
import { endMarks } from './stack-marks.ts'
import { customFunctions, isWithin, nameOf, resumeSites, type Complain } from './observed.ts'
import { biasOf, isLinker, recognised } from './recognise.ts'
import { BLOCK, isWithinStrings, newHeap, type HeapState } from './state.ts'
import { EXPLAINED, StringCalls } from './string-calls.ts'
import { lookOf, stringReads } from './string-reads.ts'

/** Options of a guarded heap. */
export interface GuardedOptions {
  /** Bytes of freed blocks that are kept from being used again. */
  quarantine: number
  /** The program's own allocation functions. */
  custom?: readonly CustomFunction[]
}

/** The answer of KernelEntry.intercept that lets the function's own code run. */
const NATIVE = -1

/** Sizes from here on cannot be meant: the C library's own code refuses them. */
const ABSURD = GUEST_LIMIT

/** Too large for any heap, and not yet negative. */
const IMPOSSIBLE = 2 ** 61

/** The answer of `perform` when another function takes over: rip is its entry. */
const ELSEWHERE = -2

/** Accesses by one instruction that are told; stopping for more of them would only take time. */
const MOST_TOLD = 10_000

/** The answer of KernelEntry.intercept that stops before the function, to come to it once more. */
const AGAIN = -2

const EINVAL = 22

/** The call at hand. */
interface Call {
  k: Kernel
  t: Task
  memory: Memory
  heap: Allocator
  index: number
  f: HeapFunction
}

/** A guarded heap for all address spaces of a machine. */
export class GuardedHeap implements Heap {
  private readonly options: GuardedOptions
  private readonly allocators = new WeakMap<Memory, Allocator>()
  /** The one asked for last. */
  private last: Allocator | null = null
  private watching = false
  private readonly strings = new StringCalls()
  /** Bad accesses that were told, by instruction. */
  private readonly told = new Map<number, number>()

  constructor(options: GuardedOptions) {
    this.options = options
  }

  begin(k: Kernel, memory: Memory): void {
    memory.map.heap = newHeap(k.state.constants.seed, this.options.quarantine, CLASSES, this.options.custom ?? [])
    this.allocators.delete(memory)
  }

  resume(memory: Memory): void {
    const state = memory.map.heap as HeapState | undefined
    if (state === undefined) return
    for (const address of state.functions.keys()) memory.space.intercept(address)
    resumeSites(state, memory.space)
    if (this.watching) this.allocator(memory).watch()
  }

  watch(k: Kernel): void {
    this.watching = true
    for (const memory of k.memories.values()) if (memory.map.heap !== undefined) this.allocator(memory).watch()
  }

  excuses(k: Kernel, t: Task, pc: number, address: number, bytes: number, store: boolean): Excuse {
    const { state, space } = this.allocator(k.memory(t))
    const stack = k.cpu.gprNumber(REG.rsp)
    if (this.strings.isTold(space, t.tid, stack)) return EXCUSE.none
    if ((this.told.get(pc) ?? 0) >= MOST_TOLD || isQuiet(state, address, bytes) || isWithin(state, t.tid))
      return EXCUSE.undefined
    if (store) return EXCUSE.none
    if (isWithinStrings(state, pc) && isVectorLoad(space, pc, bytes))
      return this.strings.overRead(space, state, t.tid, stack, pc, address, bytes)
    const isBeside = isWithinStrings(state, pc) && this.strings.isBeside(space, t.tid, stack, address)
    return isBeside || isPartial(space, address, bytes) ? EXCUSE.undefined : EXCUSE.none
  }

  explains(k: Kernel, t: Task): boolean | null {
    const { space, map } = k.memory(t)
    const state = map.heap as HeapState | undefined
    if (state === undefined || !isWithinStrings(state, Number(k.cpu.rip))) return null
    const beyond = this.strings.explain(space, k.cpu, t.tid, state.functions)
    if (beyond === null || beyond === EXPLAINED.wrong) return beyond === null ? null : false
    if (beyond >= 0) {
      const stack = k.cpu.gprNumber(REG.rsp)
      if (!this.strings.isKnown(space, t.tid, stack, k.state.count, false))
        this.tellAccess(k, t, k.state.count + 1, '', beyond, 1, false)
      this.strings.noteTold(space, t.tid, stack, k.state.count)
    }
    // What the function makes of it is right, or was told.
    defineScratch(k.cpu.view)
    return true
  }

  unaddressable(k: Kernel, t: Task, address: number, bytes: number, store: boolean): void {
    const stack = k.cpu.gprNumber(REG.rsp)
    const { space, map } = k.memory(t)
    if (k.heapObservers.length === 0) return
    const pc = Number(k.cpu.rip)
    const isString = !store && isWithinStrings(map.heap as HeapState, pc) && isVectorLoad(space, pc, bytes)
    if (this.strings.isKnown(space, t.tid, stack, k.state.count, isString)) return
    if (isString) this.strings.noteTold(space, t.tid, stack, k.state.count)
    this.told.set(pc, (this.told.get(pc) ?? 0) + 1)
    this.tellAccess(k, t, k.state.count + 1, '', address, bytes, store)
  }

  passed(k: Kernel, t: Task, name: string, ranges: readonly Range[], store: boolean): void {
    if (!this.watching) return
    const { space } = k.memory(t)
    for (const { start, length } of ranges) {
      const bad = firstUnaddressable(space, start, length)
      if (bad < 0) continue
      let size = 1
      while (bad + size < start + length && firstUnaddressable(space, bad + size, 1) >= 0) size++
      this.tellAccess(k, t, k.state.count, name, bad, size, store)
    }
  }

  private tellAccess(
    k: Kernel,
    t: Task,
    moment: number,
    by: string,
    address: number,
    size: number,
    store: boolean,
  ): void {
    const heap = this.allocator(k.memory(t))
    const row = heap.nearest(address)
    tell(k, t, {
      task: k.info(t),
      moment,
      kind: by === '' ? (store ? 'invalid-write' : 'invalid-read') : store ? 'syscall-write' : 'syscall-read',
      by,
      site: Number(k.cpu.rip),
      stack: k.cpu.gprNumber(REG.rsp),
      address,
      block: row < 0 ? null : blockOf(heap, row),
      numbers: { size },
    })
  }

  lookup(k: Kernel, t: Task, address: number): HeapBlock | null {
    const memory = k.memory(t)
    if (memory.map.heap === undefined) return null
    const heap = this.allocator(memory)
    const row = heap.around(address)
    return row < 0 ? null : blockOf(heap, row)
  }

  private allocator(memory: Memory): Allocator {
    if (this.last !== null && this.last.isOf(memory)) return this.last
    return (this.last = this.allocatorOf(memory))
  }

  private allocatorOf(memory: Memory): Allocator {
    let allocator = this.allocators.get(memory)
    if (allocator === undefined || !allocator.isOf(memory)) {
      this.allocators.set(memory, (allocator = new Allocator(memory.map.heap as HeapState, memory)))
      this.strings.attend(memory.space, allocator.state)
      if (this.watching) allocator.watch()
    }
    return allocator
  }

  mapped(k: Kernel, t: Task, start: number): void {
    const memory = k.memory(t)
    const mapping = memory.at(start)
    const state = memory.map.heap as HeapState | undefined
    if (state === undefined || mapping === undefined || mapping.file === null) return
    forgetStrings(memory.space)
    const { path, inode, offset } = mapping.file
    const files = filePages(k)
    const size = files.size(inode)
    const isProgram = memory.map.codeStart === 0
    const bytes = files.read(inode, 0, size)
    const found = recognised(bytes, path, isProgram)
    state.isStatic ||= found.isStatic
    for (const at of found.requests) {
      const address = mapping.start + at - offset
      if (address < mapping.start || address >= mapping.end) continue
      state.requests.sites.add(address)
      memory.space.intercept(address)
    }
    const bias = biasOf(bytes, path, mapping.start, offset)
    if (bias === null) return
    if (found.ownOperators) state.ownOperators = true
    state.musl ||= found.musl
    state.mixed ||= found.mixed
    for (const [from, to] of found.strings)
      state.strings.push([Math.max(mapping.start, from + bias), Math.min(mapping.end, to + bias)])
    const wanted = [...found.functions, ...(state.ownOperators ? [] : found.operators)]
    // What is answered is not followed.
    const answered = new Set(wanted.map(([address]) => address))
    if (state.custom.length > 0 && !isLinker(path))
      wanted.push(...customFunctions(bytes, path, state.custom).filter(([address]) => !answered.has(address)))
    for (const [address, index] of wanted) {
      const at = address + bias
      if (at < mapping.start || at >= mapping.end) continue
      state.functions.set(at, index)
      memory.space.intercept(at)
    }
  }

  call(k: Kernel, t: Task): number {
    // The running task's.
    const memory = k.loaded!
    const heap = this.allocator(memory)
    const rip = k.cpu.ripNumber
    const index = heap.state.functions.get(rip)
    if (heap.state.requests.sites.size > 0 && heap.state.requests.sites.has(rip)) {
      const complain = requestComplainer(k, t, heap)
      const leaks = (asked: LeakCheck): void => tellLeaks(k, t, heap, asked)
      return new Requests(heap).perform(k, t, { complain, leaks }) ? NATIVE : AGAIN
    }
    if (heap.state.requests.marks.length > 0) endMarks(k, t, heap)
    if (heap.state.sites.size > 0 && heap.state.sites.has(rip))
      heap.observed.leave(k, t, complainer(k, t, memory, heap, index ?? 0, rip))
    if (index === undefined) return NATIVE
    if (index >= CUSTOM)
      return heap.observed.enter(k, t, index, complainer(k, t, memory, heap, index, rip)) ? NATIVE : AGAIN
    const f = FUNCTIONS[index]!
    if (k.undefinedObservers.length > 0) tellArguments(k, t, f, rip)
    const result = perform({ k, t, memory, heap, index, f }, this.strings)
    if (result === NATIVE) return NATIVE
    if (result === ELSEWHERE) return Number(k.cpu.rip)
    // As RET does: the translated caller compares both.
    const { cpu } = k
    const rsp = cpu.gprNumber(REG.rsp)
    const back = memory.space.readU32(rsp)
    if (back === null || back >= GUEST_LIMIT || memory.space.readU32(rsp + 4) !== 0) return NATIVE
    cpu.setGprNumber(REG.rax, result)
    cpu.setGprNumber(REG.rsp, rsp + 8)
    cpu.ripNumber = back
    return back
  }

  exiting(k: Kernel, t: Task): void {
    const memory = k.memory(t)
    if (memory.map.heap === undefined) return
    const heap = this.allocator(memory)
    const { blocks } = heap.state
    for (let row = 0; row < blocks.rows; row++)
      if (blocks.state[row] !== BLOCK.none && !heap.isObserved(row)) reportDamage(k, t, heap, row, 'exit', 0, 0)
    tellLeaks(k, t, heap, null)
  }

  leaks(k: Kernel, t: Task): void {
    const memory = k.memory(t)
    if (memory.map.heap !== undefined) tellLeaks(k, t, this.allocator(memory), 'moment')
  }

  claimed(memory: Memory, start: number, length: number): void {
    const state = memory.map.heap as HeapState | undefined
    // A static C library takes the memory of thread-locals from there, and relies on what the kernel gives.
    if (state !== undefined && !state.isStatic) setUndefined(memory.space, start, length)
  }

  changed(memory: Memory, start: number, length: number): void {
    const state = memory.map.heap as HeapState | undefined
    if (state !== undefined && state.requests.ranges.length > 0) this.allocator(memory).forgetSaid(start, length)
  }

  silences(k: Kernel, t: Task): boolean {
    const state = k.memory(t).map.heap as HeapState | undefined
    return state !== undefined && isSilenced(state, t.tid)
  }

  faulted(k: Kernel, t: Task, name: string, address: number, store: boolean): void {
    // Rust's standard library finds out so whether there is this call.
    if (name === 'statx' && address === 0) return
    const heap = this.allocator(k.memory(t))
    const row = heap.around(address)
    tell(k, t, {
      task: k.info(t),
      moment: k.state.count,
      kind: 'syscall-fault',
      by: name,
      site: Number(k.cpu.rip),
      stack: k.cpu.gprNumber(REG.rsp),
      address,
      block: row < 0 ? null : blockOf(heap, row),
      numbers: { store: store ? 1 : 0 },
    })
  }
}

const argument = ({ k }: Call, i: number): number => k.cpu.gprNumber(ARGUMENTS[i]!)

/** What the function returns, or NATIVE. */
function perform(call: Call, strings: StringCalls): number {
  const { f, heap } = call
  switch (f.action) {
    case 'allocate':
      return allocate(call, argument(call, 0), 0)
    case 'zeroed': {
      const size = argument(call, 0) * argument(call, 1)
      // None of a negative size, too.
      if (size === 0) reportNegative(call, 0)
      const address = allocate(call, size, 0)
      if (address > 0 && size > 0) {
        call.memory.space.willWrite(address, size)
        call.memory.space.bytes.fill(0, address, address + size)
      }
      return address
    }
    case 'aligned':
    case 'alignedUp':
      return allocate(call, argument(call, f.align === 0 ? 1 : 0), alignmentOf(f, argument(call, f.align), heap.state))
    case 'pages': {
      const size = argument(call, 0)
      return allocate(call, f.name === 'pvalloc' ? Math.ceil(size / PAGE_SIZE) * PAGE_SIZE : size, PAGE_SIZE)
    }
    case 'posixAligned':
      return posixAligned(call)
    case 'resize':
      return resize(call, argument(call, 0), argument(call, 1))
    case 'free': {
      const address = argument(call, 0)
      if (address !== 0) free(call, address, true)
      return 0
    }
    case 'sized': {
      const [address, size] = [argument(call, 0), argument(call, 1)]
      const row = exactRow(heap, address)
      const { blocks } = heap.state
      if (row >= 0 && blocks.state[row] === BLOCK.live && blocks.size[row] !== size)
        report(call, 'mismatched-size', address, row, { size })
      return NATIVE
    }
    case 'usable': {
      const row = exactRow(heap, argument(call, 0))
      return row < 0 ? 0 : heap.state.blocks.size[row]!
    }
    default:
      checkString(call, strings)
      return NATIVE
  }
}

/** Looks at the call of a string function before it runs: for what overlaps (its own callers in the C library know what they do), and for what it must read and may not. */
function checkString(call: Call, strings: StringCalls): void {
  const { k, t, f, heap, memory } = call
  if (k.heapObservers.length === 0) return
  const arguments_ = (i: number): number => argument(call, i)
  const overlap = isWithinStrings(heap.state, k.cpu.ripNumber) ? null : overlapOf(f, arguments_, memory.space)
  if (overlap !== null) report(call, 'overlap', overlap.address, -1, overlap.numbers)
  const ranges = stringReads(f.name, arguments_, memory.space)
  let told = false
  for (const { start, length } of ranges) {
    const bad = firstUnaddressable(memory.space, start, length)
    if (bad < 0) continue
    told = true
    const size = f.action === 'copy' || f.name === 'memmove' ? start + length - bad : f.name.startsWith('w') ? 4 : 1
    report(call, 'invalid-read', bad, heap.nearest(bad), { size })
  }
  strings.enter(memory.space, t.tid, k.cpu.gprNumber(REG.rsp), told, ranges)
  const look = lookOf(f.name)
  if (look !== undefined) knowString(memory.space, k.cpu.ripNumber, look)
}

function allocate(call: Call, size: number, align: number): number {
  if (size >= ABSURD || (align !== 0 && (align & (align - 1)) !== 0) || align >= ABSURD) {
    reportNegative(call, 0)
    return NATIVE
  }
  const row = call.heap.allocate(size, Math.max(16, align))
  if (row < 0) return NATIVE
  note(call, row, align)
  return call.heap.state.blocks.address[row]!
}

/** Reports the arguments that are sizes and would be negative as signed numbers, which nobody means. */
function reportNegative(call: Call, address: number): void {
  const { k, f } = call
  for (const register of sizesOf(f)) {
    const size = Number(BigInt.asIntN(64, k.cpu.gpr(register)))
    if (size < 0) report(call, 'absurd-size', address, -1, { size })
  }
}

/** Remembers who made a block, when and where. */
function note({ k, t, heap, index, memory }: Call, row: number, align: number): void {
  const { blocks } = heap.state
  blocks.madeBy[row] = index
  blocks.align[row] = align
  blocks.madeAt[row] = k.state.count
  blocks.madeTid[row] = t.tid
  const stack = k.cpu.gprNumber(REG.rsp)
  blocks.stack[row] = stack
  blocks.site[row] = memory.space.readU32(stack) ?? 0
}

function posixAligned(call: Call): number {
  const [to, align, size] = [0, 1, 2].map((i) => argument(call, i)) as [number, number, number]
  if (align < 8 || (align & (align - 1)) !== 0) return EINVAL
  const address = allocate(call, size, align)
  if (address < 0) return NATIVE
  call.memory.space.writeU64(to, BigInt(address))
  return 0
}

function resize(call: Call, old: number, size: number): number {
  const { heap, memory } = call
  if (old === 0) return allocate(call, size, 0)
  if (size >= ABSURD) {
    reportNegative(call, old)
    return failed(call)
  }
  const row = liveRow(call, old, 'invalid-realloc')
  if (row < 0) return 0
  if (size === 0) report(call, 'realloc-zero', old, row, {})
  if (size === 0 && !heap.state.musl) {
    free(call, old, false)
    return 0
  }
  const oldSize = heap.state.blocks.size[row]!
  const address = allocate(call, size, 0)
  if (address < 0) return failed(call)
  memory.space.willWrite(address, size)
  memory.space.bytes.copyWithin(address, old, old + Math.min(oldSize, size))
  setUndefined(memory.space, address, size)
  moveDefinedness(memory.space, old, address, Math.min(oldSize, size))
  free(call, old, true)
  return address
}

/**
 * realloc that fails: the block stays as it is. The library's own realloc would look for its headers before the block, so its malloc is asked for what cannot be
 * had: it fails in the same way, and sets errno.
 */
function failed({ k, heap }: Call): number {
  for (const [address, index] of heap.state.functions) {
    if (FUNCTIONS[index]!.name !== 'malloc') continue
    k.cpu.setGpr(REG.rdi, BigInt(IMPOSSIBLE))
    k.cpu.rip = BigInt(address)
    return ELSEWHERE
  }
  return 0
}

/** The row whose block begins at `address`, live or freed; -1 for none. */
function exactRow(heap: Allocator, address: number): number {
  const row = heap.rowAt(address)
  return row >= 0 && heap.state.blocks.address[row] === address ? row : -1
}

/** The live block at `address`; otherwise it is reported why there is none. */
function liveRow(call: Call, address: number, otherwise: HeapEvent['kind']): number {
  const { heap } = call
  const row = exactRow(heap, address)
  if (row < 0) report(call, otherwise, address, heap.rowAt(address), {})
  else if (heap.state.blocks.state[row] === BLOCK.freed)
    report(call, otherwise === 'invalid-free' ? 'double-free' : otherwise, address, row, {})
  else return row
  return -1
}

function free(call: Call, address: number, checked: boolean): void {
  const { k, t, heap, index, f } = call
  const row = liveRow(call, address, 'invalid-free')
  if (row < 0) return
  const { blocks } = heap.state
  const made = functionAt(heap.state, blocks.madeBy[row]!)
  if (heap.state.mixed) checked = false
  if (made.family !== f.family && !heap.state.mixed) report(call, 'mismatched-free', address, row, {})
  else if (checked && f.family !== 'malloc') {
    const align = f.align < 0 ? 0 : argument(call, f.align)
    if (align !== blocks.align[row])
      report(call, 'mismatched-alignment', address, row, { align, made: blocks.align[row]! })
    else if (f.size >= 0 && argument(call, f.size) !== blocks.size[row])
      report(call, 'mismatched-size', address, row, { size: argument(call, f.size) })
  }
  reportDamage(k, t, heap, row, f.name, siteOf(call), k.cpu.gprNumber(REG.rsp))
  heap.freed(k, t, row, index)
}

/** Tells what is wrong with a client request of the task's. */
function requestComplainer(k: Kernel, t: Task, heap: Allocator): ComplainRequest {
  return (kind, by, address, row, numbers = {}) => {
    const block = row < 0 ? null : blockOf(heap, row)
    const site = Number(k.cpu.rip)
    const stack = k.cpu.gprNumber(REG.rsp)
    tell(k, t, { task: k.info(t), moment: k.state.count, kind, by, site, stack, address, block, numbers })
  }
}

/** Tells who wants to know which blocks are still there, and how they can be reached. */
function tellLeaks(k: Kernel, t: Task, heap: Allocator, asked: LeakCheck | null): void {
  const listeners = k.observers.filter((observer) => 'leaks' in observer && observer.leaks !== undefined)
  if (listeners.length === 0) return
  const event = { asked, task: k.info(t), moment: k.state.count, blocks: findLeaks(k, t, heap) }
  for (const observer of listeners) observer.leaks!(event, k)
}

/** Tells what is wrong with a call of a custom function. */
function complainer(k: Kernel, t: Task, memory: Memory, heap: Allocator, index: number, site: number): Complain {
  return (kind, address, row, numbers) => {
    const isCall = kind !== 'overlapping-block'
    tell(k, t, {
      task: k.info(t),
      moment: k.state.count,
      kind,
      by: isCall ? nameOf(heap.state, index) : '',
      site: isCall ? (memory.space.readU32(k.cpu.gprNumber(REG.rsp)) ?? 0) : site,
      stack: k.cpu.gprNumber(REG.rsp),
      address,
      block: row < 0 ? null : blockOf(heap, row),
      numbers,
    })
  }
}

function siteOf({ k, memory }: Call): number {
  return memory.space.readU32(k.cpu.gprNumber(REG.rsp)) ?? 0
}

function report(
  call: Call,
  kind: HeapEvent['kind'],
  address: number,
  row: number,
  numbers: Record<string, number>,
): void {
  const { k, t, heap, f } = call
  tell(k, t, {
    task: k.info(t),
    moment: k.state.count,
    kind,
    by: f.name,
    site: siteOf(call),
    stack: k.cpu.gprNumber(REG.rsp),
    address,
    block: row < 0 ? null : blockOf(heap, row),
    numbers,
  })
}

function reportDamage(k: Kernel, t: Task, heap: Allocator, row: number, by: string, site: number, stack: number): void {
  for (const { row: owner, address, length } of heap.damages(row)) {
    const block = blockOf(heap, owner)
    tell(k, t, {
      task: k.info(t),
      moment: k.state.count,
      kind: 'redzone',
      by,
      site,
      stack,
      address,
      block,
      numbers: { length },
    })
  }
}

function tell(k: Kernel, t: Task, event: HeapEvent): void {
  if (k.heapObservers.length === 0 || isSilenced(k.memory(t).map.heap as HeapState, t.tid)) return
  for (const observer of k.heapObservers) observer.heap!(event, k)
}
