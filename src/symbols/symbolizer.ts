/** Exists as the one thing others use: names, lines and stacks for the addresses of a running program. */

import type { ReadMemory } from './cfi/expression.ts'
import type { RegisterFile } from './cfi/registers.ts'
import type { Stack } from './cfi/unwind.ts'
import { unwindStack } from './cfi/unwind.ts'
import type { NamedRange } from './elf-symbols.ts'
import type { ObjectPlace, Resources } from './object.ts'
import { ObjectFile } from './object.ts'

/** A loaded object. It covers the addresses `start` to `end` (exclusive) of the program; an address minus `bias` is one of the file. */
export interface LoadedModule {
  readonly path: string
  readonly bias: number
  /** The whole file; must not change. */
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/** What is known of an address. Without `module` it lies in no loaded object. */
export interface Description extends ObjectPlace {
  /** Path of the loaded object. */
  readonly module?: string
}

export interface SymbolizerOptions extends Resources {
  readonly modules: readonly LoadedModule[]
}

const DEFAULT_DEPTH = 1000

/** Answers questions about addresses of one program. Everything is parsed when first needed and kept. */
export class Symbolizer {
  private readonly modules: readonly LoadedModule[]
  private readonly resources: Resources
  /** By the bytes of the file, so that a changed list of modules keeps what has been parsed. */
  private readonly objects: Map<Uint8Array, ObjectFile>

  constructor(modules: readonly LoadedModule[], resources: Resources, objects: Map<Uint8Array, ObjectFile>) {
    this.modules = modules.toSorted((a, b) => a.start - b.start)
    this.resources = resources
    this.objects = objects
  }

  /** The same program after `dlopen`, `dlclose` or `exec`; what has been parsed is shared. */
  withModules(modules: readonly LoadedModule[]): Symbolizer {
    return new Symbolizer(modules, this.resources, this.objects)
  }

  /**
   * Names the instruction or datum at `address`: the innermost function, its source line, and the callers it was inlined into.
   * For a frame of a stack, pass `frame.lookup`.
   */
  describe(address: number): Description {
    const module = this.moduleAt(address)
    if (module === undefined) return {}
    return { module: module.path, ...this.objectOf(module).placeAt(address - module.bias) }
  }

  /** The ELF symbol that holds `address`, with its range in the program; its name is not demangled. */
  symbolAt(address: number): NamedRange | undefined {
    const module = this.moduleAt(address) ?? this.moduleBefore(address)
    const found = module && this.objectOf(module).symbolAt(address - module.bias)
    return found && module && { ...found, start: found.start + module.bias, end: found.end + module.bias }
  }

  /** Walks the stack of a thread; see {@link unwindStack}. */
  unwind(registers: RegisterFile, readMemory: ReadMemory, limit = DEFAULT_DEPTH): Stack {
    const code = {
      isCode: (address: number): boolean => this.moduleAt(address) !== undefined,
      functionStart: (address: number): number | undefined => this.symbolAt(address)?.start,
      row: (address: number) => {
        const module = this.moduleAt(address)
        return module && this.objectOf(module).rowAt(address - module.bias)
      },
    }
    return unwindStack(registers, readMemory, code, limit)
  }

  /** The loaded object at `address`. */
  moduleAt(address: number): LoadedModule | undefined {
    let low = 0
    let high = this.modules.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.modules[middle].start <= address) low = middle + 1
      else high = middle
    }
    const module = this.modules[low - 1]
    return module !== undefined && address < module.end ? module : undefined
  }

  /** The loaded object whose data goes on to `address`: what a program starts with as zeros is mapped from no file. */
  private moduleBefore(address: number): LoadedModule | undefined {
    const module = this.modules.findLast(({ start }) => start <= address)
    const segments = module && this.objectOf(module).file?.segments
    if (module === undefined || segments === undefined) return undefined
    const end = segments.reduce(
      (last, { type, vaddr, memsz }) => (type === 1 ? Math.max(last, vaddr + memsz) : last),
      0,
    )
    return address < end + module.bias ? module : undefined
  }

  /** The loaded objects, ascending in address. */
  get loaded(): readonly LoadedModule[] {
    return this.modules
  }

  /** What is known of a loaded object, for questions that describe and unwind do not answer. */
  objectFile(module: LoadedModule): ObjectFile {
    return this.objectOf(module)
  }

  /** What could not be read in the objects asked about so far, one line each. */
  problems(): string[] {
    return [...this.objects.values()].flatMap(({ problems }) => problems)
  }

  private objectOf(module: LoadedModule): ObjectFile {
    let object = this.objects.get(module.bytes)
    if (object === undefined) {
      object = new ObjectFile(module.path, module.bytes, this.resources)
      this.objects.set(module.bytes, object)
    }
    return object
  }
}

/** A symbolizer for the given modules. Costs nothing until asked. */
export function createSymbolizer({ modules, readDebugFile, inflate }: SymbolizerOptions): Symbolizer {
  return new Symbolizer(modules, { readDebugFile, inflate }, new Map())
}
