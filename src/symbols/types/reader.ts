/** Exists to read types from debugging information: entry by entry, and only as deep as somebody looks. */

import { DW_AT, DW_ATE, DW_TAG, scopedLanguages } from '../dwarf/constants.ts'
import type { Entry } from '../dwarf/entry.ts'
import { canonicalBaseName, canonicalTemplateName } from './base-names.ts'
import type {
  Access,
  ArrayType,
  BaseType,
  EnumType,
  FunctionType,
  Language,
  Member,
  Method,
  PointerType,
  QualifiedType,
  Qualifier,
  ReferenceType,
  StaticMember,
  StructType,
  Type,
  TypedefType,
  Variant,
} from './type.ts'
import { qualify, voidType } from './type.ts'

const RUST = 0x1c

/** The language of the unit that holds an entry. */
export function languageOf({ unit }: Entry): Language {
  const code = unit.root.language ?? 0
  if (code === RUST) return 'rust'
  return scopedLanguages.has(code) ? 'c++' : 'c'
}

const cache = new WeakMap<Entry, Type>()

/** The type that an entry describes; the same object for the same entry. No entry at all means void. */
export function typeAt(entry: Entry | undefined): Type {
  if (entry === undefined) return voidType
  let type = cache.get(entry)
  if (type === undefined) {
    // What lies in a type unit is only declared where it is used.
    const elsewhere = entry.reference(DW_AT.signature)
    type = elsewhere === undefined ? readType(entry) : typeAt(elsewhere)
    cache.set(entry, type)
  }
  return type
}

/** The type of a variable, a parameter or a member. */
export function typeOfEntry(entry: Entry): Type {
  return typeAt(entry.type)
}

/** Types that are written around others. */
const wrappers: ReadonlySet<number> = new Set([
  DW_TAG.pointer_type,
  DW_TAG.reference_type,
  DW_TAG.rvalue_reference_type,
  DW_TAG.const_type,
  DW_TAG.volatile_type,
  DW_TAG.restrict_type,
  DW_TAG.atomic_type,
  DW_TAG.typedef,
  DW_TAG.template_alias,
  DW_TAG.array_type,
  DW_TAG.subrange_type,
  DW_TAG.subroutine_type,
  DW_TAG.ptr_to_member_type,
])

/** No declaration is nested this deep: a type that seems to be leads to itself, in a damaged file. */
const DEEPEST = 100

function leadsToItself(entry: Entry): boolean {
  let at: Entry | undefined = entry
  for (let hops = 0; at !== undefined && wrappers.has(at.tag); hops++) {
    if (hops > DEEPEST) return true
    at = at.reference(DW_AT.type)
  }
  return false
}

function readType(entry: Entry): Type {
  const language = languageOf(entry)
  if (leadsToItself(entry)) return voidType
  const targetEntry = (): Entry | undefined => entry.reference(DW_AT.type)
  const lazy = <T extends Type>(rest: Omit<T, 'target'>): T =>
    ({
      ...rest,
      get target(): Type {
        return typeAt(targetEntry())
      },
    }) as unknown as T
  const qualified = (qualifier: Qualifier): Type => lazy<QualifiedType>({ kind: 'qualified', language, qualifier })
  switch (entry.tag) {
    case DW_TAG.base_type:
      return readBase(entry, language)
    case DW_TAG.pointer_type: {
      const name = language === 'rust' ? entry.text(DW_AT.name) : undefined
      return lazy<PointerType>({ kind: 'pointer', language, name })
    }
    case DW_TAG.reference_type:
      return lazy<ReferenceType>({ kind: 'reference', language, isRvalue: false })
    case DW_TAG.rvalue_reference_type:
      return lazy<ReferenceType>({ kind: 'reference', language, isRvalue: true })
    case DW_TAG.const_type:
      return qualified('const')
    case DW_TAG.volatile_type:
      return qualified('volatile')
    case DW_TAG.restrict_type:
      return qualified('restrict')
    case DW_TAG.atomic_type:
      return qualified('_Atomic')
    case DW_TAG.typedef:
    case DW_TAG.template_alias:
      return lazy<TypedefType>({ kind: 'typedef', language, name: qualifiedName(entry) ?? '' })
    case DW_TAG.structure_type:
    case DW_TAG.class_type:
    case DW_TAG.union_type:
    case DW_TAG.interface_type:
      return readStruct(entry, language)
    case DW_TAG.array_type:
      return readArray(entry, language)
    case DW_TAG.enumeration_type:
      return readEnum(entry, language)
    case DW_TAG.subroutine_type:
    case DW_TAG.subprogram:
      return functionTypeOf(entry)
    case DW_TAG.ptr_to_member_type:
      return {
        kind: 'member-pointer',
        language,
        get owner() {
          return typeAt(entry.reference(DW_AT.containing_type))
        },
        get target() {
          return typeAt(targetEntry())
        },
      }
    case DW_TAG.subrange_type:
      return typeAt(targetEntry())
    default:
      return { kind: 'void', language, name: entry.text(DW_AT.name) }
  }
}

function readBase(entry: Entry, language: Language): BaseType {
  const written = entry.text(DW_AT.name) ?? '<unnamed>'
  const size = entry.number(DW_AT.byte_size) ?? Math.ceil((entry.number(DW_AT.bit_size) ?? 0) / 8)
  const name = language === 'rust' ? written : canonicalBaseName(written)
  return { kind: 'base', language, name, size, encoding: entry.number(DW_AT.encoding) ?? DW_ATE.unsigned }
}

/** The name of a type, function or variable with the namespaces and classes around it; undefined if it has no name itself. */
function qualifiedName(entry: Entry): string | undefined {
  const name = entry.name
  if (name === undefined) return undefined
  if (languageOf(entry) === 'c') return name
  const scope = scopeName(entry)
  const full = scope === '' ? name : `${scope}::${name}`
  return languageOf(entry) === 'c++' ? canonicalTemplateName(full) : full
}

/** `a::b` around an entry; empty at the top. */
export function scopeName(entry: Entry): string {
  const declared = entry.chain.at(-1) ?? entry
  const parts: string[] = []
  for (let at = declared.parent; at !== undefined; at = at.parent) {
    if (at.tag === DW_TAG.namespace || at.tag === DW_TAG.module) parts.unshift(at.name ?? '(anonymous namespace)')
    else if (at.isClass || (at.tag === DW_TAG.enumeration_type && at.flag(DW_AT.enum_class))) {
      if (at.name !== undefined) parts.unshift(at.name)
    } else if (at.tag === DW_TAG.subprogram) {
      const around = scopeName(at)
      const own = at.name
      if (own !== undefined && languageOf(at) === 'c++') {
        const argument = functionTypeOf(at).parameters.length === 0 ? '()' : `(${argumentNames(at)})`
        parts.unshift(`${around === '' ? '' : `${around}::`}${own}${argument}`)
        return parts.join('::')
      }
      if (own !== undefined) parts.unshift(own)
    }
  }
  return parts.join('::')
}

function argumentNames(entry: Entry): string {
  return functionTypeOf(entry)
    .parameters.map((type) => ('name' in type && type.name !== undefined ? type.name : '...'))
    .join(', ')
}

function readStruct(entry: Entry, language: Language): StructType {
  const keyword = entry.tag === DW_TAG.union_type ? 'union' : entry.tag === DW_TAG.class_type ? 'class' : 'struct'
  const defaultAccess: Access = keyword === 'class' ? 'private' : 'public'
  let read: ReturnType<typeof readContents> | undefined
  const contents = (): ReturnType<typeof readContents> => (read ??= readContents(entry))
  return {
    kind: 'struct',
    language,
    keyword,
    name: qualifiedName(entry),
    size: entry.number(DW_AT.byte_size) ?? 0,
    isDeclaration: entry.flag(DW_AT.declaration),
    entry,
    access(of) {
      const code = of?.number(DW_AT.accessibility)
      return code === 1 ? 'public' : code === 2 ? 'protected' : code === 3 ? 'private' : defaultAccess
    },
    get members() {
      return contents().members
    },
    get statics() {
      return contents().statics
    },
    get methods() {
      return contents().methods
    },
    get typedefs() {
      return contents().typedefs
    },
    get variants() {
      return contents().variants
    },
  }
}

function readContents(struct: Entry): {
  members: Member[]
  statics: StaticMember[]
  methods: Method[]
  typedefs: TypedefType[]
  variants?: StructType['variants']
} {
  const members: Member[] = []
  const statics: StaticMember[] = []
  const methods: Method[] = []
  const typedefs: TypedefType[] = []
  let variants: StructType['variants']
  const access = (entry: Entry): Access => {
    const code = entry.number(DW_AT.accessibility)
    if (code === undefined) return struct.tag === DW_TAG.class_type ? 'private' : 'public'
    return code === 1 ? 'public' : code === 2 ? 'protected' : 'private'
  }
  for (const child of struct.children) {
    switch (child.tag) {
      case DW_TAG.member:
        // DWARF 4 has static members as members that are declarations.
        if (child.flag(DW_AT.external) || (child.flag(DW_AT.declaration) && !child.has(DW_AT.data_member_location)))
          statics.push(staticMember(child, members.length))
        else members.push(readMember(child))
        break
      case DW_TAG.variable:
        statics.push(staticMember(child, members.length))
        break
      case DW_TAG.inheritance:
        members.push(readMember(child))
        break
      case DW_TAG.typedef:
        typedefs.push(typeAt(child) as TypedefType)
        break
      case DW_TAG.subprogram: {
        const type = functionTypeOf(child)
        methods.push({
          name: child.name ?? '',
          type,
          isStatic: !child.has(DW_AT.object_pointer) && !isMethod(child),
          isVirtual: child.has(DW_AT.vtable_elem_location),
          isArtificial: child.flag(DW_AT.artificial),
          access: access(child),
          entry: child,
        })
        break
      }
      case DW_TAG.variant_part:
        variants = readVariants(child)
        break
      default:
    }
  }
  return { members, statics, methods, typedefs, variants }
}

function staticMember(entry: Entry, position: number): StaticMember {
  return {
    position,
    name: entry.name ?? '',
    entry,
    get type() {
      return typeOfEntry(entry)
    },
  }
}

function readMember(entry: Entry): Member {
  const isBase = entry.tag === DW_TAG.inheritance
  const located = entry.has(DW_AT.data_member_location)
  const offset = located ? memberOffset(entry) : 0
  const bitSize = entry.number(DW_AT.bit_size)
  let bits: Member['bits']
  if (bitSize !== undefined) {
    const dataBitOffset = entry.number(DW_AT.data_bit_offset)
    const oldOffset = entry.number(DW_AT.bit_offset)
    let start = (offset ?? 0) * 8 + (dataBitOffset ?? 0)
    if (dataBitOffset === undefined && oldOffset !== undefined) {
      // DWARF 2 and 3 count from the most significant bit of a storage unit.
      const storage = entry.number(DW_AT.byte_size) ?? entry.type?.number(DW_AT.byte_size) ?? 4
      start = (offset ?? 0) * 8 + storage * 8 - oldOffset - bitSize
    }
    bits = { size: bitSize, offset: start }
  }
  return {
    name: entry.text(DW_AT.name),
    get type() {
      return typeOfEntry(entry)
    },
    offset: bits === undefined ? offset : Math.floor(bits.offset / 8),
    ...(bits !== undefined && { bits }),
    isBase,
    isArtificial: entry.flag(DW_AT.artificial),
    entry,
  }
}

/** The constant offset; `DW_OP_plus_uconst N` is what old compilers write for it. */
function memberOffset(entry: Entry): number | undefined {
  const constant = entry.number(DW_AT.data_member_location)
  if (constant !== undefined) return constant
  const expression = entry.block(DW_AT.data_member_location)
  if (expression === undefined || expression[0] !== 0x23) return undefined
  let value = 0
  for (let i = 1, scale = 1; i < expression.length; i++, scale *= 128) {
    value += (expression[i] & 0x7f) * scale
    if (expression[i] < 0x80) return i === expression.length - 1 ? value : undefined
  }
  return undefined
}

function readVariants(part: Entry): StructType['variants'] {
  const discriminantEntry = part.reference(DW_AT.discr)
  const list: Variant[] = []
  for (const variant of part.children) {
    if (variant.tag !== DW_TAG.variant) continue
    const member = variant.children.find(({ tag }) => tag === DW_TAG.member)
    if (member !== undefined) list.push({ value: variant.constant(DW_AT.discr_value), member: readMember(member) })
  }
  return { discriminant: discriminantEntry && readMember(discriminantEntry), list }
}

function readArray(entry: Entry, language: Language): ArrayType {
  const ranges = entry.children.filter(({ tag }) => tag === DW_TAG.subrange_type || tag === DW_TAG.enumeration_type)
  const isVector = entry.flag(DW_AT.GNU_vector)
  const build = (i: number): ArrayType => {
    const range = ranges[i]
    return {
      kind: 'array',
      language,
      get element(): Type {
        return i + 1 < ranges.length ? build(i + 1) : typeAt(entry.reference(DW_AT.type))
      },
      ...(range !== undefined ? countOf(range) : { count: undefined }),
      isVector,
    }
  }
  return build(0)
}

function countOf(range: Entry): Pick<ArrayType, 'count' | 'bound'> {
  for (const attribute of [DW_AT.count, DW_AT.upper_bound]) {
    if (!range.has(attribute)) continue
    const constant = isReference(range, attribute) ? undefined : range.constant(attribute)
    if (constant === undefined) return { count: undefined, bound: { entry: range, attribute } }
    const lower = range.constant(DW_AT.lower_bound) ?? 0n
    const upper = BigInt.asIntN(64, constant)
    const count = attribute === DW_AT.count ? upper : upper - lower + 1n
    return { count: Number(count < 0n ? 0n : count) }
  }
  return { count: undefined }
}

/** Forms of references, as opposed to constants. */
function isReference(entry: Entry, attribute: number): boolean {
  const form = entry.form(attribute)!
  return (form >= 0x10 && form <= 0x15) || form === 0x20 || form === 0x1f20
}

function readEnum(entry: Entry, language: Language): EnumType {
  const name = qualifiedName(entry)
  const isClass = entry.flag(DW_AT.enum_class)
  const scope = language === 'c' ? '' : isClass ? (name ?? '') : scopeName(entry)
  const underlying = entry.reference(DW_AT.type)
  const type = underlying && typeAt(underlying)
  const size = entry.number(DW_AT.byte_size) ?? underlying?.number(DW_AT.byte_size) ?? 4
  let read: EnumType['enumerators'] | undefined
  const enumerators = (): EnumType['enumerators'] => {
    read ??= entry.children
      .filter(({ tag }) => tag === DW_TAG.enumerator)
      .map((child) => ({
        name: `${scope === '' ? '' : `${scope}::`}${child.name ?? ''}`,
        value: child.constant(DW_AT.const_value) ?? 0n,
      }))
    return read
  }
  return {
    kind: 'enum',
    language,
    name,
    size,
    isClass,
    isDeclaration: entry.flag(DW_AT.declaration),
    get enumerators() {
      return enumerators()
    },
    get isSigned() {
      return enumerators().some(({ value }) => value < 0n)
    },
    get isFlags() {
      return enumerators().every(({ value }) => value >= 0n && (value & (value - 1n)) === 0n)
    },
    ...(type !== undefined && { underlying: type }),
  }
}

/** Whether a member function has `this`. */
function isMethod(entry: Entry): boolean {
  const first = entry.children.find(({ tag }) => tag === DW_TAG.formal_parameter)
  return first?.isMarked(DW_AT.artificial) === true
}

/** The type of the function that an entry describes. */
export function functionTypeOf(entry: Entry): FunctionType {
  const language = languageOf(entry)
  const declared = entry.chain
  const withParameters =
    declared.find(({ children }) => children.some(({ tag }) => tag === DW_TAG.formal_parameter)) ?? entry
  const parameters = withParameters.children.filter(({ tag }) => tag === DW_TAG.formal_parameter)
  const isMethodType = parameters[0]?.isMarked(DW_AT.artificial) === true
  return {
    kind: 'function',
    language,
    get result() {
      return typeAt(entry.type)
    },
    get parameters() {
      const types = parameters.map((parameter) => typeOfEntry(parameter))
      // `this` cannot be changed; not all compilers say so.
      if (isMethodType && types[0].kind === 'pointer') types[0] = qualify(types[0], 'const')
      return types
    },
    isVariadic: withParameters.children.some(({ tag }) => tag === DW_TAG.unspecified_parameters),
    isPrototyped: entry.isMarked(DW_AT.prototyped) || language !== 'c',
    isMethod: isMethodType,
  }
}
