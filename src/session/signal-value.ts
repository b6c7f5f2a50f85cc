/** Exists so that `$_siginfo` is the structure that Linux has for the signal that ended a run, with gdb's names. */
import type { Inspector } from '../symbols/inspector.ts'
import { createInspector } from '../symbols/inspector.ts'
import { Value } from '../symbols/values/value.ts'

/** include/uapi/asm-generic/siginfo.h, in the names of gdb's `ptype $_siginfo`. */
const DECLARATION = `typedef union { int sival_int; void *sival_ptr; } sigval_t;
typedef struct {
  int si_signo;
  int si_errno;
  int si_code;
  union {
    int _pad[28];
    struct { int si_pid; unsigned int si_uid; } _kill;
    struct { int si_tid; int si_overrun; sigval_t si_sigval; } _timer;
    struct { int si_pid; unsigned int si_uid; sigval_t si_sigval; } _rt;
    struct { int si_pid; unsigned int si_uid; int si_status; long si_utime; long si_stime; } _sigchld;
    struct { void *si_addr; short _addr_lsb; struct { void *_lower; void *_upper; } _addr_bnd; } _sigfault;
    struct { long si_band; int si_fd; } _sigpoll;
    struct { void *_call_addr; int _syscall; unsigned int _arch; } _sigsys;
  } _sifields;
} siginfo_t;`

/** The bytes of a siginfo_t as a value. */
export function signalInfoValue(inspector: Inspector, info: Uint8Array): Value {
  // The program has types of these names, too.
  const own = createInspector(inspector.symbolizer)
  own.declare(DECLARATION)
  const { type, space } = own.valueAt(0, 'siginfo_t', {})
  return Value.of(type, info, space)
}
