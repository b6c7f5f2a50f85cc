/** Exists to convert values: numbers into numbers, addresses into pointers, classes into their bases. */

import { DW_ATE } from '../dwarf/constants.ts'
import type { Type } from '../types/type.ts'
import { isFloating, isIntegral, sizeOf, stripped } from '../types/type.ts'
import { numberToBytes } from '../values/floats.ts'
import { dereference, Value } from '../values/value.ts'
import { pointed } from './arithmetic.ts'
import { typeError } from './errors.ts'
import { baseOffset, virtualBaseOffset } from './members.ts'

/** `value` as `type`. Throws `expression-type`. */
export function castTo(value: Value, type: Type): Value {
  const { space } = value
  const target = space.complete(stripped(type))
  const own = stripped(value.type)
  if (own.kind === 'reference' && target.kind !== 'reference') return castTo(dereference(value), type)
  // Data of which nothing else is known is what the cast says.
  if (own.kind === 'void' && value.address !== undefined) return Value.at(type, value.address, space)
  switch (target.kind) {
    case 'void':
      return new Value(type, { kind: 'value', bytes: new Uint8Array() }, space)
    case 'pointer': {
      const scalar = pointed(value)
      const from = stripped(scalar.type)
      if (!isIntegral(from) && from.kind !== 'pointer') throw typeError('Invalid cast.')
      if (scalar.location.kind === 'implicit-pointer') return scalar.as(type)
      let address = scalar.integer()
      if (from.kind === 'pointer' && address !== 0n) {
        const up = baseOffset(from.target, target.target) ?? virtualBaseOffset(dereference(scalar), target.target)
        const down = up === undefined ? baseOffset(target.target, from.target) : undefined
        address += BigInt(up ?? 0) - BigInt(down ?? 0)
      }
      return Value.integer(type, BigInt.asUintN(64, address), space)
    }
    case 'base':
    case 'enum': {
      const scalar = pointed(value)
      if (isFloating(target)) {
        if (!isFloating(scalar.type) && !isIntegral(scalar.type)) throw typeError('Invalid cast.')
        if (isFloating(scalar.type) && scalar.size === target.size) return scalar.as(type)
        return Value.of(type, numberToBytes(scalar.number(), target.size), space)
      }
      if (isFloating(scalar.type)) {
        const number = scalar.number()
        return Value.integer(type, Number.isFinite(number) ? BigInt(Math.trunc(number)) : 0n, space)
      }
      const from = stripped(scalar.type)
      if (!isIntegral(from) && from.kind !== 'pointer') throw typeError('Invalid cast.')
      const integer = scalar.integer()
      const isBoolean = target.kind === 'base' && target.encoding === DW_ATE.boolean
      return Value.integer(type, isBoolean ? (integer === 0n ? 0n : 1n) : integer, space)
    }
    case 'struct': {
      if (own.kind !== 'struct') throw typeError('Invalid cast.')
      const up = baseOffset(own, target) ?? virtualBaseOffset(value, target)
      if (up !== undefined) return up === 0 && own.size === target.size ? value.as(type) : value.part(type, up)
      const down = baseOffset(target, own)
      if (down === undefined || value.address === undefined) throw typeError('Invalid cast.')
      return Value.at(type, value.address - down, space)
    }
    case 'array':
      if (value.size !== sizeOf(target) && value.address === undefined) throw typeError('Invalid cast.')
      return value.as(type)
    case 'reference': {
      if (value.address === undefined) throw typeError('Attempt to take address of value not located in memory.')
      return Value.integer(type, BigInt(value.address), space)
    }
    default:
      throw typeError('Invalid cast.')
  }
}
