/** Exists to define what the kernel knows of an io_uring: its queues' places, operations under way, what was registered. */
import type { Credentials } from '../state.ts'

/** A range of the process' memory. */
export interface Buffer {
  address: number
  length: number
}

/** Buffers that receiving operations choose from: given one by one, or in a ring that the program fills. */
export interface BufferGroup {
  id: number
  /** Buffers by number, oldest first. */
  list: { address: number; length: number; number: number }[]
  /** IORING_REGISTER_PBUF_RING: address of the ring, its entries, and how many have been taken. */
  ring: { address: number; entries: number; head: number } | null
}

/** What a ring takes, and nothing else: IORING_REGISTER_* and IORING_OP_* numbers, flags of entries that may be and that must be set. */
export interface Restrictions {
  registrations: number[]
  operations: number[]
  allowed: number
  required: number
}

/** An operation that has been submitted and has not ended. */
export interface Operation {
  id: number
  /** The 64 bytes of its struct io_uring_sqe. */
  entry: Uint8Array
  /** The task that submitted it. */
  tid: number
  /** The description that it is about, held; 0 for none. */
  description: number
  /** What it waits for: POLL* events of its description, a time, or to be started. */
  waits: 'poll' | 'time' | 'turn'
  events: number
  /** CLOCK_MONOTONIC in ns at which a timeout ends; 0 for none. */
  at: number
  /** A timeout ends, too, when so many operations have ended; 0 for never. */
  target: number
  /** IORING_OP_LINK_TIMEOUT: the operation that it ends; 0 for none. */
  guards: number
  /** Bytes that are transferred already, where all are asked for. */
  done: number
  /** How much had happened to the description when a repeated poll last told of it. */
  seen: number
  /** Operations that follow when it has ended well, first to last. */
  next: Operation[]
}

/** One io_uring. */
export interface Ring {
  /** The process that made it: operations that had to wait go on in its name. */
  pid: number
  /** IORING_SETUP_*. */
  flags: number
  entries: number
  completions: number
  /** Files without names that hold the two rings with their counters, and the entries. */
  rings: number
  sqes: number
  /** How many entries have been taken, how many completions were posted, how many operations other than timeouts have ended. */
  taken: number
  posted: number
  ended: number
  /** Timeouts that have expired: each wakes those who wait for completions. */
  expired: number
  disabled: boolean
  /** IORING_SETUP_SINGLE_ISSUER: the task that may submit; 0 before the first. */
  issuer: number
  nextOperation: number
  pending: Operation[]
  /** Operations that can begin because others have ended; none outside of a system call. */
  ready: Operation[]
  /** Completions for which there was no room: user data, result, flags. */
  overflow: [bigint, number, number][]
  /** Whether somebody is to look after pending operations soon. */
  due: boolean
  buffers: (Buffer | null)[] | null
  /** Descriptions, 0 for free places. */
  files: number[] | null
  eventfd: number
  /** IORING_REGISTER_EVENTFD_ASYNC. */
  eventfdAsync: boolean
  groups: BufferGroup[]
  /** IORING_REGISTER_PERSONALITY: who somebody was. */
  personalities: { id: number; credentials: Credentials }[]
  /** IORING_REGISTER_FILE_ALLOC_RANGE: where registered files are put that may have any place; null for anywhere. */
  range: [start: number, end: number] | null
  restrictions: Restrictions | null
}
