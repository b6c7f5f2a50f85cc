/** Exists for the name grammar of mangled C++ names (Itanium C++ ABI, 5.1.2 to 5.1.4): encodings, nested and local names, special names. */

import type { NameState } from './cursor.ts'
import { freshNameState, isDigit } from './cursor.ts'
import type { Node } from './nodes.ts'
import { text } from './nodes.ts'
import { operators, specialTypeNames } from './tables.ts'
import { TypeParser, withoutVoid } from './types.ts'

export class NameParser extends TypeParser {
  /** Parses the whole input behind `_Z`, up to its end or to a clone suffix (`.isra.0`), whose position is returned. */
  parse(): { node: Node; end: number } {
    const node = this.encoding()
    if (!this.done && this.peek() !== '.') this.fail()
    return { node, end: this.at }
  }

  /** `<encoding>`: a function with its parameters, a variable, or a special name. */
  protected override encoding(): Node {
    return this.nest(() => this.anyEncoding())
  }

  private anyEncoding(): Node {
    if (this.peek() === 'T') return this.specialName()
    if (this.peek() === 'G') return this.guardName()
    const state = freshNameState()
    const name = this.name(state)
    if (this.atEndOfEncoding()) {
      return state.qualifiers === '' ? name : { kind: 'encoding', name, params: [], qualifiers: state.qualifiers }
    }
    const result = state.templateArgs !== undefined && !state.withoutResult ? this.type() : undefined
    const params: Node[] = []
    do params.push(this.type())
    while (!this.atEndOfEncoding())
    const { qualifiers, templateArgs } = state
    return { kind: 'encoding', name, result, params: withoutVoid(params), qualifiers, templateArgs }
  }

  private atEndOfEncoding(): boolean {
    const c = this.peek()
    return c === '' || c === 'E' || c === '.'
  }

  /** `<special-name>` that starts with `T`: virtual tables, type information, thunks. */
  private specialName(): Node {
    this.expect('T')
    const c = this.next()
    if (Object.hasOwn(specialTypeNames, c)) return { kind: 'special', prefix: specialTypeNames[c], of: this.type() }
    switch (c) {
      case 'C': {
        const derived = this.type()
        this.signedNumber()
        this.expect('_')
        return { kind: 'special', prefix: 'construction vtable for ', of: this.type(), within: derived }
      }
      case 'h':
        this.at--
        this.callOffset()
        return { kind: 'special', prefix: 'non-virtual thunk to ', of: this.encoding() }
      case 'v':
        this.at--
        this.callOffset()
        return { kind: 'special', prefix: 'virtual thunk to ', of: this.encoding() }
      case 'c':
        this.callOffset()
        this.callOffset()
        return { kind: 'special', prefix: 'covariant return thunk to ', of: this.encoding() }
      case 'H':
        return { kind: 'special', prefix: 'TLS init function for ', of: this.name(undefined) }
      case 'W':
        return { kind: 'special', prefix: 'TLS wrapper function for ', of: this.name(undefined) }
      case 'A':
        return { kind: 'special', prefix: 'template parameter object for ', of: this.templateArgument() }
      default:
        return this.fail()
    }
  }

  /** `h <number> _` or `v <number> _ <number> _` */
  private callOffset(): void {
    const c = this.next()
    if (c !== 'h' && c !== 'v') this.fail()
    this.signedNumber()
    this.expect('_')
    if (c === 'h') return
    this.signedNumber()
    this.expect('_')
  }

  /** `<special-name>` that starts with `G`: guards, temporaries, clones for transactions. */
  private guardName(): Node {
    if (this.accept('GV')) return { kind: 'special', prefix: 'guard variable for ', of: this.name(undefined) }
    if (this.accept('GR')) {
      const of = this.name(undefined)
      const number = this.done ? 0 : this.sequenceId()
      return { kind: 'special', prefix: `reference temporary #${number} for `, of }
    }
    if (this.accept('GA')) return { kind: 'special', prefix: 'hidden alias for ', of: this.encoding() }
    if (this.accept('GTt')) return { kind: 'special', prefix: 'transaction clone for ', of: this.encoding() }
    if (this.accept('GTn')) return { kind: 'special', prefix: 'non-transaction clone for ', of: this.encoding() }
    return this.fail()
  }

  /** `<name>`. `state` is given where the name is that of an encoding. */
  protected override name(state: NameState | undefined): Node {
    switch (this.peek()) {
      case 'N':
        return this.nestedName(state)
      case 'Z':
        return this.localName(state)
      case 'S':
        if (this.peek(1) !== 't') {
          const known = this.substitution()
          if (this.peek() !== 'I') return this.fail()
          return this.templateName(known, state)
        }
        this.at += 2
        return this.maybeTemplate({ kind: 'nested', scope: text('std'), name: this.unqualifiedName(state) }, state)
      default:
        return this.maybeTemplate(this.unqualifiedName(state), state)
    }
  }

  private maybeTemplate(name: Node, state: NameState | undefined): Node {
    if (this.peek() !== 'I') return name
    this.remember(name)
    return this.templateName(name, state)
  }

  private templateName(name: Node, state: NameState | undefined): Node {
    const args = this.templateArgList()
    if (state !== undefined) state.templateArgs = args
    return { kind: 'template', name, args }
  }

  /** `N [<qualifiers>] <prefix> <unqualified-name> E` */
  private nestedName(state: NameState | undefined): Node {
    this.expect('N')
    const cv = this.cvQualifiers()
    const reference = this.accept('O') ? ' &&' : this.accept('R') ? ' &' : ''
    if (state !== undefined) state.qualifiers = cv + reference
    let scope: Node | undefined
    while (!this.accept('E')) {
      if (this.peek() === 'M') {
        // Marks an initializer of a data member as scope of a lambda; nothing to show.
        this.at++
        continue
      }
      if (state !== undefined) state.templateArgs = undefined
      if (this.peek() === 'S' && this.peek(1) !== 't') {
        if (scope !== undefined) return this.fail()
        scope = this.substitution()
        continue
      }
      scope = this.nextComponent(scope, state)
    }
    if (scope === undefined) return this.fail()
    // The whole name is no prefix; whoever uses it as a type remembers it as such.
    this.substitutions.pop()
    return scope
  }

  /** One more component of a nested name; remembers the prefix that ends with it. */
  private nextComponent(scope: Node | undefined, state: NameState | undefined): Node {
    const c = this.peek()
    if (c === 'S') {
      this.expect('St')
      return this.remember({ kind: 'nested', scope: text('std'), name: this.unqualifiedName(state) })
    }
    if (c === 'I') {
      if (scope === undefined) return this.fail()
      return this.remember(this.templateName(scope, state))
    }
    if (c === 'T') return this.remember(this.templateParameter())
    if (c === 'D' && (this.peek(1) === 't' || this.peek(1) === 'T') && scope === undefined) return this.type()
    const name = this.unqualifiedName(state)
    return this.remember(scope === undefined ? name : { kind: 'nested', scope, name })
  }

  /** `Z <encoding> E <name> [<discriminator>]`, `Z <encoding> E s`, `Z <encoding> E d [<number>] _ <name>` */
  private localName(state: NameState | undefined): Node {
    this.expect('Z')
    const encoding = this.encoding()
    this.expect('E')
    if (this.accept('s')) {
      this.discriminator()
      return { kind: 'local', encoding, name: text('string literal') }
    }
    let defaultArgument: number | undefined
    if (this.accept('d')) defaultArgument = this.ordinal()
    const name = this.name(state)
    if (name.kind !== 'lambda') this.discriminator()
    return { kind: 'local', encoding, name, defaultArgument }
  }

  /** `_ <digit>` or `__ <number> _`: tells apart names of one function; not shown. */
  private discriminator(): void {
    if (this.peek() !== '_') return
    const start = this.at
    this.at++
    if (this.accept('_')) {
      if (this.digits() !== undefined && this.accept('_')) return
    } else if (isDigit(this.peek())) {
      this.at++
      return
    }
    this.at = start
  }

  protected override unqualifiedName(state: NameState | undefined): Node {
    this.accept('L')
    return this.abiTags(this.untaggedName(state))
  }

  private untaggedName(state: NameState | undefined): Node {
    const c = this.peek()
    if (state !== undefined) state.withoutResult = false
    if (isDigit(c)) return text(this.identifier())
    if (c === 'U') return this.unnamedType()
    if (c === 'C') return this.constructorName(state)
    if (c === 'D') {
      if (this.peek(1) === 'C') return this.structuredBinding()
      this.at++
      if (!'0123456'.includes(this.next())) return this.fail()
      if (state !== undefined) state.withoutResult = true
      return text(`~${this.lastName}`)
    }
    if (c >= 'a' && c <= 'z') return this.operatorName(state)
    return this.fail()
  }

  private constructorName(state: NameState | undefined): Node {
    this.expect('C')
    // An inherited constructor goes by the name of the base class that follows.
    if (this.accept('I')) {
      this.next()
      this.type()
    } else if (!'12345'.includes(this.next())) return this.fail()
    if (state !== undefined) state.withoutResult = true
    return text(this.lastName)
  }

  private structuredBinding(): Node {
    this.expect('DC')
    const names: string[] = []
    while (!this.accept('E')) names.push(this.identifier())
    return text(`[${names.join(', ')}]`)
  }

  private operatorName(state: NameState | undefined): Node {
    if (this.accept('cv')) {
      if (state !== undefined) state.withoutResult = true
      const before = this.inConversion
      this.inConversion = state !== undefined
      const type = this.type()
      this.inConversion = before
      return { kind: 'conversion', type }
    }
    if (this.accept('li')) return text(`operator"" ${this.identifier()}`)
    if (this.accept('v')) {
      this.next()
      return text(`operator ${this.identifier()}`)
    }
    const operator = operators.get(this.next() + this.next())
    if (operator === undefined) return this.fail()
    const spelling = operator.spelling.trimEnd()
    return text(/^[a-z]/.test(spelling) ? `operator ${spelling}` : `operator${spelling}`)
  }

  /** `Ut [<number>] _` and `Ul <template parameters> <type>+ E [<number>] _` */
  private unnamedType(): Node {
    if (this.accept('Ut')) return text(`{unnamed type#${this.ordinal()}}`)
    if (!this.accept('Ul')) return this.fail()
    const templateParams: Node[] = []
    for (;;) {
      const parameter = this.templateParameterDeclaration()
      if (parameter === undefined) break
      templateParams.push(parameter)
    }
    const params: Node[] = []
    do params.push(this.type())
    while (!this.accept('E'))
    return { kind: 'lambda', templateParams, params: withoutVoid(params), number: this.ordinal() }
  }

  /** `Ty`, `Tn <type>`, `Tt <declarations> E`, and `Tp` before one of these for a pack. */
  private templateParameterDeclaration(): Node | undefined {
    const isPack = this.accept('Tp')
    if (this.accept('Ty')) return { kind: 'template-parameter', isPack }
    if (this.accept('Tn')) return { kind: 'template-parameter', type: this.type(), isPack }
    if (this.accept('Tt')) {
      const of = this.untilEnd(() => this.templateParameterDeclaration() ?? this.fail())
      return { kind: 'template-parameter', of, isPack }
    }
    return isPack ? this.fail() : undefined
  }

  /** `<source-name>`: a length and that many characters. */
  protected override identifier(): string {
    const length = this.digits() ?? this.fail()
    const name = this.input.slice(this.at, this.at + length)
    if (length === 0 || name.length !== length) return this.fail()
    this.at += length
    const shown = /^_GLOBAL_[._$]N/.test(name) ? '(anonymous namespace)' : name
    this.lastName = shown
    return shown
  }
}
