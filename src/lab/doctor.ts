/** Exists to look at this computer and at a binary for everything that would keep lemming from running it. */
import * as fs from 'node:fs'
import { cpus, freemem, totalmem } from 'node:os'
import { join } from 'node:path'
import { LemmingError } from '../base/errors.ts'
import { parseElf, type ElfFile } from '../elf/file.ts'
import { SHF, SHT, STT } from '../elf/constants.ts'
import { scanCode } from '../x86/scan.ts'
import { findLibrary, rpathOf, type Needer } from './libraries.ts'

/** One thing that was looked at. */
export interface Diagnosis {
  what: string
  /** 'ok', 'note' for what is only good to know, 'bad' for what will fail. */
  state: 'ok' | 'note' | 'bad'
  text: string
  /** What to do about it. */
  next?: string
}

/** Oldest Node that is supported. */
const OLDEST_NODE = 24
/** Bytes that a machine reserves, of addresses and not of memory. */
const ADDRESSES = 2 ** 32
/** Programs that examples, hunts and reports work better with. */
const TOOLS = ['gcc', 'g++', 'make', 'gdb', 'strace', 'valgrind']

/** What works on this computer. */
export function diagnoseHost(): Diagnosis[] {
  const node = Number.parseInt(process.versions.node, 10)
  const found: Diagnosis[] = [
    {
      what: 'node',
      state: node >= OLDEST_NODE ? 'ok' : 'bad',
      text: `${process.versions.node} (V8 ${process.versions.v8})`,
      ...(node < OLDEST_NODE && { next: `use Node ${OLDEST_NODE} or newer` }),
    },
    feature('wasm SIMD', SIMD),
    feature('wasm multiple values', MULTI_VALUE),
    { what: 'address space', ...reservation() },
    {
      what: 'memory',
      state: freemem() > 2 ** 30 ? 'ok' : 'note',
      text: `${gib(totalmem())} GiB, ${gib(freemem())} GiB free, ${cpus().length} processors`,
    },
  ]
  for (const tool of TOOLS) {
    const path = inPath(tool)
    found.push(
      path === null ? { what: tool, state: 'note', text: 'not found' } : { what: tool, state: 'ok', text: path },
    )
  }
  return found
}

/** Smallest modules that use a feature (WebAssembly core specification, binary format). */
const SIMD = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]
const MULTI_VALUE = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 0, 2, 127, 127, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 65, 0, 11,
]

function feature(what: string, module: number[]): Diagnosis {
  return WebAssembly.validate(Uint8Array.from(module))
    ? { what, state: 'ok', text: 'yes' }
    : { what, state: 'bad', text: 'no', next: 'use a newer Node, or a processor with SSE 4.1' }
}

function reservation(): Pick<Diagnosis, 'state' | 'text' | 'next'> {
  try {
    const pages = ADDRESSES / 65536 / 2
    new WebAssembly.Memory({ initial: pages, maximum: pages })
    return { state: 'ok', text: 'a machine fits' }
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    return { state: 'bad', text, next: 'raise the limit of virtual memory (ulimit -v)' }
  }
}

const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(1)

function inPath(tool: string): string | null {
  for (const directory of (process.env.PATH ?? '').split(':')) {
    const path = join(directory, tool)
    try {
      fs.accessSync(path, fs.constants.X_OK)
      return path
    } catch {
      // Not here.
    }
  }
  return null
}

/** GNU_PROPERTY_X86_ISA_1_NEEDED, and its bits. */
const ISA_NEEDED = 0xc000_8002
const LEVELS = ['x86-64-baseline', 'x86-64-v2', 'x86-64-v3', 'x86-64-v4']
/** Levels whose instructions are all there. */
const SUPPORTED_LEVELS = 2

/** What would keep the program at `path` from running. Throws a LemmingError when there is no such file. */
export function diagnoseProgram(path: string): Diagnosis[] {
  let bytes: Uint8Array
  try {
    bytes = fs.readFileSync(path)
  } catch (error) {
    throw new LemmingError(
      'no-program',
      `${path}: ${(error as NodeJS.ErrnoException).code}`,
      'give the path of a program',
    )
  }
  if (bytes[0] === 0x23 && bytes[1] === 0x21) {
    const end = bytes.indexOf(10)
    const line = Buffer.from(bytes.subarray(2, end < 0 ? 256 : end))
      .toString()
      .trim()
    const interpreter = line.split(/\s/)[0]!
    return [
      { what: 'script', state: fs.existsSync(interpreter) ? 'ok' : 'bad', text: line },
      ...(fs.existsSync(interpreter) ? diagnoseProgram(interpreter) : []),
    ]
  }
  let file: ElfFile
  try {
    file = parseElf(bytes, path)
  } catch (error) {
    if (!(error instanceof LemmingError)) throw error
    return [{ what: 'format', state: 'bad', text: error.message, next: error.next }]
  }
  const libraries = new Map<string, ElfFile>()
  return [
    { what: 'architecture', state: 'ok', text: 'x86-64 Linux' },
    level(file),
    ...linkage(path, file, libraries),
    ...instructions(file),
    ...ofLibraries(libraries),
  ]
}

/** The level of x86-64 that the linker noted as needed. */
function level(file: ElfFile): Diagnosis {
  const what = 'instruction-set level'
  const needed = isaNeeded(file)
  const highest = LEVELS.findLastIndex((_, i) => (needed >> i) & 1)
  if (highest < 0) return { what, state: 'ok', text: 'none noted: x86-64-baseline, and whatever CPUID announces' }
  const text = `${LEVELS[highest]} is needed`
  if (highest < SUPPORTED_LEVELS) return { what, state: 'ok', text }
  return { what, state: 'bad', text, next: 'build it for x86-64-v2 (-march=x86-64-v2)' }
}

/** The bits of GNU_PROPERTY_X86_ISA_1_NEEDED (x86-64 psABI, program properties); 0 without. */
function isaNeeded(file: ElfFile): number {
  const section = file.section('.note.gnu.property')
  if (section === undefined) return 0
  const { offset, size } = section
  const view = new DataView(
    file.bytes.buffer,
    file.bytes.byteOffset + offset,
    Math.min(size, file.bytes.length - offset),
  )
  for (let at = 16; at + 8 <= view.byteLength;) {
    const length = view.getUint32(at + 4, true)
    if (view.getUint32(at, true) === ISA_NEEDED && length >= 4) return view.getUint32(at + 8, true)
    at += 8 + Math.ceil(length / 8) * 8
  }
  return 0
}

/** Interpreter and shared objects; those that are there are put into `libraries` by path. */
function linkage(path: string, file: ElfFile, libraries: Map<string, ElfFile>): Diagnosis[] {
  const interpreter = file.interpreter()
  const found: Diagnosis[] = []
  if (interpreter !== undefined) {
    const there = fs.existsSync(interpreter)
    found.push({
      what: 'interpreter',
      state: there ? 'ok' : 'bad',
      text: there ? interpreter : `${interpreter} is not there`,
      ...(!there && { next: 'install the C library that the program was linked with' }),
    })
  } else if (file.dynamic.length === 0) return [{ what: 'linkage', state: 'ok', text: 'static' }]
  const missing: string[] = []
  const seen = new Set<string>()
  const visit = (by: Needer): void => {
    for (const name of by.file.needed()) {
      if (seen.has(name)) continue
      seen.add(name)
      const at = findLibrary(name, by, interpreter)
      if (at === null) {
        missing.push(name)
        continue
      }
      const object = parseElf(fs.readFileSync(at), at)
      libraries.set(at, object)
      visit({ path: at, file: object, inherited: rpathOf(by) })
    }
  }
  visit({ path, file, inherited: [] })
  found.push({
    what: 'libraries',
    state: missing.length === 0 ? 'ok' : 'bad',
    text: missing.length === 0 ? `${seen.size} found` : `not found: ${missing.join(', ')}`,
    ...(missing.length > 0 && { next: 'install them, or set LD_LIBRARY_PATH' }),
  })
  return found
}

/** What the code of an object has that the machine does not: how many instructions were looked at, and by feature how many are not supported. */
function scanObject(file: ElfFile): { total: number; features: Map<string, { count: number; first: string }> } {
  const symbols = file.symtab() ?? file.dynsym()
  const starts = Array.from({ length: symbols?.count ?? 0 }, (_, i) => symbols!.at(i))
    .filter(({ type }) => type === STT.FUNC)
    .map(({ value }) => value)
    .toSorted((a, b) => a - b)
  let total = 0
  const features = new Map<string, { count: number; first: string }>()
  for (const { offset, size, addr, flags, type } of file.sections) {
    if (!(flags & SHF.EXECINSTR) || type === SHT.NOBITS) continue
    const inside = starts.filter((start) => start >= addr && start < addr + size)
    const scan = scanCode(file.bytes.subarray(offset, offset + size), addr, inside)
    total += scan.instructions
    for (const { feature, form, count, address } of scan.unsupported) {
      const known = features.get(feature)
      if (known !== undefined) known.count += count
      else features.set(feature, { count, first: `${form} at 0x${address.toString(16)}` })
    }
  }
  return { total, features }
}

/** The libraries that the program is linked with: a level that one of them needs, and instructions that are not supported. */
function ofLibraries(libraries: ReadonlyMap<string, ElfFile>): Diagnosis[] {
  if (libraries.size === 0) return []
  const found: Diagnosis[] = []
  const parts: string[] = []
  let total = 0
  for (const [path, file] of libraries) {
    const needed = level(file)
    if (needed.state === 'bad') found.push({ ...needed, text: `${needed.text} by ${path}` })
    const scan = scanObject(file)
    total += scan.total
    const features = [...scan.features].map(([feature, { count }]) => `${count} of ${feature}`)
    if (features.length > 0) parts.push(`${path}: ${features.join(', ')}`)
  }
  const what = 'library code'
  const text = `${total} looked at`
  found.push(
    parts.length === 0
      ? { what, state: 'ok', text: `${text}, all supported` }
      : {
          what,
          state: 'note',
          text: `${text}; not supported: ${parts.join('; ')}`,
          next: 'most libraries ask CPUID before they use them; one that does not stops the run by name',
        },
  )
  return found
}

/** Instructions in the program's code that the machine does not have. Most programs ask CPUID before they use them. */
function instructions(file: ElfFile): Diagnosis[] {
  const { total, features } = scanObject(file)
  const what = 'instructions'
  if (features.size === 0) return [{ what, state: 'ok', text: `${total} looked at, all supported` }]
  const list = [...features].map(([feature, { count, first }]) => `${count} of ${feature} (${first})`)
  return [
    {
      what,
      state: 'note',
      text: `${total} looked at; not supported: ${list.join(', ')}`,
      next: 'they matter only if the program executes them without asking CPUID, which does not announce them; data between functions may look like some',
    },
  ]
}
