/** Exists because a block that is executed without fuel having been asked for would run past the moment at which a run must stop. */
import { expect, test } from 'vitest'
import { makeBlock } from '../../src/ir/builder.ts'
import type { Block } from '../../src/ir/types.ts'
import { nextBelow, randomFrom, type RandomState } from '../../src/base/random.ts'
import { planFuel } from '../../src/wasm/lower-fuel.ts'

interface Graph {
  blocks: Block[]
  succs: number[][]
  entries: number[]
}

/** Blocks of 0 to 30 instructions with up to two successors anywhere; the last numbers are leaves outside of the region. */
function graphOf(random: RandomState): Graph {
  const below = (n: number): number => nextBelow(random, n)
  const n = 1 + below(14)
  const blocks = Array.from({ length: n }, (_, b) => {
    const block = makeBlock(0x1000 * (b + 1), false)
    // Blocks without an instruction go on to later ones only: that is how the parts of one instruction are.
    const count = below(4) === 0 ? 0 : 1 + below(30)
    for (let i = 0; i < count; i++) block.insns.push({ pc: block.pc + i, length: 1, firstOp: 0 })
    return block
  })
  const succs = blocks.map((block, b) => {
    const targets = Array.from({ length: below(3) }, () =>
      block.insns.length === 0 ? b + 1 + below(n - b) : below(n + 2),
    )
    if (targets.length === 1 && below(3) === 0 && targets[0]! < n)
      block.term = { kind: 'call', target: 0x1000, ret: 0x1000 * (targets[0]! + 1) }
    return targets
  })
  return { blocks, succs, entries: [0, ...(below(2) === 0 ? [below(n)] : [])] }
}

test('no way through a region executes more than the last check has asked for', () => {
  const random = randomFrom(1, 'fuel')
  let [steps, checks] = [0, 0]
  for (let round = 0; round < 3000; round++) {
    const { blocks, succs, entries } = graphOf(random)
    const needs = planFuel(blocks, succs, entries)
    let b = entries[nextBelow(random, entries.length)]!
    let paid = 0
    let called = true
    for (let step = 0; step < 40 && b < blocks.length; step++) {
      const count = blocks[b]!.insns.length
      // Fuel that a callee may have used up, or that another entry has brought, is not there any more.
      if (called) paid = 0
      if (needs[b]! > 0) {
        paid = needs[b]!
        checks++
      }
      paid -= count
      steps++
      expect(paid, `round ${round}, block ${b}`).toBeGreaterThanOrEqual(0)
      called = blocks[b]!.term.kind === 'call'
      const next = succs[b]!
      if (next.length === 0) break
      b = next[nextBelow(random, next.length)]!
    }
  }
  // Most blocks need none of their own.
  expect(checks).toBeLessThan(steps)
})

test('one check pays for many blocks, and for about forty instructions', () => {
  const blocks = Array.from({ length: 20 }, (_, b) => {
    const block = makeBlock(b + 1, false)
    for (let i = 0; i < 5; i++) block.insns.push({ pc: b + 1, length: 1, firstOp: 0 })
    return block
  })
  const needs = planFuel(
    blocks,
    blocks.map((_, b) => (b < 19 ? [b + 1] : [])),
    [0],
  )
  expect([...needs].filter((need) => need > 0)).toEqual([40, 40, 20])
})
