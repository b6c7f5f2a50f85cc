/**
 * Exists to finish the steps of structure-place.ts: branches to where control goes anyway are dropped, then blocks that
 * nobody branches out of; an `else` behind an arm that does not fall through becomes the end of its `if`; and names of
 * constructs become depths.
 */

import { assert } from '../base/errors.ts'
import { STEP } from './structure-types.ts'
import type { Plan, Step } from './structure-types.ts'

/** Operand of an `end` that no branch leads to: that of a loop or an `if`. */
export const NO_NAME = -1

/**
 * Resolves steps whose operands are names: of `block`, `loop`, `end` and `br` in `a`, of `brIfLabel` in `b`, of `brIf` in
 * `c`, and all numbers in `rows`. The last number of a `brLabelTable` row is its default.
 */
export function resolveSteps(steps: readonly Step[], rows: readonly number[][]): Plan {
  const endOf = matchEnds(steps)
  const dropped = dropBranches(steps, endOf)
  const used = usedNames(steps, rows, dropped)

  const out: Step[] = []
  const depthRows: number[][] = []
  /** Names of the open constructs, outermost first. */
  const open: number[] = []
  /** For every open `if` in its second arm, whether the first falls through. */
  const firstArmLive: boolean[] = []
  const depth = (name: number): number => {
    const at = open.lastIndexOf(name)
    // A wrong depth may well validate, and then reach somebody else's block.
    assert(at >= 0, 'a branch leads to a construct that is not open')
    return open.length - 1 - at
  }
  const depths = (row: number): number => depthRows.push(rows[row].map(depth)) - 1
  let usesLabel = false
  let live = true
  for (let i = 0; i < steps.length; i++) {
    if (dropped[i] === 1) continue
    const step = steps[i]
    const { kind, a, b, c } = step
    switch (kind) {
      case STEP.block:
        if (!used.has(a)) {
          dropped[endOf[i]] = 1
          continue
        }
        open.push(a)
        break
      case STEP.loop:
        open.push(a)
        break
      case STEP.if:
        open.push(NO_NAME)
        break
      case STEP.else:
        if (!live) {
          open.pop()
          dropped[endOf[i]] = 1
          live = true
          out.push({ kind: STEP.end, a: 0, b: 0, c: 0 })
          continue
        }
        firstArmLive.push(live)
        break
      case STEP.end:
        if (open.pop() === NO_NAME) live = firstArmLive.pop()! || live
        else if (a !== NO_NAME) live = true
        out.push({ kind, a: 0, b: 0, c: 0 })
        continue
      case STEP.leave:
        live = false
        break
      case STEP.br:
        live = false
        out.push({ kind, a: depth(a), b: 0, c: 0 })
        continue
      case STEP.brIf:
        out.push({ kind, a, b, c: depth(c) })
        continue
      case STEP.brTable:
        live = false
        out.push({ kind, a, b: depths(b), c: 0 })
        continue
      case STEP.brIfLabel:
        usesLabel = true
        out.push({ kind, a, b: depth(b), c: 0 })
        continue
      case STEP.brLabelTable:
        usesLabel = true
        live = false
        out.push({ kind, a, b: depths(b), c: 0 })
        continue
    }
    out.push(step)
  }
  return { usesLabel, steps: out, rows: depthRows }
}

/** For every `block`, `loop`, `if` and `else` the step of its `end`. */
function matchEnds(steps: readonly Step[]): Int32Array {
  const endOf = new Int32Array(steps.length)
  const openers: number[] = []
  /** The `else` of every open `if`, at the opener's step. */
  const elseOf = new Map<number, number>()
  for (let i = 0; i < steps.length; i++) {
    const { kind } = steps[i]
    if (kind === STEP.block || kind === STEP.loop || kind === STEP.if) openers.push(i)
    else if (kind === STEP.else) elseOf.set(openers[openers.length - 1], i)
    else if (kind === STEP.end) {
      const opener = openers.pop()!
      endOf[opener] = i
      const elseStep = elseOf.get(opener)
      if (elseStep !== undefined) endOf[elseStep] = i
    }
  }
  return endOf
}

/** Marks every `br` behind which control falls through ends of constructs to its target. */
function dropBranches(steps: readonly Step[], endOf: Int32Array): Uint8Array {
  const dropped = new Uint8Array(steps.length)
  for (let i = 0; i < steps.length; i++) {
    if (steps[i].kind !== STEP.br) continue
    for (let next = i + 1; next < steps.length; next++) {
      const { kind, a } = steps[next]
      if (kind === STEP.else) {
        next = endOf[next]
      } else if (kind !== STEP.end) {
        break
      } else if (a === steps[i].a) {
        dropped[i] = 1
        break
      }
    }
  }
  return dropped
}

function usedNames(steps: readonly Step[], rows: readonly number[][], dropped: Uint8Array): Set<number> {
  const used = new Set<number>()
  for (let i = 0; i < steps.length; i++) {
    if (dropped[i] === 1) continue
    const { kind, a, b, c } = steps[i]
    if (kind === STEP.br) used.add(a)
    else if (kind === STEP.brIf) used.add(c)
    else if (kind === STEP.brIfLabel) used.add(b)
    else if (kind === STEP.brTable || kind === STEP.brLabelTable) for (const name of rows[b]) used.add(name)
  }
  return used
}
