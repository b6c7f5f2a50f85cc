/** Timelines over runs of test programs, for the tests of this folder. */
import type { Engine } from '../../src/engine/run.ts'
import { timelineOf } from '../../src/replay/machine.ts'
import type { Timeline, TimelineOptions } from '../../src/replay/timeline.ts'
import type { RunEnding } from '../../src/replay/recording.ts'
import { createMachine } from '../../src/linux/machine.ts'
import { newEngine, newWorld } from '../machine/machines.ts'
import type { Subject } from '../determinism/subjects.ts'

/** A timeline over the run of a program, as a recording of it would give. */
export function timelineFor(
  { path, args, env }: Subject,
  options: TimelineOptions & { engine?: Engine; seed?: number } = {},
): Timeline {
  const { engine = newEngine(), seed = 1 } = options
  const machine = () =>
    createMachine({
      path,
      argv: [path, ...args],
      env,
      cwd: '/tmp',
      seed,
      world,
      processor: engine,
      uid: process.getuid!(),
      gid: process.getgid!(),
    })
  const { world } = newWorld()
  const first = machine()
  first.advance(Infinity)
  const ended = first.state.ended!
  const ending = (ended.kind === 'signal' ? { ...ended, address: '' } : ended) as RunEnding
  const end = { count: first.state.count, hash: first.hash(), ending }
  first.release()
  Object.assign(world, { writeOutput: (fd: 1 | 2, bytes: Uint8Array) => timeline.wrote(fd, bytes) })
  const timeline = timelineOf(machine(), engine, end, options)
  return timeline
}
