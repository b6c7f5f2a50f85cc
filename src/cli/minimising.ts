/** Exists to do what `lemming minimise` asks for: trials on several threads, the failure that is left, and its interleaving table. */
import { basename, resolve } from 'node:path'
import { isatty } from 'node:tty'
import { LemmingError } from '../base/errors.ts'
import { adoptFailure, readFailure } from '../campaign/adopt.ts'
import { planOf } from '../campaign/catalogue-campaigns.ts'
import { addJournal, failureNamed, highestNumber } from '../campaign/catalogue-failures.ts'
import { FailureDirectory } from '../campaign/failures.ts'
import { reduced } from '../campaign/reduce.ts'
import type { Criteria } from '../lab/criteria.ts'
import { openCatalogue, type CampaignPlan } from '../lab/hunter.ts'
import type { Answers, TrialJob } from '../lab/jobs.ts'
import { findRecording } from '../lab/places.ts'
import { readRecording } from '../lab/storage.ts'
import { Thread } from '../lab/thread.ts'
import { turnsName, type Schedule } from '../lab/turns.ts'
import { grouped, reportText } from '../report/text.ts'
import type { RunInputs } from '../session/session.ts'
import { againIn } from './hunting.ts'
import type { MinimiseOptions } from './minimise.ts'
import { shellLine, write } from './output.ts'
import type { Invocation } from './program.ts'
import { table } from './tables.ts'

/** A trial that runs so many times as long as the failure is another run. */
const PATIENCE = 4

/** Nanoseconds that every trial may take besides. */
const GRACE = 1e9

/** How long something was, and is. */
interface Reduction {
  before: number
  after: number
}

/** What minimising came to. */
export interface Minimised {
  failure: string
  name: string
  path: string
  switches: Reduction
  arguments: Reduction | null
  input: Reduction | null
  trials: number
  exhausted: boolean
  inputs: RunInputs
  rows: Answers['minimised']['rows']
  finding: Answers['minimised']['finding']
}

/** Minimises; the exit code. */
export async function minimise(name: string, options: MinimiseOptions, invocation: Invocation): Promise<number> {
  const out = resolve(options.out)
  const catalogue = openCatalogue(out)
  const directory = new FailureDirectory(out)
  const threads = [await invocation.thread(), ...Array.from({ length: options.jobs - 1 }, () => new Thread())]
  const known = failureNamed(catalogue, basename(name))
  const plan = known === undefined ? null : (planOf(catalogue, known.campaign).plan as Partial<CampaignPlan>)
  const trials = new Trials(findRecording(name, out), threads, options.trials, plan?.criteria)
  try {
    const result = await trials.reduce(options)
    const bundle = `${directory.scratch()}/minimised`
    const left = await trials.keep(bundle, `minimised from ${name}`)
    const made = directory.keep(bundle, highestNumber(catalogue))
    adoptFailure(catalogue, made, readFailure(directory.pathOf(made))!)
    const told: Minimised = {
      ...result,
      ...left,
      failure: name,
      name: made,
      path: directory.pathOf(made),
      trials: trials.made,
      exhausted: trials.exhausted,
      inputs: trials.inputs,
    }
    const line = `${told.switches.before} switches to ${told.switches.after}: ${made}`
    if (known !== undefined) addJournal(catalogue, basename(name), 'minimise', line)
    addJournal(catalogue, made, `minimised from ${name}`, line)
    if (options.json === true) (await import('./json-catalogue.ts')).printMinimised(told, againIn(options.out)(made))
    else write(1, minimisedText(told, againIn(options.out)(made)))
    return 0
  } finally {
    trials.quiet()
    directory.close()
    catalogue.close()
    await Promise.all(threads.map((thread) => thread.close()))
  }
}

/** The trials of one failure: runs with something left out, each a question whether it still fails in the same way. */
class Trials {
  made = 0
  /** There were not enough trials to know that nothing more can be left out. */
  exhausted = false
  /** The failure as it is reduced so far. */
  inputs!: RunInputs
  private readonly file: string
  private readonly threads: Thread[]
  private readonly most: number
  private readonly criteria: Criteria | undefined
  private readonly idle: Thread[]
  private readonly waiting: ((thread: Thread) => void)[] = []
  private original!: Answers['schedule']
  private schedule!: Schedule
  private stdin: Uint8Array | null = null
  private live = false
  private shown = false

  constructor(file: string, threads: Thread[], most: number, criteria: Criteria | undefined) {
    this.criteria = criteria
    this.file = file
    this.threads = threads
    this.idle = [...threads]
    this.most = most
  }

  /** Leaves out what can be left out. */
  async reduce(options: MinimiseOptions): Promise<Pick<Minimised, 'switches' | 'arguments' | 'input'>> {
    this.original = await this.threads[0]!.ask<'schedule'>({
      kind: 'schedule',
      file: this.file,
      criteria: this.criteria,
    })
    this.inputs = this.original.inputs
    this.schedule = { switches: this.original.schedule.switches, chosen: this.original.schedule.chosen }
    const before = this.schedule.switches.length
    if (!(await this.fails(this.withSchedule(this.schedule)))) {
      throw new LemmingError(
        'minimise-unfaithful',
        `${this.file}: the same switches at the same places do not give the same failure`,
        'please report this with the recording',
      )
    }
    // Who is woken first matters less often than who runs: without it there is less to read.
    const plain = { ...this.schedule, chosen: [] }
    if (this.schedule.chosen.length > 0 && (await this.fails(this.withSchedule(plain)))) this.schedule = plain
    const switches = await reduced(
      this.schedule.switches,
      (part) => this.fails(this.withSchedule({ ...this.schedule, switches: [...part] })),
      this.threads.length,
      (left) => this.tell(`${left} of ${before} switches left`),
    )
    this.schedule = { ...this.schedule, switches }
    this.inputs = { ...this.inputs, ...this.withSchedule(this.schedule) }
    const args = options.args === true && !this.exhausted ? await this.reduceArguments() : null
    const input = options.input === true && !this.exhausted ? await this.reduceInput() : null
    return { switches: { before, after: switches.length }, arguments: args, input }
  }

  /** Keeps the failure that is left as a bundle. */
  keep(bundle: string, note: string): Promise<Answers['minimised']> {
    const { strategy } = this.inputs.options
    const change = { argv: this.inputs.argv, options: { ...this.inputs.options, strategy } }
    return this.threads[0]!.ask<'minimised'>({
      kind: 'minimised',
      file: this.file,
      change,
      live: this.live,
      input: this.stdin,
      bundle,
      note,
      criteria: this.criteria,
    })
  }

  /** Takes the line of progress away. */
  quiet(): void {
    if (this.shown) write(2, '\r\u001b[K')
    this.shown = false
  }

  private async reduceArguments(): Promise<Reduction> {
    const [program, ...words] = this.inputs.argv
    await this.goLive()
    const left = await reduced(
      words,
      (part) => this.fails({ argv: [program!, ...part] }),
      this.threads.length,
      (count) => this.tell(`${count} of ${words.length} arguments left`),
    )
    this.inputs = { ...this.inputs, argv: [program!, ...left] }
    return { before: words.length, after: left.length }
  }

  private async reduceInput(): Promise<Reduction> {
    await this.goLive()
    const all = Buffer.from(this.stdin!).toString('latin1')
    // Lines first; then the characters of what is left, if that is little.
    const pieces = all.match(/[^\n]*\n|[^\n]+$/g) ?? []
    const holds = (part: readonly string[]): Promise<boolean> => this.fails({}, Buffer.from(part.join(''), 'latin1'))
    let left = await reduced(pieces, holds, this.threads.length, (count) =>
      this.tell(`${count} of ${pieces.length} lines left`),
    )
    const characters = left.join('').split('')
    if (characters.length <= FEW) left = await reduced(characters, holds, this.threads.length)
    this.stdin = Buffer.from(left.join(''), 'latin1')
    return { before: all.length, after: this.stdin.length }
  }

  /** From here on the outside is as it is now: what was left out may make the program ask for more than was recorded. */
  private async goLive(): Promise<void> {
    if (this.live) return
    const { answers } = readRecording(this.file).recording
    this.stdin = Buffer.concat(answers.input)
    this.live = true
    if ((await this.fails({})) || this.exhausted) return
    throw new LemmingError(
      'minimise-changed',
      `${this.file}: it does not fail any more with the files as they are now`,
      'leave out --args and --input, or bring back the program and the files that it had',
    )
  }

  private withSchedule(schedule: Schedule): Pick<RunInputs, 'options'> {
    const { options } = this.original.inputs
    return { options: { ...options, strategy: turnsName(schedule) } }
  }

  private async fails(change: Partial<RunInputs>, input = this.stdin): Promise<boolean> {
    // What has been left out by then stays left out; nothing more is.
    this.exhausted ||= this.made >= this.most
    if (this.exhausted) return false
    this.made++
    const { argv, options } = { ...this.inputs, ...change }
    const limit = Math.ceil(this.original.elapsed * PATIENCE + GRACE)
    const bounded = { ...options, timeLimit: options.timeLimit ?? limit }
    const job: TrialJob = {
      kind: 'trial',
      file: this.file,
      change: { argv, options: bounded },
      live: this.live,
      input,
      criteria: this.criteria,
    }
    const thread = this.idle.pop() ?? (await new Promise<Thread>((free) => this.waiting.push(free)))
    try {
      return (await thread.ask<'trial'>(job)).signature === this.original.signature
    } finally {
      const next = this.waiting.shift()
      if (next === undefined) this.idle.push(thread)
      else next(thread)
    }
  }

  private tell(text: string): void {
    const line = `${text}, ${this.made} runs`
    this.shown = isatty(2)
    write(2, this.shown ? `\r\u001b[K${line}` : `lemming: ${line}\n`)
  }
}

/** Characters up to which an input is reduced character by character. */
const FEW = 2000

/** Switches shown on either end of a long table. */
const SHOWN = 20

function minimisedText(result: Minimised, again: string): string {
  const { failure, name, path, switches, arguments: args, input, trials, inputs, rows, finding } = result
  const lines = [
    `${name} is ${failure} with ${plural(switches.after, 'switch', 'switches')} of threads in place of ${switches.before} (${trials} runs); kept in ${path}`,
    ...(args === null
      ? []
      : [`  ${plural(args.after, 'argument', 'arguments')} of ${args.before}: ${shellLine(inputs.argv)}`]),
    ...(input === null ? [] : [`  ${input.after} of ${input.before} bytes of standard input`]),
    '',
  ]
  if (result.exhausted)
    lines.push(`Stopped after ${trials} runs: more may be left out with --trials ${trials * 2}.`, '')
  if (switches.after === 0)
    lines.push('No switch matters: it fails also when every thread runs until it waits or ends.', '')
  const ends = rows.length <= 2 * SHOWN ? rows : [...rows.slice(0, SHOWN), null, ...rows.slice(-SHOWN)]
  const cells = ends.flatMap((row) =>
    row === null
      ? [['', '', '…', '']]
      : [
          [row.chosen ? '▸' : '', `@${grouped(row.moment)}`, `thread ${row.tid} stops at`, row.from],
          ['', '', `thread ${row.to} goes on at`, row.into],
        ],
  )
  if (rows.length > 0)
    lines.push(
      table(cells, [1]),
      '',
      '▸ the switches that matter; the others happen because a thread waits or ends',
      '',
    )
  lines.push(reportText(finding, { again }))
  return `${lines.join('\n')}\n`
}

function plural(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`
}
