/** Exists to hold the modes of terminals (termios(3)): their bits, what a new terminal has, and the structures that ioctl moves. */
import type { Termios } from './state.ts'

export const I = {
  istrip: 0x20,
  inlcr: 0x40,
  igncr: 0x80,
  icrnl: 0x100,
  iuclc: 0x200,
  ixon: 0x400,
  ixany: 0x800,
  utf8: 0x4000,
} as const
export const OUT = { post: 0x1, lcuc: 0x2, nlcr: 0x4, crnl: 0x8, nocr: 0x10, nlret: 0x20, tabs: 0x1800 } as const
export const L = {
  isig: 0x1,
  icanon: 0x2,
  echo: 0x8,
  echoe: 0x10,
  echok: 0x20,
  echonl: 0x40,
  noflsh: 0x80,
  tostop: 0x100,
  echoctl: 0x200,
  echoke: 0x800,
  iexten: 0x8000,
} as const
/** Indices of control characters. */
export const V = {
  intr: 0,
  quit: 1,
  erase: 2,
  kill: 3,
  eof: 4,
  time: 5,
  min: 6,
  start: 8,
  stop: 9,
  susp: 10,
  eol: 11,
  reprint: 12,
  werase: 14,
  lnext: 15,
  eol2: 16,
} as const
/** Bytes of Termios.cc, of struct termios and of struct termios2. */
const CONTROLS = 19
export const TERMIOS_SIZE = 36
export const TERMIOS2_SIZE = 44
/** Bits per second that every terminal here has. */
const SPEED = 38400

/** Modes of a fresh terminal (tty_std_termios). */
export function standardTermios(): Termios {
  const cc = Uint8Array.of(3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0)
  return { iflag: I.icrnl | I.ixon, oflag: OUT.post | OUT.nlcr, cflag: 0xbf, lflag: 0x8a3b, line: 0, cc }
}

/** struct termios, or termios2 with its speeds. */
export function termiosBytes(t: Termios, second: boolean): Uint8Array {
  const bytes = new Uint8Array(second ? TERMIOS2_SIZE : TERMIOS_SIZE)
  const view = new DataView(bytes.buffer)
  ;[t.iflag, t.oflag, t.cflag, t.lflag].forEach((word, i) => view.setUint32(4 * i, word, true))
  bytes[16] = t.line
  bytes.set(t.cc, 17)
  if (second) {
    view.setUint32(36, SPEED, true)
    view.setUint32(40, SPEED, true)
  }
  return bytes
}

/** The modes in a struct termios. */
export function termiosFrom(bytes: Uint8Array): Termios {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const [iflag, oflag, cflag, lflag] = [0, 4, 8, 12].map((at) => view.getUint32(at, true)) as [
    number,
    number,
    number,
    number,
  ]
  return { iflag, oflag, cflag, lflag, line: bytes[16]!, cc: bytes.slice(17, 17 + CONTROLS) }
}
