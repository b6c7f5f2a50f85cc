/** Exists to write a process at a moment as an ELF core file (core(5)), as the kernel would have if it had ended there. */
import type { Subject, TaskView } from '../replay/subject.ts'
import type { RunEnd } from '../replay/recording.ts'
import { registersOf } from './registers.ts'

/** Note types (elf.h). */
const NT = { prstatus: 1, fpregset: 2, prpsinfo: 3, auxv: 6, siginfo: 0x5349_4749, file: 0x4649_4c45 }
const PT_LOAD = 1
const PT_NOTE = 4
const PAGE = 4096
const EHDR = 64
const PHDR = 56

/** struct user_regs_struct (sys/user.h), by gdb's names. */
const USER_REGS = [
  'r15', 'r14', 'r13', 'r12', 'rbp', 'rbx', 'r11', 'r10', 'r9', 'r8', 'rax', 'rcx', 'rdx', 'rsi', 'rdi', 'orig_rax',
  'rip', 'cs', 'eflags', 'rsp', 'ss', 'fs_base', 'gs_base', 'ds', 'es', 'fs', 'gs',
] // prettier-ignore

/** The signal that a core tells of. */
export interface Signal {
  signal: number
  code: number
  address: bigint
}

/** The core file of a process; its signal is that of the run's end, at the end. */
export function coreOf({ subject, end }: { subject: Subject; end: RunEnd }, pid: number): Uint8Array {
  const { ending } = end
  const isEnd = ending.kind === 'signal' && subject.count === end.count
  const guilty = isEnd ? ending.tid : subject.currentTid
  const signal = isEnd ? { signal: ending.signal, code: ending.code, address: BigInt(ending.address) } : null
  const tasks = subject
    .tasks()
    .filter((task) => task.pid === pid)
    // Debuggers select the first thread.
    .toSorted((a, b) => Number(b.tid === guilty) - Number(a.tid === guilty))
  const notes = notesOf(subject, pid, tasks, signal)
  const ranges = subject.mappings(pid)
  const headers = EHDR + PHDR * (ranges.length + 1)
  let at = Math.ceil((headers + notes.length) / PAGE) * PAGE
  const segments = ranges.map(({ start, end: stop, prot }) => {
    const size = (prot & 7) === 0 ? 0 : stop - start
    const segment = { start, memory: stop - start, size, prot, at }
    at += size
    return segment
  })
  const out = new Uint8Array(at)
  const view = new DataView(out.buffer)
  out.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  view.setUint16(16, 4, true)
  view.setUint16(18, 62, true)
  view.setUint32(20, 1, true)
  view.setBigUint64(32, BigInt(EHDR), true)
  view.setUint16(52, EHDR, true)
  view.setUint16(54, PHDR, true)
  view.setUint16(56, segments.length + 1, true)
  writeSegment(view, EHDR, { type: PT_NOTE, flags: 0, at: headers, start: 0, size: notes.length, memory: 0, align: 4 })
  out.set(notes, headers)
  segments.forEach(({ start, memory, size, prot, at: place }, i) => {
    const flags = (prot & 1 ? 4 : 0) | (prot & 2) | (prot & 4 ? 1 : 0)
    writeSegment(view, EHDR + PHDR * (i + 1), { type: PT_LOAD, flags, at: place, start, size, memory, align: PAGE })
    // Pages behind the end of their file stay zero.
    for (let done = 0; done < size; done += PAGE) {
      const bytes = subject.read(pid, start + done, PAGE)
      if (bytes !== null) out.set(bytes, place + done)
    }
  })
  return out
}

interface Segment {
  type: number
  flags: number
  at: number
  start: number
  size: number
  memory: number
  align: number
}

function writeSegment(
  view: DataView,
  at: number,
  { type, flags, at: offset, start, size, memory, align }: Segment,
): void {
  view.setUint32(at, type, true)
  view.setUint32(at + 4, flags, true)
  const words = [offset, start, 0, size, memory, align]
  words.forEach((word, i) => view.setBigUint64(at + 8 + 8 * i, BigInt(word), true))
}

function notesOf(subject: Subject, pid: number, tasks: readonly TaskView[], signal: Signal | null): Uint8Array {
  const parts: Uint8Array[] = []
  const note = (type: number, bytes: Uint8Array): void => {
    const padded = Math.ceil(bytes.length / 4) * 4
    const out = new Uint8Array(20 + padded)
    const view = new DataView(out.buffer)
    view.setUint32(0, 5, true)
    view.setUint32(4, bytes.length, true)
    view.setUint32(8, type, true)
    out.set([0x43, 0x4f, 0x52, 0x45], 12)
    out.set(bytes, 20)
    parts.push(out)
  }
  tasks.forEach((task, i) => {
    const floating = subject.floatingPoint(task.tid)!
    note(NT.prstatus, threadStatus(subject, task, floating, signal))
    note(NT.fpregset, floating)
    if (i > 0) return
    note(NT.prpsinfo, processInfo(subject, pid, task.name))
    note(NT.siginfo, signalInfo(signal))
    note(NT.auxv, auxiliary(subject.details(pid)?.auxv ?? []))
    note(NT.file, files(subject, pid))
  })
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** struct elf_prstatus; like the kernel it has the fatal signal in every thread. */
function threadStatus(subject: Subject, task: TaskView, floating: Uint8Array, signal: Signal | null): Uint8Array {
  const out = new Uint8Array(336)
  const view = new DataView(out.buffer)
  const details = subject.details(task.pid)
  view.setInt32(0, signal?.signal ?? 0, true)
  view.setInt32(4, signal?.code ?? 0, true)
  view.setInt16(12, signal?.signal ?? 0, true)
  view.setInt32(32, task.tid, true)
  view.setInt32(36, details?.ppid ?? 0, true)
  view.setInt32(40, details?.pgid ?? 0, true)
  view.setInt32(44, details?.sid ?? 0, true)
  const registers = new Map(registersOf(task, floating).map(({ name, bytes }) => [name, bytes]))
  USER_REGS.forEach((name, i) => out.set(registers.get(name)!, 112 + 8 * i))
  view.setInt32(328, 1, true)
  return out
}

/** struct elf_prpsinfo. */
function processInfo(subject: Subject, pid: number, name: string): Uint8Array {
  const out = new Uint8Array(136)
  const view = new DataView(out.buffer)
  const details = subject.details(pid)
  out[1] = 'R'.charCodeAt(0)
  view.setUint32(16, details?.uid ?? 0, true)
  view.setUint32(20, details?.gid ?? 0, true)
  view.setInt32(24, pid, true)
  view.setInt32(28, details?.ppid ?? 0, true)
  view.setInt32(32, details?.pgid ?? 0, true)
  view.setInt32(36, details?.sid ?? 0, true)
  const text = new TextEncoder()
  out.set(text.encode(name).subarray(0, 15), 40)
  out.set(text.encode((details?.argv ?? []).join(' ')).subarray(0, 79), 56)
  return out
}

/** siginfo_t of a fault; all zeros without one. */
export function signalInfo(signal: Signal | null): Uint8Array {
  const out = new Uint8Array(128)
  const view = new DataView(out.buffer)
  view.setInt32(0, signal?.signal ?? 0, true)
  view.setInt32(8, signal?.code ?? 0, true)
  view.setBigUint64(16, signal?.address ?? 0n, true)
  return out
}

/** Elf64_auxv_t[], with AT_NULL. */
function auxiliary(pairs: readonly [number, number][]): Uint8Array {
  const all = pairs.some(([type]) => type === 0) ? pairs : [...pairs, [0, 0] as const]
  const out = new BigUint64Array(all.flatMap(([type, value]) => [BigInt(type), BigInt(value)]))
  return new Uint8Array(out.buffer)
}

/** NT_FILE: which files are mapped where. */
function files(subject: Subject, pid: number): Uint8Array {
  const mapped = subject.mappedFiles(pid)
  const words = [mapped.length, PAGE, ...mapped.flatMap(({ start, end, offset }) => [start, end, offset / PAGE])]
  const names = new TextEncoder().encode(mapped.map(({ path }) => `${path}\0`).join(''))
  const out = new Uint8Array(words.length * 8 + names.length)
  out.set(new Uint8Array(BigUint64Array.from(words, BigInt).buffer))
  out.set(names, words.length * 8)
  return out
}
