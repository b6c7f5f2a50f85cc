/** Exists to hold what the three kinds of System V IPC share: keys, ids, permissions, struct ipc64_perm (sysvipc(7)). */
import { CAP, capable } from '../capabilities.ts'
import { realtime } from '../clock.ts'
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import type { Task } from '../state.ts'
import type { IpcTable, IpcWait } from './state.ts'

/** Commands of the ctl calls that all kinds have. */
export const IPC = { rmid: 0, set: 1, stat: 2, info: 3 } as const
/** Flags of the get calls. */
const IPC_CREAT = 0o1000
const IPC_EXCL = 0o2000
/** Flag of semop, msgsnd and msgrcv. */
export const IPC_NOWAIT = 0o4000

/** Objects of one kind at most, and the step of ids from one use of an index to the next. */
export const IPC_MAX = 32000
const SEQUENCE_STEP = 32768

/** Bytes of struct ipc64_perm. */
export const PERM_SIZE = 48

interface Entry {
  id: number
  perm: { key: number; uid: number; gid: number; cuid: number; cgid: number; mode: number }
  ctime: number
}

export function seconds(k: Kernel): number {
  return realtime(k.state).seconds
}

/** Whether the caller may read (4), change (2) or both an object. */
export function permits(t: Task, { perm }: Entry, wanted: number): boolean {
  const { uid, gid, groups } = t.credentials
  const user = uid[1]
  if (capable(t, CAP.ipcOwner)) return true
  const inGroup = (id: number): boolean => gid[1] === id || groups.includes(id)
  const shift = user === perm.uid || user === perm.cuid ? 6 : inGroup(perm.gid) || inGroup(perm.cgid) ? 3 : 0
  return ((perm.mode >> shift) & wanted) === wanted
}

/** Whether the caller may remove an object or set its owner. */
export function owns(t: Task, { perm }: Entry): boolean {
  const user = t.credentials.uid[1]
  return capable(t, CAP.sysAdmin) || user === perm.uid || user === perm.cuid
}

/** The id of the object with a key, or of a new one that `make` describes; a negative errno. `check` looks at an existing one. */
export function get<T extends Entry>(
  k: Kernel,
  t: Task,
  table: IpcTable<T>,
  key: number,
  flags: number,
  check: (object: T) => number,
  make: (base: Entry) => T | number,
): number {
  if (key !== 0) {
    for (const object of table.objects.values()) {
      if (object.perm.key !== key) continue
      if (flags & IPC_CREAT && flags & IPC_EXCL) return -ERRNO.EEXIST
      const wrong = check(object)
      if (wrong !== 0) return wrong
      const wanted = ((flags >> 6) | (flags >> 3) | flags) & 7
      return permits(t, object, wanted) ? object.id : -ERRNO.EACCES
    }
    if (!(flags & IPC_CREAT)) return -ERRNO.ENOENT
  }
  if (table.objects.size >= IPC_MAX) return -ERRNO.ENOSPC
  const { uid, gid } = t.credentials
  const perm = { key, uid: uid[1], gid: gid[1], cuid: uid[1], cgid: gid[1], mode: flags & 0o777 }
  const made = make({ id: 0, perm, ctime: seconds(k) })
  if (typeof made === 'number') return made
  made.id = nextId(table)
  table.objects.set(made.id, made)
  return made.id
}

function nextId<T extends Entry>(table: IpcTable<T>): number {
  const taken = new Set<number>()
  for (const id of table.objects.keys()) taken.add(id % SEQUENCE_STEP)
  let index = 0
  while (taken.has(index)) index++
  if (index <= table.lastIndex) table.sequence = (table.sequence + 1) % 65536
  table.lastIndex = index
  return table.sequence * SEQUENCE_STEP + index
}

/** The object of an id: EINVAL for one that never was, EIDRM for one whose index is in use again. */
export function find<T extends Entry>(table: IpcTable<T>, id: number): T | number {
  const object = table.objects.get(id)
  if (object !== undefined) return object
  if (id < 0) return -ERRNO.EINVAL
  for (const other of table.objects.keys()) if (other % SEQUENCE_STEP === id % SEQUENCE_STEP) return -ERRNO.EIDRM
  return -ERRNO.EINVAL
}

/** The object of an index, for the STAT commands that count through all; -EINVAL for none. */
export function atIndex<T extends Entry>(table: IpcTable<T>, index: number): T | number {
  for (const object of table.objects.values()) if (object.id % SEQUENCE_STEP === index) return object
  return -ERRNO.EINVAL
}

/** The highest index in use; what the INFO commands return. */
export function highest<T extends Entry>(table: IpcTable<T>): number {
  let top = 0
  for (const id of table.objects.keys()) top = Math.max(top, id % SEQUENCE_STEP)
  return top
}

/** Writes struct ipc64_perm at the start of `view`. */
export function putPerm(view: DataView, { id, perm }: Entry): void {
  ;[perm.key, perm.uid, perm.gid, perm.cuid, perm.cgid, perm.mode].forEach((word, i) =>
    view.setInt32(4 * i, word, true),
  )
  view.setUint16(24, Math.floor(id / SEQUENCE_STEP), true)
}

/** IPC_SET: takes owner and mode from a struct at the start of which lies an ipc64_perm. */
export function takePerm(k: Kernel, object: Entry, view: DataView): void {
  object.perm.uid = view.getUint32(4, true)
  object.perm.gid = view.getUint32(8, true)
  object.perm.mode = (object.perm.mode & ~0o777) | (view.getUint32(20, true) & 0o777)
  object.ctime = seconds(k)
}

/** Tasks that wait for an object, the longest waiting first. */
export function waiters(k: Kernel, queue: IpcWait['queue'], id: number): { t: Task; wait: IpcWait }[] {
  const found: { t: Task; wait: IpcWait }[] = []
  for (const t of k.state.tasks.values()) {
    if (t.wait === null || t.wait.kind !== 'ipc' || t.wait.outcome !== null) continue
    const wait = t.wait.detail as IpcWait
    if (wait.queue === queue && wait.id === id) found.push({ t, wait })
  }
  return found.sort((a, b) => a.wait.turn - b.wait.turn)
}

/** A wait's data with everything that does not concern it left empty. */
export function ipcWait(k: Kernel, spec: Pick<IpcWait, 'queue' | 'id'> & Partial<IpcWait>): IpcWait {
  const turn = k.state.ipc.nextTurn++
  return { turn, operations: [], blocked: 0, message: null, wanted: 0, room: 0, flags: 0, result: null, ...spec }
}
