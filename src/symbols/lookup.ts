/** Exists to find what a name stands for anywhere in a program: the nearest meaning first, as the language would. */

import type { Entry } from './dwarf/entry.ts'
import type { NamedEntry, NameKind } from './dwarf/name-index.ts'
import { DW_AT, DW_TAG } from './dwarf/constants.ts'
import type { Unit } from './dwarf/unit.ts'
import type { LoadedModule, Symbolizer } from './symbolizer.ts'

/** An entry and the loaded object it is from. */
export interface Found {
  readonly entry: Entry
  readonly module: LoadedModule
}

/** Where a question is asked: names of this unit come before those of others. */
export interface Near {
  readonly module: LoadedModule
  readonly unit: Unit
}

/** Finds entries by name in all loaded objects. */
export class Lookup {
  readonly symbolizer: Symbolizer

  constructor(symbolizer: Symbolizer) {
    this.symbolizer = symbolizer
  }

  /**
   * The best meaning of `name` (with its scopes) among `kinds`: one of the unit near, then one that other units can see, then any.
   * Declarations count only where nothing else is found and `orDeclaration` is set.
   */
  find(name: string, kinds: readonly NameKind[], near?: Near, orDeclaration = false): Found | undefined {
    let declared: Found | undefined
    const consider = (one: NamedEntry, module: LoadedModule): Found | undefined => {
      if (!kinds.includes(one.kind)) return undefined
      const entry = this.symbolizer.objectFile(module).names?.entry(one)
      if (entry === undefined) return undefined
      if (!one.isDeclaration) return { entry, module }
      declared ??= { entry, module }
      return undefined
    }
    if (near !== undefined) {
      const names = this.symbolizer.objectFile(near.module).names
      for (const one of names?.inUnit(near.unit, name) ?? []) {
        const found = consider(one, near.module)
        if (found !== undefined) return found
      }
    }
    let hidden: Found | undefined
    for (const module of this.modules(near)) {
      const object = this.symbolizer.objectFile(module)
      const found = object.attempt(() => {
        for (const one of object.names?.everywhere(name) ?? []) {
          const candidate = consider(one, module)
          if (candidate === undefined) continue
          if (isVisible(candidate.entry)) return candidate
          hidden ??= candidate
        }
        return undefined
      })
      if (found !== undefined) return found
      if (hidden !== undefined) return hidden
    }
    return hidden ?? (orDeclaration ? declared : undefined)
  }

  /** All definitions of `name` among `kinds`. */
  findAll(name: string, kinds: readonly NameKind[]): Found[] {
    const all: Found[] = []
    for (const module of this.symbolizer.loaded) {
      const object = this.symbolizer.objectFile(module)
      object.attempt(() => {
        for (const one of object.names?.everywhere(name) ?? []) {
          if (kinds.includes(one.kind) && !one.isDeclaration) all.push({ entry: object.names!.entry(one), module })
        }
      })
    }
    return all
  }

  /** All definitions among `kinds` whose name (with its scopes) fits. */
  *fitting(fits: (name: string) => boolean, kinds: readonly NameKind[]): Generator<Found & { name: string }> {
    for (const module of this.modules(undefined)) {
      const object = this.symbolizer.objectFile(module)
      const found = object.attempt(() => [...(object.names?.fitting(fits) ?? [])]) ?? []
      for (const [name, one] of found)
        if (kinds.includes(one.kind)) yield { name, entry: object.names!.entry(one), module }
    }
  }

  /** The meaning of `name` in the units of a source file, given as the end of its path. */
  inFile(file: string, name: string, kinds: readonly NameKind[]): Found | undefined {
    for (const [module, unit] of this.unitsOfFile(file)) {
      const names = this.symbolizer.objectFile(module).names
      const one = names?.inUnit(unit, name).find(({ kind, isDeclaration }) => kinds.includes(kind) && !isDeclaration)
      if (one !== undefined) return { entry: names!.entry(one), module }
    }
    return undefined
  }

  /** The units whose source file ends in `file` (whole components). */
  *unitsOfFile(file: string): Generator<[LoadedModule, Unit]> {
    for (const module of this.symbolizer.loaded) {
      const object = this.symbolizer.objectFile(module)
      const units = object.attempt(() => object.debugging?.file.units.units) ?? []
      for (const unit of units) {
        const name = object.attempt(() => unit.root.name)
        if (name !== undefined && isPathEnd(name, file)) yield [module, unit]
      }
    }
  }

  /** The unit of the program's `main`, where questions without a frame are asked. */
  mainUnit(): Near | undefined {
    const found = this.find('main', ['function'])
    return found && { module: found.module, unit: found.entry.unit }
  }

  private *modules(near: Near | undefined): Generator<LoadedModule> {
    if (near !== undefined) yield near.module
    const seen = new Set<Uint8Array>(near === undefined ? [] : [near.module.bytes])
    for (const module of this.symbolizer.loaded) {
      if (seen.has(module.bytes)) continue
      seen.add(module.bytes)
      yield module
    }
  }
}

/** Whether other units can see it: types always. */
function isVisible(entry: Entry): boolean {
  if (entry.tag !== DW_TAG.variable && entry.tag !== DW_TAG.subprogram) return true
  return entry.isMarked(DW_AT.external)
}

/** Whether `path` ends in `file`, component by component. */
export function isPathEnd(path: string, file: string): boolean {
  return path === file || path.endsWith(`/${file}`)
}
