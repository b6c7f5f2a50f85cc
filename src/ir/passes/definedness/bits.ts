/** Exists so that rules for V bits are short: the few operations on them, for each type of value, which vanish where everything is known to be defined. */
import { type Builder, makeNode } from '../../builder.ts'
import { ops, type OpRow } from '../../ops.ts'
import type { Node, Type } from '../../types.ts'

/** The type of the V bits of a value: floating-point values have those of the integer of their size. */
export type BitsType = 'i32' | 'i64' | 'v128'

/** All bits defined. Constants stand for themselves wherever they are used, so one for all blocks will do. */
export const DEFINED: Record<BitsType, Node> = {
  i32: makeNode(ops.i32_const, null, null, null, 0, 0, null),
  i64: makeNode(ops.i64_const, null, null, null, 0, 0, null),
  v128: makeNode(ops.v128_const, null, null, null, 0, 0, new Uint8Array(16)),
}

/** The V bits' type of a value's type. */
export function bitsType(type: Type): BitsType {
  return type === 'f32' ? 'i32' : type === 'f64' ? 'i64' : type
}

/** Are these V bits known to be all defined? */
export function isDefined(v: Node): boolean {
  if (v.op === ops.i32_const) return v.imm === 0
  if (v.op === ops.i64_const) return v.imm === 0 && v.imm2 === 0
  return v.op === ops.v128_const && v.bytes!.every((byte) => byte === 0)
}

/** Operations on V bits and on the values that they belong to. Operands are of one type unless said otherwise. */
export class Bits {
  readonly b: Builder

  constructor(b: Builder) {
    this.b = b
  }

  /** Undefined where either is. */
  either(x: Node, y: Node): Node {
    if (isDefined(x)) return y
    if (isDefined(y) || x === y) return x
    return this.b.emit(x.type === 'i32' ? ops.i32_or : x.type === 'i64' ? ops.i64_or : ops.v128_or, x, y)
  }

  and(x: Node, y: Node): Node {
    if (isDefined(x)) return x
    if (isDefined(y)) return y
    return this.b.emit(x.type === 'i32' ? ops.i32_and : x.type === 'i64' ? ops.i64_and : ops.v128_and, x, y)
  }

  xor(x: Node, y: Node): Node {
    if (isDefined(x)) return y
    if (isDefined(y)) return x
    return this.b.emit(x.type === 'i32' ? ops.i32_xor : x.type === 'i64' ? ops.i64_xor : ops.v128_xor, x, y)
  }

  not(x: Node): Node {
    if (x.type === 'v128') return this.b.emit(ops.v128_not, x)
    return this.b.xor(x, this.ones(x.type as BitsType))
  }

  ones(type: BitsType): Node {
    return type === 'i32' ? this.b.i32(-1) : type === 'i64' ? this.b.i64(-1) : this.b.v128(new Uint8Array(16).fill(255))
  }

  /** The bits of a value, which for an undefined bit may be either, with all those 0: the least unsigned value that it may have. */
  least(x: Node, v: Node): Node {
    if (isDefined(v)) return x
    if (x.type === 'v128') return this.b.emit(ops.v128_andnot, x, v)
    return this.and(x, this.not(v))
  }

  /** The same with all those 1: the greatest unsigned value. */
  greatest(x: Node, v: Node): Node {
    return this.either(x, v)
  }

  /** i32: 1 when any bit is undefined, else 0. */
  any(v: Node): Node {
    if (isDefined(v)) return DEFINED.i32
    if (v.type === 'v128') return this.b.emit(ops.v128_any_true, v)
    return this.b.ne(v, this.b.constLike(v, 0))
  }

  /** All undefined if any bit of `v` is, as bits of another (or the same) type. */
  all(v: Node, type: BitsType): Node {
    return isDefined(v) ? DEFINED[type] : this.spread(this.any(v), type)
  }

  /** All bits as the one of an i32 that is 0 or 1. */
  spread(bit: Node, type: BitsType): Node {
    const { b } = this
    if (isDefined(bit)) return DEFINED[type]
    if (type === 'i32') return b.sub(b.i32(0), bit)
    if (type === 'i64') return b.sub(b.i64(0), b.extendU(bit))
    return b.emit(ops.i32x4_splat, b.sub(b.i32(0), bit))
  }

  /** Undefined from the lowest undefined bit up: what carries can reach. */
  upwards(v: Node): Node {
    if (isDefined(v)) return v
    return this.b.or(v, this.b.sub(this.b.constLike(v, 0), v))
  }

  /** An op of two operands, of any type. */
  op(op: OpRow, x: Node, y: Node | null = null, imm = 0): Node {
    return this.b.emit(op, x, y, null, imm)
  }

  /** V bits that are all defined unless some of `v` are not: computed only then, by `rule`. */
  unlessDefined(v: Node, rule: () => Node): Node {
    const { b } = this
    const any = this.any(v)
    const { sharing } = b
    // What is shared would have to be computed always.
    b.sharing = false
    const result = rule()
    b.sharing = sharing
    if (isDefined(result)) return result
    const op = result.type === 'i32' ? ops.guarded_i32 : result.type === 'i64' ? ops.guarded_i64 : ops.guarded_v128
    return b.emit(op, any, result)
  }
}
