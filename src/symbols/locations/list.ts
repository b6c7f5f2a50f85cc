/** Exists because a variable moves: the location lists of DWARF 4 and 5 say where it is at which instruction. */

import { LemmingError } from '../../base/errors.ts'
import { DW_LLE } from '../dwarf/constants.ts'
import type { Unit } from '../dwarf/unit.ts'

/**
 * The expression of the list at `offset` that holds at `address` (without load bias); undefined where the variable is nowhere. At the
 * entry of a function (`isEntry`) an empty range counts: gcc says with it where a parameter is before the first instruction.
 */
export function findInLocationList(
  unit: Unit,
  offset: number,
  address: number,
  isEntry: boolean,
): Uint8Array | undefined {
  const holds = (start: number, end: number): boolean =>
    (address >= start && address < end) || (isEntry && start === end && address === start)
  return unit.version >= 5 ? findInList(unit, offset, holds) : findInOldList(unit, offset, holds)
}

type Holds = (start: number, end: number) => boolean

/** `.debug_loc` (DWARF 4, 2.6.2). */
function findInOldList(unit: Unit, offset: number, holds: Holds): Uint8Array | undefined {
  if (unit.skeleton !== undefined) return findInSplitList(unit, offset, holds)
  const reader = unit.data.reader('loc', offset)
  const wide = unit.addressSize === 8
  const baseSelection = wide ? 2 ** 64 : 0xffffffff
  let base = unit.baseAddress
  for (;;) {
    const start = wide ? reader.u64() : reader.u32()
    const end = wide ? reader.u64() : reader.u32()
    if (start === 0 && end === 0) return undefined
    if (start === baseSelection) {
      base = end
      continue
    }
    const expression = reader.slice(reader.u16())
    if (holds(base + start, base + end)) return expression
  }
}

/** `.debug_loc.dwo`: GNU's form for split units of DWARF 4, with addresses by index. */
function findInSplitList(unit: Unit, offset: number, holds: Holds): Uint8Array | undefined {
  const [BASE, START_END, START_LENGTH, OFFSETS] = [1, 2, 3, 4]
  const reader = unit.data.reader('loc', offset)
  let base = unit.baseAddress
  for (;;) {
    const kind = reader.u8()
    let start = 0
    let end = 0
    if (kind === BASE) {
      base = unit.indexedAddress(reader.uleb())
      continue
    } else if (kind === START_END) {
      start = unit.indexedAddress(reader.uleb())
      end = unit.indexedAddress(reader.uleb())
    } else if (kind === START_LENGTH) {
      start = unit.indexedAddress(reader.uleb())
      end = start + reader.u32()
    } else if (kind === OFFSETS) {
      start = base + reader.u32()
      end = base + reader.u32()
    } else return undefined
    const expression = reader.slice(reader.u16())
    if (holds(start, end)) return expression
  }
}

/** `.debug_loclists` (DWARF 5, 2.6.2). */
function findInList(unit: Unit, offset: number, holds: Holds): Uint8Array | undefined {
  const reader = unit.data.reader('loclists', offset)
  const readAddress = (): number => (unit.addressSize === 8 ? reader.u64() : reader.u32())
  let base = unit.baseAddress
  let fallback: Uint8Array | undefined
  for (;;) {
    const kind = reader.u8()
    let start = 0
    let end = 0
    switch (kind) {
      case DW_LLE.end_of_list:
        return fallback
      case DW_LLE.base_addressx:
        base = unit.indexedAddress(reader.uleb())
        continue
      case DW_LLE.base_address:
        base = readAddress()
        continue
      case DW_LLE.GNU_view_pair:
        reader.skipLeb()
        reader.skipLeb()
        continue
      case DW_LLE.default_location:
        fallback = reader.slice(reader.uleb())
        continue
      case DW_LLE.startx_endx:
        start = unit.indexedAddress(reader.uleb())
        end = unit.indexedAddress(reader.uleb())
        break
      case DW_LLE.startx_length:
        start = unit.indexedAddress(reader.uleb())
        end = start + reader.uleb()
        break
      case DW_LLE.offset_pair:
        start = base + reader.uleb()
        end = base + reader.uleb()
        break
      case DW_LLE.start_end:
        start = readAddress()
        end = readAddress()
        break
      case DW_LLE.start_length:
        start = readAddress()
        end = start + reader.uleb()
        break
      default:
        throw new LemmingError(
          'dwarf-location',
          `${unit.data.elf.name}: unknown entry ${kind} in the location list at .debug_loclists+0x${offset.toString(16)}`,
        )
    }
    const expression = reader.slice(reader.uleb())
    if (holds(start, end)) return expression
  }
}
