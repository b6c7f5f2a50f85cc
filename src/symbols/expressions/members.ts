/** Exists to find members: through unnamed structures and unions, and through base classes. */

import type { StructType, Type } from '../types/type.ts'
import { stripped } from '../types/type.ts'
import type { Value } from '../values/value.ts'

/** The member `name` of `object`, of type `type`; undefined if there is none. */
export function findMember(object: Value, type: StructType, name: string): Value | undefined {
  for (const member of type.members) {
    if (member.name === name && !member.isBase) return object.member(member)
  }
  const at = name.lastIndexOf('::')
  if (at > 0) return inClass(object, type, name.slice(0, at), name.slice(at + 2))
  const inherited = type.members.filter((member) => member.isBase || member.name === undefined)
  for (const member of inherited) {
    const inner = structOf(object, member.type)
    const found = inner && findMember(object.member(member), inner, name)
    if (found !== undefined) return found
  }
  if (type.statics.some((one) => one.name === name)) return object.space.staticMember(type, name)
  return type.variants === undefined ? undefined : findVariant(object, type, name)
}

/** `x.Base::member`: the member of that base class, or of the class itself. */
function inClass(object: Value, type: StructType, scope: string, name: string): Value | undefined {
  if (type.name === scope || type.name?.endsWith(`::${scope}`)) return findMember(object, type, name)
  for (const base of type.members) {
    const inner = base.isBase ? structOf(object, base.type) : undefined
    const found = inner && inClass(object.member(base), inner, scope, name)
    if (found !== undefined) return found
  }
  return undefined
}

/** A Rust enum: its shape by name, or a field of the shape that it has now. */
function findVariant(object: Value, type: StructType, name: string): Value | undefined {
  const chosen = chosenVariant(object, type)
  if (chosen === undefined) return undefined
  const value = object.member(chosen.member)
  if (chosen.member.name === name) return value
  const inner = structOf(object, chosen.member.type)
  return inner && findMember(value, inner, name)
}

/** The shape that a Rust enum has now. */
export function chosenVariant(
  object: Value,
  type: StructType,
): NonNullable<StructType['variants']>['list'][number] | undefined {
  const { variants } = type
  if (variants === undefined) return undefined
  if (variants.discriminant === undefined) return variants.list[0]
  const discriminant = object.member(variants.discriminant).integer()
  const bits = object.member(variants.discriminant).size * 8
  return (
    variants.list.find(
      ({ value }) => value !== undefined && BigInt.asUintN(bits, value) === BigInt.asUintN(bits, discriminant),
    ) ?? variants.list.find(({ value }) => value === undefined)
  )
}

function structOf(object: Value, type: Type): StructType | undefined {
  const plain = stripped(type)
  if (plain.kind !== 'struct') return undefined
  const whole = stripped(object.space.complete(plain))
  return whole.kind === 'struct' ? whole : undefined
}

/** How far behind the start of `object` its base of type `to` lies, where that is a virtual one: the object itself says so. Undefined if it is no base. */
export function virtualBaseOffset(object: Value, to: Type): number | undefined {
  const part = stripped(to)
  const whole = structOf(object, object.type)
  if (whole === undefined || part.kind !== 'struct' || part.name === undefined) return undefined
  const from = object.address
  const search = (value: Value): number | undefined => {
    const type = structOf(value, value.type)
    if (type?.name === part.name) return value.address
    for (const member of type?.members ?? []) {
      const found = member.isBase ? search(value.member(member)) : undefined
      if (found !== undefined) return found
    }
    return undefined
  }
  const found = from === undefined || !isDerived(object, whole, part.name) ? undefined : search(object)
  return found === undefined ? undefined : found - from!
}

/** Whether a class has a base of that name: asked of types alone, as the object may not be there. */
function isDerived(object: Value, type: StructType, name: string): boolean {
  return type.members.some(({ isBase, type: base }) => {
    const inner = isBase ? structOf(object, base) : undefined
    return inner !== undefined && (inner.name === name || isDerived(object, inner, name))
  })
}

/** How far into an object of type `from` its base of type `to` lies; undefined if it is no base, or a virtual one. */
export function baseOffset(from: Type, to: Type): number | undefined {
  const whole = stripped(from)
  const part = stripped(to)
  if (whole.kind !== 'struct' || part.kind !== 'struct') return undefined
  if (whole === part || (whole.name !== undefined && whole.name === part.name)) return 0
  for (const member of whole.members) {
    if (!member.isBase || member.offset === undefined) continue
    const inner = baseOffset(member.type, to)
    if (inner !== undefined) return member.offset + inner
  }
  return undefined
}
