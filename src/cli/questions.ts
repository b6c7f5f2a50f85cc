/** Exists as `lemming lines`, `history`, `threads` and `why`: questions about the past of a failure, one command each. */
import { dirname, resolve } from 'node:path'
import { Command } from 'commander'
import type { CustomFunction } from '../tool/allocator-spec.ts'
import { openInThread } from '../lab/debuggee.ts'
import { FAILURES, findRecording } from '../lab/places.ts'
import type { AccessesInfo, Remote } from '../session/protocol.ts'
import { allocatorParser } from './allocators.ts'
import * as answers from './answers.ts'
import { splitMoment } from './core.ts'
import { addJsonOptions, wholeNumber } from './options.ts'
import { write } from './output.ts'
import type { Invocation } from './program.ts'
import { linesMeant } from './repl/questions.ts'
import type { schemas } from './schema.ts'

/** Accesses, turns and events that are shown, unless `--last` says otherwise. */
const SHOWN = 20

export interface Common {
  out: string
  thread?: number
  frame: number
  json?: boolean
  jsonSchema?: boolean
}

/** A run that stands at the moment that is asked about, and the thread and frame in which names are looked up. */
interface Asked {
  remote: Remote
  pid: number
  tid: number
  level: number
}

export const FAILURE = 'a failure such as F1, its directory, or a recording file; F1@N for what was until moment N'

/** A command that asks one question: options and arguments that all of them have. */
export function question(name: keyof typeof schemas, description: string): Command {
  return addJsonOptions(new Command(name))
    .description(description)
    .option('--out <dir>', 'directory of failures', FAILURES)
    .option('--thread <tid>', 'look names up in this thread', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('--frame <n>', 'in this frame of its stack', wholeNumber(0, 100_000), 0)
}

/** Opens the run, asks, and prints: a document, or text. */
export async function ask(
  { thread, end }: Invocation,
  command: keyof typeof schemas,
  failure: string | undefined,
  options: Common,
  self: Command,
  answer: (asked: Asked) => Promise<{ text: () => string | Promise<string>; document: Record<string, unknown> }>,
): Promise<void> {
  if (options.jsonSchema === true) return (await import('./json.ts')).printSchema(command)
  if (failure === undefined) self.error("missing argument 'failure'")
  const { name, moment } = splitMoment(failure)
  const worker = await thread()
  const { remote } = await openInThread(worker, findRecording(name, options.out), null)
  const stop = await remote.seek(moment)
  const tid = options.thread ?? (await crashed(remote, moment)) ?? stop.tid
  const info = (await remote.threads()).find((one) => one.tid === tid)
  if (info === undefined) self.error(`there is no thread ${tid} at @${stop.moment}`)
  const { text, document } = await answer({ remote, pid: info.pid, tid, level: options.frame })
  const said = await text()
  if (options.json === true) (await import('./json.ts')).print(command, document)
  else write(1, said)
  const { noteQuestion } = await import('../lab/branches.ts')
  noteQuestion(resolve(options.out), name, [command, ...self.args.slice(1)].join(' '), said)
  await worker.close()
  end(0)
}

/** Refuses a question without its object, before anything is executed. */
function requireArgument(
  text: string | undefined,
  name: string,
  { jsonSchema }: Common,
  self: Command,
): asserts text is string {
  if (text === undefined && jsonSchema !== true) self.error(`missing argument '${name}'`)
}

/** The thread of the crash, at the end. */
async function crashed(remote: Remote, moment: number): Promise<number | null> {
  const { ending } = await remote.position()
  return moment === Infinity && ending.kind === 'signal' ? ending.tid : null
}

export function linesCommand(invocation: Invocation): Command {
  return question('lines', 'Say which lines and branches a run has executed, how often, and with which outcomes.')
    .argument('[failure]', FAILURE)
    .argument('[lines]', 'FILE:A-B, FILE:LINE or a function')
    .option('--if <expression>', 'count only executions where this is not 0')
    .action(
      async (
        failure: string | undefined,
        text: string | undefined,
        options: Common & { if?: string },
        self: Command,
      ) => {
        requireArgument(text, 'lines', options, self)
        return ask(invocation, 'lines', failure, options, self, async ({ remote, tid, level }) => {
          const { frames } = await remote.frames(tid, level + 1)
          const range = await linesMeant(remote, tid, text, frames[level]?.file ?? null)
          const info = await remote.lines({ tid, ...range, ...(options.if !== undefined && { condition: options.if }) })
          return {
            text: async () => answers.linesText(info, await remote.source(info.file)),
            document: {
              ...info,
              lines: info.lines.map((line) => ({
                ...line,
                branches: line.branches.map((branch) => ({ ...branch, address: hex(branch.address) })),
              })),
            },
          }
        })
      },
    )
}

interface HistoryOptions extends Common {
  size?: number
  reads?: boolean
  last: number
  alloc: CustomFunction[]
  free: CustomFunction[]
}

export function historyCommand(invocation: Invocation): Command {
  return question('history', 'Tell every owner and every write of a piece of memory, and all lines that touch it.')
    .argument('[failure]', FAILURE)
    .argument('[expression]', 'an expression such as head->next or slabs[*].free ([*]: all elements), or an address')
    .option('--size <n>', 'bytes; those of the type, or 8', wholeNumber(1, 1 << 20))
    .option('--reads', 'reads, too')
    .option('--last <n>', 'accesses that are shown one by one', wholeNumber(0, 100_000), SHOWN)
    .option('--alloc <function>', "the program's own allocation function: NAME:size=0", allocatorParser(false), [])
    .option('--free <function>', 'the one that takes back: NAME:ptr=0', allocatorParser(true), [])
    .action(async (failure: string | undefined, text: string | undefined, options: HistoryOptions, self: Command) => {
      requireArgument(text, 'expression', options, self)
      return ask(invocation, 'history', failure, options, self, async ({ remote, pid, tid, level }) => {
        if (text === undefined) self.error("missing argument 'expression'")
        const { size, last: most, reads = false, alloc, free } = options
        const info = await remote.accesses({ tid, level, text, ...(size !== undefined && { size }), reads, most })
        const [only, ...others] = info.ranges
        const allocators = [...alloc, ...free]
        const owners = others.length > 0 ? [] : await remote.owners({ pid, address: only!.address, allocators, most })
        return {
          text: () => answers.historyText(text, info, owners, reads),
          document: {
            expression: text,
            type: info.type,
            ranges: info.ranges.map((range) => ({ ...range, address: hex(range.address) })),
            until: info.until,
            reads: info.reads,
            writes: info.writes,
            owners: owners.map((one) => ({ ...one, address: hex(one.address) })),
            sites: info.sites,
            accesses: accessDocuments(info),
          },
        }
      })
    })
}

function accessDocuments({ shown }: AccessesInfo): object[] {
  const digits = (bytes: Uint8Array | null): string | null => bytes && Buffer.from(bytes).toString('hex')
  return shown.map((one) => ({
    ...one,
    address: hex(one.address),
    before: digits(one.before),
    after: digits(one.after),
  }))
}

interface ThreadsOptions extends Common {
  last: number
  markdown?: boolean
}

export function threadsCommand(invocation: Invocation): Command {
  return question('threads', 'Show how threads interleave: one column a thread, one row a step.')
    .argument('[failure]', FAILURE)
    .argument(
      '[expression]',
      'accesses to this; without it those that race, if the failure is a race, else the turns of the threads',
    )
    .option('--last <n>', 'rows', wholeNumber(1, 100_000), SHOWN)
    .option('--markdown', 'as a table in Markdown')
    .action(async (given: string | undefined, text: string | undefined, options: ThreadsOptions, self: Command) => {
      // Of a failure that is a race, the accesses that race.
      const race = given === undefined || text !== undefined ? null : await raceOf(given, options.out)
      const failure = race === null ? given : `${given}@${race.moment}`
      const expression = race?.address ?? text
      await ask(invocation, 'threads', failure, options, self, async ({ remote, tid, level }) => {
        const most = options.last
        const table =
          expression === undefined
            ? answers.turnsTable(await remote.turns(most))
            : answers.interleavingOf(await remote.accesses({ tid, level, text: expression, reads: true, most }))
        return {
          text: () => answers.interleavingText(table, options.markdown === true),
          document: { expression: expression ?? null, threads: table.tids, rows: table.rows },
        }
      })
    })
}

/** The memory that a failure's race is about, and a moment behind both accesses; null for failures of other kinds, and for moments that were given. */
async function raceOf(failure: string, out: string): Promise<{ address: string; moment: number } | null> {
  const { name, moment } = splitMoment(failure)
  if (moment !== Infinity) return null
  const { readFailure } = await import('../campaign/adopt.ts')
  const race = readFailure(dirname(findRecording(name, out)))?.finding.race
  return race === undefined ? null : { address: race.address, moment: race.later.moment + 1 }
}

/** The access that a failure's finding is about, and the moment before it; null for crashes, for findings that are about no access, and for moments that were given. */
async function accessOf(failure: string, out: string): Promise<{ moment: number; tid: number; what: string } | null> {
  const { name, moment } = splitMoment(failure)
  if (moment !== Infinity) return null
  const { readFailure } = await import('../campaign/adopt.ts')
  const finding = readFailure(dirname(findRecording(name, out)))?.finding
  if (finding === undefined || !/^invalid-(read|write)$/.test(finding.kind) || finding.thread === undefined) return null
  return { moment: finding.moment - 1, tid: finding.thread.tid, what: `${finding.kind}: ${finding.what}` }
}

export function whyCommand(invocation: Invocation): Command {
  return question(
    'why',
    'Follow a value back to where it came from; without an expression, the address of the crash or of an invalid access.',
  )
    .argument('[failure]', FAILURE)
    .argument('[expression]', 'the value')
    .action(async (failure: string | undefined, text: string | undefined, options: Common, self: Command) =>
      ask(invocation, 'why', failure, options, self, async ({ remote, tid, level }) => {
        const found = text === undefined ? await accessOf(failure!, options.out) : null
        const steps =
          found === null
            ? await remote.why(tid, level, text ?? null)
            : await remote.why(found.tid, 0, null, { moment: found.moment, what: found.what })
        return { text: () => answers.whyText(steps), document: { expression: text ?? null, steps } }
      }),
    )
}

function hex(address: number): string {
  return `0x${address.toString(16)}`
}
