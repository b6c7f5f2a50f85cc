/** Exists to note every answer that the world gives to a run, so that the run can be executed again without that world. */
import { LemmingError } from '../base/errors.ts'
import type {
  Codec,
  HostChange,
  HostError,
  HostStat,
  HostTerminal,
  ObjectStore,
  TerminalNews,
  World,
} from '../host/host.ts'
import type { WorldAnswers } from './recording.ts'

/** A World that can also be asked, apart from the run, what it would say of files that a report wants: sources, debugging information. */
export interface ReportWorld extends World {
  /** The content of a file, or undefined when there is none or none was recorded. Never throws for what is missing. */
  look(path: string): Uint8Array | undefined
  /** When the file was changed last, in nanoseconds since the epoch; undefined when that is not known. */
  changedAt(path: string): bigint | undefined
}

/** What a world has said of files: by question. */
export interface FileAnswers {
  stats: Map<string, HostStat | HostError>
  links: Map<string, string>
  lists: Map<string, string[] | HostError>
  contents: Map<string, Uint8Array | HostError>
}

/** Wraps another world and remembers what it said. Each question is passed on once: for the run the world stands still. */
export class RecordingWorld implements ReportWorld {
  private readonly world: World
  private readonly stats = new Map<string, HostStat | HostError>()
  private readonly links = new Map<string, string>()
  private readonly lists = new Map<string, string[] | HostError>()
  private readonly contents = new Map<string, Uint8Array | HostError>()
  private readonly input: Uint8Array[] = []
  private info: { is: HostTerminal | null } | null = null
  private readonly news = new Map<number, TerminalNews>()
  private polls = 0
  private readonly refused = new Map<number, string>()
  private changed = 0
  private listener: World['writeOutput'] | null = null

  constructor(world: World) {
    this.world = world
  }

  lstat(path: string): HostStat | HostError {
    return once(this.stats, path, () => this.world.lstat(path))
  }

  readlink(path: string): string {
    return once(this.links, path, () => this.world.readlink(path))
  }

  list(path: string): string[] | HostError {
    return once(this.lists, path, () => this.world.list(path))
  }

  content(path: string): Uint8Array | HostError {
    return once(this.contents, path, () => this.world.content(path))
  }

  readInput(max: number, nth: number): Uint8Array {
    this.input[nth] ??= this.world.readInput(max, nth).slice()
    return this.input[nth]
  }

  change(nth: number, change: HostChange): string | null {
    if (nth < this.changed) return this.refused.get(nth) ?? null
    this.changed = nth + 1
    const error = this.world.change === undefined ? 'EROFS' : this.world.change(nth, change)
    if (error !== null) this.refused.set(nth, error)
    return error
  }

  terminal(): HostTerminal | null {
    this.info ??= { is: this.world.terminal?.() ?? null }
    return this.info.is
  }

  pollTerminal(nth: number, milliseconds: number): TerminalNews | null {
    // Most questions have no answer worth keeping: a replay takes those that were not kept for "nothing".
    if (nth < this.polls) return this.news.get(nth) ?? null
    this.polls = nth + 1
    const news = this.world.pollTerminal?.(nth, milliseconds) ?? null
    if (news !== null) this.news.set(nth, { ...news, typed: news.typed.slice() })
    return news
  }

  writeTerminal(bytes: Uint8Array): void {
    this.world.writeTerminal?.(bytes)
  }

  /** Somebody who hears what is written, besides the world, from now on; null for nobody. */
  heed(listener: World['writeOutput'] | null): void {
    this.listener = listener
  }

  writeOutput(fd: 1 | 2, bytes: Uint8Array): void {
    this.listener?.(fd, bytes)
    this.world.writeOutput(fd, bytes)
  }

  /** What was said of files so far; null once anything else was asked for than files, or changed. */
  fileAnswers(): FileAnswers | null {
    const { stats, links, lists, contents } = this
    if (this.input.length > 0 || this.changed > 0 || this.polls > 0 || (this.info !== null && this.info.is !== null))
      return null
    return { stats: new Map(stats), links: new Map(links), lists: new Map(lists), contents: new Map(contents) }
  }

  /**
   * Takes over what another run was told before, if the same is still there; nothing was asked yet. False: it is not. What else has come into a directory meanwhile
   * does not count.
   */
  adopt({ stats, links, lists, contents }: FileAnswers): boolean {
    const { world } = this
    const stands =
      this.terminal() === null &&
      [...stats].every(([path, answer]) => identity(world.lstat(path)) === identity(answer)) &&
      [...links].every(([path, answer]) => world.readlink(path) === answer) &&
      [...lists].every(([path, answer]) => String(world.list(path)) === String(answer)) &&
      // Whoever keeps contents says whether a file is the same by giving the same bytes.
      [...contents].every(([path, answer]) => world.content(path) === answer)
    if (!stands) return false
    for (const [path, answer] of stats) this.stats.set(path, answer)
    for (const [path, answer] of links) this.links.set(path, answer)
    for (const [path, answer] of lists) this.lists.set(path, answer)
    for (const [path, answer] of contents) this.contents.set(path, answer)
    return true
  }

  look(path: string): Uint8Array | undefined {
    const content = unlessUnknown(() => this.content(path))
    return typeof content === 'string' ? undefined : content
  }

  changedAt(path: string): bigint | undefined {
    const stat = unlessUnknown(() => this.lstat(path))
    return stat === undefined || typeof stat === 'string' ? undefined : BigInt(stat.mtime)
  }

  /** The answers so far; the contents go into the store. */
  save(codec: Codec, store: ObjectStore): WorldAnswers {
    const content: WorldAnswers['content'] = new Map()
    for (const [path, answer] of this.contents) {
      if (typeof answer === 'string') {
        content.set(path, answer)
        continue
      }
      const hash = codec.hash(answer)
      store.put(hash, answer)
      content.set(path, { hash, size: answer.length })
    }
    return {
      lstat: new Map(this.stats),
      readlink: new Map(this.links),
      list: new Map(this.lists),
      content,
      input: [...this.input],
      changes: new Map(this.refused),
      terminal: this.info === null || this.info.is === null ? null : { info: this.info.is, news: new Map(this.news) },
    }
  }
}

/** What makes a file the same one: a directory remains what it is when something comes into it. */
function identity(answer: HostStat | HostError): string {
  if (typeof answer === 'string') return answer
  const { kind, mode, uid, gid, ino, rdev, size, mtime, nlink } = answer
  const own = [kind, mode, uid, gid, ino, rdev]
  return (kind === 'dir' ? own : [...own, size, mtime, nlink]).join(' ')
}

function once<T>(known: Map<string, T>, path: string, ask: () => T): T {
  let answer = known.get(path)
  if (answer === undefined) {
    answer = ask()
    known.set(path, answer)
  }
  return answer
}

/** An answer; undefined where the world behind is a recorded one that was never asked. */
function unlessUnknown<T>(ask: () => T): T | undefined {
  try {
    return ask()
  } catch (error) {
    if (error instanceof LemmingError && error.code === 'replay-divergence') return undefined
    throw error
  }
}
