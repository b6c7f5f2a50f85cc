/** Exists to define everything the kernel knows about files as plain data: inodes, open file descriptions, descriptor tables. */

import type { Ring } from '../uring/state.ts'
import type { NetState } from '../net/state.ts'
import type { Disk } from '../power/state.ts'
import type { TtyState } from '../tty/state.ts'

/** A point in time: whole seconds since 1970 and nanoseconds. */
export type Timespec = [seconds: number, nanoseconds: number]

export type InodeKind = 'file' | 'dir' | 'symlink' | 'char' | 'block' | 'fifo' | 'socket'

/**
 * Where a directory's names come from that are not in its `entries`, a symbolic link's target and a kernel file's bytes: the host, the kernel
 * itself (/proc, /sys), or nowhere.
 */
type Source = { from: 'host'; path: string } | { from: 'kernel'; path: string } | null

/**
 * Bytes of a regular file: private chunks above the host's content. Byte i is chunks.get(i / CHUNK)[i % CHUNK] if that chunk exists (zero behind
 * its end), else byte i of the host's file when i < hostLimit, else zero.
 */
export interface FileContent {
  /** Bytes. */
  size: number
  /** Path on the host, or null for a file of the private layer. */
  host: string | null
  /** How much of the host's content still shows through: shrinks with truncation. */
  hostLimit: number
  chunks: Map<number, Uint8Array>
}

/** A mapping of a file that writes must reach, and that reads must look into (MAP_SHARED). */
export interface SharedMapping {
  spaceId: number
  /** Guest address and bytes. */
  start: number
  length: number
  /** Bytes into the file. */
  offset: number
  /** The program may store into it: its pages are newer than the file. */
  writable: boolean
}

/** Bytes that a file may have: as many as in ext4. */
export const MAX_FILE = (2 ** 32 - 1) * 4096

/** An inode. Fields of other kinds than its own are null. */
export interface Inode {
  id: number
  /** st_ino: the host's for a file of the host. */
  ino: number
  kind: InodeKind
  /** Permission bits, 12 bits. */
  mode: number
  uid: number
  gid: number
  nlink: number
  /** Made by O_TMPFILE: it may still be given a name. */
  unnamed: boolean
  /** st_size of what has no content: a directory, a symbolic link. */
  size: number
  /** Device number of a char or block inode (makedev), else 0. */
  rdev: number
  /**
   * Whether the program has asked for `ino`, `nlink`, the times, and the `size` of what has no content. Until it does they are the host's affair
   * and no part of the state hash: a directory's change whenever somebody creates a file in it.
   */
  asked: boolean
  atime: Timespec
  mtime: Timespec
  ctime: Timespec
  /** Descriptions, mappings and other holders: an inode without links lives while there are any. */
  refs: number
  content: FileContent | null
  /** Known names of a directory: inode id, or null where a name of `source` was removed. */
  entries: Map<string, number | null> | null
  source: Source
  /** Of a directory: the inode it lies in, and its name there. The root lies in itself. */
  parent: number
  name: string
  /** Number of the mount that it lies in; 0 for the tree that the machine started with. In a mount every inode has `parent` and `name`. */
  mount: number
  /** Target of a symbolic link once it is known. */
  target: string | null
  /** fifo: id of its pipe while it is open, else 0. */
  pipe: number
  /** Extended attributes by name; null for none. */
  attributes: Map<string, Uint8Array> | null
  shared: SharedMapping[]
  /** F_ADD_SEALS of a memfd; -1 for files that cannot be sealed. */
  seals: number
}

/** The buffer of a pipe or FIFO. */
export interface Pipe {
  id: number
  /** Bytes in transit, oldest first. */
  buffer: Uint8Array
  /** Made by O_DIRECT: the lengths of the packets in transit, oldest first. Null: a stream. */
  packets: number[] | null
  /** Where the oldest byte lies in `buffer`, a ring, and how many there are. */
  start: number
  used: number
  readers: number
  writers: number
  /** Times a reader or writer has opened it so far: what an open of a FIFO waits for. */
  readerOpens: number
  writerOpens: number
  /** The descriptions open on it: whom to tell when bytes come or go. */
  ends: number[]
}

/** What an open file description does when it is read or written. */
export type DescriptionType =
  | 'file'
  | 'dir'
  | 'path' // O_PATH
  | 'pipe'
  | 'null'
  | 'zero'
  | 'full'
  | 'random'
  | 'stdin'
  | 'stdout'
  | 'stderr'
  | 'generated' // a file of /proc or /sys: content taken when it was opened
  | 'eventfd'
  | 'timerfd'
  | 'epoll'
  | 'socket'
  | 'tty' // a terminal, or the slave of a pseudo-terminal
  | 'ptmx' // the master of a pseudo-terminal
  | 'signalfd'
  | 'pidfd'
  | 'mqueue'
  | 'inotify'
  | 'ring' // io_uring

/** What is watched by inotify(7): an inode, and which events. */
interface InotifyWatch {
  inode: number
  mask: number
}

/** struct inotify_event. */
export interface InotifyEvent {
  wd: number
  mask: number
  cookie: number
  name: string
}

/** One thing that an epoll instance watches. */
export interface EpollItem {
  fd: number
  /** Description. */
  id: number
  events: number
  /** epoll_data, raw. */
  data: bigint
  /** EPOLLONESHOT has fired. */
  disabled: boolean
  /** For EPOLLET: `activity` of the description when it was last reported. */
  seen: number
}

/** An open file description: what dup and fork share. */
export interface Description {
  id: number
  type: DescriptionType
  /** Descriptors (and other holders) that refer to it. */
  refs: number
  /** Inode, or 0 for those without (eventfd, epoll). */
  inode: number
  /** Access mode and status flags (O_*), without creation flags. */
  flags: number
  /** Bytes; in a directory, index into its listing. */
  offset: number
  /** Where it was found: directory inode and name; shown in /proc/self/fd. */
  parent: number
  name: string
  /** Of a directory: the names as they were when reading began. */
  listing: { name: string; ino: number; kind: InodeKind }[] | null
  /** 'generated': its bytes. */
  bytes: Uint8Array | null
  /** 'pipe': id in FsState.pipes. */
  pipe: number
  /** 'socket': id in NetState.sockets. */
  socket: number
  /** 'tty' and 'ptmx': number of the terminal. */
  tty: number
  /** 'eventfd': counter; as in eventfd(2). 'pidfd': the process. 'signalfd': the signals. 'mqueue': the queue's id. */
  counter: bigint
  /** 'timerfd': CLOCK_* number, next expiration and interval in ns of that clock; 0 when not armed. */
  timer: { clock: number; at: number; interval: number } | null
  /** 'epoll': by `fd:id`. */
  items: Map<string, EpollItem> | null
  /** 'inotify': by watch descriptor, and what has not been read yet. */
  inotify: { watches: Map<number, InotifyWatch>; nextWatch: number; events: InotifyEvent[] } | null
  /** Descriptions of the epoll instances that watch this one. */
  watchers: number[]
  /** Grows whenever something happens that makes it readable or writable: what edge-triggered watchers look at. */
  activity: number
  /** F_SETOWN: a process, or minus the number of a process group; a thread when `ownerThread`. */
  owner: number
  ownerThread: boolean
  /** F_SETSIG; 0 for SIGIO without siginfo. */
  ioSignal: number
  /** The descriptor by which O_ASYNC was asked for. */
  asyncFd: number
  /** 'ring': its queues and operations; absent for all others. */
  ring?: Ring
}

/** What a descriptor number stands for. */
interface Slot {
  /** Description. */
  id: number
  closeOnExec: boolean
}

/** A process' descriptors by number; CLONE_FILES shares the object, fork copies it (copyFdTable). */
export type FdTable = Map<number, Slot>

/** flock(2) and fcntl(2) locks. */
export interface FileLock {
  inode: number
  kind: 'read' | 'write'
  /** First byte and first behind it (Infinity: to the end of the file). flock locks all. */
  start: number
  end: number
  /** A process (POSIX), a description (flock, OFD). */
  owner: string
}

/** A directory or file of the host that was mounted into the machine. */
export interface Mount {
  /** Absolute paths in the machine and on the host. */
  guest: string
  host: string
  /** Changes are made on the host as well; otherwise there can be none. */
  writable: boolean
  /** Inode of its root. */
  root: number
}

/** All of it. */
export interface FsState {
  inodes: Map<number, Inode>
  /** Inode of `/`. */
  root: number
  nextInode: number
  descriptions: Map<number, Description>
  nextDescription: number
  pipes: Map<number, Pipe>
  nextPipe: number
  /** Descriptions of type 'inotify', and the number of the next rename. */
  inotifies: number[]
  nextCookie: number
  /** Inode by the host's inode number, for files with several links or colliding numbers on different file systems. */
  hostInodes: Map<number, number>
  locks: FileLock[]
  /** Inode.mount counts from 1. */
  mounts: Mount[]
  /** Changes that the host was asked for so far. */
  changes: number
  net: NetState
  tty: TtyState
  /** What power may take back; absent in runs that do not lose it. */
  disk?: Disk
  /** Reads of standard input so far: where the next one goes on, since the world keeps no place for us. */
  inputReads: number
}
