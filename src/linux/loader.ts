/** Exists to put a program into an address space as execve(2) does: its segments, its interpreter's, the stack with arguments, environment and auxiliary vector. */
import { LemmingError } from '../base/errors.ts'
import { fillRandom, nextBelow, randomFrom, type RandomState } from '../base/random.ts'
import { ET, PF, PT } from '../elf/constants.ts'
import { parseElf, type ElfFile } from '../elf/file.ts'
import { PROT } from '../engine/address-space.ts'
import { CpuState, initialCpuState } from '../engine/cpu-state.ts'
import { hardwareCapabilities } from '../engine/helpers/cpuid.ts'
import { GUEST_LIMIT, GUEST_MIN, PAGE_SIZE } from '../engine/layout.ts'
import { REG, STATE } from '../ir/registers.ts'
import { grantedRights } from './personality.ts'
import { MAX_FRAME_SIZE } from './signal-frame.ts'
import { ERRNO } from './errno.ts'
import { readsExceptions } from './floating-environment.ts'
import {
  byPath,
  ExecRefusal,
  findProgram,
  type Program,
  type ProgramFile,
  type ProgramRequest,
} from './program-file.ts'
import { bytesFromName } from './fs/names.ts'
import { RLIMIT_STACK } from './faults.ts'
import type { Kernel } from './kernel.ts'
import { MAP, pageDown, pageUp, type Memory } from './mm.ts'
import type { MemoryMap, Process, Task } from './state.ts'

/** Where a position-independent program goes, and where the heap goes when such a program has no interpreter (ELF_ET_DYN_BASE). */
const PIE_BASE = 0x0a00_0000
/** The least distance between the top of the stack and the area of mmap (mmap_base's MIN_GAP, scaled to the room). */
const STACK_ROOM = 0x100_0000
/** Longest stack that is mapped from the start; a larger limit lets it grow by faults. */
const STACK_MAPPED = 0x80_0000

/** Longest argument or variable, its NUL included (MAX_ARG_STRLEN). */
const LONGEST_STRING = 131_072

/** Entries of the auxiliary vector (getauxval(3)). */
const AT = {
  null: 0,
  phdr: 3,
  phent: 4,
  phnum: 5,
  pagesz: 6,
  base: 7,
  flags: 8,
  entry: 9,
  uid: 11,
  euid: 12,
  gid: 13,
  egid: 14,
  platform: 15,
  hwcap: 16,
  clktck: 17,
  secure: 23,
  random: 25,
  hwcap2: 26,
  execfn: 31,
  minsigstksz: 51,
} as const

/**
 * The layout of an empty address space; `stackLimit` is RLIMIT_STACK in bytes. It is the same for every seed, so that what has been translated for one run of a
 * hunt serves the next.
 */
export function emptyMap(id: number, stackLimit: number): MemoryMap {
  const stackTop = GUEST_LIMIT
  const gap = Math.min(Math.max(STACK_ROOM, pageUp(stackLimit) + STACK_ROOM / 2), GUEST_LIMIT / 2)
  const mmapTop = pageDown(stackTop - gap)
  return {
    id,
    users: 1,
    mappings: [],
    total: 0,
    brkStart: 0,
    brk: 0,
    mmapTop,
    mmapBottom: GUEST_MIN,
    stackTop,
    codeStart: 0,
    codeEnd: 0,
  }
}

/** A program that can be run, found and checked. */
export interface PreparedProgram extends Program {
  elf: ElfFile
  interpreter: { elf: ElfFile; file: ProgramFile } | null
}

/**
 * Finds the program that a task asks for, and all that can keep it from being run. Scripts run by their interpreters. Throws a LemmingError that names
 * the file and the reason: an ExecRefusal, or what is wrong with the ELF file.
 */
export function prepareProgram(
  k: Kernel,
  t: Task,
  request: ProgramRequest,
  environ: readonly string[],
): PreparedProgram {
  const program = findProgram(k, t, request)
  const { file } = program
  const elf = parseElf(file.bytes, file.path)
  const interpreterPath = elf.interpreter()
  const interpreter = interpreterPath === undefined ? null : interpreterOf(k, t, file.path, interpreterPath)
  const strings = [...program.argv, ...environ, program.name].map((text) => bytesFromName(text).length + 1)
  const bytes = strings.reduce((sum, length) => sum + length, 8)
  const limit = k.process(t).rlimits[RLIMIT_STACK]![0]
  // A quarter of the stack at most, as execve's E2BIG says.
  if (
    strings.some((length) => length > LONGEST_STRING) ||
    bytes + 8 * strings.length > Math.max(0x2_0000, Math.min(limit, STACK_MAPPED) / 4)
  ) {
    const reason = `arguments and environment take ${bytes} bytes: too long for the stack`
    throw new ExecRefusal('arguments-too-long', ERRNO.E2BIG, file.path, reason, 'pass fewer or shorter arguments')
  }
  return { ...program, elf, interpreter }
}

/**
 * Loads a program into the empty address space of the task's process, and sets the task's registers to its start.
 * Sets exe, argv, environ, auxv of the process and the task's name. Throws a LemmingError when it does not fit.
 */
export function loadProgram(k: Kernel, t: Task, program: PreparedProgram, environ: readonly string[]): void {
  const { file, elf, interpreter } = program
  const process = k.process(t)
  const memory = k.memory(t)
  k.heap?.begin(k, memory)
  const bias = placeMain(memory, elf, interpreter !== null)
  const main = mapSegments(k, t, memory, elf, file, bias)
  memory.map.codeStart = main.start
  memory.map.codeEnd = main.end
  const heap = elf.header.type === ET.DYN && interpreter === null ? PIE_BASE : pageUp(main.end)
  memory.map.brkStart = memory.map.brk = heap

  let entry = elf.header.entry + bias
  let base = 0
  if (interpreter !== null) {
    base = placeAnywhere(memory, interpreter.elf)
    mapSegments(k, t, memory, interpreter.elf, interpreter.file, base)
    entry = interpreter.elf.header.entry + base
  }

  process.exe = file.path
  process.argv = program.argv
  process.environ = [...environ]
  t.name = shortName(program.name)
  const stackPointer = buildStack(k, t, memory, elf, {
    bias,
    base,
    entry: elf.header.entry + bias,
    execfn: program.name,
  })
  t.cpu = initialCpuState()
  const cpu = new CpuState(t.cpu)
  cpu.rip = BigInt(entry)
  cpu.setGpr(REG.rsp, BigInt(stackPointer))
  if (readsExceptions(elf)) cpu.view.setUint32(STATE.watchExceptions, 1, true)
  // Bit 1 of EFLAGS is always set, and interrupts are enabled.
  k.processor.writeFlags(cpu, 0x202)
}

/** comm: the last component, at most 15 bytes. */
function shortName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).slice(0, 15)
}

function interpreterOf(k: Kernel, t: Task, program: string, path: string): { elf: ElfFile; file: ProgramFile } {
  try {
    const { file } = findProgram(k, t, byPath(path, []))
    return { elf: parseElf(file.bytes, file.path), file }
  } catch (error) {
    if (!(error instanceof LemmingError)) throw error
    throw new ExecRefusal(
      error.code,
      error instanceof ExecRefusal ? error.errno : ERRNO.ELIBBAD,
      program,
      `its interpreter cannot be used: ${error.message}`,
      'install the C library that the program was built for, or build the program with -static',
    )
  }
}

/** The load bias of the program: 0 for one with fixed addresses. */
function placeMain(memory: Memory, elf: ElfFile, hasInterpreter: boolean): number {
  if (elf.header.type !== ET.DYN) return 0
  if (!hasInterpreter) return placeAnywhere(memory, elf)
  const align = alignmentOf(elf)
  return Math.ceil(PIE_BASE / align) * align - pageDown(elf.loadSegments()[0]?.vaddr ?? 0)
}

/** A bias at which all segments fit into free room of the mmap area. */
function placeAnywhere(memory: Memory, elf: ElfFile): number {
  const segments = elf.loadSegments()
  const first = segments[0]
  const last = segments.at(-1)
  if (first === undefined || last === undefined) return 0
  const low = pageDown(first.vaddr)
  const length = pageUp(last.vaddr + last.memsz) - low
  const align = alignmentOf(elf)
  const start = memory.place(length + align - PAGE_SIZE, 0)
  if (start < 0) throw doesNotFit(elf.name, length)
  return Math.floor((start + align - PAGE_SIZE) / align) * align - low
}

function alignmentOf(elf: ElfFile): number {
  return elf.loadSegments().reduce((most, { align }) => Math.max(most, align), PAGE_SIZE)
}

function doesNotFit(path: string, bytes: number): LemmingError {
  return new LemmingError(
    'program-does-not-fit',
    `${path}: its segments take ${Math.ceil(bytes / 0x10_0000)} MiB of address space; there is room for programs below 0x${GUEST_LIMIT.toString(16)}`,
    'lemming gives a program 1.75 GiB of address space; link it without a higher base address',
  )
}

/** Maps the LOAD segments; returns the first address and the first behind the last one. */
function mapSegments(
  k: Kernel,
  t: Task,
  memory: Memory,
  elf: ElfFile,
  file: ProgramFile,
  bias: number,
): { start: number; end: number } {
  const segments = elf.loadSegments()
  if (segments.length === 0) {
    throw new LemmingError(
      'elf-corrupt',
      `${file.path}: corrupt ELF: it has no LOAD segment, so there is nothing to run`,
      'copy or build the file again',
    )
  }
  let start = Infinity
  let end = 0
  for (const segment of segments) {
    const from = pageDown(segment.vaddr + bias)
    const fileEnd = segment.vaddr + bias + segment.filesz
    const memoryEnd = segment.vaddr + bias + segment.memsz
    if (from < GUEST_MIN || memoryEnd > GUEST_LIMIT) throw doesNotFit(file.path, memoryEnd - from)
    const prot = grantedRights(
      k.process(t),
      (segment.flags & PF.R ? PROT.read : 0) |
        (segment.flags & PF.W ? PROT.write : 0) |
        (segment.flags & PF.X ? PROT.exec : 0),
    )
    const shared = { prot, flags: MAP.private, name: '', untouched: false, onFork: 'copy' } as const
    const mappedEnd = segment.filesz === 0 ? from : pageUp(fileEnd)
    if (mappedEnd > from) {
      const offset = segment.offset - (segment.vaddr % PAGE_SIZE)
      memory.add({
        ...shared,
        start: from,
        end: mappedEnd,
        file: { path: file.path, inode: file.inode, offset, mayWrite: true },
      })
      k.tellMapping(t, from, mappedEnd - from, prot, file.path)
      // Behind the file's part a page holds zeros, not what follows in the file.
      if (segment.memsz > segment.filesz && fileEnd < mappedEnd)
        memory.space.poke(fileEnd, new Uint8Array(mappedEnd - fileEnd))
    }
    if (pageUp(memoryEnd) > mappedEnd) {
      memory.add({ ...shared, start: mappedEnd, end: pageUp(memoryEnd), file: null })
      k.tellMapping(t, mappedEnd, pageUp(memoryEnd) - mappedEnd, prot, '')
    }
    start = Math.min(start, from)
    end = Math.max(end, memoryEnd)
  }
  return { start, end }
}

interface Start {
  bias: number
  /** Where the interpreter lies, 0 without one. */
  base: number
  /** The program's own entry point. */
  entry: number
  execfn: string
}

/** Seeds whose runs begin in the same way, but for every so many, whose beginning is their own. */
const STARTS = 16

/** Which beginning a seed's runs have, if a dynamic linker starts the program; null: one of their own. */
export function startOf(seed: number): number | null {
  const number = seed % STARTS
  return number === STARTS - 1 ? null : number
}

/**
 * Where the stack's place and the bytes of AT_RANDOM are drawn from. A program that a dynamic linker starts has executed a hundred thousand instructions before anything else depends on the seed.
 * So that these can be executed once for many runs (replay/starts.ts), there are few beginnings of such programs.
 */
function sourcesOf(k: Kernel, process: Process, isLinked: boolean): { layout: RandomState; getrandom: RandomState } {
  const { random, constants } = k.state
  const number = startOf(constants.seed)
  if (!isLinked || process.hasExecuted || number === null) return random
  return { layout: randomFrom(number, 'layout'), getrandom: randomFrom(number, 'getrandom') }
}

/** Maps the stack and writes what a program finds there (System V ABI, 3.4.1; the order is Linux'); returns the stack pointer. */
function buildStack(k: Kernel, t: Task, memory: Memory, elf: ElfFile, start: Start): number {
  const process = k.process(t)
  const { layout, getrandom } = sourcesOf(k, process, start.base !== 0)
  const top = memory.map.stackTop
  const strings: Uint8Array[] = [...process.argv, ...process.environ, start.execfn].map((text) =>
    bytesFromName(`${text}\0`),
  )
  const stringBytes = strings.reduce((sum, bytes) => sum + bytes.length, 8)
  const limit = process.rlimits[RLIMIT_STACK]![0]
  const gnuStack = elf.segment(PT.GNU_STACK)
  const executable = gnuStack !== undefined && gnuStack.flags & PF.X ? PROT.exec : 0
  const prot = grantedRights(process, PROT.read | PROT.write | executable)
  const mapped = Math.min(pageDown(Math.max(limit, 0x2_1000)), STACK_MAPPED)
  memory.add({
    start: top - mapped,
    end: top,
    prot,
    flags: MAP.private | MAP.growsDown,
    file: null,
    name: '[stack]',
    untouched: false,
    onFork: 'copy',
  })
  k.tellMapping(t, top - mapped, mapped, prot, '[stack]')

  let at = top - stringBytes
  const addresses = strings.map((bytes) => {
    memory.space.poke(at, bytes)
    at += bytes.length
    return at - bytes.length
  })
  // The kernel moves the rest down a little, so that stacks of different runs do not share cache lines.
  let sp = top - stringBytes - nextBelow(layout, 512) * 16
  sp -= sp % 16
  const platform = bytesFromName('x86_64\0')
  sp -= platform.length
  const platformAt = sp
  memory.space.poke(platformAt, platform)
  sp -= 16
  const randomAt = sp
  const seed = new Uint8Array(16)
  fillRandom(getrandom, seed)
  memory.space.poke(randomAt, seed)

  process.auxv = auxiliaryVector(process, elf, start, {
    platform: platformAt,
    random: randomAt,
    execfn: addresses.at(-1)!,
  })
  const argc = process.argv.length
  const words = [argc, ...addresses.slice(0, argc), 0, ...addresses.slice(argc, -1), 0, ...process.auxv.flat()]
  sp -= words.length * 8
  sp -= sp % 16
  const view = new DataView(new ArrayBuffer(words.length * 8))
  words.forEach((word, i) => view.setBigUint64(i * 8, BigInt(word), true))
  memory.space.poke(sp, new Uint8Array(view.buffer))
  return sp
}

function auxiliaryVector(
  process: Process,
  elf: ElfFile,
  start: Start,
  at: { platform: number; random: number; execfn: number },
): [number, number][] {
  const { uid, gid } = process.credentials
  return [
    [AT.minsigstksz, MAX_FRAME_SIZE],
    [AT.hwcap, hardwareCapabilities()[0]],
    [AT.pagesz, PAGE_SIZE],
    [AT.clktck, 100],
    [AT.phdr, programHeaders(elf) + start.bias],
    [AT.phent, 56],
    [AT.phnum, elf.header.phnum],
    [AT.base, start.base],
    [AT.flags, 0],
    [AT.entry, start.entry],
    [AT.uid, uid[0]],
    [AT.euid, uid[1]],
    [AT.gid, gid[0]],
    [AT.egid, gid[1]],
    [AT.secure, 0],
    [AT.random, at.random],
    [AT.hwcap2, hardwareCapabilities()[1]],
    [AT.execfn, at.execfn],
    [AT.platform, at.platform],
    [AT.null, 0],
  ]
}

/** The address of the program headers, without bias: where the segment that holds their part of the file lies. */
function programHeaders(elf: ElfFile): number {
  const { phoff } = elf.header
  const holder = elf.loadSegments().find(({ offset, filesz }) => offset <= phoff && phoff < offset + filesz)
  return holder === undefined ? phoff : holder.vaddr + phoff - holder.offset
}
