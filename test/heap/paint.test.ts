/** What is painted around blocks at once is what is said byte by byte. */
import { expect, test } from 'vitest'
import { nextBelow, randomFrom } from '../../src/base/random.ts'
import { AddressSpace, PROT } from '../../src/engine/address-space.ts'
import { setGuarded } from '../../src/engine/addressable.ts'
import { setUndefined } from '../../src/engine/definedness.ts'
import { SHADOW_DISPLACEMENT, UNADDRESSABLE_BASE } from '../../src/engine/layout.ts'
import { isPlain, painterOf } from '../../src/engine/paint.ts'
import { PATTERN } from '../../src/heap/state.ts'

const PAGES = 0x20_0000
const SIZE = 0x4000

function spaceWithPages(): AddressSpace {
  const space = new AddressSpace(true)
  space.map(PAGES, SIZE, PROT.read | PROT.write)
  space.guard(PAGES, SIZE)
  space.willWrite(PAGES, SIZE)
  return space
}

/** Bytes, V bits and guards of the pages. */
function contents({ bytes }: AddressSpace): Uint8Array[] {
  return [
    [PAGES, SIZE],
    [PAGES + SHADOW_DISPLACEMENT, SIZE],
    [UNADDRESSABLE_BASE + PAGES / 8, SIZE / 8],
  ].map(([start, length]) => bytes.slice(start, start! + length!))
}

test('blocks of all sizes', () => {
  const random = randomFrom(1, 'paint')
  const below = (limit: number): number => nextBelow(random, limit)
  const [painted, said] = [spaceWithPages(), spaceWithPages()]
  const painter = painterOf(painted, PATTERN)
  for (let round = 0; round < 2000; round++) {
    const slot = PAGES + 16 * below(100)
    const address = slot + 16 * (1 + below(5))
    const end = address + (below(4) === 0 ? below(6000) : below(200))
    const limit = end + 16 + below(49)
    expect(isPlain(painted, slot, address)).toBe(true)
    painter.claim(slot, address, end, limit, 1)
    setUndefined(said, slot, limit - slot)
    setGuarded(said, address, end - address, false)
    said.bytes.fill(PATTERN, slot, address)
    said.bytes.fill(PATTERN, end, limit)
    const behind = end + 16 + below(limit - end - 15)
    expect(painter.intact(slot, address, end, behind)).toBe(1)
    const damaged = below(2) === 0 ? slot + below(address - slot) : end + below(behind - end)
    for (const { bytes } of [painted, said]) bytes[damaged]! ^= 1 << below(8)
    expect(painter.intact(slot, address, end, behind)).toBe(0)
    for (const { bytes } of [painted, said]) bytes[damaged] = PATTERN
    if (below(2) === 0) {
      painter.guard(address, end)
      setGuarded(said, address, end - address, true)
    }
    if (round % 50 === 0) expect(contents(painted)).toEqual(contents(said))
  }
  expect(contents(painted)).toEqual(contents(said))
})

test('without V bits there is only the pattern', () => {
  const space = new AddressSpace()
  space.map(PAGES, SIZE, PROT.read | PROT.write)
  space.willWrite(PAGES, SIZE)
  painterOf(space, PATTERN).claim(PAGES, PAGES + 16, PAGES + 20, PAGES + 48, 0)
  const expected = new Uint8Array(50).fill(PATTERN, 0, 48).fill(0, 16, 20)
  expect(space.bytes.slice(PAGES, PAGES + 50)).toEqual(expected)
})
