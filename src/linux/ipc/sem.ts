/** Exists to keep sets of semaphores (semget(2)): operations that happen all together or not at all, in the order in which tasks began to wait. */
import { setI64 } from '../arguments.ts'
import { BLOCKED } from '../declare.ts'
import { ERRNO } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import type { Process, Task } from '../state.ts'
import { newWait, wake } from '../tasks.ts'
import { readTimespec } from '../user.ts'
import {
  atIndex,
  find,
  get,
  highest,
  IPC,
  IPC_NOWAIT,
  ipcWait,
  owns,
  permits,
  PERM_SIZE,
  putPerm,
  seconds,
  takePerm,
  waiters,
} from './common.ts'
import type { IpcWait, SemOperation, SemSet, SemUndo } from './state.ts'

const SEM = {
  getPid: 11,
  getVal: 12,
  getAll: 13,
  getNcnt: 14,
  getZcnt: 15,
  setVal: 16,
  setAll: 17,
  stat: 18,
  info: 19,
  statAny: 20,
} as const
const SEM_UNDO = 0x1000
/** Highest value, most semaphores of a set, most operations of a call. */
const VALUE_MAX = 32767
const SET_MAX = 32000
const OPERATIONS_MAX = 500
/** Bytes of struct semid64_ds. */
const SEMID_SIZE = 104

export function semget(k: Kernel, t: Task, [key, count, flags]: number[]): number {
  if (count! < 0 || count! > SET_MAX) return -ERRNO.EINVAL
  const check = (set: SemSet): number => (count! > set.values.length ? -ERRNO.EINVAL : 0)
  return get(k, t, k.state.ipc.sem, key!, flags!, check, (base) => {
    if (count === 0) return -ERRNO.EINVAL
    const zeros = (): number[] => Array.from({ length: count! }, () => 0)
    return { ...base, values: zeros(), pids: zeros(), otime: 0 }
  })
}

/** Tries operations on behalf of a process: -1 when all are done, the index of the first that must wait, or below -1 an errno. */
function attempt(k: Kernel, set: SemSet, pid: number, operations: readonly SemOperation[]): number {
  const before = set.values.slice()
  const undo = undoOf(k, set, pid, false)?.adjust.slice() ?? set.values.map(() => 0)
  const restore = (result: number): number => {
    set.values = before
    return result
  }
  let undoes = false
  for (const [i, { index, by, flags }] of operations.entries()) {
    const value = set.values[index]!
    if (by === 0 ? value !== 0 : value + by < 0) return restore(i)
    if (value + by > VALUE_MAX) return restore(-ERRNO.ERANGE)
    set.values[index] = value + by
    if (!(flags & SEM_UNDO)) continue
    undoes = true
    undo[index]! -= by
    if (undo[index]! < -VALUE_MAX - 1 || undo[index]! > VALUE_MAX) return restore(-ERRNO.ERANGE)
  }
  if (undoes) undoOf(k, set, pid, true)!.adjust = undo
  for (const { index } of operations) set.pids[index] = pid
  return -1
}

function undoOf(k: Kernel, set: SemSet, pid: number, make: boolean): SemUndo | undefined {
  const list = k.state.ipc.undo
  let found = list.find((other) => other.pid === pid && other.set === set.id)
  if (found === undefined && make) list.push((found = { pid, set: set.id, adjust: set.values.map(() => 0) }))
  return found
}

/** Serves those who wait for the set, as long as that lets anybody go on. */
function serve(k: Kernel, set: SemSet): void {
  for (let served = true; served;) {
    served = false
    for (const { t, wait } of waiters(k, 'sem', set.id)) {
      const result = attempt(k, set, t.pid, wait.operations)
      if (result >= 0) {
        wait.blocked = result
        continue
      }
      wait.result = result === -1 ? 0 : result
      if (result === -1) set.otime = seconds(k)
      wake(k, t, 'ready')
      served = result === -1 && wait.operations.some(({ by }) => by !== 0)
      if (served) break
    }
  }
}

/** Operations of a task: 0 when they are done, a negative errno, or 1 + the index of the one that must wait. */
function perform(k: Kernel, t: Task, set: SemSet, operations: readonly SemOperation[]): number {
  const result = attempt(k, set, t.pid, operations)
  if (result !== -1) return result < 0 ? result : result + 1
  set.otime = seconds(k)
  if (operations.some(({ by }) => by !== 0)) serve(k, set)
  return 0
}

/** semop and semtimedop; `timeout` is the address of a struct timespec, or 0. */
export function semtimedop(k: Kernel, t: Task, nr: number, args: number[], timeout: number): number {
  const [id, address, count] = args as [number, number, number]
  if (t.wait !== null) {
    const wait = t.wait.detail as IpcWait
    if (wait.result !== null) return wait.result
    // While a signal was on its way nobody served it.
    const set = k.state.ipc.sem.objects.get(id)
    const result = set === undefined ? -ERRNO.EIDRM : perform(k, t, set, wait.operations)
    if (result <= 0) return result
    wait.blocked = result - 1
    return t.wait.outcome === 'timeout' ? -ERRNO.EAGAIN : BLOCKED
  }
  if (count < 1 || id < 0) return -ERRNO.EINVAL
  if (count > OPERATIONS_MAX) return -ERRNO.E2BIG
  const bytes = k.space(t).read(address, 6 * count)
  if (bytes === null) return -ERRNO.EFAULT
  let deadline: number | null = null
  if (timeout !== 0) {
    const time = readTimespec(k, t, timeout)
    if (typeof time === 'number') return time
    deadline = k.now() + time.seconds * 1e9 + time.ns
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const operations = Array.from({ length: count }, (_, i) => ({
    index: view.getUint16(6 * i, true),
    by: view.getInt16(6 * i + 2, true),
    flags: view.getInt16(6 * i + 4, true),
  }))
  const set = find(k.state.ipc.sem, id)
  if (typeof set === 'number') return set
  if (operations.some(({ index }) => index >= set.values.length)) return -ERRNO.EFBIG
  const changes = operations.some(({ by }) => by !== 0)
  if (!permits(t, set, changes ? 2 : 4)) return -ERRNO.EACCES
  const result = perform(k, t, set, operations)
  if (result <= 0) return result
  if (operations[result - 1]!.flags & IPC_NOWAIT) return -ERRNO.EAGAIN
  const detail = ipcWait(k, { queue: 'sem', id, operations, blocked: result - 1 })
  t.wait = newWait({ nr, args, kind: 'ipc', deadline, restart: 'eintr', detail })
  return BLOCKED
}

/** How many tasks wait for a semaphore to grow, or to become 0. */
function countWaiters(k: Kernel, set: SemSet, index: number, zero: boolean): number {
  return waiters(k, 'sem', set.id).filter(({ wait }) => {
    const operation = wait.operations[wait.blocked]!
    return operation.index === index && (operation.by === 0) === zero
  }).length
}

export function semctl(k: Kernel, t: Task, args: number[]): number {
  const [id, index, command, argument] = args as [number, number, number, number]
  const table = k.state.ipc.sem
  const { space } = k.memory(t)
  if (id < 0) return -ERRNO.EINVAL
  switch (command) {
    case IPC.info:
    case SEM.info:
      return space.write(argument, infoBytes(k, command === SEM.info)) ? highest(table) : -ERRNO.EFAULT
    case IPC.stat:
    case SEM.stat:
    case SEM.statAny: {
      const set = command === IPC.stat ? find(table, id) : atIndex(table, id)
      if (typeof set === 'number') return set
      if (command !== SEM.statAny && !permits(t, set, 4)) return -ERRNO.EACCES
      if (!space.write(argument, describe(set))) return -ERRNO.EFAULT
      return command === IPC.stat ? 0 : set.id
    }
    case IPC.set:
    case IPC.rmid: {
      const bytes = command === IPC.set ? space.read(argument, SEMID_SIZE) : new Uint8Array(0)
      if (bytes === null) return -ERRNO.EFAULT
      const set = find(table, id)
      if (typeof set === 'number') return set
      if (!owns(t, set)) return -ERRNO.EPERM
      if (command === IPC.set) takePerm(k, set, new DataView(bytes.buffer, bytes.byteOffset, PERM_SIZE))
      else remove(k, set)
      return 0
    }
    case SEM.getAll:
    case SEM.setAll:
      return all(k, t, id, command, argument)
    case SEM.getPid:
    case SEM.getVal:
    case SEM.getNcnt:
    case SEM.getZcnt:
    case SEM.setVal:
      return one(k, t, id, index, command, argument)
    default:
      return -ERRNO.EINVAL
  }
}

function one(k: Kernel, t: Task, id: number, index: number, command: number, argument: number): number {
  const set = find(k.state.ipc.sem, id)
  if (typeof set === 'number') return set
  const sets = command === SEM.setVal
  const value = argument | 0
  if (sets && (value < 0 || value > VALUE_MAX)) return -ERRNO.ERANGE
  if (!sets && !permits(t, set, 4)) return -ERRNO.EACCES
  if (index < 0 || index >= set.values.length) return -ERRNO.EINVAL
  if (sets && !permits(t, set, 2)) return -ERRNO.EACCES
  switch (command) {
    case SEM.getVal:
      return set.values[index]!
    case SEM.getPid:
      return set.pids[index]!
    case SEM.getNcnt:
    case SEM.getZcnt:
      return countWaiters(k, set, index, command === SEM.getZcnt)
    default:
      set.values[index] = value
      set.pids[index] = t.pid
      for (const undo of k.state.ipc.undo) if (undo.set === set.id) undo.adjust[index] = 0
      set.ctime = seconds(k)
      serve(k, set)
      return 0
  }
}

function all(k: Kernel, t: Task, id: number, command: number, address: number): number {
  const set = find(k.state.ipc.sem, id)
  if (typeof set === 'number') return set
  const { space } = k.memory(t)
  const sets = command === SEM.setAll
  if (!permits(t, set, sets ? 2 : 4)) return -ERRNO.EACCES
  const length = 2 * set.values.length
  if (!sets) return space.write(address, new Uint8Array(Uint16Array.from(set.values).buffer)) ? 0 : -ERRNO.EFAULT
  const bytes = space.read(address, length)
  if (bytes === null) return -ERRNO.EFAULT
  const values = [...new Uint16Array(bytes.slice().buffer)]
  if (values.some((value) => value > VALUE_MAX)) return -ERRNO.ERANGE
  set.values = values
  set.pids.fill(t.pid)
  for (const undo of k.state.ipc.undo) if (undo.set === set.id) undo.adjust.fill(0)
  set.ctime = seconds(k)
  serve(k, set)
  return 0
}

function remove(k: Kernel, set: SemSet): void {
  for (const { t, wait } of waiters(k, 'sem', set.id)) {
    wait.result = -ERRNO.EIDRM
    wake(k, t, 'ready')
  }
  k.state.ipc.sem.objects.delete(set.id)
  k.state.ipc.undo = k.state.ipc.undo.filter((undo) => undo.set !== set.id)
}

function describe(set: SemSet): Uint8Array {
  const view = new DataView(new ArrayBuffer(SEMID_SIZE))
  putPerm(view, set)
  setI64(view, 48, set.otime)
  setI64(view, 64, set.ctime)
  setI64(view, 80, set.values.length)
  return new Uint8Array(view.buffer)
}

/** struct seminfo: limits, or with `used` what is in use in two of its fields. */
function infoBytes(k: Kernel, used: boolean): Uint8Array {
  const most = 32000 * SET_MAX
  const sets = [...k.state.ipc.sem.objects.values()]
  const semaphores = sets.reduce((sum, { values }) => sum + values.length, 0)
  const size = used ? sets.length : 20
  const highestAdjustment = used ? semaphores : VALUE_MAX
  const words = [most, 32000, most, most, SET_MAX, OPERATIONS_MAX, OPERATIONS_MAX, size, VALUE_MAX, highestAdjustment]
  return new Uint8Array(Int32Array.from(words).buffer)
}

/** Takes back what a process that ends did with SEM_UNDO. */
export function undoSemaphores(k: Kernel, process: Process): void {
  const { ipc } = k.state
  if (ipc.undo.length === 0) return
  const own = ipc.undo.filter(({ pid }) => pid === process.pid)
  ipc.undo = ipc.undo.filter(({ pid }) => pid !== process.pid)
  for (const { set: id, adjust } of own) {
    const set = ipc.sem.objects.get(id)
    if (set === undefined) continue
    adjust.forEach((by, i) => {
      if (by === 0) return
      set.values[i] = Math.max(0, Math.min(VALUE_MAX, set.values[i]! + by))
      set.pids[i] = process.pid
    })
    serve(k, set)
  }
}
