/** Exists to write a run's system calls and signals as strace(1) does. */
import { codeName } from '../linux/signal-text.ts'
import { CODE, signalName } from '../linux/signal-names.ts'
import type { Observer, SignalEvent, SyscallEvent, TaskInfo } from '../tool/observer.ts'

/** Watches calls, signals and exits, and hands each line with its newline to `write`. Lines say whose they are while there is more than one task. */
export function straceObserver(write: (line: string) => void): Observer {
  const alive = new Set<number>()
  /** Exits that are told before the call that brought them about is over: strace shows that call first. */
  const exits: { task: TaskInfo; status: number }[] = []
  const line = (task: TaskInfo, text: string): void => {
    alive.add(task.tid)
    write(`${alive.size > 1 ? `[pid ${task.tid}] ` : ''}${text}\n`)
  }
  const tellExits = (): void => {
    for (const { task, status } of exits.splice(0)) {
      const signal = status & 0x7f
      line(task, signal === 0 ? `+++ exited with ${status >>> 8} +++` : `+++ killed by ${signalName(signal)} +++`)
      alive.delete(task.tid)
    }
  }
  return {
    name: 'strace',
    syscall: (event: SyscallEvent) => {
      line(event.task, event.text())
      tellExits()
    },
    signal: (event: SignalEvent) => {
      const name = signalName(event.signal)
      const isFault = event.code > 0 && event.code < CODE.kernel
      const address = event.address === 0n ? 'NULL' : `0x${event.address.toString(16)}`
      line(
        event.task,
        `--- ${name} {si_signo=${name}, si_code=${codeName(event.signal, event.code)}${isFault ? `, si_addr=${address}` : ''}} ---`,
      )
      if (event.disposition === 'terminate') line(event.task, `+++ killed by ${name} +++`)
    },
    taskStart: (task: TaskInfo) => void alive.add(task.tid),
    taskExit: (task: TaskInfo, status: number) => void exits.push({ task, status }),
  }
}
