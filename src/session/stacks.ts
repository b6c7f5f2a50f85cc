/** Exists to turn the registers and memory of tasks into stacks with names, as plain values. */
import type { ReportWorld } from '../replay/recording-world.ts'
import { modulesOf } from '../replay/modules.ts'
import type { Subject, TaskView } from '../replay/subject.ts'
import type { Stack as UnwoundStack } from '../symbols/cfi/unwind.ts'
import type { Description, Symbolizer } from '../symbols/symbolizer.ts'
import { createSymbolizer } from '../symbols/symbolizer.ts'
import type { Frame, Place, ThreadState } from '../tool/finding.ts'
import { SourceFiles } from './sources.ts'

/** Decompresses a section of an ELF file to `size` bytes. */
export type Inflate = (bytes: Uint8Array, format: 'zlib' | 'zstd', size: number) => Uint8Array

/** Deepest stack that is walked; a runaway recursion has a hundred thousand frames, and the first few tell it. */
const DEPTH = 256

/** Below the stack pointer a function without calls may keep this many bytes (System V ABI, 3.2.2). */
const RED_ZONE = 128

/** DWARF register number of each register of TaskView.registers. */
export const DWARF_OF = [0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16]

/** The registers of a task as the unwinder has them. */
export function dwarfRegisters({ registers }: TaskView): Uint32Array {
  const out = new Uint32Array(34)
  registers.forEach((value, i) => {
    out[DWARF_OF[i]! * 2] = Number(value & 0xffffffffn)
    out[DWARF_OF[i]! * 2 + 1] = Number(value >> 32n)
  })
  return out
}

/** `0x1f`. */
export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`
}

/** Names the addresses of one process as it is now: made anew when its mappings may have changed. */
export class Namer {
  readonly sources: SourceFiles
  private readonly subject: Subject
  private readonly pid: number
  readonly symbolizer: Symbolizer
  private readonly biases = new Map<string, number>()

  constructor(subject: Subject, pid: number, world: ReportWorld, inflate: Inflate) {
    this.subject = subject
    this.pid = pid
    this.sources = new SourceFiles(world)
    const look = (path: string): Uint8Array | undefined => world.look(path)
    const modules = modulesOf(subject.mappedFiles(pid), look)
    for (const { path, bias } of modules) this.biases.set(path, bias)
    this.symbolizer = createSymbolizer({ modules, readDebugFile: look, inflate })
  }

  /** The functions at an address, innermost first: more than one where calls were inlined. */
  places(address: number, lookup = address): Place[] {
    const description = this.symbolizer.describe(lookup)
    const [innermost, ...callers] = [description, ...(description.inlined ?? [])]
    return [innermost!, ...callers].map((one, i) => this.place(address, description, one, i === callers.length))
  }

  private place(address: number, whole: Description, one: Omit<Description, 'inlined'>, outermost: boolean): Place {
    const place: Place = { address: hex(address) }
    if (whole.module !== undefined) {
      place.module = whole.module
      place.moduleOffset = hex(address - (this.biases.get(whole.module) ?? 0))
    }
    if (one.symbol !== undefined) place.function = one.symbol
    if (outermost && whole.offset !== undefined) place.offset = whole.offset
    if (one.file !== undefined) place.file = one.file
    if (one.line !== undefined) place.line = one.line
    if (one.column !== undefined) place.column = one.column
    return place
  }

  /** The frames of a task, innermost first, at most so many. */
  unwind(task: TaskView, depth: number): UnwoundStack {
    const read = (address: number, size: number): Uint8Array | undefined =>
      this.subject.read(this.pid, address, size) ?? undefined
    return this.symbolizer.unwind(dwarfRegisters(task), read, depth)
  }

  /** The function in whose frame on the task's stack an address is, in words, and the number of that frame; null where it is in none. */
  frameAt(task: TaskView, address: number): { what: string; index: number } | null {
    if (address < Number(task.registers[4]!) - RED_ZONE) return null
    const { frames } = this.unwind(task, DEPTH)
    const index = frames.findIndex(({ cfa }) => cfa !== undefined && address < cfa)
    const frame = frames[index]
    if (frame === undefined) return null
    const places = this.places(frame.pc, frame.lookup)
    const { function: name, file, line } = places.at(-1)!
    if (name === undefined) return null
    const where = file === undefined ? '' : ` (${file.slice(file.lastIndexOf('/') + 1)}:${line ?? '?'})`
    return { what: `the stack frame of ${name.includes('(') ? name : `${name}()`}${where}`, index }
  }

  /** A task with its stack. */
  thread(task: TaskView): ThreadState {
    const { frames, end } = this.unwind(task, DEPTH)
    const out: Frame[] = []
    for (const frame of frames) {
      const places = this.places(frame.pc, frame.lookup)
      const guessed = frame.foundBy !== 'start' && frame.foundBy !== 'tables'
      const linked = this.symbolizer.symbolAt(frame.lookup)?.name
      places.forEach((place, i) => {
        const text = place.file === undefined ? undefined : this.sources.line(place.file, place.line)
        out.push({
          ...place,
          inlined: i < places.length - 1,
          signal: frame.signalFrame,
          guessed,
          ...(linked !== undefined && { symbol: linked }),
          ...(text !== undefined && { text }),
        })
      })
    }
    return { pid: task.pid, tid: task.tid, name: task.name, waiting: task.waiting, stack: { frames: out, end } }
  }

  /** What could not be read, one line each. */
  problems(): string[] {
    return this.symbolizer.problems()
  }
}
