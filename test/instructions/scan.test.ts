/** Compares what the scan says of code that the machine refuses with iced-x86: where instructions end, and to which features they belong. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { nextBelow, nextU32, randomFrom } from '../../src/base/random.ts'
import { DECODED, decoderFor } from '../../src/x86/decode.ts'
import { describeForeign } from '../../src/x86/foreign.ts'
import { Insn } from '../../src/x86/insn.ts'
import { scanCode } from '../../src/x86/scan.ts'
import { IcedDecoder } from './iced.ts'
import { textSection } from './text-section.ts'

const SLOT = 16

/** Our names as iced writes them. */
const ICED: Record<string, string[]> = {
  AVX512: ['AVX512'],
  '3DNOW': ['D3NOW', 'D3NOWEXT', 'CYRIX_D3NOW', 'GEODE'],
  PADLOCK: ['PADLOCK'],
  x87: ['FPU'],
  'VMX, SVM': [
    'SKINIT',
    'VMX',
    'SVM',
    'SEV',
    'SEAM',
    'TDX',
    'SGX',
    'PCONFIG',
    'PCOMMIT',
    'XSAVE',
    'CET',
    'SMAP',
    'FRED',
    'WRMSRNS',
    'MSRLIST',
    'ENCLV',
    'HLE',
    'PBNDKB',
  ],
  AMX: ['AMX'],
  AESKLE: ['KL', 'WIDE_KL', 'AESKLE', 'AESKLEWIDE_KL', 'UINTR', 'RAO_INT', 'AMX'],
  'AVX-VNNI-INT8': ['AVX_VNNI_INT8'],
  'AVX-VNNI-INT16': ['AVX_VNNI_INT16'],
  'AVX-NE-CONVERT': ['AVX_NE_CONVERT'],
  PKU: ['PKU', 'OSPKE'],
  RTM: ['RTM', 'HLE', 'TSX'],
  XSAVES: ['XSAVES'],
  CMPCCXADD: ['CMPCCXADD'],
}

const plain = (name: string): string => name.replaceAll(/[-_ ]/g, '').toUpperCase()

/** Does one of iced's features mean ours? */
function agrees(feature: string, theirs: readonly string[]): boolean {
  // Instructions of kernels belong to no feature that programs ask for.
  if (feature === 'system') return true
  const names = (ICED[feature] ?? [feature]).map(plain)
  return theirs.some((name) => names.some((ours) => plain(name).startsWith(ours)))
}

const text = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(' ')

/** Compares all places of `bytes` where iced sees an instruction that the machine calls unsupported. */
function disagreements(bytes: Uint8Array, positions: Iterable<number>): { compared: number; found: string[] } {
  const iced = new IcedDecoder(bytes, 0x1000n)
  const insn = new Insn()
  const found: string[] = []
  let compared = 0
  for (const at of positions) {
    if (decoderFor().decode(bytes, at, bytes.length, 0x1000, insn) !== DECODED.unsupported) continue
    const theirs = iced.at(at)
    if (theirs === null) continue
    const ours = describeForeign(bytes, at, bytes.length)
    compared++
    const features = iced.features(at)
    if (found.length > 40) continue
    if (ours.length !== theirs.length)
      found.push(
        `${theirs.mnemonic} (${text(bytes.subarray(at, at + 12))}): ${ours.length} bytes, iced ${theirs.length}`,
      )
    else if (!agrees(ours.feature, features))
      found.push(
        `${theirs.mnemonic} (${text(bytes.subarray(at, at + 12))}): ${ours.form} ${ours.feature}, iced ${features.join(' ')}`,
      )
  }
  iced.free()
  return { compared, found }
}

describe('instructions without a row', () => {
  const LEADS = [
    [0xc4],
    [0xc5],
    [0x62],
    [0x0f],
    [0x0f, 0x38],
    [0x0f, 0x3a],
    [0x66, 0x0f, 0x38],
    [0x66, 0x0f, 0x3a],
    [0xf3, 0x0f],
    [0xf2, 0x0f],
    [0x66, 0x0f],
  ]
  test.each(LEADS)('random bytes behind %s %s %s', (...lead) => {
    const r = randomFrom(4, lead.join(' '))
    const count = 40_000
    const bytes = new Uint8Array(count * SLOT + SLOT)
    for (let i = 0; i < bytes.length; i++) bytes[i] = nextU32(r)
    for (let i = 0; i < count; i++) {
      // A REX prefix makes VEX invalid.
      if (lead[0] !== 0xc4 && lead[0] !== 0xc5 && lead[0] !== 0x62 && lead[0] === 0x0f && nextBelow(r, 4) === 0)
        bytes.set([0x48, ...lead], i * SLOT)
      else bytes.set(lead, i * SLOT)
      // Map and prefix of VEX and EVEX, so that more than chance meets something.
      if (lead[0] === 0xc4) bytes[i * SLOT + 1] = (bytes[i * SLOT + 1]! & 0xe0) | (1 + nextBelow(r, 3))
      if (lead[0] === 0x62) {
        bytes[i * SLOT + 1] = (bytes[i * SLOT + 1]! & 0xf0) | (1 + nextBelow(r, 3))
        bytes[i * SLOT + 2] = bytes[i * SLOT + 2]! | 4
      }
    }
    const { compared, found } = disagreements(
      bytes,
      Array.from({ length: count }, (_, i) => i * SLOT),
    )
    expect(compared).toBeGreaterThan(100)
    expect(found).toEqual([])
  })
})

describe('programs', () => {
  const libraries = ['libc.so.6', 'libcrypto.so.3', 'libm.so.6'].map((name) => `/lib/x86_64-linux-gnu/${name}`)
  test.each(libraries.filter((path) => existsSync(path)))('features in %s', (path) => {
    const { bytes, address } = textSection(path)
    const { instructions, unsupported } = scanCode(bytes, address)
    expect(instructions).toBeGreaterThan(50_000)
    const iced = new IcedDecoder(bytes, BigInt(address))
    const wrong = unsupported.filter(({ address: at, feature, bytes: own }) => {
      const theirs = iced.at(at - address)
      return theirs !== null && (theirs.length !== own.length || !agrees(feature, iced.features(at - address)))
    })
    iced.free()
    expect(wrong).toEqual([])
    expect(unsupported.some(({ feature }) => feature.startsWith('AVX'))).toBe(true)
  })

  /** Families that are not announced: what is refused outside of them is missing. */
  const LATER =
    /^(v[a-z]|k[a-z]+[bwdq]$|andn|bextr|bls|bzhi|mulx|pdep|pext$|rorx|sarx|shlx|shrx|adcx|adox|aes|sha\d|pclmul|xbegin|xabort|xend|xtest|rdrand|rdseed|incssp|rdpkru|wrpkru|xsavec|xsaves|xrstors|xsaveopt|gf2p8)/

  // Not libcrypto, whose code has tables between its functions.
  const present = [
    '/lib/x86_64-linux-gnu/libc.so.6',
    '/lib/x86_64-linux-gnu/libm.so.6',
    '/lib/x86_64-linux-gnu/libstdc++.so.6',
    '/bin/bash',
    '/usr/bin/perl',
    '/usr/bin/python3',
  ]
  test.each(present.filter((path) => existsSync(path)))('every mnemonic that objdump finds in %s', (path) => {
    const lines = execFileSync('objdump', ['-dw', '--insn-width=15', '-M', 'intel', '-j', '.text', path], {
      encoding: 'utf8',
      maxBuffer: 1 << 30,
    }).split('\n')
    const insn = new Insn()
    const bytes = new Uint8Array(16)
    const refused = new Map<string, string>()
    let count = 0
    for (const line of lines) {
      const [, raw, name] =
        /^\s*[0-9a-f]+:\t((?:[0-9a-f]{2} )+)\s*\t(?:(?:rep|repz|repnz|lock|bnd|notrack|data16|addr32|[cdefgs]s|rex(?:\.[WRXB]+)?|\{\w+\})\s+)*(\w+)/.exec(
          line,
        ) ?? []
      if (raw === undefined || name === undefined) continue
      const code = raw
        .trim()
        .split(' ')
        .map((byte) => parseInt(byte, 16))
      // It writes FWAIT and what follows as one, and data as far as it can.
      if (code[0] === 0x9b) continue
      bytes.fill(0)
      bytes.set(code)
      count++
      if (decoderFor().decode(bytes, 0, code.length, 0x1000, insn) !== DECODED.ok && !LATER.test(name))
        refused.set(name, line.trim())
    }
    expect(count).toBeGreaterThan(10_000)
    expect([...refused.values()]).toEqual([])
  })

  test('known starts keep data from hiding what follows', () => {
    // A byte of data that swallows the next instruction, AESENC; then RET.
    const code = Uint8Array.of(0xc3, 0xb8, 0x66, 0x0f, 0x38, 0xdc, 0xc1, 0xc3)
    expect(scanCode(code, 0x1000).unsupported).toEqual([])
    const { unsupported } = scanCode(code, 0x1000, [0x1000, 0x1002])
    expect(unsupported.map(({ form, feature, count, address }) => ({ form, feature, count, address }))).toEqual([
      { form: '66 0F 38 DC', feature: 'AES', count: 1, address: 0x1002 },
    ])
  })
})
