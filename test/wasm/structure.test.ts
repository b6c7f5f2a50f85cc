/** Tests structuring: what structured wasm executes is what a walk over the graph executes, and its text is short. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { STEP } from '../../src/wasm/structure-types.ts'
import { emitStructured, planCfg } from '../../src/wasm/structure.ts'
import type { Cfg } from '../../src/wasm/structure.ts'
import { compile, walk } from './cfg-runner.ts'
import { anyCfg, anyStructuredCfg } from './cfg-shapes.ts'

const LIMIT = 200
const decisions = fc.uint8Array({ minLength: LIMIT, maxLength: LIMIT })

function expectSameTraces(cfg: Cfg, stream: Uint8Array): void {
  const run = compile(cfg)
  for (let entry = 0; entry < cfg.entries.length; entry++) {
    expect(run(entry, stream, LIMIT)).toEqual(walk(cfg, entry, stream, LIMIT))
  }
}

/** The structured code as indented lines. */
function text(cfg: Cfg): string[] {
  const lines: string[] = []
  let depth = 0
  const line = (words: string): void => void lines.push('  '.repeat(depth) + words)
  const not = (sense: boolean): string => (sense ? '' : '!')
  const open = (words: string): void => {
    line(words)
    depth++
  }
  emitStructured(planCfg(cfg), {
    block: () => open('block'),
    loop: () => open('loop'),
    if: (b, sense) => open(`if ${not(sense)}${b}`),
    else() {
      depth--
      open('else')
    },
    end() {
      depth--
      line('end')
    },
    code: (b) => line(`code ${b}`),
    leave: (b) => line(`leave ${b}`),
    br: (to) => line(`br ${to}`),
    brIf: (b, sense, to) => line(`br_if ${to} ${not(sense)}${b}`),
    brTable: (b, to) => line(`br_table ${to.join(' ')} on ${b}`),
    setLabel: (value) => line(`label = ${value}`),
    brIfLabel: (value, to) => line(`br_if ${to} label == ${value}`),
    brLabelTable: (base, to, otherwise) => line(`br_table ${to.join(' ')} default ${otherwise} on label - ${base}`),
  })
  return lines
}

describe('execution', () => {
  it('is that of the graph, for any graph and from every entry', () => {
    fc.assert(
      fc.property(anyCfg, decisions, (cfg, stream) => expectSameTraces(cfg, stream)),
      { numRuns: 3000 },
    )
  })

  it('is that of the graph, for structured programs with entries at any of their blocks', () => {
    fc.assert(
      fc.property(anyStructuredCfg, fc.array(fc.nat(), { maxLength: 12 }), decisions, ({ cfg }, inner, stream) => {
        expectSameTraces({ ...cfg, entries: [0, ...inner.map((i) => i % cfg.n)] }, stream)
      }),
      { numRuns: 1000 },
    )
  })

  it('is that of the graph for a long chain of conditions', () => {
    const n = 1500
    const succs = Array.from({ length: n }, (_, b) =>
      b === n - 1 ? [] : b % 7 === 6 ? [b + 1, b - 5] : [b + 1, Math.min(n - 1, b + 3)],
    )
    expectSameTraces({ n, entries: [0, 700, 1400], succs }, new Uint8Array(LIMIT).fill(4))
  })
})

describe('shape', () => {
  it('has every reachable block once', () => {
    fc.assert(
      fc.property(anyCfg, (cfg) => {
        const reachable = new Set(cfg.entries)
        for (const b of reachable) for (const s of cfg.succs[b]) reachable.add(s)
        const code = planCfg(cfg).steps.filter((step) => step.kind === STEP.code)
        expect(code.map((step) => step.a).toSorted((a, b) => a - b)).toEqual([...reachable].toSorted((a, b) => a - b))
      }),
      { numRuns: 1000 },
    )
  })

  it('has no dispatch for a structured program, and one loop for each of its loops', () => {
    fc.assert(
      fc.property(anyStructuredCfg, ({ cfg, headers }) => {
        const { usesLabel, steps } = planCfg(cfg)
        expect(usesLabel).toBe(false)
        const code = new Set(steps.filter((step) => step.kind === STEP.code).map((step) => step.a))
        // A loop that nothing goes back to is none; which those are, the walk over predecessors tells.
        const real = headers.filter(
          (h) => code.has(h) && cfg.succs.some((s, b) => code.has(b) && s.includes(h) && reaches(cfg, h, b)),
        )
        expect(steps.filter((step) => step.kind === STEP.loop).length).toBe(new Set(real).size)
      }),
      { numRuns: 1000 },
    )
  })

  it('has a dispatch for those loops only that an inner entry leads into', () => {
    // Two loops in sequence; the second is entered at block 4 too.
    const cfg: Cfg = { n: 6, entries: [0, 4], succs: [[1], [1, 2], [3], [4, 5], [3], []] }
    expect(text(cfg)).toEqual([
      'block',
      '  br_if 0 label == 1',
      '  code 0',
      '  loop',
      '    code 1',
      '    br_if 0 1',
      '  end',
      '  code 2',
      '  label = 2',
      'end',
      'block',
      '  loop',
      '    block',
      '      br_if 0 label == 1',
      '      code 3',
      '      br_if 2 !3',
      '    end',
      '    code 4',
      '    label = 2',
      '    br 0',
      '  end',
      'end',
      'code 5',
      'leave 5',
    ])
  })

  it('keeps a loop that is entered at its head apart from the loop around it', () => {
    // do { 0; do { 1; 2 } while (2) } while (3); entered at 1, which control meets first.
    const succs = [[1], [2], [1, 3], [0, 4], []]
    expect(text({ n: 5, entries: [1], succs })).toEqual([
      'loop',
      '  block',
      '    br_if 0 label == 0',
      '    code 0',
      '  end',
      '  loop',
      '    code 1',
      '    code 2',
      '    br_if 0 2',
      '  end',
      '  code 3',
      '  label = 1',
      '  br_if 0 3',
      'end',
      'code 4',
      'leave 4',
    ])
    // Where the inner loop calls something, nothing is carried around it, and one loop is cheaper.
    const calls = [false, true, false, false, false]
    expect(text({ n: 5, entries: [1], succs, empties: calls }).filter((line) => line.includes('label'))).toEqual([])
  })

  it('needs no branch where control falls through', () => {
    expect(text({ n: 4, entries: [0], succs: [[1, 2], [3], [3], []] })).toEqual([
      'code 0',
      'if 0',
      '  code 1',
      'else',
      '  code 2',
      'end',
      'code 3',
      'leave 3',
    ])
  })

  it('needs one branch for an if without else, and no else for an arm that leaves', () => {
    expect(text({ n: 5, entries: [0], succs: [[1, 2], [2], [3, 4], [], []] })).toEqual([
      'block',
      '  code 0',
      '  br_if 0 !0',
      '  code 1',
      'end',
      'code 2',
      'if 2',
      '  code 3',
      '  leave 3',
      'end',
      'code 4',
      'leave 4',
    ])
  })

  it('keeps what follows a loop, or leaves it early, out of the loop', () => {
    // 0; while (!1) { if (2) { 4; return } } 3
    expect(text({ n: 5, entries: [0], succs: [[1], [3, 2], [4, 1], [], []] })).toEqual([
      'code 0',
      'block',
      '  loop',
      '    code 1',
      '    br_if 1 1',
      '    code 2',
      '    br_if 0 !2',
      '  end',
      '  code 4',
      '  leave 4',
      'end',
      'code 3',
      'leave 3',
    ])
  })

  it('is a table where many entries lead into a loop', () => {
    const succs = [[1], [2, 6], [3], [4], [5], [1], []]
    const lines = text({ n: 7, entries: [0, 2, 3, 4, 5], succs })
    expect(lines.filter((line) => line.includes('br_table'))).toEqual([
      '    br_table 1 1 1 1 default 0 on label - 1',
      '              br_table 1 2 3 4 default 0 on label - 1',
    ])
  })
})

/** True when `to` can be reached from `from`. */
function reaches(cfg: Cfg, from: number, to: number): boolean {
  const seen = new Set([from])
  for (const b of seen) for (const s of cfg.succs[b]) seen.add(s)
  return seen.has(to)
}
