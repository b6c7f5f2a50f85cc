/** Exists to give the string instructions and their repetition, one iteration at a time, so that each can be interrupted after any of them. */
import { makeBlock } from '../../ir/builder.ts'
import { FLAG_KIND, type Size } from '../../ir/flags.ts'
import { REG } from '../../ir/registers.ts'
import type { Node } from '../../ir/types.ts'
import { PREFIX } from '../insn.ts'
import type { LiftContext } from '../lift.ts'
import type { Lifter } from '../table/types.ts'

/** Value of RSI, RDI or RCX at the address size, as i64. */
function pointer(l: LiftContext, register: number): Node {
  return l.b.to64(l.getFixed(register, l.insn.addrsize))
}

/** Moves RSI or RDI by one element, up or down as DF says. */
function advance(l: LiftContext, register: number, at: Node): void {
  const b = l.b
  const bytes = l.size / 8
  const moved = b.add(at, b.select(b.get(REG.direction), b.i64(-bytes), b.i64(bytes)))
  l.putFixed(register, l.insn.addrsize, l.insn.addrsize === 32 ? b.wrap(moved) : moved)
}

/** A body does one iteration and returns what must hold to go on besides the counter: null, or "the compared elements are equal". */
type Body = (l: LiftContext) => Node | null

/** Runs the body once, or as the repetition of its prefix asks (see block.ts for the blocks of a repeated instruction). */
const repeated =
  (body: Body): Lifter =>
  (l) => {
    const b = l.b
    const insn = l.insn
    if ((insn.prefixes & (PREFIX.rep | PREFIX.repne)) === 0) {
      body(l)
      return
    }
    const iteration = makeBlock(insn.pc, true)
    l.terminate({ kind: 'branch', cond: b.eqz(l.getFixed(REG.rcx, insn.addrsize)), then: l.next, else: iteration })
    b.startBlock(iteration)
    const equal = body(l)
    const count = l.getFixed(REG.rcx, insn.addrsize)
    const left = b.sub(count, b.constLike(count, 1))
    l.putFixed(REG.rcx, insn.addrsize, left)
    const more = b.ne(left, b.constLike(left, 0))
    const wanted = equal === null ? null : (insn.prefixes & PREFIX.rep) !== 0 ? equal : b.eqz(equal)
    l.terminate({ kind: 'branch', cond: wanted === null ? more : b.and(more, wanted), then: insn.pc, else: l.next })
  }

/** MOVS: [rSI] to [rDI]. */
export const movs = repeated((l) => {
  const from = pointer(l, REG.rsi)
  const to = pointer(l, REG.rdi)
  l.b.store(l.size, to, l.b.load(l.size, l.segmented(from)))
  advance(l, REG.rsi, from)
  advance(l, REG.rdi, to)
  return null
})

/** STOS: the accumulator to [rDI]. */
export const stos = repeated((l) => {
  const to = pointer(l, REG.rdi)
  l.b.store(l.size, to, l.getFixed(REG.rax, l.size))
  advance(l, REG.rdi, to)
  return null
})

/** LODS: [rSI] to the accumulator. */
export const lods = repeated((l) => {
  const from = pointer(l, REG.rsi)
  const value = l.b.load(l.size, l.segmented(from))
  advance(l, REG.rsi, from)
  l.putFixed(REG.rax, l.size, value)
  return null
})

/** Compares and reports equality. */
function compare(l: LiftContext, x: Node, y: Node): Node {
  l.b.setFlags(FLAG_KIND.sub, l.size as Size, x, y)
  return l.b.eq(x, y)
}

/** CMPS: [rSI] - [rDI]. */
export const cmps = repeated((l) => {
  const from = pointer(l, REG.rsi)
  const to = pointer(l, REG.rdi)
  const x = l.b.load(l.size, l.segmented(from))
  const y = l.b.load(l.size, to)
  advance(l, REG.rsi, from)
  advance(l, REG.rdi, to)
  return compare(l, x, y)
})

/** SCAS: the accumulator - [rDI]. */
export const scas = repeated((l) => {
  const to = pointer(l, REG.rdi)
  const y = l.b.load(l.size, to)
  const x = l.getFixed(REG.rax, l.size)
  advance(l, REG.rdi, to)
  return compare(l, x, y)
})
