/** Exists because a line program is useless without its header: the opcodes' shape, and the names of files and directories. */

import { LemmingError } from '../../base/errors.ts'
import type { ByteReader } from '../../elf/reader.ts'
import { DW_FORM, DW_LNCT } from './constants.ts'
import { readForm } from './forms.ts'
import type { Unit } from './unit.ts'

/** Header of a line table (DWARF 5, 6.2.4), and where its program lies in `.debug_line`. */
export interface LineHeader {
  readonly version: number
  readonly minimumInstructionLength: number
  readonly maximumOperations: number
  readonly defaultIsStatement: boolean
  readonly lineBase: number
  readonly lineRange: number
  readonly opcodeBase: number
  /** Number of operands of each standard opcode, from index 1. */
  readonly operandCounts: readonly number[]
  /** Full path of each file number of the program (0 is unused before version 5). */
  readonly files: string[]
  readonly programStart: number
  readonly programEnd: number
  readonly addressSize: number
}

/** Parses the header at `offset`; `unit` gives the directory that relative names are relative to. Throws `dwarf-line`. */
export function parseLineHeader(unit: Unit, offset: number): LineHeader {
  const reader = unit.data.reader('line', offset)
  const length = reader.u32()
  const wide = length === 0xffffffff
  const unitLength = wide ? reader.u64() : length
  const programEnd = reader.offset + unitLength
  const version = reader.u16()
  if (version < 2 || version > 5) {
    throw new LemmingError(
      'dwarf-line',
      `${unit.data.elf.name}: line table of version ${version} at .debug_line+0x${offset.toString(16)}`,
      'build with -gdwarf-5 or -gdwarf-4',
    )
  }
  let addressSize = unit.addressSize
  if (version >= 5) {
    addressSize = reader.u8()
    reader.u8()
  }
  const headerLength = wide ? reader.u64() : reader.u32()
  const programStart = reader.offset + headerLength
  const minimumInstructionLength = reader.u8()
  const maximumOperations = version >= 4 ? reader.u8() : 1
  const defaultIsStatement = reader.u8() !== 0
  const lineBase = reader.i8()
  const lineRange = reader.u8()
  const opcodeBase = reader.u8()
  const operandCounts = [0]
  for (let i = 1; i < opcodeBase; i++) operandCounts.push(reader.u8())
  const files = version >= 5 ? readFiles(reader, unit, wide) : readOldFiles(reader, unit)
  return {
    version,
    minimumInstructionLength,
    maximumOperations,
    defaultIsStatement,
    lineBase,
    lineRange,
    opcodeBase,
    operandCounts,
    files,
    programStart,
    programEnd,
    addressSize,
  }
}

function readOldFiles(reader: ByteReader, unit: Unit): string[] {
  const directories = [unit.root.compDir ?? '']
  for (;;) {
    const directory = reader.cstring()
    if (directory === '') break
    directories.push(joinPath(directories[0], directory))
  }
  const files = ['']
  for (;;) {
    const name = reader.cstring()
    if (name === '') return files
    files.push(joinPath(directories[reader.uleb()] ?? '', name))
    reader.skipLeb()
    reader.skipLeb()
  }
}

/** The next file entry of the old form, as `DW_LNE_define_file` also has it. */
export function readFileEntry(reader: ByteReader, unit: Unit): string {
  const name = reader.cstring()
  reader.skipLeb()
  reader.skipLeb()
  reader.skipLeb()
  return joinPath(unit.root.compDir ?? '', name)
}

function readFiles(reader: ByteReader, unit: Unit, wide: boolean): string[] {
  const lineUnit =
    wide === (unit.offsetSize === 8) ? unit : Object.create(unit, { offsetSize: { value: wide ? 8 : 4 } })
  // Directory 0 is the one of the compilation; the others may be relative to it.
  const directories: string[] = []
  for (const { path } of readEntries(reader, lineUnit)) directories.push(joinPath(directories[0] ?? '', path))
  const files: string[] = []
  for (const { path, directory } of readEntries(reader, lineUnit))
    files.push(joinPath(directories[directory] ?? '', path))
  return files
}

function readEntries(reader: ByteReader, unit: Unit): { path: string; directory: number }[] {
  const formats: [number, number][] = []
  const formatCount = reader.u8()
  for (let i = 0; i < formatCount; i++) formats.push([reader.uleb(), reader.uleb()])
  const entries: { path: string; directory: number }[] = []
  const count = reader.uleb()
  for (let i = 0; i < count; i++) {
    let path = ''
    let directory = 0
    for (const [content, form] of formats) {
      const value = readForm(reader, form === DW_FORM.implicit_const ? DW_FORM.udata : form, 0, unit)
      if (content === DW_LNCT.path && typeof value === 'string') path = value
      if (content === DW_LNCT.directory_index && typeof value === 'number') directory = value
    }
    entries.push({ path, directory })
  }
  return entries
}

/** `path` seen from `directory`: an absolute path stays as it is. Nothing is normalised, as gdb and addr2line do not. */
function joinPath(directory: string, path: string): string {
  if (path.startsWith('/') || directory === '') return path
  return directory.endsWith('/') ? directory + path : `${directory}/${path}`
}
