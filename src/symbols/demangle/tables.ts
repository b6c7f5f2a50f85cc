/** Exists to keep the codes of the Itanium C++ ABI (5.1, mangling) apart from the grammar that uses them. */

import type { LiteralStyle, Node } from './nodes.ts'

const builtin = (text: string, literal: LiteralStyle = 'cast'): Node => ({ kind: 'builtin', text, literal })

/** Builtin types with a code of one letter (5.1.5.2). */
export const builtinTypes: Record<string, Node> = {
  a: builtin('signed char'),
  b: builtin('bool', 'bool'),
  c: builtin('char'),
  d: builtin('double', 'float'),
  e: builtin('long double', 'float'),
  f: builtin('float', 'float'),
  g: builtin('__float128', 'float'),
  h: builtin('unsigned char'),
  i: builtin('int', 'plain'),
  j: builtin('unsigned int', 'u'),
  l: builtin('long', 'l'),
  m: builtin('unsigned long', 'ul'),
  n: builtin('__int128'),
  o: builtin('unsigned __int128'),
  s: builtin('short'),
  t: builtin('unsigned short'),
  v: builtin('void'),
  w: builtin('wchar_t'),
  x: builtin('long long', 'll'),
  y: builtin('unsigned long long', 'ull'),
  z: builtin('...'),
}

/** Builtin types whose code is `D` and a letter. */
export const dTypes: Record<string, Node> = {
  a: builtin('auto'),
  c: builtin('decltype(auto)'),
  d: builtin('decimal64'),
  e: builtin('decimal128'),
  f: builtin('decimal32'),
  h: builtin('half', 'float'),
  i: builtin('char32_t'),
  n: builtin('decltype(nullptr)'),
  s: builtin('char16_t'),
  u: builtin('char8_t'),
}

/** Standard abbreviations (5.1.10): how people write them, and the whole name. The last word names constructors. */
export const standardAbbreviations: Record<string, { short: string; full: string; last: string }> = {
  a: { short: 'std::allocator', full: 'std::allocator', last: 'allocator' },
  b: { short: 'std::basic_string', full: 'std::basic_string', last: 'basic_string' },
  s: {
    short: 'std::string',
    full: 'std::basic_string<char, std::char_traits<char>, std::allocator<char> >',
    last: 'basic_string',
  },
  i: { short: 'std::istream', full: 'std::basic_istream<char, std::char_traits<char> >', last: 'basic_istream' },
  o: { short: 'std::ostream', full: 'std::basic_ostream<char, std::char_traits<char> >', last: 'basic_ostream' },
  d: { short: 'std::iostream', full: 'std::basic_iostream<char, std::char_traits<char> >', last: 'basic_iostream' },
}

/** Operators (5.1.4.3): code, spelling, number of operands in an expression. */
const operatorRows: [string, string, number][] = [
  ['aN', '&=', 2],
  ['aS', '=', 2],
  ['aa', '&&', 2],
  ['ad', '&', 1],
  ['an', '&', 2],
  ['at', 'alignof ', 1],
  ['aw', 'co_await ', 1],
  ['az', 'alignof ', 1],
  ['cc', 'const_cast', 2],
  ['cl', '()', 2],
  ['cm', ',', 2],
  ['co', '~', 1],
  ['dV', '/=', 2],
  ['dX', '[...]=', 3],
  ['da', 'delete[] ', 1],
  ['dc', 'dynamic_cast', 2],
  ['de', '*', 1],
  ['di', '=', 2],
  ['dl', 'delete ', 1],
  ['ds', '.*', 2],
  ['dt', '.', 2],
  ['dv', '/', 2],
  ['dx', ']=', 2],
  ['eO', '^=', 2],
  ['eo', '^', 2],
  ['eq', '==', 2],
  ['fL', '...', 3],
  ['fR', '...', 3],
  ['fl', '...', 2],
  ['fr', '...', 2],
  ['ge', '>=', 2],
  ['gs', '::', 1],
  ['gt', '>', 2],
  ['ix', '[]', 2],
  ['lS', '<<=', 2],
  ['le', '<=', 2],
  ['ls', '<<', 2],
  ['lt', '<', 2],
  ['mI', '-=', 2],
  ['mL', '*=', 2],
  ['mi', '-', 2],
  ['ml', '*', 2],
  ['mm', '--', 1],
  ['na', 'new[]', 3],
  ['ne', '!=', 2],
  ['ng', '-', 1],
  ['nt', '!', 1],
  ['nw', 'new', 3],
  ['nx', 'noexcept', 1],
  ['oR', '|=', 2],
  ['oo', '||', 2],
  ['or', '|', 2],
  ['pL', '+=', 2],
  ['pl', '+', 2],
  ['pm', '->*', 2],
  ['pp', '++', 1],
  ['ps', '+', 1],
  ['pt', '->', 2],
  ['qu', '?', 3],
  ['rM', '%=', 2],
  ['rS', '>>=', 2],
  ['rc', 'reinterpret_cast', 2],
  ['rm', '%', 2],
  ['rs', '>>', 2],
  ['sP', 'sizeof...', 1],
  ['sZ', 'sizeof...', 1],
  ['sc', 'static_cast', 2],
  ['ss', '<=>', 2],
  ['st', 'sizeof ', 1],
  ['sz', 'sizeof ', 1],
  ['te', 'typeid ', 1],
  ['ti', 'typeid ', 1],
  ['tr', 'throw', 0],
  ['tw', 'throw ', 1],
]

/** One operator: its spelling, and how many operands it has in an expression. */
export interface Operator {
  readonly spelling: string
  readonly arity: number
}

export const operators: ReadonlyMap<string, Operator> = new Map(
  operatorRows.map(([code, spelling, arity]) => [code, { spelling, arity }]),
)

/** Prefixes of special names (5.1.4.4) that are followed by a type. */
export const specialTypeNames: Record<string, string> = {
  V: 'vtable for ',
  T: 'VTT for ',
  I: 'typeinfo for ',
  S: 'typeinfo name for ',
  F: 'typeinfo fn for ',
  J: 'java Class for ',
}
