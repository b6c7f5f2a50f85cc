/** Exists to write the expressions in template arguments the way binutils does. */

import { NotMangled } from './cursor.ts'
import type { Node } from './nodes.ts'

/** What writing an expression needs from the printer of names and types. */
export interface SubPrinter {
  print(node: Node): string
  list(items: readonly Node[]): string
  /** In parentheses unless it is a plain name. */
  subexpression(node: Node): string
  packLength(node: Node): number
}

/** The text of an expression. */
export function printExpression(node: Node, printer: SubPrinter): string {
  switch (node.kind) {
    case 'literal':
      return printLiteral(node, printer)
    case 'prefix':
      return printPrefix(node, printer)
    case 'postfix':
      return `${printer.subexpression(node.operand)}${node.operator}`
    case 'binary':
      return printBinary(node, printer)
    case 'conditional':
      return `${printer.subexpression(node.test)}?${printer.subexpression(node.yes)} : ${printer.subexpression(node.no)}`
    case 'cast':
      return `(${printer.print(node.type)})${printer.subexpression(node.operand)}`
    case 'new-cast':
      return `${node.operator}<${printer.print(node.type)}>(${printer.print(node.operand)})`
    case 'call':
      return `${printer.subexpression(calleeName(node.callee))}${printer.subexpression(node.args)}`
    case 'new': {
      const placement =
        node.placement.kind === 'list' && node.placement.items.length > 0
          ? `${printer.subexpression(node.placement)} `
          : ''
      const initializer = node.initializer === undefined ? '' : printer.subexpression(node.initializer)
      return `new ${placement}${printer.print(node.type)}${initializer}`
    }
    case 'list':
      return printer.list(node.items)
    case 'braces':
      return `${node.type === undefined ? '' : printer.print(node.type)}{${printer.list(node.items)}}`
    case 'function-parameter':
      return node.number === 0 ? 'this' : `{parm#${node.number}}`
    case 'pack-length':
      return String(printer.packLength(node.of))
    case 'fold':
      return printFold(node, printer)
    case 'designator':
      return printDesignator(node, printer)
    default:
      throw new NotMangled()
  }
}

function printLiteral({ type, value, negative }: Extract<Node, { kind: 'literal' }>, printer: SubPrinter): string {
  const sign = negative ? '-' : ''
  if (type.kind === 'builtin') {
    switch (type.literal) {
      case 'plain':
        return sign + value
      case 'bool':
        if (!negative && value === '0') return 'false'
        if (!negative && value === '1') return 'true'
        break
      case 'float':
        return `(${type.text})${sign}[${value}]`
      case 'cast':
        break
      default:
        return sign + value + type.literal
    }
  }
  return `(${printer.print(type)})${sign}${value}`
}

/** The operators whose operand always stands in parentheses: `sizeof (type)` and `noexcept(expression)`. */
const parenthesised: ReadonlySet<string> = new Set(['st', 'nx'])

function printPrefix({ code, operator, operand }: Extract<Node, { kind: 'prefix' }>, printer: SubPrinter): string {
  if (code === 'gs') return operator + printer.print(operand)
  if (parenthesised.has(code)) return `${operator}(${printer.print(operand)})`
  return operator + printer.subexpression(code === 'ad' ? addressed(operand) : operand)
}

/** The address of a member function is written without its parameters, unless it has qualifiers. */
function addressed(operand: Node): Node {
  return operand.kind === 'encoding' && operand.name.kind === 'nested' && operand.qualifiers === ''
    ? operand.name
    : operand
}

/** A function that is called is written without the types of its parameters. */
function calleeName(callee: Node): Node {
  return callee.kind === 'encoding' ? callee.name : callee
}

function printBinary({ code, operator, left, right }: Extract<Node, { kind: 'binary' }>, printer: SubPrinter): string {
  const first = printer.subexpression(left)
  if (code === 'ix') return `${first}[${printer.print(right)}]`
  const text = `${first}${operator}${printer.subexpression(right)}`
  // Else the operator would seem to end the template's arguments.
  return code === 'gt' ? `(${text})` : text
}

function printFold({ operator, form, first, second }: Extract<Node, { kind: 'fold' }>, printer: SubPrinter): string {
  const a = printer.subexpression(first)
  if (form === 'l') return `(...${operator}${a})`
  if (form === 'r') return `(${a}${operator}...)`
  return `(${a}${operator}...${operator}${second === undefined ? '' : printer.subexpression(second)})`
}

function printDesignator(
  { index, name, last, value }: Extract<Node, { kind: 'designator' }>,
  printer: SubPrinter,
): string {
  const range = last === undefined ? '' : ` ... ${printer.print(last)}`
  const target = index ? `[${printer.print(name)}${range}]` : `.${printer.print(name)}`
  const separator = value.kind === 'designator' ? '' : '='
  return `${target}${separator}${printer.print(value)}`
}
