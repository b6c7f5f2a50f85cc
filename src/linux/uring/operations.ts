/** Exists to say which system call an operation of an io_uring is, and which of its entry's fields are the arguments. */
import { i64At, u64At } from '../arguments.ts'
import type { Declaration, Handler } from '../declare.ts'
import { POLL } from '../fs/ready.ts'
import { MSG } from '../net/send.ts'
import { attributeCalls } from '../syscalls/attributes.ts'
import { controlCalls } from '../syscalls/control.ts'
import { copyCalls } from '../syscalls/copy.ts'
import { epollCalls } from '../syscalls/epoll.ts'
import { ioCalls } from '../syscalls/io.ts'
import { memoryCalls } from '../syscalls/memory.ts'
import { messageCalls } from '../syscalls/messages.ts'
import { openCalls } from '../syscalls/open.ts'
import { socketCalls } from '../syscalls/socket.ts'
import { statCalls } from '../syscalls/stat.ts'
import { treeCalls } from '../syscalls/tree.ts'
import { xattrCalls } from '../syscalls/xattr.ts'

/** A struct io_uring_sqe, field by field; names as in linux/io_uring.h, where a union has the name that says most. */
export class Entry {
  readonly bytes: Uint8Array
  readonly view: DataView
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }
  get opcode(): number {
    return this.bytes[0]!
  }
  get flags(): number {
    return this.bytes[1]!
  }
  get ioprio(): number {
    return this.view.getUint16(2, true)
  }
  get fd(): number {
    return this.view.getInt32(4, true)
  }
  /** off or addr2, without sign. */
  get off(): number {
    return u64At(this.view, 8)
  }
  get signedOff(): number {
    return i64At(this.view, 8)
  }
  get addr(): number {
    return u64At(this.view, 16)
  }
  get len(): number {
    return this.view.getUint32(24, true)
  }
  /** rw_flags, msg_flags, open_flags … */
  get how(): number {
    return this.view.getUint32(28, true)
  }
  get userData(): bigint {
    return this.view.getBigUint64(32, true)
  }
  get bufIndex(): number {
    return this.view.getUint16(40, true)
  }
  get personality(): number {
    return this.view.getUint16(42, true)
  }
  /** file_index or splice_fd_in. */
  get fileIndex(): number {
    return this.view.getInt32(44, true)
  }
  get addr3(): number {
    return u64At(this.view, 48)
  }
}

export const OP = {
  nop: 0,
  readv: 1,
  writev: 2,
  readFixed: 4,
  writeFixed: 5,
  pollAdd: 6,
  pollRemove: 7,
  recvmsg: 10,
  timeout: 11,
  timeoutRemove: 12,
  accept: 13,
  asyncCancel: 14,
  linkTimeout: 15,
  connect: 16,
  openat: 18,
  close: 19,
  filesUpdate: 20,
  read: 22,
  write: 23,
  recv: 27,
  openat2: 28,
  epollCtl: 29,
  splice: 30,
  provideBuffers: 31,
  removeBuffers: 32,
  tee: 33,
  msgRing: 40,
  socket: 45,
  sendZc: 47,
} as const

/** `fd` is the number under which the call finds the description that the entry names. */
type Arguments = (e: Entry, fd: number) => number[]

export interface Call {
  nr: number
  args: Arguments
  /** What its description is waited for if it would have to wait. */
  events: number
  /** Whether its fd field is a descriptor, or the directory of an -at call, which need not be one. */
  target: 'file' | 'directory' | 'none'
}

const call = (nr: number, args: Arguments, events = 0, target: Call['target'] = 'file'): Call => ({
  nr,
  args,
  events,
  target,
})

const IN = POLL.in | POLL.rdnorm
const OUT = POLL.out | POLL.wrnorm
const here = -1

/** Reading and writing at a place; -1 is the description's own, and what has no places needs none. */
const isPlaced = (e: Entry): boolean => e.signedOff !== here

/** Operations that are a system call. Those on places are chosen by `callOf`. */
const CALLS = new Map<number, Call>([
  [3, call(74, (_, fd) => [fd])],
  [8, call(277, (e, fd) => [fd, e.signedOff, e.len, e.how])],
  [9, call(46, (e, fd) => [fd, e.addr, e.how | MSG.nosignal], OUT)],
  [OP.recvmsg, call(47, (e, fd) => [fd, e.addr, e.how], IN)],
  [OP.accept, call(288, (e, fd) => [fd, e.addr, e.off, e.how], IN)],
  [OP.connect, call(42, (e, fd) => [fd, e.addr, e.off], OUT)],
  [17, call(285, (e, fd) => [fd, e.len, e.signedOff, i64At(e.view, 16)])],
  [OP.openat, call(257, (e) => [e.fd, e.addr, e.how, e.len], 0, 'directory')],
  [OP.close, call(3, (e) => [e.fd], 0, 'none')],
  [21, call(332, (e) => [e.fd, e.addr, e.how, e.len, e.off], 0, 'directory')],
  [24, call(221, (e, fd) => [fd, e.signedOff, e.len, e.how])],
  [25, call(28, (e) => [e.addr, e.len, e.how], 0, 'none')],
  [26, call(44, (e, fd) => [fd, e.addr, e.len, e.how | MSG.nosignal, e.off, e.fileIndex & 0xffff], OUT)],
  [OP.recv, call(45, (e, fd) => [fd, e.addr, e.len, e.how, 0, 0], IN)],
  [OP.openat2, call(437, (e) => [e.fd, e.addr, e.off, e.len], 0, 'directory')],
  [OP.epollCtl, call(233, (e, fd) => [fd, e.len, e.off | 0, e.addr])],
  [OP.splice, call(275, (e, fd) => [e.fileIndex, 0, fd, 0, e.len, e.how & 0x7fff_ffff])],
  [OP.tee, call(276, (e, fd) => [e.fileIndex, fd, e.len, e.how & 0x7fff_ffff])],
  [34, call(48, (e, fd) => [fd, e.len | 0])],
  [35, call(316, (e) => [e.fd, e.addr, e.len | 0, e.off, e.how], 0, 'directory')],
  [36, call(263, (e) => [e.fd, e.addr, e.how], 0, 'directory')],
  [37, call(258, (e) => [e.fd, e.addr, e.len], 0, 'directory')],
  [38, call(266, (e) => [e.addr, e.fd, e.off], 0, 'directory')],
  [39, call(265, (e) => [e.fd, e.addr, e.len | 0, e.off, e.how], 0, 'directory')],
  [41, call(190, (e, fd) => [fd, e.addr, e.off, e.len, e.how])],
  [42, call(188, (e) => [e.addr3, e.addr, e.off, e.len, e.how], 0, 'none')],
  [43, call(193, (e, fd) => [fd, e.addr, e.off, e.len])],
  [44, call(191, (e) => [e.addr3, e.addr, e.off, e.len], 0, 'none')],
  [OP.socket, call(41, (e) => [e.fd, e.off, e.len], 0, 'none')],
  [OP.sendZc, call(44, (e, fd) => [fd, e.addr, e.len, e.how | MSG.nosignal, e.off, e.fileIndex & 0xffff], OUT)],
  [55, call(77, (e, fd) => [fd, e.signedOff])],
  [56, call(49, (e, fd) => [fd, e.addr, e.off])],
  [57, call(50, (e, fd) => [fd, e.len])],
])

const READV = call(327, (e, fd) => [fd, e.addr, e.len, e.signedOff, 0, e.how], IN)
const WRITEV = call(328, (e, fd) => [fd, e.addr, e.len, e.signedOff, 0, e.how], OUT)
const PREAD = call(17, (e, fd) => [fd, e.addr, e.len, e.signedOff], IN)
const PWRITE = call(18, (e, fd) => [fd, e.addr, e.len, e.signedOff], OUT)
const READV_HERE = call(19, (e, fd) => [fd, e.addr, e.len], IN)
const WRITEV_HERE = call(20, (e, fd) => [fd, e.addr, e.len], OUT)
const READ_HERE = call(0, (e, fd) => [fd, e.addr, e.len], IN)
const WRITE_HERE = call(1, (e, fd) => [fd, e.addr, e.len], OUT)
const DATASYNC = call(75, (_, fd) => [fd])

/** The call that an entry asks for; undefined for operations that are none. */
export function callOf(e: Entry, seekable: boolean): Call | undefined {
  const placed = isPlaced(e) && seekable
  switch (e.opcode) {
    case OP.readv:
      return e.how !== 0 && seekable ? READV : placed ? READV : READV_HERE
    case OP.writev:
      return e.how !== 0 && seekable ? WRITEV : placed ? WRITEV : WRITEV_HERE
    case OP.read:
    case OP.readFixed:
      return placed ? PREAD : READ_HERE
    case OP.write:
    case OP.writeFixed:
      return placed ? PWRITE : WRITE_HERE
    case 3:
      return e.how & 1 ? DATASYNC : CALLS.get(3)
    default:
      return CALLS.get(e.opcode)
  }
}

/** Reads and writes less than asked for count as failed for what follows. */
export const TRANSFERS: readonly number[] = [OP.readv, OP.writev, OP.readFixed, OP.writeFixed, OP.read, OP.write]

/** Operations that this kernel has and that are no calls. */
const OWN: readonly number[] = [
  OP.nop,
  OP.pollAdd,
  OP.pollRemove,
  OP.timeout,
  OP.timeoutRemove,
  OP.asyncCancel,
  OP.linkTimeout,
  OP.filesUpdate,
  OP.provideBuffers,
  OP.removeBuffers,
  OP.msgRing,
]

/** IORING_OP_LAST as io_uring_register(IORING_REGISTER_PROBE) tells it. */
export const LAST = 58

export function isKnown(opcode: number): boolean {
  return OWN.includes(opcode) || TRANSFERS.includes(opcode) || CALLS.has(opcode)
}

const lists: readonly (readonly Declaration[])[] = [
  ioCalls,
  openCalls,
  statCalls,
  treeCalls,
  attributeCalls,
  xattrCalls,
  copyCalls,
  controlCalls,
  epollCalls,
  memoryCalls,
  socketCalls,
  messageCalls,
]

export function handlerOf(nr: number): Handler {
  return lists.flat().find((declaration) => declaration.nr === nr)!.handler
}
