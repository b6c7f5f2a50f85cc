/** Exists for what the readers of containers share: following members by name, and what they tell. */

import { findMember } from '../expressions/members.ts'
import { DW_TAG } from '../dwarf/constants.ts'
import { typeOfEntry } from '../types/reader.ts'
import type { StructType, Type } from '../types/type.ts'
import { pointerTo, sizeOf, stripped } from '../types/type.ts'
import { Value } from './value.ts'

/** One of the things that a container holds. A map has keys. */
export interface Item {
  /** `[3]`, `get()`; empty in sequences. */
  readonly label: string
  readonly key?: Value
  readonly value: Value
}

/** A container as what it holds. */
export interface Shown {
  /** `std::vector of length 3, capacity 4`. */
  readonly heading: string
  readonly style: 'string' | 'sequence' | 'map' | 'named' | 'bare' | 'atomic' | 'wrapping' | 'plain' | 'utf-8'
  /** Of a string: its characters, an array. */
  readonly text?: Value
  readonly items: () => Iterable<Item>
  /** Of sequences whose elements lie at computable places: one of them. */
  readonly at?: (index: number) => Value
  /** Of a smart pointer, an iterator, something optional: the pointer to what `*` means. */
  readonly pointer?: Value
}

/** Elements of a list or tree that are followed at most: a damaged one may have no end. */
export const MOST = 100_000

/** What a value, an object of the class `name` that was given `types`, holds; undefined if it does not look as expected. */
export type Reader = (value: Value, name: string, types: readonly Type[]) => Shown | undefined

/** The types that a template was given, those of packs included. */
export function typeArguments({ entry }: StructType): Type[] {
  return (entry?.children ?? []).flatMap((child) => {
    if (child.tag === DW_TAG.template_type_parameter) return [typeOfEntry(child)]
    return child.tag === DW_TAG.GNU_template_parameter_pack ? child.children.map((one) => typeOfEntry(one)) : []
  })
}

/** Follows members by name, through base classes. */
export function member(value: Value, path: string): Value | undefined {
  let at: Value | undefined = value
  for (const name of path.split('.')) {
    const type: Type = at.space.complete(stripped(at.type))
    at = type.kind === 'struct' ? findMember(at, type, name) : undefined
    if (at === undefined) return undefined
  }
  return at
}

export function numberAt(value: Value, path: string): number | undefined {
  const found = member(value, path)
  return found === undefined ? undefined : Number(found.integer())
}

/** What a pointer member points to: its type, and the address. */
export function target(value: Value, path: string): { element: Type; address: number } | undefined {
  const found = member(value, path)
  const type = found && stripped(found.type)
  return type?.kind === 'pointer' ? { element: type.target, address: Number(found!.integer()) } : undefined
}

/** In bytes. */
export function alignOf(type: Type): number {
  const plain = stripped(type)
  switch (plain.kind) {
    case 'base':
    case 'enum':
      return Math.min(16, plain.size)
    case 'array':
      return alignOf(plain.element)
    case 'struct':
      return Math.max(1, ...plain.members.map((one) => alignOf(one.type)))
    default:
      return 8
  }
}

export const aligned = (offset: number, type: Type): number => Math.ceil(offset / alignOf(type)) * alignOf(type)

export const counted = (count: number): string => `${count} element${count === 1 ? '' : 's'}`

/** Elements behind one another. */
export function row(heading: string, element: Type, address: number, count: number, value: Value): Shown {
  const { space } = value
  const size = sizeOf(space.complete(stripped(element)))
  const at = (index: number): Value => Value.at(element, address + index * size, space)
  return {
    heading,
    style: 'sequence',
    at,
    *items() {
      for (let i = 0; i < count; i++) yield { label: '', value: at(i) }
    },
  }
}

/** A pointer to what lies at an address. */
export function pointerAt(type: Type, address: number, { space }: Value): Value {
  return Value.integer({ ...pointerTo(type), language: 'c++' }, BigInt(address), space)
}
