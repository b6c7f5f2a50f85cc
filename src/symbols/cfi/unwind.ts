/** Exists to walk a stack: from the registers of a thread to all its frames. */

import { LemmingError } from '../../base/errors.ts'
import { applyRow } from './apply.ts'
import type { ReadMemory } from './expression.ts'
import type { CodeMap, Fallback } from './fallback.ts'
import { callerWithoutTables } from './fallback.ts'
import type { RegisterFile } from './registers.ts'
import { DWARF_REGISTER, register } from './registers.ts'
import type { Row } from './row.ts'

/** One frame of a stack. */
export interface Frame {
  /** The instruction that runs next in this frame: in callers, the return address. */
  readonly pc: number
  /** The address to name and to look up lines with: pc, but for callers the last byte of the call, which may end another line or function. */
  readonly lookup: number
  /** The stack pointer of the caller at its call; undefined in the last frame. */
  readonly cfa?: number
  /** The registers as far as known: those that a callee may destroy keep its values. */
  readonly registers: RegisterFile
  /** Bit per DWARF register number: what `registers` has of it means nothing. */
  readonly unknown: number
  /** True for the frame that the kernel made for a signal handler: there is no function, only a trampoline. */
  readonly signalFrame: boolean
  /** How the frame was found; all but `start` and `tables` are guesses, though good ones. */
  readonly foundBy: 'start' | 'tables' | Fallback
}

/** Why a walk ended. Only after `outermost` are these all the frames there are. */
export type StackEnd =
  | 'outermost'
  | 'no-unwind-information'
  | 'unreadable-memory'
  | 'corrupt-stack'
  | 'corrupt-tables'
  | 'depth-limit'

/** A stack: innermost frame first. */
export interface Stack {
  readonly frames: readonly Frame[]
  readonly end: StackEnd
}

/** What the walk asks about code. */
export interface CodeInfo extends CodeMap {
  /** The unwind rules at an address; undefined without unwind tables. May throw `unwind-*` or `truncated-data`. */
  row(address: number): Row | undefined
}

/** Walks the stack of a thread with `registers`; `limit` bounds the number of frames. Never throws for what is in the program's memory. */
export function unwindStack(registers: RegisterFile, readMemory: ReadMemory, code: CodeInfo, limit: number): Stack {
  const frames: Frame[] = []
  let pc = register(registers, DWARF_REGISTER.rip)
  let frame: Omit<Frame, 'cfa' | 'signalFrame'> = {
    pc,
    lookup: pc,
    registers: registers.slice(),
    unknown: 0,
    foundBy: 'start',
  }
  let previousCfa = -Infinity
  for (;;) {
    let row: Row | undefined
    let next: Pick<Frame, 'registers' | 'unknown' | 'foundBy'> | undefined
    let cfa: number | undefined
    let end: StackEnd | undefined
    try {
      row = code.row(frame.lookup)
      if (row !== undefined) {
        const caller = applyRow(row, frame.registers, frame.unknown, readMemory)
        cfa = caller.cfa
        if (!caller.exists) end = 'outermost'
        else next = { registers: caller.registers, unknown: caller.unknown, foundBy: 'tables' }
      } else {
        const exact = frame.lookup === frame.pc
        next = callerWithoutTables(frame.registers, exact, code, readMemory)
        if (next === undefined) end = 'no-unwind-information'
        else cfa = register(next.registers, DWARF_REGISTER.rsp)
      }
    } catch (error) {
      if (!(error instanceof LemmingError) || error.code === 'internal') throw error
      end = error.code === 'unwind-memory' ? 'unreadable-memory' : 'corrupt-tables'
    }
    const signalFrame = row?.signalFrame === true || next?.foundBy === 'signal'
    // A handler "returns" to the first byte of the trampoline: the byte before is not part of it.
    frames.push({ ...frame, cfa, signalFrame, lookup: signalFrame ? frame.pc : frame.lookup })
    if (next === undefined) return { frames, end: end ?? 'no-unwind-information' }
    pc = register(next.registers, DWARF_REGISTER.rip)
    if (pc === 0) return { frames, end: 'outermost' }
    // Stacks grow down: a caller that is not above its callee is nonsense, except that a signal may have come on another stack.
    if (!signalFrame && cfa !== undefined && cfa <= previousCfa) return { frames, end: 'corrupt-stack' }
    previousCfa = signalFrame ? -Infinity : (cfa ?? previousCfa)
    if (frames.length >= limit) return { frames, end: 'depth-limit' }
    frame = { ...next, pc, lookup: signalFrame ? pc : pc - 1 }
  }
}
