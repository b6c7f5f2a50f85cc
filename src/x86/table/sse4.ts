/** Exists to list SSE4.1 and SSE4.2 (Intel SDM vol. 1, 12.8 to 12.11); CRC32 is with the integer instructions. */
import { ops, type OpRow } from '../../ir/ops.ts'
import * as float from '../semantics/sse-horizontal.ts'
import { DOUBLES, SINGLES } from '../semantics/sse-horizontal.ts'
import { moveAligned } from '../semantics/sse-move.ts'
import { packed } from '../semantics/sse-operands.ts'
import * as text from '../semantics/sse-string.ts'
import * as select from '../semantics/sse4.ts'
import * as integer from '../semantics/ssse3.ts'
import type { InsnRow } from './types.ts'

const BW = [ops.i16x8_extend_low_i8x16_s, ops.i16x8_extend_low_i8x16_u]
const WD = [ops.i32x4_extend_low_i16x8_s, ops.i32x4_extend_low_i16x8_u]
const DQ = [ops.i64x2_extend_low_i32x4_s, ops.i64x2_extend_low_i32x4_u]

/** PMOVSXxx at 0F 38 20 to 25, PMOVZXxx 16 opcodes later: from, to, source operand, widenings. */
const EXTENSIONS: [name: string, source: string, steps: OpRow[][]][] = [
  ['BW', 'Uq/Mq', [BW]],
  ['BD', 'Ud/Md', [BW, WD]],
  ['BQ', 'Uw/Mw', [BW, WD, DQ]],
  ['WD', 'Uq/Mq', [WD]],
  ['WQ', 'Ud/Md', [WD, DQ]],
  ['DQ', 'Uq/Mq', [DQ]],
]
const extensions = EXTENSIONS.flatMap(([name, source, steps], n): InsnRow[] =>
  [0, 1].map((unsigned) => ({
    op: `66 0F 38 ${unsigned === 0 ? 2 : 3}${n}`,
    mnemonic: `PMOV${unsigned === 0 ? 'S' : 'Z'}X${name}`,
    operands: `Vdq,${source}`,
    lift: select.extend(...steps.map((step) => step[unsigned]!)),
    feature: 'sse4.1',
  })),
)

/** Rows of SSE4.1 and SSE4.2. */
export const sse4: readonly InsnRow[] = [
  // Selections.
  { op: '66 0F 3A 0C', mnemonic: 'BLENDPS', operands: 'Vps,Wps,Ib', lift: select.blend(4), feature: 'sse4.1' },
  { op: '66 0F 3A 0D', mnemonic: 'BLENDPD', operands: 'Vpd,Wpd,Ib', lift: select.blend(8), feature: 'sse4.1' },
  { op: '66 0F 3A 0E', mnemonic: 'PBLENDW', operands: 'Vdq,Wdq,Ib', lift: select.blend(2), feature: 'sse4.1' },
  { op: '66 0F 38 10', mnemonic: 'PBLENDVB', operands: 'Vdq,Wdq', lift: select.blendBySign(ops.i8x16_gt_s), feature: 'sse4.1' },
  { op: '66 0F 38 14', mnemonic: 'BLENDVPS', operands: 'Vps,Wps', lift: select.blendBySign(ops.i32x4_gt_s), feature: 'sse4.1' },
  { op: '66 0F 38 15', mnemonic: 'BLENDVPD', operands: 'Vpd,Wpd', lift: select.blendBySign(ops.i64x2_gt_s), feature: 'sse4.1' },
  { op: '66 0F 38 17', mnemonic: 'PTEST', operands: 'Vdq,Wdq', lift: select.test, feature: 'sse4.1' },

  // Single elements.
  { op: '66 0F 3A 14', mnemonic: 'PEXTRB', operands: 'Rd/Mb,Vdq,Ib', lift: select.extract(ops.i8x16_extract_lane_u, 15), feature: 'sse4.1' },
  { op: '66 0F 3A 15', mnemonic: 'PEXTRW', operands: 'Rd/Mw,Vdq,Ib', lift: select.extract(ops.i16x8_extract_lane_u, 7), feature: 'sse4.1' },
  { op: '66 0F 3A 16', mnemonic: 'PEXTRD', operands: 'Ed,Vdq,Ib', lift: select.extract(ops.i32x4_extract_lane, 3), feature: 'sse4.1' },
  { op: '66 REX.W 0F 3A 16', mnemonic: 'PEXTRQ', operands: 'Eq,Vdq,Ib', lift: select.extract(ops.i64x2_extract_lane, 1), feature: 'sse4.1' },
  { op: '66 0F 3A 17', mnemonic: 'EXTRACTPS', operands: 'Ed,Vdq,Ib', lift: select.extract(ops.i32x4_extract_lane, 3), feature: 'sse4.1' },
  { op: '66 0F 3A 20', mnemonic: 'PINSRB', operands: 'Vdq,Rd/Mb,Ib', lift: select.insert(ops.i8x16_replace_lane, 15), feature: 'sse4.1' },
  { op: '66 0F 3A 21', mnemonic: 'INSERTPS', operands: 'Vdq,Udq/Md,Ib', lift: select.insertSingle, feature: 'sse4.1' },
  { op: '66 0F 3A 22', mnemonic: 'PINSRD', operands: 'Vdq,Ed,Ib', lift: select.insert(ops.i32x4_replace_lane, 3), feature: 'sse4.1' },
  { op: '66 REX.W 0F 3A 22', mnemonic: 'PINSRQ', operands: 'Vdq,Eq,Ib', lift: select.insert(ops.i64x2_replace_lane, 1), feature: 'sse4.1' },
  { op: '66 0F 38 2A', mnemonic: 'MOVNTDQA', operands: 'Vdq,Mdq', lift: moveAligned, feature: 'sse4.1' },
  ...extensions,

  // Integer arithmetic and comparisons.
  { op: '66 0F 38 28', mnemonic: 'PMULDQ', operands: 'Vdq,Wdq', lift: integer.multiplyEvenSigned, feature: 'sse4.1' },
  { op: '66 0F 38 40', mnemonic: 'PMULLD', operands: 'Vdq,Wdq', lift: packed(ops.i32x4_mul), feature: 'sse4.1' },
  { op: '66 0F 38 29', mnemonic: 'PCMPEQQ', operands: 'Vdq,Wdq', lift: packed(ops.i64x2_eq), feature: 'sse4.1' },
  { op: '66 0F 38 37', mnemonic: 'PCMPGTQ', operands: 'Vdq,Wdq', lift: packed(ops.i64x2_gt_s), feature: 'sse4.2' },
  { op: '66 0F 38 2B', mnemonic: 'PACKUSDW', operands: 'Vdq,Wdq', lift: packed(ops.i16x8_narrow_i32x4_u), feature: 'sse4.1' },
  { op: '66 0F 38 38', mnemonic: 'PMINSB', operands: 'Vdq,Wdq', lift: packed(ops.i8x16_min_s), feature: 'sse4.1' },
  { op: '66 0F 38 39', mnemonic: 'PMINSD', operands: 'Vdq,Wdq', lift: packed(ops.i32x4_min_s), feature: 'sse4.1' },
  { op: '66 0F 38 3A', mnemonic: 'PMINUW', operands: 'Vdq,Wdq', lift: packed(ops.i16x8_min_u), feature: 'sse4.1' },
  { op: '66 0F 38 3B', mnemonic: 'PMINUD', operands: 'Vdq,Wdq', lift: packed(ops.i32x4_min_u), feature: 'sse4.1' },
  { op: '66 0F 38 3C', mnemonic: 'PMAXSB', operands: 'Vdq,Wdq', lift: packed(ops.i8x16_max_s), feature: 'sse4.1' },
  { op: '66 0F 38 3D', mnemonic: 'PMAXSD', operands: 'Vdq,Wdq', lift: packed(ops.i32x4_max_s), feature: 'sse4.1' },
  { op: '66 0F 38 3E', mnemonic: 'PMAXUW', operands: 'Vdq,Wdq', lift: packed(ops.i16x8_max_u), feature: 'sse4.1' },
  { op: '66 0F 38 3F', mnemonic: 'PMAXUD', operands: 'Vdq,Wdq', lift: packed(ops.i32x4_max_u), feature: 'sse4.1' },
  { op: '66 0F 38 41', mnemonic: 'PHMINPOSUW', operands: 'Vdq,Wdq', lift: integer.minimumPosition, feature: 'sse4.1' },
  { op: '66 0F 3A 42', mnemonic: 'MPSADBW', operands: 'Vdq,Wdq,Ib', lift: integer.slidingDifferences, feature: 'sse4.1' },

  // Floating point.
  { op: '66 0F 3A 08', mnemonic: 'ROUNDPS', operands: 'Vps,Wps,Ib', lift: float.roundPackedSingle, feature: 'sse4.1' },
  { op: '66 0F 3A 09', mnemonic: 'ROUNDPD', operands: 'Vpd,Wpd,Ib', lift: float.roundPackedDouble, feature: 'sse4.1' },
  { op: '66 0F 3A 0A', mnemonic: 'ROUNDSS', operands: 'Vss,Wss,Ib', lift: float.roundSingle, feature: 'sse4.1' },
  { op: '66 0F 3A 0B', mnemonic: 'ROUNDSD', operands: 'Vsd,Wsd,Ib', lift: float.roundDouble, feature: 'sse4.1' },
  { op: '66 0F 3A 40', mnemonic: 'DPPS', operands: 'Vps,Wps,Ib', lift: float.dotProduct(SINGLES), feature: 'sse4.1' },
  { op: '66 0F 3A 41', mnemonic: 'DPPD', operands: 'Vpd,Wpd,Ib', lift: float.dotProduct(DOUBLES), feature: 'sse4.1' },

  // Strings.
  { op: '66 0F 3A 60', mnemonic: 'PCMPESTRM', operands: 'Vdq,Wdq,Ib', lift: text.explicitMask, feature: 'sse4.2' },
  { op: '66 0F 3A 61', mnemonic: 'PCMPESTRI', operands: 'Vdq,Wdq,Ib', lift: text.explicitIndex, feature: 'sse4.2' },
  { op: '66 0F 3A 62', mnemonic: 'PCMPISTRM', operands: 'Vdq,Wdq,Ib', lift: text.implicitMask, feature: 'sse4.2' },
  { op: '66 0F 3A 63', mnemonic: 'PCMPISTRI', operands: 'Vdq,Wdq,Ib', lift: text.implicitIndex, feature: 'sse4.2' },
]
