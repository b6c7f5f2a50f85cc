/** Exists to hold a typed value together with where it is, so that parts of it, and what it points to, can be asked for later. */

import { LemmingError } from '../../base/errors.ts'
import type { Location, Piece } from '../locations/location.ts'
import { optimizedOut } from '../locations/location.ts'
import { bitsOf, bytesOf } from '../locations/typed.ts'
import type { Member, Type } from '../types/type.ts'
import { isFloating, isSigned, sizeOf, stripped } from '../types/type.ts'
import { bytesToNumber } from './floats.ts'
import type { Space } from './space.ts'
import { gone, isMissing, unreadable } from './space.ts'

/** The bytes of a value; `lost` has a 1 for each byte that the compiler has kept nowhere. */
export interface Contents {
  readonly bytes: Uint8Array
  readonly lost?: Uint8Array
}

/** gdb's max-value-size, but larger: values beyond are refused, since nobody reads them and the memory they would take is ours. */
const LARGEST = 16 << 20

interface Options {
  /** The part of `parent` from a byte on. */
  readonly parent?: { readonly value: Value; readonly offset: number }
  /** A bit-field: its width, and its first bit from the location (or the parent) on. */
  readonly bits?: { readonly size: number; readonly offset: number }
}

/** A value of the program, or one that was computed. Memory is read when the contents are first asked for. */
export class Value {
  readonly type: Type
  readonly space: Space
  readonly location: Location
  readonly bits: Options['bits']
  private readonly parent: Options['parent']
  private read: Contents | undefined

  constructor(type: Type, location: Location, space: Space, options: Options = {}) {
    this.type = type
    this.space = space
    this.location = location
    this.parent = options.parent
    this.bits = options.bits
  }

  /** A value that lies nowhere. */
  static of(type: Type, bytes: Uint8Array, space: Space): Value {
    return new Value(type, { kind: 'value', bytes }, space)
  }

  static integer(type: Type, value: bigint, space: Space): Value {
    return Value.of(type, bytesOf(value, sizeOf(type)), space)
  }

  static at(type: Type, address: number, space: Space): Value {
    return new Value(type, { kind: 'memory', address }, space)
  }

  /** Bytes that the value takes. */
  get size(): number {
    return sizeOf(this.type)
  }

  /** The address of a value in memory. */
  get address(): number | undefined {
    return this.location.kind === 'memory' ? this.location.address : undefined
  }

  /** Throws `expression-memory` if it cannot be read, `expression-size` if it is absurdly large. */
  contents(): Contents {
    this.read ??= this.space.lenient ? this.fetchLeniently() : this.fetch()
    return this.read
  }

  /** The bytes; throws `expression-optimized-out` if any of them is gone. */
  bytes(): Uint8Array {
    const { bytes, lost } = this.contents()
    if (lost?.includes(1)) throw gone()
    return bytes
  }

  /** The integer, pointer or boolean that the value is. */
  integer(): bigint {
    const bytes = this.bytes()
    const bits = bitsOf(bytes)
    return isSigned(this.type) ? BigInt.asIntN(bytes.length * 8, bits) : bits
  }

  /** The number that a floating-point value is, as near as a double comes. */
  number(): number {
    return isFloating(this.type) ? bytesToNumber(this.bytes()) : Number(this.integer())
  }

  /** The same bytes as another type. */
  as(type: Type): Value {
    const copy = new Value(type, this.location, this.space, { parent: this.parent, bits: this.bits })
    if (this.read !== undefined && sizeOf(type) === this.size) copy.read = this.read
    return copy
  }

  /** The part from byte `offset` on. */
  part(type: Type, offset: number, bits?: Options['bits']): Value {
    const { location, space } = this
    const at: Location = location.kind === 'memory' ? { kind: 'memory', address: location.address + offset } : location
    const fromParent = location.kind !== 'memory' || (this.read !== undefined && offset + sizeOf(type) <= this.size)
    if (location.kind === 'implicit-pointer' && offset === 0 && bits === undefined) return this.as(type)
    return new Value(type, at, space, { bits, ...(fromParent && { parent: { value: this, offset } }) })
  }

  member(member: Member): Value {
    const offset = member.offset ?? this.space.memberOffset(this, member)
    const { bits } = member
    return this.part(member.type, offset, bits && { size: bits.size, offset: bits.offset - offset * 8 })
  }

  private fetchLeniently(): Contents {
    try {
      return { bytes: this.fetch().bytes }
    } catch (error) {
      if (!isMissing(error)) throw error
      return { bytes: new Uint8Array(this.size) }
    }
  }

  private fetch(): Contents {
    const { size, bits, parent, location } = this
    if (size > LARGEST)
      throw new LemmingError(
        'expression-size',
        `value requires ${size} bytes, which is more than max-value-size`,
        'ask for a part of it, as in array[0]@100',
      )
    if (bits === undefined) {
      if (parent === undefined) return fetchAt(location, size, this.space)
      return slice(parent.value.contents(), parent.offset, size)
    }
    const first = bits.offset >> 3
    const count = ((bits.offset + bits.size + 7) >> 3) - first
    const raw =
      parent !== undefined
        ? slice(parent.value.contents(), parent.offset + first, count)
        : fetchAt(
            location.kind === 'memory' ? { kind: 'memory', address: location.address + first } : location,
            count,
            this.space,
          )
    if (raw.lost?.includes(1)) return allLost(size)
    const unsigned = BigInt.asUintN(bits.size, bitsOf(raw.bytes) >> BigInt(bits.offset & 7))
    return { bytes: bytesOf(isSigned(this.type) ? BigInt.asIntN(bits.size, unsigned) : unsigned, size) }
  }
}

function allLost(size: number): Contents {
  return { bytes: new Uint8Array(size), lost: new Uint8Array(size).fill(1) }
}

function slice({ bytes, lost }: Contents, offset: number, size: number): Contents {
  const part = bytes.subarray(offset, offset + size)
  if (part.length === size) return { bytes: part, ...(lost && { lost: lost.subarray(offset, offset + size) }) }
  const padded = new Uint8Array(size)
  padded.set(part)
  return { bytes: padded, ...(lost && { lost: lost.subarray(offset, offset + size) }) }
}

function fetchAt(location: Location, size: number, space: Space): Contents {
  switch (location.kind) {
    case 'memory':
      return { bytes: size === 0 ? new Uint8Array() : space.memory(location.address, size) }
    case 'register': {
      const bytes = space.register(location.register)
      return bytes === undefined ? allLost(size) : slice({ bytes }, 0, size)
    }
    case 'value':
      return slice({ bytes: location.bytes }, 0, size)
    case 'pieces':
      return compose(location.pieces, size, space)
    default:
      return allLost(size)
  }
}

/** Puts a value together from where its parts are (DWARF 5, 2.6.1.2), bit by bit only where parts are no whole bytes. */
function compose(pieces: readonly Piece[], size: number, space: Space): Contents {
  const bytes = new Uint8Array(size)
  const lost = new Uint8Array(size).fill(1)
  let bit = 0
  for (const piece of pieces) {
    const bits = Math.min(piece.bits, size * 8 - bit)
    if (bits <= 0) break
    const source = fetchAt(piece.location, (piece.bitOffset + bits + 7) >> 3, space)
    const isLost = source.lost?.includes(1) === true
    if (bit % 8 === 0 && bits % 8 === 0 && piece.bitOffset % 8 === 0) {
      bytes.set(source.bytes.subarray(piece.bitOffset >> 3, (piece.bitOffset + bits) >> 3), bit >> 3)
      if (!isLost) lost.fill(0, bit >> 3, (bit + bits) >> 3)
    } else if (!isLost) {
      for (let i = 0; i < bits; i++) {
        const from = piece.bitOffset + i
        const to = bit + i
        if (((source.bytes[from >> 3] >> (from & 7)) & 1) !== 0) bytes[to >> 3] |= 1 << (to & 7)
        lost[to >> 3] = 0
      }
    }
    bit += bits
  }
  return lost.includes(1) ? { bytes, lost } : { bytes }
}

/** A value that the compiler has kept nowhere. */
export function lostValue(type: Type, space: Space): Value {
  return new Value(type, optimizedOut, space)
}

/** The object that a pointer or a reference points to. */
export function dereference(pointer: Value): Value {
  const { location, space } = pointer
  const type = stripped(pointer.type)
  const target = type.kind === 'pointer' || type.kind === 'reference' ? type.target : pointer.type
  if (location.kind === 'implicit-pointer') return space.implicit(location, target)
  const address = bitsOf(pointer.bytes())
  // No program has memory there, and numbers would round it.
  if (address >= 1n << 53n) {
    if (!space.lenient) throw unreadable(address)
    return Value.at(target, 0, space)
  }
  return Value.at(target, Number(address), space)
}
