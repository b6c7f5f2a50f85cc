/** Exists because the identity of a binary (its build-id) is a note, and separate debug files are found by it. */

import { ByteReader, decodeText } from './reader.ts'

/** One note; `descriptor` is not copied. */
export interface Note {
  readonly owner: string
  readonly type: number
  readonly descriptor: Uint8Array
}

const NT_GNU_BUILD_ID = 3

/** The notes in `bytes`, each padded to `align` bytes (4, or 8 in segments that say so). Stops at the first one that does not fit. */
export function parseNotes(bytes: Uint8Array, align: number): Note[] {
  const notes: Note[] = []
  const unit = align === 8 ? 8 : 4
  let offset = 0
  while (offset + 12 <= bytes.length) {
    const reader = new ByteReader(bytes, 'a note', offset)
    const nameSize = reader.u32()
    const descriptorSize = reader.u32()
    const type = reader.u32()
    const nameAt = offset + 12
    const descriptorAt = roundUp(nameAt + nameSize, unit)
    const end = descriptorAt + descriptorSize
    if (end > bytes.length) break
    const owner = decodeText(bytes, nameAt, Math.max(nameAt, nameAt + nameSize - 1))
    notes.push({ owner, type, descriptor: bytes.subarray(descriptorAt, end) })
    offset = roundUp(end, unit)
  }
  return notes
}

/** The build-id among `notes` as lower-case hex, or undefined. */
export function buildIdOf(notes: readonly Note[]): string | undefined {
  const note = notes.find(({ owner, type }) => owner === 'GNU' && type === NT_GNU_BUILD_ID)
  if (note === undefined) return undefined
  return Array.from(note.descriptor, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit
}
