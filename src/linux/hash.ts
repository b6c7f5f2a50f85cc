/** Exists to reduce a whole machine to 64 bits, so that "the same execution" is one comparison. */
import { CpuState } from '../engine/cpu-state.ts'
import { PAGE_SIZE } from '../engine/layout.ts'
import type { Processor } from '../engine/processor.ts'
import { REG, registers, STATE } from '../ir/registers.ts'
import type { FsState } from './fs/state.ts'

/**
 * Two independent 32-bit lanes over a stream of 32-bit words. Made for this purpose, not for adversaries: each lane is multiply-rotate-multiply as in
 * MurmurHash3 (Appleby), with constants and rotations of its own.
 */
export class Hash {
  private a = 0x2c1b3c6d
  private b = 0x7feb352d
  private length = 0

  word(value: number): void {
    const x = Math.imul(value, 0xcc9e2d51 | 0)
    const y = Math.imul(value, 0x9e3779b1 | 0)
    this.a = (Math.imul(rotate(this.a ^ Math.imul(rotate(x, 15), 0x1b873593), 13), 5) + 0xe6546b64) | 0
    this.b = (Math.imul(rotate(this.b ^ Math.imul(rotate(y, 17), 0x85ebca77 | 0), 19), 9) + 0x27d4eb2f) | 0
    this.length++
  }

  /** Elements `[from, to)` of `values`. */
  words(values: Int32Array, from: number, to: number): void {
    let a = this.a
    let b = this.b
    for (let i = from; i < to; i++) {
      const value = values[i]!
      const x = Math.imul(value, 0xcc9e2d51 | 0)
      const y = Math.imul(value, 0x9e3779b1 | 0)
      a = (Math.imul(rotate(a ^ Math.imul(rotate(x, 15), 0x1b873593), 13), 5) + 0xe6546b64) | 0
      b = (Math.imul(rotate(b ^ Math.imul(rotate(y, 17), 0x85ebca77 | 0), 19), 9) + 0x27d4eb2f) | 0
    }
    this.a = a
    this.b = b
    this.length += to - from
  }

  bytes(values: Uint8Array): void {
    this.word(values.length)
    const whole = values.length & ~3
    if (values.byteOffset % 4 === 0)
      this.words(new Int32Array(values.buffer, values.byteOffset, whole >> 2), 0, whole >> 2)
    else
      for (let i = 0; i < whole; i += 4)
        this.word(values[i]! | (values[i + 1]! << 8) | (values[i + 2]! << 16) | (values[i + 3]! << 24))
    for (let i = whole; i < values.length; i++) this.word(values[i]!)
  }

  number(value: number): void {
    FLOAT[0] = value
    this.word(WORDS[0]!)
    this.word(WORDS[1]!)
  }

  text(value: string): void {
    this.word(value.length)
    for (let i = 0; i < value.length; i++) this.word(value.charCodeAt(i))
  }

  /** Any plain data: what structuredClone takes, without cycles. Equal data in equal order of keys gives equal hashes. */
  data(value: unknown): void {
    if (typeof value === 'number') {
      this.word(1)
      this.number(value)
    } else if (typeof value === 'string') {
      this.word(2)
      this.text(value)
    } else if (typeof value === 'bigint') {
      this.word(3)
      this.text(value.toString(36))
    } else if (value === null || value === undefined || typeof value === 'boolean') {
      this.word(value === null ? 4 : value === undefined ? 5 : value ? 6 : 7)
    } else if (Array.isArray(value)) {
      this.word(8)
      this.word(value.length)
      for (const item of value) this.data(item)
    } else if (value instanceof Map) {
      this.word(9)
      this.word(value.size)
      for (const [key, item] of value) {
        this.data(key)
        this.data(item)
      }
    } else if (ArrayBuffer.isView(value)) {
      this.word(10)
      this.bytes(value instanceof Uint8Array ? value : new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
    } else {
      this.word(11)
      for (const [key, item] of Object.entries(value as object)) {
        this.text(key)
        this.data(item)
      }
      this.word(12)
    }
  }

  /** 16 hexadecimal digits. */
  digest(): string {
    const hex = (lane: number): string => (finish(lane ^ this.length) >>> 0).toString(16).padStart(8, '0')
    return hex(this.a) + hex(this.b)
  }
}

/** 32-bit words in a page. */
export const PAGE_WORDS = PAGE_SIZE / 4

const FLOAT = new Float64Array(1)
const WORDS = new Int32Array(FLOAT.buffer)

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by))
}

function finish(value: number): number {
  let x = value
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b | 0)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35 | 0)
  return x ^ (x >>> 16)
}

/** A task's registers as the program can see them: not how flags are kept, nor what helpers left behind. */
export function hashRegisters(hash: Hash, processor: Processor, bytes: Uint8Array): void {
  const cpu = new CpuState(bytes)
  hash.bytes(bytes.subarray(0, 128))
  hash.bytes(bytes.subarray(STATE.rip, STATE.rip + 8))
  hash.word(processor.readFlags(cpu))
  for (const register of [REG.fsBase, REG.gsBase])
    hash.bytes(bytes.subarray(registers[register]!.offset, registers[register]!.offset + 8))
  hash.word(cpu.view.getInt32(STATE.mxcsr, true))
  hash.word(cpu.view.getInt32(STATE.watchExceptions, true))
  for (let i = 0; i < 8; i++) hash.bytes(bytes.subarray(STATE.x87 + 16 * i, STATE.x87 + 16 * i + 10))
  hash.bytes(bytes.subarray(STATE.x87Control, STATE.x87Dp + 8))
  hash.bytes(bytes.subarray(STATE.xmm, STATE.xmm + 256))
}

/** All files, without what only the host knows of them so far (Inode.asked). `hostInodes` says nothing that the inodes do not. */
export function hashFiles(hash: Hash, fs: FsState): void {
  hash.data({ ...fs, inodes: fs.inodes.size, hostInodes: null })
  for (const inode of fs.inodes.values()) {
    hash.data(inode.asked ? inode : { ...inode, ino: 0, nlink: 0, size: 0, atime: 0, mtime: 0, ctime: 0 })
  }
}
