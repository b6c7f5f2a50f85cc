/** Exists to list moves, exchanges and conversions between widths. */
import { unsupported } from '../semantics/control.ts'
import * as move from '../semantics/move.ts'
import type { InsnRow } from './types.ts'

/** ES, CS, SS, DS, FS, GS; all but CS can be loaded. */
const SEGMENTS = [0, 1, 2, 3, 4, 5]
const LOADABLE = [0, 2, 3, 4, 5]

/** Rows of this file. */
export const moves: readonly InsnRow[] = [
  { op: '88', mnemonic: 'MOV', operands: 'Eb,Gb', lift: move.mov },
  { op: '89', mnemonic: 'MOV', operands: 'Ev,Gv', lift: move.mov },
  { op: '8A', mnemonic: 'MOV', operands: 'Gb,Eb', lift: move.mov },
  { op: '8B', mnemonic: 'MOV', operands: 'Gv,Ev', lift: move.mov },
  { op: 'A0', mnemonic: 'MOV', operands: 'AL,Ob', lift: move.mov },
  { op: 'A1', mnemonic: 'MOV', operands: 'rAX,Ov', lift: move.mov },
  { op: 'A2', mnemonic: 'MOV', operands: 'Ob,AL', lift: move.mov },
  { op: 'A3', mnemonic: 'MOV', operands: 'Ov,rAX', lift: move.mov },
  { op: 'B0+r', mnemonic: 'MOV', operands: 'Zb,Ib', lift: move.mov },
  { op: 'B8+r', mnemonic: 'MOV', operands: 'Zv,Iv', lift: move.mov },
  { op: 'C6 /0', mnemonic: 'MOV', operands: 'Eb,Ib', lift: move.mov },
  { op: 'C7 /0', mnemonic: 'MOV', operands: 'Ev,Iz', lift: move.mov },
  ...SEGMENTS.map((n): InsnRow => ({ op: `8C /${n}`, mnemonic: 'MOV', operands: 'Rv/Mw,Sw', lift: move.movFromSegment })),
  // Loading a segment register would need descriptor tables.
  ...LOADABLE.map((n): InsnRow => ({ op: `8E /${n}`, mnemonic: 'MOV', operands: 'Sw,Ew', lift: unsupported, untested: 'segment registers hold constants' })),
  { op: '8D', mnemonic: 'LEA', operands: 'Gv,M', lift: move.lea },

  { op: '0F B6', mnemonic: 'MOVZX', operands: 'Gv,Eb', lift: move.movzx },
  { op: '0F B7', mnemonic: 'MOVZX', operands: 'Gv,Ew', lift: move.movzx },
  { op: '0F BE', mnemonic: 'MOVSX', operands: 'Gv,Eb', lift: move.movsx },
  { op: '0F BF', mnemonic: 'MOVSX', operands: 'Gv,Ew', lift: move.movsx },
  { op: '63', mnemonic: 'MOVSXD', operands: 'Gv,Ed', lift: move.movsx },
  { op: 'o16 63', mnemonic: 'MOVSXD', operands: 'Gv,Ew', lift: move.movsx, untested: 'processors disagree on how many bytes are read' },
  { op: 'o16 98', mnemonic: 'CBW', operands: '', lift: move.cbw },
  { op: 'o32 98', mnemonic: 'CWDE', operands: '', lift: move.cbw },
  { op: 'o64 98', mnemonic: 'CDQE', operands: '', lift: move.cbw },
  { op: 'o16 99', mnemonic: 'CWD', operands: '', lift: move.cwd },
  { op: 'o32 99', mnemonic: 'CDQ', operands: '', lift: move.cwd },
  { op: 'o64 99', mnemonic: 'CQO', operands: '', lift: move.cwd },

  { op: '86', mnemonic: 'XCHG', operands: 'Eb,Gb', lift: move.xchg, lock: true },
  { op: '87', mnemonic: 'XCHG', operands: 'Ev,Gv', lift: move.xchg, lock: true },
  { op: '90+r', mnemonic: 'XCHG', operands: 'Zv,rAX', lift: move.xchgAccumulator },
  { op: '0F C0', mnemonic: 'XADD', operands: 'Eb,Gb', lift: move.xadd, lock: true },
  { op: '0F C1', mnemonic: 'XADD', operands: 'Ev,Gv', lift: move.xadd, lock: true },
  { op: '0F B0', mnemonic: 'CMPXCHG', operands: 'Eb,Gb', lift: move.cmpxchg, lock: true },
  { op: '0F B1', mnemonic: 'CMPXCHG', operands: 'Ev,Gv', lift: move.cmpxchg, lock: true },
  { op: '0F C7 /1', mnemonic: 'CMPXCHG8B', operands: 'Mq', lift: move.cmpxchg8b, lock: true },
  { op: 'REX.W 0F C7 /1', mnemonic: 'CMPXCHG16B', operands: 'Mdq', lift: move.cmpxchg16b, lock: true, feature: 'cx16' },
  { op: 'D7', mnemonic: 'XLATB', operands: '', lift: move.xlat },
]
