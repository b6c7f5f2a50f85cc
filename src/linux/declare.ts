/**
 * Exists so that every fact about a system call is stated once: number, name, typed arguments, result and handler drive dispatch,
 * strace's printing, the ranges of memory that the kernel reads and writes, and the table of what is supported.
 */
import type { AddressSpace } from '../engine/address-space.ts'
import type { CpuState } from '../engine/cpu-state.ts'
import { REG } from '../ir/registers.ts'
import { LemmingError } from '../base/errors.ts'
import type { Kernel } from './kernel.ts'
import type { Task } from './state.ts'
import { errorText, padded } from './strace.ts'

/** Returned by a handler that set `t.wait`: the call has no result yet. No call returns this number (it is no errno and not >= 0). */
export const BLOCKED = -0x7fff_ffff

/** A range of guest memory: address and bytes. */
export interface Range {
  start: number
  length: number
}

/** What printers and range functions may look at. */
export interface CallView {
  readonly k: Kernel
  readonly t: Task
  readonly space: AddressSpace
  /** Decoded arguments, all of them. */
  readonly args: readonly number[]
  /** The result as the program gets it (negative errno), or null before the call and for calls that do not return. */
  readonly result: number | null
}

/** How one argument is decoded, printed and used. */
export interface ArgType {
  /** The register's low and high 32 bits (unsigned) as the number that the handler gets. */
  decode(lo: number, hi: number): number
  /** strace's text; null leaves the argument out (the mode of an open that creates nothing). */
  text(value: number, call: CallView): string | null
  /** 'in': the text is taken when the call is entered. 'out': when it is left, since the kernel fills what it shows. */
  when: 'in' | 'out'
  /** Text that follows an 'in' argument once the call has succeeded: what the kernel made of it. */
  after?(value: number, call: CallView): string
  /** The whole text of an 'in' argument once the call has succeeded, from what it was at entry: where the kernel replaces what it read. */
  merged?(entry: string, value: number, call: CallView): string
  /** Guest memory that the kernel reads because of this argument. */
  reads?(value: number, call: CallView): Range[]
  /** Guest memory that the kernel has written because of this argument; `call.result` is known. */
  writes?(value: number, call: CallView): Range[]
  /** Guest memory that the program offers for that, known before: the kernel may write less. Absent where `writes` says it all. */
  offers?(value: number, call: CallView): Range[]
}

/** strace's text of a successful result. */
export type ResultType = (result: number, call: CallView) => string

/** A number >= 0, a negative errno, or BLOCKED. */
export type Handler = (k: Kernel, t: Task, args: number[]) => number

/** 'full', or 'partial: ' and what is missing. */
export type Support = 'full' | `partial: ${string}`

/** One system call. */
export interface Declaration {
  readonly nr: number
  readonly name: string
  readonly args: readonly (readonly [string, ArgType])[]
  readonly result: ResultType
  readonly handler: Handler
  readonly support: Support
}

/** Declares a system call of x86-64; `nr` as in asm/unistd_64.h. */
export function syscall(
  nr: number,
  name: string,
  args: readonly (readonly [string, ArgType])[],
  result: ResultType,
  handler: Handler,
  options: { support: Support } = { support: 'full' },
): Declaration {
  return { nr, name, args, result, handler, support: options.support }
}

/** Argument registers in order (System V ABI, A.2.1: the kernel takes r10 where C takes rcx). */
const ARGUMENT_REGISTERS = [REG.rdi, REG.rsi, REG.rdx, REG.r10, REG.r8, REG.r9]

/** The register of argument `i`. */
export function argumentRegister(i: number): number {
  return ARGUMENT_REGISTERS[i]!
}

/** The arguments of `declaration` from a task's registers. */
export function decodeArgs(declaration: Declaration, cpu: CpuState): number[] {
  const values: number[] = []
  for (let i = 0; i < declaration.args.length; i++) {
    const at = ARGUMENT_REGISTERS[i]! * 8
    values.push(declaration.args[i]![1].decode(cpu.view.getUint32(at, true), cpu.view.getUint32(at + 4, true)))
  }
  return values
}

/** All six argument registers, raw. */
export function rawArgs(cpu: CpuState): bigint[] {
  return ARGUMENT_REGISTERS.map((register) => cpu.gpr(register))
}

/** Texts of the arguments that are shown as they were when the call was entered; null where the text comes after the call. */
export type EntryText = (string | null)[]

/** To be called before the handler, when somebody wants the text: memory that the call shows may have changed afterwards. */
export function entryText(declaration: Declaration, call: CallView): EntryText {
  return declaration.args.map(([, type], i) => (type.when === 'in' ? type.text(call.args[i]!, call) : null))
}

/** `name(arguments)` once the call is over; `entry` may be null when it was not taken. */
function callText(declaration: Declaration, call: CallView, entry: EntryText | null): string {
  const parts: string[] = []
  declaration.args.forEach(([, type], i) => {
    const text = type.when === 'in' && entry !== null ? entry[i]! : type.text(call.args[i]!, call)
    if (text === null) return
    const failed = call.result === null || call.result < 0
    if (!failed && type.merged !== undefined) return void parts.push(type.merged(text, call.args[i]!, call))
    parts.push(failed || type.after === undefined ? text : text + type.after(call.args[i]!, call))
  })
  return `${declaration.name}(${parts.join(', ')})`
}

/** What stands behind `= `: a result, `-1 ENOENT (No such file or directory)`, or `?` for a call that does not return. */
function resultText(declaration: Declaration, call: CallView): string {
  const result = call.result
  if (result === null) return '?'
  return result < 0 && result > -4096 ? errorText(-result) : declaration.result(result, call)
}

/** The whole line in strace's format without pid prefix, padded as strace pads. */
export function straceLine(declaration: Declaration, call: CallView, entry: EntryText | null): string {
  return padded(callText(declaration, call, entry), resultText(declaration, call))
}

/** Guest memory that the kernel reads for this call: known before it runs. */
export function readSet(declaration: Declaration, call: CallView): Range[] {
  return ranges(declaration, call, 'reads')
}

/** Guest memory that the kernel has written for this call, once it is over; empty when it failed. */
export function writeSet(declaration: Declaration, call: CallView): Range[] {
  return call.result !== null && call.result < 0 ? [] : ranges(declaration, call, 'writes')
}

/** Guest memory that the program offers for what the kernel is to write: known before the call runs. */
export function offerSet(declaration: Declaration, call: CallView): Range[] {
  return ranges(declaration, call, 'offers').map(({ start, length }) => ({ start, length: Math.min(length, OFFERED) }))
}

/** More is not looked at: programs offer what they may not have ("as much as there is"). */
const OFFERED = 1 << 20

function ranges(declaration: Declaration, call: CallView, which: 'reads' | 'writes' | 'offers'): Range[] {
  const found: Range[] = []
  declaration.args.forEach(([, type], i) => {
    const value = call.args[i]!
    if (value !== 0) for (const range of type[which]?.(value, call) ?? []) if (range.length > 0) found.push(range)
  })
  return found
}

/** Stops the run because a call asks for something that lemming does not have; `what` is the flag, command or option by name. */
export function unsupported(call: string, what: string): never {
  throw new LemmingError(
    'unsupported-syscall',
    `${call}: ${what} is not supported`,
    'lemming stops rather than pretend that it worked; if your program needs it, please report the call',
  )
}
