/** Exists to compute with values: C's conversions of numbers, and pointers. */

import { DW_ATE } from '../dwarf/constants.ts'
import type { BaseType, Type } from '../types/type.ts'
import { C, isFloating, isIntegral, isSigned, pointerTo, sizeOf, stripped } from '../types/type.ts'
import { numberToBytes } from '../values/floats.ts'
import type { Space } from '../values/space.ts'
import { Value } from '../values/value.ts'
import { typeError } from './errors.ts'

/** A number, pointer or boolean as a condition. */
export function isTrue(value: Value): boolean {
  const scalar = pointed(value)
  if (isFloating(scalar.type)) return scalar.number() !== 0
  return scalar.integer() !== 0n
}

/** The answer to a question, in the language's way: a number in C, a boolean in C++ and Rust. */
export function truth(answer: boolean, space: Space): Value {
  return Value.integer(space.language === 'c' ? C.int : C.bool, answer ? 1n : 0n, space)
}

/** Arrays and functions as what they are in an expression: pointers. */
export function pointed(value: Value): Value {
  const type = stripped(value.type)
  if (type.kind === 'array' && !type.isVector) {
    if (value.address === undefined) throw typeError('Attempt to take address of value not located in memory.')
    return Value.integer(pointerTo(type.element), BigInt(value.address), value.space)
  }
  if (type.kind === 'function') return Value.integer(pointerTo(value.type), BigInt(value.address ?? 0), value.space)
  return value
}

/** `a operator b`; `unary-`, `unary+` and `~` look at `a` alone. Throws `expression-type`. */
export function binaryOperation(operator: string, first: Value, second: Value): Value {
  const a = pointed(first)
  const b = pointed(second)
  const left = stripped(a.type)
  const right = stripped(b.type)
  if (left.kind === 'struct' || right.kind === 'struct') {
    throw typeError(
      operator.startsWith('unary') || operator === '~'
        ? 'Argument to arithmetic operation not a number or boolean.'
        : `Structure has no component named operator${operator}.`,
    )
  }
  if (left.kind === 'pointer' || right.kind === 'pointer') return pointerOperation(operator, a, b, left, right)
  if (!isNumber(left) || !isNumber(right)) throw typeError('Argument to arithmetic operation not a number or boolean.')
  if (isFloating(left) || isFloating(right)) return floatOperation(operator, a, b, left, right)
  return integerOperation(operator, a, b, left, right)
}

export function isBoolean(type: Type): boolean {
  const plain = stripped(type)
  return plain.kind === 'base' && plain.encoding === DW_ATE.boolean
}

function isNumber(type: Type): boolean {
  return isIntegral(type) || isFloating(type)
}

const comparisons: ReadonlySet<string> = new Set(['==', '!=', '<', '>', '<=', '>='])

function compared(operator: string, order: number): boolean {
  switch (operator) {
    case '==':
      return order === 0
    case '!=':
      return order !== 0
    case '<':
      return order < 0
    case '>':
      return order > 0
    case '<=':
      return order <= 0
    default:
      return order >= 0
  }
}

function pointerOperation(operator: string, a: Value, b: Value, left: Type, right: Type): Value {
  const { space } = a
  if (comparisons.has(operator)) {
    const x = BigInt.asUintN(64, a.integer())
    const y = BigInt.asUintN(64, b.integer())
    return truth(compared(operator, x < y ? -1 : x > y ? 1 : 0), space)
  }
  const step = (type: Type): bigint =>
    type.kind === 'pointer' ? BigInt(Math.max(1, sizeOf(space.complete(stripped(type.target))))) : 1n
  if (left.kind === 'pointer' && right.kind === 'pointer') {
    if (operator !== '-') throw typeError('Argument to arithmetic operation not a number or boolean.')
    if (step(left) !== step(right))
      throw typeError(
        "First argument of `-' is a pointer and second argument is neither\nan integer nor a pointer of the same type.",
      )
    return Value.integer(C.long, (a.integer() - b.integer()) / step(left), space)
  }
  const [pointer, number, type] = left.kind === 'pointer' ? [a, b, a.type] : [b, a, b.type]
  const isStep = isIntegral(number.type) && (operator === '+' || (operator === '-' && left.kind === 'pointer'))
  if (isStep && pointer.location.kind === 'implicit-pointer') {
    const distance = Number(number.integer() * step(stripped(type))) * (operator === '+' ? 1 : -1)
    return new Value(type, { ...pointer.location, offset: pointer.location.offset + distance }, space)
  }
  if (operator === '+' && isIntegral(number.type)) {
    return Value.integer(type, BigInt.asUintN(64, pointer.integer() + number.integer() * step(stripped(type))), space)
  }
  if (operator === '-' && left.kind === 'pointer' && isIntegral(number.type)) {
    return Value.integer(type, BigInt.asUintN(64, pointer.integer() - number.integer() * step(stripped(type))), space)
  }
  // As gdb has it: other arithmetic on addresses is that of integers.
  if (operator.startsWith('unary') || operator === '~')
    throw typeError('Argument to arithmetic operation not a number or boolean.')
  const asInteger = (value: Value): Value =>
    stripped(value.type).kind === 'pointer' ? Value.integer(C.long, value.integer(), space) : value
  return binaryOperation(operator, asInteger(a), asInteger(b))
}

/** The type that two floating-point operands meet in: the larger one; integers do not count. */
function floatOperation(operator: string, a: Value, b: Value, left: Type, right: Type): Value {
  const { space } = a
  const x = a.number()
  const y = b.number()
  if (comparisons.has(operator)) return truth(compared(operator, x < y ? -1 : x > y ? 1 : x === y ? 0 : NaN), space)
  const candidates = [left, right].filter((type) => isFloating(type))
  const type = candidates.reduce((best, one) => (sizeOf(one) > sizeOf(best) ? one : best))
  const result = (value: number): Value => Value.of(type, numberToBytes(value, sizeOf(type)), space)
  switch (operator) {
    case '+':
      return result(x + y)
    case '-':
      return result(x - y)
    case '*':
      return result(x * y)
    case '/':
      return result(x / y)
    case 'unary-':
      return result(-x)
    case 'unary+':
      return result(x)
    default:
      throw typeError(`Integer operation ${operator} on a floating-point number.`)
  }
}

/** The type in which two integers are computed (C17, 6.3.1.8), as gdb has it. */
function commonType(left: Type, right: Type): Type {
  const a = promoted(left)
  const b = promoted(right)
  const size = Math.max(a.size, b.size)
  const isUnsigned = a.size > b.size ? !a.isSigned : b.size > a.size ? !b.isSigned : !a.isSigned || !b.isSigned
  if (size <= 4) return isUnsigned ? C.unsignedInt : C.int
  if (size <= 8) return isUnsigned ? C.unsignedLong : C.long
  return isUnsigned ? C.unsignedInt128 : C.int128
}

function promoted(type: Type): { size: number; isSigned: boolean } {
  const size = sizeOf(type)
  return size < 4 ? { size: 4, isSigned: true } : { size, isSigned: isSigned(type) }
}

function integerOperation(operator: string, a: Value, b: Value, left: Type, right: Type): Value {
  const { space } = a
  const x = a.integer()
  const y = b.integer()
  const bothRust =
    left.kind === 'base' && right.kind === 'base' && left.language === 'rust' && right.language === 'rust'
  if (isBoolean(left) && isBoolean(right) && !comparisons.has(operator) && !/^(&|\||\^|unary.|~)$/.test(operator))
    throw typeError('Invalid operation on booleans.')
  const type: Type =
    operator.startsWith('unary') || operator === '~'
      ? commonType(left, left)
      : bothRust
        ? wider(left, right)
        : commonType(left, right)
  if (comparisons.has(operator)) {
    const wrap = (value: bigint): bigint =>
      isSigned(type) ? BigInt.asIntN(sizeOf(type) * 8, value) : BigInt.asUintN(sizeOf(type) * 8, value)
    const [p, q] = [wrap(x), wrap(y)]
    return truth(compared(operator, p < q ? -1 : p > q ? 1 : 0), space)
  }
  const result = (value: bigint, as: Type = type): Value => Value.integer(as, value, space)
  const width = BigInt(sizeOf(type) * 8)
  const limit = (value: bigint): bigint =>
    isSigned(type) ? BigInt.asIntN(Number(width), value) : BigInt.asUintN(Number(width), value)
  switch (operator) {
    case '+':
      return result(x + y)
    case '-':
      return result(x - y)
    case '*':
      return result(x * y)
    case '/':
    case '%': {
      const divisor = limit(y)
      if (divisor === 0n) throw typeError('Division by zero')
      return result(operator === '/' ? limit(x) / divisor : limit(x) % divisor)
    }
    case '&':
      return result(x & y)
    case '|':
      return result(x | y)
    case '^':
      return result(x ^ y)
    case '<<':
    case '>>': {
      // The type of a shift is that of its left side.
      const shifted = commonType(left, left)
      const bits = BigInt(sizeOf(shifted) * 8)
      if (y < 0n) throw typeError('Cannot shift by a negative amount')
      if (operator === '<<') return result(y >= bits ? 0n : x << y, shifted)
      return result(y >= bits ? (x < 0n ? -1n : 0n) : x >> y, shifted)
    }
    case 'unary-':
      return result(-x)
    case 'unary+':
      return result(x)
    case '~':
      return result(~x)
    default:
      throw typeError(`Attempt to use the operator ${operator} on integers.`)
  }
}

function wider(left: BaseType, right: BaseType): Type {
  return left.size >= right.size ? left : right
}
