/** Exists as one debuggable run: executed to its end, asked what happened, and turned into a recording. */
import { LemmingError } from '../base/errors.ts'
import type { Codec, ObjectStore } from '../host/host.ts'
import type { RecordingWorld, ReportWorld } from '../replay/recording-world.ts'
import { RECORDING_FORMAT, type Recording, type RunEnd, type RunEnding, type RunInputs } from '../replay/recording.ts'
import { divergence } from '../replay/replaying-world.ts'
import type { Subject } from '../replay/subject.ts'
import type { Finding } from '../tool/finding.ts'
import { describeEnding, describePlace } from './describe.ts'
import type { Inflate } from './stacks.ts'

export type { RunEnding, RunInputs } from '../replay/recording.ts'

/** Instructions between two looks at the time limit. Part of what a run with a limit is: its end falls on such a look. */
const SLICE = 20_000_000

/** What a session is made of: a machine at its start, and the world that it was given. */
export interface SessionParts {
  inputs: RunInputs
  subject: Subject
  world: ReportWorld
  inflate: Inflate
}

/** A run, from its start on. */
export class Session {
  readonly inputs: RunInputs
  readonly subject: Subject
  private readonly world: ReportWorld
  private readonly inflate: Inflate
  private reached: RunEnding | null = null
  private described: Finding | undefined

  constructor({ inputs, subject, world, inflate }: SessionParts) {
    this.inputs = inputs
    this.subject = subject
    this.world = world
    this.inflate = inflate
  }

  /** Executes the run to its end. Throws a LemmingError for what lemming does not support, with the place in the program. */
  runToEnd(): RunEnding {
    const { timeLimit, clockRate } = this.inputs.options
    while (this.reached === null) {
      this.reached = this.subject.ending()
      if (this.reached !== null) break
      if (timeLimit === null) {
        this.advance(Number.MAX_SAFE_INTEGER)
        continue
      }
      const left = timeLimit - this.subject.elapsed
      if (left <= 0) this.reached = { kind: 'time-limit', limit: timeLimit }
      else this.advance(this.subject.count + Math.min(SLICE, Math.ceil(left / clockRate)))
    }
    return this.reached
  }

  private advance(limit: number): void {
    try {
      this.subject.advance(limit)
    } catch (error) {
      throw error instanceof LemmingError && error.code.startsWith('unsupported-') ? this.located(error) : error
    }
  }

  private located(error: LemmingError): LemmingError {
    const task = this.subject.tasks().find(({ tid }) => tid === this.subject.currentTid)
    const place = task && describePlace(task, this.subject, this.world, this.inflate)
    const message = `${error.message}${place === undefined ? '' : `, ${place}`}, at @${this.subject.count} of seed ${this.inputs.seed}`
    return new LemmingError(error.code, message, error.next)
  }

  /** Count, state hash and ending. Hashing looks at all memory: not for the fast path. */
  end(): RunEnd {
    return { count: this.subject.count, hash: this.subject.hash(), ending: this.runToEnd() }
  }

  /** What went wrong; undefined for a program that exited with 0. */
  finding(): Finding | undefined {
    this.described ??= describeEnding(this.runToEnd(), this.inputs.seed, this.subject, this.world, this.inflate)
    return this.described
  }
}

/**
 * The recording of a run at its end. The contents of files go into the store, those that the report needs (sources, debugging
 * information) among them.
 */
export function recordingOf(session: Session, world: RecordingWorld, codec: Codec, store: ObjectStore, lemming: string): Recording {
  session.finding()
  const end = session.end()
  return { format: RECORDING_FORMAT, lemming, inputs: session.inputs, answers: world.save(codec, store), end }
}

/** Throws `replay-divergence` when a replay did not arrive where the recorded run ended. */
export function verifyEnd(end: RunEnd, recorded: RunEnd): void {
  const ending = JSON.stringify(end.ending)
  const expected = JSON.stringify(recorded.ending)
  if (end.count !== recorded.count) throw divergence(`ended after ${end.count} instructions and not after ${recorded.count}`)
  if (ending !== expected) throw divergence(`ended with ${ending} and not with ${expected}`)
  if (end.hash !== recorded.hash) throw divergence(`ended in state ${end.hash} and not in ${recorded.hash}`)
}
