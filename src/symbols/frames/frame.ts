/** Exists because people see more frames than the machine has: each inlined call is one of its own, with its line and its variables. */

import type { Frame, Stack } from '../cfi/unwind.ts'
import type { Entry } from '../dwarf/entry.ts'
import type { ObjectFile } from '../object.ts'
import type { LoadedModule, Symbolizer } from '../symbolizer.ts'
import type { Block } from './blocks.ts'
import { blocksAt } from './blocks.ts'
import type { ThreadState } from './thread.ts'

/** A frame as a debugger numbers them, inlined calls included. */
export interface InspectedFrame {
  /** 0 is the innermost. */
  readonly level: number
  /** Where it goes on: in callers, the return address. */
  readonly pc: number
  /** The address to name, to look up lines and variables with. */
  readonly lookup: number
  /** The canonical frame address: the stack pointer of the caller at its call. */
  readonly cfa: number | undefined
  readonly module: string | undefined
  /** Demangled; `name` is without parameters and result, as in a backtrace. */
  readonly function: string | undefined
  readonly name: string | undefined
  /** Distance from the start of the ELF symbol that holds pc. */
  readonly offset: number | undefined
  readonly file: string | undefined
  readonly line: number | undefined
  readonly column: number | undefined
  /** A call that was inlined into the next frame. */
  readonly inlined: boolean
  readonly signalFrame: boolean
  /** Whether the frame below was inlined into this one: then both stand at one instruction. */
  readonly holdsInlined: boolean
  /** Whether pc is where a line begins. */
  readonly isLineStart: boolean
  /** The frame of the machine that it is (a part of), and where that stands in the stack. */
  readonly machine: Frame
  readonly physical: number
  readonly stack: Stack
  readonly thread: ThreadState
  /** The blocks of its function that hold the address, innermost first; empty without debugging information. */
  readonly blocks: readonly Block[]
  readonly at: LoadedModule | undefined
}

/** All frames of a stack, inlined calls expanded. */
export function expand(symbolizer: Symbolizer, stack: Stack, thread: ThreadState): InspectedFrame[] {
  const frames: InspectedFrame[] = []
  stack.frames.forEach((machine, physical) => {
    const { pc, lookup, cfa, signalFrame } = machine
    const description = symbolizer.describe(lookup)
    const { inlined = [], ...innermost } = description
    const places = [innermost, ...inlined]
    const at = symbolizer.moduleAt(lookup)
    const all = at === undefined ? [] : blocksFor(symbolizer.objectFile(at), lookup - at.bias)
    let rest = all
    const object = at && symbolizer.objectFile(at)
    const row = object?.attempt(() => object.debugging?.lineRange(pc - at!.bias))
    const isLineStart = lookup === pc && row?.start === pc - (at?.bias ?? 0)
    places.forEach((place, i) => {
      frames.push({
        level: frames.length,
        pc,
        lookup,
        cfa,
        module: description.module,
        function: place.symbol,
        name: place.symbol === undefined ? undefined : plainName(place.symbol),
        offset: description.offset === undefined ? undefined : description.offset + (pc - lookup),
        file: place.file,
        line: place.line,
        column: place.column,
        inlined: i < places.length - 1,
        signalFrame,
        holdsInlined: i > 0,
        isLineStart,
        machine,
        physical,
        stack,
        thread,
        blocks: upToFunction(rest),
        at,
      })
      rest = rest.slice(upToFunction(rest).length)
    })
  })
  return frames
}

/** A function's name without parameters, qualifiers and, for templates, result. */
function plainName(demangled: string): string {
  let end = demangled.length
  const trailing = /(?: const| volatile| &&?| \[clone [^\]]*\]| \[[^\]]*\])+$/.exec(demangled)
  if (trailing !== null) end = trailing.index
  if (demangled[end - 1] !== ')') return demangled
  let depth = 0
  let at = end
  do {
    at--
    if (demangled[at] === ')') depth++
    else if (demangled[at] === '(') depth--
  } while (at > 0 && depth > 0)
  const name = demangled.slice(0, at)
  if (name === '' || name.endsWith('::')) return demangled
  return name.slice(resultLength(name))
}

/** How far the result goes that a demangled template begins with: to the last space outside of all brackets. */
function resultLength(name: string): number {
  if (/(^|::)operator /.test(name)) return 0
  let depth = 0
  let last = 0
  for (let i = 0; i < name.length; i++) {
    if ('<({'.includes(name[i]) && !name.slice(0, i).endsWith('operator') && !name.slice(0, i).endsWith('operator<'))
      depth++
    else if ('>)}'.includes(name[i]) && name[i - 1] !== '-' && !/operator[->]*$/.test(name.slice(0, i))) depth--
    else if (name[i] === ' ' && depth === 0) last = i + 1
  }
  return depth === 0 ? last : 0
}

/** The blocks of one function or inlined call. */
function upToFunction(blocks: readonly Block[]): readonly Block[] {
  const end = blocks.findIndex(({ isFunction }) => isFunction)
  return end < 0 ? blocks : blocks.slice(0, end + 1)
}

/** The entry of the function that holds `address` (without load bias), of its machine code. */
export function functionAt(object: ObjectFile, address: number): Entry | undefined {
  const { debugging } = object
  if (debugging === undefined) return undefined
  return object.attempt(() => {
    for (const unit of debugging.file.units.at(address)) {
      const [outermost] = debugging.tree(unit).chain(address)
      if (outermost !== undefined) return debugging.file.entry(outermost.offset, unit)
    }
    return undefined
  })
}

function blocksFor(object: ObjectFile, address: number): Block[] {
  const subprogram = functionAt(object, address)
  if (subprogram === undefined) return []
  return object.attempt(() => blocksAt(subprogram, address)) ?? []
}
