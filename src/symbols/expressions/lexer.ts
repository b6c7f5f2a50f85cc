/** Exists to cut the text of an expression or a C declaration into words. */

import { codesOf } from '../values/text.ts'
import { syntaxError, typeError } from './errors.ts'

export type Token =
  | {
      readonly kind: 'integer'
      readonly at: number
      readonly value: bigint
      readonly suffix: string
      readonly isDecimal: boolean
    }
  | { readonly kind: 'float'; readonly at: number; readonly value: number; readonly suffix: string }
  | { readonly kind: 'character'; readonly at: number; readonly code: number; readonly prefix: string }
  | { readonly kind: 'string'; readonly at: number; readonly codes: readonly number[]; readonly prefix: string }
  /** A name in quotes: a file, or a name that is no plain word. */
  | { readonly kind: 'quoted'; readonly at: number; readonly text: string }
  | { readonly kind: 'name'; readonly at: number; readonly text: string }
  /** `$rax`, without the dollar sign. */
  | { readonly kind: 'dollar'; readonly at: number; readonly text: string }
  | { readonly kind: 'operator'; readonly at: number; readonly text: string }
  | { readonly kind: 'end'; readonly at: number }

const operators = [
  '<<=',
  '>>=',
  '...',
  '->*',
  '::',
  '->',
  '++',
  '--',
  '<<',
  '>>',
  '<=',
  '>=',
  '==',
  '!=',
  '&&',
  '||',
  '+=',
  '-=',
  '*=',
  '/=',
  '%=',
  '&=',
  '|=',
  '^=',
  '.*',
]

/** The words of `text`, with an `end` behind them. Throws `expression-syntax`. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    const rest = text.slice(at)
    const blank = /^(\s+|\/\/[^\n]*|\/\*[^]*?\*\/)/.exec(rest)
    if (blank !== null) {
      at += blank[0].length
      continue
    }
    const [token, length] = next(text, at, rest, tokens.at(-1))
    tokens.push(token)
    at += length
  }
  tokens.push({ kind: 'end', at: text.length })
  return tokens
}

function next(text: string, at: number, rest: string, before: Token | undefined): [Token, number] {
  const literal = /^(u8|[LuUb])?(["'])/.exec(rest)
  if (literal !== null) return quoted(text, at, literal[1] ?? '', literal[2])
  const name = /^[A-Za-z_][A-Za-z_0-9]*/.exec(rest)
  if (name !== null) return [{ kind: 'name', at, text: name[0] }, name[0].length]
  const dollar = /^\$[A-Za-z_0-9$]*/.exec(rest)
  if (dollar !== null) return [{ kind: 'dollar', at, text: dollar[0].slice(1) }, dollar[0].length]
  // Behind a dot, digits are the field of a tuple.
  const afterDot = before?.kind === 'operator' && before.text === '.'
  const field = afterDot ? /^[0-9]+/.exec(rest) : null
  if (field !== null) return [{ kind: 'name', at, text: field[0] }, field[0].length]
  const isValueBefore =
    before !== undefined && (before.kind === 'name' || (before.kind === 'operator' && /^[)\]]$/.test(before.text)))
  const number =
    isValueBefore && rest[0] === '.'
      ? null
      : /^(0[xX][0-9a-fA-F'_]+(?:[uUlL]+|[iu](?:8|16|32|64|128|size))?\b|0[bB][01'_]+|0o[0-7_]+|\.?[0-9](?:[0-9a-zA-Z_.']|[eEpP][+-])*)/.exec(
          rest,
        )
  if (number !== null) return [numberToken(number[0], at), number[0].length]
  const operator = operators.find((candidate) => rest.startsWith(candidate)) ?? rest[0]
  if (operator.length === 1 && !'+-*/%&|^~!<>=?:.,()[]{}@;#'.includes(operator)) throw syntaxError(rest)
  return [{ kind: 'operator', at, text: operator }, operator.length]
}

function numberToken(written: string, at: number): Token {
  const text = written.replaceAll("'", '').replace(/(?<=[0-9a-fA-F])_(?=[0-9a-fA-F])/g, '')
  const integer = /^(0[xX][0-9a-fA-F]+|0[bB][01]+|0o[0-7]+|[0-9]+)([uUlL]*|_?[iu](?:8|16|32|64|128|size))$/.exec(text)
  if (integer !== null) {
    const [, digits, suffix] = integer
    const isOctal = /^0[0-7]+$/.test(digits)
    if (/^0[0-9]+$/.test(digits) && !isOctal) throw typeError(`Invalid number "${written}".`)
    const value = BigInt(isOctal ? `0o${digits.slice(1)}` : digits)
    if (value >= 1n << 64n) throw typeError('Numeric constant too large.')
    return { kind: 'integer', at, value, suffix: suffix.toLowerCase(), isDecimal: /^[1-9]/.test(digits) }
  }
  const float = /^([0-9]*\.?[0-9]*(?:[eE][+-]?[0-9]+)?)([fFlL]?|_?f32|_?f64)$/.exec(text)
  if (float === null || !/[0-9]/.test(float[1])) throw typeError(`Invalid number "${written}".`)
  return { kind: 'float', at, value: Number(float[1]), suffix: float[2].toLowerCase() }
}

const escapes: Readonly<Record<string, number>> = { a: 7, b: 8, e: 27, f: 12, n: 10, r: 13, t: 9, v: 11 }

function quoted(text: string, start: number, prefix: string, quote: string): [Token, number] {
  let at = start + prefix.length + 1
  const codes: number[] = []
  const size = prefix === 'L' || prefix === 'U' ? 4 : prefix === 'u' ? 2 : 1
  for (;;) {
    if (at >= text.length) throw syntaxError(text.slice(start))
    const character = text[at]
    if (character === quote) break
    if (character === '\\') {
      const octal = /^\\([0-7]{1,3})/.exec(text.slice(at))
      const hex = /^\\x([0-9a-fA-F]+)/.exec(text.slice(at))
      if (octal !== null) codes.push(parseInt(octal[1], 8))
      else if (hex !== null) codes.push(parseInt(hex[1], 16))
      else codes.push(escapes[text[at + 1]] ?? text.charCodeAt(at + 1))
      at += octal?.[0].length ?? hex?.[0].length ?? 2
      continue
    }
    const point = text.codePointAt(at)!
    const whole = String.fromCodePoint(point)
    if (size === 1) codes.push(...codesOf(new TextEncoder().encode(whole), 1))
    else codes.push(point)
    at += whole.length
  }
  const length = at + 1 - start
  if (quote === '"') return [{ kind: 'string', at: start, codes, prefix }, length]
  if (codes.length === 1) return [{ kind: 'character', at: start, code: codes[0], prefix }, length]
  return [{ kind: 'quoted', at: start, text: text.slice(start + prefix.length + 1, at) }, length]
}
