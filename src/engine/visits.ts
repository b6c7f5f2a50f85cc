/** Exists to count how often bytecode is visited, and to forget visits of long ago: a hunt executes one program a hundred thousand times, and what it comes by once in a while is not to be translated in the end. */
import { UNIT } from '../wasm/bytecode-ops.ts'
import type { AddressSpace } from './address-space.ts'
import type { Translation } from './library.ts'
import type { Unit } from './units.ts'

/** Lives of an address space after which each visit counts half. With UNIT_VISITS, what is visited five times in each is translated, and what is visited twice never. */
const LIVES = 256

/** Is what stands in a slot bytecode? */
export function isUnit(code: Translation | Unit): code is Unit {
  return 'bytecodes' in code
}

/** How often the unit at `address` has been visited. */
export function visitsOf(space: AddressSpace, address: number): number {
  return space.view.getUint32(address + UNIT.visits, true)
}

/** Sets how often the unit at `address` has been visited. */
export function setVisits(space: AddressSpace, address: number, visits: number): void {
  space.view.setUint32(address + UNIT.visits, visits, true)
}

/** The visits of an address space in all its lives. */
export class Visits {
  private lives = 0

  /** A life is over in which `active` was executed. */
  endLife(space: AddressSpace, active: readonly (Translation | Unit | undefined)[]): void {
    if (++this.lives % LIVES !== 0) return
    for (const code of active)
      if (code !== undefined && isUnit(code)) setVisits(space, code.address, visitsOf(space, code.address) >>> 1)
  }
}
