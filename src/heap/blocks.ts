/** Exists to show a row of the block table as observers see it. */
import type { HeapBlock } from '../tool/observer.ts'
import type { Allocator } from './allocator.ts'
import { functionAt } from './functions.ts'
import { BLOCK } from './state.ts'

/** A row of the block table as observers see it. */
export function blockOf(heap: Allocator, row: number): HeapBlock {
  const { blocks } = heap.state
  const freed = blocks.state[row] !== BLOCK.live
  return {
    address: blocks.address[row]!,
    size: blocks.size[row]!,
    state: freed ? 'freed' : 'live',
    madeBy: functionAt(heap.state, blocks.madeBy[row]!).name,
    freedBy: freed ? functionAt(heap.state, blocks.freedBy[row]!).name : '',
    madeAt: blocks.madeAt[row]!,
    madeTid: blocks.madeTid[row]!,
    freedAt: freed ? blocks.freedAt[row]! : 0,
    freedTid: freed ? blocks.freedTid[row]! : 0,
  }
}
