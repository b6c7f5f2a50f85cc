/** Exists to hold an expression between reading it and computing it. */

import type { Type } from '../types/type.ts'

export type Expression =
  | { readonly kind: 'integer'; readonly value: bigint; readonly type: Type }
  | { readonly kind: 'float'; readonly value: number; readonly type: Type }
  | { readonly kind: 'string'; readonly codes: readonly number[]; readonly element: Type }
  /** `file` and `inner` are the parts of `'file.c'::name` and `function::name`. */
  | { readonly kind: 'name'; readonly name: string; readonly file?: string }
  | { readonly kind: 'dollar'; readonly name: string }
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: Expression }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'assign'; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'choose'; readonly test: Expression; readonly yes: Expression; readonly no: Expression }
  | { readonly kind: 'call'; readonly callee: Expression; readonly args: readonly Expression[] }
  | { readonly kind: 'cast'; readonly type: Type; readonly operand: Expression; readonly isDynamic?: true }
  | { readonly kind: 'sizeof'; readonly operand: Expression; readonly asked: 'size' | 'alignment' }
  | { readonly kind: 'sizeof-type'; readonly type: Type; readonly asked: 'size' | 'alignment' }
  | { readonly kind: 'member'; readonly object: Expression; readonly name: string; readonly arrow: boolean }
  | { readonly kind: 'index'; readonly object: Expression; readonly index: Expression }
  | { readonly kind: 'repeat'; readonly first: Expression; readonly count: Expression }
  /** `{type} address`. */
  | { readonly kind: 'at'; readonly type: Type; readonly address: Expression }
  /** A type where a value is expected: for `whatis` and `ptype`. */
  | { readonly kind: 'type'; readonly type: Type }
