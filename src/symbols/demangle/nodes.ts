/** Exists as the shape of a demangled C++ name between parsing and printing. */

/** A name, a type or an expression of the Itanium C++ ABI, as a tree. */
export type Node =
  // Names
  | { readonly kind: 'text'; readonly text: string }
  /** A standard abbreviation such as `Ss`: `short` is how people write it, `full` what it stands for. */
  | { readonly kind: 'standard'; readonly short: string; readonly full: string }
  | { readonly kind: 'nested'; readonly scope: Node; readonly name: Node }
  /** A name inside a function; `defaultArgument` counts its parameters from the last, from 1. */
  | { readonly kind: 'local'; readonly encoding: Node; readonly name: Node; readonly defaultArgument?: number }
  | { readonly kind: 'template'; readonly name: Node; readonly args: readonly Node[] }
  | { readonly kind: 'conversion'; readonly type: Node }
  | { readonly kind: 'tagged'; readonly name: Node; readonly tag: string }
  /** `templateParams` are those that the source names (C++20); uses of them and of `auto` are `parameter` nodes. */
  | {
      readonly kind: 'lambda'
      readonly templateParams: readonly Node[]
      readonly params: readonly Node[]
      readonly number: number
    }
  /** A named template parameter: of a type (`type` absent), a value of `type`, or a template with parameters of its own. */
  | {
      readonly kind: 'template-parameter'
      readonly type?: Node
      readonly of?: readonly Node[]
      readonly isPack: boolean
    }
  // Whole symbols
  /** A function; `templateArgs` are what template parameters in its type refer to. */
  | {
      readonly kind: 'encoding'
      readonly name: Node
      readonly result?: Node
      readonly params: readonly Node[]
      readonly qualifiers: string
      readonly templateArgs?: readonly Node[]
    }
  | { readonly kind: 'special'; readonly prefix: string; readonly of: Node; readonly within?: Node }
  // Types
  | { readonly kind: 'builtin'; readonly text: string; readonly literal: LiteralStyle }
  | { readonly kind: 'qualified'; readonly base: Node; readonly qualifiers: string }
  | { readonly kind: 'pointer'; readonly to: Node }
  | { readonly kind: 'reference'; readonly to: Node; readonly rvalue: boolean }
  | {
      readonly kind: 'function'
      readonly result: Node
      readonly params: readonly Node[]
      readonly qualifiers: string
      readonly exceptions?: Node
    }
  | { readonly kind: 'array'; readonly element: Node; readonly size?: Node }
  | { readonly kind: 'member-pointer'; readonly owner: Node; readonly type: Node }
  | { readonly kind: 'vector'; readonly element: Node; readonly size: Node }
  | { readonly kind: 'decltype'; readonly expression: Node }
  | { readonly kind: 'exceptions'; readonly word: string; readonly args: readonly Node[] }
  // Templates
  /** A template parameter by number. What it stands for depends on the function around it, also where a substitution repeats it. */
  | { readonly kind: 'parameter'; readonly index: number }
  | { readonly kind: 'pack'; readonly elements: readonly Node[] }
  | { readonly kind: 'expansion'; readonly pattern: Node }
  // Expressions
  | { readonly kind: 'literal'; readonly type: Node; readonly value: string; readonly negative: boolean }
  | { readonly kind: 'prefix'; readonly code: string; readonly operator: string; readonly operand: Node }
  | { readonly kind: 'postfix'; readonly operator: string; readonly operand: Node }
  | {
      readonly kind: 'binary'
      readonly code: string
      readonly operator: string
      readonly left: Node
      readonly right: Node
    }
  | { readonly kind: 'conditional'; readonly test: Node; readonly yes: Node; readonly no: Node }
  | { readonly kind: 'cast'; readonly type: Node; readonly operand: Node }
  | { readonly kind: 'new-cast'; readonly operator: string; readonly type: Node; readonly operand: Node }
  | { readonly kind: 'call'; readonly callee: Node; readonly args: Node }
  | { readonly kind: 'new'; readonly placement: Node; readonly type: Node; readonly initializer?: Node }
  | { readonly kind: 'list'; readonly items: readonly Node[] }
  | { readonly kind: 'braces'; readonly type?: Node; readonly items: readonly Node[] }
  | { readonly kind: 'function-parameter'; readonly number: number }
  | { readonly kind: 'pack-length'; readonly of: Node }
  | {
      readonly kind: 'fold'
      readonly operator: string
      readonly form: 'l' | 'r' | 'L' | 'R'
      readonly first: Node
      readonly second?: Node
    }
  | {
      readonly kind: 'designator'
      readonly index: boolean
      readonly name: Node
      readonly last?: Node
      readonly value: Node
    }

/** How a literal of a builtin type is written: bare with a suffix, as a word, in brackets, or `(type)value`. */
export type LiteralStyle = 'plain' | 'u' | 'l' | 'ul' | 'll' | 'ull' | 'bool' | 'float' | 'cast'

export function text(value: string): Node {
  return { kind: 'text', text: value }
}
