/** Exists to write a parsed C++ name the way binutils and gdb do, so that names can be compared and searched across tools. */

import { NotMangled } from './cursor.ts'
import { printExpression } from './expression-printer.ts'
import type { Node } from './nodes.ts'
import { text } from './nodes.ts'

/** Longer names, and those that need more nodes to be written, come from made-up input whose substitutions multiply. */
const MAX_LENGTH = 1 << 20
const MAX_NODES = 1 << 19

/** Template arguments that parameters refer to, and those in force where the arguments were written. */
interface Scope {
  readonly args: readonly Node[]
  readonly outer: Scope | undefined
}

/** The text of `node`. Throws NotMangled for names that would be longer than a million characters. */
export function printNode(node: Node): string {
  return new Printer().print(node)
}

/**
 * Types are written inside out, as in C: {@link Printer.declare} is given what stands where a variable's name would
 * (`*`, `(&) [3]`, `f(int)`), and wraps it from the outermost operator to the base type.
 */
class Printer {
  /** Which element of a pack stands for the parameter, while an expansion is written; -1 outside. */
  private packIndex = -1
  private depth = 0
  private nodes = 0
  private scope: Scope | undefined
  /** Among the parameters of a lambda, the names of its own template parameters; those beyond are its `auto`s. */
  private lambdaNames: readonly string[] | undefined

  print(node: Node): string {
    return this.declare(node, '')
  }

  /** `items` with commas; those that print as nothing (empty packs) are left out. */
  list(items: readonly Node[]): string {
    let result = ''
    for (const item of items) {
      const printed = this.print(item)
      if (printed !== '') result += result === '' ? printed : `, ${printed}`
    }
    return result
  }

  /** `insideArray`: the type is the element of an array, whose bounds `declarator` ends in. */
  declare(node: Node, declarator: string, insideArray = false): string {
    if (++this.depth > 2000 || ++this.nodes > MAX_NODES || declarator.length > MAX_LENGTH) throw new NotMangled()
    const result = this.declareType(node, declarator, insideArray)
    if (result.length > MAX_LENGTH) throw new NotMangled()
    this.depth--
    return result
  }

  private declareType(node: Node, declarator: string, insideArray: boolean): string {
    switch (node.kind) {
      case 'pointer':
        return this.declare(node.to, this.prefixed('*', node.to, declarator))
      case 'reference':
        return this.reference(node.to, node.rvalue, declarator)
      case 'qualified':
        return this.qualified(node.base, node.qualifiers, declarator, insideArray)
      case 'member-pointer':
        return this.declare(node.type, this.prefixed(` ${this.print(node.owner)}::*`, node.type, declarator))
      case 'array':
        return this.array(node, declarator, insideArray)
      case 'function': {
        const inner = declarator === '' ? '' : `(${declarator.trimStart()})`
        const exceptions = node.exceptions === undefined ? '' : this.print(node.exceptions)
        return this.declare(node.result, `${inner}(${this.list(node.params)})${node.qualifiers}${exceptions}`)
      }
      case 'vector':
        return join(`${this.print(node.element)} __vector(${this.print(node.size)})`, declarator)
      case 'parameter':
        return this.parameter(node, (target) => this.declare(target, declarator, insideArray))
      case 'encoding':
        return this.encoding(node, declarator)
      default:
        return join(this.simple(node), declarator)
    }
  }

  /** Bounds of nested arrays stand side by side: `(&) [2][3]`. */
  private array({ element, size }: Extract<Node, { kind: 'array' }>, declarator: string, insideArray: boolean): string {
    const bounds = `[${size === undefined ? '' : this.print(size)}]`
    const plain = declarator === '' || insideArray
    return this.declare(element, `${plain ? declarator : `(${declarator.trimStart()}) `}${bounds}`, true)
  }

  /** A function: its name is a declarator inside its result, and its type speaks of its own template parameters. */
  private encoding(node: Extract<Node, { kind: 'encoding' }>, declarator: string): string {
    const { name, result, params, qualifiers, templateArgs } = node
    return this.inScope(templateArgs === undefined ? this.scope : { args: templateArgs, outer: this.scope }, () => {
      const declared = `${this.print(name)}(${this.list(params)})${qualifiers}`
      return result === undefined ? join(declared, declarator) : this.declare(result, declared)
    })
  }

  private inScope(scope: Scope | undefined, write: () => string): string {
    const { scope: before, packIndex } = this
    this.scope = scope
    const result = write()
    this.scope = before
    this.packIndex = packIndex
    return result
  }

  /** Nodes that nothing can be declared around. */
  private simple(node: Node): string {
    switch (node.kind) {
      case 'text':
      case 'builtin':
        return node.text
      case 'standard':
        return node.short
      case 'nested':
        return `${this.print(node.scope)}::${this.print(node.name)}`
      case 'local':
        return this.local(node)
      case 'template':
        return this.template(node.name, node.args)
      case 'conversion':
        return `operator ${this.print(node.type)}`
      case 'tagged':
        return `${this.print(node.name)}[abi:${node.tag}]`
      case 'lambda':
        return this.lambda(node)
      case 'special':
        return `${node.prefix}${this.print(node.of)}${node.within === undefined ? '' : `-in-${this.print(node.within)}`}`
      case 'decltype':
        return `decltype (${this.print(node.expression)})`
      case 'exceptions':
        return node.args.length === 0 && node.word === ' noexcept' ? node.word : `${node.word}(${this.list(node.args)})`
      case 'pack':
        return this.list(node.elements)
      case 'expansion':
        return this.expansion(node.pattern)
      default:
        return printExpression(node, this)
    }
  }

  private lambda({ templateParams, params, number }: Extract<Node, { kind: 'lambda' }>): string {
    const before = this.lambdaNames
    this.lambdaNames = templateParams.map((parameter, i) => `${parameterLetters(parameter)}${i}`)
    const declared = templateParams.map((parameter, i) =>
      this.parameterDeclaration(parameter, ` ${this.lambdaNames?.[i]}`),
    )
    const list = this.list(params)
    this.lambdaNames = before
    return `{lambda${declared.length === 0 ? '' : `<${declared.join(', ')}>`}(${list})#${number}}`
  }

  private parameterDeclaration(node: Node, name: string): string {
    if (node.kind !== 'template-parameter') throw new NotMangled()
    const pack = node.isPack ? '...' : ''
    if (node.of !== undefined) {
      return `template<${node.of.map((inner) => this.parameterDeclaration(inner, '')).join(', ')}> class${pack}${name}`
    }
    return `${node.type === undefined ? 'typename' : this.print(node.type)}${pack}${name}`
  }

  private template(name: Node, args: readonly Node[]): string {
    const printed = this.print(name)
    const list = this.list(args)
    // After an empty pack at the end binutils leaves the space out.
    const last = args.at(-1)
    const endsEmpty = args.length > 1 && last !== undefined && this.print(last) === ''
    return `${printed}${printed.endsWith('<') ? ' ' : ''}<${list}${list.endsWith('>') && !endsEmpty ? ' ' : ''}>`
  }

  /** A function is named without its return type where it is only the scope of something. */
  private local({ encoding, name, defaultArgument }: Extract<Node, { kind: 'local' }>): string {
    const scope = encoding.kind === 'encoding' ? { ...encoding, result: undefined } : encoding
    const argument = defaultArgument === undefined ? '' : `{default arg#${defaultArgument}}::`
    return `${this.print(scope)}::${argument}${this.print(name)}`
  }

  /** `&` and `&&` on what is a reference already: the two collapse, `&` wins. */
  private reference(to: Node, rvalue: boolean, declarator: string): string {
    const target = to.kind === 'parameter' ? this.resolve(to) : to
    if (target?.kind === 'reference') {
      return this.parameter(to, () => this.reference(target.to, rvalue && target.rvalue, declarator))
    }
    return this.declare(to, this.prefixed(rvalue ? '&&' : '&', to, declarator))
  }

  /** Qualifiers of an array are those of its elements; one that is there already is not repeated. */
  private qualified(base: Node, qualifiers: string, declarator: string, insideArray: boolean): string {
    const target = this.resolve(base)
    if (target?.kind === 'array') {
      const element: Node = { kind: 'qualified', base: target.element, qualifiers }
      return this.parameter(base, () => this.declare({ ...target, element }, declarator, insideArray))
    }
    let added = qualifiers
    if (target?.kind === 'qualified' && base.kind === 'parameter') {
      for (const word of target.qualifiers.split(' ')) if (word !== '') added = added.replace(` ${word}`, '')
    }
    const space = declarator === '' || /^[ *&]/.test(declarator) ? '' : ' '
    return this.declare(base, added === '' ? declarator : `${added}${space}${declarator}`)
  }

  /** `operator` in front of `declarator`, with a space unless both end up inside the parentheses of a function or array. */
  private prefixed(operator: string, to: Node, declarator: string): string {
    if (declarator === '' || /^[ *&]/.test(declarator)) return operator + declarator
    const inParentheses = this.isFunction(to) && !declarator.startsWith('[')
    return operator + (inParentheses ? '' : ' ') + declarator
  }

  private isFunction(node: Node): boolean {
    const target = this.resolve(node)
    return target?.kind === 'function' || target?.kind === 'array'
  }

  /** What a template parameter stands for at this place; any other node is itself. */
  private resolve(node: Node): Node | undefined {
    if (node.kind !== 'parameter' || this.lambdaNames !== undefined) return node
    const target = this.scope?.args[node.index]
    if (target?.kind === 'pack' && this.packIndex >= 0) return target.elements[this.packIndex]
    return target
  }

  /** Writes what a parameter stands for: an argument, which was written outside of the function and of the current expansion. */
  private parameter(node: Node, write: (target: Node) => string): string {
    if (node.kind !== 'parameter') return write(node)
    if (this.lambdaNames !== undefined) return write(text(this.lambdaNames[node.index] ?? `auto:${node.index + 1}`))
    const target = this.resolve(node)
    if (target === undefined) {
      if (this.scope?.args[node.index] === undefined) throw new NotMangled()
      return ''
    }
    return this.inScope(this.scope?.outer, () => {
      this.packIndex = -1
      return write(target)
    })
  }

  /** The pattern once for each element of the first pack in it. */
  private expansion(pattern: Node): string {
    const pack = this.lambdaNames !== undefined ? undefined : this.findPack(pattern)
    if (pack === undefined) return `${this.subexpression(pattern)}...`
    const before = this.packIndex
    const parts: string[] = []
    for (let i = 0; i < pack.length; i++) {
      this.packIndex = i
      parts.push(this.print(pattern))
    }
    this.packIndex = before
    return parts.join(', ')
  }

  /** Number of elements of the packs in `node`. */
  packLength(node: Node): number {
    if (node.kind === 'pack')
      return node.elements.reduce(
        (sum, element) => sum + (element.kind === 'expansion' ? this.packLength(element) : 1),
        0,
      )
    return this.findPack(node)?.length ?? 0
  }

  /** The elements of the first template parameter pack in `node`, not looking into expansions of their own. */
  private findPack(node: Node): readonly Node[] | undefined {
    if (++this.nodes > MAX_NODES) throw new NotMangled()
    switch (node.kind) {
      case 'parameter': {
        const target = this.scope?.args[node.index]
        return target?.kind === 'pack' ? target.elements : undefined
      }
      case 'expansion':
      case 'lambda':
      case 'text':
      case 'builtin':
      case 'standard':
        return undefined
      default:
        for (const child of childrenOf(node)) {
          const found = this.findPack(child)
          if (found !== undefined) return found
        }
        return undefined
    }
  }

  /** An operand: in parentheses unless it is a plain name. */
  subexpression(node: Node): string {
    const printed = this.print(node)
    const isSimple = simpleKinds.has(node.kind)
    return isSimple ? printed : `(${printed})`
  }
}

const simpleKinds: ReadonlySet<Node['kind']> = new Set(['text', 'nested', 'braces', 'function-parameter'])

/** How binutils names template parameters of lambdas: `$T0`, `$N1`, `$TT2`. */
function parameterLetters(node: Node): string {
  if (node.kind !== 'template-parameter') return ''
  if (node.of !== undefined) return '$TT'
  return node.type === undefined ? '$T' : '$N'
}

/** A base type and what is declared around it. */
function join(base: string, declarator: string): string {
  if (declarator === '' || /^[ *&]/.test(declarator)) return base + declarator
  return `${base} ${declarator}`
}

function childrenOf(node: Node): Node[] {
  return Object.values(node)
    .flatMap((value: unknown) => (Array.isArray(value) ? value : [value]))
    .filter(isNode)
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'kind' in value
}
