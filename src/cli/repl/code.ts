/** Exists for the commands about code and names: disassembly, lines, functions, variables, types, and searching in sources. */
import { regexp } from './looking.ts'
import { refusal, type State, wholeNumberIn } from './state.ts'

/** Instructions that are shown at most. */
const MOST_INSTRUCTIONS = 2000
const MOST_NAMES = 1000
/** Instructions of a function are asked for so many at a time. */
const PORTION = 64

/** `disassemble`, `disassemble FUNCTION`, `disassemble START,END` or `START,+LENGTH`; `/s` with source lines, `/r` with the bytes. */
export async function disassemble(state: State, args: string): Promise<void> {
  const [, letters = '', text] = /^(?:\/([a-z]*))? *(.*)$/s.exec(args)! as unknown as [
    string,
    string | undefined,
    string,
  ]
  const { start, end, name } = await rangeOf(state, text)
  const { pc } = await state.frame()
  state.say(
    name === null
      ? `Dump of assembler code from 0x${start.toString(16)} to 0x${end.toString(16)}:\n`
      : `Dump of assembler code for function ${name}:\n`,
  )
  let line = ''
  let shown = 0
  for (let at = start; at < end && shown < MOST_INSTRUCTIONS;) {
    const found = await state.remote.instructions(state.pid, at, PORTION)
    if (found.length === 0) throw refusal(`Cannot access memory at address 0x${at.toString(16)}`)
    for (const one of found) {
      if (one.address >= end) break
      if (/[sm]/.test(letters) && one.file !== undefined && `${one.file}:${one.line}` !== line) {
        line = `${one.file}:${one.line}`
        const source = (await state.remote.source(one.file))?.[one.line! - 1]
        state.say(`\n${source === undefined ? line : `${one.line}\t${source}`}\n`)
      }
      const offset = /\+(\d+)$/.exec(one.symbol ?? '')?.[1] ?? '0'
      const where = name === null ? (one.symbol === null ? '' : ` <${one.symbol}>`) : ` <+${offset}>`
      const bytes = letters.includes('r')
        ? `${hexOf(await state.remote.memory(state.pid, one.address, one.length))}\t`
        : ''
      state.say(
        `${one.address === pc ? '=> ' : '   '}0x${one.address.toString(16).padStart(16, '0')}${where}:\t${bytes}${one.text}\n`,
      )
      shown++
    }
    const last = found.at(-1)!
    at = last.address + last.length
  }
  state.say('End of assembler dump.\n')
}

const hexOf = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')

async function rangeOf(state: State, text: string): Promise<{ start: number; end: number; name: string | null }> {
  const value = async (one: string): Promise<number> => (await state.remote.place(state.tid, state.level, one)).address
  const [, first, plus, last] = /^(.*?) *, *(\+?) *(.*)$/s.exec(text) ?? []
  if (first !== undefined) {
    const start = await value(first)
    const length = await value(last!)
    return { start, end: plus === '+' ? start + length : length, name: null }
  }
  const address = text === '' ? (await state.frame()).pc : await value(text)
  const { place } = await state.remote.who(state.pid, address)
  if (place?.function === undefined) throw refusal('No function contains the specified address.', 'give START,+LENGTH')
  const symbol = (await state.remote.symbolic(state.pid, address)) ?? place.function
  const offset = Number(/\+(\d+)$/.exec(symbol)?.[1] ?? 0)
  const start = address - offset
  const name = symbol.replace(/\+\d+$/, '')
  return { start, end: await endOf(state, start, name), name }
}

/** The end of the function whose first instruction is known. */
async function endOf(state: State, start: number, name: string): Promise<number> {
  for (let at = start, seen = 0; seen < MOST_INSTRUCTIONS; seen += PORTION) {
    const found = await state.remote.instructions(state.pid, at, PORTION)
    const other = found.find(({ symbol }) => symbol === null || symbol.replace(/\+\d+$/, '') !== name)
    if (other !== undefined) return other.address
    const last = found.at(-1)
    if (last === undefined) return at
    at = last.address + last.length
  }
  return Infinity
}

/** Instructions that a line is followed through. */
const MOST_OF_LINE = 400

/** `info line [PLACE]`: where the code of a line, or of a function's first one, begins and ends. */
export async function infoLine(state: State, args: string): Promise<void> {
  const { remote, pid } = state
  const { pc, file: here, line: now } = await state.frame()
  const places =
    args === ''
      ? [{ address: pc, ...(here !== null && now !== null && { file: here, line: now }) }]
      : await remote.code(state.tid, state.level, args)
  const named = async (address: number): Promise<string> =>
    `0x${address.toString(16)} <${(await remote.symbolic(pid, address)) ?? '?'}>`
  for (const place of places) {
    // A breakpoint is behind a function's prologue, its line is not.
    const isFunction = args !== '' && !/^\*|(^|:)\d+$/.test(args)
    const offset = isFunction ? Number(/\+(\d+)$/.exec((await remote.symbolic(pid, place.address)) ?? '')?.[1] ?? 0) : 0
    const address = place.address - offset
    const found = await remote.instructions(pid, address, MOST_OF_LINE)
    const { file = place.file, line = place.line } = found[0] ?? {}
    if (file === undefined || line === undefined) {
      state.say(`No line number information available for address ${await named(address)}\n`)
      continue
    }
    const end = found.find((one) => one.line !== line || one.file !== file)
    const until = end === undefined ? '' : ` and ends at ${await named(end.address)}`
    state.say(`Line ${line} of "${file}" starts at address ${await named(address)}${until}.\n`)
  }
}

/** `info scope PLACE`: the variables that can be seen there. */
export async function infoScope(state: State, args: string): Promise<void> {
  if (args === '') throw refusal('info scope: a place is expected: FUNCTION, FILE:LINE, LINE, *ADDRESS')
  const found = await state.remote.scope(state.tid, state.level, args)
  if (found.length === 0) return state.say(`Symbol table for \`${args}' contains no locals or arguments.\n`)
  state.say(`Scope for ${args}:\n`)
  for (const { name, type, size } of found) state.say(`Symbol ${name} is a variable of type ${type}, length ${size}.\n`)
}

/** `info source`: the selected frame's file. */
export async function infoSource(state: State): Promise<void> {
  const { file } = await state.frame()
  if (file === null) return state.say('No current source file.\n')
  const lines = await state.remote.source(file)
  state.say(
    `Current source file is ${file}\n${lines === null ? 'Its text is not in the recording.' : `Contains ${lines.length - 1} lines.`}\n`,
  )
}

/** `info functions [REGEXP]` and its like. */
export function infoNames(kind: 'functions' | 'variables' | 'types'): (state: State, args: string) => Promise<void> {
  return async (state, args) => {
    const found = await state.remote.names(state.pid, args, kind, MOST_NAMES)
    state.say(
      `All ${args === '' ? 'defined ' : ''}${kind}${args === '' ? '' : ` matching regular expression "${args}"`}:\n`,
    )
    let last: string | undefined
    for (const { name, file, line } of found) {
      if (file !== last) state.say(`\nFile ${file ?? '?'}:\n`)
      last = file
      state.say(`${line === undefined ? '' : `${line}:`}\t${name}\n`)
    }
    if (found.length === MOST_NAMES) state.say(`the first ${MOST_NAMES} are shown\n`)
  }
}

/** `info address NAME`. */
export async function infoAddress(state: State, args: string): Promise<void> {
  if (args === '') throw refusal('info address: a name is expected')
  const place = await state.remote.place(state.tid, state.level, args)
  const hex = `0x${place.address.toString(16)}`
  if (place.kind === 'memory') state.say(`Symbol "${args}" is at ${hex}, ${place.size} bytes, type ${place.type}.\n`)
  else
    state.say(
      `Symbol "${args}" is ${place.kind === 'register' ? 'in a register here' : 'no variable'}: its value is ${hex}.\n`,
    )
}

/** `info symbol ADDRESS`. */
export async function infoSymbol(state: State, args: string): Promise<void> {
  const { address } = await state.remote
    .place(state.tid, state.level, /^[\w:]+$/.test(args) ? `&${args}` : args)
    .catch(() => state.remote.place(state.tid, state.level, args))
  const name = await state.remote.symbolic(state.pid, address)
  const { mapping } = await state.remote.who(state.pid, address)
  if (name === null) return state.say(`No symbol matches ${args}.\n`)
  state.say(`${name.replace(/\+(\d+)$/, ' + $1')} of ${mapping?.name ?? '?'}\n`)
}

/** `search REGEXP`, `reverse-search REGEXP`: the next line of the listed file that it fits. */
export function searcher(direction: 1 | -1): (state: State, args: string) => Promise<void> {
  return async (state, args) => {
    const { file: here, line: now } = await state.frame()
    const file = state.listed?.file ?? here
    if (file === null) throw refusal('no source line is known here')
    const lines = await state.remote.source(file)
    if (lines === null) throw refusal(`${file} is not in the recording`)
    const fits = regexp(args)
    const from = state.listed === null ? (now ?? 1) : direction > 0 ? state.listed.next : state.listed.first
    for (let line = from + (direction > 0 ? 0 : -1); line >= 1 && line <= lines.length; line += direction) {
      if (!fits.test(lines[line - 1]!)) continue
      state.say(`${line}\t${lines[line - 1]}\n`)
      state.listed = { file, first: line, next: line + 1 }
      return
    }
    throw refusal('Expression not found')
  }
}

/** `rbreak REGEXP`: a breakpoint on each function that it fits. */
export async function breakAll(state: State, args: string, execute: (command: string) => Promise<void>): Promise<void> {
  const found = await state.remote.names(state.pid, args, 'functions', wholeNumberIn('200', 'rbreak'))
  if (found.length === 0) throw refusal(`no function fits ${args}`)
  for (const name of new Set(found.map((one) => one.name))) await execute(`break ${name}`)
}
