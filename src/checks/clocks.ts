/** Exists to hold vector clocks: what each thread knows of the progress of the others. */

/** By thread number: how far that thread was when last heard of. */
export type Clock = number[]

/** Takes over all that `other` knows. */
export function join(clock: Clock, other: Clock): void {
  for (let i = 0; i < other.length; i++) if (other[i]! > (clock[i] ?? 0)) clock[i] = other[i]!
}

/** Has the owner of `clock` heard of what thread `number` did at `time`? */
export function knows(clock: Clock, number: number, time: number): boolean {
  return (clock[number] ?? 0) >= time
}
