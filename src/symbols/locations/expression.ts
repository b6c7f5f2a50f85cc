/** Exists to find a variable: evaluates the location expressions that compilers write (DWARF 5, 2.5 and 2.6, and GNU's extensions). */

import { LemmingError } from '../../base/errors.ts'
import { ByteReader } from '../../elf/reader.ts'
import type { Entry } from '../dwarf/entry.ts'
import { exactLeb } from '../dwarf/entry.ts'
import type { DwarfFile } from '../dwarf/file.ts'
import type { Unit } from '../dwarf/unit.ts'
import type { BaseType } from '../types/type.ts'
import { typeAt } from '../types/reader.ts'
import type { Location, Piece } from './location.ts'
import { optimizedOut } from './location.ts'
import type { Typed } from './typed.ts'
import { arithmetic, bitsOf, bytesOf, compare, convert, integerOf } from './typed.ts'

/** What an expression may ask about the thread and the frame it is evaluated for. Addresses are those of the running program. */
export interface LocationContext {
  /** Load bias of the file that the expression is in. */
  readonly bias: number
  /** The contents of a register by its DWARF number; throws `register-lost` where the frame does not know it. */
  register(number: number): Uint8Array
  /** Throws `expression-memory`. */
  memory(address: number, size: number): Uint8Array
  /** `DW_AT_frame_base` of the function. */
  frameBase(): number
  /** The canonical frame address. */
  callFrame(): number
  /** The address of the thread's copy of what lies at `offset` in the module's thread-local storage. */
  threadLocal(offset: number): number
  /** What a register had when the function was entered (`parameter`: which parameter of the call site has the value). */
  atEntry(parameter: { register?: number; entry?: Entry; expression?: Uint8Array }): bigint
  /** The value of a variable, for `DW_OP_GNU_variable_value`. */
  variable(entry: Entry): bigint
  /** The address of the object whose part is looked for. */
  readonly object?: number
}

/** Bounds the steps of an expression: damaged ones may loop. */
const MAX_STEPS = 10000

interface State {
  readonly reader: ByteReader
  readonly file: DwarfFile
  readonly unit: Unit
  readonly context: LocationContext
  readonly stack: Typed[]
  readonly steps: { count: number }
}

function damaged(state: Pick<State, 'file'>, what: string): LemmingError {
  return new LemmingError('dwarf-location', `${state.file.data.elf.name}: a location expression ${what}`)
}

/** Where the object that `expression` locates is. Throws `dwarf-location`, and what the context throws. */
export function locate(expression: Uint8Array, file: DwarfFile, unit: Unit, context: LocationContext): Location {
  if (expression.length === 0) return optimizedOut
  const state = start(expression, file, unit, context)
  const pieces: Piece[] = []
  let location: Location | undefined
  while (!state.reader.done) {
    const opcode = state.reader.u8()
    const found = locationOf(opcode, state)
    if (found !== undefined) {
      location = found
      continue
    }
    if (opcode === 0x93 || opcode === 0x9d) {
      const size = state.reader.uleb()
      const bitOffset = opcode === 0x9d ? state.reader.uleb() : 0
      const at = location ?? (state.stack.length > 0 ? memoryAt(state) : optimizedOut)
      pieces.push({ bits: opcode === 0x93 ? size * 8 : size, bitOffset, location: at })
      location = undefined
      state.stack.length = 0
      continue
    }
    if (opcode === 0xf0 || opcode === 0x96) continue // DW_OP_GNU_uninit, DW_OP_nop
    step(opcode, state)
  }
  if (pieces.length > 0) return { kind: 'pieces', pieces }
  return location ?? memoryAt(state)
}

/** The value that an expression computes: of a call site's parameter, a bound, or an offset. `initial` is on the stack at the start. */
export function compute(
  expression: Uint8Array,
  file: DwarfFile,
  unit: Unit,
  context: LocationContext,
  initial?: number,
): bigint {
  const state = start(expression, file, unit, context)
  if (initial !== undefined) state.stack.push({ bits: BigInt(initial), type: undefined })
  while (!state.reader.done) {
    const opcode = state.reader.u8()
    if (opcode === 0x9f) break // DW_OP_stack_value
    if (opcode >= 0x50 && opcode <= 0x6f) {
      // A register as a location stands for what it holds.
      state.stack.push({ bits: bitsOf(context.register(opcode - 0x50).subarray(0, 8)), type: undefined })
    } else step(opcode, state)
  }
  return integerOf(top(state))
}

function start(expression: Uint8Array, file: DwarfFile, unit: Unit, context: LocationContext): State {
  const reader = new ByteReader(expression, `${file.data.elf.name}: a location expression`)
  return { reader, file, unit, context, stack: [], steps: { count: 0 } }
}

function top(state: State, depth = 0): Typed {
  const value = state.stack[state.stack.length - 1 - depth]
  if (value === undefined) throw damaged(state, 'uses an empty stack')
  return value
}

function pop(state: State): Typed {
  const value = top(state)
  state.stack.pop()
  return value
}

function memoryAt(state: State): Location {
  return { kind: 'memory', address: Number(integerOf(top(state))) }
}

/** The operations that end a location and leave nothing on the stack. */
function locationOf(opcode: number, { reader, stack, file, unit, ...rest }: State): Location | undefined {
  if (opcode >= 0x50 && opcode <= 0x6f) return { kind: 'register', register: opcode - 0x50 }
  switch (opcode) {
    case 0x90: // DW_OP_regx
      return { kind: 'register', register: reader.uleb() }
    case 0x9e: // DW_OP_implicit_value
      return { kind: 'value', bytes: reader.slice(reader.uleb()) }
    case 0x9f: {
      // DW_OP_stack_value
      const { bits, type } = pop({ reader, stack, file, unit, ...rest })
      return { kind: 'value', bytes: bytesOf(bits, type?.size ?? 8) }
    }
    case 0xa0:
    case 0xf2: {
      // DW_OP_implicit_pointer
      const offset = unit.version <= 2 ? reader.u64() : unit.readOffset(reader)
      const distance = reader.sleb()
      // Nobody relocates what gcc writes here into a split file: 0 is the place of no entry.
      if (offset === 0) return optimizedOut
      return { kind: 'implicit-pointer', entry: file.entry(offset), offset: distance }
    }
    default:
      return undefined
  }
}

const binaries: Readonly<Record<number, string>> = {
  0x1a: 'and',
  0x1b: 'div',
  0x1c: 'minus',
  0x1d: 'mod',
  0x1e: 'mul',
  0x21: 'or',
  0x22: 'plus',
  0x24: 'shl',
  0x25: 'shr',
  0x26: 'shra',
  0x27: 'xor',
}

const comparisons: Readonly<Record<number, (order: number) => boolean>> = {
  0x29: (order) => order === 0,
  0x2a: (order) => order >= 0,
  0x2b: (order) => order > 0,
  0x2c: (order) => order <= 0,
  0x2d: (order) => order < 0,
  0x2e: (order) => order !== 0,
}

/** Executes one operation that works on the stack. */
function step(opcode: number, state: State): void {
  const { reader, file, unit, context, stack } = state
  if (++state.steps.count > MAX_STEPS) throw damaged(state, 'does not end')
  const push = (value: bigint | number, type?: BaseType): void => {
    stack.push({ bits: BigInt.asUintN(type === undefined ? 64 : type.size * 8, BigInt(value)), type })
  }
  const address = (): number => Number(integerOf(pop(state)))
  const registerValue = (number: number): bigint => bitsOf(context.register(number).subarray(0, 8))
  const baseType = (offset: number): BaseType | undefined => {
    if (offset === 0) return undefined
    const type = typeAt(file.entry(unit.offset + offset, unit))
    if (type.kind !== 'base') throw damaged(state, 'names a type that is no base type')
    return type
  }
  if (opcode >= 0x30 && opcode <= 0x4f) return push(opcode - 0x30) // DW_OP_lit*
  if (opcode >= 0x70 && opcode <= 0x8f) return push(registerValue(opcode - 0x70) + BigInt(reader.sleb())) // DW_OP_breg*
  const binary = binaries[opcode]
  if (binary !== undefined) {
    const b = pop(state)
    stack.push(arithmetic(binary, pop(state), b))
    return
  }
  const comparison = comparisons[opcode]
  if (comparison !== undefined) {
    const b = pop(state)
    return push(comparison(compare(pop(state), b)) ? 1 : 0)
  }
  switch (opcode) {
    case 0x03: // DW_OP_addr
      return push((unit.addressSize === 8 ? reader.u64() : reader.u32()) + context.bias)
    case 0x06: // DW_OP_deref
      return push(bitsOf(context.memory(address(), 8)))
    case 0x08:
      return push(reader.u8())
    case 0x09:
      return push(reader.i8())
    case 0x0a:
      return push(reader.u16())
    case 0x0b:
      return push(reader.i16())
    case 0x0c:
      return push(reader.u32())
    case 0x0d:
      return push(reader.i32())
    case 0x0e: // DW_OP_const8u
    case 0x0f: {
      // DW_OP_const8s
      const low = reader.u32()
      return push((BigInt(reader.u32()) << 32n) | BigInt(low))
    }
    case 0x10: // DW_OP_constu
      return push(exactLeb(reader, false))
    case 0x11: // DW_OP_consts
      return push(exactLeb(reader, true))
    case 0x12: // DW_OP_dup
      stack.push(top(state))
      return
    case 0x13: // DW_OP_drop
      pop(state)
      return
    case 0x14: // DW_OP_over
      stack.push(top(state, 1))
      return
    case 0x15: // DW_OP_pick
      stack.push(top(state, reader.u8()))
      return
    case 0x16: {
      // DW_OP_swap
      const [first, second] = [pop(state), pop(state)]
      stack.push(first, second)
      return
    }
    case 0x17: {
      // DW_OP_rot
      const [first, second, third] = [pop(state), pop(state), pop(state)]
      stack.push(first, third, second)
      return
    }
    case 0x19: {
      // DW_OP_abs
      const value = pop(state)
      const integer = integerOf(value, true)
      return push(integer < 0n ? -integer : integer, value.type)
    }
    case 0x1f: {
      // DW_OP_neg
      const value = pop(state)
      stack.push(arithmetic('minus', { bits: 0n, type: value.type }, value))
      return
    }
    case 0x20: {
      // DW_OP_not
      const { bits, type } = pop(state)
      return push(~bits, type)
    }
    case 0x23: // DW_OP_plus_uconst
      stack.push(arithmetic('plus', pop(state), { bits: exactLeb(reader, false), type: undefined }))
      return
    case 0x28: {
      // DW_OP_bra
      const distance = reader.i16()
      if (pop(state).bits !== 0n) reader.offset = Math.max(0, reader.offset + distance)
      return
    }
    case 0x2f: {
      // DW_OP_skip
      const distance = reader.i16()
      reader.offset = Math.max(0, reader.offset + distance)
      return
    }
    case 0x91: // DW_OP_fbreg
      return push(context.frameBase() + reader.sleb())
    case 0x92: {
      // DW_OP_bregx
      const number = reader.uleb()
      return push(registerValue(number) + BigInt(reader.sleb()))
    }
    case 0x94: {
      // DW_OP_deref_size
      const size = reader.u8()
      return push(bitsOf(context.memory(address(), size)))
    }
    case 0x96: // DW_OP_nop
    case 0xf0: // DW_OP_GNU_uninit
      return
    case 0x97: // DW_OP_push_object_address
      if (context.object === undefined) throw damaged(state, 'needs an object, and there is none')
      return push(context.object)
    case 0x98: // DW_OP_call2
      return call(state, file.entry(unit.offset + reader.u16(), unit))
    case 0x99: // DW_OP_call4
      return call(state, file.entry(unit.offset + reader.u32(), unit))
    case 0x9a: // DW_OP_call_ref
      return call(state, file.entry(unit.readOffset(reader)))
    case 0x9b: // DW_OP_form_tls_address
    case 0xe0: // DW_OP_GNU_push_tls_address
      return push(context.threadLocal(Number(integerOf(pop(state)))))
    case 0x9c: // DW_OP_call_frame_cfa
      return push(context.callFrame())
    case 0xa1: // DW_OP_addrx
    case 0xfb: // DW_OP_GNU_addr_index
      return push(unit.indexedAddress(reader.uleb()) + context.bias)
    case 0xa2: // DW_OP_constx
    case 0xfc: // DW_OP_GNU_const_index
      return push(unit.indexedAddress(reader.uleb()))
    case 0xa3: // DW_OP_entry_value
    case 0xf3: {
      // DW_OP_GNU_entry_value
      const block = reader.slice(reader.uleb())
      const isRegister = block.length === 1 && block[0] >= 0x50 && block[0] <= 0x6f
      return push(context.atEntry(isRegister ? { register: block[0] - 0x50 } : { expression: block }))
    }
    case 0xa4: // DW_OP_const_type
    case 0xf4: {
      const type = baseType(reader.uleb())
      return push(bitsOf(reader.slice(reader.u8())), type)
    }
    case 0xa5: // DW_OP_regval_type
    case 0xf5: {
      const number = reader.uleb()
      const type = baseType(reader.uleb())
      return push(bitsOf(context.register(number).subarray(0, type?.size ?? 8)), type)
    }
    case 0xa6: // DW_OP_deref_type
    case 0xf6: {
      const size = reader.u8()
      const type = baseType(reader.uleb())
      return push(bitsOf(context.memory(address(), size)), type)
    }
    case 0xa8: // DW_OP_convert
    case 0xf7:
      stack.push(convert(pop(state), baseType(reader.uleb())))
      return
    case 0xa9: // DW_OP_reinterpret
    case 0xf9: {
      const type = baseType(reader.uleb())
      return push(pop(state).bits, type)
    }
    case 0xfa: // DW_OP_GNU_parameter_ref
      return push(context.atEntry({ entry: file.entry(unit.offset + reader.u32(), unit) }))
    case 0xfd: // DW_OP_GNU_variable_value
      return push(context.variable(file.entry(unit.readOffset(reader))))
    default:
      throw damaged(state, `has the operation 0x${opcode.toString(16)}, which is not supported`)
  }
}

/** `DW_OP_call*`: runs the location of another entry on the same stack. */
function call(state: State, entry: Entry): void {
  const expression = entry.block(0x02)
  if (expression === undefined) return
  const reader = new ByteReader(expression, state.reader.what)
  const inner = { ...state, reader }
  while (!reader.done) step(reader.u8(), inner)
}
