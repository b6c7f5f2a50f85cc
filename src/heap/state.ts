/** Exists to define what a guarded heap remembers: plain data, part of the address space's map and so of every snapshot and hash. */
import type { CustomFunction } from '../tool/allocator-spec.ts'
import type { SaidRange } from './ranges.ts'
import type { StackMark } from './stack-marks.ts'
import { randomFrom, nextBelow, type RandomState } from '../base/random.ts'

/** States of a row of the block table. */
export const BLOCK = { none: 0, live: 1, freed: 2 } as const

/** Bytes before and, at least, behind every block that belong to nobody. */
export const REDZONE = 16

/** What redzones are filled with. */
export const PATTERN = 0xb5

/** Size and alignment of the pieces of memory in which blocks lie. */
export const SPAN = 0x1_0000
export const SPAN_SHIFT = 16

/** All blocks that are live or in quarantine, by row; columns grow together. */
export interface BlockTable {
  /** Rows in use or used before. */
  rows: number
  /** Rows to be used again. */
  spare: number[]
  address: Uint32Array
  size: Uint32Array
  state: Uint8Array
  /** Index in FUNCTIONS of the function that made it, and that freed it. */
  madeBy: Uint8Array
  freedBy: Uint8Array
  /** Alignment that was asked for; 0 for none. */
  align: Uint32Array
  /** Moments and tasks. The moment counts the call of the function itself. */
  madeAt: Float64Array
  freedAt: Float64Array
  madeTid: Uint32Array
  freedTid: Uint32Array
  /** Return address and stack pointer of the call that made it. */
  site: Uint32Array
  stack: Uint32Array
}

/** A piece of memory cut into equal slots; a large block has one of its own. */
export interface Span {
  base: number
  length: number
  slot: number
  /** Row + 1 of the block in each slot, 0 for none. */
  rows: Uint32Array
  /** Slots from here on have never been used. */
  fresh: number
  /** Class of sizes, or -1. */
  sizeClass: number
}

/** How a freed slot is chosen to be used again: drawn from the seed, since the layout of the heap is a dimension of the hunt. */
export const REUSE = { newest: 0, oldest: 1, any: 2 } as const

/** A call of a custom function that has not returned. */
export interface Pending {
  tid: number
  /** Stack pointer at its entry, and where it returns to. */
  stack: number
  back: number
  index: number
  /** The call included. */
  moment: number
  /** Its arguments; null for those that it has not. */
  size: number | null
  old: number | null
  pool: number | null
}

/** Which slot of a span that was never used is used next: drawn, too. */
export const FRESH = { upwards: 0, downwards: 1 } as const

/** Pages that may be left free between spans: how many at most. */
export const MOST_GAP = 16

/** In one run of so many, the quarantine is this much smaller than it may be: blocks are used again soon. */
const SMALL = { of: 4, by: 16 }

/** A pool of blocks of which the program tells. */
export interface ClientPool {
  redzone: number
  zeroed: boolean
  /** Its pieces are memory of an allocator, and no blocks. */
  isMeta: boolean
  /** With a piece that is given back, the blocks in it are. */
  freesAll: boolean
  /** Of such a pool: [address, bytes]. */
  pieces: [number, number][]
}

/** What the program has said by client requests. */
export interface RequestState {
  /** Addresses of the instructions by which they are made: they are intercepted. */
  sites: Set<number>
  ranges: SaidRange[]
  /** Returns with which what was said of the stack is over. */
  marks: StackMark[]
  /** By the address that stands for the pool. */
  pools: Map<number, ClientPool>
  /** By thread: how often its errors were silenced and not told again. */
  silenced: Map<number, number>
  /** Ranges in which bad accesses are not told. */
  quiet: SaidRange[]
}

/** Everything that a guarded heap knows. */
export interface HeapState {
  /** Index in FUNCTIONS by address. */
  functions: Map<number, number>
  /** Somebody else defines operator new or delete: the C++ library's are left to it. */
  ownOperators: boolean
  /** Code of string functions, which may read beyond what they are given: [start, end). */
  strings: [number, number][]
  /** The C library is musl. */
  musl: boolean
  /** The allocator has one function for malloc and new, or for free and delete: nothing is mismatched. */
  mixed: boolean
  /** The program's own allocation functions that are followed. */
  custom: CustomFunction[]
  pending: Pending[]
  /** Addresses to which custom functions have returned: they are intercepted. */
  sites: Set<number>
  /** Blocks of custom allocators by address: starts (ascending) and rows; pools by row; freed ones in the order of their freeing. */
  observed: { starts: number[]; rows: number[]; pools: Map<number, number>; freed: number[] }
  requests: RequestState
  /** The program has its C library in itself. */
  isStatic: boolean
  reuse: number
  fresh: number
  random: RandomState
  blocks: BlockTable
  spans: (Span | null)[]
  /** Index in `spans` by address >>> SPAN_SHIFT. */
  chunks: Map<number, number>
  /** By class of sizes: slots (addresses) that may be used again, and the span with fresh ones, or -1. */
  free: number[][]
  current: number[]
  quarantine: { limit: number; bytes: number; rows: number[]; head: number }
}

function table(rows: number): BlockTable {
  const words = (): Uint32Array => new Uint32Array(rows)
  return {
    rows: 0,
    spare: [],
    address: words(),
    size: words(),
    state: new Uint8Array(rows),
    madeBy: new Uint8Array(rows),
    freedBy: new Uint8Array(rows),
    align: words(),
    madeAt: new Float64Array(rows),
    freedAt: new Float64Array(rows),
    madeTid: words(),
    freedTid: words(),
    site: words(),
    stack: words(),
  }
}

/** An empty heap; `quarantine` is the number of bytes of freed blocks that are kept from use. */
export function newHeap(
  seed: number,
  quarantine: number,
  classes: number,
  custom: readonly CustomFunction[],
): HeapState {
  const random = randomFrom(seed, 'heap')
  return {
    functions: new Map(),
    ownOperators: false,
    strings: [],
    musl: false,
    mixed: false,
    custom: custom.map((one) => ({ ...one })),
    pending: [],
    sites: new Set(),
    observed: { starts: [], rows: [], pools: new Map(), freed: [] },
    requests: { sites: new Set(), ranges: [], marks: [], pools: new Map(), silenced: new Map(), quiet: [] },
    isStatic: false,
    reuse: nextBelow(random, 3),
    fresh: nextBelow(random, 2),
    random,
    blocks: table(256),
    spans: [],
    chunks: new Map(),
    free: Array.from({ length: classes }, () => []),
    current: Array.from({ length: classes }, () => -1),
    quarantine: {
      limit: nextBelow(random, SMALL.of) === 0 ? Math.floor(quarantine / SMALL.by) : quarantine,
      bytes: 0,
      rows: [],
      head: 0,
    },
  }
}

/** A row for a new block. */
export function newRow(blocks: BlockTable): number {
  const spare = blocks.spare.pop()
  if (spare !== undefined) return spare
  if (blocks.rows === blocks.address.length) {
    const more = table(blocks.rows * 2)
    for (const [name, column] of Object.entries(more)) {
      if (!ArrayBuffer.isView(column)) continue
      const old = blocks[name as 'address']
      ;(column as Uint32Array).set(old)
      blocks[name as 'address'] = column as Uint32Array<ArrayBuffer>
    }
  }
  return blocks.rows++
}

/** Does code lie in the C library's string functions, or where those have no names? */
export function isWithinStrings({ strings }: HeapState, pc: number): boolean {
  return strings.some(([start, end]) => pc >= start && pc < end)
}
