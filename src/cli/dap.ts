/** Exists as `lemming replay --dap`: lets an editor walk through the run. */
import { serveStreams, servePort } from '../dap/server.ts'
import type { Outside } from '../dap/requests.ts'
import { LemmingError } from '../base/errors.ts'
import { openInThread } from '../lab/debuggee.ts'
import { findRecording } from '../lab/places.ts'
import type { Thread } from '../lab/thread.ts'
import { write } from './output.ts'
import { execute } from './repl/repl.ts'
import { State } from './repl/state.ts'
import { wordsFor } from './repl/table.ts'

/** Serves one client, on standard input and output or at a port of 127.0.0.1, until it leaves. It may name the failure, too. */
export async function serveEditor(
  thread: Thread,
  name: string | undefined,
  failures: string,
  port: number | null,
): Promise<void> {
  const outside: Outside = {
    open: async (failure = name, out = failures) => {
      if (failure === undefined)
        throw new LemmingError(
          'usage-dap',
          'no failure is named',
          'give one: {"failure": "F1"} in the editor\'s configuration',
        )
      return openInThread(thread, findRecording(failure, out), null)
    },
    words: (line) => wordsFor(line) ?? [],
    command: async ({ remote, stop }, { tid, level }, text) => {
      let said = ''
      const state = new State(remote, stop, (words) => (said += words))
      const thread = (await remote.threads()).find((one) => one.tid === tid)
      if (thread !== undefined) state.select(thread.pid, tid)
      state.level = level
      await execute(state, text)
      return { said, stop: state.stop }
    },
  }
  if (port === null) await serveStreams(outside, process.stdin, process.stdout)
  else await servePort(outside, port, (bound) => write(2, `lemming: waiting for an editor at 127.0.0.1:${bound}\n`))
  process.stdin.pause()
  await thread.close()
}
