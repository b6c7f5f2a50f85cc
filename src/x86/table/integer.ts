/** Exists to gather the rows of the base integer instruction set. */
import { arithmetic } from './integer-arithmetic.ts'
import { bits } from './integer-bits.ts'
import { control } from './integer-control.ts'
import { moves } from './integer-move.ts'
import { strings } from './integer-string.ts'
import { system } from './integer-system.ts'
import type { InsnRow } from './types.ts'

/** All base integer rows. */
export const integer: readonly InsnRow[] = [...arithmetic, ...bits, ...control, ...moves, ...strings, ...system]
