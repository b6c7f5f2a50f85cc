/** Exists to give the flag instructions, and those that ask the processor about itself. */
import { EXIT } from '../../ir/exits.ts'
import { CC, FLAG } from '../../ir/flags.ts'
import { HELPER } from '../../ir/helpers.ts'
import { REG, STATE } from '../../ir/registers.ts'
import type { Node } from '../../ir/types.ts'
import type { LiftContext } from '../lift.ts'
import type { Lifter } from '../table/types.ts'
import { putCarry } from './bits.ts'

/** SF, ZF, AF, PF, CF: what LAHF and SAHF move. */
const AH_FLAGS = FLAG.sf | FLAG.zf | FLAG.af | FLAG.pf | FLAG.cf

/** CLC. */
export const clc: Lifter = (l) => putCarry(l.b, l.b.i32(0))
/** STC. */
export const stc: Lifter = (l) => putCarry(l.b, l.b.i32(1))
/** CMC. */
export const cmc: Lifter = (l) => putCarry(l.b, l.b.cond(CC.ae))
/** CLD. */
export const cld: Lifter = (l) => l.b.put(REG.direction, l.b.i32(0))
/** STD. */
export const std: Lifter = (l) => l.b.put(REG.direction, l.b.i32(1))

/** LAHF: bit 1 reads one. */
export const lahf: Lifter = (l) => {
  const b = l.b
  const image = b.or(b.and(b.getFlags(), b.i32(AH_FLAGS)), b.i32(2))
  b.put(REG.rax, b.or(b.and(b.get(REG.rax), b.i64(~0xff00)), b.extendU(b.shl(image, b.i32(8)))))
}

/** SAHF: OF stays. */
export const sahf: Lifter = (l) => {
  const b = l.b
  const ah = b.and(b.shrU(b.wrap(b.get(REG.rax)), b.i32(8)), b.i32(AH_FLAGS))
  b.putFlags(b.or(b.and(b.getFlags(), b.i32(FLAG.of)), ah))
}

const scratchWord = (l: LiftContext, word: number): Node => l.b.extendU(l.b.stateLoad(32, STATE.scratch + 4 * word))

/** CPUID. */
export const cpuid: Lifter = (l) => {
  const b = l.b
  b.helper(HELPER.cpuid, l.getFixed(REG.rax, 32), l.getFixed(REG.rcx, 32))
  b.put(REG.rax, scratchWord(l, 0))
  b.put(REG.rbx, scratchWord(l, 1))
  b.put(REG.rcx, scratchWord(l, 2))
  b.put(REG.rdx, scratchWord(l, 3))
}

/** The number of the processor, zero-extended. */
const processor = (l: LiftContext): Node => l.b.extendU(l.b.stateLoad(32, STATE.processor))

/** RDTSC. */
export const rdtsc: Lifter = (l) => {
  l.b.helper(HELPER.rdtsc, l.b.i32(0), l.b.i32(0))
  l.b.put(REG.rax, scratchWord(l, 0))
  l.b.put(REG.rdx, scratchWord(l, 1))
}

/** RDTSCP: beside the counter the number of the processor, of node 0. */
export const rdtscp: Lifter = (l) => {
  rdtsc(l)
  l.b.put(REG.rcx, processor(l))
}

/** RDPID: the same number, zero-extended. */
export const rdpid: Lifter = (l) => l.write(0, processor(l))

/** XGETBV: XCR0 with x87 and SSE state; other registers do not exist. */
export const xgetbv: Lifter = (l) => {
  const b = l.b
  b.faultIf(l.getFixed(REG.rcx, 32), EXIT.generalProtection)
  b.put(REG.rax, b.i64(3))
  b.put(REG.rdx, b.i64(0))
}

/** RDFSBASE, RDGSBASE. */
export const readBase =
  (register: number): Lifter =>
  (l) =>
    l.write(0, l.size === 64 ? l.b.get(register) : l.b.wrap(l.b.get(register)))

/** WRFSBASE, WRGSBASE: #GP for a non-canonical address. */
export const writeBase =
  (register: number): Lifter =>
  (l) => {
    const b = l.b
    const base = b.to64(l.read(0))
    b.faultIf(b.ne(b.shrS(b.shl(base, b.i64(16)), b.i64(16)), base), EXIT.generalProtection)
    b.put(register, base)
  }
