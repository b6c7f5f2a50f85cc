/** Exists so that the parts of the runtime module can call each other by index. */

/** Function indices inside the runtime module: its imports, then definition order. */
export const RUNTIME_LOCAL = {
  access: 0,
  rezone: 1,
  conditionUndefined: 2,
  resolve: 3,
  check: 5,
  stop: 6,
  mulhiU: 14,
  nanDemote: 17,
  nanPromote: 18,
} as const

/**
 * The second parameter of `check` and the parameter of `access`, besides the size in bytes; `checkClean` may be asked for a pair of accesses of which one is undefined,
 * perhaps the other one.
 */
export const ACCESS = { pair: 128, store: 256, refundShift: 9 } as const
