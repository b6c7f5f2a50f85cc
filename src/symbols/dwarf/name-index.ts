/** Exists to find variables, functions and types by name without reading every entry: one quick pass over the outer levels of a unit. */

import { canonicalTemplateName } from '../types/base-names.ts'
import type { ByteReader } from '../../elf/reader.ts'
import type { Abbreviation } from './abbreviations.ts'
import { DW_AT, DW_TAG, scopedLanguages } from './constants.ts'
import type { Entry } from './entry.ts'
import type { DwarfFile } from './file.ts'
import { readForm, skipForm } from './forms.ts'
import { highAddress } from './unit.ts'
import type { Unit } from './unit.ts'

/** What a name stands for. Structures, unions, classes and enumerations are tags: in C their names are apart from all others. */
export type NameKind = 'variable' | 'function' | 'tag' | 'typedef' | 'enumerator' | 'namespace'

/** An entry with a name, at the outer levels of a unit. */
export interface NamedEntry {
  readonly kind: NameKind
  readonly file: DwarfFile
  readonly unit: Unit
  readonly offset: number
  /** Something that is defined elsewhere. */
  readonly isDeclaration: boolean
}

const kinds: Readonly<Record<number, NameKind>> = {
  [DW_TAG.variable]: 'variable',
  [DW_TAG.subprogram]: 'function',
  [DW_TAG.structure_type]: 'tag',
  [DW_TAG.class_type]: 'tag',
  [DW_TAG.union_type]: 'tag',
  [DW_TAG.interface_type]: 'tag',
  [DW_TAG.enumeration_type]: 'tag',
  [DW_TAG.typedef]: 'typedef',
  [DW_TAG.base_type]: 'typedef',
  [DW_TAG.template_alias]: 'typedef',
  [DW_TAG.unspecified_type]: 'typedef',
  [DW_TAG.enumerator]: 'enumerator',
  [DW_TAG.namespace]: 'namespace',
  [DW_TAG.member]: 'variable',
}

/** The names of one file, unit by unit as they are needed. */
export class NameIndex {
  private readonly file: DwarfFile
  private readonly units = new Map<Unit, Map<string, NamedEntry[]>>()

  constructor(file: DwarfFile) {
    this.file = file
  }

  /** What `name` (with its scopes, `a::b`) stands for in one unit. */
  inUnit(unit: Unit, name: string, file = this.file): readonly NamedEntry[] {
    return this.namesOf(unit, file).get(canonicalTemplateName(name)) ?? []
  }

  /** What `name` stands for anywhere, unit by unit: whoever has enough stops asking. */
  *everywhere(name: string): Generator<NamedEntry> {
    for (const unit of [...this.file.units.units, ...this.file.typeUnits]) yield* this.inUnit(unit, name)
    const { supplementIfThere } = this.file
    for (const unit of supplementIfThere?.units.units ?? []) yield* this.inUnit(unit, name, supplementIfThere)
  }

  /** All names that begin with `prefix`, for completion. */
  *startingWith(prefix: string): Generator<string> {
    for (const unit of this.file.units.units)
      for (const name of this.namesOf(unit, this.file).keys()) if (name.startsWith(prefix)) yield name
  }

  /** All definitions whose name (with its scopes) fits. */
  *fitting(fits: (name: string) => boolean): Generator<[string, NamedEntry]> {
    for (const unit of this.file.units.units)
      for (const [name, entries] of this.namesOf(unit, this.file))
        if (fits(name)) for (const one of entries) if (!one.isDeclaration) yield [name, one]
  }

  entry({ file, unit, offset }: NamedEntry): Entry {
    return file.entry(offset, unit)
  }

  private namesOf(unit: Unit, file: DwarfFile): Map<string, NamedEntry[]> {
    let names = this.units.get(unit)
    if (names === undefined) {
      names = new Map()
      this.units.set(unit, names)
      new Scanner(file, unit, names).scan()
    }
    return names
  }
}

interface Scope {
  /** `a::b::`, or empty. */
  readonly prefix: string
  /** False inside of things whose names nobody asks for from outside. */
  readonly isOpen: boolean
}

/** Walks the outer levels of one unit. */
class Scanner {
  private readonly file: DwarfFile
  private readonly unit: Unit
  private readonly names: Map<string, NamedEntry[]>
  private readonly reader: ByteReader
  private readonly isScoped: boolean

  constructor(file: DwarfFile, unit: Unit, names: Map<string, NamedEntry[]>) {
    this.file = file
    this.unit = unit
    this.names = names
    this.reader = unit.reader(unit.rootOffset)
    this.isScoped = scopedLanguages.has(unit.root.language ?? 0)
  }

  scan(): void {
    const { reader, unit } = this
    const open: Scope[] = []
    let scope: Scope = { prefix: '', isOpen: true }
    while (reader.offset < unit.end) {
      const offset = reader.offset
      const abbreviation = unit.abbreviationAt(reader)
      if (abbreviation === undefined) {
        scope = open.pop() ?? scope
        if (open.length === 0) return
        continue
      }
      const inner = open.length === 0 ? this.skipRoot(abbreviation) : this.read(offset, abbreviation, scope)
      if (!abbreviation.hasChildren) {
        if (open.length === 0) return
        continue
      }
      if (inner === undefined) continue
      open.push(scope)
      scope = inner
    }
  }

  private skipRoot(abbreviation: Abbreviation): Scope {
    this.unit.skipAttributes(this.reader, abbreviation)
    return { prefix: '', isOpen: true }
  }

  /** Reads one entry; the scope of its children, or undefined when these have been stepped over. */
  private read(offset: number, abbreviation: Abbreviation, scope: Scope): Scope | undefined {
    const { reader, unit } = this
    const { tag, attributes, forms, constants } = abbreviation
    const kind = scope.isOpen ? kinds[tag] : undefined
    let name: string | undefined
    let isDeclaration = false
    let completes = false
    let sibling: number | undefined
    let exports = false
    let low: number | undefined
    let high: number | undefined
    for (let i = 0; i < attributes.length; i++) {
      switch (attributes[i]) {
        case DW_AT.name:
          if (kind === undefined) skipForm(reader, forms[i], unit)
          else name = readForm(reader, forms[i], constants[i], unit) as string | undefined
          break
        case DW_AT.declaration:
          isDeclaration = readForm(reader, forms[i], constants[i], unit) === 1
          break
        case DW_AT.sibling:
          sibling = readForm(reader, forms[i], constants[i], unit) as number
          break
        case DW_AT.export_symbols:
          exports = readForm(reader, forms[i], constants[i], unit) === 1
          break
        case DW_AT.specification:
        case DW_AT.abstract_origin:
          completes = true
          skipForm(reader, forms[i], unit)
          break
        case DW_AT.low_pc:
          low = readForm(reader, forms[i], constants[i], unit) as number
          break
        case DW_AT.high_pc:
          high = readForm(reader, forms[i], constants[i], unit) as number
          break
        default:
          skipForm(reader, forms[i], unit)
      }
    }
    if (kind === undefined) return this.leave(abbreviation, sibling)
    // What the linker threw away has the address 0, or an end before its start.
    if (tag === DW_TAG.subprogram && low === 0 && highAddress(abbreviation, low, high) !== undefined)
      isDeclaration = true
    if (tag === DW_TAG.member && !isDeclaration && !attributes.includes(DW_AT.external))
      return this.leave(abbreviation, sibling)
    if (completes && name === undefined) {
      const full = this.completedName(offset)
      if (full !== undefined) this.add(full, { kind, file: this.file, unit, offset, isDeclaration })
      return this.leave(abbreviation, sibling)
    }
    if (name !== undefined) {
      this.add(scope.prefix + name, {
        kind,
        file: this.file,
        unit,
        offset,
        isDeclaration: isDeclaration || tag === DW_TAG.member,
      })
    }
    switch (tag) {
      case DW_TAG.namespace:
        // Names of unnamed and inline namespaces are found without them.
        if (name === undefined || exports) return scope
        return { prefix: `${scope.prefix}${name}::`, isOpen: true }
      case DW_TAG.structure_type:
      case DW_TAG.class_type:
      case DW_TAG.union_type:
      case DW_TAG.interface_type:
        if (!this.isScoped) return this.leave(abbreviation, sibling)
        return { prefix: name === undefined ? scope.prefix : `${scope.prefix}${name}::`, isOpen: true }
      case DW_TAG.enumeration_type: {
        const isClass = attributes.includes(DW_AT.enum_class)
        return isClass && name !== undefined ? { prefix: `${scope.prefix}${name}::`, isOpen: true } : scope
      }
      default:
        return this.leave(abbreviation, sibling)
    }
  }

  /** Steps over the children where the compiler says how far they go; else they are walked without interest. */
  private leave({ hasChildren }: Abbreviation, sibling: number | undefined): Scope | undefined {
    if (!hasChildren) return undefined
    // Damaged files may lead back.
    if (sibling === undefined || sibling <= this.reader.offset) return { prefix: '', isOpen: false }
    this.reader.offset = sibling
    return undefined
  }

  /** The name of something declared elsewhere, with the scopes of its declaration. */
  private completedName(offset: number): string | undefined {
    const declared = this.file.entry(offset, this.unit).chain.at(-1)
    const name = declared?.text(DW_AT.name)
    if (name === undefined || declared === undefined) return undefined
    if (!this.isScoped) return name
    const scopes: string[] = []
    for (let at = declared.parent; at !== undefined; at = at.parent) {
      const isScope = at.isClass || (at.tag === DW_TAG.namespace && !at.flag(DW_AT.export_symbols))
      const around = isScope ? at.text(DW_AT.name) : undefined
      if (around !== undefined) scopes.unshift(around)
    }
    return [...scopes, name].join('::')
  }

  private add(written: string, entry: NamedEntry): void {
    const name = this.isScoped ? canonicalTemplateName(written) : written
    const known = this.names.get(name)
    if (known === undefined) this.names.set(name, [entry])
    else known.push(entry)
  }
}
