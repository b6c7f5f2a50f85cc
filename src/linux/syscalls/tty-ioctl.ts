/** Exists to hold ioctl's requests to terminals (ioctl_tty(2)): what they do, which memory they are about, and how strace prints it. */
import { CAP, capable } from '../capabilities.ts'
import { ERRNO } from '../errno.ts'
import type { CallView, Range } from '../declare.ts'
import { installFd, releaseDescription } from '../fs/description.ts'
import { inodeOf } from '../fs/inode.ts'
import type { Description } from '../fs/state.ts'
import type { Kernel } from '../kernel.ts'
import { SIG } from '../signal-names.ts'
import type { Task } from '../state.ts'
import { flagsText, pointerText, valueText, type FlagTable } from '../strace.ts'
import { setTermios } from '../tty/discipline.ts'
import type { Tty } from '../tty/state.ts'
import {
  controllingTty,
  disownTty,
  PACKET,
  ptsDirectory,
  resize,
  signalGroup,
  stopOutput,
  tellPacket,
  wakeMaster,
  wakeSlaves,
} from '../tty/tell.ts'
import { TERMIOS2_SIZE, termiosBytes, termiosFrom, TERMIOS_SIZE } from '../tty/termios.ts'
import { jobControl } from '../tty/transfer.ts'
import { openTty, setControlling, ttyOf } from '../tty/tty.ts'

const T = {
  tcgets: 0x5401,
  tcsets: 0x5402,
  tcsetsw: 0x5403,
  tcsetsf: 0x5404,
  tcgeta: 0x5405,
  tcsbrk: 0x5409,
  tcxonc: 0x540a,
  tcflsh: 0x540b,
  excl: 0x540c,
  nxcl: 0x540d,
  sctty: 0x540e,
  gpgrp: 0x540f,
  spgrp: 0x5410,
  outq: 0x5411,
  sti: 0x5412,
  gwinsz: 0x5413,
  swinsz: 0x5414,
  fionread: 0x541b,
  pkt: 0x5420,
  notty: 0x5422,
  setd: 0x5423,
  getd: 0x5424,
  tcsbrkp: 0x5425,
  gsid: 0x5429,
  tcgets2: 0x802c_542a,
  tcsets2: 0x402c_542b,
  tcsetsw2: 0x402c_542c,
  tcsetsf2: 0x402c_542d,
  gptn: 0x8004_5430,
  sptlck: 0x4004_5431,
  gptlck: 0x8004_5439,
  gpkt: 0x8004_5438,
  gexcl: 0x8004_5440,
  gptpeer: 0x5441,
  sig: 0x4004_5436,
} as const

const SETS: ReadonlySet<number> = new Set([T.tcsets, T.tcsetsw, T.tcsetsf, T.tcsets2, T.tcsetsw2, T.tcsetsf2])
/** Requests that a process of the background may not make. */
const CHANGES: ReadonlySet<number> = new Set([...SETS, T.tcsbrk, T.tcxonc, T.tcflsh, T.spgrp, T.tcsbrkp, T.setd])
const ANSWERS_INT: ReadonlySet<number> = new Set([
  T.gpgrp,
  T.gsid,
  T.outq,
  T.fionread,
  T.getd,
  T.gptn,
  T.gptlck,
  T.gpkt,
  T.gexcl,
])
const READS_INT: ReadonlySet<number> = new Set([T.spgrp, T.setd, T.sptlck, T.pkt])
/** Requests whose argument is the value itself. */
const VALUES: ReadonlySet<number> = new Set([T.tcsbrk, T.tcxonc, T.tcflsh, T.sctty, T.tcsbrkp, T.gptpeer, T.sig])
const WINSIZE = 8

const sizeOf = (request: number): number =>
  request >= T.tcsets2 && request < 0x5000_0000 ? TERMIOS2_SIZE : TERMIOS_SIZE

/** Performs a request to a terminal or a master; null when it is none of theirs. */
export function ttyIoctl(k: Kernel, t: Task, args: number[], d: Description): number | null {
  const [, request, address] = args as [number, number, number]
  const tty = ttyOf(k, d)
  const space = k.space(t)
  const master = d.type === 'ptmx'
  if (tty.hungUp && !master) return -ERRNO.EIO
  if (CHANGES.has(request) && !master) {
    const denied = jobControl(k, t, tty, SIG.ttou, 16, args)
    if (denied !== 0) return denied
  }
  const store = (value: number): number => (space.writeU32(address, value >>> 0) ? 0 : -ERRNO.EFAULT)
  if (SETS.has(request)) {
    const bytes = space.read(address, sizeOf(request))
    if (bytes === null) return -ERRNO.EFAULT
    if (request === T.tcsetsf || request === T.tcsetsf2) flush(k, tty, true, false)
    const wanted = termiosFrom(bytes)
    // A pseudo-terminal has bytes of eight bits, and receives.
    wanted.cflag = (wanted.cflag & ~0x130) | 0xb0
    setTermios(k, tty, wanted)
    wakeSlaves(k, tty, 'both')
    return 0
  }
  switch (request) {
    case T.tcgets:
      return space.write(address, termiosBytes(tty.termios, false)) ? 0 : -ERRNO.EFAULT
    case T.tcgets2:
      return space.write(address, termiosBytes(tty.termios, true)) ? 0 : -ERRNO.EFAULT
    case T.gwinsz:
      return space.write(address, new Uint8Array(Uint16Array.from(tty.size).buffer)) ? 0 : -ERRNO.EFAULT
    case T.swinsz: {
      const bytes = space.read(address, WINSIZE)
      if (bytes === null) return -ERRNO.EFAULT
      const view = new DataView(bytes.buffer, bytes.byteOffset, WINSIZE)
      resize(k, tty, [0, 2, 4, 6].map((at) => view.getUint16(at, true)) as Tty['size'])
      return 0
    }
    case T.gpgrp:
      return master || controls(k, t, tty) ? store(tty.foreground) : -ERRNO.ENOTTY
    case T.gsid:
      if (!master && !controls(k, t, tty)) return -ERRNO.ENOTTY
      return tty.session === 0 ? -ERRNO.ENOTTY : store(tty.session)
    case T.spgrp:
      return setForeground(k, t, tty, space.readU32(address))
    case T.sctty:
      return takeControl(k, t, tty, address)
    case T.notty: {
      const process = k.process(t)
      if (!controls(k, t, tty)) return -ERRNO.ENOTTY
      if (process.sid === process.pid) disownTty(k, process)
      else return k.refuse(t, 'ioctl(TIOCNOTTY) by a process that does not lead its session', 'EPERM')
      return 0
    }
    case T.fionread:
      return store(master ? tty.output.length : tty.ready.length)
    case T.outq:
      return store(0)
    case T.tcflsh:
      if (address > 2) return -ERRNO.EINVAL
      flush(k, tty, address !== 1, address !== 0)
      return 0
    case T.tcxonc:
      if (address > 3) return -ERRNO.EINVAL
      if (address < 2) stopOutput(k, tty, address === 0)
      if (address === 1) wakeSlaves(k, tty, 'write')
      return 0
    case T.tcsbrk:
    case T.tcsbrkp:
      return 0
    case T.excl:
    case T.nxcl:
      tty.exclusive = request === T.excl
      return 0
    case T.gexcl:
      return store(tty.exclusive ? 1 : 0)
    case T.sti:
      // As of Linux 6.2, nobody may put words into the mouth of whoever types.
      return -ERRNO.EIO
    case T.getd:
      return store(0)
    case T.setd: {
      const wanted = space.readU32(address)
      if (wanted === null) return -ERRNO.EFAULT
      return wanted === 0 ? 0 : k.refuse(t, `ioctl(TIOCSETD, ${wanted})`, 'EINVAL')
    }
    case T.tcgeta:
      return k.refuse(t, 'ioctl(TCGETA)', 'EINVAL')
    default:
      return master ? masterIoctl(k, t, tty, request, address, store) : null
  }
}

function masterIoctl(
  k: Kernel,
  t: Task,
  tty: Tty,
  request: number,
  address: number,
  store: (value: number) => number,
): number | null {
  const space = k.space(t)
  switch (request) {
    case T.gptn:
      return store(tty.id)
    case T.sptlck:
    case T.pkt: {
      const value = space.readU32(address)
      if (value === null) return -ERRNO.EFAULT
      if (request === T.sptlck) tty.locked = value !== 0
      else if (value === 0) delete tty.packet
      else tty.packet ??= 0
      return 0
    }
    case T.gpkt:
      return store(tty.packet === undefined ? 0 : 1)
    case T.gptlck:
      return store(tty.locked ? 1 : 0)
    case T.sig:
      signalGroup(k, tty.foreground, address)
      return 0
    case T.gptpeer: {
      const dir = ptsDirectory(k.state.fs)!
      const inode = inodeOf(k.state.fs, dir.entries!.get(String(tty.id))!)
      const d = openTty(k, t, tty, address & ~0o2000000, inode, { parent: dir.id, name: String(tty.id) })
      if (typeof d === 'number') return d
      d.refs++
      const fd = installFd(k, t, d, (address & 0o2000000) !== 0)
      releaseDescription(k, d.id)
      return fd
    }
    default:
      return null
  }
}

/** Whether the terminal controls the caller's session. */
function controls(k: Kernel, t: Task, tty: Tty): boolean {
  return tty.session !== 0 && tty.session === k.process(t).sid
}

function setForeground(k: Kernel, t: Task, tty: Tty, pgid: number | null): number {
  if (!controls(k, t, tty)) return -ERRNO.ENOTTY
  if (pgid === null) return -ERRNO.EFAULT
  if (pgid > 0x7fff_ffff) return -ERRNO.EINVAL
  const members = [...k.state.processes.values()].filter((other) => other.pgid === pgid)
  if (members.length === 0) return -ERRNO.ESRCH
  if (!members.some((other) => other.sid === tty.session)) return -ERRNO.EPERM
  tty.foreground = pgid
  wakeSlaves(k, tty, 'both')
  return 0
}

function takeControl(k: Kernel, t: Task, tty: Tty, force: number): number {
  const process = k.process(t)
  const leads = process.sid === process.pid
  if (leads && tty.session === process.sid) return 0
  if (!leads || controllingTty(k, process.sid) !== undefined) return -ERRNO.EPERM
  if (tty.session !== 0 && !(force === 1 && capable(process, CAP.sysAdmin))) return -ERRNO.EPERM
  setControlling(tty, process)
  return 0
}

function flush(k: Kernel, tty: Tty, input: boolean, output: boolean): void {
  if (input) {
    tty.ready = []
    tty.line = []
    tellPacket(k, tty, PACKET.flushRead)
    wakeMaster(k, tty, 'write')
  }
  if (output) {
    tty.output = []
    tellPacket(k, tty, PACKET.flushWrite)
    wakeSlaves(k, tty, 'write')
  }
}

const IFLAGS: FlagTable = [
  [0x1, 'IGNBRK'],
  [0x2, 'BRKINT'],
  [0x4, 'IGNPAR'],
  [0x8, 'PARMRK'],
  [0x10, 'INPCK'],
  [0x20, 'ISTRIP'],
  [0x40, 'INLCR'],
  [0x80, 'IGNCR'],
  [0x100, 'ICRNL'],
  [0x200, 'IUCLC'],
  [0x400, 'IXON'],
  [0x800, 'IXANY'],
  [0x1000, 'IXOFF'],
  [0x2000, 'IMAXBEL'],
  [0x4000, 'IUTF8'],
]
const OFLAGS: FlagTable = [
  [0x1, 'OPOST'],
  [0x2, 'OLCUC'],
  [0x4, 'ONLCR'],
  [0x8, 'OCRNL'],
  [0x10, 'ONOCR'],
  [0x20, 'ONLRET'],
  [0x40, 'OFILL'],
  [0x80, 'OFDEL'],
]
const CFLAGS: FlagTable = [
  [0x40, 'CSTOPB'],
  [0x80, 'CREAD'],
  [0x100, 'PARENB'],
  [0x200, 'PARODD'],
  [0x400, 'HUPCL'],
  [0x800, 'CLOCAL'],
]
const LFLAGS: FlagTable = [
  [0x1, 'ISIG'],
  [0x2, 'ICANON'],
  [0x4, 'XCASE'],
  [0x8, 'ECHO'],
  [0x10, 'ECHOE'],
  [0x20, 'ECHOK'],
  [0x40, 'ECHONL'],
  [0x80, 'NOFLSH'],
  [0x8000, 'IEXTEN'],
  [0x200, 'ECHOCTL'],
  [0x400, 'ECHOPRT'],
  [0x800, 'ECHOKE'],
  [0x1000, 'FLUSHO'],
  [0x4000, 'PENDIN'],
  [0x100, 'TOSTOP'],
]
const SPEEDS = [0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400]

function modesText(bytes: Uint8Array): string {
  const { iflag, oflag, cflag, lflag } = termiosFrom(bytes)
  const named = (value: number, table: FlagTable): string => (value === 0 ? '' : flagsText(value, table, '???'))
  const delays = [
    `NL${(oflag >> 8) & 1}`,
    `CR${(oflag >> 9) & 3}`,
    `TAB${(oflag >> 11) & 3}`,
    `BS${(oflag >> 13) & 1}`,
    `VT${(oflag >> 14) & 1}`,
    `FF${(oflag >> 15) & 1}`,
  ]
  const output = [...delays.map((text) => text.replace('TAB3', 'XTABS')), named((oflag & ~0xff00) >>> 0, OFLAGS)].join(
    '|',
  )
  const control = [
    `B${SPEEDS[cflag & 15]}`,
    `CS${5 + ((cflag >> 4) & 3)}`,
    ...(cflag & 0xfc0 ? [named(cflag & 0xfc0, CFLAGS)] : []),
  ].join('|')
  return `{c_iflag=${named(iflag, IFLAGS)}, c_oflag=${output}, c_cflag=${control}, c_lflag=${named(lflag, LFLAGS)}, ...}`
}

const FLUSHES: FlagTable = [
  [0, 'TCIFLUSH'],
  [1, 'TCOFLUSH'],
  [2, 'TCIOFLUSH'],
]
const FLOWS: FlagTable = [
  [0, 'TCOOFF'],
  [1, 'TCOON'],
  [2, 'TCIOFF'],
  [3, 'TCION'],
]

/** strace's text of the argument of a request to a terminal; undefined when it is none, null when it has no argument. */
export function ttyArgumentText(value: number, { args, space, result }: CallView): string | null | undefined {
  const request = args[1]!
  const succeeded = result !== null && result >= 0
  if (request === T.excl || request === T.nxcl || request === T.notty) return null
  if (SETS.has(request) || request === T.tcgets || request === T.tcgets2) {
    const bytes = SETS.has(request) || succeeded ? space.read(value, TERMIOS_SIZE) : null
    return bytes === null ? pointerText(value) : modesText(bytes)
  }
  if (request === T.gwinsz || request === T.swinsz) {
    const bytes = request === T.swinsz || succeeded ? space.read(value, WINSIZE) : null
    if (bytes === null) return pointerText(value)
    const view = new DataView(bytes.buffer, bytes.byteOffset, WINSIZE)
    const [row, col, x, y] = [0, 2, 4, 6].map((at) => view.getUint16(at, true))
    return `{ws_row=${row}, ws_col=${col}, ws_xpixel=${x}, ws_ypixel=${y}}`
  }
  if (request === T.tcflsh) return valueText(value, FLUSHES, 'TC???')
  if (request === T.tcxonc) return valueText(value, FLOWS, 'TC???')
  if (request === T.gptlck || request === T.sti) return pointerText(value)
  if (request === T.gptpeer || request === T.sig) return `0x${value.toString(16)}`
  if (VALUES.has(request)) return String(value)
  if (READS_INT.has(request) || ANSWERS_INT.has(request)) {
    const word = READS_INT.has(request) || succeeded ? space.readU32(value) : null
    return word === null ? pointerText(value) : `[${word | 0}]`
  }
  return undefined
}

/** Guest memory that a request to a terminal reads. */
export function ttyReads(request: number, address: number): Range[] {
  if (SETS.has(request)) return [{ start: address, length: sizeOf(request) }]
  if (request === T.swinsz) return [{ start: address, length: WINSIZE }]
  return READS_INT.has(request) ? [{ start: address, length: 4 }] : []
}

/** Guest memory that a request to a terminal has written. */
export function ttyWrites(request: number, address: number): Range[] {
  if (request === T.tcgets) return [{ start: address, length: TERMIOS_SIZE }]
  if (request === T.tcgets2) return [{ start: address, length: TERMIOS2_SIZE }]
  if (request === T.gwinsz) return [{ start: address, length: WINSIZE }]
  return ANSWERS_INT.has(request) ? [{ start: address, length: 4 }] : []
}
