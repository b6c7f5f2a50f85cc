/** Exists because a core dump holds what the unwinder needs, registers and memory of a real stopped program, beside what gdb makes of it. */

import { readFileSync } from 'node:fs'
import { ByteReader, stringAt } from '../../src/elf/reader.ts'
import type { LoadedModule } from '../../src/symbols/symbolizer.ts'

/** A core dump: memory of the process, with what was not dumped taken from the mapped files. */
export interface Core {
  readonly modules: LoadedModule[]
  readonly readMemory: (address: number, size: number) => Uint8Array | undefined
}

interface Region {
  readonly start: number
  readonly end: number
  readonly bytes: Uint8Array
}

interface MappedFile {
  readonly start: number
  readonly end: number
  readonly offset: number
  readonly path: string
}

const PT_LOAD = 1
const PT_NOTE = 4
const NT_FILE = 0x46494c45
const NT_AUXV = 6
const AT_SYSINFO_EHDR = 33

/** Reads a core dump; `files` caches the bytes of mapped files. */
export function readCore(path: string): Core {
  const core = new Uint8Array(readFileSync(path))
  const header = new ByteReader(core, path, 32)
  const phoff = header.u64()
  header.offset = 56
  const phnum = header.u16()
  const dumped: Region[] = []
  let mapped: MappedFile[] = []
  let vdso = 0
  for (let i = 0; i < phnum; i++) {
    const reader = new ByteReader(core, path, phoff + i * 56)
    const type = reader.u32()
    reader.u32()
    const [offset, vaddr, , filesz] = [reader.u64(), reader.u64(), reader.u64(), reader.u64()]
    const bytes = core.subarray(offset, offset + filesz)
    if (type === PT_LOAD) dumped.push({ start: vaddr, end: vaddr + filesz, bytes })
    else if (type === PT_NOTE) {
      for (const note of notes(bytes)) {
        if (note.type === NT_FILE) mapped = mappedFiles(note.descriptor)
        if (note.type === NT_AUXV) vdso = auxiliaryValue(note.descriptor, AT_SYSINFO_EHDR)
      }
    }
  }
  const files = new Map<string, Uint8Array>()
  for (const { path: file } of mapped) if (!files.has(file)) files.set(file, new Uint8Array(readFileSync(file)))
  const fromFiles = mapped.map(({ start, end, offset, path: file }): Region => ({
    start,
    end,
    bytes: files.get(file)?.subarray(offset, offset + end - start) ?? new Uint8Array(),
  }))
  const regions = [...dumped, ...fromFiles]
  const modules: LoadedModule[] = [...files].map(([file, bytes]) => {
    const parts = mapped.filter((part) => part.path === file)
    return {
      path: file,
      bytes,
      bias: moduleBias(bytes, parts),
      start: parts[0].start,
      end: parts[parts.length - 1].end,
    }
  })
  const vdsoRegion = dumped.find(({ start }) => start === vdso)
  if (vdsoRegion !== undefined)
    modules.push({ path: '[vdso]', bytes: vdsoRegion.bytes, bias: vdso, start: vdso, end: vdsoRegion.end })
  return {
    modules,
    readMemory(address, size) {
      const region = regions.find(
        ({ start, end, bytes }) => address >= start && address + size <= Math.min(end, start + bytes.length),
      )
      return region?.bytes.subarray(address - region.start, address - region.start + size)
    },
  }
}

function* notes(bytes: Uint8Array): Generator<{ type: number; descriptor: Uint8Array }> {
  for (let at = 0; at + 12 <= bytes.length;) {
    const reader = new ByteReader(bytes, 'a note', at)
    const nameSize = reader.u32()
    const size = reader.u32()
    const type = reader.u32()
    const start = at + 12 + Math.ceil(nameSize / 4) * 4
    yield { type, descriptor: bytes.subarray(start, start + size) }
    at = start + Math.ceil(size / 4) * 4
  }
}

function mappedFiles(bytes: Uint8Array): MappedFile[] {
  const reader = new ByteReader(bytes, 'NT_FILE')
  const count = reader.u64()
  const pageSize = reader.u64()
  const rows = Array.from({ length: count }, () => ({
    start: reader.u64(),
    end: reader.u64(),
    offset: reader.u64() * pageSize,
  }))
  return rows.map((row) => ({ ...row, path: reader.cstring() }))
}

function auxiliaryValue(bytes: Uint8Array, key: number): number {
  const reader = new ByteReader(bytes, 'NT_AUXV')
  while (reader.offset + 16 <= reader.end) {
    const type = reader.u64()
    const value = reader.u64()
    if (type === key) return value
  }
  return 0
}

/** Distance of the addresses in memory from those in the file: by the LOAD segment that the first mapping shows. */
function moduleBias(bytes: Uint8Array, parts: readonly MappedFile[]): number {
  if (stringAt(bytes.subarray(1, 4), 0) !== 'ELF') return parts[0].start
  const header = new ByteReader(bytes, 'a mapped file', 32)
  const phoff = header.u64()
  for (let at = phoff; ; at += 56) {
    const reader = new ByteReader(bytes, 'a mapped file', at)
    if (reader.u32() !== PT_LOAD) continue
    reader.u32()
    reader.u64()
    return parts[0].start - Math.floor(reader.u64() / 4096) * 4096
  }
}
