/** Exists to declare System V IPC: shared memory, semaphores, message queues. */
import {
  address,
  asI64,
  asInt,
  asU64,
  bufferText,
  flags,
  i64At,
  int,
  number,
  oneOf,
  ptr,
  shown,
  size,
  structText,
  timespecIn,
  u64At,
  uint,
} from '../arguments.ts'
import { syscall, type ArgType, type CallView, type Declaration } from '../declare.ts'
import { msgctl, msgget, msgrcv, msgsnd } from '../ipc/msg.ts'
import { semctl, semget, semtimedop } from '../ipc/sem.ts'
import { shmat, shmctl, shmdt, shmget } from '../ipc/shm.ts'
import { flagsText, hex, octal, pointerText, type FlagTable } from '../strace.ts'

const key = shown(asInt, (value) => (value === 0 ? 'IPC_PRIVATE' : hex(value >>> 0)))
const GET_FLAGS: FlagTable = [
  [0o1000, 'IPC_CREAT'],
  [0o2000, 'IPC_EXCL'],
]
const SHM_GET_FLAGS: FlagTable = [
  [0o1000, 'IPC_CREAT'],
  [0o2000, 'IPC_EXCL'],
  [0o4000, 'SHM_HUGETLB'],
  [0o10000, 'SHM_NORESERVE'],
]

/** `IPC_CREAT|0600`: flags, then the mode in octal. */
function getFlags(table: FlagTable): ArgType {
  return shown(asInt, (value) => {
    const rest = (value & ~0o777) >>> 0
    return rest === 0 ? octal(value) : `${flagsText(rest, table, 'IPC_???')}|${octal(value & 0o777)}`
  })
}

const SHM_FLAGS: FlagTable = [
  [0o10000, 'SHM_RDONLY'],
  [0o20000, 'SHM_RND'],
  [0o40000, 'SHM_REMAP'],
  [0o100000, 'SHM_EXEC'],
]
const COMMON: FlagTable = [
  [0, 'IPC_RMID'],
  [1, 'IPC_SET'],
  [2, 'IPC_STAT'],
  [3, 'IPC_INFO'],
]
const SHM_COMMANDS: FlagTable = [
  ...COMMON,
  [11, 'SHM_LOCK'],
  [12, 'SHM_UNLOCK'],
  [13, 'SHM_STAT'],
  [14, 'SHM_INFO'],
  [15, 'SHM_STAT_ANY'],
]
const SEM_COMMANDS: FlagTable = [
  ...COMMON,
  [11, 'GETPID'],
  [12, 'GETVAL'],
  [13, 'GETALL'],
  [14, 'GETNCNT'],
  [15, 'GETZCNT'],
  [16, 'SETVAL'],
  [17, 'SETALL'],
  [18, 'SEM_STAT'],
  [19, 'SEM_INFO'],
  [20, 'SEM_STAT_ANY'],
]
const MSG_COMMANDS: FlagTable = [...COMMON, [11, 'MSG_STAT'], [12, 'MSG_INFO'], [13, 'MSG_STAT_ANY']]
const OPERATION_FLAGS: FlagTable = [
  [0x1000, 'SEM_UNDO'],
  [0o4000, 'IPC_NOWAIT'],
]
const MESSAGE_FLAGS: FlagTable = [
  [0o10000, 'MSG_NOERROR'],
  [0o20000, 'MSG_EXCEPT'],
  [0o40000, 'MSG_COPY'],
  [0o4000, 'IPC_NOWAIT'],
]

/** `{uid=0, gid=0, mode=0600, key=0, cuid=0, cgid=0}`; only what IPC_SET looks at with `own`. */
function permText(view: DataView, own: boolean): string {
  const n = (at: number): number => view.getUint32(at, true)
  const set = `uid=${n(4)}, gid=${n(8)}, mode=${octal(n(20))}`
  return own ? `{${set}}` : `{${set}, key=${n(0)}, cuid=${n(12)}, cgid=${n(16)}}`
}

/** The structure of a ctl call, whose command is argument `at`; `rest` shows what follows the permissions in IPC_STAT. */
function control(
  at: number,
  length: number,
  name: string,
  rest: (view: DataView) => string,
  limit: (view: DataView) => string = () => '',
): ArgType {
  const text = (value: number, call: CallView): string => {
    const command = call.args[at]!
    if (command === 1)
      return structText(value, length, (view) => `{${name}=${permText(view, true)}${limit(view)}}`, call)
    if (command !== 2 || call.result === null || call.result < 0) return pointerText(value)
    return structText(value, length, (view) => `{${name}=${permText(view, false)}, ${rest(view)}}`, call)
  }
  return {
    decode: asU64,
    when: 'out',
    text,
    reads: (value, { args }) => (args[at] === 1 ? [{ start: value, length }] : []),
    writes: (value, { args }) => (args[at] === 2 || args[at]! >= 13 ? [{ start: value, length }] : []),
  }
}

const shmid = control(1, 112, 'shm_perm', (v) => {
  const n = (at: number): number => u64At(v, at)
  const pids = `shm_cpid=${v.getInt32(80, true)}, shm_lpid=${v.getInt32(84, true)}`
  return `shm_segsz=${n(48)}, ${pids}, shm_nattch=${n(88)}, shm_atime=${n(56)}, shm_dtime=${n(64)}, shm_ctime=${n(72)}`
})

const semid = control(
  2,
  104,
  'sem_perm',
  (v) => `sem_otime=${u64At(v, 48)}, sem_ctime=${u64At(v, 64)}, sem_nsems=${u64At(v, 80)}`,
)

const msqid = control(
  1,
  120,
  'msg_perm',
  (v) => {
    const n = (at: number): number => u64At(v, at)
    const times = `msg_stime=${n(48)}, msg_rtime=${n(56)}, msg_ctime=${n(64)}`
    const pids = `msg_lspid=${v.getInt32(96, true)}, msg_lrpid=${v.getInt32(100, true)}`
    return `${times}, msg_qnum=${n(80)}, msg_qbytes=${n(88)}, ${pids}`
  },
  (v) => `, msg_qbytes=${u64At(v, 88)}`,
)

const operations: ArgType = {
  decode: asU64,
  when: 'in',
  text: (value, call) => {
    const count = call.args[2]!
    if (count === 0) return value === 0 ? 'NULL' : '[]'
    const most = Math.min(count, 32)
    const one = (view: DataView, at: number): string => {
      const flagsOf = flagsText(view.getUint16(at + 4, true), OPERATION_FLAGS, '')
      return `{sem_num=${view.getUint16(at, true)}, sem_op=${view.getInt16(at + 2, true)}, sem_flg=${flagsOf}}`
    }
    const all = (view: DataView): string =>
      `[${Array.from({ length: most }, (_, i) => one(view, 6 * i)).join(', ')}${count > most ? ', ...' : ''}]`
    return structText(value, 6 * most, all, call)
  },
  reads: (value, { args }) => [{ start: value, length: 6 * args[2]! }],
}

/** The union semun: a structure for IPC_STAT and IPC_SET, else a number or an address. */
const semun: ArgType = {
  ...semid,
  text: (value, call) => {
    const command = call.args[2]!
    return command === 1 || command === 2 ? semid.text(value, call) : pointerText(value)
  },
  reads: (value, call) => {
    if (call.args[2] !== 17) return semid.reads!(value, call)
    const set = call.k.state.ipc.sem.objects.get(call.args[0]!)
    return set === undefined ? [] : [{ start: value, length: 2 * set.values.length }]
  },
  writes: (value, call) => {
    if (call.args[2] === 2 || call.args[2] === 18 || call.args[2] === 20) return [{ start: value, length: 104 }]
    if (call.args[2] === 3 || call.args[2] === 19) return [{ start: value, length: 40 }]
    const set = call.args[2] === 13 ? call.k.state.ipc.sem.objects.get(call.args[0]!) : undefined
    return set === undefined ? [] : [{ start: value, length: 2 * set.values.length }]
  },
}

const message = (value: number, call: CallView): string =>
  structText(
    value,
    8,
    (view) => `{mtype=${i64At(view, 0)}, mtext=${bufferText(call.space, value + 8, call.args[2]!)}}`,
    call,
  )

const messageIn: ArgType = {
  decode: asU64,
  when: 'in',
  text: message,
  reads: (value, { args }) => [{ start: value, length: 8 + args[2]! }],
}
const messageOut: ArgType = {
  decode: asU64,
  when: 'out',
  text: (value, call) => (call.result === null || call.result < 0 ? pointerText(value) : message(value, call)),
  writes: (value, { result }) => [{ start: value, length: 8 + (result ?? 0) }],
}

const messageFlags = flags(MESSAGE_FLAGS, 'MSG_???')
const semop: readonly (readonly [string, ArgType])[] = [
  ['semid', int],
  ['sops', operations],
  ['nsops', uint],
]
const get = (how: ArgType): readonly [string, ArgType] => ['flags', how]

export const ipcCalls: readonly Declaration[] = [
  syscall(29, 'shmget', [['key', key], ['size', size], get(getFlags(SHM_GET_FLAGS))], number, shmget),
  syscall(
    30,
    'shmat',
    [
      ['shmid', int],
      ['addr', ptr],
      ['flags', flags(SHM_FLAGS, 'SHM_???')],
    ],
    address,
    shmat,
  ),
  syscall(
    31,
    'shmctl',
    [
      ['shmid', int],
      ['cmd', oneOf(SHM_COMMANDS, 'SHM_???')],
      ['buf', shmid],
    ],
    number,
    shmctl,
  ),
  syscall(64, 'semget', [['key', key], ['nsems', int], get(getFlags(GET_FLAGS))], number, semget),
  syscall(65, 'semop', semop, number, (k, t, args) => semtimedop(k, t, 65, args, 0)),
  syscall(
    66,
    'semctl',
    [
      ['semid', int],
      ['semnum', int],
      ['cmd', oneOf(SEM_COMMANDS, 'SEM_???')],
      ['arg', semun],
    ],
    number,
    semctl,
  ),
  syscall(67, 'shmdt', [['addr', ptr]], number, shmdt),
  syscall(68, 'msgget', [['key', key], get(getFlags(GET_FLAGS))], number, msgget),
  syscall(
    69,
    'msgsnd',
    [
      ['msqid', int],
      ['msg', messageIn],
      ['size', size],
      ['flags', messageFlags],
    ],
    number,
    msgsnd,
  ),
  syscall(
    70,
    'msgrcv',
    [
      ['msqid', int],
      ['msg', messageOut],
      ['size', size],
      ['type', shown(asI64, String)],
      ['flags', messageFlags],
    ],
    number,
    msgrcv,
  ),
  syscall(
    71,
    'msgctl',
    [
      ['msqid', int],
      ['cmd', oneOf(MSG_COMMANDS, 'MSG_???')],
      ['buf', msqid],
    ],
    number,
    msgctl,
  ),
  syscall(220, 'semtimedop', [...semop, ['timeout', timespecIn]], number, (k, t, args) =>
    semtimedop(k, t, 220, args, args[3]!),
  ),
]
