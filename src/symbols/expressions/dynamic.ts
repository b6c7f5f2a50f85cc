/** Exists for questions that only the object itself can answer: of which class it is (C++), what a trait object points to (Rust). */

import { LemmingError } from '../../base/errors.ts'
import { DW_AT } from '../dwarf/constants.ts'
import type { ProgramView } from '../frames/program.ts'
import { typeAt } from '../types/reader.ts'
import type { StructType, Type } from '../types/type.ts'
import { C, pointerTo, stripped } from '../types/type.ts'
import { dereference, Value } from '../values/value.ts'
import { typeError } from './errors.ts'
import { baseOffset, findMember, virtualBaseOffset } from './members.ts'
import type { Scope } from './scope.ts'

const DW_OP_ADDR = 0x03

/** The whole object of which `value`, an object of a class, is a part, with its own class; undefined where it has no table of virtual functions that says so. */
function wholeObject(value: Value, scope: Pick<Scope, 'typeNamed'>): Value | undefined {
  const { space, address } = value
  const type = stripped(space.complete(stripped(value.type)))
  if (type.kind !== 'struct' || address === undefined || !hasTable(type, value)) return undefined
  const word = (at: number): bigint => Value.at(C.long, at, space).integer()
  const table = word(address)
  const [, name] = /^vtable for (.+?)(?:\+\d+)?$/.exec(space.symbolic(Number(table)) ?? '') ?? []
  const own = name === undefined ? undefined : scope.typeNamed(name)
  // Itanium C++ ABI, 2.5.2: the offset to the top is two words before the address point.
  return own && Value.at(own, address + Number(word(Number(table) - 16)), space)
}

function hasTable(type: StructType, value: Value): boolean {
  return type.members.some((member) => {
    if (member.name?.startsWith('_vptr') === true) return true
    const base = member.isBase ? stripped(value.space.complete(stripped(member.type))) : undefined
    return base?.kind === 'struct' && hasTable(base, value)
  })
}

/** C++'s `dynamic_cast`: to a base, to what the object is, or across. Null where the object is none; throws `expression-type` for what has no virtual functions. */
export function dynamicCast(value: Value, type: Type, scope: Pick<Scope, 'typeNamed'>): Value {
  const target = stripped(type)
  if (target.kind !== 'pointer' && target.kind !== 'reference')
    throw typeError('Argument to dynamic_cast must be a pointer or reference type')
  const from = stripped(value.type)
  const object = from.kind === 'pointer' || from.kind === 'reference' ? dereference(value) : value
  const { space } = value
  if (from.kind === 'pointer' && value.integer() === 0n) return Value.integer(type, 0n, space)
  const wanted = stripped(target.target)
  if (wanted.kind === 'void') {
    const top = wholeObject(object, scope)?.address
    if (top === undefined)
      throw typeError('Argument to dynamic_cast does not have pointer to class type with virtual functions')
    return Value.integer(type, BigInt(top), space)
  }
  const up = baseOffset(object.type, wanted) ?? virtualBaseOffset(object, wanted)
  if (up !== undefined) return Value.integer(type, BigInt(object.address! + up), space)
  const whole = wholeObject(object, scope)
  if (whole === undefined)
    throw typeError(
      'dynamic_cast: the object does not say what it is: its class has no virtual functions, or it is damaged',
    )
  const part = baseOffset(whole.type, wanted) ?? virtualBaseOffset(whole, wanted)
  if (part !== undefined) return Value.integer(type, BigInt(whole.address! + part), space)
  if (target.kind === 'reference') throw typeError('dynamic_cast failed')
  return Value.integer(type, 0n, space)
}

/** What Rust's `&dyn Trait` and `Box<dyn Trait>` point to, as a pointer to that type; undefined for other values. */
export function traitObject(value: Value): Value | undefined {
  const type = stripped(value.space.complete(stripped(value.type)))
  if (type.kind !== 'struct' || type.language !== 'rust') return undefined
  const [pointer, table] = [findMember(value, type, 'pointer'), findMember(value, type, 'vtable')]
  if (pointer === undefined || table === undefined) return undefined
  const own = typeOfTable(value.space as ProgramView, table.integer())
  return own && Value.integer(pointerTo(own), pointer.integer(), value.space)
}

/** rustc describes each table as a variable whose type names the one that it is for. */
function typeOfTable({ lookup }: ProgramView, address: bigint): Type | undefined {
  for (const { entry, module } of lookup.fitting((name) => name.endsWith('{vtable}'), ['variable'])) {
    const location = entry.block(DW_AT.location)
    if (location?.[0] !== DW_OP_ADDR || location.length < 9) continue
    const at = new DataView(location.buffer, location.byteOffset).getBigUint64(1, true) + BigInt(module.bias)
    if (at !== address) continue
    const own = entry.type?.reference(DW_AT.containing_type)
    return own && typeAt(own)
  }
  return undefined
}

/** An object, or a pointer to one, as its own class; other values as they are. */
export function asWhole(value: Value, scope: Pick<Scope, 'typeNamed'>): Value {
  const type = stripped(value.type)
  const isPointer = type.kind === 'pointer'
  if (type.kind !== 'struct' && !isPointer) return value
  try {
    const whole = wholeObject(isPointer ? dereference(value) : value, scope)
    if (whole?.address === undefined) return value
    return isPointer ? Value.integer(pointerTo(whole.type), BigInt(whole.address), value.space) : whole
  } catch (error) {
    // Nothing is there, or a void pointer.
    if (!(error instanceof LemmingError) || error.code === 'internal') throw error
    return value
  }
}
