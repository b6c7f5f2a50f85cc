/** Lets processor and engine store and load whole FXSAVE and XSAVE images, which are too large for the window of a case: a few instructions around each show one part. */
import { describe, expect, test } from 'vitest'
import { nextBelow, nextU32, randomFrom } from '../../src/base/random.ts'
import { allRows } from '../../src/x86/table/index.ts'
import { describeState, differences } from './compare.ts'
import { EngineUnderTest } from './engine.ts'
import type { Case } from './generate.ts'
import { DATA_PAGE, OFFSET_FX, OFFSET_WINDOW, VECTOR_STATE, WINDOW_BASE, WINDOW_SIZE } from './layout.ts'
import { executeNatively } from './native.ts'
import { fillState } from './vectors.ts'
import { FX } from './vectors-fx.ts'

/** Where images lie: inside of the data page, on a 64-byte boundary. */
const IMAGE = DATA_PAGE + 0x400
const FILL = DATA_PAGE + 0x800
const choice: Case['choice'] = {
  opsize: 64,
  rm: 0,
  reg: 0,
  opcodeRegister: 0,
  immediate: 0,
  forceRex: false,
  repeat: 0,
  address32: false,
  lock: false,
}

const word = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >> shift) & 0xff)
const bytes = (head: number[], value: number, tail: number[] = []): number[] => [...head, ...word(value), ...tail]
/** mov edi, to; mov esi, from; mov ecx, count; rep movsb */
const copy = (to: number, from: number, count: number): number[] => [
  ...bytes([0xbf], to),
  ...bytes([0xbe], from),
  ...bytes([0xb9], count, [0xf3, 0xa4]),
]
/** mov eax, mask; xor edx, edx */
const components = (mask: number): number[] => bytes([0xb8], mask, [0x31, 0xd2])
/** mov byte ptr [address], value */
const put = (address: number, value: number): number[] => bytes([0xc6, 0x04, 0x25], address, [value])
/** In the mask of MXCSR bit 17 is AMD's misaligned mode, which the machine does not have. */
const HIDE_MISALIGNED = put(IMAGE + 30, 0)
/** The instruction 0F AE /digit on an absolute address. */
const on = (digit: number, wide: boolean, address: number): number[] =>
  bytes(wide ? [0x48, 0x0f, 0xae, (digit << 3) | 4, 0x25] : [0x0f, 0xae, (digit << 3) | 4, 0x25], address)
const FXSAVE = 0
const FXRSTOR = 1
const XSAVE = 4
const XRSTOR = 5
const FNINIT = [0xdb, 0xe3]
/** fld1; pxor xmm0, xmm0; pcmpeqd xmm1, xmm1 */
const OTHER_VALUES = [0xd9, 0xe8, 0x66, 0x0f, 0xef, 0xc0, 0x66, 0x0f, 0x76, 0xc9]

/** Cases of one program; `adjust` puts the random window right. */
function cases(mnemonic: string, code: number[], count: number, adjust: (window: DataView) => void): Case {
  const row = allRows.find((r) => r.mnemonic === mnemonic)!
  const r = randomFrom(3, `${mnemonic} ${code.join(' ')}`)
  const states = new Uint8Array(count * VECTOR_STATE)
  const need = { row, choice, codeLength: code.length, memory: null, bytes: 1, aligned: true, vector: true }
  for (let i = 0; i < count; i++) {
    const state = states.subarray(i * VECTOR_STATE, (i + 1) * VECTOR_STATE)
    fillState(r, need, state)
    const view = new DataView(state.buffer, state.byteOffset, VECTOR_STATE)
    view.setUint8(OFFSET_FX + FX.tag, nextU32(r))
    view.setUint32(OFFSET_FX + FX.mxcsr, 0x1f80 | nextBelow(r, 64), true)
    adjust(new DataView(state.buffer, state.byteOffset + OFFSET_WINDOW, WINDOW_SIZE))
  }
  return { name: mnemonic, code: Uint8Array.from(code), states, count, row, choice }
}

const engine = new EngineUnderTest(true)

function compare(groups: readonly Case[]): void {
  const native = executeNatively(groups, VECTOR_STATE, true)
  const failures: string[] = []
  groups.forEach((c, g) => {
    const { results } = engine.execute(c, VECTOR_STATE)
    for (let i = 0; i < c.count; i++) {
      const found = differences(c, i, VECTOR_STATE, native[g]!, results, true)
      if (found.length > 0 && failures.length < 5)
        failures.push(`${c.name}\n  ${describeState(c, i, VECTOR_STATE)}\n  ${found.slice(0, 8).join('\n  ')}`)
    }
  })
  expect(failures).toEqual([])
}

const unchanged = (): void => {}
const PARTS = [0, 256, 512 - 192]

describe.each([false, true])('with REX.W: %s', (wide) => {
  test('FXSAVE images', () => {
    compare(
      PARTS.map((part) =>
        cases(
          'FXSAVE',
          [...on(FXSAVE, wide, IMAGE), ...HIDE_MISALIGNED, ...copy(WINDOW_BASE, IMAGE + part, 256)],
          100,
          unchanged,
        ),
      ),
    )
  })

  test('FXRSTOR of images whose parts come from elsewhere', () => {
    // The pointers of the x87 show only while an exception is pending: they are stored again and compared, too.
    const code = (part: number): number[] => [
      ...on(FXSAVE, wide, IMAGE),
      ...copy(IMAGE + part, WINDOW_BASE, 192),
      ...on(FXRSTOR, wide, IMAGE),
    ]
    compare([
      cases('FXRSTOR', code(0), 200, (window) => {
        // No unmasked exception of the x87 is pending; MXCSR is valid, or has a bit that no processor allows.
        window.setUint16(0, window.getUint16(0, true) | 0x3f, true)
        window.setUint16(2, window.getUint16(2, true) & ~0x80ff, true)
        window.setUint32(24, 0x1f80 | (window.getUint8(24) & 0x3f) | (window.getUint8(25) === 0 ? 0x100000 : 0), true)
        window.setUint32(28, 0, true)
      }),
      cases('FXRSTOR', code(160), 100, unchanged),
      cases('FXRSTOR', code(512 - 192 - 96), 100, unchanged),
    ])
  })

  test('XSAVE images of each set of components', () => {
    const groups = [0, 1, 2, 3].flatMap((mask) =>
      [...PARTS, 448].map((part) => {
        const code = [
          // What is not asked for stays: the area and the header have something in them.
          ...copy(IMAGE + (part === 448 ? 384 : part), WINDOW_BASE, part === 448 ? 128 : 192),
          ...put(IMAGE + 512, 2 - (mask & 2)),
          ...components(mask),
          ...on(XSAVE, wide, IMAGE),
          ...HIDE_MISALIGNED,
          ...copy(WINDOW_BASE, IMAGE + part, part === 448 ? 128 : 256),
        ]
        return cases('XSAVE', code, 40, unchanged)
      }),
    )
    compare(groups)
  })

  test('XRSTOR of each set of components, held or not', () => {
    const groups: Case[] = []
    for (const mask of [0, 1, 2, 3]) {
      for (const held of [0, 1, 2, 3]) {
        const code = [
          ...components(3),
          ...on(XSAVE, wide, IMAGE),
          // Another state before it is restored: registers and their order.
          ...FNINIT,
          ...OTHER_VALUES,
          ...put(IMAGE + 512, held),
          ...components(mask),
          ...on(XRSTOR, wide, IMAGE),
        ]
        groups.push(cases('XRSTOR', code, 30, unchanged))
      }
    }
    compare(groups)
  })

  test('XRSTOR refuses headers and MXCSR that do not exist', () => {
    const code = (at: number): number[] => [
      ...components(3),
      ...on(XSAVE, wide, IMAGE),
      ...copy(FILL, WINDOW_BASE, 16),
      ...copy(IMAGE + at, FILL, 8),
      ...components(3),
      ...on(XRSTOR, wide, IMAGE),
    ]
    // Mostly zero, so that some pass; bits of XSTATE_BV that processors may have are left out.
    const sparse = (window: DataView): void => {
      const bit = window.getUint8(8) & 127
      window.setBigUint64(0, bit < 64 ? (1n << BigInt(bit)) & ~0x7fcn & ~(0xffn << 56n) : 0n, true)
    }
    const mxcsr = (window: DataView): void => {
      window.setUint32(0, 0x1f80 | (window.getUint8(8) & 1 ? 1 << (18 + (window.getUint8(9) % 14)) : 0), true)
      window.setUint32(4, 0, true)
    }
    compare([
      cases('XRSTOR', code(512), 60, sparse),
      cases('XRSTOR', code(528), 60, sparse),
      cases('XRSTOR', code(24), 60, mxcsr),
    ])
  })
})
