/** Exists for runs that are executed once more to learn about them: the output of the program must not appear again, and sources may have to be found that were not recorded. */
import { NodeFiles } from '../host/node.ts'
import type { ReportWorld } from '../replay/recording-world.ts'

/** The same world, which the program's output does not reach a second time. */
export function silent(world: ReportWorld): ReportWorld {
  return Object.create(world, { writeOutput: { value: () => {} }, writeTerminal: { value: () => {} } }) as ReportWorld
}

/** The same world, which also shows files of this computer that were not recorded: sources and debugging information of runs that went well. */
export function withFilesHere(world: ReportWorld): ReportWorld {
  const files = new NodeFiles()
  const look = (path: string): Uint8Array | undefined => {
    const recorded = world.look(path)
    if (recorded !== undefined) return recorded
    const here = files.content(path)
    return typeof here === 'string' ? undefined : here
  }
  return Object.create(world, { look: { value: look } }) as ReportWorld
}
