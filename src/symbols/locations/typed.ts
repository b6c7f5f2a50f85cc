/** Exists because DWARF expressions compute with integers and floating-point numbers of declared types, not only with addresses. */

import { LemmingError } from '../../base/errors.ts'
import { isFloating, isSigned, type BaseType } from '../types/type.ts'
import { bytesToNumber, numberToBytes } from '../values/floats.ts'

/** A value on the stack of an expression: its bits, and its type, where it is not the generic one (an address). */
export interface Typed {
  readonly bits: bigint
  readonly type: BaseType | undefined
}

/** The bytes of a value, little-endian. */
export function bytesOf(bits: bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  let rest = BigInt.asUintN(size * 8, bits)
  for (let i = 0; i < size; i++) {
    bytes[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  return bytes
}

/** Little-endian bytes as an unsigned number. */
export function bitsOf(bytes: Uint8Array): bigint {
  let bits = 0n
  for (let i = bytes.length - 1; i >= 0; i--) bits = (bits << 8n) | BigInt(bytes[i])
  return bits
}

function widthOf(type: BaseType | undefined): number {
  return type === undefined ? 64 : type.size * 8
}

/** The integer that a value stands for. The generic type is signed where `asSigned` says so. */
export function integerOf({ bits, type }: Typed, asSigned = false): bigint {
  const signed = type === undefined ? asSigned : isSigned(type)
  return signed ? BigInt.asIntN(widthOf(type), bits) : BigInt.asUintN(widthOf(type), bits)
}

function isFloat(type: BaseType | undefined): type is BaseType {
  return type !== undefined && isFloating(type)
}

function floatOf({ bits, type }: Typed): number {
  return bytesToNumber(bytesOf(bits, type!.size))
}

function ofInteger(value: bigint, type: BaseType | undefined): Typed {
  return { bits: BigInt.asUintN(widthOf(type), value), type }
}

/** `DW_OP_convert`. */
export function convert(value: Typed, type: BaseType | undefined): Typed {
  if (isFloat(value.type)) {
    const number = floatOf(value)
    if (isFloat(type)) return { bits: bitsOf(numberToBytes(number, type.size)), type }
    return ofInteger(Number.isFinite(number) ? BigInt(Math.trunc(number)) : 0n, type)
  }
  const integer = integerOf(value)
  if (isFloat(type)) return { bits: bitsOf(numberToBytes(Number(integer), type.size)), type }
  return ofInteger(integer, type)
}

/** Arithmetic of `DW_OP_*` on two values of one type. Throws `dwarf-location` for a division by zero. */
export function arithmetic(operation: string, a: Typed, b: Typed): Typed {
  const { type } = a
  if (isFloat(type)) {
    const x = floatOf(a)
    const y = floatOf(b)
    const result = operation === 'plus' ? x + y : operation === 'minus' ? x - y : operation === 'mul' ? x * y : x / y
    return { bits: bitsOf(numberToBytes(result, type.size)), type }
  }
  const width = BigInt(widthOf(type))
  const unsignedA = BigInt.asUintN(widthOf(type), a.bits)
  const x = integerOf(a, true)
  const y = integerOf(b, true)
  const amount = BigInt.asUintN(64, b.bits)
  switch (operation) {
    case 'plus':
      return ofInteger(x + y, type)
    case 'minus':
      return ofInteger(x - y, type)
    case 'mul':
      return ofInteger(x * y, type)
    case 'div':
      return ofInteger(x / nonZero(y), type)
    case 'mod':
      return ofInteger(type === undefined ? unsignedA % nonZero(BigInt.asUintN(64, b.bits)) : x % nonZero(y), type)
    case 'and':
      return ofInteger(x & y, type)
    case 'or':
      return ofInteger(x | y, type)
    case 'xor':
      return ofInteger(x ^ y, type)
    case 'shl':
      return ofInteger(amount >= width ? 0n : x << amount, type)
    case 'shr':
      return ofInteger(amount >= width ? 0n : unsignedA >> amount, type)
    default: // shra
      return ofInteger(BigInt.asIntN(widthOf(type), a.bits) >> (amount >= width ? width - 1n : amount), type)
  }
}

/** Comparison of two values; addresses compare as signed numbers. */
export function compare(a: Typed, b: Typed): number {
  if (isFloat(a.type)) return floatOf(a) - floatOf(b)
  const x = integerOf(a, true)
  const y = integerOf(b, true)
  return x < y ? -1 : x > y ? 1 : 0
}

function nonZero(value: bigint): bigint {
  if (value === 0n) throw new LemmingError('dwarf-location', 'a DWARF expression divides by zero')
  return value
}
