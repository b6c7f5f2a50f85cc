/** Exists to hold what is known of one object file: its symbols, debugging information and unwind tables, each read when first needed. */

import { LemmingError } from '../base/errors.ts'
import type { ElfFile } from '../elf/file.ts'
import { isElfError, parseElf } from '../elf/file.ts'
import type { Inflate } from '../elf/sections.ts'
import type { SymbolTable } from '../elf/symbol-table.ts'
import { UnwindTables } from './cfi/frame-table.ts'
import type { Row } from './cfi/row.ts'
import { rowAt } from './cfi/row.ts'
import { findDebugFile, findSupplement, miniDebugFile, openFile } from './debug-file.ts'
import { demangle } from './demangle/demangle.ts'
import type { CodePlace } from './dwarf/debug-info.ts'
import { DebugInfo } from './dwarf/debug-info.ts'
import { NameIndex } from './dwarf/name-index.ts'
import type { NamedRange, NamedSymbol } from './elf-symbols.ts'
import { ElfSymbols } from './elf-symbols.ts'

/** What an object needs from outside: files of the guest (or host) by path, and decompression. */
export interface Resources {
  readonly readDebugFile: (path: string) => Uint8Array | undefined
  readonly inflate: Inflate
}

/** A function at an instruction and the place in it. `symbol` is demangled; lines and columns count from 1. */
export interface FunctionPlace {
  readonly symbol?: string
  readonly file?: string
  readonly line?: number
  readonly column?: number
}

/** What is known of an address of an object: the innermost function first, then the callers that it was inlined into. */
export interface ObjectPlace extends FunctionPlace {
  /** Distance in bytes from the start of the ELF symbol that holds the address. */
  readonly offset?: number
  readonly inlined?: readonly FunctionPlace[]
}

/** One ELF file as far as names, lines and unwinding go. Addresses are without load bias. Damage is recorded in `problems`, not thrown. */
export class ObjectFile {
  /** What could not be read, one line each. */
  readonly problems: string[] = []
  private readonly path: string
  private readonly bytes: Uint8Array
  private readonly resources: Resources
  private elfCache: ElfFile | undefined
  private elfOpened = false
  private debugFileCache: ElfFile | undefined
  private debugFileSearched = false
  private symbolsCache: ElfSymbols | undefined
  private debugInfoCache: DebugInfo | null | undefined
  private unwindCache: UnwindTables | undefined
  private namesCache: NameIndex | undefined
  private readonly places = new Map<number, ObjectPlace>()
  private readonly rows = new Map<number, Row | undefined>()

  constructor(path: string, bytes: Uint8Array, resources: Resources) {
    this.path = path
    this.bytes = bytes
    this.resources = resources
  }

  /** Function, inlined callers and source line at `address`; an empty place if nothing is known. */
  placeAt(address: number): ObjectPlace {
    let place = this.places.get(address)
    if (place === undefined) {
      place = this.findPlace(address)
      this.places.set(address, place)
    }
    return place
  }

  /** The symbol whose range holds `address`, its name as in the file (mangled). */
  symbolAt(address: number): NamedRange | undefined {
    return this.attempt(() => this.symbols?.find(address))
  }

  /** The unwind rules at `address`. */
  rowAt(address: number): Row | undefined {
    if (!this.rows.has(address)) this.rows.set(address, this.findRow(address))
    return this.rows.get(address)
  }

  /** The debugging information, of the file itself or its separate debug file. */
  get debugging(): DebugInfo | undefined {
    return this.attempt(() => this.debugInfo)
  }

  /** Variables, functions and types by name. */
  get names(): NameIndex | undefined {
    const { debugging } = this
    if (this.namesCache === undefined && debugging !== undefined) this.namesCache = new NameIndex(debugging.file)
    return this.namesCache
  }

  /** The file itself; undefined if it is no ELF. */
  get file(): ElfFile | undefined {
    return this.elf
  }

  /** The symbol called `name` as in the file (mangled). */
  symbolNamed(name: string): NamedSymbol | undefined {
    return this.attempt(() => this.symbols?.named(name))
  }

  private findPlace(address: number): ObjectPlace {
    const named = this.symbolAt(address)
    const code = this.attempt(() => this.debugInfo?.at(address)) ?? []
    const places = code.map((entry, i) => functionPlace(entry, i === code.length - 1 ? named?.name : undefined))
    const innermost: FunctionPlace = places[0] ?? (named === undefined ? {} : { symbol: demangle(named.name) })
    return {
      ...innermost,
      ...(named && { offset: address - named.start }),
      ...(places.length > 1 && { inlined: places.slice(1) }),
    }
  }

  private findRow(address: number): Row | undefined {
    const elf = this.elf
    if (elf === undefined) return undefined
    this.unwindCache ??= new UnwindTables(
      elf,
      this.hasOwnDebugInfo ? undefined : () => this.debugFile,
      this.resources.inflate,
    )
    const found = this.unwindCache.find(address)
    return found && rowAt(found, address)
  }

  private get elf(): ElfFile | undefined {
    if (!this.elfOpened) {
      this.elfOpened = true
      this.elfCache = this.attempt(() => parseElf(this.bytes, this.path))
    }
    return this.elfCache
  }

  private get hasOwnDebugInfo(): boolean {
    const { elf } = this
    return elf !== undefined && this.attempt(() => DebugInfo.isIn(elf)) === true
  }

  private get debugFile(): ElfFile | undefined {
    if (!this.debugFileSearched) {
      this.debugFileSearched = true
      const { elf } = this
      if (elf !== undefined) this.debugFileCache = this.attempt(() => findDebugFile(elf, this.resources.readDebugFile))
    }
    return this.debugFileCache
  }

  private get symbols(): ElfSymbols | undefined {
    const { elf } = this
    if (this.symbolsCache === undefined && elf !== undefined) {
      const full = elf.symtab() ?? this.debugFile?.symtab()
      // "MiniDebugInfo": the names of functions that are in no other table.
      const small = full === undefined ? this.attempt(() => miniDebugFile(elf)?.symtab()) : undefined
      const tables = [full, small, elf.dynsym()].filter((table): table is SymbolTable => table !== undefined)
      this.symbolsCache = new ElfSymbols(elf, tables)
    }
    return this.symbolsCache
  }

  private get debugInfo(): DebugInfo | undefined {
    if (this.debugInfoCache === undefined) {
      this.debugInfoCache = null
      const file = this.hasOwnDebugInfo ? this.elf : this.debugFile
      if (file !== undefined && DebugInfo.isIn(file))
        this.debugInfoCache = new DebugInfo(
          file,
          this.resources.inflate,
          () => findSupplement(file, this.resources.readDebugFile),
          (path) => openFile(path, this.resources.readDebugFile(path)),
        )
    }
    return this.debugInfoCache ?? undefined
  }

  /** Runs `read`; damage in the file is recorded once and gives undefined. */
  attempt<T>(read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      const isDamage = isElfError(error) || (error instanceof LemmingError && error.code.startsWith('dwarf-'))
      if (!isDamage) throw error
      if (!this.problems.includes(error.message)) this.problems.push(error.message)
      return undefined
    }
  }
}

/**
 * The name is the one in the debugging information. Where that has no linker's name (functions of unnamed namespaces, or of C), a mangled
 * ELF symbol says more, as it has the parameters; `elfName` is that of the function which holds the code.
 */
function functionPlace({ name, source }: CodePlace, elfName: string | undefined): FunctionPlace {
  const withoutClone = elfName?.replace(/\..*$/, '')
  const isMangled = withoutClone !== undefined && /^_[ZR]/.test(withoutClone)
  const linkage = name.linkage ?? (isMangled ? withoutClone : undefined)
  const symbol = linkage === undefined ? (name.qualified ?? withoutClone) : demangle(linkage)
  return { ...(symbol !== undefined && { symbol }), ...source }
}
