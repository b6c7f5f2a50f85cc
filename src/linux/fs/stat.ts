/** Exists to fill struct stat, struct statx and struct statfs from inodes (asm/stat.h, linux/stat.h, asm-generic/statfs.h). */
import { setI64 } from '../arguments.ts'
import { blocksOf } from './content.ts'
import { TYPE_BITS } from './inode.ts'
import type { Inode, Timespec } from './state.ts'

/** st_dev of the machine's one file system, and of the kernel's own. */
const DEVICE_FILES = 0x01
const DEVICE_KERNEL = 0x02
const BLOCK_SIZE = 4096

/** Bytes of struct stat. */
export const STAT_SIZE = 144
/** Bytes of struct statx. */
export const STATX_SIZE = 256
/** Bytes of struct statfs. */
export const STATFS_SIZE = 120

/** Size in bytes as st_size shows it. */
function sizeOf(inode: Inode): number {
  return inode.content?.size ?? inode.size
}

function blocks(inode: Inode): number {
  if (inode.content) return blocksOf(inode.content)
  return inode.kind === 'dir' ? (Math.ceil(inode.size / BLOCK_SIZE) * BLOCK_SIZE) / 512 : 0
}

/** st_blksize: the C library reads in pieces of this size, and small ones in /proc. */
function blockSize(inode: Inode): number {
  return inode.source?.from === 'kernel' ? 1024 : BLOCK_SIZE
}

/** st_dev. */
function deviceOf(inode: Inode): number {
  return inode.source?.from === 'kernel' ? DEVICE_KERNEL : DEVICE_FILES
}

/** S_IFMT of st_mode: nothing for what is no file at all (eventfd, epoll). */
function typeBits({ id, kind }: Inode): number {
  return id === 0 ? 0 : TYPE_BITS[kind]
}

/** struct stat, for the program. */
export function statBytes(inode: Inode): Uint8Array {
  inode.asked = true
  const bytes = new Uint8Array(STAT_SIZE)
  const view = new DataView(bytes.buffer)
  setI64(view, 0, deviceOf(inode))
  setI64(view, 8, inode.ino)
  setI64(view, 16, inode.nlink)
  view.setUint32(24, typeBits(inode) | inode.mode, true)
  view.setUint32(28, inode.uid, true)
  view.setUint32(32, inode.gid, true)
  setI64(view, 40, inode.rdev)
  setI64(view, 48, sizeOf(inode))
  setI64(view, 56, blockSize(inode))
  setI64(view, 64, blocks(inode))
  const time = (offset: number, [seconds, ns]: Timespec): void => {
    setI64(view, offset, seconds)
    setI64(view, offset + 8, ns)
  }
  time(72, inode.atime)
  time(88, inode.mtime)
  time(104, inode.ctime)
  return bytes
}

/** STATX_BASIC_STATS and STATX_MNT_ID: what is filled, whatever a mask asks for. */
const STATX_FILLED = 0x17ff

/** struct statx, for the program. */
export function statxBytes(inode: Inode): Uint8Array {
  inode.asked = true
  const bytes = new Uint8Array(STATX_SIZE)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, STATX_FILLED, true)
  view.setUint32(4, blockSize(inode), true)
  view.setUint32(16, inode.nlink, true)
  view.setUint32(20, inode.uid, true)
  view.setUint32(24, inode.gid, true)
  view.setUint16(28, TYPE_BITS[inode.kind] | inode.mode, true)
  setI64(view, 32, inode.ino)
  setI64(view, 40, sizeOf(inode))
  setI64(view, 48, blocks(inode))
  const time = (offset: number, [seconds, ns]: Timespec): void => {
    setI64(view, offset, seconds)
    view.setUint32(offset + 8, ns, true)
  }
  time(64, inode.atime)
  time(96, inode.ctime)
  time(112, inode.mtime)
  view.setUint32(128, inode.rdev >>> 8, true)
  view.setUint32(132, inode.rdev & 0xff, true)
  view.setUint32(136, 0, true)
  view.setUint32(140, deviceOf(inode), true)
  setI64(view, 144, 1)
  return bytes
}

/** Magic numbers of statfs(2). */
const FS_MAGIC = { ext4: 0xef53, proc: 0x9fa0, pipe: 0x50495045 } as const
/** ST_VALID | ST_RELATIME's neighbour ST_NOATIME: reading a file does not change it. */
const FS_FLAGS = 0x20 | 0x400

/** struct statfs: a disk of 64 GiB, half of it free. */
export function statfsBytes(inode: Inode): Uint8Array {
  const bytes = new Uint8Array(STATFS_SIZE)
  const view = new DataView(bytes.buffer)
  const kernel = inode.source?.from === 'kernel'
  const total = kernel ? 0 : 2 ** 24
  setI64(view, 0, kernel ? FS_MAGIC.proc : inode.kind === 'fifo' && inode.nlink === 0 ? FS_MAGIC.pipe : FS_MAGIC.ext4)
  setI64(view, 8, BLOCK_SIZE)
  setI64(view, 16, total)
  setI64(view, 24, total / 2)
  setI64(view, 32, total / 2)
  setI64(view, 40, kernel ? 0 : 2 ** 22)
  setI64(view, 48, kernel ? 0 : 2 ** 21)
  view.setInt32(56, deviceOf(inode), true)
  setI64(view, 64, 255)
  setI64(view, 72, BLOCK_SIZE)
  setI64(view, 80, FS_FLAGS)
  return bytes
}
