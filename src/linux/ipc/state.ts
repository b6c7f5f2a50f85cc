/** Exists to define System V IPC and POSIX message queues as plain data: what is in the tables, and what a task that waits for one of them waits with. */

/** struct ipc_perm: who made an object, who owns it, who may do what. */
interface IpcPermission {
  key: number
  uid: number
  gid: number
  cuid: number
  cgid: number
  mode: number
}

interface IpcObject {
  id: number
  perm: IpcPermission
  /** Seconds since 1970. */
  ctime: number
}

/** A shared memory segment; its bytes are a file without a name. */
export interface ShmSegment extends IpcObject {
  size: number
  inode: number
  atime: number
  dtime: number
  creator: number
  last: number
  /** IPC_RMID was asked for: gone with the last mapping. */
  doomed: boolean
  locked: boolean
}

/** A set of semaphores. */
export interface SemSet extends IpcObject {
  values: number[]
  /** Process that changed each last. */
  pids: number[]
  otime: number
}

/** A message of a queue; a type of msgsnd(2), a priority of mq_send(3). */
export interface Message {
  type: number
  bytes: Uint8Array
}

/** A message queue of msgget(2). */
export interface MsgQueue extends IpcObject {
  messages: Message[]
  bytes: number
  limit: number
  stime: number
  rtime: number
  lastSender: number
  lastReceiver: number
}

/** struct sembuf. */
export interface SemOperation {
  index: number
  by: number
  flags: number
}

/** What a process' end takes back of its operations with SEM_UNDO. */
export interface SemUndo {
  pid: number
  set: number
  /** By semaphore. */
  adjust: number[]
}

/** One kind of object: ids are index + sequence × 32768, as Linux counts them. */
export interface IpcTable<T extends IpcObject> {
  objects: Map<number, T>
  sequence: number
  lastIndex: number
}

/** A POSIX message queue (mq_overview(7)). */
export interface PosixQueue {
  id: number
  /** Without the slash; null once it is unlinked. */
  name: string | null
  uid: number
  gid: number
  mode: number
  maxMessages: number
  messageSize: number
  /** Highest priority first, then the oldest. */
  messages: Message[]
  /** Descriptions open on it. */
  ends: number[]
  /** Who asked to be told of the next message to an empty queue; null for nobody. */
  notify: PosixNotify | null
}

/** A request of mq_notify(2). */
export interface PosixNotify {
  pid: number
  /** SIGEV_SIGNAL 0, SIGEV_NONE 1, SIGEV_THREAD 2. */
  how: number
  signal: number
  value: bigint
  /** SIGEV_THREAD: the description of the socket that gets the cookie. */
  socket: number
  cookie: Uint8Array
}

export interface IpcState {
  shm: IpcTable<ShmSegment>
  sem: IpcTable<SemSet>
  msg: IpcTable<MsgQueue>
  undo: SemUndo[]
  queues: Map<number, PosixQueue>
  nextQueue: number
  /** Counts those who begin to wait, so that they are served in turn. */
  nextTurn: number
}

/** Wait.detail of a task that waits for an object of System V IPC. */
export interface IpcWait {
  queue: 'sem' | 'send' | 'receive'
  id: number
  turn: number
  operations: SemOperation[]
  /** Which operation it waits for. */
  blocked: number
  message: Message | null
  /** msgrcv: which messages it takes. */
  wanted: number
  room: number
  flags: number
  /** Once somebody has served it: what the call returns, or a negative errno. */
  result: number | null
}

/** Nothing yet. */
export function emptyIpc(): IpcState {
  const table = <T extends IpcObject>(): IpcTable<T> => ({ objects: new Map(), sequence: 0, lastIndex: -1 })
  return {
    shm: table(),
    sem: table(),
    msg: table(),
    undo: [],
    queues: new Map(),
    nextQueue: 1,
    nextTurn: 1,
  }
}
