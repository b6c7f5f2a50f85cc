/** Exists to say how values are written: what a question chooses, and what holds at one place inside of a value. */

import type { Format } from './numbers.ts'

/** How values are written. */
export interface FormatOptions {
  readonly format?: Format
  /** One member a line. */
  readonly pretty?: boolean
  /** Elements of an array or characters of a string that are written at most; 200 by default. */
  readonly limit?: number
  /** Containers of the C++ library as what they hold, and not as the structures that they are. */
  readonly library?: boolean
  /** Objects of classes with virtual functions as what they are: gdb's `set print object`. */
  readonly object?: boolean
  /** Aggregates as `...`, for the arguments of a stack. */
  readonly summary?: boolean
}

/** Options as they hold at one place inside of a value. */
export interface Inner extends FormatOptions {
  readonly limit: number
  readonly depth: number
  /** Whether a reference is followed: not inside of structures. */
  readonly follow: boolean
  /** Virtual base classes that the object around has shown already. */
  readonly virtualBases?: Set<string>
}

/** Runs of equal elements longer than this are folded. */
export const REPEATS = 10

/** What stands for a value that the compiler has kept nowhere. */
export const LOST = '<optimized out>'
