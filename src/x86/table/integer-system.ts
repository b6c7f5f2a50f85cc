/** Exists to list flag instructions, hints, traps, processor identification, and what only a kernel may execute. */
import { EXIT } from '../../ir/exits.ts'
import { REG } from '../../ir/registers.ts'
import { int, moveSystemRegister, raise, syscall, trap, unsupported } from '../semantics/control.ts'
import { nothing } from '../semantics/move.ts'
import * as info from '../semantics/system.ts'
import type { InsnRow } from './types.ts'

const privileged = raise(EXIT.generalProtection)
const invalid = raise(EXIT.invalidOpcode)
const isControl = (register: number): boolean => [0, 2, 3, 4, 8].includes(register)
const isDebug = (register: number): boolean => register < 8
const MACHINE = 'the answer is the machine\'s own'
const SELECTOR = 'segment registers hold constants'

/** Rows of this file. */
export const system: readonly InsnRow[] = [
  { op: 'F5', mnemonic: 'CMC', operands: '', lift: info.cmc },
  { op: 'F8', mnemonic: 'CLC', operands: '', lift: info.clc },
  { op: 'F9', mnemonic: 'STC', operands: '', lift: info.stc },
  { op: 'FC', mnemonic: 'CLD', operands: '', lift: info.cld },
  { op: 'FD', mnemonic: 'STD', operands: '', lift: info.std },
  { op: '9E', mnemonic: 'SAHF', operands: '', lift: info.sahf },
  { op: '9F', mnemonic: 'LAHF', operands: '', lift: info.lahf },

  // Hints: no effect, and no access although some name memory.
  { op: 'F3 90', mnemonic: 'PAUSE', operands: '', lift: nothing },
  ...[0, 4, 5, 6, 7].map((n): InsnRow => ({ op: `0F 0D /${n}`, mnemonic: 'PREFETCH', operands: 'Mb', lift: nothing })),
  ...[1, 3].map((n): InsnRow => ({ op: `0F 0D /${n}`, mnemonic: 'PREFETCHW', operands: 'Mb', lift: nothing })),
  { op: '0F 0D /2', mnemonic: 'PREFETCHWT1', operands: 'Mb', lift: nothing },
  { op: '0F 18', mnemonic: 'NOP', operands: 'Ev', lift: nothing },
  { op: '0F 18 /0', mnemonic: 'PREFETCHNTA', operands: 'Mb', lift: nothing },
  { op: '0F 18 /1', mnemonic: 'PREFETCHT0', operands: 'Mb', lift: nothing },
  { op: '0F 18 /2', mnemonic: 'PREFETCHT1', operands: 'Mb', lift: nothing },
  { op: '0F 18 /3', mnemonic: 'PREFETCHT2', operands: 'Mb', lift: nothing },
  { op: '0F 19', mnemonic: 'NOP', operands: 'Ev', lift: nothing },
  { op: '0F 1A', mnemonic: 'NOP', operands: 'Ev', lift: nothing },
  { op: '0F 1B', mnemonic: 'NOP', operands: 'Ev', lift: nothing },
  { op: '0F 1C', mnemonic: 'NOP', operands: 'Ev', lift: nothing },
  { op: '0F 1D', mnemonic: 'NOP', operands: 'Ev', lift: nothing },
  { op: '0F 1E', mnemonic: 'NOP', operands: 'Ev', lift: nothing },
  { op: 'F3 0F 1E FA', mnemonic: 'ENDBR64', operands: '', lift: nothing },
  { op: 'F3 0F 1E FB', mnemonic: 'ENDBR32', operands: '', lift: nothing },
  { op: '0F 1F', mnemonic: 'NOP', operands: 'Ev', lift: nothing },

  { op: '0F 05', mnemonic: 'SYSCALL', operands: '', lift: syscall, f64: true, untested: MACHINE },
  { op: 'CC', mnemonic: 'INT3', operands: '', lift: trap(EXIT.breakpoint) },
  { op: 'CD', mnemonic: 'INT', operands: 'Ib', lift: int },
  { op: 'F1', mnemonic: 'INT1', operands: '', lift: trap(EXIT.debugTrap), untested: 'processors and hypervisors disagree on the address' },
  { op: '0F 0B', mnemonic: 'UD2', operands: '', lift: invalid },
  { op: '0F B9', mnemonic: 'UD1', operands: 'Gv,Ev', lift: invalid },
  { op: '0F FF', mnemonic: 'UD0', operands: 'Gv,Ev', lift: invalid },

  { op: '0F A2', mnemonic: 'CPUID', operands: '', lift: info.cpuid, untested: MACHINE },
  { op: '0F 31', mnemonic: 'RDTSC', operands: '', lift: info.rdtsc, untested: MACHINE },
  { op: '0F 01 F9', mnemonic: 'RDTSCP', operands: '', lift: info.rdtscp, feature: 'rdtscp', untested: MACHINE },
  { op: 'F3 0F C7 /7', mnemonic: 'RDPID', operands: 'Rq', lift: info.rdpid, f64: true, feature: 'rdpid', untested: MACHINE },
  { op: '0F 01 C8', mnemonic: 'MONITOR', operands: '', lift: invalid },
  { op: '0F 01 C9', mnemonic: 'MWAIT', operands: '', lift: invalid },
  { op: 'NP 0F 01 D1', mnemonic: 'XSETBV', operands: '', lift: privileged, feature: 'xsave' },
  { op: 'NP 0F 01 D0', mnemonic: 'XGETBV', operands: '', lift: info.xgetbv, feature: 'xsave', untested: MACHINE },
  { op: 'F3 0F AE /0', mnemonic: 'RDFSBASE', operands: 'Ry', lift: info.readBase(REG.fsBase), feature: 'fsgsbase' },
  { op: 'F3 0F AE /1', mnemonic: 'RDGSBASE', operands: 'Ry', lift: info.readBase(REG.gsBase), feature: 'fsgsbase' },
  { op: 'F3 0F AE /2', mnemonic: 'WRFSBASE', operands: 'Ry', lift: info.writeBase(REG.fsBase), feature: 'fsgsbase' },
  { op: 'F3 0F AE /3', mnemonic: 'WRGSBASE', operands: 'Ry', lift: info.writeBase(REG.gsBase), feature: 'fsgsbase' },

  // Far transfers and loads of segment registers would need descriptor tables.
  { op: '0F A1', mnemonic: 'POP', operands: 'FS', lift: unsupported, d64: true, untested: SELECTOR },
  { op: '0F A9', mnemonic: 'POP', operands: 'GS', lift: unsupported, d64: true, untested: SELECTOR },
  { op: '0F B2', mnemonic: 'LSS', operands: 'Gv,M', lift: unsupported, untested: SELECTOR },
  { op: '0F B4', mnemonic: 'LFS', operands: 'Gv,M', lift: unsupported, untested: SELECTOR },
  { op: '0F B5', mnemonic: 'LGS', operands: 'Gv,M', lift: unsupported, untested: SELECTOR },
  { op: 'FF /3', mnemonic: 'CALLF', operands: 'M', lift: unsupported, untested: SELECTOR },
  { op: 'FF /5', mnemonic: 'JMPF', operands: 'M', lift: unsupported, untested: SELECTOR },
  { op: 'CA', mnemonic: 'RETF', operands: 'Iw', lift: unsupported, untested: SELECTOR },
  { op: 'CB', mnemonic: 'RETF', operands: '', lift: unsupported, untested: SELECTOR },
  { op: 'o16 CF', mnemonic: 'IRET', operands: '', lift: unsupported, untested: SELECTOR },
  { op: 'o32 CF', mnemonic: 'IRETD', operands: '', lift: unsupported, untested: SELECTOR },
  { op: 'o64 CF', mnemonic: 'IRETQ', operands: '', lift: unsupported, untested: SELECTOR },

  // Privileged: #GP in user mode, whatever the operands.
  { op: 'F4', mnemonic: 'HLT', operands: '', lift: privileged },
  { op: 'FA', mnemonic: 'CLI', operands: '', lift: privileged },
  { op: 'FB', mnemonic: 'STI', operands: '', lift: privileged },
  { op: 'E4', mnemonic: 'IN', operands: 'AL,Ib', lift: privileged },
  { op: 'E5', mnemonic: 'IN', operands: 'eAX,Ib', lift: privileged },
  { op: 'E6', mnemonic: 'OUT', operands: 'Ib,AL', lift: privileged },
  { op: 'E7', mnemonic: 'OUT', operands: 'Ib,eAX', lift: privileged },
  { op: 'EC', mnemonic: 'IN', operands: 'AL,DX', lift: privileged },
  { op: 'ED', mnemonic: 'IN', operands: 'eAX,DX', lift: privileged },
  { op: 'EE', mnemonic: 'OUT', operands: 'DX,AL', lift: privileged },
  { op: 'EF', mnemonic: 'OUT', operands: 'DX,eAX', lift: privileged },
  { op: '0F 06', mnemonic: 'CLTS', operands: '', lift: privileged },
  { op: '0F 07', mnemonic: 'SYSRET', operands: '', lift: privileged },
  { op: 'o64 0F 07', mnemonic: 'SYSRETQ', operands: '', lift: privileged },
  { op: '0F 08', mnemonic: 'INVD', operands: '', lift: privileged },
  { op: '0F 09', mnemonic: 'WBINVD', operands: '', lift: privileged },
  { op: 'F3 0F 09', mnemonic: 'WBNOINVD', operands: '', lift: privileged },
  { op: '0F 30', mnemonic: 'WRMSR', operands: '', lift: privileged },
  { op: '0F 32', mnemonic: 'RDMSR', operands: '', lift: privileged },
  { op: '0F 33', mnemonic: 'RDPMC', operands: '', lift: privileged, untested: 'a kernel may allow it' },
  { op: '0F 20', mnemonic: 'MOV', operands: 'Rq,Cq', lift: moveSystemRegister(isControl), f64: true },
  { op: '0F 21', mnemonic: 'MOV', operands: 'Rq,Dq', lift: moveSystemRegister(isDebug), f64: true },
  { op: '0F 22', mnemonic: 'MOV', operands: 'Cq,Rq', lift: moveSystemRegister(isControl), f64: true },
  { op: '0F 23', mnemonic: 'MOV', operands: 'Dq,Rq', lift: moveSystemRegister(isDebug), f64: true },
  { op: '0F 00 /2', mnemonic: 'LLDT', operands: 'Ew', lift: privileged },
  { op: '0F 00 /3', mnemonic: 'LTR', operands: 'Ew', lift: privileged },
  { op: '0F 01 /2', mnemonic: 'LGDT', operands: 'M', lift: privileged },
  { op: '0F 01 /3', mnemonic: 'LIDT', operands: 'M', lift: privileged },
  { op: '0F 01 /6', mnemonic: 'LMSW', operands: 'Ew', lift: privileged },
  { op: '0F 01 /7', mnemonic: 'INVLPG', operands: 'Mb', lift: privileged },
  { op: '0F 01 F8', mnemonic: 'SWAPGS', operands: '', lift: privileged },
]
