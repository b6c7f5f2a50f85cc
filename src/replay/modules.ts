/** Exists to say which objects a program has loaded, and where: what its mappings mean to those who name addresses. */
import { PF, PT } from '../elf/constants.ts'
import { isElfError, parseElf, type ElfFile } from '../elf/file.ts'
import type { MappedFile } from './subject.ts'

/** A loaded object: it covers `start` to `end` (exclusive), and an address minus `bias` is one of the file. */
export interface Module {
  path: string
  bias: number
  bytes: Uint8Array
  start: number
  end: number
}

/** The objects among the mapped files, ascending by address. `look` has the content of a path; files that are no ELF are passed over. */
export function modulesOf(files: readonly MappedFile[], look: (path: string) => Uint8Array | undefined): Module[] {
  const objects = new Map<string, { elf: ElfFile; bytes: Uint8Array } | null>()
  const modules = new Map<string, Module>()
  const withCode = new Set<Module>()
  for (const { path, start, end, offset, executable } of files) {
    let object = objects.get(path)
    if (object === undefined) {
      object = open(path, look(path))
      objects.set(path, object)
    }
    const segments = object?.elf.segments.filter(
      (one) =>
        one.type === PT.LOAD && offset >= Math.floor(one.offset / 4096) * 4096 && offset < one.offset + one.filesz,
    )
    if (!object || segments === undefined || segments.length === 0) continue
    // A page of the file may belong to two segments, which map it at different places: the one that fits what is known already is meant.
    const biasOf = (one: (typeof segments)[0]): number => start - (one.vaddr + offset - one.offset)
    const segment = segments.find((one) => modules.has(`${path} ${biasOf(one)}`)) ?? segments[0]!
    const bias = biasOf(segment)
    // The same file may be loaded twice (dlmopen); its copies differ in their bias.
    const key = `${path} ${bias}`
    const known = modules.get(key)
    const segmentEnd = bias + segment.vaddr + segment.memsz
    const module = known ?? { path, bias, bytes: object.bytes, start, end }
    module.start = Math.min(module.start, start)
    module.end = Math.max(module.end, end, segmentEnd)
    modules.set(key, module)
    if (executable) withCode.add(module)
  }
  // Who maps a program to read it, as Rust does for a backtrace, has not loaded it.
  const isLoaded = (module: Module): boolean => withCode.has(module) || !hasCode(objects.get(module.path)!.elf)
  return [...modules.values()].filter(isLoaded).toSorted((a, b) => a.start - b.start)
}

function hasCode({ segments }: ElfFile): boolean {
  return segments.some(({ type, flags }) => type === PT.LOAD && (flags & PF.X) !== 0)
}

function open(path: string, bytes: Uint8Array | undefined): { elf: ElfFile; bytes: Uint8Array } | null {
  if (bytes === undefined || bytes[0] !== 0x7f) return null
  try {
    return { elf: parseElf(bytes, path), bytes }
  } catch (error) {
    if (isElfError(error)) return null
    throw error
  }
}
