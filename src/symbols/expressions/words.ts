/** Exists as the cursor over words that reading types and reading expressions share. */

import type { LemmingError } from '../../base/errors.ts'
import type { Type } from '../types/type.ts'
import { syntaxError } from './errors.ts'
import type { Token } from './lexer.ts'
import { tokenize } from './lexer.ts'

/** What names mean to whoever reads an expression. Names have their scopes, `a::b`. */
export interface Names {
  /** A type by a name of its own: a typedef, a base type, or (except in C) a class or an enumeration. */
  typeNamed(name: string): Type | undefined
  /** `struct name` and the like; throws `expression-name` if there is none. */
  tagged(keyword: 'struct' | 'union' | 'enum' | 'class', name: string): Type
  /** Whether a name stands for a variable or a function: then it is not read as a type. */
  isVariable(name: string): boolean
  /** Whether the program has a function or a variable of this name, scopes and template arguments included. */
  isFunction(name: string): boolean
}

/** The words of a text, one after the other. */
export class Words {
  readonly text: string
  readonly names: Names
  private readonly tokens: readonly Token[]
  position = 0

  constructor(text: string, names: Names) {
    this.text = text
    this.names = names
    this.tokens = tokenize(text)
  }

  get token(): Token {
    return this.tokens[this.position]
  }

  peek(distance = 1): Token {
    return this.tokens[Math.min(this.position + distance, this.tokens.length - 1)]
  }

  advance(): Token {
    const { token } = this
    if (token.kind !== 'end') this.position++
    return token
  }

  is(operator: string): boolean {
    const { token } = this
    return token.kind === 'operator' && token.text === operator
  }

  isWord(word: string): boolean {
    const { token } = this
    return token.kind === 'name' && token.text === word
  }

  /** Steps over an operator if it is next. */
  accept(operator: string): boolean {
    const isNext = this.is(operator)
    if (isNext) this.position++
    return isNext
  }

  acceptWord(word: string): boolean {
    const isNext = this.isWord(word)
    if (isNext) this.position++
    return isNext
  }

  expect(operator: string): void {
    if (!this.accept(operator)) throw this.trouble()
  }

  /** That the word at the cursor has no place there. */
  trouble(): LemmingError {
    return syntaxError(this.text.slice(this.token.at))
  }

  /** The text from one word to before another. */
  between(first: number, end: number): string {
    return this.text.slice(this.tokens[first].at, this.tokens[end].at).trim()
  }

  /**
   * A name with its scopes and template arguments: `a::Box<int>::b`. Angle brackets belong to it where what they close is a name that
   * `isKnown` knows. Undefined (and nothing consumed) if no name is next.
   */
  scopedName(isKnown: (name: string) => boolean): string | undefined {
    const start = this.position
    const isGlobal = this.is('::') && this.peek().kind === 'name'
    if (isGlobal) this.position++
    let name = ''
    for (;;) {
      const { token } = this
      if (this.isAnonymousScope()) {
        this.position += 5
        name += '(anonymous namespace)::'
        continue
      }
      const isDestructor = token.kind === 'operator' && token.text === '~' && name !== ''
      if (isDestructor || token.kind !== 'name') break
      name += token.text
      this.position++
      if (token.text === 'operator') break
      if (this.is('<')) {
        const withArguments = this.templateArguments(name, isKnown)
        if (withArguments !== undefined) name = withArguments
      }
      if (!this.is('::') || (this.peek().kind !== 'name' && !this.isAnonymousScope(1))) break
      this.position++
      name += '::'
    }
    if (name === '') {
      this.position = start
      return undefined
    }
    const plain = name.endsWith('::') ? name.slice(0, -2) : name
    return isGlobal ? `::${plain}` : plain
  }

  /** `(anonymous namespace)::` */
  isAnonymousScope(from = 0): boolean {
    return ['(', 'anonymous', 'namespace', ')', '::'].every((text, i) => {
      const token = this.peek(from + i)
      return (token.kind === 'operator' || token.kind === 'name') && token.text === text
    })
  }

  private templateArguments(name: string, isKnown: (name: string) => boolean): string | undefined {
    const start = this.position
    let depth = 0
    for (let i = start; i < this.tokens.length; i++) {
      const token = this.tokens[i]
      if (token.kind !== 'operator') continue
      if (token.text === '<') depth++
      else if (token.text === '>') depth--
      else if (token.text === '>>') depth -= 2
      if (depth > 0) continue
      const whole = `${name}${this.text.slice(this.tokens[start].at, token.at + token.text.length)}`
      const follows = this.tokens[i + 1]
      const isScope = follows?.kind === 'operator' && follows.text === '::'
      if (!isScope && !isKnown(whole)) return undefined
      this.position = i + 1
      return whole
    }
    return undefined
  }
}
