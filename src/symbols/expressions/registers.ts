/** Exists so that `$rax`, `$eax`, `$xmm0` and all the others are values with types, as gdb has them. */

import { DW_ATE } from '../dwarf/constants.ts'
import type { ProgramView } from '../frames/program.ts'
import { integerRegisters } from '../frames/thread.ts'
import { bytesOf } from '../locations/typed.ts'
import { layOutStruct } from '../types/layout.ts'
import type { BaseType, Language, StructType, Type } from '../types/type.ts'
import { arrayOf, C, pointerTo, voidType } from '../types/type.ts'
import { lostValue, Value } from '../values/value.ts'

function codePointer(language: Language): Type {
  return pointerTo({
    kind: 'function',
    language,
    result: voidType,
    parameters: [],
    isVariadic: false,
    isPrototyped: false,
  })
}

const dataPointer: Type = pointerTo(voidType)

function integer(name: string, size: number, encoding: number = DW_ATE.signed): BaseType {
  return { kind: 'base', language: 'c', name, size, encoding }
}

const int8 = integer('int8_t', 1)
const int16 = integer('int16_t', 2)
const int32 = integer('int32_t', 4)
const int64 = integer('int64_t', 8)
const int128 = integer('uint128_t', 16, DW_ATE.unsigned)

function flags(name: string, size: number, bits: readonly (readonly [number, string])[]): BaseType {
  return { kind: 'base', language: 'c', name, size, encoding: DW_ATE.unsigned, flags: new Map(bits) }
}

const eflags = flags('i386_eflags', 4, [
  [0, 'CF'],
  [2, 'PF'],
  [4, 'AF'],
  [6, 'ZF'],
  [7, 'SF'],
  [8, 'TF'],
  [9, 'IF'],
  [10, 'DF'],
  [11, 'OF'],
  [14, 'NT'],
  [16, 'RF'],
  [17, 'VM'],
  [18, 'AC'],
  [19, 'VIF'],
  [20, 'VIP'],
  [21, 'ID'],
])
const mxcsr = flags('i386_mxcsr', 4, [
  [0, 'IE'],
  [1, 'DE'],
  [2, 'ZE'],
  [3, 'OE'],
  [4, 'UE'],
  [5, 'PE'],
  [6, 'DAZ'],
  [7, 'IM'],
  [8, 'DM'],
  [9, 'ZM'],
  [10, 'OM'],
  [11, 'UM'],
  [12, 'PM'],
  [15, 'FZ'],
])

/** Vectors print small numbers as such: they are no characters. */
const plainByte: BaseType = { ...int8, isNumber: true }

function vector(size: number): StructType {
  const lanes: [string, Type][] = [
    ['bfloat16', { ...C.float, name: 'bfloat16', size: 2 }],
    ['half', { ...C.float, name: '_Float16', size: 2 }],
    ['float', C.float],
    ['double', C.double],
    ['int8', plainByte],
    ['int16', int16],
    ['int32', int32],
    ['int64', int64],
  ]
  const members: { name: string; type: Type; bits: undefined }[] = lanes.map(([name, element]) => {
    const count = size / (element as BaseType).size
    return { name: `v${count}_${name}`, type: arrayOf(element, count, true), bits: undefined }
  })
  const wide = size / 16
  members.push({
    name: wide === 1 ? 'uint128' : `v${wide}_int128`,
    type: wide === 1 ? int128 : arrayOf(int128, wide, true),
    bits: undefined,
  })
  return layOutStruct('union', undefined, members, true)
}

const vectors = new Map<number, StructType>()

function vectorType(size: number): StructType {
  let type = vectors.get(size)
  if (type === undefined) vectors.set(size, (type = vector(size)))
  return type
}

const aliases: Readonly<Record<string, string>> = { pc: 'rip', sp: 'rsp', fp: 'rbp', ps: 'eflags' }

const low8 = new Map([
  ['al', 'rax'],
  ['bl', 'rbx'],
  ['cl', 'rcx'],
  ['dl', 'rdx'],
  ['sil', 'rsi'],
  ['dil', 'rdi'],
  ['bpl', 'rbp'],
  ['spl', 'rsp'],
])
const high8 = new Map([
  ['ah', 'rax'],
  ['bh', 'rbx'],
  ['ch', 'rcx'],
  ['dh', 'rdx'],
])

/** Part of an integer register: its name, first byte and type. */
function partOf(name: string): { whole: string; offset: number; type: Type } | undefined {
  const byte = low8.get(name) ?? /^(r(?:8|9|1[0-5]))l$/.exec(name)?.[1]
  if (byte !== undefined) return { whole: byte, offset: 0, type: plainByte }
  const high = high8.get(name)
  if (high !== undefined) return { whole: high, offset: 1, type: plainByte }
  const numbered = /^(r(?:8|9|1[0-5]))([dw])$/.exec(name)
  if (numbered !== null) return { whole: numbered[1], offset: 0, type: numbered[2] === 'd' ? C.int : int16 }
  if (/^(ax|bx|cx|dx|si|di|bp)$/.test(name)) return { whole: `r${name}`, offset: 0, type: int16 }
  if (/^e(ax|bx|cx|dx|si|di|bp|sp)$/.test(name)) return { whole: `r${name.slice(1)}`, offset: 0, type: C.int }
  return undefined
}

function typeOfOther(name: string, size: number): Type {
  if (name === 'eflags') return eflags
  if (name === 'mxcsr') return mxcsr
  if (/^st[0-7]$/.test(name)) return C.longDouble
  if (/^[xyz]mm/.test(name)) return vectorType(size)
  if (name === 'fs_base' || name === 'gs_base') return C.long
  return size === 8 ? int64 : size === 2 ? int16 : C.int
}

/** The value of register `name` (without the dollar sign) in a frame; undefined if there is no such register. */
export function registerValue(view: ProgramView, written: string): Value | undefined {
  const { frame, thread } = view
  const name = aliases[written] ?? written
  if (thread === undefined) return undefined
  const number = integerRegisters.get(name)
  if (number !== undefined) {
    if (frame !== undefined && name === 'rip')
      return Value.of(codePointer(view.language), bytesOf(BigInt(frame.pc), 8), view)
    const type = name === 'rip' ? codePointer(view.language) : name === 'rsp' || name === 'rbp' ? dataPointer : C.long
    if (frame === undefined) {
      const low = BigInt(thread.registers[number * 2]) | (BigInt(thread.registers[number * 2 + 1]) << 32n)
      return Value.of(type, bytesOf(low, 8), view)
    }
    return view.register(number) === undefined
      ? lostValue(type, view)
      : new Value(type, { kind: 'register', register: number }, view)
  }
  const part = partOf(name)
  if (part !== undefined) return registerValue(view, part.whole)?.as(C.long).part(part.type, part.offset)
  const bytes = thread.otherRegister?.(name)
  if (bytes === undefined) return undefined
  const padded = /^st[0-7]$/.test(name) ? bytesPadded(bytes, 16) : bytes
  return Value.of(typeOfOther(name, padded.length), padded, view)
}

function bytesPadded(bytes: Uint8Array, size: number): Uint8Array {
  const padded = new Uint8Array(size)
  padded.set(bytes.subarray(0, size))
  return padded
}
