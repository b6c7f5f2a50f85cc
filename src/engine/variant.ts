/** Exists to name the ways in which the same guest code can be translated: a variant is a set of these bits. */
export const VARIANT = {
  /** Floating point follows MXCSR exactly (liftBlock). */
  exact: 1,
  /** Asks at scheduling points (ir/passes/points.ts). */
  points: 2,
  /** Computes which bits are defined (ir/passes/definedness). */
  checked: 4,
  /** Logs the accesses of threads (ir/passes/points.ts); goes with `points`. */
  logged: 8,
  /** Logs those to the own frame, too; goes with `logged`. */
  frames: 16,
} as const

/**
 * What stands for an address in the checked variant has two forms: usually *clean* code, once it is a region, and always *full* code, which computes V bits. They have
 * slots of their own: full code that must not be clean is known by its address and this.
 */
export const FULL = 2 ** 32

/** The guest address of a place, which may be one of full code. */
export const addressOf = (place: number): number => (place >= FULL ? place - FULL : place)

/** Variants whose cold code is interpreted; each has a table of units of its own. */
const INTERPRETED: readonly number[] = [0, VARIANT.points, VARIANT.points | VARIANT.logged].flatMap((bits) => [
  bits,
  bits | VARIANT.checked,
])

/** Which table of units a variant has, or -1. */
export function unitTableOf(variant: number): number {
  return INTERPRETED.indexOf(variant)
}

/** The variant with a table of units. */
export function variantOf(table: number): number {
  return INTERPRETED[table]!
}

export const UNIT_TABLES = INTERPRETED.length
