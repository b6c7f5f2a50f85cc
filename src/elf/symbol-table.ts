/** Exists because symbol tables are large and mostly unread: columns in typed arrays, names decoded when asked for. */

import { STT } from './constants.ts'
import { ByteReader, joinU64, stringAt } from './reader.ts'

const ENTRY_SIZE = 24

/** One symbol; `value` without load bias (an offset in the TLS block for `STT.TLS`), `size` in bytes. */
export interface ElfSymbol {
  readonly name: string
  readonly value: number
  readonly size: number
  /** `STT.*` */
  readonly type: number
  /** `STB.*` */
  readonly binding: number
  /** Section index, or a special one of `SHN`. */
  readonly shndx: number
}

/** A `.symtab` or `.dynsym`, in the file's order. */
export class SymbolTable {
  /** Number of symbols, the null symbol included. */
  readonly count: number
  private readonly strings: Uint8Array
  private readonly words: Uint32Array
  private byName: Map<string, number> | undefined

  /** `bytes` are the symbols, `strings` their string table. */
  constructor(bytes: Uint8Array, strings: Uint8Array) {
    this.count = Math.floor(bytes.length / ENTRY_SIZE)
    this.strings = strings
    this.words = alignedWords(bytes, this.count * ENTRY_SIZE)
  }

  nameOf(index: number): string {
    return stringAt(this.strings, this.words[index * 6])
  }

  valueOf(index: number): number {
    return joinU64(this.words[index * 6 + 2], this.words[index * 6 + 3])
  }

  sizeOf(index: number): number {
    return joinU64(this.words[index * 6 + 4], this.words[index * 6 + 5])
  }

  /** `STT.*` */
  typeOf(index: number): number {
    return this.words[index * 6 + 1] & 15
  }

  /** `STB.*` */
  bindingOf(index: number): number {
    return (this.words[index * 6 + 1] >>> 4) & 15
  }

  sectionOf(index: number): number {
    return this.words[index * 6 + 1] >>> 16
  }

  at(index: number): ElfSymbol {
    return {
      name: this.nameOf(index),
      value: this.valueOf(index),
      size: this.sizeOf(index),
      type: this.typeOf(index),
      binding: this.bindingOf(index),
      shndx: this.sectionOf(index),
    }
  }

  /** The defined symbol called `name` (without version), a global or weak one before a local one; undefined if there is none. */
  find(name: string): ElfSymbol | undefined {
    this.byName ??= this.indexNames()
    const index = this.byName.get(name)
    return index === undefined ? undefined : this.at(index)
  }

  private indexNames(): Map<string, number> {
    const map = new Map<string, number>()
    for (let i = 1; i < this.count; i++) {
      const type = this.typeOf(i)
      if (this.sectionOf(i) === 0 || type === STT.SECTION || type === STT.FILE) continue
      const name = this.nameOf(i)
      const known = map.get(name)
      if (known === undefined || (this.bindingOf(known) === 0 && this.bindingOf(i) !== 0)) map.set(name, i)
    }
    return map
  }
}

/** The number of symbols that a `DT_GNU_HASH` table covers: one more than the end of the last chain. */
export function gnuHashSymbolCount(bytes: Uint8Array): number {
  const reader = new ByteReader(bytes, 'the GNU hash table')
  const bucketCount = reader.u32()
  const firstHashed = reader.u32()
  const bloomWords = reader.u32()
  reader.u32()
  reader.take(bloomWords * 8)
  let last = 0
  for (let i = 0; i < bucketCount; i++) last = Math.max(last, reader.u32())
  if (last < firstHashed) return firstHashed
  reader.take((last - firstHashed) * 4)
  while ((reader.u32() & 1) === 0) last++
  return last + 1
}

function alignedWords(bytes: Uint8Array, length: number): Uint32Array {
  if (bytes.byteOffset % 4 === 0) return new Uint32Array(bytes.buffer, bytes.byteOffset, length / 4)
  return new Uint32Array(bytes.slice(0, length).buffer)
}
