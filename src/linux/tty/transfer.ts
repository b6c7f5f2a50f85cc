/** Exists to read and write terminals and masters of pseudo-terminals, by the rules of job control and of VMIN and VTIME. */
import { BLOCKED } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { gather, scatter, totalLength, writable, type Segment } from '../fs/segments.ts'
import type { Description } from '../fs/state.ts'
import type { Kernel } from '../kernel.ts'
import { bit, SIG, SIG_IGN } from '../signal-names.ts'
import type { Process, Task } from '../state.ts'
import { isOrphaned, newWait } from '../tasks.ts'
import { INPUT_LIMIT, printBytes, takeInput, typeBytes } from './discipline.ts'
import type { Tty } from './state.ts'
import { L, V } from './termios.ts'
import { signalGroup, wakeMaster, wakeSlaves } from './tell.ts'
import { ttyOf } from './tty.ts'

const NONBLOCK = 0o4000
/** Bytes that a program may print before its master has to read. */
const OUTPUT_LIMIT = 16384
/** POLLPRI. */
const PRIORITY = 0x2
/** VTIME's unit in ns. */
const TENTH = 1e8

/** Whether the process may use the terminal as it likes: it does not control its session, or the process is in the foreground. */
function inForeground(tty: Tty, process: Process): boolean {
  return tty.session !== process.sid || tty.foreground === process.pgid || tty.foreground === 0
}

/**
 * What becomes of a process of the background that uses the terminal: 0 when it may, else an errno, or BLOCKED when its group is being stopped
 * and the call is to be made again.
 */
export function jobControl(k: Kernel, t: Task, tty: Tty, signal: number, nr: number, args: number[]): number {
  const process = k.process(t)
  if (inForeground(tty, process)) return 0
  const blocked = (bit(signal) & t.signalMask) !== 0n || process.actions[signal]!.handler === SIG_IGN
  if (signal === SIG.ttin) {
    if (blocked || isOrphaned(k.state, process.pgid)) return -ERRNO.EIO
  } else {
    if (blocked) return 0
    if (isOrphaned(k.state, process.pgid)) return -ERRNO.EIO
  }
  // A wait that the signal itself ends: the call begins again once somebody lets the group go on.
  t.wait = newWait({ nr, args, kind: 'signal' })
  signalGroup(k, process.pgid, signal)
  return BLOCKED
}

/** Reads; waits if it has to. */
export function readTty(
  k: Kernel,
  t: Task,
  nr: number,
  args: number[],
  d: Description,
  segments: readonly Segment[],
  nowait: boolean,
): number {
  const tty = ttyOf(k, d)
  const wanted = totalLength(segments)
  const room = writable(k.space(t), segments, wanted)
  const patient = !(d.flags & NONBLOCK) && !nowait
  if (d.type === 'ptmx') {
    const { packet } = tty
    if (packet !== undefined && packet !== 0 && room > 0) {
      scatter(k.space(t), segments, Uint8Array.of(packet))
      tty.packet = 0
      return 1
    }
    if (tty.output.length === 0) {
      if (tty.opened && tty.ends.length === 0) return -ERRNO.EIO
      return patient ? wait(t, nr, args, d, null) : -ERRNO.EAGAIN
    }
    if (room === 0) return -ERRNO.EFAULT
    // In packet mode a 0 says that data follow.
    const head = packet === undefined ? [] : [0]
    const bytes = Uint8Array.from([...head, ...tty.output.splice(0, room - head.length)])
    scatter(k.space(t), segments, bytes)
    wakeSlaves(k, tty, 'write')
    return bytes.length
  }
  if (tty.hungUp) return 0
  const denied = jobControl(k, t, tty, SIG.ttin, nr, args)
  if (denied !== 0) return denied
  if (room === 0 && wanted > 0) return -ERRNO.EFAULT
  const held = !patient && tty.ready.length > 0 ? true : enough(t, tty, wanted)
  if (held === null) return patient ? wait(t, nr, args, d, deadlineOf(k, t, tty)) : -ERRNO.EAGAIN
  const bytes = held ? (takeInput(tty, room) ?? new Uint8Array(0)) : new Uint8Array(0)
  scatter(k.space(t), segments, bytes)
  wakeMaster(k, tty, 'write')
  return bytes.length
}

/** Whether a reader has what it waits for: true, false when it gets nothing and does not wait, null when it waits. */
function enough(t: Task, tty: Tty, wanted: number): boolean | null {
  const { lflag, cc } = tty.termios
  if (lflag & L.icanon) return tty.ready.length > 0 ? true : null
  const [least, time] = [cc[V.min]!, cc[V.time]!]
  if (tty.ready.length >= Math.max(1, Math.min(least, wanted))) return true
  if (least === 0 && time === 0) return false
  if (t.wait?.outcome === 'timeout' && (least === 0 || tty.ready.length > 0)) return tty.ready.length > 0
  return null
}

function deadlineOf(k: Kernel, t: Task, tty: Tty): number | null {
  const { lflag, cc } = tty.termios
  const time = cc[V.time]!
  if (lflag & L.icanon || time === 0) return null
  if (cc[V.min] === 0) return t.wait?.deadline ?? k.now() + time * TENTH
  return tty.ready.length > 0 ? k.now() + time * TENTH : null
}

function wait(t: Task, nr: number, args: number[], d: Description, deadline: number | null): typeof BLOCKED {
  t.wait = newWait({ nr, args, kind: 'fd', fds: [{ id: d.id, events: 'read' }], deadline })
  return BLOCKED
}

/** Writes from byte `skip` on: the count, -EAGAIN when there is no room now, another errno, or BLOCKED while the group is being stopped. */
export function writeTty(
  k: Kernel,
  t: Task,
  nr: number,
  args: number[],
  d: Description,
  segments: readonly Segment[],
  skip: number,
): number {
  const tty = ttyOf(k, d)
  const wanted = totalLength(segments) - skip
  if (d.type === 'ptmx') {
    if (wanted === 0) return 0
    if (tty.ready.length >= INPUT_LIMIT) return -ERRNO.EAGAIN
    const bytes = gather(k.space(t), segments, skip, 4096)
    if (bytes.length === 0) return -ERRNO.EFAULT
    typeBytes(k, tty, bytes)
    return bytes.length
  }
  if (tty.hungUp) return -ERRNO.EIO
  if (tty.termios.lflag & L.tostop) {
    const denied = jobControl(k, t, tty, SIG.ttou, nr, args)
    if (denied !== 0) return denied
  }
  if (wanted === 0) return 0
  if (tty.stopped || tty.output.length >= OUTPUT_LIMIT) return -ERRNO.EAGAIN
  const bytes = gather(k.space(t), segments, skip, tty.host ? 1 << 20 : 4096)
  if (bytes.length === 0) return -ERRNO.EFAULT
  printBytes(k, tty, bytes)
  return bytes.length
}

/** POLL bits of a terminal or a master. */
export function ttyMask(k: Kernel, d: Description): number {
  const tty = ttyOf(k, d)
  const [readable, canWrite, hup, err] = [0x41, 0x104, 0x10, 0x8]
  if (d.type === 'ptmx') {
    const gone = tty.opened && tty.ends.length === 0
    const told = (tty.packet ?? 0) === 0 ? 0 : readable | PRIORITY
    return (
      told | (tty.output.length > 0 ? readable : 0) | (tty.ready.length < INPUT_LIMIT ? canWrite : 0) | (gone ? hup : 0)
    )
  }
  if (tty.hungUp) return readable | canWrite | hup | err
  const { lflag, cc } = tty.termios
  const least = lflag & L.icanon || cc[V.time] !== 0 ? 1 : Math.max(1, cc[V.min]!)
  return (tty.ready.length >= least ? readable : 0) | (tty.stopped || tty.output.length >= OUTPUT_LIMIT ? 0 : canWrite)
}
