/** Exists to tell what code does with the stack pointer where that is a constant. */
import { ops } from './ops.ts'
import { REG } from './registers.ts'
import type { Block, Node } from './types.ts'

/** Base and constant offset, in bytes, of an address. */
export function decompose(address: Node): { base: Node; offset: number } {
  if (address.op === ops.i64_add && address.b!.op === ops.i64_const && address.b!.imm2 === address.b!.imm >> 31)
    return { base: address.a!, offset: address.b!.imm }
  return { base: address, offset: 0 }
}

/** What a block adds to the stack pointer, in bytes, or null when that is not a constant. */
export function stackChange(block: Block): number | null {
  for (let i = block.ops.length - 1; i >= 0; i--) {
    const node = block.ops[i]!
    if (node.op !== ops.i64_put || node.imm !== REG.rsp) continue
    const { base, offset } = decompose(node.a!)
    return base.op === ops.i64_get && base.imm === REG.rsp ? offset : null
  }
  return 0
}
