/** Exists to be the line discipline of terminals (termios(3)): what typed bytes become, what is echoed, and what printed bytes look like on the other side. */
import type { Kernel } from '../kernel.ts'
import { SIG } from '../signal-names.ts'
import { END_OF_FILE, type Tty } from './state.ts'
import { I, L, OUT, V } from './termios.ts'
import { PACKET, signalGroup, stopOutput, tellPacket, wakeMaster, wakeSlaves } from './tell.ts'

/** Bytes of a line, and of what waits to be read, at most (N_TTY_BUF_SIZE - 1). */
export const INPUT_LIMIT = 4095
const NL = 10
const CR = 13
const TAB = 9
const BS = 8
const DELETE = 127
const TAB_WIDTH = 8

/** Takes bytes that were typed, or written to the master. */
export function typeBytes(k: Kernel, tty: Tty, bytes: Uint8Array): void {
  for (const byte of bytes) typeByte(k, tty, byte)
  wakeSlaves(k, tty, 'read')
}

/** Whether a byte is the control character `index`, which is off when it is 0. */
function is(tty: Tty, index: number, byte: number): boolean {
  const wanted = tty.termios.cc[index]!
  return wanted !== 0 && wanted === byte
}

function typeByte(k: Kernel, tty: Tty, typed: number): void {
  const { iflag, lflag } = tty.termios
  const canonical = (lflag & L.icanon) !== 0
  let byte = iflag & I.istrip ? typed & 0x7f : typed
  if (tty.literal) {
    tty.literal = false
    return store(k, tty, byte)
  }
  if (iflag & I.ixon) {
    if (is(tty, V.stop, byte)) return stopOutput(k, tty, true)
    const starts = is(tty, V.start, byte)
    if (tty.stopped && (starts || iflag & I.ixany)) {
      stopOutput(k, tty, false)
      wakeSlaves(k, tty, 'write')
    }
    if (starts) return
  }
  if (lflag & L.isig) {
    const signal = is(tty, V.intr, byte)
      ? SIG.int
      : is(tty, V.quit, byte)
        ? SIG.quit
        : is(tty, V.susp, byte)
          ? SIG.tstp
          : 0
    if (signal !== 0) return interruptBy(k, tty, byte, signal)
  }
  if (byte === CR) {
    if (iflag & I.igncr) return
    if (iflag & I.icrnl) byte = NL
  } else if (byte === NL && iflag & I.inlcr) byte = CR
  if (canonical && edit(k, tty, byte)) return
  store(k, tty, byte)
}

function interruptBy(k: Kernel, tty: Tty, byte: number, signal: number): void {
  const { lflag } = tty.termios
  if (!(lflag & L.noflsh)) {
    tty.ready = []
    tty.line = []
    tty.output = []
    tellPacket(k, tty, PACKET.flushRead | PACKET.flushWrite)
  }
  stopOutput(k, tty, false)
  if (lflag & L.echo) echo(k, tty, byte)
  signalGroup(k, tty.foreground, signal)
}

/** With all of these a killed line vanishes from the screen. */
const SMOOTH = L.echok | L.echoke | L.echoe

/** Canonical mode's editing; true when the byte is done with. */
function edit(k: Kernel, tty: Tty, byte: number): boolean {
  const { lflag } = tty.termios
  const extended = (lflag & L.iexten) !== 0
  if (is(tty, V.erase, byte)) {
    eraseOne(k, tty)
    return true
  }
  if (extended && is(tty, V.werase, byte)) {
    const isWord = (value: number | undefined): boolean =>
      value !== undefined && (value >= 0x80 || value === 0x5f || /[0-9a-z]/i.test(String.fromCharCode(value)))
    while (tty.line.length > 0 && !isWord(tty.line.at(-1))) eraseOne(k, tty)
    while (isWord(tty.line.at(-1))) eraseOne(k, tty)
    return true
  }
  if (is(tty, V.kill, byte)) {
    if (lflag & L.echo && (lflag & SMOOTH) === SMOOTH) while (tty.line.length > 0) eraseOne(k, tty)
    else {
      tty.line = []
      if (lflag & L.echo) {
        echo(k, tty, byte)
        if (lflag & L.echok) put(k, tty, [NL])
      }
    }
    return true
  }
  if (extended && is(tty, V.lnext, byte)) {
    tty.literal = true
    if (lflag & L.echo && lflag & L.echoctl) put(k, tty, [0x5e, BS], false)
    return true
  }
  if (extended && is(tty, V.reprint, byte) && lflag & L.echo) {
    echo(k, tty, byte)
    put(k, tty, [NL])
    tty.lineColumn = tty.column
    for (const before of tty.line) echo(k, tty, before)
    return true
  }
  if (byte === NL) {
    if (lflag & (L.echo | L.echonl)) put(k, tty, [NL])
    finish(tty, NL)
    return true
  }
  if (is(tty, V.eof, byte)) {
    finish(tty, END_OF_FILE)
    return true
  }
  if (is(tty, V.eol, byte) || (extended && is(tty, V.eol2, byte))) {
    if (lflag & L.echo) echo(k, tty, byte)
    finish(tty, byte)
    return true
  }
  return false
}

/** The line can be read, with `end` at its end. */
function finish(tty: Tty, end: number): void {
  tty.ready.push(...tty.line, end)
  tty.line = []
}

function store(k: Kernel, tty: Tty, byte: number): void {
  const { lflag } = tty.termios
  const canonical = (lflag & L.icanon) !== 0
  const into = canonical ? tty.line : tty.ready
  // What does not fit is lost; of a line there is always room for its end.
  if (into.length >= INPUT_LIMIT) return
  if (into.length === 0) tty.lineColumn = tty.column
  into.push(byte)
  if (lflag & L.echo) echo(k, tty, byte)
}

/** Shows a typed byte: a control character as ^X, unless it is a tab or a newline. */
function echo(k: Kernel, tty: Tty, byte: number): void {
  if (isShownAsCaret(tty, byte)) put(k, tty, [0x5e, byte ^ 0x40], false)
  else put(k, tty, [byte])
}

function isShownAsCaret(tty: Tty, byte: number): boolean {
  return (tty.termios.lflag & L.echoctl) !== 0 && (byte < 32 || byte === DELETE) && byte !== TAB && byte !== NL
}

/** Takes back the last character of the line, on the screen too. */
function eraseOne(k: Kernel, tty: Tty): void {
  const { lflag, iflag } = tty.termios
  let byte = tty.line.pop()
  if (byte === undefined) return
  if (iflag & I.utf8) while ((byte & 0xc0) === 0x80 && tty.line.length > 0) byte = tty.line.pop()!
  if (!(lflag & L.echo)) return
  if (!(lflag & L.echoe)) return echo(k, tty, tty.termios.cc[V.erase]!)
  let width = isShownAsCaret(tty, byte) ? 2 : byte < 32 ? 0 : 1
  if (byte === TAB) {
    // A tab is as wide as what stands before it on the line makes it.
    let column = tty.lineColumn
    for (const before of tty.line)
      column +=
        before === TAB
          ? TAB_WIDTH - (column % TAB_WIDTH)
          : isShownAsCaret(tty, before)
            ? 2
            : (before & 0xc0) === 0x80 && iflag & I.utf8
              ? 0
              : 1
    width = TAB_WIDTH - (column % TAB_WIDTH)
    put(
      k,
      tty,
      Array.from({ length: width }, () => BS),
      false,
    )
    return
  }
  for (let i = 0; i < width; i++) put(k, tty, [BS, 0x20, BS], false)
}

/** Sends bytes to the other side, as OPOST has them unless `post` is false. */
function put(k: Kernel, tty: Tty, bytes: readonly number[], post = true): void {
  send(k, tty, post ? bytes.flatMap((byte) => processed(tty, byte)) : bytes.map((byte) => moved(tty, byte)))
}

/** What a program printed: as the modes say. */
export function printBytes(k: Kernel, tty: Tty, bytes: Uint8Array): void {
  const out: number[] = []
  for (const byte of bytes) out.push(...processed(tty, byte))
  send(k, tty, out)
}

function send(k: Kernel, tty: Tty, bytes: number[]): void {
  if (bytes.length === 0) return
  if (tty.host) return k.world.writeTerminal?.(Uint8Array.from(bytes))
  if (tty.master === 0) return
  for (const byte of bytes) tty.output.push(byte)
  wakeMaster(k, tty, 'read')
}

/** A printed byte after OPOST's treatment. */
function processed(tty: Tty, byte: number): number[] {
  const { oflag } = tty.termios
  if (!(oflag & OUT.post)) return [moved(tty, byte)]
  if (byte === NL) {
    if (oflag & OUT.nlret) tty.column = 0
    if (!(oflag & OUT.nlcr)) return [NL]
    tty.column = 0
    return [CR, NL]
  }
  if (byte === CR) {
    if (oflag & OUT.nocr && tty.column === 0) return []
    if (oflag & OUT.crnl) {
      if (oflag & OUT.nlret) tty.column = 0
      return [NL]
    }
  }
  if (byte === TAB && (oflag & OUT.tabs) === OUT.tabs) {
    const width = TAB_WIDTH - (tty.column % TAB_WIDTH)
    tty.column += width
    return Array.from({ length: width }, () => 0x20)
  }
  const shown = oflag & OUT.lcuc && byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte
  return [moved(tty, shown)]
}

/** Notes where a byte moves the cursor. */
function moved(tty: Tty, byte: number): number {
  if (byte === CR) tty.column = 0
  else if (byte === BS) tty.column = Math.max(0, tty.column - 1)
  else if (byte === TAB) tty.column += TAB_WIDTH - (tty.column % TAB_WIDTH)
  else if (byte >= 0x20 && byte !== DELETE && ((byte & 0xc0) !== 0x80 || !(tty.termios.iflag & I.utf8))) tty.column++
  return byte
}

/** Bytes for a reader who wants at most `max`: null when it has to wait. */
export function takeInput(tty: Tty, max: number): Uint8Array | null {
  if (!(tty.termios.lflag & L.icanon)) {
    if (tty.ready.length === 0) return null
    return Uint8Array.from(tty.ready.splice(0, max).filter((byte) => byte !== END_OF_FILE))
  }
  if (tty.ready.length === 0) return null
  const isEnd = (byte: number): boolean =>
    byte === NL || byte === END_OF_FILE || is(tty, V.eol, byte) || is(tty, V.eol2, byte)
  let count = 0
  while (count < max && count < tty.ready.length) if (isEnd(tty.ready[count++]!)) break
  const bytes = tty.ready.splice(0, count)
  // An end that was typed is no byte; where the buffer ends just before it, it is gone with the bytes.
  if (bytes.at(-1) === END_OF_FILE) bytes.pop()
  else if (count === max && tty.ready[0] === END_OF_FILE) tty.ready.shift()
  return Uint8Array.from(bytes)
}

/** Whether ^S and ^Q stop and start the output: a master in packet mode may then do it itself. */
function stopsByKeys({ iflag, cc }: Tty['termios']): boolean {
  return (iflag & I.ixon) !== 0 && cc[V.stop] === 0x13 && cc[V.start] === 0x11
}

/** Sets new modes; what was typed under the old ones can be read under the new. */
export function setTermios(k: Kernel, tty: Tty, termios: Tty['termios']): void {
  const flow = stopsByKeys(termios)
  if (flow !== stopsByKeys(tty.termios)) {
    if (flow) tellPacket(k, tty, PACKET.doStop, PACKET.noStop)
    else tellPacket(k, tty, PACKET.noStop, PACKET.doStop)
  }
  const before = tty.termios.lflag & L.icanon
  tty.termios = termios
  if (before && !(termios.lflag & L.icanon)) {
    tty.ready.push(...tty.line)
    tty.line = []
  }
}
