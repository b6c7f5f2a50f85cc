/** Compares the decoder with iced-x86: on every opcode with every ModRM form, on random bytes, and on the code of real programs. */
import { describe, expect, test } from 'vitest'
import { nextBelow, nextU32, randomFrom } from '../../src/base/random.ts'
import { DECODED, Decoder } from '../../src/x86/decode.ts'
import { Insn } from '../../src/x86/insn.ts'
import { allRows } from '../../src/x86/table/index.ts'
import type { Feature } from '../../src/x86/table/types.ts'
import { IcedDecoder, sameMnemonic } from './iced.ts'
import { textSection } from './text-section.ts'

const decoder = new Decoder(
  new Set(allRows.flatMap((row): Feature[] => (row.feature === undefined ? [] : [row.feature]))),
)

const CONTROL_REGISTER_MOVES = [0x20, 0x21, 0x22, 0x23]

/** Collects disagreements by kind, with a few examples each, so that a failure can be read. */
class Disagreements {
  private readonly found = new Map<string, string[]>()

  note(kind: string, bytes: Uint8Array): void {
    const examples = this.found.get(kind) ?? []
    if (examples.length < 4)
      examples.push(Array.from(bytes.subarray(0, 8), (b) => b.toString(16).padStart(2, '0')).join(' '))
    this.found.set(kind, examples)
  }

  list(): [string, string[]][] {
    return [...this.found].sort(([a], [b]) => (a < b ? -1 : 1))
  }
}

/** Compares one position; returns iced's length, or 1 where both refuse. */
function compare(
  iced: IcedDecoder,
  bytes: Uint8Array,
  position: number,
  insn: Insn,
  found: Disagreements,
  strict: boolean,
): number {
  const theirs = iced.at(position)
  const result = decoder.decode(bytes, position, bytes.length, 0x1000, insn)
  const here = bytes.subarray(position)
  if (theirs === null) {
    // Numbers of control registers that do not exist are refused when executed.
    const late =
      insn.form !== null && insn.form.row.op.startsWith('0F 2') && CONTROL_REGISTER_MOVES.includes(insn.opcode)
    // These are never more than #UD, whatever stands before them.
    const never = insn.form !== null && /^(MONITOR|MWAIT)$/.test(insn.form.row.mnemonic)
    if (result === DECODED.ok && !late && !never) found.note(`iced refuses ${insn.form.row.mnemonic}`, here)
    return 1
  }
  if (result === DECODED.ok) {
    if (insn.length !== theirs.length)
      found.note(`length of ${theirs.mnemonic}: iced ${theirs.length}, ours ${insn.length}`, here)
    else if (!sameMnemonic(insn.form.row.mnemonic, theirs.mnemonic))
      found.note(`iced ${theirs.mnemonic}, ours ${insn.form.row.mnemonic}`, here)
  } else if (result !== DECODED.unsupported) found.note(`ours refuses (${result}) ${theirs.mnemonic}`, here)
  else if (strict) found.note(`unsupported ${theirs.mnemonic}`, here)
  return theirs.length
}

const PREFIXES = [[], [0x66], [0xf3], [0xf2], [0x48], [0x66, 0x48], [0xf3, 0x48], [0x66, 0xf3], [0x4f], [0xf0], [0x67]]
const MAPS = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]]
/** Prefixes, escapes, and VEX, EVEX, which are unsupported as a whole. */
const NOT_OPCODES = new Set([0x0f, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0xc4, 0xc5, 0x62])

/** Every opcode with every ModRM byte, leaving out memory forms that differ only in the base register. */
function systematic(): number[][] {
  const cases: number[][] = []
  for (const prefix of PREFIXES) {
    for (const map of MAPS) {
      for (let opcode = 0; opcode < 256; opcode++) {
        if (map.length === 0 && (NOT_OPCODES.has(opcode) || (opcode & 0xf0) === 0x40)) continue
        if (map.length === 1 && (opcode === 0x38 || opcode === 0x3a)) continue
        for (let modrm = 0; modrm < 256; modrm++) {
          if (modrm < 0xc0 && ![0, 4, 5].includes(modrm & 7)) continue
          cases.push([...prefix, ...map, opcode, modrm])
        }
      }
    }
  }
  return cases
}

const SLOT = 16

describe('decoder against iced-x86', () => {
  test('every opcode, prefix and ModRM form', () => {
    const cases = systematic()
    expect(cases.length).toBeGreaterThan(1_000_000)
    const r = randomFrom(1, 'decoder tails')
    const bytes = new Uint8Array(cases.length * SLOT + SLOT)
    for (let i = 0; i < bytes.length; i++) bytes[i] = nextU32(r)
    cases.forEach((c, i) => bytes.set(c, i * SLOT))
    const iced = new IcedDecoder(bytes, 0x1000n)
    const found = new Disagreements()
    const insn = new Insn()
    for (let i = 0; i < cases.length; i++) compare(iced, bytes, i * SLOT, insn, found, false)
    expect(found.list()).toEqual([])
  })

  test('random bytes with random prefixes', () => {
    const r = randomFrom(2, 'decoder random')
    const count = 200_000
    const bytes = new Uint8Array(count * SLOT + SLOT)
    for (let i = 0; i < bytes.length; i++) bytes[i] = nextU32(r)
    const common = [0x66, 0x67, 0xf2, 0xf3, 0x64, 0x2e, 0x40, 0x48, 0x4f]
    for (let i = 0; i < count; i++)
      for (let k = nextBelow(r, 4); k > 0; k--) bytes[i * SLOT + k - 1] = common[nextBelow(r, common.length)]!
    const iced = new IcedDecoder(bytes, 0x1000n)
    const found = new Disagreements()
    const insn = new Insn()
    for (let i = 0; i < count; i++) {
      // A 66 prefix on a near branch is ignored here, as on Intel's processors and by iced's default.
      compare(iced, bytes, i * SLOT, insn, found, false)
    }
    expect(found.list()).toEqual([])
  })

  test.each(['/bin/bash', '/lib/x86_64-linux-gnu/libc.so.6'])('linear sweep of %s', (path) => {
    const { bytes: text } = textSection(path)
    expect(text.length).toBeGreaterThan(100_000)
    const iced = new IcedDecoder(text, 0x1000n)
    const found = new Disagreements()
    const insn = new Insn()
    let count = 0
    for (let at = 0; at < text.length - SLOT; count++) at += compare(iced, text, at, insn, found, path === '/bin/bash')
    expect(count).toBeGreaterThan(50_000)
    expect(found.list()).toEqual([])
  })
})

describe('limits', () => {
  const decode = (bytes: number[], end = bytes.length): { result: number; length: number } => {
    const insn = new Insn()
    const result = decoder.decode(Uint8Array.from(bytes), 0, end, 0, insn)
    return { result, length: insn.length }
  }

  test('an instruction of 15 bytes is the longest', () => {
    expect(decode([...new Array<number>(14).fill(0x66), 0x90])).toEqual({ result: DECODED.ok, length: 15 })
    expect(decode([...new Array<number>(15).fill(0x66), 0x90]).result).toBe(DECODED.tooLong)
  })

  test('bytes that end early are truncated at every point', () => {
    // mov qword ptr [rax+rcx*4+0x11223344], 0x55667788
    const whole = [0x48, 0xc7, 0x84, 0x88, 0x44, 0x33, 0x22, 0x11, 0x88, 0x77, 0x66, 0x55]
    for (let end = 0; end < whole.length; end++) expect(decode(whole, end).result).toBe(DECODED.truncated)
    expect(decode(whole)).toEqual({ result: DECODED.ok, length: whole.length })
  })

  test('LOCK only where the row allows it and the destination is memory', () => {
    expect(decode([0xf0, 0x01, 0x08]).result).toBe(DECODED.ok)
    expect(decode([0xf0, 0x01, 0xc8]).result).toBe(DECODED.invalid)
    expect(decode([0xf0, 0x8b, 0x08]).result).toBe(DECODED.invalid)
  })

  test('without its feature TZCNT is BSF, and POPCNT is unsupported', () => {
    const plain = new Decoder(new Set<Feature>())
    const insn = new Insn()
    const tzcnt = Uint8Array.of(0xf3, 0x0f, 0xbc, 0xc1)
    expect(plain.decode(tzcnt, 0, 4, 0, insn)).toBe(DECODED.ok)
    expect(insn.form.row.mnemonic).toBe('BSF')
    expect(decoder.decode(tzcnt, 0, 4, 0, insn)).toBe(DECODED.ok)
    expect(insn.form.row.mnemonic).toBe('TZCNT')
    expect(plain.decode(Uint8Array.of(0xf3, 0x0f, 0xb8, 0xc1), 0, 4, 0, insn)).toBe(DECODED.unsupported)
  })
})
