/** Exists because some frames (PLT stubs, signal trampolines, realigned stacks) are described by DWARF expressions. */

import { LemmingError } from '../../base/errors.ts'
import { ByteReader } from '../../elf/reader.ts'
import type { RegisterFile } from './registers.ts'
import { REGISTER_COUNT } from './registers.ts'

/** Reads `size` bytes of the program's memory at `address`; undefined if they are not all readable. */
export type ReadMemory = (address: number, size: number) => Uint8Array | undefined

/** The program's memory could not be read while an expression was evaluated, or at all. */
export class UnreadableMemory extends LemmingError {
  constructor(address: number) {
    super('unwind-memory', `memory at 0x${address.toString(16)} cannot be read`)
  }
}

const MAX_STEPS = 1000

/**
 * Evaluates `expression` (DWARF 5, 2.5.1, as restricted by 6.4.2: no location lists, no calls) with `initial` on the stack and returns
 * the top of the stack. Arithmetic is modulo 2^64, on BigInt: expressions are rare, and multiply, divide and shift.
 */
export function evaluateExpression(
  expression: Uint8Array,
  registers: RegisterFile,
  initial: number | undefined,
  readMemory: ReadMemory,
): number {
  const reader = new ByteReader(expression, 'a DWARF expression of the unwind tables')
  const stack: bigint[] = initial === undefined ? [] : [BigInt(initial)]
  const push = (value: bigint | number): void => {
    stack.push(BigInt.asUintN(64, BigInt(value)))
  }
  const at = (depth: number): bigint => {
    const value = stack[stack.length - 1 - depth]
    if (value === undefined) throw new LemmingError('unwind-expression', `${reader.what} uses an empty stack`)
    return value
  }
  const pop = (): bigint => {
    const value = at(0)
    stack.pop()
    return value
  }
  const signed = (value: bigint): bigint => BigInt.asIntN(64, value)
  const registerValue = (number: number): bigint => {
    if (number >= REGISTER_COUNT) throw new LemmingError('unwind-expression', `${reader.what} uses register ${number}`)
    return (BigInt(registers[number * 2 + 1]) << 32n) | BigInt(registers[number * 2])
  }
  const dereference = (size: number): void => {
    const address = Number(pop())
    const bytes = readMemory(address, size)
    if (bytes === undefined) throw new UnreadableMemory(address)
    let value = 0n
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i])
    push(value)
  }
  const binary = (operation: (a: bigint, b: bigint) => bigint): void => {
    const b = pop()
    push(operation(pop(), b))
  }
  const compare = (test: (a: bigint, b: bigint) => boolean): void => {
    binary((a, b) => (test(signed(a), signed(b)) ? 1n : 0n))
  }
  const branch = (taken: boolean, distance: number): void => {
    if (taken) reader.offset = Math.max(0, reader.offset + distance)
  }
  const divisor = (value: bigint): bigint => {
    if (value === 0n) throw new LemmingError('unwind-expression', `${reader.what} divides by zero`)
    return value
  }

  for (let step = 0; !reader.done; step++) {
    if (step > MAX_STEPS) throw new LemmingError('unwind-expression', `${reader.what} does not end`)
    const opcode = reader.u8()
    if (opcode >= 0x30 && opcode <= 0x4f) {
      push(opcode - 0x30) // DW_OP_lit*
      continue
    }
    if (opcode >= 0x50 && opcode <= 0x6f) {
      push(registerValue(opcode - 0x50)) // DW_OP_reg*, which unwind rules use for the contents
      continue
    }
    if (opcode >= 0x70 && opcode <= 0x8f) {
      push(registerValue(opcode - 0x70) + BigInt(reader.sleb())) // DW_OP_breg*
      continue
    }
    switch (opcode) {
      case 0x03: // DW_OP_addr
      case 0x0e: // DW_OP_const8u
      case 0x0f: {
        // DW_OP_const8s
        const low = reader.u32()
        push((BigInt(reader.u32()) << 32n) | BigInt(low))
        break
      }
      case 0x06: // DW_OP_deref
        dereference(8)
        break
      case 0x94: // DW_OP_deref_size
        dereference(reader.u8())
        break
      case 0x08: // DW_OP_const1u
        push(reader.u8())
        break
      case 0x09: // DW_OP_const1s
        push(reader.i8())
        break
      case 0x0a: // DW_OP_const2u
        push(reader.u16())
        break
      case 0x0b: // DW_OP_const2s
        push(reader.i16())
        break
      case 0x0c: // DW_OP_const4u
        push(reader.u32())
        break
      case 0x0d: // DW_OP_const4s
        push(reader.i32())
        break
      case 0x10: // DW_OP_constu
        push(reader.uleb())
        break
      case 0x11: // DW_OP_consts
        push(reader.sleb())
        break
      case 0x12: // DW_OP_dup
        push(at(0))
        break
      case 0x13: // DW_OP_drop
        pop()
        break
      case 0x14: // DW_OP_over
        push(at(1))
        break
      case 0x15: // DW_OP_pick
        push(at(reader.u8()))
        break
      case 0x16: {
        // DW_OP_swap
        const top = pop()
        const below = pop()
        push(top)
        push(below)
        break
      }
      case 0x17: {
        // DW_OP_rot
        const [first, second, third] = [pop(), pop(), pop()]
        push(first)
        push(third)
        push(second)
        break
      }
      case 0x19: {
        // DW_OP_abs
        const value = signed(pop())
        push(value < 0n ? -value : value)
        break
      }
      case 0x1a: // DW_OP_and
        binary((a, b) => a & b)
        break
      case 0x1b: // DW_OP_div
        binary((a, b) => signed(a) / divisor(signed(b)))
        break
      case 0x1c: // DW_OP_minus
        binary((a, b) => a - b)
        break
      case 0x1d: // DW_OP_mod
        binary((a, b) => a % divisor(b))
        break
      case 0x1e: // DW_OP_mul
        binary((a, b) => a * b)
        break
      case 0x1f: // DW_OP_neg
        push(-pop())
        break
      case 0x20: // DW_OP_not
        push(~pop())
        break
      case 0x21: // DW_OP_or
        binary((a, b) => a | b)
        break
      case 0x22: // DW_OP_plus
        binary((a, b) => a + b)
        break
      case 0x23: // DW_OP_plus_uconst
        push(pop() + BigInt(reader.uleb()))
        break
      case 0x24: // DW_OP_shl
        binary((a, b) => (b > 63n ? 0n : a << b))
        break
      case 0x25: // DW_OP_shr
        binary((a, b) => (b > 63n ? 0n : a >> b))
        break
      case 0x26: // DW_OP_shra
        binary((a, b) => signed(a) >> (b > 63n ? 63n : b))
        break
      case 0x27: // DW_OP_xor
        binary((a, b) => a ^ b)
        break
      case 0x28: // DW_OP_bra
        branch(pop() !== 0n, reader.i16())
        break
      case 0x29: // DW_OP_eq
        compare((a, b) => a === b)
        break
      case 0x2a: // DW_OP_ge
        compare((a, b) => a >= b)
        break
      case 0x2b: // DW_OP_gt
        compare((a, b) => a > b)
        break
      case 0x2c: // DW_OP_le
        compare((a, b) => a <= b)
        break
      case 0x2d: // DW_OP_lt
        compare((a, b) => a < b)
        break
      case 0x2e: // DW_OP_ne
        compare((a, b) => a !== b)
        break
      case 0x2f: // DW_OP_skip
        branch(true, reader.i16())
        break
      case 0x92: // DW_OP_bregx
        push(registerValue(reader.uleb()) + BigInt(reader.sleb()))
        break
      case 0x96: // DW_OP_nop
        break
      default:
        throw new LemmingError(
          'unwind-expression',
          `${reader.what} has the unsupported operation 0x${opcode.toString(16)}`,
        )
    }
  }
  return Number(at(0))
}
