/** Exists because people see more frames than the machine has: each inlined call is one of its own, with its line and its variables. */

import type { Frame, Stack } from '../cfi/unwind.ts'
import { DWARF_REGISTER, setRegister } from '../cfi/registers.ts'
import { DW_AT } from '../dwarf/constants.ts'
import type { Entry } from '../dwarf/entry.ts'
import type { ObjectFile } from '../object.ts'
import type { LoadedModule, Symbolizer } from '../symbolizer.ts'
import type { Block } from './blocks.ts'
import { blocksAt } from './blocks.ts'
import { tailCallsBetween } from './calls.ts'
import { functionAt } from './function-at.ts'
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
  /** The function that has gone on to this one by a tail call, and the call site that it did it by. */
  readonly tail?: { readonly frame: InspectedFrame; readonly site: Entry }
}

/** All frames of a stack, inlined calls expanded, and functions that were left by tail calls put back where call sites tell of them. */
export function expand(symbolizer: Symbolizer, stack: Stack, thread: ThreadState): InspectedFrame[] {
  const frames: InspectedFrame[] = []
  stack.frames.forEach((machine, physical) => {
    const tails = tailFrames(symbolizer, stack, physical)
    // From the outermost: each knows the one that it was called by.
    let tail: InspectedFrame['tail']
    const groups: InspectedFrame[][] = []
    for (const { frame, site } of tails.toReversed()) {
      // As gdb shows them: the innermost of calls that were inlined stands for all.
      const group = inlinedFrames(symbolizer, frame, { stack, physical, thread, tail }).slice(0, 1)
      groups.unshift(group)
      tail = { frame: group[0], site }
    }
    groups.unshift(inlinedFrames(symbolizer, machine, { stack, physical, thread, tail }))
    for (const frame of groups.flat()) frames.push({ ...frame, level: frames.length })
  })
  return frames
}

/** The functions between a frame and its caller that were left by tail calls, as frames, the one that was left last first. */
function tailFrames(symbolizer: Symbolizer, stack: Stack, physical: number): { frame: Frame; site: Entry }[] {
  const machine = stack.frames[physical]
  const caller = stack.frames[physical + 1]
  if (caller === undefined || machine.signalFrame || caller.signalFrame || caller.foundBy !== 'tables') return []
  const module = symbolizer.moduleAt(caller.lookup)
  const own = symbolizer.moduleAt(machine.lookup)
  if (module === undefined || own === undefined) return []
  const object = symbolizer.objectFile(module)
  const found = object.attempt(() => {
    const calling = functionAt(object, caller.lookup - module.bias)
    const callee = functionAt(symbolizer.objectFile(own), machine.lookup - own.bias)
    if (calling === undefined || callee === undefined) return []
    return tailCallsBetween(symbolizer, module, calling, caller.pc - module.bias, callee)
  })
  return (found ?? []).flatMap(({ site }) => {
    const after = site.number(DW_AT.call_return_pc) ?? site.number(DW_AT.low_pc)
    if (after === undefined) return []
    // Right before the jump its own frame was gone: the registers were the caller's.
    const registers = caller.registers.slice()
    const pc = after + module.bias
    setRegister(registers, DWARF_REGISTER.rip, pc)
    if (machine.cfa !== undefined) setRegister(registers, DWARF_REGISTER.rsp, machine.cfa - 8)
    const frame: Frame = {
      pc,
      lookup: pc - 1,
      ...(machine.cfa !== undefined && { cfa: machine.cfa }),
      registers,
      unknown: caller.unknown,
      signalFrame: false,
      foundBy: 'tables',
    }
    return [{ frame, site }]
  })
}

interface Place {
  readonly stack: Stack
  readonly physical: number
  readonly thread: ThreadState
  readonly tail: InspectedFrame['tail']
}

/** One frame of the machine as the calls inlined into it, innermost first, and itself. */
function inlinedFrames(
  symbolizer: Symbolizer,
  machine: Frame,
  { stack, physical, thread, tail }: Place,
): InspectedFrame[] {
  const { pc, lookup, cfa, signalFrame } = machine
  const description = symbolizer.describe(lookup)
  const { inlined = [], ...innermost } = description
  const places = [innermost, ...inlined]
  const at = symbolizer.moduleAt(lookup)
  const object = at && symbolizer.objectFile(at)
  let rest = object === undefined ? [] : blocksFor(object, lookup - at!.bias)
  const row = object?.attempt(() => object.debugging?.lineRange(pc - at!.bias))
  const isLineStart = lookup === pc && row?.start === pc - (at?.bias ?? 0)
  return places.map((place, i) => {
    const blocks = upToFunction(rest)
    rest = rest.slice(blocks.length)
    return {
      level: 0,
      pc,
      lookup,
      cfa,
      module: description.module,
      function: place.symbol,
      // As gdb has it: of what only the linker knows, parameters are part of the name.
      name: place.symbol === undefined || blocks.length === 0 ? place.symbol : plainName(place.symbol),
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
      blocks,
      at,
      ...(tail !== undefined && { tail }),
    }
  })
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
  if (name === '' || name.endsWith('::') || name.endsWith('operator')) return demangled
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

function blocksFor(object: ObjectFile, address: number): Block[] {
  const subprogram = functionAt(object, address)
  if (subprogram === undefined) return []
  return object.attempt(() => blocksAt(subprogram, address)) ?? []
}
