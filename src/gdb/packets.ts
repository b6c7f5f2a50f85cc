/** Exists to frame the packets of gdb's remote serial protocol (gdb manual, appendix E): `$data#checksum`, escapes, acknowledgements, the interrupt byte. */

const DOLLAR = 0x24
const HASH = 0x23
const ESCAPE = 0x7d
const STAR = 0x2a
const INTERRUPT = 3

/** What arrives: a packet's data, or a request to stop. `ok`: the checksum is right. */
export type Arrived = { kind: 'packet'; data: Uint8Array; ok: boolean } | { kind: 'interrupt' }

/** Takes packets out of a stream of bytes. */
export class PacketReader {
  private rest: Uint8Array = new Uint8Array(0)

  /** Adds bytes; what is complete now. */
  push(bytes: Uint8Array): Arrived[] {
    const all = new Uint8Array(this.rest.length + bytes.length)
    all.set(this.rest)
    all.set(bytes, this.rest.length)
    const out: Arrived[] = []
    let at = 0
    while (at < all.length) {
      if (all[at] === INTERRUPT) out.push({ kind: 'interrupt' })
      if (all[at] !== DOLLAR) {
        at++
        continue
      }
      const end = all.indexOf(HASH, at)
      if (end < 0 || end + 2 >= all.length) break
      const data = all.subarray(at + 1, end)
      const told = Number.parseInt(String.fromCharCode(all[end + 1]!, all[end + 2]!), 16)
      out.push({ kind: 'packet', data: unescaped(data), ok: checksum(data) === told })
      at = end + 3
    }
    this.rest = all.slice(at)
    return out
  }
}

/** A packet with this data. */
export function packet(data: Uint8Array): Uint8Array {
  const body: number[] = []
  for (const byte of data) {
    if (byte === DOLLAR || byte === HASH || byte === ESCAPE || byte === STAR) body.push(ESCAPE, byte ^ 0x20)
    else body.push(byte)
  }
  const bytes = Uint8Array.from(body)
  const tail = checksum(bytes).toString(16).padStart(2, '0')
  return Uint8Array.of(DOLLAR, ...bytes, HASH, tail.charCodeAt(0), tail.charCodeAt(1))
}

function checksum(data: Uint8Array): number {
  let sum = 0
  for (const byte of data) sum += byte
  return sum & 255
}

function unescaped(data: Uint8Array): Uint8Array {
  const out: number[] = []
  for (let i = 0; i < data.length; i++) out.push(data[i] === ESCAPE ? data[++i]! ^ 0x20 : data[i]!)
  return Uint8Array.from(out)
}

/** Two lower-case digits for each byte. */
export function hexOf(bytes: Uint8Array): string {
  let out = ''
  for (const byte of bytes) out += byte.toString(16).padStart(2, '0')
  return out
}

/** The reverse of hexOf. */
export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length >> 1 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16))
}
