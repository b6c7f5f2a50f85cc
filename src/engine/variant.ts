/** Exists to name the ways in which the same guest code can be translated: a variant is a set of these bits. */
export const VARIANT = {
  /** Floating point follows MXCSR exactly (liftBlock). */
  exact: 1,
  /** Asks at scheduling points (ir/passes/points.ts). */
  points: 2,
  /** Computes which bits are defined (ir/passes/definedness). */
  checked: 4,
} as const
