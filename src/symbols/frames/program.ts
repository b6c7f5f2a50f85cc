/** Exists to make values of variables: what the debugging information locates, read from a thread at one moment. */

import { LemmingError } from '../../base/errors.ts'
import { demangle } from '../demangle/demangle.ts'
import { DW_AT } from '../dwarf/constants.ts'
import type { Entry } from '../dwarf/entry.ts'
import { compute } from '../locations/expression.ts'
import type { Location } from '../locations/location.ts'
import type { Found, Lookup, Near } from '../lookup.ts'
import type { LoadedModule } from '../symbolizer.ts'
import { typeName } from '../types/names.ts'
import { functionTypeOf, languageOf, typeAt, typeOfEntry } from '../types/reader.ts'
import type { ArrayType, Language, Member, StructType, Type } from '../types/type.ts'
import { sizeOf, stripped } from '../types/type.ts'
import { bytesOf } from '../locations/typed.ts'
import type { Space } from '../values/space.ts'
import { isMissing } from '../values/space.ts'
import { dereference, lostValue, Value } from '../values/value.ts'
import { expressionOf, frameRegister, locateEntry, locationContext } from './context.ts'
import type { InspectedFrame } from './frame.ts'
import { functionAt } from './function-at.ts'
import type { ThreadState } from './thread.ts'
import { readAll } from './thread.ts'

/** The program at one moment, from one frame of one thread, or from none. */
export class ProgramView implements Space {
  readonly lookup: Lookup
  readonly frame: InspectedFrame | undefined
  readonly thread: ThreadState | undefined
  /** Bounds variables that are defined by one another. */
  private depth = 0
  private languageCache: Language | undefined
  private readonly completed = new Map<string, Type>()

  readonly lenient: boolean

  constructor(lookup: Lookup, frame: InspectedFrame | undefined, thread: ThreadState | undefined, lenient = false) {
    this.lookup = lookup
    this.lenient = lenient
    this.frame = frame
    this.thread = thread ?? frame?.thread
  }

  /** The unit that the frame's function is in, or `main`'s. */
  get near(): Near | undefined {
    const { frame } = this
    if (frame?.at !== undefined && frame.blocks.length > 0)
      return { module: frame.at, unit: frame.blocks[0].entry.unit }
    return frame === undefined ? this.lookup.mainUnit() : undefined
  }

  get language(): Language {
    if (this.languageCache === undefined) {
      const { near } = this
      const root = near && this.lookup.symbolizer.objectFile(near.module).debugging?.file.root(near.unit)
      this.languageCache = root === undefined ? 'c' : languageOf(root)
    }
    return this.languageCache
  }

  memory(address: number, size: number): Uint8Array {
    if (this.thread === undefined)
      throw new LemmingError('expression-frame', 'No thread is selected: there is no memory to read.')
    return readAll(this.thread, address, size)
  }

  register(number: number): Uint8Array | undefined {
    return this.frame && frameRegister(this.frame, number)
  }

  symbolic(address: number): string | undefined {
    const symbol = this.lookup.symbolizer.symbolAt(address)
    if (symbol === undefined || symbol.isDataLabel === true) return undefined
    const distance = address - symbol.start
    return `${this.symbolName(symbol.name, address)}${distance === 0 ? '' : `+${distance}`}`
  }

  /** gdb names functions of C++ with their parameters, also those that are not mangled. */
  private symbolName(name: string, address: number): string {
    const { symbolizer } = this.lookup
    const module = name.startsWith('_') ? undefined : symbolizer.moduleAt(address)
    const entry = module && functionAt(symbolizer.objectFile(module), address - module.bias)
    // Static variables of functions have a number for the linker, which their debugging information has not.
    const isNumbered = entry === undefined && /^[^.]+\.\d+$/.test(name)
    if (isNumbered && module && symbolizer.objectFile(module).debugging) return name.replace(/\.\d+$/, '')
    if (entry === undefined || languageOf(entry) !== 'c++') return demangle(name)
    return `${name}(${functionTypeOf(entry)
      .parameters.map((type) => typeName(type))
      .join(', ')})`
  }

  implicit(location: Location & { kind: 'implicit-pointer' }, type: Type): Value {
    const { frame } = this
    const module = frame?.at ?? this.lookup.symbolizer.loaded[0]
    const whole = this.variable({ entry: location.entry, module })
    return location.offset === 0 ? whole.as(type) : whole.part(type, location.offset)
  }

  complete<T extends Type>(type: T): T {
    if ((type.kind !== 'struct' && type.kind !== 'enum') || !type.isDeclaration || type.name === undefined) return type
    const known = this.completed.get(type.name)
    if (known !== undefined) return known as T
    const found = this.lookup.find(type.name, ['tag'], this.near)
    const whole = found === undefined ? type : typeAt(found.entry)
    this.completed.set(type.name, whole)
    return whole as T
  }

  staticMember(of: StructType, name: string): Value | undefined {
    const declared = of.statics.find((one) => one.name === name)
    if (declared === undefined) return undefined
    const full = of.name === undefined ? name : `${of.name}::${name}`
    const found = this.lookup.find(full, ['variable'], this.near)
    const value = found && this.variable(found)
    if (value !== undefined && value.location.kind !== 'optimized-out') return value
    const module = this.near?.module ?? this.lookup.symbolizer.loaded[0]
    const constant = module && this.variable({ entry: declared.entry, module })
    return constant?.location.kind === 'optimized-out' ? undefined : constant
  }

  memberOffset(object: Value, member: Member): number {
    const { entry } = member
    const address = object.address
    const expression = entry?.block(DW_AT.data_member_location)
    const module = this.near?.module ?? this.lookup.symbolizer.loaded[0]
    if (entry === undefined || expression === undefined || address === undefined || module === undefined)
      throw new LemmingError('expression-type', `the place of ${member.name ?? 'a base class'} cannot be computed`)
    const context = this.contextFor(module, address)
    return Number(compute(expression, entry.file, entry.unit, context, address)) - address
  }

  /** The value of a variable or parameter. What cannot be computed becomes a value that is optimised out. */
  variable({ entry, module }: Found): Value {
    const context = this.contextFor(module)
    const type = this.resolved(typeOfEntry(entry), module)
    const constant = entry.chain.find((one) => one.has(DW_AT.const_value))
    const isLocated = entry.chain.some((one) => one.has(DW_AT.location))
    if (constant !== undefined && !isLocated) return Value.of(type, constantBytes(constant, sizeOf(type)), this)
    try {
      return new Value(type, locateEntry(entry, context, this.frame), this)
    } catch (error) {
      if (error instanceof LemmingError && error.code === 'expression-optimized-out') return lostValue(type, this)
      throw error
    }
  }

  /** The type with the bounds of variable-length arrays filled in, as they are now. */
  resolved(type: Type, module: LoadedModule | undefined, hops = 0): Type {
    if (hops > 20 || module === undefined) return type
    switch (type.kind) {
      case 'array':
        return this.resolvedArray(type, module, hops)
      case 'qualified':
      case 'typedef': {
        const target = this.resolved(type.target, module, hops + 1)
        return target === type.target ? type : { ...type, target }
      }
      case 'pointer':
      case 'reference': {
        if (!leadsToArray(type.target)) return type
        const target = this.resolved(type.target, module, hops + 1)
        return target === type.target ? type : { ...type, target }
      }
      default:
        return type
    }
  }

  private resolvedArray(type: ArrayType, module: LoadedModule, hops: number): ArrayType {
    const element = leadsToArray(type.element) ? this.resolved(type.element, module, hops + 1) : type.element
    if (type.bound === undefined) return element === type.element ? type : { ...type, element }
    const bound = this.boundOf(type.bound, module)
    const count =
      bound === undefined ? undefined : Math.max(0, type.bound.attribute === DW_AT.count ? bound : bound + 1)
    const open = count === undefined ? { bound: type.bound } : {}
    return { kind: 'array', language: type.language, isVector: type.isVector, element, count, ...open }
  }

  private boundOf({ entry, attribute }: { entry: Entry; attribute: number }, module: LoadedModule): number | undefined {
    try {
      const variable = isReference(entry.form(attribute)) ? entry.reference(attribute) : undefined
      if (variable !== undefined) return Number(this.integerOf(variable, module))
      const expression = expressionOf(entry, attribute, this.frame && this.frame.lookup - module.bias)
      if (expression === undefined) return undefined
      return Number(BigInt.asIntN(64, compute(expression, entry.file, entry.unit, this.contextFor(module))))
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error
    }
  }

  private integerOf(entry: Entry, module: LoadedModule): bigint {
    if (this.depth > 8)
      throw new LemmingError('dwarf-location', `variables at ${entry.place} are defined by one another`)
    this.depth++
    try {
      const value = this.variable({ entry, module })
      return stripped(value.type).kind === 'reference' ? dereference(value).integer() : value.integer()
    } finally {
      this.depth--
    }
  }

  private contextFor(module: LoadedModule, object?: number): ReturnType<typeof locationContext> {
    return locationContext({
      symbolizer: this.lookup.symbolizer,
      module,
      thread: this.thread,
      frame: this.frame,
      object,
      variable: (entry) => this.integerOf(entry, module),
    })
  }
}

function leadsToArray(type: Type): boolean {
  let at = type
  for (let hops = 0; hops < 20; hops++) {
    if (at.kind === 'array') return true
    if (at.kind !== 'qualified' && at.kind !== 'typedef' && at.kind !== 'pointer') return false
    at = at.target
  }
  return false
}

function isReference(form: number | undefined): boolean {
  return form !== undefined && ((form >= 0x10 && form <= 0x15) || form === 0x20 || form === 0x1f20)
}

/** The bytes of `DW_AT_const_value`: an integer, a block, or a string. */
function constantBytes(entry: Entry, size: number): Uint8Array {
  const block = entry.block(DW_AT.const_value)
  if (block !== undefined) {
    const bytes = new Uint8Array(size)
    bytes.set(block.subarray(0, size))
    return bytes
  }
  const text = entry.text(DW_AT.const_value)
  if (text !== undefined) {
    const bytes = new Uint8Array(size)
    bytes.set(new TextEncoder().encode(text).subarray(0, size))
    return bytes
  }
  return bytesOf(entry.constant(DW_AT.const_value) ?? 0n, size)
}
