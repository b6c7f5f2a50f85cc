/** Exists to tell processes of their terminals: signals, and the end of either side; apart from opening them, since closing descriptions needs it. */
import { signalActivity } from '../fs/async.ts'
import type { Description, FsState, Inode } from '../fs/state.ts'
import type { Kernel } from '../kernel.ts'
import { CODE, SIG } from '../signal-names.ts'
import { sendToProcess, signalInfo } from '../signals.ts'
import type { Process } from '../state.ts'
import type { Tty } from './state.ts'

/** /dev/pts as a directory inode. */
export function ptsDirectory(fs: FsState): Inode | undefined {
  const dev = fs.inodes.get(fs.inodes.get(fs.root)!.entries!.get('dev') ?? 0)
  return fs.inodes.get(dev?.entries?.get('pts') ?? 0)
}

/** The terminal that controls a session, or undefined. */
export function controllingTty(k: Kernel, session: number): Tty | undefined {
  return [...k.state.fs.tty.ttys.values()].find((tty) => tty.session === session && session !== 0)
}

/** Tells the other side that a description of a terminal is closed. */
export function leaveTty(k: Kernel, d: Description): void {
  const fs = k.state.fs
  const tty = fs.tty.ttys.get(d.tty)!
  if (d.type === 'tty') {
    tty.ends.splice(tty.ends.indexOf(d.id), 1)
    tty.exclusive = false
    if (tty.ends.length === 0 && tty.master !== 0) signalActivity(k, tty.master, 'both')
  } else {
    tty.master = 0
    ptsDirectory(fs)?.entries!.delete(String(tty.id))
    hangUp(k, tty)
  }
  if (!tty.host && tty.master === 0 && tty.ends.length === 0) fs.tty.ttys.delete(tty.id)
}

/** The other side is gone: its session hears SIGHUP, and nothing can be read or written any more. */
export function hangUp(k: Kernel, tty: Tty): void {
  if (tty.hungUp) return
  tty.hungUp = true
  const leader = k.state.processes.get(tty.session)
  if (leader !== undefined) {
    sendToProcess(k, leader, signalInfo(SIG.hup, CODE.kernel))
    sendToProcess(k, leader, signalInfo(SIG.cont, CODE.kernel))
  }
  signalGroup(k, tty.foreground, SIG.hup)
  tty.session = tty.foreground = 0
  wakeSlaves(k, tty, 'both')
}

/** The leader of a session has ended: its terminal controls nobody any more, and its foreground group is hung up. */
export function disownTty(k: Kernel, process: Process): void {
  const tty = process.sid === process.pid ? controllingTty(k, process.sid) : undefined
  if (tty === undefined) return
  const group = tty.foreground
  tty.session = tty.foreground = 0
  signalGroup(k, group, SIG.hup)
  signalGroup(k, group, SIG.cont)
}

/** Sends a signal to every process of a group. */
export function signalGroup(k: Kernel, pgid: number, signal: number): void {
  if (pgid === 0) return
  for (const process of k.state.processes.values())
    if (process.pgid === pgid) sendToProcess(k, process, signalInfo(signal, CODE.kernel))
}

/** Wakes who waits at the slave. */
export function wakeSlaves(k: Kernel, tty: Tty, events: 'read' | 'write' | 'both'): void {
  for (const id of tty.ends) signalActivity(k, id, events)
}

/** Wakes who waits at the master. */
export function wakeMaster(k: Kernel, tty: Tty, events: 'read' | 'write' | 'both'): void {
  if (tty.master !== 0) signalActivity(k, tty.master, events)
}

/** Sets the window's size; who is in the foreground hears of a new one. */
export function resize(k: Kernel, tty: Tty, size: Tty['size']): void {
  if (size.every((value, i) => value === tty.size[i])) return
  tty.size = size
  signalGroup(k, tty.foreground, SIG.winch)
}

/** What a master in packet mode is told (TIOCPKT_FLUSHREAD and its kin). */
export const PACKET = { flushRead: 1, flushWrite: 2, stop: 4, start: 8, noStop: 16, doStop: 32 } as const

/** Tells a master in packet mode what happened to its slave; `undone` is no longer true. */
export function tellPacket(k: Kernel, tty: Tty, what: number, undone = 0): void {
  if (tty.packet === undefined) return
  tty.packet = (tty.packet & ~undone) | what
  wakeMaster(k, tty, 'read')
}

/** Stops or starts the output of a terminal. */
export function stopOutput(k: Kernel, tty: Tty, stopped: boolean): void {
  if (tty.stopped === stopped) return
  tty.stopped = stopped
  if (stopped) tellPacket(k, tty, PACKET.stop, PACKET.start)
  else tellPacket(k, tty, PACKET.start, PACKET.stop)
}
