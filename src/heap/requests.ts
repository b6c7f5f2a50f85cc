/**
 * Exists to understand what programs say to Valgrind: client requests, four rotations of RDI by 128 bits in all and an exchange of RBX with itself, which mean
 * nothing to a processor. Here they mean nothing to the program either: each answers its default. What they say of memory and of blocks is believed.
 */
import { firstUnaddressable } from '../engine/addressable.ts'
import { firstUndefined, setDefined, setUndefined } from '../engine/definedness.ts'
import { ATTRIBUTE } from '../engine/layout.ts'
import { forgetStrings } from '../engine/string-words.ts'
import { REG } from '../ir/registers.ts'
import type { Kernel } from '../linux/kernel.ts'
import type { Task } from '../linux/state.ts'
import type { HeapEvent, LeakCheck } from '../tool/observer.ts'
import type { Allocator } from './allocator.ts'
import { CLIENT } from './functions.ts'
import { say } from './ranges.ts'
import { willMark } from './stack-marks.ts'
import { BLOCK, type ClientPool, type HeapState } from './state.ts'

/** rol $3, rol $13, rol $61, rol $51 of RDI; xchg %rbx,%rbx (valgrind.h, "PREAMBLE"). */
const SEQUENCE = [
  0x48, 0xc1, 0xc7, 0x03, 0x48, 0xc1, 0xc7, 0x0d, 0x48, 0xc1, 0xc7, 0x3d, 0x48, 0xc1, 0xc7, 0x33, 0x48, 0x87, 0xdb,
]
/** From the beginning of the sequence to the exchange, at which a request is made. */
const EXCHANGE = 16

/** Offsets in a file of the instructions by which client requests are made. */
export function requestsIn(bytes: Uint8Array): number[] {
  const found: number[] = []
  const last = SEQUENCE.length - 1
  for (let at = bytes.indexOf(SEQUENCE[last]!, last); at >= 0; at = bytes.indexOf(SEQUENCE[last]!, at + 1)) {
    const start = at - last
    if (SEQUENCE.every((byte, i) => bytes[start + i] === byte)) found.push(start + EXCHANGE)
  }
  return found
}

const tool = (number: number): number => 0x4d43_0000 + number

/** Numbers of the requests that mean something here (valgrind.h, memcheck.h). */
const REQUEST = {
  mallocLike: 0x1301,
  freeLike: 0x1302,
  createPool: 0x1303,
  destroyPool: 0x1304,
  poolAllocate: 0x1305,
  poolFree: 0x1306,
  poolTrim: 0x1307,
  movePool: 0x1308,
  poolChange: 0x1309,
  resizeInPlace: 0x130b,
  silence: 0x1801,
  noAccess: tool(0),
  makeUndefined: tool(1),
  makeDefined: tool(2),
  checkAddressable: tool(4),
  checkDefined: tool(5),
  leakCheck: tool(6),
  defineAddressable: tool(11),
  tellRange: tool(13),
  silenceRange: tool(14),
} as const

/** -1 as an argument, rounded from 2^64 - 1. */
const signed = (word: number): number => (word >= 2 ** 63 ? word - 2 ** 64 || -1 : word)

/** Flags of VALGRIND_CREATE_MEMPOOL_EXT. */
const POOL = { autoFree: 1, meta: 2 } as const

const LEAK_CHECKS: readonly LeakCheck[] = ['all', 'added', 'changed']

/** Tells what is wrong with a request. */
export type ComplainRequest = (
  kind: HeapEvent['kind'],
  by: string,
  address: number,
  row: number,
  numbers?: Record<string, number>,
) => void

/** What requests need of those who call. */
export interface Listeners {
  complain: ComplainRequest
  leaks: (check: LeakCheck) => void
}

/** Is the thread one whose errors are not to be told? */
export function isSilenced({ requests }: HeapState, tid: number): boolean {
  return requests.silenced.size > 0 && (requests.silenced.get(tid) ?? 0) > 0
}

/** Lies all of an access where accesses are not to be told? */
export function isQuiet({ requests }: HeapState, address: number, bytes: number): boolean {
  return requests.quiet.some(({ start, end }) => address >= start && address + bytes <= end)
}

/** The client requests of one address space. */
export class Requests {
  private readonly heap: Allocator

  constructor(heap: Allocator) {
    this.heap = heap
  }

  private get state(): HeapState {
    return this.heap.state
  }

  /** The task is at a request: its number and arguments lie where RAX points. False: nothing was done, and it must be made once more. */
  perform(k: Kernel, t: Task, listeners: Listeners): boolean {
    const { space } = this.heap
    const at = k.cpu.gprNumber(REG.rax)
    const words = [0, 1, 2, 3, 4, 5].map((i) => Number(space.readU64(at + 8 * i) ?? 0n))
    const [request, ...args] = words as [number, number, number, number, number, number]
    const [start, length] = this.marked(request, args)
    if (willMark(k, t, this.heap, start, length)) return false
    if (request >= REQUEST.mallocLike && request <= REQUEST.resizeInPlace)
      this.blocks(k, t, request, args as [number, number, number, number, number], listeners.complain)
    else this.memory(k, t, request, args as [number, number, number, number, number], listeners)
    return true
  }

  /** The range of which a request says, or one about the same memory will, that it must not be accessed: its start and length. */
  private marked(request: number, [first, second, third]: readonly number[]): [number, number] {
    const around = (address: number, size: number, redzone: number): [number, number] => [
      address - redzone,
      size + 2 * redzone,
    ]
    if (request === REQUEST.noAccess) return [first!, second!]
    if (request === REQUEST.mallocLike) return around(first!, second!, third!)
    const pool = request === REQUEST.poolAllocate ? this.state.requests.pools.get(first!) : undefined
    return pool === undefined ? [0, 0] : around(second!, third!, pool.redzone)
  }

  // Ranges of memory.

  private memory(
    k: Kernel,
    t: Task,
    request: number,
    [address, length]: [number, number, number, number, number],
    { complain, leaks }: Listeners,
  ): void {
    const { space } = this.heap
    const { requests } = this.state
    const room = space.accessible(address, length, ATTRIBUTE.unmapped)
    switch (request) {
      case REQUEST.noAccess:
        return this.heap.say(address, room, false)
      case REQUEST.makeUndefined:
        this.heap.say(address, room, true)
        return setUndefined(space, address, room)
      case REQUEST.makeDefined:
        this.heap.say(address, room, true)
        return setDefined(space, address, room)
      case REQUEST.defineAddressable:
        for (let at = address; at < address + room; at++)
          if (firstUnaddressable(space, at, 1) < 0) setDefined(space, at, 1)
        return
      case REQUEST.checkAddressable:
        return this.checkAddressable('VALGRIND_CHECK_MEM_IS_ADDRESSABLE', address, length, complain)
      case REQUEST.checkDefined:
        this.checkDefined(k, t, address, length)
        return this.checkAddressable('VALGRIND_CHECK_MEM_IS_DEFINED', address, length, complain)
      case REQUEST.leakCheck:
        // A summary tells of no block.
        if (address === 0) leaks(LEAK_CHECKS[length] ?? 'all')
        return
      case REQUEST.silence: {
        const depth = Math.max(0, (requests.silenced.get(t.tid) ?? 0) + signed(address))
        if (depth === 0) requests.silenced.delete(t.tid)
        else requests.silenced.set(t.tid, depth)
        return
      }
      case REQUEST.silenceRange:
      case REQUEST.tellRange:
        forgetStrings(this.heap.space)
        return say(requests.quiet, address, address + length, request === REQUEST.silenceRange ? true : null)
      default:
    }
  }

  private checkAddressable(by: string, address: number, length: number, complain: ComplainRequest): void {
    const { space } = this.heap
    const room = space.accessible(address, length, ATTRIBUTE.noRead)
    const bad = firstUnaddressable(space, address, room)
    if (bad < 0 && room === length) return
    const first = bad < 0 ? address + room : bad
    complain('client-check', by, first, this.heap.around(first), { size: length })
  }

  private checkDefined(k: Kernel, t: Task, start: number, length: number): void {
    const { space } = this.heap
    if (k.undefinedObservers.length === 0 || isSilenced(this.state, t.tid)) return
    let address = start
    const room = space.accessible(start, length, ATTRIBUTE.noRead)
    // What must not be accessed is another matter.
    do address = firstUndefined(space, address, start + room - address)
    while (address >= 0 && firstUnaddressable(space, address, 1) >= 0 && ++address < start + room)
    if (address < 0 || address >= start + room) return
    const by = 'VALGRIND_CHECK_MEM_IS_DEFINED'
    k.tellUndefined(t, { pc: Number(k.cpu.rip), kind: 'request', by, argument: 0, address, start, length: room })
  }

  // Blocks.

  private blocks(
    k: Kernel,
    t: Task,
    request: number,
    [first, second, third, fourth]: [number, number, number, number, number],
    complain: ComplainRequest,
  ): void {
    const { pools } = this.state.requests
    switch (request) {
      case REQUEST.mallocLike:
        return this.make(k, t, first, second, third, fourth !== 0, CLIENT.mallocLike, null, complain)
      case REQUEST.freeLike:
        return this.free(k, t, first, second, null, complain)
      case REQUEST.resizeInPlace:
        return this.resize(first, second, third, fourth, complain)
      case REQUEST.createPool:
        pools.set(first, {
          redzone: second,
          zeroed: third !== 0,
          isMeta: (fourth & POOL.meta) !== 0,
          freesAll: (fourth & POOL.autoFree) !== 0,
          pieces: [],
        })
        return
      case REQUEST.movePool: {
        const pool = this.pool(first, 'VALGRIND_MOVE_MEMPOOL', complain)
        if (pool === null) return
        pools.delete(first)
        pools.set(second, pool)
        for (const row of this.rowsOf(first)) this.state.observed.pools.set(row, second)
        return
      }
      case REQUEST.destroyPool: {
        const pool = this.pool(first, 'VALGRIND_DESTROY_MEMPOOL', complain)
        if (pool === null) return
        for (const row of this.rowsOf(first)) this.release(k, t, row, pool.redzone)
        for (const [address, size] of pool.pieces) this.heap.say(address, size, false)
        pools.delete(first)
        return
      }
      case REQUEST.poolAllocate: {
        const pool = this.pool(first, 'VALGRIND_MEMPOOL_ALLOC', complain)
        if (pool === null) return
        if (pool.isMeta) return this.addPiece(pool, second, third)
        return this.make(k, t, second, third, pool.redzone, pool.zeroed, CLIENT.poolAllocate, first, complain)
      }
      case REQUEST.poolFree: {
        const pool = this.pool(first, 'VALGRIND_MEMPOOL_FREE', complain)
        if (pool === null || (pool.isMeta && this.removePiece(k, t, pool, second))) return
        return this.free(k, t, second, pool.redzone, first, complain)
      }
      case REQUEST.poolTrim: {
        const pool = this.pool(first, 'VALGRIND_MEMPOOL_TRIM', complain)
        if (pool !== null) this.trim(k, t, first, second, second + third, pool)
        return
      }
      case REQUEST.poolChange: {
        const pool = this.pool(first, 'VALGRIND_MEMPOOL_CHANGE', complain)
        if (pool === null) return
        const piece = pool.pieces.find(([address]) => address === second)
        if (piece !== undefined) return void piece.splice(0, 2, third, fourth)
        const row = this.exact(second, first)
        if (row < 0) return complain('invalid-free', 'VALGRIND_MEMPOOL_CHANGE', second, this.heap.around(second))
        return this.heap.observed.move(row, third, fourth)
      }
      default:
    }
  }

  private pool(address: number, by: string, complain: ComplainRequest): ClientPool | null {
    const pool = this.state.requests.pools.get(address)
    if (pool === undefined) complain('invalid-pool', by, address, -1)
    return pool ?? null
  }

  private rowsOf(pool: number): number[] {
    const { observed, blocks } = this.state
    return [...observed.pools]
      .filter(([row, of]) => of === pool && blocks.state[row] === BLOCK.live)
      .map(([row]) => row)
  }

  /** Row of the live block that begins there, of that pool (null: of none); -1 for none. */
  private exact(address: number, pool: number | null): number {
    const { blocks, observed } = this.state
    const row = this.heap.observed.at(address)
    if (row < 0 || blocks.address[row] !== address || blocks.state[row] !== BLOCK.live) return -1
    return (observed.pools.get(row) ?? null) === pool ? row : -1
  }

  private make(
    k: Kernel,
    t: Task,
    address: number,
    size: number,
    redzone: number,
    defined: boolean,
    index: number,
    pool: number | null,
    complain: ComplainRequest,
  ): void {
    if (this.heap.space.accessible(address, size, ATTRIBUTE.unmapped) < size) return
    const stack = k.cpu.gprNumber(REG.rsp)
    const back = Number(k.cpu.rip)
    const made = { tid: t.tid, stack, back, index, moment: k.state.count, size, old: null, pool }
    const by = index === CLIENT.mallocLike ? 'VALGRIND_MALLOCLIKE_BLOCK' : 'VALGRIND_MEMPOOL_ALLOC'
    this.heap.observed.add(address, size, made, defined, (kind, at, row, numbers) =>
      complain(kind, by, at, row, numbers),
    )
    this.heap.say(address - redzone, redzone, false)
    this.heap.say(address + size, redzone, false)
  }

  /** A pool whose pieces are an allocator's memory has one more. */
  private addPiece(pool: ClientPool, address: number, size: number): void {
    const { space } = this.heap
    if (space.accessible(address, size, ATTRIBUTE.unmapped) < size) return
    pool.pieces.push([address, size])
    this.heap.say(address, size, true)
    if (pool.zeroed) setDefined(space, address, size)
    else setUndefined(space, address, size)
  }

  /** A piece is given back. False: there is none that begins there. */
  private removePiece(k: Kernel, t: Task, pool: ClientPool, address: number): boolean {
    const i = pool.pieces.findIndex((piece) => piece[0] === address)
    if (i < 0) return false
    const [[, size]] = pool.pieces.splice(i, 1) as [[number, number]]
    const { observed, blocks } = this.state
    const inside = observed.rows.filter(
      (row) => blocks.address[row]! >= address && blocks.address[row]! + blocks.size[row]! <= address + size,
    )
    for (const row of pool.freesAll ? inside : [])
      if (blocks.state[row] === BLOCK.live && !observed.pools.has(row)) this.release(k, t, row, pool.redzone)
    this.heap.say(address, size, false)
    return true
  }

  private free(
    k: Kernel,
    t: Task,
    address: number,
    redzone: number,
    pool: number | null,
    complain: ComplainRequest,
  ): void {
    const { blocks } = this.state
    const by = pool === null ? 'VALGRIND_FREELIKE_BLOCK' : 'VALGRIND_MEMPOOL_FREE'
    const row = this.exact(address, pool)
    if (row >= 0) return this.release(k, t, row, redzone)
    const near = this.heap.ownerAt(address)
    const isBlock = near >= 0 && blocks.address[near] === address
    if (isBlock && pool === null && blocks.state[near] === BLOCK.live) {
      complain('mismatched-free', by, address, near)
      if (this.heap.isObserved(near)) return this.release(k, t, near, redzone)
      return this.heap.freed(k, t, near, CLIENT.mallocLike)
    }
    complain(isBlock && blocks.state[near] === BLOCK.freed ? 'double-free' : 'invalid-free', by, address, near)
  }

  private release(k: Kernel, t: Task, row: number, redzone: number): void {
    const { blocks } = this.state
    const start = blocks.address[row]! - redzone
    const end = blocks.address[row]! + blocks.size[row]! + redzone
    const index = this.state.observed.pools.has(row) ? CLIENT.poolAllocate : CLIENT.mallocLike
    this.heap.observed.release(k, t, row, index)
    if (redzone > 0) {
      this.heap.say(start, redzone, false)
      this.heap.say(end - redzone, redzone, false)
    }
  }

  private resize(address: number, old: number, size: number, redzone: number, complain: ComplainRequest): void {
    const { blocks } = this.state
    const near = this.exact(address, null)
    const row = near >= 0 ? near : this.heap.ownerAt(address)
    const isBlock = row >= 0 && blocks.address[row] === address && blocks.state[row] === BLOCK.live
    if (!isBlock || blocks.size[row] !== old || size === 0)
      return complain('invalid-free', 'VALGRIND_RESIZEINPLACE_BLOCK', address, row)
    if (near >= 0) this.heap.observed.move(row, address, size)
    if (size < old) return this.heap.say(address + size, old - size + redzone, false)
    this.heap.say(address + old, size - old, true)
    setUndefined(this.heap.space, address + old, size - old)
    this.heap.say(address + size, redzone, false)
  }

  private trim(k: Kernel, t: Task, pool: number, start: number, end: number, { redzone }: ClientPool): void {
    const { blocks } = this.state
    for (const row of this.rowsOf(pool)) {
      const from = blocks.address[row]!
      const to = from + blocks.size[row]!
      if (to <= start || from >= end) this.release(k, t, row, redzone)
      else if (from < start || to > end) {
        this.heap.observed.move(row, Math.max(from, start), Math.min(to, end) - Math.max(from, start))
        this.heap.say(from, Math.max(0, start - from), false)
        this.heap.say(Math.min(to, end), Math.max(0, to - end), false)
      }
    }
  }
}
