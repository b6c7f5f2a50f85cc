/** Exists to say what values need of the program they belong to. */

import { LemmingError } from '../../base/errors.ts'
import type { Location } from '../locations/location.ts'
import type { Language, StructType, Type } from '../types/type.ts'
import type { Value } from './value.ts'

/** The program at one moment, as values see it. Addresses are those of the running program. */
export interface Space {
  /** The language of the place where the question is asked: it decides what a comparison gives. */
  readonly language: Language
  /** Values that are not there count as zeros: only types are asked for. */
  readonly lenient: boolean
  /** Throws `expression-memory`. */
  memory(address: number, size: number): Uint8Array
  /** The contents of a register by its DWARF number; undefined where the frame has lost it. */
  register(number: number): Uint8Array | undefined
  /** `main+4` for an address that a symbol covers. */
  symbolic(address: number): string | undefined
  /** The object an implicit pointer points to. */
  implicit(location: Location & { kind: 'implicit-pointer' }, type: Type): Value
  /** The definition of a type of which only a declaration is at hand. */
  complete<T extends Type>(type: T): T
  /** A static member of a class; undefined if it was optimised out. */
  staticMember(of: StructType, name: string): Value | undefined
  /** The offset of a virtual base or another part that must be computed. */
  memberOffset(object: Value, member: StructType['members'][number]): number
}

/** Memory that an expression needs is not there; the message is gdb's. */
export function unreadable(address: number | bigint): LemmingError {
  return new LemmingError('expression-memory', `Cannot access memory at address 0x${address.toString(16)}`)
}

/** The value of something that the compiler has kept nowhere; the message is gdb's. */
export function gone(): LemmingError {
  return new LemmingError('expression-optimized-out', 'value has been optimized out')
}

/** What stands for a part of a value that cannot be read, in gdb's words; errors of other kinds are thrown on. */
export function errorText(error: unknown): string {
  if (!isMissing(error) && !(error instanceof LemmingError && error.code === 'expression-size')) throw error
  return `<error reading variable: ${error.message}>`
}

/** Whether a value is missing for a reason that the program has, as opposed to a wrong question. */
export function isMissing(error: unknown): error is LemmingError {
  return (
    error instanceof LemmingError &&
    (error.code === 'expression-memory' || error.code === 'expression-optimized-out' || error.code === 'dwarf-location')
  )
}
