/** Exists because surrounding a block of the guarded heap with redzones means filling a few bytes here and there, which takes the host longer to begin than to do. */
import { BLOCK_VOID, FunctionBody, I32, ModuleBuilder, V128 } from './encode.ts'
import * as OP from './opcodes.ts'
import { MOST_PAGES } from './runtime.ts'

/** Where the tables are, and what redzones are filled with. */
export interface PaintPlaces {
  readonly memoryPages: number
  readonly shadowDisplacement: number
  readonly unaddressableBase: number
  readonly pattern: number
}

/** From so many bytes on the host's own filling is faster. */
const MANY = 512

const F = { fill: 0, bits: 1, isFilled: 2 } as const

/**
 * The module. It exports `claim(slot, address, end, limit, checked)`: a block [address, end) is handed out, with redzones from `slot` and up to `limit`; `guard(address, end)`: nobody may access it
 * any more; and `intact(from, to, from, to)`: are two redzones, each of 16 bytes or more, as they were?
 */
export function paintModule(places: PaintPlaces): Uint8Array<ArrayBuffer> {
  const { shadowDisplacement, pattern } = places
  const m = new ModuleBuilder()
  m.importMemory('l', 'memory', places.memoryPages, MOST_PAGES)
  const add = (parameters: number, results: number, write: (f: FunctionBody) => void): number => {
    const f = new FunctionBody(parameters)
    write(f)
    const types = (count: number): (typeof I32)[] => Array.from({ length: count }, () => I32)
    return m.add(m.type(types(parameters), types(results)), f)
  }
  add(3, 0, fill)
  add(3, 0, (f) => setBits(f, places))
  add(2, 1, (f) => isFilled(f, pattern))
  /** Fills [from, to), `displacement` away. */
  const paint = (f: FunctionBody, from: number, to: number, displacement: number, value: number): void => {
    f.localGet(from)
    if (displacement !== 0) {
      f.i32Const(displacement)
      f.op(OP.i32_add)
    }
    f.localGet(to)
    f.localGet(from)
    f.op(OP.i32_sub)
    f.i32Const(value)
    f.opIndex(OP.call, F.fill)
  }
  const bits = (f: FunctionBody, from: number, to: number, value: number): void => {
    f.localGet(from)
    f.localGet(to)
    f.i32Const(value)
    f.opIndex(OP.call, F.bits)
  }
  const claim = add(5, 0, (f) => {
    const [slot, address, end, limit, checked] = [0, 1, 2, 3, 4]
    paint(f, slot, address, 0, pattern)
    paint(f, end, limit, 0, pattern)
    f.localGet(checked)
    f.opBlock(OP.if, BLOCK_VOID)
    paint(f, slot, limit, shadowDisplacement, 255)
    bits(f, address, end, 0)
    f.op(OP.end)
  })
  const guard = add(2, 0, (f) => {
    paint(f, 0, 1, shadowDisplacement, 255)
    bits(f, 0, 1, 255)
  })
  const intact = add(4, 1, (f) => {
    f.localGet(0)
    f.localGet(1)
    f.opIndex(OP.call, F.isFilled)
    f.localGet(2)
    f.localGet(3)
    f.opIndex(OP.call, F.isFilled)
    f.op(OP.i32_and)
  })
  m.exportFunction('claim', claim)
  m.exportFunction('guard', guard)
  m.exportFunction('intact', intact)
  return m.finish()
}

/** (address, bytes, value of each). */
function fill(f: FunctionBody): void {
  const [at, length, value] = [0, 1, 2]
  const all = f.local(V128)
  const last = f.local(I32)
  const when = (condition: () => void, then: () => void): void => {
    condition()
    f.opBlock(OP.if, BLOCK_VOID)
    then()
    f.op(OP.return)
    f.op(OP.end)
  }
  const below = (limit: number) => (): void => {
    f.localGet(length)
    f.i32Const(limit)
    f.op(OP.i32_lt_u)
  }
  f.localGet(value)
  f.op(OP.i8x16_splat)
  f.localSet(all)
  when(below(4), () => {
    f.opBlock(OP.loop, BLOCK_VOID)
    f.localGet(length)
    f.op(OP.i32_eqz)
    f.opBlock(OP.if, BLOCK_VOID)
    f.op(OP.return)
    f.op(OP.end)
    f.localGet(length)
    f.i32Const(1)
    f.op(OP.i32_sub)
    f.localTee(length)
    f.localGet(at)
    f.op(OP.i32_add)
    f.localGet(value)
    f.opMemory(OP.i32_store8, 0, 0)
    f.opIndex(OP.br, 0)
    f.op(OP.end)
  })
  /** Two stores that may overlap. */
  const ends = (size: number, lane: number, store: number): void => {
    for (const push of [
      (): void => f.localGet(at),
      (): void => {
        f.localGet(at)
        f.localGet(length)
        f.op(OP.i32_add)
        f.i32Const(size)
        f.op(OP.i32_sub)
      },
    ]) {
      push()
      f.localGet(all)
      f.opLane(lane, 0)
      f.opMemory(store, 0, 0)
    }
  }
  when(below(8), () => ends(4, OP.i32x4_extract_lane, OP.i32_store))
  when(below(16), () => ends(8, OP.i64x2_extract_lane, OP.i64_store))
  when(
    () => {
      f.localGet(length)
      f.i32Const(MANY)
      f.op(OP.i32_gt_u)
    },
    () => {
      f.localGet(at)
      f.localGet(value)
      f.localGet(length)
      f.memoryFill()
    },
  )
  f.localGet(at)
  f.localGet(length)
  f.op(OP.i32_add)
  f.i32Const(16)
  f.op(OP.i32_sub)
  f.localSet(last)
  f.opBlock(OP.loop, BLOCK_VOID)
  f.localGet(at)
  f.localGet(all)
  f.opMemory(OP.v128_store, 0, 0)
  f.localGet(at)
  f.i32Const(16)
  f.op(OP.i32_add)
  f.localTee(at)
  f.localGet(last)
  f.op(OP.i32_lt_u)
  f.opIndex(OP.br_if, 0)
  f.op(OP.end)
  f.localGet(last)
  f.localGet(all)
  f.opMemory(OP.v128_store, 0, 0)
}

/** (address, end, 0 or 255): the bits of these bytes. */
function setBits(f: FunctionBody, { unaddressableBase }: PaintPlaces): void {
  const [start, end, value] = [0, 1, 2]
  const [first, last] = [f.local(I32), f.local(I32)]
  for (const [from, to] of [
    [start, first],
    [end, last],
  ] as const) {
    f.localGet(from)
    f.i32Const(3)
    f.op(OP.i32_shr_u)
    f.localSet(to)
  }
  /** Changes the bits of a byte of the table that `mask` pushes. */
  const change = (byte: number, mask: () => void): void => {
    f.localGet(byte)
    f.localGet(byte)
    f.opMemory(OP.i32_load8_u, 0, unaddressableBase)
    mask()
    f.i32Const(-1)
    f.op(OP.i32_xor)
    f.op(OP.i32_and)
    mask()
    f.localGet(value)
    f.op(OP.i32_and)
    f.op(OP.i32_or)
    f.opMemory(OP.i32_store8, 0, unaddressableBase)
  }
  /** Pushes the bits from that of an address on. */
  const from = (address: number): void => {
    f.i32Const(255)
    f.localGet(address)
    f.i32Const(7)
    f.op(OP.i32_and)
    f.op(OP.i32_shl)
  }
  const before = (): void => {
    from(end)
    f.i32Const(-1)
    f.op(OP.i32_xor)
    f.i32Const(255)
    f.op(OP.i32_and)
  }
  f.localGet(first)
  f.localGet(last)
  f.op(OP.i32_eq)
  f.opBlock(OP.if, BLOCK_VOID)
  change(first, () => {
    from(start)
    before()
    f.op(OP.i32_and)
  })
  f.op(OP.return)
  f.op(OP.end)
  change(first, () => from(start))
  f.localGet(first)
  f.i32Const(unaddressableBase + 1)
  f.op(OP.i32_add)
  f.localGet(last)
  f.localGet(first)
  f.op(OP.i32_sub)
  f.i32Const(1)
  f.op(OP.i32_sub)
  f.localGet(value)
  f.opIndex(OP.call, F.fill)
  f.localGet(end)
  f.i32Const(7)
  f.op(OP.i32_and)
  f.opBlock(OP.if, BLOCK_VOID)
  change(last, before)
  f.op(OP.end)
}

/** (from, to), 16 bytes or more: is each of them the pattern? */
function isFilled(f: FunctionBody, pattern: number): void {
  const [from, to] = [0, 1]
  const all = f.local(V128)
  const differs = (): void => {
    f.opMemory(OP.v128_load, 0, 0)
    f.localGet(all)
    f.op(OP.v128_xor)
    f.op(OP.v128_any_true)
    f.opBlock(OP.if, BLOCK_VOID)
    f.i32Const(0)
    f.op(OP.return)
    f.op(OP.end)
  }
  f.i32Const(pattern)
  f.op(OP.i8x16_splat)
  f.localSet(all)
  f.localGet(to)
  f.i32Const(16)
  f.op(OP.i32_sub)
  f.localSet(to)
  f.opBlock(OP.loop, BLOCK_VOID)
  f.localGet(from)
  differs()
  f.localGet(from)
  f.i32Const(16)
  f.op(OP.i32_add)
  f.localTee(from)
  f.localGet(to)
  f.op(OP.i32_lt_u)
  f.opIndex(OP.br_if, 0)
  f.op(OP.end)
  f.localGet(to)
  differs()
  f.i32Const(1)
}
