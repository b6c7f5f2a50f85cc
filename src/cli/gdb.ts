/** Exists as `lemming replay --gdb`: waits for gdb and lets it walk through the run. */
import { serveGdb } from '../gdb/server.ts'
import { openInThread } from '../lab/debuggee.ts'
import type { Thread } from '../lab/thread.ts'
import { write } from './output.ts'

/** Serves one gdb at a port of 127.0.0.1 until it leaves. */
export async function serve(thread: Thread, file: string, port: number): Promise<void> {
  const { remote, stop, interrupt } = await openInThread(thread, file, null)
  const server = await serveGdb(remote, stop, interrupt, port)
  write(2, `lemming: waiting for gdb at 127.0.0.1:${server.port}\n`)
  write(2, `  gdb -ex 'target remote 127.0.0.1:${server.port}'\n`)
  await server.over
  await thread.close()
}
