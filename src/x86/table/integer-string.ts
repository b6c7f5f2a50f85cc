/** Exists to list the string instructions. */
import { EXIT } from '../../ir/exits.ts'
import { raise } from '../semantics/control.ts'
import * as string from '../semantics/string.ts'
import type { InsnRow } from './types.ts'

const PRIVILEGED = 'needs I/O privileges'

/** Rows of this file. */
export const strings: readonly InsnRow[] = [
  { op: 'A4', mnemonic: 'MOVSB', operands: 'Yb,Xb', lift: string.movs, repeat: 'rep' },
  { op: 'o16 A5', mnemonic: 'MOVSW', operands: 'Yv,Xv', lift: string.movs, repeat: 'rep' },
  { op: 'o32 A5', mnemonic: 'MOVSD', operands: 'Yv,Xv', lift: string.movs, repeat: 'rep' },
  { op: 'o64 A5', mnemonic: 'MOVSQ', operands: 'Yv,Xv', lift: string.movs, repeat: 'rep' },
  { op: 'A6', mnemonic: 'CMPSB', operands: 'Xb,Yb', lift: string.cmps, repeat: 'repz' },
  { op: 'o16 A7', mnemonic: 'CMPSW', operands: 'Xv,Yv', lift: string.cmps, repeat: 'repz' },
  { op: 'o32 A7', mnemonic: 'CMPSD', operands: 'Xv,Yv', lift: string.cmps, repeat: 'repz' },
  { op: 'o64 A7', mnemonic: 'CMPSQ', operands: 'Xv,Yv', lift: string.cmps, repeat: 'repz' },
  { op: 'AA', mnemonic: 'STOSB', operands: 'Yb,AL', lift: string.stos, repeat: 'rep' },
  { op: 'o16 AB', mnemonic: 'STOSW', operands: 'Yv,rAX', lift: string.stos, repeat: 'rep' },
  { op: 'o32 AB', mnemonic: 'STOSD', operands: 'Yv,rAX', lift: string.stos, repeat: 'rep' },
  { op: 'o64 AB', mnemonic: 'STOSQ', operands: 'Yv,rAX', lift: string.stos, repeat: 'rep' },
  { op: 'AC', mnemonic: 'LODSB', operands: 'AL,Xb', lift: string.lods, repeat: 'rep' },
  { op: 'o16 AD', mnemonic: 'LODSW', operands: 'rAX,Xv', lift: string.lods, repeat: 'rep' },
  { op: 'o32 AD', mnemonic: 'LODSD', operands: 'rAX,Xv', lift: string.lods, repeat: 'rep' },
  { op: 'o64 AD', mnemonic: 'LODSQ', operands: 'rAX,Xv', lift: string.lods, repeat: 'rep' },
  { op: 'AE', mnemonic: 'SCASB', operands: 'AL,Yb', lift: string.scas, repeat: 'repz' },
  { op: 'o16 AF', mnemonic: 'SCASW', operands: 'rAX,Yv', lift: string.scas, repeat: 'repz' },
  { op: 'o32 AF', mnemonic: 'SCASD', operands: 'rAX,Yv', lift: string.scas, repeat: 'repz' },
  { op: 'o64 AF', mnemonic: 'SCASQ', operands: 'rAX,Yv', lift: string.scas, repeat: 'repz' },
  { op: '6C', mnemonic: 'INSB', operands: 'Yb,DX', lift: raise(EXIT.generalProtection), repeat: 'rep', untested: PRIVILEGED },
  { op: 'o16 6D', mnemonic: 'INSW', operands: 'Yz,DX', lift: raise(EXIT.generalProtection), repeat: 'rep', untested: PRIVILEGED },
  { op: '6D', mnemonic: 'INSD', operands: 'Yz,DX', lift: raise(EXIT.generalProtection), repeat: 'rep', untested: PRIVILEGED },
  { op: '6E', mnemonic: 'OUTSB', operands: 'DX,Xb', lift: raise(EXIT.generalProtection), repeat: 'rep', untested: PRIVILEGED },
  { op: 'o16 6F', mnemonic: 'OUTSW', operands: 'DX,Xz', lift: raise(EXIT.generalProtection), repeat: 'rep', untested: PRIVILEGED },
  { op: '6F', mnemonic: 'OUTSD', operands: 'DX,Xz', lift: raise(EXIT.generalProtection), repeat: 'rep', untested: PRIVILEGED },
]
