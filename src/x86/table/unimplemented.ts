/** Exists to tell encodings that processors refuse (#UD) from instructions of real processors that are merely not implemented here. */

/**
 * Opcodes below which at least one instruction of some processor has no row, by map. When nothing is found below another opcode, the encoding is
 * reserved (Intel SDM vol. 2, appendix A; AMD APM vol. 3, appendix A; compared with another decoder by test/instructions/decoder.test.ts).
 */
const OPCODES = [
  // One byte: EVEX, XOP, VEX, XBEGIN and XABORT, FSTPNCE.
  '62 8F C4 C5 C6 C7 D9 DF',
  // 0F: descriptor tables, virtualisation, 3DNow!, MMX, XSAVE, and what came later.
  `00 01 02 03 0D 0E 0F 12 16 20 21 22 23 2A 2B 2C 2D 34 35 37 60 61 62 63 64 65 66 67 68 69 6A 6B 6E 6F 70 71 72 73 74 75 76 77 78 79 7C 7D 7E 7F
   A6 A7 AA AE C4 C5 C7 D0 D1 D2 D3 D4 D5 D6 D7 D8 D9 DA DB DC DD DE DF E0 E1 E2 E3 E4 E5 E7 E8 E9 EA EB EC ED EE EF
   F0 F1 F2 F3 F4 F5 F6 F7 F8 F9 FA FB FC FD FE`,
  // 0F 38: SSSE3, SSE4, SHA, AES, CRC32, ADX and later.
  `00 01 02 03 04 05 06 07 08 09 0A 0B 10 14 15 17 1C 1D 1E 20 21 22 23 24 25 28 29 2A 2B 30 31 32 33 34 35 37 38 39 3A 3B 3C 3D 3E 3F 40 41 80 81 82
   C8 C9 CA CB CC CD CF D8 DB DC DD DE DF F0 F1 F5 F6 F8 F9 FA FB FC`,
  // 0F 3A: the same families with an immediate.
  '08 09 0A 0B 0C 0D 0E 0F 14 15 16 17 20 21 22 40 41 42 44 60 61 62 63 CC CE CF DF F0',
]

const bitmap = new Uint8Array(1024)
OPCODES.forEach((list, map) => {
  for (const opcode of list.split(/\s+/)) bitmap[map * 256 + parseInt(opcode, 16)] = 1
})

/** Of some of them only these ModRM bytes (first and last): XABORT, XBEGIN, FSTPNCE, FNSTDW and FNSTSG. */
const MODRM: Record<number, readonly [number, number]> = { 0xc6: [0xf8, 0xf8], 0xc7: [0xf8, 0xf8], 0xd9: [0xd8, 0xdf], 0xdf: [0xe1, 0xe2] }

/** May this encoding, for which there is no row, be an instruction of some processor? `slot` is map·256 + opcode, `modrm` the byte behind it. */
export function mayExist(slot: number, modrm: number): boolean {
  if (bitmap[slot] !== 1) return false
  const only = MODRM[slot]
  return only === undefined || (modrm >= only[0] && modrm <= only[1])
}
