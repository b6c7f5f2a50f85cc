/**
 * Exists to say what translated code knows of string functions while definedness is checked, and where (wasm/runtime-strings.ts, engine/string-words.ts): tables in memory that the heap fills and
 * reads.
 */

/** What the call of a function must read; arguments by number. */
export const LOOK = {
  /** The string at 0. */
  string: 0,
  /** The same, at most 1 bytes. */
  bounded: 1,
  /** The string at 0, or up to the byte 1. */
  find: 2,
  /** Of 2 bytes at 0, those up to the byte 1. */
  findBytes: 3,
  /** Of 2 bytes at 0 and at 1, those up to a difference. */
  compareBytes: 4,
  /** The strings at 0 and 1, up to a difference. */
  compare: 5,
  /** The same, at most 2 bytes. */
  compareBounded: 6,
  /** 2 bytes at 1. */
  bytes: 7,
  /** The same, and they must not overlap what is written at 0. */
  copy: 8,
  /** The string at 1, which is copied to 0. */
  copyString: 9,
  /** The strings at 0 and 1. */
  both: 10,
} as const

/** What a load in a string function is that may read beyond a block: of a vector, or that in a function which searches by vectors. */
export const READ = { vector: 32, search: 33 } as const

/** What a function is that the engine has answered itself: by what is in the registers of its arguments, and it leaves a result. */
export const ANSWERED = 64

/** Entries (pc u32; LOOK, READ or ANSWERED u32) of the table by address; the thread's record, of which there are so many, by the base of FS, and its bytes. */
export const STRING_TABLE = { bits: 12, records: 0x8000, recordBits: 6, recordBytes: 64 } as const

/**
 * Offsets in the record of a thread: base of FS (u64), the stack pointer (u64) at the entry of its latest call and what lay there (u64), two ranges (start, length: u32 each), whether that
 * is its latest call (KNOWN, u32); and where it has read beyond a block: pc, stack pointer, address (u32 each; pc 0 for nowhere).
 */
export const RECORD = {
  fs: 0,
  stack: 8,
  back: 16,
  ranges: 24,
  known: 40,
  pc: 44,
  readStack: 48,
  address: 52,
} as const
/** What RECORD.known says: nothing, that this is the latest call, or that the engine's side knows better. */
export const KNOWN = { nothing: 0, here: 1, elsewhere: 2 } as const

/** How far from where a string function is reading what it read before can lie. */
export const NEAR = 256

/** From one place of an entry to the other. */
export const SECOND = 8

/** Knuth's multiplicative hash. */
export const STRING_FACTOR = 0x9e37_79b1 | 0

/** Where the entry of an address is, from the start of the table; or else it is at the place with bit SECOND changed. */
export const stringEntry = (pc: number): number => (Math.imul(pc, STRING_FACTOR) >>> (32 - STRING_TABLE.bits)) * 8
/** Where the record of a thread is, from the start of the table. */
export const stringRecord = (fs: number): number =>
  STRING_TABLE.records + (Math.imul(fs, STRING_FACTOR) >>> (32 - STRING_TABLE.recordBits)) * STRING_TABLE.recordBytes
