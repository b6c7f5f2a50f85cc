/** Exists because every attribute can be stored in many forms: reading a value, and stepping over one, for each of them. */

import { LemmingError } from '../../base/errors.ts'
import type { ByteReader } from '../../elf/reader.ts'
import { DW_FORM as F } from './constants.ts'
import type { Unit } from './unit.ts'

/**
 * The value of an attribute. Numbers: constants, addresses, section offsets, and references as offsets in `.debug_info`.
 * Undefined: a reference into another file (type signatures, supplementary files).
 */
export type FormValue = number | string | Uint8Array | undefined

/** Reads a value of form `form`; `constant` is the abbreviation's implicit one. Throws `dwarf-form` for a form that does not exist. */
export function readForm(reader: ByteReader, form: number, constant: number, unit: Unit): FormValue {
  switch (form) {
    case F.addr:
      return unit.addressSize === 8 ? reader.u64() : reader.u32()
    case F.data1:
    case F.flag:
      return reader.u8()
    case F.data2:
      return reader.u16()
    case F.data4:
      return reader.u32()
    case F.data8:
      return reader.u64()
    case F.data16:
      return reader.slice(16)
    case F.sdata:
      return reader.sleb()
    case F.udata:
      return reader.uleb()
    case F.flag_present:
      return 1
    case F.implicit_const:
      return constant
    case F.string:
      return reader.cstring()
    case F.strp:
      return unit.data.string('str', offset(reader, unit))
    case F.line_strp:
      return unit.data.string('line_str', offset(reader, unit))
    case F.strx:
    case F.GNU_str_index:
      return unit.indexedString(reader.uleb())
    case F.strx1:
      return unit.indexedString(reader.u8())
    case F.strx2:
      return unit.indexedString(reader.u16())
    case F.strx3:
      return unit.indexedString(reader.u24())
    case F.strx4:
      return unit.indexedString(reader.u32())
    case F.addrx:
    case F.GNU_addr_index:
      return unit.indexedAddress(reader.uleb())
    case F.addrx1:
      return unit.indexedAddress(reader.u8())
    case F.addrx2:
      return unit.indexedAddress(reader.u16())
    case F.addrx3:
      return unit.indexedAddress(reader.u24())
    case F.addrx4:
      return unit.indexedAddress(reader.u32())
    case F.ref1:
      return unit.offset + reader.u8()
    case F.ref2:
      return unit.offset + reader.u16()
    case F.ref4:
      return unit.offset + reader.u32()
    case F.ref8:
      return unit.offset + reader.u64()
    case F.ref_udata:
      return unit.offset + reader.uleb()
    case F.ref_addr:
      return unit.version <= 2 ? reader.u64() : offset(reader, unit)
    case F.sec_offset:
      return offset(reader, unit)
    case F.loclistx:
      return reader.uleb()
    case F.rnglistx:
      return unit.indexedRangeList(reader.uleb())
    case F.exprloc:
    case F.block:
      return reader.slice(reader.uleb())
    case F.block1:
      return reader.slice(reader.u8())
    case F.block2:
      return reader.slice(reader.u16())
    case F.block4:
      return reader.slice(reader.u32())
    case F.indirect:
      return readForm(reader, reader.uleb(), 0, unit)
    case F.strp_sup:
    case F.GNU_strp_alt:
      return unit.data.supplementaryString(offset(reader, unit))
    case F.ref_sig8:
    case F.ref_sup4:
    case F.ref_sup8:
    case F.GNU_ref_alt:
      skipForm(reader, form, unit)
      return undefined
    default:
      throw unknownForm(form, unit)
  }
}

/** Steps over a value of form `form`. */
export function skipForm(reader: ByteReader, form: number, unit: Unit): void {
  switch (form) {
    case F.flag_present:
    case F.implicit_const:
      return
    case F.data1:
    case F.flag:
    case F.ref1:
    case F.strx1:
    case F.addrx1:
      reader.take(1)
      return
    case F.data2:
    case F.ref2:
    case F.strx2:
    case F.addrx2:
      reader.take(2)
      return
    case F.strx3:
    case F.addrx3:
      reader.take(3)
      return
    case F.data4:
    case F.ref4:
    case F.ref_sup4:
    case F.strx4:
    case F.addrx4:
      reader.take(4)
      return
    case F.data8:
    case F.ref8:
    case F.ref_sup8:
    case F.ref_sig8:
      reader.take(8)
      return
    case F.data16:
      reader.take(16)
      return
    case F.addr:
      reader.take(unit.addressSize)
      return
    case F.strp:
    case F.line_strp:
    case F.strp_sup:
    case F.sec_offset:
    case F.GNU_ref_alt:
    case F.GNU_strp_alt:
      reader.take(unit.offsetSize)
      return
    case F.ref_addr:
      reader.take(unit.version <= 2 ? unit.addressSize : unit.offsetSize)
      return
    case F.sdata:
    case F.udata:
    case F.strx:
    case F.addrx:
    case F.ref_udata:
    case F.loclistx:
    case F.rnglistx:
    case F.GNU_addr_index:
    case F.GNU_str_index:
      reader.skipLeb()
      return
    case F.string:
      reader.skipCstring()
      return
    case F.exprloc:
    case F.block:
      reader.take(reader.uleb())
      return
    case F.block1:
      reader.take(reader.u8())
      return
    case F.block2:
      reader.take(reader.u16())
      return
    case F.block4:
      reader.take(reader.u32())
      return
    case F.indirect:
      skipForm(reader, reader.uleb(), unit)
      return
    default:
      throw unknownForm(form, unit)
  }
}

function offset(reader: ByteReader, unit: Unit): number {
  return unit.offsetSize === 8 ? reader.u64() : reader.u32()
}

function unknownForm(form: number, unit: Unit): LemmingError {
  return new LemmingError(
    'dwarf-form',
    `${unit.data.elf.name}: unknown DWARF form 0x${form.toString(16)} in the unit at .debug_info+0x${unit.offset.toString(16)}`,
    'build with -gdwarf-5 or -gdwarf-4',
  )
}
