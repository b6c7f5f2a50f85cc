/** Exists because Math.log2 need not be exact: its last bit is the host's choice, and a machine's state must not depend on it. */

/** The smallest power of two that is at least `n`; 1 for everything below. */
export function powerOfTwoFrom(n: number): number {
  let power = 1
  while (power < n) power *= 2
  return power
}
