/** Exists to open a recorded run in this thread as one that can be walked both ways, and to answer what front ends ask of it. */
import { LemmingError } from '../base/errors.ts'
import { inflate } from '../host/node.ts'
import { startMachine, startTimeline } from '../replay/machine.ts'
import { ReplayingWorld } from '../replay/replaying-world.ts'
import type { Timeline } from '../replay/timeline.ts'
import { Debugger } from '../session/debugger.ts'
import type { Stop } from '../session/protocol.ts'
import { verifyEnd, type RunInputs } from '../session/session.ts'
import type { Judge } from './minimise.ts'
import type { Answers, AskJob, KeepBranchJob, OpenJob } from './jobs.ts'
import { withFilesHere } from './silent.ts'
import { readRecording, writeExport } from './storage.ts'
import { replaying } from './versions.ts'

let opened: Debugger | null = null

/** Executes the recorded run once, compares its end with the recorded one, and stands at its end. `provide` brings translations of earlier runs of the program. */
export async function openRun({ file, budget, interrupt }: OpenJob, provide: (program: string) => void): Promise<Stop> {
  const { recording, objects } = readRecording(file)
  provide(recording.inputs.path)
  const world = new ReplayingWorld(recording.answers, objects, (fd, bytes) => timeline.wrote(fd, bytes))
  const timeline: Timeline = startTimeline(recording.inputs, world, recording.end, {
    ...(budget !== null && { budget }),
    interrupted: () => Atomics.exchange(interrupt, 0, 0) !== 0,
  })
  await replaying(recording.lemming, () => verifyEnd(timeline.finish(), recording.end))
  opened = new Debugger(timeline, recording.inputs, withFilesHere(world), inflate)
  opened.seek(Infinity)
  return opened.step({ tid: 0, unit: 'instruction', back: false })
}

/** Answers one question. */
export function askRun({ method, args }: AskJob): unknown {
  if (opened === null) throw new LemmingError('internal', 'internal error: no run is open')
  return (opened[method] as (...args: unknown[]) => unknown).apply(opened, args)
}

/** The inputs of a branch: the recorded ones up to its moment, then what it says. */
export function branchInputs(inputs: RunInputs, branch: KeepBranchJob['branch']): RunInputs {
  const earlier = inputs.options.branches?.filter(({ moment }) => moment < branch.moment) ?? []
  return { ...inputs, options: { ...inputs.options, branches: [...earlier, branch] } }
}

/** Writes the self-contained recording of a branch (the recorded run up to a moment, then what the branch says), or keeps it as a failure. */
export async function keepBranch(job: KeepBranchJob, judge: Judge): Promise<Answers['keepBranch']> {
  const { file, branch, limit, output, note } = job
  const { recording, objects } = readRecording(file)
  const inputs = branchInputs(recording.inputs, branch)
  if (job.as === 'failure') {
    const change = { options: inputs.options }
    const { minimisedJob } = await import('./minimise.ts')
    const bundle = { kind: 'minimised' as const, file, change, live: false, input: null, bundle: output, note }
    const { count } = await minimisedJob(bundle, judge)
    return { moment: count }
  }
  const subject = startMachine(inputs, new ReplayingWorld(recording.answers, objects, () => {}))
  subject.advance(limit)
  const ending = subject.ending()
  if (ending === null) {
    throw new LemmingError(
      'export-unfinished',
      `the lemming with seed ${branch.seed} has not ended at @${subject.count}`,
      'keep another one, or give it more instructions with --limit',
    )
  }
  const end = { count: subject.count, hash: subject.hash(), ending }
  subject.release()
  writeExport(output, { recording: { ...recording, inputs, end }, objects })
  return { moment: end.count }
}
