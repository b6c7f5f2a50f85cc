/** Exists to recognise the C library's locks in memory: which mutex is at an address, who holds it, and what else a thread may be waiting for. */
import type { Subject } from '../replay/subject.ts'
import { hex, type Namer } from './stacks.ts'

/** Bytes of glibc's pthread_mutex_t that are looked at: lock, count, owner, users, kind (u32 each). */
const MUTEX_BYTES = 20

/** Bits of a mutex' kind that are in use (PTHREAD_MUTEX_*_NP and protocols), and of a lock word. */
const KINDS = 0x3ff

/** The thread that holds the mutex at `address` (glibc), 0 for nobody, or null when there is none. */
export function mutexOwner(subject: Subject, pid: number, address: number): number | null {
  const bytes = subject.read(pid, address, MUTEX_BYTES)
  if (bytes === null) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const [lock, owner, kind] = [view.getUint32(0, true), view.getUint32(8, true), view.getUint32(16, true)]
  if (kind > KINDS) return null
  const known = subject.tasks().some(({ tid }) => tid === owner)
  if (lock === 0) return owner === 0 ? 0 : null
  return known ? owner : null
}

/** `balance_lock (0x40c0)`, or the bare address of what has no name; `inside`: of whatever `address` lies in. */
export function lockName(namer: Namer, address: number, inside = false): string {
  const [place] = namer.places(address)
  if (place?.function === undefined) return hex(address)
  const offset = place.offset === undefined || place.offset === 0 || inside ? '' : `+${place.offset}`
  return `${place.function}${offset} (${hex(address)})`
}
