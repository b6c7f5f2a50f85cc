/** Exists to name everything lemming needs from the computer it runs on, so that a browser, a recording, or a host without files can stand in for it. */

/** Linux errno names that a host may answer with instead of a value. */
export type HostError =
  | 'ENOENT'
  | 'ENOTDIR'
  | 'EACCES'
  | 'EISDIR'
  | 'EINVAL'
  | 'ELOOP'
  | 'EIO'
  | 'ENAMETOOLONG'
  | 'EPERM'

/** What `lstat` tells of a host file. Times are in whole nanoseconds since the epoch, as decimal strings so that they survive JSON. */
export interface HostStat {
  kind: 'file' | 'dir' | 'symlink' | 'char' | 'block' | 'fifo' | 'socket'
  /** Permission bits, 12 bits. */
  mode: number
  uid: number
  gid: number
  /** Bytes. */
  size: number
  mtime: string
  /** Inode and link count as the host states them. */
  ino: number
  nlink: number
  /** Device number of a device node, else 0. */
  rdev: number
}

/**
 * The outside world as a run sees it: read-only, synchronous, answers are plain data. Every answer is recorded; a replay is
 * another implementation of this interface. Paths are absolute and without `..`; symbolic links are resolved by the kernel, one component at a time.
 */
export interface World {
  /** Never follows a symbolic link. */
  lstat(path: string): HostStat | HostError
  /** The target, or an errno's name. */
  readlink(path: string): string
  /** Names in a directory without `.` and `..`, in the order in which the host's file system has them: it is the one that programs print natively. */
  list(path: string): string[] | HostError
  /** The whole content of a regular file. The caller does not change the bytes. */
  content(path: string): Uint8Array | HostError
  /**
   * Up to `max` bytes of standard input; empty means end of file. Blocks the host, not the virtual clock. `nth` counts the reads of a run from 0 on:
   * a world that remembers answers the same read in the same way again, for a machine that was restored.
   */
  readInput(max: number, nth: number): Uint8Array
  /** Bytes that the program wrote to the terminal or the pipe it was started with: fd 1 or 2. */
  writeOutput(fd: 1 | 2, bytes: Uint8Array): void
  /** Makes a change on the host: null, or an errno's name. `nth` counts the changes of a run from 0 on; each is made once. A world without this makes none. */
  change?(nth: number, change: HostChange): string | null
  /** The terminal that the program runs on, or null; a world without this has none. */
  terminal?(): HostTerminal | null
  /**
   * What has happened at the terminal, null for nothing; waits up to so many real milliseconds for it, with Infinity until something does. `nth`
   * counts the questions of a run from 0 on, as in readInput.
   */
  pollTerminal?(nth: number, milliseconds: number): TerminalNews | null
  /** Bytes for the terminal, exactly as they are to arrive there. */
  writeTerminal?(bytes: Uint8Array): void
}

/** The terminal that lemming was started on. */
export interface HostTerminal {
  /** Which of descriptors 0, 1 and 2 are it. */
  fds: [boolean, boolean, boolean]
  /** Whether it hands over bytes as they are typed and shows them as they are written; otherwise it edits lines and echoes by itself. */
  raw: boolean
  rows: number
  columns: number
}

/** A change to the host's files, which a writable mount passes on. Paths are absolute; times are as in HostStat. */
export type HostChange =
  | { do: 'write'; path: string; offset: number; bytes: Uint8Array }
  | { do: 'resize'; path: string; size: number }
  /** An empty file, which must not be there yet. */
  | { do: 'create'; path: string; mode: number }
  | { do: 'directory'; path: string; mode: number }
  | { do: 'symlink'; path: string; target: string }
  | { do: 'link' | 'rename'; path: string; to: string }
  | { do: 'remove' | 'removeDirectory'; path: string }
  | { do: 'mode'; path: string; mode: number }
  | { do: 'owner'; path: string; uid: number; gid: number }
  | { do: 'times'; path: string; atime: string; mtime: string }

/** What has happened at the terminal since it was last asked. */
export interface TerminalNews {
  /** Bytes that were typed, exactly as they came. */
  typed: Uint8Array
  /** Rows and columns, if they have changed. */
  size: [rows: number, columns: number] | null
  /** The terminal is gone: nothing will be typed any more. */
  gone: boolean
}

/** Hashing and compression, which every host has but JavaScript has not: synchronous, and the same bytes in give the same hash everywhere. */
export interface Codec {
  /** SHA-256 in 64 lower-case hex digits: the name of a content. */
  hash(bytes: Uint8Array): string
  /** Zstandard (RFC 8878). */
  compress(bytes: Uint8Array): Uint8Array
  /** The reverse; throws when the bytes are damaged or give more than `limit` bytes. */
  decompress(bytes: Uint8Array, limit: number): Uint8Array
}

/** File contents by their hash, each kept once however many recordings need it. */
export interface ObjectStore {
  /** The content whose hash that is, or null. Throws a LemmingError `object-changed` when what is stored is something else. */
  get(hash: string): Uint8Array | null
  /** Keeps a content; nothing happens when it is there already. */
  put(hash: string, bytes: Uint8Array): void
  /** Where `hash` is or would be, for messages. */
  where(hash: string): string
}
