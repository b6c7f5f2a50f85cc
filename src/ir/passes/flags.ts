/** Exists to fuse compare and branch across blocks: where every way into a block leaves the same kind of flag record, a condition becomes a plain comparison of its operands. */
import { Builder, makeBlock, makeNode } from '../builder.ts'
import { condition } from '../conditions.ts'
import type { Size } from '../flags.ts'
import { ops } from '../ops.ts'
import { REG } from '../registers.ts'
import type { Block, Node } from '../types.ts'

/** Not yet known (optimistic), and known to vary. Other values are flag kinds as in the flagKind register. */
const UNSEEN = -1
const VARIES = -2
/** The block leaves flags as it found them. */
const TRANSPARENT = -3

function exitKind(block: Block): number {
  for (let i = block.ops.length - 1; i >= 0; i--) {
    const node = block.ops[i]!
    if (node.op === ops.i32_put && node.imm === REG.flagKind) return node.a!.op === ops.i32_const ? node.a!.imm : VARIES
  }
  return TRANSPARENT
}

/** The conditions of a block that read the record with which it is entered. */
function openConditions(block: Block): number[] {
  const found: number[] = []
  for (let i = 0; i < block.ops.length; i++) {
    const node = block.ops[i]!
    if (node.op === ops.flags_cond && node.a!.op === ops.i32_get) found.push(i)
  }
  return found
}

/**
 * Rewrites conditions in place. `succs[i]` are the blocks that control reaches from block i with flags untouched by anything
 * outside the region; `entries` are blocks that control also reaches from outside.
 */
export function resolveFlagKinds(
  blocks: readonly Block[],
  succs: readonly (readonly number[])[],
  entries: readonly number[],
): void {
  const open = blocks.map(openConditions)
  if (open.every((list) => list.length === 0)) return
  const leaves = blocks.map(exitKind)
  const enters = new Int32Array(blocks.length).fill(UNSEEN)
  const work: number[] = []
  const meet = (b: number, kind: number): void => {
    const before = enters[b]!
    const after = before === UNSEEN || before === kind ? kind : VARIES
    if (after === before) return
    enters[b] = after
    work.push(b)
  }
  for (const b of entries) meet(b, VARIES)
  blocks.forEach((_, b) => {
    if (leaves[b] !== TRANSPARENT) for (const s of succs[b]!) meet(s, leaves[b]!)
  })
  while (work.length > 0) {
    const b = work.pop()!
    if (leaves[b] === TRANSPARENT) for (const s of succs[b]!) meet(s, enters[b]!)
  }
  blocks.forEach((block, b) => {
    if (open[b]!.length > 0 && enters[b]! > 0) rewrite(block, open[b]!, enters[b]!)
  })
}

function rewrite(block: Block, indices: readonly number[], kind: number): void {
  const size = [8, 16, 32, 64][kind & 3] as Size
  const inserted: { at: number; nodes: Node[] }[] = []
  for (const at of indices) {
    const node = block.ops[at]!
    const scratch = makeBlock(block.pc, true)
    const b = new Builder(scratch)
    const root = condition(b, node.imm, { kind: kind >> 2, size, a: node.b!, b: node.c! })
    inserted.push({ at, nodes: scratch.ops })
    if (root.op === ops.i32_const) morph(node, root)
    else morph(node, makeNode(ops.i32_or, root, b.i32(0), null, 0, 0, null))
  }
  splice(block, inserted)
}

function morph(node: Node, into: Node): void {
  Object.assign(node, { op: into.op, a: into.a, b: into.b, c: into.c, imm: into.imm, imm2: into.imm2 })
}

function splice(block: Block, inserted: readonly { at: number; nodes: Node[] }[]): void {
  const result: Node[] = []
  let next = 0
  let mark = 0
  for (let i = 0; i <= block.ops.length; i++) {
    while (mark < block.insns.length && block.insns[mark]!.firstOp === i) block.insns[mark++]!.firstOp = result.length
    if (i === block.ops.length) break
    if (next < inserted.length && inserted[next]!.at === i) result.push(...inserted[next++]!.nodes)
    result.push(block.ops[i]!)
  }
  block.ops = result
}
