/** Exists as `lemming replay --gdb`: waits for gdb and lets it walk through the run. */
import { serveGdb } from '../gdb/server.ts'
import { openInThread } from '../lab/debuggee.ts'
import type { Thread } from '../lab/thread.ts'
import { write } from './output.ts'
import { execute } from './repl/repl.ts'
import { State } from './repl/state.ts'

/** Serves one gdb at a port of 127.0.0.1 until it leaves. */
export async function serve(thread: Thread, file: string, port: number): Promise<void> {
  const { remote, stop, interrupt } = await openInThread(thread, file, null)
  const ask = async (line: string, pid: number, tid: number): Promise<string> => {
    let said = ''
    const state = new State(remote, stop, (words) => (said += words))
    state.select(pid, tid)
    await execute(state, line)
    return said
  }
  const server = await serveGdb({ remote, stop, interrupt, ask }, port)
  write(2, `lemming: waiting for gdb at 127.0.0.1:${server.port}\n`)
  write(2, `  gdb -ex 'target remote 127.0.0.1:${server.port}'\n`)
  await server.over
  await thread.close()
}
