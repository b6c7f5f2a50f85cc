/** Exists to say what kinds of types there are, as values: from DWARF, from C declarations, or made up by an expression. */

import { DW_ATE } from '../dwarf/constants.ts'
import type { Entry } from '../dwarf/entry.ts'

/** The language a type comes from, which decides how it and its values are written. */
export type Language = 'c' | 'c++' | 'rust'

/** Integers, characters, booleans, floating-point and complex numbers; `encoding` is one of DW_ATE. */
export interface BaseType {
  readonly kind: 'base'
  readonly language: Language
  readonly name: string
  readonly size: number
  readonly encoding: number
  /** A byte that is no character. */
  readonly isNumber?: boolean
  /** For registers of flags: what each bit is called. */
  readonly flags?: ReadonlyMap<number, string>
}

export interface VoidType {
  readonly kind: 'void'
  readonly language: Language
  /** For unspecified types such as `decltype(nullptr)`; a plain void has none. */
  readonly name?: string
  /** For data of which only the linker's symbol is known: that symbol. */
  readonly symbol?: string
}

export interface PointerType {
  readonly kind: 'pointer'
  readonly language: Language
  readonly target: Type
  /** Rust names its pointers: `&mut i32`. */
  readonly name?: string
}

export interface ReferenceType {
  readonly kind: 'reference'
  readonly language: Language
  readonly target: Type
  readonly isRvalue: boolean
}

export type Qualifier = 'const' | 'volatile' | 'restrict' | '_Atomic'

export interface QualifiedType {
  readonly kind: 'qualified'
  readonly language: Language
  readonly qualifier: Qualifier
  readonly target: Type
}

export interface TypedefType {
  readonly kind: 'typedef'
  readonly language: Language
  readonly name: string
  readonly target: Type
}

/** A data member or a base class. */
export interface Member {
  readonly name: string | undefined
  readonly type: Type
  /** Bytes from the start of the whole; undefined where only an expression says it (virtual bases). */
  readonly offset: number | undefined
  /** A bit-field: its width, and its first bit, from the start of the whole. */
  readonly bits?: { readonly size: number; readonly offset: number }
  readonly isBase: boolean
  readonly isArtificial: boolean
  /** The entry, for offsets that must be computed. */
  readonly entry?: Entry
}

/** A member of a class that is a variable of its own. */
export interface StaticMember {
  readonly name: string
  /** How many data members and bases are declared before it. */
  readonly position: number
  readonly type: Type
  readonly entry: Entry
}

export interface Method {
  readonly name: string
  readonly type: FunctionType
  readonly isStatic: boolean
  readonly isVirtual: boolean
  readonly isArtificial: boolean
  readonly access: Access
  readonly entry: Entry
}

export type Access = 'public' | 'protected' | 'private'

/** One of the shapes of a Rust enum. */
export interface Variant {
  /** The discriminant; undefined for the one that has all the others. */
  readonly value: bigint | undefined
  readonly member: Member
}

export interface StructType {
  readonly kind: 'struct'
  readonly language: Language
  readonly keyword: 'struct' | 'class' | 'union'
  /** With its scopes; undefined for types without a name. */
  readonly name: string | undefined
  readonly size: number
  /** Declared and never defined, as far as is known. */
  readonly isDeclaration: boolean
  readonly members: readonly Member[]
  readonly statics: readonly StaticMember[]
  readonly methods: readonly Method[]
  readonly typedefs: readonly TypedefType[]
  readonly access: (entry: Entry | undefined) => Access
  /** For Rust enums: which member is the discriminant, and what follows from it. */
  readonly variants?: { readonly discriminant: Member | undefined; readonly list: readonly Variant[] }
  readonly entry?: Entry
}

export interface ArrayType {
  readonly kind: 'array'
  readonly language: Language
  readonly element: Type
  /** Undefined for `[]`. */
  readonly count: number | undefined
  /** For variable-length arrays: the attribute that has the bound, and whether it is a count. */
  readonly bound?: { readonly entry: Entry; readonly attribute: number }
  readonly isVector: boolean
  /** Made by the debugger (`x@3`, string literals), not by a declaration. */
  readonly name?: string
}

export interface Enumerator {
  readonly name: string
  readonly value: bigint
}

export interface EnumType {
  readonly kind: 'enum'
  readonly language: Language
  readonly name: string | undefined
  readonly size: number
  readonly isSigned: boolean
  readonly isClass: boolean
  readonly isDeclaration: boolean
  readonly enumerators: readonly Enumerator[]
  /** All values are single bits, so that combinations have a meaning. */
  readonly isFlags: boolean
  readonly underlying?: Type
}

export interface FunctionType {
  readonly kind: 'function'
  readonly language: Language
  readonly result: Type
  readonly parameters: readonly Type[]
  readonly isVariadic: boolean
  readonly isPrototyped: boolean
  /** The first parameter is `this`. */
  readonly isMethod?: boolean
}

export interface MemberPointerType {
  readonly kind: 'member-pointer'
  readonly language: Language
  readonly owner: Type
  readonly target: Type
}

export type Type =
  | BaseType
  | VoidType
  | PointerType
  | ReferenceType
  | QualifiedType
  | TypedefType
  | StructType
  | ArrayType
  | EnumType
  | FunctionType
  | MemberPointerType

/** The type behind qualifiers and typedefs. */
export function stripped(type: Type): Exclude<Type, QualifiedType | TypedefType> {
  let at = type
  for (let hops = 0; at.kind === 'qualified' || at.kind === 'typedef'; hops++) {
    if (hops > 100) return voidType
    at = at.target
  }
  return at
}

/** Bytes that a value takes; 1 for void and functions, as GNU C has it. */
export function sizeOf(type: Type): number {
  const plain = stripped(type)
  switch (plain.kind) {
    case 'base':
    case 'enum':
    case 'struct':
      return plain.size
    case 'pointer':
    case 'reference':
      return 8
    case 'member-pointer':
      return stripped(plain.target).kind === 'function' ? 16 : 8
    case 'array':
      return (plain.count ?? 0) * sizeOf(plain.element)
    case 'void':
    case 'function':
      return 1
  }
}

export const voidType: VoidType = { kind: 'void', language: 'c' }

function base(name: string, size: number, encoding: number): BaseType {
  return { kind: 'base', language: 'c', name, size, encoding }
}

/** The arithmetic types of C on x86-64, by gdb's names for them. */
export const C = {
  bool: base('bool', 1, DW_ATE.boolean),
  char: base('char', 1, DW_ATE.signed_char),
  signedChar: base('signed char', 1, DW_ATE.signed_char),
  unsignedChar: base('unsigned char', 1, DW_ATE.unsigned_char),
  short: base('short', 2, DW_ATE.signed),
  unsignedShort: base('unsigned short', 2, DW_ATE.unsigned),
  int: base('int', 4, DW_ATE.signed),
  unsignedInt: base('unsigned int', 4, DW_ATE.unsigned),
  long: base('long', 8, DW_ATE.signed),
  unsignedLong: base('unsigned long', 8, DW_ATE.unsigned),
  longLong: base('long long', 8, DW_ATE.signed),
  unsignedLongLong: base('unsigned long long', 8, DW_ATE.unsigned),
  int128: base('__int128', 16, DW_ATE.signed),
  unsignedInt128: base('unsigned __int128', 16, DW_ATE.unsigned),
  float: base('float', 4, DW_ATE.float),
  double: base('double', 8, DW_ATE.float),
  longDouble: base('long double', 16, DW_ATE.float),
  wchar: base('wchar_t', 4, DW_ATE.signed),
  char16: base('char16_t', 2, DW_ATE.utf),
  char32: base('char32_t', 4, DW_ATE.utf),
} as const

export function pointerTo(target: Type, language: Language = target.language): PointerType {
  return { kind: 'pointer', language, target }
}

export function arrayOf(element: Type, count: number | undefined, isVector = false): ArrayType {
  return { kind: 'array', language: element.language, element, count, isVector }
}

export function qualify(target: Type, qualifier: Qualifier): QualifiedType {
  return { kind: 'qualified', language: target.language, qualifier, target }
}

/** Whether values are integers of some sort: also characters, booleans and enumerations. */
export function isIntegral(type: Type): boolean {
  const plain = stripped(type)
  return plain.kind === 'enum' || (plain.kind === 'base' && !isFloating(plain))
}

export function isFloating(type: Type): boolean {
  const plain = stripped(type)
  if (plain.kind !== 'base') return false
  return plain.encoding === DW_ATE.float || plain.encoding === DW_ATE.decimal_float
}

export function isComplex(type: Type): boolean {
  const plain = stripped(type)
  return plain.kind === 'base' && plain.encoding === DW_ATE.complex_float
}

/** Whether an integral type has negative values. */
export function isSigned(type: Type): boolean {
  const plain = stripped(type)
  if (plain.kind === 'enum') return plain.isSigned
  return plain.kind === 'base' && (plain.encoding === DW_ATE.signed || plain.encoding === DW_ATE.signed_char)
}

const textNames: ReadonlySet<string> = new Set(['wchar_t', 'char16_t', 'char32_t'])

/** Whether values are shown as characters, and arrays of them as strings: bytes, and the wide character types by name. */
export function isTextual(type: Type): boolean {
  for (let at = type; ;) {
    if (at.kind === 'typedef' && textNames.has(at.name)) return true
    if (at.kind === 'qualified' || at.kind === 'typedef') at = at.target
    else if (at.kind !== 'base') return false
    else {
      const { encoding, size, name } = at
      if (textNames.has(name) || encoding === DW_ATE.utf) return true
      if (at.isNumber === true) return false
      return size === 1 && isIntegral(at) && encoding !== DW_ATE.boolean && at.language !== 'rust'
    }
  }
}
