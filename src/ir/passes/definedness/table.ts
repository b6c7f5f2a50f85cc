/** Exists as the table of rules: for each op that computes a value, which bits of it are defined. */
import { ops, type OpRow } from '../../ops.ts'
import type { Node } from '../../types.ts'
import type { Bits } from './bits.ts'
import { floatRules } from './float.ts'
import { integerRules } from './integer.ts'
import { vectorRules } from './vector.ts'

/**
 * The V bits of the result of `n`, from those of its operands, not all of which are known to be defined. Bits may be called undefined that are not; the other
 * way round never.
 */
export type Rule = (r: Bits, n: Node, va: Node, vb: Node | null, vc: Node | null) => Node

export type RuleTable = Map<OpRow, Rule>

function build(): RuleTable {
  const rules: RuleTable = new Map()
  integerRules(rules)
  floatRules(rules)
  vectorRules(rules)
  return rules
}

/** By op. Constants need none: they are defined. */
export const rules: ReadonlyMap<OpRow, Rule> = build()

/** Ops that compute values of operands and have no rule: a test wants none. */
export function missingRules(): string[] {
  return Object.values(ops).flatMap((op: OpRow) =>
    op.effect === 'pure' &&
    op.args.length > 0 &&
    !op.name.startsWith('guarded') &&
    op !== ops.flags_undefined &&
    !rules.has(op)
      ? [op.name]
      : [],
  )
}
