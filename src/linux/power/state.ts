/** Exists to define what is known of changes to files that power may still take back, as plain data. */
import type { RandomState } from '../../base/random.ts'
import type { DurabilityModel, PowerLoss } from '../../tool/power-loss.ts'

/** Who made a change, and when. */
interface Made {
  /** From 1 on. */
  id: number
  moment: number
  pid: number
  tid: number
}

/** A change of a file's bytes or size. */
export interface DataChange extends Made {
  /** A store through a shared mapping (`store`) is known as a change only once somebody looks at the file. `resize` and `zero` are changes of metadata. */
  kind: 'write' | 'store' | 'resize' | 'zero'
  inode: number
  /** Bytes that it changed: `[offset, offset + length)`. */
  offset: number
  length: number
  /** What was there; shorter where the file ended. */
  before: Uint8Array
  sizeBefore: number
  sizeAfter: number
  /** It is on the disk, although earlier changes of the file need not be. */
  durable: boolean
}

/** A name of a directory before a change and after it: inodes, null for none. */
export interface NameSlot {
  dir: number
  name: string
  before: number | null
  after: number | null
  /** The inode is a directory. */
  isDirectory: boolean
}

/** A change of names by one system call: it reaches the disk as a whole. */
export interface NameChange extends Made {
  kind: 'names'
  slots: NameSlot[]
}

export type Change = DataChange | NameChange

/** What a computer does when it is switched on: the first process. */
export interface Start {
  path: string
  argv: string[]
  env: string[]
  /** Absolute. */
  cwd: string
  uid: number
  gid: number
  umask: number
  /** RLIMIT_STACK, soft, and RLIMIT_AS, in bytes. */
  stackLimit: number
  memoryLimit: number
}

/** What a machine is told that is to lose power. */
export interface PowerLossPlan {
  model: DurabilityModel
  /** What is run when power is back: path and arguments. */
  recover: { path: string; argv: string[] }
  /** Changes of files (in system calls) among which the moment is drawn; unknown when absent. 0: power is lost at the end of the program. */
  within?: number
  /** Changes that reach the disk although the seed would lose them: their numbers, or all. */
  spare?: number[] | 'all'
}

/** The disk behind the files. */
export interface Disk {
  plan: PowerLossPlan
  start: Start
  random: RandomState
  /** Power is lost at the system call that changes or syncs files which has this number, counted from 1; so many instructions later; or while it is not done. */
  after: number
  delay: number
  during: boolean
  /** Such system calls so far, and the moment of the last one. */
  events: number
  lastEvent: number
  /** When power will be lost, or null while that is not known. */
  at: number | null
  nextId: number
  /** Changes that are not on the disk for sure, in their order, and the bytes that they keep. */
  pending: Change[]
  bytes: number
  /** Changes that have been made on the disk without anybody having asked for it: there were too many. */
  writtenBack: number
  /** The program ended by itself, before power was lost. */
  ended: boolean
  loss: PowerLoss | null
}
