/** What translated code finds out by itself about calls of string functions is what string-reads.ts and copies.ts say of them, for whatever lies around the strings. */
import { expect, test } from 'vitest'
import { nextBelow, randomFrom } from '../../src/base/random.ts'
import { AddressSpace, PROT } from '../../src/engine/address-space.ts'
import { firstUnaddressable, setGuarded } from '../../src/engine/addressable.ts'
import { CLEAN_BASE, STATE_BASE } from '../../src/engine/layout.ts'
import { forgetStrings, knowString, stringFunctions, threadRecord, useStrings } from '../../src/engine/string-words.ts'
import { overlapOf } from '../../src/heap/copies.ts'
import { FUNCTIONS } from '../../src/heap/functions.ts'
import { lookOf, stringReads } from '../../src/heap/string-reads.ts'
import { CLEAN } from '../../src/ir/clean.ts'
import { REG, registers, STATE } from '../../src/ir/registers.ts'
import { ANSWERED, KNOWN, READ, RECORD } from '../../src/ir/strings.ts'

const PAGES = 0x20_0000
const SIZE = 0x2000
const STACK = 0x30_0000
const ENTRY = 0x40_0120
const FUEL = 12_345

const space = new AddressSpace(true)
space.map(PAGES, SIZE, PROT.read | PROT.write)
space.map(STACK, 0x1000, PROT.read | PROT.write)
space.guard(PAGES, SIZE)

const asked: (number | string)[] = []
let answered = 0
const functions = stringFunctions(space, {
  intercept: (fuel) => asked.push(fuel) && -5,
  answer: (fuel) => asked.push(`answer ${fuel}`) && answered,
  guarded: (address, what, pc) => asked.push(`${address} ${what} ${pc}`) && 7,
  checkClean: () => 1,
})

function setRegister(register: number, value: number): void {
  space.view.setBigUint64(STATE_BASE + registers[register]!.offset, BigInt.asUintN(64, BigInt(value)), true)
}

/** A call of the function: the ranges that were noted, or null when the engine was asked. */
function call(args: readonly number[]): { start: number; length: number }[] | null {
  asked.length = 0
  args.forEach((value, i) => setRegister([REG.rdi, REG.rsi, REG.rdx][i]!, value))
  setRegister(REG.rsp, STACK + 0x800)
  setRegister(REG.fsBase, 0x1234_5678)
  space.view.setBigUint64(STACK + 0x800, 0x40_0999n, true)
  space.view.setUint32(STATE_BASE + STATE.rip, ENTRY, true)
  const answer = functions.intercept(FUEL)
  if (asked.length > 0) {
    expect([answer, asked]).toEqual([-5, [FUEL]])
    return null
  }
  expect(answer).toBe(-1)
  const record = threadRecord(space)
  const word = (offset: number): number => space.view.getUint32(record + offset, true)
  expect([word(RECORD.known), word(RECORD.stack), word(RECORD.back)]).toEqual([KNOWN.here, STACK + 0x800, 0x40_0999])
  return [0, 8]
    .map((at) => ({ start: word(RECORD.ranges + at), length: word(RECORD.ranges + at + 4) }))
    .filter(({ length }) => length > 0)
}

const names = FUNCTIONS.map(({ name }) => name).filter((name) => lookOf(name) !== undefined)

test('the functions that are looked after', () => {
  expect(names.length).toBeGreaterThan(15)
})

test.each(names)('%s', (name) => {
  const random = randomFrom(1, name)
  const below = (limit: number): number => nextBelow(random, limit)
  const f = FUNCTIONS.find((one) => one.name === name)!
  const counts = { noted: 0, asked: 0 }
  forgetStrings(space, true)
  useStrings(space, true)
  knowString(space, ENTRY, lookOf(name)!)
  for (let round = 0; round < 300; round++) {
    // Few different characters, so that strings end, differ and are found at all distances.
    space.bytes.fill(65, PAGES, PAGES + SIZE)
    for (let i = 1 << below(10); i > 0; i--) space.bytes[PAGES + below(SIZE)] = below(3)
    space.bytes.fill(0, PAGES + SIZE - 64, PAGES + SIZE)
    const [first, second] = [PAGES + below(SIZE - 1000), PAGES + below(SIZE - 1000)]
    if (below(2) === 0) space.bytes.copyWithin(second, first, first + below(200))
    setGuarded(space, PAGES, SIZE, false)
    if (below(2) === 0) setGuarded(space, [first, second][below(2)]! + below(100), 1 + below(300), true)
    const count = below(4) === 0 ? below(8) : below(900)
    const args =
      name === 'memchr' || name.startsWith('strchr') || name === 'index'
        ? [first, below(3), count]
        : [first, name.startsWith('strn') && !name.includes('cmp') ? count : second, count]
    const argument = (i: number): number => args[i]!
    const reads = stringReads(name, argument, space)
    const isBad = reads.some(({ start, length }) => firstUnaddressable(space, start, length) >= 0)
    const isSimple = !isBad && overlapOf(f, argument, space) === null
    const noted = call(args)
    if (noted === null) counts.asked++
    else counts.noted++
    // What is wrong is always asked about, and what is not hardly ever.
    if (!isSimple) expect(noted).toBeNull()
    if (noted === null) continue
    const sorted = (ranges: typeof reads): typeof reads =>
      ranges.toSorted((a, b) => a.start - b.start || a.length - b.length)
    expect(sorted(noted)).toEqual(sorted(reads))
  }
  expect(counts.noted).toBeGreaterThan(50)
  expect(counts.asked).toBeGreaterThan(10)
})

test('what cannot be so simple is asked about', () => {
  forgetStrings(space, true)
  knowString(space, ENTRY, lookOf('strlen')!)
  space.bytes.fill(0, PAGES, PAGES + SIZE)
  setGuarded(space, PAGES, SIZE, false)
  useStrings(space, true)
  expect(call([PAGES + 5])).toEqual([{ start: PAGES + 5, length: 1 }])
  expect(call([0])).toBeNull()
  expect(call([2 ** 40])).toBeNull()
  space.bytes.fill(65, PAGES + SIZE - 100, PAGES + SIZE)
  expect(call([PAGES + SIZE - 50])).toBeNull()
  useStrings(space, false)
  expect(call([PAGES + 5])).toBeNull()
  useStrings(space, true)
  forgetStrings(space)
  expect(call([PAGES + 5])).toBeNull()
})

test('loads beyond blocks', () => {
  forgetStrings(space, true)
  useStrings(space, true)
  knowString(space, ENTRY, lookOf('strlen')!)
  const [vector, search] = [0x41_0000, 0x41_0010]
  knowString(space, vector, READ.vector)
  knowString(space, search, READ.search)
  space.bytes.fill(0, PAGES, PAGES + SIZE)
  setGuarded(space, PAGES, SIZE, false)
  setGuarded(space, PAGES + 0x107, 40, true)
  const load = (pc: number): (number | string)[] => {
    asked.length = 0
    return [functions.guarded(PAGES + 0x100, 16, pc), ...asked]
  }
  // Of this thread nothing is known yet.
  setRegister(REG.fsBase, 0x1234_5678)
  expect(load(vector)).toEqual([7, `${PAGES + 0x100} 16 ${vector}`])
  expect(call([PAGES])).not.toBeNull()
  expect(load(vector)).toEqual([0])
  const record = threadRecord(space)
  const read = [RECORD.pc, RECORD.readStack, RECORD.address].map((at) => space.view.getUint32(record + at, true))
  expect(read).toEqual([vector, STACK + 0x800, PAGES + 0x107])
  // Within the call what it must read says what counts; after it the search is harmless.
  expect(load(search)).toEqual([0])
  setRegister(REG.rsp, STACK + 0x808)
  expect(load(search)).toEqual([2])
  expect(load(0x41_0020)).toEqual([7, `${PAGES + 0x100} 16 ${0x41_0020}`])
  // Another thread, which has nothing to do with the first one's call.
  setRegister(REG.fsBase, 0x2234_5678)
  expect(load(vector)).toEqual([7, `${PAGES + 0x100} 16 ${vector}`])
})

test('functions that the engine answers', () => {
  forgetStrings(space, true)
  knowString(space, ENTRY, ANSWERED)
  const undefinedAt = (register: number): number => STATE_BASE + registers[REG.gprUndefined + register]!.offset
  const word = (): number[] => [0, 4].map((at) => space.view.getUint32(CLEAN_BASE + at, true))
  const ask = (low: number, high: number, answer: number): (number | string)[] => {
    asked.length = 0
    answered = answer
    for (let register = 0; register < 16; register++) space.view.setUint32(undefinedAt(register), 0xff, true)
    space.view.setUint32(CLEAN_BASE, low, true)
    space.view.setUint32(CLEAN_BASE + 4, high, true)
    space.view.setUint32(STATE_BASE + STATE.rip, ENTRY, true)
    return [functions.intercept(FUEL), ...asked]
  }
  // Vector registers, flags, RAX and R12 may be undefined: the result is not, and neither is what was the argument.
  const low = 0xffff_0000 | (1 << REG.rax) | (1 << 12)
  expect(ask(low, CLEAN.flags, 0x40_0999)).toEqual([0x40_0999, `answer ${FUEL}`])
  expect(word()).toEqual([(0xffff_0000 | (1 << 12)) >>> 0, CLEAN.flags])
  const mirrors = [REG.rdi, REG.rsi, REG.rdx, REG.rcx, 12].map((register) =>
    space.view.getUint32(undefinedAt(register), true),
  )
  expect(mirrors).toEqual([0, 0, 0, 0, 0xff])
  // It has left, or has not answered.
  for (const answer of [0, -1]) {
    expect(ask(low, 0, answer)).toEqual([answer, `answer ${FUEL}`])
    expect(word()).toEqual([low >>> 0, 0])
  }
  // Undefined arguments, and full code.
  expect(ask(1 << REG.rsi, 0, 0)).toEqual([-5, FUEL])
  expect(ask(0, CLEAN.stale, 0)).toEqual([-5, FUEL])
})

test('threads whose records have the same place take turns', () => {
  forgetStrings(space, true)
  const places = new Map<number, number>()
  let pair: [number, number] | null = null
  for (let fs = 0x1000; pair === null; fs += 0x1000) {
    setRegister(REG.fsBase, fs)
    const at = threadRecord(space)
    const other = places.get(at)
    if (other === undefined) places.set(at, fs)
    else pair = [other, fs]
  }
  pair.forEach((fs, i) => {
    setRegister(REG.fsBase, fs)
    const at = threadRecord(space)
    space.view.setUint32(at + RECORD.known, KNOWN.here, true)
    space.view.setUint32(at + RECORD.pc, i + 1, true)
  })
  pair.forEach((fs, i) => {
    setRegister(REG.fsBase, fs)
    expect(space.view.getUint32(threadRecord(space) + RECORD.pc, true)).toBe(i + 1)
  })
})
