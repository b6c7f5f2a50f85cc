/** Exists to declare the calls by which a process learns what became of its children. */
import { asU64, flags, int, number, oneOf, setI64, structOut, timevalText } from '../arguments.ts'
import { BLOCKED, syscall, type ArgType, type Declaration } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import { reap } from '../exit.ts'
import { pidOfFd } from '../fs/pidfd.ts'
import type { Kernel } from '../kernel.ts'
import { writeInfo } from '../signal-frame.ts'
import { CODE, SIG, signalName } from '../signal-names.ts'
import { infoText } from '../signal-text.ts'
import { signalInfo } from '../signals.ts'
import type { Process, Task } from '../state.ts'
import { pointerText } from '../strace.ts'
import { isZombie, newWait } from '../tasks.ts'
import { split } from '../user.ts'

const W = {
  noHang: 1,
  stopped: 2,
  exited: 4,
  continued: 8,
  noWait: 0x100_0000,
  noThread: 0x2000_0000,
  all: 0x4000_0000,
  clone: 0x8000_0000,
} as const

/** A child with news. */
interface News {
  child: Process
  kind: 'exited' | 'stopped' | 'continued'
}

/** The first child with news that `options` ask for; 'later' when such a child may still have some, or -ECHILD. */
function findNews(k: Kernel, t: Task, isMeant: (child: Process) => boolean, options: number): News | 'later' | number {
  const { processes } = k.state
  let any = false
  for (const pid of k.process(t).children) {
    const child = processes.get(pid)!
    if (!isMeant(child)) continue
    if (!(options & W.all) && (child.exitSignal !== SIG.chld) !== (options & W.clone) < 0) continue
    any = true
    if (isZombie(child)) {
      if (options & W.exited) return { child, kind: 'exited' }
    } else if (child.unreported === 'stopped' && options & W.stopped) return { child, kind: 'stopped' }
    else if (child.unreported === 'continued' && options & W.continued) return { child, kind: 'continued' }
  }
  return any ? 'later' : -ERRNO.ECHILD
}

/** Takes note that the news have been heard, unless they were only looked at. */
function hear(k: Kernel, { child, kind }: News, options: number): void {
  if (options & W.noWait) return
  if (kind === 'exited') reap(k, child, true)
  else child.unreported = null
}

/** The status word of wait4. */
function statusOf({ child, kind }: News): number {
  return kind === 'exited' ? child.exitStatus! : kind === 'stopped' ? (child.stopSignal << 8) | 0x7f : 0xffff
}

const RUSAGE_SIZE = 144

/** struct rusage with the CPU time of a child and its own. */
function writeRusage(k: Kernel, t: Task, address: number, child: Process | null): boolean {
  const bytes = new Uint8Array(RUSAGE_SIZE)
  const view = new DataView(bytes.buffer)
  const count = child === null ? 0 : child.count + child.childrenCount
  const time = split(count * k.state.constants.nsPerInstruction)
  setI64(view, 0, time.seconds)
  setI64(view, 8, Math.floor(time.ns / 1000))
  return k.space(t).write(address, bytes)
}

function wait4(k: Kernel, t: Task, args: number[]): number {
  const [pid, statusAddress, options, rusage] = args as [number, number, number, number]
  if (options & ~(W.noHang | W.stopped | W.continued | W.noThread | W.all | W.clone)) return -ERRNO.EINVAL
  if (pid === -0x8000_0000) return -ERRNO.ESRCH
  const group = pid === 0 ? k.process(t).pgid : -pid
  const news = findNews(
    k,
    t,
    (child) => pid === -1 || (pid > 0 ? child.pid === pid : child.pgid === group),
    options | W.exited,
  )
  if (typeof news === 'number') return news
  if (news === 'later') {
    if (options & W.noHang) return 0
    t.wait = newWait({ nr: 61, args, kind: 'child' })
    return BLOCKED
  }
  const status = statusOf(news)
  hear(k, news, options)
  if (statusAddress !== 0 && !k.space(t).writeU32(statusAddress, status)) return -ERRNO.EFAULT
  if (rusage !== 0 && !writeRusage(k, t, rusage, news.child)) return -ERRNO.EFAULT
  return news.child.pid
}

const P = { all: 0, pid: 1, pgid: 2, pidfd: 3 } as const

function waitid(k: Kernel, t: Task, args: number[]): number {
  const [type, id, infoAddress, options, rusage] = args as [number, number, number, number, number]
  const wanted = options & (W.exited | W.stopped | W.continued)
  if (options & ~(wanted | W.noHang | W.noWait | W.noThread | W.all | W.clone) || wanted === 0) return -ERRNO.EINVAL
  let pid = id
  if (type === P.pidfd) {
    pid = id < 0 ? -ERRNO.EINVAL : pidOfFd(k, t, id)
    if (pid < 0) return pid
  } else if ((type === P.pid && id <= 0) || (type === P.pgid && id < 0) || type < P.all || type > P.pidfd)
    return -ERRNO.EINVAL
  const group = id === 0 ? k.process(t).pgid : id
  const news = findNews(
    k,
    t,
    (child) => type === P.all || (type === P.pgid ? child.pgid === group : child.pid === pid),
    options,
  )
  if (typeof news === 'number') return news
  if (news === 'later' && !(options & W.noHang)) {
    t.wait = newWait({ nr: 247, args, kind: 'child' })
    return BLOCKED
  }
  const bytes = new Uint8Array(128)
  if (news !== 'later') {
    const { child, kind } = news
    const status = child.exitStatus ?? 0
    const killed = (status & 0x7f) !== 0
    const [code, value] =
      kind === 'exited'
        ? [killed ? CODE.childKilled : CODE.childExited, killed ? status & 0x7f : status >>> 8]
        : kind === 'stopped'
          ? [CODE.childStopped, child.stopSignal]
          : [CODE.childContinued, SIG.cont]
    const uid = child.credentials.uid[0]
    writeInfo(bytes, signalInfo(SIG.chld, code, { pid: child.pid, uid, status: value }))
    hear(k, news, options)
  }
  if (infoAddress !== 0) {
    // All but the six fields of SIGCHLD stays as it was.
    const space = k.space(t)
    if (!space.write(infoAddress, bytes.subarray(0, 12)) || !space.write(infoAddress + 16, bytes.subarray(16, 28)))
      return -ERRNO.EFAULT
  }
  if (rusage !== 0 && !writeRusage(k, t, rusage, news === 'later' ? null : news.child)) return -ERRNO.EFAULT
  return 0
}

/** `[{WIFEXITED(s) && WEXITSTATUS(s) == 1}]`. */
function statusText(status: number): string {
  const signal = status & 0x7f
  if (status === 0xffff) return '[{WIFCONTINUED(s)}]'
  if ((status & 0xff) === 0x7f) return `[{WIFSTOPPED(s) && WSTOPSIG(s) == ${signalName((status >>> 8) & 0xff)}}]`
  if (signal === 0) return `[{WIFEXITED(s) && WEXITSTATUS(s) == ${(status >>> 8) & 0xff}}]`
  return `[{WIFSIGNALED(s) && WTERMSIG(s) == ${signalName(signal)}${status & 0x80 ? ' && WCOREDUMP(s)' : ''}}]`
}

const statusArg: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, { result, space }) => {
    const status = value !== 0 && result !== null && result > 0 ? space.readU32(value) : null
    return status === null ? pointerText(value) : statusText(status)
  },
  writes: (value, { result }) => (result === 0 ? [] : [{ start: value, length: 4 }]),
}

const rusageText = (view: DataView): string =>
  `{ru_utime=${timevalText(view, 0)}, ru_stime=${timevalText(view, 16)}, ...}`
const rusageOut = structOut(RUSAGE_SIZE, rusageText)
/** wait4 without news leaves it alone. */
const rusageOfChild: ArgType = {
  ...rusageOut,
  text: (value, call) => (call.result === 0 ? pointerText(value) : rusageOut.text(value, call)),
  writes: (value, call) => (call.result === 0 ? [] : rusageOut.writes!(value, call)),
}

const infoOut: ArgType = {
  ...structOut(128, (view) => (view.getInt32(0, true) === 0 ? '{}' : infoText(view))),
  writes: (value) => [
    { start: value, length: 12 },
    { start: value + 16, length: 12 },
  ],
}

/** strace calls WUNTRACED by its other name. */
const OPTIONS = flags(
  [
    [W.noHang, 'WNOHANG'],
    [W.exited, 'WEXITED'],
    [W.stopped, 'WSTOPPED'],
    [W.continued, 'WCONTINUED'],
    [W.noWait, 'WNOWAIT'],
    [W.clone, '__WCLONE'],
    [W.all, '__WALL'],
    [W.noThread, '__WNOTHREAD'],
  ],
  'W???',
)

export const waitCalls: readonly Declaration[] = [
  syscall(
    61,
    'wait4',
    [
      ['pid', int],
      ['wstatus', statusArg],
      ['options', OPTIONS],
      ['rusage', rusageOfChild],
    ],
    number,
    wait4,
  ),
  syscall(
    247,
    'waitid',
    [
      [
        'idtype',
        oneOf(
          [
            [P.all, 'P_ALL'],
            [P.pid, 'P_PID'],
            [P.pgid, 'P_PGID'],
            [P.pidfd, 'P_PIDFD'],
          ],
          'P_???',
        ),
      ],
      ['id', int],
      ['infop', infoOut],
      ['options', OPTIONS],
      ['rusage', rusageOut],
    ],
    number,
    waitid,
  ),
]
