/** Exists to number signals, their codes and flags as x86-64 Linux does (signal(7), sigaction(2)), and to say what each does by default. */

const NAMES =
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'.split(
    ' ',
  )

export const SIG = {
  hup: 1,
  int: 2,
  quit: 3,
  ill: 4,
  trap: 5,
  abrt: 6,
  bus: 7,
  fpe: 8,
  kill: 9,
  usr1: 10,
  segv: 11,
  usr2: 12,
  pipe: 13,
  alrm: 14,
  term: 15,
  chld: 17,
  cont: 18,
  stop: 19,
  tstp: 20,
  ttin: 21,
  ttou: 22,
  urg: 23,
  xcpu: 24,
  xfsz: 25,
  vtalrm: 26,
  prof: 27,
  winch: 28,
  io: 29,
  sys: 31,
} as const

/** Highest signal number; those from 32 on are queued and carry a value. */
export const SIGNAL_MAX = 64
export const REALTIME_MIN = 32

/** si_code values. */
export const CODE = {
  user: 0,
  kernel: 0x80,
  queue: -1,
  timer: -2,
  messageQueue: -3,
  io: -5,
  tkill: -6,
  mapError: 1,
  accessError: 2,
  busAddress: 2,
  intDivide: 1,
  floatDivide: 3,
  floatOverflow: 4,
  floatUnderflow: 5,
  floatResult: 6,
  floatInvalid: 7,
  illegalOperand: 2,
  breakpoint: 1,
  trace: 2,
  childExited: 1,
  childKilled: 2,
  childDumped: 3,
  childStopped: 5,
  childContinued: 6,
} as const

/** sa_flags. */
export const SA = {
  noChildStop: 1,
  noChildWait: 2,
  sigInfo: 4,
  onStack: 0x0800_0000,
  restart: 0x1000_0000,
  noDefer: 0x4000_0000,
  resetHand: 0x8000_0000,
  restorer: 0x0400_0000,
} as const

export const SIG_DFL = 0
export const SIG_IGN = 1

/** ss_flags. */
export const SS = { onStack: 1, disable: 2, autoDisarm: 0x8000_0000 } as const

/** 'SIGSEGV'; real-time signals as strace shows them (`SIGRT_2`), where 32 and 33 are the C library's own. */
export function signalName(signal: number): string {
  if (signal >= 1 && signal <= 31) return `SIG${NAMES[signal - 1]}`
  if (signal === 32) return 'SIGRTMIN'
  return signal > 32 && signal <= SIGNAL_MAX ? `SIGRT_${signal - 32}` : String(signal)
}

/** What a signal does to a process that says nothing about it. */
export type DefaultAction = 'terminate' | 'ignore' | 'stop' | 'continue'

export function defaultAction(signal: number): DefaultAction {
  switch (signal) {
    case SIG.chld:
    case SIG.urg:
    case SIG.winch:
      return 'ignore'
    case SIG.cont:
      return 'continue'
    case SIG.stop:
    case SIG.tstp:
    case SIG.ttin:
    case SIG.ttou:
      return 'stop'
    default:
      return 'terminate'
  }
}

/** The bit of `signal` in a signal set. */
export function bit(signal: number): bigint {
  return 1n << BigInt(signal - 1)
}

/** SIGKILL and SIGSTOP, which nobody blocks. */
export const UNBLOCKABLE = bit(SIG.kill) | bit(SIG.stop)

/** Signals that an instruction raises; they are taken first. */
export const SYNCHRONOUS = bit(SIG.ill) | bit(SIG.trap) | bit(SIG.bus) | bit(SIG.fpe) | bit(SIG.segv) | bit(SIG.sys)

/** Vectors as ucontext shows them (Intel SDM vol. 3, 6.3.1). */
export const TRAP = { divide: 0, debug: 1, breakpoint: 3, invalid: 6, protection: 13, page: 14, x87: 16, simd: 19 }
/** Page-fault error code bits (Intel SDM vol. 3, 4.7). */
export const PF = { present: 1, write: 2, user: 4, fetch: 16 }
