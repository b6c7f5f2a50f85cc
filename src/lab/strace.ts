/** Exists to write a run's system calls and signals as strace(1) does. */
import { signalName } from '../linux/signal-names.ts'
import { bytesFromName } from '../linux/fs/names.ts'
import { padded, quoted } from '../linux/strace.ts'
import type { RunInputs } from '../session/session.ts'
import type { Observer, SignalEvent, SyscallEvent, TaskInfo } from '../tool/observer.ts'

/** Elements of an array that strace shows. */
const SHOWN = 32

/** The line of the call that started the program, `stack` being where it found its arguments: argc, then the pointers to them. */
export function firstLine({ path, argv, env }: RunInputs, stack: bigint): string {
  const words = argv.slice(0, SHOWN).map((word) => quoted(bytesFromName(word)))
  const list = `[${words.join(', ')}${argv.length > SHOWN ? ', ...' : ''}]`
  const program = argv[0]?.includes('/') === true ? argv[0] : path
  const environ = stack + BigInt(8 * (argv.length + 2))
  const vars = `/* ${env.length} ${env.length === 1 ? 'var' : 'vars'} */`
  return padded(`execve(${quoted(bytesFromName(program), 4096)}, ${list}, 0x${environ.toString(16)} ${vars})`, '0')
}

const SIGKILL = 9

/** Watches calls, signals and exits, and hands each line with its newline to `write`. Lines say whose they are while there is more than one task. */
export function straceObserver(write: (line: string) => void): Observer {
  const alive = new Set<number>()
  /** Whose end by a signal has been told. */
  const killed = new Set<number>()
  /** Exits that are told before the call that brought them about is over: strace shows that call first. */
  const exits: { task: TaskInfo; status: number }[] = []
  const line = (task: TaskInfo, text: string): void => {
    alive.add(task.tid)
    write(`${alive.size > 1 ? `[pid ${task.tid}] ` : ''}${text}\n`)
  }
  const tellExits = (): void => {
    for (const { task, status } of exits.splice(0)) {
      const signal = status & 0x7f
      if (killed.delete(task.tid)) {
        alive.delete(task.tid)
        continue
      }
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
      // SIGKILL is not seen by who traces, only its effect.
      if (event.signal !== SIGKILL) line(event.task, `--- ${name} ${event.text()} ---`)
      if (event.disposition === 'stop') line(event.task, `--- stopped by ${name} ---`)
      if (event.disposition !== 'terminate') return
      line(event.task, `+++ killed by ${name} +++`)
      killed.add(event.task.tid)
    },
    powerLoss: ({ unsynced, kept, recovery }) => {
      alive.clear()
      exits.length = 0
      const lost = unsynced === kept ? '' : `, ${unsynced - kept} of ${unsynced} unsynced changes of files lost`
      write(`+++ power lost${lost}; recovery: ${recovery.join(' ')} +++\n`)
    },
    taskStart: (task: TaskInfo) => void alive.add(task.tid),
    taskExit: (task: TaskInfo, status: number) => void exits.push({ task, status }),
  }
}
