/** Exists to put scheduling points into a block: places where another thread may be given the processor because memory that threads share is about to be touched. */
import { makeNode } from '../builder.ts'
import { ops, type OpRow } from '../ops.ts'
import { REG } from '../registers.ts'
import type { Block, InsnMark, Node } from '../types.ts'

/** What a point announces: `size` has the access' bytes, 0 for none. The rest are flags; `refundShift` is for the lowering. */
export const POINT = {
  size: 0xff,
  store: 0x100,
  /** A LOCK-prefixed instruction or XCHG. */
  atomic: 0x200,
  /** The instruction's first: the one that is counted. */
  first: 0x400,
  pause: 0x800,
  syscall: 0x1000,
  /** An access of a system library's own code: logged, and never counted. */
  quiet: 0x2000,
  /** The instruction's first, counted or not. */
  begins: 0x4000,
  /** A load of what the same instruction then stores to, and not atomically: on a real machine others can come between. */
  modify: 0x8000,
  refundShift: 16,
} as const

/** The second immediate of a point that is an access of code that logs nothing: it may just be counted. */
export const POINT_COUNTED = 1

const SIZES = new Map<OpRow, number>([
  [ops.load8, 1],
  [ops.load16, 2],
  [ops.load32, 4],
  [ops.load64, 8],
  [ops.load128, 16],
  [ops.loadf32, 4],
  [ops.loadf64, 8],
  [ops.store8, 1],
  [ops.store16, 2],
  [ops.store32, 4],
  [ops.store64, 8],
  [ops.store128, 16],
  [ops.storef32, 4],
  [ops.storef64, 8],
])

/** The node that holds the value that a register has at the end of these ops, if one of them does. */
function latest(list: readonly Node[], reg: number): Node | undefined {
  const node = list.findLast(({ op, imm }) => (op.effect === 'get' || op.effect === 'put') && imm === reg)
  return node?.op.effect === 'put' ? node.a! : node
}

/** Does the instruction before mark `next` store to where its load at op `i` loads from? */
function storesBack({ ops: list, insns }: Block, i: number, next: number): boolean {
  const end = insns[next]?.firstOp ?? list.length
  const load = list[i]!
  const bytes = SIZES.get(load.op)
  return list.slice(i + 1, end).some(({ op, a }) => op.effect === 'store' && a === load.a && SIZES.get(op) === bytes)
}

/**
 * Inserts a `point` before each access of the block that is not to the own frame, before PAUSE, and before a system call. In `quiet` code (the C library's)
 * plain accesses are no scheduling points: what happens there is seen by its atomic instructions and system calls. Where accesses are `logged` they are told all the same;
 * with `frames`, so are those to the own frame, which are no points either.
 */
export function insertPoints(block: Block, quiet: boolean, logged: boolean, frames: boolean): void {
  const out: Node[] = []
  /** The value that the stack pointer has, where a node of the block holds it. */
  let stack: Node | null = null
  let mark: InsnMark | undefined
  let insn = 0
  let counted = false
  let begun = false

  const point = (address: Node | null, kind: number, silent = false): void => {
    const first = counted || silent ? 0 : POINT.first
    counted ||= !silent
    const begins = begun ? 0 : POINT.begins
    begun = true
    // What is neither counted nor logged need not be said.
    if (first === 0 && !logged) return
    if (stack === null) out.push((stack = makeNode(ops.i64_get, null, null, null, REG.rsp, 0, null)))
    const only = !logged && (kind & (POINT.pause | POINT.syscall)) === 0 ? POINT_COUNTED : 0
    out.push(makeNode(ops.point, address ?? stack, stack, null, kind | first | begins, only, null))
  }
  const begin = (): void => {
    mark = block.insns[insn]!
    insn++
    mark.firstOp = out.length
    counted = begun = false
    if (mark.pauses === true) point(null, POINT.pause)
  }

  const { term } = block
  block.ops.forEach((node, i) => {
    while (insn < block.insns.length && block.insns[insn]!.firstOp <= i) begin()
    const { effect } = node.op
    if (effect === 'get' && node.imm === REG.rsp) stack = node
    const bytes = SIZES.get(node.op)
    const isStore = effect === 'store'
    const own = ((mark?.own ?? 0) & (isStore ? 2 : 1)) !== 0
    // What an entry of a linkage table jumps to is written by nobody but the dynamic linker.
    const isLinkage = term.kind === 'ijump' && term.address === node && mark?.place === 'fixed'
    if (bytes !== undefined && (frames || !own) && !isLinkage) {
      const atomic = mark?.atomic === true
      // Atomic instructions of a library on variables of its own, and on the thread's own descriptor, concern nobody either.
      const system = quiet && (!atomic || mark?.place !== undefined)
      const modifies = !isStore && !atomic && storesBack(block, i, insn)
      const kind = (isStore ? POINT.store : 0) | (atomic ? POINT.atomic : 0) | (modifies ? POINT.modify : 0)
      if (!(own || system) || logged) point(node.a!, bytes | kind | (system ? POINT.quiet : 0), own || system)
    }
    if (effect === 'put' && node.imm === REG.rsp) stack = node.a
    out.push(node)
  })
  while (insn < block.insns.length) begin()
  if (term.kind === 'syscall') {
    counted = begun = false
    // Nothing of the instruction may have happened where it stops: not even RCX and R11.
    const own = out.splice(mark!.firstOp)
    const number = latest(out, REG.rax) ?? makeNode(ops.i64_get, null, null, null, REG.rax, 0, null)
    if (!out.includes(number)) out.push(number)
    if (stack !== null && !out.includes(stack)) stack = null
    point(number, POINT.syscall)
    out.push(...own)
  }
  block.ops = out
}
