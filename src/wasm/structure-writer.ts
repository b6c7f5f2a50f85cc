/**
 * Exists so that a lowering only has to supply the code of its blocks: the part of a {@link StructureSink} that is the same
 * for every region, written with the encoder.
 */

import { BLOCK_VOID } from './encode.ts'
import type { FunctionBody } from './encode.ts'
import * as OP from './opcodes.ts'
import type { StructureSink } from './structure-types.ts'

/** Writes structured control flow into a function body. Subclasses write the blocks and push the conditions. */
export abstract class StructureWriter implements StructureSink {
  readonly body: FunctionBody
  /** The i32 local that holds the label; only read when the plan `usesLabel`. */
  readonly labelLocal: number
  /**
   * Number of constructs open in `body`, those of this writer and those of the subclass, which counts its own here. A
   * construct that was opened when this was `d` is reached by the depth `this.depth - d - 1`.
   */
  depth: number

  constructor(body: FunctionBody, labelLocal: number) {
    this.body = body
    this.labelLocal = labelLocal
    this.depth = 0
  }

  abstract code(b: number): void
  abstract leave(b: number): void
  /** Pushes an i32 that is not zero exactly when the condition of block `b` equals `sense`. */
  protected abstract condition(b: number, sense: boolean): void
  /** Pushes the i32 index of the successor that the switch `b` takes; an index out of range takes the last. */
  protected abstract index(b: number): void

  /** Whether the condition of `b` equals `sense` usually (true) or hardly ever (false); undefined writes no hint. */
  protected likely(_b: number, _sense: boolean): boolean | undefined {
    return undefined
  }

  block(): void {
    this.body.opBlock(OP.block, BLOCK_VOID)
    this.depth++
  }

  loop(): void {
    this.body.opBlock(OP.loop, BLOCK_VOID)
    this.depth++
  }

  if(b: number, sense: boolean): void {
    this.condition(b, sense)
    this.hint(this.likely(b, sense))
    this.body.opBlock(OP.if, BLOCK_VOID)
    this.depth++
  }

  else(): void {
    this.body.op(OP.else)
  }

  end(): void {
    this.body.op(OP.end)
    this.depth--
  }

  br(depth: number): void {
    this.body.opIndex(OP.br, depth)
  }

  brIf(b: number, sense: boolean, depth: number): void {
    this.condition(b, sense)
    this.hint(this.likely(b, sense))
    this.body.opIndex(OP.br_if, depth)
  }

  brTable(b: number, depths: readonly number[]): void {
    this.index(b)
    this.body.brTable(depths.slice(0, -1), depths[depths.length - 1])
  }

  setLabel(value: number): void {
    this.body.i32Const(value)
    this.body.localSet(this.labelLocal)
  }

  brIfLabel(value: number, depth: number): void {
    this.body.localGet(this.labelLocal)
    if (value !== 0) {
      this.body.i32Const(value)
      this.body.op(OP.i32_eq)
    } else {
      this.body.op(OP.i32_eqz)
    }
    this.hint(false)
    this.body.opIndex(OP.br_if, depth)
  }

  brLabelTable(base: number, depths: readonly number[], otherwise: number): void {
    this.body.localGet(this.labelLocal)
    if (base !== 0) {
      this.body.i32Const(base)
      this.body.op(OP.i32_sub)
    }
    this.body.brTable(depths, otherwise)
  }

  private hint(likely: boolean | undefined): void {
    if (likely !== undefined) this.body.hint(likely)
  }
}
