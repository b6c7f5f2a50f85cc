/** Exists to lower branches whose target is a value: whether code can be there at all, and which code it is. */
import { EXIT } from '../ir/exits.ts'
import { ops } from '../ir/ops.ts'
import type { Block, Node } from '../ir/types.ts'
import { I64 } from './encode.ts'
import type { RegionLowering } from './lower-region.ts'
import * as OP from './opcodes.ts'
import { pushJumpPlace } from './runtime-jumps.ts'
import { RUNTIME } from './runtime.ts'
import { targetIndex } from './targets.ts'

/** The targets of one region after the other. */
export class Targets {
  private readonly region: RegionLowering
  private scratch = 0
  /** The target of the block at hand, and whether it is known already that code can be there. */
  private target: Node | null = null
  private checked = false
  /** Where the block at hand most likely returns to, or -1. */
  private likely = -1

  constructor(region: RegionLowering) {
    this.region = region
  }

  /** Starts another region. */
  reset(): void {
    this.scratch = this.region.body.local(I64)
  }

  /** Starts another block; what lies behind the last one has no target. */
  enter(block: Block | undefined): void {
    const term = block?.term
    this.target = term?.kind === 'ret' || term?.kind === 'ijump' || term?.kind === 'icall' ? term.address : null
    this.likely = term?.kind === 'ret' ? (term.expected?.pc ?? -1) : -1
    this.checked = false
  }

  /** Told of a fault before it is lowered: true if it is that of a branch to an address that is not canonical, and has been dealt with together with all others where no code can be. */
  check(fault: Node): boolean {
    const { region, target } = this
    if (region.input.careful || target === null || !isCanonicalCheck(fault, target)) return false
    const leaveIfWild = (): void => {
      region.values.emit(target)
      this.pushWild()
      region.body.hint(false)
      region.if_()
      region.doubts.leave(region.values.pc, region.values.refund)
      region.end()
    }
    if (this.likely < 0) leaveIfWild()
    else this.unless(target, this.likely, leaveIfWild)
    this.checked = true
    return true
  }

  /** What to do when an i64 value is not this guest address. */
  unless(value: Node, pc: number, otherwise: () => void): void {
    const { region } = this
    const f = region.body
    region.values.emit(value)
    f.i64Const(pc, 0)
    f.op(OP.i64_ne)
    f.hint(false)
    region.if_()
    otherwise()
    region.end()
  }

  /** Replaces an i64 on the wasm stack by whether no code can be at that address. */
  private pushWild(): void {
    const f = this.region.body
    const { guestMin, guestLimit } = this.region.layout
    f.i64Const(guestMin, 0)
    f.op(OP.i64_sub)
    f.i64Const(guestLimit - guestMin, 0)
    f.op(OP.i64_ge_u)
  }

  /** Puts a guest address from an i64 value into xpc; leaves when no code can be there. */
  toPc(address: Node): void {
    const { region } = this
    const f = region.body
    region.values.emit(address)
    if (!this.checked) {
      f.localTee(this.scratch)
      this.pushWild()
      f.hint(false)
      region.if_()
      f.localGet(this.scratch)
      region.stopWild()
      region.end()
      f.localGet(this.scratch)
    }
    f.op(OP.i32_wrap_i64)
    f.localSet(region.xpc)
  }

  /** Notes in the table of targets that the call which returns to `ret` goes to the address in xpc. */
  note(ret: number): void {
    const f = this.region.body
    f.i32Const(0)
    f.localGet(this.region.xpc)
    f.opMemory(OP.i32_store, 2, this.region.layout.targetsBase + 4 * targetIndex(ret))
  }

  /** Puts the entry code for the guest address in local xpc into local xcode: the one that is expected, if any, else from the jump cache, else the engine's answer. */
  lookup(expected = -1): void {
    const { region } = this
    const f = region.body
    const { jumpCacheBase, jumpCacheEntries } = region.layout
    if (expected >= 0) {
      f.localGet(region.xpc)
      f.i32Const(expected)
      f.op(OP.i32_eq)
      f.hint(true)
      region.if_()
      region.setLocal(region.xcode, region.input.codeFor(expected))
      region.else()
      this.lookup()
      region.end()
      return
    }
    pushJumpPlace(f, region.xpc, jumpCacheEntries)
    f.localTee(region.xcode)
    f.opMemory(OP.i32_load, 2, jumpCacheBase)
    f.localGet(region.xpc)
    f.op(OP.i32_eq)
    region.ifGiving(-1)
    f.localGet(region.xcode)
    f.opMemory(OP.i32_load, 2, jumpCacheBase + 4)
    f.op(OP.else)
    f.localGet(region.xpc)
    f.opIndex(OP.call, RUNTIME.resolve!)
    region.end()
    f.localSet(region.xcode)
  }
}

/** Is `fault` the #GP of a branch to an address that is not canonical (x86/semantics/control.ts)? */
function isCanonicalCheck({ imm, a }: Node, target: Node): boolean {
  const high = imm === EXIT.generalProtection && a!.op === ops.i64_lt_u ? a!.b! : null
  return high?.op === ops.i64_add && high.a!.op === ops.i64_shr_s && high.a!.a === target
}
