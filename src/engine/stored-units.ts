/** Exists to hold the units of a store as they are read: there are tens of thousands, and each run wants others. */
import type { BytecodeRoom, Unit } from './units.ts'
import { addressOf } from './variant.ts'

/** Many units as a store keeps them: one after the other. */
export interface PackedUnits {
  /** Slot, bytes of source, bytes of bytecode, and quiet, of each (i32 each). */
  heads: Uint8Array
  sources: Uint8Array
  /** Each begins at a multiple of 8. */
  bytecodes: Uint8Array
}

const HEAD_WORDS = 4

const NONE: number[] = []

/** Of the bytes of bytecode that go to a memory at a time (their logarithm): what stands together was made, and is wanted, at about the same time. */
export const CHUNK_SHIFT = 12

/** Where bytecode of this length ends, with what is left free behind it. */
const padded = (length: number): number => Math.ceil(length / 8) * 8

/** Units in one piece; those in which the kernel is asked are left out. */
export function packUnits(units: readonly Unit[]): PackedUnits {
  const kept = units.filter(({ intercepts }) => intercepts.length === 0)
  const heads = new Int32Array(kept.length * HEAD_WORDS)
  const sources = new Uint8Array(kept.reduce((sum, { sourceLength }) => sum + sourceLength, 0))
  const bytecodes = new Uint8Array(kept.reduce((sum, { length }) => sum + padded(length), 0))
  let [source, bytecode] = [0, 0]
  kept.forEach((unit, i) => {
    heads.set([unit.slot, unit.sourceLength, unit.length, unit.quiet ? 1 : 0], i * HEAD_WORDS)
    sources.set(unit.sources.subarray(unit.sourceAt, unit.sourceAt + unit.sourceLength), source)
    bytecodes.set(unit.bytecodes.subarray(unit.bytecodeAt, unit.bytecodeAt + unit.length), bytecode)
    source += unit.sourceLength
    bytecode += padded(unit.length)
  })
  return { heads: new Uint8Array(heads.buffer), sources, bytecodes }
}

/** Units of a store, of which those that are asked for become objects. */
export class StoredUnits {
  /** Where their bytecode goes in every memory, one behind the other. */
  readonly base: number
  readonly packed: PackedUnits
  private readonly places: readonly number[]
  private readonly heads: Int32Array
  /** Where the bytes of each begin. */
  private readonly sourceAt: Int32Array
  private readonly bytecodeAt: Int32Array
  /** One more than the last unit of each slot, and than the one before that, or 0. */
  private readonly last: Int32Array
  private readonly previous: Int32Array
  private readonly made: (Unit | undefined)[] = []

  /** As far as there is room for them; `places` has the place of each slot. */
  constructor(packed: PackedUnits, places: readonly number[], room: BytecodeRoom) {
    this.packed = packed
    this.places = places
    this.heads = new Int32Array(new Uint8Array(packed.heads).buffer)
    const count = this.heads.length / HEAD_WORDS
    this.sourceAt = new Int32Array(count)
    this.bytecodeAt = new Int32Array(count)
    this.last = new Int32Array(places.length)
    this.previous = new Int32Array(count)
    const spare = room.spare
    let [source, bytecode] = [0, 0]
    for (let i = 0; i < count; i++) {
      const slot = this.heads[i * HEAD_WORDS]!
      const length = padded(this.heads[i * HEAD_WORDS + 2]!)
      if (bytecode + length > spare) break
      this.sourceAt[i] = source
      this.bytecodeAt[i] = bytecode
      this.previous[i] = this.last[slot]!
      this.last[slot] = i + 1
      this.made.push(undefined)
      source += this.heads[i * HEAD_WORDS + 1]!
      bytecode += length
    }
    this.base = room.take(bytecode)
  }

  /** Those of a slot, the latest first. */
  of(slot: number): Unit[] {
    const found: Unit[] = []
    for (let i = this.last[slot] ?? 0; i > 0; i = this.previous[i - 1]!) found.push(this.unit(i - 1))
    return found
  }

  all(): Unit[] {
    return this.made.map((_unit, i) => this.unit(i))
  }

  private unit(i: number): Unit {
    return (this.made[i] ??= this.make(i))
  }

  private make(i: number): Unit {
    const { packed, heads } = this
    const slot = heads[i * HEAD_WORDS]!
    const sourceLength = heads[i * HEAD_WORDS + 1]!
    const place = this.places[slot]!
    const pc = addressOf(place)
    return {
      slot,
      place,
      pc,
      end: pc + sourceLength,
      sources: packed.sources,
      sourceAt: this.sourceAt[i]!,
      sourceLength,
      intercepts: NONE,
      quiet: heads[i * HEAD_WORDS + 3] !== 0,
      bytecodes: packed.bytecodes,
      bytecodeAt: this.bytecodeAt[i]!,
      length: heads[i * HEAD_WORDS + 2]!,
      address: this.base + this.bytecodeAt[i]!,
      stored: true,
    }
  }
}
