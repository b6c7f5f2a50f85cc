/** Exists to answer CPUID with exactly the features that are implemented (Intel SDM vol. 2, CPUID). */
import { STATE } from '../../ir/registers.ts'
import { BASELINE } from '../../x86/features.ts'
import type { Feature } from '../../x86/table/types.ts'

const MAX_LEAF = 7
const MAX_EXTENDED_LEAF = 0x8000_0008

/** Leaf 1: features in ECX and EDX by bit. TSC, CX8, CMOV, and others that belong to every x86-64 processor are always there. */
const LEAF1_ECX: [Feature, number][] = [
  ['sse3', 0],
  ['pclmulqdq', 1],
  ['ssse3', 9],
  ['cx16', 13],
  ['sse4.1', 19],
  ['sse4.2', 20],
  ['movbe', 22],
  ['popcnt', 23],
  ['aes', 25],
  ['xsave', 26],
]
const LEAF1_EDX: [Feature, number][] = [
  ['x87', 0],
  ['mmx', 23],
  ['fxsr', 24],
  ['sse', 25],
  ['sse2', 26],
]
/** TSC, CX8, PGE, CMOV, CLFSH. */
const LEAF1_EDX_BASE = (1 << 4) | (1 << 8) | (1 << 13) | (1 << 15) | (1 << 19)

function bits(rows: readonly [Feature, number][]): number {
  return rows.reduce((mask, [feature, bit]) => (BASELINE.has(feature) ? mask | (1 << bit) : mask), 0)
}

function text(s: string, at: number): number {
  return s.charCodeAt(at) | (s.charCodeAt(at + 1) << 8) | (s.charCodeAt(at + 2) << 16) | (s.charCodeAt(at + 3) << 24)
}

const BRAND = 'lemming virtual CPU'.padEnd(48, '\0')

/** Deterministic cache parameters (leaf 4): [type, level, ways, sets], lines of 64 bytes. */
const CACHES = [
  [1, 1, 8, 64],
  [2, 1, 8, 64],
  [3, 2, 8, 1024],
  [3, 3, 16, 8192],
] as const

function leaf(n: number, subleaf: number): [number, number, number, number] {
  switch (n) {
    case 0:
      return [MAX_LEAF, text('GenuineIntel', 0), text('GenuineIntel', 8), text('GenuineIntel', 4)]
    case 1:
      // Family 6, model 44, stepping 2; CLFLUSH line of 8 quadwords.
      return [0x000206c2, 0x00000800, bits(LEAF1_ECX), bits(LEAF1_EDX) | LEAF1_EDX_BASE]
    case 2:
      // Descriptor FF: see leaf 4.
      return [0x00ff_0001, 0, 0, 0]
    case 4: {
      const cache = CACHES[subleaf]
      if (cache === undefined) return [0, 0, 0, 0]
      const [type, level, ways, sets] = cache
      return [type | (level << 5) | 0x100, 63 | ((ways - 1) << 22), sets - 1, 0]
    }
    case 7:
      return subleaf === 0
        ? [0, (BASELINE.has('bmi1') ? 8 : 0) | (BASELINE.has('fsgsbase') ? 1 : 0), 0, 0]
        : [0, 0, 0, 0]
    case 0x8000_0000:
      return [MAX_EXTENDED_LEAF | 0, 0, 0, 0]
    case 0x8000_0001:
      // LAHF in 64-bit mode, LZCNT; SYSCALL, NX, RDTSCP, long mode.
      return [
        0,
        0,
        1 | (BASELINE.has('lzcnt') ? 1 << 5 : 0),
        (1 << 11) | (1 << 20) | (BASELINE.has('rdtscp') ? 1 << 27 : 0) | (1 << 29),
      ]
    case 0x8000_0002:
    case 0x8000_0003:
    case 0x8000_0004: {
      const at = (n - 0x8000_0002) * 16
      return [text(BRAND, at), text(BRAND, at + 4), text(BRAND, at + 8), text(BRAND, at + 12)]
    }
    case 0x8000_0006:
      return [0, 0, (512 << 16) | (6 << 12) | 64, 0]
    case 0x8000_0008:
      // 48 bits of physical and of virtual address.
      return [0x3030, 0, 0, 0]
    default:
      return [0, 0, 0, 0]
  }
}

/** EAX, EBX, ECX, EDX of a leaf to scratch[0..16). Unknown leaves are zero, as on AMD. */
export function cpuid(state: DataView, n: number, subleaf: number): number {
  leaf(n, subleaf).forEach((value, i) => state.setInt32(STATE.scratch + 4 * i, value, true))
  return 0
}
