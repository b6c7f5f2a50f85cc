/** Generates control-flow graphs: arbitrary ones, and those of structured programs, whose shape is known by construction. */

import fc from 'fast-check'
import type { Cfg } from '../../src/wasm/structure.ts'

/** Any graph at all: irreducible loops, unreachable blocks, repeated successors, shared entries. */
export const anyCfg: fc.Arbitrary<Cfg> = fc.integer({ min: 1, max: 24 }).chain((n) => {
  const block = fc.integer({ min: 0, max: n - 1 })
  return fc.record({
    n: fc.constant(n),
    entries: fc.oneof(
      { weight: 2, arbitrary: fc.constant([0]) },
      { weight: 3, arbitrary: fc.array(block, { minLength: 1, maxLength: 8 }) },
    ),
    succs: fc
      .array(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: -4, max: 4 }), block), { maxLength: 4 }), {
        minLength: n,
        maxLength: n,
      })
      // Compilers lay out blocks such that most edges are short.
      .map((rows) =>
        rows.map((row, b) =>
          row.slice(0, 4).map(([near, d, far]) => (near ? Math.min(n - 1, Math.max(0, b + d)) : far)),
        ),
      ),
  })
})

/** A graph of a program without `goto`, with the header of every loop. */
export interface StructuredCfg {
  cfg: { n: number; entries: number[]; succs: number[][] }
  headers: number[]
}

/** The graph of a structured program (if, while, do-while, switch, break, continue, return) that `choices` spell out. */
function structuredCfg(choices: readonly number[]): StructuredCfg {
  const succs: number[][] = []
  const headers: number[] = []
  let at = 0
  const choose = (below: number): number => (at < choices.length ? choices[at++] % below : 0)
  const block = (): number => succs.push([]) - 1
  const loops: { head: number; exit: number }[] = []

  /** Appends a statement behind block `b`; returns the block that control continues in, or -1. */
  const statement = (b: number, depth: number): number => {
    switch (depth > 5 ? 0 : choose(9)) {
      case 1:
      case 2: {
        const [then, otherwise, after] = [block(), block(), block()]
        succs[b] = choose(2) ? [then, otherwise] : [otherwise, then]
        for (const end of [statements(then, depth + 1), choose(2) ? statements(otherwise, depth + 1) : otherwise]) {
          if (end >= 0) succs[end] = [after]
        }
        return after
      }
      case 3:
      case 4: {
        const [head, body, after] = [block(), block(), block()]
        headers.push(head)
        succs[b] = [head]
        succs[head] = [body, after]
        loops.push({ head, exit: after })
        const end = statements(body, depth + 1)
        loops.pop()
        if (end >= 0) succs[end] = [head]
        return after
      }
      case 5: {
        const [body, after] = [block(), block()]
        headers.push(body)
        succs[b] = [body]
        loops.push({ head: body, exit: after })
        const end = statements(body, depth + 1)
        loops.pop()
        if (end >= 0) succs[end] = [body, after]
        return after
      }
      case 6: {
        const after = block()
        const arms = [block(), block(), block()]
        succs[b] = [...arms, after]
        for (const arm of arms) {
          const end = statements(arm, depth + 1)
          if (end >= 0) succs[end] = [after]
        }
        return after
      }
      case 7:
        if (loops.length > 0) {
          const { head, exit } = loops[choose(loops.length)]
          const after = block()
          succs[b] = [choose(2) ? head : exit, after]
          return after
        }
        return b
      case 8: {
        const [out, after] = [block(), block()]
        succs[b] = [out, after]
        return after
      }
      default: {
        const after = block()
        succs[b] = [after]
        return after
      }
    }
  }
  const statements = (b: number, depth: number): number => {
    let end = b
    for (let count = 1 + choose(3); count > 0 && end >= 0; count--) end = statement(end, depth)
    return end
  }
  const first = block()
  statements(first, 0)
  return { cfg: { n: succs.length, entries: [first], succs }, headers }
}

export const anyStructuredCfg: fc.Arbitrary<StructuredCfg> = fc
  .array(fc.nat(1000), { maxLength: 60 })
  .map(structuredCfg)
