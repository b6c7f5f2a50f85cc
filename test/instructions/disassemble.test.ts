/** Compares the disassembler's text with iced-x86's for every row in many shapes. */
import { expect, test } from 'vitest'
import { DECODED, Decoder } from '../../src/x86/decode.ts'
import { disassemble } from '../../src/x86/disassemble.ts'
import { Insn } from '../../src/x86/insn.ts'
import { allRows } from '../../src/x86/table/index.ts'
import type { Feature, InsnRow } from '../../src/x86/table/types.ts'
import { casesOf } from './generate.ts'
import { IcedDecoder } from './iced.ts'
import { CODE_BASE } from './layout.ts'

const decoder = new Decoder(
  new Set(allRows.flatMap((row): Feature[] => (row.feature === undefined ? [] : [row.feature]))),
)

/** Rows that iced writes with other words, mostly operands of segments and descriptor tables. */
const OTHER_WORDS = /^(LSS|LFS|LGS|LGDT|LIDT|INVLPG|CALLF|JMPF|RETF|LEA|PREFETCH|NOP|XLATB|FWAIT|LES|LDS)$/

/** What both ways of writing have in common: iced shows operands of string instructions, implied x87 registers, and some prefixes that have no effect. */
function common(text: string, row: InsnRow): string {
  let t = text
    .replace(/\b(data16|addr32) /g, '')
    .replace(/\bsal\b/, 'shl')
    .replace(/^(pcmpestr[im])64/, '$1')
    .replace(/(, )?st\(0\)(, )?/g, '')
  if (row.repeat !== undefined) t = t.replace(/^((?:rep|repe|repne) )?([fg]s )?(\w+).*$/, '$1$3')
  // F2 repeats them as F3 does.
  if (row.repeat === 'rep') t = t.replace(/^(repne|repe) /, 'rep ')
  if (row.operands === 'Gv,Ev,Iz' || row.operands === 'Gv,Ev,sIb')
    t = t.replace(/^(imul \w+), \w+, (0x\w+|\d)$/, '$1, $2')
  // iced leaves out the operands that an assembler assumes.
  if (row.feature === 'x87') t = t.replace(/ st\(1\)$/, '')
  return t.trim()
}

test.each(
  allRows
    .filter((row) => !OTHER_WORDS.test(row.mnemonic))
    .map((row) => [`${row.mnemonic} ${row.operands} (${row.op})`, row] as const),
)('%s', (_name, row) => {
  const insn = new Insn()
  let compared = 0
  for (const c of casesOf(row, { vectors: 0, variants: 6, seed: 3 })) {
    const bytes = new Uint8Array(16).fill(0x90)
    bytes.set(c.code)
    if (decoder.decode(bytes, 0, 15, CODE_BASE, insn) !== DECODED.ok || insn.form.row !== row) continue
    // 66 90 is also "xchg ax, ax".
    if (row.mnemonic === 'XCHG' && insn.opcode === 0x90) continue
    const iced = new IcedDecoder(bytes, BigInt(CODE_BASE))
    const theirs = iced.text()
    iced.free()
    // Numbers of control and debug registers that do not exist.
    if (theirs === '(bad)') continue
    expect(common(disassemble(insn), row)).toBe(common(theirs, row))
    compared++
  }
  expect(compared).toBeGreaterThan(0)
})
