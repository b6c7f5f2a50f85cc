/** Exists for what gdb's scripts are made of besides commands: `if`, `while`, `define`, `document`, `source`, and commands of breakpoints. */
import { readFileSync, writeFileSync } from 'node:fs'
import { LemmingError } from '../../base/errors.ts'
import { refusal, type State } from './state.ts'

/** A line with the lines that belong to it, up to its `end`. */
export interface Block {
  line: string
  body: Block[]
  /** Of an `if`: what is done otherwise. */
  otherwise: Block[]
}

/** One line of Python behind the word is no block. */
const OPENS = /^((if|while|define|document|commands)\b(?! *\S*:)|(python|py|python-interactive)$)/
/** Commands that are done within each other: a command that does itself has no end. */
const DEEPEST = 100

/** Puts lines together that belong together. */
export class Reader {
  private readonly open: { block: Block; into: Block[]; isText: boolean }[] = []

  /** Lines are expected before anything is done. */
  get isReading(): boolean {
    return this.open.length > 0
  }

  /** The block that is complete with this line, or null. */
  take(line: string): Block | null {
    const text = line.trim()
    const top = this.open.at(-1)
    const block: Block = { line: text, body: [], otherwise: [] }
    if (top !== undefined && text === 'end') {
      this.open.pop()
      return this.open.length === 0 ? top.block : null
    }
    if (top !== undefined && text === 'else' && !top.isText) {
      top.into = top.block.otherwise
      return null
    }
    top?.into.push(block)
    if ((top === undefined || !top.isText) && OPENS.test(text)) {
      this.open.push({ block, into: block.body, isText: /^(document|python|py)\b/.test(text) })
      return null
    }
    return top === undefined ? block : null
  }
}

/** The lines of blocks, as they were written. */
function linesOf(blocks: readonly Block[]): string[] {
  return blocks.flatMap(({ line, body, otherwise }) =>
    OPENS.test(line)
      ? [line, ...linesOf(body), ...(otherwise.length > 0 ? ['else', ...linesOf(otherwise)] : []), 'end']
      : [line],
  )
}

/** What `loop_break` and `loop_continue` end. */
type Flow = 'on' | 'break' | 'continue'

/** Commands of the user's, and how blocks are done. */
export class Scripts {
  private readonly state: State
  private readonly command: (text: string) => Promise<void>
  private readonly own = new Map<string, { body: Block[]; help: string }>()
  private depth = 0
  private isInterrupted = false

  /** `command` does one command that is no block. */
  constructor(state: State, command: (text: string) => Promise<void>) {
    this.state = state
    this.command = command
  }

  async do(block: Block): Promise<void> {
    this.isInterrupted = false
    this.depth = 0
    await this.one(block, [])
  }

  /** Ends what is being done. */
  interrupt(): void {
    this.isInterrupted = true
  }

  /** What `help NAME` says of a command of the user's. */
  help(name: string): string | null {
    const known = this.own.get(name)
    return known === undefined ? null : known.help === '' ? `${name} is user-defined.` : known.help
  }

  private async all(blocks: readonly Block[], args: readonly string[]): Promise<Flow> {
    for (const block of blocks) {
      if (this.isInterrupted) throw refusal('Quit')
      const flow = await this.one(block, args)
      if (flow !== 'on') return flow
    }
    return 'on'
  }

  private async one({ line, body, otherwise }: Block, args: readonly string[]): Promise<Flow> {
    const text = withArguments(line, args)
    const [, word = '', rest = ''] = /^(\S*)\s*(.*)$/s.exec(text)!
    switch (word) {
      case 'if':
        return this.all((await this.holds(rest)) ? body : otherwise, args)
      case 'while':
        while (await this.holds(rest)) if ((await this.all(body, args)) === 'break') break
        return 'on'
      case 'loop_break':
        return 'break'
      case 'loop_continue':
        return 'continue'
      case 'define':
        if (!/^[A-Za-z][\w-]*$/.test(rest)) throw refusal(`define: a name is expected, not '${rest}'`)
        this.own.set(rest, { body, help: this.own.get(rest)?.help ?? '' })
        return 'on'
      case 'document':
        if (!this.own.has(rest)) throw refusal(`document: there is no command ${rest} of yours`, 'define it first')
        this.own.get(rest)!.help = linesOf(body).join('\n')
        return 'on'
      case 'source':
        await this.source(rest.replace(/^-v +/, ''))
        return 'on'
      default: {
        const own = this.own.get(word)
        if (own === undefined) await this.command(body.length === 0 ? text : [text, ...linesOf(body)].join('\n'))
        else await this.called(word, own.body, wordsIn(rest))
        return 'on'
      }
    }
  }

  private async called(name: string, body: Block[], args: string[]): Promise<void> {
    if (++this.depth > DEEPEST) {
      this.depth = 0
      throw refusal(`${name}: commands call each other without an end`)
    }
    await this.all(body, args)
    this.depth--
  }

  private async holds(expression: string): Promise<boolean> {
    const { tid, level, remote } = this.state
    const { text } = await remote.value(tid, level, `(${expression}) != 0`, false)
    return text !== '0' && text !== 'false'
  }

  /** Does the commands of a file; an error ends it. */
  async source(path: string): Promise<void> {
    const reader = new Reader()
    for (const line of readCommands(path)) {
      if (line.trim().startsWith('#') || line.trim() === '') continue
      const block = reader.take(line)
      if (block !== null) await this.do(block)
    }
  }
}

/** `$argc`, `$arg0`, `$arg1`, …. */
function withArguments(line: string, args: readonly string[]): string {
  return line
    .replace(/\$argc\b/g, String(args.length))
    .replace(/\$arg(\d+)\b/g, (whole, i: string) => args[Number(i)] ?? whole)
}

/** Words between blanks; quotes keep them together. */
function wordsIn(text: string): string[] {
  return text.match(/(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\S)+/g) ?? []
}

export function readCommands(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new LemmingError('usage-commands', `${path}: ${code}`, 'give a file of commands, one on a line')
  }
}

/** `save breakpoints FILE`: the commands that set them again. */
export async function save(state: State, args: string): Promise<void> {
  const [, path] = /^b(?:reakpoints)? +(\S+)$/.exec(args) ?? []
  if (path === undefined) throw refusal('save: breakpoints FILE is expected')
  const lines: string[] = []
  for (const {
    kind,
    what,
    temporary,
    enabled,
    condition,
    tid,
    ignore = 0,
    commands = [],
    watch,
    set,
  } of state.points) {
    const word =
      kind === 'watchpoint'
        ? { write: 'watch', read: 'rwatch', access: 'awatch' }[watch!.kind]
        : kind === 'catchpoint'
          ? 'catch'
          : 'break'
    const when = condition === undefined ? '' : ` if ${condition}`
    lines.push(`${temporary ? `t${word}` : word} ${set ?? what}${tid === undefined ? '' : ` thread ${tid}`}${when}`)
    if (commands.length > 0) lines.push('commands', ...commands, 'end')
    if (ignore > 0) lines.push(`ignore $bpnum ${ignore}`)
    if (!enabled) lines.push('disable $bpnum')
  }
  if (lines.length === 0) throw refusal('Nothing to save.')
  try {
    writeFileSync(path, `${lines.join('\n')}\n`)
  } catch (error) {
    throw refusal(`${path}: ${(error as NodeJS.ErrnoException).code}`)
  }
  state.say(`Saved to file '${path}'.\n`)
}
