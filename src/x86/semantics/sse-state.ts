/** Exists to give the instructions on MXCSR, on the FXSAVE image, and those that only matter to caches and memory ordering. */
import { EXIT } from '../../ir/exits.ts'
import { makeBlock } from '../../ir/builder.ts'
import { HELPER, X87 } from '../../ir/helpers.ts'
import { REG, STATE } from '../../ir/registers.ts'
import type { Block, Node } from '../../ir/types.ts'
import type { LiftContext } from '../lift.ts'
import type { Lifter } from '../table/types.ts'
import { alignedAddress, zero } from './sse-operands.ts'

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

/** Stores the x87 part of an image: without a pending exception the pointers are zero, and the layouts with and without REX.W are the same. */
function storeX87(l: LiftContext, address: Node): void {
  const { b } = l
  b.helper(X87.header, b.i32(0), b.i32(0))
  b.store(64, address, b.stateLoad(64, STATE.scratch))
  for (const offset of [8, 16]) {
    if (l.insn.opsize === 64) b.store(64, at(l, address, offset), b.stateLoad(64, STATE.scratch + offset))
    else b.store(64, at(l, address, offset), b.extendU(b.stateLoad(32, STATE.scratch + offset)))
  }
  for (let i = 0; i < 8; i++) {
    b.helper(X87.register, b.i32(0), b.i32(i))
    b.store128(at(l, address, IMAGE.registers + 16 * i), b.stateLoad(128, STATE.scratch))
  }
}

/** Stores MXCSR, its mask, and the XMM registers. */
function storeVectors(l: LiftContext, address: Node): void {
  const { b } = l
  b.store(32, at(l, address, IMAGE.mxcsr), b.stateLoad(32, STATE.mxcsr))
  b.store(32, at(l, address, IMAGE.mxcsr + 4), b.i32(MXCSR_MASK))
  for (let i = 0; i < 16; i++) b.store128(at(l, address, IMAGE.xmm + 16 * i), b.get(REG.xmm0 + i))
}

/** The x87 part of an image as it was loaded: head and registers. */
interface X87Image {
  header: Node[]
  registers: Node[]
}

const loadX87 = (l: LiftContext, address: Node): X87Image => ({
  header: [0, 8, 16].map((offset) => l.b.load(64, at(l, address, offset))),
  registers: Array.from({ length: 8 }, (_, i) => l.b.load128(at(l, address, IMAGE.registers + 16 * i))),
})

function restoreX87(l: LiftContext, { header, registers }: X87Image): void {
  const { b } = l
  header.forEach((word, i) => b.stateStore(64, STATE.scratch + 8 * i, word))
  b.helper(X87.header, b.i32(1), b.i32(l.insn.opsize === 64 ? 1 : 0))
  registers.forEach((image, i) => {
    b.stateStore(128, STATE.scratch, image)
    b.helper(X87.register, b.i32(1), b.i32(i))
  })
}

const loadVectors = (l: LiftContext, address: Node): Node[] =>
  Array.from({ length: 16 }, (_, i) => l.b.load128(at(l, address, IMAGE.xmm + 16 * i)))

/** FXSAVE, FXSAVE64. */
export const fxsave: Lifter = (l) => {
  const { b } = l
  const address = alignedAddress(l, 0)
  b.probeWrite(at(l, address, IMAGE.last), 1)
  b.probeWrite(address, 1)
  storeX87(l, address)
  storeVectors(l, address)
}

/** FXRSTOR, FXRSTOR64. */
export const fxrstor: Lifter = (l) => {
  const { b } = l
  const address = alignedAddress(l, 0)
  b.load(8, at(l, address, IMAGE.last))
  const x87 = loadX87(l, address)
  const mxcsr = b.load(32, at(l, address, IMAGE.mxcsr))
  const vectors = loadVectors(l, address)
  checkMxcsr(l, mxcsr)
  restoreX87(l, x87)
  vectors.forEach((vector, i) => b.put(REG.xmm0 + i, vector))
  setMxcsr(l, mxcsr, 1)
}

/** Components of the extended state (bits of XCR0). */
const COMPONENT = { x87: 1, sse: 2 } as const
const COMPONENTS = COMPONENT.x87 | COMPONENT.sse
/** Behind the FXSAVE image: which components it holds, and what is zero in the standard format (SDM vol. 1, 13.4.2); the last byte of all. */
const HEADER = { components: 512, compacted: 520, reserved: 528, last: 575 } as const
/** The x87 as FNINIT leaves it: control word 37F, all registers empty. */
const INITIAL_X87 = [0x37f, 0, 0]

/** The address of an XSAVE area, which lies on a 64-byte boundary. */
function areaAddress(l: LiftContext): Node {
  const address = l.ea(0)
  l.b.faultIf(l.b.and(l.b.wrap(address), l.b.i32(63)), EXIT.generalProtection)
  return address
}

/** i32: not zero when EDX:EAX asks for the component. */
const isAsked = (l: LiftContext, component: number): Node => l.b.and(l.getFixed(REG.rax, 32), l.b.i32(component))

/** A block of the same instruction; values of other blocks, the address among them, are not known in it. */
function startBlock(l: LiftContext): { block: Block; address: () => Node } {
  const block = makeBlock(l.insn.pc, true)
  return {
    block,
    address: () => {
      l.b.startBlock(block)
      return l.segmented(l.offset())
    },
  }
}

/** XSAVE, XSAVE64: both components count as in use all the time, which a processor may say. */
export const xsave: Lifter = (l) => {
  const { b } = l
  const address = areaAddress(l)
  b.probeWrite(address, 1)
  b.probeWrite(at(l, address, HEADER.last), 1)
  const asked = b.extendU(isAsked(l, COMPONENTS))
  const held = at(l, address, HEADER.components)
  b.store(64, held, b.or(b.load(64, held), asked))
  const [vectors, others, x87] = [startBlock(l), startBlock(l), startBlock(l)]
  l.terminate({ kind: 'branch', cond: isAsked(l, COMPONENT.sse), then: vectors.block, else: others.block })
  storeVectors(l, vectors.address())
  l.terminate({ kind: 'jump', target: others.block })
  others.address()
  l.terminate({ kind: 'branch', cond: isAsked(l, COMPONENT.x87), then: x87.block, else: l.next })
  storeX87(l, x87.address())
  l.terminate({ kind: 'jump', target: l.next })
}

/** XRSTOR, XRSTOR64: a component that is asked for and not held becomes as at the start; MXCSR is loaded whenever SSE is asked for. */
export const xrstor: Lifter = (l) => {
  const { b } = l
  const address = areaAddress(l)
  b.load(8, address)
  const held = b.load(64, at(l, address, HEADER.components))
  const rest = b.or(b.load(64, at(l, address, HEADER.compacted)), b.load(64, at(l, address, HEADER.reserved)))
  const wrong = b.or(b.and(held, b.i64(~COMPONENTS)), rest)
  b.faultIf(b.ne(wrong, b.i64(0)), EXIT.generalProtection)
  const mxcsr = b.load(32, at(l, address, IMAGE.mxcsr))
  checkMxcsr(l, b.select(isAsked(l, COMPONENT.sse), mxcsr, b.i32(0)))
  const [x87, others, vectors] = [startBlock(l), startBlock(l), startBlock(l)]
  const isHeld = (from: Node, component: number): Node =>
    b.and(b.load(32, at(l, from, HEADER.components)), b.i32(component))
  l.terminate({ kind: 'branch', cond: isAsked(l, COMPONENT.x87), then: x87.block, else: others.block })
  const fromX87 = x87.address()
  const image = loadX87(l, fromX87)
  const heldX87 = isHeld(fromX87, COMPONENT.x87)
  restoreX87(l, {
    header: image.header.map((word, i) => b.select(heldX87, word, b.i64(INITIAL_X87[i]!))),
    registers: image.registers.map((register) => b.select(heldX87, register, zero(l))),
  })
  l.terminate({ kind: 'jump', target: others.block })
  others.address()
  l.terminate({ kind: 'branch', cond: isAsked(l, COMPONENT.sse), then: vectors.block, else: l.next })
  const fromSse = vectors.address()
  const loaded = loadVectors(l, fromSse)
  const heldSse = isHeld(fromSse, COMPONENT.sse)
  const control = b.load(32, at(l, fromSse, IMAGE.mxcsr))
  loaded.forEach((vector, i) => b.put(REG.xmm0 + i, b.select(heldSse, vector, zero(l))))
  setMxcsr(l, control, 1)
}
