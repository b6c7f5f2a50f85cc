/** Exists to say where a value can be: in memory, in a register, in several places, nowhere but in the debugging information, or gone. */

import type { Entry } from '../dwarf/entry.ts'

/** Where an object or a part of it is. Addresses are those of the running program. */
export type Location =
  | { readonly kind: 'memory'; readonly address: number }
  | { readonly kind: 'register'; readonly register: number }
  /** The value itself, little-endian; shorter values are extended with zeros. */
  | { readonly kind: 'value'; readonly bytes: Uint8Array }
  /** A pointer to an object that has no address: the entry of the object, and a distance in it. */
  | { readonly kind: 'implicit-pointer'; readonly entry: Entry; readonly offset: number }
  | { readonly kind: 'pieces'; readonly pieces: readonly Piece[] }
  | { readonly kind: 'optimized-out' }

/** A part of an object, in order from its start. */
export interface Piece {
  readonly bits: number
  /** First bit within the place. */
  readonly bitOffset: number
  readonly location: Location
}

export const optimizedOut: Location = { kind: 'optimized-out' }
