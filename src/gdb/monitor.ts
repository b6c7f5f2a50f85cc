/** Exists for what gdb's `monitor` passes on: the questions that gdb has no words for. */
import type { Remote, Stop, Writer } from '../session/protocol.ts'

const HELP = `moment               which moment this is, and the last one
seek @N              go to a moment; then: maintenance flush register-cache
last-write ADDR [N]  who wrote these N bytes (8) last: moment, thread, stack
threads              threads, and what they wait for
out                  what the program has written so far
`

/** What to print, and where the run stands if it has moved. */
export async function monitor(
  remote: Remote,
  [word = 'help', ...args]: readonly string[],
  pid: number,
): Promise<{ said: string; stop?: Stop }> {
  switch (word) {
    case 'moment': {
      const { moment, end, tid } = await remote.position()
      return { said: `@${moment} of @${end}, thread ${tid}\n` }
    }
    case 'seek': {
      const moment = Number(args[0]?.replace(/^@/, ''))
      if (!Number.isInteger(moment) || moment < 0) return { said: 'seek: give a moment, such as @1200\n' }
      const stop = await remote.seek(moment)
      return {
        said: `@${stop.moment}, thread ${stop.tid}\nmaintenance flush register-cache makes gdb look again\n`,
        stop,
      }
    }
    case 'last-write': {
      const address = Number(args[0])
      const size = Number(args[1] ?? 8)
      if (!Number.isInteger(address) || !(size > 0)) return { said: 'last-write: give an address, such as 0x4c20d0\n' }
      const writer = await remote.lastWrite({ pid, address, size })
      return { said: writer === null ? 'never written\n' : `${writerLines(writer).join('\n')}\n` }
    }
    case 'threads': {
      const threads = await remote.threads()
      const lines = threads.map(
        ({ tid, name, waiting }) => `${tid} ${name}${waiting === null ? '' : ` waits in ${waiting}`}`,
      )
      return { said: `${lines.join('\n')}\n` }
    }
    case 'out': {
      const output = await remote.output()
      return {
        said: output.map(({ moment, fd, bytes }) => `@${moment} ${fd}: ${Buffer.from(bytes).toString()}`).join(''),
      }
    }
    default:
      return { said: HELP }
  }
}

/** A last writer in lines. */
function writerLines({ moment, tid, name, byKernel, before, after, stack }: Writer): string[] {
  const hex = (bytes: Uint8Array | null): string =>
    bytes === null ? 'unreadable' : `0x${Buffer.from(bytes).reverse().toString('hex')}`
  return [
    `@${moment} thread ${tid} "${name}"${byKernel ? ' (by a system call)' : ''}: ${hex(before)} -> ${hex(after)}`,
    ...stack.frames.map(({ address, function: f, file, line }, i) => {
      const where = file === undefined ? '' : ` at ${file}:${line ?? '?'}`
      return `#${i} ${address} in ${f ?? '??'} ()${where}`
    }),
  ]
}
