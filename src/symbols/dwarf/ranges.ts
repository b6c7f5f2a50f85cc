/** Exists because code of one function or unit may lie in several pieces: the range lists of DWARF 4 and 5. */

import { LemmingError } from '../../base/errors.ts'
import { DW_RLE } from './constants.ts'
import type { DwarfData } from './data.ts'

/** What a range list needs to know of its unit. */
export interface RangeContext {
  readonly data: DwarfData
  readonly version: number
  readonly addressSize: number
  /** Added to offset pairs until the list sets another base. */
  readonly baseAddress: number
  /** Where lists of DWARF 4 begin to count. */
  readonly rangesBase: number
  indexedAddress(index: number): number
}

/**
 * The ranges `[start, end, start, end, ...]` of the list at `offset` of `.debug_rnglists` (DWARF 5, 2.17.3) or `.debug_ranges`
 * (DWARF 4, 2.17.3). Empty ranges are left out.
 */
export function readRanges(context: RangeContext, offset: number): number[] {
  return context.version >= 5 ? readRangeList(context, offset) : readOldRanges(context, offset)
}

function readOldRanges(context: RangeContext, offset: number): number[] {
  const ranges: number[] = []
  const reader = context.data.reader('ranges', offset + context.rangesBase)
  const wide = context.addressSize === 8
  const baseSelection = wide ? 2 ** 64 : 0xffffffff
  let base = context.baseAddress
  for (;;) {
    const start = wide ? reader.u64() : reader.u32()
    const end = wide ? reader.u64() : reader.u32()
    if (start === 0 && end === 0) return ranges
    if (start === baseSelection) base = end
    else if (end > start) ranges.push(base + start, base + end)
  }
}

function readRangeList(context: RangeContext, offset: number): number[] {
  const ranges: number[] = []
  const reader = context.data.reader('rnglists', offset)
  const address = (): number => (context.addressSize === 8 ? reader.u64() : reader.u32())
  let base = context.baseAddress
  for (;;) {
    const kind = reader.u8()
    let start = 0
    let end = 0
    switch (kind) {
      case DW_RLE.end_of_list:
        return ranges
      case DW_RLE.base_addressx:
        base = context.indexedAddress(reader.uleb())
        continue
      case DW_RLE.base_address:
        base = address()
        continue
      case DW_RLE.startx_endx:
        start = context.indexedAddress(reader.uleb())
        end = context.indexedAddress(reader.uleb())
        break
      case DW_RLE.startx_length:
        start = context.indexedAddress(reader.uleb())
        end = start + reader.uleb()
        break
      case DW_RLE.offset_pair:
        start = base + reader.uleb()
        end = base + reader.uleb()
        break
      case DW_RLE.start_end:
        start = address()
        end = address()
        break
      case DW_RLE.start_length:
        start = address()
        end = start + reader.uleb()
        break
      default:
        throw new LemmingError(
          'dwarf-ranges',
          `${context.data.elf.name}: unknown entry ${kind} in the range list at .debug_rnglists+0x${offset.toString(16)}`,
        )
    }
    if (end > start) ranges.push(start, end)
  }
}
