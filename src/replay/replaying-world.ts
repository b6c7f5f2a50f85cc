/** Exists to be the world of a run that is executed again: it answers from the recording and asks nobody but for objects by hash. */
import { LemmingError } from '../base/errors.ts'
import type { HostError, HostStat, HostTerminal, ObjectStore, TerminalNews, World } from '../host/host.ts'
import type { ReportWorld } from './recording-world.ts'
import type { ContentRef, WorldAnswers } from './recording.ts'

/** A question that was not recorded is a `replay-divergence`: the run is not the one that was recorded. */
export class ReplayingWorld implements ReportWorld {
  private readonly answers: WorldAnswers
  private readonly store: ObjectStore
  private readonly output: World['writeOutput']
  private readonly contents = new Map<string, Uint8Array>()

  /** `output` gets what the program writes. */
  constructor(answers: WorldAnswers, store: ObjectStore, output: World['writeOutput']) {
    this.answers = answers
    this.store = store
    this.output = output
  }

  lstat(path: string): HostStat | HostError {
    return recorded(this.answers.lstat, 'lstat', path)
  }

  readlink(path: string): string {
    return recorded(this.answers.readlink, 'readlink', path)
  }

  list(path: string): string[] | HostError {
    return recorded(this.answers.list, 'list', path)
  }

  content(path: string): Uint8Array | HostError {
    const answer = recorded(this.answers.content, 'content', path)
    return typeof answer === 'string' ? answer : this.object(path, answer)
  }

  readInput(max: number, nth: number): Uint8Array {
    const chunk = this.answers.input[nth]
    if (chunk === undefined) {
      throw divergence(
        `reads standard input for the ${ordinal(nth + 1)} time, which was read ${this.answers.input.length} times`,
      )
    }
    if (chunk.length > max) {
      throw divergence(`asks for ${max} bytes of standard input where the recorded run got ${chunk.length}`)
    }
    return chunk
  }

  /** Changes are not made again: what the host made of them is known. */
  change(nth: number): string | null {
    return this.answers.changes.get(nth) ?? null
  }

  terminal(): HostTerminal | null {
    return this.answers.terminal?.info ?? null
  }

  pollTerminal(nth: number, milliseconds: number): TerminalNews | null {
    const news = this.answers.terminal?.news.get(nth) ?? null
    if (news === null && milliseconds === Infinity)
      throw divergence('waits for the terminal where the recorded run did not')
    return news
  }

  writeTerminal(bytes: Uint8Array): void {
    this.output(1, bytes)
  }

  writeOutput(fd: 1 | 2, bytes: Uint8Array): void {
    this.output(fd, bytes)
  }

  look(path: string): Uint8Array | undefined {
    const answer = this.answers.content.get(path)
    return answer === undefined || typeof answer === 'string' ? undefined : this.object(path, answer)
  }

  changedAt(path: string): bigint | undefined {
    const stat = this.answers.lstat.get(path)
    return stat === undefined || typeof stat === 'string' ? undefined : BigInt(stat.mtime)
  }

  private object(path: string, { hash, size }: ContentRef): Uint8Array {
    let bytes = this.contents.get(hash)
    if (bytes === undefined) {
      bytes = fetchObject(this.store, path, hash, size)
      this.contents.set(hash, bytes)
    }
    return bytes
  }
}

/** The content of a recorded file; throws `object-missing` or `object-changed`, which name the file and the hash. */
export function fetchObject(store: ObjectStore, path: string, hash: string, size: number): Uint8Array {
  let bytes: Uint8Array | null
  try {
    bytes = store.get(hash)
  } catch (error) {
    if (!(error instanceof LemmingError)) throw error
    throw new LemmingError(error.code, `content of ${path} (sha256 ${hash}): ${error.message}`, error.next)
  }
  if (bytes === null) {
    throw new LemmingError(
      'object-missing',
      `the recording needs the content of ${path} with sha256 ${hash}, and ${store.where(hash)} is not there`,
      'copy that object from where the run was recorded, or make a self-contained recording there: lemming replay … --export FILE',
    )
  }
  if (bytes.length !== size) {
    throw new LemmingError(
      'object-changed',
      `content of ${path} (sha256 ${hash}): ${bytes.length} bytes instead of ${size}`,
      'record the run again',
    )
  }
  return bytes
}

function recorded<T>(answers: Map<string, T>, question: string, path: string): T {
  const answer = answers.get(path)
  if (answer === undefined)
    throw divergence(`asks the world for ${question}(${JSON.stringify(path)}), which the recorded run did not`)
  return answer
}

/** The error for a replay that is not the recorded run. */
export function divergence(what: string): LemmingError {
  return new LemmingError(
    'replay-divergence',
    `the replay differs from the recorded run: it ${what}`,
    'replay with the version of lemming that recorded it; if that is this one, please report it with the recording',
  )
}

function ordinal(n: number): string {
  const tens = n % 100
  const suffix = tens >= 11 && tens <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th')
  return `${n}${suffix}`
}
