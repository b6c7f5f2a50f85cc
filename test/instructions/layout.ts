/** Exists so that generator, native harness and engine agree on addresses and record formats (harness.c repeats the numbers). */

/** Where the code of a case lies; the rest of the page is INT3, so that every way out of the instruction ends in a trap. */
export const CODE_BASE = 0x2000_0000
export const PAGE = 0x1000

/** The page that memory operands use; the pages beside it are not mapped. */
export const DATA_PAGE = 0x2000_2000
/** The part of the data page that is initialised and compared: its end, so that accesses can run over. */
export const WINDOW_BASE = 0x2000_2f00
export const WINDOW_SIZE = 256
/** Bases of FS and GS. */
export const FS_BASE = 0x2000_2c00
export const GS_BASE = 0x2000_2d00

/** Bytes of a state in the harness's files: 16 registers, RFLAGS, window, and the FXSAVE area when `vector` is set. */
export const INTEGER_STATE = 16 * 8 + 8 + WINDOW_SIZE
export const VECTOR_STATE = INTEGER_STATE + 512
/** Bytes before the state in a result: signal, si_code, rip, si_addr. */
export const RESULT_HEAD = 24
export const OFFSET_FLAGS = 128
export const OFFSET_WINDOW = 136
export const OFFSET_FX = 136 + WINDOW_SIZE

/** Signal numbers of Linux. */
export const SIGNAL = { ill: 4, trap: 5, bus: 7, fpe: 8, segv: 11 } as const

/** One instruction and the states it is executed in: `states` holds one state of `stateSize` bytes after the other. */
export interface Group {
  /** For messages: mnemonic, operands and shape. */
  name: string
  code: Uint8Array
  states: Uint8Array
  count: number
}

/** Results of a group, in the format of the harness: RESULT_HEAD + stateSize bytes each. */
export type Results = Uint8Array
