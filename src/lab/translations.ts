/** Exists so that a program starts fast the second time: keeps on disk what was translated for it. Only ever a cache: each translation is compared with the guest's memory before use. */
import * as fs from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { threadId } from 'node:worker_threads'
import { Packr } from 'msgpackr'
import type { StoredTranslations } from '../replay/machine.ts'
import { version } from './version.ts'

/** Files kept, and their bytes; the ones that have not been used for longest go first. */
export const MAX_FILES = 64
export const MAX_BYTES = 1 << 30

const DIGEST_BYTES = 8
/** Between the name of a program and the rest of a file's name. */
const SEPARATOR = '~'
const packr = new Packr({ useRecords: true })

/** Where they are. */
export function translationsDirectory(): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'lemming', 'translations')
}

/** 64 bits that tell a damaged or another file, in well under a nanosecond a byte; loading a cryptographic hash would take longer than most programs do. */
function digest(bytes: Uint8Array): Buffer {
  const words =
    bytes.byteOffset % 4 === 0
      ? new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2)
      : new Int32Array(bytes.slice().buffer, 0, bytes.length >> 2)
  let a = bytes.length | 0
  let b = 0x9e3779b9 | 0
  for (let i = 0; i < words.length; i++) {
    a = Math.imul(a ^ words[i]!, 0x85ebca6b)
    b = (Math.imul(b, 31) + a) | 0
    a ^= a >>> 15
  }
  for (let i = words.length * 4; i < bytes.length; i++) b = Math.imul(b ^ bytes[i]!, 0x01000193)
  const out = Buffer.alloc(DIGEST_BYTES)
  out.writeInt32LE(a, 0)
  out.writeInt32LE(b, 4)
  return out
}

/** Names the translator by the sizes and times of its sources; in the package, which is bundled, it is in one file with this function. */
function translator(): string {
  const self = fileURLToPath(import.meta.url)
  const root = dirname(dirname(self))
  const files = self.endsWith('.ts') ? sources(root) : [self]
  const described = files.map((file) => {
    const { size, mtimeMs } = fs.statSync(file)
    return `${file} ${size} ${mtimeMs}`
  })
  return [version(), ...described].join('\n')
}

function sources(root: string): string[] {
  const folders = ['engine', 'engine/helpers', 'ir', 'ir/passes', 'wasm', 'x86', 'x86/semantics', 'x86/table']
  return folders.flatMap((folder) => fs.readdirSync(join(root, folder)).map((name) => join(root, folder, name)))
}

function fileFor(program: string, variant: number): string | null {
  try {
    const { size, mtimeMs } = fs.statSync(program)
    const key = digest(Buffer.from(`${translator()}\n${program} ${size} ${mtimeMs} ${variant}`)).toString('hex')
    return join(translationsDirectory(), `${basename(program)}${SEPARATOR}${key}`)
  } catch {
    return null
  }
}

/** What earlier runs of the program at this path (as found on this computer) have translated of a variant of code; null when there is nothing usable. */
export function loadTranslations(program: string, variant: number): StoredTranslations | null {
  const file = fileFor(program, variant)
  if (file === null) return null
  try {
    const bytes = fs.readFileSync(file)
    const payload = bytes.subarray(DIGEST_BYTES)
    if (!digest(payload).equals(bytes.subarray(0, DIGEST_BYTES))) return null
    const now = new Date()
    fs.utimesSync(file, now, now)
    return packr.unpack(payload) as StoredTranslations
  } catch {
    return null
  }
}

/** Keeps the translations for the next run. A cache that cannot be written is no error. */
export function saveTranslations(program: string, variant: number, stored: StoredTranslations): void {
  const file = fileFor(program, variant)
  if (file === null) return
  // The threads of a hunt end their first runs at about the same time.
  const temporary = `${file}.${process.pid}-${threadId}.tmp`
  try {
    fs.mkdirSync(dirname(file), { recursive: true })
    const payload = packr.pack(stored)
    fs.writeFileSync(temporary, Buffer.concat([digest(payload), payload]))
    fs.renameSync(temporary, file)
    prune(dirname(file))
  } catch {
    discard(temporary)
  }
}

/** Removes what may not be there, in a directory that may not be one. */
function discard(file: string): void {
  try {
    fs.rmSync(file, { force: true })
  } catch {
    // Where nothing can be written, nothing is left behind.
  }
}

/** A stored translation. */
export interface CacheEntry {
  /** Name of the program's file. */
  program: string
  path: string
  bytes: number
  /** Milliseconds since 1970. */
  used: number
}

/** All of them, the last used first. */
export function listTranslations(): CacheEntry[] {
  const folder = translationsDirectory()
  if (!fs.existsSync(folder)) return []
  const entries = fs.readdirSync(folder).flatMap((name): CacheEntry[] => {
    const path = join(folder, name)
    const stat = fs.statSync(path, { throwIfNoEntry: false })
    if (stat === undefined || name.endsWith('.tmp')) return []
    const at = name.lastIndexOf(SEPARATOR)
    return [{ program: at < 0 ? name : name.slice(0, at), path, bytes: stat.size, used: stat.mtimeMs }]
  })
  return entries.toSorted((a, b) => b.used - a.used)
}

/** Removes entries, those of one program or all; how many there were. */
export function clearTranslations(program: string | null): number {
  const entries = listTranslations().filter((entry) => program === null || entry.program === basename(program))
  for (const { path } of entries) discard(path)
  return entries.length
}

function prune(folder: string): void {
  let bytes = 0
  for (const [i, entry] of listTranslations().entries()) {
    bytes += entry.bytes
    if (i >= MAX_FILES || bytes > MAX_BYTES) discard(entry.path)
  }
  // What a run that was killed has left behind.
  for (const name of fs.readdirSync(folder)) {
    const path = join(folder, name)
    if (name.endsWith('.tmp') && Date.now() - fs.statSync(path).mtimeMs > ABANDONED) discard(path)
  }
}

/** Milliseconds after which nobody writes a temporary file any more. */
const ABANDONED = 3_600_000
