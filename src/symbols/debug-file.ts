/** Exists because distributions ship debugging information in files of their own: finds the one that belongs to a binary. */

import type { ElfFile } from '../elf/file.ts'
import { parseElf } from '../elf/file.ts'
import { ByteReader } from '../elf/reader.ts'
import { isElfError } from '../elf/file.ts'
import { unxz } from './lzma.ts'

const ROOT = '/usr/lib/debug'

/**
 * The separate debug file of `elf`, by its build-id (`/usr/lib/debug/.build-id/xx/yyyy.debug`), else by its `.gnu_debuglink`: a file
 * of that name beside it, in `.debug/` beside it, or below `/usr/lib/debug`, whose CRC agrees (gdb manual, "Debugging Information in
 * Separate Files"). `read` returns the bytes of a path, or undefined. A file that does not belong to `elf` is passed over.
 */
export function findDebugFile(elf: ElfFile, read: (path: string) => Uint8Array | undefined): ElfFile | undefined {
  const id = elf.buildId()
  if (id !== undefined) {
    const path = `${ROOT}/.build-id/${id.slice(0, 2)}/${id.slice(2)}.debug`
    const found = openFile(path, read(path))
    if (found?.buildId() === id) return found
  }
  const link = debugLink(elf)
  if (link === undefined) return undefined
  const directory = elf.name.slice(0, elf.name.lastIndexOf('/') + 1)
  for (const path of [
    `${directory}${link.name}`,
    `${directory}.debug/${link.name}`,
    `${ROOT}${directory}${link.name}`,
  ]) {
    const bytes = read(path)
    if (bytes === undefined || crc32(bytes) !== link.crc) continue
    const found = openFile(path, bytes)
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * The file that `dwz -m` has moved what several files share to: `.gnu_debugaltlink` has its path, absolute or beside `elf`, and its
 * build-id, which must agree.
 */
export function findSupplement(elf: ElfFile, read: (path: string) => Uint8Array | undefined): ElfFile | undefined {
  const bytes = elf.sectionContents('.gnu_debugaltlink', (stored) => stored)
  if (bytes === undefined) return undefined
  const reader = new ByteReader(bytes, `${elf.name}: .gnu_debugaltlink`)
  const name = reader.cstring()
  const id = Array.from(reader.slice(bytes.length - reader.offset), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  )
  const directory = elf.name.slice(0, elf.name.lastIndexOf('/') + 1)
  const paths = [
    name.startsWith('/') ? name : directory + name,
    `${ROOT}/.build-id/${id.slice(0, 2)}/${id.slice(2)}.debug`,
  ]
  for (const path of paths) {
    const found = openFile(path, read(path))
    if (found?.buildId() === id) return found
  }
  return undefined
}

/** The file within `.gnu_debugdata`: symbols of functions that the dynamic table lacks (gdb manual, "MiniDebugInfo"). */
export function miniDebugFile(elf: ElfFile): ElfFile | undefined {
  const bytes = elf.sectionContents('.gnu_debugdata', (stored) => stored)
  return bytes === undefined ? undefined : openFile(`${elf.name}: .gnu_debugdata`, unxz(bytes))
}

/** A file with debugging information; undefined for what is none. */
export function openFile(path: string, bytes: Uint8Array | undefined): ElfFile | undefined {
  if (bytes === undefined) return undefined
  try {
    return parseElf(bytes, path, 'debug')
  } catch (error) {
    if (isElfError(error)) return undefined
    throw error
  }
}

/** The contents of `.gnu_debuglink`: a file name, padding to four bytes, and the CRC of that file. */
function debugLink(elf: ElfFile): { name: string; crc: number } | undefined {
  const bytes = elf.sectionContents('.gnu_debuglink', (stored) => stored)
  if (bytes === undefined) return undefined
  const reader = new ByteReader(bytes, `${elf.name}: .gnu_debuglink`)
  const name = reader.cstring()
  reader.offset = Math.ceil(reader.offset / 4) * 4
  return { name, crc: reader.u32() }
}

let crcTable: Uint32Array | undefined

/** The CRC-32 of zlib and Ethernet, which `.gnu_debuglink` uses. */
function crc32(bytes: Uint8Array): number {
  crcTable ??= Uint32Array.from({ length: 256 }, (_, i) => {
    let c = i
    for (let k = 0; k < 8; k++) c = (c & 1) !== 0 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
    return c
  })
  let crc = 0xffffffff
  for (let i = 0; i < bytes.length; i++) crc = crcTable[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8)
  return ~crc >>> 0
}
