/** Exists to say once what kind of processor the machine is: the decoder accepts, and CPUID announces, exactly these features. */
import type { Feature } from './table/types.ts'

/** The default processor: x86-64 as it began, and the later instructions that are implemented and can be announced on their own. */
export const BASELINE: ReadonlySet<Feature> = new Set<Feature>([
  'x87',
  'mmx',
  'sse',
  'sse2',
  'fxsr',
  'cx16',
  'popcnt',
  'movbe',
  'lzcnt',
  'rdtscp',
])
