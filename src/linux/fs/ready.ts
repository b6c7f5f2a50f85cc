/** Exists to say what poll(2) says: whether a description can be read or written without waiting. */
import type { Kernel } from '../kernel.ts'
import { queueOf } from '../ipc/mqueue.ts'
import { socketMask } from '../net/ready.ts'
import { isPending } from '../signals.ts'
import { ttyMask } from '../tty/transfer.ts'
import { ringMask } from '../uring/ring.ts'
import { eventfdWritable, timerTicks } from './event-files.ts'
import { PIPE_BUF, roomInPipe } from './pipe.ts'
import type { Description } from './state.ts'

/** Events of poll(2); epoll's are the same bits. */
export const POLL = {
  in: 0x1,
  pri: 0x2,
  out: 0x4,
  err: 0x8,
  hup: 0x10,
  nval: 0x20,
  rdnorm: 0x40,
  wrnorm: 0x100,
} as const

const READABLE = POLL.in | POLL.rdnorm
const WRITABLE = POLL.out | POLL.wrnorm

/** POLL bits that hold now. */
export function pollMask(k: Kernel, d: Description): number {
  switch (d.type) {
    case 'pipe': {
      const pipe = k.state.fs.pipes.get(d.pipe)!
      const access = d.flags & 3
      let mask = 0
      if (access !== 1) {
        if (pipe.used > 0) mask |= READABLE
        if (pipe.writers === 0 && pipe.writerOpens > 0) mask |= POLL.hup
      }
      if (access !== 0) {
        if (roomInPipe(pipe) >= Math.min(PIPE_BUF, pipe.buffer.length)) mask |= WRITABLE
        if (pipe.readers === 0) mask |= POLL.err
      }
      return mask
    }
    case 'stdin':
      return READABLE
    case 'stdout':
    case 'stderr':
      return WRITABLE
    case 'eventfd':
      return (d.counter > 0n ? POLL.in : 0) | (eventfdWritable(d) ? POLL.out : 0)
    case 'timerfd':
      return timerTicks(k, d) > 0 ? POLL.in : 0
    case 'epoll':
      return epollReady(k, d) ? READABLE : 0
    case 'socket':
      return socketMask(k.state.fs.net.sockets.get(d.socket)!)
    case 'pidfd': {
      const process = k.state.processes.get(Number(d.counter))
      return process === undefined || process.tids.length === 0 ? READABLE : 0
    }
    case 'signalfd':
      return isSignalled(k, d) ? READABLE : 0
    case 'inotify':
      return d.inotify!.events.length > 0 ? READABLE : 0
    case 'mqueue': {
      const { messages, maxMessages } = queueOf(k, d)
      return (messages.length > 0 ? READABLE : 0) | (messages.length < maxMessages ? WRITABLE : 0)
    }
    case 'tty':
    case 'ptmx':
      return ttyMask(k, d)
    case 'ring':
      return ringMask(k, d.ring!)
    case 'path':
      return POLL.nval
    default:
      return READABLE | WRITABLE
  }
}

/** Whether a signal of the set waits for the task that asks. */
function isSignalled(k: Kernel, d: Description): boolean {
  const t = k.current
  return t !== null && isPending(k.process(t), t, d.counter)
}

/** EPOLLONESHOT, EPOLLET. */
export const EPOLL_ONESHOT = 0x4000_0000
export const EPOLL_EDGE = 0x8000_0000

/** Whether epoll_wait would report something. */
function epollReady(k: Kernel, d: Description): boolean {
  for (const item of d.items!.values()) if (itemEvents(k, item) !== 0) return true
  return false
}

/** Events that epoll_wait reports for an item now: none for a disabled one, or an edge-triggered one on which nothing has happened since. */
export function itemEvents(k: Kernel, item: { id: number; events: number; disabled: boolean; seen: number }): number {
  const description = k.state.fs.descriptions.get(item.id)
  if (item.disabled || !description) return 0
  if (item.events & EPOLL_EDGE && item.seen === activityOf(k, description)) return 0
  return pollMask(k, description) & ((item.events & 0xffff) | POLL.err | POLL.hup)
}

/** A number that changes whenever a description has news: for a timer, each expiration is news. */
export function activityOf(k: Kernel, d: Description): number {
  return d.type === 'timerfd' ? d.activity + timerTicks(k, d) : d.activity
}
