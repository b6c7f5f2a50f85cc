/** Exists to lift MMX: its registers are the mantissas of the x87 registers, and its operations those of SSE2 on half a vector (Intel SDM vol. 1, chapter 9). */
import { EXIT } from '../../ir/exits.ts'
import { type OpRow, ops } from '../../ir/ops.ts'
import { REG, STATE } from '../../ir/registers.ts'
import type { Node } from '../../ir/types.ts'
import { LiftContext } from '../lift.ts'
import { KIND } from '../table/operands.ts'
import type { Lifter } from '../table/types.ts'
import { compute } from './sse-exact.ts'
import { aligned, immediate, lanes, quad, shuffle, zero } from './sse-operands.ts'

const SUMMARY = 0x80
const TOP = 7 << 11
const ALL_EMPTY = 0xffff
/** Sign and exponent of an x87 register that MMX has written. */
const ALL_ONES = 0xffff

/** Raises a pending x87 exception, as MMX instructions do first. */
function wait(l: LiftContext): void {
  l.b.faultIf(l.b.and(l.b.stateLoad(32, STATE.x87Status), l.b.i32(SUMMARY)), EXIT.floatingPoint)
}

/** Turns the x87 stack into MMX registers: the top is zero, all registers are in use. */
function enter(l: LiftContext): void {
  const { b } = l
  b.stateStore(32, STATE.x87Status, b.and(b.stateLoad(32, STATE.x87Status), b.i32(~TOP)))
  b.stateStore(32, STATE.x87Tag, b.i32(0))
}

const readRegister = (l: LiftContext, i: number): Node => l.b.stateLoad(64, STATE.x87 + 16 * l.register(i))

function writeRegister(l: LiftContext, i: number, value: Node): void {
  enter(l)
  l.b.stateStore(64, STATE.x87 + 16 * l.register(i), value)
  l.b.stateStore(32, STATE.x87 + 16 * l.register(i) + 8, l.b.i32(ALL_ONES))
}

/** 64 bits as the low half of a vector. */
const low = (l: LiftContext, value: Node): Node => l.b.emit(ops.i64x2_replace_lane, zero(l), value)

/** An instruction whose MMX operands look like vectors with the 64 bits in the low half, so that lifters of XMM forms serve it. */
class MmxContext extends LiftContext {
  /** What was read of registers: both operands of PXOR mm0, mm0 are one value. */
  private readonly values = new Map<number, Node>()

  constructor(l: LiftContext) {
    super(l.b, l.exact)
    this.begin(l.insn)
  }

  private isMmx(i: number): boolean {
    const { kind } = this.insn.form.operands[i]!
    return kind === KIND.mmx || kind === KIND.mmxRm || kind === KIND.mmxRegister
  }

  override isMem(i: number): boolean {
    return !this.isMmx(i) && super.isMem(i)
  }

  override read(i: number): Node {
    if (!this.isMmx(i)) return super.read(i)
    if (!super.isMem(i)) {
      const known = this.values.get(this.register(i)) ?? low(this, readRegister(this, i))
      this.values.set(this.register(i), known)
      return known
    }
    const value = this.b.load(this.bits(i) === 32 ? 32 : 64, this.ea())
    return low(this, this.b.to64(value))
  }

  override write(i: number, value: Node): void {
    if (this.isMmx(i)) writeRegister(this, i, this.b.emit(ops.i64x2_extract_lane, value))
    else super.write(i, value)
  }
}

/** The MMX form of an instruction that has an XMM form. */
export const half =
  (lifter: Lifter): Lifter =>
  (l) => {
    wait(l)
    lifter(new MmxContext(l))
  }

/** PUNPCKHxx: the upper half of what the interleaving of the low halves gives. */
export const interleaveHigh = (size: number): Lifter => {
  const count = 16 / size
  const pattern = lanes(
    size,
    Array.from({ length: count }, (_, i) => (i >> 1) + (i & 1) * count),
  )
  return half((l) => {
    const both = shuffle(l, l.read(0), aligned(l, 1), pattern)
    l.write(0, shuffle(l, both, both, lanes(8, [1, 1])))
  })
}

/** PACKxx: one narrowing of destination and source together. */
export const narrow = (op: OpRow): Lifter =>
  half((l) => {
    const both = shuffle(l, l.read(0), aligned(l, 1), lanes(8, [0, 2]))
    l.write(0, l.b.emit(op, both, both))
  })

/** MOVQ, MOVNTQ: loads and register moves, or stores. */
export const moveQuad: Lifter = (l) => {
  wait(l)
  if (l.isMem(0)) {
    l.b.store(64, l.ea(), readRegister(l, 1))
    enter(l)
  } else {
    writeRegister(l, 0, l.isMem(1) ? l.b.load(64, l.ea()) : readRegister(l, 1))
  }
}

/** MOVD, MOVQ from a general register or memory. */
export const moveFromGeneral: Lifter = (l) => {
  wait(l)
  writeRegister(l, 0, l.b.to64(l.read(1)))
}

/** MOVD, MOVQ to a general register or memory. */
export const moveToGeneral: Lifter = (l) => {
  wait(l)
  const value = readRegister(l, 1)
  l.write(0, l.size === 64 ? value : l.b.wrap(value))
  enter(l)
}

/** MOVQ2DQ. */
export const moveToVector: Lifter = (l) => {
  wait(l)
  const value = readRegister(l, 1)
  enter(l)
  l.write(0, low(l, value))
}

/** MOVDQ2Q. */
export const moveFromVector: Lifter = (l) => {
  wait(l)
  writeRegister(l, 0, l.b.emit(ops.i64x2_extract_lane, l.read(1)))
}

/** PINSRW. */
export const insertWord: Lifter = half((l) =>
  l.write(0, l.b.emit(ops.i16x8_replace_lane, l.read(0), l.read(1), null, immediate(l, 2) & 3)),
)

/** PEXTRW. */
export const extractWord: Lifter = half((l) => {
  const word = l.b.emit(ops.i16x8_extract_lane_u, l.read(1), null, null, immediate(l, 2) & 3)
  enter(l)
  l.write(0, word)
})

/** PMOVMSKB: the upper half of the vector is zero. */
export const moveMask: Lifter = half((l) => {
  const mask = l.b.emit(ops.i8x16_bitmask, l.read(1))
  enter(l)
  l.write(0, mask)
})

/** MASKMOVQ: as MASKMOVDQU, eight bytes. Processors have entered MMX state when it faults. */
export const maskMove: Lifter = half((l) => {
  const { b } = l
  const rdi = b.get(REG.rdi)
  const address = l.segmented(l.insn.addrsize === 32 ? b.extendU(b.wrap(rdi)) : rdi)
  enter(l)
  b.probeWrite(address, 8)
  const selected = b.emit(ops.i8x16_shr_s, l.read(1), b.i32(7))
  const merged = b.emit(ops.v128_bitselect, l.read(0), low(l, b.load(64, address)), selected)
  b.store(64, address, b.emit(ops.i64x2_extract_lane, merged))
})

/** PSHUFW. */
export const shuffleWords: Lifter = half((l) => {
  const control = immediate(l, 2)
  const x = aligned(l, 1)
  l.write(
    0,
    shuffle(
      l,
      x,
      x,
      lanes(
        2,
        [0, 2, 4, 6, 0, 2, 4, 6].map((shift) => (control >> shift) & 3),
      ),
    ),
  )
})

/** The source of CVTPI2PS and CVTPI2PD: with a memory operand the x87 is left alone. */
function packedIntegers(l: LiftContext): Node {
  if (l.isMem(1)) return low(l, l.b.load(64, l.ea()))
  wait(l)
  const source = readRegister(l, 1)
  enter(l)
  return low(l, source)
}

/** CVTPI2PS: the low two floats of the destination. */
export const integersToSingles: Lifter = (l) => {
  const converted = compute(l, ops.f32x4_convert_i32x4_s, packedIntegers(l))
  l.write(0, shuffle(l, converted, l.read(0), lanes(8, [0, 3])))
}

/** CVTPI2PD. */
export const integersToDoubles: Lifter = (l) => l.write(0, l.b.emit(ops.f64x2_convert_low_i32x4_s, packedIntegers(l)))

/** CVTPS2PI, CVTTPS2PI: the low two floats; eight bytes of memory, not aligned. */
export const singlesToIntegers = (op: OpRow): Lifter => half((l) => l.write(0, compute(l, op, low(l, quad(l, 1)))))

/** CVTPD2PI, CVTTPD2PI. */
export const doublesToIntegers = (op: OpRow): Lifter => half((l) => l.write(0, compute(l, op, aligned(l, 1))))

/** EMMS. */
export const empty: Lifter = (l) => {
  wait(l)
  enter(l)
  l.b.stateStore(32, STATE.x87Tag, l.b.i32(ALL_EMPTY))
}
