/** Executes on the processor what the decoder calls invalid: encodings that no row claims, and LOCK where it is not allowed. All must raise #UD. */
import { expect, test } from 'vitest'
import { DECODED, decoderFor } from '../../src/x86/decode.ts'
import { Insn } from '../../src/x86/insn.ts'
import { allRows, parseEncoding } from '../../src/x86/table/index.ts'
import { casesOf } from './generate.ts'
import { CODE_BASE, type Group, INTEGER_STATE, SIGNAL, WINDOW_BASE } from './layout.ts'
import { executeNatively } from './native.ts'

const decoder = decoderFor()
const insn = new Insn()

/** One state in which every register points into the window. */
const states = new Uint8Array(INTEGER_STATE)
for (let i = 0; i < 16; i++) new DataView(states.buffer).setBigUint64(8 * i, BigInt(WINDOW_BASE + 64), true)

function isInvalid(code: readonly number[]): boolean {
  const bytes = new Uint8Array(32)
  bytes.set(code)
  return decoder.decode(bytes, 0, 15, CODE_BASE, insn) === DECODED.invalid
}

const group = (code: readonly number[]): Group => ({
  name: code.map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
  // Zeros behind it serve as displacement and immediate.
  code: Uint8Array.from([...code, 0, 0, 0, 0, 0, 0]),
  states,
  count: 1,
})

/** Encodings that did anything else than raise #UD at once. */
function executed(groups: readonly Group[]): string[] {
  const results = executeNatively(groups, INTEGER_STATE, false)
  return groups.flatMap(({ name }, i) => {
    const head = new DataView(results[i]!.buffer, results[i]!.byteOffset)
    const isRefused = head.getUint32(0, true) === SIGNAL.ill && head.getBigUint64(8, true) === BigInt(CODE_BASE)
    return isRefused ? [] : [`${name}: signal ${head.getUint32(0, true)}`]
  })
}

test('encodings without a meaning', () => {
  const groups: Group[] = []
  for (const map of [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]])
    for (const prefix of [[], [0x66], [0xf3], [0xf2]])
      for (let opcode = 0; opcode < 256; opcode++)
        for (let reg = 0; reg < 8; reg++)
          for (const mod of [0, 0xc0, 0xc3]) {
            const code = [...prefix, ...map, opcode, mod | (reg << 3)]
            if (isInvalid(code)) groups.push(group(code))
          }
  expect(groups.length).toBeGreaterThan(5_000)
  expect(executed(groups)).toEqual([])
})

test('LOCK on rows that do not allow it', () => {
  const groups: Group[] = []
  for (const row of allRows) {
    // AMD's processors name CR8 by LOCK.
    if (row.lock === true || /^0F 2[0-3]$/.test(row.op) || parseEncoding(row.op).mandatory > 0) continue
    for (const { code } of casesOf(row, { vectors: 0, variants: 1, seed: 6 })) {
      const locked = [0xf0, ...code]
      if (locked.length <= 15 && isInvalid(locked)) groups.push(group(locked))
    }
  }
  expect(groups.length).toBeGreaterThan(500)
  expect(executed(groups)).toEqual([])
})
