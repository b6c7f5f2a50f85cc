/** Exists to lay out types that are declared on the spot as a compiler would: System V psABI for x86-64, 3.1.2. */

import type { Enumerator, EnumType, Member, StructType, Type } from './type.ts'
import { sizeOf, stripped } from './type.ts'

/** Alignment in bytes. */
function alignmentOf(type: Type): number {
  const plain = stripped(type)
  switch (plain.kind) {
    case 'array':
      return alignmentOf(plain.element)
    case 'struct':
      return (
        alignments.get(plain) ?? plain.members.reduce((most, member) => Math.max(most, alignmentOf(member.type)), 1)
      )
    case 'base':
    case 'enum':
      return Math.max(1, Math.min(16, plain.size))
    case 'void':
    case 'function':
      return 1
    default:
      return 8
  }
}

const alignments = new WeakMap<StructType, number>()

/** A structure or union of the given members in this order; `bits` makes one a bit-field. */
export function layOutStruct(
  keyword: 'struct' | 'union',
  name: string | undefined,
  declared: readonly { name: string | undefined; type: Type; bits: number | undefined }[],
  isPacked: boolean,
): StructType {
  const members: Member[] = []
  let bit = 0
  let size = 0
  let alignment = 1
  for (const { name: member, type, bits } of declared) {
    const align = isPacked ? 1 : alignmentOf(type)
    const bytes = sizeOf(type)
    if (keyword === 'union') bit = 0
    if (bits !== undefined) {
      const storage = bytes * 8
      // A bit-field does not cross a boundary of its type; one of width 0 ends the storage unit.
      if (bits === 0) bit = Math.ceil(bit / storage) * storage
      else if (!isPacked && Math.floor(bit / storage) !== Math.floor((bit + bits - 1) / storage))
        bit = Math.ceil(bit / storage) * storage
      if (member !== undefined)
        members.push({
          name: member,
          type,
          offset: bit >> 3,
          bits: { size: bits, offset: bit },
          isBase: false,
          isArtificial: false,
        })
      if (member !== undefined) alignment = Math.max(alignment, align)
      bit += bits
    } else {
      const offset = Math.ceil(Math.ceil(bit / 8) / align) * align
      members.push({ name: member, type, offset, isBase: false, isArtificial: false })
      alignment = Math.max(alignment, align)
      bit = (offset + bytes) * 8
    }
    size = Math.max(size, Math.ceil(bit / 8))
  }
  const type: StructType = {
    kind: 'struct',
    language: 'c',
    keyword,
    name,
    size: Math.ceil(size / alignment) * alignment,
    isDeclaration: false,
    members,
    statics: [],
    methods: [],
    typedefs: [],
    access: () => 'public',
  }
  alignments.set(type, alignment)
  return type
}

/** Makes a type that was only announced what it is laid out to be; whoever points to it sees it. */
export function complete(announced: StructType, type: StructType): StructType {
  Object.assign(announced, type)
  alignments.set(announced, alignmentOf(type))
  return announced
}

/** An enumeration: unsigned where no value is negative, of 8 bytes only where 4 do not hold the values. */
export function layOutEnum(name: string | undefined, enumerators: readonly Enumerator[]): EnumType {
  const values = enumerators.map(({ value }) => value)
  const isSigned = values.some((value) => value < 0n)
  const isWide = values.some((value) => value > 0xffffffffn || value < -0x80000000n)
  return {
    kind: 'enum',
    language: 'c',
    name,
    size: isWide ? 8 : 4,
    isSigned,
    isClass: false,
    isDeclaration: false,
    enumerators,
    isFlags: values.every((value) => value >= 0n && (value & (value - 1n)) === 0n),
  }
}
