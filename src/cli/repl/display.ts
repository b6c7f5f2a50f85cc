/** Exists for expressions that are shown at each stop, and for printing in forms of one's own. */
import { LemmingError } from '../../base/errors.ts'
import { refusal, type State, wholeNumberIn } from './state.ts'

/** `display[/FORMAT] EXPRESSION`; without one, shows all. */
export async function display(state: State, args: string): Promise<void> {
  if (args === '') return showDisplays(state)
  const [, letters = '', text] = /^(?:\/(\S+))? *(.*)$/s.exec(args)! as unknown as [string, string | undefined, string]
  const one = { number: state.displays.reduce((most, { number }) => Math.max(most, number), 0) + 1, letters, text }
  await show(state, one)
  state.displays.push(one)
}

/** `undisplay [N…]`, `delete display [N…]`. */
export async function undisplay(state: State, args: string): Promise<void> {
  const numbers = args
    .split(/\s+/)
    .filter((one) => one !== '')
    .map((one) => wholeNumberIn(one, 'undisplay'))
  for (const number of numbers.length > 0 ? numbers : state.displays.map((one) => one.number)) {
    const at = state.displays.findIndex((one) => one.number === number)
    if (at < 0) throw refusal(`there is no display ${number}`, 'info display lists them')
    state.displays.splice(at, 1)
  }
}

export async function infoDisplay(state: State): Promise<void> {
  if (state.displays.length === 0) return state.say('There are no auto-display expressions now.\n')
  for (const { number, letters, text } of state.displays)
    state.say(`${number}:   ${letters === '' ? '' : `/${letters} `}${text}\n`)
}

/** All of them as they are now; those that mean nothing here are passed over. */
export async function showDisplays(state: State): Promise<void> {
  for (const one of state.displays) {
    try {
      await show(state, one)
    } catch (error) {
      if (!(error instanceof LemmingError) || error.code === 'internal') throw error
    }
  }
}

async function show(state: State, { number, letters, text }: State['displays'][number]): Promise<void> {
  // As with gdb, i and s and counts are those of `x`.
  if (/[0-9is]/.test(letters)) {
    state.say(`${number}: x/${letters} ${text}\n`)
    return state.execute(`x/${letters} ${text}`)
  }
  const { text: value } = await state.remote.value(
    state.tid,
    state.level,
    `${letters === '' ? '' : `/${letters} `}${text}`,
    false,
  )
  state.say(`${number}: ${letters === '' ? '' : `/${letters} `}${text} = ${value}\n`)
}

/** `output EXPRESSION`: the value alone. */
export async function output(state: State, args: string): Promise<void> {
  state.say((await state.remote.value(state.tid, state.level, args, false)).text)
}

/** `printf "FORMAT", EXPRESSION…`: C's conversions, without widths of `*`. */
export async function printf(state: State, args: string): Promise<void> {
  const [whole, quoted] = /^ *("(?:[^"\\]|\\.)*") */s.exec(args) ?? []
  if (quoted === undefined) throw refusal('printf: "FORMAT" and expressions are expected, separated by commas')
  const values = parts(args.slice(whole!.length).replace(/^,/, ''))
  const text = unescape(quoted.slice(1, -1))
  const out: string[] = []
  let next = 0
  let at = 0
  for (const match of text.matchAll(/%(%|([-0 +#]*)(\d*)(?:\.(\d+))?(?:hh|h|ll|l|z|j|t)?([diuxXocsfgep]))/g)) {
    out.push(text.slice(at, match.index))
    at = match.index + match[0].length
    const [, all, flags, width, precision, letter] = match
    if (all === '%') {
      out.push('%')
      continue
    }
    const expression = values[next++]
    if (expression === undefined) throw refusal('printf: there are more conversions than expressions')
    const shown = await converted(state, expression, letter!, precision)
    const size = Number(width)
    out.push(flags!.includes('-') ? shown.padEnd(size) : shown.padStart(size, flags!.includes('0') ? '0' : ' '))
  }
  if (next < values.length) throw refusal('printf: there are more expressions than conversions')
  state.say(out.join('') + text.slice(at))
}

async function converted(
  state: State,
  expression: string,
  letter: string,
  precision: string | undefined,
): Promise<string> {
  const value = async (text: string): Promise<string> =>
    (await state.remote.value(state.tid, state.level, text, false)).text
  if (letter === 's') {
    const text = await value(expression)
    const found = /"((?:[^"\\]|\\.)*)"/s.exec(text)
    return found === null ? text : unescape(found[1]!)
  }
  if (letter === 'c')
    return String.fromCharCode(
      Number(await value(`(unsigned char)(${expression})`).then((text) => /^\d+/.exec(text)?.[0] ?? '63')),
    )
  if (/[fge]/.test(letter)) {
    const number = Number(await value(`(double)(${expression})`))
    return letter === 'f'
      ? number.toFixed(Number(precision ?? 6))
      : letter === 'e'
        ? number.toExponential(Number(precision ?? 6))
        : String(number)
  }
  const { address } = await state.remote.place(state.tid, state.level, `(unsigned long)(${expression})`)
  if (letter === 'p') return `0x${address.toString(16)}`
  if (/[di]/.test(letter)) return await value(`(long)(${expression})`)
  const hex = address.toString(letter === 'o' ? 8 : letter === 'u' ? 10 : 16)
  return letter === 'X' ? hex.toUpperCase() : hex
}

/** Expressions between commas that stand in no brackets or quotes. */
function parts(text: string): string[] {
  const found: string[] = []
  let depth = 0
  let quote = ''
  let part = ''
  for (const char of text) {
    if (quote !== '') quote = char === quote ? '' : quote
    else if (char === '"' || char === "'") quote = char
    else if ('([{'.includes(char)) depth++
    else if (')]}'.includes(char)) depth--
    if (char === ',' && depth === 0 && quote === '') {
      found.push(part.trim())
      part = ''
    } else part += char
  }
  if (part.trim() !== '') found.push(part.trim())
  return found
}

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', a: '\x07', e: '\x1b', '"': '"', '\\': '\\' }

function unescape(text: string): string {
  return text.replace(/\\([0-7]{1,3}|.)/gs, (_, code: string) =>
    /^[0-7]/.test(code) ? String.fromCharCode(Number.parseInt(code, 8)) : (ESCAPES[code] ?? code),
  )
}
