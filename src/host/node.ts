/** Exists as Node's side of the host interface: the host's files and terminal, hashing, compression and objects, and the only file below the front ends that names `node:*`. */
import { isUtf8 } from 'node:buffer'
import type * as Crypto from 'node:crypto'
import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import type * as Zlib from 'node:zlib'
import { LemmingError } from '../base/errors.ts'
import type { Codec, HostChange, HostError, HostStat, ObjectStore, World } from './host.ts'

// Loaded when they are first needed: most runs end before.
const crypto = (): typeof Crypto => process.getBuiltinModule('node:crypto')
const zlib = (): typeof Zlib => process.getBuiltinModule('node:zlib')

/** The part of a World that is no file: where input comes from and output goes to. */
export type Terminal = Pick<World, 'readInput' | 'writeOutput' | 'terminal' | 'pollTerminal' | 'writeTerminal'>

const HOST_ERRORS: ReadonlySet<string> = new Set<HostError>([
  'ENOENT',
  'ENOTDIR',
  'EACCES',
  'EISDIR',
  'EINVAL',
  'ELOOP',
  'EIO',
  'ENAMETOOLONG',
  'EPERM',
])

/** Errors that say something of this process and nothing of the file: no answer that a recording may hold. */
const OUR_TROUBLE: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'ERR_FS_FILE_TOO_LARGE'])

/** Contents that are kept in memory for the next run of a hunt, in bytes. */
const KEPT_LIMIT = 512 << 20

interface KeptContent {
  identity: string
  bytes: Uint8Array
}

/** The files of this computer, read-only. A file's content is kept as long as the file is the same (inode, size, times). */
export class NodeFiles {
  private readonly kept = new Map<string, KeptContent>()
  private keptBytes = 0

  lstat(path: string): HostStat | HostError {
    return answer(path, () => {
      const s = fs.lstatSync(native(path), { bigint: true })
      return {
        kind: kindOf(s),
        mode: Number(s.mode & 0o7777n),
        uid: Number(s.uid),
        gid: Number(s.gid),
        size: Number(s.size),
        mtime: String(s.mtimeNs),
        ino: Number(s.ino),
        nlink: Number(s.nlink),
        rdev: Number(s.rdev),
      }
    })
  }

  readlink(path: string): string {
    return answer(path, () => nameOf(fs.readlinkSync(native(path), { encoding: 'buffer' })))
  }

  list(path: string): string[] | HostError {
    return answer(path, () => {
      // Not readdirSync, which sorts: programs print listings as they come.
      const dir = fs.opendirSync(native(path), { encoding: 'buffer' as BufferEncoding, bufferSize: 512 })
      const names: string[] = []
      for (let entry = dir.readSync(); entry !== null; entry = dir.readSync())
        names.push(nameOf(entry.name as unknown as Buffer))
      dir.closeSync()
      return names
    })
  }

  content(path: string): Uint8Array | HostError {
    return answer(path, () => {
      // Without O_NONBLOCK the opening of a FIFO would wait for somebody.
      const fd = fs.openSync(native(path), fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
      try {
        const s = fs.fstatSync(fd, { bigint: true })
        if (s.isDirectory()) return 'EISDIR'
        if (!s.isFile()) return 'EINVAL'
        const identity = `${s.dev} ${s.ino} ${s.size} ${s.mtimeNs} ${s.ctimeNs}`
        const known = this.kept.get(path)
        if (known?.identity === identity) return known.bytes
        const bytes = fs.readFileSync(fd)
        this.keep(path, identity, bytes)
        return bytes
      } finally {
        fs.closeSync(fd)
      }
    })
  }

  /** Makes a change; null, or an errno's name. */
  change(change: HostChange): string | null {
    try {
      makeChange(change)
      return null
    } catch (error) {
      return codeOf(error)
    }
  }

  private keep(path: string, identity: string, bytes: Uint8Array): void {
    if (this.keptBytes + bytes.length > KEPT_LIMIT) {
      this.kept.clear()
      this.keptBytes = 0
    }
    this.kept.set(path, { identity, bytes })
    this.keptBytes += bytes.length
  }
}

/** Files and terminal together. */
export function nodeWorld(files: NodeFiles, terminal: Terminal): World {
  return {
    lstat: (path) => files.lstat(path),
    readlink: (path) => files.readlink(path),
    list: (path) => files.list(path),
    content: (path) => files.content(path),
    readInput: (max, nth) => terminal.readInput(max, nth),
    writeOutput: (fd, bytes) => terminal.writeOutput(fd, bytes),
    change: (_nth, change) => files.change(change),
    terminal: () => terminal.terminal?.() ?? null,
    pollTerminal: (nth, milliseconds) => terminal.pollTerminal?.(nth, milliseconds) ?? null,
    writeTerminal: (bytes) => terminal.writeTerminal?.(bytes),
  }
}

/** This process' own descriptors 0, 1 and 2. Works in a worker thread too, since it asks nobody. */
export const ownTerminal: Terminal = {
  readInput(max: number): Uint8Array {
    const bytes = new Uint8Array(max)
    for (;;) {
      try {
        return bytes.subarray(0, fs.readSync(0, bytes, 0, max, null))
      } catch (error) {
        const code = codeOf(error)
        if (code === 'EAGAIN') pause(5)
        else if (code === 'EOF' || code === 'EIO' || code === 'EBADF') return new Uint8Array(0)
        else if (code !== 'EINTR') throw error
      }
    }
  },

  writeOutput(fd: 1 | 2, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      try {
        done += fs.writeSync(fd, bytes, done)
      } catch (error) {
        const code = codeOf(error)
        if (code === 'EAGAIN') pause(1)
        else if (code === 'EPIPE') {
          throw new LemmingError('output-closed', `nobody reads what the program writes to descriptor ${fd} any more`)
        } else if (code !== 'EINTR') {
          throw new LemmingError('output-failed', `cannot write the program's output to descriptor ${fd}: ${code}`)
        }
      }
    }
  },
}

/** Hashing and compression by Node. */
export const nodeCodec: Codec = {
  hash: (bytes) => crypto().hash('sha256', bytes, 'hex'),
  compress: (bytes) => zlib().zstdCompressSync(bytes),
  decompress: (bytes, limit) => zlib().zstdDecompressSync(bytes, { maxOutputLength: Math.max(limit, 1) }),
}

/** Decompresses a section of an ELF file to `size` bytes. */
export function inflate(bytes: Uint8Array, format: 'zlib' | 'zstd', size: number): Uint8Array {
  const limit = { maxOutputLength: Math.max(size, 1) }
  return format === 'zlib' ? zlib().inflateSync(bytes, limit) : zlib().zstdDecompressSync(bytes, limit)
}

/** Objects below a directory: `ab/cdef….zst` holds the content whose hash is `abcdef…`. Processes may share it. */
export class NodeObjects implements ObjectStore {
  readonly directory: string

  constructor(directory: string) {
    this.directory = directory
  }

  get(name: string): Uint8Array | null {
    const path = this.where(name)
    let stored: Uint8Array
    try {
      stored = fs.readFileSync(path)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null
      throw new LemmingError('object-unreadable', `${path}: ${codeOf(error)}`, 'make the object store readable')
    }
    let bytes: Uint8Array | undefined
    try {
      bytes = zlib().zstdDecompressSync(stored)
    } catch {
      // A frame that does not decompress is as changed as one that gives other bytes.
    }
    if (bytes === undefined || nodeCodec.hash(bytes) !== name) {
      throw new LemmingError(
        'object-changed',
        `${path}: the object no longer has the content that its name says`,
        'delete it, and record again',
      )
    }
    return bytes
  }

  put(name: string, bytes: Uint8Array): void {
    const path = this.where(name)
    if (fs.existsSync(path)) return
    try {
      fs.mkdirSync(dirname(path), { recursive: true })
      writeFileAtomic(path, zlib().zstdCompressSync(bytes))
    } catch (error) {
      throw new LemmingError(
        'object-unwritable',
        `${path}: ${codeOf(error)}`,
        'set LEMMING_HOME to a directory that can be written',
      )
    }
  }

  where(name: string): string {
    return join(this.directory, name.slice(0, 2), `${name.slice(2)}.zst`)
  }
}

/** Writes a file so that `path` is, whatever happens and whoever else does the same, the old file or the whole new one. */
export function writeFileAtomic(path: string, bytes: Uint8Array): void {
  const temporary = join(dirname(path), `.${crypto().randomBytes(6).toString('hex')}.tmp`)
  const fd = fs.openSync(temporary, 'wx', 0o644)
  try {
    try {
      fs.writeFileSync(fd, bytes)
      fs.fsyncSync(fd)
    } finally {
      fs.closeSync(fd)
    }
    fs.renameSync(temporary, path)
  } catch (error) {
    fs.rmSync(temporary, { force: true })
    throw error
  }
  syncDirectory(dirname(path))
}

/** Makes names that were just given in a directory survive a crash of the computer. */
function syncDirectory(path: string): void {
  const fd = fs.openSync(path, 'r')
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}

function makeChange(change: HostChange): void {
  const path = native(change.path)
  switch (change.do) {
    case 'write': {
      const fd = fs.openSync(path, fs.constants.O_WRONLY | fs.constants.O_NOFOLLOW)
      try {
        for (let done = 0; done < change.bytes.length;)
          done += fs.writeSync(fd, change.bytes, done, change.bytes.length - done, change.offset + done)
      } finally {
        fs.closeSync(fd)
      }
      return
    }
    case 'resize':
      return fs.truncateSync(path, change.size)
    case 'create': {
      const fd = fs.openSync(path, 'wx', 0o600)
      try {
        fs.fchmodSync(fd, change.mode)
      } finally {
        fs.closeSync(fd)
      }
      return
    }
    case 'directory':
      fs.mkdirSync(path)
      return fs.chmodSync(path, change.mode)
    case 'symlink':
      return fs.symlinkSync(native(change.target), path)
    case 'link':
      return fs.linkSync(path, native(change.to))
    case 'rename':
      return fs.renameSync(path, native(change.to))
    case 'remove':
      return fs.unlinkSync(path)
    case 'removeDirectory':
      return fs.rmdirSync(path)
    case 'mode':
      return fs.chmodSync(path, change.mode)
    case 'owner': {
      const { uid, gid } = fs.lstatSync(path)
      return fs.lchownSync(path, change.uid === -1 ? uid : change.uid, change.gid === -1 ? gid : change.gid)
    }
    case 'times':
      return fs.lutimesSync(path, Number(change.atime) / 1e9, Number(change.mtime) / 1e9)
  }
}

function answer<T>(path: string, ask: () => T): T | HostError {
  try {
    return ask()
  } catch (error) {
    const code = codeOf(error)
    if (OUR_TROUBLE.has(code)) {
      throw new LemmingError(
        'host-trouble',
        `${path}: ${code}`,
        'free memory or descriptors (ulimit -n), or run fewer jobs',
      )
    }
    return HOST_ERRORS.has(code) ? (code as HostError) : 'EIO'
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

function kindOf(s: fs.BigIntStats): HostStat['kind'] {
  if (s.isFile()) return 'file'
  if (s.isDirectory()) return 'dir'
  if (s.isSymbolicLink()) return 'symlink'
  if (s.isCharacterDevice()) return 'char'
  if (s.isBlockDevice()) return 'block'
  return s.isFIFO() ? 'fifo' : 'socket'
}

/** The kernel writes a byte of a name that is no UTF-8 as this plus the byte: a lone surrogate. */
const STRAY = 0xdc00

/** A name of the interface as Node takes it without loss. */
function native(name: string): string | Buffer {
  if (name.isWellFormed()) return name
  const parts: Buffer[] = []
  for (const character of name) {
    const point = character.codePointAt(0)!
    const stray = point >= STRAY + 0x80 && point <= STRAY + 0xff
    parts.push(stray ? Buffer.of(point - STRAY) : Buffer.from(character))
  }
  return Buffer.concat(parts)
}

/** The reverse of native. */
function nameOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString()
  let name = ''
  for (let at = 0; at < bytes.length;) {
    let length = 1
    while (length <= 4 && !isUtf8(bytes.subarray(at, at + length))) length++
    if (length > 4) {
      name += String.fromCharCode(STRAY + bytes[at]!)
      at++
    } else {
      name += bytes.toString('utf8', at, at + length)
      at += length
    }
  }
  return name
}

const sleeper = new Int32Array(new SharedArrayBuffer(4))

function pause(milliseconds: number): void {
  Atomics.wait(sleeper, 0, 0, milliseconds)
}
