/** Exists to define everything the kernel knows about terminals as plain data. */

/** struct termios as the kernel keeps it (asm-generic/termbits.h). */
export interface Termios {
  iflag: number
  oflag: number
  cflag: number
  lflag: number
  line: number
  /** Control characters by V* index; 19 bytes. */
  cc: Uint8Array
}

/** A terminal: the one that lemming was started on, or the slave of a pseudo-terminal with its master. */
export interface Tty {
  /** N of /dev/pts/N. */
  id: number
  /** Whether the other side is the terminal that lemming was started on, and not a master in the machine. */
  host: boolean
  termios: Termios
  /** Rows, columns, and both in pixels. */
  size: [number, number, number, number]
  /** Session that it controls, and the process group in its foreground; 0 for none. */
  session: number
  foreground: number
  /** Bytes that can be read; END_OF_FILE for an end that was typed. */
  ready: number[]
  /** The line that is being typed. */
  line: number[]
  /** The next byte is taken as it is (VLNEXT). */
  literal: boolean
  /** Output is stopped (^S). */
  stopped: boolean
  /** Column of the cursor, and the one at which the line that is being typed began. */
  column: number
  lineColumn: number
  /** Of a pseudo-terminal: output that the master has not read yet. */
  output: number[]
  /** Descriptions of the slave. */
  ends: number[]
  /** Description of the master; 0 when it is closed. */
  master: number
  /** A slave has been opened, so that none being open means that all have been closed. */
  opened: boolean
  /** Packet mode (TIOCPKT): what the master has not been told yet, PACKET bits; absent when the mode is off. */
  packet?: number
  /** TIOCSPTLCK. */
  locked: boolean
  /** TIOCEXCL. */
  exclusive: boolean
  /** The other side is gone: nothing can be read or written any more. */
  hungUp: boolean
}

/** In Tty.ready: the reader gets what stands before it, however little. */
export const END_OF_FILE = 256

/** All of them. */
export interface TtyState {
  ttys: Map<number, Tty>
  /** How often the terminal of the host was asked for news, and at which instruction count it is asked next; Infinity without one. */
  polls: number
  nextPoll: number
}

export function createTtys(): TtyState {
  return { ttys: new Map(), polls: 0, nextPoll: Infinity }
}

/** Major number of /dev/pts/N. */
export const PTS_MAJOR = 136

/** The device number of a terminal, as makedev(3) builds it: the upper bits of the minor number lie above the major one. */
export function deviceOf({ id }: Tty): number {
  return (PTS_MAJOR << 8) | (id & 0xff) | ((id & ~0xff) << 12)
}
