/** Exists because template arguments can be expressions: the expression grammar of mangled C++ names (Itanium C++ ABI, 5.1.6). */

import { Cursor, isDigit } from './cursor.ts'
import type { Node } from './nodes.ts'
import { text } from './nodes.ts'
import { operators } from './tables.ts'

export abstract class ExpressionParser extends Cursor {
  /** `<expression>` */
  protected override expression(): Node {
    return this.nest(() => this.anyExpression())
  }

  private anyExpression(): Node {
    const first = this.peek()
    if (first === 'L') return this.literal()
    if (first === 'T') return this.templateParameter()
    if (isDigit(first)) return this.withTemplateArgs(this.unqualifiedName(undefined))
    const special = this.specialExpression()
    if (special !== undefined) return special
    const code = this.next() + this.next()
    const operator = operators.get(code)
    if (operator === undefined) return this.fail()
    switch (operator.arity) {
      case 0:
        return text(operator.spelling)
      case 1:
        return this.unary(code, operator.spelling)
      case 2:
        return this.binary(code, operator.spelling)
      default:
        return this.ternary(code)
    }
  }

  /** Expressions that are no operators. */
  private specialExpression(): Node | undefined {
    if (this.accept('sr')) return this.resolvedName()
    if (this.accept('sp')) return { kind: 'expansion', pattern: this.expression() }
    if (this.accept('sZ')) {
      return { kind: 'pack-length', of: this.peek() === 'T' ? this.templateParameter() : this.expression() }
    }
    if (this.accept('sP'))
      return { kind: 'pack-length', of: { kind: 'pack', elements: this.untilEnd(() => this.templateArgument()) } }
    if (this.looksAt('fp') || (this.looksAt('fL') && isDigit(this.peek(2)))) return this.functionParameter()
    if (this.accept('on')) return this.withTemplateArgs(this.unqualifiedName(undefined))
    if (this.accept('tl')) {
      const type = this.type()
      return { kind: 'braces', type, items: this.untilEnd(() => this.expression()) }
    }
    if (this.accept('il')) return { kind: 'braces', items: this.untilEnd(() => this.expression()) }
    if (this.accept('cv')) return this.conversion()
    if (this.accept('cl') || this.accept('cp')) {
      const callee = this.expression()
      return { kind: 'call', callee, args: { kind: 'list', items: this.untilEnd(() => this.expression()) } }
    }
    if (this.accept('u')) {
      const name = this.unqualifiedName(undefined)
      return { kind: 'call', callee: name, args: { kind: 'list', items: this.untilEnd(() => this.templateArgument()) } }
    }
    return undefined
  }

  protected abstract templateArgument(): Node

  private withTemplateArgs(name: Node): Node {
    return this.peek() === 'I' ? { kind: 'template', name, args: this.templateArgList() } : name
  }

  /**
   * `sr <level>+ E <name>` or `sr <type> <name>`, where the type may be a nested name. Compilers used to write `sr1A1x` for `A::x`, which
   * starts like today's `sr1AE1x`: the new form is tried on the whole name first (see {@link Cursor.unresolvedNames}).
   */
  private resolvedName(): Node {
    let scope: Node
    if (this.unresolvedNames !== 'old' && /[0-9a-zCUL]/.test(this.peek())) {
      this.unresolvedNames = 'new'
      scope = this.level(undefined)
      while (!this.accept('E')) scope = this.level(scope)
    } else scope = this.type()
    this.accept('on')
    return this.level(scope)
  }

  /** One name of an unresolved one, with its template arguments. */
  private level(scope: Node | undefined): Node {
    const name = this.unqualifiedName(undefined)
    return this.withTemplateArgs(scope === undefined ? name : { kind: 'nested', scope, name })
  }

  /** `fp <number> _`, `fL <level> p <number> _`, and `fpT` for `this`; the number 0 stands for `this` in the tree. */
  private functionParameter(): Node {
    if (this.accept('fpT')) return { kind: 'function-parameter', number: 0 }
    this.at += 1
    if (this.accept('L')) this.digits()
    this.expect('p')
    while (this.accept('r') || this.accept('V') || this.accept('K'));
    return { kind: 'function-parameter', number: this.ordinal() }
  }

  /** `cv <type> <expression>` or `cv <type> _ <expression>* E`. */
  private conversion(): Node {
    const type = this.type()
    if (this.accept('_'))
      return { kind: 'cast', type, operand: { kind: 'list', items: this.untilEnd(() => this.expression()) } }
    return { kind: 'cast', type, operand: this.expression() }
  }

  private unary(code: string, operator: string): Node {
    if (code === 'st' || code === 'at' || code === 'ti') return { kind: 'prefix', code, operator, operand: this.type() }
    if (code === 'pp' || code === 'mm') {
      if (this.accept('_')) return { kind: 'prefix', code, operator, operand: this.expression() }
      return { kind: 'postfix', operator, operand: this.expression() }
    }
    return { kind: 'prefix', code, operator, operand: this.expression() }
  }

  private binary(code: string, operator: string): Node {
    switch (code) {
      case 'cc':
      case 'dc':
      case 'rc':
      case 'sc': {
        const type = this.type()
        return { kind: 'new-cast', operator, type, operand: this.expression() }
      }
      case 'fl':
      case 'fr': {
        const folded = this.foldOperator()
        return { kind: 'fold', operator: folded, form: code === 'fl' ? 'l' : 'r', first: this.expression() }
      }
      case 'di': {
        const name = this.unqualifiedName(undefined)
        return { kind: 'designator', index: false, name, value: this.expression() }
      }
      case 'dx': {
        const name = this.expression()
        return { kind: 'designator', index: true, name, value: this.expression() }
      }
      case 'dt':
      case 'pt': {
        const left = this.expression()
        return { kind: 'binary', code, operator, left, right: this.memberName() }
      }
      default: {
        const left = this.expression()
        return { kind: 'binary', code, operator, left, right: this.expression() }
      }
    }
  }

  /** What follows `.` and `->`: a name, perhaps qualified, perhaps a destructor. */
  private memberName(): Node {
    if (this.looksAt('sr')) return this.expression()
    if (this.accept('gs')) return this.expression()
    if (this.accept('dn')) {
      const named = isDigit(this.peek()) ? this.unqualifiedName(undefined) : this.type()
      return { kind: 'prefix', code: 'dn', operator: '~', operand: named }
    }
    this.accept('on')
    if (this.peek() === 'T' || this.peek() === 'L') return this.expression()
    return this.withTemplateArgs(this.unqualifiedName(undefined))
  }

  private foldOperator(): string {
    const operator = operators.get(this.next() + this.next())
    return operator === undefined ? this.fail() : operator.spelling
  }

  private ternary(code: string): Node {
    switch (code) {
      case 'qu': {
        const test = this.expression()
        const yes = this.expression()
        return { kind: 'conditional', test, yes, no: this.expression() }
      }
      case 'fL':
      case 'fR': {
        const folded = this.foldOperator()
        const first = this.expression()
        return { kind: 'fold', operator: folded, form: code === 'fL' ? 'L' : 'R', first, second: this.expression() }
      }
      case 'dX': {
        const name = this.expression()
        const last = this.expression()
        return { kind: 'designator', index: true, name, last, value: this.expression() }
      }
      default:
        return this.newExpression()
    }
  }

  /** `nw <expression>* _ <type> E` or `nw <expression>* _ <type> pi <expression>* E` */
  private newExpression(): Node {
    const items: Node[] = []
    while (!this.accept('_')) items.push(this.expression())
    const placement: Node = { kind: 'list', items }
    const type = this.type()
    if (this.accept('E')) return { kind: 'new', placement, type }
    if (this.accept('pi')) {
      return {
        kind: 'new',
        placement,
        type,
        initializer: { kind: 'list', items: this.untilEnd(() => this.expression()) },
      }
    }
    if (this.looksAt('il')) {
      const initializer = this.expression()
      this.expect('E')
      return { kind: 'new', placement, type, initializer }
    }
    return this.fail()
  }

  /** `<expr-primary>`: `L <type> <value> E`, `L _Z <encoding> E`. */
  protected override literal(): Node {
    this.expect('L')
    if (this.accept('_Z') || this.accept('Z')) {
      const encoding = this.encoding()
      this.expect('E')
      return encoding
    }
    const type = this.type()
    if (type.kind === 'builtin' && type.text === 'decltype(nullptr)' && this.accept('E')) return type
    const negative = this.accept('n')
    const start = this.at
    while (this.peek() !== 'E') this.next()
    const value = this.input.slice(start, this.at)
    this.at++
    return { kind: 'literal', type, value, negative }
  }
}
