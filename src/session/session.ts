/** Exists as one debuggable run: executed to its end, compared with a recorded one, and turned into a recording. */
import type { Codec, ObjectStore } from '../host/host.ts'
import type { RecordingWorld, ReportWorld } from '../replay/recording-world.ts'
import { RECORDING_FORMAT, type Recording, type RunEnd, type RunEnding, type RunInputs } from '../replay/recording.ts'
import { divergence } from '../replay/replaying-world.ts'
import type { Subject } from '../replay/subject.ts'

export type { CheckChoices, MountChoice, RunEnding, RunInputs } from '../replay/recording.ts'

/** Instructions between two looks at the time limit. Part of what a run with a limit is: its end falls on such a look. */
const SLICE = 20_000_000

/** A run, from its start on: a machine, what it was made with, and the world that it was given. */
export class Session {
  readonly inputs: RunInputs
  readonly subject: Subject
  readonly world: ReportWorld
  private reached: RunEnding | null = null

  constructor(inputs: RunInputs, subject: Subject, world: ReportWorld) {
    this.inputs = inputs
    this.subject = subject
    this.world = world
  }

  /** Executes the run to its end. Throws a LemmingError for what lemming does not support. */
  runToEnd(): RunEnding {
    const { timeLimit, clockRate, instructionLimit = Number.MAX_SAFE_INTEGER } = this.inputs.options
    while (this.reached === null) {
      this.reached = this.subject.ending()
      if (this.reached !== null) break
      if (this.subject.count >= instructionLimit) {
        this.reached = { kind: 'instruction-limit', limit: instructionLimit }
        break
      }
      if (timeLimit === null) {
        this.subject.advance(instructionLimit)
        continue
      }
      const left = timeLimit - this.subject.elapsed
      if (left <= 0) this.reached = { kind: 'time-limit', limit: timeLimit }
      else
        this.subject.advance(
          Math.min(
            instructionLimit,
            this.subject.count + Math.min(SLICE - (this.subject.count % SLICE), Math.ceil(left / clockRate)),
          ),
        )
    }
    return this.reached
  }

  /** Count, state hash and ending. Hashing looks at all memory: not for the fast path. */
  end(): RunEnd {
    const ending = this.runToEnd()
    return { count: this.subject.count, hash: this.subject.hash(), ending }
  }
}

/**
 * The recording of a run at its end. The contents of files go into the store, those among them that the world was asked for by a report
 * (sources, debugging information): describe before recording.
 */
export function recordingOf(
  session: Session,
  world: RecordingWorld,
  codec: Codec,
  store: ObjectStore,
  lemming: string,
): Recording {
  return {
    format: RECORDING_FORMAT,
    lemming,
    inputs: session.inputs,
    answers: world.save(codec, store),
    end: session.end(),
  }
}

/** Throws `replay-divergence` when a replay did not arrive where the recorded run ended. */
export function verifyEnd(end: RunEnd, recorded: RunEnd): void {
  const ending = JSON.stringify(end.ending)
  const expected = JSON.stringify(recorded.ending)
  if (end.count !== recorded.count)
    throw divergence(`ended after ${end.count} instructions and not after ${recorded.count}`)
  if (ending !== expected) throw divergence(`ended with ${ending} and not with ${expected}`)
  if (end.hash !== recorded.hash) throw divergence(`ended in state ${end.hash} and not in ${recorded.hash}`)
}
