/** Exists to fix where things live in the linear memory of an address space, so that translated code can use constant addresses. */
import { PAIRS_SIZE } from '../wasm/pairs.ts'
import { TARGETS_ENTRIES } from '../wasm/targets.ts'
import { ZONE_LIST_SIZE, ZONES_SIZE } from '../wasm/zones.ts'
import { UNIT_TABLES } from './variant.ts'

/** Bytes in a page of the guest and in the attribute table's unit. */
export const PAGE_SIZE = 4096
export const PAGE_SHIFT = 12

/**
 * First address that no guest mapping may reach (1.75 GiB): guest addresses are indices into the memory,
 * and the room above is for tables and, in checked variants, the shadow.
 */
export const GUEST_LIMIT = 0x7000_0000

/** Lowest address a guest may map: the pages below hold the CPU state and the jump cache. */
export const GUEST_MIN = 0x1_0000

/** Where the CPU state of the running task lies (STATE_SIZE bytes, see ir/registers.ts). */
export const STATE_BASE = 0x1000

/** The stack zone, a range of plain pages around a stack pointer: start and size (u64 each). Above the CPU state. */
export const ZONE_BASE = 0x1800

/** Instructions that the block at hand had paid for and not executed when it stopped (u32). */
export const REFUND_BASE = 0x1810

/** Accesses outside of their zones (u32): paces the search for new ones, and nothing else depends on it. */
export const MISSES_BASE = 0x1814

/** Entry code of the region that left an instruction to the engine last (u32). */
export const DOUBTER_BASE = 0x1818

/** The word of registers that may be undefined while clean code runs, and where that stopped (ir/clean.ts; 16 bytes), above what is known of scheduling points. */
export const CLEAN_BASE = 0x1f00

/** What translated code knows of scheduling points (wasm/runtime-points.ts): 32 bytes, and one for each number of a system call. */
export const POINTS_BASE = 0x1820

/** The log of accesses (wasm/runtime-points.ts), between the jump cache and the guest's room. */
export const LOG_BASE = 0xc000

/** Direct-mapped cache from guest pc to translated entry: JUMP_CACHE_ENTRIES × (pc u32, entry code u32). */
export const JUMP_CACHE_BASE = 0x4000
export const JUMP_CACHE_ENTRIES = 4096

/** Room for the values of the bytecode that is being interpreted (units.ts): addresses below 64 KiB, so that an operand takes 16 bits. */
export const FRAME_BASE = 0x2000
export const FRAME_END = JUMP_CACHE_BASE

/**
 * Page attributes: one byte per guest page, GUEST_LIMIT / PAGE_SIZE of them, above the guest's room. The table goes on to the end of the 32-bit
 * addresses with pages that are never mapped, so that any low word of an address finds its attribute.
 */
export const ATTRIBUTES_BASE = GUEST_LIMIT
export const ATTRIBUTE_COUNT = GUEST_LIMIT / PAGE_SIZE
export const ATTRIBUTE_TABLE_SIZE = 0x10_0000

/** What is plain in each of those pages and the next one together (wasm/pairs.ts): for loads, then for stores. */
export const PAIRS_BASE = ATTRIBUTES_BASE + ATTRIBUTE_TABLE_SIZE

/** The table of zones (wasm/zones.ts), and the list of those in use. */
export const ZONES_BASE = PAIRS_BASE + 2 * PAIRS_SIZE
export const ZONE_LIST_BASE = ZONES_BASE + ZONES_SIZE

/** One bit for each byte of the guest's room: may it be accessed (addressable.ts)? Only for watched pages; takes no memory where there are none. */
export const ADDRESSABLE_BASE = Math.ceil((ZONE_LIST_BASE + ZONE_LIST_SIZE) / 0x1_0000) * 0x1_0000

/** Where the bytecode of each slot is (u32 each), or 0; slots above these have none. There is a table for each variant that is interpreted (variant.ts). */
export const UNITS_BASE = ADDRESSABLE_BASE + GUEST_LIMIT / 8
export const UNIT_SLOTS = 0x4_0000

/** A larger cache behind the jump cache (wasm/runtime-jumps.ts): as many entries of the same form. */
export const JUMPS_BASE = UNITS_BASE + UNIT_TABLES * UNIT_SLOTS * 4
export const JUMPS_ENTRIES = 0x2000

/** Where indirect calls went last (u32 each; wasm/targets.ts): a guess that nothing but speed depends on. */
export const TARGETS_BASE = JUMPS_BASE + JUMPS_ENTRIES * 8

/** Room for bytecode. */
export const BYTECODE_BASE = TARGETS_BASE + TARGETS_ENTRIES * 4
export const BYTECODE_END = 0x8000_0000

/** Size of the linear memory in wasm pages of 64 KiB: guest room and tables. */
export const MEMORY_WASM_PAGES = BYTECODE_END / 0x1_0000

/**
 * From a byte of the guest's room to its V bits (1: undefined), in spaces that have them. Less than 2^31, so that processors add it for nothing; what lies
 * below the first of them is free.
 */
export const SHADOW_DISPLACEMENT = 0x7fff_0000

/** Behind the V bits one bit for each byte of the guest's room: 1 for those of guarded pages that may not be accessed (addressable.ts). */
export const UNADDRESSABLE_BASE = 0xf000_0000

/** In the same spaces, what is known of string functions (wasm/runtime-strings.ts), and the word (u32) that says whether it may be used, above what clean code knows. */
export const STRINGS_BASE = UNADDRESSABLE_BASE + GUEST_LIMIT / 8
export const STRINGS_SIZE = 0x1_0000
export const STRINGS_FLAG = 0x1f10

/** Room for the bytecode of checked variants, which is longer. */
export const CHECKED_BYTECODE_BASE = STRINGS_BASE + STRINGS_SIZE
export const CHECKED_BYTECODE_END = 0xffff_0000

/** Size of the linear memory in wasm pages when it has V bits. */
export const CHECKED_WASM_PAGES = 0x1_0000

/**
 * Bits of a page attribute. A store may proceed when the whole byte is 0, a load when NO_READ is clear;
 * everything else takes the slow path.
 */
export const ATTRIBUTE = {
  noRead: 1,
  noWrite: 2,
  /** Translated code was made from this page. */
  code: 8,
  /** Not written since the last checkpoint. */
  clean: 16,
  /** Not mapped at all. */
  unmapped: 32,
  /** Can be read and written, but every access asks which bytes are addressable; goes with noRead and noWrite, so that all do. */
  watched: 64,
  /** Not written since `AddressSpace.keep`: a checkpoint has its contents. */
  kept: 128,
} as const

/** The attribute of a page that is not mapped. */
export const UNMAPPED = ATTRIBUTE.noRead | ATTRIBUTE.noWrite | ATTRIBUTE.unmapped
