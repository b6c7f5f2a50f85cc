/** Exists to write signal sets, actions and siginfo the way strace(1) does. */
import { i64At, u64At } from './arguments.ts'
import type { CallView } from './declare.ts'
import { CODE, SIG, SIGNAL_MAX, signalName } from './signal-names.ts'
import { flagsText, hex, pointerText, type FlagTable } from './strace.ts'
import { syscallName } from './table-names.ts'

const SA_FLAGS: FlagTable = [
  [0x0400_0000, 'SA_RESTORER'],
  [0x0800_0000, 'SA_ONSTACK'],
  [0x1000_0000, 'SA_RESTART'],
  [0x2000_0000, 'SA_INTERRUPT'],
  [0x4000_0000, 'SA_NODEFER'],
  [0x8000_0000, 'SA_RESETHAND'],
  [4, 'SA_SIGINFO'],
  [1, 'SA_NOCLDSTOP'],
  [2, 'SA_NOCLDWAIT'],
]

/** `[INT CHLD]`; a set with more than half of the signals by those it lacks: `~[KILL STOP]`. */
export function sigset(set: bigint): string {
  const names: string[] = []
  const missing: string[] = []
  for (let signal = 1; signal <= SIGNAL_MAX; signal++) {
    const name = signalName(signal).slice(3)
    ;((set >> BigInt(signal - 1)) & 1n ? names : missing).push(name)
  }
  return names.length > SIGNAL_MAX / 2 ? `~[${missing.join(' ')}]` : `[${names.join(' ')}]`
}

/** The signal set at an address. */
export function maskText(address: number, { space }: CallView): string {
  const set = address === 0 ? null : space.readU64(address)
  return set === null ? pointerText(address) : sigset(set)
}

/** The kernel's struct sigaction. */
export function actionText(view: DataView): string {
  const handler = u64At(view, 0)
  const flags = view.getUint32(8, true)
  const handlerText = handler === 0 ? 'SIG_DFL' : handler === 1 ? 'SIG_IGN' : hex(handler)
  const restorer = flags & 0x0400_0000 ? `, sa_restorer=${pointerText(u64At(view, 16))}` : ''
  return `{sa_handler=${handlerText}, sa_mask=${sigset(view.getBigUint64(24, true))}, sa_flags=${flagsText(flags, SA_FLAGS, 'SA_???')}${restorer}}`
}

const CODES: Record<number, Record<number, string>> = {
  [SIG.ill]: { 1: 'ILL_ILLOPC', 2: 'ILL_ILLOPN' },
  [SIG.fpe]: {
    1: 'FPE_INTDIV',
    2: 'FPE_INTOVF',
    3: 'FPE_FLTDIV',
    4: 'FPE_FLTOVF',
    5: 'FPE_FLTUND',
    6: 'FPE_FLTRES',
    7: 'FPE_FLTINV',
  },
  [SIG.segv]: { 1: 'SEGV_MAPERR', 2: 'SEGV_ACCERR' },
  [SIG.bus]: { 1: 'BUS_ADRALN', 2: 'BUS_ADRERR' },
  [SIG.trap]: { 1: 'TRAP_BRKPT', 2: 'TRAP_TRACE' },
  [SIG.sys]: { 1: 'SYS_SECCOMP' },
  [SIG.chld]: {
    1: 'CLD_EXITED',
    2: 'CLD_KILLED',
    3: 'CLD_DUMPED',
    4: 'CLD_TRAPPED',
    5: 'CLD_STOPPED',
    6: 'CLD_CONTINUED',
  },
}
const GENERAL_CODES: Record<number, string> = {
  [CODE.user]: 'SI_USER',
  [CODE.kernel]: 'SI_KERNEL',
  [CODE.queue]: 'SI_QUEUE',
  [CODE.timer]: 'SI_TIMER',
  [CODE.tkill]: 'SI_TKILL',
}

/** `SEGV_MAPERR`: si_code by name, or its number. */
export function codeName(signal: number, code: number): string {
  return CODES[signal]?.[code] ?? GENERAL_CODES[code] ?? String(code)
}

const SYS_SECCOMP = 1

/** siginfo_t. */
export function infoText(view: DataView): string {
  const signal = view.getInt32(0, true)
  const code = view.getInt32(8, true)
  const head = `{si_signo=${signalName(signal)}, si_code=${codeName(signal, code)}`
  if (code === CODE.timer)
    return `${head}, si_timerid=${hex(view.getUint32(16, true))}, si_overrun=${view.getInt32(20, true)}, si_value={sival_int=${view.getInt32(24, true)}, sival_ptr=${pointerText(u64At(view, 24))}}}`
  if (code === SYS_SECCOMP && signal === SIG.sys)
    return `${head}, si_call_addr=${pointerText(u64At(view, 16))}, si_syscall=__NR_${syscallName(view.getInt32(24, true))}, si_arch=AUDIT_ARCH_X86_64}`
  if (code > 0 && code < CODE.kernel && signal !== SIG.chld) return `${head}, si_addr=${pointerText(u64At(view, 16))}}`
  const sender = `, si_pid=${view.getInt32(16, true)}, si_uid=${view.getUint32(20, true)}`
  if (code > 0 && signal === SIG.chld)
    return `${head}${sender}, si_status=${code === CODE.childExited ? view.getInt32(24, true) : signalName(view.getInt32(24, true))}, si_utime=${i64At(view, 32)}, si_stime=${i64At(view, 40)}}`
  if (code === CODE.kernel) return `${head}}`
  return `${head}${sender}${code === CODE.queue ? `, si_int=${view.getInt32(24, true)}, si_ptr=${pointerText(u64At(view, 24))}` : ''}}`
}
