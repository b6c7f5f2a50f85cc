/** Exists to read, write and take apart socket addresses (struct sockaddr_un, sockaddr_in, sockaddr_in6). */
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import { AF } from './socket.ts'

/** Bytes of struct sockaddr_storage: no address is longer. */
const LONGEST = 128
/** Where the fields of sockaddr_in and sockaddr_in6 are, and how long the structures. */
export const INET = { port: 2, address: 4, size: 16 } as const
export const INET6 = { port: 2, address: 8, size: 28 } as const

/** The address of `length` bytes at `pointer`, or -EINVAL, -EFAULT (move_addr_to_kernel). */
export function readAddress(k: Kernel, t: Task, pointer: number, length: number): Uint8Array | number {
  if (length < 0 || length > LONGEST) return -ERRNO.EINVAL
  if (length === 0) return new Uint8Array(0)
  return k.space(t).read(pointer, length)?.slice() ?? -ERRNO.EFAULT
}

/** Stores as much of an address as there is room for, and its whole length (move_addr_to_user): 0, -EFAULT or -EINVAL. */
export function writeAddress(
  k: Kernel,
  t: Task,
  address: Uint8Array | null,
  pointer: number,
  lengthPointer: number,
): number {
  const space = k.space(t)
  const room = space.readU32(lengthPointer)
  if (room === null) return -ERRNO.EFAULT
  if (room > 0x7fff_ffff) return -ERRNO.EINVAL
  const bytes = address ?? new Uint8Array(0)
  const part = bytes.subarray(0, room)
  if (part.length > 0 && !space.write(pointer, part)) return -ERRNO.EFAULT
  return space.writeU32(lengthPointer, bytes.length) ? 0 : -ERRNO.EFAULT
}

/** sa_family, or AF_UNSPEC of an address that is too short to have one. */
export function familyOf(address: Uint8Array): number {
  return address.length < 2 ? AF.unspec : address[0]! | (address[1]! << 8)
}

/** An AF_UNIX address without a name. */
export const UNNAMED: Uint8Array = Uint8Array.of(AF.unix, 0)

/** An internet address and port. An IPv4 address has 4 bytes, an IPv6 address 16. */
export interface Endpoint {
  address: Uint8Array
  port: number
}

/** Endpoint of a sockaddr_in or sockaddr_in6 that is long enough. */
export function endpointOf(address: Uint8Array): Endpoint {
  const view = new DataView(address.buffer, address.byteOffset, address.length)
  const at = familyOf(address) === AF.inet6 ? 8 : 4
  const length = familyOf(address) === AF.inet6 ? 16 : 4
  return { address: address.slice(at, at + length), port: view.getUint16(2) }
}

/** struct sockaddr_in or sockaddr_in6 by `family`; an IPv4 address in an IPv6 one is written ::ffff:a.b.c.d. */
export function internetAddress(family: number, { address, port }: Endpoint): Uint8Array {
  const bytes = new Uint8Array(family === AF.inet6 ? INET6.size : INET.size)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, family, true)
  view.setUint16(2, port)
  if (family === AF.inet) bytes.set(address, INET.address)
  else if (address.length === 16) bytes.set(address, INET6.address)
  else {
    bytes.set([0xff, 0xff], INET6.address + 10)
    bytes.set(address, INET6.address + 12)
  }
  return bytes
}

/** `a.b.c.d` of an IPv6 address ::ffff:a.b.c.d; other addresses as they are. */
export function unmapped(address: Uint8Array): Uint8Array {
  if (address.length !== 16 || address[10] !== 0xff || address[11] !== 0xff) return address
  return address.subarray(0, 10).every((byte) => byte === 0) ? address.slice(12) : address
}

/** Whether an address stands for every address of the machine: 0.0.0.0 or ::. */
export function isWildcard(address: Uint8Array): boolean {
  return address.every((byte) => byte === 0)
}

/** Whether an address is the machine's own: 127.0.0.0/8 or ::1. There is no other. */
export function isLoopback(address: Uint8Array): boolean {
  const plain = unmapped(address)
  if (plain.length === 4) return plain[0] === 127
  return plain[15] === 1 && plain.subarray(0, 15).every((byte) => byte === 0)
}

/** Whether two addresses are the same bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
