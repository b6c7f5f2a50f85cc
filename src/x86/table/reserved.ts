/** Exists to tell encodings that every processor refuses (#UD) from instructions that are merely not implemented here. */

/** Is this encoding, for which there is no row, reserved on real processors? `next` is the byte after the opcode, or -1. */
export function isReserved(map: number, opcode: number, _next: number, _mandatory: number): boolean {
  return map === 0 && RESERVED_ONE_BYTE.has(opcode)
}

/** One-byte opcodes that 64-bit mode removed (Intel SDM vol. 2, table A-2, i64). C4, C5 and 62 are VEX and EVEX there. */
const RESERVED_ONE_BYTE = new Set([0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x82, 0x9a, 0xce, 0xd4, 0xd5, 0xd6, 0xea])
