/** Exists to say what a string function must look at, whatever it reads besides: the ranges that its arguments and its result depend on. */
import { ATTRIBUTE } from '../engine/layout.ts'
import type { AddressSpace } from '../engine/address-space.ts'
import type { Range } from '../linux/declare.ts'
import { LOOK } from '../ir/strings.ts'

/** Longest string that is looked at, in bytes. */
const LONGEST = 0x100_0000

/** Arguments by number. */
type Arguments = (i: number) => number

/** Characters of one or of four bytes. */
class Text {
  private readonly space: AddressSpace
  readonly width: number
  private readonly words: Int32Array

  constructor(space: AddressSpace, width: number) {
    this.space = space
    this.width = width
    this.words = new Int32Array(space.bytes.buffer)
  }

  at(address: number): number {
    if (this.width === 1) return this.space.bytes[address]!
    return address % 4 === 0 ? this.words[address >>> 2]! : this.space.view.getInt32(address, true)
  }

  /** Characters that can be read from there on, at most `most`. */
  room(address: number, most: number): number {
    const { width } = this
    return Math.floor(this.space.accessible(address, Math.min(most * width, LONGEST), ATTRIBUTE.noRead) / width)
  }

  /** The string there, its end included, at most `most` characters; what cannot be read belongs to it. */
  string(address: number, most = LONGEST): Range {
    return this.until(address, most, 0)
  }

  /** Up to the first of these characters, which belongs to it. */
  until(address: number, most: number, ...ends: number[]): Range {
    if (most === 0) return { start: address, length: 0 }
    const { width } = this
    const room = this.room(address, most)
    let count = 0
    if (width === 1 && ends.length === 1) {
      const found = this.space.bytes.subarray(address, address + room).indexOf(ends[0]!)
      count = found < 0 ? room : found
    } else while (count < room && !ends.includes(this.at(address + count * width))) count++
    const isWhole = count === room && room === most
    return { start: address, length: (isWhole ? count : count + 1) * width }
  }

  /** What comparing two arrays looks at: up to the first difference, or (`ends`) to the end of the strings. */
  compare(first: number, second: number, most: number, ends: boolean, fold: boolean): Range[] {
    if (most === 0) return []
    const { width } = this
    const room = Math.min(this.room(first, most), this.room(second, most))
    let count = 0
    for (; count < room; count++) {
      const one = this.at(first + count * width)
      const other = this.at(second + count * width)
      if (one !== other && !(fold && lower(one) === lower(other))) break
      if (ends && one === 0) break
    }
    const length = (count === room && room === most ? count : count + 1) * width
    return [first, second].map((start) => ({ start, length }))
  }
}

const lower = (character: number): number => (character >= 65 && character <= 90 ? character + 32 : character)

/** What a function must read. */
type Reads = (text: Text, argument: Arguments) => Range[]

const bytes =
  (from: number, count: number): Reads =>
  (text, argument) => [{ start: argument(from), length: argument(count) * text.width }]
const string: Reads = (text, argument) => [text.string(argument(0))]
const bounded: Reads = (text, argument) => [text.string(argument(0), argument(1))]
const source: Reads = (text, argument) => [text.string(argument(1))]
const boundedSource: Reads = (text, argument) => [text.string(argument(1), argument(2))]
const both: Reads = (text, argument) => [text.string(argument(0)), text.string(argument(1))]
const character = (text: Text, value: number): number => (text.width === 1 ? value & 255 : value | 0)
const span: Reads = (text, argument) => {
  const set = text.string(argument(1))
  const string = text.string(argument(0))
  return [set, string]
}

/** By the name of the function for bytes, and the one for wide characters. */
const READS: Record<string, Reads> = {
  'strlen wcslen strdup wcsdup strrchr wcsrchr': string,
  'strnlen wcsnlen strndup': bounded,
  'strchr wcschr index strchrnul wcschrnul': (text, argument) => [
    text.until(argument(0), LONGEST, 0, character(text, argument(1))),
  ],
  rawmemchr: (text, argument) => [text.until(argument(0), LONGEST, character(text, argument(1)))],
  'memchr wmemchr': (text, argument) => [text.until(argument(0), argument(2), character(text, argument(1)))],
  memrchr: (text, argument) => {
    const [start, wanted, count] = [argument(0), character(text, argument(1)), argument(2)]
    let from = start + text.room(start, count)
    while (from > start && text.at(from - 1) !== wanted) from--
    from = Math.max(start, from - 1)
    return [{ start: from, length: start + count - from }]
  },
  'memcmp bcmp __memcmpeq wmemcmp': (text, argument) =>
    text.compare(argument(0), argument(1), argument(2), false, false),
  'strcmp wcscmp': (text, argument) => text.compare(argument(0), argument(1), LONGEST, true, false),
  'strncmp wcsncmp': (text, argument) => text.compare(argument(0), argument(1), argument(2), true, false),
  strcasecmp: (text, argument) => text.compare(argument(0), argument(1), LONGEST, true, true),
  strncasecmp: (text, argument) => text.compare(argument(0), argument(1), argument(2), true, true),
  'memcpy memmove mempcpy wmemcpy wmemmove wmempcpy': bytes(1, 2),
  'strcpy stpcpy wcscpy wcpcpy': source,
  'strncpy stpncpy wcsncpy wcpncpy': boundedSource,
  'strcat wcscat': both,
  'strncat wcsncat': (text, argument) => [text.string(argument(0)), text.string(argument(1), argument(2))],
  'strstr wcsstr': (text, argument) => {
    const [hay, needle] = [text.string(argument(0)), text.string(argument(1))]
    return [needle, upToMatch(text, hay, needle, text.width)]
  },
  strcasestr: both,
  memmem: (text, argument) => {
    const needle = { start: argument(2), length: argument(3) }
    return [needle, upToMatch(text, { start: argument(0), length: argument(1) }, needle, 0)]
  },
  'strspn wcsspn strcspn wcscspn strpbrk wcspbrk': span,
}

/** Of a range, what lies before the end of the first place where the other is found; `end`: bytes of the needle's end, which is not looked for. */
function upToMatch(text: Text, hay: Range, needle: Range, end: number): Range {
  const wanted = needle.length - end
  for (let at = 0; at + wanted <= hay.length; at += text.width) {
    let same = 0
    while (same < wanted && text.at(hay.start + at + same) === text.at(needle.start + same)) same += text.width
    if (same >= wanted) return { start: hay.start, length: at + wanted }
  }
  return hay
}

const byName = new Map(Object.entries(READS).flatMap(([names, reads]) => names.split(' ').map((name) => [name, reads])))

/** The functions whose reads are known: names of symbols. */
export const STRING_FUNCTIONS: readonly string[] = [...byName.keys()]

/** The functions that translated code can look after by itself, by name: what it looks at is what `stringReads` says, and what `overlapOf` asks about. */
const LOOKS: Record<string, keyof typeof LOOK> = {
  strlen: 'string',
  strrchr: 'string',
  strdup: 'string',
  strnlen: 'bounded',
  strndup: 'bounded',
  strchr: 'find',
  index: 'find',
  strchrnul: 'find',
  memchr: 'findBytes',
  memcmp: 'compareBytes',
  bcmp: 'compareBytes',
  __memcmpeq: 'compareBytes',
  strcmp: 'compare',
  strncmp: 'compareBounded',
  memmove: 'bytes',
  memcpy: 'copy',
  strcpy: 'copyString',
  strspn: 'both',
  strcspn: 'both',
  strpbrk: 'both',
}

/** What translated code is to know of the function of that name (LOOK), or undefined. */
export function lookOf(name: string): number | undefined {
  const look = LOOKS[name]
  return look === undefined ? undefined : LOOK[look]
}

/** What the string function of that name looks at with these arguments. */
export function stringReads(name: string, argument: Arguments, space: AddressSpace): Range[] {
  const reads = byName.get(name)
  if (reads === undefined) return []
  const text = new Text(space, name.startsWith('w') ? 4 : 1)
  return reads(text, argument).flatMap(({ start, length }) =>
    length > 0 ? [{ start, length: Math.min(length, LONGEST) }] : [],
  )
}
