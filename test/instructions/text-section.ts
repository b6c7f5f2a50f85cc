/** Exists to give tests the code of real programs. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Bytes and address of `.text`, found by readelf. */
export function textSection(path: string): { bytes: Uint8Array; address: number } {
  const line = /\.text\s+PROGBITS\s+([0-9a-f]+)\s+([0-9a-f]+)\s+([0-9a-f]+)/.exec(
    execFileSync('readelf', ['-SW', path], { encoding: 'utf8' }),
  )
  const [address, offset, size] = [1, 2, 3].map((i) => parseInt(line![i]!, 16)) as [number, number, number]
  return { bytes: new Uint8Array(readFileSync(path)).slice(offset, offset + size), address }
}
