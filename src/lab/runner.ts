/** Exists to make the runs of a hunt on threads, and to give all of them the same standard input. */
import { fstatSync } from 'node:fs'
import { isatty } from 'node:tty'
import { MessageChannel } from 'node:worker_threads'
import { LemmingError } from '../base/errors.ts'
import type { Runner, RunPoint, SeedOutcome } from '../campaign/outcome.ts'
import type { HuntJob } from './jobs.ts'
import { Thread } from './thread.ts'

/** A runner of a hunt on a thread of its own; a thread that died is replaced for the next seed. `input` gives all of standard input. */
export class ThreadRunner implements Runner {
  private thread: Thread | null
  private prepared: Promise<unknown> | null = null
  private readonly job: Omit<HuntJob, 'kind' | 'input'>
  private readonly input: () => Promise<Uint8Array>

  constructor(job: Omit<HuntJob, 'kind' | 'input'>, input: () => Promise<Uint8Array>, started: Thread | null = null) {
    this.job = job
    this.input = input
    this.thread = started
  }

  async run(point: RunPoint): Promise<SeedOutcome> {
    try {
      const thread = (this.thread ??= new Thread())
      this.prepared ??= this.prepare(thread)
      await this.prepared
      return await thread.ask<'seed'>({ kind: 'seed', ...point })
    } catch (error) {
      if (!(error instanceof LemmingError) || error.code === 'worker-ended') throw error
      if (error.code === 'worker-failed') this.thread = this.prepared = null
      const { code, message, next } = error
      return { ...point, kind: 'error', error: { code, message, next } }
    }
  }

  async close(): Promise<void> {
    await this.thread?.close()
  }

  private prepare(thread: Thread): Promise<unknown> {
    const { port1, port2 } = new MessageChannel()
    const ready = new Int32Array(new SharedArrayBuffer(4))
    port1.on('message', () => {
      void this.input().then((bytes) => {
        port1.postMessage(bytes)
        Atomics.store(ready, 0, 1)
        Atomics.notify(ready, 0)
      })
    })
    port1.unref()
    return thread.ask<'hunt'>({ kind: 'hunt', ...this.job, input: { port: port2, ready } }, [port2])
  }
}

/** All of this process' standard input, read when it is first asked for; nothing from a terminal, where nobody could type it for every run. */
export function allInput(): () => Promise<Uint8Array> {
  let bytes: Promise<Uint8Array> | undefined
  const read = async (): Promise<Uint8Array> => {
    if (isatty(0) || !isOpen(0)) return new Uint8Array(0)
    const chunks: Uint8Array[] = []
    for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array)
    return Buffer.concat(chunks)
  }
  return () => (bytes ??= read())
}

function isOpen(fd: number): boolean {
  try {
    fstatSync(fd)
    return true
  } catch {
    return false
  }
}
