/** Exists to start threads that run machines and to talk with them: one job at a time, one answer each. */
import { setFlagsFromString } from 'node:v8'
import { Worker, type MessagePort } from 'node:worker_threads'
import { LemmingError } from '../base/errors.ts'
import { errorOf } from './errors.ts'
import type { Answers, Job, Message } from './jobs.ts'

/** Translated guest calls are nested wasm calls, and a guest may recurse deeply. */
const STACK_MB = 64

/**
 * MiB up to which V8 lets the heap grow. Half of it is how much memory outside of the heap makes V8 collect all garbage at once, and the memories of machines, of 2 and 4 GiB, count as such
 * although hardly any of it is used.
 */
const HEAP_MB = 16_384

// Reviving translations makes many objects that stay: with room for all of them they are not copied meanwhile. It holds for threads started from now on.
setFlagsFromString('--max-semi-space-size=64')
setFlagsFromString('--min-semi-space-size=64')

// The file is worker.ts in the sources and worker.js in the package.
const entry = new URL(`./worker${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url)

/** A thread that runs machines. */
export class Thread {
  private readonly worker: Worker
  private waiting: { resolve(message: Message): void; reject(error: Error): void } | null = null
  private ended: Error | null = null

  constructor() {
    this.worker = new Worker(entry, { resourceLimits: { stackSizeMb: STACK_MB, maxOldGenerationSizeMb: HEAP_MB } })
    this.worker.on('message', (message: Message) => {
      const waiting = this.waiting
      this.waiting = null
      waiting?.resolve(message)
    })
    this.worker.on('error', (error: Error) =>
      this.end(
        new LemmingError(
          'worker-failed',
          `a worker thread failed: ${error.message}`,
          'run fewer jobs if memory is short (--jobs)',
        ),
      ),
    )
    this.worker.on('exit', () => this.end(new LemmingError('worker-ended', 'a worker thread was ended')))
  }

  /** Does a job; rejects with the LemmingError that ended it. */
  async ask<K extends Job['kind']>(
    job: Extract<Job, { kind: K }>,
    transfer: readonly MessagePort[] = [],
  ): Promise<Answers[K]> {
    if (this.ended !== null) throw this.ended
    const message = await new Promise<Message>((resolve, reject) => {
      this.waiting = { resolve, reject }
      this.worker.postMessage(job, transfer)
    })
    if (!message.ok) throw errorOf(message.error)
    return message.result as Answers[K]
  }

  /** Ends the thread, whatever it is doing. */
  async close(): Promise<void> {
    this.end(new LemmingError('worker-ended', 'the thread was ended'))
    await this.worker.terminate()
  }

  private end(error: Error): void {
    this.ended ??= error
    const waiting = this.waiting
    this.waiting = null
    waiting?.reject(error)
  }
}
