/** Exists to say of an instruction that has no row what it is: its length, its encoding, and the feature that it belongs to (Intel SDM vol. 2, 2.3 and 2.7, appendix A). */

/** An instruction of other processors. */
export interface Foreign {
  /** Bytes; at most what was there. */
  length: number
  /** The encoding in the manual's terms, such as `VEX.256.66.0F38.W0 78`. */
  form: string
  /** The feature as the manual's CPUID column names it. */
  feature: string
}

const hex = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, '0')
const MAPS = ['', '0F', '0F38', '0F3A']
const PREFIXES = ['', '.66', '.F3', '.F2']

const listed = (codes: string): ReadonlySet<number> =>
  new Set(
    codes.split(' ').flatMap((code) => {
      const [first, last] = code.split('-').map((text) => parseInt(text, 16))
      return Array.from({ length: (last ?? first!) - first! + 1 }, (_, i) => first! + i)
    }),
  )

/** VEX opcodes of map 0F that came with AVX2 in their 256-bit form: the packed integers. */
const INTEGER_0F = listed('60-6D 70-76 D1-D5 D7-DF E0-E5 E8-EF F1-F6 F8-FE')
/** Masks of AVX-512 in map 0F. */
const MASKS_0F = listed('41 42 44-47 4A 4B 90-93 98 99')
/** Operations on packed integers of maps 0F38 and 0F3A: AVX with 128 bits, AVX2 with 256. */
const INTEGER_0F38 = listed('00-0B 1C-1E 20-25 28-2B 30-35 37-41')
const INTEGER_0F3A = listed('0E 0F 42 4C')
/** What came with AVX2 in either width. */
const AVX2_0F38 = listed('16 36 45-47 58-5A 78 79 8C 8E 90-93')
const AVX2_0F3A = listed('00-02 38 39 46')

/** Features of map 0F38 under VEX by opcode; the rest follows from the lists above. */
function vex0F38(opcode: number, prefix: number, wide: boolean, isRegister: boolean): string {
  if (opcode === 0xf2 || opcode === 0xf3) return 'BMI1'
  if (opcode === 0xf5 || opcode === 0xf6) return 'BMI2'
  if (opcode === 0xf7) return prefix === 0 ? 'BMI1' : 'BMI2'
  if (opcode >= 0x96 && opcode <= 0xbf && (opcode & 15) >= 6) return 'FMA'
  if (opcode === 0x13) return 'F16C'
  if (AVX2_0F38.has(opcode)) return 'AVX2'
  // Broadcasts from a register.
  if (opcode >= 0x18 && opcode <= 0x1a) return isRegister ? 'AVX2' : 'AVX'
  if (INTEGER_0F38.has(opcode)) return wide ? 'AVX2' : 'AVX'
  if (opcode >= 0x50 && opcode <= 0x53) return prefix === 1 ? 'AVX-VNNI' : 'AVX-VNNI-INT8'
  if (opcode === 0xd2 || opcode === 0xd3) return 'AVX-VNNI-INT16'
  if (opcode === 0xb4 || opcode === 0xb5) return 'AVX-IFMA'
  if (opcode === 0xb0 || opcode === 0xb1 || opcode === 0x72) return 'AVX-NE-CONVERT'
  if (opcode === 0xcf) return 'GFNI'
  if (opcode >= 0xdb && opcode <= 0xdf) return wide ? 'VAES' : 'AES'
  if (opcode >= 0xe0 && opcode <= 0xef) return 'CMPCCXADD'
  if (opcode >= 0xcb && opcode <= 0xcd) return 'SHA512'
  if (opcode === 0x49 || opcode === 0x4b || opcode === 0x5c || opcode === 0x5e || opcode === 0x6c) return 'AMX'
  return 'AVX'
}

function vexFeature(map: number, opcode: number, prefix: number, wide: boolean, isRegister: boolean): string {
  if (map === 2) return vex0F38(opcode, prefix, wide, isRegister)
  if (map === 3) {
    if (opcode === 0xf0) return 'BMI2'
    if (opcode >= 0x30 && opcode <= 0x33) return 'AVX512'
    if (opcode === 0x1d) return 'F16C'
    if (AVX2_0F3A.has(opcode)) return 'AVX2'
    if (INTEGER_0F3A.has(opcode)) return wide ? 'AVX2' : 'AVX'
    if (opcode === 0x44) return wide ? 'VPCLMULQDQ' : 'PCLMULQDQ'
    if (opcode === 0xce || opcode === 0xcf) return 'GFNI'
    if (opcode === 0xde) return 'SM3'
    if (opcode === 0xdf) return 'AES'
    if (opcode === 0x48 || opcode === 0x49) return 'XOP'
    return (opcode & 0xf0) >= 0x50 && (opcode & 8) !== 0 ? 'FMA4' : 'AVX'
  }
  if (MASKS_0F.has(opcode)) return 'AVX512'
  return wide && INTEGER_0F.has(opcode) ? 'AVX2' : 'AVX'
}

/** Bytes of ModRM, SIB and displacement from `p` on. */
function addressLength(bytes: Uint8Array, p: number): number {
  const modrm = bytes[p] ?? 0xc0
  const mod = modrm >> 6
  if (mod === 3) return 1
  const sib = (modrm & 7) === 4 ? 1 : 0
  const isAbsolute = mod === 0 && ((modrm & 7) === 5 || (sib === 1 && ((bytes[p + 1] ?? 0) & 7) === 5))
  return 1 + sib + (isAbsolute || mod === 2 ? 4 : mod)
}

/** Opcodes of map 0F that have a byte behind the address. */
const IMMEDIATE_0F = listed('70-73 A4 AC BA C2 C4-C6')

const isRegister = (modrm: number | undefined): boolean => (modrm ?? 0) >= 0xc0

function vex(bytes: Uint8Array, start: number, p: number): Foreign {
  const isLong = bytes[p] === 0xc4
  const map = isLong ? bytes[p + 1]! & 31 : 1
  const last = bytes[p + (isLong ? 2 : 1)]!
  const at = p + (isLong ? 3 : 2)
  const opcode = bytes[at]!
  const prefix = last & 3
  const wide = (last & 4) !== 0
  const zeroAll = map === 1 && opcode === 0x77
  const immediate = map === 3 || (map === 1 && IMMEDIATE_0F.has(opcode)) ? 1 : 0
  const length = at + 1 - start + (zeroAll ? 0 : addressLength(bytes, at + 1)) + immediate
  const w = isLong && map !== 1 ? `.W${last >> 7}` : ''
  return {
    length,
    form: `VEX.${wide ? 256 : 128}${PREFIXES[prefix]}.${MAPS[map] ?? `MAP${map}`}${w} ${hex(opcode)}`,
    feature: map < 4 ? vexFeature(map, opcode, prefix, wide, isRegister(bytes[at + 1])) : 'APX',
  }
}

function evex(bytes: Uint8Array, start: number, p: number): Foreign {
  const map = bytes[p + 1]! & 7
  const opcode = bytes[p + 4]!
  const immediate = map === 3 || (map === 1 && IMMEDIATE_0F.has(opcode)) ? 1 : 0
  const width = [128, 256, 512, 512][(bytes[p + 3]! >> 5) & 3]
  return {
    length: p + 5 - start + addressLength(bytes, p + 5) + immediate,
    form: `EVEX.${width}${PREFIXES[bytes[p + 2]! & 3]}.${MAPS[map] ?? `MAP${map}`}.W${bytes[p + 2]! >> 7} ${hex(opcode)}`,
    feature: map === 4 ? 'APX' : 'AVX512',
  }
}

function xop(bytes: Uint8Array, start: number, p: number): Foreign {
  const map = bytes[p + 1]! & 31
  const immediate = map === 8 ? 1 : map === 10 ? 4 : 0
  return {
    length: p + 4 - start + addressLength(bytes, p + 4) + immediate,
    form: `XOP.${map} ${hex(bytes[p + 3]!)}`,
    feature: map === 9 && bytes[p + 3]! < 3 ? 'TBM' : map === 10 ? 'TBM' : 'XOP',
  }
}

/** Features of map 0F by opcode, ModRM.reg and prefix (0 none, 1 66, 2 F3, 3 F2). */
function feature0F(opcode: number, modrm: number, prefix: number): string {
  const reg = (modrm >> 3) & 7
  if (opcode === 0x0e || opcode === 0x0f) return '3DNOW'
  if (opcode === 0x01) {
    if (modrm === 0xd5 || modrm === 0xd6) return 'RTM'
    if (modrm === 0xee || modrm === 0xef) return 'PKU'
    if (modrm === 0xe8 && prefix === 0) return 'SERIALIZE'
    return modrm >= 0xc0 && reg < 4 ? 'VMX, SVM' : 'system'
  }
  if (opcode === 0xc7) {
    if (modrm < 0xc0) return reg === 4 ? 'XSAVEC' : reg === 3 || reg === 5 ? 'XSAVES' : 'VMX'
    if (prefix === 2) return 'UINTR'
    return reg === 6 ? 'RDRAND' : 'RDSEED'
  }
  if (opcode === 0xae) {
    if (prefix === 0) return 'XSAVEOPT'
    if (prefix === 2 && reg !== 6) return reg === 5 ? 'CET_SS' : 'PTWRITE'
    return prefix === 2 && modrm < 0xc0 ? 'CET_SS' : 'WAITPKG'
  }
  if (opcode === 0x78 || opcode === 0x79) return prefix === 0 ? 'VMX' : 'SSE4A'
  if (opcode === 0x2b) return 'SSE4A'
  if (opcode === 0xa6 || opcode === 0xa7) return 'PADLOCK'
  return 'system'
}

/** Features of map 0F38 that have no VEX form. */
function feature0F38(opcode: number, prefix: number): string {
  if (opcode >= 0xc8 && opcode <= 0xcd) return 'SHA'
  if (opcode === 0xcf) return 'GFNI'
  if (opcode >= 0xdb && opcode <= 0xdf) return prefix === 2 ? 'AESKLE' : 'AES'
  if (opcode === 0xd8 || opcode >= 0xfa) return 'AESKLE'
  if (opcode >= 0x80 && opcode <= 0x82) return opcode === 0x82 ? 'INVPCID' : 'VMX'
  if (opcode === 0xf5) return 'CET_SS'
  if (opcode === 0xf6) return prefix === 0 ? 'CET_SS' : 'ADX'
  if (opcode === 0xf8) return prefix === 1 ? 'MOVDIR64B' : 'ENQCMD'
  return opcode === 0xf9 ? 'MOVDIRI' : 'system'
}

/** Describes the instruction at `bytes[position…end)`, which the decoder has called unsupported. Bytes that are not there count as zero. */
export function describeForeign(bytes: Uint8Array, position: number, end: number): Foreign {
  const code = new Uint8Array(32)
  code.set(bytes.subarray(position, Math.min(end, position + 15)))
  let p = 0
  let prefix = 0
  for (; p < 14; p++) {
    const byte = code[p]!
    if (byte === 0x66) prefix ||= 1
    else if (byte === 0xf3 || byte === 0xf2) prefix = byte === 0xf3 ? 2 : 3
    else if (!((byte & 0xf0) === 0x40 || (byte & 0xe7) === 0x26 || (byte >= 0x64 && byte <= 0x67) || byte === 0xf0))
      break
  }
  const found = at(code, p, prefix)
  return { ...found, length: Math.min(found.length, 15, end - position) }
}

function at(code: Uint8Array, p: number, prefix: number): Foreign {
  const byte = code[p]!
  if (byte === 0xc4 || byte === 0xc5) return vex(code, 0, p)
  if (byte === 0x62) return evex(code, 0, p)
  if (byte === 0x8f) return xop(code, 0, p)
  const dot = PREFIXES[prefix]!.slice(1)
  const lead = dot === '' ? '' : `${dot} `
  if (byte !== 0x0f) {
    // XBEGIN and XABORT; what else is missing are aliases of x87 instructions.
    const isTransaction = byte === 0xc6 || byte === 0xc7
    const immediate = byte === 0xc6 ? 1 : byte === 0xc7 ? 4 : 0
    return {
      length: p + 1 + addressLength(code, p + 1) + immediate,
      form: `${hex(byte)} ${hex(code[p + 1]!)}`,
      feature: isTransaction ? 'RTM' : 'x87',
    }
  }
  const second = code[p + 1]!
  if (second === 0x38 || second === 0x3a) {
    const opcode = code[p + 2]!
    const immediate = second === 0x3a ? 1 : 0
    const feature =
      second === 0x38
        ? feature0F38(opcode, prefix)
        : opcode === 0x44
          ? 'PCLMULQDQ'
          : opcode === 0xdf
            ? 'AES'
            : opcode === 0xcc
              ? 'SHA'
              : opcode === 0xf0
                ? 'HRESET'
                : 'GFNI'
    return {
      length: p + 3 + addressLength(code, p + 3) + immediate,
      form: `${lead}0F ${hex(second)} ${hex(opcode)}`,
      feature,
    }
  }
  const modrm = code[p + 2]!
  const hasModrm = second !== 0x0e && !(second >= 0x34 && second <= 0x37) && second !== 0xaa
  const isExtract = (second === 0x78 && prefix !== 0 ? 2 : 0) + (second === 0x0f ? 1 : 0)
  const digit = hasModrm && [0x00, 0x01, 0xae, 0xc7].includes(second) ? ` /${(modrm >> 3) & 7}` : ''
  // Moves of control and debug registers: whatever ModRM.mod says, it is a register.
  const address = second >= 0x20 && second <= 0x23 ? 1 : hasModrm ? addressLength(code, p + 2) : 0
  return {
    length: p + 2 + address + isExtract,
    form: `${lead}0F ${hex(second)}${digit}`,
    feature: feature0F(second, modrm, prefix),
  }
}
