/** Exists to hold what the parts of the C++ parser share: the position, the substitutions and the last identifier. */

import type { Node } from './nodes.ts'

/** Thrown when a name is not a mangled one after all; never leaves the demangler. */
export class NotMangled extends Error {}

/** Real names are far less deep; made-up ones would overflow the stack. */
const MAX_DEPTH = 700

/** What the name that is being parsed turned out to be: whether a return type follows it, the arguments of a template, the qualifiers of a member function. */
export interface NameState {
  /** The arguments that the name ends in, if it does. */
  templateArgs: readonly Node[] | undefined
  /** Constructors, destructors and conversions have no return type in their mangling. */
  withoutResult: boolean
  qualifiers: string
}

export function freshNameState(): NameState {
  return { templateArgs: undefined, withoutResult: false, qualifiers: '' }
}

/** Reads a mangled name from left to right. The grammar is split over subclasses; each names the productions it needs from the others. */
export abstract class Cursor {
  protected readonly input: string
  protected at = 0
  protected readonly verbose: boolean
  /** Components that `S_`, `S0_`, ... stand for. */
  protected substitutions: Node[] = []
  /** In the type of a conversion operator: template arguments after it are those of the operator. */
  protected inConversion = false
  /** The last identifier, which constructors and destructors repeat. */
  protected lastName = ''
  /** Which of two forms of unresolved names is read; `new` once a name was met that may be either. */
  unresolvedNames: 'unmet' | 'new' | 'old'
  private depth = 0

  constructor(input: string, verbose: boolean, unresolvedNames: 'unmet' | 'old') {
    this.input = input
    this.verbose = verbose
    this.unresolvedNames = unresolvedNames
  }

  protected abstract type(): Node
  protected abstract name(state: NameState | undefined): Node
  protected abstract encoding(): Node
  protected abstract expression(): Node
  protected abstract literal(): Node
  protected abstract unqualifiedName(state: NameState | undefined): Node
  protected abstract templateArgList(): Node[]
  protected abstract templateParameter(): Node

  protected fail(): never {
    throw new NotMangled()
  }

  /** Runs a production one level deeper. */
  protected nest<T>(production: () => T): T {
    if (++this.depth > MAX_DEPTH) this.fail()
    const result = production()
    this.depth--
    return result
  }

  protected get done(): boolean {
    return this.at >= this.input.length
  }

  protected peek(offset = 0): string {
    return this.input[this.at + offset] ?? ''
  }

  protected looksAt(expected: string): boolean {
    return this.input.startsWith(expected, this.at)
  }

  /** Steps over `expected` if it comes next. */
  protected accept(expected: string): boolean {
    if (!this.input.startsWith(expected, this.at)) return false
    this.at += expected.length
    return true
  }

  protected expect(expected: string): void {
    if (!this.accept(expected)) this.fail()
  }

  protected next(): string {
    if (this.done) this.fail()
    return this.input[this.at++]
  }

  /** Decimal digits; undefined if there are none. */
  protected digits(): number | undefined {
    const start = this.at
    while (isDigit(this.peek())) this.at++
    return this.at === start ? undefined : Number(this.input.slice(start, this.at))
  }

  /** A `<number>`, where `n` marks a negative one. */
  protected signedNumber(): number {
    const negative = this.accept('n')
    const value = this.digits() ?? this.fail()
    return negative ? -value : value
  }

  /** `_` is 1, `0_` is 2, `1_` is 3: how lambdas and unnamed types are counted. */
  protected ordinal(): number {
    const value = this.digits()
    this.expect('_')
    return value === undefined ? 1 : value + 2
  }

  /** `_` is 0, `0_` is 1, `Z_` is 36: how substitutions are counted. */
  protected sequenceId(): number {
    if (this.accept('_')) return 0
    let value = 0
    do {
      const c = this.next()
      if (isDigit(c)) value = value * 36 + Number(c)
      else if (c >= 'A' && c <= 'Z') value = value * 36 + c.charCodeAt(0) - 55
      else this.fail()
    } while (!this.accept('_'))
    return value + 1
  }

  /** Everything up to the `E` that ends a list, each by `production`. */
  protected untilEnd(production: () => Node): Node[] {
    const items: Node[] = []
    while (!this.accept('E')) items.push(production())
    return items
  }

  /** Makes `node` a candidate for substitution. */
  protected remember(node: Node): Node {
    this.substitutions.push(node)
    return node
  }
}

export function isDigit(c: string): boolean {
  return c >= '0' && c <= '9'
}
