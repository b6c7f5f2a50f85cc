/** Exists to lift guest code into basic blocks: decode, let the row write its IR, stop where control can go elsewhere. */
import { Builder, makeBlock } from '../ir/builder.ts'
import { EXIT } from '../ir/exits.ts'
import { STATE } from '../ir/registers.ts'
import type { Block, Target } from '../ir/types.ts'
import { DECODED, type Decoder, decoderFor } from './decode.ts'
import type { CodeReader } from './fetch.ts'
import { BASE_RIP, Insn, PREFIX } from './insn.ts'
import { LiftContext } from './lift.ts'

/** What becomes of bytes that do not decode. */
function reasonOf(result: number): number {
  if (result === DECODED.truncated) return EXIT.fetchFault
  if (result === DECODED.invalid) return EXIT.invalidOpcode
  return result === DECODED.tooLong ? EXIT.generalProtection : EXIT.unsupported
}

/**
 * Lifts from `pc` until control can go elsewhere, `limit` instructions are lifted, or the next instruction cannot be fetched or decoded: that
 * one is a fault of its own when it is the first, otherwise the block ends with a jump to it. The first block is the one at `pc`; internal
 * blocks (64-bit division, repeated strings) follow it. A repeated string instruction always starts a block, so that the jump back to its own address for the next
 * iteration meets nothing before it; one iteration counts one instruction, and so does finding the counter zero.
 * `exact` code follows MXCSR exactly; other code is for a MXCSR as programs find it, whose exception flags nobody looks at.
 */
export function liftBlock(
  reader: CodeReader,
  pc: number,
  limit: number,
  exact = false,
  decoder: Decoder = decoderFor(),
): Block[] {
  const block = makeBlock(pc, false)
  const b = new Builder(block)
  const l = new LiftContext(b, exact)
  const insn = new Insn()
  let at = pc
  for (let count = 0; count < limit; count++) {
    const result = reader.decode(decoder, at, insn)
    if (result !== DECODED.ok) {
      if (count > 0) break
      b.startInsn(at, insn.length)
      if (result === DECODED.truncated) b.stateStore(64, STATE.faultAddress, b.i64(at + insn.length))
      b.terminate({ kind: 'fault', reason: reasonOf(result), pc: at })
      return [block]
    }
    if (count > 0 && insn.form.repeat && isRepeated(insn)) break
    b.startInsn(at, insn.length)
    l.begin(insn)
    noteKind(block, insn)
    insn.form.row.lift(l)
    if (l.ended) return withInternal(block)
    at = l.next
  }
  b.terminate({ kind: 'jump', target: at })
  return [block]
}

/** Instructions that load from the stack without an operand that says so, and those that store. */
const STACK_LOADS = /^(POP|POPFQ?|RET|LEAVE)$/
const STACK_STORES = /^(PUSH|PUSHFQ?|CALL|ENTER)$/

const RSP = 4
const SEGMENT_FS = 4

/** Notes on the instruction that was begun last what threads mean by it. Only its own encoding counts: the same instruction means the same in any block. */
function noteKind({ insns }: Block, { form, prefixes, memory, base, index, segment }: Insn): void {
  const { mnemonic } = form.row
  const mark = insns.at(-1)!
  if ((prefixes & PREFIX.lock) !== 0 || mnemonic === 'XCHG') mark.atomic = true
  else if (mnemonic === 'PAUSE') mark.pauses = true
  const implicit = STACK_LOADS.test(mnemonic) ? 1 : STACK_STORES.test(mnemonic) ? 2 : 0
  const own = implicit | (memory && base === RSP && segment === 0 ? 3 : 0)
  if (own !== 0) mark.own = own
  if (!memory) return
  if (segment === SEGMENT_FS) mark.place = 'thread'
  else if (segment === 0 && index < 0 && (base < 0 || base === BASE_RIP)) mark.place = 'fixed'
}

const isRepeated = (insn: Insn): boolean => (insn.prefixes & (PREFIX.rep | PREFIX.repne)) !== 0

/** The block and the internal blocks that its terminator and theirs name, each after one that names it. */
function withInternal(block: Block): Block[] {
  const blocks = [block]
  const visit = (target: Target): void => {
    if (typeof target !== 'number' && !blocks.includes(target)) blocks.push(target)
  }
  for (const { term } of blocks) {
    if (term.kind === 'jump') visit(term.target)
    if (term.kind === 'branch') {
      visit(term.then)
      visit(term.else)
    }
  }
  return blocks
}

/** Lifts one instruction: what a single step executes. */
export function liftOne(reader: CodeReader, pc: number, decoder: Decoder = decoderFor()): Block[] {
  return liftBlock(reader, pc, 1, false, decoder)
}
