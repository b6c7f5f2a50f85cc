/** Exists to give the moves, selections and tests of SSE4.1: blends, insertions and extractions, extensions, PTEST. */
import { FLAG } from '../../ir/flags.ts'
import { type OpRow, ops } from '../../ir/ops.ts'
import { REG } from '../../ir/registers.ts'
import type { Node } from '../../ir/types.ts'
import type { LiftContext } from '../lift.ts'
import type { Lifter } from '../table/types.ts'
import { aligned, immediate, lanes, shuffle, zero } from './sse-operands.ts'

/** BLENDPS, BLENDPD, PBLENDW: lanes of `size` bytes come from the source where the immediate has a bit. */
export const blend =
  (size: number): Lifter =>
  (l) => {
    const control = immediate(l, 2)
    const count = 16 / size
    const numbers = Array.from({ length: count }, (_, i) => i + ((control >> i) & 1) * count)
    l.write(0, shuffle(l, l.read(0), aligned(l, 1), lanes(size, numbers)))
  }

/** BLENDVPS, BLENDVPD, PBLENDVB: lanes come from the source where XMM0's lane is negative. */
export const blendBySign =
  (greater: OpRow): Lifter =>
  (l) => {
    const { b } = l
    const negative = b.emit(greater, zero(l), b.get(REG.xmm0))
    l.write(0, b.emit(ops.v128_bitselect, aligned(l, 1), l.read(0), negative))
  }

/** PINSRB, PINSRD, PINSRQ; `last` is the number of the last lane. */
export const insert =
  (op: OpRow, last: number): Lifter =>
  (l) =>
    l.write(0, l.b.emit(op, l.read(0), l.read(1), null, immediate(l, 2) & last))

/** PEXTRB, PEXTRW, PEXTRD, PEXTRQ, EXTRACTPS. */
export const extract =
  (op: OpRow, last: number): Lifter =>
  (l) =>
    l.write(0, l.b.emit(op, l.read(1), null, null, immediate(l, 2) & last))

/** INSERTPS: one float of the source to any place, then zeros where the immediate says so. */
export const insertSingle: Lifter = (l) => {
  const { b } = l
  const control = immediate(l, 2)
  const source = l.isMem(1)
    ? b.load(32, l.ea())
    : b.emit(ops.i32x4_extract_lane, l.read(1), null, null, (control >> 6) & 3)
  const inserted = b.emit(ops.i32x4_replace_lane, l.read(0), source, null, (control >> 4) & 3)
  const numbers = [0, 1, 2, 3].map((i) => ((control >> i) & 1) * 4 + i)
  l.write(0, (control & 15) === 0 ? inserted : shuffle(l, inserted, zero(l), lanes(4, numbers)))
}

/** The source of an extension in the low lanes of a vector; memory has just the bytes that are extended. */
function narrow(l: LiftContext): Node {
  if (!l.isMem(1)) return l.read(1)
  const { b } = l
  const bits = l.bits(1)
  const value = b.load(bits as 16 | 32 | 64, l.ea())
  return b.emit(bits === 64 ? ops.i64x2_replace_lane : ops.i32x4_replace_lane, zero(l), value)
}

/** PMOVSXxx, PMOVZXxx: one widening after the other. */
export const extend =
  (...steps: OpRow[]): Lifter =>
  (l) =>
    l.write(
      0,
      steps.reduce((x, op) => l.b.emit(op, x), narrow(l)),
    )

/** PTEST: ZF where the operands have no bit in common, CF where the source has none that the destination lacks. */
export const test: Lifter = (l) => {
  const { b } = l
  const x = l.read(0)
  const y = aligned(l, 1)
  const isZero = (v: Node): Node => b.eqz(b.emit(ops.v128_any_true, v))
  const zf = isZero(b.emit(ops.v128_and, x, y))
  const cf = isZero(b.emit(ops.v128_andnot, y, x))
  b.putFlags(b.or(b.select(zf, b.i32(FLAG.zf), b.i32(0)), cf))
}
