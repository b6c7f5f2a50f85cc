/** Exists to look at a block once before it is lowered: which values are used, which register writes nobody can see. */
import { ops } from '../ir/ops.ts'
import { REG, REGISTER_SLOTS } from '../ir/registers.ts'
import type { Block, Node } from '../ir/types.ts'

/** `uses` of a node that is not to be emitted at all. */
export const DEAD = -1

function use(node: Node | null): void {
  if (node !== null) node.uses++
}

/** Ops after which the region may be left with all registers precise. */
export function mayLeave(node: Node): boolean {
  const effect = node.op.effect
  return effect === 'load' || effect === 'store' || effect === 'guard'
}

const overwritten = new Uint8Array(REGISTER_SLOTS)

/**
 * Counts the uses of every node that contributes to an effect, and marks the others and overwritten register writes DEAD.
 */
export function prepareBlock(block: Block): void {
  overwritten.fill(0)
  for (const node of block.ops) {
    node.uses = 0
    node.local = -1
  }
  const term = block.term
  if (term.kind === 'branch') term.cond.uses++
  else if (term.kind === 'ijump' || term.kind === 'icall') term.address.uses++
  else if (term.kind === 'ret') term.address.uses += term.expected === undefined ? 1 : 2
  for (let i = block.ops.length - 1; i >= 0; i--) {
    const node = block.ops[i]!
    const effect = node.op.effect
    if (effect === 'put') {
      if (overwritten[node.imm] !== 0) {
        node.uses = DEAD
        continue
      }
      overwritten[node.imm] = 1
    } else if (
      effect === 'pure' ||
      effect === 'get' ||
      ((effect === 'state' || effect === 'shadow') && isReading(node))
    ) {
      if (node.uses === 0) {
        node.uses = DEAD
        continue
      }
    } else if (mayLeave(node)) forget()
    use(node.a)
    use(node.b)
    use(node.c)
  }
}

/** Whoever looks at the registers here wants to see all of them; but whether flags are defined that will be overwritten is of no use to anybody. */
function forget(): void {
  const [a, b] = [overwritten[REG.flagAUndefined]!, overwritten[REG.flagBUndefined]!]
  overwritten.fill(0)
  overwritten[REG.flagAUndefined] = a
  overwritten[REG.flagBUndefined] = b
}

/** Does an op with an effect of its kind only read, so that nobody misses it whose result nobody reads? */
function isReading({ op }: Node): boolean {
  if (op.effect === 'shadow') return op.result !== null
  return op === ops.state_load32 || op === ops.state_load64 || op === ops.state_load128
}
