/** Exists because the symbols of stripped system programs lie in `.gnu_debugdata`, compressed by xz, which Node does not know: a decoder of LZMA2 within xz files. */

import { LemmingError } from '../base/errors.ts'

const NAME = '.gnu_debugdata'
/** LZMA2, the only filter that is used there. */
const LZMA2 = 0x21
const HEADER = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]
/** Sizes of the check behind a block, by its kind (xz file format 1.0.4, 2.1.1.2). */
const CHECK_SIZES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64]

const damaged = (what: string): Error => new LemmingError('elf-mini-debug', `${NAME}: ${what}`)

/** The contents of an xz file of at most `limit` bytes. Throws `elf-mini-debug` for what is none. */
export function unxz(file: Uint8Array, limit = 1 << 28): Uint8Array {
  if (!HEADER.every((byte, i) => file[i] === byte)) throw damaged('no xz file')
  const check = CHECK_SIZES[file[7] & 15]
  const out = new Output(limit)
  let at = 12
  // Blocks, up to the index, which begins with a zero.
  while (file[at] !== 0) {
    if (at >= file.length) throw damaged('it ends too early')
    const size = (file[at] + 1) * 4
    requireLzma2(file, at)
    const start = at + size
    const end = decodeLzma2(file, start, out)
    at = start + Math.ceil((end - start) / 4) * 4 + check
  }
  return out.bytes.slice(0, out.length)
}

/** Throws unless the only filter of the block at `at` is LZMA2. */
function requireLzma2(file: Uint8Array, at: number): void {
  const flags = file[at + 1]
  let next = at + 2
  const skip = (): void => {
    while (file[next++] & 0x80);
  }
  if (flags & 0x40) skip()
  if (flags & 0x80) skip()
  if ((flags & 3) !== 0 || file[next] !== LZMA2) throw damaged('it is compressed by filters other than LZMA2')
}

/** What was written so far is the dictionary. */
class Output {
  bytes = new Uint8Array(1 << 16)
  length = 0
  /** Nothing before it may be referred to. */
  dictionary = 0
  private readonly limit: number

  constructor(limit: number) {
    this.limit = limit
  }

  reserve(more: number): void {
    const needed = this.length + more
    if (needed > this.limit) throw damaged(`it is larger than ${this.limit} bytes`)
    if (needed <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2))
    grown.set(this.bytes)
    this.bytes = grown
  }
}

/** Decodes chunks from `at` on; the result is where they end. */
function decodeLzma2(file: Uint8Array, start: number, out: Output): number {
  let at = start
  let lzma: Lzma | null = null
  out.dictionary = out.length
  for (;;) {
    const control = file[at]
    if (control === undefined) throw damaged('it ends too early')
    if (control === 0) return at + 1
    if (control === 1 || (control >= 0xe0 && control <= 0xff)) out.dictionary = out.length
    const size = ((file[at + 1] << 8) | file[at + 2]) + 1
    if (control < 0x80) {
      if (control > 2) throw damaged(`chunk ${control}`)
      out.reserve(size)
      out.bytes.set(file.subarray(at + 3, at + 3 + size), out.length)
      out.length += size
      at += 3 + size
      continue
    }
    const whole = size + ((control & 0x1f) << 16)
    const packed = ((file[at + 3] << 8) | file[at + 4]) + 1
    at += 5
    const reset = (control >> 5) & 3
    if (reset >= 2) lzma = new Lzma(file[at++])
    else if (reset === 1) lzma?.reset()
    if (lzma === null) throw damaged('its first chunk has no properties')
    lzma.decode(file, at, out, whole)
    at += packed
  }
}

const TOP = 1 << 24
const PROBABILITY_BITS = 11
const MOVE_BITS = 5
const HALF = 1 << (PROBABILITY_BITS - 1)
const STATES = 12
const SLOT_STATES = 4
/** Distances from this slot on have bits that are not modelled; `ALIGN` low ones are. */
const END_MODEL = 14
const ALIGN = 4

const probabilities = (count: number): Uint16Array => new Uint16Array(count).fill(HALF)

/** Lengths of matches: 8 short ones and 8 middle ones for each position, 256 long ones. */
class Lengths {
  readonly choice = probabilities(2)
  readonly low = probabilities(16 << 3)
  readonly middle = probabilities(16 << 3)
  readonly high = probabilities(256)
}

/** LZMA's model and range decoder (LZMA specification, I. Pavlov). */
class Lzma {
  private readonly lc: number
  private readonly lp: number
  private readonly pb: number
  private file: Uint8Array = new Uint8Array()
  private at = 0
  private range = 0
  private code = 0
  private state = 0
  private distances = [0, 0, 0, 0]
  private literals!: Uint16Array
  private isMatch!: Uint16Array
  private isRep!: Uint16Array
  private isRep0!: Uint16Array
  private isRep1!: Uint16Array
  private isRep2!: Uint16Array
  private isLong!: Uint16Array
  private slots!: Uint16Array[]
  private special!: Uint16Array
  private align!: Uint16Array
  private lengths!: Lengths
  private repLengths!: Lengths

  constructor(properties: number) {
    if (properties >= 225) throw damaged(`properties ${properties}`)
    this.lc = properties % 9
    this.lp = Math.floor(properties / 9) % 5
    this.pb = Math.floor(properties / 45)
    this.reset()
  }

  reset(): void {
    this.state = 0
    this.distances = [0, 0, 0, 0]
    this.literals = probabilities(0x300 << (this.lc + this.lp))
    this.isMatch = probabilities(STATES << 4)
    this.isRep = probabilities(STATES)
    this.isRep0 = probabilities(STATES)
    this.isRep1 = probabilities(STATES)
    this.isRep2 = probabilities(STATES)
    this.isLong = probabilities(STATES << 4)
    this.slots = Array.from({ length: SLOT_STATES }, () => probabilities(64))
    this.special = probabilities(128)
    this.align = probabilities(1 << ALIGN)
    this.lengths = new Lengths()
    this.repLengths = new Lengths()
  }

  /** Decodes one chunk into `size` bytes. */
  decode(file: Uint8Array, at: number, out: Output, size: number): void {
    out.reserve(size)
    this.file = file
    this.range = 0xffffffff
    this.code = ((file[at + 1] << 24) | (file[at + 2] << 16) | (file[at + 3] << 8) | file[at + 4]) >>> 0
    this.at = at + 5
    const end = out.length + size
    while (out.length < end) this.symbol(out, end)
  }

  private symbol(out: Output, end: number): void {
    const { state, distances } = this
    const position = (out.length - out.dictionary) & ((1 << this.pb) - 1)
    if (this.bit(this.isMatch, (state << 4) + position) === 0) return this.literal(out)
    let length: number
    if (this.bit(this.isRep, state) === 0) {
      distances.unshift(0)
      distances.pop()
      length = this.length(this.lengths, position)
      this.state = state < 7 ? 7 : 10
      distances[0] = this.distance(length)
    } else {
      if (this.bit(this.isRep0, state) === 0) {
        if (this.bit(this.isLong, (state << 4) + position) === 0) {
          this.state = state < 7 ? 9 : 11
          return this.copy(out, end, 1)
        }
      } else {
        const which = this.bit(this.isRep1, state) === 0 ? 1 : this.bit(this.isRep2, state) === 0 ? 2 : 3
        const [distance] = distances.splice(which, 1)
        distances.unshift(distance)
      }
      length = this.length(this.repLengths, position)
      this.state = state < 7 ? 8 : 11
    }
    this.copy(out, end, length + 2)
  }

  private copy(out: Output, end: number, length: number): void {
    const from = out.length - this.distances[0] - 1
    if (from < out.dictionary || out.length + length > end) throw damaged('a match lies outside')
    for (let i = 0; i < length; i++) out.bytes[out.length++] = out.bytes[from + i]
  }

  private literal(out: Output): void {
    const { bytes, length } = out
    const before = length > out.dictionary ? bytes[length - 1] : 0
    const where = (length - out.dictionary) & ((1 << this.lp) - 1)
    const base = 0x300 * ((where << this.lc) + (before >> (8 - this.lc)))
    let symbol = 1
    if (this.state >= 7) {
      let match = bytes[length - this.distances[0] - 1]
      while (symbol < 0x100) {
        const expected = (match >> 7) & 1
        match <<= 1
        const bit = this.bit(this.literals, base + ((1 + expected) << 8) + symbol)
        symbol = (symbol << 1) | bit
        if (bit !== expected) break
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.bit(this.literals, base + symbol)
    bytes[out.length++] = symbol & 0xff
    this.state = this.state < 4 ? 0 : this.state < 10 ? this.state - 3 : this.state - 6
  }

  private length({ choice, low, middle, high }: Lengths, position: number): number {
    if (this.bit(choice, 0) === 0) return this.tree(low, position << 3, 3)
    if (this.bit(choice, 1) === 0) return 8 + this.tree(middle, position << 3, 3)
    return 16 + this.tree(high, 0, 8)
  }

  private distance(length: number): number {
    const slot = this.tree(this.slots[Math.min(length, SLOT_STATES - 1)], 0, 6)
    if (slot < 4) return slot
    const bits = (slot >> 1) - 1
    const base = (2 | (slot & 1)) << bits
    if (slot < END_MODEL) return base + this.reverse(this.special, base - slot, bits)
    let high = 0
    for (let i = 0; i < bits - ALIGN; i++) high = high * 2 + this.direct()
    return (base >>> 0) + high * (1 << ALIGN) + this.reverse(this.align, 0, ALIGN)
  }

  /** A number of `bits` bits, the highest first. */
  private tree(table: Uint16Array, base: number, bits: number): number {
    let symbol = 1
    for (let i = 0; i < bits; i++) symbol = (symbol << 1) | this.bit(table, base + symbol)
    return symbol - (1 << bits)
  }

  /** The lowest first. */
  private reverse(table: Uint16Array, base: number, bits: number): number {
    let symbol = 1
    let value = 0
    for (let i = 0; i < bits; i++) {
      const bit = this.bit(table, base + symbol)
      symbol = (symbol << 1) | bit
      value |= bit << i
    }
    return value
  }

  private bit(table: Uint16Array, i: number): number {
    const probability = table[i]
    const bound = (this.range >>> PROBABILITY_BITS) * probability
    let bit: number
    if (this.code < bound) {
      this.range = bound
      table[i] = probability + (((1 << PROBABILITY_BITS) - probability) >> MOVE_BITS)
      bit = 0
    } else {
      this.range -= bound
      this.code -= bound
      table[i] = probability - (probability >> MOVE_BITS)
      bit = 1
    }
    this.normalise()
    return bit
  }

  private direct(): number {
    this.range >>>= 1
    const bit = this.code >= this.range ? 1 : 0
    if (bit === 1) this.code -= this.range
    this.normalise()
    return bit
  }

  private normalise(): void {
    if (this.range >= TOP) return
    this.range = (this.range << 8) >>> 0
    this.code = ((this.code << 8) | (this.file[this.at++] ?? 0)) >>> 0
  }
}
