/** Exists to declare seccomp(2), and to set filters for prctl(PR_SET_SECCOMP). */
import { CAP, capable } from '../capabilities.ts'
import { asU64, asUint, flags, number, shown, structText, u64At } from '../arguments.ts'
import { syscall, type ArgType, type CallView, type Declaration, type Range } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import { ACTION, MAX_LENGTH, precedes, readProgram } from '../seccomp.ts'
import type { Task } from '../state.ts'
import { hex, pointerText, type FlagTable } from '../strace.ts'
import { tasksOf } from '../tasks.ts'

export const SECCOMP_MODE = { strict: 1, filter: 2 } as const
const OP = { strict: 0, filter: 1, actionAvailable: 2, notifySizes: 3 } as const
const OPERATIONS = [
  'SECCOMP_SET_MODE_STRICT',
  'SECCOMP_SET_MODE_FILTER',
  'SECCOMP_GET_ACTION_AVAIL',
  'SECCOMP_GET_NOTIF_SIZES',
]
const FLAG = { sync: 1, log: 2, speculation: 4, listener: 8, syncError: 16, killable: 32 } as const
const FLAGS: FlagTable = [
  [FLAG.sync, 'SECCOMP_FILTER_FLAG_TSYNC'],
  [FLAG.log, 'SECCOMP_FILTER_FLAG_LOG'],
  [FLAG.speculation, 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'],
  [FLAG.listener, 'SECCOMP_FILTER_FLAG_NEW_LISTENER'],
  [FLAG.syncError, 'SECCOMP_FILTER_FLAG_TSYNC_ESRCH'],
  [FLAG.killable, 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'],
]
const ACTIONS: FlagTable = [
  [ACTION.killProcess, 'SECCOMP_RET_KILL_PROCESS'],
  [ACTION.killThread, 'SECCOMP_RET_KILL_THREAD'],
  [ACTION.trap, 'SECCOMP_RET_TRAP'],
  [ACTION.errno, 'SECCOMP_RET_ERRNO'],
  [ACTION.notify, 'SECCOMP_RET_USER_NOTIF'],
  [ACTION.trace, 'SECCOMP_RET_TRACE'],
  [ACTION.log, 'SECCOMP_RET_LOG'],
  [ACTION.allow, 'SECCOMP_RET_ALLOW'],
]

/** Bytes of struct sock_fprog. */
const PROGRAM_SIZE = 16
/** Sizes of the structures of notifications: seccomp_notif, seccomp_notif_resp, seccomp_data. */
const NOTIFY_SIZES = [80, 24, 64] as const

/** prctl(PR_SET_SECCOMP) and seccomp(2): strict mode, for good. */
export function setStrict(t: Task): number {
  if (t.seccomp !== undefined && !t.seccomp.strict) return -ERRNO.EINVAL
  t.seccomp = { strict: true, filters: [] }
  return 0
}

/** Adds the program that the struct sock_fprog at `address` describes to the caller's filters. */
export function addFilter(k: Kernel, t: Task, given: number, address: number): number {
  if (given & ~0x3f) return -ERRNO.EINVAL
  if (given & FLAG.sync && given & FLAG.listener && !(given & FLAG.syncError)) return -ERRNO.EINVAL
  if (given & FLAG.killable && !(given & FLAG.listener)) return -ERRNO.EINVAL
  const space = k.space(t)
  const header = space.read(address, PROGRAM_SIZE)
  if (header === null) return -ERRNO.EFAULT
  const view = new DataView(header.buffer, header.byteOffset, PROGRAM_SIZE)
  const length = view.getUint16(0, true)
  if (length === 0 || length > MAX_LENGTH) return -ERRNO.EINVAL
  if (!t.noNewPrivileges && !capable(t, CAP.sysAdmin)) return -ERRNO.EACCES
  const program = readProgram(space, u64At(view, 8), length)
  if (typeof program === 'number') return program
  if (given & FLAG.listener) return k.refuse(t, 'seccomp(SECCOMP_FILTER_FLAG_NEW_LISTENER)', 'EINVAL')
  if (t.seccomp?.strict === true) return -ERRNO.EINVAL
  const before = t.seccomp?.filters ?? []
  const others = given & FLAG.sync ? tasksOf(k.state, t.pid).filter((other) => other !== t) : []
  const diverged = others.find(
    ({ seccomp }) => seccomp !== undefined && (seccomp.strict || !precedes(seccomp.filters, before)),
  )
  if (diverged !== undefined) return given & FLAG.syncError ? -ERRNO.ESRCH : diverged.tid
  const filters = [...before, { id: k.state.nextOrder++, program }]
  t.seccomp = { strict: false, filters }
  for (const other of others) {
    other.seccomp = { strict: false, filters }
    if (t.noNewPrivileges) other.noNewPrivileges = true
  }
  return 0
}

function seccomp(k: Kernel, t: Task, [operation, given, address]: number[]): number {
  const space = k.space(t)
  switch (operation) {
    case OP.strict:
      return given !== 0 || address !== 0 ? -ERRNO.EINVAL : setStrict(t)
    case OP.filter:
      return addFilter(k, t, given!, address!)
    case OP.actionAvailable: {
      if (given !== 0) return -ERRNO.EINVAL
      const action = space.readU32(address!)
      if (action === null) return -ERRNO.EFAULT
      return ACTIONS.some(([known]) => known === action) ? 0 : -ERRNO.EOPNOTSUPP
    }
    case OP.notifySizes: {
      if (given !== 0) return -ERRNO.EINVAL
      const sizes = new Uint8Array(new Uint16Array(NOTIFY_SIZES).buffer)
      return space.write(address!, sizes) ? 0 : -ERRNO.EFAULT
    }
    default:
      return -ERRNO.EINVAL
  }
}

/** `{len=5, filter=0x…}`: a struct sock_fprog. */
export function programText(address: number, call: CallView): string {
  return structText(
    address,
    PROGRAM_SIZE,
    (view) => `{len=${view.getUint16(0, true)}, filter=${pointerText(u64At(view, 8))}}`,
    call,
  )
}

/** What the kernel reads of the program at `address`, and the program. */
export function programRanges(address: number, { space }: CallView): Range[] {
  const header = space.read(address, PROGRAM_SIZE)
  if (header === null) return [{ start: address, length: PROGRAM_SIZE }]
  const view = new DataView(header.buffer, header.byteOffset, PROGRAM_SIZE)
  // The padding behind the length is never looked at.
  return [
    { start: address, length: 2 },
    { start: address + 8, length: 8 },
    { start: u64At(view, 8), length: 8 * view.getUint16(0, true) },
  ]
}

const argument: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, call) => {
    const operation = call.args[0]!
    if (operation === OP.filter) return programText(value, call)
    if (operation === OP.actionAvailable)
      return structText(
        value,
        4,
        (view) => {
          const action = view.getUint32(0, true)
          return `[${ACTIONS.find(([known]) => known === action)?.[1] ?? `${hex(action)} /* SECCOMP_RET_??? */`}]`
        },
        call,
      )
    if (operation === OP.notifySizes && call.result === 0) {
      const [request, response, data] = NOTIFY_SIZES
      return `{seccomp_notif=${request}, seccomp_notif_resp=${response}, seccomp_data=${data}}`
    }
    return pointerText(value)
  },
  reads: (value, call) => {
    const operation = call.args[0]!
    if (operation === OP.filter) return programRanges(value, call)
    return operation === OP.actionAvailable ? [{ start: value, length: 4 }] : []
  },
  writes: (value, { args }) => (args[0] === OP.notifySizes ? [{ start: value, length: 6 }] : []),
}

const filterFlags = flags(FLAGS, 'SECCOMP_FILTER_FLAG_???')

export const seccompCalls: readonly Declaration[] = [
  syscall(
    317,
    'seccomp',
    [
      ['operation', shown(asUint, (value) => OPERATIONS[value] ?? `${hex(value)} /* SECCOMP_SET_MODE_??? */`)],
      [
        'flags',
        shown(asUint, (value, call) => (call.args[0] === OP.filter ? filterFlags.text(value, call) : hex(value))),
      ],
      ['args', argument],
    ],
    number,
    seccomp,
    { support: 'partial: SECCOMP_FILTER_FLAG_NEW_LISTENER is EINVAL and reported' },
  ),
]
