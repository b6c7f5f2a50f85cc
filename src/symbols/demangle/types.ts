/** Exists for the type grammar of mangled C++ names (Itanium C++ ABI, 5.1.5), template parameters and arguments included. */

import { isDigit } from './cursor.ts'
import { ExpressionParser } from './expressions.ts'
import type { Node } from './nodes.ts'
import { text } from './nodes.ts'
import { builtinTypes, dTypes, standardAbbreviations } from './tables.ts'

export abstract class TypeParser extends ExpressionParser {
  /** `<type>` */
  protected override type(): Node {
    return this.nest(() => this.anyType())
  }

  private anyType(): Node {
    const c = this.peek()
    switch (c) {
      case 'r':
      case 'V':
      case 'K':
        return this.remember(this.qualifiedType())
      case 'P':
        this.at++
        return this.remember({ kind: 'pointer', to: this.type() })
      case 'R':
      case 'O':
        this.at++
        return this.remember({ kind: 'reference', to: this.type(), rvalue: c === 'O' })
      case 'C':
        this.at++
        return this.remember({ kind: 'qualified', base: this.type(), qualifiers: ' _Complex' })
      case 'G':
        this.at++
        return this.remember({ kind: 'qualified', base: this.type(), qualifiers: ' _Imaginary' })
      case 'F':
        return this.remember(this.functionType(''))
      case 'A':
        return this.remember(this.arrayType())
      case 'M': {
        this.at++
        const owner = this.type()
        return this.remember({ kind: 'member-pointer', owner, type: this.type() })
      }
      case 'U':
        return this.vendorQualifiedType()
      case 'u': {
        this.at++
        const name = this.unqualifiedName(undefined)
        return this.remember(this.peek() === 'I' ? { kind: 'template', name, args: this.templateArgList() } : name)
      }
      case 'D':
        return this.dType()
      case 'T':
        return this.parameterType()
      case 'S':
        return this.substitutedType()
      default: {
        const builtin = Object.hasOwn(builtinTypes, c) ? builtinTypes[c] : undefined
        if (builtin === undefined) return this.remember(this.name(undefined))
        this.at++
        return builtin
      }
    }
  }

  /** Qualifiers in mangled order, written in the order of the source. */
  protected cvQualifiers(): string {
    const restrict = this.accept('r') ? ' restrict' : ''
    const volatile = this.accept('V') ? ' volatile' : ''
    const constant = this.accept('K') ? ' const' : ''
    return constant + volatile + restrict
  }

  private qualifiedType(): Node {
    const qualifiers = this.cvQualifiers()
    if (this.startsFunctionType()) return this.functionType(qualifiers)
    return { kind: 'qualified', base: this.type(), qualifiers }
  }

  private startsFunctionType(): boolean {
    if (this.peek() === 'F') return true
    return this.peek() === 'D' && ['o', 'O', 'w', 'x'].includes(this.peek(1))
  }

  /** `[<exception-spec>] [Dx] F [Y] <result> <params>+ [<ref-qualifier>] E` */
  private functionType(qualifiers: string): Node {
    const exceptions = this.exceptionSpecification()
    const transaction = this.accept('Dx') ? ' transaction_safe' : ''
    this.expect('F')
    this.accept('Y')
    const result = this.type()
    const params: Node[] = []
    let reference = ''
    for (;;) {
      if (this.accept('E')) break
      if (this.accept('RE')) reference = ' &'
      else if (this.accept('OE')) reference = ' &&'
      if (reference !== '') break
      params.push(this.type())
    }
    return {
      kind: 'function',
      result,
      params: withoutVoid(params),
      qualifiers: qualifiers + transaction + reference,
      exceptions,
    }
  }

  private exceptionSpecification(): Node | undefined {
    if (this.accept('Do')) return { kind: 'exceptions', word: ' noexcept', args: [] }
    if (this.accept('DO')) {
      const condition = this.expression()
      this.expect('E')
      return { kind: 'exceptions', word: ' noexcept', args: [condition] }
    }
    if (this.accept('Dw')) return { kind: 'exceptions', word: ' throw', args: this.untilEnd(() => this.type()) }
    return undefined
  }

  private arrayType(): Node {
    this.expect('A')
    let size: Node | undefined
    if (isDigit(this.peek())) size = text(String(this.digits()))
    else if (this.peek() !== '_') size = this.expression()
    this.expect('_')
    return { kind: 'array', element: this.type(), size }
  }

  private vendorQualifiedType(): Node {
    this.expect('U')
    if (this.looksAt('l') || this.looksAt('t')) {
      this.at--
      return this.remember(this.name(undefined))
    }
    let name = this.unqualifiedName(undefined)
    if (this.peek() === 'I') name = { kind: 'template', name, args: this.templateArgList() }
    return this.remember({
      kind: 'qualified',
      base: this.type(),
      qualifiers: ` ${name.kind === 'text' ? name.text : this.fail()}`,
    })
  }

  private dType(): Node {
    const c = this.peek(1)
    switch (c) {
      case 't':
      case 'T': {
        this.at += 2
        const expression = this.expression()
        this.expect('E')
        return this.remember({ kind: 'decltype', expression })
      }
      case 'p':
        this.at += 2
        return this.remember({ kind: 'expansion', pattern: this.type() })
      case 'v':
        this.at += 2
        return this.remember(this.vectorType())
      case 'o':
      case 'O':
      case 'w':
      case 'x':
        return this.remember(this.functionType(''))
      case 'F': {
        this.at += 2
        return this.floatType()
      }
      default: {
        const builtin = Object.hasOwn(dTypes, c) ? dTypes[c] : undefined
        if (builtin === undefined) return this.remember(this.name(undefined))
        this.at += 2
        return builtin
      }
    }
  }

  /** `DF16_`, `DF32x`, `DF16b`: the extended floating-point types. */
  private floatType(): Node {
    const bits = this.digits() ?? this.fail()
    if (this.accept('b')) return { kind: 'builtin', text: 'std::bfloat16_t', literal: 'float' }
    const extended = this.accept('x') ? 'x' : (this.expect('_'), '')
    return { kind: 'builtin', text: `_Float${bits}${extended}`, literal: 'float' }
  }

  private vectorType(): Node {
    let size: Node
    if (this.accept('_')) size = this.expression()
    else size = text(String(this.digits() ?? this.fail()))
    this.expect('_')
    return { kind: 'vector', element: this.type(), size }
  }

  /** `T_` as a type, or as a template that is given arguments. `Ts`, `Tu`, `Te` say struct, union, enum before a name. */
  private parameterType(): Node {
    const c = this.peek(1)
    if (c === 's' || c === 'u' || c === 'e') {
      this.at += 2
      return this.remember(this.name(undefined))
    }
    const parameter = this.remember(this.templateParameter())
    if (this.peek() !== 'I' || this.inConversion) return parameter
    return this.remember({ kind: 'template', name: parameter, args: this.templateArgList() })
  }

  private substitutedType(): Node {
    if (this.looksAt('St')) return this.remember(this.name(undefined))
    const before = this.at
    const known = this.substitution()
    if (this.peek() !== 'I') {
      // An abbreviation with a tag (`SsB5cxx11`) is a name of its own.
      if (known.kind === 'tagged' && this.input[before + 1] !== '_' && !isDigit(this.input[before + 1]))
        return this.remember(known)
      return known
    }
    return this.remember({ kind: 'template', name: known, args: this.templateArgList() })
  }

  /** `S_`, `S0_`, ... or a standard abbreviation, but not `St`. */
  protected substitution(): Node {
    this.expect('S')
    const c = this.peek()
    const standard = Object.hasOwn(standardAbbreviations, c) ? standardAbbreviations[c] : undefined
    if (standard === undefined) return this.substitutions[this.sequenceId()] ?? this.fail()
    this.at++
    this.lastName = standard.last
    const full = this.verbose || this.peek() === 'C' || this.peek() === 'D'
    return this.abiTags({ kind: 'standard', short: full ? standard.full : standard.short, full: standard.full })
  }

  /** `B <source-name>` any number of times. */
  protected abiTags(name: Node): Node {
    let tagged = name
    while (this.accept('B')) {
      const lastName = this.lastName
      tagged = { kind: 'tagged', name: tagged, tag: this.identifier() }
      this.lastName = lastName
    }
    return tagged
  }

  protected abstract identifier(): string

  /** `T_`, `T0_`, ... */
  protected override templateParameter(): Node {
    this.expect('T')
    return { kind: 'parameter', index: this.sequenceIdDecimal() }
  }

  private sequenceIdDecimal(): number {
    if (this.accept('_')) return 0
    const value = this.digits() ?? this.fail()
    this.expect('_')
    return value + 1
  }

  /** `I <template-arg>* E` */
  protected override templateArgList(): Node[] {
    // Identifiers among the arguments must not name a constructor that follows them.
    const { lastName } = this
    this.expect('I')
    const args = this.untilEnd(() => this.templateArgument())
    this.lastName = lastName
    return args
  }

  protected override templateArgument(): Node {
    switch (this.peek()) {
      case 'L':
        return this.literal()
      case 'X': {
        this.at++
        const expression = this.expression()
        this.expect('E')
        return expression
      }
      case 'J':
      case 'I':
        this.at++
        return { kind: 'pack', elements: this.untilEnd(() => this.templateArgument()) }
      default:
        return this.type()
    }
  }
}

/** A single `void` says that there are no parameters. */
export function withoutVoid(params: readonly Node[]): readonly Node[] {
  return params.length === 1 && params[0] === builtinTypes.v ? [] : params
}
