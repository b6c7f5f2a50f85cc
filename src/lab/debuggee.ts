/** Exists to let front ends ask a run in another thread as if it were in theirs. */
import type { Remote, Stop } from '../session/protocol.ts'
import type { Thread } from './thread.ts'

/** A run that was opened in a thread. */
export interface OpenRun {
  remote: Remote
  /** Where it stands. */
  stop: Stop
  /** Ends what is being executed at the next opportunity. */
  interrupt: () => void
}

/** Opens the recording in a file; checkpoints may take `budget` bytes, or as much as is usual (null). */
export async function openInThread(thread: Thread, file: string, budget: number | null): Promise<OpenRun> {
  const interrupt = new Int32Array(new SharedArrayBuffer(4))
  const stop = await thread.ask<'open'>({ kind: 'open', file, budget, interrupt })
  const remote = new Proxy({} as Remote, {
    get:
      (_, method) =>
      (...args: unknown[]) =>
        thread.ask<'ask'>({ kind: 'ask', method: method as keyof Remote, args }),
  })
  return { remote, stop, interrupt: () => Atomics.store(interrupt, 0, 1) }
}
