/** Exists to look at a block once before it is lowered: which values are used, which register writes nobody can see, which registers a region touches. */
import { ops } from '../ir/ops.ts'
import { REG, REGISTER_SLOTS } from '../ir/registers.ts'
import type { Block, Node } from '../ir/types.ts'

/** `uses` of a node that is not to be emitted at all. */
export const DEAD = -1

function use(node: Node | null): void {
  if (node !== null) node.uses++
}

/** Ops after which the region may be left with all registers precise. */
function mayLeave(node: Node): boolean {
  const effect = node.op.effect
  return effect === 'load' || effect === 'store' || effect === 'guard'
}

const overwritten = new Uint8Array(REGISTER_SLOTS)

/**
 * Counts the uses of every node that contributes to an effect, marks the others and overwritten register writes DEAD,
 * and adds the registers that the block reads or writes to `used` and those it writes to `dirty`.
 */
export function prepareBlock(block: Block, used: Uint8Array, dirty: Uint8Array): void {
  overwritten.fill(0)
  for (const node of block.ops) {
    node.uses = 0
    node.local = -1
  }
  const term = block.term
  if (term.kind === 'branch') term.cond.uses++
  else if (term.kind === 'ijump' || term.kind === 'icall' || term.kind === 'ret') term.address.uses++
  if (term.kind === 'call' || term.kind === 'icall') used[REG.rsp] = 1
  for (let i = block.ops.length - 1; i >= 0; i--) {
    const node = block.ops[i]!
    const effect = node.op.effect
    if (effect === 'put') {
      if (overwritten[node.imm] !== 0) {
        node.uses = DEAD
        continue
      }
      overwritten[node.imm] = 1
      used[node.imm] = 1
      dirty[node.imm] = 1
    } else if (effect === 'pure' || effect === 'get' || (effect === 'state' && isStateLoad(node))) {
      if (node.uses === 0) {
        node.uses = DEAD
        continue
      }
      if (effect === 'get') used[node.imm] = 1
    } else if (mayLeave(node)) overwritten.fill(0)
    use(node.a)
    use(node.b)
    use(node.c)
  }
}

function isStateLoad(node: Node): boolean {
  return node.op === ops.state_load32 || node.op === ops.state_load64 || node.op === ops.state_load128
}
