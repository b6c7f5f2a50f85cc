/** Exists to say once what kind of processor the machine is: the decoder accepts, and CPUID, AT_HWCAP and /proc/cpuinfo announce, exactly these features. */
import type { Feature } from './table/types.ts'

/** The instructions that every x86-64 processor has (psABI level x86-64). */
const X86_64: readonly Feature[] = ['x87', 'mmx', 'sse', 'sse2', 'fxsr']

/** What level x86-64-v2 of the psABI adds; LAHF and SAHF need no feature here. */
const X86_64_V2: readonly Feature[] = [...X86_64, 'sse3', 'ssse3', 'sse4.1', 'sse4.2', 'popcnt', 'cx16']

/** Later instructions that stand alone, so that announcing them promises nothing else. */
const INDEPENDENT: readonly Feature[] = ['movbe', 'lzcnt', 'rdtscp', 'rdpid', 'fsgsbase', 'xsave', 'clflushopt', 'clwb']

/** The processor of the machine: level x86-64-v2, and what stands alone. */
export const BASELINE: ReadonlySet<Feature> = new Set<Feature>([...X86_64_V2, ...INDEPENDENT])

/** Where CPUID announces a feature, and under which name Linux lists it. */
export interface Announcement {
  /** Instructions behind the bit; without one the bit belongs to every x86-64 processor. */
  readonly feature?: Feature
  /** Name in /proc/cpuinfo. */
  readonly name: string
  readonly leaf: number
  readonly register: 'ebx' | 'ecx' | 'edx'
  readonly bit: number
}

/** All announcements (Intel SDM vol. 2, CPUID; subleaf 0 of each leaf), in the order of Linux's capability words. */
export const ANNOUNCEMENTS: readonly Announcement[] = [
  { name: 'fpu', leaf: 1, register: 'edx', bit: 0, feature: 'x87' },
  { name: 'tsc', leaf: 1, register: 'edx', bit: 4 },
  { name: 'cx8', leaf: 1, register: 'edx', bit: 8 },
  { name: 'pge', leaf: 1, register: 'edx', bit: 13 },
  { name: 'cmov', leaf: 1, register: 'edx', bit: 15 },
  { name: 'clflush', leaf: 1, register: 'edx', bit: 19 },
  { name: 'mmx', leaf: 1, register: 'edx', bit: 23, feature: 'mmx' },
  { name: 'fxsr', leaf: 1, register: 'edx', bit: 24, feature: 'fxsr' },
  { name: 'sse', leaf: 1, register: 'edx', bit: 25, feature: 'sse' },
  { name: 'sse2', leaf: 1, register: 'edx', bit: 26, feature: 'sse2' },
  { name: 'syscall', leaf: 0x8000_0001, register: 'edx', bit: 11 },
  { name: 'nx', leaf: 0x8000_0001, register: 'edx', bit: 20 },
  { name: 'rdtscp', leaf: 0x8000_0001, register: 'edx', bit: 27, feature: 'rdtscp' },
  { name: 'lm', leaf: 0x8000_0001, register: 'edx', bit: 29 },
  { name: 'pni', leaf: 1, register: 'ecx', bit: 0, feature: 'sse3' },
  { name: 'pclmulqdq', leaf: 1, register: 'ecx', bit: 1, feature: 'pclmulqdq' },
  { name: 'ssse3', leaf: 1, register: 'ecx', bit: 9, feature: 'ssse3' },
  { name: 'cx16', leaf: 1, register: 'ecx', bit: 13, feature: 'cx16' },
  { name: 'sse4_1', leaf: 1, register: 'ecx', bit: 19, feature: 'sse4.1' },
  { name: 'sse4_2', leaf: 1, register: 'ecx', bit: 20, feature: 'sse4.2' },
  { name: 'movbe', leaf: 1, register: 'ecx', bit: 22, feature: 'movbe' },
  { name: 'popcnt', leaf: 1, register: 'ecx', bit: 23, feature: 'popcnt' },
  { name: 'aes', leaf: 1, register: 'ecx', bit: 25, feature: 'aes' },
  { name: 'xsave', leaf: 1, register: 'ecx', bit: 26, feature: 'xsave' },
  // The kernel uses XSAVE for signal frames, and so sets CR4.OSXSAVE; Linux has no name for it.
  { name: '', leaf: 1, register: 'ecx', bit: 27, feature: 'xsave' },
  { name: 'lahf_lm', leaf: 0x8000_0001, register: 'ecx', bit: 0 },
  { name: 'abm', leaf: 0x8000_0001, register: 'ecx', bit: 5, feature: 'lzcnt' },
  { name: '3dnowprefetch', leaf: 0x8000_0001, register: 'ecx', bit: 8 },
  { name: 'fsgsbase', leaf: 7, register: 'ebx', bit: 0, feature: 'fsgsbase' },
  { name: 'bmi1', leaf: 7, register: 'ebx', bit: 3, feature: 'bmi1' },
  { name: 'adx', leaf: 7, register: 'ebx', bit: 19, feature: 'adx' },
  { name: 'clflushopt', leaf: 7, register: 'ebx', bit: 23, feature: 'clflushopt' },
  { name: 'clwb', leaf: 7, register: 'ebx', bit: 24, feature: 'clwb' },
  { name: 'sha_ni', leaf: 7, register: 'ebx', bit: 29, feature: 'sha' },
  { name: 'rdpid', leaf: 7, register: 'ecx', bit: 22, feature: 'rdpid' },
]

/** Does the machine's processor announce it? */
export const isAnnounced = (a: Announcement): boolean => a.feature === undefined || BASELINE.has(a.feature)
