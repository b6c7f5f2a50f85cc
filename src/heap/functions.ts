/** Exists to list the allocation functions by their symbols: what each does, where its arguments are, and which of them belong together. */
import { powerOfTwoFrom } from '../base/powers.ts'
import { REG } from '../ir/registers.ts'
import type { CustomFunction } from '../tool/allocator-spec.ts'
import { STRING_FUNCTIONS } from './string-reads.ts'

/** Who may free what. */
export type Family = 'malloc' | 'new' | 'new[]' | 'custom'

/** What a function does. Checks are of native functions that copy: they are looked at and then run. */
export type Action =
  | 'allocate'
  | 'zeroed'
  | 'resize'
  | 'free'
  | 'aligned'
  | 'alignedUp'
  | 'posixAligned'
  | 'pages'
  | 'usable'
  | 'sized'
  | 'copy'
  | 'copyString'
  | 'copyStringUpTo'
  | 'appendString'
  | 'appendStringUpTo'
  | 'reads'
  | 'observe'

/** One allocation function. Arguments are numbered from 0; -1 for none. */
export interface HeapFunction {
  /** As a report names it. */
  readonly name: string
  readonly symbols: readonly string[]
  readonly action: Action
  readonly family: Family
  /** Which argument is the alignment, for aligned forms. */
  readonly align: number
  /** Which argument of a sized operator delete is the size. */
  readonly size: number
}

const rows: HeapFunction[] = []

function row(name: string, symbols: string, action: Action, family: Family, align = -1, size = -1): void {
  rows.push({ name, symbols: symbols.split(' '), action, family, align, size })
}

row('malloc', 'malloc', 'allocate', 'malloc')
row('calloc', 'calloc', 'zeroed', 'malloc')
row('realloc', 'realloc', 'resize', 'malloc')
row('free', 'free cfree', 'free', 'malloc')
row('aligned_alloc', 'aligned_alloc', 'aligned', 'malloc', 0)
row('aligned_alloc', 'memalign', 'alignedUp', 'malloc', 0)
row('posix_memalign', 'posix_memalign', 'posixAligned', 'malloc', 1)
row('valloc', 'valloc', 'pages', 'malloc')
row('pvalloc', 'pvalloc', 'pages', 'malloc')
row('malloc_usable_size', 'malloc_usable_size', 'usable', 'malloc')

row('operator new', '_Znwm _ZnwmRKSt9nothrow_t', 'allocate', 'new')
row('operator new[]', '_Znam _ZnamRKSt9nothrow_t', 'allocate', 'new[]')
row('operator new', '_ZnwmSt11align_val_t _ZnwmSt11align_val_tRKSt9nothrow_t', 'aligned', 'new', 1)
row('operator new[]', '_ZnamSt11align_val_t _ZnamSt11align_val_tRKSt9nothrow_t', 'aligned', 'new[]', 1)
row('operator delete', '_ZdlPv _ZdlPvRKSt9nothrow_t', 'free', 'new')
row('operator delete[]', '_ZdaPv _ZdaPvRKSt9nothrow_t', 'free', 'new[]')
row('operator delete', '_ZdlPvm', 'free', 'new', -1, 1)
row('operator delete[]', '_ZdaPvm', 'free', 'new[]', -1, 1)
row('operator delete', '_ZdlPvSt11align_val_t _ZdlPvSt11align_val_tRKSt9nothrow_t', 'free', 'new', 1)
row('operator delete[]', '_ZdaPvSt11align_val_t _ZdaPvSt11align_val_tRKSt9nothrow_t', 'free', 'new[]', 1)
row('operator delete', '_ZdlPvmSt11align_val_t', 'free', 'new', 2, 1)
row('operator delete[]', '_ZdaPvmSt11align_val_t', 'free', 'new[]', 2, 1)

/** Functions before this index are allocation functions; those from it on are only looked at. */
const LOOKED_AT = rows.length

// Rust's functions call the C library's; what they know besides is the size.
row('__rust_dealloc', '__rust_dealloc', 'sized', 'malloc')
row('__rust_realloc', '__rust_realloc', 'sized', 'malloc')
row('memcpy', 'memcpy __memcpy_chk mempcpy __mempcpy_chk', 'copy', 'malloc')
row('strcpy', 'strcpy __strcpy_chk stpcpy __stpcpy_chk', 'copyString', 'malloc')
row('strncpy', 'strncpy __strncpy_chk stpncpy __stpncpy_chk', 'copyStringUpTo', 'malloc')
row('strcat', 'strcat __strcat_chk', 'appendString', 'malloc')
row('strncat', 'strncat __strncat_chk', 'appendStringUpTo', 'malloc')
row('wmemcpy', 'wmemcpy __wmemcpy_chk wmempcpy __wmempcpy_chk', 'copy', 'malloc')
row('wcscpy', 'wcscpy __wcscpy_chk wcpcpy __wcpcpy_chk', 'copyString', 'malloc')
row('wcsncpy', 'wcsncpy __wcsncpy_chk wcpncpy __wcpncpy_chk', 'copyStringUpTo', 'malloc')
row('wcscat', 'wcscat __wcscat_chk', 'appendString', 'malloc')
row('wcsncat', 'wcsncat __wcsncat_chk', 'appendStringUpTo', 'malloc')

// Functions that read, by what string-reads.ts knows of them.
const copying = new Set(rows.slice(LOOKED_AT).flatMap(({ symbols }) => symbols))
for (const name of STRING_FUNCTIONS)
  if (!copying.has(name)) row(name, name === 'memmove' ? 'memmove __memmove_chk' : name, 'reads', 'malloc')

/** Blocks of which a program tells by client requests (requests.ts): indices of what makes them. */
export const CLIENT = { mallocLike: rows.length, poolAllocate: rows.length + 1 } as const
for (const name of ['VALGRIND_MALLOCLIKE_BLOCK', 'VALGRIND_MEMPOOL_ALLOC'])
  rows.push({ name, symbols: [], action: 'observe', family: 'custom', align: -1, size: -1 })

/** All of them; a block remembers its functions by index. */
export const FUNCTIONS: readonly HeapFunction[] = rows

/** Indices from here on are a program's own functions: HeapState.custom. */
export const CUSTOM = 128

/** The function of an index, as blocks and HeapState.functions have it. */
export function functionAt({ custom }: { custom: readonly CustomFunction[] }, index: number): HeapFunction {
  if (index < CUSTOM) return FUNCTIONS[index]!
  const { fn, size = -1 } = custom[index - CUSTOM]!
  return { name: fn, symbols: [fn], action: 'observe', family: 'custom', align: -1, size }
}

const bySymbol = new Map(rows.flatMap(({ symbols }, i) => symbols.map((symbol): [string, number] => [symbol, i])))

/** The alignment that a caller gets who asks for `align`: glibc's memalign takes the next power of two. */
export function alignmentOf({ action }: HeapFunction, align: number, { musl }: { musl: boolean }): number {
  return action === 'aligned' || musl || align === 0 || align > 2 ** 31 ? align : powerOfTwoFrom(align)
}

/** The registers whose values are sizes of a function. */
export function sizesOf({ action, align }: HeapFunction): number[] {
  if (action === 'zeroed') return [REG.rdi, REG.rsi]
  if (action === 'posixAligned') return [REG.rdx]
  return action === 'resize' || (action.startsWith('aligned') && align === 0) ? [REG.rsi] : [REG.rdi]
}

/** Index of the allocation function with this symbol; undefined for others. */
export function allocationFunction(symbol: string): number | undefined {
  const index = bySymbol.get(symbol)
  return index !== undefined && index < LOOKED_AT ? index : undefined
}

/** Index of the function of Rust's with this symbol, in either way of mangling; undefined for others. */
export function rustFunction(symbol: string): number | undefined {
  const name = /__rust_(?:dealloc|realloc)$/.exec(symbol)
  return name === null ? undefined : bySymbol.get(name[0])
}

/** Index of the copying function with this symbol; undefined for others. */
export function copyingFunction(symbol: string): number | undefined {
  const index = bySymbol.get(symbol)
  return index !== undefined && index >= LOOKED_AT ? index : undefined
}

/** Is this one of C++'s operators? */
export function isOperator(index: number): boolean {
  return FUNCTIONS[index]!.name.startsWith('operator')
}
