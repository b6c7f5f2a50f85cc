/**
 * Exists to tell observers of calls of the C library's functions: when one is entered, and when it returns. The functions run as they are; that somebody listens is
 * known to translated code alone, which asks at their entries and at the places to which they return.
 */
import { isElfError, parseElf } from '../elf/file.ts'
import { PF, PT, SHN, STT } from '../elf/constants.ts'
import type { Segment } from '../elf/segments.ts'
import { PAGE_SIZE } from '../engine/layout.ts'
import { REG } from '../ir/registers.ts'
import type { Observer } from '../tool/observer.ts'
import { filePages } from './fs/mapping.ts'
import type { Kernel } from './kernel.ts'
import type { Memory } from './mm.ts'
import type { Mapping, Task } from './state.ts'

/** glibc's; others keep different things in memory. */
const C_LIBRARY = /\/(libc\.so\.6|libc-2\.\d+\.so|libpthread[-.\d]*\.so[.\d]*)$/
const MUSL = /\/(ld-musl-x86_64\.so\.1|libc\.musl-x86_64\.so\.1|libc\.so)$/
/** GCC's runtime of OpenMP; the functions that make tasks, whose first argument is the body, and what that is called. */
const OPENMP = /\/libgomp[-.\d]*\.so[.\d]*$/
const MAKES_TASK = /^GOMP_task(loop(_ull)?)?$/
const TASK_BODY = '(task)'
/** What a static program has that brings one of them with it. */
const START = '__libc_setup_tls'
const START_MUSL = '__init_libc'

/** Functions of a C library by where they are. */
interface Functions {
  isMusl: boolean
  list: [number, string][]
}

const ARGUMENTS = [REG.rdi, REG.rsi, REG.rdx, REG.rcx, REG.r8, REG.r9]

/** A call that has not returned. */
interface Pending {
  name: string
  isMusl: boolean
  args: number[]
  /** The stack pointer at the entry, where the address of return is. */
  stack: number
  site: number
}

/** The observers that want to hear of calls, and the calls under way. No part of the machine. */
export class LibraryCalls {
  private readonly observers: { observer: Observer; wanted: ReadonlySet<string> }[] = []
  /** Functions by the addresses of their entries. */
  private readonly entries = new WeakMap<Memory, Map<number, { name: string; isMusl: boolean }>>()
  /** The innermost last. */
  private readonly pending = new Map<number, Pending[]>()
  /** By task, how many instructions it had executed when it last arrived: a turn may end right there, and the next one begins with the same question. */
  private readonly arrivals = new Map<number, number>()
  private readonly k: Kernel

  constructor(k: Kernel) {
    this.k = k
  }

  add(observer: Observer): void {
    this.observers.push({ observer, wanted: new Set(observer.functions) })
    for (const memory of this.k.memories.values()) this.resume(memory)
  }

  /** No call is under way. */
  get isIdle(): boolean {
    return [...this.pending.values()].every((list) => list.length === 0)
  }

  remove(observer: Observer): void {
    const at = this.observers.findIndex((one) => one.observer === observer)
    if (at >= 0) this.observers.splice(at, 1)
  }

  /** An address space came into being that has code already. */
  resume(memory: Memory): void {
    this.arrivals.clear()
    for (const mapping of memory.map.mappings) this.mapped(memory, mapping)
  }

  /** A file may have been mapped so that it can be executed. */
  mapped(memory: Memory, mapping: Mapping | undefined): void {
    if (mapping === undefined || mapping.file === null || !memory.space.isExecutable(mapping.start)) return
    const { path, inode, offset } = mapping.file
    const isLibrary = C_LIBRARY.test(path) || MUSL.test(path) || OPENMP.test(path)
    if (!isLibrary && (mapping.end <= memory.map.codeStart || memory.map.codeEnd <= mapping.start)) return
    const files = filePages(this.k)
    let entries = this.entries.get(memory)
    if (entries === undefined) this.entries.set(memory, (entries = new Map()))
    const { isMusl, list } = functionsOf(files.read(inode, 0, files.size(inode)), path, isLibrary, offset)
    for (const [at, name] of list) {
      const address = mapping.start + at
      if (!this.observers.some((one) => wants(one, name, isMusl)) || address >= mapping.end) continue
      entries.set(address, { name, isMusl })
      memory.space.intercept(address)
    }
  }

  /** The running task is at an intercepted address. False: the place to which the function returns was not intercepted until now; it must be entered once more. */
  arrived(t: Task): boolean {
    const { k } = this
    if (this.arrivals.get(t.tid) === t.count) return true
    const memory = k.memory(t)
    const rip = Number(k.cpu.rip)
    const stack = k.cpu.gprNumber(REG.rsp)
    const list = this.pending.get(t.tid) ?? []
    const last = list.findLast((one) => one.stack + 8 === stack && one.site === rip)
    if (last !== undefined) {
      this.arrivals.set(t.tid, t.count)
      // Those above it were left by a longjmp.
      list.length = list.indexOf(last)
      this.tell(t, last, k.cpu.gprNumber(REG.rax))
    }
    const entry = this.entries.get(memory)?.get(rip)
    if (entry === undefined) return true
    const site = Number(memory.space.readU64(stack) ?? 0n)
    if (!memory.space.isExecutable(site)) return true
    if (!memory.space.intercepts.has(site)) {
      memory.space.intercept(site)
      this.arrivals.delete(t.tid)
      return false
    }
    const args = ARGUMENTS.map((reg) => k.cpu.gprNumber(reg))
    if (MAKES_TASK.test(entry.name) && this.followsTask(memory, args[0]!)) {
      this.arrivals.delete(t.tid)
      return false
    }
    this.arrivals.set(t.tid, t.count)
    const call = { ...entry, args, stack, site }
    this.pending.set(t.tid, [...list.filter((one) => one.stack > stack), call])
    this.tell(t, call, null)
    return true
  }

  /** Has the body of tasks asked at its entry from now on; false: it does so already, or nobody wants to know. */
  private followsTask(memory: Memory, body: number): boolean {
    const entries = this.entries.get(memory)!
    if (!this.observers.some((one) => wants(one, TASK_BODY, false)) || !memory.space.isExecutable(body)) return false
    entries.set(body, { name: TASK_BODY, isMusl: false })
    if (memory.space.intercepts.has(body)) return false
    memory.space.intercept(body)
    return true
  }

  private tell(t: Task, { name, isMusl, args, site, stack }: Pending, result: number | null): void {
    const { k } = this
    const quiet = k.space(t).isQuiet(site)
    const event = { task: k.info(t), moment: k.state.count, name, args, site, stack, quiet, result, isMusl }
    for (const one of this.observers) if (wants(one, name, isMusl)) one.observer.call?.(event, k)
  }
}

function wants(
  { observer, wanted }: { observer: Observer; wanted: ReadonlySet<string> },
  name: string,
  isMusl: boolean,
): boolean {
  return wanted.has(name) && (!isMusl || observer.functionsOfMusl === true)
}

/** What was found in files, by path, size and place: symbols are many, and hunts load the same files. */
const known = new Map<string, Functions>()

/** Functions of a file by how far they are behind the place where `offset` is mapped. */
function functionsOf(bytes: Uint8Array, path: string, isLibrary: boolean, offset: number): Functions {
  const key = `${path} ${bytes.length} ${isLibrary} ${offset}`
  let found = known.get(key)
  if (found === undefined) known.set(key, (found = findFunctions(bytes, path, isLibrary, offset)))
  return found
}

function findFunctions(bytes: Uint8Array, path: string, isLibrary: boolean, offset: number): Functions {
  const none: Functions = { isMusl: false, list: [] }
  try {
    const elf = parseElf(bytes, path)
    const page = (one: Segment): number => one.offset - (one.offset % PAGE_SIZE)
    const segment = elf.segments.find((one) => {
      const holds = page(one) <= offset && offset < one.offset + one.filesz
      return one.type === PT.LOAD && (one.flags & PF.X) !== 0 && holds
    })
    if (segment === undefined) return none
    const symtab = elf.symtab()
    const isMusl = isLibrary ? MUSL.test(path) : symtab?.find(START_MUSL) !== undefined
    if (!isLibrary && (elf.interpreter() !== undefined || (!isMusl && symtab?.find(START) === undefined))) return none
    const start = segment.vaddr + offset - segment.offset
    const found: [number, string][] = []
    for (const table of [elf.dynsym(), symtab])
      for (let i = 1; table !== undefined && i < table.count; i++)
        if (table.typeOf(i) === STT.FUNC && table.sectionOf(i) !== SHN.UNDEF && table.valueOf(i) >= start)
          found.push([table.valueOf(i) - start, table.nameOf(i)])
    return { isMusl, list: found }
  } catch (error) {
    // The kernel loads what it can; symbols are another matter.
    if (isElfError(error)) return none
    throw error
  }
}
