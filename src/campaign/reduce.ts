/** Exists to make a list as short as it can be while something stays true of it: delta debugging (Zeller and Hildebrandt, IEEE TSE 28, 2002). */

/**
 * A part of `items`, in order, of which `holds` is true and from which no single item can be taken. `holds` must be true of `items` itself; it is
 * asked of each part once. Several questions may be asked at the same time, `width` of them; the result does not depend on that.
 */
export async function reduced<T>(
  items: readonly T[],
  holds: (part: readonly T[]) => Promise<boolean>,
  width = 1,
  told: (left: number) => void = () => {},
): Promise<T[]> {
  let list = [...items]
  if (list.length > 0 && (await holds([]))) return []
  let parts = 2
  while (list.length > 1) {
    const size = Math.ceil(list.length / parts)
    const without: T[][] = []
    for (let at = 0; at < list.length; at += size) without.push([...list.slice(0, at), ...list.slice(at + size)])
    const found = await firstOf(without, holds, width)
    if (found !== undefined) {
      list = found
      parts = Math.max(2, parts - 1)
      told(list.length)
    } else if (size === 1) break
    else parts = Math.min(list.length, parts * 2)
  }
  return list
}

/** The first candidate of which `holds` is true, `width` being looked at together. */
async function firstOf<T>(
  candidates: readonly T[][],
  holds: (part: readonly T[]) => Promise<boolean>,
  width: number,
): Promise<T[] | undefined> {
  for (let at = 0; at < candidates.length; at += width) {
    const together = candidates.slice(at, at + width)
    const answers = await Promise.all(together.map((candidate) => holds(candidate)))
    const index = answers.indexOf(true)
    if (index >= 0) return together[index]
  }
  return undefined
}
