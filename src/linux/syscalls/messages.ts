/** Exists to declare the calls that send and receive over sockets. */
import { asU64, bytesIn, fd, int, number, size, structText, timespecText } from '../arguments.ts'
import { BLOCKED, syscall, type ArgType, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { MAX_TRANSFER, readIovec } from '../fs/segments.ts'
import type { Kernel } from '../kernel.ts'
import { readAddress, writeAddress } from '../net/address.ts'
import { dropAncillary, dropFiles, readControl, readHeader, writeControl, type MessageHeader } from '../net/control.ts'
import { receive, type Received } from '../net/receive.ts'
import { MSG, send, type Sending } from '../net/send.ts'
import { socketAt } from '../net/socket.ts'
import type { Task } from '../state.ts'
import { readTimespec } from '../user.ts'
import {
  addressIn,
  addressLength,
  addressOut,
  addressText,
  bytesReceived,
  messageIn,
  messageOut,
  messages,
  MMSGHDR_SIZE,
  msgFlags,
} from './socket-text.ts'

function sendto(k: Kernel, t: Task, args: number[]): number {
  const [number, buffer, length, flags, pointer, addressSize] = args as [number, number, number, number, number, number]
  const at = socketAt(k, t, number)
  if (typeof at === 'number') return at
  const to = pointer === 0 ? null : readAddress(k, t, pointer, addressSize)
  if (typeof to === 'number') return to
  const segments = [{ start: buffer, length: Math.min(length, MAX_TRANSFER) }]
  const call = to === null ? 'sendto' : `sendto(${number}, ..., ${addressText(to, pointer)}, ${addressSize})`
  return send(k, t, 44, args, at.d, { segments, flags, to, ancillary: null, call })
}

function recvfrom(k: Kernel, t: Task, args: number[]): number {
  const [number, buffer, length, flags, pointer, lengthPointer] = args as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const at = socketAt(k, t, number)
  if (typeof at === 'number') return at
  const segments = [{ start: buffer, length: Math.min(length, MAX_TRANSFER) }]
  const found = receive(k, t, 45, args, at.d, segments, flags)
  if (typeof found === 'number') return found
  dropFiles(k, found)
  const failed = pointer === 0 ? 0 : writeAddress(k, t, found.from, pointer, lengthPointer)
  return failed === 0 ? found.result : failed
}

/** Sends the message of a struct msghdr; `nr` and `args` are those of the whole call. */
function sendOne(k: Kernel, t: Task, nr: number, args: number[], address: number, flags: number, call: string): number {
  const at = socketAt(k, t, args[0]!)
  if (typeof at === 'number') return at
  const header = readHeader(k, t, address)
  if (typeof header === 'number') return header
  const to =
    header.name === 0 || header.nameLength === 0
      ? null
      : readAddress(k, t, header.name, Math.min(header.nameLength, 128))
  if (typeof to === 'number') return to
  if (header.iovLength > 1024) return -ERRNO.EMSGSIZE
  const segments = readIovec(k.space(t), header.iov, header.iovLength)
  if (typeof segments === 'number') return segments
  const ancillary = readControl(k, t, at.socket, header.control, header.control === 0 ? 0 : header.controlLength, call)
  if (typeof ancillary === 'number') return ancillary
  const named = to === null ? call : `${call}(${args[0]}, {msg_name=${addressText(to, header.name)}, ...})`
  const what: Sending = { segments, flags, to, ancillary, call: named }
  // What waits reads its descriptors again when it goes on, unless its first bytes have taken them along.
  if ((t.wait?.progress ?? 0) > 0) {
    dropAncillary(k, ancillary)
    what.ancillary = null
  }
  const result = send(k, t, nr, args, at.d, what)
  dropAncillary(k, what.ancillary)
  return result
}

/** Receives into a struct msghdr at `address`. */
function receiveOne(k: Kernel, t: Task, nr: number, args: number[], address: number, flags: number): number {
  const at = socketAt(k, t, args[0]!)
  if (typeof at === 'number') return at
  const header = readHeader(k, t, address)
  if (typeof header === 'number') return header
  if (header.nameLength < 0) return -ERRNO.EINVAL
  if (header.iovLength > 1024) return -ERRNO.EMSGSIZE
  const segments = readIovec(k.space(t), header.iov, header.iovLength)
  if (typeof segments === 'number') return segments
  const found = receive(k, t, nr, args, at.d, segments, flags)
  if (typeof found === 'number') return found
  return fillHeader(
    k,
    t,
    address,
    header,
    found,
    writeControl(k, t, at.socket, found, header.control, header.control === 0 ? 0 : header.controlLength, flags),
    flags,
  )
}

function fillHeader(
  k: Kernel,
  t: Task,
  address: number,
  header: MessageHeader,
  found: Received,
  controlUsed: number,
  flags: number,
): number {
  const space = k.space(t)
  if (header.name !== 0) {
    const failed = writeAddress(k, t, found.from, header.name, address + 8)
    if (failed !== 0) return failed
  }
  const shownFlags = found.flags | (flags & MSG.cmsgCloexec)
  const written =
    space.writeU32(address + 40, controlUsed) &&
    space.writeU32(address + 44, 0) &&
    space.writeU32(address + 48, shownFlags >>> 0)
  return written ? found.result : -ERRNO.EFAULT
}

/** Performs `one` for each of an array of struct mmsghdr; the number of those that were done, or the error of the first. */
function each(k: Kernel, t: Task, args: number[], one: (address: number, first: boolean) => number): number {
  const [, array, count] = args as [number, number, number]
  let index = (t.wait?.detail as { index: number } | undefined)?.index ?? 0
  const many = Math.min(count, 1024)
  while (index < many) {
    const at = array + index * MMSGHDR_SIZE
    const result = one(at, index === 0)
    if (result === BLOCKED) {
      t.wait!.detail = { index }
      return BLOCKED
    }
    t.wait = null
    if (result < 0) return index > 0 ? index : result
    if (!k.space(t).writeU32(at + 56, result)) return index > 0 ? index : -ERRNO.EFAULT
    index++
  }
  return index
}

function sendmmsg(k: Kernel, t: Task, args: number[]): number {
  const at = socketAt(k, t, args[0]!)
  return typeof at === 'number'
    ? at
    : each(k, t, args, (address) => sendOne(k, t, 307, args, address, args[3]!, 'sendmmsg'))
}

function recvmmsg(k: Kernel, t: Task, args: number[]): number {
  const at = socketAt(k, t, args[0]!)
  if (typeof at === 'number') return at
  const [flags, timeout] = [args[3]!, args[4]!]
  const time = timeout === 0 ? null : readTimespec(k, t, timeout)
  if (typeof time === 'number') return time
  // The time limit is looked at after each message only, as recvmmsg(2) says of Linux.
  const until = time === null ? Infinity : k.now() + time.seconds * 1e9 + time.ns
  return each(k, t, args, (address, first) => {
    const nowait = !first && (flags & MSG.waitforone || k.now() >= until) ? MSG.dontwait : 0
    return receiveOne(k, t, 299, args, address, (flags & ~MSG.waitforone) | nowait)
  })
}

const timeLimit: ArgType = {
  decode: asU64,
  when: 'in',
  text: (value, call) => structText(value, 16, (view) => timespecText(view), call),
  reads: (value) => [{ start: value, length: 16 }],
}

/** Their declarations. */
export const messageCalls: readonly Declaration[] = [
  syscall(
    44,
    'sendto',
    [
      ['fd', fd],
      ['buf', bytesIn(2)],
      ['len', size],
      ['flags', msgFlags],
      ['addr', addressIn(5)],
      ['addrlen', int],
    ],
    number,
    sendto,
    { support: 'partial: MSG_OOB, MSG_FASTOPEN' },
  ),
  syscall(
    45,
    'recvfrom',
    [
      ['fd', fd],
      ['buf', bytesReceived],
      ['len', size],
      ['flags', msgFlags],
      ['addr', addressOut(5)],
      ['addrlen', addressLength],
    ],
    number,
    recvfrom,
    { support: 'partial: MSG_OOB' },
  ),
  syscall(
    46,
    'sendmsg',
    [
      ['fd', fd],
      ['msg', messageIn],
      ['flags', msgFlags],
    ],
    number,
    (k, t, a) => sendOne(k, t, 46, a, a[1]!, a[2]!, 'sendmsg'),
    { support: 'partial: MSG_OOB, MSG_FASTOPEN, ancillary data over IP' },
  ),
  syscall(
    47,
    'recvmsg',
    [
      ['fd', fd],
      ['msg', messageOut],
      ['flags', msgFlags],
    ],
    number,
    (k, t, a) => receiveOne(k, t, 47, a, a[1]!, a[2]!),
    { support: 'partial: MSG_OOB' },
  ),
  syscall(
    307,
    'sendmmsg',
    [
      ['fd', fd],
      ['msgvec', messages(true)],
      ['vlen', int],
      ['flags', msgFlags],
    ],
    number,
    sendmmsg,
    { support: 'partial: as sendmsg' },
  ),
  syscall(
    299,
    'recvmmsg',
    [
      ['fd', fd],
      ['msgvec', messages(false)],
      ['vlen', int],
      ['flags', msgFlags],
      ['timeout', timeLimit],
    ],
    number,
    recvmmsg,
    { support: 'partial: as recvmsg' },
  ),
]
