/** Exists to carry operations of an io_uring from their entries to their completions: at once where that is possible, else when their descriptions are ready. */
import { i64At } from '../arguments.ts'
import { addEvent, removeEvent } from '../clock.ts'
import { BLOCKED } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { descriptionOf, releaseDescription, unwatch } from '../fs/description.ts'
import { timerExpiry } from '../fs/event-files.ts'
import { activityOf, POLL, pollMask } from '../fs/ready.ts'
import type { Description } from '../fs/state.ts'
import type { Kernel } from '../kernel.ts'
import { MSG } from '../net/send.ts'
import { SOCK } from '../net/socket.ts'
import type { Task } from '../state.ts'
import { tasksOf } from '../tasks.ts'
import { closeFixed, isPlaced, isRegistered, make, message, refusesToWait } from './calls.ts'
import { check, FLAG, IOPOLL, isRepeated, TIMEOUT, timeOf } from './check.ts'
import { chooseBuffer, provide, removeBuffers, takeBuffer } from './buffers.ts'
import { fixedFile, moveToFixed, placeFiles, updateFiles } from './files.ts'
import { callOf, Entry, OP, TRANSFERS } from './operations.ts'
import { offered, post, publishHead, takeEntry } from './ring.ts'
import type { Operation, Ring } from './state.ts'

const SUBMIT_ALL = 0x80
/** IORING_CQE_F_*. */
const CQE = { buffer: 1, more: 2, notification: 8 } as const
const CANCEL = { all: 1, fd: 2, any: 4, fixedFd: 8 } as const
const POLL_FLAG = { multi: 1, events: 2, data: 4 } as const
/** Submits up to `count` entries; how many were taken. */
export function submit(k: Kernel, t: Task, d: Description, count: number): number {
  const ring = d.ring!
  let taken = 0
  let head: Operation | null = null
  let broken = false
  while (taken < count && offered(k, ring) > 0) {
    const bytes = takeEntry(k, ring)
    if (bytes === null) break
    taken++
    const e = new Entry(bytes)
    const operation = newOperation(ring, t, bytes)
    const linked = (e.flags & (FLAG.link | FLAG.hardLink)) !== 0
    const before = head === null ? null : new Entry((head.next.at(-1) ?? head).entry)
    const wrong = check(k, t, e, ring, operation, before)
    if (wrong !== 0) {
      if (head !== null) broken = true
      post(k, d, e.userData, wrong, 0, false)
      if (!linked && head !== null) {
        cancelChain(k, d, head)
        head = null
        broken = false
      }
      if (!(ring.flags & SUBMIT_ALL)) break
      continue
    }
    if (head === null) head = operation
    else head.next.push(operation)
    if (linked) continue
    if (broken) cancelChain(k, d, head)
    else start(k, d, head)
    beginReady(k, d)
    head = null
    broken = false
  }
  if (head !== null) {
    if (broken) cancelChain(k, d, head)
    else start(k, d, head)
    beginReady(k, d)
  }
  publishHead(k, ring)
  return taken
}

function newOperation(ring: Ring, t: Task, entry: Uint8Array): Operation {
  const id = ++ring.nextOperation
  return {
    id,
    entry,
    tid: t.tid,
    description: 0,
    waits: 'turn',
    events: 0,
    at: 0,
    target: 0,
    guards: 0,
    seen: -1,
    done: 0,
    next: [],
  }
}

function cancelChain(k: Kernel, d: Description, head: Operation, silently = false): void {
  if (silently) return
  for (const one of [head, ...head.next]) post(k, d, new Entry(one.entry).userData, -ERRNO.ECANCELED, 0, false)
}

/** Begins an operation, unless it has to wait for those before it (IOSQE_IO_DRAIN). */
function start(k: Kernel, d: Description, operation: Operation): void {
  const ring = d.ring!
  const e = new Entry(operation.entry)
  const queued = ring.pending.some(({ waits }) => waits === 'turn')
  if (ring.pending.length > 0 && (queued || e.flags & FLAG.drain)) {
    operation.waits = 'turn'
    ring.pending.push(operation)
    return
  }
  begin(k, d, operation)
}

function begin(k: Kernel, d: Description, operation: Operation): void {
  const e = new Entry(operation.entry)
  const t = taskOf(k, d.ring!, operation)
  if (t === undefined) return
  const call = callOf(e, true)
  const needs = e.opcode === OP.pollAdd || e.opcode === OP.msgRing || call?.target === 'file'
  if (needs) {
    const file = e.flags & FLAG.fixedFile ? fixedFile(k, d.ring!, e.fd) : descriptionOf(k, t, e.fd)
    if (file === undefined || file.type === 'path') return finish(k, d, operation, -ERRNO.EBADF, false)
    file.refs++
    operation.description = file.id
  }
  go(k, d, operation, false)
  // A timeout that ends this one begins with it.
  const guard = operation.next[0]
  if (guard === undefined || new Entry(guard.entry).opcode !== OP.linkTimeout || !d.ring!.pending.includes(operation))
    return
  operation.next.shift()
  guard.next = operation.next
  operation.next = []
  guard.guards = operation.id
  armTimeout(k, d, guard)
}

function taskOf(k: Kernel, ring: Ring, { tid }: Operation): Task | undefined {
  return k.state.tasks.get(tid) ?? tasksOf(k.state, ring.pid)[0]
}

/** Does an operation as far as it goes. */
function go(k: Kernel, d: Description, operation: Operation, later: boolean): void {
  const ring = d.ring!
  const t = taskOf(k, ring, operation)
  if (t === undefined) return
  const e = new Entry(operation.entry)
  const file = k.state.fs.descriptions.get(operation.description)
  const ended: Operation[] = []
  switch (e.opcode) {
    case OP.nop:
      return finish(k, d, operation, 0, later)
    case OP.pollAdd:
      return poll(k, d, operation, e, file!, later)
    case OP.pollRemove:
      return finishAll(k, d, operation, later, changePoll(k, d, e, ended), ended)
    case OP.timeout:
      return armTimeout(k, d, operation)
    case OP.timeoutRemove:
      return finishAll(k, d, operation, later, changeTimeout(k, t, d, e, ended), ended)
    case OP.linkTimeout:
      // Its operation has ended before it could begin.
      return finish(k, d, operation, -ERRNO.ECANCELED, later)
    case OP.asyncCancel:
      return finishAll(k, d, operation, later, cancel(k, t, d, operation, e, ended), ended)
    case OP.provideBuffers:
      return finish(k, d, operation, provide(ring, e), later)
    case OP.removeBuffers:
      return finish(k, d, operation, removeBuffers(ring, e.bufIndex, e.fd), later)
    case OP.filesUpdate:
      return finish(
        k,
        d,
        operation,
        e.off >= 0xffff_ffff ? placeFiles(k, t, ring, e.addr, e.len) : updateFiles(k, t, ring, e.off, e.addr, e.len),
        later,
      )
    case OP.msgRing:
      return finish(k, d, operation, message(k, d, e, file!), later)
    default:
      return perform(k, t, d, operation, e, file, later)
  }
}

/** Operations that are system calls: made with a description that does not wait, again and again until there is a result. */
function perform(
  k: Kernel,
  t: Task,
  d: Description,
  operation: Operation,
  e: Entry,
  file: Description | undefined,
  later: boolean,
): void {
  const ring = d.ring!
  const call = callOf(e, file === undefined || isPlaced(file))!
  if (e.opcode === OP.close && e.fileIndex !== 0 && e.fd !== 0) return finish(k, d, operation, -ERRNO.EINVAL, later)
  if (e.opcode === OP.close && e.fileIndex !== 0)
    return finish(k, d, operation, closeFixed(k, ring, e.fileIndex - 1), later)
  if (e.opcode === OP.close && descriptionOf(k, t, e.fd)?.type === 'ring')
    return finish(k, d, operation, -ERRNO.EBADF, later)
  if (ring.flags & IOPOLL) return finish(k, d, operation, -ERRNO.EOPNOTSUPP, later)
  const fixed = e.opcode === OP.readFixed || e.opcode === OP.writeFixed
  if (fixed && !isRegistered(ring, e)) return finish(k, d, operation, -ERRNO.EFAULT, later)
  const multishot = isRepeated(e)
  for (;;) {
    const chosen = e.flags & FLAG.selectBuffer ? chooseBuffer(k, t, ring, e) : null
    if (chosen === undefined) return finish(k, d, operation, -ERRNO.ENOBUFS, later)
    let result = make(k, t, call, chosen === null ? e : chosen.entry, file, ring)
    const waits = result === BLOCKED || result === -ERRNO.EAGAIN
    if (waits && call.events !== 0 && file !== undefined && !refusesToWait(file, e, call)) {
      wait(k, d, operation, file, call.events)
      return
    }
    if (result === BLOCKED) result = -ERRNO.EAGAIN
    if (STREAMS.includes(e.opcode) && e.how & MSG.waitall && chosen === null && isStream(k, file)) {
      if (result > 0 && result < e.len) {
        advance(operation, e, result)
        continue
      }
      if (operation.done > 0) result = operation.done + Math.max(0, result)
    }
    if (result >= 0 && e.fileIndex !== 0 && GIVES_FILE.includes(e.opcode))
      result = moveToFixed(k, k.process(t), ring, result, e.fileIndex)
    let flags = 0
    if (chosen !== null && result > 0) {
      takeBuffer(ring, e.bufIndex)
      flags = CQE.buffer | (chosen.number << 16)
    }
    if (e.opcode === OP.sendZc) {
      post(k, d, e.userData, result, result >= 0 ? CQE.more : 0, later)
      if (result >= 0) post(k, d, e.userData, 0, CQE.notification, later)
      return leave(k, d, operation, result >= 0, later)
    }
    if (!multishot || result < 0 || (e.opcode === OP.recv && result === 0))
      return finish(k, d, operation, result, later, undefined, flags)
    post(k, d, e.userData, result, flags | CQE.more, later)
  }
}

/** A datagram is whole when it has come, however long it is. */
function isStream(k: Kernel, file: Description | undefined): boolean {
  const type = k.state.fs.net.sockets.get(file?.socket ?? 0)?.type
  return type === SOCK.stream || type === SOCK.seqpacket
}

const STREAMS: readonly number[] = [26, OP.recv]

/** Some of what MSG_WAITALL asks for has been transferred. */
function advance(operation: Operation, e: Entry, count: number): void {
  operation.done += count
  e.view.setBigUint64(16, BigInt(e.addr + count), true)
  e.view.setUint32(24, e.len - count, true)
}

/** Operations that can put what they open among the registered files. */
const GIVES_FILE: readonly number[] = [OP.accept, OP.openat, OP.openat2, OP.socket]

/** The operation goes on when its description has news. */
function wait(k: Kernel, d: Description, operation: Operation, file: Description, events: number): void {
  const ring = d.ring!
  operation.waits = 'poll'
  operation.events = events
  const at = file.type === 'timerfd' ? timerExpiry(file) : null
  if (at !== null && at > k.now()) {
    removeEvent(k.state, 'ring', d.id, operation.id)
    addEvent(k.state, at, 'ring', d.id, operation.id)
  }
  if (ring.pending.includes(operation)) return
  ring.pending.push(operation)
  file.watchers.push(d.id)
}

function poll(k: Kernel, d: Description, operation: Operation, e: Entry, file: Description, later: boolean): void {
  const wanted = (e.how & 0xffff) | POLL.err | POLL.hup
  const found = pollMask(k, file) & wanted
  const repeats = (e.len & POLL_FLAG.multi) !== 0
  const news = activityOf(k, file)
  if (found !== 0 && !repeats) return finish(k, d, operation, found, later)
  if (found !== 0 && operation.seen !== news) post(k, d, e.userData, found, CQE.more, later)
  operation.seen = news
  wait(k, d, operation, file, wanted)
}

/** A cancelling operation ends; the completions of those that it has ended come after its own. */
function finishAll(
  k: Kernel,
  d: Description,
  operation: Operation,
  later: boolean,
  result: number,
  ended: Operation[],
): void {
  finish(k, d, operation, result, later, () => endAll(k, d, ended))
}

function endAll(k: Kernel, d: Description, ended: Operation[]): void {
  for (const other of ended) if (d.ring!.pending.includes(other)) finish(k, d, other, -ERRNO.ECANCELED, true)
}

function changePoll(k: Kernel, d: Description, e: Entry, ended: Operation[]): number {
  const data = e.view.getBigUint64(16, true)
  const found = d.ring!.pending.find((one) => {
    const other = new Entry(one.entry)
    return other.opcode === OP.pollAdd && other.userData === data
  })
  if (found === undefined) return -ERRNO.ENOENT
  if ((e.len & (POLL_FLAG.events | POLL_FLAG.data)) === 0) {
    ended.push(found)
    return 0
  }
  const view = new DataView(found.entry.buffer, found.entry.byteOffset)
  if (e.len & POLL_FLAG.events) {
    view.setUint32(28, e.how, true)
    view.setUint32(24, e.len & POLL_FLAG.multi, true)
  }
  if (e.len & POLL_FLAG.data) view.setBigUint64(32, e.view.getBigUint64(8, true), true)
  found.seen = -1
  go(k, d, found, true)
  return 0
}

/** Sets a timeout's clock going. */
function armTimeout(k: Kernel, d: Description, operation: Operation): void {
  const ring = d.ring!
  const e = new Entry(operation.entry)
  operation.waits = 'time'
  operation.at = momentOf(k, operation.at, e.how)
  operation.target = e.opcode === OP.timeout && e.off !== 0 && !(e.how & TIMEOUT.multishot) ? ring.ended + e.off : 0
  ring.pending.push(operation)
  addEvent(k.state, operation.at, 'ring', d.id, operation.id)
}

/** When it is `ns` from now, or at. */
const momentOf = (k: Kernel, ns: number, how: number): number => (how & TIMEOUT.absolute ? ns : k.now() + ns)

function changeTimeout(k: Kernel, t: Task, d: Description, e: Entry, ended: Operation[]): number {
  const data = e.view.getBigUint64(16, true)
  const linked = (e.how & TIMEOUT.linkUpdate) !== 0
  const found = d.ring!.pending.find((one) => {
    const other = new Entry(one.entry)
    return other.opcode === (linked ? OP.linkTimeout : OP.timeout) && other.userData === data
  })
  if (found === undefined) return -ERRNO.ENOENT
  if (!(e.how & (TIMEOUT.update | TIMEOUT.linkUpdate))) {
    ended.push(found)
    return 0
  }
  const ns = timeOf(k, t, i64At(e.view, 8), e.how)
  if (ns < 0) return ns
  const at = momentOf(k, ns, e.how)
  found.at = at
  removeEvent(k.state, 'ring', d.id, found.id)
  addEvent(k.state, at, 'ring', d.id, found.id)
  return 0
}

/** IORING_OP_ASYNC_CANCEL: by user data, descriptor, or all. */
function cancel(k: Kernel, t: Task, d: Description, own: Operation, e: Entry, ended: Operation[]): number {
  const ring = d.ring!
  const data = e.view.getBigUint64(16, true)
  const byFd = (e.how & CANCEL.fd) !== 0
  const file = !byFd ? undefined : e.how & CANCEL.fixedFd ? fixedFile(k, ring, e.fd) : descriptionOf(k, t, e.fd)
  if (byFd && file === undefined) return -ERRNO.EBADF
  const found = ring.pending.filter((one) => {
    if (one === own) return false
    if (e.how & CANCEL.any) return true
    return byFd ? one.description === file!.id : new Entry(one.entry).userData === data
  })
  const several = (e.how & (CANCEL.all | CANCEL.any)) !== 0
  ended.push(...(several ? found : found.slice(0, 1)))
  return several ? found.length : found.length > 0 ? 0 : -ERRNO.ENOENT
}

/** Cancels what an entry of IORING_OP_ASYNC_CANCEL names, without a completion for that (IORING_REGISTER_SYNC_CANCEL). */
export function cancelNow(k: Kernel, t: Task, d: Description, entry: Uint8Array): number {
  const ended: Operation[] = []
  const result = cancel(k, t, d, newOperation(d.ring!, t, entry), new Entry(entry), ended)
  endAll(k, d, ended)
  beginReady(k, d)
  return result
}

/** An operation has ended: its completion, then what follows. */
function finish(
  k: Kernel,
  d: Description,
  operation: Operation,
  result: number,
  later: boolean,
  after?: () => void,
  flags = 0,
): void {
  const e = new Entry(operation.entry)
  if (result < 0 || !(e.flags & FLAG.skipSuccess)) post(k, d, e.userData, result, flags, later)
  if (e.opcode !== OP.timeout) d.ring!.ended++
  after?.()
  const short = TRANSFERS.includes(e.opcode) && e.opcode !== OP.readv && e.opcode !== OP.writev && result < e.len
  leave(k, d, operation, result >= 0 && !short, later)
}

/** Takes an operation out, and begins what was linked to it or waited for its turn. */
function leave(k: Kernel, d: Description, operation: Operation, well: boolean, later: boolean): void {
  const ring = d.ring!
  const e = new Entry(operation.entry)
  const index = ring.pending.indexOf(operation)
  if (index >= 0) ring.pending.splice(index, 1)
  removeEvent(k.state, 'ring', d.id, operation.id)
  if (operation.description !== 0) {
    if (index >= 0 && operation.waits === 'poll') unwatch(k.state.fs, operation.description, d.id)
    releaseDescription(k, operation.description)
    operation.description = 0
  }
  const guard = ring.pending.find(({ guards }) => guards === operation.id)
  if (guard !== undefined) {
    operation.next = guard.next
    guard.next = []
    disarm(k, d, guard, later)
  }
  const [next, ...rest] = operation.next
  if (next !== undefined) {
    if (!well && !(e.flags & FLAG.hardLink)) {
      next.next = rest
      cancelChain(k, d, next, (e.flags & FLAG.skipSuccess) !== 0)
    } else if (new Entry(next.entry).opcode === OP.linkTimeout) {
      // It has ended before its timeout began.
      next.next = rest
      finishLinked(k, d, next, later)
    } else {
      next.next = rest
      ring.ready.push(next)
    }
  }
  for (const one of ring.pending.filter(({ target }) => target !== 0 && target <= ring.ended))
    finish(k, d, one, 0, later)
}

/** Begins what the ends of others have set free. */
function beginReady(k: Kernel, d: Description): void {
  const ring = d.ring!
  for (;;) {
    const next = ring.ready.shift()
    if (next !== undefined) start(k, d, next)
    else if (ring.pending.length > 0 && ring.pending.every(({ waits }) => waits === 'turn'))
      begin(k, d, ring.pending.shift()!)
    else return
  }
}

/** A linked timeout is not needed any more; that is no failure of its own. */
function disarm(k: Kernel, d: Description, guard: Operation, later: boolean): void {
  const silent = (new Entry(guard.entry).flags & FLAG.skipSuccess) !== 0
  if (!silent) return finish(k, d, guard, -ERRNO.ECANCELED, later)
  d.ring!.ended++
  leave(k, d, guard, true, later)
}

/** A linked timeout that was not needed breaks no chain. */
function finishLinked(k: Kernel, d: Description, guard: Operation, later: boolean): void {
  const { next } = guard
  guard.next = []
  disarm(k, d, guard, later)
  const [first, ...rest] = next
  if (first === undefined) return
  first.next = rest
  d.ring!.ready.push(first)
}

/** A timeout's time has come, or (`id` 0) something has happened to descriptions that operations wait for. */
export function lookAfter(k: Kernel, ring: number, id: number): void {
  const d = k.state.fs.descriptions.get(ring)
  if (d?.ring === undefined) return
  if (id === 0) d.ring.due = false
  const timed = id === 0 ? undefined : d.ring.pending.find((one) => one.id === id)
  if (timed?.waits === 'time') expire(k, d, timed)
  else goOn(k, d)
  beginReady(k, d)
}

/** Operations go on whose descriptions are ready; nobody goes on for a thread that has ended. */
function goOn(k: Kernel, d: Description): void {
  for (const operation of d.ring!.pending.slice()) {
    // One that an earlier one has ended holds no description any more.
    const file = operation.waits === 'poll' ? k.state.fs.descriptions.get(operation.description) : undefined
    if (file === undefined || !(pollMask(k, file) & (operation.events | POLL.err | POLL.hup))) continue
    if (k.state.tasks.has(operation.tid)) go(k, d, operation, true)
    else finish(k, d, operation, -ERRNO.ECANCELED, true)
  }
}

function expire(k: Kernel, d: Description, operation: Operation): void {
  const ring = d.ring!
  const e = new Entry(operation.entry)
  if (operation.guards !== 0) {
    const ended = ring.pending.find(({ id }) => id === operation.guards)
    operation.guards = 0
    if (ended !== undefined) {
      ended.next = operation.next
      operation.next = []
      finish(k, d, ended, -ERRNO.ECANCELED, true)
    }
    return finish(k, d, operation, -ERRNO.ETIME, true)
  }
  if (e.how & TIMEOUT.multishot && e.off !== 1) {
    post(k, d, e.userData, -ERRNO.ETIME, CQE.more, true)
    if (e.off > 1) operation.entry.set(new Uint8Array(new Uint32Array([e.off - 1]).buffer), 8)
    const t = taskOf(k, ring, operation)
    const interval = t === undefined ? -1 : timeOf(k, t, e.addr, 0)
    if (interval <= 0) return leave(k, d, operation, true, true)
    operation.at += interval
    addEvent(k.state, operation.at, 'ring', d.id, operation.id)
    return
  }
  ring.expired++
  post(k, d, e.userData, -ERRNO.ETIME, 0, true)
  leave(k, d, operation, (e.how & TIMEOUT.success) !== 0, true)
}
