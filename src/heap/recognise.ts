/** Exists to find the allocation functions of a loaded object by its symbols, and to tell the libraries' own from those that a program brings along. */
import { isElfError, parseElf, type ElfFile } from '../elf/file.ts'
import { PF, PT, SHN, STT } from '../elf/constants.ts'
import type { SymbolTable } from '../elf/symbol-table.ts'
import { PAGE_SIZE } from '../engine/layout.ts'
import { pltSymbols } from '../symbols/plt.ts'
import { requestsIn } from './requests.ts'
import { allocationFunction, copyingFunction, FUNCTIONS, isOperator, rustFunction } from './functions.ts'

/** What an object file says. Addresses are without load bias. */
export interface Recognised {
  /** Index in FUNCTIONS by address: the C library's and the C++ library's. */
  functions: [number, number][]
  /** Operators new and delete of the C++ library. */
  operators: [number, number][]
  /** It brings operators new or delete of its own. */
  ownOperators: boolean
  musl: boolean
  /** Functions of different families are the same code. */
  mixed: boolean
  /** Code of the C library's string functions: [start, end). */
  strings: [number, number][]
  /** A program with the C library in itself. */
  isStatic: boolean
  /** Offsets in the file of instructions that make client requests. */
  requests: number[]
}

const C_LIBRARY = /^(libc\.so\.6|libc-2\.\d+\.so|libc\.so|libc\.musl-.*|ld-musl-.*)$/
/** glibc's dynamic linker, which has string functions of its own. */
const LINKER = /^ld-(linux|2\.)/
const MUSL = /musl|^libc\.so$/
const STRING_FUNCTION = /^_*(?:str|stp|mem|rawmem|wcs|wcp|wmem)/
/** Libraries that are there to take the place of the C library's allocator, most often by LD_PRELOAD. */
const ALLOCATOR_LIBRARY = /^lib(?:jemalloc|mimalloc|tcmalloc)[\w.-]*\.so/
const CXX_LIBRARY = /^(libstdc\+\+|libc\+\+|libc\+\+abi)\.so/

/** Is this the dynamic linker, whose allocator is its own? */
export function isLinker(path: string): boolean {
  return LINKER.test(path.slice(path.lastIndexOf('/') + 1))
}

/**
 * The functions of `bytes`, loaded from `path`. A shared C or C++ library is known by its name. A program that contains them is known by symbols that only
 * they have: what a program defines itself is a custom allocator, which nobody replaces.
 */
function recognise(bytes: Uint8Array, path: string, isProgram: boolean): Recognised {
  const found: Recognised = {
    functions: [],
    operators: [],
    ownOperators: false,
    musl: false,
    mixed: false,
    strings: [],
    isStatic: false,
    requests: requestsIn(bytes),
  }
  try {
    collect(parseElf(bytes, path), path.slice(path.lastIndexOf('/') + 1), isProgram, found)
  } catch (error) {
    // The kernel loads what it can; symbols are another matter.
    if (!isElfError(error)) throw error
  }
  return found
}

function collect(elf: ElfFile, name: string, isProgram: boolean, found: Recognised): void {
  const isCLibrary = C_LIBRARY.test(name)
  const isAllocator = ALLOCATOR_LIBRARY.test(name)
  const isCxxLibrary = CXX_LIBRARY.test(name) || isAllocator
  const isStatic = isProgram && elf.interpreter() === undefined
  found.isStatic = isStatic
  const all = elf.symtab()
  const dynamic = elf.dynsym()
  // Without these the functions in a program are its own.
  const hasC = isCLibrary || isAllocator || (isStatic && all?.find('__libc_malloc') !== undefined)
  const hasCxx = isCxxLibrary || (isProgram && (all ?? dynamic)?.find('_ZSt15get_new_handlerv') !== undefined)
  const seen = new Map<number, number>()
  for (const table of [dynamic, all]) if (table !== undefined) each(table)
  function each(symbols: SymbolTable): void {
    for (let i = 1; i < symbols.count; i++) {
      const type = symbols.typeOf(i)
      if (type !== STT.FUNC || symbols.sectionOf(i) === SHN.UNDEF) continue
      const name = symbols.nameOf(i)
      if (hasC && !isCLibrary && !isAllocator && STRING_FUNCTION.test(name))
        found.strings.push([symbols.valueOf(i), symbols.valueOf(i) + symbols.sizeOf(i)])
      const rust = rustFunction(name)
      if (rust !== undefined) found.functions.push([symbols.valueOf(i), rust])
      const index = allocationFunction(name)
      if (index === undefined) continue
      const operator = isOperator(index)
      const theirs = operator ? hasCxx : hasC
      if (!theirs) {
        if (operator) found.ownOperators = true
        continue
      }
      const address = symbols.valueOf(i)
      const known = seen.get(address)
      if (known !== undefined) {
        // The same code for free and delete: who made a block does not tell who must free it.
        if (FUNCTIONS[known]!.family !== FUNCTIONS[index]!.family) found.mixed = true
        // Where memalign and aligned_alloc are the same, both take any alignment.
        if (FUNCTIONS[index]!.action === 'alignedUp')
          for (const one of found.functions) if (one[0] === address) one[1] = index
        continue
      }
      seen.set(address, index)
      ;(operator ? found.operators : found.functions).push([address, index])
    }
  }
  found.musl = hasC && !isAllocator && (isCLibrary ? MUSL.test(name) : all?.find('__malloc_replaced') !== undefined)
  // Its internal functions have no names there.
  if (isCLibrary || LINKER.test(name)) found.strings.push([0, Infinity])
  if (isAllocator) return
  // Within glibc, too, string functions are called by stubs, since there is one for each processor.
  for (const stub of pltSymbols(elf, isStatic || isCLibrary)) {
    const index = copyingFunction(stub.name.slice(0, -'@plt'.length))
    if (index !== undefined) found.functions.push([stub.start, index])
  }
}

/** What files define, by path and size: a hunt loads the same ones again and again. */
const known = new Map<string, Recognised>()
const KNOWN_FILES = 64

/** As `recognise`, once for each file. */
export function recognised(bytes: Uint8Array, path: string, isProgram: boolean): Recognised {
  const key = `${path} ${bytes.length} ${isProgram}`
  let found = known.get(key)
  if (found === undefined) {
    found = recognise(bytes, path, isProgram)
    if (known.size === KNOWN_FILES) known.clear()
    known.set(key, found)
  }
  return found
}

/** The load bias of the object of which `offset` of the file lies at `start`, in a segment with code. */
export function biasOf(bytes: Uint8Array, path: string, start: number, offset: number): number | null {
  try {
    const segment = parseElf(bytes, path).segments.find(
      (one) =>
        one.type === PT.LOAD &&
        (one.flags & PF.X) !== 0 &&
        offset >= one.offset - (one.offset % PAGE_SIZE) &&
        offset < one.offset + one.filesz,
    )
    return segment === undefined ? null : start - (segment.vaddr + offset - segment.offset)
  } catch (error) {
    if (isElfError(error)) return null
    throw error
  }
}
