/** Exists to list bit tests, scans, counts and byte swaps. */
import { FLAG } from '../../ir/flags.ts'
import * as bit from '../semantics/bits.ts'
import { crc32 } from '../semantics/crc32.ts'
import type { InsnRow } from './types.ts'

/** BT and relatives define CF and leave ZF. */
const TEST_UNDEFINED = FLAG.of | FLAG.sf | FLAG.af | FLAG.pf
const SCAN_UNDEFINED = TEST_UNDEFINED | FLAG.cf
const COUNT_UNDEFINED = TEST_UNDEFINED

/** Rows of this file. */
export const bits: readonly InsnRow[] = [
  { op: '0F A3', mnemonic: 'BT', operands: 'Ev,Gv', lift: bit.bt, undefined: TEST_UNDEFINED },
  { op: '0F AB', mnemonic: 'BTS', operands: 'Ev,Gv', lift: bit.bts, undefined: TEST_UNDEFINED, lock: true },
  { op: '0F B3', mnemonic: 'BTR', operands: 'Ev,Gv', lift: bit.btr, undefined: TEST_UNDEFINED, lock: true },
  { op: '0F BB', mnemonic: 'BTC', operands: 'Ev,Gv', lift: bit.btc, undefined: TEST_UNDEFINED, lock: true },
  { op: '0F BA /4', mnemonic: 'BT', operands: 'Ev,Ib', lift: bit.bt, undefined: TEST_UNDEFINED },
  { op: '0F BA /5', mnemonic: 'BTS', operands: 'Ev,Ib', lift: bit.bts, undefined: TEST_UNDEFINED, lock: true },
  { op: '0F BA /6', mnemonic: 'BTR', operands: 'Ev,Ib', lift: bit.btr, undefined: TEST_UNDEFINED, lock: true },
  { op: '0F BA /7', mnemonic: 'BTC', operands: 'Ev,Ib', lift: bit.btc, undefined: TEST_UNDEFINED, lock: true },

  { op: '0F BC', mnemonic: 'BSF', operands: 'Gv,Ev', lift: bit.bsf, undefined: SCAN_UNDEFINED },
  { op: '0F BD', mnemonic: 'BSR', operands: 'Gv,Ev', lift: bit.bsr, undefined: SCAN_UNDEFINED },
  { op: 'F3 0F BC', mnemonic: 'TZCNT', operands: 'Gv,Ev', lift: bit.tzcnt, undefined: COUNT_UNDEFINED, feature: 'bmi1' },
  { op: 'F3 0F BD', mnemonic: 'LZCNT', operands: 'Gv,Ev', lift: bit.lzcnt, undefined: COUNT_UNDEFINED, feature: 'lzcnt' },
  { op: 'F3 0F B8', mnemonic: 'POPCNT', operands: 'Gv,Ev', lift: bit.popcnt, feature: 'popcnt' },

  { op: '0F C8+r', mnemonic: 'BSWAP', operands: 'Zv', lift: bit.bswap },
  // F2 with and without 66 is CRC32.
  { op: 'F2 0F 38 F0', mnemonic: 'CRC32', operands: 'Gy,Eb', lift: crc32, feature: 'sse4.2' },
  { op: 'F2 0F 38 F1', mnemonic: 'CRC32', operands: 'Gy,Ev', lift: crc32, feature: 'sse4.2' },
  { op: 'NFx 0F 38 F0', mnemonic: 'MOVBE', operands: 'Gv,Mv', lift: bit.movbe, feature: 'movbe' },
  { op: 'NFx 0F 38 F1', mnemonic: 'MOVBE', operands: 'Mv,Gv', lift: bit.movbe, feature: 'movbe' },
]
