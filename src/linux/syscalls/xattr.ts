/** Exists to declare the calls about extended attributes (xattr(7)): kept in the machine, those of the host's files not shown. */
import { CAP, capable } from '../capabilities.ts'
import { asU64, bufferText, bytesIn, fd, flags, number, path, PATH_MAX, size } from '../arguments.ts'
import { syscall, type ArgType, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { timeNow } from '../fs/inode.ts'
import { IN, tellInode } from '../fs/inotify.ts'
import { bytesFromName, nameFromBytes } from '../fs/names.ts'
import { checkAccess, MAY } from '../fs/permission.ts'
import { checkMount } from '../fs/mounts.ts'
import type { Inode } from '../fs/state.ts'
import { AT_FDCWD } from '../fs/walk.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { pointerText, quoted, type FlagTable } from '../strace.ts'
import { on, onFd } from './places.ts'

/** XATTR_NAME_MAX, XATTR_SIZE_MAX. */
const NAME_MAX = 255
const SIZE_MAX = 65536
const HOW = { create: 1, replace: 2 } as const

/** The name at an address, or an errno. */
function readName(k: Kernel, t: Task, address: number): string | number {
  const bytes = k.space(t).readString(address, NAME_MAX + 1)
  if (bytes === null) return k.space(t).read(address, NAME_MAX + 1) === null ? -ERRNO.EFAULT : -ERRNO.ERANGE
  return bytes.length === 0 ? -ERRNO.ERANGE : nameFromBytes(bytes)
}

/** 0, or why the task may not read (or write) the attribute. */
function permission(k: Kernel, t: Task, inode: Inode, name: string, wanted: 2 | 4): number {
  if (wanted === MAY.write) {
    const denied = checkMount(k, inode)
    if (denied !== 0) return denied
  }
  if (name.startsWith('security.') || name.startsWith('system.')) {
    return wanted === MAY.write && !capable(t, CAP.sysAdmin) ? -ERRNO.EPERM : 0
  }
  if (name.startsWith('trusted.')) {
    if (capable(t, CAP.sysAdmin)) return 0
    return wanted === MAY.write ? -ERRNO.EPERM : -ERRNO.ENODATA
  }
  if (name.startsWith('user.') && inode.kind !== 'file' && inode.kind !== 'dir')
    return wanted === MAY.write ? -ERRNO.EPERM : -ERRNO.ENODATA
  return checkAccess(k, t, inode, wanted)
}

/** 0 if the file's file system has attributes of that kind, else the errno. */
function checkKind(inode: Inode, name: string): number {
  const kind = /^(user|trusted|security)\.(.?)/.exec(name)
  if (kind === null || inode.source?.from === 'kernel') return -ERRNO.EOPNOTSUPP
  return kind[2] === '' ? -ERRNO.EINVAL : 0
}

function set(k: Kernel, t: Task, args: number[], find: (go: (inode: Inode) => number) => number): number {
  const [, nameAddress, address, length, how] = args as [number, number, number, number, number]
  if (how & ~(HOW.create | HOW.replace)) return -ERRNO.EINVAL
  const name = readName(k, t, nameAddress)
  if (typeof name === 'number') return name
  if (length > SIZE_MAX) return -ERRNO.E2BIG
  const value = length === 0 ? new Uint8Array(0) : k.space(t).read(address, length)?.slice()
  if (!value) return -ERRNO.EFAULT
  return find((inode) => {
    const denied = permission(k, t, inode, name, MAY.write)
    if (denied !== 0) return denied
    const unknown = checkKind(inode, name)
    if (unknown !== 0) return unknown
    const there = inode.attributes?.has(name) === true
    if (how & HOW.create && there) return -ERRNO.EEXIST
    if (how & HOW.replace && !there) return -ERRNO.ENODATA
    inode.attributes ??= new Map()
    inode.attributes.set(name, value)
    inode.ctime = timeNow(k)
    tellInode(k, inode, IN.attrib)
    return 0
  })
}

function get(k: Kernel, t: Task, args: number[], find: (go: (inode: Inode) => number) => number): number {
  const [, nameAddress, address, room] = args as [number, number, number, number]
  const name = readName(k, t, nameAddress)
  if (typeof name === 'number') return name
  return find((inode) => {
    const denied = permission(k, t, inode, name, MAY.read)
    if (denied !== 0) return denied
    const unknown = checkKind(inode, name)
    if (unknown !== 0) return unknown
    const value = inode.attributes?.get(name)
    return value === undefined ? -ERRNO.ENODATA : answer(k, t, value, address, room)
  })
}

function answer(k: Kernel, t: Task, value: Uint8Array, address: number, room: number): number {
  if (room === 0) return value.length
  if (room < value.length) return -ERRNO.ERANGE
  return value.length === 0 || k.space(t).write(address, value) ? value.length : -ERRNO.EFAULT
}

function list(k: Kernel, t: Task, args: number[], inode: Inode): number {
  const names = [...(inode.attributes?.keys() ?? [])].filter(
    (name) => !name.startsWith('trusted.') || capable(t, CAP.sysAdmin),
  )
  return answer(k, t, bytesFromName(names.map((name) => `${name}\0`).join('')), args[1]!, args[2]!)
}

function remove(k: Kernel, t: Task, args: number[], find: (go: (inode: Inode) => number) => number): number {
  const name = readName(k, t, args[1]!)
  if (typeof name === 'number') return name
  return find((inode) => {
    const denied = permission(k, t, inode, name, MAY.write)
    if (denied !== 0) return denied
    const unknown = checkKind(inode, name)
    if (unknown !== 0) return unknown
    if (inode.attributes?.has(name) !== true) return -ERRNO.ENODATA
    inode.attributes.delete(name)
    if (inode.attributes.size === 0) inode.attributes = null
    inode.ctime = timeNow(k)
    tellInode(k, inode, IN.attrib)
    return 0
  })
}

/** How a call finds its file: path with or without following a link, or descriptor. */
type Finder = (k: Kernel, t: Task, args: number[]) => (go: (inode: Inode) => number) => number
const followed: Finder = (k, t, a) => (go) => on(k, t, AT_FDCWD, a[0]!, true, go)
const itself: Finder = (k, t, a) => (go) => on(k, t, AT_FDCWD, a[0]!, false, go)
const opened: Finder = (k, t, a) => (go) => onFd(k, t, a[0]!, go)

/** What a call filled: as many bytes as it returned, if it was given room. Argument `room` says how much. */
const filled = (room: number): ArgType => ({
  decode: asU64,
  when: 'out',
  text: (value, { space, args, result }) =>
    result === null || result < 0 || args[room] === 0 ? pointerText(value) : bufferText(space, value, result),
  writes: (value, { args, result }) => [{ start: value, length: args[room] === 0 ? 0 : (result ?? 0) }],
  offers: (value, { args }) => [{ start: value, length: args[room]! }],
})

/** A value that is set: strace does not look at one that is too long. */
const valueIn: ArgType = {
  ...bytesIn(3),
  text: (value, call) => (call.args[3]! > SIZE_MAX ? pointerText(value) : bytesIn(3).text(value, call)),
}

/** An attribute's name, which strace cuts off as it does buffers. */
const name: ArgType = {
  ...path,
  text: (value, { space }) => {
    const bytes = space.readString(value, PATH_MAX)
    return bytes === null ? pointerText(value) : quoted(bytes)
  },
}

const XATTR_FLAGS: FlagTable = [
  [1, 'XATTR_CREATE'],
  [2, 'XATTR_REPLACE'],
]
const PARTIAL = {
  support: 'partial: attributes of the machine; those that files have on the host are not shown',
} as const

const rows: readonly (readonly [prefix: string, Finder, set: number, get: number, list: number, remove: number])[] = [
  ['', followed, 188, 191, 194, 197],
  ['l', itself, 189, 192, 195, 198],
  ['f', opened, 190, 193, 196, 199],
]

/** Their declarations. */
export const xattrCalls: readonly Declaration[] = rows.flatMap(([prefix, finder, setNr, getNr, listNr, removeNr]) => {
  const file = prefix === 'f' ? (['fd', fd] as const) : (['path', path] as const)
  return [
    syscall(
      setNr,
      `${prefix}setxattr`,
      [file, ['name', name], ['value', valueIn], ['size', size], ['flags', flags(XATTR_FLAGS, 'XATTR_???')]],
      number,
      (k, t, a) => set(k, t, a, finder(k, t, a)),
      PARTIAL,
    ),
    syscall(
      getNr,
      `${prefix}getxattr`,
      [file, ['name', name], ['value', filled(3)], ['size', size]],
      number,
      (k, t, a) => get(k, t, a, finder(k, t, a)),
      PARTIAL,
    ),
    syscall(
      listNr,
      `${prefix}listxattr`,
      [file, ['list', filled(2)], ['size', size]],
      number,
      (k, t, a) => finder(k, t, a)((inode) => list(k, t, a, inode)),
      PARTIAL,
    ),
    syscall(
      removeNr,
      `${prefix}removexattr`,
      [file, ['name', name]],
      number,
      (k, t, a) => remove(k, t, a, finder(k, t, a)),
      PARTIAL,
    ),
  ]
})
