/** Exists to hold what the lowering is told: the region, and the surroundings that its code will find. */
import type { Block } from '../ir/types.ts'

/** Parameters of a region function. The first one is an entry code; its low byte is the label of the entry. */
export const PARAMETER = { label: 0, fuel: 1, depth: 2 } as const

/** What the engine says about a region and its surroundings. */
export interface RegionInput {
  readonly blocks: readonly Block[]
  /** Indices into `blocks`; entry 0 is where the region starts. */
  readonly entries: readonly number[]
  /** Type index of a region function in the module being built. */
  readonly regionType: number
  /** Entry code (slot << 8 | entry) for control leaving to a guest address, or -1: return to the engine with that address. */
  codeFor(pc: number): number
  /** False for a single-step translation: nothing is called or chained, every transfer returns to the engine. */
  readonly chain: boolean
  /** Does it know which bits are defined? Then accesses to what is not ask whether it may be accessed at all. */
  readonly checked: boolean
  /**
   * Does an access that is not plainly allowed ask the runtime and go on? Otherwise the region is left, and the engine executes the instruction (EXIT.doubt): shorter code for what
   * hardly ever happens.
   */
  readonly careful: boolean
  /** Does other code look at the pages themselves where the pair byte (pairs.ts) is not plain? Most accesses of such pages do not cross into the next one. */
  readonly edges: boolean
  /** Is it clean code (lower-clean.ts)? Then the entry code of its first entry, else -1. */
  readonly clean: number
  /** Do indirect calls note where they go (targets.ts)? */
  readonly noting: boolean
  /** Entry code of the region's first entry. */
  readonly code: number
}

/** Where the lowered code finds its surroundings in the linear memory. */
export interface MemoryLayout {
  readonly stateBase: number
  readonly attributesBase: number
  /** Where the tables are that say of a page and the next one whether both are plain (pairs.ts). */
  readonly pairsBase: number
  /** From a byte to its V bits, in machines that check definedness. */
  readonly shadowDisplacement: number
  /** Where one bit for each byte says that it may not be accessed, in the same machines. */
  readonly unaddressableBase: number
  /** Where the word of registers that may be undefined is (ir/clean.ts), in the same machines. */
  readonly cleanBase: number
  /** Where the table of zones is; see zones.ts. */
  readonly zonesBase: number
  /** Where accesses outside of their zones are counted. */
  readonly missesBase: number
  /** Where a region that leaves an instruction to the engine puts its entry code. */
  readonly doubterBase: number
  /** Where the stack zone is described: start and size (i64 each). The size is never less than a page. */
  readonly zoneBase: number
  /** What scheduling points count with (runtime-points.ts). */
  readonly pointsBase: number
  /** Where indirect calls note where they go. */
  readonly targetsBase: number
  readonly jumpCacheBase: number
  readonly jumpCacheEntries: number
  /** Addresses at or above this are never mapped. */
  readonly guestLimit: number
  /** Addresses below this are never mapped. */
  readonly guestMin: number
}
