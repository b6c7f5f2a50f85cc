/** Exists to answer CPUID with exactly the features that are implemented (Intel SDM vol. 2, CPUID). */
import { STATE } from '../../ir/registers.ts'
import { ANNOUNCEMENTS, BASELINE, isAnnounced } from '../../x86/features.ts'

/**
 * Who the processor says it is; /proc/cpuinfo repeats it. Family and model are Silvermont's, the processor of level x86-64-v2 for which the GNU C library
 * prefers unaligned SSE2 loads to PCMPISTRI in strcmp and its relatives: that is faster here, too.
 */
export const PROCESSOR = {
  vendor: 'GenuineIntel',
  family: 6,
  model: 55,
  stepping: 8,
  name: 'lemming virtual CPU',
} as const

/** The extended state that XSAVE knows: x87 and SSE (XCR0), 512 bytes as FXSAVE has them and a header of 64 bytes; null on a processor without XSAVE. */
export const XSAVE = BASELINE.has('xsave') ? ({ components: 3, size: 576 } as const) : null

const MAX_LEAF = 13
const MAX_EXTENDED_LEAF = 0x8000_0008

/** A register of a leaf: the bits of all features that are announced there. */
function bits(leaf: number, register: 'ebx' | 'ecx' | 'edx'): number {
  return ANNOUNCEMENTS.reduce(
    (mask, a) => (a.leaf === leaf && a.register === register && isAnnounced(a) ? mask | (1 << a.bit) : mask),
    0,
  )
}

function text(s: string, at: number): number {
  return s.charCodeAt(at) | (s.charCodeAt(at + 1) << 8) | (s.charCodeAt(at + 2) << 16) | (s.charCodeAt(at + 3) << 24)
}

const BRAND = PROCESSOR.name.padEnd(48, '\0')

/** Deterministic cache parameters (leaf 4): [type, level, ways, sets], lines of 64 bytes. */
const CACHES = [
  [1, 1, 8, 64],
  [2, 1, 8, 64],
  [3, 2, 8, 1024],
  [3, 3, 16, 8192],
] as const

/** Stepping, model and family as leaf 1 packs them. */
const SIGNATURE =
  PROCESSOR.stepping | ((PROCESSOR.model & 15) << 4) | (PROCESSOR.family << 8) | ((PROCESSOR.model >> 4) << 16)

function leaf(n: number, subleaf: number): [number, number, number, number] {
  switch (n) {
    case 0:
      return [MAX_LEAF, text(PROCESSOR.vendor, 0), text(PROCESSOR.vendor, 8), text(PROCESSOR.vendor, 4)]
    case 1:
      // CLFLUSH line of 8 quadwords.
      return [SIGNATURE, 0x00000800, bits(1, 'ecx'), bits(1, 'edx')]
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
      return subleaf === 0 ? [0, bits(7, 'ebx'), bits(7, 'ecx'), bits(7, 'edx')] : [0, 0, 0, 0]
    case 13:
      // What XCR0 may have, bytes for what it has and for all it may have; subleaf 1: none of XSAVEOPT, XSAVEC, XGETBV(1), XSAVES.
      return subleaf === 0 && XSAVE !== null ? [XSAVE.components, XSAVE.size, XSAVE.size, 0] : [0, 0, 0, 0]
    case 0x8000_0000:
      return [MAX_EXTENDED_LEAF | 0, 0, 0, 0]
    case 0x8000_0001:
      return [0, 0, bits(n, 'ecx'), bits(n, 'edx')]
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

/** AT_HWCAP, which is EDX of leaf 1, and AT_HWCAP2 (bit 1: FSGSBASE instructions are enabled). */
export function hardwareCapabilities(): [number, number] {
  return [bits(1, 'edx'), BASELINE.has('fsgsbase') ? 2 : 0]
}

/** Features as /proc/cpuinfo lists them: those of CPUID, and what Linux finds out by itself. */
export function featureNames(): string {
  const announced = ANNOUNCEMENTS.filter((a) => a.name !== '' && isAnnounced(a)).map(({ name }) => name)
  const at = announced.indexOf('lm') + 1
  return [...announced.slice(0, at), 'constant_tsc', 'nopl', 'cpuid', ...announced.slice(at)].join(' ')
}
