/** Exists for runs that are executed once more to learn about them: the output of the program must not appear again. */
import type { ReportWorld } from '../replay/recording-world.ts'

/** The same world, which the program's output does not reach a second time. */
export function silent(world: ReportWorld): ReportWorld {
  return Object.create(world, { writeOutput: { value: () => {} }, writeTerminal: { value: () => {} } }) as ReportWorld
}
