/** The state hash tells different data apart, wherever they differ, and equal ones not. */
import { describe, expect, test } from 'vitest'
import { nextU32, randomFrom } from '../../src/base/random.ts'
import { PAGE_SIZE } from '../../src/engine/layout.ts'
import { AddressSpace } from '../../src/engine/address-space.ts'
import { Hash, PAGE_WORDS } from '../../src/linux/hash.ts'

function hashOf(value: unknown): string {
  const hash = new Hash()
  hash.data(value)
  return hash.digest()
}

describe('plain data', () => {
  const different: unknown[] = [
    null,
    undefined,
    true,
    false,
    0,
    1,
    -1,
    0.5,
    Infinity,
    2 ** 53,
    '',
    'a',
    'ab',
    '1',
    0n,
    1n,
    -1n,
    2n ** 64n,
    [],
    [[]],
    [0],
    [0, 0],
    [null],
    {},
    { a: 1 },
    { b: 1 },
    { a: 1, b: 2 },
    { a: { b: 2 } },
    new Map(),
    new Map([[1, 2]]),
    new Map([['1', 2]]),
    new Map([[1, 3]]),
    new Uint8Array(0),
    Uint8Array.of(0),
    Uint8Array.of(0, 0),
    Uint8Array.of(1, 2, 3, 4, 5),
    Uint8Array.of(1, 2, 3, 4, 6),
    [[1], 2],
    [1, [2]],
  ]

  test('different data have different hashes', () => {
    expect(new Set(different.map(hashOf)).size).toBe(different.length)
  })

  test('copies have equal hashes', () => {
    for (const value of different) expect(hashOf(structuredClone(value))).toBe(hashOf(value))
  })

  test('bytes count, not where they lie', () => {
    const bytes = Uint8Array.from({ length: 64 }, (_, i) => i)
    const moved = new Uint8Array(80)
    moved.set(bytes, 3)
    expect(hashOf(moved.subarray(3, 67))).toBe(hashOf(bytes))
  })
})

describe('pages', () => {
  test('each flipped bit of a page changes both halves of the hash', () => {
    const random = randomFrom(1, 'page')
    const words = Int32Array.from({ length: PAGE_WORDS }, () => nextU32(random))
    const digest = (): string => {
      const hash = new Hash()
      hash.words(words, 0, PAGE_WORDS)
      return hash.digest()
    }
    const reference = digest()
    const seen = new Set([reference])
    for (let i = 0; i < 2000; i++) {
      const at = nextU32(random) % PAGE_WORDS
      const bit = 1 << (nextU32(random) & 31)
      words[at]! ^= bit
      const now = digest()
      expect(now.slice(0, 8)).not.toBe(reference.slice(0, 8))
      expect(now.slice(8)).not.toBe(reference.slice(8))
      seen.add(now)
      words[at]! ^= bit
    }
    expect(digest()).toBe(reference)
    expect(seen.size).toBeGreaterThan(1900)
  })

  test('a page is zero only if every byte is', () => {
    const space = new AddressSpace()
    const first = 0x100
    const bytes = space.bytes.subarray(first * PAGE_SIZE, (first + 3) * PAGE_SIZE).fill(1)
    bytes.fill(0, PAGE_SIZE, 2 * PAGE_SIZE)
    expect([0, 1, 2, 3].map((page) => space.nextUsed(first + page, first + 3) - first)).toEqual([0, 2, 2, 3])
    for (let at = PAGE_SIZE; at < 2 * PAGE_SIZE; at += 37) {
      bytes[at] = 0x80
      expect(space.nextUsed(first + 1, first + 3)).toBe(first + 1)
      bytes[at] = 0
    }
  })
})
