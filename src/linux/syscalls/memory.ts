/** Exists to declare the calls that change an address space: mmap(2) and its relatives. */
import { PROT } from '../../engine/address-space.ts'
import { GUEST_LIMIT, GUEST_MIN, PAGE_SIZE } from '../../engine/layout.ts'
import { address, asU64, asUint, fd, flags, hexU64, int, number, oneOf, ptr, shown, size, uint } from '../arguments.ts'
import { syscall, type ArgType, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { inodeOf } from '../fs/inode.ts'
import { mappableOf, sharedMemoryFile, syncMounted, takeStores, writeFile } from '../fs/mapping.ts'
import { syncRange } from '../power/pending.ts'
import type { Kernel } from '../kernel.ts'
import { MAP, MAX_MAPPINGS, pageDown, pageUp, type Memory } from '../mm.ts'
import { grantedRights } from '../personality.ts'
import type { FileBacking, Mapping, Task } from '../state.ts'
import { flagsText, hex, pointerText } from '../strace.ts'
import { MADVICE, MAP_FLAGS, MLOCKALL_FLAGS, MREMAP_FLAGS, MSYNC_FLAGS, PROT_FLAGS } from '../table-task-flags.ts'

const RLIMIT_DATA = 2
const RLIMIT_AS = 9
const USER_LIMIT = 0x7fff_ffff_f000

const prot = flags(PROT_FLAGS, 'PROT_???')
/** strace calls the sharing type 0, which is none, MAP_FILE. */
const mapFlags = shown(asUint, (value) => (value & 0xf ? '' : 'MAP_FILE|') + flagsText(value, MAP_FLAGS, 'MAP_???'))
const REMAP = { mayMove: 1, fixed: 2, dontUnmap: 4 }

/** One byte per page, shown as a list of bits. */
const residency: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, { result, space, args }) => {
    const bytes = result === 0 ? space.read(value, pageUp(args[1]!) / PAGE_SIZE) : null
    if (bytes === null) return pointerText(value)
    const shownBytes = Array.from(bytes.subarray(0, 32), (byte) => byte & 1).join(', ')
    return `[${shownBytes}${bytes.length > 32 ? ', ...' : ''}]`
  },
  writes: (value, { args }) => [{ start: value, length: pageUp(args[1]!) / PAGE_SIZE }],
}

/** Whether `more` bytes of mappings would break the process' limits. */
function beyondLimits(k: Kernel, t: Task, memory: Memory, more: number): boolean {
  const limits = k.process(t).rlimits
  return memory.map.total + more > limits[RLIMIT_AS]![0] || memory.map.mappings.length >= MAX_MAPPINGS
}

function mmap(k: Kernel, t: Task, args: number[]): number {
  const [hint, rawLength, asked, given, descriptor, offset] = args as [number, number, number, number, number, number]
  const rights = grantedRights(k.process(t), asked)
  const memory = k.memory(t)
  if (offset % PAGE_SIZE !== 0) return -ERRNO.EINVAL
  let file: FileBacking | null = null
  const type = given & 3
  if (!(given & MAP.anonymous)) {
    const found = mappableOf(k, t, descriptor, offset)
    if (found === -ERRNO.EBADF) return found
    if (rawLength === 0) return -ERRNO.EINVAL
    if (typeof found === 'number') return found
    if (type === 0) return -ERRNO.EINVAL
    if (type === MAP.sharedValidate && given & MAP.sync) return -ERRNO.EOPNOTSUPP
    const shared = type !== MAP.private
    if (shared && rights & PROT.write && !found.writable) return -ERRNO.EACCES
    // F_SEAL_WRITE and F_SEAL_FUTURE_WRITE of a memfd.
    const sealed = shared && (Math.max(0, k.state.fs.inodes.get(found.inode)?.seals ?? 0) & 0x18) !== 0
    if (sealed && rights & PROT.write) return -ERRNO.EPERM
    if (found.kind === 'file')
      file = {
        path: found.path,
        inode: found.inode,
        offset: found.offset ?? offset,
        mayWrite: !shared || (found.writable && !sealed),
      }
  } else if (type === 0 || type === MAP.sharedValidate) return -ERRNO.EINVAL
  if (rawLength === 0) return -ERRNO.EINVAL
  const length = pageUp(rawLength)
  // Huge pages: none are configured, as on most machines.
  if (!(length <= USER_LIMIT) || given & MAP.hugeTlb) return -ERRNO.ENOMEM
  const beyond = (rights & 7) === 0 && (given & MAP.noReserve) !== 0 && isInsisted(memory, hint, length)
  const start = beyond ? -ERRNO.ENOMEM : choosePlace(memory, hint, length, given)
  if (start < 0) {
    const fixed = (given & (MAP.fixed | MAP.fixedNoReplace)) !== 0
    if (start === -ERRNO.ENOMEM && (fixed || beyond || (length >= LARGE && length < ABSURD))) {
      const where = fixed || beyond ? ` at ${hex(hint)}` : ''
      k.noteUnanswered(t, `mmap of ${hex(length)} bytes${where}: addresses end at ${hex(GUEST_LIMIT)}`, 'ENOMEM')
    }
    return start
  }
  if (beyondLimits(k, t, memory, length)) return -ERRNO.ENOMEM
  if (type !== MAP.private && given & MAP.growsDown) return -ERRNO.EINVAL
  if (type === MAP.shared && file === null) file = sharedMemoryFile(k, t, length)
  const mapping: Mapping = {
    start,
    end: start + length,
    prot: rights & 7,
    flags: (type === MAP.private ? MAP.private : MAP.shared) | (given & (MAP.growsDown | MAP.locked | MAP.noReserve)),
    file,
    name: '',
    untouched: file === null && (rights & 7) === 0,
    onFork: 'copy',
  }
  memory.add(mapping)
  k.tellMapping(t, start, length, rights & 7, file?.path ?? '')
  return start
}

/** Mappings from this size on are told when there is no room for them, but not those for which no computer has room. */
const LARGE = 0x1000_0000
/** So often may a reservation of one size be asked for at addresses that there are not, and be given elsewhere. */
const INSISTING = 64
const BEYOND = 0x1_0000_0000

/**
 * Whether a program asks again and again for a reservation, page by page at addresses beyond ours: a place elsewhere is no help to it, and it would go on for ever
 * (the runtime of GHC wants its heap above 8 GiB).
 */
function isInsisted({ map }: Memory, hint: number, length: number): boolean {
  if (hint < BEYOND || length < 0x10_0000) return false
  const last = map.insisted
  const again = last !== undefined && last.length === length && last.hint + PAGE_SIZE === hint
  const times = again ? last.times + 1 : 1
  map.insisted = { hint, length, times }
  return times > INSISTING
}
const ABSURD = 2 ** 42

/** Where a new mapping goes, or a negative errno. */
function choosePlace(memory: Memory, hint: number, length: number, given: number): number {
  if (!(given & (MAP.fixed | MAP.fixedNoReplace))) {
    const start = memory.place(length, hint <= USER_LIMIT ? pageDown(hint) : 0)
    return start < 0 ? -ERRNO.ENOMEM : start
  }
  if (hint % PAGE_SIZE !== 0) return -ERRNO.EINVAL
  if (hint + length > GUEST_LIMIT) return -ERRNO.ENOMEM
  if (hint < GUEST_MIN) return -ERRNO.EPERM
  if (given & MAP.fixedNoReplace && !memory.isFree(hint, hint + length)) return -ERRNO.EEXIST
  return hint
}

function munmap(k: Kernel, t: Task, [start, rawLength]: number[]): number {
  if (start! % PAGE_SIZE !== 0 || rawLength === 0 || start! + rawLength! > USER_LIMIT + PAGE_SIZE) return -ERRNO.EINVAL
  const memory = k.memory(t)
  const end = Math.min(start! + pageUp(rawLength!), GUEST_LIMIT)
  // Cutting a hole into a mapping makes two of it.
  const mapping = memory.at(start!)
  if (
    mapping !== undefined &&
    mapping.start < start! &&
    end < mapping.end &&
    memory.map.mappings.length >= MAX_MAPPINGS
  )
    return -ERRNO.ENOMEM
  if (start! < end && !memory.isFree(start!, end)) {
    memory.remove(start!, end)
    k.tellMapping(t, start!, end - start!, -1, '')
  }
  return 0
}

const PROT_GROWSDOWN = 0x0100_0000
const PROT_GROWSUP = 0x0200_0000

function mprotect(k: Kernel, t: Task, args: number[]): number {
  const [start, rawLength, rights] = args as [number, number, number]
  if (start % PAGE_SIZE !== 0) return -ERRNO.EINVAL
  if (rights & PROT_GROWSDOWN && rights & PROT_GROWSUP) return -ERRNO.EINVAL
  const length = pageUp(rawLength)
  if (length === 0) return 0
  // Behind the end of all addresses.
  if (start + length >= 2 ** 64) return -ERRNO.ENOMEM
  if (rights & ~(0xf | PROT_GROWSDOWN | PROT_GROWSUP)) return -ERRNO.EINVAL
  const memory = k.memory(t)
  let from = start
  const first = memory.at(start)
  if (rights & PROT_GROWSDOWN) {
    const stack = memory.map.mappings[memory.indexFrom(start)]
    if (stack === undefined || stack.start >= start + length) return -ERRNO.ENOMEM
    if (!(stack.flags & MAP.growsDown)) return -ERRNO.EINVAL
    from = stack.start
  } else if (first === undefined) return -ERRNO.ENOMEM
  // Mappings before the first hole, or before one that may not be written, are changed even when the call fails.
  let end = from
  let result = 0
  for (let i = memory.indexFrom(from); end < start + length; i++) {
    const mapping = memory.map.mappings[i]
    if (mapping === undefined || mapping.start > end) result = -ERRNO.ENOMEM
    else if (rights & PROT.write && mapping.flags & MAP.shared && mapping.file?.mayWrite === false)
      result = -ERRNO.EACCES
    if (result !== 0) break
    end = Math.min(mapping!.end, start + length)
  }
  if (end > from) {
    if (memory.map.mappings.length + 2 > MAX_MAPPINGS) return -ERRNO.ENOMEM
    const granted = grantedRights(k.process(t), rights & 7)
    memory.protect(from, end, granted)
    k.tellMapping(t, from, end - from, granted, first?.file?.path ?? first?.name ?? '')
  }
  return result
}

function brk(k: Kernel, t: Task, [wanted]: number[]): number {
  const memory = k.memory(t)
  const map = memory.map
  const now = map.brk
  if (wanted! < map.brkStart || wanted! > GUEST_LIMIT) return now
  if (wanted! - map.brkStart > k.process(t).rlimits[RLIMIT_DATA]![0]) return now
  const oldEnd = pageUp(now)
  const newEnd = pageUp(wanted!)
  if (newEnd < oldEnd) {
    memory.remove(newEnd, oldEnd)
    k.tellMapping(t, newEnd, oldEnd - newEnd, -1, '[heap]')
  } else if (newEnd > oldEnd) {
    // One page stays free between the heap and what lies above.
    if (
      !memory.isFree(oldEnd, Math.min(newEnd + PAGE_SIZE, GUEST_LIMIT)) ||
      beyondLimits(k, t, memory, newEnd - oldEnd)
    )
      return now
    const rights = grantedRights(k.process(t), PROT.read | PROT.write)
    memory.add({
      start: oldEnd,
      end: newEnd,
      prot: rights,
      flags: MAP.private,
      file: null,
      name: '[heap]',
      untouched: false,
      onFork: 'copy',
    })
    k.tellMapping(t, oldEnd, newEnd - oldEnd, rights, '[heap]')
  }
  if (wanted! > now) k.heap?.claimed(memory, now, wanted! - now)
  map.brk = wanted!
  return wanted!
}

function mremap(k: Kernel, t: Task, args: number[]): number {
  const [start, rawOld, rawNew, given, target] = args as [number, number, number, number, number]
  if (given & ~7 || start % PAGE_SIZE !== 0 || rawNew === 0) return -ERRNO.EINVAL
  if (given & REMAP.fixed && !(given & REMAP.mayMove)) return -ERRNO.EINVAL
  if (given & REMAP.dontUnmap && (!(given & REMAP.mayMove) || rawOld !== rawNew)) return -ERRNO.EINVAL
  const oldLength = pageUp(rawOld)
  const newLength = pageUp(rawNew)
  if (newLength > USER_LIMIT) return -ERRNO.EINVAL
  const memory = k.memory(t)
  const mapping = memory.at(start)
  if (given & (REMAP.fixed | REMAP.dontUnmap)) {
    if (given & REMAP.fixed) {
      if (target % PAGE_SIZE !== 0 || target + newLength > USER_LIMIT) return -ERRNO.EINVAL
      if (target < start + oldLength && start < target + newLength) return -ERRNO.EINVAL
      if (target + newLength > GUEST_LIMIT) return -ERRNO.ENOMEM
      if (target < GUEST_MIN) return -ERRNO.EPERM
    }
  } else if (mapping !== undefined && newLength <= oldLength) {
    if (newLength < oldLength) {
      memory.remove(start + newLength, start + oldLength)
      k.tellMapping(t, start + newLength, oldLength - newLength, -1, '')
    }
    return start
  }
  if (mapping === undefined) return -ERRNO.EFAULT
  // Length 0 asks for a second view of shared pages.
  if (oldLength === 0 && (!(mapping.flags & MAP.shared) || mapping.file === null)) return -ERRNO.EINVAL
  if (start + oldLength > mapping.end) return -ERRNO.EFAULT
  if (newLength > oldLength && beyondLimits(k, t, memory, newLength - oldLength)) return -ERRNO.ENOMEM
  const grows = newLength - oldLength
  const inPlace = !(given & (REMAP.fixed | REMAP.dontUnmap)) && start + oldLength === mapping.end
  if (inPlace && start + newLength <= GUEST_LIMIT && memory.isFree(mapping.end, mapping.end + grows)) {
    const end = mapping.end
    memory.extend(end, end + grows)
    k.tellMapping(t, end, grows, mapping.prot, mapping.file?.path ?? mapping.name)
    return start
  }
  if (!(given & REMAP.mayMove)) return -ERRNO.ENOMEM
  const to = given & REMAP.fixed ? target : memory.place(newLength, given & REMAP.dontUnmap ? target : 0)
  if (to < 0) return -ERRNO.ENOMEM
  const rights = mapping.prot
  const name = mapping.file?.path ?? mapping.name
  if (oldLength === 0) {
    const file = mapping.file! && { ...mapping.file!, offset: mapping.file!.offset + start - mapping.start }
    memory.add({ ...mapping, start: to, end: to + newLength, file })
    k.tellMapping(t, to, newLength, rights, name)
    return to
  }
  memory.move(start, oldLength, to, newLength, (given & REMAP.dontUnmap) !== 0)
  if (!(given & REMAP.dontUnmap)) k.tellMapping(t, start, oldLength, -1, '')
  k.tellMapping(t, to, newLength, rights, name)
  return to
}

function madvise(k: Kernel, t: Task, args: number[]): number {
  const [start, rawLength, advice] = args as [number, number, number]
  if (!MADVICE.some(([value]) => value === advice)) return -ERRNO.EINVAL
  if (start % PAGE_SIZE !== 0) return -ERRNO.EINVAL
  const length = pageUp(rawLength)
  if (!(start + length <= USER_LIMIT + PAGE_SIZE)) return -ERRNO.EINVAL
  if (length === 0) return 0
  const memory = k.memory(t)
  const end = Math.min(start + length, GUEST_LIMIT)
  const MADV = {
    dontNeed: 4,
    free: 8,
    remove: 9,
    dontFork: 10,
    doFork: 11,
    wipeOnFork: 18,
    keepOnFork: 19,
    populateRead: 22,
    populateWrite: 23,
  }
  const touched = (): Mapping[] => memory.map.mappings.filter((one) => one.start < end && start < one.end)
  switch (advice) {
    case MADV.dontNeed:
      if (start < end) memory.discard(start, end)
      break
    case MADV.free:
      // The pages may keep their contents until memory is short, which it never is.
      if (memory.at(start) !== undefined && memory.at(start)!.file !== null) return -ERRNO.EINVAL
      break
    case MADV.remove:
      return removePages(k, t, start, end)
    case MADV.dontFork:
      memory.update(start, end, (mapping) => (mapping.onFork = 'drop'))
      break
    case MADV.wipeOnFork:
      if (touched().some(({ file }) => file !== null)) return -ERRNO.EINVAL
      memory.update(start, end, (mapping) => (mapping.onFork = 'wipe'))
      break
    case MADV.populateRead:
    case MADV.populateWrite: {
      const needed = advice === MADV.populateRead ? PROT.read : PROT.write
      if (touched().some(({ prot }) => (prot & needed) === 0)) return -ERRNO.EINVAL
      break
    }
    case MADV.doFork:
    case MADV.keepOnFork:
      memory.update(start, end, (mapping) => (mapping.onFork = 'copy'))
      break
    default:
  }
  // Holes are skipped, and reported at the end.
  return memory.isCovered(start, start + length) ? 0 : -ERRNO.ENOMEM
}

/** MADV_REMOVE: a hole in the files that are mapped there, shared and writable. */
function removePages(k: Kernel, t: Task, start: number, end: number): number {
  const memory = k.memory(t)
  if (!memory.isCovered(start, end)) return -ERRNO.ENOMEM
  for (const mapping of memory.map.mappings.filter((other) => other.start < end && other.end > start)) {
    if (mapping.file === null || !(mapping.flags & MAP.shared)) return -ERRNO.EINVAL
    if (!mapping.file.mayWrite) return -ERRNO.EACCES
    const inode = inodeOf(k.state.fs, mapping.file.inode)
    const at = mapping.file.offset + Math.max(start, mapping.start) - mapping.start
    const length = Math.min(end, mapping.end) - Math.max(start, mapping.start)
    const inside = Math.min(length, inode.content!.size - at)
    if (inside > 0) writeFile(k, inode, at, new Uint8Array(inside))
  }
  return 0
}

function mincore(k: Kernel, t: Task, args: number[]): number {
  const [start, rawLength, vector] = args as [number, number, number]
  if (start % PAGE_SIZE !== 0) return -ERRNO.EINVAL
  const length = pageUp(rawLength)
  if (!(start + length <= USER_LIMIT) || !k.memory(t).isCovered(start, start + length)) return -ERRNO.ENOMEM
  // Nothing is ever swapped out: what is mapped is resident.
  return k.space(t).write(vector, new Uint8Array(length / PAGE_SIZE).fill(1)) ? 0 : -ERRNO.EFAULT
}

const MS_SYNC = 4

function msync(k: Kernel, t: Task, args: number[]): number {
  const [start, rawLength, given] = args as [number, number, number]
  if (start % PAGE_SIZE !== 0 || given & ~7 || (given & 5) === 5) return -ERRNO.EINVAL
  // Files look into their shared mappings at every read, so nothing is left to write but what lies outside of the machine.
  syncMounted(k, k.process(t).spaceId)
  if (k.state.fs.disk !== undefined && given & MS_SYNC) syncPages(k, t, start, start + pageUp(rawLength))
  return k.memory(t).isCovered(start, start + pageUp(rawLength)) ? 0 : -ERRNO.ENOMEM
}

/** What was stored into shared mappings in a range of addresses is on the disk, as far as files are behind it. */
function syncPages(k: Kernel, t: Task, start: number, end: number): void {
  for (const { start: from, end: to, file, flags } of k.memory(t).map.mappings) {
    if (file === null || !(flags & MAP.shared) || from >= end || to <= start) continue
    const inode = inodeOf(k.state.fs, file.inode)
    const first = Math.max(from, start)
    const at = file.offset + first - from
    takeStores(k, inode)
    syncRange(k, inode, at, at + Math.min(to, end) - first)
  }
}

/** Locked memory is memory: nothing is ever swapped out. */
function lockRange(k: Kernel, t: Task, [start, rawLength]: number[]): number {
  const from = pageDown(start!)
  return k.memory(t).isCovered(from, pageUp(start! + rawLength!)) ? 0 : -ERRNO.ENOMEM
}

const range = [
  ['addr', ptr],
  ['length', size],
] as const

export const memoryCalls: readonly Declaration[] = [
  syscall(9, 'mmap', [...range, ['prot', prot], ['flags', mapFlags], ['fd', fd], ['offset', hexU64]], address, mmap, {
    support:
      'partial: all mappings lie below 0x70000000; one instruction cannot store into one page of a file at two addresses; MAP_HUGETLB finds no huge pages',
  }),
  syscall(10, 'mprotect', [...range, ['prot', prot]], number, mprotect),
  syscall(11, 'munmap', range, number, munmap),
  syscall(12, 'brk', [['addr', ptr]], address, brk),
  syscall(
    25,
    'mremap',
    [
      ['old_address', ptr],
      ['old_size', size],
      ['new_size', size],
      ['flags', flags(MREMAP_FLAGS, 'MREMAP_???')],
      [
        'new_address',
        shown(asU64, (value, { args }) => ((args[3]! & 3) === 3 || args[3]! & REMAP.dontUnmap ? hex(value) : null)),
      ],
    ],
    address,
    mremap,
  ),
  syscall(26, 'msync', [...range, ['flags', flags(MSYNC_FLAGS, 'MS_???')]], number, msync),
  syscall(27, 'mincore', [...range, ['vec', residency]], number, mincore),
  syscall(28, 'madvise', [...range, ['advice', oneOf(MADVICE, 'MADV_???')]], number, madvise, {
    support: 'partial: other advice than MADV_DONTNEED, MADV_REMOVE and what concerns fork has no effect',
  }),
  syscall(149, 'mlock', range, number, lockRange),
  syscall(150, 'munlock', range, number, lockRange),
  syscall(151, 'mlockall', [['flags', flags(MLOCKALL_FLAGS, 'MCL_???')]], number, (_k, _t, [given]) =>
    // MCL_ONFAULT alone says nothing.
    given === 0 || given === 4 || given! & ~7 ? -ERRNO.EINVAL : 0,
  ),
  syscall(152, 'munlockall', [], number, () => 0),
  syscall(325, 'mlock2', [...range, ['flags', flags([[1, 'MLOCK_ONFAULT']], 'MLOCK_???')]], number, (k, t, args) =>
    args[2]! & ~1 ? -ERRNO.EINVAL : lockRange(k, t, args),
  ),
  syscall(329, 'pkey_mprotect', [...range, ['prot', prot], ['pkey', int]], number, (k, t, args) =>
    args[3] === -1 ? mprotect(k, t, args) : -ERRNO.EINVAL,
  ),
  syscall(
    330,
    'pkey_alloc',
    [
      ['flags', uint],
      ['access_rights', hexU64],
    ],
    number,
    (_k, _t, [given, rights]) => (given !== 0 || rights! > 3 ? -ERRNO.EINVAL : -ERRNO.ENOSPC),
  ),
  syscall(331, 'pkey_free', [['pkey', int]], number, () => -ERRNO.EINVAL),
]
