/** Exists for expressions that call functions of the program: arguments go to where the System V ABI has them, results come from there. Who executes it is somebody else. */

import { LemmingError } from '../../base/errors.ts'
import { bytesOf } from '../locations/typed.ts'
import type { FunctionType, Type } from '../types/type.ts'
import { C, isFloating, isIntegral, pointerTo, sizeOf, stripped } from '../types/type.ts'
import { numberToBytes } from '../values/floats.ts'
import type { Space } from '../values/space.ts'
import { Value } from '../values/value.ts'
import { castTo } from './cast.ts'
import { typeError } from './errors.ts'

/** A call: integers and addresses in their registers or on the stack, numbers in vector registers. */
export interface Call {
  address: number
  integers: bigint[]
  floats: Uint8Array[]
  /** Texts that the program does not have: `at` is the integer argument that is to point to one. */
  literals: { at: number; bytes: Uint8Array }[]
}

/** What came back. */
export interface Returned {
  rax: bigint
  xmm0: Uint8Array
  /** Memory as the call has left it, around what rax points to; none where that is no address. */
  memory: { address: number; bytes: Uint8Array } | null
}

export type Caller = (call: Call) => Returned

const REGISTERS = 6
const VECTORS = 8

/** Calls `callee`, a function or a pointer to one. Throws `expression-type` for what cannot be passed or returned. */
export function callFunction(callee: Value, given: readonly Value[], caller: Caller | undefined, result?: Type): Value {
  const { space } = callee
  const own = stripped(callee.type)
  const type = own.kind === 'pointer' ? stripped(own.target) : own
  if (type.kind !== 'function') throw typeError('Cannot perform a call on something that is no function.')
  const address = own.kind === 'pointer' ? Number(callee.integer()) : callee.address
  if (caller === undefined || address === undefined)
    throw new LemmingError(
      'expression-call',
      'an expression cannot call a function here: it looks at a moment of a recorded run',
      'print can, in a clone; conditions have $_streq(a, b), $_memeq(a, b, n), $_strlen(a) and $_regex(a, "x")',
    )
  if (given.length < type.parameters.length) throw typeError('Too few arguments in function call.')
  const isKnown = !isUnknown(type)
  if (!isKnown && result === undefined)
    throw typeError('the function has unknown return type; cast the call to its declared return type')
  if (given.length > type.parameters.length && !type.isVariadic && type.isPrototyped && isKnown)
    throw typeError('Too many arguments in function call.')
  const call: Call = { address, integers: [], floats: [], literals: [] }
  given.forEach((value, i) => pass(call, value, type.parameters[i]))
  if (call.floats.length > VECTORS) throw typeError(`more than ${VECTORS} floating-point arguments cannot be passed`)
  return resultOf(isKnown ? type.result : result!, space, caller(call))
}

/** Nothing but the linker's symbol is known. */
function isUnknown({ result }: FunctionType): boolean {
  return result.kind === 'void' && result.name !== undefined
}

/** How many integer arguments registers hold. */
export const integerRegisterCount = REGISTERS

function pass(call: Call, value: Value, parameter: Type | undefined): void {
  const plain = stripped(value.type)
  if (plain.kind === 'array' && value.address === undefined) {
    call.literals.push({ at: call.integers.length, bytes: value.bytes().slice() })
    call.integers.push(0n)
    return
  }
  const wanted = parameter && stripped(parameter)
  if (wanted?.kind === 'reference') {
    const target = plain.kind === 'reference' ? Number(value.integer()) : value.address
    if (target === undefined) throw typeError('Attempt to take address of value not located in memory.')
    call.integers.push(BigInt(target))
    return
  }
  const promoted = plain.kind === 'base' && isFloating(plain) && plain.size === 4 ? C.double : value.type
  const converted =
    parameter === undefined
      ? plain.kind === 'array' || plain.kind === 'function'
        ? asAddress(value)
        : castTo(value, promoted)
      : castTo(value, parameter)
  const type = stripped(converted.type)
  if (isFloating(type)) {
    if (sizeOf(type) > 8) throw typeError('a long double cannot be passed')
    const bytes = new Uint8Array(16)
    bytes.set(converted.bytes())
    call.floats.push(bytes)
    return
  }
  if (!isIntegral(type) && type.kind !== 'pointer') throw typeError('a structure cannot be passed by value')
  call.integers.push(BigInt.asUintN(64, converted.integer()))
}

function asAddress(value: Value): Value {
  return Value.integer(pointerTo(value.type), BigInt(value.address!), value.space)
}

function resultOf(type: Type, space: Space, { rax, xmm0, memory }: Returned): Value {
  const result = stripped(type)
  if (result.kind === 'void') return Value.of(type, new Uint8Array(), space)
  const view = memory === null ? space : withMemory(space, memory)
  if (isFloating(result) && sizeOf(result) <= 8) return Value.of(type, xmm0.slice(0, sizeOf(result)), view)
  if (isIntegral(result) || result.kind === 'pointer' || result.kind === 'reference')
    return Value.of(type, bytesOf(rax, sizeOf(result)), view)
  throw typeError('the function returns a structure: print what it reads instead')
}

/** The program as it is, but for some bytes. */
function withMemory(space: Space, { address, bytes }: NonNullable<Returned['memory']>): Space {
  const view = Object.create(space) as { -readonly [K in keyof Space]: Space[K] }
  view.memory = (at, size) =>
    at >= address && at + size <= address + bytes.length
      ? bytes.slice(at - address, at - address + size)
      : space.memory(at, size)
  return view
}

/** A call of which only the type is asked. */
export const pretended: Caller = () => ({ rax: 0n, xmm0: numberToBytes(0, 8), memory: null })
