/** Exists to find out, while a run is executed again, who took away the memory at addresses that cannot be accessed later. */
import type { MappingEvent, MachineView, Observer, SyscallEvent, TaskInfo } from '../tool/observer.ts'

/** A range of memory that a system call has unmapped or replaced. */
export interface Removal {
  pid: number
  tid: number
  /** The call included. */
  moment: number
  /** The system call's name. */
  by: string
  start: number
  end: number
}

/** Remembers the last removal of each of the addresses. */
export class Removals implements Observer {
  readonly name = 'removals'
  private readonly wanted: { pid: number; address: number; moment: number; last: Removal | null }[]

  constructor(faults: readonly { task: TaskInfo; address: bigint; moment: number }[]) {
    this.wanted = faults.map(({ task, address, moment }) => ({
      pid: task.pid,
      address: address < 1n << 32n ? Number(address) : -1,
      moment,
      last: null,
    }))
  }

  mapping({ task, start, length, prot }: MappingEvent, { moment }: MachineView): void {
    for (const one of this.wanted) {
      if (one.pid !== task.pid || one.address < start || one.address >= start + length || moment > one.moment) continue
      const { pid, tid } = task
      one.last = prot < 0 ? { pid, tid, moment, by: '', start, end: start + length } : null
    }
  }

  syscall({ moment, name }: SyscallEvent): void {
    for (const { last } of this.wanted) if (last !== null && last.by === '' && last.moment === moment) last.by = name
  }

  /** The last removal of each address, in the order in which they were given; the list is empty when there is none at all. */
  found(): (Removal | null)[] {
    return this.wanted.every(({ last }) => last === null) ? [] : this.wanted.map(({ last }) => last)
  }
}
