/**
 * Exists so that most accesses need one look at memory: a *pair* byte speaks for a page and the next one together, so that an access which crosses into that one needs no question
 * of its own. There are two tables of them, for loads and for stores.
 */

/** Bytes of each table: one for every page of the 32-bit addresses. */
export const PAIRS_SIZE = 0x10_0000

/** Brings the pair bytes up to date with the attributes of pages [first, end), of which there is at least one more. A load is plain without `noRead`, a store without any attribute; 0 says that both pages are plain. */
export function pairUp(attributes: Uint8Array, pairs: Uint8Array, first: number, end: number, noRead: number): void {
  for (let page = Math.max(first - 1, 0); page < end; page++) {
    const both = attributes[page]! | attributes[page + 1]!
    pairs[page] = both & noRead
    pairs[PAIRS_SIZE + page] = both
  }
}
