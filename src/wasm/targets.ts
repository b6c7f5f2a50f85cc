/** Exists so that code which is translated again knows where its indirect calls went: each call of a region notes its target in a small table. */

/** Entries of the table. */
export const TARGETS_ENTRIES = 0x1000

/** The entry of the call that returns to a guest address; calls may share one, and then a guess is wrong. */
export function targetIndex(ret: number): number {
  return (ret ^ (ret >>> 12)) & (TARGETS_ENTRIES - 1)
}
