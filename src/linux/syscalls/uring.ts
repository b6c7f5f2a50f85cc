/** Exists to declare the calls of io_uring(7): rings of operations and of their completions in memory that kernel and program share. */
import { powerOfTwoFrom } from '../../base/powers.ts'
import { PAGE_SIZE } from '../../engine/layout.ts'
import { fd, flags, number, oneOf, ptr, size, structText, uint } from '../arguments.ts'
import { NS_PER_SECOND } from '../clock.ts'
import { BLOCKED, syscall, type ArgType, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { addDescription, descriptionOf, installOrDrop, releaseDescription } from '../fs/description.ts'
import { addInode, holdInode, inodeOf, timeNow } from '../fs/inode.ts'
import { readIovec } from '../fs/segments.ts'
import type { Description, Inode } from '../fs/state.ts'
import { applyMask } from '../fs/waiting.ts'
import type { Kernel } from '../kernel.ts'
import { pageUp } from '../mm.ts'
import type { Task } from '../state.ts'
import { flagsText, hex, type FlagTable } from '../strace.ts'
import { newWait } from '../tasks.ts'
import { readTimespec } from '../user.ts'
import { registerBufferRing, unregisterBufferRing } from '../uring/buffers.ts'
import { readDescriptors, registerFiles, unregisterFiles, updateFiles } from '../uring/files.ts'
import { isKnown, LAST } from '../uring/operations.ts'
import { mayRegister, registerRestrictions } from '../uring/restrictions.ts'
import { arrayAt, AT, flushOverflow, ringsSize, SQE_SIZE, waiting, writeWord } from '../uring/ring.ts'
import type { Ring } from '../uring/state.ts'
import { cancelNow, submit } from '../uring/work.ts'

const PARAMS_SIZE = 120
const MAX_ENTRIES = 32_768
const SETUP = {
  polled: 2,
  affinity: 4,
  cqSize: 8,
  clamp: 0x10,
  attach: 0x20,
  disabled: 0x40,
  coopTask: 0x100,
  taskFlag: 0x200,
  singleIssuer: 0x1000,
  deferTask: 0x2000,
} as const
/** With the flags that mean nothing here: a processor, attach, submit all, cooperative and deferred work, no array of indices. */
const SUPPORTED = 0x1_33ff
const SETUP_FLAGS: FlagTable = [
  [1, 'IORING_SETUP_IOPOLL'],
  [2, 'IORING_SETUP_SQPOLL'],
  [4, 'IORING_SETUP_SQ_AFF'],
  [8, 'IORING_SETUP_CQSIZE'],
  [0x10, 'IORING_SETUP_CLAMP'],
  [0x20, 'IORING_SETUP_ATTACH_WQ'],
  [0x40, 'IORING_SETUP_R_DISABLED'],
  [0x80, 'IORING_SETUP_SUBMIT_ALL'],
  [0x100, 'IORING_SETUP_COOP_TASKRUN'],
  [0x200, 'IORING_SETUP_TASKRUN_FLAG'],
  [0x400, 'IORING_SETUP_SQE128'],
  [0x800, 'IORING_SETUP_CQE32'],
  [0x1000, 'IORING_SETUP_SINGLE_ISSUER'],
  [0x2000, 'IORING_SETUP_DEFER_TASKRUN'],
  [0x4000, 'IORING_SETUP_NO_MMAP'],
  [0x8000, 'IORING_SETUP_REGISTERED_FD_ONLY'],
  [0x1_0000, 'IORING_SETUP_NO_SQARRAY'],
]
/** SINGLE_MMAP, NODROP, SUBMIT_STABLE, RW_CUR_POS, CUR_PERSONALITY, FAST_POLL, POLL_32BITS, SQPOLL_NONFIXED, EXT_ARG, NATIVE_WORKERS, CQE_SKIP, LINKED_FILE. */
const FEATURES = 0x1bff

function setup(k: Kernel, t: Task, [wanted, address]: number[]): number {
  const space = k.space(t)
  const bytes = space.read(address!, PARAMS_SIZE)?.slice()
  if (bytes === undefined) return -ERRNO.EFAULT
  const view = new DataView(bytes.buffer)
  const [given, attached] = [view.getUint32(8, true), view.getInt32(24, true)]
  if (bytes.subarray(28, 40).some((byte) => byte !== 0)) return -ERRNO.EINVAL
  if (given & ~SUPPORTED) {
    if (given >>> 17 !== 0) return -ERRNO.EINVAL
    return k.refuse(t, `io_uring_setup(${flagsText(given & ~SUPPORTED, SETUP_FLAGS, 'IORING_SETUP_???')})`, 'EINVAL')
  }
  if (given & SETUP.affinity && (!(given & SETUP.polled) || view.getUint32(12, true) >= k.state.constants.cpus))
    return -ERRNO.EINVAL
  if (given & SETUP.polled && given & (SETUP.coopTask | SETUP.taskFlag | SETUP.deferTask)) return -ERRNO.EINVAL
  if (given & SETUP.taskFlag && !(given & (SETUP.coopTask | SETUP.deferTask))) return -ERRNO.EINVAL
  if (given & SETUP.deferTask && !(given & SETUP.singleIssuer)) return -ERRNO.EINVAL
  const clamps = (given & SETUP.clamp) !== 0
  if (wanted === 0 || (wanted! > MAX_ENTRIES && !clamps)) return -ERRNO.EINVAL
  const entries = powerOfTwoFrom(Math.min(wanted!, MAX_ENTRIES))
  let completions = 2 * entries
  if (given & SETUP.cqSize) {
    const asked = view.getUint32(4, true)
    if (asked === 0 || (asked > 2 * MAX_ENTRIES && !clamps)) return -ERRNO.EINVAL
    completions = powerOfTwoFrom(Math.min(asked, 2 * MAX_ENTRIES))
    if (completions < entries) return -ERRNO.EINVAL
  }
  if (given & SETUP.attach) {
    const other = descriptionOf(k, t, attached)
    if (other === undefined) return -ERRNO.ENXIO
    if (other.type !== 'ring') return -ERRNO.EINVAL
  }
  const sizes = { entries, completions }
  const [rings, sqes] = [sharedFile(k, t, ringsSize(sizes)), sharedFile(k, t, entries * SQE_SIZE)]
  const ring: Ring = {
    pid: t.pid,
    flags: given,
    ...sizes,
    rings: rings.id,
    sqes: sqes.id,
    taken: 0,
    posted: 0,
    ended: 0,
    expired: 0,
    disabled: (given & SETUP.disabled) !== 0,
    issuer: given & SETUP.singleIssuer && !(given & SETUP.disabled) ? t.tid : 0,
    nextOperation: 0,
    pending: [],
    ready: [],
    overflow: [],
    due: false,
    buffers: null,
    files: null,
    eventfd: 0,
    eventfdAsync: false,
    groups: [],
    personalities: [],
    range: null,
    restrictions: null,
  }
  writeWord(k, ring, AT.sqMask, entries - 1)
  writeWord(k, ring, AT.cqMask, completions - 1)
  writeWord(k, ring, AT.sqEntries, entries)
  writeWord(k, ring, AT.cqEntries, completions)
  // The thread that would look at the queue sleeps: whoever has put entries into it says so by IORING_ENTER_SQ_WAKEUP.
  if (given & SETUP.polled) writeWord(k, ring, AT.sqFlags, NEED_WAKEUP)
  const words = new Uint32Array(PARAMS_SIZE / 4)
  words.set([entries, completions, given, view.getUint32(12, true), view.getUint32(16, true), FEATURES, attached])
  const array = given & 0x1_0000 ? 0 : arrayAt(ring)
  words.set([AT.sqHead, AT.sqTail, AT.sqMask, AT.sqEntries, AT.sqFlags, AT.dropped, array], 10)
  words.set([AT.cqHead, AT.cqTail, AT.cqMask, AT.cqEntries, AT.cqOverflow, AT.cqes, AT.cqFlags], 20)
  const d = addDescription(k.state.fs, 'ring', 2, null, { ring })
  if (!space.write(address!, new Uint8Array(words.buffer))) {
    d.refs++
    releaseDescription(k, d.id)
    return -ERRNO.EFAULT
  }
  return installOrDrop(k, t, d, true)
}

/** A file without a name that is mapped from the ring's descriptor, as large as whole pages. */
function sharedFile(k: Kernel, t: Task, length: number): Inode {
  const { uid, gid } = t.credentials
  const inode = addInode(k.state.fs, { kind: 'file', mode: 0o600, uid: uid[3], gid: gid[3] }, timeNow(k))
  inode.content!.size = pageUp(length)
  holdInode(k.state.fs, inode.id)
  return inodeOf(k.state.fs, inode.id)
}

const NEED_WAKEUP = 1
const ENTER = { getEvents: 1, wakeUp: 2, extended: 8, all: 0xf } as const
const ENTER_NR = 426

function enter(k: Kernel, t: Task, args: number[]): number {
  const [descriptor, count, least, how, argument, argumentSize] = args as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  if (t.wait !== null) return goOn(k, t, args)
  if (how & ~ENTER.all) return -ERRNO.EINVAL
  const d = descriptionOf(k, t, descriptor)
  if (d === undefined) return -ERRNO.EBADF
  if (d.ring === undefined) return -ERRNO.EOPNOTSUPP
  const { ring } = d
  if (ring.disabled) return -ERRNO.EBADFD
  let submitted = 0
  if (ring.flags & SETUP.polled) {
    submitted = count
    if (how & ENTER.wakeUp) submit(k, t, d, ring.entries)
  } else if (count > 0) {
    if (ring.flags & SETUP.singleIssuer) {
      if (ring.issuer === 0) ring.issuer = t.tid
      if (ring.issuer !== t.tid) return -ERRNO.EEXIST
    }
    submitted = submit(k, t, d, count)
    if (submitted !== count) return submitted
  }
  if (!(how & ENTER.getEvents)) return submitted
  if (ring.flags & SETUP.deferTask && ring.issuer !== 0 && ring.issuer !== t.tid) return -ERRNO.EEXIST
  let deadline: number | null = null
  let [mask, maskSize] = [argument, argumentSize]
  if (how & ENTER.extended) {
    if (argumentSize !== 24) return submitted || -ERRNO.EINVAL
    const space = k.space(t)
    const at = (offset: number): bigint | null => space.readU64(argument + offset)
    const [set, sizes, time] = [at(0), at(8), at(16)]
    if (set === null || sizes === null || time === null) return submitted || -ERRNO.EFAULT
    ;[mask, maskSize] = [Number(set), Number(sizes & 0xffff_ffffn)]
    if (time !== 0n) {
      const limit = readTimespec(k, t, Number(time))
      if (typeof limit === 'number') return submitted || limit
      deadline = k.now() + limit.seconds * NS_PER_SECOND + limit.ns
    }
  }
  const denied = applyMask(k, t, mask, maskSize)
  if (denied !== 0) return submitted || denied
  flushOverflow(k, ring)
  if (waiting(k, ring) >= Math.min(least, ring.completions)) return submitted
  const detail = { expired: ring.expired }
  const fds = here(d)
  t.wait = newWait({ nr: ENTER_NR, args, kind: 'fd', restart: 'eintr', deadline, progress: submitted, fds, detail })
  return BLOCKED
}

const here = (d: Description): { id: number; events: 'read' }[] => [{ id: d.id, events: 'read' }]

/** Goes on to wait for completions. */
function goOn(k: Kernel, t: Task, args: number[]): number {
  const { progress, outcome, fds, detail } = t.wait!
  const ring = k.state.fs.descriptions.get(fds![0]!.id)?.ring
  if (ring === undefined) return progress
  flushOverflow(k, ring)
  if (waiting(k, ring) >= Math.min(args[2]!, ring.completions)) return progress
  if (ring.expired !== (detail as { expired: number }).expired) return progress
  if (outcome !== 'timeout' && outcome !== 'signal') return BLOCKED
  // Fewer than were waited for are better than none.
  if (progress > 0 || waiting(k, ring) > 0) return progress
  return outcome === 'timeout' ? -ERRNO.ETIME : -ERRNO.EINTR
}

const REGISTER: FlagTable = [
  [0, 'IORING_REGISTER_BUFFERS'],
  [1, 'IORING_UNREGISTER_BUFFERS'],
  [2, 'IORING_REGISTER_FILES'],
  [3, 'IORING_UNREGISTER_FILES'],
  [4, 'IORING_REGISTER_EVENTFD'],
  [5, 'IORING_UNREGISTER_EVENTFD'],
  [6, 'IORING_REGISTER_FILES_UPDATE'],
  [7, 'IORING_REGISTER_EVENTFD_ASYNC'],
  [8, 'IORING_REGISTER_PROBE'],
  [9, 'IORING_REGISTER_PERSONALITY'],
  [10, 'IORING_UNREGISTER_PERSONALITY'],
  [11, 'IORING_REGISTER_RESTRICTIONS'],
  [12, 'IORING_REGISTER_ENABLE_RINGS'],
  [13, 'IORING_REGISTER_FILES2'],
  [14, 'IORING_REGISTER_FILES_UPDATE2'],
  [15, 'IORING_REGISTER_BUFFERS2'],
  [16, 'IORING_REGISTER_BUFFERS_UPDATE'],
  [17, 'IORING_REGISTER_IOWQ_AFF'],
  [18, 'IORING_UNREGISTER_IOWQ_AFF'],
  [19, 'IORING_REGISTER_IOWQ_MAX_WORKERS'],
  [20, 'IORING_REGISTER_RING_FDS'],
  [21, 'IORING_UNREGISTER_RING_FDS'],
  [22, 'IORING_REGISTER_PBUF_RING'],
  [23, 'IORING_UNREGISTER_PBUF_RING'],
  [24, 'IORING_REGISTER_SYNC_CANCEL'],
  [25, 'IORING_REGISTER_FILE_ALLOC_RANGE'],
]

function register(k: Kernel, t: Task, args: number[]): number {
  const [descriptor, opcode, argument, count] = args as [number, number, number, number]
  const d = descriptionOf(k, t, descriptor)
  if (d === undefined) return -ERRNO.EBADF
  if (d.ring === undefined) return -ERRNO.EOPNOTSUPP
  const { ring } = d
  const nothing = argument === 0 && count === 0
  if (REGISTER.some(([value]) => value === opcode) && !mayRegister(ring, opcode)) return -ERRNO.EACCES
  switch (opcode) {
    case 0:
      return registerBuffers(k, t, ring, argument, count)
    case 1:
      if (!nothing) return -ERRNO.EINVAL
      if (ring.buffers === null) return -ERRNO.ENXIO
      ring.buffers = null
      return 0
    case 2:
      return registerFiles(k, t, ring, readDescriptors(k, t, argument, count))
    case 3:
      return nothing ? unregisterFiles(k, ring) : -ERRNO.EINVAL
    case 4:
    case 7:
      return registerEventfd(k, t, ring, argument, count, opcode === 7)
    case 5:
      if (!nothing) return -ERRNO.EINVAL
      if (ring.eventfd === 0) return -ERRNO.ENXIO
      releaseDescription(k, ring.eventfd)
      ring.eventfd = 0
      return 0
    case 6:
      return filesUpdate(k, t, ring, argument, count)
    case 8:
      return probe(k, t, argument, count)
    case 9: {
      if (!nothing) return -ERRNO.EINVAL
      const id = Math.max(0, ...ring.personalities.map((one) => one.id)) + 1
      ring.personalities.push({ id, credentials: structuredClone(t.credentials) })
      return id
    }
    case 10: {
      const index = ring.personalities.findIndex((one) => one.id === count)
      if (argument !== 0 || index < 0) return -ERRNO.EINVAL
      ring.personalities.splice(index, 1)
      return 0
    }
    case 11:
      return registerRestrictions(k, t, ring, argument, count)
    case 13:
    case 15:
      return registerResources(k, t, ring, argument, count, opcode === 13)
    case 12:
      if (!nothing) return -ERRNO.EINVAL
      if (!ring.disabled) return -ERRNO.EBADFD
      ring.disabled = false
      if (ring.flags & SETUP.singleIssuer) ring.issuer = t.tid
      return 0
    case 19:
      return count === 2 && k.space(t).write(argument, new Uint8Array(8)) ? 0 : -ERRNO.EINVAL
    case 22:
      return bufferRing(k, t, ring, argument, count, true)
    case 23:
      return bufferRing(k, t, ring, argument, count, false)
    case 24:
      return syncCancel(k, t, d, argument, count)
    case 25:
      return allocRange(k, t, ring, argument, count)
    default: {
      const name = REGISTER.find(([value]) => value === opcode)?.[1]
      return name === undefined ? -ERRNO.EINVAL : k.refuse(t, `io_uring_register(${name})`, 'EINVAL')
    }
  }
}

function registerBuffers(k: Kernel, t: Task, ring: Ring, address: number, count: number): number {
  if (ring.buffers !== null) return -ERRNO.EBUSY
  if (count === 0 || count > 16_384) return -ERRNO.EINVAL
  const buffers: Ring['buffers'] = []
  for (let done = 0; done < count; done += 1024) {
    const segments = readIovec(k.space(t), address + done * 16, Math.min(1024, count - done))
    if (typeof segments === 'number') return segments
    for (const { start, length } of segments) {
      if (start === 0 && length === 0) {
        buffers.push(null)
        continue
      }
      if (length === 0 || start === 0 || k.space(t).accessible(start, length, 0) < 0) return -ERRNO.EFAULT
      if (k.memory(t).isFree(start, start + length)) return -ERRNO.EFAULT
      buffers.push({ address: start, length })
    }
  }
  ring.buffers = buffers
  return 0
}

/** struct io_uring_rsrc_register: how many, IORING_RSRC_REGISTER_SPARSE, addresses of them and of their tags. */
function registerResources(k: Kernel, t: Task, ring: Ring, address: number, size: number, files: boolean): number {
  const bytes = k.space(t).read(address, 32)
  if (bytes === null) return -ERRNO.EFAULT
  const view = new DataView(bytes.buffer, bytes.byteOffset, 32)
  const [count, how] = [view.getUint32(0, true), view.getUint32(4, true)]
  const [data, tags] = [Number(view.getBigUint64(16, true)), view.getBigUint64(24, true)]
  if (size !== 32 || count === 0 || view.getBigUint64(8, true) !== 0n || how & ~1) return -ERRNO.EINVAL
  if (tags !== 0n) return k.refuse(t, 'io_uring_register with tags', 'EINVAL')
  const sparse = (how & 1) !== 0
  if (sparse && data !== 0) return -ERRNO.EINVAL
  if (files) return registerFiles(k, t, ring, sparse ? Array(count).fill(-1) : readDescriptors(k, t, data, count))
  if (!sparse) return registerBuffers(k, t, ring, data, count)
  if (ring.buffers !== null) return -ERRNO.EBUSY
  ring.buffers = Array(count).fill(null)
  return 0
}

function registerEventfd(k: Kernel, t: Task, ring: Ring, address: number, count: number, async: boolean): number {
  if (count !== 1) return -ERRNO.EINVAL
  if (ring.eventfd !== 0) return -ERRNO.EBUSY
  const descriptor = k.space(t).readU32(address)
  if (descriptor === null) return -ERRNO.EFAULT
  const d = descriptionOf(k, t, descriptor | 0)
  if (d === undefined) return -ERRNO.EBADF
  if (d.type !== 'eventfd') return -ERRNO.EINVAL
  d.refs++
  ring.eventfd = d.id
  ring.eventfdAsync = async
  return 0
}

/** struct io_uring_files_update: offset and the address of descriptors. */
function filesUpdate(k: Kernel, t: Task, ring: Ring, address: number, count: number): number {
  const space = k.space(t)
  const [start, reserved, list] = [space.readU32(address), space.readU32(address + 4), space.readU64(address + 8)]
  if (start === null || reserved === null || list === null) return -ERRNO.EFAULT
  if (reserved !== 0 || count === 0) return -ERRNO.EINVAL
  return updateFiles(k, t, ring, start, Number(list), count)
}

/** struct io_uring_probe: which operations there are. */
function probe(k: Kernel, t: Task, address: number, room: number): number {
  const count = Math.min(room, 256)
  const given = k.space(t).read(address, 16 + 8 * count)
  if (given === null) return -ERRNO.EFAULT
  if (given.some((byte) => byte !== 0)) return -ERRNO.EINVAL
  const told = Math.min(count, LAST)
  const bytes = new Uint8Array(16 + 8 * told)
  bytes[0] = LAST - 1
  bytes[1] = told
  for (let i = 0; i < told; i++) {
    bytes[16 + 8 * i] = i
    bytes[16 + 8 * i + 2] = isKnown(i) ? 1 : 0
  }
  return k.space(t).write(address, bytes) ? 0 : -ERRNO.EFAULT
}

/** struct io_uring_buf_reg: address, entries, group. */
function bufferRing(k: Kernel, t: Task, ring: Ring, address: number, count: number, adds: boolean): number {
  if (count !== 1) return -ERRNO.EINVAL
  const bytes = k.space(t).read(address, 40)
  if (bytes === null) return -ERRNO.EFAULT
  const view = new DataView(bytes.buffer, bytes.byteOffset, 40)
  const [at, entries, group, how] = [
    Number(view.getBigUint64(0, true)),
    view.getUint32(8, true),
    view.getUint16(12, true),
    view.getUint16(14, true),
  ]
  if (how !== 0 || bytes.subarray(16, 40).some((byte) => byte !== 0)) return -ERRNO.EINVAL
  if (!adds) return unregisterBufferRing(ring, group)
  if (at === 0) return -ERRNO.EFAULT
  if (at % PAGE_SIZE !== 0 || entries === 0 || entries >= 65_536 || powerOfTwoFrom(entries) !== entries)
    return -ERRNO.EINVAL
  if (k.memory(t).isFree(at, at + entries * 16)) return -ERRNO.EFAULT
  return registerBufferRing(ring, group, at, entries)
}

/** struct io_uring_file_index_range: first and how many. */
function allocRange(k: Kernel, t: Task, ring: Ring, address: number, count: number): number {
  const space = k.space(t)
  const [start, length, reserved] = [space.readU32(address), space.readU32(address + 4), space.readU64(address + 8)]
  if (count !== 0) return -ERRNO.EINVAL
  if (start === null || length === null || reserved === null) return -ERRNO.EFAULT
  if (start + length > 0xffff_ffff) return -ERRNO.EOVERFLOW
  if (reserved !== 0n || start + length > (ring.files?.length ?? 0)) return -ERRNO.EINVAL
  ring.range = [start, start + length]
  return 0
}

/** struct io_uring_sync_cancel_reg: user data, descriptor, flags. */
function syncCancel(k: Kernel, t: Task, d: Description, address: number, count: number): number {
  if (count !== 1) return -ERRNO.EINVAL
  const bytes = k.space(t).read(address, 64)
  if (bytes === null) return -ERRNO.EFAULT
  const given = new DataView(bytes.buffer, bytes.byteOffset, 64)
  const entry = new Uint8Array(SQE_SIZE)
  const view = new DataView(entry.buffer)
  view.setBigUint64(16, given.getBigUint64(0, true), true)
  view.setInt32(4, given.getInt32(8, true), true)
  view.setUint32(28, given.getUint32(12, true), true)
  return cancelNow(k, t, d, entry)
}

const params: ArgType = {
  ...ptr,
  when: 'out',
  text: (value, call) =>
    structText(
      value,
      PARAMS_SIZE,
      (view) => {
        const word = (at: number): number => view.getUint32(at, true)
        const names = ['head', 'tail', 'ring_mask', 'ring_entries']
        const offsets = (at: number, rest: string[]): string =>
          [...names, ...rest].map((name, i) => `${name}=${word(at + 4 * i)}`).join(', ')
        const flagText = flagsText(word(8), SETUP_FLAGS, 'IORING_SETUP_???')
        const idle = `sq_thread_cpu=${word(12)}, sq_thread_idle=${word(16)}`
        if (call.result === null || call.result < 0) return `{flags=${flagText}, ${idle}}`
        const counts = `sq_entries=${word(0)}, cq_entries=${word(4)}, features=${hex(word(20))}`
        const sq = offsets(40, ['flags', 'dropped', 'array'])
        const cq = offsets(80, ['overflow', 'cqes', 'flags'])
        return `{flags=${flagText}, ${idle}, ${counts}, sq_off={${sq}}, cq_off={${cq}}}`
      },
      call,
    ),
  reads: (value) => [{ start: value, length: PARAMS_SIZE }],
  writes: (value, { result }) => (result === null || result < 0 ? [] : [{ start: value, length: PARAMS_SIZE }]),
}
const enterFlags = flags(
  [
    [1, 'IORING_ENTER_GETEVENTS'],
    [2, 'IORING_ENTER_SQ_WAKEUP'],
    [4, 'IORING_ENTER_SQ_WAIT'],
    [8, 'IORING_ENTER_EXT_ARG'],
    [0x10, 'IORING_ENTER_REGISTERED_RING'],
  ],
  'IORING_ENTER_???',
)

export const uringCalls: readonly Declaration[] = [
  syscall(
    425,
    'io_uring_setup',
    [
      ['entries', uint],
      ['params', params],
    ],
    number,
    setup,
    {
      support: 'partial: IORING_SETUP_SQE128, CQE32, NO_MMAP and REGISTERED_FD_ONLY are EINVAL and reported',
    },
  ),
  syscall(
    ENTER_NR,
    'io_uring_enter',
    [
      ['fd', fd],
      ['to_submit', uint],
      ['min_complete', uint],
      ['flags', enterFlags],
      ['sig', ptr],
      ['sigsetsize', size],
    ],
    number,
    enter,
    { support: 'partial: the operations of src/linux/uring/operations.ts, which IORING_REGISTER_PROBE tells' },
  ),
  syscall(
    427,
    'io_uring_register',
    [
      ['fd', fd],
      ['opcode', oneOf(REGISTER, 'IORING_REGISTER_???')],
      ['arg', ptr],
      ['nr_args', uint],
    ],
    number,
    register,
    { support: 'partial: an opcode that lemming does not have is EINVAL and reported' },
  ),
]
