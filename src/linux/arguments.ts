/** Exists to hold the types that arguments of system calls are declared with: how registers become numbers, and numbers strace's text. */
import type { AddressSpace } from '../engine/address-space.ts'
import type { ArgType, CallView, Range, ResultType } from './declare.ts'
import { flagsText, hex, octal, pointerText, quoted, STRING_LIMIT, valueText, type FlagTable } from './strace.ts'

/** The register's low 32 bits, signed: C's int. */
export const asInt = (lo: number): number => lo | 0

/** The register's low 32 bits, unsigned. */
export const asUint = (lo: number): number => lo

/** All 64 bits, unsigned; rounded at and above 2^53, where no address is mapped and no size is possible. */
export const asU64 = (lo: number, hi: number): number => hi * 0x1_0000_0000 + lo

/** All 64 bits, signed; rounded beyond ±2^53. */
export const asI64 = (lo: number, hi: number): number => (hi | 0) * 0x1_0000_0000 + lo

/** A 64-bit number without sign. What was rounded to 2^64 was most likely -1. */
function unsignedText(value: number): string {
  return String(BigInt.asUintN(64, value === 2 ** 64 ? -1n : BigInt(value)))
}

/** An argument shown before the call by a function of its value. */
export function shown(decode: ArgType['decode'], text: (value: number, call: CallView) => string | null): ArgType {
  return { decode, text, when: 'in' }
}

export const int = shown(asInt, String)
export const uint = shown(asUint, String)
/** A size or count. */
export const size = shown(asU64, unsignedText)
/** A 64-bit length that the kernel takes as signed and strace shows as unsigned. */
export const length = shown(asI64, unsignedText)
/** A file offset. */
export const off = shown(asI64, String)
/** A 32-bit number in hexadecimal. */
export const hexUint = shown(asUint, hex)
/** 64 bits in hexadecimal. */
export const hexU64 = shown(asU64, hex)
/** An address that the kernel only keeps or whose contents are not shown. */
export const ptr = shown(asU64, pointerText)
/** A file descriptor. */
export const fd = shown(asInt, String)
/** The directory of an -at call: AT_FDCWD or a descriptor. */
export const dirfd = shown(asInt, (value) => (value === -100 ? 'AT_FDCWD' : String(value)))
/** Permission bits. */
export const mode = shown(asUint, (value) => octal(value & 0xffff))

/** A set of flags by name; `unknown` as strace calls the family, e.g. `O_???`. */
export function flags(table: FlagTable, unknown: string): ArgType {
  return shown(asUint, (value) => flagsText(value, table, unknown))
}

/** One of a list of values by name. */
export function oneOf(table: FlagTable, unknown: string): ArgType {
  return shown(asInt, (value) => valueText(value, table, unknown))
}

/** Longest path that the kernel takes, NUL included. */
export const PATH_MAX = 4096

/** A path name, shown whole. */
export const path: ArgType = {
  decode: asU64,
  when: 'in',
  text: (value, { space }) => pathText(space, value),
  reads: (value, { space }) => stringRange(space, value),
}

/** A path's text in quotes, or its address when it cannot be read. */
function pathText(space: AddressSpace, address: number): string {
  const bytes = space.readString(address, PATH_MAX)
  return bytes === null ? pointerText(address) : quoted(bytes, PATH_MAX)
}

function stringRange(space: AddressSpace, address: number): Range[] {
  const bytes = space.readString(address, PATH_MAX)
  return bytes === null ? [] : [{ start: address, length: bytes.length + 1 }]
}

/** Bytes that the kernel reads; argument number `length` says how many. */
export function bytesIn(length: number): ArgType {
  return {
    decode: asU64,
    when: 'in',
    text: (value, { space, args }) => bufferText(space, value, args[length]!),
    reads: (value, { args }) => [{ start: value, length: args[length]! }],
  }
}

/** `type` for a buffer of which argument number `size` says how many bytes the program offers. */
export const offered = (type: ArgType, size: number): ArgType => ({
  ...type,
  offers: (value, { args }) => [{ start: value, length: args[size]! }],
})

/** Bytes that the kernel writes: as many as the call returns, of as many as argument 2 offers; their address when it fails. */
export const bytesOut: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, { space, result }) =>
    result === null || result < 0 ? pointerText(value) : bufferText(space, value, result),
  writes: (value, { result }) => [{ start: value, length: result ?? 0 }],
  offers: (value, { args }) => [{ start: value, length: args[2]! }],
}

/** A string that the kernel writes, as long as the call returns or shorter where a NUL ends it (getcwd). */
export const stringOut: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, { space, result }) => (result === null || result < 0 ? pointerText(value) : pathText(space, value)),
  writes: (value, { result }) => [{ start: value, length: result ?? 0 }],
}

/** strace's text of `length` bytes at `address`: 32 of them at most. */
export function bufferText(space: AddressSpace, address: number, length: number): string {
  if (address === 0) return 'NULL'
  const bytes = space.read(address, Math.min(length, STRING_LIMIT + 1))
  if (bytes === null) return pointerText(address)
  return quoted(bytes)
}

/** A structure of `length` bytes that the kernel reads; `text` shows its bytes. */
export function structIn(length: number, text: (bytes: DataView, call: CallView) => string): ArgType {
  return {
    decode: asU64,
    when: 'in',
    text: (value, call) => structText(value, length, text, call),
    reads: (value) => [{ start: value, length }],
  }
}

/** A structure of `length` bytes that the kernel fills; its address is shown when the call fails. */
export function structOut(length: number, text: (bytes: DataView, call: CallView) => string): ArgType {
  return {
    decode: asU64,
    when: 'out',
    text: (value, call) =>
      call.result === null || call.result < 0 ? pointerText(value) : structText(value, length, text, call),
    writes: (value) => [{ start: value, length }],
  }
}

/** A structure through `text`, or its address when it cannot be read. */
export function structText(
  address: number,
  length: number,
  text: (bytes: DataView, call: CallView) => string,
  call: CallView,
): string {
  const bytes = address === 0 ? null : call.space.read(address, length)
  if (bytes === null) return pointerText(address)
  return text(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), call)
}

/** The range of `length` bytes that the pointer stored at `address` points to; none for a null pointer. */
export function pointerAt(space: AddressSpace, address: number, length: number): Range[] {
  const pointer = space.readU64(address)
  return pointer === null || pointer === 0n ? [] : [{ start: Number(pointer), length }]
}

/** Two 32-bit halves at `offset` as an unsigned number (rounded from 2^53 on). */
export function u64At(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * 0x1_0000_0000 + view.getUint32(offset, true)
}

/** Two 32-bit halves at `offset` as a signed number. */
export function i64At(view: DataView, offset: number): number {
  return view.getInt32(offset + 4, true) * 0x1_0000_0000 + view.getUint32(offset, true)
}

/** Writes a whole number (also negative) as 64 bits. */
export function setI64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value >>> 0, true)
  view.setUint32(offset + 4, Math.floor(value / 0x1_0000_0000) >>> 0, true)
}

/** `{tv_sec=1, tv_nsec=500000000}` from a struct timespec at `offset`. */
export function timespecText(view: DataView, offset = 0): string {
  return `{tv_sec=${i64At(view, offset)}, tv_nsec=${view.getBigUint64(offset + 8, true)}}`
}

/** `{tv_sec=1, tv_usec=500000}` from a struct timeval at `offset`. */
export function timevalText(view: DataView, offset = 0): string {
  return `{tv_sec=${i64At(view, offset)}, tv_usec=${view.getBigUint64(offset + 8, true)}}`
}

export const timespecIn = structIn(16, (view) => timespecText(view))
export const timespecOut = structOut(16, (view) => timespecText(view))

/** Results. */
export const number: ResultType = String
/** An address or a mask in hexadecimal. */
export const address: ResultType = (result) => hex(result)
