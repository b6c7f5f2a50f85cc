/**
 * Exists for what translated code leaves to the engine: the instruction of an access that is not plainly allowed (a *doubt*). It hardly ever happens, and code that had to
 * go on behind a question would have to keep all values for it.
 */
import { EXIT } from '../ir/exits.ts'
import { I64 } from './encode.ts'
import { PARAMETER } from './lower-input.ts'
import type { RegionLowering } from './lower-region.ts'
import * as OP from './opcodes.ts'
import { RUNTIME } from './runtime.ts'

/** The doubts of one region after the other. */
export class Doubts {
  private readonly region: RegionLowering
  /** Local with the address of the instruction, and the refund above: not 0 on the way to a stop only. In careful code -1. */
  private place = -1

  constructor(region: RegionLowering) {
    this.region = region
  }

  /** Starts another region. */
  reset(): void {
    this.place = this.region.input.careful ? -1 : this.region.body.local(I64)
  }

  /** Stops at the instruction at `pc`; `refund` as in RegionLowering.stopAt. */
  leave(pc: number, refund: number): void {
    this.region.body.i64Const(pc | 0, refund)
    this.region.body.localSet(this.place)
    this.region.stop()
  }

  /** The stop sequence notes what kind of a stop it was. */
  tell(): void {
    if (this.place < 0) return
    const f = this.region.body
    f.localGet(this.place)
    f.op(OP.i64_eqz)
    f.op(OP.i32_eqz)
    this.region.if_()
    f.i32Const(0)
    f.i32Const(this.region.input.code)
    f.opMemory(OP.i32_store, 2, this.region.layout.doubterBase)
    f.i32Const(EXIT.doubt)
    f.localGet(this.place)
    f.i64Const(32, 0)
    f.op(OP.i64_shr_u)
    f.op(OP.i32_wrap_i64)
    f.localGet(this.place)
    f.op(OP.i32_wrap_i64)
    f.opIndex(OP.call, RUNTIME.stop!)
    this.region.end()
  }

  /** Keeps the entry code, of which only the label is needed otherwise, for `leaveEntry`. */
  keepEntry(): void {
    if (this.place < 0) return
    this.region.body.localGet(PARAMETER.label)
    this.region.body.localSet(this.region.xcode)
  }

  /** Stops at the region's entry, before anything has been done. */
  leaveEntry(): void {
    const f = this.region.body
    f.i32Const(EXIT.entryDoubt)
    f.i32Const(0)
    f.localGet(this.region.xcode)
    f.opIndex(OP.call, RUNTIME.stop!)
    f.i32Const(0)
    f.localGet(PARAMETER.fuel)
    f.op(OP.return)
  }
}
