/** Exists to let whoever asked by O_ASYNC hear by a signal that a description has become readable or writable (fcntl(2), F_SETOWN, F_SETSIG). */
import type { Kernel } from '../kernel.ts'
import { CODE, SIG } from '../signal-names.ts'
import { sendToProcess, sendToTask, signalInfo } from '../signals.ts'
import type { SignalInfo } from '../state.ts'
import { isZombie } from '../tasks.ts'
import { stir } from './activity.ts'
import type { Description, DescriptionType } from './state.ts'

const O_ASYNC = 0o20000

/** Whose descriptions tell by signals; on all others O_ASYNC does nothing. */
const TELLING: ReadonlySet<DescriptionType> = new Set<DescriptionType>(['pipe', 'socket', 'tty', 'ptmx', 'inotify'])

/** si_code and si_band of what can happen. */
const POLL = { in: { code: 1, band: 0x41n }, out: { code: 2, band: 0x304n } } as const

/** Signals whose si_code means something else: they get SI_SIGIO. */
const OWN_CODES: ReadonlySet<number> = new Set([SIG.ill, SIG.fpe, SIG.segv, SIG.bus, SIG.trap, SIG.chld, SIG.sys])

/** Something happened that makes a description readable or writable: wakes who waits for it, directly or through epoll, and signals who asked for that. */
export function signalActivity(k: Kernel, id: number, events: 'read' | 'write' | 'both'): void {
  stir(k, id, events)
  const d = k.state.fs.descriptions.get(id)
  if (d === undefined || (d.flags & O_ASYNC) === 0 || d.owner === 0) return
  const access = d.type === 'pipe' ? d.flags & 3 : 2
  if (events !== 'write' && access !== 1) tellOwner(k, d, 'in')
  // A socket that has room again tells only who had found none, which is not kept.
  if (events !== 'read' && access !== 0 && d.type !== 'socket') tellOwner(k, d, 'out')
}

/** Whether O_ASYNC means something for it. */
export const canTell = (d: Description): boolean => TELLING.has(d.type)

/** F_SETFL and FIOASYNC: the descriptor by which it is turned on is what si_fd says. */
export function setAsync(d: Description, on: boolean, fd: number): void {
  if (!canTell(d)) return
  if (on && (d.flags & O_ASYNC) === 0) d.asyncFd = fd
  d.flags = on ? d.flags | O_ASYNC : d.flags & ~O_ASYNC
}

function tellOwner(k: Kernel, d: Description, what: keyof typeof POLL): void {
  const { code, band } = POLL[what]
  const info: SignalInfo =
    d.ioSignal === 0
      ? signalInfo(SIG.io, CODE.kernel)
      : signalInfo(d.ioSignal, OWN_CODES.has(d.ioSignal) ? CODE.io : code, { address: band, value: BigInt(d.asyncFd) })
  if (d.ownerThread) {
    const thread = k.state.tasks.get(d.owner)
    if (thread !== undefined) sendToTask(k, thread, info)
    return
  }
  for (const process of k.state.processes.values())
    if (!isZombie(process) && (d.owner > 0 ? process.pid === d.owner : process.pgid === -d.owner))
      sendToProcess(k, process, info)
}
