/** Exists to declare poll and select: waiting for any of several descriptors. */
import { asU64, int, pointerAt, structText, timespecText, timevalText, u64At } from '../arguments.ts'
import { syscall, type ArgType, type CallView, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { descriptionOf, fdTableSize } from '../fs/description.ts'
import { POLL, pollMask } from '../fs/ready.ts'
import { applyMask, isOver, left, limitOf, waitForAny, type Limit } from '../fs/waiting.ts'
import type { Kernel } from '../kernel.ts'
import { maskText } from '../signal-text.ts'
import type { FdInterest, Task } from '../state.ts'
import { flagsText, pointerText } from '../strace.ts'
import { POLL_EVENTS } from '../table-flags.ts'
import { readTimespec, readTimeval, split, writeTimespec, writeTimeval } from '../user.ts'

const READ = POLL.in | POLL.rdnorm
const WRITE = POLL.out | POLL.wrnorm
const ALWAYS = POLL.err | POLL.hup | POLL.nval

function interest(id: number, events: number): FdInterest {
  const reads = (events & READ) !== 0
  const writes = (events & WRITE) !== 0
  return { id, events: reads === writes ? 'both' : reads ? 'read' : 'write' }
}

function poll(k: Kernel, t: Task, nr: number, args: number[], limit: Limit): number {
  const [address, count] = args as [number, number]
  if (count > k.process(t).rlimits[7]![0]) return -ERRNO.EINVAL
  const bytes = k
    .space(t)
    .read(address, count * 8)
    ?.slice()
  if (!bytes) return -ERRNO.EFAULT
  const view = new DataView(bytes.buffer)
  const fds: FdInterest[] = []
  let ready = 0
  for (let i = 0; i < count; i++) {
    const fd = view.getInt32(i * 8, true)
    const events = view.getUint16(i * 8 + 4, true)
    const d = fd < 0 ? undefined : descriptionOf(k, t, fd)
    const found = fd < 0 ? 0 : d ? pollMask(k, d) & (events | ALWAYS) : POLL.nval
    view.setUint16(i * 8 + 6, found, true)
    if (found !== 0) ready++
    if (d) fds.push(interest(d.id, events))
  }
  if (ready === 0 && !isOver(k, limit)) return waitForAny(k, t, nr, args, fds, limit)
  return k.space(t).write(address, bytes) ? ready : -ERRNO.EFAULT
}

function ppoll(k: Kernel, t: Task, args: number[]): number {
  const [, , timeout, mask, size] = args as [number, number, number, number, number]
  const limit = readLimit(k, t, timeout, readTimespec)
  if (limit < 0) return limit
  const denied = applyMask(k, t, mask, size)
  if (denied !== 0) return denied
  const result = poll(k, t, 271, args, limit)
  if (timeout !== 0) writeTimespec(k, t, timeout, split(left(k, limit)))
  return result
}

/** The limit that a timeout in memory sets, or a negative errno; a null pointer sets none. */
function readLimit(k: Kernel, t: Task, address: number, readTime: typeof readTimespec): number {
  if (t.wait !== null) return limitOf(k, t, 0)
  if (address === 0) return Infinity
  const time = readTime(k, t, address)
  return typeof time === 'number' ? time : limitOf(k, t, time.seconds * 1e9 + time.ns)
}

/** The three sets of select and what of a mask answers them. */
const SETS = [READ | POLL.hup | POLL.err, WRITE | POLL.err, POLL.pri]

function select(k: Kernel, t: Task, nr: number, args: number[], limit: Limit): number {
  const count = args[0]!
  if (count < 0) return -ERRNO.EINVAL
  const space = k.space(t)
  // As Linux does: sets are read only as far as the table of descriptors reaches, so a closed number beyond it is no error.
  const length = Math.ceil(Math.min(count, fdTableSize(k.process(t))) / 64) * 8
  const wanted: (Uint8Array | null)[] = []
  for (const address of args.slice(1, 4)) {
    const set = address === 0 ? null : space.read(address, length)
    if (address !== 0 && set === null) return -ERRNO.EFAULT
    wanted.push(set?.slice() ?? null)
  }
  const found = wanted.map((set) => set && new Uint8Array(set.length))
  const fds: FdInterest[] = []
  let ready = 0
  for (let fd = 0; fd < Math.min(count, length * 8); fd++) {
    const inSets = wanted.map((set) => set !== null && ((set[fd >> 3]! >> (fd & 7)) & 1) === 1)
    if (!inSets.includes(true)) continue
    const d = descriptionOf(k, t, fd)
    if (!d || d.type === 'path') return -ERRNO.EBADF
    const mask = pollMask(k, d)
    for (const [i, present] of inSets.entries()) {
      if (!present || !(mask & SETS[i]!)) continue
      found[i]![fd >> 3]! |= 1 << (fd & 7)
      ready++
    }
    fds.push(interest(d.id, (inSets[0] ? READ : 0) | (inSets[1] ? WRITE : 0)))
  }
  if (ready === 0 && !isOver(k, limit)) return waitForAny(k, t, nr, args, fds, limit)
  for (const [i, address] of args.slice(1, 4).entries())
    if (address !== 0 && !space.write(address, found[i]!)) return -ERRNO.EFAULT
  return ready
}

function selectTimeval(k: Kernel, t: Task, args: number[]): number {
  const timeout = args[4]!
  const limit = readLimit(k, t, timeout, readTimeval)
  if (limit < 0) return limit
  const result = select(k, t, 23, args, limit)
  if (timeout !== 0) writeTimeval(k, t, timeout, split(left(k, limit)))
  return result
}

function pselect6(k: Kernel, t: Task, args: number[]): number {
  const [timeout, sig] = [args[4]!, args[5]!]
  const limit = readLimit(k, t, timeout, readTimespec)
  if (limit < 0) return limit
  if (sig !== 0) {
    const bytes = k.space(t).read(sig, 16)
    if (bytes === null) return -ERRNO.EFAULT
    const view = new DataView(bytes.buffer, bytes.byteOffset, 16)
    const denied = applyMask(k, t, u64At(view, 0), u64At(view, 8))
    if (denied !== 0) return denied
  }
  const result = select(k, t, 270, args, limit)
  if (timeout !== 0) writeTimespec(k, t, timeout, split(left(k, limit)))
  return result
}

/** The events or, once the call is over, what was found, of an array of struct pollfd. */
function pollfds(address: number, count: number, { space }: CallView, found: boolean): string | null {
  const bytes = address === 0 ? null : space.read(address, count * 8)
  if (bytes === null) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const parts: string[] = []
  for (let i = 0; i < count; i++) {
    const fd = view.getInt32(i * 8, true)
    const bits = view.getUint16(i * 8 + (found ? 6 : 4), true)
    if (found && bits === 0) continue
    if (parts.length === 32) {
      parts.push('...')
      break
    }
    const events = flagsText(bits, POLL_EVENTS, 'POLL???')
    parts.push(found ? `{fd=${fd}, revents=${events}}` : fd < 0 ? `{fd=${fd}}` : `{fd=${fd}, events=${events}}`)
  }
  return `[${parts.join(', ')}]`
}

/** More than these are refused, as the limit of open files is. */
const DESCRIPTORS = 4096

const pollArray: ArgType = {
  decode: asU64,
  when: 'in',
  text: (value, call) => pollfds(value, call.args[1]!, call, false) ?? pointerText(value),
  // What is found is written only.
  reads: (value, { args }) =>
    Array.from({ length: Math.min(args[1]!, DESCRIPTORS) }, (_, i) => ({ start: value + i * 8, length: 6 })),
  writes: (value, { args }) => [{ start: value, length: args[1]! * 8 }],
}

function pollResult(result: number, call: CallView): string {
  if (result === 0) return '0 (Timeout)'
  const found = pollfds(call.args[0]!, call.args[1]!, call, true)
  const remaining =
    call.args.length > 3 && call.args[2] !== 0
      ? `, left ${structText(call.args[2]!, 16, (v) => timespecText(v), call)}`
      : ''
  return `${result} (${found}${remaining})`
}

/** Descriptors of a set; the bits above nfds do not count. */
function setText(address: number, call: CallView): string {
  const count = Math.min(Math.max(0, call.args[0]!), 1024)
  const bytes = address === 0 ? null : call.space.read(address, Math.ceil(count / 64) * 8)
  if (bytes === null) return pointerText(address)
  const fds: number[] = []
  for (let fd = 0; fd < count; fd++) if ((bytes[fd >> 3]! >> (fd & 7)) & 1) fds.push(fd)
  return `[${fds.join(' ')}]`
}

const fdSet: ArgType = {
  decode: asU64,
  when: 'in',
  text: setText,
  reads: (value, { args }) => [{ start: value, length: Math.ceil(Math.max(0, args[0]!) / 64) * 8 }],
  writes: (value, { args }) => [{ start: value, length: Math.ceil(Math.max(0, args[0]!) / 64) * 8 }],
}

function selectResult(result: number, call: CallView, timeText: (view: DataView) => string): string {
  if (result === 0) return '0 (Timeout)'
  const names = ['in', 'out', 'except']
  const parts: string[] = []
  for (const [i, name] of names.entries()) {
    const address = call.args[i + 1]!
    const text = address === 0 ? '[]' : setText(address, call)
    if (text !== '[]') parts.push(`${name} ${text}`)
  }
  if (call.args[4] !== 0) parts.push(`left ${structText(call.args[4]!, 16, timeText, call)}`)
  return parts.length === 0 ? String(result) : `${result} (${parts.join(', ')})`
}

const inOut = (text: (view: DataView) => string): ArgType => ({
  decode: asU64,
  when: 'in',
  text: (value, call) => structText(value, 16, text, call),
  reads: (value) => [{ start: value, length: 16 }],
  writes: (value) => [{ start: value, length: 16 }],
})

/** The mask argument of ppoll and epoll_pwait, whose last argument is its size: only a mask of the right size is shown. */
export const sigmask: ArgType = {
  decode: asU64,
  when: 'in',
  text: (value, call) => (call.args.at(-1) === 8 ? maskText(value, call) : pointerText(value)),
  reads: (value) => [{ start: value, length: 8 }],
}

/** pselect6 takes mask and size in a structure of its own. */
const sigmaskPair: ArgType = {
  decode: asU64,
  when: 'in',
  text: (value, call) =>
    structText(value, 16, (view) => `{sigmask=${maskText(u64At(view, 0), call)}, sigsetsize=${u64At(view, 8)}}`, call),
  reads: (value, { space }) => [{ start: value, length: 16 }, ...pointerAt(space, value, 8)],
}

const timespecInOut = inOut((view) => timespecText(view))
const timevalInOut = inOut((view) => timevalText(view))
const count = { decode: (lo: number) => lo, when: 'in', text: String } as const satisfies ArgType
const size = { decode: asU64, when: 'in', text: String } as const satisfies ArgType

export const pollCalls: Declaration[] = [
  syscall(
    7,
    'poll',
    [
      ['fds', pollArray],
      ['nfds', count],
      ['timeout', int],
    ],
    pollResult,
    (k, t, a) => poll(k, t, 7, a, limitOf(k, t, a[2]! < 0 ? -1 : a[2]! * 1e6)),
  ),
  syscall(
    271,
    'ppoll',
    [
      ['fds', pollArray],
      ['nfds', count],
      ['tmo_p', timespecInOut],
      ['sigmask', sigmask],
      ['sigsetsize', size],
    ],
    pollResult,
    ppoll,
  ),
  syscall(
    23,
    'select',
    [
      ['nfds', int],
      ['readfds', fdSet],
      ['writefds', fdSet],
      ['exceptfds', fdSet],
      ['timeout', timevalInOut],
    ],
    (result, call) => selectResult(result, call, (view) => timevalText(view)),
    selectTimeval,
  ),
  syscall(
    270,
    'pselect6',
    [
      ['nfds', int],
      ['readfds', fdSet],
      ['writefds', fdSet],
      ['exceptfds', fdSet],
      ['timeout', timespecInOut],
      ['sigmask', sigmaskPair],
    ],
    (result, call) => selectResult(result, call, (view) => timespecText(view)),
    pselect6,
  ),
]
