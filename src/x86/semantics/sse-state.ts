/** Exists to give the instructions on MXCSR, on the FXSAVE image, and those that only matter to caches and memory ordering. */
import { EXIT } from '../../ir/exits.ts'
import { makeBlock } from '../../ir/builder.ts'
import { HELPER, X87 } from '../../ir/helpers.ts'
import { REG, STATE } from '../../ir/registers.ts'
import type { Node } from '../../ir/types.ts'
import type { LiftContext } from '../lift.ts'
import type { Lifter } from '../table/types.ts'
import { alignedAddress } from './sse-operands.ts'

/** Bits of MXCSR that no processor allows (SDM vol. 1, figure 10-3); bit 17 is AMD's misaligned mode. */
const RESERVED = 0xfffd0000 | 0
const MISALIGNED = 0x20000
/** What FXSAVE reports as the bits of MXCSR that exist. */
const MXCSR_MASK = 0xffff

/** Checks a value that is about to become MXCSR. */
function checkMxcsr(l: LiftContext, value: Node): void {
  const { b } = l
  b.faultIf(b.and(value, b.i32(RESERVED)), EXIT.generalProtection)
  b.faultIf(b.and(value, b.i32(MISALIGNED)), EXIT.unsupported)
}

/** Makes a checked value MXCSR and ends the instruction: code of the other variant may have to go on. */
function setMxcsr(l: LiftContext, value: Node, restored: number): void {
  const { b } = l
  const elsewhere = makeBlock(l.insn.pc, true)
  l.terminate({ kind: 'branch', cond: b.helper(HELPER.mxcsr, value, b.i32(restored)), then: elsewhere, else: l.next })
  b.startBlock(elsewhere)
  l.terminate({ kind: 'leave', pc: l.next })
}

/** LDMXCSR. */
export const loadMxcsr: Lifter = (l) => {
  const value = l.b.load(32, l.ea())
  checkMxcsr(l, value)
  setMxcsr(l, value, 0)
}

/** STMXCSR. */
export const storeMxcsr: Lifter = (l) => l.b.store(32, l.ea(), l.b.stateLoad(32, STATE.mxcsr))

/** Fences, prefetches: one thread runs at a time, and there are no caches. */
export const noEffect: Lifter = () => {}

/** CLFLUSH: faults like a load of the byte that it names. */
export const flushLine: Lifter = (l) => {
  l.b.load(8, l.ea())
}

const at = (l: LiftContext, address: Node, offset: number): Node => l.b.add(address, l.b.i64(offset))

/** Offsets in the FXSAVE image (SDM vol. 2, table 3-44), and its last byte, which processors check first. */
const IMAGE = { mxcsr: 24, registers: 32, xmm: 160, last: 511 } as const

/** FXSAVE, FXSAVE64: without a pending exception the x87 pointers are zero, and both layouts are the same. */
export const fxsave: Lifter = (l) => {
  const { b } = l
  const address = alignedAddress(l, 0)
  const isWide = l.insn.opsize === 64
  b.probeWrite(at(l, address, IMAGE.last), 1)
  b.probeWrite(address, 1)
  b.helper(X87.header, b.i32(0), b.i32(0))
  b.store(64, address, b.stateLoad(64, STATE.scratch))
  for (const offset of [8, 16]) {
    if (isWide) b.store(64, at(l, address, offset), b.stateLoad(64, STATE.scratch + offset))
    else b.store(64, at(l, address, offset), b.extendU(b.stateLoad(32, STATE.scratch + offset)))
  }
  b.store(32, at(l, address, IMAGE.mxcsr), b.stateLoad(32, STATE.mxcsr))
  b.store(32, at(l, address, IMAGE.mxcsr + 4), b.i32(MXCSR_MASK))
  for (let i = 0; i < 8; i++) {
    b.helper(X87.register, b.i32(0), b.i32(i))
    b.store128(at(l, address, IMAGE.registers + 16 * i), b.stateLoad(128, STATE.scratch))
  }
  for (let i = 0; i < 16; i++) b.store128(at(l, address, IMAGE.xmm + 16 * i), b.get(REG.xmm0 + i))
}

/** FXRSTOR, FXRSTOR64. */
export const fxrstor: Lifter = (l) => {
  const { b } = l
  const address = alignedAddress(l, 0)
  const isWide = l.insn.opsize === 64
  b.load(8, at(l, address, IMAGE.last))
  const header = [0, 8, 16].map((offset) => b.load(64, at(l, address, offset)))
  const mxcsr = b.load(32, at(l, address, IMAGE.mxcsr))
  const registers = Array.from({ length: 8 }, (_, i) => b.load128(at(l, address, IMAGE.registers + 16 * i)))
  const vectors = Array.from({ length: 16 }, (_, i) => b.load128(at(l, address, IMAGE.xmm + 16 * i)))
  checkMxcsr(l, mxcsr)
  header.forEach((word, i) => b.stateStore(64, STATE.scratch + 8 * i, word))
  b.helper(X87.header, b.i32(1), b.i32(isWide ? 1 : 0))
  registers.forEach((image, i) => {
    b.stateStore(128, STATE.scratch, image)
    b.helper(X87.register, b.i32(1), b.i32(i))
  })
  vectors.forEach((vector, i) => b.put(REG.xmm0 + i, vector))
  setMxcsr(l, mxcsr, 1)
}
