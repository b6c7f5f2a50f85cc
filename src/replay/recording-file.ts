/** Exists to write recordings as bytes and read them back: versioned, compressed, checked, with the objects inside if they are to be self-contained. */
import { Packr } from 'msgpackr/pack'
import { LemmingError } from '../base/errors.ts'
import type { Codec, HostTerminal, ObjectStore, TerminalNews } from '../host/host.ts'
import { RECORDING_FORMAT, type ContentRef, type Recording, type WorldAnswers } from './recording.ts'
import { fetchObject } from './replaying-world.ts'

/*
 * The file, little-endian:
 *    0  8 bytes   89 4C 45 4D 0D 0A 1A 0A, which no transfer as text leaves as they are
 *    8  u32       format version
 *   12  32 bytes  SHA-256 of everything behind it
 *   44  u32       bytes of the manifest as stored
 *   48  f64       bytes of the manifest decompressed
 *   56            the manifest: MessagePack in a Zstandard frame
 *                 then the objects, one Zstandard frame each, in the order in which the manifest names them
 */
const MAGIC = Uint8Array.of(0x89, 0x4c, 0x45, 0x4d, 0x0d, 0x0a, 0x1a, 0x0a)
const CHECKED_FROM = 44
const HEADER = 56

/** Nothing that a recording says may make a reader allocate more than this, in bytes. */
const MANIFEST_LIMIT = 1 << 30

/** A text as MessagePack keeps it: one with lone surrogates (a name that is no UTF-8) as its UTF-16 code units. */
type Text = string | Uint8Array

interface Manifest {
  recording: Omit<Recording, 'answers'>
  answers: {
    lstat: [Text, unknown][]
    readlink: [Text, Text][]
    list: [Text, Text[] | string][]
    content: [Text, ContentRef | string][]
    input: Uint8Array[]
    changes: [number, string][]
    terminal: { info: HostTerminal; news: [number, TerminalNews][] } | null
  }
  /** Objects in the file: hash, bytes as stored. */
  objects: [string, number][]
  /** Files that were kept beside the recording, by name. */
  attached?: [string, Uint8Array][]
}

const packr = new Packr({ useRecords: false, mapsAsObjects: true })

/** A recording with the contents that came in the same file; `objects` has them and passes other questions on. */
export interface OpenedRecording {
  recording: Recording
  objects: ObjectStore
  /** Files that came with a self-contained recording: what a failure's directory has beside it. */
  attached?: Map<string, Uint8Array>
}

/** The bytes of a recording that refers to objects of a store. */
export function encodeRecording(recording: Recording, codec: Codec): Uint8Array {
  return write(recording, [], codec)
}

/** The bytes of a recording that needs no store: all its objects are inside, and what is attached. Throws as fetchObject does. */
export function exportRecording(
  recording: Recording,
  store: ObjectStore,
  codec: Codec,
  attached?: Map<string, Uint8Array>,
): Uint8Array {
  const objects = new Map<string, Uint8Array>()
  for (const [path, answer] of recording.answers.content) {
    if (typeof answer === 'string' || objects.has(answer.hash)) continue
    objects.set(answer.hash, codec.compress(fetchObject(store, path, answer.hash, answer.size)))
  }
  return write(recording, [...objects], codec, attached)
}

function write(
  { answers, ...recording }: Recording,
  objects: [string, Uint8Array][],
  codec: Codec,
  attached?: Map<string, Uint8Array>,
): Uint8Array {
  const manifest: Manifest = {
    recording,
    answers: {
      lstat: pairs(answers.lstat, (stat) => stat),
      readlink: pairs(answers.readlink, pack),
      list: pairs(answers.list, (names) => (typeof names === 'string' ? names : names.map(pack))),
      content: pairs(answers.content, (ref) => ref),
      input: answers.input,
      changes: [...answers.changes],
      terminal: answers.terminal && { info: answers.terminal.info, news: [...answers.terminal.news] },
    },
    objects: objects.map(([hash, stored]) => [hash, stored.length]),
    ...(attached !== undefined && { attached: [...attached] }),
  }
  const packed = packr.pack(manifest)
  const stored = codec.compress(packed)
  const bytes = new Uint8Array(HEADER + stored.length + objects.reduce((sum, [, object]) => sum + object.length, 0))
  const view = new DataView(bytes.buffer)
  bytes.set(MAGIC)
  view.setUint32(8, RECORDING_FORMAT, true)
  view.setUint32(CHECKED_FROM, stored.length, true)
  view.setFloat64(CHECKED_FROM + 4, packed.length, true)
  let at = HEADER
  for (const part of [stored, ...objects.map(([, object]) => object)]) {
    bytes.set(part, at)
    at += part.length
  }
  bytes.set(fromHex(codec.hash(bytes.subarray(CHECKED_FROM))), 12)
  return bytes
}

/** Reads what `encodeRecording` or `exportRecording` wrote. `name` is for messages; `store` has the objects that are not in the file. */
export function openRecording(bytes: Uint8Array, name: string, store: ObjectStore, codec: Codec): OpenedRecording {
  if (bytes.length < 12 || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new LemmingError(
      'recording-unknown',
      `${name}: not a recording`,
      'give a file that lemming wrote, or a failure such as F1',
    )
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const format = view.getUint32(8, true)
  if (format !== RECORDING_FORMAT) {
    throw new LemmingError(
      'recording-format',
      `${name}: recording of format ${format}, and this lemming reads format ${RECORDING_FORMAT}`,
      'replay it with the version of lemming that recorded it',
    )
  }
  if (bytes.length < HEADER) throw corrupt(name, 'it ends too early')
  if (codec.hash(bytes.subarray(CHECKED_FROM)) !== toHex(bytes.subarray(12, CHECKED_FROM))) {
    throw corrupt(name, 'its checksum does not agree with its contents')
  }
  const manifestLength = view.getUint32(CHECKED_FROM, true)
  const manifestSize = view.getFloat64(CHECKED_FROM + 4, true)
  if (HEADER + manifestLength > bytes.length || !(manifestSize <= MANIFEST_LIMIT))
    throw corrupt(name, 'its header is wrong')
  const manifest = readManifest(bytes.subarray(HEADER, HEADER + manifestLength), manifestSize, name, codec)
  const { recording, answers } = manifest
  const inside = new Map<string, Uint8Array>()
  let at = HEADER + manifestLength
  for (const [hash, length] of manifest.objects) {
    inside.set(hash, bytes.subarray(at, at + length))
    at += length
  }
  if (at !== bytes.length) throw corrupt(name, 'its objects do not fill it')
  return {
    recording: { ...recording, answers: readAnswers(answers) },
    objects: inside.size === 0 ? store : new ObjectsInside(inside, sizes(answers), name, store, codec),
    ...(manifest.attached !== undefined && { attached: new Map(manifest.attached) }),
  }
}

function readManifest(stored: Uint8Array, size: number, name: string, codec: Codec): Manifest {
  let manifest: Manifest
  try {
    manifest = packr.unpack(codec.decompress(stored, size)) as Manifest
  } catch {
    throw corrupt(name, 'its manifest cannot be read')
  }
  const { recording, answers, objects } = manifest ?? {}
  const whole =
    typeof recording?.inputs?.path === 'string' &&
    typeof recording.end?.hash === 'string' &&
    Array.isArray(objects) &&
    [answers?.lstat, answers?.readlink, answers?.list, answers?.content, answers?.input].every((list) =>
      Array.isArray(list),
    )
  if (!whole) throw corrupt(name, 'its manifest lacks parts')
  return manifest
}

function readAnswers(answers: Manifest['answers']): WorldAnswers {
  const text = <T, U>(list: [Text, T][], value: (stored: T) => U): Map<string, U> =>
    new Map(list.map(([path, stored]) => [unpack(path), value(stored)]))
  return {
    lstat: text(answers.lstat, (stat) => stat) as WorldAnswers['lstat'],
    readlink: text(answers.readlink, unpack),
    list: text(answers.list, (names) =>
      typeof names === 'string' ? names : names.map(unpack),
    ) as WorldAnswers['list'],
    content: text(answers.content, (ref) => ref) as WorldAnswers['content'],
    input: answers.input,
    changes: new Map(answers.changes),
    terminal: answers.terminal && {
      info: answers.terminal.info,
      news: new Map(answers.terminal.news.map(([nth, news]) => [nth, { ...news, typed: Uint8Array.from(news.typed) }])),
    },
  }
}

function sizes(answers: Manifest['answers']): Map<string, number> {
  const found = new Map<string, number>()
  for (const [, ref] of answers.content) if (typeof ref !== 'string') found.set(ref.hash, ref.size)
  return found
}

/** The objects of a self-contained recording. */
class ObjectsInside implements ObjectStore {
  private readonly stored: Map<string, Uint8Array>
  private readonly sizes: Map<string, number>
  private readonly name: string
  private readonly outside: ObjectStore
  private readonly codec: Codec

  constructor(
    stored: Map<string, Uint8Array>,
    sizesByHash: Map<string, number>,
    name: string,
    outside: ObjectStore,
    codec: Codec,
  ) {
    this.stored = stored
    this.sizes = sizesByHash
    this.name = name
    this.outside = outside
    this.codec = codec
  }

  get(hash: string): Uint8Array | null {
    const stored = this.stored.get(hash)
    if (stored === undefined) return this.outside.get(hash)
    const bytes = this.codec.decompress(stored, this.sizes.get(hash) ?? 0)
    if (this.codec.hash(bytes) !== hash) {
      throw new LemmingError(
        'object-changed',
        `${this.name}: an object inside no longer has the content that its name says`,
        'export the recording again',
      )
    }
    return bytes
  }

  put(hash: string, bytes: Uint8Array): void {
    if (!this.stored.has(hash)) this.outside.put(hash, bytes)
  }

  where(hash: string): string {
    return this.stored.has(hash) ? `object ${hash} in ${this.name}` : this.outside.where(hash)
  }
}

function corrupt(name: string, what: string): LemmingError {
  return new LemmingError(
    'recording-corrupt',
    `${name}: corrupt recording: ${what}`,
    'copy the file again, or hunt the failure again with its seed',
  )
}

function pairs<T, U>(map: Map<string, T>, value: (answer: T) => U): [Text, U][] {
  return [...map].map(([path, answer]) => [pack(path), value(answer)])
}

function pack(text: string): Text {
  if (text.isWellFormed()) return text
  const units = new Uint8Array(text.length * 2)
  const view = new DataView(units.buffer)
  for (let i = 0; i < text.length; i++) view.setUint16(i * 2, text.charCodeAt(i), true)
  return units
}

function unpack(text: Text): string {
  if (typeof text === 'string') return text
  const view = new DataView(text.buffer, text.byteOffset, text.length)
  let out = ''
  for (let i = 0; i < text.length; i += 2) out += String.fromCharCode(view.getUint16(i, true))
  return out
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16))
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
