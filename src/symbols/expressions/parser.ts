/** Exists to read expressions: C's, with what gdb adds to them, and the paths and casts of C++ and Rust. */

import { LemmingError } from '../../base/errors.ts'
import { DW_ATE } from '../dwarf/constants.ts'
import type { Type } from '../types/type.ts'
import { C } from '../types/type.ts'
import { syntaxError, typeError, unknownName } from './errors.ts'
import type { Token } from './lexer.ts'
import type { Expression } from './tree.ts'
import { readTypeName, startsType } from './types.ts'
import type { Names } from './words.ts'
import { Words } from './words.ts'

/** Reads a whole text as one expression, or as a type. Throws `expression-syntax`, `expression-name`. */
export function parseExpression(text: string, names: Names): Expression {
  const words = new Words(text, names)
  let expression: Expression
  try {
    expression = comma(words)
    if (words.token.kind !== 'end') throw words.trouble()
  } catch (error) {
    // A template that the program does not have is read as comparisons.
    const isTemplate = /^\s*[\w:]+<.*>\s*$/s.test(text)
    if (isTemplate && error instanceof LemmingError && error.code === 'expression-syntax')
      throw unknownName(text.trim())
    throw error
  }
  return expression
}

/** A constant, as in the bounds of an array. */
export function constantSize(words: Words): number {
  const fold = (expression: Expression): bigint => {
    if (expression.kind === 'integer') return expression.value
    if (expression.kind === 'unary' && expression.operator === '-') return -fold(expression.operand)
    if (expression.kind === 'binary') {
      const [a, b] = [fold(expression.left), fold(expression.right)]
      if (expression.operator === '+') return a + b
      if (expression.operator === '-') return a - b
      if (expression.operator === '*') return a * b
      if (expression.operator === '<<') return a << b
      if (expression.operator === '|') return a | b
      if (expression.operator === '/' && b !== 0n) return a / b
    }
    throw typeError('a constant is expected here')
  }
  return Number(fold(binary(words, 0)))
}

const assignments: ReadonlySet<string> = new Set(['=', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '<<=', '>>='])

function comma(words: Words): Expression {
  let left = assignment(words)
  while (words.accept(',')) left = { kind: 'binary', operator: ',', left, right: assignment(words) }
  return left
}

function assignment(words: Words): Expression {
  const left = conditional(words)
  const { token } = words
  if (token.kind !== 'operator' || !assignments.has(token.text)) return left
  words.advance()
  return { kind: 'assign', operator: token.text.slice(0, -1), left, right: assignment(words) }
}

function conditional(words: Words): Expression {
  const test = binary(words, 0)
  if (!words.accept('?')) return test
  const yes = comma(words)
  words.expect(':')
  return { kind: 'choose', test, yes, no: conditional(words) }
}

/** Binary operators from the loosest; `@` makes an array of what stands at its left. */
const levels: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '>', '<=', '>='],
  ['<<', '>>'],
  ['@'],
  ['+', '-'],
  ['*', '/', '%'],
  ['.*', '->*'],
]

function binary(words: Words, level: number): Expression {
  if (level === levels.length) return asCast(words)
  let left = binary(words, level + 1)
  for (;;) {
    const { token } = words
    if (token.kind !== 'operator' || !levels[level].includes(token.text)) return left
    words.advance()
    const right = binary(words, level + 1)
    left =
      token.text === '@'
        ? { kind: 'repeat', first: left, count: right }
        : { kind: 'binary', operator: token.text, left, right }
  }
}

/** Rust's `x as u8`. */
function asCast(words: Words): Expression {
  let operand = unary(words)
  while (words.isWord('as')) {
    words.advance()
    operand = { kind: 'cast', type: rustType(words), operand }
  }
  return operand
}

function rustType(words: Words): Type {
  if (words.is('*') || words.is('&')) {
    words.advance()
    if (!words.acceptWord('const')) words.acceptWord('mut')
    return { kind: 'pointer', language: 'rust', target: rustType(words) }
  }
  return readTypeName(words, constantSize)
}

function unary(words: Words): Expression {
  const { token } = words
  if (token.kind === 'operator') {
    switch (token.text) {
      case '-':
      case '+':
      case '!':
      case '~':
      case '*':
      case '&':
        words.advance()
        if (token.text === '&') {
          // Rust's `&mut x` is `&x` here.
          if (words.isWord('mut') && words.peek().kind === 'name') words.advance()
        }
        return { kind: 'unary', operator: token.text, operand: asOperand(words) }
      case '++':
      case '--':
        words.advance()
        return stepped(unary(words), token.text[0]!)
      case '(': {
        if (words.isAnonymousScope()) break
        const cast = castAt(words)
        if (cast !== undefined) return cast
        break
      }
      case '{': {
        words.advance()
        const type = readTypeName(words, constantSize)
        words.expect('}')
        return { kind: 'at', type, address: unary(words) }
      }
      default:
    }
  }
  if (token.kind === 'name' && /^(sizeof|_Alignof|alignof)$/.test(token.text)) return sizeOf(words)
  return postfix(words, primary(words))
}

function asOperand(words: Words): Expression {
  return unary(words)
}

function castAt(words: Words): Expression | undefined {
  const start = words.position
  words.advance()
  if (!startsType(words)) {
    words.position = start
    return undefined
  }
  const type = readTypeName(words, constantSize)
  words.expect(')')
  // `(type)` alone is a type, for whatis and ptype.
  if (words.token.kind === 'end' || words.is(')')) return { kind: 'type', type }
  return { kind: 'cast', type, operand: unary(words) }
}

function sizeOf(words: Words): Expression {
  const asked = words.isWord('sizeof') ? 'size' : 'alignment'
  words.advance()
  if (words.is('(')) {
    const start = words.position
    words.advance()
    if (startsType(words)) {
      const type = readTypeName(words, constantSize)
      words.expect(')')
      return { kind: 'sizeof-type', type, asked }
    }
    words.position = start
  }
  return { kind: 'sizeof', operand: unary(words), asked }
}

function postfix(words: Words, start: Expression): Expression {
  let expression = start
  for (;;) {
    if (words.accept('[')) {
      const index = comma(words)
      words.expect(']')
      expression = { kind: 'index', object: expression, index }
    } else if (words.is('.') || words.is('->')) {
      const arrow = words.is('->')
      words.advance()
      const name = words.scopedName(() => true)
      if (name === undefined) throw words.trouble()
      expression = { kind: 'member', object: expression, name, arrow }
    } else if (words.accept('(')) {
      const args: Expression[] = []
      while (!words.is(')') && (args.length === 0 || words.accept(','))) args.push(assignment(words))
      words.expect(')')
      expression = { kind: 'call', callee: expression, args }
    } else if (words.is('++') || words.is('--')) {
      // What it was is what it is now, undone.
      const [there, back] = words.is('++') ? ['+', '-'] : ['-', '+']
      words.advance()
      expression = { kind: 'binary', operator: back!, left: stepped(expression, there!), right: ONE }
    } else return expression
  }
}

const ONE: Expression = { kind: 'integer', value: 1n, type: C.int }

/** `x += 1`. */
function stepped(left: Expression, operator: string): Expression {
  return { kind: 'assign', operator, left, right: ONE }
}

function primary(words: Words): Expression {
  const { token, names } = words
  switch (token.kind) {
    case 'integer':
      words.advance()
      return { kind: 'integer', value: token.value, type: integerType(token) }
    case 'float':
      words.advance()
      return {
        kind: 'float',
        value: token.value,
        type: /f(32)?$/.test(token.suffix) ? C.float : token.suffix === 'l' ? C.longDouble : C.double,
      }
    case 'character':
      words.advance()
      return { kind: 'integer', value: characterValue(token), type: characterType(token.prefix) }
    case 'string': {
      const codes = [...token.codes]
      words.advance()
      // Neighbouring literals are one.
      while (words.token.kind === 'string') {
        codes.push(...words.token.codes)
        words.advance()
      }
      return { kind: 'string', codes, element: characterType(token.prefix) }
    }
    case 'dollar':
      words.advance()
      return { kind: 'dollar', name: token.text }
    case 'quoted':
      words.advance()
      if (words.accept('::')) return { kind: 'name', name: nameHere(words), file: token.text }
      if (token.text.length === 2 && /^[a-z0-9]+$/i.test(token.text)) throw typeError('Invalid character constant.')
      return { kind: 'name', name: token.text }
    case 'operator':
      if (words.isAnonymousScope()) return { kind: 'name', name: nameHere(words) }
      if (token.text === '(') {
        words.advance()
        const inner = comma(words)
        words.expect(')')
        const isCast = /^(name|integer|string|dollar)$/.test(words.token.kind)
        if (inner.kind === 'name' && isCast && !names.isVariable(inner.name)) throw unknownName(inner.name)
        return inner
      }
      if (token.text === '::') return { kind: 'name', name: nameHere(words) }
      throw words.trouble()
    case 'name': {
      if (/^(static|reinterpret|const|dynamic)_cast$/.test(token.text)) return namedCast(words)
      if (startsType(words)) {
        const type = readTypeName(words, constantSize)
        // C++'s `int(x)`.
        if (words.is('(')) {
          words.advance()
          const operand = comma(words)
          words.expect(')')
          return { kind: 'cast', type, operand }
        }
        return { kind: 'type', type }
      }
      if (token.text === 'true' || token.text === 'false') {
        if (!names.isVariable(token.text)) {
          words.advance()
          return { kind: 'integer', value: token.text === 'true' ? 1n : 0n, type: C.bool }
        }
      }
      return { kind: 'name', name: nameHere(words) }
    }
    case 'end':
      throw syntaxError('')
  }
}

/** `static_cast<type>(value)`. */
function namedCast(words: Words): Expression {
  const isDynamic = words.isWord('dynamic_cast')
  words.advance()
  words.expect('<')
  const type = readTypeName(words, constantSize)
  words.expect('>')
  words.expect('(')
  const operand = comma(words)
  words.expect(')')
  return { kind: 'cast', type, operand, ...(isDynamic && { isDynamic }) }
}

function nameHere(words: Words): string {
  const { names } = words
  return (
    words.scopedName(
      (name) => names.typeNamed(name) !== undefined || names.isVariable(name) || names.isFunction(name),
    ) ?? fail(words)
  )
}

/** The smallest type that holds a constant, by its suffix (C17, 6.4.4.1). */
function integerType({ value, suffix, isDecimal }: Token & { kind: 'integer' }): Type {
  const rust = /^_?([iu])(8|16|32|64|128|size)$/.exec(suffix)
  if (rust !== null) {
    const size = rust[2] === 'size' ? 8 : Number(rust[2]) / 8
    const encoding = rust[1] === 'u' ? DW_ATE.unsigned : DW_ATE.signed
    return { kind: 'base', language: 'rust', name: rust[1] + rust[2], size, encoding }
  }
  const isUnsigned = suffix.includes('u')
  const isLong = suffix.includes('l')
  if (suffix.includes('ll')) return isUnsigned || value >= 1n << 63n ? C.unsignedLongLong : C.longLong
  if (!isLong && value < 1n << 31n) return isUnsigned ? C.unsignedInt : C.int
  if (!isLong && value < 1n << 32n && (isUnsigned || !isDecimal)) return C.unsignedInt
  if (value < 1n << 63n && !isUnsigned) return C.long
  return C.unsignedLong
}

function characterType(prefix: string): Type {
  if (prefix === 'L') return C.wchar
  if (prefix === 'u') return C.char16
  if (prefix === 'U') return C.char32
  return C.char
}

function characterValue({ code, prefix }: Token & { kind: 'character' }): bigint {
  return prefix === '' ? BigInt.asIntN(8, BigInt(code)) : BigInt(code)
}

function fail(words: Words): never {
  throw words.trouble()
}
