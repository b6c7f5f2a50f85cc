/** Exists as the conversation of `lemming replay`: commands from a file, from the command line and from a terminal, one after the other. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { LemmingError } from '../../base/errors.ts'
import { openInThread } from '../../lab/debuggee.ts'
import type { Thread } from '../../lab/thread.ts'
import { write } from '../output.ts'
import { commanded } from './points.ts'
import { readCommands, Reader, Scripts } from './scripts.ts'
import { State } from './state.ts'
import { powerText } from './past.ts'
import { arrive } from './stops.ts'
import { COMMANDS, rowNamed, type Row, wordsFor } from './table.ts'

/** Lines of history that are kept. */
const HISTORY = 1000

export interface Conversation {
  /** Files of commands, then commands, in this order. */
  files: string[]
  commands: string[]
  /** Ask for more at the terminal. */
  interactive: boolean
  /** Hears of questions about the past, and their answers. */
  note: (question: string, answer: string) => Promise<void>
}

/** Commands whose answers are worth keeping. */
const NOTED = new Set(['why', 'history', 'lines', 'last-write', 'find', 'who'])

/** Opens a recording and talks about it until there is nothing more to say. False when a command of a script failed. */
export async function converse(
  thread: Thread,
  file: string,
  { files, commands, interactive, note }: Conversation,
): Promise<boolean> {
  const { remote, stop, interrupt } = await openInThread(thread, file, null)
  let said = ''
  const state = new State(remote, stop, (text) => {
    said += text
    write(1, text)
  })
  const talk = new Talk(state, {
    begin: () => (said = ''),
    end: async (row, question) => {
      if (NOTED.has(row.name)) await note(question, said)
    },
  })
  await arrive(state, stop, { stopsOf: [], watchesOf: [] })
  const { powerLoss } = await state.remote.position()
  if (powerLoss !== null) state.say(`${powerText(powerLoss)}\n`)
  // As with gdb: an error ends a file, but not what comes after it.
  for (const path of files) for (const line of readCommands(path)) if (talk.over || !(await talk.line(line))) break
  for (const line of commands) if (!talk.over) await talk.line(line)
  if (interactive && !talk.over) await talk.atTerminal(interrupt)
  await thread.close()
  return !talk.failed
}

/** Does one command that is no `quit`. Throws for what cannot be done, and `Undefined command` for what is none. */
export async function execute(state: State, text: string): Promise<void> {
  // A format may follow its command at once: p/x, x/4i.
  const [, word, args] = /^([\w-]+)\s*(.*)$/s.exec(text) ?? [undefined, text, '']
  await rowNamed(word!, COMMANDS).action(state, args!, (one) => execute(state, one))
}

/** Hears of each command, before it is done and when it was. */
interface Journal {
  begin: () => void
  end: (row: Row, text: string) => Promise<void>
}

class Talk {
  private readonly state: State
  private last: { row: Row; args: string } | null = null
  private readonly reader = new Reader()
  private readonly scripts: Scripts
  private readonly journal: Journal
  over = false
  failed = false

  constructor(state: State, journal: Journal) {
    this.state = state
    this.journal = journal
    this.scripts = new Scripts(state, (text) => this.execute(text))
    state.execute = (line) => execute(state, line)
  }

  /** Does a line; false when it failed. */
  async line(line: string): Promise<boolean> {
    const text = line.trim()
    if (text.startsWith('#')) return true
    try {
      if (text === '' && !this.reader.isReading) await this.execute(text)
      else {
        const block = this.reader.take(text)
        if (block === null) return true
        await this.scripts.do(block)
      }
      await this.afterHit()
      return true
    } catch (error) {
      if (!(error instanceof LemmingError) || error.code === 'internal') throw error
      write(2, `${error.message}\n${error.next === undefined ? '' : `  ${error.next}\n`}`)
      this.failed = true
      return false
    }
  }

  /** What a breakpoint that was hit has to do; as with gdb, commands that go on may hit the next one. */
  private async afterHit(): Promise<void> {
    for (let { hit } = this.state; hit !== null; hit = this.state.hit) {
      this.state.hit = null
      const reader = new Reader()
      for (const command of hit.commands ?? []) {
        const block = command === 'silent' ? null : reader.take(command)
        if (block !== null) await this.scripts.do(block)
        if (this.state.hit !== null || this.over) break
      }
    }
  }

  private async execute(text: string): Promise<void> {
    if (text === '') {
      if (this.last?.row.repeats === true)
        await this.last.row.action(this.state, this.again(), (one) => this.execute(one))
      return
    }
    // A format may follow its command at once: p/x, x/4i.
    const [, word, args] = /^([\w-]+)\s*(.*)$/s.exec(text) ?? [undefined, text, '']
    if (/^(q|quit|exit)$/.test(word!)) {
      this.over = true
      return
    }
    if (word === 'commands') {
      const [which, ...lines] = text.replace(/^commands */, '').split('\n')
      for (const point of commanded(this.state, which!.trim())) point.commands = lines
      return
    }
    const help = /^h(elp)?$/.test(word!) ? this.scripts.help(args!) : null
    if (help !== null) return this.state.say(`${help}\n`)
    const row = rowNamed(word!, COMMANDS)
    this.last = { row, args: args! }
    this.journal.begin()
    await row.action(this.state, args!, (one) => this.execute(one))
    await this.journal.end(row, text)
  }

  /** The arguments for doing the last command again: `x` and `list` go on. */
  private again(): string {
    const { row, args } = this.last!
    if (row.name === 'x') return /^\/\S*/.exec(args)?.[0] ?? ''
    return row.name === 'list' ? (args === '-' ? '-' : '') : args
  }

  async atTerminal(interrupt: () => void): Promise<void> {
    const path = join(process.env.LEMMING_HOME ?? join(homedir(), '.local', 'share', 'lemming'), 'replay-history')
    const reader = createInterface({
      input: process.stdin,
      output: process.stdout,
      prompt: '(lemming) ',
      history: readHistory(path),
      historySize: HISTORY,
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: null, result: [string[], string]) => void) =>
        void this.complete(line).then((result) => done(null, result)),
    })
    let busy = false
    reader.on('SIGINT', () => {
      if (busy) {
        this.scripts.interrupt()
        interrupt()
      } else {
        write(1, '\n')
        reader.write(null, { ctrl: true, name: 'u' })
        reader.prompt()
      }
    })
    this.failed = false
    reader.prompt()
    for await (const line of reader) {
      busy = true
      await this.line(line)
      busy = false
      this.failed = false
      if (this.over) break
      reader.setPrompt(this.reader.isReading ? '>' : '(lemming) ')
      reader.prompt()
    }
    saveHistory(path, reader)
    reader.close()
    if (!this.over) write(1, '\n')
  }

  private async complete(line: string): Promise<[string[], string]> {
    const last = /[A-Za-z_]\w*$/.exec(line)?.[0] ?? ''
    const words = wordsFor(line)
    if (words !== null) return [words, /\S*$/.exec(line)![0]]
    if (last === '') return [[], '']
    try {
      return [await this.state.remote.complete(this.state.tid, this.state.level, last), last]
    } catch {
      // No thread, no names.
      return [[], last]
    }
  }
}

function readHistory(path: string): string[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
  } catch {
    return []
  }
}

function saveHistory(path: string, reader: Interface): void {
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, (reader as Interface & { history: string[] }).history.join('\n'))
  } catch {
    // History is a convenience.
  }
}
