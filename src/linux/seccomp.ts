/** Exists to let a task's own filters decide about its system calls: classic BPF over struct seccomp_data (seccomp(2), Documentation/userspace-api/seccomp_filter). */
import type { AddressSpace } from '../engine/address-space.ts'
import { ERRNO } from './errno.ts'
import { exitTask } from './exit.ts'
import type { Kernel } from './kernel.ts'
import { SIG, SIG_DFL } from './signal-names.ts'
import { forceSignal, signalInfo } from './signals.ts'
import type { SeccompFilter, Task } from './state.ts'
import { NO_RESULT } from './tasks.ts'

/** What a filter returns, in the upper half of a word; the lower half is data for some. */
export const ACTION = {
  killProcess: 0x8000_0000,
  killThread: 0,
  trap: 0x3_0000,
  errno: 0x5_0000,
  notify: 0x7fc0_0000,
  trace: 0x7ff0_0000,
  log: 0x7ffc_0000,
  allow: 0x7fff_0000,
} as const
const ACTION_BITS = 0xffff_0000

/** AUDIT_ARCH_X86_64. */
const ARCH = 0xc000_003e
/** struct seccomp_data: nr, arch, instruction pointer, six arguments. */
const DATA_WORDS = 16
/** BPF_MAXINSNS. */
export const MAX_LENGTH = 4096
/** The scratch memory of a program, in words. */
const CELLS = 16
/** si_code of the SIGSYS that a filter raises. */
const SYS_SECCOMP = 1
/** What strict mode allows: read, write, exit, rt_sigreturn. */
const STRICT: readonly number[] = [0, 1, 60, 15]

/** Instruction classes, sizes and modes of classic BPF (linux/bpf_common.h). */
const BPF = { ld: 0, ldx: 1, st: 2, stx: 3, alu: 4, jmp: 5, ret: 6, misc: 7 } as const
const MODE = { imm: 0x00, abs: 0x20, mem: 0x60, len: 0x80 } as const
const ALU = {
  add: 0x00,
  sub: 0x10,
  mul: 0x20,
  div: 0x30,
  or: 0x40,
  and: 0x50,
  lsh: 0x60,
  rsh: 0x70,
  neg: 0x80,
  xor: 0xa0,
}
const JMP = { always: 0x00, equal: 0x10, greater: 0x20, notLess: 0x30, set: 0x40 } as const
/** BPF_X: the operand is the index register. */
const INDEX = 8

/** Every opcode that a filter may use. */
const OPCODES = new Set<number>([
  ...[MODE.abs, MODE.imm, MODE.mem, MODE.len].map((mode) => BPF.ld | mode),
  ...[MODE.imm, MODE.mem, MODE.len].map((mode) => BPF.ldx | mode),
  BPF.st,
  BPF.stx,
  ...Object.values(ALU).flatMap((op) => (op === ALU.neg ? [BPF.alu | op] : [BPF.alu | op, BPF.alu | op | INDEX])),
  BPF.jmp | JMP.always,
  ...[JMP.equal, JMP.greater, JMP.notLess, JMP.set].flatMap((op) => [BPF.jmp | op, BPF.jmp | op | INDEX]),
  BPF.ret,
  BPF.ret | 0x10,
  BPF.misc,
  BPF.misc | 0x80,
])

/** One instruction: opcode, targets when true and when false, operand. */
type Instruction = [code: number, yes: number, no: number, k: number]

/** The program of `length` instructions at `address`, four numbers each, or a negative errno. */
export function readProgram(space: AddressSpace, address: number, length: number): number[] | number {
  const bytes = space.read(address, 8 * length)
  if (bytes === null) return -ERRNO.EFAULT
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const program: number[] = []
  for (let i = 0; i < length; i++)
    program.push(view.getUint16(8 * i, true), bytes[8 * i + 2]!, bytes[8 * i + 3]!, view.getUint32(8 * i + 4, true))
  return isValid(program) ? program : -ERRNO.EINVAL
}

function at(program: readonly number[], i: number): Instruction {
  return program.slice(4 * i, 4 * i + 4) as Instruction
}

/** Known opcodes, jumps that stay inside and lead forward, a return at the end, and no cell that is read before it was written (bpf_check_classic). */
function isValid(program: readonly number[]): boolean {
  const length = program.length / 4
  const reached: number[] = Array.from({ length: length + 1 }, () => 0xffff)
  let written = 0
  for (let i = 0; i < length; i++) {
    const [code, yes, no, k] = at(program, i)
    if (!OPCODES.has(code)) return false
    const kind = code & 7
    const mode = code & 0xe0
    written &= reached[i]!
    if (kind === BPF.ld && mode === MODE.abs && (k % 4 !== 0 || k >= 4 * DATA_WORDS)) return false
    if (kind === BPF.st || kind === BPF.stx) {
      if (k >= CELLS) return false
      written |= 1 << k
    } else if (kind <= BPF.ldx && mode === MODE.mem) {
      if (k >= CELLS || ((written >> k) & 1) === 0) return false
    } else if (kind === BPF.alu && (code & INDEX) === 0) {
      const op = code & 0xf0
      if (op === ALU.div && k === 0) return false
      if ((op === ALU.lsh || op === ALU.rsh) && k >= 32) return false
    } else if (kind === BPF.jmp) {
      const targets = (code & 0xf0) === JMP.always ? [k] : [yes, no]
      for (const target of targets) {
        if (i + 1 + target >= length) return false
        reached[i + 1 + target]! &= written
      }
      written = 0xffff
    }
  }
  return (program[4 * (length - 1)]! & 7) === BPF.ret
}

/** What the program returns for a call described by the words of struct seccomp_data. */
function evaluate(program: readonly number[], data: Uint32Array): number {
  const cells = new Uint32Array(CELLS)
  let a = 0
  let x = 0
  for (let i = 0; ; i++) {
    const [code, yes, no, k] = at(program, i)
    const operand = code & INDEX ? x : k
    const op = code & 0xf0
    const mode = code & 0xe0
    switch (code & 7) {
      case BPF.ld:
        a = mode === MODE.abs ? data[k / 4]! : mode === MODE.mem ? cells[k]! : mode === MODE.len ? 4 * DATA_WORDS : k
        break
      case BPF.ldx:
        x = mode === MODE.mem ? cells[k]! : mode === MODE.len ? 4 * DATA_WORDS : k
        break
      case BPF.st:
        cells[k] = a
        break
      case BPF.stx:
        cells[k] = x
        break
      case BPF.alu:
        // A division by an index register of 0 ends the program with 0.
        if (op === ALU.div && operand === 0) return ACTION.killThread
        a = compute(op, a, operand)
        break
      case BPF.jmp:
        i += op === JMP.always ? k : holds(op, a, operand) ? yes : no
        break
      case BPF.ret:
        return code & 0x10 ? a : k
      default:
        if (code & 0x80) a = x
        else x = a
    }
  }
}

function compute(op: number, a: number, b: number): number {
  switch (op) {
    case ALU.add:
      return (a + b) >>> 0
    case ALU.sub:
      return (a - b) >>> 0
    case ALU.mul:
      return Math.imul(a, b) >>> 0
    case ALU.div:
      return Math.floor(a / b)
    case ALU.or:
      return (a | b) >>> 0
    case ALU.and:
      return (a & b) >>> 0
    case ALU.xor:
      return (a ^ b) >>> 0
    case ALU.lsh:
      return (a << b) >>> 0
    case ALU.rsh:
      return a >>> b
    default:
      return -a >>> 0
  }
}

function holds(op: number, a: number, b: number): boolean {
  if (op === JMP.equal) return a === b
  if (op === JMP.set) return (a & b) !== 0
  return op === JMP.greater ? a > b : a >= b
}

/**
 * What becomes of the call that the running task is about to make: null when it may be made, else its result, or NO_RESULT when there is none. All filters
 * are asked, the last one first; the strictest answer counts, and of equally strict ones the one that was given first.
 */
export function judge(k: Kernel, t: Task, nr: number, args: readonly bigint[]): number | null {
  const { strict, filters } = t.seccomp!
  if (strict) {
    if (STRICT.includes(nr)) return null
    exitTask(k, t, SIG.kill)
    return NO_RESULT
  }
  const data = describe(nr, k.cpu.rip, args)
  let verdict: number = ACTION.allow
  for (let i = filters.length - 1; i >= 0; i--) {
    const given = evaluate(filters[i]!.program, data)
    if (((given & ACTION_BITS) | 0) < ((verdict & ACTION_BITS) | 0)) verdict = given
  }
  return carryOut(k, t, nr, verdict >>> 0)
}

function describe(nr: number, rip: bigint, args: readonly bigint[]): Uint32Array {
  const data = new Uint32Array(DATA_WORDS)
  data[0] = nr
  data[1] = ARCH
  ;[rip, ...args].forEach((value, i) => {
    data[2 + 2 * i] = Number(value & 0xffff_ffffn)
    data[3 + 2 * i] = Number((value >> 32n) & 0xffff_ffffn)
  })
  return data
}

function carryOut(k: Kernel, t: Task, nr: number, verdict: number): number | null {
  const detail = verdict & 0xffff
  switch ((verdict & ACTION_BITS) >>> 0) {
    case ACTION.allow:
    case ACTION.log:
      return null
    case ACTION.errno:
      return detail === 0 ? 0 : -Math.min(detail, 4095)
    case ACTION.trace:
    case ACTION.notify:
      // Nobody traces, and nobody listens.
      return -ERRNO.ENOSYS
    case ACTION.trap:
      raiseSys(k, t, nr, detail)
      return NO_RESULT
    case ACTION.killThread:
      if (k.process(t).tids.length > 1) {
        exitTask(k, t, SIG.sys)
        return NO_RESULT
      }
  }
  // Killed; as is whoever gives an answer that nobody knows.
  k.process(t).actions[SIG.sys]!.handler = SIG_DFL
  raiseSys(k, t, nr, detail)
  return NO_RESULT
}

/** SIGSYS as a filter raises it: where the call is, its number, and the filter's data as si_errno. */
function raiseSys(k: Kernel, t: Task, nr: number, detail: number): void {
  const value = BigInt(nr >>> 0) | (BigInt(ARCH) << 32n)
  forceSignal(k, t, signalInfo(SIG.sys, SYS_SECCOMP, { errno: detail, address: k.cpu.rip, value }))
}

/** Whether every filter of `older` is among the first ones of `newer`: whether the one task's filters can be replaced by the other's. */
export function precedes(older: readonly SeccompFilter[], newer: readonly SeccompFilter[]): boolean {
  return older.length <= newer.length && older.every(({ id }, i) => newer[i]!.id === id)
}
