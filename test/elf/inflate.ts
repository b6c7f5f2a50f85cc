/** Exists because the ELF reader is handed its decompressor; tests hand it Node's. */

import { inflateSync, zstdDecompressSync } from 'node:zlib'
import type { Inflate } from '../../src/elf/sections.ts'

export const inflateForTest: Inflate = (bytes, format, size) => {
  const result = new Uint8Array(format === 'zlib' ? inflateSync(bytes) : zstdDecompressSync(bytes))
  if (result.length !== size) throw new Error(`inflated to ${result.length} bytes instead of ${size}`)
  return result
}
